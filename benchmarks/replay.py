"""What a replay store costs: `consume` beside the bare call of its client, and the memory of a nonce that is alive.

`python -m benchmarks.replay long` fills the stores in memory and in Redis with a million nonces.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.paired import ratio, report, rounds
from policyjwt.replay import MemoryReplayStore, SqliteReplayStore

NOTE = b'{"at": "2026-11-23T17:40:00Z", "policy": "payments", "node": "pod-7f9c5d-x2x9k"}'
TTL = 600
MILLION = 1_000_000

Case = tuple[Callable[[], object], Callable[[], object]]
"""A first use in our store, and the bare call of its client that does the least which could be right."""


def keys() -> Iterator[bytes]:
    """New keys without end."""
    stem = os.urandom(24)
    return (stem + number.to_bytes(8, "big") for number in itertools.count())


def memory(_: ExitStack) -> Case:
    """A store in memory beside a dictionary."""
    ours, theirs, fresh = MemoryReplayStore(10 * MILLION), dict[bytes, bytes](), keys()
    return (lambda: ours.consume(next(fresh), TTL, NOTE)), (lambda: theirs.setdefault(next(fresh), NOTE))


def sqlite(stack: ExitStack) -> Case:
    """A store in a file beside a statement in a file of the same durability."""
    folder, fresh = Path(stack.enter_context(tempfile.TemporaryDirectory())), keys()
    ours = stack.enter_context(SqliteReplayStore(folder / "ours.db"))
    bare = stack.enter_context(closing(sqlite3.connect(folder / "bare.db", isolation_level=None)))
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE nonces (key BLOB PRIMARY KEY, ends REAL, note BLOB) WITHOUT ROWID")
    statement = "INSERT INTO nonces VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
    return (
        lambda: ours.consume(next(fresh), TTL, NOTE),
        lambda: bare.execute(statement, (next(fresh), TTL, NOTE)),
    )


def postgresql(stack: ExitStack) -> Case:
    """A store in PostgreSQL beside a statement over one connection; the server is one of the tests'."""
    import psycopg

    from policyjwt.replay.postgres import PostgresReplayStore
    from tests.replay.postgres_server import postgres

    server, fresh = stack.enter_context(postgres()), keys()
    ours = stack.enter_context(PostgresReplayStore(server.dsn, create=True, timeout=60))
    bare = stack.enter_context(psycopg.connect(server.dsn, autocommit=True))
    bare.execute("CREATE TABLE bare (key bytea PRIMARY KEY, ends float8, note bytea)")
    statement = "INSERT INTO bare VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING true"
    return (
        lambda: ours.consume(next(fresh), TTL, NOTE),
        lambda: bare.execute(statement, (next(fresh), TTL, NOTE)).fetchone(),
    )


def redis(stack: ExitStack) -> Case:
    """A store in Redis beside `SET NX` of its client; the server is one of the tests'."""
    from redis import Redis

    from policyjwt.replay import RedisReplayStore

    url, fresh = served_by_redis(stack, "--appendonly", "yes"), keys()
    ours = stack.enter_context(RedisReplayStore(url, timeout=60))
    bare = stack.enter_context(Redis.from_url(url))
    return (
        lambda: ours.consume(next(fresh), TTL, NOTE),
        lambda: bare.set(next(fresh), NOTE, ex=TTL, nx=True),
    )


def served_by_redis(stack: ExitStack, *arguments: str) -> str:
    """The address of a server that runs until the stack is left."""
    from tests.replay.servers import serving

    folder = stack.enter_context(tempfile.TemporaryDirectory())
    return stack.enter_context(serving(Path(folder), *arguments)).url


STORES: dict[str, Callable[[ExitStack], Case]] = {
    "memory": memory,
    "SQLite": sqlite,
    "Redis": redis,
    "PostgreSQL": postgresql,
}
NUMBER = {"memory": 2_000}


def costs() -> list[tuple[str, float, float | None]]:
    """For each store the ratio to its client; those that can't run here are left out and say so."""
    rows: list[tuple[str, float, float | None]] = []
    for name, made in STORES.items():
        number = NUMBER.get(name, 20)
        with ExitStack() as stack:
            try:
                ours, bare = made(stack)
            except (ImportError, OSError, AssertionError) as error:
                print(f"  {name} is left out: {type(error).__name__}")
                continue
            found = rounds({"ours": ours, "bare": bare}, number=number)
            rows.append((f"{name}: a first use, to its client's bare call", ratio(found, "ours", "bare"), None))
            each = sorted(found["ours"])[len(found["ours"]) // 2] / number * 1e6
            print(f"  {name}: {each:.1f} µs a first use at the median here")
    return rows


def held(count: int) -> float:
    """Bytes for each of so many nonces that are alive in a store in memory, all of it: key, note, entry and end."""
    tracemalloc.start()
    store, fresh = MemoryReplayStore(count), keys()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(count):
        store.consume(next(fresh), TTL, bytes(bytearray(NOTE)))  # each note is an object of its own, as in an engine
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(store) == count
    return (after - before) / count


def held_in_redis(count: int) -> float:
    """Bytes of the server for each nonce that is alive: the store's own commands, sent a thousand at a time."""
    from redis import Redis

    from policyjwt.replay.redis_check import Facts
    from policyjwt.replay.redis_settings import read_settings
    from policyjwt.replay.redis_steps import consuming, new_attempt

    with ExitStack() as stack:
        url, fresh = served_by_redis(stack), keys()
        settings, facts = read_settings(url), Facts(keeps=True, in_one=True, asked_at=0.0)
        client = stack.enter_context(Redis.from_url(url))
        before = client.info("memory")["used_memory"]
        for _ in range(count // 1000):
            pipeline = client.pipeline(transaction=False)
            for _ in range(1000):
                attempt = new_attempt(settings, key=next(fresh), ttl=24 * TTL, note=NOTE)
                pipeline.execute_command(*next(consuming(settings, attempt, facts)))
            assert pipeline.execute() == [None] * 1000
        assert client.dbsize() == count
        return float(client.info("memory")["used_memory"] - before) / count


def main() -> None:
    """Print the ratios, and the memory of a nonce."""
    count = MILLION if "long" in sys.argv[1:] else 20_000
    report("replay stores", costs())
    print(
        f"  memory: {held(count):.0f} bytes for each of {count} nonces that are alive, each with a note of {len(NOTE)}"
    )
    try:
        print(f"  Redis: {held_in_redis(count):.0f} bytes of the server's memory for each of {count}")
    except (ImportError, AssertionError) as error:
        print(f"  Redis is left out: {type(error).__name__}")


if __name__ == "__main__":
    main()
