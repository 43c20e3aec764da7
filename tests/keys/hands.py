"""Time that a test moves by hand, and sources whose fetches it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from typing import Any

from policyjwt.keys.feed import Brought, Message
from policyjwt.keys.feeds import Feeds, RemoteSource
from policyjwt.tokens import KeySet
from tests.issuer import Issuer
from tests.keys.https_server import GUARD

EPOCH = 1_700_000_000.0
DAY = 86_400


class Hands:
    """A clock and a timer that stand still until a test moves them; threads that wait for them alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self._changed = Condition()
        self._idle: dict[int, tuple[float | None, SimpleQueue[Any]]] = {}

    def clock(self) -> float:
        return EPOCH + self.now

    def timer(self) -> float:
        return self.now

    def wait(self, wake: SimpleQueue[Message[KeySet] | None], seconds: float | None) -> Message[KeySet] | None:
        """As the real one, by the time of the test."""
        with self._changed:
            until = None if seconds is None else self.now + seconds
            self._idle[id(wake)] = (until, wake)
            try:
                while True:
                    if not wake.empty():
                        return wake.get_nowait()
                    if until is not None and until <= self.now:
                        raise Empty
                    self._changed.notify_all()
                    self._changed.wait(0.005)
            finally:
                del self._idle[id(wake)]

    def settle(self, threads: int = 1) -> None:
        """Wait until so many threads have nothing to do."""

        def settled() -> bool:
            return len(self._idle) == threads and all(
                wake.empty() and (until is None or until > self.now) for until, wake in self._idle.values()
            )

        with self._changed:
            assert self._changed.wait_for(settled, GUARD), "the threads do not come to rest"

    def move(self, seconds: float, *, threads: int = 1) -> None:
        """Let time go by, and everything happen that is due at its end."""
        with self._changed:
            self.now += seconds
            self._changed.notify_all()
        self.settle(threads)


class Counted:
    """A source: what it gives may be changed, and each fetch is recorded with its instant."""

    def __init__(self, hands: Hands, keys: KeySet | None = None) -> None:
        self.hands, self.keys = hands, keys or Issuer().keys()
        self.max_age: int | None = None
        self.fault: BaseException | None = None
        self.gate: Event | None = None
        self.entered = Event()
        self.times: list[float] = []

    def fetch(self) -> Brought[KeySet]:
        self.times.append(self.hands.now)
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(GUARD)
        if self.fault is not None:
            raise self.fault
        return Brought(self.keys, self.max_age)


class Holder:
    """What an engine is to its feeds: it owns them, and takes what they bring."""

    def __init__(self, hands: Hands, *sources: RemoteSource[KeySet], **more: Any) -> None:
        self.hands = hands
        self.taken: list[tuple[str, KeySet, float]] = []
        self.judge: Callable[[KeySet], object] = lambda _: None
        usual: dict[str, Any] = {
            "clock": hands.clock,
            "timer": hands.timer,
            "wait": hands.wait,
            "random": lambda: 0.0,
        }
        self.feeds: Feeds[KeySet] = Feeds(sources, install=self.install, **(usual | more))

    def install(self, reference: str, keys: KeySet, at: float) -> None:
        self.judge(keys)
        self.taken.append((reference, keys, at))


@contextmanager
def holding(hands: Hands, *sources: Counted, stale: float = DAY, **more: Any) -> Iterator[Holder]:
    """A holder of these sources, named `url:0` and so on, whose threads have ended at the end."""
    items = [RemoteSource(f"url:{number}", each.fetch, stale) for number, each in enumerate(sources)]
    holder = Holder(hands, *items, **more)
    try:
        yield holder
    finally:
        for each in sources:
            if each.gate is not None:
                each.gate.set()
        threads = list(holder.feeds._threads.values())
        holder.feeds.close()
        for thread in threads:
            thread.join(GUARD)
    assert not any(thread.is_alive() for thread in threads)


def side_by_side(*calls: Callable[[], object]) -> list[Thread]:
    """Each call in a thread of its own; all have ended, or the test has."""
    threads = [Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GUARD)
    assert not any(thread.is_alive() for thread in threads), "a call hangs"
    return threads
