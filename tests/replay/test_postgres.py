"""The stores in PostgreSQL, against a real server: each key once, whatever happens to server, wire and clock."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Barrier
from typing import Any

import pytest

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.conformance import CHECKS, Check, Trial
from policyjwt.replay.postgres import CREATE_TABLE, AsyncPostgresReplayStore, PostgresReplayStore, create_table
from policyjwt.replay.postgres_statements import (
    CLOCK_TOLERANCE,
    GRACE,
    MOST_SWEPT,
    check_table,
    durability_after_check,
    durability_after_use,
    first_use,
    statements,
    unavailable,
)
from policyjwt.replay.protocol import MAX_TTL, ReplayStore, StoreNotDurable
from tests.replay.postgres_server import HANG, Proxy, Server, needs_postgres, postgres, standby

needs_postgres()

Open = Callable[..., PostgresReplayStore]
_NUMBERS = itertools.count()
PATIENT = 60.0
"""Seconds: on a busy machine a slow answer is no fault, where the test is about something else."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture
def table(server: Server) -> str:
    name = f"nonces_{next(_NUMBERS)}"
    server.run(create_table(name).split(";")[0])
    server.run(create_table(name).split(";")[1])
    server.run(create_table(name).split(";")[2])
    return name


@pytest.fixture
def opened(server: Server, table: str) -> Iterator[Open]:
    """Opens stores on one table, and closes them."""
    stores: list[PostgresReplayStore] = []

    def open_one(dsn: str | None = None, **settings: Any) -> PostgresReplayStore:
        given: dict[str, Any] = {"table": table, "timeout": PATIENT} | settings
        stores.append(PostgresReplayStore(dsn or server.dsn, **given))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


def pass_time(server: Server, table: str, seconds: float) -> None:
    """Move a table into the past: as if its server's clock had gone on."""
    server.run(f"UPDATE {table} SET ends = ends - %s", seconds)


def keys_in(server: Server, table: str) -> int:
    ((count,),) = server.run(f"SELECT count(*) FROM {table} WHERE key <> ''")
    return int(count)


# ------------------------------------------------------------------------------------------------ what a store does


@pytest.mark.parametrize("check", CHECKS)
def test_it_conforms(check: Check, opened: Open, server: Server, table: str) -> None:
    check(
        lambda: opened(sweep_every=1),
        Trial(rounds=50, keys=200, advance=lambda seconds: pass_time(server, table, seconds)),
    )


@pytest.mark.parametrize("check", CHECKS)
def test_the_one_for_event_loops_conforms(check: Check, server: Server, table: str) -> None:
    check(
        lambda: AsyncPostgresReplayStore(server.dsn, table=table, timeout=PATIENT, sweep_every=1),
        Trial(rounds=50, keys=200, advance=lambda seconds: pass_time(server, table, seconds)),
    )


def test_the_first_use_is_true_and_every_later_one_false(opened: Open, table: str) -> None:
    store = opened()
    assert store.consume(b"a", 60, b"first") is True
    assert store.consume(b"a", 60, b"second") is False
    assert store.consume(b"b", MAX_TTL, b"") is True
    assert store.first(b"a") == b"first"
    assert store.first(b"c") is None
    assert store.first(b"") is None
    assert repr(store) == f"<PostgresReplayStore in table {table}>"
    assert isinstance(store, ReplayStore)
    assert (store.reach, store.word) == ("nodes", None)


def test_the_table_is_made_by_the_documented_statement_or_on_demand(server: Server) -> None:
    assert create_table("policyjwt_nonces") == CREATE_TABLE
    with PostgresReplayStore(server.dsn, timeout=PATIENT) as store:
        with pytest.raises(StoreUnavailable) as caught:
            store.consume(b"a", 60, b"")
        wanted = " ".join(CREATE_TABLE.split())
        assert str(caught.value) == (
            f"the replay store's table `policyjwt_nonces` is not there: make it with `{wanted}`"
        )
    for _ in range(2):
        with PostgresReplayStore(server.dsn, create=True, timeout=PATIENT) as store:
            store.check()
    with PostgresReplayStore(server.dsn, timeout=PATIENT) as store:
        assert store.consume(b"a", 60, b"") is True
    server.run("CREATE SCHEMA other")
    with PostgresReplayStore(server.dsn, table="other.nonces", create=True, timeout=PATIENT) as store:
        assert store.consume(b"a", 60, b"") is True
        assert server.run("SELECT count(*) FROM other.nonces") == [(2,)]


def test_many_make_the_table_at_once(server: Server) -> None:
    barrier = Barrier(16)

    def make(_: int) -> bool:
        with PostgresReplayStore(server.dsn, table="made_at_once", create=True, timeout=PATIENT) as store:
            barrier.wait(HANG)
            return store.consume(b"a", 60, b"")

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(make, range(16))) == [False] * 15 + [True]


@pytest.mark.parametrize(
    "name",
    ["", "a b", 'a"b', "a;b", "Nonces", "1a", "a.b.c", ".a", "a.", "é", "a" * 64, "a\n", None, b"a", "a--"],
)
def test_a_tables_name_is_plain(name: Any) -> None:
    with pytest.raises(ValueError, match="a table's name has lower-case letters"):
        PostgresReplayStore("host=127.0.0.1", table=name)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"timeout": 0}, "the timeout is a number of seconds above 0"),
        ({"timeout": float("nan")}, "the timeout is a number of seconds above 0"),
        ({"timeout": float("inf")}, "the timeout is a number of seconds above 0"),
        ({"timeout": True}, "the timeout is a number of seconds above 0"),
        ({"timeout": "1"}, "the timeout is a number of seconds above 0"),
        ({"max_connections": 0}, "max_connections is a whole number, at least 1"),
        ({"max_connections": True}, "max_connections is a whole number, at least 1"),
        ({"sweep_every": -1}, "sweep_every is a whole number; 0 for never"),
        ({"sweep_every": 1.5}, "sweep_every is a whole number; 0 for never"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], words: str) -> None:
    for kind in (PostgresReplayStore, AsyncPostgresReplayStore):
        with pytest.raises(ValueError, match=words):
            kind("host=127.0.0.1", **settings)
        with pytest.raises(TypeError, match="the DSN is a text"):
            kind(None)  # type: ignore[arg-type] # the point


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "policyjwt.replay.postgres_driver")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for kind in (PostgresReplayStore, AsyncPostgresReplayStore):
        with pytest.raises(StoreUnavailable) as caught:
            kind("host=127.0.0.1")
        assert str(caught.value) == (
            "a replay store in PostgreSQL needs the extra `postgres`: install `policyjwt[postgres]`"
        )


def test_heavy_imports_wait_until_a_store_is_made() -> None:
    loaded = "import sys, policyjwt.replay.postgres, policyjwt.replay.conformance; print('psycopg' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True, timeout=HANG)
    assert told.stdout == "False\n"


# ------------------------------------------------------------------------------------------------ secrets


def test_the_password_is_never_told(server: Server, table: str) -> None:
    secret = server.password
    faults = []
    for dsn in (
        server.at(server.port, password=f"{secret}x"),
        f"postgresql://postgres:{secret}@127.0.0.1:1/postgres",
        f"postgresql://postgres:1@{secret}.invalid:5432/postgres",
        f"{server.dsn}?sslmode=require",
        f"{server.dsn.removesuffix('postgres')}{secret}",
        f"host=127.0.0.1 port={server.port} user={secret} password={secret} dbname=postgres",
    ):
        store = PostgresReplayStore(dsn, table=table, timeout=PATIENT)
        with pytest.raises(StoreUnavailable, match="the replay store does not answer: ") as caught:
            store.consume(b"a", 60, b"")
        faults.append(str(caught.value).removeprefix("the replay store does not answer: "))
        told: BaseException | None = caught.value
        while told is not None:
            assert secret not in f"{told} {told!r} {vars(told)}"
            told = told.__cause__ or told.__context__
        assert secret not in f"{store!r} {store._settings!r} {store.durability}"
    assert faults == [
        "the server refuses user and password",
        "nothing listens where the DSN points to",
        "the server's name can't be resolved",
        "no TLS connection can be made as the DSN demands",
        "the server has no such database or role",
        "the server refuses user and password",
    ]


@pytest.mark.parametrize("dsn", ["s3cret", "host=h password='s3cret", "postgresql://u:p@h/d?s3cret=1", "\0"])
def test_a_dsn_that_cant_be_read_is_not_quoted(dsn: str) -> None:
    for kind in (PostgresReplayStore, AsyncPostgresReplayStore):
        with pytest.raises(ValueError, match="the DSN can't be read") as caught:
            kind(dsn)
        assert "s3cret" not in f"{caught.value!r}"
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_faults_of_the_server_quote_nothing(opened: Open, server: Server, table: str) -> None:
    """What PostgreSQL says of a row that it refuses quotes the whole row, its key and note."""
    server.run(f"ALTER TABLE {table} ADD CHECK (note <> %s)".replace("%s", "'refused'::bytea"))
    with pytest.raises(StoreUnavailable) as caught:
        opened().consume(b"the key", 60, b"refused")
    assert str(caught.value) == "the replay store does not answer: SQLSTATE 23514"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# ------------------------------------------------------------------------------------------------ what it refuses


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("synchronous_commit=off", "is not safe: `synchronous_commit` is off: a crash would forget nonces"),
        ("default_transaction_read_only=on", "the server takes no writes: it is a standby, or set to read only"),
    ],
)
def test_an_unsafe_session_is_refused(opened: Open, server: Server, table: str, change: str, words: str) -> None:
    store = opened(f"{server.dsn}?options=-c%20{change.replace('=', '%3D')}")
    with pytest.raises(StoreUnavailable, match=re.escape(words)):
        store.consume(b"a", 60, b"")
    assert keys_in(server, table) == 0


@pytest.mark.parametrize(("setting", "kept"), [("on", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_what_the_server_promises_is_told(opened: Open, server: Server, setting: str, kept: str) -> None:
    store = opened(f"{server.dsn}?options=-c%20synchronous_commit%3D{setting}")
    assert store.durability == "is not known to last: the server has not told it"
    store.check()
    assert store.durability == (
        f"is on the server's disk before the answer (synchronous_commit = {kept});"
        " a fail-over to a standby may forget the newest ones"
    )


@pytest.mark.parametrize(
    ("commit", "standbys", "words"),
    [
        ("on", "", "a fail-over to a standby may forget the newest ones"),
        ("local", "*", "a fail-over to a standby may forget the newest ones"),
        ("remote_write", "*", "and written, not flushed, by a synchronous standby"),
        ("on", "*", "and on that of a synchronous standby; a fail-over to another may forget the newest"),
        ("remote_apply", "*", "and on that of a synchronous standby; a fail-over to another may forget the newest"),
    ],
)
def test_words_for_what_is_promised(commit: str, standbys: str, words: str) -> None:
    told = durability_after_check(("", "", commit, "on", standbys, "p", True))
    assert told == durability_after_use((0.0, True, True, commit, "on", standbys, "p"))
    assert told.startswith(f"is on the server's disk before the answer (synchronous_commit = {commit})")
    assert told.endswith(words)


@pytest.mark.parametrize("row", [None, (), ("",) * 6, ("",) * 8])
def test_an_answer_that_is_none_promises_nothing(row: Any) -> None:
    with pytest.raises(StoreUnavailable, match="gave an answer that is none"):
        check_table(row, statements("t"))
    assert (
        durability_after_check(row) == durability_after_use(row) == "is not known to last: the server has not told it"
    )


UNSAFE: list[tuple[tuple[Any, ...], str]] = [
    (("off", "on", "", "p"), "`synchronous_commit` is off: a crash would forget nonces"),
    ((None, "on", "", "p"), "`synchronous_commit` is off: a crash would forget nonces"),
    (("on", "off", "", "p"), "`fsync` is off: a crash would forget nonces"),
    (("on", None, "", "p"), "`fsync` is off: a crash would forget nonces"),
    (("on", "on", "", "u"), "its table is not a permanent one: a crash would empty it"),
    (("on", "on", "", "t"), "its table is not a permanent one: a crash would empty it"),
]


@pytest.mark.parametrize(("promise", "words"), UNSAFE)
def test_too_little_is_refused_by_each_answer(promise: tuple[Any, ...], words: str) -> None:
    for judge in (
        lambda: check_table(("", "", *promise, True), statements("t")),
        lambda: first_use((0.0, True, True, *promise)),
        lambda: first_use((0.0, True, False, *promise)),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            judge()
        assert str(caught.value) == f"the replay store is not safe: {words}"
    assert durability_after_use((0.0, True, True, *promise)) == f"is not safe: {words}"


DAMAGES = [
    ("DROP TABLE {t}", "is not there: make it with `CREATE TABLE"),
    ("ALTER TABLE {t} DROP COLUMN attempt", "its table has other columns"),
    ("ALTER TABLE {t} DROP CONSTRAINT {t}_pkey", "its table has no unique key"),
    ("TRUNCATE {t}", "its table is damaged|table is damaged: the row with the empty key is not there"),
    ("ALTER TABLE {t} SET UNLOGGED", "its table is not a permanent one: a crash would empty it"),
    ("ALTER TABLE {t} ALTER COLUMN ends TYPE text", "SQLSTATE 42883"),
]


@pytest.mark.parametrize(("statement", "words"), DAMAGES)
def test_a_damaged_table_gives_no_answer(opened: Open, server: Server, table: str, statement: str, words: str) -> None:
    before = opened()
    assert before.consume(b"a", 60, b"") is True
    server.run(statement.format(t=table))
    with pytest.raises(StoreUnavailable, match=words):
        opened().consume(b"a", 60, b"")
    with pytest.raises(StoreUnavailable):
        before.consume(b"a", 60, b"")


def test_create_heals_no_table_that_is_emptied_meanwhile(opened: Open, server: Server, table: str) -> None:
    store = opened(create=True)
    assert store.consume(b"a", 60, b"") is True
    server.run(f"TRUNCATE {table}")
    end_sessions(server)
    with pytest.raises(StoreUnavailable, match="the row with the empty key is not there"):
        store.consume(b"a", 60, b"")


def test_a_role_without_rights_is_told_which(opened: Open, server: Server, table: str) -> None:
    role = f"role_of_{table}"
    server.run(f"CREATE ROLE {role} LOGIN PASSWORD 'pw'")
    server.run(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {role}")
    store = opened(f"postgresql://{role}:pw@127.0.0.1:{server.port}/postgres")
    with pytest.raises(StoreUnavailable) as caught:
        store.consume(b"a", 60, b"")
    assert str(caught.value) == (
        f'the replay store\'s role lacks rights: GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}"'
    )
    server.run(f"GRANT DELETE ON {table} TO {role}")
    assert store.consume(b"a", 60, b"") is True
    assert store.sweep() == 0


def test_a_closed_store_gives_no_answer(opened: Open) -> None:
    store = opened()
    assert store.consume(b"a", 60, b"") is True
    store.close()
    store.close()
    for use in (lambda: store.consume(b"b", 60, b""), lambda: store.first(b"a"), store.sweep, store.check):
        with pytest.raises(StoreUnavailable, match="the replay store is closed"):
            use()


SAFE = ("on", "on", "", "p")

ANSWERS: list[tuple[Any, str]] = [
    (None, "gave an answer that is none"),
    ((), "gave an answer that is none"),
    ((0.0, True), "gave an answer that is none"),
    ((0.0, True, True), "gave an answer that is none"),
    ((0.0, True, True, *SAFE, ""), "gave an answer that is none"),
    ((0.0, True, None, *SAFE), "gave an answer that is none"),
    ((0.0, True, 1, *SAFE), "gave an answer that is none"),
    ((0.0, None, True, *SAFE[:3], None), "table is damaged"),
    ((0.0, True, True, *SAFE[:3], None), "its table is not a permanent one"),
    ((0.0, False, True, *SAFE), "clock was set back"),
    ((0.0, 1, True, *SAFE), "clock was set back"),
    ((None, True, True, *SAFE), "clocks of this process and of the replay store differ by more than 5 seconds"),
    ((5.01, True, True, *SAFE), "clocks of this process"),
    ((-5.01, True, True, *SAFE), "clocks of this process"),
]


@pytest.mark.parametrize(("row", "words"), ANSWERS)
def test_only_a_whole_answer_is_one(row: Any, words: str) -> None:
    with pytest.raises(StoreUnavailable, match=words):
        first_use(row)
    assert first_use((-5.0, True, True, *SAFE)) is True
    assert first_use((5.0, True, False, *SAFE)) is False


def test_a_fault_is_told_in_our_words() -> None:
    prefix = "the replay store does not answer: "
    assert str(unavailable(state="57014", text="x")) == f"{prefix}the server took longer than the timeout"
    assert str(unavailable(state="XX000", text="x")) == f"{prefix}SQLSTATE XX000"
    assert str(unavailable(state=None, text="s3cret")) == f"{prefix}the connection failed"


# ------------------------------------------------------------------------------------------------ clocks and sweeping


@pytest.mark.parametrize(
    ("offset", "answers"), [(-60, False), (-6, False), (-3, True), (0, True), (3, True), (6, False), (60, False)]
)
def test_a_process_whose_clock_differs_gets_no_answer(
    opened: Open, server: Server, table: str, *, offset: int, answers: bool
) -> None:
    """Three seconds are left to a busy machine."""
    store = opened(clock=lambda: time.time() + offset)
    if answers:
        assert store.consume(b"a", 60, b"") is True
        assert store.consume(b"a", 60, b"") is False
    else:
        with pytest.raises(StoreUnavailable, match=f"differ by more than {CLOCK_TOLERANCE} seconds"):
            store.consume(b"a", 60, b"")
        assert keys_in(server, table) == 0


def test_a_clock_without_time_is_no_answer(opened: Open, server: Server, table: str) -> None:
    with pytest.raises(StoreUnavailable, match="the clock gives no time"):
        opened(clock=lambda: float("nan")).consume(b"a", 60, b"")
    assert keys_in(server, table) == 0


def put(server: Server, table: str, key: str, *, dead_for: float) -> None:
    """A key whose time has passed, by the server's clock."""
    server.run(f"INSERT INTO {table} VALUES (%s::bytea, extract(epoch FROM now()) - %s, '', 'put')", key, dead_for)


def test_keys_are_held_past_their_time_and_then_taken_again(opened: Open, server: Server, table: str) -> None:
    """Fifty seconds are left to a busy machine."""
    assert GRACE == 60
    store = opened()
    put(server, table, "graced", dead_for=GRACE - 50)
    put(server, table, "dead", dead_for=GRACE)
    assert store.consume(b"graced", 600, b"new") is False
    assert store.first(b"graced") == b"put"
    assert store.consume(b"dead", 600, b"new") is True
    assert store.first(b"dead") == b"new"
    assert store.consume(b"dead", 600, b"newer") is False


def test_a_sweep_forgets_the_dead_alone_and_in_small_steps(opened: Open, server: Server, table: str) -> None:
    store = opened()
    server.run(
        f"INSERT INTO {table} SELECT decode(lpad(to_hex(n), 8, '0'), 'hex'), extract(epoch FROM now()) - n, '', ''"
        " FROM generate_series(-500, 2000) AS n WHERE n < 0 OR n >= 1000"
    )
    put(server, table, "graced", dead_for=GRACE - 50)
    assert store.sweep() == MOST_SWEPT
    assert store.sweep() == 1
    assert store.sweep() == 0
    assert keys_in(server, table) == 501
    ((lowest,),) = server.run(f"SELECT min(ends) > extract(epoch FROM now()) - {GRACE} FROM {table} WHERE key <> ''")
    assert lowest is True


def test_dead_keys_are_forgotten_on_the_way(opened: Open, server: Server, table: str) -> None:
    store = opened(sweep_every=10)
    for number in range(9):
        assert store.consume(b"%d" % number, 60, b"")
    pass_time(server, table, 10_000)
    assert store.consume(b"a", 60, b"") is True
    assert keys_in(server, table) == 1
    assert opened(sweep_every=0).consume(b"b", 60, b"") is True


def test_a_sweep_that_fails_changes_no_answer(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(sweep_every=1)

    def fails() -> int:
        raise StoreUnavailable("busy")

    monkeypatch.setattr(store, "sweep", fails)
    assert store.consume(b"a", 60, b"") is True
    assert store.consume(b"a", 60, b"") is False


def test_a_clock_set_back_behind_what_was_forgotten_gives_no_answer(opened: Open, server: Server, table: str) -> None:
    store = opened()
    assert store.consume(b"a", 60, b"") is True
    pass_time(server, table, 10_000)  # the clock goes forward
    assert store.sweep() == 1
    pass_time(server, table, -10_000)  # and back
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="the replay store's clock was set back"):
            store.consume(b"a", 60, b"")
    assert keys_in(server, table) == 0
    pass_time(server, table, 1_000)  # until the time has come that it knew before
    assert store.consume(b"a", 60, b"") is True


def test_sweepers_and_users_at_once_lose_nothing(opened: Open, server: Server, table: str) -> None:
    """Every key comes alive while others sweep: what is alive is never forgotten."""
    stores = [opened(sweep_every=1, max_connections=4) for _ in range(4)]
    barrier = Barrier(16)

    def work(number: int) -> list[bool]:
        store = stores[number % 4]
        barrier.wait(HANG)
        return [store.consume(b"%d" % (at % 20), 600, b"") for at in range(60)]

    server.run(
        f"INSERT INTO {table} SELECT convert_to(n::text, 'utf8'), extract(epoch FROM now()) - 1000, '', ''"
        " FROM generate_series(0, 19) AS n"  # dead, so that using, sweeping and using again meet
    )
    with ThreadPoolExecutor(16) as pool:
        answers = [answer for each in pool.map(work, range(16)) for answer in each]
    assert (answers.count(True), answers.count(False)) == (20, 16 * 60 - 20)
    assert keys_in(server, table) == 20


# ------------------------------------------------------------------------------------------------ at once


@pytest.mark.parametrize("stores", [1, 4])
def test_of_many_threads_one_is_first(opened: Open, stores: int) -> None:
    rounds, threads = 50, 64
    shared = [opened() for _ in range(stores)]
    barrier = Barrier(threads)

    def work(number: int) -> list[bool]:
        answers = []
        for at in range(rounds):
            barrier.wait(HANG)
            answers.append(shared[number % stores].consume(b"%d" % at, 600, b""))
        return answers

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(work, range(threads)))
    assert [sum(each) for each in zip(*found, strict=True)] == [1] * rounds


def test_a_role_that_isolates_its_transactions_more_changes_nothing(opened: Open, server: Server, table: str) -> None:
    """Serializable transactions fail where two meet: a good token would be refused, or a second use not told as one."""
    role, rounds, threads = f"isolated_of_{table}", 20, 16
    server.run(f"CREATE ROLE {role} LOGIN PASSWORD 'pw'")
    server.run(f"ALTER ROLE {role} SET default_transaction_isolation = 'serializable'")
    server.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")
    store = opened(f"postgresql://{role}:pw@127.0.0.1:{server.port}/postgres")
    barrier = Barrier(threads)

    def work(_: int) -> list[bool]:
        answers = []
        for at in range(rounds):
            barrier.wait(HANG)
            answers.append(store.consume(b"%d" % at, 600, b""))
        return answers

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(work, range(threads)))
    assert [sum(each) for each in zip(*found, strict=True)] == [1] * rounds


def test_connections_are_bounded_and_waited_for(opened: Open, server: Server, table: str) -> None:
    store = opened(max_connections=2)
    barrier = Barrier(16)

    def work(number: int) -> bool:
        barrier.wait(HANG)
        return store.consume(b"%d" % number, 600, b"")

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [True] * 16
    assert len(store._idle) <= 2
    with (
        store._link(time.monotonic() + HANG),
        store._link(time.monotonic() + HANG),
        pytest.raises(StoreUnavailable, match="all its connections are busy"),
        store._link(time.monotonic()),
    ):
        pass
    assert store.consume(b"after", 600, b"") is True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork_parent_and_child_have_connections_of_their_own(opened: Open) -> None:
    store = opened(max_connections=2)
    assert store.consume(b"a", 600, b"") is True
    fill(store, 2)
    parents = list(store._idle)
    with store._link(time.monotonic() + HANG):  # held by another thread when the fork comes
        child = os.fork()
        if child == 0:
            answers: tuple[bool, ...] = ()
            with suppress(BaseException):
                answers = (store.consume(b"a", 600, b""), store.consume(b"b", 600, b""))
            os._exit(0 if answers == (False, True) and not set(store._idle) & set(parents) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    before = list(store._idle)
    assert store.consume(b"b", 600, b"") is False
    assert store.consume(b"c", 600, b"") is True
    assert store._idle == before, "the child has ended the parent's session"


# ------------------------------------------------------------------------------------------------ faults


def end_sessions(server: Server) -> None:
    """As a server that restarts or fails over does: all connections are gone."""
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'policyjwt'")


def fill(store: PostgresReplayStore, count: int) -> None:
    """Have the store keep so many connections."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(store._link(time.monotonic() + HANG))
    assert len(store._idle) == count


def test_lost_connections_are_made_again(opened: Open, server: Server) -> None:
    store = opened()
    for number in range(3):
        fill(store, 4)
        assert store.consume(b"%d" % number, 600, b"") is True
        end_sessions(server)
        assert store.consume(b"%d" % number, 600, b"") is False
        end_sessions(server)


def test_a_lost_reply_makes_a_first_use_no_second(opened: Open, server: Server, table: str) -> None:
    with Proxy(server.port) as proxy:
        store = opened(server.at(proxy.port))
        for number in range(20):
            store.check()
            proxy.lose = 1
            assert store.consume(b"%d" % number, 600, b"one") is True
            assert proxy.lose == 0
            assert store.consume(b"%d" % number, 600, b"two") is False
            proxy.lose = 1
            assert store.consume(b"%d" % number, 600, b"three") is False
            assert proxy.lose == 0
            assert store.first(b"%d" % number) == b"one"
        assert proxy.lost == 40
        assert keys_in(server, table) == 20
        store.close()


def test_where_every_reply_is_lost_there_is_no_answer_and_the_key_is_used(opened: Open, server: Server) -> None:
    with Proxy(server.port) as proxy:
        store = opened(server.at(proxy.port))
        store.check()
        proxy.lose = 1_000
        with pytest.raises(StoreUnavailable):
            store.consume(b"a", 600, b"")
        proxy.lose = 0
        assert opened().consume(b"a", 600, b"") is False
        assert store.consume(b"b", 600, b"") is True
        store.close()


def test_a_server_that_stops_answering_is_not_waited_for(opened: Open, server: Server, table: str) -> None:
    """It keeps its connections and says nothing: only our own deadline ends that."""
    store = opened(timeout=0.5)
    store.check()
    (link,) = store._idle
    backend = link.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable, match="the server took longer than the timeout"):
            store.consume(b"a", 600, b"")
    finally:
        os.kill(backend, signal.SIGCONT)
    assert link.closed


def test_an_event_loop_does_not_wait_for_it_either(server: Server, table: str) -> None:
    async def go() -> bool:
        async with AsyncPostgresReplayStore(server.dsn, table=table, timeout=0.5) as store:
            await store.check()
            (link,) = store._pool().idle
            backend = link.info.backend_pid
            os.kill(backend, signal.SIGSTOP)
            try:
                with pytest.raises(StoreUnavailable, match="the server took longer than the timeout"):
                    await store.consume(b"a", 600, b"")
            finally:
                os.kill(backend, signal.SIGCONT)
            return link.closed

    assert asyncio.run(go())


def test_a_key_that_another_transaction_holds_gives_no_answer(opened: Open, server: Server, table: str) -> None:
    import psycopg

    store = opened(timeout=0.5)
    with psycopg.connect(server.dsn) as other:
        other.execute(f"INSERT INTO {table} VALUES ('a', 'Infinity', '', '')".encode())
        with pytest.raises(StoreUnavailable, match="longer than the timeout"):
            store.consume(b"a", 600, b"")
        other.rollback()
    assert opened().consume(b"a", 600, b"") is True


def test_the_callers_transaction_is_never_ours(opened: Open, server: Server, table: str) -> None:
    import psycopg

    store = opened()
    with psycopg.connect(server.dsn) as callers:
        callers.execute("SELECT 1")
        assert store.consume(b"a", 600, b"") is True
        callers.rollback()
    assert store.consume(b"a", 600, b"") is False


def test_a_restart_and_a_crash_forget_nothing() -> None:
    with postgres() as server, PostgresReplayStore(server.dsn, create=True, timeout=PATIENT) as store:
        used = []
        for number, how in enumerate((signal.SIGINT, signal.SIGQUIT, signal.SIGQUIT)):
            used.append(b"%d" % number)
            assert store.consume(used[-1], 600, b"") is True
            server.stop(how)
            with pytest.raises(StoreUnavailable, match="nothing listens where the DSN points to"):
                store.consume(b"while it is down", 600, b"")
            server.start()
            assert [store.consume(key, 600, b"") for key in used] == [False] * len(used)
        assert store.consume(b"while it is down", 600, b"") is True


def test_a_server_without_fsync_is_refused() -> None:
    with (
        postgres(fsync="off") as server,
        PostgresReplayStore(server.dsn, create=True, timeout=PATIENT) as store,
        pytest.raises(StoreUnavailable, match="is not safe: `fsync` is off: a crash would forget nonces"),
    ):
        store.check()


# ------------------------------------------------------------------------------------------------ promises withdrawn

KEPT = "is on the server's disk before the answer (synchronous_commit = on)"
ALONE = f"{KEPT}; a fail-over to a standby may forget the newest ones"
SYNC_OFF = "is not safe: `synchronous_commit` is off: a crash would forget nonces"
FSYNC_OFF = "is not safe: `fsync` is off: a crash would forget nonces"
UNLOGGED = "is not safe: its table is not a permanent one: a crash would empty it"

CHANGES = [
    ("ALTER SYSTEM SET synchronous_commit = off", "ALTER SYSTEM RESET synchronous_commit", SYNC_OFF),
    ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM RESET fsync", FSYNC_OFF),
    ("ALTER TABLE policyjwt_nonces SET UNLOGGED", "ALTER TABLE policyjwt_nonces SET LOGGED", UNLOGGED),
]


@pytest.fixture(scope="module")
def changing() -> Iterator[Server]:
    """A server of its own, whose settings change while stores use it."""
    with postgres() as running:
        yield running


def change(server: Server, statement: str, backend: int) -> None:
    """Run it and reload, while the session of a store goes on."""
    server.run(statement)
    server.run("SELECT pg_reload_conf()")
    assert server.run("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", backend) == [(1,)]


def answered(ask: Callable[[], Any], wanted: Any) -> None:
    """Ask until the answer is the wanted one: a reload reaches a session a moment after it was told."""
    until = time.monotonic() + HANG
    while (found := ask()) != wanted:
        assert time.monotonic() < until, found


@pytest.mark.parametrize(("worse", "better", "words"), CHANGES)
def test_a_promise_withdrawn_is_noticed_by_an_open_connection(
    changing: Server, worse: str, better: str, words: str
) -> None:
    with PostgresReplayStore(changing.dsn, create=True, timeout=PATIENT) as store:

        def use(key: bytes | None = None) -> str:
            try:
                return str(store.consume(key or os.urandom(8), 600, b""))
            except StoreUnavailable as fault:
                return str(fault)

        used = os.urandom(8)
        assert [use(used) for _ in range(8)] == ["True"] + ["False"] * 7  # by now the driver has prepared it
        (link,) = store._idle
        assert store.durability == ALONE
        change(changing, worse, link.info.backend_pid)
        answered(use, f"the replay store {words}")
        assert store.durability == words
        assert use(used) == f"the replay store {words}"  # of a later use, too
        with pytest.raises(StoreUnavailable, match=re.escape(words)):
            store.check()
        change(changing, better, link.info.backend_pid)
        answered(use, "True")
        assert store.durability == ALONE
        assert store._idle == [link], "all of it over one connection"


@pytest.mark.parametrize(("worse", "better", "words"), CHANGES)
def test_a_promise_withdrawn_is_noticed_by_event_loops(changing: Server, worse: str, better: str, words: str) -> None:
    async def go() -> None:
        async with AsyncPostgresReplayStore(changing.dsn, create=True, timeout=PATIENT) as store:
            await store.check()
            (link,) = store._pool().idle
            assert store.durability == ALONE
            change(changing, worse, link.info.backend_pid)
            until = time.monotonic() + HANG
            while store.durability != words:
                assert time.monotonic() < until
                with suppress(StoreUnavailable):
                    await store.consume(os.urandom(8), 600, b"")
            for ask in (store.consume(os.urandom(8), 600, b""), store.check()):
                with pytest.raises(StoreUnavailable, match=re.escape(words)):
                    await ask
            change(changing, better, link.info.backend_pid)
            while store.durability != ALONE:
                assert time.monotonic() < until
                with suppress(StoreUnavailable):
                    await store.consume(os.urandom(8), 600, b"")
            assert await store.consume(os.urandom(8), 600, b"") is True
            assert store._pool().idle == [link]

    asyncio.run(go())


def test_a_table_that_becomes_unlogged_meanwhile_is_refused(opened: Open, server: Server, table: str) -> None:
    """The use waits for the change, and is judged by what it finds then."""
    import psycopg

    store = opened()
    assert store.consume(b"a", 600, b"") is True
    (link,) = store._idle
    waits = "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s"
    with psycopg.connect(server.dsn) as other, ThreadPoolExecutor(1) as pool:
        other.execute(f"ALTER TABLE {table} SET UNLOGGED".encode())
        use = pool.submit(store.consume, b"b", 600, b"")
        answered(lambda: server.run(waits, link.info.backend_pid), [("Lock",)])
        other.commit()
        with pytest.raises(StoreUnavailable, match=UNLOGGED):
            use.result(HANG)
    assert store._idle == [link]


def test_a_connection_that_is_refused_leaves_no_promise(opened: Open, server: Server, table: str) -> None:
    store = opened()
    store.check()
    assert store.durability == ALONE
    server.run(f"ALTER TABLE {table} SET UNLOGGED")
    end_sessions(server)
    with pytest.raises(StoreUnavailable, match=UNLOGGED):
        store.consume(b"a", 600, b"")
    assert store.durability == "is not known to last: the server has not told it"


def test_one_use_is_one_statement_and_one_round_trip(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from policyjwt.replay import postgres_driver

    asked: list[str] = []
    ask = postgres_driver.ask

    def counted(link: Any, statement: str, values: Any, *, until: float) -> Any:
        asked.append(statement)
        return ask(link, statement, values, until=until)

    store = opened(sweep_every=0)
    store.check()
    monkeypatch.setattr(postgres_driver, "ask", counted)
    assert store.consume(b"a", 600, b"") is True
    assert store.consume(b"a", 600, b"") is False
    assert asked == [store._settings.statements.consume] * 2


# ------------------------------------------------------------------------------------------------ fail-over


BOTH = "on that of a synchronous standby; a fail-over to another may forget the newest"


def _both(first: Server, second: Server) -> str:
    hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    return f"postgresql://postgres:{first.password}@{hosts}/postgres"


@contextmanager
def _pair() -> Iterator[tuple[Server, Server, PostgresReplayStore]]:
    """A server, a standby that follows it, and a store that knows both, the standby first."""
    with (
        postgres() as first,
        standby(first) as second,
        PostgresReplayStore(_both(second, first), create=True, timeout=PATIENT) as store,
    ):
        yield first, second, store


def test_a_fail_over_to_an_asynchronous_standby_may_forget() -> None:
    """What `durability` says: the standby was cut off, and a nonce is new again."""
    with _pair() as (first, second, store):
        assert store.consume(b"before", 600, b"") is True
        assert "a fail-over to a standby may forget the newest ones" in store.durability
        _caught_up(first, second)
        second.stop()
        assert store.consume(b"lost", 600, b"") is True
        first.stop(signal.SIGQUIT)
        second.start()
        with pytest.raises(StoreUnavailable):  # a standby takes no writes
            store.consume(b"before", 600, b"")
        second.run("SELECT pg_promote()")
        assert store.consume(b"before", 600, b"") is False
        assert store.consume(b"lost", 600, b"") is True


def test_a_fail_over_to_a_synchronous_standby_forgets_nothing() -> None:
    with _pair() as (first, second, store):
        store.check()
        first.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        first.run("SELECT pg_reload_conf()")
        end_sessions(first)
        until = time.monotonic() + HANG
        while first.run("SHOW synchronous_standby_names") != [("*",)]:
            assert time.monotonic() < until
        assert store.consume(b"a", 600, b"") is True
        assert store.durability.endswith(BOTH)
        _a_standby_dismissed_is_told(first, store)
        second.stop()
        hurried = PostgresReplayStore(_both(first, second), timeout=0.5)
        with hurried, pytest.raises(StoreUnavailable, match="longer than the timeout"):
            hurried.consume(b"b", 600, b"")  # no standby has it
        _a_cancelled_wait_is_no_answer(first, store)
        first.stop(signal.SIGQUIT)
        second.start()
        second.run("SELECT pg_promote()")
        second.run("ALTER SYSTEM SET synchronous_standby_names = ''")
        second.run("SELECT pg_reload_conf()")
        while second.run("SHOW synchronous_standby_names") != [("",)]:
            assert time.monotonic() < until
        assert store.consume(b"a", 600, b"") is False
        assert store.consume(b"b", 600, b"") is True


def _a_standby_dismissed_is_told(server: Server, store: PostgresReplayStore) -> None:
    """Over connections that stay open: what the newest answer says counts."""
    links = list(store._idle)
    for names, words in (("''", "a fail-over to a standby may forget the newest ones"), ("'*'", BOTH)):
        server.run(f"ALTER SYSTEM SET synchronous_standby_names = {names}")
        server.run("SELECT pg_reload_conf()")
        until = time.monotonic() + HANG
        while not store.durability.endswith(words):
            assert time.monotonic() < until
            assert store.consume(os.urandom(8), 600, b"") is True
    assert store._idle == links


def _a_cancelled_wait_is_no_answer(server: Server, store: PostgresReplayStore) -> None:
    """PostgreSQL answers such a statement as if all were well, with a warning beside it."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%%attempt%%'"
    others = {pid for (pid,) in server.run(waiting)}
    with ThreadPoolExecutor(1) as pool:
        use = pool.submit(store.consume, b"c", 600, b"")
        until = time.monotonic() + HANG
        while not (mine := {pid for (pid,) in server.run(waiting)} - others):
            assert time.monotonic() < until
            time.sleep(0.01)
        server.run("SELECT pg_cancel_backend(%s)", mine.pop())
        with pytest.raises(StoreNotDurable, match="may not have reached its synchronous standby"):
            use.result(HANG)


def _caught_up(first: Server, second: Server) -> None:
    ((sent,),) = first.run("SELECT pg_current_wal_lsn()::text")
    until = time.monotonic() + HANG
    while second.run("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", sent) != [(True,)]:
        assert time.monotonic() < until


# ------------------------------------------------------------------------------------------------ for event loops


def test_tasks_share_a_store_and_loops_do_not_share_connections(server: Server, table: str) -> None:
    store = AsyncPostgresReplayStore(server.dsn, table=table, timeout=PATIENT, max_connections=4)

    async def uses(key: bytes) -> list[bool]:
        return list(await asyncio.gather(*(store.consume(key, 600, b"n") for _ in range(64))))

    for number in range(3):
        answers = asyncio.run(uses(b"%d" % number))
        assert (answers.count(True), len(answers)) == (1, 64)
    assert len(store._pools) == 1
    assert repr(store) == f"<AsyncPostgresReplayStore in table {table}>"

    async def ends() -> tuple[bytes | None, bytes | None, int]:
        async with store:
            await store.check()
            assert "is on the server's disk" in store.durability
            return await store.first(b"0"), await store.first(b"x"), await store.sweep()

    assert asyncio.run(ends()) == (b"n", None, 0)
    with pytest.raises(StoreUnavailable, match="the replay store is closed"):
        asyncio.run(uses(b"x"))
    asyncio.run(store.aclose())


def test_closing_closes_the_connections_of_loops_that_have_ended(server: Server, table: str) -> None:
    """Though the loop that closes has connections of its own."""
    store = AsyncPostgresReplayStore(server.dsn, table=table, timeout=PATIENT)

    async def kept() -> Any:
        await store.check()
        return store._pool().idle[0]

    with asyncio.Runner() as lasting:
        own = lasting.run(kept())
        ended = asyncio.run(kept())
        assert (own.closed, ended.closed, len(store._pools)) == (False, False, 2)
        lasting.run(store.aclose())
        assert (own.closed, ended.closed, len(store._pools)) == (True, True, 1)


def test_a_loop_that_lasts_lets_go_of_those_that_have_ended(server: Server, table: str) -> None:
    store = AsyncPostgresReplayStore(server.dsn, table=table, timeout=PATIENT)

    async def kept() -> Any:
        await store.check()
        return store._pool().idle[0]

    with asyncio.Runner() as lasting:
        own = lasting.run(kept())
        ended = asyncio.run(kept())
        assert lasting.run(kept()) is own
        assert (own.closed, ended.closed, len(store._pools)) == (False, True, 1)
        lasting.run(store.aclose())


def test_a_cancelled_task_leaves_no_connection_in_the_middle(server: Server, table: str) -> None:
    import psycopg

    async def go() -> tuple[bool, int]:
        async with AsyncPostgresReplayStore(server.dsn, table=table, timeout=PATIENT, max_connections=1) as store:
            await store.check()
            with psycopg.connect(server.dsn) as other:
                other.execute(f"INSERT INTO {table} VALUES ('a', 'Infinity', '', '')".encode())
                use = asyncio.create_task(store.consume(b"a", 600, b""))
                await asyncio.sleep(0.05)
                use.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await use
                other.rollback()
            return await store.consume(b"b", 600, b""), len(store._pool().idle)

    assert asyncio.run(go()) == (True, 1)


def test_a_lost_reply_makes_a_first_use_no_second_for_loops_either(server: Server, table: str) -> None:
    async def go(proxy: Proxy) -> None:
        async with AsyncPostgresReplayStore(server.at(proxy.port), table=table, timeout=PATIENT) as store:
            for number in range(5):
                await store.check()
                proxy.lose = 1
                assert await store.consume(b"%d" % number, 600, b"") is True
                assert proxy.lose == 0
                assert await store.consume(b"%d" % number, 600, b"") is False

    with Proxy(server.port) as proxy:
        asyncio.run(go(proxy))
        assert proxy.lost == 5


def test_faults_are_told_by_loops_too(server: Server, table: str) -> None:
    async def fault(dsn: str, **settings: Any) -> str:
        given: dict[str, Any] = {"table": table, "timeout": PATIENT} | settings
        async with AsyncPostgresReplayStore(dsn, **given) as store:
            with pytest.raises(StoreUnavailable) as caught:
                await store.consume(b"a", 600, b"")
            assert caught.value.__context__ is None
            return str(caught.value)

    async def busy() -> str:
        async with AsyncPostgresReplayStore(server.dsn, table=table, timeout=0.5, max_connections=1) as store:
            async with store._link(time.monotonic() + HANG):
                with pytest.raises(StoreUnavailable) as caught:
                    await store.consume(b"a", 600, b"")
            return str(caught.value)

    wrong = server.at(server.port, password="wrong")
    assert asyncio.run(fault(wrong)).endswith("the server refuses user and password")
    assert "is not there: make it with" in asyncio.run(fault(server.dsn, table="not_there"))
    assert "clocks" in asyncio.run(fault(server.dsn, clock=lambda: time.time() + 60))
    assert asyncio.run(busy()).endswith("all its connections are busy")
    assert keys_in(server, table) == 0
