"""The examples of RFC 9449: every proof verifies for its own request, and for no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policyjwt.evidence.dpop import Proof, ProofDemand, check_proof
from policyjwt.tokens import base64url, strict_json
from tests.evidence.proofs import refused
from tests.shared import vectors

FILE: dict[str, Any] = json.loads(vectors("rfc9449_dpop/vectors.json").read_text(encoding="utf-8"))
JKT: str = FILE["jkt_of_proof_key"]
RESOURCE = next(each for each in FILE["proofs"] if "ath" in each)
DEMAND = ProofDemand(algorithms=frozenset({"ES256"}))


def claims_of(text: str) -> dict[str, Any]:
    found = strict_json.loads(base64url.decode(text.split(".")[1]))
    assert isinstance(found, dict)
    return found


def judge(text: str, **changes: Any) -> Proof:
    claims = claims_of(text)
    usual = {
        "token": RESOURCE["access_token"],
        "confirmation": {"jkt": JKT},
        "method": claims["htm"],
        "uri": claims["htu"],
        "nonce": None,
        "now": claims["iat"] + 1,
    }
    return check_proof([text], demand=DEMAND, **{**usual, **changes})


def test_the_proof_of_a_request() -> None:
    found = judge(RESOURCE["token"], method=RESOURCE["htm"], uri=RESOURCE["htu"])
    assert (found.thumbprint, found.htu) == (JKT, RESOURCE["htu"])


def test_the_token_of_the_standard_is_bound_to_that_key() -> None:
    assert claims_of(FILE["access_token_jwt_with_cnf"])["cnf"] == {"jkt": JKT}


@pytest.mark.parametrize("text", [*FILE["all_proofs"], *(each["token"] for each in FILE["proofs"])])
def test_every_proof_verifies(text: str) -> None:
    """Those for the token endpoint have no `ath`: all before it holds, and a resource refuses them for its lack."""
    if "ath" in claims_of(text):
        assert judge(text).jti == claims_of(text)["jti"]
    else:
        assert refused(judge, text).code == "holder.dpop_ath"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"method": "POST"}, "dpop_htm"),
        ({"uri": "https://resource.example.org/"}, "dpop_htu"),
        ({"now": 1562262618 + 61}, "dpop_stale"),
        ({"now": 1562262617}, "dpop_not_yet_valid"),
        ({"token": FILE["access_token_jwt_with_cnf"]}, "dpop_ath"),
        ({"confirmation": {"jkt": JKT[::-1]}}, "mismatch"),
        ({"nonce": "n"}, "dpop_nonce"),
    ],
)
def test_and_for_no_other(changes: dict[str, Any], code: str) -> None:
    assert refused(judge, RESOURCE["token"], **changes).code == f"holder.{code}"


def test_no_character_can_change() -> None:
    text: str = RESOURCE["token"]
    for at in range(0, len(text), 7):
        other = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        code = refused(check_proof, [other], demand=DEMAND, **SENT).code
        assert code.startswith("holder.")


SENT: dict[str, Any] = {
    "token": RESOURCE["access_token"],
    "confirmation": {"jkt": JKT},
    "method": RESOURCE["htm"],
    "uri": RESOURCE["htu"],
    "nonce": None,
    "now": claims_of(RESOURCE["token"])["iat"],
}
