"""Attacks on the store: full, down, elsewhere, set back. Rows of the catalogue, on nonces and on proofs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from policyjwt import Context, Engine, PolicyError, StoreUnavailable
from policyjwt.replay import MemoryReplayStore, SqliteReplayStore
from policyjwt.replay.memory import GRACE
from policyjwt.replay.protocol import MAX_DELAY, MAX_SKEW
from policyjwt.tokens import KeySet
from tests.evidence.proofs import bound, holder
from tests.holder.flow import (
    ISSUER,
    KINDS,
    WAYS,
    Clock,
    Counting,
    Door,
    assured,
    at_the,
    codes,
    door,
    proof_for,
    request,
    text,
    text_of,
    token,
    told,
    unbound,
    use,
)
from tests.issuer import NOW, URL
from tests.replay.servers import calls, needs_redis, serving
from tests.shared import ROOT

HANG = 120
"""Seconds after which something hangs."""

both_ways = pytest.mark.parametrize("way", WAYS)
both_kinds = pytest.mark.parametrize("kind", KINDS)


def key_of(kind: str) -> str:
    """What the store is asked for one and the same use, whoever signed it."""
    at = at_the(kind)
    by = holder()
    presented, given = use(kind)
    assert at.judge(presented, given).trusted
    if kind == "proof":  # the thumbprint of a key made here: only the rest is the same everywhere
        from policyjwt.replay.protocol import proof_key

        assert at.store.asked[0][0] == proof_key(thumbprint=str(bound(by)["jkt"]), jti="j1")
        return proof_key(thumbprint="x", jti="j1").hex()
    key: bytes = at.store.asked[0][0]
    return key.hex()


@both_kinds
def test_r10_a_key_is_the_same_in_every_process(kind: str) -> None:
    code = f"from tests.holder.test_attacks_store import key_of; print(key_of({kind!r}))"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=HANG,
        )
        assert run.stdout.strip() == key_of(kind)


FIFTY_YEARS = 50 * 365 * 86_400


def test_r12_a_token_of_fifty_years_is_not_held() -> None:
    at = at_the("nonce")
    assert codes(at.judge(unbound(exp=NOW + FIFTY_YEARS), Context())) == ["freshness.lifetime_too_long"]
    held = door("", replay="replay { nonce jti  hold at most 30s }")
    assert codes(held.judge(unbound(exp=NOW + 31), Context())) == ["replay.lifetime_too_long"]
    assert held.judge(unbound(exp=NOW + 30), Context()).trusted
    assert (at.asked, held.asked) == (0, 1)


def test_r12_no_proof_is_held_for_longer_than_proofs_live() -> None:
    at = at_the("proof", freshness="freshness { lifetime at most 24h  skew at most 0s }")
    presented = token(exp=NOW + 80_000)
    far = request(proof_for(presented, exp=NOW + FIFTY_YEARS))
    assert at.judge(presented, far).trusted
    assert [ttl for _, ttl in at.store.asked] == [3600 + MAX_SKEW + MAX_DELAY]


@both_kinds
@both_ways
def test_r12_a_full_store_trusts_nothing_new_and_forgets_nothing(kind: str, way: str) -> None:
    at = at_the(kind, store=Counting(capacity=3))
    first = [use(kind, str(number)) for number in range(3)]
    assert all(at.judge(*each, way).trusted for each in first)
    for number in range(3, 20):
        full = at.judge(*use(kind, str(number)), way)
        assert told(full) == [("replay.store_full", at.line("replay"))]
        assert full.public().status == 503
    assert [codes(at.judge(*each, way)) for each in first] == [["replay.seen"]] * 3
    assert len(at.store) == 3


class Odd:
    """A store that gives one answer, or raises it, or does so after it has inserted."""

    reach = "nodes"
    word = None

    def __init__(self, answer: object, *, inserts: bool = False) -> None:
        self.answer, self.inserts = answer, inserts
        self.inner = MemoryReplayStore(10, single_process=True, clock=Clock())
        self.asked: list[bytes] = []

    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        self.asked.append(key)
        if self.inserts and not self.inner.consume(key, ttl, note):
            return False
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def first(self, key: bytes) -> bytes | None:
        return self.inner.first(key)


NO_ANSWERS: list[Any] = [
    StoreUnavailable("down"),
    TimeoutError("late"),
    ConnectionResetError("gone"),
    RuntimeError("READONLY"),
    KeyError("reply"),
    None,
    1,
    0,
    "OK",
    b"1",
    [],
    [True],
    (True, True),
]


@both_kinds
@both_ways
@pytest.mark.parametrize("answer", NO_ANSWERS, ids=repr)
def test_r13_no_answer_is_no_first_use(answer: Any, kind: str, way: str) -> None:
    at = at_the(kind, store=Odd(answer))
    verdict = at.judge(*use(kind), way)
    assert told(verdict) == [("replay.store_unavailable", at.line("replay"))]
    assert verdict.failing[0].outcome.value == "unknown"
    assert not verdict.trusted
    assert "replay-protection" not in assured(verdict)
    assert verdict.public().status == 503
    assert at.asked == 1, "asked once: a second time would find the first"


@both_kinds
@both_ways
def test_r14_an_answer_that_is_lost_after_it_was_written(kind: str, way: str) -> None:
    at = at_the(kind, store=Odd(TimeoutError("the reply is lost"), inserts=True))
    used = use(kind)
    assert codes(at.judge(*used, way)) == ["replay.store_unavailable"]
    again = at.judge(*used, way)
    assert codes(again) == ["replay.seen"]
    assert "2023-11-14T22:13:20Z" in again.failing[0].actual, "when it was consumed first"


# --- other processes, other nodes, other clocks -------------------------------------------------------------


def judge_elsewhere() -> None:
    """In a process of its own: one use by one engine, and what came of it."""
    told_us = json.loads(sys.stdin.read())
    if told_us["place"]:
        store: Any = SqliteReplayStore(told_us["place"], single_host=True, timeout=HANG)
    else:
        store = MemoryReplayStore(10, single_process=True, clock=Clock())
    keys = {f"url:{URL}": KeySet.from_jwks(told_us["keys"])}
    engine = Engine.from_text(told_us["text"], keys=keys, replay=store, clock=Clock())
    given = request(*told_us["proofs"])
    sys.stdout.write(json.dumps(codes(engine.evaluate(told_us["token"], given))))
    if told_us["place"]:
        store.close()


def elsewhere(kind: str, place: str, used: tuple[str, Context]) -> list[str]:
    what = {
        "text": text_of(kind),
        "keys": {"keys": [ISSUER.jwk()]},
        "place": place,
        "token": used[0],
        "proofs": list(used[1].dpop),
    }
    code = "from tests.holder.test_attacks_store import judge_elsewhere; judge_elsewhere()"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        input=json.dumps(what),
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG,
    )
    found: list[str] = json.loads(run.stdout)
    return found


@both_kinds
def test_r17_a_second_process_with_a_file_refuses(kind: str, tmp_path: Path) -> None:
    """And so does the first, started again."""
    place = str(tmp_path / "replay.db")
    used = use(kind)
    assert elsewhere(kind, place, used) == []
    assert elsewhere(kind, place, used) == ["replay.seen"]
    with SqliteReplayStore(place, single_host=True) as store:
        at = Door(text=text_of(kind), replay=store)
        assert codes(at.judge(*used)) == ["replay.seen"]


@both_kinds
def test_r17_two_memories_trust_twice_and_the_verdict_says_how_far_they_reach(kind: str) -> None:
    used = use(kind)
    assert elsewhere(kind, "", used) == []
    verdict = at_the(kind).judge(*used)
    assert verdict.trusted
    (replay,) = (each for each in verdict.assurances if each.name == "replay-protection")
    assert replay.by is not None
    assert "in a store that reaches this process; one process alone accepts these tokens" in replay.by


@both_kinds
@pytest.mark.parametrize("reaches", ["", "store reaches nodes", "store reaches host"])
def test_r17_a_memory_without_its_callers_word_does_not_load(kind: str, reaches: str, tmp_path: Path) -> None:
    replay = f"replay {{ {'nonce jti' if kind == 'nonce' else 'proof once'}  {reaches} }}"
    written = text("" if kind == "nonce" else "holder dpop", replay=replay)
    for store in (MemoryReplayStore(10), None):
        with pytest.raises(PolicyError) as caught:
            Engine.from_text(written, keys={f"url:{URL}": ISSUER.keys()}, replay=store)
        (found,) = (each for each in caught.value.diagnostics if each.stops_loading)
        assert found.code == ("PJ454" if store is not None else "PJ453")
    with SqliteReplayStore(tmp_path / "replay.db") as file:
        if reaches == "store reaches host":
            assert Door(text=written, replay=file).judge(*use(kind)).trusted
        else:
            with pytest.raises(PolicyError):
                Door(text=written, replay=file)


@both_kinds
@both_ways
def test_r18_a_clock_that_is_set_back_revives_nothing(kind: str, way: str) -> None:
    clock = Clock()
    at = at_the(kind, store=Counting(clock=clock, capacity=1), clock=clock)
    used = use(kind)
    assert at.judge(*used, way).trusted
    clock.now = NOW + 3600 + 2 * MAX_SKEW + MAX_DELAY + GRACE
    later = use(kind, "later", iat=clock.now, nbf=clock.now, exp=clock.now + 60)
    if kind == "proof":
        later = later[0], request(proof_for(later[0], jti="later", iat=clock.now))
    assert at.judge(*later, way).trusted, "the store has forgotten the first to make room"
    clock.now = NOW
    assert codes(at.judge(*used, way)) == ["replay.store_unavailable"]


@both_kinds
@needs_redis
def test_r21_redis_is_asked_by_one_command_and_every_key_has_an_end(kind: str, tmp_path: Path) -> None:
    import redis

    from policyjwt.replay.redis import RedisReplayStore

    with serving(tmp_path, "--appendonly", "yes") as server, RedisReplayStore(server.url) as store:
        at = Door(text=text_of(kind), replay=store)
        writes = ("set", "setnx", "setex", "expire", "pexpire", "exists", "eval", "evalsha", "fcall")
        assert at.judge(*use(kind, "warm")).trusted
        before = {name: calls(server.port, name) for name in writes}
        used = use(kind)
        assert at.judge(*used).trusted
        asked = {name: calls(server.port, name) - before[name] for name in writes}
        assert sum(asked.values()) == 1, asked
        with redis.Redis(port=server.port) as reader:
            ends = [reader.ttl(key) for key in reader.keys("*")]
        assert len(ends) >= 2
        assert all(isinstance(each, int) and each > 0 for each in ends)
        assert codes(at.judge(*used)) == ["replay.seen"]
