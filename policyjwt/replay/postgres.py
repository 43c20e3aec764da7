"""A replay store in PostgreSQL, for all nodes: each nonce is a row, and one statement of its own decides.

Input: a DSN. Output: the stores for threads and for event loops, and the statement that makes their table.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self
from weakref import WeakSet

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.postgres_async import AsyncPostgresReplayStore
from policyjwt.replay.postgres_settings import Settings, settings
from policyjwt.replay.postgres_statements import (
    NOT_KNOWN,
    TABLE,
    Row,
    Values,
    check_table,
    create_table,
    durability_after_check,
    durability_after_use,
    first_use,
)
from policyjwt.replay.protocol import check_request

if TYPE_CHECKING:
    from policyjwt.replay.postgres_driver import Link

__all__ = ["CREATE_TABLE", "AsyncPostgresReplayStore", "PostgresReplayStore", "create_table"]

CREATE_TABLE: Final = create_table()
"""The statements that make the table of the usual name. Run twice, they change nothing. See also `create_table`."""


class PostgresReplayStore:
    """Holds keys in the table `table` of the database that `dsn` points to, shared by all nodes that use it.

    `dsn` is what libpq reads: with TLS that is checked, `postgresql://user@host/db?sslmode=verify-full&sslrootcert=…`;
    with several hosts, the one that takes writes is found. Not behind a pooler in transaction mode, which mixes up
    sessions. `timeout`, in seconds, bounds each answer (a new connection may take 2 seconds). At most
    `max_connections` are open. `clock` gives seconds since the epoch, the clock by which tokens are judged: where it
    differs from the server's, nothing is consumed. `create` makes the table if it isn't there. Every `sweep_every`th
    nonce, dead ones are forgotten in a small step; 0 leaves that to your calls of `sweep`.

    Each answer brings what the server promises at that moment; too little is StoreUnavailable, though the nonce may
    count as used.

    No connection is made before the first question, or `check()`. Threads share the store; after a fork the child makes
    connections of its own.
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
        self._room = BoundedSemaphore(max_connections)
        self._idle: list[Link] = []
        _STORES.add(self)

    def __repr__(self) -> str:
        """The table alone: a DSN may hold a password."""
        return f"<PostgresReplayStore in table {self._settings.statements.name}>"

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @property
    def durability(self) -> str:
        """What the server promises for a consumed nonce, in words, as of its newest answer."""
        return self._durability

    def check(self) -> None:
        """Connect and check now. Raises StoreUnavailable where the server can't be reached or promises too little."""
        from policyjwt.replay.postgres_driver import session

        wanted = self._settings.statements
        row = self._ask(wanted.prepare, session(wanted, self._settings.timeout))
        self._durability = durability_after_check(row)
        check_table(row, wanted)

    def close(self) -> None:
        """Close all connections. A closed store consumes nothing more."""
        self._closed = True
        self._drop_idle()

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """See `ReplayStore`. Raises StoreUnavailable too where the clocks of process and server differ."""
        check_request(key, ttl, note)
        values = {"key": key, "ttl": float(ttl), "note": note, "attempt": secrets.token_bytes(16)}
        row = self._ask(self._settings.statements.consume, values)
        self._durability = durability_after_use(row)
        first = first_use(row)
        if self._settings.sweeps(next(self._turns)):
            with suppress(StoreUnavailable):  # the answer stands; the next sweep does this one's work
                self.sweep()
        return first

    def first(self, key: bytes) -> bytes | None:
        """See `ReplayStore`."""
        row = self._ask(self._settings.statements.first, {"key": key})
        return row[0] if row and isinstance(row[0], bytes) else None

    def sweep(self) -> int:
        """Forget up to 1,000 keys whose time and grace have passed, and say how many. Never one that is alive."""
        row = self._ask(self._settings.statements.sweep, {})
        return row[0] if row and isinstance(row[0], int) else 0

    def _ask(self, statement: str, values: Values) -> Row | None:
        """Ask, and once more over a new connection where one is lost: the values mark both as one use."""
        from policyjwt.replay.postgres_driver import Lost

        until = monotonic() + self._settings.timeout
        try:
            return self._ask_once(statement, values, until=until)
        except Lost:
            self._drop_idle()  # as old as the one that is lost
        return self._ask_once(statement, values, until=until)

    def _ask_once(self, statement: str, values: Values, *, until: float) -> Row | None:
        from policyjwt.replay.postgres_driver import ask

        with self._link(until) as link:
            return ask(link, statement, {**values, "process": self._settings.time()}, until=until)

    @contextmanager
    def _link(self, until: float) -> Iterator[Link]:
        """A connection that no other thread uses meanwhile."""
        room = self._room
        if not room.acquire(timeout=max(0.0, until - monotonic())):
            raise StoreUnavailable("the replay store does not answer: all its connections are busy")
        try:
            if self._closed:
                raise StoreUnavailable("the replay store is closed")
            try:
                link = self._idle.pop()
            except IndexError:
                link = self._connected()
            try:
                yield link
            finally:
                self._give_back(link)
        finally:
            room.release()

    def _connected(self) -> Link:
        from policyjwt.replay.postgres_driver import connect

        given = self._settings
        create = given.create and not self._was_connected  # what is emptied later is not healed
        try:
            link = connect(given.conninfo, given.statements, timeout=given.timeout, create=create)
        except StoreUnavailable:
            self._durability = NOT_KNOWN
            raise
        self._was_connected = True
        return link

    def _give_back(self, link: Link) -> None:
        if not link.closed:
            self._idle.append(link)
        if self._closed:
            self._drop_idle()

    def _drop_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):  # another thread takes from it too
                self._idle.pop().pgconn.finish()

    def _forked(self) -> None:
        """In a forked child: the connections are the parent's, and the semaphore may be held for ever."""
        _ABANDONED.append(self._idle)
        self._idle = []
        self._room = BoundedSemaphore(self._settings.max_connections)


_STORES: Final[WeakSet[PostgresReplayStore]] = WeakSet()
_ABANDONED: Final[list[list[Link]]] = []
"""A parent's connections in its child: closing them there would end the parent's sessions."""


def _after_fork() -> None:
    for store in list(_STORES):
        store._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
