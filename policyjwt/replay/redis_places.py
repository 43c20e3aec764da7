"""Where a key lives: on the one server, on the primary that Sentinel names, or on a node of a cluster. No I/O.

The caller holds a lock, takes the steps of each question over a connection to its seed, and lets `learn` have it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import redis_messages as say
from policyjwt.replay.redis_settings import Address, Settings
from policyjwt.replay.redis_steps import Again, Steps, finding_primary, finding_slots

PRIMARY_AGE: Final = 1.0
"""Seconds for which Sentinel's answer counts: so long a primary that was voted out may still be asked."""

Ranges = tuple[tuple[int, int, Address], ...]
Answer = Address | Ranges | None


class Places:
    """What was learned of where keys live."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seeds = list(settings.addresses)
        self._primary: Address | None = settings.addresses[0] if settings.kind == "one" else None
        self._ranges: Ranges = ()
        self._learned_at = 0.0
        self.failures = 0
        """How many look-ups have asked every seed in vain."""

    def questions(
        self, seen: int, *, is_over: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Address, Steps[Answer]]]:
        """Whom to ask what, until it is known. Raises StoreUnavailable if none knows.

        `seen`: `failures` before the caller waited for its turn. A look-up that failed meanwhile is not made again.
        `is_over`: whether there is no time to ask one more; then nothing is known of those who were not asked.
        """
        if self._settings.kind == "sentinel" and time.monotonic() >= self._learned_at + PRIMARY_AGE:
            self._primary = None
        if self._is_known():
            return
        if self.failures != seen:
            raise self.unknown()
        for seed in list(self._seeds):
            if is_over():
                raise self.unknown()
            self._seeds.remove(seed)
            self._seeds.append(seed)  # who does not answer is asked last the next time, also where a task is cancelled
            yield seed, self._question(seed)
            if self._is_known():
                self._seeds.remove(seed)
                self._seeds.insert(0, seed)  # and who answered first
                return
        self.failures += 1
        raise self.unknown()

    def learn(self, answer: Answer) -> None:
        """Take the answer in."""
        self._learned_at = time.monotonic()
        if isinstance(answer, Address):
            self._primary = answer
        elif answer:
            self._ranges = answer
            self._seeds += {address for _, _, address in answer}.difference(self._seeds)

    def of(self, key: bytes) -> Address:
        """Where the key lives. Raises StoreUnavailable where nothing, or no node, is known."""
        if self._settings.kind == "cluster":
            from redis.crc import key_slot

            slot = key_slot(key)
            for first, last, address in self._ranges:
                if first <= slot <= last:
                    return address
        elif self._primary is not None:
            return self._primary
        raise self.unknown()

    def forget(self, key: bytes, address: Address) -> None:
        """The server at the address failed, or did not have the key: ask anew, unless that was done meanwhile."""
        if self._settings.kind != "one" and self._is_known() and self.of(key) == address:
            self._primary, self._ranges = None, ()

    def hop(self, again: Again) -> Address | None:
        """Where a node of a cluster sends us for this one time."""
        return again.address if self._settings.kind == "cluster" else None

    def _is_known(self) -> bool:
        return self._primary is not None or bool(self._ranges)

    def _question(self, seed: Address) -> Steps[Answer]:
        if self._settings.kind == "sentinel":
            return (yield from finding_primary(self._settings))
        return (yield from finding_slots(seed))

    def unknown(self) -> StoreUnavailable:
        """Nobody tells where the key lives."""
        if self._settings.kind == "sentinel":
            return say.not_found(self._settings.service)
        return say.no_node()
