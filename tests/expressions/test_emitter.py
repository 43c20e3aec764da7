"""Generated code: nothing of a policy in it, one text for one shape, claims read once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given

from policyjwt.expressions.emitter import Emitter
from policyjwt.language.model import Test
from tests.expressions.evaluators import demand, function, written
from tests.expressions.strategies import random_tests

_WORDS = {
    "def",
    "judge",
    "claims",
    "header",
    "context",
    "certificate",
    "client",
    "now",
    "if",
    "is",
    "not",
    "and",
    "or",
    "in",
    "else",
    "for",
}
_WORDS |= {"return", "break", "raise", "True", "False", "None", "type", "str", "int", "float", "bool", "list", "dict"}
_WORDS |= {"len", "get", "split", "startswith", "endswith", "is_integer", "result"}


@given(random_tests(depth=3))
def test_code_holds_our_own_words_alone(test: Test) -> None:
    source = written(test).source().replace('.split(" ")', ".split()")
    assert '"' not in source
    assert "'" not in source
    made = {word for word in re.findall(r"[A-Za-z_]\w*", source) if word not in _WORDS}
    assert all(re.fullmatch(r"k_\d+|[fvxtw]\d+", word) for word in made), made
    assert set(re.findall(r"(?<![\w])\d+", source)) <= {"0", "1"}


def test_text_of_a_policy_never_becomes_code() -> None:
    evil = "'); __import__('os').system('true') #"
    for text in (f'x == "{evil}"', f'`{evil}` == "a"', f'a.`{evil}` in ["{evil}", "b"]', f'x starts with "{evil}"'):
        out = written(demand(text))
        assert "import" not in out.source()
        held: list[object] = []
        for value in out.constants.values():
            held.extend(value if isinstance(value, frozenset) else [value])
        assert evil in held
        assert function(demand(text))({}, {}, {}, 0, {}, {}) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('x == "a"', 'other == "b"'),
        ('x in ["a", "b"] and y is present', 'q in ["c"] and z is present'),
        ("x >= 1 or y.z == true", "a >= 2.5 or b.c == true"),
        ('roles contains any of ["a"]', 'groups contains any of ["x", "y"]'),
        ("t within 1h", "t within 2d"),
        ("x == 1 and y == 1", "x == 1 and y == 2"),
        (
            'every r in a satisfies (r == "x" or r starts with "y")',
            'every q in b satisfies (q == "y" or q starts with "y")',
        ),
    ],
)
def test_tests_of_one_shape_share_one_text(one: str, other: str) -> None:
    assert written(demand(one)).source() == written(demand(other)).source()


def test_a_claim_is_read_once() -> None:
    text = 'a.b == "x" or a.b == "y" or a.c is present or (some v in a.l satisfies v == claim.a.b)'
    source = written(demand(text)).source()
    assert source.count("claims.get(") == 1
    assert source.count(".get(") == 4


def test_a_prologue_serves_all_tests_of_a_function() -> None:
    from policyjwt.expressions.generate import emit_test

    out = Emitter()
    out.line("def judge(claims, header, context, now, certificate, client):")
    with out.indent():
        out.prologue()
        for target, text in (("one", "a == 1"), ("two", 'a == "b"')):
            out.line("if True:")
            with out.indent():
                emit_test(demand(text), out, target)
    lines = out.source().splitlines()
    assert [line.strip() for line in lines[:2]] == [
        "def judge(claims, header, context, now, certificate, client):",
        "v1 = claims.get(k_0)",
    ]
    assert out.source().count("claims.get(") == 1


def test_constants_are_told_apart() -> None:
    out = Emitter()
    names = [out.const(value) for value in (1, True, 1.0, "1", 1, "1")]
    assert len(set(names)) == len(names)
    assert [out.constants[name] for name in names] == [1, True, 1.0, "1", 1, "1"]
    assert [type(out.constants[name]) for name in names] == [int, bool, float, str, int, str]
    shared = frozenset({"a"})
    assert out.const(shared) == out.const(shared)


def test_names_are_never_given_twice() -> None:
    out = Emitter()
    names = [out.fresh("k"), out.const(1), out.fresh("k"), out.fresh("t"), out.const("x")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("prefix", ["", "T", "a b", "a1", "x;y", "é", "toolongprefix"])
def test_a_name_begins_with_small_letters(prefix: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        Emitter().fresh(prefix)


@pytest.mark.parametrize("text", ["a = 1\nb = 2", "a = 'é'", "a\r", "\ta", "x = '\u2028'"])
def test_a_line_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        Emitter().line(text)


def test_lines_are_indented() -> None:
    out = Emitter()
    out.line("a")
    with out.indent():
        out.line("b")
        with pytest.raises(RuntimeError), out.indent():
            raise RuntimeError
        out.line("c")
    out.line("d")
    assert out.source() == "a\n    b\n    c\nd\n"


def test_only_what_the_compiler_offers_is_called() -> None:
    """Generated code runs with a few of Python's names; this test's own function has no others."""
    judge: Any = function(demand('count(roles) == 1 and words(scope) contains "a"'))
    assert set(judge.__globals__["__builtins__"]) == {"type", "len", "str", "int", "float", "bool", "list", "dict"}
    assert judge({"roles": [1], "scope": "a"}, {}, {}, 0, {}, {}) is True
