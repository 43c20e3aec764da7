"""The PostgreSQL replay store for event loops: as the one for threads, and awaited. Input: a DSN."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.postgres_settings import Settings, settings
from policyjwt.replay.postgres_statements import (
    NOT_KNOWN,
    TABLE,
    Row,
    Values,
    check_table,
    durability_after_check,
    durability_after_use,
    first_use,
)
from policyjwt.replay.protocol import check_request

if TYPE_CHECKING:
    from policyjwt.replay.postgres_driver import AsyncLink


@dataclass(frozen=True, slots=True)
class _Pool:
    """The connections of one event loop in one process: they work nowhere else."""

    room: asyncio.Semaphore
    idle: list[AsyncLink] = field(default_factory=list)

    def drop_idle(self) -> None:
        while self.idle:
            self.idle.pop().pgconn.finish()


class AsyncPostgresReplayStore:
    """As `PostgresReplayStore`, for `evaluate_async`: each event loop has connections of its own.

    psycopg does not work with the proactor event loop of Windows: choose the selector event loop there.
    """

    reach: Literal["nodes"] = "nodes"
    word: None = None

    def __init__(
        self,
        dsn: str,
        *,
        table: str = TABLE,
        timeout: float = 2.0,
        max_connections: int = 8,
        create: bool = False,
        sweep_every: int = 64,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings: Settings = settings(
            dsn,
            table=table,
            timeout=timeout,
            max_connections=max_connections,
            create=create,
            sweep_every=sweep_every,
            clock=clock,
        )
        self._durability = NOT_KNOWN
        self._was_connected = False
        self._closed = False
        self._turns = itertools.count(1)
        self._pools: dict[tuple[int, asyncio.AbstractEventLoop], _Pool] = {}

    def __repr__(self) -> str:
        """The table alone: a DSN may hold a password."""
        return f"<AsyncPostgresReplayStore in table {self._settings.statements.name}>"

    async def __aenter__(self) -> Self:
        """The store itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    @property
    def durability(self) -> str:
        """What the server promises for a consumed nonce, in words, as of its newest answer."""
        return self._durability

    async def check(self) -> None:
        """Connect and check now. Raises StoreUnavailable where the server can't be reached or promises too little."""
        from policyjwt.replay.postgres_driver import session

        wanted = self._settings.statements
        row = await self._ask(wanted.prepare, session(wanted, self._settings.timeout))
        self._durability = durability_after_check(row)
        check_table(row, wanted)

    async def aclose(self) -> None:
        """Close the connections of this event loop, and of those that have ended. Nothing more is consumed."""
        self._closed = True
        self._pool().drop_idle()

    async def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """See `ReplayStore`. Raises StoreUnavailable too where the clocks of process and server differ."""
        check_request(key, ttl, note)
        values = {"key": key, "ttl": float(ttl), "note": note, "attempt": secrets.token_bytes(16)}
        row = await self._ask(self._settings.statements.consume, values)
        self._durability = durability_after_use(row)
        first = first_use(row)
        if self._settings.sweeps(next(self._turns)):
            with suppress(StoreUnavailable):  # the answer stands; the next sweep does this one's work
                await self.sweep()
        return first

    async def first(self, key: bytes) -> bytes | None:
        """See `ReplayStore`."""
        row = await self._ask(self._settings.statements.first, {"key": key})
        return row[0] if row and isinstance(row[0], bytes) else None

    async def sweep(self) -> int:
        """Forget up to 1,000 keys whose time and grace have passed, and say how many. Never one that is alive."""
        row = await self._ask(self._settings.statements.sweep, {})
        return row[0] if row and isinstance(row[0], int) else 0

    async def _ask(self, statement: str, values: Values) -> Row | None:
        """Ask, and once more over a new connection where one is lost: the values mark both as one use."""
        from policyjwt.replay.postgres_driver import Lost

        until = monotonic() + self._settings.timeout
        try:
            return await self._ask_once(statement, values, until=until)
        except Lost:
            self._pool().drop_idle()  # as old as the one that is lost
        return await self._ask_once(statement, values, until=until)

    async def _ask_once(self, statement: str, values: Values, *, until: float) -> Row | None:
        from policyjwt.replay.postgres_driver import ask_async

        async with self._link(until) as link:
            return await ask_async(link, statement, {**values, "process": self._settings.time()}, until=until)

    @asynccontextmanager
    async def _link(self, until: float) -> AsyncIterator[AsyncLink]:
        """A connection that no other task uses meanwhile."""
        pool = self._pool()
        try:
            async with asyncio.timeout(max(0.0, until - monotonic())):
                await pool.room.acquire()
        except TimeoutError:
            raise StoreUnavailable("the replay store does not answer: all its connections are busy") from None
        try:
            if self._closed:
                raise StoreUnavailable("the replay store is closed")
            if pool.idle:
                link = pool.idle.pop()
            else:
                link = await self._connected()
            try:
                yield link
            finally:
                self._give_back(link, pool)
        finally:
            pool.room.release()

    async def _connected(self) -> AsyncLink:
        from policyjwt.replay.postgres_driver import connect_async

        given = self._settings
        create = given.create and not self._was_connected  # what is emptied later is not healed
        try:
            link = await connect_async(given.conninfo, given.statements, timeout=given.timeout, create=create)
        except StoreUnavailable:
            self._durability = NOT_KNOWN
            raise
        self._was_connected = True
        return link

    def _give_back(self, link: AsyncLink, pool: _Pool) -> None:
        if not link.closed:
            pool.idle.append(link)
        if self._closed:
            pool.drop_idle()

    def _pool(self) -> _Pool:
        """The connections of this event loop; those of loops that have ended are closed."""
        here = (os.getpid(), asyncio.get_running_loop())
        for place in list(self._pools):
            process, loop = place
            if process == here[0] and loop.is_closed():  # a parent's, in its child, are left alone
                with suppress(KeyError):  # the loop of another thread prunes too
                    self._pools.pop(place).drop_idle()
        pool = self._pools.get(here)
        if pool is None:
            pool = self._pools[here] = _Pool(asyncio.Semaphore(self._settings.max_connections))
        return pool
