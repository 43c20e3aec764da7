"""Who signed an OCSP response, and by what right. Input: Facts and a certificate of the path with its issuer.

Output: the Signer, its signature verified; or TokenRefused. RFC 6960, sections 3.2 and 4.2.2.2. No clock.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, Extensions, ExtensionType
from cryptography.x509.oid import ExtendedKeyUsageOID

from policyjwt.evidence import staple_messages as messages
from policyjwt.evidence.ocsp_model import MAX_ENCLOSED, Authorised, Delegation
from policyjwt.evidence.ocsp_names import key_of

if TYPE_CHECKING:
    from policyjwt.evidence.ocsp_parse import Facts

_Kind = TypeVar("_Kind", bound="ExtensionType")

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
_MAX_RSA_EXPONENT_BITS: Final = 64
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})

_SIGNATURES: Final[dict[str, tuple[str, HashAlgorithm | None]]] = {
    "1.2.840.113549.1.1.11": ("RSA", hashes.SHA256()),
    "1.2.840.113549.1.1.12": ("RSA", hashes.SHA384()),
    "1.2.840.113549.1.1.13": ("RSA", hashes.SHA512()),
    "1.2.840.10045.4.3.2": ("ECDSA", hashes.SHA256()),
    "1.2.840.10045.4.3.3": ("ECDSA", hashes.SHA384()),
    "1.2.840.10045.4.3.4": ("ECDSA", hashes.SHA512()),
    "1.3.101.112": ("Ed25519", None),
    "1.3.101.113": ("Ed448", None),
}
"""All signature algorithms that are accepted, of responses and of delegates' certificates, by their OID."""

_REFUSED: Final = {
    "1.2.840.113549.1.1.4": "RSA and MD5",
    "1.2.840.113549.1.1.5": "RSA and SHA-1",
    "1.2.840.113549.1.1.10": "RSA-PSS, whose parameters can't be seen",
    "1.2.840.10045.4.1": "ECDSA and SHA-1",
    "1.2.840.10040.4.3": "DSA and SHA-1",
}
"""What others use, for the message alone."""

_UNDERSTOOD: Final = frozenset({"2.5.29.19", "2.5.29.15", "2.5.29.37", "1.3.6.1.5.5.7.48.1.5"})
"""Basic constraints, key usage, extended key usage, nocheck: what is checked below may be critical."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Signer:
    """Who has signed a response. `delegation` is what was found of a delegate, None where that was known."""

    authorised: Authorised
    certificate: Certificate
    public: CertificatePublicKeyTypes
    delegation: Delegation | None = None


def authenticate(
    facts: Facts,
    path: Sequence[Certificate],
    pinned: Sequence[Certificate],
    *,
    demand_nocheck: bool,
    known: Container[Delegation] = (),
) -> Signer:
    """The signer of a response about `path[0]`, whose issuer is `path[1]`.

    At most two signatures are verified: the delegate's certificate's and the response's. `known` are delegations that
    were found before: nothing of them is judged again.
    """
    signer = _named(facts, path[1], pinned)
    if facts.algorithm not in _SIGNATURES:  # check: S14
        raise messages.sig_alg_refused(algorithm=_REFUSED.get(facts.algorithm, "an algorithm that is not accepted"))
    fault = _key_fault(signer.public)
    if fault is not None:  # check: S13
        raise messages.responder_weak_key(actual=fault)
    # OpenSSL PR #30323: nobody vouches for himself, not even a delegate.
    if _is_key_of(path[0], signer.public):  # check: S8
        raise messages.responder_not_delegated(actual="the responder is the certificate itself")
    if signer.authorised == "delegated":
        delegation = Delegation(signer.certificate, path[1], demand_nocheck)
        if delegation not in known:
            _check_delegate(signer.certificate, path[1], demand_nocheck=demand_nocheck)
            signer = Signer(signer.authorised, signer.certificate, signer.public, delegation)
    if not verified(signer.public, facts.signature, facts.signed, facts.algorithm):  # check: S15
        raise messages.bad_signature()
    return signer


def _named(facts: Facts, issuer: Certificate, pinned: Sequence[Certificate]) -> Signer:
    """The first that bears the responder's name or key: the issuer, then the pinned, then the enclosed.

    Keys are not tried one after another: the sender would choose how many.
    """
    if len(facts.certificates) > MAX_ENCLOSED:  # check: S13
        raise messages.too_many_certs(count=len(facts.certificates), limit=MAX_ENCLOSED)
    signer = next(_bearers(facts, issuer, pinned), None)
    if signer is None:  # check: S6
        raise messages.responder_unknown()
    return signer


def _bearers(facts: Facts, issuer: Certificate, pinned: Sequence[Certificate]) -> Iterator[Signer]:
    candidates: list[tuple[Authorised, Certificate]] = [("issuer", issuer)]
    candidates.extend(("pinned", certificate) for certificate in pinned)
    candidates.extend(("delegated", certificate) for certificate in facts.certificates)
    for authorised, certificate in candidates:
        public = _bearer_key(facts, certificate)
        if public is not None:
            yield Signer(authorised, certificate, public)


def _bearer_key(facts: Facts, certificate: Certificate) -> CertificatePublicKeyTypes | None:
    """The key of `certificate`, if that is the one which the response names."""
    try:
        if facts.responder_key_hash is None and certificate.subject != facts.responder_name:
            return None
        key_hash, public = key_of(certificate)
        if facts.responder_key_hash is None:
            return public
        same = key_hash == facts.responder_key_hash  # RFC 6960, section 4.2.1
    except Exception:  # noqa: BLE001 - fail-closed border: a certificate that can't be read is nobody's
        return None
    return public if same else None


def _check_delegate(delegate: Certificate, issuer: Certificate, *, demand_nocheck: bool) -> None:
    """RFC 6960, section 4.2.2.2: signed by the certificate's issuer itself, for this purpose, and no CA."""
    if delegate.signature_algorithm_oid.dotted_string not in _SIGNATURES:  # check: S13
        raise messages.responder_weak_sig()
    # As with the response itself: nothing signs the count of unused bits before a certificate's signature.
    if not delegate.public_bytes(Encoding.DER).endswith(b"\0" + delegate.signature):  # check: S4
        raise messages.malformed(actual="a responder's certificate whose signature has unused bits")
    if not issued(delegate, issuer):  # check: S7
        raise messages.responder_not_delegated(actual="the responder's certificate was not signed by the issuer itself")
    extensions = _extensions(delegate)
    constraints = _value(extensions, x509.BasicConstraints)
    usage = _value(extensions, x509.KeyUsage)
    purposes = _value(extensions, x509.ExtendedKeyUsage)
    # anyExtendedKeyUsage does not count: RFC 6960 wants the issuer to designate the responder.
    if purposes is None or ExtendedKeyUsageOID.OCSP_SIGNING not in purposes:  # check: S8
        raise messages.responder_not_delegated(actual="the responder's certificate is not one for OCSP signing")
    if constraints is not None and constraints.ca:  # check: S9
        raise messages.responder_is_ca()
    if usage is not None and not usage.digital_signature:  # check: S11
        raise messages.responder_key_usage()
    if demand_nocheck and _value(extensions, x509.OCSPNoCheck) is None:  # check: S12
        raise messages.responder_revocation_unknown()
    if any(each.critical and each.oid.dotted_string not in _UNDERSTOOD for each in extensions):  # check: S13
        raise messages.responder_critical_ext()


def _extensions(delegate: Certificate) -> Extensions:
    try:
        return delegate.extensions
    except Exception:  # noqa: BLE001 - fail-closed border: x400 names, doubles and broken ones raise each their own
        raise messages.malformed(
            actual="a responder's certificate with extensions that can't be read",
            expected="extensions as RFC 5280 has them",
        ) from None


def _value(extensions: Extensions, kind: type[_Kind]) -> _Kind | None:
    for extension in extensions:
        if type(extension.value) is kind:  # isinstance asks the abstract base each time, and there are no subclasses
            return extension.value
    return None


def issued(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key has signed the certificate, and the issuer's name stands in it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        return False
    return True


def verified(public: object, signature: bytes, signed: bytes, algorithm: str) -> bool:
    """Whether the signature fits; a key of another kind than the algorithm's never does."""
    scheme, digest = _SIGNATURES[algorithm]
    try:
        if scheme == "RSA" and digest is not None and isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, signed, padding.PKCS1v15(), digest)
        elif scheme == "ECDSA" and digest is not None and isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, signed, ec.ECDSA(digest))
        elif (scheme == "Ed25519" and isinstance(public, ed25519.Ed25519PublicKey)) or (
            scheme == "Ed448" and isinstance(public, ed448.Ed448PublicKey)
        ):
            public.verify(signature, signed)
        else:
            return False
    except Exception:  # noqa: BLE001 - fail-closed border: InvalidSignature, and whatever a spoiled key gives
        return False
    return True


def _key_fault(public: object) -> str | None:
    """What is wrong with a key, as a phrase; None where nothing is. Asked before anything is verified with it."""
    if isinstance(public, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS:
            return f"an RSA key of {public.key_size} bits"
        exponent = public.public_numbers().e
        odd = exponent % 2 == 1 and exponent >= 3 and exponent.bit_length() <= _MAX_RSA_EXPONENT_BITS
        return None if odd else "an RSA key with an exponent that is not accepted"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return None if public.curve.name in _CURVES else "on a curve that is not accepted"
    if isinstance(public, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return None
    return "of a kind that is not accepted"


def _is_key_of(certificate: Certificate, public: object) -> bool:
    try:
        return bool(certificate.public_key() == public)
    except Exception:  # noqa: BLE001 - fail-closed border: "the same" is what refuses
        return True
