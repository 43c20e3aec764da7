"""Random tests and random values for them, from few names and few values so that they often meet."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import strategies as st

from policyjwt.language.model import (
    FUNCTIONS,
    TYPE_NAMES,
    Affix,
    And,
    Call,
    Compare,
    CompareOperator,
    Contains,
    DateTest,
    Function,
    In,
    IsType,
    Like,
    Literal,
    Matches,
    Not,
    Operand,
    Or,
    Path,
    Presence,
    Quantified,
    Root,
    Scalar,
    Test,
    TypeName,
    Under,
    Within,
)
from policyjwt.source import Span
from tests.expressions.evaluators import NOW

SPAN = Span("p.policy", 0, 1, 1, 1, 1, 2)

TEXTS = ("", "a", "b", "ab", "A", "a b", " a  b", "x.y", "q.x.y", "https://x.y/a", "\u212a", "ops-1")
NUMBERS = (0, 1, -1, 2, 2**53 + 1, 0.0, 1.0, 0.5, float(2**53), 10**40, NOW, NOW - 60, NOW + 0.5, NOW + 31)

scalars: st.SearchStrategy[Scalar] = st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.booleans())
names = st.sampled_from(("a", "b", "c"))


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=3))


values: st.SearchStrategy[Any] = st.recursive(st.one_of(st.none(), scalars), _deeper, max_leaves=8)
_lists: st.SearchStrategy[list[Any]] = st.one_of(
    st.lists(st.sampled_from(TEXTS), max_size=6),
    st.lists(st.one_of(scalars, st.none()), max_size=6),
    st.lists(st.lists(scalars, max_size=5), max_size=5),
    st.lists(st.dictionaries(names, scalars, max_size=3), max_size=5),
)
claims = st.one_of(values, scalars, _lists, _lists, st.dictionaries(names, _lists, max_size=3))
objects: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"a": claims, "b": claims}, optional={"c": claims}),
    st.dictionaries(names, claims, max_size=3),
)
"""Claims: most have values for most names, and many of these are lists."""


def path(root: Root, *members: str) -> Path:
    """A path as an author would write it."""
    before = () if root in {"claim", "variable"} else (root,)
    return Path(SPAN, root, members, ".".join((*before, *members)))


def _paths(variables: tuple[str, ...]) -> st.SearchStrategy[Path]:
    below = st.lists(names, max_size=2)
    found = [
        st.builds(lambda first, rest: path("claim", first, *rest), names, below),
        st.builds(lambda first: path("header", first), names),
        st.builds(lambda first: path("context", "values", first), names),
        st.builds(lambda first: path("certificate", first), names),
    ]
    if variables:
        variable = st.builds(lambda name, rest: path("variable", name, *rest), st.sampled_from(variables), below)
        found.extend([variable] * 4)
    return st.one_of(found)


def _operands(variables: tuple[str, ...]) -> st.SearchStrategy[Operand]:
    paths = _paths(variables)
    functions = st.sampled_from([cast("Function", name) for name in FUNCTIONS])
    calls = st.builds(Call, st.just(SPAN), functions, paths)
    return st.one_of(paths, paths, calls, st.builds(Call, st.just(SPAN), functions, calls))


_literals = st.builds(Literal, st.just(SPAN), scalars)
_some_scalars = st.one_of(
    st.lists(scalars, min_size=1, max_size=4),
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4),
)
_literal_lists = st.builds(Literal, st.just(SPAN), st.builds(tuple, _some_scalars))
_numbers = st.builds(Literal, st.just(SPAN), st.sampled_from(NUMBERS))
_strings = st.builds(Literal, st.just(SPAN), st.sampled_from([text for text in TEXTS if text]))
_hosts = st.builds(Literal, st.just(SPAN), st.sampled_from(("x.y", "y")))


_texts = st.builds(Literal, st.just(SPAN), st.sampled_from(TEXTS))


def _words(paths: st.SearchStrategy[Path]) -> st.SearchStrategy[Operand]:
    words: Function = "words"
    return st.builds(Call, st.just(SPAN), st.just(words), paths)


def _elementary(variables: tuple[str, ...]) -> st.SearchStrategy[Test]:
    span, value, paths = st.just(SPAN), _operands(variables), _paths(variables)
    single = st.one_of(value, _literals)
    equality: st.SearchStrategy[CompareOperator] = st.sampled_from(("==", "!="))
    order: st.SearchStrategy[CompareOperator] = st.sampled_from(("<", "<=", ">", ">="))
    number = st.one_of(value, _numbers)
    types = st.sampled_from([cast("TypeName", name) for name in TYPE_NAMES])
    return st.one_of(
        st.builds(Compare, span, equality, single, single),
        st.builds(Compare, span, order, number, number),
        st.builds(In, span, single, st.one_of(value, _literal_lists), st.booleans()),
        st.builds(Contains, span, st.one_of(value, _literal_lists), st.just("one"), single),
        st.builds(Contains, span, value, st.sampled_from(("any", "all", "only")), _literal_lists),
        st.builds(Contains, span, _words(paths), st.just("one"), _texts),
        st.builds(Affix, span, st.sampled_from(("starts", "ends")), value, st.one_of(value, _strings)),
        st.builds(Like, span, value, st.sampled_from(("a*", "**", "*b", "https://*.y/**"))),
        st.builds(Matches, span, value, st.sampled_from(("[a-z]*", "a|ab", ".*", "(a b)?"))),
        st.builds(Under, span, value, st.one_of(value, _hosts)),
        st.builds(Within, span, value, st.sampled_from((0, 60, 10**9))),
        st.builds(DateTest, span, value, st.sampled_from(("before", "after")), st.just(1699920000)),
        st.builds(Presence, span, paths, st.booleans()),
        st.builds(IsType, span, paths, types),
    )


def random_tests(variables: tuple[str, ...] = (), depth: int = 3) -> st.SearchStrategy[Test]:
    """Random tests, `depth` of them inside each other; `variables` are at hand."""
    if depth == 0:
        return _elementary(variables)
    inner = st.deferred(lambda: random_tests(variables, depth - 1))
    terms = st.builds(tuple, st.lists(inner, min_size=2, max_size=3))
    variable = f"v{len(variables)}"
    body = st.deferred(lambda: random_tests((*variables, variable), depth - 1))
    quantity = st.sampled_from(("every", "some"))
    quantified = st.builds(Quantified, st.just(SPAN), quantity, st.just(variable), _operands(variables), body)
    return st.one_of(
        _elementary(variables),
        st.builds(Not, st.just(SPAN), inner),
        st.builds(And, st.just(SPAN), terms),
        st.builds(Or, st.just(SPAN), terms),
        quantified,
        quantified,
    )
