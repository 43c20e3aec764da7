"""Replay stores: where nonces are consumed, each once.

A store of your own needs the members of `ReplayStore` and no base class. The stores on servers are imported when they
are first used; they need the extras `redis` and `postgres`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.memory import MemoryReplayStore
from policyjwt.replay.protocol import InspectOnly, ReplayStore, StoreFull, StoreNotDurable, store_key, time_to_live
from policyjwt.replay.sqlite import SqliteReplayStore

if TYPE_CHECKING:
    from policyjwt.replay.postgres import PostgresReplayStore
    from policyjwt.replay.postgres_async import AsyncPostgresReplayStore
    from policyjwt.replay.redis import RedisReplayStore
    from policyjwt.replay.redis_async import AsyncRedisReplayStore

__all__ = [
    "AsyncPostgresReplayStore",
    "AsyncRedisReplayStore",
    "InspectOnly",
    "MemoryReplayStore",
    "PostgresReplayStore",
    "RedisReplayStore",
    "ReplayStore",
    "SqliteReplayStore",
    "StoreFull",
    "StoreNotDurable",
    "StoreUnavailable",
    "store_key",
    "time_to_live",
]

_HOME: Final = {
    "AsyncPostgresReplayStore": "policyjwt.replay.postgres_async",
    "AsyncRedisReplayStore": "policyjwt.replay.redis_async",
    "PostgresReplayStore": "policyjwt.replay.postgres",
    "RedisReplayStore": "policyjwt.replay.redis",
}
"""What imports asyncio, or what its extra brings."""


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)  # only names of the table above
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
