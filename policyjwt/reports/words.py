"""Tests of rules in plain words, for auditors. Input: a test of the model. Output: a clause.

The clause says when the test is true; that a missing or ill-typed value never passes is said once, by the
report.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from policyjwt.language import model
from policyjwt.language.model import Call, Literal, Operand, Path, Scalar, Test, Value

_COMPARES = {
    "==": "is",
    "!=": "is not",
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
}
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def clause(test: Test) -> str:
    """When `test` is true."""
    match test:
        case model.Compare():
            return f"{operand(test.left)} {_COMPARES[test.operator]} {operand(test.right)}"
        case model.In():
            return _membership(test)
        case model.Contains():
            return _contains(test)
        case model.Affix():
            return f"{operand(test.left)} {test.where.removesuffix('s')}s with {operand(test.right)}"
        case model.Like():
            return f"{operand(test.left)} has the form {quoted(test.glob)}"
        case model.Matches():
            return f"the whole of {operand(test.left)} fits the pattern `/{test.pattern}/`"
        case model.Under():
            return f"{operand(test.left)} is the host {operand(test.right)} or one below it"
        case model.Within():
            return f"{operand(test.left)} is a time of the last {duration(test.seconds)}"
        case model.DateTest():
            side = "before" if test.side == "before" else "on or after"
            return f"{operand(test.left)} is a time {side} {date(test.epoch)}"
        case model.Presence():
            return f"{operand(test.path)} is {'present' if test.present else 'absent'}"
        case model.IsType():
            return f"{operand(test.path)} is {a_type(test.type)}"
        case _:
            return _joined(test)


def _joined(test: Test) -> str:
    """Tests that are made of tests."""
    match test:
        case model.Not():
            return f"it is not so that {_grouped(test.test)}"
        case model.And():
            return ", and ".join(_grouped(part) for part in test.tests)
        case model.Or():
            return ", or ".join(_grouped(part) for part in test.tests)
        case model.Quantified():
            quantity = "every element" if test.quantity == "every" else "at least one element"
            return f"for {quantity} `{test.variable}` of {operand(test.items)}: {_grouped(test.test)}"
        case _:
            raise AssertionError("every kind of test has its words")


def _grouped(test: Test) -> str:
    said = clause(test)
    return f"({said})" if isinstance(test, (model.And, model.Or, model.Quantified)) else said


def _membership(test: model.In) -> str:
    verb = "is not" if test.negated else "is"
    if isinstance(test.right, Literal) and isinstance(test.right.value, tuple):
        choice = "none of" if test.negated else "one of"
        return f"{operand(test.left)} is {choice} {values(test.right.value)}"
    return f"{operand(test.left)} {verb} an element of {operand(test.right)}"


def _contains(test: model.Contains) -> str:
    how = {
        "one": "contains",
        "any": "contains at least one of",
        "all": "contains all of",
        "only": "contains nothing but",
    }[test.quantity]
    said = operand(test.right)
    if test.quantity == "all" and isinstance(test.right, Literal) and isinstance(test.right.value, tuple):
        said = alternatives([quoted(element) for element in test.right.value], "and")
    return f"{operand(test.left)} {how} {said}"


def operand(part: Operand) -> str:
    """A value of the token, of the request or of the policy."""
    if isinstance(part, Literal):
        return values(part.value)
    if isinstance(part, Call):
        return _call(part)
    return path(part)


def _call(call: Call) -> str:
    inner = operand(call.argument)
    return {
        "words": f"the list of words in {inner}",
        "lower": f"{inner} in lower case",
        "count": f"the number of elements of {inner}",
        "host": f"the host of {inner}",
    }[call.function]


def begun(sentence: str) -> str:
    """With a capital letter at its beginning; what it quotes stays as it is."""
    return sentence[:1].upper() + sentence[1:]


def path(part: Path) -> str:
    """Where a value comes from, and its name."""
    name = ".".join(part.members)
    match part.root:
        case "claim":
            return f"the claim `{name}`"
        case "header":
            return f"the header parameter `{name}`"
        case "context":
            return f"`{name}` of the request"
        case "certificate":
            return f"`{name}` of the signer's certificate"
        case "client":
            return f"`{name}` of the client's certificate"
        case "variable":
            return f"`{name}`"


def values(value: Value) -> str:
    """A literal, or the elements of one."""
    if isinstance(value, tuple):
        return alternatives([quoted(element) for element in value], "or")
    return quoted(value)


def quoted(value: Scalar) -> str:
    """A literal as the policy writes it."""
    return json.dumps(value, ensure_ascii=False)


def alternatives(parts: list[str], word: str) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def names(parts: tuple[str, ...], word: str = "and") -> str:
    """Names in backquotes, joined."""
    return alternatives([f"`{part}`" for part in parts], word)


def a_type(name: str) -> str:
    """`a string`, `an object`."""
    return f"{'an' if name[0] in 'aio' else 'a'} {name}"


def duration(seconds: int) -> str:
    """Exactly: `90 seconds`, `10 minutes`, `1 hour`, `36 hours`."""
    for size, unit in _UNITS:
        if seconds % size == 0 and (seconds >= size or size == 1):
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    raise AssertionError("every integer is a number of seconds")


def date(epoch: int) -> str:
    """The day that begins at `epoch`."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%d")
