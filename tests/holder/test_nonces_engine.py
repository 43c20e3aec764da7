"""Nonces of the service through whole engines: of proofs (`nonce required`) and of ID tokens (OpenID Connect)."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt import Context, Engine, PolicyError
from policyjwt.nonces import RollingNonces
from tests.holder.flow import (
    ISSUER,
    WAYS,
    Counting,
    codes,
    door,
    proof_for,
    request,
    text,
    token,
    told,
    unbound,
)
from tests.issuer import NOW, URL, policy

NONCE = "holder dpop { age at most 60s  algorithms ES256  nonce required }"
both_ways = pytest.mark.parametrize("way", WAYS)


@both_ways
@pytest.mark.parametrize(
    ("ours", "theirs"), [("n1", ...), ("n1", "n2"), ("n1", "N1"), ("n1", "n1 "), (None, "n1"), (None, ...), ("", "n1")]
)
def test_d11_a_proof_without_the_services_nonce(ours: str | None, theirs: Any, way: str) -> None:
    at = door(NONCE)
    presented = token()
    given = request(proof_for(presented, nonce=theirs), nonce=ours)
    assert told(at.judge(presented, given, way)) == [("holder.dpop_nonce", at.line("holder dpop"))]
    assert at.asked == 0


@both_ways
def test_a_proof_with_the_services_nonce(way: str) -> None:
    at = door(NONCE)
    presented = token()
    assert at.judge(presented, request(proof_for(presented, nonce="n1"), nonce="n1"), way).trusted


def test_a_nonce_that_nobody_demands_is_not_compared() -> None:
    """The request's nonce may be there for a claim of the token."""
    presented = token()
    assert door().judge(presented, request(proof_for(presented), nonce="n1")).trusted


SECRET = bytes(range(32))


@pytest.mark.parametrize(
    ("periods", "code"), [(0, None), (1, None), (2, "holder.dpop_nonce"), (-1, "holder.dpop_nonce")]
)
def test_d11_rolling_nonces_are_good_for_two_periods(periods: int, code: str | None) -> None:
    """The service knows its nonce again, on whatever node."""
    issued = RollingNonces(SECRET, period=300, clock=lambda: float(NOW - periods * 300)).issue()
    node = RollingNonces(SECRET, period=300, clock=lambda: float(NOW))
    at = door(NONCE)
    presented = token()
    made = proof_for(presented, nonce=issued)
    given = request(made, nonce=node.expected([made]))
    verdict = at.judge(presented, given)
    assert codes(verdict) == ([] if code is None else [code])
    assert verdict.trusted is (code is None)


def test_d11_a_client_that_has_no_nonce_yet_is_given_one() -> None:
    """And comes again with it, once: one proof is one use, though the nonce is good for a while."""
    at, node = door(NONCE), RollingNonces(SECRET, period=300, clock=lambda: float(NOW))
    presented = token()
    for proofs in ((), (proof_for(presented),), ("no proof",), (proof_for(presented, nonce="n1"),)):
        refused = at.judge(presented, request(*proofs, nonce=node.expected(proofs)))
        assert codes(refused)[0].startswith("holder.dpop_")
        assert not refused.trusted
    assert at.asked == 0
    fresh = node.issue()
    for jti in ("a", "b"):
        made = proof_for(presented, nonce=fresh, jti=jti)
        assert at.judge(presented, request(made, nonce=node.expected([made]))).trusted
        assert codes(at.judge(presented, request(made, nonce=node.expected([made])))) == ["replay.seen"]


def test_d11_a_rolling_nonce_of_another_secret() -> None:
    issued = RollingNonces(bytes(range(1, 33)), clock=lambda: float(NOW)).issue()
    node = RollingNonces(SECRET, clock=lambda: float(NOW))
    presented = token()
    made = proof_for(presented, nonce=issued)
    given = request(made, nonce=node.expected([made]))
    assert codes(door(NONCE).judge(presented, given)) == ["holder.dpop_nonce"]


OPENID = "replay { nonce nonce equals context.nonce }"


@both_ways
@pytest.mark.parametrize(
    ("claim", "ours", "code"),
    [
        ("n1", "n1", None),
        ("n1", "n2", "replay.nonce_mismatch"),
        ("n1", None, "replay.nonce_mismatch"),
        (..., "n1", "replay.nonce_missing"),
        (None, "n1", "replay.nonce_invalid"),
        ("", "", "replay.nonce_invalid"),
        (["n1"], "n1", "replay.nonce_invalid"),
    ],
)
def test_the_nonce_of_an_id_token(claim: Any, ours: str | None, code: str | None, way: str) -> None:
    at = door("", replay=OPENID)
    presented = unbound(nonce=claim)
    verdict = at.judge(presented, Context(nonce=ours), way)
    assert told(verdict) == ([] if code is None else [(code, at.line("replay"))])
    assert at.asked == (1 if code is None else 0)
    assert codes(at.judge(presented, Context(nonce=ours), way)) == ["replay.seen" if code is None else code]


@pytest.mark.parametrize(("periods", "code"), [(0, None), (1, None), (2, "replay.nonce_mismatch")])
def test_the_rolling_nonce_of_an_id_token(periods: int, code: str | None) -> None:
    issued = RollingNonces(SECRET, period=300, clock=lambda: float(NOW - periods * 300)).issue("session 1")
    node = RollingNonces(SECRET, period=300, clock=lambda: float(NOW))
    assert node.accepts(issued, "session 2") is False
    at = door("", replay=OPENID)
    known = issued if node.accepts(issued, "session 1") else None
    verdict = at.judge(unbound(nonce=issued), Context(nonce=known))
    assert codes(verdict) == ([] if code is None else [code])
    assert verdict.trusted is (code is None)


@pytest.mark.parametrize(
    "reader",
    ["replay { nonce nonce equals context.nonce }", "require n == context.nonce"],
)
def test_one_nonce_for_the_proofs_of_one_policy_and_the_tokens_of_another(reader: str) -> None:
    """A service hands one over before it knows which policy judges: whoever got one for a proof could pass it off."""
    own = {"replay": reader} if reader.startswith("replay") else {"rest": f"provides sub is string\n  {reader}"}
    other = policy(name="q", type='type "other+jwt"', **own).split("\n", 1)[1]
    both = text("holder dpop { nonce required }") + other
    keys = {f"url:{URL}": ISSUER.keys()}
    with pytest.raises(PolicyError) as refused:
        Engine.from_text(both, keys=keys, replay=Counting())
    assert {found.code for found in refused.value.diagnostics} == {"PJ460"}
    with Engine.from_text(text("holder dpop") + other, keys=keys, replay=Counting()) as engine:
        assert engine.status()["policies"] == ["p", "q"]
