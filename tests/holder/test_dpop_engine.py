"""`holder dpop` through whole engines: each fault has its code and its line, and nothing refused is consumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from policyjwt import Context, PolicyError, recheck
from policyjwt.request import credentials
from tests.attacks.flow import everything_told
from tests.evidence.proofs import URI, bound, holder
from tests.holder.flow import (
    DPOP,
    WAYS,
    Door,
    assured,
    codes,
    door,
    proof_for,
    request,
    text,
    token,
    told,
    unbound,
)
from tests.issuer import NOW, policy
from tests.tokens.minting import Signer

NONCE = "holder dpop { age at most 60s  algorithms ES256  nonce required }"
NO_OBJECTS: list[Any] = [[], None, "jkt", 1, False]

both_ways = pytest.mark.parametrize("way", WAYS)


# --- every check of the table, through the engine -----------------------------------------------------------


def _private(presented: str) -> str:
    jwk = {**holder().jwk(), "d": "AQAB"}
    return proof_for(presented, header={"jwk": jwk})


def _theirs(presented: str) -> str:
    """The holder's public key, and a signature by another."""
    return proof_for(presented, by=holder(other=1), header={"jwk": holder().jwk()})


def _secret(presented: str) -> str:
    return proof_for(presented, by=Signer("HS256", b"s" * 32, kid=None), header={"jwk": holder().jwk()})


Made = Callable[[str], str]
FAULTS: dict[str, tuple[Made, str]] = {
    "D2 no token": (lambda _: "proof", "dpop_malformed"),
    "D2 empty": (lambda _: "", "dpop_malformed"),
    "D2 too long": (lambda t: proof_for(t, padding="x" * 8192), "dpop_malformed"),
    "D2 x5c": (lambda t: proof_for(t, header={"x5c": ["AA=="]}), "dpop_malformed"),
    "D2 crit": (lambda t: proof_for(t, header={"crit": ["b64"], "b64": False}), "dpop_malformed"),
    "D3 JWT": (lambda t: proof_for(t, header={"typ": "JWT"}), "dpop_typ"),
    "D3 absent": (lambda t: proof_for(t, header={"typ": ...}), "dpop_typ"),
    "D3 the token itself": (lambda t: t, "dpop_typ"),
    "D4 not in the policy": (lambda t: proof_for(t, by=holder("ES384")), "dpop_alg"),
    "D4 none": (lambda t: proof_for(t, header={"alg": "none"}), "dpop_alg"),
    "D4 a secret": (_secret, "dpop_alg"),
    "D5 absent": (lambda t: proof_for(t, header={"jwk": ...}), "dpop_jwk"),
    "D5 private": (_private, "dpop_jwk"),
    "D5 of another curve": (lambda t: proof_for(t, header={"jwk": holder("ES384").jwk()}), "dpop_jwk"),
    "D6 of another key": (_theirs, "dpop_signature"),
    "D7 jti": (lambda t: proof_for(t, jti=...), "dpop_claims"),
    "D7 jti too long": (lambda t: proof_for(t, jti="j" * 257), "dpop_claims"),
    "D7 htm": (lambda t: proof_for(t, htm=["POST"]), "dpop_claims"),
    "D7 htu": (lambda t: proof_for(t, htu=None), "dpop_claims"),
    "D7 iat": (lambda t: proof_for(t, iat=str(NOW)), "dpop_claims"),
    "D8 another method": (lambda t: proof_for(t, htm="GET"), "dpop_htm"),
    "D8 another case": (lambda t: proof_for(t, htm="post"), "dpop_htm"),
    "D9 another path": (lambda t: proof_for(t, htu="https://api.example/payments"), "dpop_htu"),
    "D9 another host": (lambda t: proof_for(t, htu="https://evil.example/pay"), "dpop_htu"),
    "D9 no URI": (lambda t: proof_for(t, htu="pay"), "dpop_htu"),
    "D10 too old": (lambda t: proof_for(t, iat=NOW - 61), "dpop_stale"),
    "D10 expired": (lambda t: proof_for(t, exp=NOW), "dpop_stale"),
    "D10 of the future": (lambda t: proof_for(t, iat=NOW + 1), "dpop_not_yet_valid"),
    "D10 not before": (lambda t: proof_for(t, nbf=NOW + 1), "dpop_not_yet_valid"),
    "D12 absent": (lambda t: proof_for(t, ath=...), "dpop_ath"),
    "D12 of another token": (lambda _: proof_for(token()), "dpop_ath"),
    "D13 of another key": (lambda t: proof_for(t, by=holder(other=1)), "mismatch"),
}


@both_ways
@pytest.mark.parametrize(("made", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_proof_has_one_finding_and_consumes_nothing(made: Made, code: str, way: str) -> None:
    at = door()
    presented = token()
    verdict = at.judge(presented, request(made(presented)), way)
    assert told(verdict) == [(f"holder.{code}", at.line("holder dpop"))]
    assert not verdict.trusted
    assert verdict.good_until is None
    assert assured(verdict).isdisjoint({"holder-of-key", "replay-protection"})
    assert "replay.not_reached" in [each.code for each in verdict.findings]
    assert at.asked == 0
    assert at.judge(presented, request(proof_for(presented)), way).trusted, "the fault has cost its holder nothing"


@pytest.mark.parametrize("made", [made for made, _ in FAULTS.values()], ids=FAULTS)
def test_a_refusal_tells_nothing_of_token_proof_and_key(made: Made) -> None:
    at = door()
    presented = token(sub="zqxj-subject")
    shown = made(presented)
    told_all = everything_told(at.judge(presented, request(shown)))
    secrets = [*presented.split("."), *shown.split("."), str(bound()["jkt"]), "zqxj-subject", URI]
    assert [each for each in secrets if len(each) > 8 and each in told_all] == []


REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "D1 none": ({"dpop": ()}, "dpop_count"),
    "D8 unknown": ({"method": None}, "dpop_htm"),
    "D9 unknown": ({"uri": None}, "dpop_htu"),
    "D9 no URI": ({"uri": "/pay"}, "dpop_htu"),
    "D15 bearer": ({"scheme": "Bearer"}, "downgrade"),
    "D15 in lower case": ({"scheme": "bearer"}, "downgrade"),
    "D15 and no proof": ({"scheme": "Bearer", "dpop": ()}, "downgrade"),
    "D15 empty": ({"scheme": ""}, "downgrade"),
}


@both_ways
@pytest.mark.parametrize(("changes", "code"), REQUESTS.values(), ids=REQUESTS)
def test_a_fault_of_the_request(changes: dict[str, Any], code: str, way: str) -> None:
    at = door()
    presented = token()
    given = request(proof_for(presented), **changes)
    assert told(at.judge(presented, given, way)) == [(f"holder.{code}", at.line("holder dpop"))]
    assert at.asked == 0


@both_ways
def test_d1_two_proofs_of_which_each_is_right(way: str) -> None:
    at = door()
    presented = token()
    given = request(proof_for(presented, jti="a"), proof_for(presented, jti="b"))
    assert told(at.judge(presented, given, way)) == [("holder.dpop_count", at.line("holder dpop"))]
    assert at.asked == 0


UNBOUND: dict[str, tuple[Any, str]] = {
    "M3 empty": ({}, "missing"),
    "M3 no text": ({"jkt": 5}, "missing"),
    "M3 empty text": ({"jkt": ""}, "missing"),
    "M6 two members": (bound() | {"x5t#S256": "x"}, "unsupported"),
    "M6 another member": ({"x5t#S256": "x"}, "unsupported"),
    "M6 only a name": ({"kid": "k1"}, "unsupported"),
    "D13 as the bytes of its text": ({"jkt": "A" * 43}, "mismatch"),
}


@both_ways
@pytest.mark.parametrize(("cnf", "code"), UNBOUND.values(), ids=UNBOUND)
def test_a_token_that_is_bound_to_nothing_or_otherwise(cnf: Any, code: str, way: str) -> None:
    at = door()
    presented = token(cnf=cnf)
    assert told(at.judge(presented, request(proof_for(presented)), way)) == [(f"holder.{code}", at.line("holder dpop"))]
    assert at.asked == 0


@both_ways
@pytest.mark.parametrize("cnf", NO_OBJECTS)
def test_a_confirmation_that_is_no_object_is_refused(cnf: Any, way: str) -> None:
    at = door()
    presented = token(cnf=cnf)
    verdict = at.judge(presented, request(proof_for(presented)), way)
    assert ("holder.missing", at.line("holder dpop")) in told(verdict)
    assert {code.partition(".")[0] for code in codes(verdict)} == {"holder"}
    assert at.asked == 0


@both_ways
def test_m3_an_unbound_token_is_refused_with_and_without_a_proof(way: str) -> None:
    at = door()
    presented = unbound()
    for given in (request(), request(proof_for(presented)), request(scheme="Bearer"), Context()):
        assert told(at.judge(presented, given, way)) == [("holder.missing", at.line("holder dpop"))]
    assert at.asked == 0


# --- the right proof ----------------------------------------------------------------------------------------


@both_ways
def test_a_right_proof_is_trusted_once_and_assures_the_holder(way: str) -> None:
    at = door()
    presented = token()
    verdict = at.judge(presented, request(proof_for(presented)), way)
    assert verdict.trusted
    assert verdict.claims == {"sub": "s"}
    assert {"holder-of-key", "replay-protection"} <= assured(verdict)
    (met,) = (each for each in verdict.findings if each.code == "holder.met")
    assert met.location is not None
    assert (met.location.line, met.requirement) == (at.line("holder dpop"), DPOP.replace("  ", " "))
    assert at.asked == 1


@pytest.mark.parametrize(
    ("skew", "changes", "until"),
    [
        (0, {}, 60),
        (0, {"iat": NOW - 30}, 30),
        (0, {"iat": NOW - 59}, 1),
        (0, {"exp": NOW + 10}, 10),
        (0, {"exp": NOW + 600}, 60),
        (30, {"iat": NOW - 30}, 60),
        (30, {"iat": NOW + 30}, 120),
        (30, {"iat": NOW, "exp": NOW + 5}, 35),
    ],
)
def test_the_verdict_ends_with_the_proof(skew: int, changes: dict[str, Any], until: int) -> None:
    at = door(freshness=f"freshness {{ lifetime at most 1h  skew at most {skew}s }}")
    presented = token(exp=NOW + 600)
    verdict = at.judge(presented, request(proof_for(presented, **changes)))
    assert verdict.trusted
    assert verdict.good_until == NOW + until


def test_the_verdict_ends_with_the_token_where_that_is_earlier() -> None:
    presented = token(exp=NOW + 20)
    assert door().judge(presented, request(proof_for(presented))).good_until == NOW + 20


@pytest.mark.parametrize(
    ("skew", "iat", "code"),
    [
        (0, NOW - 60, None),
        (0, NOW - 60.5, "holder.dpop_stale"),
        (0, NOW, None),
        (0, NOW + 0.5, "holder.dpop_not_yet_valid"),
        (30, NOW - 90, None),
        (30, NOW - 91, "holder.dpop_stale"),
        (30, NOW + 30, None),
        (30, NOW + 31, "holder.dpop_not_yet_valid"),
    ],
)
def test_the_policys_age_and_skew_are_the_proofs(skew: int, iat: float, code: str | None) -> None:
    at = door(freshness=f"freshness {{ lifetime at most 1h  skew at most {skew}s }}")
    presented = token()
    verdict = at.judge(presented, request(proof_for(presented, iat=iat)))
    assert codes(verdict) == ([] if code is None else [code])
    assert verdict.trusted is (code is None)


def test_without_a_block_a_proof_lives_for_a_minute_with_any_sound_algorithm() -> None:
    at = door("holder dpop")
    for alg in ("ES256", "ES384", "PS256", "Ed25519"):
        by = holder(alg)
        presented = token(cnf=bound(by))
        assert at.judge(presented, request(proof_for(presented, by=by, jti=alg))).trusted
    presented = token()
    assert codes(at.judge(presented, request(proof_for(presented, iat=NOW - 61)))) == ["holder.dpop_stale"]
    assert codes(at.judge(presented, request(_secret(presented)))) == ["holder.dpop_alg"]


@pytest.mark.parametrize(
    "uri", [URI, "HTTPS://API.EXAMPLE:443/pay", f"{URI}?amount=1#top", "https://api.example/%70ay"]
)
def test_one_uri_has_many_spellings(uri: str) -> None:
    presented = token()
    assert door().judge(presented, request(proof_for(presented), uri=uri)).trusted


# --- tokens that are bound where nobody asks ----------------------------------------------------------------


@both_ways
@pytest.mark.parametrize(
    ("cnf", "code"),
    [
        (bound(), "unsupported"),
        ({}, "unsupported"),
        ({"jkt": "a", "x5t#S256": "b"}, "unsupported"),
        ({"unknown": 1}, "unsupported"),
        ([], "malformed"),
        (None, "malformed"),
        ("x", "malformed"),
    ],
)
def test_a_bound_token_is_no_bearer_token(cnf: Any, code: str, way: str) -> None:
    at = door("", replay="replay { nonce jti }")
    presented = token(cnf=cnf)
    for given in (request(proof_for(presented)), Context(scheme="Bearer"), Context()):
        assert codes(at.judge(presented, given, way)) == [f"holder.{code}"]
    assert at.asked == 0


@both_ways
def test_but_for_a_policy_that_waives_its_holder(way: str) -> None:
    at = door('waive holder because "a test"', replay="replay { nonce jti }")
    for cnf in (bound(), {}, {"jkt": "a", "x5t#S256": "b"}):
        verdict = at.judge(token(cnf=cnf), Context(scheme="Bearer"), way)
        assert verdict.trusted
        assert "holder.waived" in [each.code for each in verdict.findings]
        assert "holder-of-key" not in assured(verdict)
    for malformed in NO_OBJECTS:
        assert codes(at.judge(token(cnf=malformed), Context(), way)) == ["holder.malformed"]
    assert at.asked == 3


# --- credentials --------------------------------------------------------------------------------------------


def test_the_credentials_of_a_request_are_its_token_and_its_proof() -> None:
    at = door()
    presented = token()
    found = credentials({"Authorization": f"DPoP {presented}", "DPoP": proof_for(presented)})
    assert at.judge(found.token, found.context(method="POST", uri=URI)).trusted


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_d15_credentials_under_another_scheme(scheme: str) -> None:
    at = door()
    presented = token()
    found = credentials({"Authorization": f"{scheme} {presented}", "DPoP": proof_for(presented)})
    assert codes(at.judge(found.token, found.context(method="POST", uri=URI))) == ["holder.downgrade"]
    assert at.asked == 0


# --- records and loading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("holder_line", [DPOP, NONCE])
def test_a_record_comes_to_the_same(holder_line: str) -> None:
    at = door(holder_line)
    presented = token()
    right = request(proof_for(presented, nonce="n1"), nonce="n1", headers=[("DPoP", "p")])
    wrong = [made for made, _ in FAULTS.values()]
    verdicts = [at.judge(presented, right), at.judge(presented, right)]
    verdicts += [at.judge(presented, request(made(presented), nonce="n1")) for made in wrong]
    verdicts += [at.judge(presented, request(proof_for(presented), **changes)) for changes, _ in REQUESTS.values()]
    assert [codes(each) for each in verdicts[:2]] == [[], ["replay.seen"]]
    for each in verdicts:
        again = recheck(json.loads(json.dumps(each.record())))
        assert again.differences == ()
        assert again.inspection.would_trust is each.trusted


LOADING = {
    "proof once without holder": (policy(replay="replay { proof once }"), "PJ323"),
    "proof once with mtls": (text("holder mtls"), "PJ323"),
    "a nonce and proof once": (text(replay="replay { nonce jti  proof once }"), "PJ333"),
    "by holder with dpop": (text(replay="replay { by holder }"), "PJ323"),
    "a proof that lives too long": (text("holder dpop { age at most 61m }"), None),
}


@pytest.mark.parametrize(("written", "code"), LOADING.values(), ids=LOADING)
def test_a_policy_that_holds_nobody_does_not_load(written: str, code: str | None) -> None:
    with pytest.raises(PolicyError) as caught:
        Door(text=written)
    found = [each.code for each in caught.value.diagnostics if each.stops_loading]
    assert found if code is None else code in found
