"""How old keys may be. Input: when they came, and until when they are believed. Output: nothing, or a refusal.

Keys that do not age are not asked about here.
"""

from __future__ import annotations

from typing import Final

from policyjwt.errors import TokenRefused
from policyjwt.spans import duration, span

CLOCK_TOLERANCE: Final = 600.0
"""Seconds by which a clock may be set back before keys that came earlier count as undated."""


def check_age(whose: str, *, came: float, until: float, now: float, by_clock: bool) -> None:
    """TokenRefused `key.set_stale` where the keys may no longer be believed.

    Keys from the future came while the clock was wrong: how old they are, nobody knows. `by_clock` says that `now` is
    the engine's clock's; a caller who judges by another time means it.
    """
    if by_clock and now < came - CLOCK_TOLERANCE:  # check: K9
        raise _stale(f"{whose} came at a time that the clock does not show yet", came=came, until=until)
    if not now <= until:  # check: K9
        raise _stale(f"{whose} are {span(now - came)} old", came=came, until=until)


def _stale(actual: str, *, came: float, until: float) -> TokenRefused:
    return TokenRefused(
        "key.set_stale",
        actual=actual,
        expected=f"keys of at most {duration(until - came)}",
        help="`Engine.status()` says why they were not renewed; a KeySet that was handed in is never renewed",
    )
