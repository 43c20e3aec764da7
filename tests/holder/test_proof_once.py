"""`replay { proof once }` through whole engines: what is consumed, for how long, and what consumes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt.replay import InspectOnly
from policyjwt.replay.protocol import MAX_DELAY, MAX_PROOF_AGE, MAX_SKEW
from policyjwt.tokens import verify
from tests.evidence.proofs import bound, holder
from tests.holder.flow import (
    ISSUER,
    WAYS,
    Clock,
    assured,
    codes,
    door,
    proof_for,
    request,
    token,
    told,
)
from tests.issuer import NOW

both_ways = pytest.mark.parametrize("way", WAYS)


@both_ways
def test_a_proof_is_accepted_once_and_the_token_with_each_new_proof(way: str) -> None:
    at = door()
    presented = token()
    first, second = (request(proof_for(presented, jti=jti)) for jti in ("a", "b"))
    assert at.judge(presented, first, way).trusted
    again = at.judge(presented, first, way)
    assert told(again) == [("replay.seen", at.line("replay"))]
    assert not again.trusted
    assert "holder-of-key" in assured(again)
    assert "replay-protection" not in assured(again)
    assert at.judge(presented, second, way).trusted
    assert codes(at.judge(presented, second, way)) == ["replay.seen"]
    assert at.asked == 4


def test_a_jti_is_one_whatever_else_the_proof_says() -> None:
    """The same `jti` of the same key, signed again, for another token and another URI."""
    at = door()
    one, other = token(), token(jti="other")
    assert at.judge(one, request(proof_for(one, jti="a"))).trusted
    assert codes(at.judge(one, request(proof_for(one, jti="a", iat=NOW - 1)))) == ["replay.seen"]
    assert codes(at.judge(other, request(proof_for(other, jti="a")))) == ["replay.seen"]
    elsewhere = "https://api.example/refund"
    given = request(proof_for(one, jti="a", htu=elsewhere, htm="PUT"), uri=elsewhere, method="PUT")
    assert codes(at.judge(one, given)) == ["replay.seen"]


def test_no_client_spends_anothers_jti() -> None:
    at = door()
    theirs = token(cnf=bound(holder(other=1)))
    assert at.judge(theirs, request(proof_for(theirs, by=holder(other=1), jti="a"))).trusted
    mine = token()
    assert at.judge(mine, request(proof_for(mine, jti="a"))).trusted
    assert len({key for key, _ in at.store.asked}) == 2


@both_ways
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "other"}, "audience.mismatch"),
        ({"exp": NOW}, "freshness.expired"),
        ({"sub": 5}, "claim.provides-sub"),
        ({"tenant": "evil"}, "claim.tenant"),
    ],
)
def test_a_proof_of_a_token_that_is_refused_by_another_line_is_not_spent(
    changes: dict[str, Any], code: str, way: str
) -> None:
    at = door(rules=['require tenant == "acme"'])
    refused = token(**({"tenant": "acme"} | changes))
    assert codes(at.judge(refused, request(proof_for(refused, jti="a")), way)) == [code]
    assert at.asked == 0
    good = token(tenant="acme")
    assert at.judge(good, request(proof_for(good, jti="a")), way).trusted


@pytest.mark.parametrize("iat", [NOW, NOW - 30, NOW - 60, NOW - 0.5])
def test_a_proof_is_held_for_as_long_as_any_policy_could_accept_it(iat: float) -> None:
    at = door()
    presented = token()
    assert at.judge(presented, request(proof_for(presented, iat=iat))).trusted
    ((_, ttl),) = at.store.asked
    left = iat + MAX_PROOF_AGE + MAX_SKEW + MAX_DELAY - NOW
    assert ttl == -(-left // 1)


def test_the_proofs_own_end_does_not_shorten_that() -> None:
    at = door()
    presented = token()
    assert at.judge(presented, request(proof_for(presented, exp=NOW + 1))).trusted
    assert [ttl for _, ttl in at.store.asked] == [MAX_PROOF_AGE + MAX_SKEW + MAX_DELAY]


@pytest.mark.parametrize(
    ("passed", "code"), [(60, "replay.seen"), (61, "holder.dpop_stale"), (4000, "holder.dpop_stale")]
)
def test_there_is_no_moment_at_which_a_proof_is_fresh_and_forgotten(passed: int, code: str) -> None:
    clock = Clock()
    at = door(clock=clock)
    presented = token(exp=NOW + 3500)
    given = request(proof_for(presented))
    assert at.judge(presented, given).trusted
    clock.now = NOW + passed
    found = codes(at.judge(presented, given))
    assert code in found
    assert set(found) <= {code, "freshness.expired"}


def test_the_widest_policy_still_finds_a_proof_that_the_narrowest_had_consumed() -> None:
    """A reload may make a policy wider: what was consumed before is remembered to its last instant."""
    clock = Clock()
    narrow = door(clock=clock)
    wide = door(
        "holder dpop { age at most 1h  algorithms ES256 }",
        freshness="freshness { lifetime at most 2h  skew at most 5m }",
        clock=clock,
        store=narrow.store,
    )
    early, late = token(), token(exp=NOW + 7000, iat=NOW)
    assert narrow.judge(early, request(proof_for(early))).trusted
    clock.now = NOW + MAX_PROOF_AGE + MAX_SKEW
    assert codes(wide.judge(late, request(proof_for(late)))) == ["replay.seen"]


def test_inspect_consumes_nothing() -> None:
    at = door()
    presented = token()
    given = request(proof_for(presented))
    for _ in range(3):
        found = at.engine.inspect(presented, given)
        assert found.would_trust
        assert codes(found) == []
    assert at.asked == 0
    assert at.judge(presented, given).trusted
    assert not at.engine.inspect(presented, request()).would_trust
    assert at.asked == 1


@both_ways
def test_an_engine_that_only_inspects_trusts_nothing_that_is_consumed(way: str) -> None:
    at = door(store=InspectOnly())
    presented = token()
    given = request(proof_for(presented))
    assert at.engine.inspect(presented, given).would_trust
    verdict = at.judge(presented, given, way)
    assert told(verdict) == [("replay.not_configured", at.line("replay"))]
    assert not verdict.trusted


def test_another_librarys_word_is_no_proof() -> None:
    at = door()
    presented = token()
    verified = verify(presented, ISSUER.keys(), {"ES256"})
    verdict = at.engine.validate(verified, request(proof_for(presented)))
    assert codes(verdict) == ["policy.needs_evaluate"]
    assert at.asked == 0


@both_ways
def test_a_promise_of_replay_protection_is_kept_by_the_first_use_alone(way: str) -> None:
    at = door(rules=["assures integrity, replay-protection, holder-of-key"])
    presented = token()
    given = request(proof_for(presented))

    def promises(found: Any) -> list[str]:
        return [each.code for each in found.findings if each.code.startswith("assurance.")]

    waits = ["assurance.met", "assurance.not_reached", "assurance.met"]
    assert promises(at.engine.inspect(presented, given)) == waits
    assert promises(at.judge(presented, given, way)) == ["assurance.met"] * 3
    assert promises(at.judge(presented, given, way)) == waits
    assert promises(at.judge(presented, request(), way)) == ["assurance.not_reached"] * 3
