"""The keys that an engine fetches, in the background. Input: sources. Output: calls of `install`, and a status.

One thread per source waits until a fetch is due and makes it: no other thread ever fetches. Whoever judges a
token only says `want`, which neither waits nor opens anything. A failed fetch changes nothing but the status:
how old keys may be is judged where tokens are.
"""

from __future__ import annotations

import os
import random
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from inspect import ismethod
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from typing import Any, Final, Generic

from policyjwt.errors import KeyRefused
from policyjwt.keys import fetch_messages as say
from policyjwt.keys.feed import Feed, FeedStatus, K, Message, RemoteSource, Wait, run, wait_for

__all__ = ["FeedStatus", "Feeds", "RemoteSource"]

_END_WITHIN: Final = 1.0
"""Seconds that closing waits for threads; one that hangs in a fetch ends by itself, and installs nothing."""


class Feeds(Generic[K]):
    """All sources of one engine. Thread-safe. Ends its threads with `close`, and when nobody holds it any more.

    `install(reference, keys, instant)` is called after each good fetch, in the thread of its source; KeyRefused
    from it makes the fetch a failed one. A bound method is held weakly: its object owns this. `timer`, `wait`
    and `random` are for tests.
    """

    def __init__(
        self,
        sources: Iterable[RemoteSource[K]],
        *,
        install: Callable[[str, K, float], None],
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        wait: Wait[K] = wait_for,
        random: Callable[[], float] = random.random,
    ) -> None:
        held = weakref.WeakMethod(install) if ismethod(install) else lambda: install
        feeds = [Feed(each, install=held, clock=clock, timer=timer, wait=wait, random=random) for each in sources]
        self._feeds: Mapping[str, Feed[K]] = {feed.source.reference: feed for feed in feeds}
        if len(self._feeds) != len(feeds):
            raise ValueError("two sources of one reference")
        self._threads: dict[str, Thread] = {}
        _living[id(self)] = weakref.ref(self)
        self._finish = weakref.finalize(self, _end, tuple(feeds), id(self))

    def first(self, timeout: float) -> dict[str, K | KeyRefused]:
        """Fetch all, side by side, and wait for it. Nothing is installed: the caller has the keys.

        They are as old as the instant at which this was called.
        """
        return self._asked(tuple(self._feeds.values()), timeout)

    def start(self) -> None:
        """Begin to refresh by itself: what was not fetched yet, at once. KeyRefused where no thread can be had."""
        for feed in self._feeds.values():
            with feed.lock:
                feed.scheduled = True
            self._run(feed)
            feed.wake.put(Message())

    def want(self, reference: str, kid: str | None = None) -> None:
        """A token names a `kid` that the keys of `reference` do not have: fetch them before their time.

        Returns at once, whatever happens, and also for a reference that is none of ours. Without `kid` only the
        cool-down holds.
        """
        feed = self._feeds.get(reference)
        if feed is None:
            return
        if feed.scheduled:
            with suppress(KeyRefused):  # no thread can be had: another time, then
                self._run(feed)
        feed.want(kid)

    def refresh(self, reference: str | None = None, *, timeout: float = 30.0) -> dict[str, K | KeyRefused]:
        """Fetch now, all or one, whatever the pace says, and wait for it. A fetch that has begun does not count.

        KeyError for a reference that is none of ours.
        """
        feeds = tuple(self._feeds.values()) if reference is None else (self._feeds[reference],)
        return self._asked(feeds, timeout)

    def status(self) -> list[FeedStatus]:
        """How each source is doing."""
        return [feed.status() for feed in self._feeds.values()]

    def close(self) -> None:
        """End the threads. Waits for them briefly: what hangs in a fetch ends later, and installs nothing."""
        self._finish()
        deadline = time.monotonic() + _END_WITHIN
        for thread in self._threads.values():
            if thread is not current_thread():
                thread.join(max(deadline - time.monotonic(), 0.0))

    def _asked(self, feeds: Collection[Feed[K]], timeout: float) -> dict[str, K | KeyRefused]:
        waiting: dict[str, SimpleQueue[K | KeyRefused]] = {}
        for feed in feeds:
            answer: SimpleQueue[K | KeyRefused] = SimpleQueue()
            waiting[feed.source.reference] = answer
            if feed.closed:
                answer.put(say.closed())
                continue
            try:
                self._run(feed)
            except KeyRefused as refused:
                answer.put(refused)
            else:
                feed.wake.put(Message(answer))
        deadline = time.monotonic() + timeout
        found: dict[str, K | KeyRefused] = {}
        for reference, answer in waiting.items():
            try:
                found[reference] = answer.get(timeout=max(deadline - time.monotonic(), 0.0))
            except Empty:
                found[reference] = say.too_slow(seconds=timeout)
        return found

    def _run(self, feed: Feed[K]) -> None:
        with feed.lock:
            running = self._threads.get(feed.source.reference)
            if feed.closed or (running is not None and (running.is_alive() or not running.ident)):
                return
            # Its name is that of a kind, not of a source: what is listed by tools should name no address.
            thread = Thread(target=run, args=(feed,), name="policyjwt-keys", daemon=True)
            self._threads[feed.source.reference] = thread
        try:
            thread.start()
        except RuntimeError:
            del self._threads[feed.source.reference]
            raise say.no_thread() from None

    def _forked(self) -> None:
        """In the child of a fork: the threads are gone, and whatever they held is as they left it."""
        for feed in self._feeds.values():
            feed.renew()
        running, self._threads = list(self._threads), {}
        for reference in running:
            feed = self._feeds[reference]
            feed.pace.scatter(feed.timer())
            with suppress(KeyRefused):  # a fork must not fail for it: the keys get too old, and that is told
                self._run(feed)


def _end(feeds: tuple[Feed[Any], ...], number: int) -> None:
    """Runs in `close`, or wherever the garbage collector is: it takes no lock, and `put` is made for that."""
    _living.pop(number, None)
    for feed in feeds:
        feed.closed = True
        feed.wake.put(None)


_living: dict[int, weakref.ref[Feeds[Any]]] = {}
"""For forks alone. What is closed is not in it."""


def _after_fork() -> None:
    for reference in list(_living.values()):
        feeds = reference()
        if feeds is not None:
            feeds._forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_after_fork)
