"""The verdicts of `satisfiable` against evaluation: what a token does can never be called impossible."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyjwt.checker.satisfiable import EVERY, FALSE, KNOWN, NOT_FALSE, NOT_TRUE, TRUE, UNKNOWN, satisfiable
from policyjwt.expressions.reference import evaluate
from policyjwt.expressions.scope import Scope
from policyjwt.language.model import (
    Affix,
    And,
    Call,
    Compare,
    Contains,
    DateTest,
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
    Test,
    Under,
    Within,
)
from policyjwt.source import Span
from tests.checker.policy_text import blocks, policy

HERE = Span("p.policy", 0, 0, 1, 1, 1, 1)
DAY = 86_400

TEXTS = ["a", "b", "ab", "A", "a b", "", "corp.example", "x.corp.example", "https://corp.example/", "é"]
NUMBERS = [0, 1, 2, 1.5, -1, 3, DAY, 2**60]
SCALARS: list[Any] = [*TEXTS, *NUMBERS, True, False]

scalars = st.sampled_from(SCALARS)
paths = st.sampled_from(
    [Path(HERE, "claim", members, ".".join(members)) for members in (("p",), ("q",), ("o", "m"), ("r", "s", "t"))]
)
literals = st.builds(Literal, st.just(HERE), scalars)
lists = st.builds(Literal, st.just(HERE), st.lists(scalars, min_size=1, max_size=3).map(tuple))


def calls(*functions: str) -> st.SearchStrategy[Operand]:
    """A function of a path, and `count` of the words."""
    one = st.builds(Call, st.just(HERE), st.sampled_from(functions), paths)
    return cast(st.SearchStrategy[Operand], one)


values = st.one_of(paths, calls("words", "lower", "count", "host"))
both = st.one_of(values, literals)
texts = st.builds(Literal, st.just(HERE), st.sampled_from(TEXTS))
here = st.just(HERE)
elementary = st.one_of(
    st.builds(Compare, here, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), values, both),
    st.builds(Compare, here, st.sampled_from(["==", "!="]), literals, both),
    st.builds(In, here, values, lists, st.booleans()),
    st.builds(In, here, literals, paths, st.booleans()),
    st.builds(Contains, here, values, st.just("one"), both),
    st.builds(Contains, here, values, st.sampled_from(["any", "all", "only"]), lists),
    st.builds(Affix, here, st.sampled_from(["starts", "ends"]), values, texts),
    st.builds(Like, here, values, st.sampled_from(["a*", "*b", "**", "a", "*.example", "a*b"])),
    st.builds(Matches, here, values, st.sampled_from(["[ab]+", "a|ab", "[0-9]*"])),
    st.builds(Under, here, values, st.sampled_from([Literal(HERE, "corp.example"), Literal(HERE, "a")])),
    st.builds(Within, here, values, st.sampled_from([1, DAY])),
    st.builds(DateTest, here, values, st.sampled_from(["before", "after"]), st.sampled_from([0, DAY])),
    st.builds(Presence, here, paths, st.booleans()),
    st.builds(IsType, here, paths, st.sampled_from(["string", "number", "integer", "boolean", "list", "object"])),
)
variable = st.just(Path(HERE, "variable", ("v",), "v"))
inner = st.one_of(
    st.builds(Compare, here, st.sampled_from(["==", "!=", "<"]), variable, literals),
    st.builds(In, here, variable, lists, st.booleans()),
    st.builds(IsType, here, variable, st.sampled_from(["string", "number"])),
    st.builds(Compare, here, st.just("=="), variable, paths),
)
quantified = st.builds(
    Quantified,
    here,
    st.sampled_from(["every", "some"]),
    st.just("v"),
    st.one_of(paths, calls("words")),
    st.recursive(inner, lambda deeper: st.builds(And, here, st.tuples(deeper, deeper)), max_leaves=3),
)
tests = st.recursive(
    st.one_of(elementary, quantified),
    lambda deeper: st.one_of(
        st.builds(Not, here, deeper),
        st.builds(And, here, st.lists(deeper, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, here, st.lists(deeper, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
json = st.one_of(
    scalars,
    st.none(),
    st.just({}),
    st.lists(st.one_of(scalars, st.none(), st.just([]), st.just({})), max_size=4),
)
objects = st.one_of(json, st.dictionaries(st.sampled_from(["m", "s"]), json, max_size=2))
claims = st.fixed_dictionaries(
    {},
    optional={
        "p": json,
        "q": json,
        "o": objects,
        "r": st.one_of(objects, st.fixed_dictionaries({"s": st.fixed_dictionaries({"t": json})})),
    },
)


def outcome(test: Test, token: dict[str, object], now: float) -> bool | None:
    return evaluate(test, Scope(roots={"claim": token, "header": {}, "context": {}}, now=now, skew=0, variables={}))


@settings(max_examples=600, deadline=None)
@given(st.lists(tests, min_size=1, max_size=3), claims, st.sampled_from([0.0, 2.0, float(DAY)]))
def test_what_a_token_does_is_never_impossible(wanted: list[Test], token: dict[str, object], now: float) -> None:
    assert satisfiable([(test, frozenset({outcome(test, token, now)})) for test in wanted])


@settings(max_examples=150, deadline=None)
@given(tests, st.sampled_from([TRUE, FALSE, UNKNOWN, NOT_TRUE, NOT_FALSE, KNOWN]))
def test_an_outcome_and_its_opposite(test: Test, wanted: frozenset[bool | None]) -> None:
    assert not satisfiable([(test, wanted), (test, EVERY - wanted)])
    assert satisfiable([(test, wanted)]) or satisfiable([(test, EVERY - wanted)])


@pytest.mark.parametrize(
    "rule",
    [
        'require a == "x" and a != "x"',
        'require a != "x" and a in ["x"]',
        "require n < 1 and n >= 1",
        "require n > 1 and n < 2 and n is integer",
        'require l contains "x" and l contains only ["y"]',
        'require not (l contains any of ["x", "y"]) and l contains "y"',
        'require a starts with "ab" and not (a starts with "a")',
        'require a ends with "b" and a == "a"',
        'require a like "x*" and a == "y"',
        'require a matches /[0-9]+/ and a == "x"',
        'require host(u) under "a.example" and host(u) == "b.example"',
        "require a is present and a is absent",
        "require a.b is string and a.b is absent",
        'require words(s) contains "a" and words(s) contains only ["b"]',
        'require some v in l satisfies (v == "a" and v == "b")',
        "require t before 2026-01-01 and t after 2027-01-01",
        'require a == "x" and not (a is string)',
        'require (a == "x" or a == "y") and a == "z"',
    ],
)
def test_contradictions_are_found(rule: str) -> None:
    (block,) = blocks(policy(rule))
    assert not satisfiable([(block.rules[0].test, TRUE)])


def test_a_question_that_costs_too_much_counts_as_possible() -> None:
    terms = [f'(a{n} == "x" or b{n} == "x")' for n in range(30)]
    (block,) = blocks(policy(f'require (z == "x" or z == "w") and (z == "y" or z == "v") and {" and ".join(terms)}'))
    assert satisfiable([(block.rules[0].test, TRUE)])


def test_many_rules_cost_a_bounded_number_of_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    from policyjwt.checker import rules_logic

    asked = 0

    def counting(wishes: list[Any]) -> bool:
        nonlocal asked
        asked += 1
        return satisfiable(wishes)

    monkeypatch.setattr(rules_logic, "satisfiable", counting)
    rules = [f'require a != "{n}" or b{n} == "x"' for n in range(100)]
    (block,) = blocks(policy(*rules, 'require a != "5" or b5 == "x"'))
    found = [fault.code for fault in rules_logic.logic_faults(block, faulty=[])]
    assert found == ["PJ962"]
    assert asked < 10 * len(rules) + 3 * rules_logic._MOST_PAIRS


def test_a_question_costs_a_bounded_number_of_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    from policyjwt.checker import satisfiable as module

    tried = 0

    def counting(test: Test, scope: Scope) -> bool | None:
        nonlocal tried
        tried += 1
        return evaluate(test, scope)

    monkeypatch.setattr(module, "evaluate", counting)
    terms = [f'(l contains "{n}" or l contains only ["{n}", "x"])' for n in range(5)]
    (block,) = blocks(policy(f'require {" and ".join(terms)} and l contains only ["y"]'))
    module.satisfiable([(block.rules[0].test, TRUE)])
    assert 0 < tried <= module.MOST_TRIALS
