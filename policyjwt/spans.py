"""Times in words. Input: seconds. Output: phrases, the same wherever a time is told."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_LAST_TIME = 253_402_300_799
"""9999-12-31T23:59:59Z, the end of the calendar."""


def span(seconds: float) -> str:
    """A span of time in days, hours, minutes and seconds, at most the two largest: `14m 3s`."""
    if not math.isfinite(seconds):
        return "longer than any calendar"
    if abs(seconds) < 1:
        return "less than 1s"
    whole = int(abs(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        number, whole = divmod(whole, size)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts[:2])


def duration(seconds: float) -> str:
    """As `span`, of what a policy allows: nothing is `0s`."""
    return span(seconds) if seconds else "0s"


def skew_text(skew: float) -> str:
    """The allowance for clocks that differ, as an addition to a limit."""
    return f", with {duration(skew)} for clock skew" if skew else ""


def moment(value: float) -> str | None:
    """A time as `2026-11-23T17:40:00Z`; None for what no calendar has."""
    if not 0 <= value <= _LAST_TIME:
        return None
    return datetime.fromtimestamp(int(value), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
