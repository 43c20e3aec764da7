"""The page on replay stores is true: its code, SQL and settings run on real servers, and its tables are the tests'."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.replay import NOTE, held, held_in_redis
from policyjwt import Engine, PolicyError, replay
from policyjwt.replay import PostgresReplayStore, RedisReplayStore, StoreUnavailable, conformance
from policyjwt.replay.conformance import Trial
from policyjwt.replay.postgres import CREATE_TABLE
from policyjwt.replay.postgres_statements import CLOCK_TOLERANCE, GRACE
from policyjwt.replay.redis_settings import read_settings
from policyjwt.tokens import KeySet
from tests.docs.pages import blocks
from tests.issuer import URL, Issuer, policy
from tests.replay import postgres_server, servers, test_redis_faults
from tests.replay.servers import command, needs_redis
from tests.shared import ROOT

PAGE = ROOT / "docs" / "replay.md"
SAYS = PAGE.read_text("utf-8")
WORDS = " ".join(SAYS.split())

REDIS, ACL, SETTINGS, POSTGRES, TABLE, GRANT, STORE, SUITE = (block.text for block in blocks("text", PAGE))

KEY, OTHER = b"k" * 32, b"o" * 32


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", SAYS, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def rows(title: str) -> Iterator[list[str]]:
    """The rows of the last table of a section, without its head; emphasis and code marks taken off."""
    table = section(title).rpartition("|---|")[2]
    for line in re.findall(r"^\| (.+) \|$", table, re.MULTILINE):
        yield [re.sub(r"[`*]", "", cell).strip() for cell in line.split(" | ")]


def test_no_block_is_left_out() -> None:
    assert len(blocks(page=PAGE)) == 8
    assert "ACL SETUSER" in ACL
    assert "GRANT" in GRANT


def run(text: str, **names: Any) -> dict[str, Any]:
    exec(compile(text, "replay.md", "exec"), names)
    return names


# ------------------------------------------------------------------------------------------------ Redis


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[servers.Server]:
    """A server with the settings of the page, and nothing else."""
    arguments = [part for line in SETTINGS.splitlines() for part in f"--{line}".split()]
    with servers.serving(tmp_path / "redis", *arguments) as running:
        yield running


def account(server: servers.Server, *more: str) -> str:
    """Make the page's account; its address."""
    assert command(server.port, *ACL.split(), *more) == b"+OK"
    return f"redis://policyjwt:PASSWORD@127.0.0.1:{server.port}"


def policies(folder: Path) -> None:
    from tests.issuer import policy

    (folder / "policies").mkdir()
    text = policy(replay="replay { nonce jti  store reaches nodes }", rest="provides sub is string")
    (folder / "policies" / "p.policy").write_text(text)


def judged(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Run a block that makes `engine` and `store`, and present a token twice."""
    import time

    from tests.attacks.flow import codes
    from tests.issuer import URL, Issuer, claims

    issuer, now = Issuer(), int(time.time())
    policies(folder)
    monkeypatch.chdir(folder)
    names = run(text, keys={f"url:{URL}": KeySet.from_jwks({"keys": [issuer.jwk()]})})
    engine: Engine = names["engine"]
    token = issuer.token(claims(iat=now - 5, nbf=now - 5, exp=now + 300))
    with names["store"]:
        return [codes(engine.evaluate(token)) for _ in range(2)]


@needs_redis
def test_the_code_for_redis_runs(settings: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the page's account and settings, but for TLS, which `test_redis.py` shows."""
    address = re.search(r'"(rediss://[^"]+)"', REDIS)
    assert address is not None
    text = REDIS.replace(address[1], f"{account(settings)}/0")
    assert judged(text, tmp_path, monkeypatch) == [set(), {"replay.seen"}]


@needs_redis
def test_each_permission_is_needed_and_no_other(settings: servers.Server) -> None:
    url = account(settings)
    given = [word for word in ACL.split() if word.startswith("+")]
    assert given == ["+set", "+get", "+info", "+time"]
    with RedisReplayStore(url) as store:
        assert [store.consume(KEY, 60, b"note"), store.consume(KEY, 60, b"")] == [True, False]
        assert store.first(KEY) == b"note"
    for word in given:
        account(settings, f"-{word[1:]}")
        with RedisReplayStore(url) as store, pytest.raises(StoreUnavailable, match=f"may not call {word[1:].upper()}"):
            used_and_read(store)
        account(settings)


def used_and_read(store: RedisReplayStore) -> None:
    """Reading alone needs GET here."""
    assert store.consume(OTHER, 60, b"") is True
    store.first(OTHER)


@needs_redis
def test_further_permissions_are_those_of_further_arguments(settings: servers.Server) -> None:
    assert "With `min_replicas` also `+wait +expire`." in WORDS
    assert "For another database than 0 also `+select`." in WORDS
    url = account(settings)
    with RedisReplayStore(f"{url}/1") as store, pytest.raises(StoreUnavailable):
        store.consume(KEY, 60, b"")
    with RedisReplayStore(url, min_replicas=1) as store, pytest.raises(StoreUnavailable, match="may not call WAIT"):
        store.consume(KEY, 60, b"")
    account(settings, "+select")
    with RedisReplayStore(f"{url}/1") as store:
        assert store.consume(KEY, 60, b"") is True
    account(settings, "+wait", "+expire")
    with RedisReplayStore(url, min_replicas=1) as store, pytest.raises(replay.StoreNotDurable):
        store.consume(OTHER, 60, b"")


@needs_redis
def test_a_cluster_needs_two_more(tmp_path: Path) -> None:
    assert "In a cluster also `+cluster|slots +asking`." in WORDS
    port = servers.free_port()
    with servers.serving(
        tmp_path, "--appendonly", "yes", "--cluster-enabled", "yes", "--cluster-port", str(port)
    ) as one:
        assert command(one.port, "CLUSTER", "ADDSLOTSRANGE", 0, 16383) == b"+OK"
        servers.until(lambda: b"cluster_state:ok" in command(one.port, "CLUSTER", "INFO"))
        url = account(one)
        with RedisReplayStore(url, cluster=True) as store, pytest.raises(StoreUnavailable):
            store.consume(KEY, 60, b"")
        account(one, "+cluster|slots", "+asking")
        with RedisReplayStore(url, cluster=True) as store:
            assert [store.consume(KEY, 60, b""), store.consume(KEY, 60, b"")] == [True, False]


def test_the_table_of_faults_is_that_of_the_tests() -> None:
    tests = {
        fault: (str(row.replays_accepted), str(row.good_refused)) for fault, row in test_redis_faults.TABLE.items()
    }
    assert {fault: (accepted, refused) for fault, accepted, refused in rows("Redis")} == tests


@needs_redis
def test_a_lost_append_only_file_is_not_noticed(settings: servers.Server) -> None:
    """What the page warns of. Where a later version notices, the page has to change."""
    assert "A server that has lost the file and comes back with `appendonly yes` looks like a new one" in WORDS
    with RedisReplayStore(settings.url) as store:
        assert [store.consume(KEY, 60, b""), store.consume(KEY, 60, b"")] == [True, False]
        settings.kill()
        for file in sorted(settings.folder.rglob("*aof*"), reverse=True):
            if file.is_file():
                file.unlink()
        settings.start()
        assert store.consume(KEY, 60, b"") is True


# ------------------------------------------------------------------------------------------------ PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[postgres_server.Server]:
    postgres_server.needs_postgres()
    with postgres_server.postgres() as running:
        yield running


def test_the_code_for_postgresql_runs(
    postgres: postgres_server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the page's table and the page's grants, but for TLS."""
    postgres.run("DROP TABLE IF EXISTS policyjwt_nonces")
    postgres.run("DROP ROLE IF EXISTS policyjwt")
    postgres.run("CREATE ROLE policyjwt LOGIN PASSWORD 'PASSWORD'")
    for statement in (TABLE + GRANT).split(";"):
        if statement.strip():
            postgres.run(statement)
    address = re.search(r'"(postgresql://[^"]+)"', POSTGRES)
    assert address is not None
    text = POSTGRES.replace(address[1], f"postgresql://policyjwt:PASSWORD@127.0.0.1:{postgres.port}/postgres")
    assert judged(text, tmp_path, monkeypatch) == [set(), {"replay.seen"}]


def test_the_table_is_the_stores_own() -> None:
    assert " ".join(TABLE.replace('"', "").split()) == " ".join(CREATE_TABLE.replace('"', "").split())


def test_a_database_that_was_lost_begins_anew_where_the_table_is_made(postgres: postgres_server.Server) -> None:
    """What the page says of `create=True`, and why it is no default."""
    assert "over a database that was lost it would begin anew" in WORDS
    postgres.run("DROP TABLE IF EXISTS policyjwt_nonces")
    for again in range(2):
        with PostgresReplayStore(postgres.dsn, create=True, timeout=60) as store:
            assert store.consume(KEY, 60, b"") is True, again
        postgres.run("DROP TABLE policyjwt_nonces")
    with PostgresReplayStore(postgres.dsn, timeout=60) as store, pytest.raises(StoreUnavailable):
        store.consume(KEY, 60, b"")


HELD_BY = {
    "a reply lost, 20 times in threads and 20 in tasks": (
        "test_a_lost_reply_makes_a_first_use_no_second",
        "test_a_lost_reply_makes_a_first_use_no_second_for_loops_either",
    ),
    "every reply lost": ("test_where_every_reply_is_lost_there_is_no_answer_and_the_key_is_used",),
    "server frozen": (
        "test_a_server_that_stops_answering_is_not_waited_for",
        "test_an_event_loop_does_not_wait_for_it_either",
    ),
    "sessions killed": ("test_lost_connections_are_made_again",),
    "a restart and two crashes": ("test_a_restart_and_a_crash_forget_nothing",),
    "fail-over to an asynchronous standby that was cut off": (
        "test_a_fail_over_to_an_asynchronous_standby_may_forget",
    ),
    "fail-over to a synchronous standby": ("test_a_fail_over_to_a_synchronous_standby_forgets_nothing",),
    "the wait for the standby cancelled": ("test_a_fail_over_to_a_synchronous_standby_forgets_nothing",),
    "the server's clock set back": ("test_a_clock_set_back_behind_what_was_forgotten_gives_no_answer",),
    "fsync or synchronous_commit turned off, the table made unlogged": (
        "test_a_promise_withdrawn_is_noticed_by_an_open_connection",
        "test_a_promise_withdrawn_is_noticed_by_event_loops",
    ),
}


def test_each_fault_of_postgresql_has_its_test() -> None:
    tree = ast.parse((ROOT / "tests" / "replay" / "test_postgres.py").read_text("utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [fault for fault, *_ in rows("PostgreSQL")] == list(HELD_BY)
    assert {name for names in HELD_BY.values() for name in names} <= tests


# ------------------------------------------------------------------------------------------------ figures


def shown(store: str) -> int:
    return int(dict(rows("Sizes"))[store])


def test_the_figures_hold() -> None:
    """Within a tenth: tables grow by steps."""
    assert len(NOTE) == 80
    assert "a note of 80 bytes" in WORDS
    assert abs(held(20_000) - shown("MemoryReplayStore")) <= shown("MemoryReplayStore") / 10


@needs_redis
def test_the_figure_of_redis_holds() -> None:
    """Within a fifth: servers of other versions keep keys in other ways."""
    assert abs(held_in_redis(20_000) - shown("RedisReplayStore")) <= shown("RedisReplayStore") / 5


def test_the_constants_are_those_of_the_stores() -> None:
    from policyjwt.replay import memory, redis_check, redis_steps

    assert CLOCK_TOLERANCE == redis_check.MAX_DIFFERENCE == 5
    assert "differ by more than 5 seconds" in WORDS
    assert GRACE == memory.GRACE == redis_steps.GRACE == 60
    assert "and a minute more" in WORDS
    assert redis_steps.RECHECK == 10
    assert "once more when it is used 10 seconds after the last time" in WORDS
    assert "compares when it connects and every 10 seconds" in WORDS
    assert redis_steps.total(read_settings("redis://a")) == 3
    assert "`timeout × (retries + 1)` at most, 3 seconds unless you say otherwise" in WORDS
    assert "1,000 tokens a second that live for 15 minutes" in WORDS
    assert "about a million: 282 MB in Redis" in WORDS
    assert abs(1000 * (15 * 60 + 30 + 60) - 1_000_000) < 20_000


# ------------------------------------------------------------------------------------------------ a store of one's own


def test_the_store_of_the_page_passes_the_suite_of_the_page() -> None:
    names = run(STORE + SUITE)
    suite = names["test_my_store"]
    assert [mark.args for mark in suite.pytestmark] == [("check", conformance.CHECKS)]
    for check in conformance.CHECKS:
        suite(check)
    with pytest.raises(PolicyError) as refused:  # nobody has given a word for it
        Engine.from_text(policy(), keys={f"url:{URL}": Issuer().keys()}, replay=names["MyStore"]())
    assert [diagnostic.code for diagnostic in refused.value.diagnostics] == ["PJ454"]


@pytest.mark.parametrize(
    "left_out", ["        check_request(key, ttl, note)\n", "            self.notes[key] = note\n"]
)
def test_each_line_of_it_is_needed(left_out: str) -> None:
    assert left_out in STORE
    kind = run(STORE.replace(left_out, ""))["MyStore"]
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(conformance.NotConforming))
        conformance.check_all(kind, Trial(rounds=3, presentations=8, keys=20))
