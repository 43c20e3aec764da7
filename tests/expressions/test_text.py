"""Tests as text: what is written means the same."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from policyjwt.expressions.text import date_text, duration_text, operand_text, pattern_text, text_of, value_text
from policyjwt.source import Span
from tests.expressions.evaluators import demand, rule
from tests.shared import cases


def _shape(node: object) -> object:
    """A test without the places where it stands."""
    if is_dataclass(node) and not isinstance(node, type):
        held: list[Any] = [getattr(node, field.name) for field in fields(node)]
        return (type(node).__name__, *(_shape(part) for part in held if not isinstance(part, Span)))
    return tuple(map(_shape, node)) if isinstance(node, tuple) else (type(node).__name__, node)


@pytest.mark.parametrize("case", cases("expressions.json"), ids=lambda case: str(case["id"]))
def test_what_is_written_is_read_as_the_same(case: dict[str, Any]) -> None:
    test = rule(f"require {case['expr']}").test
    assert _shape(demand(text_of(test))) == _shape(test)


@pytest.mark.parametrize(
    "text",
    [
        "x matches /a\\/b/",
        'x like "a\\\\*b"',
        'x == "\\"\\\\\\n\\u202e"',
        "x == 0.00000001",
        "x == 10000000000000000000000.0",
        "x == 123456789012345678901234567890",
        "x == -1",
        "not (x == 1 and y == 2)",
        "not (not (x == 1))",
        "(x == 1 or y == 2) and (every v in l satisfies (v == 1 or v == 2))",
        "every v in l satisfies (some w in v.m satisfies w == v.n)",
        "t before 1969-12-31",
        "t after 9999-12-31",
        "`a b`.`c.d` is present",
    ],
)
def test_round_trip(text: str) -> None:
    test = demand(text)
    assert _shape(demand(text_of(test))) == _shape(test)
    assert text_of(test).isprintable()


def test_phrases() -> None:
    assert [duration_text(seconds) for seconds in (0, 1, 60, 90, 3600, 86_400, 172_800)] == [
        "0s", "1s", "1m", "90s", "1h", "1d", "2d",
    ]  # fmt: skip
    assert [date_text(epoch) for epoch in (0, -86_400, 1_700_000_000)] == ["1970-01-01", "1969-12-31", "2023-11-14"]
    assert value_text(("a", 1, True, 1.5)) == '["a", 1, true, 1.5]'
    assert pattern_text("a/b") == "/a\\/b/"
    assert operand_text(demand("count(words(x)) == 1").left) == "count(words(x))"  # type: ignore[union-attr]
