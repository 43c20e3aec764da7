"""When a source of keys is fetched again. Input: instants and outcomes. Output: the next instant.

Pure and without a clock: all instants are the caller's, of a clock that never jumps. Not thread-safe.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

REGULAR: Final = 300.0
"""Seconds between two fetches where the source says nothing."""

SOONEST, LATEST = 60.0, 3600.0
"""Between these the source may choose by its Cache-Control."""

COOL_DOWN: Final = 30.0
"""Seconds in which an unknown kid causes no second attempt, whatever became of the first."""

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 300.0
"""After failures: doubled each time, up to the longest."""

JITTER: Final = 0.1
"""The part of each pause that chance decides, so that many processes do not ask at once."""

KIDS: Final = 128
KIDS_FOR: Final = 300.0
"""So many unknown kids are remembered, for so many seconds."""

_SHORTEST: Final = 1.0
_KEY: Final = secrets.token_bytes(16)
"""Makes the digests of kids useless to whoever reads the memory of another process, and not to be aimed at."""


class Pace:
    """The pace of one source. `random` gives numbers in [0, 1)."""

    __slots__ = ("_asked", "_began", "_random", "_stale", "_unknown", "due", "ended", "failures", "wanted")

    def __init__(self, *, stale: float, random: Callable[[], float]) -> None:
        self._stale, self._random = stale, random
        self.due = 0.0
        self.ended: float | None = None  # when the last attempt ended
        self.failures = 0
        self.wanted = False
        self._began = 0.0
        self._asked: dict[bytes, float] = {}  # kids that wait for a fetch, and since when
        self._unknown: dict[bytes, float] = {}  # kids that a fetch did not bring, and until when they count as that

    def want(self, kid: str | None, now: float) -> bool:
        """Ask for a fetch before its time; whether that is news.

        A kid asks once: it is unknown for good when a fetch that began after it asked has ended well.
        """
        if kid is not None:
            name = blake2b(kid.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=16).digest()
            until = self._unknown.get(name)
            if until is not None:
                if now < until:
                    return False
                del self._unknown[name]
            if name not in self._asked and len(self._asked) < KIDS:
                self._asked[name] = now
                self._forget_oldest()
        news, self.wanted = not self.wanted, True
        return news

    def next(self, now: float) -> float:
        """The instant of the next attempt: in time, or sooner because it is wanted, never within the cool-down."""
        if self.ended is None:
            return now
        if not self.wanted or self.failures:
            return self.due
        return min(self.due, max(self.ended + COOL_DOWN, now))

    def begin(self, now: float) -> None:
        """An attempt begins. What is asked from here on is not answered by it."""
        self._began = now
        self.wanted = False

    def succeed(self, now: float, max_age: int | None, age: float = 0.0) -> None:
        """The attempt brought keys that were put in place, and that are `age` seconds old."""
        self.ended, self.failures = now, 0
        for name, since in list(self._asked.items()):
            if since <= self._began:
                del self._asked[name]
                self._unknown[name] = now + KIDS_FOR
        pause = REGULAR if max_age is None else min(max(float(max_age), SOONEST), LATEST)
        left = max(self._stale - age, min(self._stale, 2 * COOL_DOWN))  # of an old copy little: soon, not at once
        pause = max(min(pause, left / 2), _SHORTEST)
        self.due = now + pause * (1 - JITTER * self._random())

    def fail(self, now: float) -> None:
        """The attempt brought nothing. Who asked still waits: the next one is for them too."""
        self.ended = now
        self.failures += 1
        pause = min(FIRST_PAUSE * 2.0 ** min(self.failures - 1, 16), LONGEST_PAUSE)
        self.due = now + pause * (1 + JITTER * self._random())

    def scatter(self, now: float) -> None:
        """Spread what is due over the time until then: processes that were forked from one would ask at once."""
        self.due = now + max(self.due - now, 0.0) * (1 - self._random() / 2)

    def _forget_oldest(self) -> None:
        while self._unknown and self.remembered > KIDS:
            del self._unknown[next(iter(self._unknown))]

    @property
    def remembered(self) -> int:
        """How many kids are remembered."""
        return len(self._asked) + len(self._unknown)
