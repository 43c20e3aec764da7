"""What both PostgreSQL stores are told, checked once. Input: the caller's arguments. Output: Settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.postgres_statements import Statements, statements


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The arguments of a store. Its `repr` says nothing: the DSN may hold a password."""

    conninfo: str
    statements: Statements
    timeout: float
    max_connections: int
    create: bool
    sweep_every: int
    clock: Callable[[], float]

    def time(self) -> float:
        """The process's time. Raises StoreUnavailable where the clock gives none."""
        now = self.clock()
        if not math.isfinite(now):
            raise StoreUnavailable("the clock gives no time")
        return float(now)

    def sweeps(self, turn: int) -> bool:
        """Whether the store forgets dead keys after this many consumed ones."""
        return self.sweep_every > 0 and turn % self.sweep_every == 0


def settings(
    dsn: str,
    *,
    table: str,
    timeout: float,
    max_connections: int,
    create: bool,
    sweep_every: int,
    clock: Callable[[], float],
) -> Settings:
    """Check what a store is told. Raises ValueError; StoreUnavailable where the driver is not installed."""
    if not isinstance(dsn, str):
        raise TypeError("the DSN is a text")
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
        raise ValueError("the timeout is a number of seconds above 0")
    if type(max_connections) is not int or max_connections < 1:
        raise ValueError("max_connections is a whole number, at least 1")
    if type(sweep_every) is not int or sweep_every < 0:
        raise ValueError("sweep_every is a whole number; 0 for never")
    try:
        from policyjwt.replay.postgres_driver import conninfo
    except ImportError:
        raise StoreUnavailable(
            "a replay store in PostgreSQL needs the extra `postgres`: install `policyjwt[postgres]`"
        ) from None
    return Settings(
        conninfo=conninfo(dsn, timeout=timeout),
        statements=statements(table),
        timeout=float(timeout),
        max_connections=max_connections,
        create=create,
        sweep_every=sweep_every,
        clock=clock,
    )
