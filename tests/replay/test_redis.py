"""The stores in Redis and Valkey: each key once among threads, tasks, processes; fit servers, accounts and TLS."""

from __future__ import annotations

import asyncio
import datetime
import gc
import ipaddress
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import MemoryReplayStore, ReplayStore, redis_check, redis_steps
from policyjwt.replay import redis as module
from policyjwt.replay.protocol import MAX_TTL
from policyjwt.replay.redis import RedisReplayStore
from policyjwt.replay.redis_async import AsyncRedisReplayStore
from policyjwt.replay.redis_check import MAX_DIFFERENCE
from policyjwt.replay.redis_settings import MAX_HOLD, read_settings
from policyjwt.replay.redis_steps import GRACE, RECHECK, Deadline
from tests.replay.servers import (
    KINDS,
    STORES,
    Blocking,
    Make,
    Server,
    calls,
    command,
    info,
    needs_redis,
    serving,
    until,
)

pytestmark = needs_redis


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--appendonly", "yes", binary=request.param) as started:
        yield started


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for what does not differ between kinds."""
    with serving(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as started:
        yield started


@pytest.fixture(params=STORES)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """A maker of stores of each kind, closed at the end."""
    made: list[Any] = []

    def maker(*arguments: Any, **options: Any) -> Any:
        made.append(request.param(*arguments, **options))
        return made[-1]

    yield maker
    for store in made:
        store.close()


def key() -> bytes:
    return os.urandom(32)


def test_the_first_use_is_true_and_every_later_one_false(make: Make, server: Server) -> None:
    store, a, b = make(server.url), key(), key()
    assert store.consume(a, 60, b"first") is True
    assert store.consume(a, 60, b"second") is False
    assert make(server.url).consume(a, 60, b"third") is False
    assert store.consume(b, 60, b"") is True
    assert store.first(a) == b"first"
    assert store.first(b) == b""
    assert store.first(key()) is None


@pytest.mark.parametrize("odd", [b"a", bytes(32), bytes(range(256)), b"{a}b", b"a\r\n$3\r\nb", b"x" * 5000])
def test_any_bytes_are_a_key_and_a_note(make: Make, server: Server, odd: bytes) -> None:
    store, run = make(server.url, prefix=key().hex()), odd
    assert store.consume(run, 60, odd) is True
    assert store.consume(run + b" ", 60, b"") is True
    assert store.consume(run, 60, b"") is False
    assert store.first(run) == odd


def test_a_database_that_is_not_there_is_no_answer(make: Make, redis: Server) -> None:
    with pytest.raises(StoreUnavailable, match="the replay store answered with an error"):
        make(redis.url + "/999").consume(key(), 60, b"")


def test_another_prefix_is_another_store(make: Make, redis: Server) -> None:
    a = key()
    assert make(redis.url, prefix="one:").consume(a, 60, b"") is True
    assert make(redis.url, prefix="two:").consume(a, 60, b"") is True
    assert make(redis.url, prefix="one:").consume(a, 60, b"") is False
    assert make(redis.url + "/1", prefix="one:").consume(a, 60, b"") is True


@pytest.mark.parametrize("ttl", [1, 2, 300, MAX_HOLD, MAX_HOLD + 1, 10 * 365 * 86400])
def test_a_key_is_held_for_its_time_and_the_grace(make: Make, server: Server, ttl: int) -> None:
    store, a = make(server.url, prefix=""), key()
    assert store.consume(a, ttl, b"") is True
    left = int(command(server.port, "TTL", a).removeprefix(b":"))
    assert ttl + GRACE - 30 < left <= ttl + GRACE
    assert store.consume(a, ttl + 1000, b"") is False  # a second use moves nothing
    assert int(command(server.port, "TTL", a).removeprefix(b":")) <= left


def test_a_key_is_free_again_when_its_time_is_over(make: Make, server: Server) -> None:
    store, a = make(server.url, prefix=""), key()
    assert store.consume(a, 60, b"") is True
    assert command(server.port, "PEXPIRE", a, 1) == b":1"
    while command(server.port, "EXISTS", a) != b":0":
        time.sleep(0.001)
    assert store.first(a) is None
    assert store.consume(a, 60, b"") is True


def test_a_time_beyond_what_the_server_counts_is_no_answer(make: Make, server: Server) -> None:
    store, a = make(server.url), key()
    with pytest.raises(StoreUnavailable, match="longer than the store can"):
        store.consume(a, MAX_TTL + 1, b"")
    assert store.first(a) is None
    assert store.consume(a, MAX_TTL, b"") is True


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("a", 60, b""), TypeError),
        ((b"a", 60, "note"), TypeError),
        ((b"a", 60.0, b""), TypeError),
        ((b"", 60, b""), ValueError),
        ((b"a", 0, b""), ValueError),
    ],
)
def test_a_bad_call_is_told(make: Make, redis: Server, arguments: tuple[Any, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        make(redis.url).consume(*arguments)


def test_the_store_is_one_for_all_nodes_and_says_what_it_promises(make: Make) -> None:
    plain = make("redis://127.0.0.1:1")
    assert isinstance(plain, ReplayStore)
    assert (plain.reach, plain.word) == ("nodes", None)
    assert plain.durability == (
        "survives a restart of the server as long as its append-only file does: all with `appendfsync always`, all "
        "but the last two seconds with `everysec` (without the file a server is refused until it has run for 86760 s; "
        "a file that was lost, or switched on after a restart, is not noticed, nor is FLUSHALL); a fail-over "
        "loses what its replica had not received"
    )
    assert make("redis://127.0.0.1:1", min_replicas=1).durability.endswith(
        "; 1 replica has acknowledged it; a fail-over to a replica that has not may lose it"
    )
    assert make("redis://127.0.0.1:1", min_replicas=2, server_is_safe=True).durability == (
        "survives a restart of the server, by the caller's word; 2 replicas have acknowledged it; a fail-over to a "
        "replica that has not may lose it"
    )


def test_a_closed_store_gives_no_answer(make: Make, redis: Server) -> None:
    with make(redis.url) as store:
        assert store.consume(key(), 60, b"") is True
    if isinstance(store, Blocking):
        return
    store.close()
    for ask in (lambda: store.consume(key(), 60, b""), lambda: store.first(b"a"), store.check):
        with pytest.raises(StoreUnavailable, match="the replay store is closed"):
            ask()


def test_a_closed_asynchronous_store_gives_no_answer(redis: Server) -> None:
    async def main() -> None:
        async with AsyncRedisReplayStore(redis.url) as store:
            assert await store.consume(key(), 60, b"") is True
        with pytest.raises(StoreUnavailable, match="the replay store is closed"):
            await store.consume(key(), 60, b"")
        async with AsyncRedisReplayStore(redis.url) as other:
            await other.check()
            assert [len(idle) for idle in other._loop().idle.values()] == [1]

    asyncio.run(main())


def test_a_connection_given_back_to_a_closed_store_is_closed(redis: Server) -> None:
    store = RedisReplayStore(redis.url)
    limit = Deadline.of(store._settings)
    with store._link(store._place(b"a", limit), limit) as link:
        store.close()
    assert not link.connection.is_connected  # type: ignore[attr-defined] # of the client's own connection
    assert not store._idle

    async def main() -> None:
        other = AsyncRedisReplayStore(redis.url)
        loop = other._loop()
        async with other._link(loop, await other._place(loop, b"a")) as taken:
            await other.aclose()
        assert not taken.connection.is_connected  # type: ignore[attr-defined] # of the client's own connection
        assert not loop.idle

    asyncio.run(main())


# --- what the caller says -------------------------------------------------------------------------------------------

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("", {}, "the address begins with `rediss://` (TLS) or `redis://`"),
        ("unix:///tmp/socket", {}, "the address begins with `rediss://` (TLS) or `redis://`"),
        ("http://127.0.0.1", {}, "the address begins with `rediss://` (TLS) or `redis://`"),
        (f"redis://:{SECRET}@", {}, "the address names no host"),
        (f"redis://user:{SECRET}/more@host", {}, "in a password write `/`, `?`, `#`, `@` as %2F, %3F, %23, %40"),
        (f"redis://:x{SECRET}#y@host", {}, "write `/`, `?`, `#`, `@` as"),
        (f"redis://host#{SECRET}", {}, "the address has a `#`; in a password write it as %23"),
        ("redis://host:port", {}, "the address is no URL"),
        (f"redis://host/{SECRET}", {}, "the path of the address is the number of a database"),
        ("redis://host/-1", {}, "the number of a database"),
        ("redis://host/²", {}, "the number of a database"),
        ("redis://host?ssl_ca_certs=/dev/null", {}, "after `?` an address of TLS may say ssl_ca_certs, ssl_certfile"),
        ("rediss://host?ssl_cert_reqs=none", {}, "and nothing else"),
        ("rediss://host?ssl_check_hostname=false", {}, "and nothing else"),
        (f"rediss://host?password={SECRET}", {}, "and nothing else"),
        ("rediss://host?decode_responses=true", {}, "and nothing else"),
        ("rediss://host?ssl_ca_certs=/missing", {}, "`ssl_ca_certs` names no file"),
        ((), {}, "one address names one server"),
        (("redis://a", "redis://b"), {}, "one address names one server"),
        ((f"redis://:{SECRET}@a", "redis://b"), {"cluster": True}, "the addresses differ in more than host and port"),
        (("redis://a", "rediss://b"), {"sentinel": "x"}, "the addresses differ in more than host and port"),
        ("redis://a/1", {"cluster": True}, "a cluster has one database, 0"),
        ("redis://a", {"cluster": True, "sentinel": "x"}, "found by Sentinel or is a cluster, not both"),
        ("redis://a", {"sentinel": ""}, "the name under which Sentinel knows"),
        ("redis://a", {"min_replicas": -1}, "`min_replicas` is a whole number, at least 0"),
        ("redis://a", {"min_replicas": True}, "`min_replicas` is a whole number, at least 0"),
        ("redis://a", {"retries": 0.5}, "`retries` is a whole number, at least 0"),
        ("redis://a", {"max_hold": 0}, "`max_hold` is a whole number, at least 1"),
        ("redis://a", {"max_connections": 0}, "`max_connections` is a whole number, at least 1"),
        ("redis://a", {"timeout": 0}, "`timeout` is a number of seconds, at least 0.001"),
        ("redis://a", {"timeout": float("nan")}, "`timeout` is a number of seconds"),
        ("redis://a", {"timeout": None}, "`timeout` is a number of seconds"),
        ("redis://a", {"min_replicas": 1, "replica_timeout": 0}, "`replica_timeout` is a number of seconds"),
        ("redis://a", {"min_replicas": 1, "replica_timeout": 1.0}, "`replica_timeout` is shorter than `timeout`"),
    ],
)
def test_what_cannot_be_meant_is_told_without_a_word_of_the_address(
    make: Make, url: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        make(url, **options)
    assert message in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "options", "shown"),
    [
        (f"rediss://user:{SECRET}@host/3", {}, "host:6379"),
        (f"redis://:{SECRET}@[::1]:7/3", {}, "::1:7"),
        ((f"redis://:{SECRET}@a", f"redis://:{SECRET}@b:1"), {"sentinel": "pay"}, "`pay` by a:26379, b:1"),
        (f"redis://:{SECRET}@a", {"cluster": True}, "a:6379"),
        ("redis://a", {"sentinel": "pay", "sentinel_password": SECRET}, "`pay` by a:26379"),
    ],
)
def test_a_store_shows_its_place_alone(make: Make, url: Any, options: dict[str, Any], shown: str) -> None:
    store = make(url, **options)
    assert repr(store) == f"<RedisReplayStore at {shown}>"
    settings = (store.store if isinstance(store, Blocking) else store)._settings
    assert SECRET not in repr(settings)
    assert SECRET in str((settings.login["password"], settings.seed_login["password"]))


def test_without_the_client_the_store_says_what_to_install(make: Make) -> None:
    missing = mock.patch.dict(sys.modules, {"redis": None, "redis.asyncio": None})
    with missing, pytest.raises(StoreUnavailable, match=r"the extra `redis`: install `policyjwt\[redis\]`"):
        make("redis://a")
    assert make("redis://a")


def test_to_import_the_package_does_not_import_the_client() -> None:
    modules = "policyjwt.replay.redis, policyjwt.replay.redis_async"
    text = f"import sys; import {modules}; print({{'redis', 'asyncio'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout == "set()\n"


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [50, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.parametrize("stores", [1, 4])
def test_of_64_threads_one_is_first(server: Server, stores: int, rounds: int) -> None:
    threads = 64
    opened = [RedisReplayStore(server.url, timeout=30) for _ in range(stores)]
    keys = [key() for _ in range(rounds)]
    barrier = Barrier(threads, timeout=60)
    answers: list[list[bool]] = [[] for _ in range(rounds)]

    def work(store: RedisReplayStore) -> None:
        for number, each in enumerate(keys):
            barrier.wait()
            answers[number].append(store.consume(each, 600, b""))

    workers = [Thread(target=work, args=(opened[number % stores],)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for store in opened:
        store.close()
    assert [(each.count(True), len(each)) for each in answers] == [(1, threads)] * rounds


@pytest.mark.parametrize("rounds", [50, pytest.param(1000, marks=pytest.mark.long)])
def test_of_64_tasks_one_is_first(server: Server, rounds: int) -> None:
    async def main() -> list[list[bool]]:
        async with AsyncRedisReplayStore(server.url, timeout=30) as store:
            return [
                await asyncio.gather(*(store.consume(each, 600, b"") for _ in range(64)))
                for each in [key() for _ in range(rounds)]
            ]

    answers = asyncio.run(main())
    assert [(each.count(True), len(each)) for each in answers] == [(1, 64)] * rounds


_PROCESS = """
import sys
from policyjwt.replay.redis import RedisReplayStore
with RedisReplayStore(sys.argv[1], timeout=30) as store:
    store.check()
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[2])):
        print(int(store.consume(b"%s %d" % (sys.argv[3].encode(), number), 600, b"")))
"""


@pytest.mark.parametrize("rounds", [200, pytest.param(1000, marks=pytest.mark.long)])
def test_of_two_processes_one_is_first(server: Server, rounds: int) -> None:
    run = key().hex()
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, server.url, str(rounds), run],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    answers = [worker.communicate()[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert [sorted(pair) for pair in zip(*answers, strict=True)] == [["0", "1"]] * rounds


def test_connections_are_used_again_and_limited(redis: Server) -> None:
    before = calls(redis.port, "info")
    with RedisReplayStore(redis.url, max_connections=1, timeout=0.05) as store:
        for _ in range(20):
            assert store.consume(key(), 60, b"") is True
        limit = Deadline.of(read_settings(redis.url, timeout=60))
        with (
            store._link(store._place(b"", limit), limit),
            pytest.raises(StoreUnavailable, match=r"all 1 connections .* are in use"),
        ):
            store.consume(key(), 60, b"")
        assert store.consume(key(), 60, b"") is True
    assert calls(redis.port, "info") - before == 2  # one connection of the store, and this count itself

    async def main() -> None:
        async with AsyncRedisReplayStore(redis.url, max_connections=1, timeout=0.05) as other:
            loop = other._loop()
            async with other._link(loop, await other._place(loop, b"")):
                with pytest.raises(StoreUnavailable, match=r"all 1 connections .* are in use"):
                    await other.consume(key(), 60, b"")
            assert await other.consume(key(), 60, b"") is True
            assert [len(each) for each in loop.idle.values()] == [1]

    asyncio.run(main())


def test_two_event_loops_use_one_store(redis: Server) -> None:
    store, a = AsyncRedisReplayStore(redis.url), key()

    async def use() -> bool:
        answer = await store.consume(a, 60, b"")
        for idle in store._loop().idle.values():
            for link in idle:
                await link.connection.disconnect(nowait=True)
        return answer

    assert [asyncio.run(use()), asyncio.run(use())] == [True, False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork_parent_and_child_connect_on_their_own(redis: Server) -> None:
    with RedisReplayStore(redis.url) as store:
        a, b = key(), key()
        assert store.consume(a, 60, b"") is True
        with store._lock:  # held by another thread when the fork comes
            child = os.fork()
            if child == 0:
                answers = (store.consume(a, 60, b""), store.consume(b, 60, b""))
                os._exit(0 if answers == (False, True) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.consume(b, 60, b"") is False
        assert store.consume(key(), 60, b"") is True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_loop_that_is_carried_through_a_fork_connects_anew(redis: Server) -> None:
    async def main() -> None:
        async with AsyncRedisReplayStore(redis.url) as store:
            assert await store.consume(key(), 60, b"") is True
            before = store._loop()
            with mock.patch("os.getpid", return_value=-1):
                assert store._loop() is not before
                assert not store._loop().idle
            for links in before.idle.values():
                for link in links:
                    await link.connection.disconnect(nowait=True)

    asyncio.run(main())


# --- accounts and TLS -----------------------------------------------------------------------------------------------

ALL = "+set +get +info +time"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with accounts: one for each set of permissions."""
    with serving(tmp_path_factory.mktemp("guarded"), "--appendonly", "yes", "--enable-debug-command", "no") as started:
        for name, may in {
            "all": ALL,
            "no-info": "+set +get +time",
            "no-time": "+set +get +info",
            "no-set": "+get +info +time",
            "no-wait": ALL,
        }.items():
            answer = command(started.port, "ACL", "SETUSER", name, "on", f">{SECRET}/?#@", "~policyjwt:*", *may.split())
            assert answer == b"+OK"
        yield started


def _url(server: Server, user: str, password: str = SECRET + "%2F%3F%23%40") -> str:
    return f"redis://{user}:{password}@127.0.0.1:{server.port}"


def test_an_account_needs_four_commands(make: Make, guarded: Server) -> None:
    store, a = make(_url(guarded, "all")), key()
    assert (store.consume(a, 60, b"n"), store.consume(a, 60, b""), store.first(a)) == (True, False, b"n")


@pytest.mark.parametrize(
    ("account", "options", "message"),
    [
        (("no-info",), {}, "may not call INFO: grant `+info`, or say `server_is_safe=True` if it evicts nothing"),
        (("no-time",), {}, "may not call TIME: grant `+time`"),
        (("no-time",), {"server_is_safe": True}, "may not call TIME: grant `+time`"),
        (("no-set",), {}, "may not call SET: grant `+set`"),
        (("no-wait",), {"min_replicas": 1}, "may not call WAIT: grant `+wait`"),
        (("all", "wrong" + SECRET), {}, "does not know the account or its password"),
        (("nobody",), {}, "does not know the account or its password"),
        (("all",), {"prefix": "other:"}, "may not call SET"),
    ],
)
def test_what_an_account_may_not_is_told(
    make: Make, guarded: Server, account: tuple[str, ...], options: dict[str, Any], message: str
) -> None:
    url, a = _url(guarded, *account), key()
    with pytest.raises(StoreUnavailable) as caught:
        make(url, **options).consume(a, 60, b"")
    assert message in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    assert repr(a)[2:-1] not in told


def test_where_info_is_forbidden_the_callers_word_counts(make: Make, guarded: Server) -> None:
    store, a = make(_url(guarded, "no-info"), server_is_safe=True), key()
    assert (store.consume(a, 60, b""), store.consume(a, 60, b"")) == (True, False)


def _certificate(folder: Path, *, host: str = "127.0.0.1") -> Path:
    """A certificate that signs itself, and its key, in one file."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


def _serving_tls(folder: Path, certificate: Path, port: str) -> Any:
    files = ("--tls-cert-file", "--tls-key-file", "--tls-ca-cert-file")
    words = [word for name in files for word in (name, str(certificate))]
    return serving(folder, "--appendonly", "yes", "--tls-port", port, "--tls-auth-clients", "yes", *words)


def test_tls_verifies_the_server_and_shows_the_clients_certificate(make: Make, tmp_path: Path) -> None:
    from tests.replay.servers import free_port

    good, wrong_host = _certificate(tmp_path), _certificate(tmp_path, host="127.0.0.2")
    for certificate, trusted, works in ((good, good, True), (good, wrong_host, False), (wrong_host, wrong_host, False)):
        port = str(free_port())
        with _serving_tls(tmp_path / port, certificate, port):
            shown = f"ssl_certfile={trusted}&ssl_keyfile={trusted}"
            store = make(f"rediss://127.0.0.1:{port}?ssl_ca_certs={trusted}&{shown}")
            if works:
                assert (store.consume(b"a", 60, b""), store.consume(b"a", 60, b"")) == (True, False)
                bare = make(f"rediss://127.0.0.1:{port}?ssl_ca_certs={trusted}")
                with pytest.raises(StoreUnavailable, match="can't be reached"):
                    bare.consume(b"b", 60, b"")
                store = make(f"rediss://127.0.0.1:{port}")  # the system's own authorities
            with pytest.raises(StoreUnavailable, match="can't be reached"):
                store.consume(b"b", 60, b"")
            with pytest.raises(StoreUnavailable):
                make(f"redis://127.0.0.1:{port}").consume(b"b", 60, b"")


# --- whether a server is fit ----------------------------------------------------------------------------------------


def _info(**lines: object) -> bytes:
    standard: dict[str, object] = {
        "redis_version": "7.0.15",
        "role": "master",
        "maxmemory": 0,
        "maxmemory_policy": "noeviction",
        "aof_enabled": 1,
        "uptime_in_seconds": 10,
    }
    told = {name: value for name, value in (standard | lines).items() if value is not None}
    return ("# Server\r\n" + "".join(f"{name}:{value}\r\n" for name, value in told.items())).encode()


def _check(info: object, *, time: object = (b"1700000000", b"500000"), clock: Any = None, **options: Any) -> Any:
    """Take the steps of a check with these answers."""
    settings = redis_check_settings(clock=clock or (lambda: 1_700_000_000.5), **options)
    steps = redis_check.checking(settings)
    try:
        assert next(steps) == ("TIME",)
        assert steps.send(list(time) if isinstance(time, tuple) else time) == ("INFO",)
        steps.send(info)
    except StopIteration as done:
        return done.value
    raise AssertionError("one step too many")


def redis_check_settings(**options: Any) -> Any:
    return RedisReplayStore("redis://127.0.0.1:1", **options)._settings


FORGETS = "say `server_is_safe=True` if it evicts nothing and keeps an append-only file"


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ({}, {}, None),
        ({"maxmemory": 100}, {}, None),
        ({"maxmemory_policy": "allkeys-lru"}, {}, None),  # without a limit nothing is evicted
        *(
            ({"maxmemory": 100, "maxmemory_policy": policy}, {"server_is_safe": safe}, "may evict nonces")
            for policy in (
                "allkeys-lru",
                "allkeys-lfu",
                "allkeys-random",
                "volatile-lru",
                "volatile-lfu",
                "volatile-ttl",
                "volatile-random",
                "",
                "NoEviction",
            )
            for safe in (False, True)
        ),
        ({"maxmemory": None}, {}, FORGETS),
        ({"maxmemory": "x"}, {}, FORGETS),
        ({"maxmemory_policy": None}, {}, FORGETS),
        ({"maxmemory_policy": None}, {"server_is_safe": True}, None),
        ({"aof_enabled": None}, {}, FORGETS),
        ({"aof_enabled": None}, {"server_is_safe": True}, None),
        ({"aof_enabled": 0, "uptime_in_seconds": None}, {}, FORGETS),
        ({"aof_enabled": 0, "uptime_in_seconds": "-1"}, {}, FORGETS),
        ({"aof_enabled": 0, "uptime_in_seconds": MAX_HOLD - 1}, {}, "started 86759 s ago without an append-only file"),
        ({"aof_enabled": 0, "uptime_in_seconds": MAX_HOLD - 1}, {"server_is_safe": True}, None),
        ({"aof_enabled": "", "uptime_in_seconds": 9}, {"max_hold": 10}, "it is trusted after 10 s (`max_hold`)"),
        ({"aof_last_write_status": "ok", "aof_last_bgrewrite_status": "ok", "loading": 0}, {}, None),
        ({"aof_last_write_status": "err"}, {}, "can't write to its append-only file"),
        ({"aof_last_write_status": ""}, {}, "can't write to its append-only file"),
        ({"aof_last_write_status": "err"}, {"server_is_safe": True}, None),
        ({"aof_last_bgrewrite_status": "err"}, {}, "can't rewrite its append-only file: see to its disk and memory"),
        ({"aof_last_bgrewrite_status": "err"}, {"server_is_safe": True}, None),
        ({"loading": 1}, {}, "is still loading its data"),
        ({"loading": 1}, {"server_is_safe": True}, "is still loading its data"),
        ({"role": "slave"}, {}, "is a replica, which takes no writes"),
        ({"role": "slave"}, {"server_is_safe": True}, "is a replica, which takes no writes"),
    ],
)
def test_a_server_that_may_forget_is_refused(
    lines: dict[str, object], options: dict[str, Any], message: str | None
) -> None:
    if message is None:
        assert _check(_info(**lines), **options).keeps is True
        return
    with pytest.raises((StoreUnavailable, redis_steps.Again)) as caught:
        _check(_info(**lines), **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("uptime", [MAX_HOLD, MAX_HOLD + 1])
def test_a_server_that_ran_for_long_enough_is_fit_for_what_is_held_so_long(uptime: int) -> None:
    facts = _check(_info(aof_enabled=0, uptime_in_seconds=uptime))
    assert facts.keeps is False
    settings = redis_check_settings()
    for ttl, asked in ((MAX_HOLD - 1, True), (MAX_HOLD, True), (MAX_HOLD + 1, False)):
        attempt = redis_steps.new_attempt(settings, key=b"a", ttl=ttl, note=b"")
        steps = redis_steps.consuming(settings, attempt, facts)
        if asked:
            assert next(steps)[0] == "SET"
        else:
            with pytest.raises(StoreUnavailable, match=r"held for 86761 s .* at most 86760 s"):
                next(steps)


@pytest.mark.parametrize("text", [None, 5, b"", [b"a"], ValueError("x")])
def test_what_is_no_info_is_no_answer(text: object) -> None:
    with pytest.raises(StoreUnavailable):
        _check(text)


@pytest.mark.parametrize(
    ("version", "in_one"),
    [("6.2.21", False), ("5.0.0", False), ("7.0.0", True), ("10.1", True), ("x", True), (None, True)],
)
def test_the_version_says_how_to_ask(version: str | None, in_one: bool) -> None:  # noqa: FBT001 - a column of the table
    assert _check(_info(redis_version=version)).in_one is in_one


@pytest.mark.parametrize("off", [0, MAX_DIFFERENCE, -MAX_DIFFERENCE])
def test_clocks_may_differ_by_a_little(off: float) -> None:
    assert _check(_info(), clock=lambda: 1_700_000_000.5 + off).keeps is True


@pytest.mark.parametrize(
    ("off", "message"),
    [
        (MAX_DIFFERENCE + 0.001, "this clock is 5 s ahead of the replay store's: at most 5 s"),
        (-MAX_DIFFERENCE - 0.001, "this clock is 5 s behind the replay store's: at most 5 s"),
        (-3600, "this clock is 3600 s behind the replay store's: at most 5 s"),
        (float("nan"), "the clock gives no time"),
        (float("inf"), "the clock gives no time"),
    ],
)
@pytest.mark.parametrize("safe", [False, True])
def test_clocks_that_differ_are_no_answer(off: float, message: str, safe: bool) -> None:  # noqa: FBT001 - a parameter
    with pytest.raises(StoreUnavailable, match=message):
        _check(_info(), clock=lambda: 1_700_000_000.5 + off, server_is_safe=safe)


def test_the_way_to_the_server_does_not_count_as_a_difference() -> None:
    """The answer took 20 seconds, and the server looked at its clock in between."""
    times = iter([1_700_000_000.5 - 10, 1_700_000_000.5 + 10])
    assert _check(_info(), clock=lambda: next(times)).keeps is True


@pytest.mark.parametrize("answer", [None, b"1700000000", [b"1700000000"], [b"x", b"0"], [1700000000, 0], []])
def test_what_is_no_time_is_no_answer(answer: object) -> None:
    with pytest.raises(StoreUnavailable, match="gave an answer to TIME that has no meaning"):
        _check(_info(), time=answer)


def test_a_clock_that_is_wrong_is_noticed_by_a_real_server(make: Make, server: Server) -> None:
    for off, which in ((-60, "behind"), (60, "ahead of")):
        with pytest.raises(StoreUnavailable, match=f"this clock is (59|60|61) s {which} the replay store's"):
            make(server.url, clock=lambda off=off: time.time() + off).consume(key(), 60, b"")


def test_a_connection_in_use_is_checked_again_in_a_while(
    make: Make, redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = 0.0
    store = make(redis.url, clock=lambda: time.time() + moved)
    assert store.consume(key(), 60, b"") is True
    moved = 60.0
    assert store.consume(key(), 60, b"") is True  # not yet
    monkeypatch.setattr(redis_steps, "RECHECK", 0.0)
    with pytest.raises(StoreUnavailable, match="ahead of"):
        store.consume(key(), 60, b"")
    moved = 0.0
    assert store.consume(key(), 60, b"") is True
    monkeypatch.setattr(redis_steps, "RECHECK", 60.0)
    before = calls(redis.port, "info")
    assert store.consume(key(), 60, b"") is True
    assert calls(redis.port, "info") == before + 1  # this count itself


def test_a_connection_is_checked_again_after_ten_seconds() -> None:
    """As long a clock that jumped, or an eviction policy that was set, may go unseen; the page says so."""
    assert RECHECK == 10.0
    with mock.patch("time.monotonic", return_value=110.0):
        assert [redis_steps.is_stale(at) for at in (100.0, 100.001, 99.0)] == [True, False, True]


def test_how_to_get_on_after_a_restart_is_no_way_to_a_replay() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        _check(_info(aof_enabled=0))
    assert str(caught.value).endswith(
        "it is trusted after 86760 s (`max_hold`), and nothing but waiting helps: `appendonly yes` brings none back "
        "and hides the loss; set it when the time is over, for the next restart"
    )


def test_a_server_that_cannot_rewrite_its_file_is_refused(make: Make, server: Server, tmp_path: Path) -> None:
    """Each kind of server tells it under the same name."""
    assert server.binary
    with serving(tmp_path / "own", "--appendonly", "yes", binary=server.binary) as own:
        assert make(own.url).consume(key(), 60, b"") is True
        shutil.rmtree(own.folder)
        assert command(own.port, "BGREWRITEAOF").startswith((b"+", b"-"))
        until(lambda: info(own.port, "aof_last_bgrewrite_status") == "err")
        with pytest.raises(StoreUnavailable, match="can't rewrite its append-only file"):
            make(own.url).consume(key(), 60, b"")


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Python's own, for who closes nothing
def test_loops_that_have_ended_hold_nothing(redis: Server) -> None:
    """One `asyncio.run` for each token, and nobody closes the store."""
    store = AsyncRedisReplayStore(redis.url)
    before = int(info(redis.port, "connected_clients"))
    for _ in range(20):
        assert asyncio.run(store.consume(key(), 60, b"")) is True
        assert len(store._loops) == 1
    until(lambda: int(info(redis.port, "connected_clients")) <= before + 1)
    asyncio.run(store.aclose())
    until(lambda: int(info(redis.port, "connected_clients")) <= before)
    assert [loop.idle for loop in store._loops.values()] == [{}]
    gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Python's own, for who closes nothing
def test_connections_of_a_parents_ended_loop_are_left_alone(redis: Server) -> None:
    store = AsyncRedisReplayStore(redis.url)
    assert asyncio.run(store.consume(key(), 60, b"")) is True
    ((ended, held),) = store._loops.items()
    with mock.patch("os.getpid", return_value=-1):
        store._drop_ended()
    assert store._loops == {ended: held}
    store._drop_ended()
    assert not store._loops
    del ended, held
    gc.collect()


def test_other_stores_have_the_same_members() -> None:
    for name in ("consume", "first", "reach", "word"):
        assert hasattr(MemoryReplayStore(1), name)
        assert hasattr(RedisReplayStore("redis://a"), name)
    assert module.RedisReplayStore.reach == AsyncRedisReplayStore.reach == "nodes"
    assert asyncio.iscoroutinefunction(AsyncRedisReplayStore.consume)
    assert asyncio.iscoroutinefunction(AsyncRedisReplayStore.first)
