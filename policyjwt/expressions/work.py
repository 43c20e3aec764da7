"""How the work of a test is counted: the same in both evaluators, whatever the order of operands.

Nothing counts but `every` and `some` that stand inside each other, or whose test reads anything but their own
variable: all other tests take time in proportion to the token. In these each element counts one step, and
each operand of a test the size of its value. No short circuit saves a step: the count depends on values
alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.expressions.scope import MAX_WORK, LimitReached
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

_CHARACTERS_A_STEP = 4
"""The slowest test of a text, a glob with several stars, takes a microsecond for them, like any other step."""


class Meter:
    """Counts the steps of one evaluation; only inside of quantifiers that count."""

    __slots__ = ("_inside", "_spent")

    def __init__(self) -> None:
        self._spent = 0
        self._inside = 0

    def enter(self, quantified: Quantified) -> None:
        """Begin a quantifier; one inside of one that counts, counts."""
        if self._inside or counts(quantified):
            self._inside += 1

    def leave(self) -> None:
        """End the innermost quantifier."""
        self._inside = max(0, self._inside - 1)

    def spend(self, steps: int) -> None:
        """Count some steps. Raises LimitReached."""
        if self._inside:
            self._spent += steps
            if self._spent > MAX_WORK:
                raise LimitReached


def weight(value: object) -> int:
    """The steps that an operand with this value counts: one, and what it takes to look through it."""
    if type(value) is list:
        return 1 + len(value)
    return 1 + len(value) // _CHARACTERS_A_STEP if type(value) is str else 1


def counts(quantified: Quantified) -> bool:
    """Whether the work of a quantifier is counted."""
    return any(
        isinstance(part, Quantified)
        or any(path.root != "variable" or path.members[0] != quantified.variable for path in paths_read(part))
        for part in subtests(quantified.test)
    )


def may_reach_limit(test: Test) -> bool:
    """Whether a token can make this test reach MAX_WORK."""
    return any(isinstance(part, Quantified) and counts(part) for part in subtests(test))


def subtests(test: Test) -> Iterator[Test]:
    """The test and all tests in it."""
    waiting = [test]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, (Not, Quantified)):
            waiting.append(part.test)
        elif isinstance(part, (And, Or)):
            waiting.extend(reversed(part.tests))


def operands(test: Test) -> tuple[Operand, ...]:
    """The operands of a test itself, left before right; none for `and`, `or` and `not`."""
    match test:
        case Compare() | In() | Contains() | Affix() | Under():
            return (test.left, test.right)
        case Like() | Matches() | Within() | DateTest():
            return (test.left,)
        case Presence() | IsType():
            return (test.path,)
        case Quantified():
            return (test.items,)
        case Not() | And() | Or():
            return ()


def path_in(operand: Operand) -> Path | None:
    """The path that an operand reads, itself or as the argument of functions."""
    while isinstance(operand, Call):
        operand = operand.argument
    return operand if isinstance(operand, Path) else None


def paths_read(test: Test) -> Iterator[Path]:
    """The paths that a test itself reads."""
    for operand in operands(test):
        path = path_in(operand)
        if path is not None:
            yield path
