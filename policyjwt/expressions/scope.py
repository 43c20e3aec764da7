"""What an expression may read, and how much work it may cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

MAX_WORK = 100_000
"""Steps that one test may take in `every` and `some` that stand inside each other or look outside themselves.

A token of 32 KiB holds lists of some ten thousand elements: one inside the other would be a hundred million
steps. A hundred thousand are a list of 100 against another of 200, and some tenths of a second at the very most.
See `work.py` for what counts.
"""


class LimitReached(Exception):  # noqa: N818 - said of the work, which is no error of ours
    """Judging this takes more than MAX_WORK steps. The caller makes the whole requirement unknown."""


@dataclass(frozen=True, slots=True, repr=False)
class Scope:
    """The values that an expression may read. `now` is in seconds since the epoch, `skew` in seconds.

    `roots` holds decoded JSON with exact types (dict, list, str, int, float, bool, None) under "claim",
    "header" and "context"; a root that is not given is unknown, not empty. `variables` are those of `every`
    and `some`. It has no `repr`: claims are in it.
    """

    roots: Mapping[str, Mapping[str, object]]
    now: float
    skew: int
    variables: Mapping[str, object]

    def bind(self, variable: str, value: object) -> Scope:
        """The same with a variable more."""
        return replace(self, variables={**self.variables, variable: value})
