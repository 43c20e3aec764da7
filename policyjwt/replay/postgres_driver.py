"""Connections to PostgreSQL that never wait for longer than they may. Imported where a store is made: psycopg is heavy.

Input: a DSN and statements. Output: rows, or StoreUnavailable; Lost where the same question may be asked again.
"""

from __future__ import annotations

import math
from time import monotonic
from typing import Final

import psycopg
from psycopg import waiting
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.postgres_statements import Row, Statements, Values, check_table, unavailable
from policyjwt.replay.protocol import StoreNotDurable

_INTERVAL: Final = 0.05
"""Seconds after which a wait looks at its deadline."""


class Lost(StoreUnavailable):
    """The connection went away during a question: whether the server has acted on it is not known."""


class _Deadline:
    """What both kinds of connection share: until when they wait, and whether the server warned."""

    until: float = math.inf
    warned: bool = False

    def heed(self, notice: psycopg.errors.Diagnostic) -> None:
        """Note a warning: PostgreSQL answers as if all were well where a wait for its standby was cancelled."""
        if notice.severity_nonlocalized == "WARNING":
            self.warned = True


class Link(_Deadline, psycopg.Connection[Row]):
    """A connection for threads."""

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        """As the driver's, up to the deadline: a server that has stopped sends nothing, not even a refusal."""
        return waiting.wait(_until(gen, self), self.pgconn.socket, interval=_INTERVAL)


class AsyncLink(_Deadline, psycopg.AsyncConnection[Row]):
    """A connection for an event loop."""

    async def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        """As the driver's, up to the deadline. A cancelled task leaves at once; the caller closes its connection."""
        return await waiting.wait_async(_until(gen, self), self.pgconn.socket, interval=_INTERVAL)


def _until(gen: PQGen[RV], link: _Deadline) -> PQGen[RV]:
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if monotonic() >= link.until:
                raise psycopg.errors.QueryCanceled
            wanted = gen.send(ready)
    except StopIteration as end:
        answer: RV = end.value
        return answer


def conninfo(dsn: str, *, timeout: float) -> str:
    """The DSN with what it doesn't say: only a server that takes writes, and how long to wait for it.

    Raises ValueError, which quotes nothing: a DSN that can't be read may have its password anywhere.
    """
    try:
        given = None if "\0" in dsn else conninfo_to_dict(dsn)  # libpq would read up to there
    except psycopg.Error:
        given = None
    if given is None:  # outside the `except`, so that the driver's error is no part of ours
        raise ValueError(
            "the DSN can't be read: expected `postgresql://user:password@host/database` or `host=… dbname=…`"
        )
    usual = {
        "target_session_attrs": "read-write",
        "connect_timeout": str(max(2, math.ceil(timeout))),
        "fallback_application_name": "policyjwt",
    }
    return make_conninfo("", **{**usual, **given})


def connect(dsn: str, wanted: Statements, *, timeout: float, create: bool) -> Link:
    """A checked connection."""
    try:
        link = Link.connect(dsn, autocommit=True)
    except psycopg.Error as error:
        failure = unavailable(state=error.sqlstate, text=str(error))
    else:
        link.add_notice_handler(link.heed)
        try:
            if create:
                ask(link, wanted.create, None, until=monotonic() + timeout)
            check_table(ask(link, wanted.prepare, session(wanted, timeout), until=monotonic() + timeout), wanted)
            return link
        except BaseException:
            link.close()
            raise
    raise failure


async def connect_async(dsn: str, wanted: Statements, *, timeout: float, create: bool) -> AsyncLink:
    """As `connect`, for an event loop."""
    try:
        link = await AsyncLink.connect(dsn, autocommit=True)
    except psycopg.Error as error:
        failure = unavailable(state=error.sqlstate, text=str(error))
    else:
        link.add_notice_handler(link.heed)
        try:
            if create:
                await ask_async(link, wanted.create, None, until=monotonic() + timeout)
            row = await ask_async(link, wanted.prepare, session(wanted, timeout), until=monotonic() + timeout)
            check_table(row, wanted)
            return link
        except BaseException:
            link.pgconn.finish()
            raise
    raise failure


def ask(link: Link, statement: str, values: Values | None, *, until: float) -> Row | None:
    """The first row of the answer. Whatever goes wrong closes the connection."""
    link.until, link.warned = until, False
    try:
        cursor = link.execute(statement.encode(), values, binary=values is not None)
        row = cursor.fetchone() if cursor.description else None
    except psycopg.Error as error:
        failure = _failure(error)
        link.pgconn.finish()
    except BaseException:
        link.pgconn.finish()
        raise
    else:
        return _unwarned(link, row)
    raise failure


async def ask_async(link: AsyncLink, statement: str, values: Values | None, *, until: float) -> Row | None:
    """As `ask`, for an event loop."""
    link.until, link.warned = until, False
    try:
        cursor = await link.execute(statement.encode(), values, binary=values is not None)
        row = await cursor.fetchone() if cursor.description else None
    except psycopg.Error as error:
        failure = _failure(error)
        link.pgconn.finish()
    except BaseException:  # a cancelled task, too: its question may still be under way on this connection
        link.pgconn.finish()
        raise
    else:
        return _unwarned(link, row)
    raise failure


def session(wanted: Statements, timeout: float) -> Values:
    """The values of the statement `prepare`."""
    return {"timeout": str(max(1, round(timeout * 1000))), "table": wanted.table}


def _unwarned(link: Link | AsyncLink, row: Row | None) -> Row | None:
    if link.warned:  # check: R7
        link.pgconn.finish()
        raise StoreNotDurable("the replay store warned that the nonce may not have reached its synchronous standby")
    return row


def _failure(error: psycopg.Error) -> StoreUnavailable:
    """The driver's error in words of our own, raised by callers outside their `except`, so that it quotes nothing."""
    told = unavailable(state=error.sqlstate, text=str(error))
    state = error.sqlstate or ""
    # 08: connection; 57P01, 57P02: shut down, crashed. Without a state the connection itself broke.
    lost = isinstance(error, psycopg.OperationalError) and (not state or state.startswith(("08", "57P01", "57P02")))
    return Lost(*told.args) if lost else told
