"""Attacks on replay and on the holder of the key, rows of the catalogue: each through whole engines.

Most are tried on both things that are consumed: the token's nonce (`nonce jti`) and the holder's proof (`proof once`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from policyjwt import Context, recheck
from policyjwt.request import PresentedTwice, credentials
from policyjwt.tokens import base64url
from tests.evidence.proofs import URI, bound, holder
from tests.holder.flow import (
    ISSUER,
    KINDS,
    WAYS,
    Clock,
    Counting,
    at_the,
    certified,
    client,
    codes,
    door,
    mtls_door,
    proof_for,
    request,
    token,
    told,
    unbound,
    use,
)
from tests.issuer import Issuer, b64, claims
from tests.shared import vectors

HANG = 120
"""Seconds after which something hangs."""

ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

both_ways = pytest.mark.parametrize("way", WAYS)
both_kinds = pytest.mark.parametrize("kind", KINDS)


# --- what counts as the same --------------------------------------------------------------------------------


@both_kinds
@both_ways
def test_r01_plain_replay(kind: str, way: str) -> None:
    at = at_the(kind)
    used = use(kind)
    assert at.judge(*used, way).trusted
    again = at.judge(*used, way)
    assert told(again) == [("replay.seen", at.line("replay"))]
    assert not again.trusted
    with pytest.raises(Exception, match="not trusted"):
        _ = again.claims


@pytest.mark.parametrize("rounds", [50, pytest.param(1_000, marks=pytest.mark.long)])
def test_r02_one_proof_64_times_at_once(rounds: int) -> None:
    at = at_the("proof", store=Counting(capacity=2_000))
    presented = token()
    with ThreadPoolExecutor(64) as pool:
        for number in range(rounds):
            start, given = Barrier(64), request(proof_for(presented, jti=str(number)))

            def judged(start: Barrier = start, given: Context = given) -> str:
                start.wait(HANG)
                return " ".join(codes(at.judge(presented, given)))

            found = [each.result(HANG) for each in [pool.submit(judged) for _ in range(64)]]
            assert sorted(found) == ["", *["replay.seen"] * 63]
    assert at.asked == 64 * rounds


def twin(presented: str) -> str:
    """The other signature of the same bytes: (r, n - s) for (r, s)."""
    signed, _, signature = presented.rpartition(".")
    raw = base64url.decode(signature)
    s = ORDER_OF_P256 - int.from_bytes(raw[32:], "big")
    return f"{signed}.{b64(raw[:32] + s.to_bytes(32, 'big'))}"


@both_ways
def test_r03_the_twin_of_a_signature_is_the_same_token(way: str) -> None:
    at = at_the("nonce")
    presented = unbound(jti="j1")
    assert at.judge(presented, Context(), way).trusted
    assert twin(presented) != presented
    assert codes(at.judge(twin(presented), Context(), way)) == ["replay.seen"]
    spaced = ISSUER.token(claims(jti="j1"), raw_header='{ "alg" : "ES256", "kid" : "k1", "typ" : "JWT" }')
    assert codes(at.judge(spaced, Context(), way)) == ["replay.seen"]


@both_ways
def test_r03_the_twin_of_a_proof_is_the_same_proof(way: str) -> None:
    at = at_the("proof")
    presented = token()
    made = proof_for(presented)
    assert at.judge(presented, request(made), way).trusted
    assert codes(at.judge(presented, request(twin(made)), way)) == ["replay.seen"]
    # Whoever has the token has its twin, but no proof for it: `ath` is over the bytes.
    assert codes(at.judge(twin(presented), request(made), way)) == ["holder.dpop_ath"]
    assert codes(at.judge(twin(presented), request(proof_for(twin(presented))), way)) == ["replay.seen"]


@both_ways
@pytest.mark.parametrize(
    "spoilt",
    [
        lambda whole: whole + "=",
        lambda whole: whole + "==",
        lambda whole: whole + "\n",
        lambda whole: " " + whole,
        lambda whole: whole.replace(".", " .", 1),
        lambda whole: whole[:-1] + chr(ord(whole[-1]) + 1),  # other bits behind the last byte
        lambda whole: whole + ".",
    ],
)
def test_r03_other_spellings_of_base64_are_no_tokens_and_no_proofs(spoilt: Callable[[str], str], way: str) -> None:
    at = at_the("proof")
    presented = token()
    made = proof_for(presented)
    assert not at.judge(spoilt(presented), request(made), way).trusted
    assert codes(at.judge(presented, request(spoilt(made)), way)) == ["holder.dpop_malformed"]
    assert at.asked == 0
    assert at.judge(presented, request(made), way).trusted


@both_ways
@pytest.mark.parametrize("jti", [None, "", 5, ["j"], True, {}, "j" * 257])
def test_r04_an_identity_that_is_none(jti: Any, way: str) -> None:
    at = at_the("proof")
    presented = token()
    assert codes(at.judge(presented, request(proof_for(presented, jti=jti)), way)) == ["holder.dpop_claims"]
    at_nonce = at_the("nonce")
    assert codes(at_nonce.judge(unbound(jti=jti), Context(), way)) == ["replay.nonce_invalid"]
    assert (at.asked, at_nonce.asked) == (0, 0)


SIMILAR = ["j1", "J1", "j1 ", " j1", "j1\n", "j1\0", "é", "e\u0301", "j１", "j1\u200b"]


@both_kinds
def test_r06_similar_identities_are_not_one(kind: str) -> None:
    at = at_the(kind)
    uses = [use(kind, each) for each in SIMILAR]
    assert [codes(at.judge(*each)) for each in uses] == [[]] * len(SIMILAR)
    assert [codes(at.judge(*each)) for each in uses] == [["replay.seen"]] * len(SIMILAR)


TWO = 'issuer "a", "a{}b" same party because "a test"'


@pytest.mark.parametrize("separator", [":", "/", ",", "|", " ", "1:", "-", "."])
def test_r08_no_separator_joins_two_issuers(separator: str) -> None:
    at = at_the("nonce", issuer=TWO.format(separator))
    one = unbound(iss="a", jti=f"b{separator}c")
    other = unbound(iss=f"a{separator}b", jti="c")
    assert [codes(at.judge(each, Context())) for each in (one, other)] == [[], []]
    assert [codes(at.judge(each, Context())) for each in (one, other)] == [["replay.seen"]] * 2


@pytest.mark.parametrize("separator", [":", "/", "1:", ""])
def test_r08_no_separator_joins_a_key_and_a_jti(separator: str) -> None:
    """A proof is its holder's: whatever `jti` another puts together, it is under the other's thumbprint."""
    at = at_the("proof")
    mine, theirs = holder(), holder(other=1)
    for by, jti in ((theirs, f"{bound(mine)['jkt']}{separator}j1"), (theirs, "j1"), (mine, "j1")):
        presented = token(cnf=bound(by))
        assert at.judge(presented, request(proof_for(presented, by=by, jti=jti))).trusted


def test_r09_one_jti_of_two_issuers() -> None:
    at = at_the("nonce", issuer=TWO.format(":"))
    for issuer in ("a", "a:b"):
        assert at.judge(unbound(iss=issuer, jti="j1"), Context()).trusted
    for issuer in ("a", "a:b"):
        assert codes(at.judge(unbound(iss=issuer, jti="j1"), Context())) == ["replay.seen"]


@both_kinds
@pytest.mark.parametrize("many", [500, pytest.param(50_000, marks=pytest.mark.long)])
def test_r10_no_two_identities_meet(kind: str, many: int) -> None:
    at = at_the(kind, store=Counting(capacity=100_000))
    presented = token()
    for number in range(many):
        if kind == "proof":
            used = presented, request(proof_for(presented, jti=f"{number}"))
        else:
            used = unbound(jti=f"{number}"), Context()
        assert at.judge(*used).trusted
    keys = {key for key, _ in at.store.asked}
    assert len(keys) == many
    assert {len(key) for key in keys} == {32}


# --- who may spend ------------------------------------------------------------------------------------------

FORGER = Issuer()


@both_ways
def test_r15_a_forged_token_spends_nothing(way: str) -> None:
    at = at_the("nonce")
    victim = unbound(jti="j1")
    forged = FORGER.token(claims(jti="j1"))
    head, _, signature = victim.split(".")
    others = [forged, victim[:-4] + "AAAA", f"{head}.{b64(json.dumps(claims(jti='j1', sub='x')).encode())}.{signature}"]
    for each in others:
        assert codes(at.judge(each, Context(), way)) == ["signature.invalid"]
    assert at.asked == 0
    assert at.judge(victim, Context(), way).trusted


@both_ways
def test_r15_a_forged_proof_spends_nothing(way: str) -> None:
    """What a thief of the token and of a proof's `jti` can make: proofs of his own key, and of nobody's."""
    at = at_the("proof")
    victim, thief = token(), holder(other=1)
    attempts = [
        (victim, proof_for(victim, by=thief), ["holder.mismatch"]),
        (victim, proof_for(victim, by=thief, header={"jwk": holder().jwk()}), ["holder.dpop_signature"]),
        (FORGER.token(claims(cnf=bound(thief))), "", ["signature.invalid"]),
        (FORGER.token(claims(cnf=bound())), proof_for(victim), ["signature.invalid"]),
        (victim, proof_for(victim)[:-4] + "AAAA", ["holder.dpop_signature"]),
        (token(cnf=bound(thief)), proof_for(victim), ["holder.mismatch"]),
    ]
    for presented, made, code in attempts:
        assert codes(at.judge(presented, request(made), way)) == code
    assert at.asked == 0
    assert at.judge(victim, request(proof_for(victim)), way).trusted


@both_kinds
@both_ways
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"role": "user"}, "claim.role"), ({"aud": "web"}, "audience.mismatch"), ({"typ": "x"}, "type.mismatch")],
)
def test_r16_a_refused_token_spends_nothing(kind: str, way: str, changes: dict[str, Any], code: str) -> None:
    """The policy is mended, over the same store: the token is then trusted, once."""
    header = {"typ": changes["typ"]} if "typ" in changes else {}
    changes = {name: value for name, value in changes.items() if name != "typ"}
    store = Counting()
    strict = at_the(kind, store=store, rules=['require role == "admin" as role'])
    mended = at_the(
        kind,
        store=store,
        audience='audience "api", "web"',
        type='waive type because "a test"',
        rules=["require role is string as role"],
    )
    claimed = {"role": "admin"} | changes
    if kind == "nonce":
        used = ISSUER.token(claims(jti="j1", **claimed), header), Context()
    else:
        presented = token(header=header, **claimed)
        used = presented, request(proof_for(presented))
    assert codes(strict.judge(*used, way)) == [code]
    assert store.asked == []
    assert mended.judge(*used, way).trusted
    assert codes(mended.judge(*used, way)) == ["replay.seen"]


# --- looking without touching -------------------------------------------------------------------------------


@both_kinds
@both_ways
def test_r22_looking_spends_nothing(kind: str, way: str) -> None:
    at = at_the(kind)
    used = use(kind)
    seen = at.engine.inspect(*used)
    assert seen.would_trust
    assert at.asked == 0
    verdict = at.judge(*used, way)
    assert verdict.trusted
    record = json.loads(json.dumps(verdict.record()))
    texts = {verdict.explain(everything=True, values=True), str(verdict), json.dumps(verdict.to_dict())}
    assert len(texts) == 3
    assert recheck(record).same
    assert at.engine.inspect(*used).would_trust, "an inspection asks no store"
    assert at.asked == 1


@both_kinds
def test_r23_two_tokens_and_two_proofs_of_other_identities(kind: str) -> None:
    at = at_the(kind)
    assert [at.judge(*use(kind, each)).trusted for each in ("a", "b")] == [True, True]


# --- the holder, and credentials that come twice ------------------------------------------------------------


@both_ways
def test_c24_the_proof_is_absent_or_anothers(way: str) -> None:
    at = at_the("proof")
    presented = token()
    assert codes(at.judge(presented, request(), way)) == ["holder.dpop_count"]
    theirs = proof_for(presented, by=holder(other=1))
    assert codes(at.judge(presented, request(theirs), way)) == ["holder.mismatch"]
    for cnf, code in (({}, "missing"), (bound() | {"jwk": holder().jwk()}, "unsupported")):
        spoilt = token(cnf=cnf)
        assert codes(at.judge(spoilt, request(proof_for(spoilt)), way)) == [f"holder.{code}"]
    assert at.asked == 0


@both_ways
def test_c24_a_certificate_is_no_proof_and_a_proof_no_certificate(way: str, tmp_path: Path) -> None:
    presented = token(cnf=certified())
    given = request(proof_for(presented), client_certificate=client().der)
    assert codes(at_the("proof").judge(presented, given, way)) == ["holder.unsupported"]
    bound_by_key = token()
    given = request(proof_for(bound_by_key), client_certificate=client().der)
    assert codes(mtls_door(tmp_path).judge(bound_by_key, given, way)) == ["holder.unsupported"]


RFC_9449: dict[str, Any] = {}


def rfc() -> dict[str, Any]:
    if not RFC_9449:
        RFC_9449.update(json.loads(vectors("rfc9449_dpop/vectors.json").read_text(encoding="utf-8")))
    return RFC_9449


def test_c24_the_key_and_the_proofs_of_the_standard() -> None:
    """The published proofs, with a token of ours for the published key: all holds but `ath`, which is over theirs."""
    at = door("holder dpop { age at most 60s  algorithms ES256 }", freshness=YEARS, clock=Clock(1562262618))
    presented = unbound(cnf={"jkt": rfc()["jkt_of_proof_key"]}, **TIMES)
    resource = next(each for each in rfc()["proofs"] if "ath" in each)
    given = request(resource["token"], method=resource["htm"], uri=resource["htu"])
    assert told(at.judge(presented, given)) == [("holder.dpop_ath", at.line("holder dpop"))]
    for changes, code in (
        ({"method": "POST"}, "dpop_htm"),
        ({"uri": "https://resource.example.org/other"}, "dpop_htu"),
        ({"scheme": "Bearer"}, "downgrade"),
    ):
        other = request(resource["token"], **({"method": resource["htm"], "uri": resource["htu"]} | changes))
        assert codes(at.judge(presented, other)) == [f"holder.{code}"]
    at.clock.now = 1562262618 + 61
    assert codes(at.judge(presented, given)) == ["holder.dpop_stale"]
    at.clock.now = 1562262617
    assert codes(at.judge(presented, given)) == ["holder.dpop_not_yet_valid"]
    at.clock.now = 1562262618
    assert codes(at.judge(token(**TIMES), given)) == ["holder.mismatch"]
    assert at.asked == 0


def test_c24_the_token_of_the_standard_is_not_for_this_policy() -> None:
    """Its signer's key is not published: it is refused before its holder is looked at."""
    presented = rfc()["access_token_jwt_with_cnf"]
    assert codes(at_the("proof").judge(presented, request(rfc()["all_proofs"][0]))) == ["policy.issuer_unknown"]


TIMES: dict[str, Any] = {"iat": 1562262600, "nbf": 1562262600, "exp": 1562262900}
YEARS = "freshness { lifetime at most 1h  skew at most 0s }"


def _twice(presented: str, made: str) -> dict[str, tuple[Any, Any]]:
    right, dpop = ("Authorization", f"DPoP {presented}"), ("DPoP", made)
    return {
        "two tokens": ([right, ("Authorization", f"DPoP {unbound()}"), dpop], None),
        "one token twice": ([right, right, dpop], None),
        "in two cases": ([right, ("AUTHORIZATION", right[1]), dpop], None),
        "joined": ([("Authorization", f"{right[1]}, {right[1]}"), dpop], None),
        "two schemes": ([right, ("Authorization", f"Bearer {presented}"), dpop], None),
        "two proofs": ([right, dpop, dpop], None),
        "two proofs joined": ([right, ("DPoP", f"{made}, {made}")], None),
        "and in the query": ([right, dpop], {"access_token": presented}),
        "and another in the query": ([right, dpop], [("a", "b"), ("access_token", "")]),
    }


@both_ways
@pytest.mark.parametrize("case", list(_twice("", "")))
def test_v01_credentials_that_come_twice(case: str, way: str) -> None:
    at = at_the("proof")
    presented = token()
    headers, query = _twice(presented, proof_for(presented))[case]
    found = credentials(headers, query=query)
    assert found.presented_twice
    assert isinstance(found.token, PresentedTwice)
    given = found.context(method="POST", uri=URI)
    verdict = at.judge(found.token, given, way)
    assert told(verdict) == [("token.presented_twice", None)]
    assert not verdict.trusted
    assert verdict.public().status == 401
    assert not at.engine.inspect(found.token, given).would_trust
    assert at.asked == 0


def test_v01_a_token_in_the_query_alone_is_none() -> None:
    at = at_the("proof")
    presented = token()
    found = credentials({"DPoP": proof_for(presented)}, query={"access_token": presented})
    assert found.token is None
    assert codes(at.judge(found.token, found.context(method="POST", uri=URI))) == ["token.missing"]
    assert at.asked == 0
