"""One source of keys and the thread that fetches it. Input: messages in a queue. Output: calls of `install`.

The thread holds this and nothing above it, so that an engine which nobody uses any more can go.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Final, Generic, TypeAlias, TypeVar

from policyjwt.errors import KeyRefused
from policyjwt.keys import fetch_messages as say
from policyjwt.keys.pace import Pace

K = TypeVar("K")
"""What a source brings: a KeySet, another set that has `keys`, or the bytes of one secret."""


@dataclass(frozen=True, slots=True, repr=False)
class Brought(Generic[K]):
    """What a fetch brought: keys, and how fresh they are.

    `max_age` are the seconds for which they are fresh by their source's word, None where it says nothing; `age` those
    for which they have lain in caches on the way, at most.
    """

    keys: K
    max_age: int | None = None
    age: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class RemoteSource(Generic[K]):
    """A key reference, how its keys are fetched, and its `stale at most` in seconds.

    `fetch` is called in a thread of its own, one call at a time, and must not hold the engine.
    """

    reference: str
    fetch: Callable[[], Brought[K]]
    stale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """How a source is doing. Instants are the engine's clock's.

    `fetched_at` is when the fetch of the keys in use began; `last_error` is that of the last attempt, None where
    that went well; `fetches` counts the attempts that went well.
    """

    reference: str
    fetched_at: float | None
    last_error: str | None
    failed_at: float | None
    next_refresh: float
    attempts: int
    fetches: int
    failures: int
    fetching: bool


@dataclass(frozen=True, slots=True)
class Message(Generic[K]):
    """Fetch now, and put what came of it into `answer`. Without `answer`: look what is due."""

    answer: SimpleQueue[K | KeyRefused] | None = None


Wake: TypeAlias = "SimpleQueue[Message[K] | None]"
Wait: TypeAlias = Callable[["SimpleQueue[Message[K] | None]", float | None], "Message[K] | None"]
"""Takes from the queue; Empty when the seconds are over. None ends the thread."""

_LONGEST_WAIT: Final = 3600.0


def wait_for(wake: SimpleQueue[Message[K] | None], seconds: float | None) -> Message[K] | None:
    """The next message."""
    return wake.get(timeout=None if seconds is None else min(seconds, _LONGEST_WAIT))


class Feed(Generic[K]):
    """The state of one source, shared by its thread and by whoever asks. The lock is held for a few lines only."""

    def __init__(
        self,
        source: RemoteSource[K],
        *,
        install: Callable[[], Callable[[str, K, float], None] | None],
        clock: Callable[[], float],
        timer: Callable[[], float],
        wait: Wait[K],
        random: Callable[[], float],
    ) -> None:
        self.source, self.install = source, install
        self.clock, self.timer, self.wait = clock, timer, wait
        self.pace = Pace(stale=source.stale, random=random)
        self.scheduled = False  # whether it fetches by itself; before that only when asked
        self.closed = False
        self.fetched_at: float | None = None
        self.failed_at: float | None = None
        self.last_error: str | None = None
        self.attempts = self.fetches = 0
        self.fetching = False
        self.renew()

    def renew(self) -> None:
        """Locks and queues as new: in a forked process nobody is left who would release or fill them."""
        self.lock = Lock()
        self.wake: SimpleQueue[Message[K] | None] = SimpleQueue()
        self.fetching = False

    def want(self, kid: str | None) -> None:
        """A fetch is wanted. Never waits for more than a few lines of another thread."""
        with self.lock:
            news = self.pace.want(kid, self.timer())
        if news:
            self.wake.put(Message())

    def pause(self) -> float | None:
        """Seconds until an attempt is due; None where none is until somebody asks."""
        with self.lock:
            if not self.scheduled:
                return None
            now = self.timer()
            return max(self.pace.next(now) - now, 0.0)

    def attempt(self) -> K | KeyRefused:
        """Fetch and install. Whatever happens: it returns, and the status tells."""
        with self.lock:
            self.pace.begin(self.timer())
            self.attempts += 1
            self.fetching = True
        at: float | None = None
        result: Brought[K] | KeyRefused
        try:
            at = self._instant()
            result = self._fetched()
            self._installed(result.keys, at)
        except KeyRefused as refused:
            result = _bare(refused)
        except BaseException:  # noqa: BLE001 - fail-closed border: whatever it is, the thread must go on
            result = say.not_taken()
        with self.lock:
            self.fetching = False
            self._ended(result, at)
        return result if isinstance(result, KeyRefused) else result.keys

    def _instant(self) -> float:
        try:
            at = float(self.clock())
        except Exception:  # noqa: BLE001 - fail-closed border: the clock is the caller's
            raise say.clock_failed() from None
        if not math.isfinite(at):
            raise say.clock_failed()
        return at

    def _fetched(self) -> Brought[K]:
        try:
            return self.source.fetch()
        except KeyRefused:
            raise
        except BaseException:  # noqa: BLE001 - the border to a caller's resolver; its exception may quote a secret
            raise say.source_failed() from None

    def _installed(self, keys: K, at: float) -> None:
        """Put the keys in place, unless the engine has ended or only asked what they are."""
        if not self.scheduled:
            return
        install = None if self.closed else self.install()
        if install is None:
            raise say.closed()
        install(self.source.reference, keys, at)

    def _ended(self, result: Brought[K] | KeyRefused, at: float | None) -> None:
        now = self.timer()
        if isinstance(result, KeyRefused):
            self.last_error, self.failed_at = f"{result.code}: {result.message}", at
            self.pace.fail(now)
            return
        self.fetches += 1
        self.last_error, self.fetched_at = None, at
        self.pace.succeed(now, result.max_age, result.age)

    def status(self) -> FeedStatus:
        """As it is now."""
        at = self.clock()
        with self.lock:
            now = self.timer()
            return FeedStatus(
                reference=self.source.reference,
                fetched_at=self.fetched_at,
                last_error=self.last_error,
                failed_at=self.failed_at,
                next_refresh=at + max(self.pace.next(now) - now, 0.0),
                attempts=self.attempts,
                fetches=self.fetches,
                failures=self.pace.failures,
                fetching=self.fetching,
            )


def _bare(refused: KeyRefused) -> KeyRefused:
    """The same without the frames that it came through: they hold what was fetched."""
    try:
        return KeyRefused(str(refused.code), str(refused.message), help=refused.help)
    except Exception:  # noqa: BLE001 - a subclass of a caller's may lack anything, and the thread must go on
        return say.source_failed()


def run(feed: Feed[K]) -> None:
    """The thread of one source. Everybody who asked before a fetch begins is answered by that one fetch."""
    wake = feed.wake
    while _turn(feed, wake):
        pass  # nothing is held between two turns: keys that are gone are gone


def _turn(feed: Feed[K], wake: SimpleQueue[Message[K] | None]) -> bool:
    """Wait, and fetch if it is time or somebody asks; whether there is a next turn."""
    answers: list[SimpleQueue[K | KeyRefused]] = []
    try:
        message = feed.wait(wake, feed.pause())
        while message is not None:
            if message.answer is not None:
                answers.append(message.answer)
            message = wake.get_nowait()
    except Empty:
        pass
    else:  # None came: the end
        for answer in answers:
            answer.put(say.closed())
        return False
    if answers or feed.pause() == 0:
        result = feed.attempt()
        for answer in answers:
            answer.put(result)
    return True
