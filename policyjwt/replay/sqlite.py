"""A replay store in a file, for the processes of one host: SQLite, durable, one writer at a time."""

from __future__ import annotations

import math
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final, Literal, Self
from weakref import WeakSet

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.protocol import check_request

GRACE: Final = 60
"""Seconds for which keys are held past their time, so that a clock that is set back by less does no harm."""

_MOST_FORGOTTEN: Final = 1000
"""Keys forgotten in one step, so that no token waits for a large clean-up."""

_APPLICATION: Final = 0x504A5754  # "PJWT"
_VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE nonces (key BLOB PRIMARY KEY, ends REAL NOT NULL, note BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX nonces_ends ON nonces (ends);
CREATE TABLE horizon (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), at REAL NOT NULL);
INSERT INTO horizon VALUES (1, -1e999);
PRAGMA application_id = 1347049300;
PRAGMA user_version = 1
"""
"""The marks at its end are _APPLICATION and _VERSION: SQLite takes no parameters there."""

_CONSUME: Final = "INSERT INTO nonces VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING"
_PASSED: Final = "SELECT max(ends) FROM (SELECT ends FROM nonces WHERE ends <= ? ORDER BY ends LIMIT ?)"


class SqliteReplayStore:
    """Holds keys in the file `path`, which is made if it isn't there, readable by its owner alone.

    `single_host` is the caller's word that nothing on another host accepts the same tokens. `timeout`, in seconds, is
    how long to wait for other writers. `clock` gives seconds since the epoch, the clock by which tokens are judged. The
    file must lie on a disk of this host: SQLite's locks don't hold on network file systems.

    A consumed key is on the disk before the answer is given. A key that is alive is never forgotten; where the clock is
    set back to a time at which a forgotten key would be alive again, StoreUnavailable is raised until that time has
    passed. Threads share the store; after a fork the child opens the file anew.
    """

    reach: Literal["host"] = "host"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        single_host: bool = False,
        timeout: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.word: str | None = "one host alone accepts these tokens" if single_host else None
        self._path = Path(path).absolute()
        self._timeout = timeout
        self._clock = clock
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        with self._lock, _no_foreign_errors():
            self._open()
        _STORES.add(self)

    @property
    def durability(self) -> str:
        """What is remembered for how long, for verdicts."""
        return "survives a restart of the process and of the host"

    def __repr__(self) -> str:
        """The place alone."""
        return f"<SqliteReplayStore at {self._path}>"

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the file. A closed store consumes nothing more."""
        with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """See `ReplayStore`. Raises StoreUnavailable too where other writers keep the file busy."""
        check_request(key, ttl, note)
        with self._lock, _no_foreign_errors():
            connection = self._open()
            with _transaction(connection):
                now = self._now(connection)
                _forget(connection, now)
                # The one statement that decides. It stands in a transaction so that the clock is compared in it too.
                return connection.execute(_CONSUME, (key, now + ttl, note)).rowcount == 1

    def first(self, key: bytes) -> bytes | None:
        """See `ReplayStore`."""
        with self._lock, _no_foreign_errors():
            row = self._open().execute("SELECT note FROM nonces WHERE key = ?", (key,)).fetchone()
        return bytes(row[0]) if row else None

    def _now(self, connection: sqlite3.Connection) -> float:
        """The time, read while no other writer is at work."""
        now = self._clock()
        if not math.isfinite(now):
            raise StoreUnavailable("the clock gives no time")
        row = connection.execute("SELECT at FROM horizon").fetchone()
        if row is None or not isinstance(row[0], float):
            raise StoreUnavailable("the replay store's file is damaged")
        if now < row[0]:
            raise StoreUnavailable("the clock was set back to when nonces, since forgotten, were alive")
        return now

    def _open(self) -> sqlite3.Connection:
        """The connection of this process; the lock is held."""
        if self._closed:
            raise StoreUnavailable("the replay store is closed")
        if self._connection is None:
            _make_file(self._path)
            connection = sqlite3.connect(
                self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
            try:
                _patiently(_prepare, connection, seconds=self._timeout)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _forked(self) -> None:
        """In a forked child: neither the lock nor the connection can be used (sqlite.org, "How To Corrupt", 2.6)."""
        _ABANDONED.append(self._connection)
        self._lock = Lock()
        self._connection = None


_STORES: Final[WeakSet[SqliteReplayStore]] = WeakSet()
_ABANDONED: Final[list[sqlite3.Connection | None]] = []
"""A parent's connections in its child: closing them there would let go of the parent's locks."""


def _after_fork() -> None:
    for store in list(_STORES):
        store._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _no_foreign_errors() -> Iterator[None]:
    """Whatever SQLite or the file system says becomes StoreUnavailable."""
    try:
        yield
    except (sqlite3.Error, OSError, OverflowError) as error:
        raise StoreUnavailable(f"the replay store does not answer: {error}") from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock from the beginning, and keep all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _forget(connection: sqlite3.Connection, now: float) -> None:
    """Forget keys whose time and grace have passed, and remember up to when: the clock must not go back behind it."""
    (passed,) = connection.execute(_PASSED, (now - GRACE, _MOST_FORGOTTEN)).fetchone()
    if passed is not None:
        connection.execute("UPDATE horizon SET at = max(at, ?)", (passed,))
        connection.execute("DELETE FROM nonces WHERE ends <= ?", (passed,))


def _make_file(path: Path) -> None:
    """Make the file for its owner alone; refuse one that others could take nonces out of."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        mode = os.fstat(handle).st_mode
    finally:
        os.close(handle)
    if not stat.S_ISREG(mode):
        raise StoreUnavailable("the replay store's path is no file")
    if os.name == "posix" and mode & 0o022:
        raise StoreUnavailable("others may write to the replay store's file: take that away with `chmod go-w`")


def _patiently(step: Callable[[sqlite3.Connection], None], connection: sqlite3.Connection, *, seconds: float) -> None:
    """Take a step again while others hold the file: SQLite itself does not wait where the journal's mode changes."""
    until = time.monotonic() + seconds
    while True:
        try:
            step(connection)
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            return


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the connection up and make the tables if the file is new."""
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise StoreUnavailable("the replay store's file can't keep a write-ahead log")
    connection.execute("PRAGMA synchronous = FULL")
    with _transaction(connection):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if (application, version) == (_APPLICATION, _VERSION):
            return
        if tables or application or version:
            raise StoreUnavailable("the file is no replay store of this version")
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
