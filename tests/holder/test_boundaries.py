"""The last instant of a use, faults of the policy itself, and one finding for one fault, called by its name."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt import Context
from policyjwt.checker.check import check
from policyjwt.language.load import load_text
from tests.holder.flow import Clock, Counting, codes, door, proof_for, request, text, token, told, unbound
from tests.issuer import NOW, URL

WIDE = "freshness { lifetime at most 2h  skew at most 5m }"


def test_a_full_memory_forgets_a_proof_that_is_accepted_at_its_last_instant() -> None:
    clock = Clock()
    at = door(
        "holder dpop { age at most 1h  algorithms ES256 }",
        freshness=WIDE,
        clock=clock,
        store=Counting(capacity=2, clock=clock),
    )
    presented = token(exp=NOW + 7000, iat=NOW)
    first, other = (request(proof_for(presented, jti=jti)) for jti in "ax")
    assert at.judge(presented, first).trusted
    assert at.judge(presented, other).trusted
    clock.now = NOW + 3900
    at.judge(presented, request(proof_for(presented, jti="b", iat=NOW + 3900)))
    assert not at.judge(presented, first).trusted


def test_a_full_memory_and_a_token_without_exp() -> None:
    clock = Clock()
    at = door(
        "",
        replay="replay { nonce jti }",
        freshness="freshness { age at most 24h  skew at most 5m }",
        keys=f'keys jwks url "{URL}" {{ stale at most 3d }}',
        revocation="revocation { by key removal within 4d }",
        clock=clock,
        store=Counting(capacity=2, clock=clock),
    )
    first, other = (unbound(jti=jti, iat=NOW, nbf=..., exp=...) for jti in "ax")
    assert at.judge(first, Context()).trusted
    assert at.judge(other, Context()).trusted
    clock.now = NOW + 86_700
    at.judge(unbound(jti="b", iat=NOW + 86_700, nbf=..., exp=...), Context())
    assert not at.judge(first, Context()).trusted


def test_the_store_reads_its_clock_after_the_engine_has_judged() -> None:
    class Ticking(Clock):
        step = 0.0

        def __call__(self) -> float:
            self.now += self.step
            return self.now

    clock = Ticking()
    at = door(
        "",
        replay="replay { nonce jti }",
        freshness="freshness { lifetime at most 1h  skew at most 5m }",
        clock=clock,
        store=Counting(capacity=2, clock=clock),
    )
    first, other = (unbound(jti=jti, iat=NOW, nbf=NOW, exp=NOW + 60) for jti in "ax")
    assert at.judge(first, Context()).trusted
    assert at.judge(other, Context()).trusted
    clock.step = 0.001
    for presented in (unbound(jti="b", iat=NOW + 350, nbf=NOW + 350, exp=NOW + 420), first):
        clock.now = NOW + 359.9985  # judged at 359.9995, asked at 360.0005
        last = at.judge(presented, Context())
    assert not last.trusted


@pytest.mark.parametrize("holder", ["algorithms HS256", "algorithms ES256, HS256", "age at most 0s"])
def test_the_checker_finds_what_no_proof_could_be_judged_by(holder: str) -> None:
    written = text(f"holder dpop {{ {holder} }}")
    assert [each for each in check(load_text(written, "t", None), now=float(NOW)).diagnostics if each.stops_loading]


@pytest.mark.parametrize("cnf", [[], None, "x"])
def test_one_fault_one_finding(cnf: Any) -> None:
    at = door()
    presented = token(cnf=cnf)
    assert told(at.judge(presented, request(proof_for(presented)))) == [("holder.missing", at.line("holder dpop"))]


def test_a_proof_is_called_a_proof() -> None:
    at = door()
    presented = token()
    given = request(proof_for(presented))
    for verdict in (at.judge(presented, given), at.judge(presented, given), at.judge(presented, request())):
        (line,) = (each for each in verdict.findings if each.code.startswith("replay."))
        assert "proof" in line.actual
        assert "nonce" not in line.actual
        assert line.expected == "each proof is accepted once"
    assert codes(verdict) == ["holder.dpop_count"]


class Exact:
    """A store of somebody else's: it holds a key for exactly as long as it is asked to."""

    reach, word = "nodes", None

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ends: dict[bytes, float] = {}

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        now = self.clock()
        if self.ends.get(key, -1.0) > now:
            return False
        self.ends[key] = now + ttl
        return True

    def first(self, key: bytes) -> bytes | None:
        return None


@pytest.mark.parametrize("late", [0.0, 0.05, 59.0])
def test_a_store_that_holds_exactly_and_asks_its_clock_late(late: float) -> None:
    clock, behind = Clock(), Clock()
    at = door("holder dpop { age at most 1h  algorithms ES256 }", freshness=WIDE, clock=clock, store=Exact(behind))
    presented = token(exp=NOW + 7000, iat=NOW)
    given = request(proof_for(presented))
    assert at.judge(presented, given).trusted
    clock.now, behind.now = NOW + 3900, NOW + 3900 + late
    assert codes(at.judge(presented, given)) == ["replay.seen"]
