"""The background fetching of keys: every law, with time moved by hand and fetches counted."""

from __future__ import annotations

import asyncio
import gc
import math
import socket
import subprocess
import sys
import textwrap
import threading
import traceback
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from policyjwt.errors import KeyRefused
from policyjwt.keys import feeds as feeds_module
from policyjwt.keys.feed import Brought
from policyjwt.keys.feeds import Feeds, FeedStatus, RemoteSource
from policyjwt.keys.remote import fetch_discovered, fetch_jwks
from policyjwt.tokens import KeySet
from tests.issuer import Issuer
from tests.keys.hands import DAY, EPOCH, Counted, Hands, Holder, holding, side_by_side
from tests.keys.https_server import GUARD, answer, own_authority, sends, serving
from tests.shared import ROOT

SECRET = "hunter2"


def url_source(reference: str, url: str, *, ca: bytes | None, stale: float) -> RemoteSource[KeySet]:
    return RemoteSource(reference, lambda: fetch_jwks(url, ca=ca, reference=reference), stale)


def discovery_source(reference: str, issuer: str, *, ca: bytes | None, stale: float) -> RemoteSource[KeySet]:
    return RemoteSource(reference, lambda: fetch_discovered(issuer, ca=ca, reference=reference), stale)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def source(hands: Hands) -> Counted:
    return Counted(hands)


@pytest.fixture
def holder(hands: Hands, source: Counted) -> Iterator[Holder]:
    """One source, fetched once, refreshed from now on."""
    with holding(hands, source) as held:
        assert held.feeds.first(GUARD) == {"url:0": source.keys}
        held.feeds.start()
        hands.settle()
        yield held


def only(holder: Holder) -> FeedStatus:
    (status,) = holder.feeds.status()
    return status


# --------------------------------------------------------------------------------------------- the first


def test_the_first_fetches_run_side_by_side(hands: Hands) -> None:
    sources, meeting = [Counted(hands) for _ in range(5)], Barrier(5, timeout=GUARD)

    def met(each: Counted) -> Any:
        meeting.wait()
        return Brought(each.keys)

    items = [RemoteSource(f"url:{n}", partial(met, each), DAY) for n, each in enumerate(sources)]
    holder = Holder(hands, *items)
    try:
        assert holder.feeds.first(GUARD) == {f"url:{n}": each.keys for n, each in enumerate(sources)}
    finally:
        holder.feeds.close()


def test_the_first_tells_of_each_source(hands: Hands, source: Counted) -> None:
    bad = Counted(hands)
    bad.fault = KeyRefused("key.malformed", "a key set that is no JSON object", help="look")
    with holding(hands, source, bad) as holder:
        found = holder.feeds.first(GUARD)
        assert found["url:0"] is source.keys
        refused = found["url:1"]
        assert isinstance(refused, KeyRefused)
        assert (refused.code, refused.message, refused.help) == ("key.malformed", bad.fault.message, "look")
        hands.settle(2)
        assert holder.taken == [], "whoever loads has the keys already"
        hands.move(10 * DAY, threads=2)
        assert (source.times, bad.times) == ([0.0], [0.0]), "nothing happens before the start"


def test_the_first_does_not_wait_for_ever(hands: Hands, source: Counted) -> None:
    source.gate = Event()
    with holding(hands, source) as holder:
        found = holder.feeds.first(0.05)["url:0"]
        assert isinstance(found, KeyRefused)
        assert (found.code, found.message) == ("key.fetch_failed", "the keys did not come within 0.05s")
        assert only(holder).fetching


def test_a_start_without_first_fetches_at_once(hands: Hands, source: Counted) -> None:
    with holding(hands, source) as holder:
        holder.feeds.start()
        hands.settle()
        assert holder.taken == [("url:0", source.keys, EPOCH)]


def test_one_reference_has_one_source(hands: Hands, source: Counted) -> None:
    with pytest.raises(ValueError, match="two sources of one reference"):
        Holder(hands, *[RemoteSource("url:0", source.fetch, DAY)] * 2)


def test_no_source_needs_no_thread(hands: Hands) -> None:
    with holding(hands) as holder:
        holder.feeds.start()
        assert (holder.feeds.first(GUARD), holder.feeds.refresh(), holder.feeds.status()) == ({}, {}, [])
        assert holder.feeds._threads == {}


# ------------------------------------------------------------------------------------------- regularly


def test_keys_are_fetched_again_and_put_in_place(holder: Holder, source: Counted, hands: Hands) -> None:
    first = source.keys
    hands.move(299)
    assert holder.taken == []
    source.keys = second = Issuer().keys()
    hands.move(1)
    assert holder.taken == [("url:0", second, EPOCH + 300)]
    hands.move(300)
    assert holder.taken[1:] == [("url:0", second, EPOCH + 600)], "unchanged keys too: they are younger"
    assert first is not second


def test_the_source_says_how_long_its_keys_are_fresh(holder: Holder, source: Counted, hands: Hands) -> None:
    source.max_age = 90
    hands.move(300)
    hands.move(89)
    assert len(source.times) == 2
    hands.move(1)
    assert source.times == [0, 300, 390]


def test_the_instant_is_that_of_the_beginning(holder: Holder, source: Counted, hands: Hands) -> None:
    source.gate = Event()
    source.entered.clear()
    hands.now += 300
    assert source.entered.wait(GUARD)
    hands.now += 50
    source.gate.set()
    hands.settle()
    assert holder.taken[0][2] == EPOCH + 300
    assert only(holder).fetched_at == EPOCH + 300


# --------------------------------------------------------------------------------------- an unknown kid


def test_sixteen_threads_that_ask_cause_one_fetch(holder: Holder, source: Counted, hands: Hands) -> None:
    hands.move(100)
    source.gate = Event()
    source.entered.clear()

    def ask(number: int) -> None:
        for other in range(50):
            holder.feeds.want("url:0", f"k{number}-{other}")

    side_by_side(*[partial(ask, number) for number in range(16)])
    assert source.entered.wait(GUARD)
    side_by_side(*[lambda: holder.feeds.want("url:0", "k0-0")] * 16)
    assert source.times == [0, 100]
    source.gate.set()
    hands.settle()
    assert source.times == [0, 100]


def test_ten_thousand_kids_cause_one_fetch_in_a_cool_down(holder: Holder, source: Counted, hands: Hands) -> None:
    for number in range(10_000):
        holder.feeds.want("url:0", f"k{number}")
        if number % 100 == 0:
            hands.move(1)
    assert hands.now == 100
    assert source.times == [0, 30, 60, 90]


def test_a_kid_that_stayed_unknown_asks_no_more(holder: Holder, source: Counted, hands: Hands) -> None:
    source.max_age = 3600
    hands.move(300)
    hands.move(30)
    holder.feeds.want("url:0", "k9")
    hands.settle()
    assert source.times == [0, 300, 330]
    for _ in range(299):
        holder.feeds.want("url:0", "k9")
        hands.move(1)
    assert source.times == [0, 300, 330]
    hands.move(1)
    holder.feeds.want("url:0", "k9")
    hands.settle()
    assert source.times == [0, 300, 330, 630]


def test_a_new_key_comes_for_a_token_that_names_it(holder: Holder, source: Counted, hands: Hands) -> None:
    hands.move(31)
    source.keys = Issuer(kid="k2").keys()
    holder.feeds.want("url:0", "k2")
    hands.settle()
    assert holder.taken == [("url:0", source.keys, EPOCH + 31)]


def test_a_reference_of_nobody_is_passed_over(holder: Holder, source: Counted, hands: Hands) -> None:
    hands.move(31)
    holder.feeds.want("url:other", "k")
    hands.settle()
    assert source.times == [0]
    with pytest.raises(KeyError):
        holder.feeds.refresh("url:other")


def test_before_the_start_nothing_is_fetched_for_a_kid(hands: Hands, source: Counted) -> None:
    with holding(hands, source) as holder:
        holder.feeds.first(GUARD)
        hands.move(31)
        holder.feeds.want("url:0", "k")
        hands.settle()
        assert source.times == [0]


def test_a_fetch_that_hangs_blocks_nobody(holder: Holder, source: Counted, hands: Hands) -> None:
    hands.move(31)
    source.gate = Event()
    source.entered.clear()
    holder.feeds.want("url:0", "k")
    assert source.entered.wait(GUARD)
    side_by_side(*[partial(holder.feeds.want, "url:0", f"k{n}") for n in range(8)], holder.feeds.status)
    assert only(holder).fetching
    assert len(source.times) == 2


class _NoSocketHere:
    """Forbids sockets and files in one thread."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, _: tuple[object, ...]) -> None:
        if self.on and threading.get_ident() == self.thread and event.startswith(("socket.", "open", "ssl.")):
            self.seen.append(event)


def test_asking_opens_nothing_and_works_on_an_event_loop() -> None:
    guard, hands = _NoSocketHere(), Hands()
    with serving(sends(answer(status="503 Busy"))) as host:
        host.publish(Issuer())
        holder = Holder(hands, url_source("url:0", host.url, ca=own_authority().pem, stale=DAY))
        try:
            holder.feeds.first(GUARD)
            holder.feeds.start()
            hands.move(31)

            async def judge() -> None:
                guard.on = True
                for number in range(1000):
                    holder.feeds.want("url:0", f"k{number}")
                holder.feeds.status()
                guard.on = False

            asyncio.run(judge())
            hands.settle()
            assert len(host.asked) == 2
            assert guard.seen == []
            guard.on = True
            socket.create_server(("127.0.0.1", 0)).close()
            guard.on = False
            assert guard.seen, "the guard does see sockets"
        finally:
            guard.on = False
            holder.feeds.close()


# ------------------------------------------------------------------------------------------- on demand


def test_a_refresh_waits_for_a_fetch_that_begins_after_it(holder: Holder, source: Counted, hands: Hands) -> None:
    hands.move(31)
    source.gate = Event()
    source.entered.clear()
    holder.feeds.want("url:0", "k")
    assert source.entered.wait(GUARD)
    found: list[Any] = []
    threads = [Thread(target=lambda: found.append(holder.feeds.refresh(timeout=GUARD)), daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    queue = holder.feeds._feeds["url:0"].wake
    guard = Event()
    while queue.qsize() < 16:
        assert not guard.wait(0.005)
    source.keys = Issuer(kid="new").keys()
    source.gate.set()
    for thread in threads:
        thread.join(GUARD)
    assert found == [{"url:0": source.keys}] * 16
    assert source.times == [0, 31, 31], "one that had begun, and one for all sixteen"


def test_a_refresh_does_not_wait_for_the_cool_down(holder: Holder, source: Counted, hands: Hands) -> None:
    source.keys = Issuer().keys()
    assert holder.feeds.refresh("url:0") == {"url:0": source.keys}
    assert holder.taken == [("url:0", source.keys, EPOCH)]
    hands.move(29)
    holder.feeds.want("url:0", "k")
    hands.settle()
    assert len(source.times) == 2, "it counts as an attempt"
    hands.move(1)
    assert len(source.times) == 3


def test_a_refresh_does_not_wait_for_ever(holder: Holder, source: Counted) -> None:
    source.gate = Event()
    found = holder.feeds.refresh(timeout=0.05)["url:0"]
    assert isinstance(found, KeyRefused)
    assert found.code == "key.fetch_failed"


# ------------------------------------------------------------------------------------------- failures


def test_failures_make_the_pauses_longer_and_change_nothing(holder: Holder, source: Counted, hands: Hands) -> None:
    source.fault = OSError(SECRET)
    for second in range(1800):
        hands.move(1)
        holder.feeds.want("url:0", f"k{second}")
    assert source.times == [0, 30, 60, 120, 240, 480, 780, 1080, 1380, 1680]
    assert holder.taken == []
    status = only(holder)
    assert (status.fetched_at, status.failures) == (EPOCH, 9)
    assert status.last_error == "key.fetch_failed: the source of the keys failed"
    assert (status.failed_at, status.next_refresh) == (EPOCH + 1680, EPOCH + 1980)
    source.fault = None
    hands.move(180)
    assert holder.taken == [("url:0", source.keys, EPOCH + 1980)]
    status = only(holder)
    assert (status.failures, status.last_error, status.next_refresh) == (0, None, EPOCH + 2280)
    assert status.failed_at == EPOCH + 1680


def test_keys_that_are_refused_leave_the_old_ones(holder: Holder, source: Counted, hands: Hands) -> None:
    def refuse(_: KeySet) -> None:
        raise KeyRefused("key.role_reuse", "a key that verifies here decrypts there")

    holder.judge = refuse
    source.keys = KeySet((*source.keys.keys, *Issuer(kid="k2").keys().keys))
    hands.move(300)
    status = only(holder)
    assert holder.taken == []
    assert (status.fetched_at, status.attempts, status.fetches) == (EPOCH, 2, 1)
    assert status.last_error == "key.role_reuse: a key that verifies here decrypts there"
    assert status.next_refresh == EPOCH + 330
    holder.judge = lambda _: None
    hands.move(30)
    assert holder.taken == [("url:0", source.keys, EPOCH + 330)]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, MemoryError, GeneratorExit, BaseException])
def test_no_exception_is_quoted_or_ends_the_thread(
    holder: Holder, source: Counted, hands: Hands, kind: type[BaseException]
) -> None:
    source.fault = kind(SECRET)
    refused = holder.feeds.refresh()["url:0"]
    assert isinstance(refused, KeyRefused)
    assert refused.message == "the source of the keys failed"
    assert (refused.__cause__, refused.__context__, refused.__traceback__) == (None, None, None)
    assert SECRET not in "".join(traceback.format_exception(refused))
    assert SECRET not in repr(holder.feeds.status())
    source.fault = None

    def fail(_: KeySet) -> None:
        raise kind(SECRET)

    holder.judge = fail
    assert "could not be put in place" in str(holder.feeds.refresh()["url:0"])
    assert SECRET not in repr(holder.feeds.status())
    holder.judge = lambda _: None
    assert holder.feeds.refresh() == {"url:0": source.keys}
    assert only(holder).last_error is None


@pytest.mark.parametrize("gives", [None, (), "keys", (None, None), ("a", "b", "c"), 7])
def test_a_resolver_that_gives_something_else(hands: Hands, gives: Any) -> None:
    holder = Holder(hands, RemoteSource("url:0", lambda: gives, DAY))
    try:
        refused = holder.feeds.first(GUARD)["url:0"]
        assert isinstance(refused, KeyRefused)
        assert refused.code == "key.fetch_failed"
    finally:
        holder.feeds.close()


def test_what_is_fetched_is_not_shown(hands: Hands) -> None:
    feeds: Feeds[bytes] = Feeds(
        [RemoteSource("env:S", lambda: Brought(b"s" * 32), DAY)], install=lambda *_: None, clock=hands.clock
    )
    try:
        assert feeds.first(GUARD) == {"env:S": b"s" * 32}
        assert "sss" not in repr(RemoteSource("env:S", lambda: Brought(b"s" * 32), DAY))
    finally:
        feeds.close()


@pytest.mark.parametrize("instant", [math.nan, math.inf, "now", None])
def test_without_an_instant_no_keys_are_taken(hands: Hands, source: Counted, instant: Any) -> None:
    with holding(hands, source, clock=lambda: instant) as holder:
        refused = holder.feeds.first(GUARD)["url:0"]
        assert isinstance(refused, KeyRefused)
        assert refused.message == "the clock gives no instant, so the age of the keys would not be known"
        assert source.times == []


# --------------------------------------------------------------------------------------------- the status


def test_the_status_tells(holder: Holder, hands: Hands) -> None:
    hands.move(50)
    assert only(holder) == FeedStatus(
        reference="url:0",
        fetched_at=EPOCH,
        last_error=None,
        failed_at=None,
        next_refresh=EPOCH + 300,
        attempts=1,
        fetches=1,
        failures=0,
        fetching=False,
    )
    holder.feeds.want("url:0", "k")
    hands.settle()
    hands.move(10)
    assert only(holder).next_refresh == EPOCH + 350


# --------------------------------------------------------------------------------------------- the end


def test_closing_ends_the_threads(hands: Hands, source: Counted) -> None:
    with holding(hands, source, Counted(hands)) as holder:
        holder.feeds.start()
        hands.settle(2)
        threads = list(holder.feeds._threads.values())
        assert [thread.daemon for thread in threads] == [True, True]
        holder.feeds.close()
        holder.feeds.close()
        for thread in threads:
            thread.join(GUARD)
        assert not any(thread.is_alive() for thread in threads)
        holder.feeds.want("url:0", "k")
        holder.feeds.start()
        for found in (holder.feeds.refresh(), holder.feeds.first(GUARD)):
            assert [str(each) for each in found.values()] == [
                "key.fetch_failed: the engine is closed, and fetches no keys any more"
            ] * 2
        assert len(source.times) == 1


def test_what_hangs_when_it_is_closed_is_never_put_in_place(holder: Holder, source: Counted, hands: Hands) -> None:
    hands.move(31)
    source.gate = Event()
    source.entered.clear()
    holder.feeds.want("url:0", "k")
    assert source.entered.wait(GUARD)
    found: list[Any] = []
    asking = Thread(target=lambda: found.append(holder.feeds.refresh(timeout=GUARD)), daemon=True)
    asking.start()
    guard = Event()
    while holder.feeds._feeds["url:0"].wake.qsize() < 1:
        assert not guard.wait(0.005)
    (thread,) = holder.feeds._threads.values()
    holder.feeds.close()
    assert thread.is_alive()
    source.gate.set()
    thread.join(GUARD)
    asking.join(GUARD)
    assert holder.taken == []
    assert "the engine is closed" in str(found[0]["url:0"])
    assert len(source.times) == 2


def test_it_may_be_closed_from_within(holder: Holder, source: Counted, hands: Hands) -> None:
    closed: list[None] = []
    holder.judge = lambda _: closed.append(holder.feeds.close())  # type: ignore[func-returns-value]
    (thread,) = holder.feeds._threads.values()
    with hands._changed:
        hands.now += 300
    thread.join(GUARD)
    assert not thread.is_alive()
    assert (closed, len(source.times)) == ([None], 2)


def test_an_engine_that_nobody_holds_ends_its_threads(hands: Hands, source: Counted) -> None:
    holder = Holder(hands, RemoteSource("url:0", source.fetch, DAY))
    holder.feeds.first(GUARD)
    holder.feeds.start()
    hands.move(300)
    (thread,) = holder.feeds._threads.values()
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    thread.join(GUARD)
    assert not thread.is_alive()
    assert gone() is None
    assert source.times == [0, 300]


def test_an_engine_that_goes_during_a_fetch_gets_nothing(hands: Hands, source: Counted) -> None:
    holder = Holder(hands, RemoteSource("url:0", source.fetch, DAY))
    holder.feeds.first(GUARD)
    holder.feeds.start()
    hands.settle()
    source.gate = Event()
    source.entered.clear()
    with hands._changed:
        hands.now += 300
    assert source.entered.wait(GUARD)
    taken = holder.taken
    (thread,) = holder.feeds._threads.values()
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
    source.gate.set()
    thread.join(GUARD)
    assert not thread.is_alive()
    assert taken == []


def test_keys_that_are_gone_are_not_held(holder: Holder, source: Counted, hands: Hands) -> None:
    class Marked(KeySet):
        __slots__ = ("__weakref__",)

    source.keys = Marked(source.keys.keys)
    marked = weakref.ref(source.keys)
    hands.move(300)
    assert holder.taken[0][1] is marked()
    source.keys = Issuer().keys()
    holder.taken.clear()
    gc.collect()
    assert marked() is None


def test_a_process_ends_with_an_engine_that_is_not_closed(tmp_path: Path) -> None:
    assert _ran(tmp_path, "feeds.start()\nprint('done', flush=True)") == "done\n"


def test_a_system_without_threads_is_told(hands: Hands, source: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with holding(hands, source) as holder:
        with monkeypatch.context() as patch:
            patch.setattr(Thread, "start", fail)
            assert (
                str(holder.feeds.first(GUARD)["url:0"])
                == "key.fetch_failed: the system has no thread left to fetch with"
            )
            with pytest.raises(KeyRefused, match="no thread left"):
                holder.feeds.start()
        holder.feeds.start()
        hands.settle()
        assert source.times == [0]


# ---------------------------------------------------------------------------------------------- forks

_SETTING = """
    import os, sys, threading, time
    from policyjwt.keys.feed import Brought
    from policyjwt.keys.feeds import Feeds, RemoteSource

    now, fetches, taken = [0.0], [0], []

    def fetch():
        fetches[0] += 1
        return Brought(b"secret")

    def until(done):
        for _ in range(2000):
            if done():
                return True
            time.sleep(0.01)
        return False

    feeds = Feeds([RemoteSource("a", fetch, 86400)], install=lambda *more: taken.append(more), timer=lambda: now[0])
"""


def _ran(folder: Path, script: str) -> str:
    file = folder / "script.py"
    file.write_text(textwrap.dedent(_SETTING) + textwrap.dedent(script))
    command = [sys.executable, str(file)]
    more: dict[str, Any] = {"cwd": ROOT, "env": {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}}
    ended: subprocess.CompletedProcess[str]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, **more)
    assert (ended.stderr, ended.returncode) == ("", 0)
    return ended.stdout


def test_what_a_forked_process_does_first(holder: Holder, source: Counted, hands: Hands) -> None:
    """In this process, where the thread has been ended by hand."""
    (thread,) = holder.feeds._threads.values()
    holder.feeds._feeds["url:0"].wake.put(None)
    thread.join(GUARD)
    feeds_module._after_fork()
    hands.settle()
    (other,) = holder.feeds._threads.values()
    assert (other is thread, other.is_alive()) == (False, True)
    hands.move(300)
    assert source.times == [0, 300]


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there are no forks here")
def test_in_a_forked_process_the_threads_run_again(tmp_path: Path) -> None:
    found = _ran(
        tmp_path,
        """
        feeds.first(20)
        feeds.start()
        assert until(lambda: not feeds.status()[0].fetching)
        feed = feeds._feeds["a"]
        holding = threading.Event()

        def hold():  # a lock that nobody releases in the child
            with feed.lock:
                holding.set()
                time.sleep(3600)

        threading.Thread(target=hold, daemon=True).start()
        holding.wait()
        due = feed.pace.due
        child = os.fork()
        if child == 0:
            status = 1
            try:
                assert fetches[0] == 1
                assert feed.pace.due < due  # not at the instant of all the others
                (thread,) = feeds._threads.values()
                assert thread.is_alive()
                now[0] = 31.0
                feeds.want("a", "k")
                assert until(lambda: fetches[0] == 2 and len(taken) == 1)
                assert feeds.refresh(timeout=20) == {"a": b"secret"}
                now[0] = 1000.0
                feeds.want("a", None)  # wakes it: the time of the script is not that of its wait
                assert until(lambda: fetches[0] == 4)
                feeds.close()
                thread.join(20)
                assert not thread.is_alive()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        print("forked", fetches[0])
        """,
    )
    assert found == "forked 1\n"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there are no forks here")
def test_what_was_closed_or_never_ran_stays_so_in_a_forked_process(tmp_path: Path) -> None:
    found = _ran(
        tmp_path,
        """
        other = Feeds([RemoteSource("b", fetch, 86400)], install=lambda *more: taken.append(more))
        feeds.start()
        assert until(lambda: fetches[0] == 1)
        feeds.close()
        child = os.fork()
        if child == 0:
            os._exit(len([t for t in threading.enumerate() if t.name == "policyjwt-keys"]))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        print("forked")
        """,
    )
    assert found == "forked\n"


# ------------------------------------------------------------------------------------- with a real host


def test_rotation_and_an_outage_of_a_real_host(hands: Hands) -> None:
    old, new = Issuer(kid="old"), Issuer(kid="new")
    with serving(sends(answer(status="503 Busy"))) as host:
        holder = Holder(hands, url_source("url:0", host.url, ca=own_authority().pem, stale=DAY))
        try:
            refused = holder.feeds.first(GUARD)["url:0"]
            assert isinstance(refused, KeyRefused)
            assert refused.message == "the host of the keys answered with HTTP status 503; expected 200"
            host.publish(old)
            holder.feeds.start()
            hands.move(30)
            host.publish(old, new)
            hands.move(300)
            host.publish(new)
            hands.move(300)
            host.reply = sends(b"")
            hands.move(300)
            assert [[key.kid for key in keys.keys] for _, keys, _ in holder.taken] == [["old"], ["old", "new"], ["new"]]
            assert only(holder).last_error == "key.fetch_failed: the answer is no HTTP, or ends early"
            assert len(host.asked) == 5
        finally:
            holder.feeds.close()


def test_discovery_by_a_real_host(hands: Hands) -> None:
    issuer = Issuer()
    with serving(sends(b"")) as host:
        import json

        def reply(connection: Any, over: Any) -> None:
            if "/.well-known/openid-configuration" in host.asked[-1]:
                document = {"issuer": host.issuer, "jwks_uri": host.url}
                connection.sendall(answer(json.dumps(document).encode()))
            else:
                connection.sendall(answer(json.dumps({"keys": [issuer.jwk()]}).encode()))

        host.reply = reply
        name = f"discovery:{host.issuer}"
        holder = Holder(hands, discovery_source(name, host.issuer, ca=own_authority().pem, stale=DAY))
        try:
            keys = holder.feeds.first(GUARD)[name]
            assert isinstance(keys, KeySet)
            assert [key.reference for key in keys.keys] == [name]
            assert [head.split(" ")[1] for head in host.asked] == ["/.well-known/openid-configuration", "/keys"]
        finally:
            holder.feeds.close()


def test_without_authorities_those_of_the_system_count() -> None:
    with serving(sends(answer(b"{}"))) as host:
        for source in (
            url_source("url:0", host.url, ca=None, stale=DAY),
            discovery_source("discovery:0", host.issuer, ca=None, stale=DAY),
        ):
            with pytest.raises(KeyRefused, match="no authority that is trusted here"):
                source.fetch()
        assert host.asked == []


def test_authorities_are_read_before_anything_is_asked() -> None:
    for made in (url_source, discovery_source):
        with pytest.raises(KeyRefused, match="`ca` holds no certificate"):
            made("url:0", "https://localhost:1", ca=b"none", stale=DAY).fetch()
