"""The suite for stores: ours pass it, and each planted defect is noticed by the check that is meant for it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import (
    AsyncRedisReplayStore,
    MemoryReplayStore,
    RedisReplayStore,
    SqliteReplayStore,
    conformance,
)
from policyjwt.replay.conformance import CHECKS, Check, NotConforming, Trial, check_all
from policyjwt.replay.protocol import check_request
from tests.replay.servers import HANG_GUARD, KINDS, Server, serving
from tests.replay.test_memory import Clock


class Moved(Clock):
    """A clock that is moved by steps."""

    def advance(self, seconds: float) -> None:
        self.now += seconds


QUICK = Trial(rounds=4, presentations=16, keys=50)


# ------------------------------------------------------------------------------------------------ ours


@pytest.mark.parametrize("check", CHECKS)
def test_the_store_in_memory(check: Check) -> None:
    clock = Moved()
    check(lambda: MemoryReplayStore(10_000, clock=clock), Trial(rounds=50, advance=clock.advance))


@pytest.mark.parametrize("check", CHECKS)
def test_a_small_store_in_memory(check: Check) -> None:
    check(lambda: MemoryReplayStore(100), Trial(rounds=5))


@pytest.mark.parametrize("check", CHECKS)
def test_the_store_in_a_file(check: Check, tmp_path: Path) -> None:
    clock = Moved()
    check(
        lambda: SqliteReplayStore(tmp_path / "replay.db", timeout=60, clock=clock),
        Trial(rounds=10, advance=clock.advance),
    )


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("redis"), "--appendonly", "yes", binary=request.param) as running:
        yield running


@pytest.mark.parametrize("kind", [RedisReplayStore, AsyncRedisReplayStore])
@pytest.mark.parametrize("check", CHECKS)
def test_the_stores_in_redis(check: Check, kind: type[Any], server: Server) -> None:
    """Without a clock that moves: it is the server's. `test_redis.py` shows how long a key is held."""
    opened: list[Any] = []

    def make() -> Any:
        opened.append(kind(server.url, timeout=HANG_GUARD))
        return opened[-1]

    check(make, Trial(rounds=50, keys=200))
    assert opened
    assert {store.reach for store in opened} == {"nodes"}


def test_a_check_is_named_by_what_it_demands() -> None:
    names = [check.__name__ for check in CHECKS]
    assert len(set(names)) == len(names) == 9
    assert all(check.__doc__ for check in CHECKS)
    checks = {name for name in vars(conformance) if name.startswith(("the_", "of_", "keys_", "other_", "a_", "it_"))}
    assert checks == set(names)


def test_all_checks_at_once() -> None:
    opened = []

    def make() -> MemoryReplayStore:
        opened.append(MemoryReplayStore(10_000))
        return opened[-1]

    check_all(make, QUICK)
    assert len(opened) == len(CHECKS)
    assert sum(map(len, opened)) > 100


# ------------------------------------------------------------------------------------------------ planted defects


class Good:
    """A small store that passes: each defect is one change of it."""

    reach: Any = "process"
    word: Any = None

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.lock = Lock()
        self.held: OrderedDict[Any, tuple[float, bytes]] = OrderedDict()

    def name(self, key: bytes) -> Any:
        return key

    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        check_request(key, ttl, note)
        with self.lock:
            if self.alive(self.name(key)):
                return False
            self.held[self.name(key)] = (self.clock() + ttl, note)
            return True

    def alive(self, name: Any) -> bool:
        return name in self.held and self.held[name][0] > self.clock()

    def first(self, key: bytes) -> Any:
        found = self.held.get(self.name(key))
        return found[1] if found else None


class LooksFirst(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        check_request(key, ttl, note)
        if key in self.held:  # and writes then
            return False
        self.held[key] = (self.clock() + ttl, note)
        return True


class PushesOut(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        answer = super().consume(key, ttl, note)
        while len(self.held) > 40:
            self.held.popitem(last=False)
        return answer


class CutsKeys(Good):
    def name(self, key: bytes) -> Any:
        return key[:31]


class StripsKeys(Good):
    def name(self, key: bytes) -> Any:
        return key.rstrip()


class FoldsKeys(Good):
    def name(self, key: bytes) -> Any:
        return key.lower()


class EndsKeysAtZero(Good):
    def name(self, key: bytes) -> Any:
        return key.split(b"\0")[0]


class ReadsKeysAsText(Good):
    def name(self, key: bytes) -> Any:
        return key.decode("ascii", "replace")


class Hashes(Good):
    def name(self, key: bytes) -> Any:
        return hash(key) % 256


class ShortensTimes(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        check_request(key, ttl, note)
        return super().consume(key, min(ttl, 86_400), note)


class ForgetsEarly(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        check_request(key, ttl, note)
        return super().consume(key, max(1, ttl - 1), note)


class AsksShorten(Good):
    """Who asks again, with less, ends the time of what is held."""

    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        answer = super().consume(key, ttl, note)
        if answer is False:
            self.held[key] = (self.clock() + ttl, self.held[key][1])
        return answer


class ClearsUpAll(Good):
    """A clean-up takes what is alive for less than a minute."""

    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        answer = super().consume(key, ttl, note)
        for name in [name for name, (ends, _) in self.held.items() if ends < self.clock() + 60 and name != key]:
            del self.held[name]
        return answer


class AnswersOne(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        return int(super().consume(key, ttl, note))


class AnswersNone(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        return super().consume(key, ttl, note) or None


class AnswersTheNote(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        return (super().consume(key, ttl, note) and note) or False


class RaisesKeyError(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        if super().consume(key, ttl, note):
            return True
        raise KeyError(key)


class FirstRaises(Good):
    def first(self, key: bytes) -> Any:
        return self.held[key][1]


class FirstConsumes(Good):
    def first(self, key: bytes) -> Any:
        return None if self.consume(key, 60, b"") else self.held[key][1]


class FirstIsLast(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        answer = super().consume(key, ttl, note)
        self.held[key] = (self.held[key][0], note)
        return answer


class NotesAreText(Good):
    def first(self, key: bytes) -> Any:
        found = super().first(key)
        return None if found is None else found.decode("latin-1")


class TakesAnything(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        with self.lock:
            if self.name(key) in self.held:
                return False
            self.held[self.name(key)] = (0, note)
            return True

    def alive(self, name: Any) -> bool:
        return name in self.held


class BadCallsConsume(Good):
    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        self.held.setdefault(key, (self.clock() + 60, b"")) if ttl == 0 else None
        return super().consume(key, ttl, note)


class ReachesTheMoon(Good):
    reach = "moon"


class SaysNodes(Good):
    reach = "nodes"


class EmptyWord(Good):
    word = ""


class AnswersClosed(Good):
    def close(self) -> None:
        self.held.clear()


class ForgetsAnswers(Good):
    """Among many at once, one gets no answer: a good token refused."""

    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        if not self.lock.acquire(blocking=False):
            raise StoreUnavailable("busy")
        self.lock.release()
        return super().consume(key, ttl, note)


DEFECTS: list[tuple[type[Good], str, str]] = [
    (LooksFirst, "of_uses_at_once_one_is_first", "of 8 uses of one key at once, 1 is first"),
    (PushesOut, "other_keys_push_none_out", "a later use of a key, with 50 in the store gives False; came: True"),
    (CutsKeys, "keys_that_are_alike_are_told_apart", "differs in a byte from others gives True; came: False"),
    (StripsKeys, "keys_that_are_alike_are_told_apart", "differs in a byte from others gives True; came: False"),
    (FoldsKeys, "keys_that_are_alike_are_told_apart", "differs in a byte from others gives True; came: False"),
    (EndsKeysAtZero, "keys_that_are_alike_are_told_apart", "differs in a byte from others gives True; came: False"),
    (ReadsKeysAsText, "keys_that_are_alike_are_told_apart", "differs in a byte from others gives True; came: False"),
    (Hashes, "other_keys_push_none_out", "the first use of a key among many gives True; came: False"),
    (ShortensTimes, "keys_are_held_for_their_time", "1 second before the end of 87000 seconds gives False; came: True"),
    (ForgetsEarly, "keys_are_held_for_their_time", "1 second before the end of 2 seconds gives False; came: True"),
    (AsksShorten, "keys_are_held_for_their_time", "gives False; came: True"),
    (ClearsUpAll, "keys_are_held_for_their_time", "gives False; came: True"),
    (AnswersOne, "the_first_use_is_true_and_every_later_one_false", "the first use of a key gives True; came: 1"),
    (AnswersNone, "the_first_use_is_true_and_every_later_one_false", "a later use of a key gives False; came: None"),
    (AnswersTheNote, "the_first_use_is_true_and_every_later_one_false", "came: an object of type bytes"),
    (RaisesKeyError, "the_first_use_is_true_and_every_later_one_false", "StoreUnavailable; came: KeyError"),
    (FirstRaises, "the_note_is_for_the_report", "`first` gives a note or None, or raises StoreUnavailable; came: KeyE"),
    (FirstConsumes, "the_note_is_for_the_report", "that `first` was asked for gives True; came: False"),
    (FirstIsLast, "the_note_is_for_the_report", "the note of the first use, or None; came: another one"),
    (NotesAreText, "the_note_is_for_the_report", "the note of the first use, or None; came: an object of type str"),
    (TakesAnything, "a_bad_call_consumes_nothing", "a key that is text raises TypeError or ValueError; came: True"),
    (BadCallsConsume, "a_bad_call_consumes_nothing", "after bad calls with it gives True; came: False"),
    (ReachesTheMoon, "it_says_how_far_it_reaches", "`reach` is `process`, `host` or `nodes`; came: an object of type"),
    (SaysNodes, "it_says_how_far_it_reaches", "which reaches `nodes`, opened again gives False; came: True"),
    (EmptyWord, "it_says_how_far_it_reaches", "`word` is None, or what the caller says; came: an object of type str"),
    (AnswersClosed, "a_closed_store_gives_no_answer", "a use of a closed store raises StoreUnavailable; came: True"),
    (ForgetsAnswers, "of_uses_at_once_one_is_first", "× StoreUnavailable"),
]


def test_the_good_store_passes() -> None:
    clock = Moved()
    check_all(lambda: Good(clock), Trial(rounds=4, presentations=16, keys=50, advance=clock.advance))
    assert clock.now > Clock().now


@pytest.mark.parametrize(("defect", "name", "words"), DEFECTS, ids=[defect.__name__ for defect, _, _ in DEFECTS])
def test_a_defect_is_noticed(defect: type[Good], name: str, words: str) -> None:
    clock = Moved()
    trial = Trial(rounds=4, presentations=16, keys=50, advance=clock.advance)
    (check,) = [check for check in CHECKS if check.__name__ == name]
    with pytest.raises(NotConforming) as caught:
        check(lambda: defect(clock), trial)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(NotConforming):
        check_all(lambda: defect(clock), trial)


def test_without_a_clock_that_moves_times_are_not_checked() -> None:
    check_all(ShortensTimes, QUICK)
    assert QUICK.advance is None


# ------------------------------------------------------------------------------------------------ for event loops


class AsyncGood:
    reach: Any = "process"
    word: Any = None

    def __init__(self) -> None:
        self.inner = Good()
        self.closed = 0

    async def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        await asyncio.sleep(0)
        return self.inner.consume(key, ttl, note)

    async def first(self, key: bytes) -> Any:
        await asyncio.sleep(0)
        return self.inner.first(key)


class AsyncCloses(AsyncGood):
    async def aclose(self) -> None:
        self.closed += 1

    async def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        if self.closed:
            raise StoreUnavailable("closed")
        return await super().consume(key, ttl, note)


class AsyncLooksFirst(AsyncGood):
    async def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        check_request(key, ttl, note)
        seen = key in self.inner.held
        await asyncio.sleep(0)
        self.inner.held[key] = (time.time() + ttl, note)
        return not seen


class AsyncAnswersOne(AsyncGood):
    async def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        return int(await super().consume(key, ttl, note))


@pytest.fixture(params=[AsyncGood, AsyncCloses])
def for_loops(request: pytest.FixtureRequest) -> type[AsyncGood]:
    kind: type[AsyncGood] = request.param
    return kind


@pytest.mark.parametrize("check", CHECKS)
def test_a_store_for_event_loops_passes(check: Check, for_loops: type[AsyncGood]) -> None:
    opened: list[AsyncGood] = []

    def make() -> AsyncGood:
        opened.append(for_loops())
        return opened[-1]

    check(make, QUICK)
    assert len(opened) == 1
    assert bool(opened[0].closed) is (for_loops is AsyncCloses)


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        (AsyncLooksFirst, "of 8 uses of one key at once, 1 is first and all others are not; came: 8 firsts"),
        (AsyncAnswersOne, "the first use of a key gives True; came: 1"),
    ],
)
def test_a_defect_of_a_store_for_event_loops_is_noticed(defect: type[AsyncGood], words: str) -> None:
    with pytest.raises(NotConforming, match=words):
        check_all(defect, QUICK)


@pytest.mark.long
def test_a_race_of_few_instructions_is_always_noticed() -> None:
    for _ in range(50):
        with pytest.raises(NotConforming, match="firsts"):
            conformance.of_uses_at_once_one_is_first(LooksFirst, QUICK)
