"""The stores behind Sentinel and in a cluster of three: found, redirected, failed over, each nonce once."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Barrier, Event, Lock, Thread
from typing import Any
from unittest import mock

import pytest
from redis.crc import key_slot

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import redis_places
from policyjwt.replay.redis import RedisReplayStore
from policyjwt.replay.redis_async import AsyncRedisReplayStore
from policyjwt.replay.redis_places import Places
from policyjwt.replay.redis_settings import Address, read_settings
from policyjwt.replay.redis_steps import Again, Deadline, finding_primary
from tests.replay.servers import STORES, Blocking, Make, Server, command, free_port, info, needs_redis, serving, until

pytestmark = needs_redis

PREFIX = b"policyjwt:replay:"


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


def until_told(server: Server, what: bytes, *words: str, times: int = 1) -> None:
    """Wait for an answer that holds these bytes."""
    until(lambda: command(server.port, *words).count(what) >= times)


def places(store: Any) -> Places:
    """What the store has learned."""
    if isinstance(store, Blocking):
        loops: list[Any] = list(store.store._loops.values())
        found = loops[0].places
    else:
        found = store._places
    assert isinstance(found, Places)
    return found


# --- a cluster ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Three primaries, each with a third of the slots."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        nodes = []
        for number in range(3):
            more = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000")
            nodes.append(
                stack.enter_context(
                    serving(folder / str(number), "--appendonly", "yes", "--appendfsync", "always", *more)
                )
            )
        edges = [0, 5461, 10923, 16384]
        for node, first, after in zip(nodes, edges, edges[1:], strict=False):
            assert command(node.port, "CLUSTER", "ADDSLOTSRANGE", first, after - 1) == b"+OK"
        for number, node in enumerate(nodes):
            assert command(node.port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1) == b"+OK"
        for node in nodes[1:]:
            bus = node.arguments[node.arguments.index("--cluster-port") + 1]
            assert command(nodes[0].port, "CLUSTER", "MEET", "127.0.0.1", node.port, bus) == b"+OK"
        for node in nodes:
            until_told(node, b"cluster_state:ok", "CLUSTER", "INFO")
            until_told(node, b"connected", "CLUSTER", "NODES", times=3)
        yield nodes


def owner(cluster: list[Server], each: bytes) -> int:
    """Which node has the key's slot."""
    return min(key_slot(PREFIX + each) // 5461, 2)


def key_of(cluster: list[Server], number: int) -> bytes:
    """A new key whose slot the node has."""
    while owner(cluster, each := key()) != number or key_slot(PREFIX + each) % 5461 == 5460:
        pass
    return each


def test_a_cluster_consumes_each_nonce_once(make: Make, cluster: list[Server]) -> None:
    store = make(cluster[0].url, cluster=True)
    keys = [key_of(cluster, number % 3) for number in range(30)]
    assert [store.consume(each, 600, b"note") for each in keys] == [True] * 30
    other = make([node.url for node in cluster], cluster=True)
    assert [other.consume(each, 600, b"") for each in keys] == [False] * 30
    assert [other.first(each) for each in keys] == [b"note"] * 30
    for number, node in enumerate(cluster):
        assert command(node.port, "EXISTS", PREFIX + keys[number]) == b":1"


def test_a_cluster_is_told_as_one(make: Make, cluster: list[Server]) -> None:
    store = make(cluster[0].url)
    assert store.consume(key_of(cluster, 0), 600, b"") is True
    with pytest.raises(StoreUnavailable, match="if it was not told of as one, say `cluster=True`"):
        store.consume(key_of(cluster, 1), 600, b"")


def test_one_server_is_no_cluster(make: Make, tmp_path: Path) -> None:
    with serving(tmp_path, "--appendonly", "yes") as server:
        with pytest.raises(StoreUnavailable, match="no node of the replay store's cluster has the key's slot"):
            make(server.url, cluster=True).consume(key(), 600, b"")
        with pytest.raises(StoreUnavailable, match="no sentinel tells the primary of `pay`"):
            make(server.url, sentinel="pay").consume(key(), 600, b"")


def test_nodes_that_do_not_answer_are_passed_over(make: Make, cluster: list[Server]) -> None:
    dead = f"redis://127.0.0.1:{free_port()}"
    assert make([dead, cluster[2].url], cluster=True).consume(key(), 600, b"") is True
    with pytest.raises(StoreUnavailable, match="no node of the replay store's cluster"):
        make(dead, cluster=True).consume(key(), 600, b"")


def test_a_slot_that_moves_is_followed(make: Make, cluster: list[Server]) -> None:
    """ASK while the slot is under way, for old keys and new; MOVED when it has arrived."""
    store = make(cluster[0].url, cluster=True)
    ids = [command(node.port, "CLUSTER", "MYID").decode() for node in cluster]
    there, new = key_of(cluster, 0), key()
    slot = key_slot(PREFIX + there)
    while key_slot(PREFIX + new) != slot:
        new = key()
    newest = new[::-1]
    while key_slot(PREFIX + newest) != slot or newest == new:
        newest = key()
    assert store.consume(there, 600, b"old") is True
    assert command(cluster[1].port, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0]) == b"+OK"
    assert command(cluster[0].port, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1]) == b"+OK"
    try:
        assert store.consume(there, 600, b"") is False  # still at the old place
        assert store.consume(new, 600, b"new") is True  # ASK: at the new one
        assert store.consume(new, 600, b"") is False
        assert store.first(new) == b"new"
        with pytest.raises(StoreUnavailable):
            make(cluster[0].url).consume(newest, 600, b"")
        moved = command(cluster[0].port, "MIGRATE", "127.0.0.1", cluster[1].port, PREFIX + there, 0, 5000)
        assert moved == b"+OK"
        assert store.consume(there, 600, b"") is False
        for node in (1, 0, 2):
            assert command(cluster[node].port, "CLUSTER", "SETSLOT", slot, "NODE", ids[1]) == b"+OK"
        assert places(store).of(PREFIX + there).port == cluster[0].port
        assert store.consume(there, 600, b"") is False  # MOVED
        assert places(store).of(PREFIX + there).port == cluster[1].port
        assert store.consume(newest, 600, b"") is True
        assert store.first(there) == b"old"
    finally:
        for each in (there, new, newest):
            command(cluster[1].port, "DEL", PREFIX + each)
        for node in (0, 1, 2):
            command(cluster[node].port, "CLUSTER", "SETSLOT", slot, "NODE", ids[0])


def test_in_a_cluster_one_of_64_threads_is_first(cluster: list[Server]) -> None:
    rounds, threads = 30, 64
    barrier = Barrier(threads, timeout=60)
    answers: list[list[bool]] = [[] for _ in range(rounds)]
    keys = [key() for _ in range(rounds)]

    def work(store: RedisReplayStore) -> None:
        for number, each in enumerate(keys):
            barrier.wait()
            answers[number].append(store.consume(each, 600, b""))

    with RedisReplayStore(cluster[1].url, cluster=True, timeout=30) as store:
        workers = [Thread(target=work, args=(store,)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert [(each.count(True), len(each)) for each in answers] == [(1, threads)] * rounds


def test_a_node_that_dies_takes_its_slots_along_and_nothing_else(make: Make, cluster: list[Server]) -> None:
    """Its slots get no answer; and as the cluster is set up, nor do others once it is known to be down."""
    store = make([node.url for node in cluster], cluster=True)
    keys = [key_of(cluster, number) for number in range(3)]
    assert [store.consume(each, 600, b"") for each in keys] == [True] * 3
    cluster[2].kill()
    try:
        with pytest.raises(StoreUnavailable, match="can't be reached"):
            store.consume(keys[2], 600, b"")
        until(lambda: b"cluster_state:fail" in command(cluster[0].port, "CLUSTER", "INFO"))
        with pytest.raises(StoreUnavailable, match="is part of a cluster that is down"):
            store.consume(keys[0], 600, b"")
    finally:
        cluster[2].start()
        for node in cluster:
            until_told(node, b"cluster_state:ok", "CLUSTER", "INFO")
    assert [store.consume(each, 600, b"") for each in keys] == [False] * 3


# --- Sentinel -------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[list[Server], list[Server]]]:
    """A primary and its replica, watched by three sentinels: servers, sentinels."""
    with ExitStack() as stack:
        primary = stack.enter_context(
            serving(tmp_path / "one", "--appendonly", "yes", "--repl-diskless-sync-delay", "0")
        )
        follows = ("--replicaof", "127.0.0.1", str(primary.port))
        replica = stack.enter_context(serving(tmp_path / "two", "--appendonly", "yes", *follows))
        until(lambda: info(replica.port, "master_link_status") == "up")
        sentinels = []
        for number in range(3):
            folder = tmp_path / f"sentinel {number}"
            folder.mkdir()
            (folder / "sentinel.conf").write_text(
                f"sentinel monitor pay 127.0.0.1 {primary.port} 2\n"
                "sentinel down-after-milliseconds pay 300\nsentinel failover-timeout pay 2000\n"
            )
            started = stack.enter_context(_sentinel(folder))
            sentinels.append(started)
        for each in sentinels:
            until_told(each, b"sentinels=3", "INFO", "sentinel")
            until_told(each, b"slaves=1", "INFO", "sentinel")
        yield [primary, replica], sentinels


def _sentinel(folder: Path) -> Any:
    return serving(folder, str(folder / "sentinel.conf"), "--sentinel", "--sentinel", "announce-ip", "127.0.0.1")


@pytest.mark.parametrize("min_replicas", [0, 1])
def test_sentinel_names_the_primary_before_and_after_a_fail_over(
    make: Make, watched: tuple[list[Server], list[Server]], min_replicas: int
) -> None:
    (primary, replica), sentinels = watched
    urls = [f"redis://127.0.0.1:{free_port()}", *(each.url for each in sentinels)]  # the first one is down
    patient = make(urls, sentinel="pay", min_replicas=min_replicas, replica_timeout=19, timeout=20)
    store = make(urls, sentinel="pay", min_replicas=min_replicas)
    keys = [key() for _ in range(20)]
    assert [patient.consume(each, 600, b"") for each in keys] == [True] * 20
    assert store.consume(keys[0], 600, b"") is False
    assert places(store).of(b"") == Address("127.0.0.1", primary.port)
    until(lambda: command(replica.port, "DBSIZE") == b":20")
    primary.kill()
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        store.consume(keys[0], 600, b"")  # nothing is told while nobody is primary
    until(lambda: info(replica.port, "role") == "master")
    until(lambda: str(replica.port).encode() in command(sentinels[0].port, "INFO", "sentinel"))

    def known() -> bool:
        try:
            return store.consume(keys[0], 600, b"") is False
        except StoreUnavailable:
            return False

    until(known)
    assert [store.consume(each, 600, b"") for each in keys] == [False] * 20
    assert places(store).of(b"") == Address("127.0.0.1", replica.port)
    if min_replicas:
        with pytest.raises(StoreUnavailable, match="0 replicas acknowledged"):
            store.consume(key(), 600, b"")
    else:
        assert store.consume(key(), 600, b"") is True


def test_sentinels_that_know_nothing_or_are_gone_give_no_answer(
    make: Make, watched: tuple[list[Server], list[Server]]
) -> None:
    _, sentinels = watched
    urls = [each.url for each in sentinels]
    with pytest.raises(StoreUnavailable, match="no sentinel tells the primary of `other`"):
        make(urls, sentinel="other").consume(key(), 600, b"")
    store, a = make(urls, sentinel="pay"), key()
    with mock.patch.object(redis_places, "PRIMARY_AGE", 0.0):
        assert store.consume(a, 600, b"") is True
        for each in sentinels[:2]:
            each.kill()
        assert store.consume(a, 600, b"") is False
        sentinels[2].kill()
        with pytest.raises(StoreUnavailable, match="no sentinel tells the primary of `pay`"):
            store.consume(a, 600, b"")


def test_sentinel_is_asked_again_only_after_a_while(make: Make, watched: tuple[list[Server], list[Server]]) -> None:
    _, sentinels = watched
    store = make(sentinels[0].url, sentinel="pay")
    for age, questions in ((3600.0, 1), (0.0, 10)):
        with (
            mock.patch.object(redis_places, "PRIMARY_AGE", age),
            mock.patch.object(redis_places, "finding_primary", wraps=finding_primary) as asked,
        ):
            assert [store.consume(key(), 600, b"") for _ in range(10)] == [True] * 10
            assert asked.call_count == questions


THREADS = 12


class Silent:
    """Sentinels that take every connection and say nothing, until `over`. Each connection is one look-up."""

    def __init__(self, stack: ExitStack) -> None:
        self.over, self._ended = Event(), Event()
        self.asked: list[int] = []
        self.urls: list[str] = []
        for number in range(3):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
            listener.settimeout(0.02)
            self.urls.append(f"redis://127.0.0.1:{listener.getsockname()[1]}")
            worker = Thread(target=self._serve, args=(listener, number), daemon=True)
            worker.start()
            stack.callback(worker.join, 60)
        stack.callback(self.over.set)
        stack.callback(self._ended.set)

    def _serve(self, listener: socket.socket, number: int) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                taken, _ = listener.accept()
                with taken:
                    self.asked.append(number)
                    self.over.wait(60)


class Counted:
    """The store's lock, and how many have come to it."""

    def __init__(self, all_came: Event) -> None:
        self.lock, self.came, self.all_came = Lock(), Lock(), all_came
        self.count = 0

    def acquire(self, timeout: float) -> bool:
        with self.came:
            self.count += 1
            if self.count == THREADS:
                self.all_came.set()
        return self.lock.acquire(timeout=timeout)

    def release(self) -> None:
        self.lock.release()


def test_threads_that_wait_share_a_look_up_that_fails() -> None:
    """Three dead sentinels are asked once each, not once for each thread; and anew by who comes later."""
    with ExitStack() as stack:
        dead = Silent(stack)
        store = stack.enter_context(RedisReplayStore(dead.urls, sentinel="pay", timeout=60))
        store._finding = Counted(dead.over)  # type: ignore[assignment] # a lock that counts
        said: list[str] = []

        def work() -> None:
            with pytest.raises(StoreUnavailable) as caught:
                store.consume(key(), 60, b"")
            said.append(str(caught.value))

        workers = [Thread(target=work) for _ in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert said == ["no sentinel tells the primary of `pay`"] * THREADS
        assert dead.asked == [0, 1, 2]
        work()
        assert dead.asked == [0, 1, 2, 0, 1, 2]


def test_tasks_that_wait_share_a_look_up_that_fails() -> None:
    urls = [f"redis://127.0.0.1:{free_port()}" for _ in range(3)]

    async def main() -> None:
        async with AsyncRedisReplayStore(urls, sentinel="pay", timeout=60) as store:
            seed, asked = store._seed, []

            def counted(address: Address) -> Any:
                asked.append(str(address.port))
                return seed(address)

            with mock.patch.object(store, "_seed", counted):
                for times in (1, 2):
                    uses = [store.consume(key(), 60, b"") for _ in range(THREADS)]
                    said = await asyncio.gather(*uses, return_exceptions=True)
                    assert list(map(str, said)) == ["no sentinel tells the primary of `pay`"] * THREADS
                    assert asked == [url.rpartition(":")[2] for url in urls] * times

    asyncio.run(main())


@pytest.mark.parametrize("seeds", [1, 3])
def test_silent_sentinels_take_no_more_than_the_time_for_a_use(make: Make, seeds: int) -> None:
    """Of whom there was no time to ask, nothing is said; the next use begins with them."""
    with ExitStack() as stack:
        dead = Silent(stack)
        store = make(dead.urls[:seeds], sentinel="pay", timeout=0.3, retries=0)
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match=r"no sentinel tells|did not answer in time"):
                store.consume(key(), 60, b"")
        dead.over.set()
        until(lambda: len(dead.asked) == 3)
        assert sorted(dead.asked) == ([0] * 3 if seeds == 1 else [0, 1, 2])


def test_a_look_up_that_had_no_time_is_not_shared() -> None:
    found = Places(read_settings(["redis://a:1", "redis://b:2"], sentinel="pay"))
    assert next(iter(found.questions(0)))[0] == Address("a", 1)  # and no more: a task that is cancelled
    over = iter([False, True])
    assert (found.failures, found._seeds) == (0, [Address("b", 2), Address("a", 1)])
    questions = found.questions(0, is_over=lambda: next(over))
    assert next(questions)[0] == Address("b", 2)
    with pytest.raises(StoreUnavailable):
        next(questions)
    assert (found.failures, found._seeds) == (0, [Address("a", 1), Address("b", 2)])
    with pytest.raises(StoreUnavailable):
        list(found.questions(0))
    assert found.failures == 1
    with pytest.raises(StoreUnavailable):
        next(found.questions(0))  # who waited meanwhile
    assert next(found.questions(1))[0] == Address("a", 1)


def test_a_deadline_bounds_each_wait_and_their_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    limit = Deadline.of(read_settings("redis://a", timeout=0.5, retries=2))
    assert (limit.ends, limit.wait(), limit.wait(whole=True), limit.is_over()) == (101.5, 0.5, 1.5, False)
    now = 101.25
    assert (limit.wait(), limit.wait(whole=True)) == (0.25, 0.25)
    assert limit.timeouts() == {"socket_timeout": 0.25, "socket_connect_timeout": 0.25}
    for late in (101.5, 102.0):
        now = late
        assert limit.is_over()
        with pytest.raises(Again, match="did not answer in time"):
            limit.wait()


# --- what is learned, without a server ------------------------------------------------------------------------------


def _answered(kind: str, *answers: object) -> Places:
    options: dict[str, Any] = {"sentinel": "pay"} if kind == "sentinel" else {"cluster": True}
    found = Places(read_settings(["redis://a:1", "redis://b:2"], **options))
    left = list(answers)
    for _, steps in found.questions(0):
        try:
            next(steps)
            steps.send(left.pop(0))
        except StopIteration as done:
            found.learn(done.value)
    assert not left
    return found


def test_a_node_without_a_name_is_the_one_that_was_asked() -> None:
    for host in (b"", None):
        assert _answered("cluster", [[0, 16383, [host, 7, b"id"]]]).of(b"x") == Address("a", 7)
    assert _answered("cluster", [[0, 16383, [b"h", 7, b"id", []], [b"i", 8, b"replica"]]]).of(b"x") == Address("h", 7)


def test_a_slot_without_a_node_is_no_answer() -> None:
    slot = key_slot(b"x")
    found = _answered("cluster", [[0, slot - 1, [b"h", 7]], [slot + 1, 16383, [b"i", 8]]])
    with pytest.raises(StoreUnavailable, match="has the key's slot"):
        found.of(b"x")
    assert _answered("cluster", [[slot, slot, [b"h", 7]]]).of(b"x") == Address("h", 7)


@pytest.mark.parametrize("answer", [None, [], b"x", [[0, 1]], [[0, 1, []]], [[b"0", b"1", [b"h", 1]]], ["x"]])
def test_what_is_no_map_of_slots_is_no_answer(answer: object) -> None:
    with pytest.raises(StoreUnavailable):
        _answered("cluster", answer, answer)


@pytest.mark.parametrize("answer", [None, [], [b"h"], [b"h", 1], b"h:1", [b"h", b"1", b"2"], ValueError("x")])
def test_what_is_no_address_is_no_answer(answer: object) -> None:
    with pytest.raises(StoreUnavailable):
        _answered("sentinel", answer, answer)


def test_the_next_seed_may_know_and_is_asked_first_from_then_on() -> None:
    found = _answered("sentinel", None, [b"h", b"7"])
    assert found.of(b"x") == Address("h", 7)
    assert found._seeds == [Address("b", 2), Address("a", 1)]


def test_what_was_learned_meanwhile_is_not_forgotten() -> None:
    found = _answered("sentinel", [b"h", b"7"])
    found.forget(b"x", Address("old", 7))
    assert found.of(b"x") == Address("h", 7)
    found.forget(b"x", Address("h", 7))
    with pytest.raises(StoreUnavailable):
        found.of(b"x")
    found.forget(b"x", Address("h", 7))
