"""Replay stores: where nonces are consumed, each once.

A store of your own needs the members of `ReplayStore` and no base class.
"""

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.memory import MemoryReplayStore
from policyjwt.replay.protocol import InspectOnly, ReplayStore, StoreFull, StoreNotDurable, store_key, time_to_live
from policyjwt.replay.sqlite import SqliteReplayStore

__all__ = [
    "InspectOnly",
    "MemoryReplayStore",
    "ReplayStore",
    "SqliteReplayStore",
    "StoreFull",
    "StoreNotDurable",
    "StoreUnavailable",
    "store_key",
    "time_to_live",
]
