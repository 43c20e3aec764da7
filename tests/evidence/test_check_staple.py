"""`check_staple`, the public judge of one response about one certificate."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.evidence.ocsp import StapleResult, authenticate, check_staple
from tests.evidence.staples import (
    DEMAND,
    PATH,
    PKI,
    forged,
    rebuilt,
)
from tests.issuer import NOW
from tests.pki import authority, name, party, responder, staple

REVOKED = ocsp.OCSPCertStatus.REVOKED
LEAF, INTERMEDIATE, ROOT = PKI.leaf, PKI.intermediate, PKI.root
S0, S1 = staple(LEAF), staple(INTERMEDIATE)


def checked(der: bytes, **changes: Any) -> StapleResult:
    given: dict[str, Any] = {
        "certificate": LEAF.certificate,
        "issuer": INTERMEDIATE.certificate,
        "now": NOW,
        "max_age": 3600,
    }
    return check_staple(der, **(given | changes))


def test_check_staple_good() -> None:
    forms = ((LEAF.der, INTERMEDIATE.der), (LEAF.pem, INTERMEDIATE.pem), (b"\n" + LEAF.pem, INTERMEDIATE.certificate))
    for certificate, issuer in forms:
        result = checked(S0, certificate=certificate, issuer=issuer)
        assert (result.good, result.code, result.good_until) == (True, "staple.met", NOW - 600 + 3600)
        assert (result.this_update, result.next_update, result.produced_at) == (NOW - 600, NOW + 3600, NOW - 600)
        assert (result.actual, result.expected, result.help) == ("an authentic and fresh answer: good", "good", None)


def test_check_staple_refused() -> None:
    late = checked(S0, now=NOW + 3601)
    assert (late.good, late.code, late.good_until) == (False, "staple.expired", None)
    assert (late.this_update, late.actual) == (NOW - 600, "the OCSP response was to be replaced 1s ago")
    assert late.help is not None
    forged_one = checked(rebuilt(S0, signature=b""))
    assert (forged_one.good, forged_one.code, forged_one.this_update) == (False, "staple.bad_signature", None)
    for junk in (b"", b"junk", b"x" * 20000):
        assert checked(junk).good is False
    assert checked(S1).code == "staple.wrong_certificate"
    assert checked(staple(LEAF, status=REVOKED)).code == "staple.revoked"


def test_check_staple_options() -> None:
    without_next = staple(LEAF, next_update=None)
    assert checked(without_next).code == "staple.no_next_update"
    assert checked(without_next, next_update_needed=False).good is True
    assert checked(S0, issued_at=NOW - 599).code == "staple.before_token"
    assert checked(S0, issued_at=NOW - 599, skew=1).good is True
    assert checked(S0, issued_at=NOW - 600).good is True
    assert checked(S0, max_window=4199).code == "staple.bad_window"
    assert checked(S0, max_age=599).code == "staple.stale"
    own = party("own responder")
    for pinned in (own.der, own.pem, own.certificate):
        assert checked(forged(named=own), pinned=[pinned]).good is True
    delegate = responder(INTERMEDIATE, nocheck=False)
    der = staple(LEAF, signer=delegate)
    assert checked(der).code == "staple.responder_revocation_unknown"
    assert checked(der, nocheck_needed=False).good is True


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"certificate": b"junk"}, ValueError),
        ({"certificate": b""}, ValueError),
        ({"issuer": b"-----BEGIN CERTIFICATE-----"}, ValueError),
        ({"issuer": ROOT.certificate}, ValueError),
        ({"issuer": authority("Intermediate").certificate}, ValueError),
        ({"pinned": [b"junk"]}, ValueError),
        ({"certificate": "text"}, TypeError),
        ({"issuer": None}, TypeError),
        ({"pinned": ["text"]}, TypeError),
        ({"now": "1"}, TypeError),
        ({"now": float("nan")}, ValueError),
        ({"max_age": -1}, ValueError),
        ({"max_age": True}, TypeError),
        ({"issued_at": float("inf")}, ValueError),
        ({"issued_at": "1"}, TypeError),
    ],
)
def test_check_staple_called_badly(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        checked(S0, **changes)


@pytest.mark.parametrize("der", [None, "text", bytearray(S0), memoryview(S0), 5])
def test_check_staple_takes_bytes(der: Any) -> None:
    with pytest.raises(TypeError, match="an OCSP response is bytes"):
        checked(der)


def test_a_root_does_not_vouch_for_itself() -> None:
    result = checked(staple(ROOT, issuer=ROOT), certificate=ROOT.certificate, issuer=ROOT.certificate)
    assert result.code == "staple.responder_not_delegated"


def test_a_result_has_no_truth_value_and_a_silent_repr() -> None:
    result = checked(S0)
    with pytest.raises(TypeError, match=r"ask \.good"):
        bool(result)
    assert repr(result) == "<StapleResult staple.met>"
    assert pickle.loads(pickle.dumps(result)) == result


@given(st.binary(max_size=400))
def test_any_bytes_are_judged(der: bytes) -> None:
    assert checked(der).good is False
    with pytest.raises(TokenRefused):
        authenticate([der], PATH, DEMAND, cover="leaf")


@given(st.integers(0, len(S0)), st.integers(0, len(S0)), st.binary(max_size=20))
def test_a_response_with_a_piece_replaced_is_judged(start: int, end: int, piece: bytes) -> None:
    der = S0[: min(start, end)] + piece + S0[max(start, end) :]
    assert (checked(der).code == "staple.met") is (der == S0)


@given(st.text(st.characters(codec="ascii", min_codepoint=97, max_codepoint=122), min_size=6, max_size=12))
def test_no_text_quotes_a_name(marker: str) -> None:
    delegate = party(name(f"geheimnis {marker}"), INTERMEDIATE)
    with pytest.raises(TokenRefused) as caught:
        authenticate([forged(named=delegate, enclosed=[delegate], by_name=True)], PATH, DEMAND, cover="leaf")
    assert "geheimnis" not in f"{caught.value}{caught.value.help}{caught.value.args}"
