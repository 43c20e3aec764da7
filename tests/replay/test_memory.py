"""The store in memory: each key once, never more than its capacity, whatever the clock and the threads do."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import MemoryReplayStore, StoreFull
from policyjwt.replay.memory import GRACE


class Clock:
    def __init__(self, now: float = 1_700_000_000) -> None:
        self.now: float = now

    def __call__(self) -> float:
        return self.now


def test_the_first_use_is_true_and_every_later_one_false() -> None:
    store = MemoryReplayStore(10)
    assert store.consume(b"a", 60, b"first") is True
    assert store.consume(b"a", 60, b"second") is False
    assert store.consume(b"b", 60, b"") is True
    assert store.first(b"a") == b"first"
    assert store.first(b"c") is None
    assert len(store) == 2
    assert store
    assert repr(store) == "<MemoryReplayStore: 2 of 10 keys>"


@pytest.mark.parametrize("capacity", [0, -1, 1.5, True, "10", None])
def test_a_capacity_is_a_number(capacity: int) -> None:
    with pytest.raises(ValueError, match="the capacity is a whole number, at least 1"):
        MemoryReplayStore(capacity)


def test_a_full_store_refuses_and_forgets_nothing() -> None:
    clock = Clock()
    store = MemoryReplayStore(2, clock=clock)
    assert store.consume(b"a", 10, b"")
    assert store.consume(b"b", 20, b"")
    for _ in range(3):
        with pytest.raises(StoreFull):
            store.consume(b"c", 10, b"")
    assert store.consume(b"a", 10, b"") is False
    assert store.consume(b"b", 10, b"") is False
    clock.now += 10 + GRACE - 0.5
    with pytest.raises(StoreFull):
        store.consume(b"c", 10, b"")
    assert store.consume(b"a", 10, b"") is False
    clock.now += 0.5
    assert store.consume(b"c", 10, b"") is True
    assert store.consume(b"b", 10, b"") is False
    with pytest.raises(StoreFull):
        store.consume(b"d", 10, b"")


def test_keys_are_held_past_their_time_while_there_is_room() -> None:
    clock = Clock()
    store = MemoryReplayStore(2, clock=clock)
    assert store.consume(b"a", 10, b"")
    clock.now += 10 + GRACE - 1
    assert store.consume(b"a", 10, b"") is False
    clock.now += 1
    assert store.consume(b"a", 10, b"") is True


def test_a_clock_set_forward_and_back_forgets_nothing_that_lives() -> None:
    clock = Clock()
    store = MemoryReplayStore(10, clock=clock)
    start = clock.now
    assert store.consume(b"a", 600, b"")
    clock.now = start + 86_400
    assert store.consume(b"b", 600, b"")  # forgets `a`
    for now in (start, start + 300, start + 599):
        clock.now = now
        with pytest.raises(StoreUnavailable, match="the clock was set back"):
            store.consume(b"a", 600, b"")
        with pytest.raises(StoreUnavailable):
            store.consume(b"new", 600, b"")
    clock.now = start + 600  # `a` is dead by every clock, and the store heals by itself
    assert store.consume(b"new", 600, b"") is True


def test_a_clock_set_back_a_little_does_no_harm() -> None:
    clock = Clock()
    store = MemoryReplayStore(10, clock=clock)
    assert store.consume(b"a", 10, b"")
    clock.now += 10 + GRACE
    assert store.consume(b"b", 10, b"")
    clock.now -= GRACE
    assert store.consume(b"c", 10, b"") is True
    assert store.consume(b"b", 10, b"") is False


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf])
def test_a_clock_without_time_is_no_answer(now: float) -> None:
    clock = Clock()
    store = MemoryReplayStore(10, clock=clock)
    store.consume(b"a", 10, b"")
    clock.now = now
    with pytest.raises(StoreUnavailable, match="the clock gives no time"):
        store.consume(b"b", 10, b"")
    clock.now = 1_700_000_000
    assert store.consume(b"a", 10, b"") is False


class YieldingKey(bytes):
    """Lets other threads run whenever the store looks at it."""

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


def test_of_64_threads_one_is_first() -> None:
    rounds, threads = 100, 64
    store = MemoryReplayStore(rounds * 2)
    barrier = Barrier(threads)
    answers: list[list[bool]] = [[] for _ in range(rounds)]

    def work() -> None:
        for number in range(rounds):
            barrier.wait()
            answers[number].append(store.consume(YieldingKey(b"%d" % number), 60, b""))

    workers = [Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [(each.count(True), len(each)) for each in answers] == [(1, threads)] * rounds


class Stored(RuleBasedStateMachine):
    """The store against the law: of all that was consumed, what could still be alive is never first again."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = MemoryReplayStore(4, clock=self.clock)
        self.alive: dict[bytes, float] = {}

    @rule(key=st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"]), ttl=st.integers(1, 200))
    def consume(self, key: bytes, ttl: int) -> None:
        living = {k for k, ends in self.alive.items() if ends > self.clock.now}
        try:
            answer = self.store.consume(key, ttl, b"%d" % ttl)
        except StoreFull:
            # Full of keys that live: never for want of cleaning up, as far as the clock has not gone back.
            assert len(self.store) == 4
            assert key not in living
            return
        except StoreUnavailable:
            return
        assert type(answer) is bool
        assert not (answer and key in living), "a living key was first again"
        if answer:
            self.alive[key] = self.clock.now + ttl
            assert self.store.first(key) == b"%d" % ttl
        else:
            assert key in self.alive

    @rule(seconds=st.integers(-150, 300))
    def move_the_clock(self, seconds: int) -> None:
        self.clock.now += seconds

    @invariant()
    def is_bounded(self) -> None:
        assert len(self.store) <= 4
        assert len(self.store._ends) == len(self.store)


Stored.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestStored = Stored.TestCase


# --- after a fork

NO_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
MANY_THREADS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
OF_ANOTHER = "this store was made in another process: make it after the fork"


def in_a_child(work: Callable[[], bool]) -> int:
    """The exit status of a forked process: 0 where `work` is true there; less than 0 where it hangs."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(30)  # waits for what will never come, where the store is at fault
            status = 0 if work() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_unavailable(store: MemoryReplayStore, key: bytes) -> bool:
    try:
        store.consume(key, 60, b"")
    except StoreUnavailable as error:
        return str(error) == OF_ANOTHER and store.first(key) is None
    return False


@NO_FORK
@MANY_THREADS
def test_forked_workers_accept_nothing_and_the_maker_still_does() -> None:
    store = MemoryReplayStore(10, single_process=True)
    assert store.consume(b"before", 60, b"note") is True
    for key in (b"before", b"new", b"new"):
        assert in_a_child(lambda key=key: is_unavailable(store, key)) == 0  # type: ignore[misc]
    assert store.consume(b"new", 60, b"") is True
    assert store.first(b"before") == b"note"


@NO_FORK
@MANY_THREADS
def test_a_lock_that_is_held_while_the_process_forks_hangs_nobody() -> None:
    store = MemoryReplayStore(10)
    with store._lock:
        assert in_a_child(lambda: is_unavailable(store, b"new")) == 0
    assert store.consume(b"new", 60, b"") is True


@NO_FORK
@MANY_THREADS
def test_a_store_that_is_made_after_the_fork_works() -> None:
    assert in_a_child(lambda: MemoryReplayStore(10).consume(b"new", 60, b"")) == 0
