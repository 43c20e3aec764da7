"""About which certificates staples speak, and what of them counts: S3, S4, S16 to S20, S27, S28; and bounded work."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from policyjwt.evidence import ocsp_parse, ocsp_responder
from policyjwt.evidence.ocsp import authenticate
from tests.der import BIT_STRING, OCTET_STRING, SEQUENCE, inside, tlv
from tests.evidence.staples import (
    DEMAND,
    PATH,
    PKI,
    data_of,
    forged,
    judged,
    rebuilt,
    with_answers,
)
from tests.issuer import NOW
from tests.pki import DAY, Party, authority, leaf, party, responder, sign, staple

REVOKED, UNKNOWN = ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
LEAF, INTERMEDIATE, ROOT = PKI.leaf, PKI.intermediate, PKI.root
S0, S1 = staple(LEAF), staple(INTERMEDIATE)


def test_s18_each_part_of_the_identity() -> None:
    assert judged(staple(leaf("other", INTERMEDIATE))) == "wrong_certificate"
    renewed = authority("Intermediate", ROOT)
    another_key = Party(LEAF.certificate, LEAF.private, renewed)
    assert judged(staple(another_key)) == "wrong_certificate"
    # The same key under another name.
    twin = authority("Twin", ROOT, private=INTERMEDIATE.private)
    same = leaf("twin", twin, serial=LEAF.certificate.serial_number)
    assert judged(staple(same)) == "wrong_certificate"
    # Both other, the serial number the same.
    elsewhere = leaf("elsewhere", authority("Elsewhere", ROOT), serial=LEAF.certificate.serial_number)
    assert judged(staple(elsewhere)) == "wrong_certificate"


@pytest.mark.parametrize(
    "hash", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda h: h.name
)
def test_how_the_certificate_is_named(hash: hashes.HashAlgorithm) -> None:
    assert judged(staple(LEAF, cert_id_hash=hash)) == "met"


def test_s18_named_by_another_hash() -> None:
    assert judged(staple(LEAF, cert_id_hash=hashes.SHA224())) == "wrong_certificate"


def test_a_response_about_somebody_else_is_no_harm_where_the_path_is_covered() -> None:
    other = staple(leaf("other", INTERMEDIATE))
    assert judged(other, S0) == judged(S0, other) == "met"
    assert judged(other, other) == "wrong_certificate"
    assert judged(other, S0, cover="chain") == "coverage"
    assert judged(b"junk", S0) == judged(S0, b"junk") == "malformed"


def test_s27_coverage() -> None:
    assert judged(S0, S1, cover="chain") == judged(S1, S0, cover="chain") == "met"
    assert judged(S0, cover="leaf") == "met"
    assert judged(S0, cover="chain") == judged(S1, cover="chain") == "coverage"
    assert judged(S1, cover="leaf") == "coverage"
    assert judged(S0, S0, cover="chain") == "coverage"
    assert [each.position for each in authenticate([S1, S0], PATH, DEMAND, cover="chain")] == [1, 0]


def test_s27_longer_paths() -> None:
    middle = authority("Middle", ROOT)
    low = authority("Low", middle)
    end = leaf("end", low)
    path = tuple(each.certificate for each in (end, low, middle, ROOT))
    three = [staple(each) for each in (end, low, middle)]
    assert judged(*three, path=path, cover="chain") == "met"
    for left_out in range(3):
        rest = [der for position, der in enumerate(three) if position != left_out]
        assert judged(*rest, path=path, cover="chain") == "coverage"
    (short,) = (each.certificate for each in (ROOT,))
    assert judged(S0, path=(short,), cover="chain") == "wrong_certificate"
    assert judged(S0, path=(), cover="leaf") == "wrong_certificate"


def test_what_is_not_asked_for_is_sound_or_refuses() -> None:
    """With `cover leaf` a response about the intermediate is not needed; if it comes, it counts."""
    assert judged(S0, S1, cover="leaf") == "met"
    assert judged(S0, staple(INTERMEDIATE, status=REVOKED), cover="leaf") == "revoked"
    assert judged(S0, staple(INTERMEDIATE, status=UNKNOWN), cover="leaf") == "unknown"
    assert judged(S0, staple(INTERMEDIATE, next_update=NOW - 1), cover="leaf") == "expired"


OTHERS: dict[str, bytes] = {
    "good": S0,
    "unknown": staple(LEAF, status=UNKNOWN),
    "garbage": b"junk",
    "about the intermediate": S1,
    "of the intermediate, expired": staple(INTERMEDIATE, next_update=NOW - 1),
    "about another": staple(leaf("other", INTERMEDIATE)),
    "forged": rebuilt(S0, signature=b"\0"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("subject", [LEAF, INTERMEDIATE], ids=["leaf", "intermediate"])
@pytest.mark.parametrize("cover", ["leaf", "chain"])
def test_s28_an_authentic_revoked_wins_in_any_order(other: bytes, subject: Party, cover: Any) -> None:
    old = staple(subject, status=REVOKED, this_update=NOW - 90 * DAY, next_update=NOW - 80 * DAY)
    for revoked in (staple(subject, status=REVOKED), old):
        assert judged(revoked, other, cover=cover) == "revoked"
        assert judged(other, revoked, cover=cover) == "revoked"
        assert judged(S0, other, revoked, cover=cover) == "revoked"


def test_the_number_of_signature_checks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    issued, verified = ocsp_responder.issued, ocsp_responder.verified

    def count_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        done.append("issued")
        return issued(certificate, issuer)

    def count_verified(public: object, signature: bytes, signed: bytes, algorithm: str) -> bool:
        done.append("verified")
        return verified(public, signature, signed, algorithm)

    monkeypatch.setattr(ocsp_responder, "issued", count_issued)
    monkeypatch.setattr(ocsp_responder, "verified", count_verified)
    names = [responder(INTERMEDIATE, "same name") for _ in range(4)]
    worst = forged(named=names[0], private=names[3].private, enclosed=names, by_name=True)
    assert judged(worst, worst, worst, worst, pinned=(ROOT.certificate,) * 3) == "bad_signature"
    assert done == ["issued", "verified"] * 4
    done.clear()
    assert judged(worst, worst, worst, worst, worst) == "too_many"
    assert judged(*[b"junk"] * 4) == "malformed"
    assert judged(*[with_answers(S0, INTERMEDIATE, lambda answer: [answer] * 100)] * 4) == "multiple_responses"
    assert judged(*[staple(leaf("other", INTERMEDIATE))] * 4) == "wrong_certificate"
    assert done == []


def test_s3_limits_at_this_border_too() -> None:
    assert judged(*[S0] * 4) == "met"
    assert judged(*[S0] * 5) == "too_many"
    assert judged() == "missing"
    assert judged(b"x" * 16384) == "malformed"
    assert judged(b"x" * 16385) == "too_large"


def test_s4_one_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    """`cryptography` refuses each other spelling that is known; this holds for a reader that is more lenient."""
    lenient = ocsp.load_der_ocsp_response
    monkeypatch.setattr(ocsp, "load_der_ocsp_response", lambda data: lenient(data.removesuffix(b"\0")))
    assert judged(S0) == "met"
    assert judged(S0 + b"\0") == "malformed"


def with_an_unused_bit(der: bytes, signature: bytes) -> bytes:
    """The count of unused bits before a signature that ends with a zero bit says 1: DER, and nothing signs it."""
    assert der.count(b"\0" + signature) == 1
    return der.replace(b"\0" + signature, b"\1" + signature)


def test_s4_unused_bits_of_a_signature() -> None:
    signatures = (sign(INTERMEDIATE.private, data_of(S0)) for _ in range(1000))
    even = next(signature for signature in signatures if signature[-1] % 2 == 0)
    der = rebuilt(S0, signature=even)
    assert judged(der) == "met"
    assert judged(with_an_unused_bit(der, even)) == "malformed"


def test_s4_unused_bits_whatever_is_enclosed() -> None:
    """The octets of a whole signature somewhere behind, in a certificate that comes along, make it no whole one."""
    answers = (staple(LEAF, certificates=[party("x")]) for _ in range(200))
    der, signature = next(
        (answer, found) for answer in answers if not (found := ocsp.load_der_ocsp_response(answer).signature)[-1] & 1
    )
    junk = party(
        "x", extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\0" + signature), False)]
    )
    status, response_bytes = inside(der)
    kind, basic = inside(response_bytes.content)
    data, algorithm, bits, _ = inside(basic.content)
    parts = [
        data.whole,
        algorithm.whole,
        tlv(BIT_STRING, b"\1", bits.content[1:]),
        tlv(0xA0, tlv(SEQUENCE, junk.der)),
    ]
    inner = tlv(SEQUENCE, kind.whole, tlv(OCTET_STRING, tlv(SEQUENCE, *parts)))
    assert judged(tlv(SEQUENCE, status.whole, tlv(response_bytes.tag, inner))) == "malformed"


def test_s4_unused_bits_of_the_signature_of_a_delegate() -> None:
    delegates = (responder(INTERMEDIATE, private=PKI.responder.private) for _ in range(1000))
    even = next(each for each in delegates if each.certificate.signature[-1] % 2 == 0)
    der = staple(LEAF, signer=even)
    assert judged(der) == "met"
    assert judged(with_an_unused_bit(der, even.certificate.signature)) == "malformed"


def test_facts_are_read_once_and_hidden() -> None:
    facts = ocsp_parse.parse(S0)
    assert "idp" not in repr(facts)
    assert str(facts.serial_number) not in repr(facts)
