"""Drives a store under test, for threads or for event loops, in the same words. Input: a function that opens it."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable, iscoroutinefunction
from threading import Barrier, Thread
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from policyjwt.errors import StoreUnavailable

if TYPE_CHECKING:
    import asyncio

    from policyjwt.replay.conformance import AsyncReplayStore, MakeStore
    from policyjwt.replay.protocol import ReplayStore

_BREATH: Final = 1e-3
"""Seconds for which a thread lets others run, at a line of the store."""


class NotConforming(AssertionError):  # noqa: N818 - said of a store
    """A store does not do what it must. The message says what was expected and what came."""


class Driven:
    """A store under test. Answers are given as they came."""

    def __init__(self, store: ReplayStore | AsyncReplayStore, runner: asyncio.Runner, *, hang: float) -> None:
        self.store = store
        self._runner = runner
        self._hang = hang

    def consume(self, key: bytes, ttl: int, note: bytes) -> object:
        """Consume a key. Any exception but StoreUnavailable is a fault of the store."""
        try:
            return self._done(self.store.consume, key, ttl, note)
        except StoreUnavailable:
            raise
        except Exception as error:  # the border to the store under test
            raise NotConforming(
                f"expected that `consume` answers, or raises StoreUnavailable; came: {type(error).__name__}"
            ) from error

    def call(self, key: object, ttl: object, note: object) -> object:
        """As `consume`, with arguments that are none."""
        function: Callable[..., object] = self.store.consume
        return self._done(function, key, ttl, note)

    def first(self, key: bytes) -> object:
        """The note of a key. Any exception but StoreUnavailable is a fault of the store."""
        try:
            return self._done(self.store.first, key)
        except StoreUnavailable:
            raise
        except Exception as error:  # the border to the store under test
            raise NotConforming(
                f"expected that `first` gives a note or None, or raises StoreUnavailable; came: {type(error).__name__}"
            ) from error

    def close(self) -> bool:
        """Close the store if it can be closed, and say whether it can."""
        close = getattr(self.store, "aclose", None) or getattr(self.store, "close", None)
        if close is None:
            return False
        self._done(close)
        return True

    def consume_at_once(self, key: bytes, ttl: int, note: bytes, *, times: int, slowly: bool) -> list[object]:
        """What comes of many uses of one key at once; exceptions stand among the answers."""
        if iscoroutinefunction(self.store.consume):
            return self._runner.run(self._tasks(key, ttl, note, times=times))
        return self._threads(key, ttl, note, times=times, slowly=slowly)

    async def _tasks(self, key: bytes, ttl: int, note: bytes, *, times: int) -> list[object]:
        import asyncio

        async def use() -> object:
            answer: Any = self.store.consume(key, ttl, note)
            return await answer

        async with asyncio.timeout(self._hang):
            return list(await asyncio.gather(*(use() for _ in range(times)), return_exceptions=True))

    def _threads(self, key: bytes, ttl: int, note: bytes, *, times: int, slowly: bool) -> list[object]:
        answers: list[object] = []
        barrier = Barrier(times)

        def use() -> None:
            barrier.wait(self._hang)
            before = sys.gettrace()
            if slowly:
                sys.settrace(_breathe)
            try:
                answer: object = self.store.consume(key, ttl, note)
            except Exception as error:  # noqa: BLE001 - the border to the store under test
                answer = error
            finally:
                if slowly:
                    sys.settrace(before)
            answers.append(answer)

        threads = [Thread(target=use, daemon=True) for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self._hang)
        hanging = sum(thread.is_alive() for thread in threads)
        return [*answers, *([TimeoutError()] * hanging)]

    def _done(self, function: Callable[..., object], *arguments: object) -> object:
        answer = function(*arguments)
        return self._runner.run(_awaited(answer)) if isawaitable(answer) else answer


def kind(answer: object) -> str:
    """An answer, as far as it can be shown: only these few are never a note or a key."""
    if answer is None or isinstance(answer, (bool, int)):
        return repr(answer)
    return f"an object of type {type(answer).__name__}"


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer


def _breathe(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ANN401 - as Python's trace functions are
    """At each line of Python in the store, let other threads run."""
    time.sleep(_BREATH)
    return _breathe


@contextmanager
def driven(make: MakeStore, *, hang: float) -> Iterator[Driven]:
    """A store, opened and in the end closed."""
    import asyncio

    with asyncio.Runner() as runner:
        store = Driven(make(), runner, hang=hang)
        try:
            yield store
        finally:
            store.close()
