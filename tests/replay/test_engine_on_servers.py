"""Whole engines on real servers that fail between two uses of a token: the second is never trusted, and says why.

`replay.seen` is told where the store knows the nonce, and nothing else than a store's own answer is ever told so.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from policyjwt.replay import (
    AsyncPostgresReplayStore,
    AsyncRedisReplayStore,
    PostgresReplayStore,
    RedisReplayStore,
)
from tests.attacks.flow import ISSUER, codes, engine
from tests.issuer import claims, policy
from tests.replay import postgres_server, servers
from tests.replay.servers import command, info, needs_redis, until
from tests.replay.test_redis_faults import Pair, fill

NODES = policy(replay="replay { nonce jti  store reaches nodes }")
UNAVAILABLE = "replay.store_unavailable"
NOT_DURABLE = "replay.not_durable"
SEEN = "replay.seen"
TRUSTED = "trusted"

Present = Callable[[str], str]
"""Presents a token; `trusted`, or the codes that refuse it."""
Judging = Callable[..., Present]
"""Makes an engine with a store of its own, from the store's arguments."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


def told(verdict: Any) -> str:
    """`trusted`, or the codes that refuse the token. The client is told to come again only where that can help."""
    found = TRUSTED if verdict else " ".join(sorted(codes(verdict)))
    assert found == TRUSTED or verdict.public().status == (401 if found == SEEN else 503), found
    return found


def threads(stack: ExitStack, kind: Callable[..., Any]) -> Judging:
    """`evaluate`, with a store for threads."""

    def make(address: str, **options: Any) -> Present:
        judge = engine(NODES, replay=stack.enter_context(kind(address, **options)))
        return lambda token: told(judge.evaluate(token))

    return make


def tasks(stack: ExitStack, kind: Callable[..., Any]) -> Judging:
    """`evaluate_async`, with a store for event loops."""

    def make(address: str, **options: Any) -> Present:
        runner = stack.enter_context(asyncio.Runner())
        store = kind(address, **options)
        judge = engine(NODES, replay=store)

        async def present(token: str) -> str:
            return told(await judge.evaluate_async(token))

        async def close() -> None:
            await store.__aexit__(None, None, None)
            await asyncio.sleep(0)  # so that what was closed is let go of

        stack.callback(lambda: runner.run(close()))
        return lambda token: runner.run(present(token))

    return make


def minted() -> str:
    return ISSUER.token(claims())


# ------------------------------------------------------------------------------------------------ Redis


@pytest.fixture(params=["evaluate", "evaluate_async"])
def on_redis(request: pytest.FixtureRequest, stack: ExitStack) -> Judging:
    if request.param == "evaluate":
        return threads(stack, RedisReplayStore)
    return tasks(stack, AsyncRedisReplayStore)


def kept(folder: Path, stack: ExitStack, *more: str) -> servers.Server:
    """A server that keeps what it was told before it answers."""
    return stack.enter_context(servers.serving(folder, "--appendonly", "yes", "--appendfsync", "always", *more))


def paired(folder: Path, stack: ExitStack) -> Pair:
    primary = kept(folder / "primary", stack, "--repl-diskless-sync-delay", "0")
    network = stack.enter_context(servers.between(primary.port))
    replica = kept(folder / "replica", stack, "--replicaof", "127.0.0.1", str(network.port))
    until(lambda: info(replica.port, "master_link_status") == "up")
    until(lambda: ",state=online," in command(primary.port, "INFO", "replication").decode())
    return Pair(primary, replica, network, stack.enter_context(servers.between(primary.port)))


PATIENT: dict[str, Any] = {"timeout": 20.0}
REPLICATED: dict[str, Any] = {"min_replicas": 1, "replica_timeout": 19.0, **PATIENT}
HURRIED: dict[str, Any] = {"min_replicas": 1, "replica_timeout": 0.1, **PATIENT}


@needs_redis
def test_redis_without_a_fault(on_redis: Judging, tmp_path: Path, stack: ExitStack) -> None:
    present, token = on_redis(kept(tmp_path, stack).url, **PATIENT), minted()
    assert [present(token), present(token), present(minted())] == [TRUSTED, SEEN, TRUSTED]


@needs_redis
def test_a_primary_that_is_killed_between_two_uses(on_redis: Judging, tmp_path: Path, stack: ExitStack) -> None:
    pair, token = paired(tmp_path, stack), minted()
    present = on_redis(f"redis://127.0.0.1:{pair.name.port}", **REPLICATED)
    assert present(token) == TRUSTED
    pair.primary.kill()
    assert [present(token), present(minted())] == [UNAVAILABLE, UNAVAILABLE]
    pair.promote()  # it waited for its replica, which knows the nonce
    assert present(token) == SEEN


@needs_redis
def test_a_replica_that_is_cut_off(on_redis: Judging, tmp_path: Path, stack: ExitStack) -> None:
    pair, token, late = paired(tmp_path, stack), minted(), minted()
    address = f"redis://127.0.0.1:{pair.name.port}"
    assert on_redis(address, **REPLICATED)(token) == TRUSTED
    pair.cut()
    present = on_redis(address, **HURRIED)
    assert present(token) == SEEN
    # Not durable and not trusted; and what is written stays written.
    assert [present(late), present(late)] == [NOT_DURABLE, SEEN]
    pair.promote()
    assert [present(token), present(late)] == [SEEN, NOT_DURABLE]  # nobody replicates the new primary


@needs_redis
def test_a_server_that_is_stopped(on_redis: Judging, tmp_path: Path, stack: ExitStack) -> None:
    server, token, late = kept(tmp_path, stack), minted(), minted()
    present = on_redis(server.url)
    assert present(token) == TRUSTED
    server.kill()
    assert [present(token), present(late)] == [UNAVAILABLE, UNAVAILABLE]
    server.start()
    assert [present(token), present(late)] == [SEEN, TRUSTED]


@needs_redis
def test_a_server_that_comes_back_empty(on_redis: Judging, tmp_path: Path, stack: ExitStack) -> None:
    """It keeps no file, and had run for long enough before (the word stands for that)."""
    server, token = stack.enter_context(servers.serving(tmp_path)), minted()
    assert on_redis(server.url, server_is_safe=True, **PATIENT)(token) == TRUSTED
    server.restart()
    assert command(server.port, "DBSIZE") == b":0"
    present = on_redis(server.url, **PATIENT)
    assert [present(token), present(minted())] == [UNAVAILABLE, UNAVAILABLE]


@needs_redis
def test_a_server_whose_memory_is_full(on_redis: Judging, tmp_path: Path, stack: ExitStack) -> None:
    server, token = kept(tmp_path, stack), minted()
    present = on_redis(server.url, **PATIENT)
    assert present(token) == TRUSTED
    limit = int(info(server.port, "used_memory")) + 2_000_000
    assert command(server.port, "CONFIG", "SET", "maxmemory", str(limit)) == b"+OK"
    fill(server.port, lambda: command(server.port, "SET", "more", b"x" * 1000).startswith(b"-OOM"))
    assert command(server.port, "CONFIG", "SET", "maxmemory", str(limit // 2)) == b"+OK"
    assert [present(token), present(minted())] == [UNAVAILABLE, UNAVAILABLE]
    assert command(server.port, "CONFIG", "SET", "maxmemory", "0") == b"+OK"
    assert [present(token), present(minted())] == [SEEN, TRUSTED]


# ------------------------------------------------------------------------------------------------ PostgreSQL


@pytest.fixture(params=["evaluate", "evaluate_async"])
def on_postgres(request: pytest.FixtureRequest, stack: ExitStack) -> Judging:
    postgres_server.needs_postgres()
    if request.param == "evaluate":
        return threads(stack, PostgresReplayStore)
    return tasks(stack, AsyncPostgresReplayStore)


SLOW: dict[str, Any] = {"create": True, "timeout": 60.0}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_postgresql_that_is_down_for_a_while(on_postgres: Judging, stack: ExitStack, how: signal.Signals) -> None:
    server, token, late = stack.enter_context(postgres_server.postgres()), minted(), minted()
    present = on_postgres(server.dsn, **SLOW)
    assert present(token) == TRUSTED
    server.stop(how)
    assert [present(token), present(late)] == [UNAVAILABLE, UNAVAILABLE]
    server.start()
    assert [present(token), present(late)] == [SEEN, TRUSTED]


@pytest.mark.parametrize("statement", ["TRUNCATE policyjwt_nonces", "DROP TABLE policyjwt_nonces"])
def test_postgresql_that_is_emptied(on_postgres: Judging, stack: ExitStack, statement: str) -> None:
    """Both by an engine that was there before, and by one that comes after it and may not make a table."""
    server, token = stack.enter_context(postgres_server.postgres()), minted()
    present = on_postgres(server.dsn, **SLOW)
    assert [present(token), present(token)] == [TRUSTED, SEEN]
    server.run(statement)
    assert [present(token), present(minted())] == [UNAVAILABLE, UNAVAILABLE]
    assert on_postgres(server.dsn, timeout=60.0)(token) == UNAVAILABLE


def test_postgresql_whose_standby_is_cut_off(on_postgres: Judging, stack: ExitStack) -> None:
    """A synchronous one. No answer while it is waited for; not durable where somebody cancels the wait."""
    first = stack.enter_context(postgres_server.postgres())
    second = stack.enter_context(postgres_server.standby(first))
    token, late = minted(), minted()
    first.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
    first.run("SELECT pg_reload_conf()")
    until(lambda: first.run("SHOW synchronous_standby_names") == [("*",)])
    both = first.dsn.replace(f":{first.port}", f":{second.port},127.0.0.1:{first.port}")
    present = on_postgres(both, **SLOW)
    assert present(token) == TRUSTED
    second.stop()
    assert on_postgres(both, timeout=0.5)(minted()) == UNAVAILABLE
    with ThreadPoolExecutor(1) as pool:
        use = pool.submit(present, late)
        cancel_until_done(first, use)
        assert use.result(postgres_server.HANG) == NOT_DURABLE
    assert present(late) == SEEN
    first.stop(signal.SIGQUIT)
    second.start()
    assert present(token) == UNAVAILABLE  # a standby takes no writes
    second.run("SELECT pg_promote()")
    second.run("ALTER SYSTEM SET synchronous_standby_names = ''")
    second.run("SELECT pg_reload_conf()")
    until(lambda: second.run("SHOW synchronous_standby_names") == [("",)])
    assert present(token) == SEEN


def cancel_until_done(server: postgres_server.Server, use: Future[str]) -> None:
    """Cancel what waits for a standby, as an administrator might, until the use has ended."""
    over = time.monotonic() + postgres_server.HANG
    while not use.done():
        assert time.monotonic() < over
        server.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        time.sleep(0.01)
