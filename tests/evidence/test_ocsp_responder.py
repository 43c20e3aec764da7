"""Who may answer about a certificate: S6 to S9, S11 to S15. Every refused answer is one that its signer did sign."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from policyjwt.evidence import ocsp_responder
from policyjwt.evidence.ocsp import authenticate
from tests.evidence.staples import (
    DEMAND,
    ECDSA_SHA1,
    PATH,
    PKI,
    PublicOnly,
    forged,
    judged,
    rebuilt,
    rsa_of,
    rsa_pki,
)
from tests.issuer import NOW
from tests.pki import DAY, Party, authority, party, responder, staple, usage

REVOKED, UNKNOWN = ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
LEAF, INTERMEDIATE, ROOT = PKI.leaf, PKI.intermediate, PKI.root
S0 = staple(LEAF)
SIGNING = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NOCHECK = (x509.OCSPNoCheck(), False)


def by(delegate: Party, **more: Any) -> str:
    """How a response is judged that `delegate` signs and encloses."""
    return judged(forged(named=delegate, enclosed=[delegate]), **more)


@pytest.mark.parametrize("encoding", list(ocsp.OCSPResponderEncoding))
def test_the_issuer_and_its_delegate_may_answer(encoding: ocsp.OCSPResponderEncoding) -> None:
    direct, delegated = staple(LEAF, by=encoding), staple(LEAF, by=encoding, signer=PKI.responder)
    assert judged(direct) == judged(delegated) == "met"
    (one,), (other,) = (authenticate([der], PATH, DEMAND, cover="leaf") for der in (direct, delegated))
    assert (one.authorised, one.responder_not_before, one.responder_not_after) == ("issuer", None, None)
    assert (other.authorised, other.responder_not_after) == ("delegated", NOW + 30 * DAY)


KEYS: dict[str, Any] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "RSA": lambda: rsa_pki().responder.private,
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("hash", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda each: each.name)
def test_keys_and_hashes_that_are_accepted(kind: str, hash: hashes.HashAlgorithm) -> None:
    private: PrivateKeyTypes = KEYS[kind]()
    assert judged(staple(LEAF, signer=responder(INTERMEDIATE, private=private), hash=hash)) == "met"


def test_an_issuer_of_rsa() -> None:
    one = rsa_pki()
    path = tuple(each.certificate for each in (one.leaf, one.intermediate, one.root))
    assert judged(staple(one.leaf), path=path) == "met"
    assert judged(staple(one.leaf, signer=one.responder), path=path) == "met"
    assert judged(staple(one.leaf, signer=one.responder), staple(one.intermediate), path=path, cover="chain") == "met"


def test_s6_nobody_that_is_known() -> None:
    stranger = authority("Stranger")
    for by_name in (True, False):
        assert judged(forged(named=stranger, by_name=by_name)) == "responder_unknown"
        assert judged(forged(named=PKI.responder, by_name=by_name)) == "responder_unknown"
        assert judged(forged(named=PKI.responder, enclosed=[LEAF], by_name=by_name)) == "responder_unknown"


def test_the_signer_need_not_be_the_first_certificate() -> None:
    others = [INTERMEDIATE, ROOT, LEAF]
    assert judged(staple(LEAF, signer=PKI.responder, certificates=[*others, PKI.responder])) == "met"


def test_s13_how_many_certificates() -> None:
    several = [INTERMEDIATE, ROOT, LEAF]
    assert judged(staple(LEAF, signer=PKI.responder, certificates=[*several, PKI.responder])) == "met"
    assert judged(staple(LEAF, signer=PKI.responder, certificates=[*several, PKI.responder, LEAF])) == "too_many_certs"
    assert judged(staple(LEAF, certificates=[LEAF] * 5)) == "too_many_certs"


def test_s7_delegated_by_somebody_else() -> None:
    sibling = authority("Sibling", ROOT)
    look_alike = authority("Intermediate", ROOT)
    assert by(responder(ROOT)) == "responder_not_delegated"
    assert by(responder(sibling)) == "responder_not_delegated"
    assert by(responder(look_alike)) == "responder_not_delegated"
    assert by(party("self", extensions=(SIGNING, NOCHECK))) == "responder_not_delegated"
    assert by(party(INTERMEDIATE.certificate.subject, extensions=(SIGNING, NOCHECK))) == "responder_not_delegated"
    assert judged(forged(named=ROOT, enclosed=[ROOT])) == "responder_not_delegated"


@pytest.mark.parametrize(
    "extensions",
    [
        (NOCHECK,),
        (NOCHECK, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), False)),
        (NOCHECK, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), True)),
    ],
    ids=["none", "any", "server"],
)
def test_s8_not_for_ocsp_signing(extensions: Any) -> None:
    assert by(party("sibling", INTERMEDIATE, extensions=extensions)) == "responder_not_delegated"


def test_s8_one_purpose_of_several() -> None:
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.OCSP_SIGNING])
    assert by(party("r", INTERMEDIATE, extensions=(NOCHECK, (purposes, True)))) == "met"


def test_s8_nobody_vouches_for_himself() -> None:
    """OpenSSL PR #30323: not the leaf, not a leaf that is a delegate too, not another certificate of its key."""
    assert by(LEAF) == "responder_not_delegated"
    both = party("both", INTERMEDIATE, extensions=(SIGNING, NOCHECK, (usage("digital_signature"), True)))
    path = (both.certificate, *PATH[1:])
    assert judged(staple(both), path=path) == "met"
    assert judged(forged(subject=both, named=both, enclosed=[both]), path=path) == "responder_not_delegated"
    twin = responder(INTERMEDIATE, private=both.private)
    assert judged(forged(subject=both, named=twin, enclosed=[twin]), path=path) == "responder_not_delegated"
    pinned = forged(subject=both, named=both)
    assert judged(pinned, path=path, pinned=(both.certificate,)) == "responder_not_delegated"


def test_s9_the_delegate_is_a_ca() -> None:
    extensions = (SIGNING, NOCHECK, (x509.BasicConstraints(ca=True, path_length=None), True))
    assert by(party("r", INTERMEDIATE, extensions=extensions)) == "responder_is_ca"
    sub = (*extensions, (usage("digital_signature", "key_cert_sign"), True))
    assert by(party("r", INTERMEDIATE, extensions=sub)) == "responder_is_ca"


def test_s11_key_usage() -> None:
    assert by(party("r", INTERMEDIATE, extensions=(SIGNING, NOCHECK))) == "met"
    wrong = (SIGNING, NOCHECK, (usage("key_encipherment", "content_commitment"), True))
    assert by(party("r", INTERMEDIATE, extensions=wrong)) == "responder_key_usage"


def test_s12_nocheck() -> None:
    without = responder(INTERMEDIATE, nocheck=False)
    assert by(without) == "responder_revocation_unknown"
    assert by(without, nocheck_needed=False) == "met"
    assert by(without, pinned=(without.certificate,)) == "met"


UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def test_s13_critical_extensions_of_a_delegate() -> None:
    understood = [
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), True),
        (x509.OCSPNoCheck(), True),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage("digital_signature"), True),
    ]
    assert by(party("r", INTERMEDIATE, extensions=understood)) == "met"
    assert by(party("r", INTERMEDIATE, extensions=[*understood, (UNKNOWN_EXTENSION, False)])) == "met"
    for extension in (UNKNOWN_EXTENSION, x509.SubjectAlternativeName([x509.DNSName("r")])):
        critical = party("r", INTERMEDIATE, extensions=[*understood, (extension, True)])
        assert by(critical) == "responder_critical_ext"


@pytest.mark.parametrize(
    "value",
    [b"\x30\x04\xa3\x02\x30\x00", b"\x30\x04\xa5\x02\x30\x00", b"\xff", b""],
    ids=["x400", "edi", "FF", "empty"],
)
def test_extensions_of_a_delegate_that_cannot_be_read(value: bytes) -> None:
    """x400 and EDI names raise an exception of another family: sigstore-python #1867."""
    san = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), value)
    assert by(party("r", INTERMEDIATE, extensions=[SIGNING, NOCHECK, (san, False)])) == "malformed"


def test_s13_weak_certificate_of_a_delegate() -> None:
    """SHA-1, by the algorithm that the certificate names: no library makes one any more."""
    der = PKI.responder.der.replace(bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040301"))
    assert der != PKI.responder.der
    spoiled = Party(x509.load_der_x509_certificate(der), PKI.responder.private)
    assert by(spoiled) == "responder_weak_sig"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (lambda: rsa_of(2047), "responder_weak_key"),
        (lambda: rsa_of(2048), "bad_signature"),
        (lambda: rsa_of(2049), "bad_signature"),
        (lambda: rsa_of(8191), "bad_signature"),
        (lambda: rsa_of(8192), "bad_signature"),
        (lambda: rsa_of(8193), "responder_weak_key"),
        (lambda: rsa_of(16384), "responder_weak_key"),
        (lambda: rsa_of(2048, 3), "bad_signature"),
        (lambda: rsa_of(2048, 2**64 - 1), "bad_signature"),
        (lambda: rsa_of(2048, 2**64 + 1), "responder_weak_key"),
        (lambda: PublicOnly(ec.generate_private_key(ec.SECP256K1()).public_key()), "responder_weak_key"),
        (lambda: PublicOnly(ec.generate_private_key(ec.SECP192R1()).public_key()), "responder_weak_key"),
        (lambda: PublicOnly(ec.generate_private_key(ec.BrainpoolP256R1()).public_key()), "responder_weak_key"),
        (lambda: PublicOnly(dsa_key()), "responder_weak_key"),
    ],
)
def test_s13_keys_of_responders(key: Any, reason: str) -> None:
    delegate = responder(INTERMEDIATE, private=key())
    assert by(delegate) == reason
    assert judged(forged(named=delegate), pinned=(delegate.certificate,)) == reason


def dsa_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import dsa

    return dsa.generate_private_key(1024).public_key()


def test_the_key_is_looked_at_before_anything_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = Mock(return_value=True)
    monkeypatch.setattr(ocsp_responder, "issued", verified)
    monkeypatch.setattr(ocsp_responder, "verified", verified)
    assert by(responder(INTERMEDIATE, private=rsa_of(8193))) == "responder_weak_key"
    assert by(responder(INTERMEDIATE, private=rsa_of(8193)), pinned=(ROOT.certificate,)) == "responder_weak_key"
    assert verified.call_count == 0
    assert by(PKI.responder) == "met"
    assert verified.call_count == 2


def off_its_curve(one: Party) -> bytes:
    """The certificate with a key that can't be read: its point is not on its curve."""
    point = one.certificate.public_key()
    assert isinstance(point, ec.EllipticCurvePublicKey)
    y = point.public_numbers().y.to_bytes(32, "big")
    return one.der.replace(y, y[:-1] + bytes([y[-1] ^ 1]))


def test_an_enclosed_certificate_whose_key_cannot_be_read_is_nobodys() -> None:
    der = rebuilt(staple(LEAF, signer=PKI.responder), certificates=[off_its_curve(PKI.responder)])
    assert judged(der) == "responder_unknown"


def test_a_certificate_whose_key_cannot_be_read_is_not_trusted() -> None:
    """No validated path has one; whether it is the responder's key can't be known, so it might be."""
    spoiled = x509.load_der_x509_certificate(off_its_curve(LEAF))
    assert judged(staple(LEAF), path=(spoiled, *PATH[1:])) == "responder_not_delegated"


def test_pinned_responders() -> None:
    own = party("own responder")
    other = party("other responder")
    for by_name in (True, False):
        der = forged(named=own, by_name=by_name)
        assert judged(der) == "responder_unknown"
        assert judged(der, pinned=(own.certificate,)) == "met"
        assert judged(der, pinned=(other.certificate, own.certificate)) == "met"
        assert judged(der, pinned=(other.certificate,)) == "responder_unknown"
    enclosed = forged(named=own, enclosed=[own])
    assert judged(enclosed) == "responder_not_delegated"
    assert judged(enclosed, pinned=(own.certificate,)) == "met"
    (found,) = authenticate([enclosed], PATH, DEMAND.__class__(max_age=1, pinned=(own.certificate,)), cover="leaf")
    assert (found.authorised, found.responder_not_before) == ("pinned", NOW - 30 * DAY)
    assert judged(staple(LEAF), pinned=(own.certificate,)) == "met"


def test_a_pinned_name_with_another_key() -> None:
    own, impostor = party("own responder"), party("own responder")
    assert judged(forged(named=impostor, by_name=True), pinned=(own.certificate,)) == "bad_signature"
    assert (
        judged(forged(named=impostor, enclosed=[impostor], by_name=True), pinned=(own.certificate,)) == "bad_signature"
    )


def test_s10_a_pinned_responder_expires_too() -> None:
    old = party("old", begins=NOW - 20 * DAY, ends=NOW - 100)
    der = forged(named=old)
    assert judged(der, pinned=(old.certificate,)) == "responder_expired"
    assert judged(der, pinned=(old.certificate,), skew=100) == "met"


def test_s14_algorithms_and_keys_of_other_kinds() -> None:
    assert judged(rebuilt(S0, algorithm=ECDSA_SHA1)) == "sig_alg_refused"
    for oid in ("2a864886f70d01010b", "2a8648ce3d040303", "2a8648ce3d040304", "2b6570", "2b6571"):
        raw = bytes.fromhex(oid)
        algorithm = bytes([0x30, len(raw) + 2, 0x06, len(raw)]) + raw
        assert judged(rebuilt(S0, algorithm=algorithm)) == "bad_signature"


def test_s15_signed_by_another_key_of_the_same_name() -> None:
    impostor = authority("Intermediate", ROOT)
    assert judged(forged(named=impostor, by_name=True)) == "bad_signature"
    assert judged(forged(named=INTERMEDIATE, private=impostor.private)) == "bad_signature"
    assert judged(forged(named=PKI.responder, private=impostor.private, enclosed=[PKI.responder])) == "bad_signature"


@pytest.mark.parametrize("status", [REVOKED, UNKNOWN])
def test_what_is_not_authentic_is_not_believed(status: ocsp.OCSPCertStatus) -> None:
    der = rebuilt(staple(LEAF, status=status), signature=b"\x30\x06\x02\x01\x01\x02\x01\x01")
    assert judged(der) == "bad_signature"
    assert judged(der, S0) == judged(S0, der) == "bad_signature"
    stranger = authority("Stranger")
    assert judged(forged(named=stranger, status=status), S0) == "responder_unknown"
