"""An explanation of one requirement of one token, in phrases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """What came and what was expected; `help` says what to do."""

    actual: str
    expected: str
    help: str | None = None
