"""What the PostgreSQL stores say to the server, and what its answers mean. Imports no driver.

Input: a table's name, rows, SQLSTATEs. Output: statements, answers, or StoreUnavailable with words of our own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from policyjwt.errors import StoreUnavailable

Row: TypeAlias = tuple[object, ...]
Values: TypeAlias = Mapping[str, object]

TABLE: Final = "policyjwt_nonces"

NOT_KNOWN: Final = "is not known to last: the server has not told it"

GRACE: Final = 60
"""Seconds for which keys are held past their time: for clocks of nodes that differ, and a server's clock set back."""

CLOCK_TOLERANCE: Final = 5
"""Seconds by which the clocks of process and server may differ. Twice that is far below GRACE: the life of a nonce is
reckoned by the clock of the node that consumes it, and another node may be as far off to the other side."""

MOST_SWEPT: Final = 1000
"""Keys forgotten in one step, so that nothing waits for a large clean-up."""

_NAME: Final = re.compile(r"(?:[a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}")

_CREATE: Final = """\
CREATE TABLE IF NOT EXISTS {table} (
    key bytea PRIMARY KEY,
    ends double precision NOT NULL,
    attempt bytea NOT NULL,
    note bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS {index} ON {table} (ends);
INSERT INTO {table} VALUES ('', '-Infinity', '', '') ON CONFLICT (key) DO NOTHING;
"""

# What the server promises, as it is at this moment: an administrator may change it while connections stay open.
_PROMISE: Final = (
    "current_setting('synchronous_commit'), current_setting('fsync'), current_setting('synchronous_standby_names')"
)

# One statement decides, by the server's clock. What is alive is found without writing, so that a flood of replays costs
# no disk; two first uses at once meet in ON CONFLICT, where one waits for the other. A later attempt of the same use
# finds its own mark, so that a lost reply doesn't make a first use a second. The row with the empty key holds up to
# when keys were forgotten: behind it the clock must not go. Its table is the one whose permanence counts. All is locked
# before it is looked at, so that no table becomes an unlogged one in between.
_CONSUME: Final = """
WITH clock AS MATERIALIZED (SELECT extract(epoch FROM now())::float8 AS at),
mark AS MATERIALIZED (SELECT ends, tableoid FROM {table} WHERE key = ''),
ready AS (
    SELECT at FROM clock, mark
    WHERE abs(at - %(process)s::float8) <= {tolerance} AND at >= mark.ends AND NOT EXISTS (
        SELECT FROM {table} AS held
        WHERE held.key = %(key)s::bytea AND held.ends + {grace} > at AND held.attempt <> %(attempt)s::bytea)
),
told AS (
    INSERT INTO {table} AS held (key, ends, attempt, note)
    SELECT %(key)s::bytea, at + %(ttl)s::float8, %(attempt)s::bytea, %(note)s::bytea FROM ready
    ON CONFLICT (key) DO UPDATE SET ends = excluded.ends, attempt = excluded.attempt, note = excluded.note
    WHERE held.ends + {grace} <= (SELECT at FROM clock) OR held.attempt = excluded.attempt
    RETURNING 1
)
SELECT at - %(process)s::float8, (SELECT at >= mark.ends FROM mark), EXISTS (SELECT FROM told),
    {promise}, (SELECT relpersistence::text FROM pg_class, mark WHERE pg_class.oid = mark.tableoid)
FROM clock
"""

# One sweeper at a time holds the row with the empty key; consumers never lock it, so nobody waits in a circle.
_SWEEP: Final = """
WITH clock AS MATERIALIZED (SELECT extract(epoch FROM now())::float8 AS at),
turn AS MATERIALIZED (SELECT key FROM {table} WHERE key = '' FOR UPDATE SKIP LOCKED),
passed AS MATERIALIZED (
    SELECT key FROM {table}
    WHERE key <> '' AND ends + {grace} <= (SELECT at FROM clock) AND EXISTS (SELECT FROM turn)
    ORDER BY ends LIMIT {most} FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM {table} AS held USING passed
    WHERE held.key = passed.key AND held.ends + {grace} <= (SELECT at FROM clock) RETURNING held.ends
),
moved AS (
    UPDATE {table} AS mark SET ends = greatest(mark.ends, (SELECT max(ends) FROM gone))
    WHERE mark.key = '' AND EXISTS (SELECT FROM gone)
)
SELECT count(*) FROM gone
"""

_FIRST: Final = "SELECT note FROM {table} WHERE key = %(key)s::bytea AND key <> ''"

# `settings` is computed first, so that a fault of the table is told by what it is.
_PREPARE: Final = """
SELECT set_config('statement_timeout', %(timeout)s, false),
    set_config('default_transaction_isolation', 'read committed', false),
    {promise},
    (SELECT relpersistence::text FROM pg_class WHERE oid = to_regclass(%(table)s)),
    (SELECT bool_and(has_table_privilege(to_regclass(%(table)s), needed))
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed)
"""

_LOCK: Final = 0x504A5754  # "PJWT": two processes that make the table at once take turns


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements for one table; `table` and `index` are quoted."""

    name: str
    table: str
    create: str
    prepare: str
    consume: str
    first: str
    sweep: str


def statements(name: str) -> Statements:
    """The statements for the table `name`. Raises ValueError where it is no plain name, or one with its schema."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("a table's name has lower-case letters, digits and `_`, and may have a schema before a point")
    parts = name.split(".")
    table = ".".join(f'"{part}"' for part in parts)
    parameters = {
        "table": table,
        "index": f'"{parts[-1][:58]}_ends"',
        "grace": GRACE,
        "tolerance": CLOCK_TOLERANCE,
        "most": MOST_SWEPT,
        "promise": _PROMISE,
    }
    return Statements(
        name=name,
        table=table,
        create=f"SELECT pg_advisory_xact_lock({_LOCK});\n{_CREATE.format_map(parameters)}",
        prepare=_PREPARE.format_map(parameters),
        consume=_CONSUME.format_map(parameters),
        first=_FIRST.format_map(parameters),
        sweep=_SWEEP.format_map(parameters),
    )


def create_table(name: str = TABLE) -> str:
    """The statements that make the table `name`, for a migration of your own. Run twice, they change nothing."""
    return statements(name).create.split("\n", 1)[1]  # without the lock, which is held to the end of a transaction


# ------------------------------------------------------------------------------------------------ answers


def first_use(row: Row | None) -> bool:
    """Whether the key was consumed now and is safe with the server, or raises StoreUnavailable."""
    if row is None or len(row) != 7:
        raise StoreUnavailable("the replay store gave an answer that is none")
    offset, in_time, first, *promise = row
    if in_time is None:
        raise StoreUnavailable("the replay store's table is damaged: the row with the empty key is not there")
    _refuse_unsafe(promise)
    if not isinstance(offset, float) or abs(offset) > CLOCK_TOLERANCE:  # check: R10
        raise StoreUnavailable(
            f"the clocks of this process and of the replay store differ by more than {CLOCK_TOLERANCE} seconds"
        )
    if in_time is not True:  # check: R18
        raise StoreUnavailable("the replay store's clock was set back to when nonces, since forgotten, were alive")
    if first is not True and first is not False:
        raise StoreUnavailable("the replay store gave an answer that is none")
    return first


def check_table(row: Row | None, wanted: Statements) -> None:
    """Judge the answer to `prepare`. Raises StoreUnavailable where the table can't be used, or is not safe there."""
    if row is None or len(row) != 7:
        raise StoreUnavailable("the replay store gave an answer that is none")
    *promise, may = row[2:]
    if promise[-1] is None:
        raise StoreUnavailable(
            f"the replay store's table `{wanted.name}` is not there: make it with"
            f" `{' '.join(create_table(wanted.name).split())}`"
        )
    if may is not True:
        raise StoreUnavailable(
            f"the replay store's role lacks rights: GRANT SELECT, INSERT, UPDATE, DELETE ON {wanted.table}"
        )
    _refuse_unsafe(promise)


def durability_after_use(row: Row | None) -> str:
    """What the server promises, from its answer to `consume`. Never raises: what is not known is told as such."""
    return _durability(row[3:]) if row is not None and len(row) == 7 else NOT_KNOWN


def durability_after_check(row: Row | None) -> str:
    """As `durability_after_use`, from its answer to `prepare`."""
    return _durability(row[2:6]) if row is not None and len(row) == 7 else NOT_KNOWN


def _refuse_unsafe(promise: Sequence[object]) -> None:
    found = _unsafe(promise)
    if found is not None:  # check: R9
        raise StoreUnavailable(f"the replay store is not safe: {found}")


def _unsafe(promise: Sequence[object]) -> str | None:
    commit, fsync, _, persistence = promise
    unsafe = [
        ("`synchronous_commit` is off: a crash would forget nonces", _plain(commit) in ("off", "unknown")),
        ("`fsync` is off: a crash would forget nonces", fsync != "on"),
        ("its table is not a permanent one: a crash would empty it", persistence != "p"),
    ]
    return next((words for words, holds in unsafe if holds), None)


def _durability(promise: Sequence[object]) -> str:
    commit, _, standbys, _ = promise
    found = _unsafe(promise)
    if found is not None:
        return f"is not safe: {found}"
    disk = f"on the server's disk before the answer (synchronous_commit = {_plain(commit)})"
    if not standbys or commit == "local":
        return f"is {disk}; a fail-over to a standby may forget the newest ones"
    if commit == "remote_write":
        return f"is {disk} and written, not flushed, by a synchronous standby"
    return f"is {disk} and on that of a synchronous standby; a fail-over to another may forget the newest"


def _plain(setting: object) -> str:
    return setting if isinstance(setting, str) and setting.isidentifier() else "unknown"


# ------------------------------------------------------------------------------------------------ faults

_STATES: Final = {
    "42P01": "its table is not there: make it with policyjwt.replay.postgres.CREATE_TABLE",
    "42P10": "its table has no unique key: make it with policyjwt.replay.postgres.CREATE_TABLE",
    "42703": "its table has other columns: make it with policyjwt.replay.postgres.CREATE_TABLE",
    "42501": "its role lacks rights: SELECT, INSERT, UPDATE and DELETE are needed on its table",
    "42601": "the server is older than PostgreSQL 12",
    "25006": "the server takes no writes: it is a standby, or set to read only",
    "57014": "the server took longer than the timeout",
    "57P01": "the server is shutting down",
    "57P03": "the server is starting up or shutting down",
    "53100": "the server's disk is full",
    "53300": "the server has no connection left",
    "28P01": "the server refuses user and password",
    "28000": "the server refuses user and password",
    "3D000": "the server has no such database",
}

# For errors while connecting, which carry no SQLSTATE. Never quoted: a DSN with a slip puts the password anywhere.
_FRAGMENTS: Final = {
    "password": _STATES["28P01"],
    "authentication": _STATES["28P01"],
    "pg_hba": _STATES["28P01"],
    "read-only": _STATES["25006"],
    "starting up": _STATES["57P03"],
    "shutting down": _STATES["57P03"],
    "recovery": _STATES["57P03"],
    "too many": _STATES["53300"],
    "remaining connection slots": _STATES["53300"],
    "does not exist": "the server has no such database or role",
    "certificate": "the server's certificate is not trusted",
    "SSL": "no TLS connection can be made as the DSN demands",
    "translate host name": "the server's name can't be resolved",
    "resolve": "the server's name can't be resolved",
    "Name or service": "the server's name can't be resolved",
    "nodename": "the server's name can't be resolved",
    "refused": "nothing listens where the DSN points to",
    "timeout": "the server took longer than the timeout",
}


def unavailable(*, state: str | None, text: str) -> StoreUnavailable:
    """A fault in words of our own: what the driver says may quote the key, the DSN or a part of the password."""
    if state is not None:
        return StoreUnavailable(f"the replay store does not answer: {_STATES.get(state, f'SQLSTATE {state}')}")
    words = next((words for part, words in _FRAGMENTS.items() if part in text), "the connection failed")
    return StoreUnavailable(f"the replay store does not answer: {words}")
