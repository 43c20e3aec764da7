"""One token, 64 times at once, through whole engines: exactly one is trusted, in every round (attacks R02, R17).

Threads of one process share a store in memory, two processes of one host a file, two nodes a Redis or a PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any, TypeAlias

import pytest

from policyjwt import Engine, PolicyError
from policyjwt.replay import (
    AsyncPostgresReplayStore,
    AsyncRedisReplayStore,
    MemoryReplayStore,
    PostgresReplayStore,
    RedisReplayStore,
    SqliteReplayStore,
)
from policyjwt.replay.memory import GRACE
from policyjwt.replay.protocol import MAX_DELAY
from policyjwt.tokens import KeySet
from tests.attacks.flow import ISSUER, codes, engine
from tests.issuer import NOW, URL, claims, policy
from tests.replay.postgres_server import HANG, needs_postgres, postgres
from tests.replay.servers import KINDS, command, serving
from tests.replay.test_memory import Clock
from tests.shared import ROOT

PRESENTATIONS = 64
ROUNDS = 50
MANY = 1_000
NODES = policy(replay="replay { nonce jti  store reaches nodes }")

Told: TypeAlias = dict[str, int]
"""How often each code was told; `trusted` where the token was."""


def store_of(kind: str, place: str) -> Any:
    """A store, patient: on a busy machine a slow answer is no fault."""
    if kind == "memory":
        return MemoryReplayStore(100_000, single_process=True)
    if kind == "sqlite":
        return SqliteReplayStore(place, single_host=True, timeout=HANG)
    if kind == "redis":
        return RedisReplayStore(place, timeout=HANG)
    return PostgresReplayStore(place, create=True, timeout=HANG)


def async_store_of(kind: str, place: str) -> Any:
    """The same for event loops."""
    if kind == "redis":
        return AsyncRedisReplayStore(place, timeout=HANG)
    return AsyncPostgresReplayStore(place, create=True, timeout=HANG)


@contextmanager
def presenting(judge: Engine, times: int) -> Iterator[Callable[[str], Told]]:
    """Presents a token so many times at once."""
    start = Barrier(times)

    def present(token: str) -> str:
        start.wait(HANG)
        verdict = judge.evaluate(token)
        return "trusted" if verdict else " ".join(sorted(codes(verdict)))

    with ThreadPoolExecutor(times) as pool:

        def at_once(token: str) -> Told:
            told = [job.result(HANG) for job in [pool.submit(present, token) for _ in range(times)]]
            return {name: told.count(name) for name in set(told)}

        yield at_once


@contextmanager
def presenting_to_a_loop(judge: Engine, times: int, store: Any) -> Iterator[Callable[[str], Told]]:
    """The same as so many tasks of one event loop."""

    async def all_of(token: str) -> Told:
        verdicts = await asyncio.gather(*(judge.evaluate_async(token) for _ in range(times)))
        told = ["trusted" if verdict else " ".join(sorted(codes(verdict))) for verdict in verdicts]
        return {name: told.count(name) for name in set(told)}

    async def closing() -> None:
        await (store.aclose if hasattr(store, "aclose") else store.close)()
        await asyncio.sleep(0)  # so that what was closed is let go of

    with asyncio.Runner() as runner:
        try:
            yield lambda token: runner.run(asyncio.wait_for(all_of(token), HANG))
        finally:
            runner.run(closing())


# ------------------------------------------------------------------------------------------------ threads


def rounds_in_threads(judge: Engine, rounds: int) -> list[Told]:
    with presenting(judge, PRESENTATIONS) as at_once:
        return [at_once(ISSUER.token(claims())) for _ in range(rounds)]


ONE_TRUSTED: Told = {"trusted": 1, "replay.seen": PRESENTATIONS - 1}


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.long)])
def test_memory_with_threads(rounds: int) -> None:
    assert rounds_in_threads(engine(NODES), rounds) == [ONE_TRUSTED] * rounds


# ------------------------------------------------------------------------------------------------ processes

_PROCESS = "from tests.replay.test_concurrency import serve; serve()"


def serve() -> None:
    """In a process of its own: judge each token of a line many times at once, and tell what came of it."""
    first = json.loads(sys.stdin.readline())
    keys = {f"url:{URL}": KeySet.from_jwks(first["keys"])}
    kind, _, loop = first["kind"].partition(" in a ")
    store = (async_store_of if loop else store_of)(kind, first["place"])
    judge = Engine.from_text(first["policy"], keys=keys, replay=store, clock=lambda: float(NOW))
    present = presenting_to_a_loop(judge, first["times"], store) if loop else presenting(judge, first["times"])
    with present as at_once:
        tell("ready")
        while token := sys.stdin.readline().strip():
            tell(json.dumps(at_once(token)))
    if not loop and not isinstance(store, MemoryReplayStore):
        store.close()  # each of the others has it


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Process:
    """An engine in a process of its own."""

    def __init__(self, kind: str, place: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        first = {"keys": {"keys": [ISSUER.jwk()]}, "policy": NODES, "kind": kind, "place": place}
        self.send(json.dumps(first | {"times": PRESENTATIONS // 2}))

    def send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def end(self) -> int:
        try:
            self._process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        return self._process.returncode


def rounds_in_processes(kind: str, place: str, rounds: int) -> list[Told]:
    processes = [Process(kind, place) for _ in range(2)]
    found: list[Told] = []
    try:
        assert [process.line() for process in processes] == ["ready", "ready"]
        for _ in range(rounds):
            token = ISSUER.token(claims())
            for process in processes:
                process.send(token)
            told: list[Told] = [json.loads(process.line()) for process in processes]
            found.append({name: sum(each.get(name, 0) for each in told) for name in {*told[0], *told[1]}})
    finally:
        ended = [process.end() for process in processes]
    assert ended == [0, 0]
    return found


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.long)])
def test_a_file_with_two_processes(rounds: int, tmp_path: Path) -> None:
    found = rounds_in_processes("sqlite", str(tmp_path / "replay.db"), rounds)
    assert found == [ONE_TRUSTED] * rounds


HOW = ["", " in a loop"]
"""Threads that `evaluate` with the one store, or tasks that `evaluate_async` with the other."""


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("binary", KINDS)
@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.long)])
def test_redis_with_two_processes(rounds: int, binary: str, how: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--appendonly", "yes", binary=binary) as server:
        assert rounds_in_processes(f"redis{how}", server.url, rounds) == [ONE_TRUSTED] * rounds
        assert command(server.port, "DBSIZE") == b":%d" % rounds


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.long)])
def test_postgresql_with_two_processes(rounds: int, how: str) -> None:
    needs_postgres()
    with postgres() as server:
        assert rounds_in_processes(f"postgres{how}", server.dsn, rounds) == [ONE_TRUSTED] * rounds
        assert server.run("SELECT count(*) FROM policyjwt_nonces WHERE key <> ''") == [(rounds,)]


def test_two_processes_with_memories_of_their_own_trust_twice() -> None:
    """Why a policy demands nodes when it says nothing, and why only the caller's word lets such a store pass."""
    assert rounds_in_processes("memory", "", 3) == [{"trusted": 2, "replay.seen": PRESENTATIONS - 2}] * 3


@pytest.mark.parametrize(
    ("reaches", "store", "word"),
    [
        ("store reaches nodes", "memory", False),
        ("", "memory", False),
        ("store reaches host", "memory", False),
        ("store reaches nodes", "sqlite", False),
        ("", "sqlite", False),
        ("store reaches process", "memory", True),
        ("store reaches host", "sqlite", True),
        ("store reaches process", "sqlite", True),
    ],
)
def test_a_store_of_smaller_reach_needs_its_callers_word(
    *, reaches: str, store: str, word: bool, tmp_path: Path
) -> None:
    """The last cases are those that need none: the store reaches far enough."""
    text = policy(replay=f"replay {{ nonce jti  {reaches} }}")
    silent: Any = MemoryReplayStore(10) if store == "memory" else SqliteReplayStore(tmp_path / "silent.db")
    if word:
        assert engine(text, replay=silent).evaluate(ISSUER.token(claims()))
    else:
        with pytest.raises(PolicyError) as caught:
            engine(text, replay=silent)
        assert [each.code for each in caught.value.diagnostics if each.stops_loading] == ["PJ454"]
    spoken = store_of(store, str(tmp_path / "spoken.db"))
    verdict = engine(text, replay=spoken).evaluate(ISSUER.token(claims()))
    assert verdict
    assert spoken.word is not None
    assert spoken.word in verdict.explain(everything=True)
    for opened in (silent, spoken):
        if isinstance(opened, SqliteReplayStore):
            opened.close()


def test_a_store_that_reaches_nodes_needs_no_word() -> None:
    needs_postgres()
    with PostgresReplayStore("host=127.0.0.1 port=1") as store:
        judge = engine(NODES, replay=store)
        assert (store.reach, store.word) == ("nodes", None)
        verdict = judge.evaluate(ISSUER.token(claims()))  # nothing listens there
        assert codes(verdict) == {"replay.store_unavailable"}
        assert verdict.public().status == 503


# ------------------------------------------------------------------------------------------------ times

SKEW = 300
"""The largest that the language allows; the stores hold a nonce to its end whatever the policy says."""

HELD = SKEW + MAX_DELAY + GRACE

WIDEST = policy(freshness="freshness { lifetime at most 1h  skew at most 5m }")


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    needs_postgres()
    with postgres() as running:
        yield running.dsn


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize(
    ("after_exp", "again", "turned_back"),
    [
        (-1, "replay.seen", "replay.seen"),
        (0, "replay.seen", "replay.seen"),
        (1, "replay.seen", "replay.seen"),
        (SKEW - 1, "replay.seen", "replay.seen"),
        (SKEW, "freshness.expired", "replay.seen"),
        (SKEW + 1, "freshness.expired", "replay.seen"),
        (HELD - 1, "freshness.expired", "replay.seen"),
        (HELD, "freshness.expired", "replay.store_unavailable"),
        (HELD + 1, "freshness.expired", "replay.store_unavailable"),
        (80_000, "freshness.expired", "replay.store_unavailable"),
    ],
)
def test_a_nonce_is_held_for_as_long_as_its_token_could_be_trusted(
    kind: str, after_exp: int, again: str, turned_back: str, tmp_path: Path
) -> None:
    """Skew minus one, equal, plus one: at no instant is a token neither expired nor seen.

    Turned back behind what it has forgotten, a store gives no answer rather than a wrong one.
    """
    clock = Clock(NOW)
    store: Any
    if kind == "memory":
        store = MemoryReplayStore(2, single_process=True, clock=clock)
    else:
        store = SqliteReplayStore(tmp_path / "replay.db", single_host=True, clock=clock)
    judge = engine(WIDEST, replay=store, clock=clock)
    token = ISSUER.token(claims(exp=NOW + 60))
    assert judge.evaluate(token)
    clock.now = later = NOW + 60 + after_exp
    assert judge.evaluate(ISSUER.token(claims(iat=later, nbf=later, exp=later + 60)))  # forgets what may be forgotten
    assert codes(judge.evaluate(token)) == {again}
    for clock.now in (NOW + 30, NOW):
        assert codes(judge.evaluate(token)) == {turned_back}
    if isinstance(store, SqliteReplayStore):
        store.close()


@pytest.mark.parametrize("engines_clock", [-299, -60, 0, 60, 299])
def test_postgresql_holds_by_its_own_clock_and_the_engine_judges_by_its(dsn: str, engines_clock: int) -> None:
    """However the engine's clock stands, the token is trusted once while it could be trusted at all."""
    with PostgresReplayStore(dsn, create=True, timeout=HANG) as store:
        clock = Clock(NOW + engines_clock)
        judge = engine(WIDEST, replay=store, clock=clock)
        token = ISSUER.token(claims(iat=NOW, nbf=NOW, exp=NOW + 60))
        assert judge.evaluate(token)
        for clock.now in (NOW - SKEW, NOW, NOW + 60, NOW + 60 + SKEW - 1):
            assert codes(judge.evaluate(token)) == {"replay.seen"}
        clock.now = NOW + 60 + SKEW
        assert codes(judge.evaluate(token)) == {"freshness.expired"}
