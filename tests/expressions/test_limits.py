"""No token makes a rule slow: work is counted, the same by both evaluators and in any order. No test reads a clock."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt.expressions import generate, work
from policyjwt.expressions.deadlines import instants
from policyjwt.expressions.emitter import Emitter
from policyjwt.expressions.explain import TOO_MUCH_WORK, why
from policyjwt.expressions.generate import emit_test, may_reach_limit
from policyjwt.expressions.reference import evaluate
from policyjwt.expressions.scope import MAX_WORK, LimitReached
from policyjwt.language.model import And, Compare, Literal, Not, Or, Quantified, Test
from tests.expressions.evaluators import both, by_generated, by_reference, demand, function, scope, written
from tests.expressions.strategies import SPAN, path

NESTED = "every a in l satisfies (some b in claim.m satisfies a == b)"


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("x == 1", False),
        ('every a in l satisfies (a == "x" or a starts with "y")', False),
        ("every a in l satisfies a.b.c == 1", False),
        ("some a in l satisfies words(a.b) contains a.c", False),
        ("every a in l satisfies a == claim.x", True),
        ("every a in l satisfies words(claim.s) contains a", True),
        ("every a in l satisfies context.method == a", True),
        ("every a in l satisfies (some b in a satisfies b == 1)", True),
        (NESTED, True),
        (f"x == 1 and not ({NESTED})", True),
    ],
)
def test_only_what_can_grow_faster_than_the_token_is_counted(text: str, counted: bool) -> None:  # noqa: FBT001 - a column
    test = demand(text)
    assert may_reach_limit(test) is counted
    assert ("w1 = 0" in written(test).source()) is counted


def test_two_long_lists_reach_the_limit() -> None:
    claims: dict[str, Any] = {"l": [0] * 6000, "m": [0] * 6000}
    assert both(demand(NESTED), scope(claims)) == "limit"
    with pytest.raises(LimitReached):
        evaluate(demand(NESTED), scope(claims))


def test_long_texts_reach_the_limit() -> None:
    claims: dict[str, Any] = {"l": ["x"] * 2000, "s": "y " * 1000}
    for text in (
        "words(claim.s) contains a",
        'claim.s like "*a*b*c*"',
        "claim.s matches /.*x.*/",
        "claim.s starts with a",
    ):
        assert both(demand(f"some a in l satisfies {text}"), scope(claims)) == "limit"


def test_lists_of_a_service_do_not_reach_it() -> None:
    claims: dict[str, Any] = {"l": list(range(100)), "m": list(range(50, 250))}
    assert both(demand(NESTED), scope(claims)) is False
    claims["m"] = list(range(200))
    assert both(demand(NESTED), scope(claims)) is True


def test_one_long_list_is_no_matter() -> None:
    assert both(demand('every a in l satisfies a == "x"'), scope({"l": ["x"] * 20_000})) is True


@pytest.mark.parametrize("size", range(4))
def test_the_last_step_that_is_allowed(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two elements that each look at a list of `size`: a step for each, and what the two operands weigh."""
    claims: dict[str, Any] = {"l": [1, 2], "m": [0] * size}
    test = demand("every a in l satisfies claim.m contains a")
    steps = 2 * (1 + 1 + (1 + size))
    for module in (work, generate):
        monkeypatch.setattr(module, "MAX_WORK", steps)
    assert both(test, scope(claims)) is not "limit"  # noqa: F632 - the outcome may be None or False
    for module in (work, generate):
        monkeypatch.setattr(module, "MAX_WORK", steps - 1)
    assert both(test, scope(claims)) == "limit"


@pytest.mark.parametrize("word", ["and", "or"])
def test_no_term_hides_a_limit(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (work, generate):
        monkeypatch.setattr(module, "MAX_WORK", 100)
    claims: dict[str, Any] = {"l": [0] * 20, "m": [0] * 20, "x": "a"}
    for other in ('x == "a"', 'x == "b"', "y == 1"):
        for text in (f"({NESTED}) {word} {other}", f"{other} {word} ({NESTED})"):
            assert both(demand(text), scope(claims)) == "limit"


def test_the_work_of_two_quantifiers_is_added_up() -> None:
    one = "(every a in l satisfies claim.m contains a)"
    claims: dict[str, Any] = {"l": [0] * 250, "m": [0] * 250}
    assert 250 * 253 < MAX_WORK < 2 * 250 * 253
    assert both(demand(one), scope(claims)) is True
    assert both(demand(f"{one} and {one}"), scope(claims)) == "limit"


def test_the_steps_that_are_made_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither evaluator goes on after the limit: comparisons are counted."""
    made = 0

    def equal(left: object, right: object) -> bool:
        nonlocal made
        made += 1
        return left == right

    monkeypatch.setattr("policyjwt.expressions.reference.equal", equal)
    monkeypatch.setattr("policyjwt.expressions.runtime.equal", equal)
    at = scope({"l": list(range(9000)), "m": list(range(9000, 18_000))})
    for evaluator in (by_reference, by_generated):
        made = 0
        assert evaluator(demand(NESTED), at) == "limit"
        assert 0 < made <= MAX_WORK


def test_explanations_and_deadlines_stop_too() -> None:
    at = scope({"l": [0] * 6000, "m": [0] * 6000})
    assert why(demand(NESTED), at, values=False) == TOO_MUCH_WORK
    test = demand("every a in l satisfies (some b in claim.m satisfies b within 1h)")
    assert sum(1 for _ in instants(test, at)) <= 2 * MAX_WORK


# ------------------------------------------------------------------------------------ nesting


def _deep(depth: int, kind: str) -> Test:
    test: Test = Compare(SPAN, "==", path("claim", "a"), Literal(SPAN, 1))
    for level in range(depth):
        if kind == "not":
            test = Not(SPAN, test)
        elif kind == "every":
            items = path("variable", f"v{depth - level - 2}") if level < depth - 1 else path("claim", "l")
            test = Quantified(SPAN, "every", f"v{depth - level - 1}", items, test)
        else:
            test = (And if level % 2 else Or)(
                SPAN, (test, test if level < 3 else Compare(SPAN, "==", path("claim", "b"), Literal(SPAN, level)))
            )
    return test


@pytest.mark.parametrize("kind", ["not", "and", "every"])
@pytest.mark.parametrize("depth", [1, 8, 9, 20, 39, 40, 41, 64])
def test_the_deepest_rules_that_can_be_written(kind: str, depth: int) -> None:
    nested: object = [1]
    for _ in range(depth - 1):
        nested = [nested]
    for claims in ({"a": 1, "b": 2, "l": nested}, {"a": 2}, {"a": "x", "l": [[]]}):
        both(_deep(depth, kind), scope(claims))


def test_what_is_too_deep_for_python_is_judged_by_the_reference() -> None:
    assert "judge" not in written(_deep(8, "every")).source().partition("\n")[2]
    source = written(_deep(9, "every")).source()
    assert source.count("\n") == 3
    assert function(_deep(9, "every"))({"l": []}, {}, {}, 0, {}, {}) is None


def test_the_limit_is_told_through_what_is_too_deep() -> None:
    out = Emitter()
    emit_test(_deep(64, "every"), out, "t")
    assert out.source().startswith("t = k_0(")
