"""Tests as a policy writes them. Input: tests and operands. Output: policy text that means the same."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

from policyjwt.language.model import (
    Affix,
    And,
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
    Value,
    Within,
)

_QUANTITY = {"one": "", "any": "any of ", "all": "all of ", "only": "only "}
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))
_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def text_of(test: Test) -> str:
    """A test in one line."""
    match test:
        case And():
            return " and ".join(inner_text(part) for part in test.tests)
        case Or():
            return " or ".join(inner_text(part) for part in test.tests)
        case Not():
            return f"not {inner_text(test.test)}"
        case Quantified():
            items = operand_text(test.items)
            return f"{test.quantity} {test.variable} in {items} satisfies {inner_text(test.test)}"
        case _:
            return _elementary(test)


def inner_text(test: Test) -> str:
    """A test as a part of another one, in parentheses where it needs them."""
    text = text_of(test)
    return f"({text})" if isinstance(test, And | Or | Quantified) else text


def operand_text(operand: Operand) -> str:
    """An operand as the author wrote it; a `let` keeps its name."""
    if isinstance(operand, Path):
        return operand.text
    if isinstance(operand, Literal):
        return operand.name or value_text(operand.value)
    return f"{operand.function}({operand_text(operand.argument)})"


def value_text(value: Value) -> str:
    """A literal."""
    if isinstance(value, tuple):
        return f"[{', '.join(value_text(element) for element in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "".join(map(_shown, json.dumps(value, ensure_ascii=False)))
    text = repr(value)
    if "e" not in text:
        return text
    text = format(Decimal(text), "f")  # the language writes no exponents
    return text if "." in text else f"{text}.0"


def is_hidden(character: str) -> bool:
    """Whether a character can't be seen for what it is: controls, turns of direction, odd spaces."""
    return character != " " and unicodedata.category(character) in _HIDDEN


def _shown(character: str) -> str:
    return json.dumps(character)[1:-1] if is_hidden(character) else character


def duration_text(seconds: int) -> str:
    """Seconds in the largest unit that holds them exactly: `86400` is `1d`."""
    for size, unit in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def date_text(epoch: int) -> str:
    """The day that begins at `epoch`, as `2027-06-30`."""
    return datetime.fromordinal(epoch // 86_400 + _EPOCH_DAY).date().isoformat()


def pattern_text(pattern: str) -> str:
    """A pattern between its slashes."""
    return "/" + re.sub(r"(?<!\\)((?:\\\\)*)/", r"\1\\/", pattern) + "/"


def _elementary(test: Test) -> str:
    match test:
        case Compare():
            return f"{operand_text(test.left)} {test.operator} {operand_text(test.right)}"
        case In():
            word = "not in" if test.negated else "in"
            return f"{operand_text(test.left)} {word} {operand_text(test.right)}"
        case Contains():
            return f"{operand_text(test.left)} contains {_QUANTITY[test.quantity]}{operand_text(test.right)}"
        case Affix():
            return f"{operand_text(test.left)} {test.where} with {operand_text(test.right)}"
        case Under():
            return f"{operand_text(test.left)} under {operand_text(test.right)}"
        case Like():
            return f"{operand_text(test.left)} like {value_text(test.glob)}"
        case Matches():
            return f"{operand_text(test.left)} matches {pattern_text(test.pattern)}"
        case Within():
            return f"{operand_text(test.left)} within {duration_text(test.seconds)}"
        case DateTest():
            return f"{operand_text(test.left)} {test.side} {date_text(test.epoch)}"
        case Presence():
            return f"{test.path.text} is {'present' if test.present else 'absent'}"
        case IsType():
            return f"{test.path.text} is {test.type}"
        case _:
            raise AssertionError("tests of tests are written by text_of")
