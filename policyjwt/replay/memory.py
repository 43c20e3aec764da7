"""A replay store in the memory of one process: bounded, and full rather than forgetful."""

from __future__ import annotations

import heapq
import math
import os
import time
from collections.abc import Callable
from threading import Lock
from typing import Final, Literal

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.protocol import StoreFull, check_request

GRACE: Final = 60
"""Seconds for which keys are held past their time while there is room, so that a clock that is set back by less does no
harm."""


class MemoryReplayStore:
    """Holds at most `capacity` keys, for the threads of one process, until the process ends.

    `single_process` is the caller's word that no other process accepts the same tokens. `clock` gives seconds since the
    epoch, the clock by which tokens are judged.

    After a fork it answers in the process that made it only: two copies would each accept every token once.

    A key that is alive is never forgotten: a full store raises StoreFull. Where the clock is set back to a time at
    which a forgotten key would be alive again, the store raises StoreUnavailable until that time has passed.
    """

    reach: Literal["process"] = "process"

    def __init__(self, capacity: int, *, single_process: bool = False, clock: Callable[[], float] = time.time) -> None:
        if type(capacity) is not int or capacity < 1:
            raise ValueError("the capacity is a whole number, at least 1")
        self.word: str | None = "one process alone accepts these tokens" if single_process else None
        self._capacity = capacity
        self._clock = clock
        self._lock = Lock()
        self._notes: dict[bytes, bytes] = {}
        self._ends: list[tuple[float, bytes]] = []
        self._horizon = -math.inf
        self._process = os.getpid()

    @property
    def durability(self) -> str:
        """What is remembered for how long, for verdicts."""
        return "ends with this process"

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self._notes)

    def __bool__(self) -> bool:
        """True: an empty store is a store."""
        return True

    def __repr__(self) -> str:
        """Counts only."""
        return f"<MemoryReplayStore: {len(self._notes)} of {self._capacity} keys>"

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """See `ReplayStore`. Raises StoreFull where all keys are alive and `key` is new."""
        check_request(key, ttl, note)
        if os.getpid() != self._process:  # before the lock, which a fork may have left held for ever
            raise StoreUnavailable("this store was made in another process: make it after the fork")
        with self._lock:
            now = self._now()
            self._forget(now)
            if key in self._notes:
                return False
            if len(self._notes) >= self._capacity:
                raise StoreFull("the replay store is full of nonces that are still alive")
            self._notes[key] = note
            heapq.heappush(self._ends, (now + ttl, key))
            return True

    def first(self, key: bytes) -> bytes | None:
        """See `ReplayStore`."""
        if os.getpid() != self._process:
            return None
        with self._lock:
            return self._notes.get(key)

    def _now(self) -> float:
        now = self._clock()
        if not math.isfinite(now):
            raise StoreUnavailable("the clock gives no time")
        if now < self._horizon:
            raise StoreUnavailable("the clock was set back to when nonces, since forgotten, were alive")
        return now

    def _forget(self, now: float) -> None:
        """Forget keys whose time has passed, and the grace: a token was judged before the store looks at its clock."""
        while self._ends:
            ends = self._ends[0][0]
            if ends + GRACE > now:
                return
            _, key = heapq.heappop(self._ends)
            del self._notes[key]
            self._horizon = ends
