"""One judgement of claims by a schema: its parts, its limits, and what it has found. Input: values of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

MAX_STEPS: Final = 100_000
"""Keywords judged, and elements and characters looked at, for one token."""

MAX_FAULTS: Final = 100
"""Faults told of one token."""

_CHARACTERS_A_STEP: Final = 32


class LimitError(Exception):
    """The work of one judgement has reached its limit."""


class Run:
    """One judgement. While `quiet`, faults are not kept: the schema only asks whether a part holds."""

    __slots__ = ("collects", "faults", "quiet", "steps")

    def __init__(self, *, collects: bool) -> None:
        self.collects = collects
        self.faults: set[str] = set()
        self.quiet = 0
        self.steps = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Count some work. Raises LimitError."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitError

    def fault(self, pointer: str) -> bool:
        """Note a fault; False, for a check to give back."""
        if not self.quiet and len(self.faults) < MAX_FAULTS:
            self.faults.add(pointer)
        return False


class Seen:
    """Which names and items of a value its schema has judged, for `unevaluatedProperties` and `unevaluatedItems`."""

    __slots__ = ("items", "names")

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.items: set[int] = set()

    def add(self, other: Seen) -> None:
        """Count what another schema has judged of the same value."""
        self.names |= other.names
        self.items |= other.items


Check: TypeAlias = Callable[[Run, object, Seen], bool]
"""Whether a value holds one keyword; notes its fault, and what it has judged."""


class Node:
    """One schema. `last` are the checks that need to know what all others have judged."""

    __slots__ = ("checks", "last")

    def __init__(self) -> None:
        self.checks: tuple[Check, ...] = ()
        self.last: tuple[Check, ...] = ()

    def judge(self, run: Run, value: object) -> Seen | None:
        """What was judged of the value; None if it breaks the schema."""
        seen = Seen()
        sound = True
        for check in self.checks:
            run.spend(1)
            if not check(run, value, seen):
                if run.quiet:
                    return None
                sound = False
        # What a broken part would have judged is not known: the rest of it is no fault of its own.
        if not sound:
            return None
        for check in self.last:
            run.spend(1)
            sound = check(run, value, seen) and sound
        return seen if sound else None

    def holds(self, run: Run, value: object) -> Seen | None:
        """As `judge`, without noting faults."""
        run.quiet += 1
        try:
            return self.judge(run, value)
        finally:
            run.quiet -= 1


def canonical(value: object, run: Run) -> str:
    """One text for each value of JSON: `1` and `1.0` are one, `1` and `true` are two, members have no order.

    Texts, because an attacker can choose integers whose hashes collide, but not strings.
    """
    run.spend(1)
    match value:
        case None | bool():
            return str(value)
        case str():
            run.spend(len(value) // _CHARACTERS_A_STEP)
            return f"{len(value)}'{value}"
        case int():
            return hex(value)
        case float():
            return hex(int(value)) if value.is_integer() else value.hex()
        case list():
            return f"[{','.join([canonical(item, run) for item in value])}]"
        case dict():
            members = sorted(f"{canonical(name, run)}:{canonical(item, run)}" for name, item in value.items())
            return f"{{{','.join(members)}}}"
        case _:
            raise LimitError  # no value of JSON: nothing is known of it


def every(run: Run, results: Iterable[bool]) -> bool:
    """Whether all hold. Each is asked, so that every fault is told, unless nobody listens."""
    sound = True
    for result in results:
        if not result:
            sound = False
            if run.quiet:
                break
    return sound


def length_in_steps(text: str) -> int:
    """The work of reading a text."""
    return 1 + len(text) // _CHARACTERS_A_STEP
