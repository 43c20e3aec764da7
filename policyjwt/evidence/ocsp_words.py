"""What one OCSP response says, for people. Input: DER, a certificate, its issuer. Output: ResponseAccount.

It explains and decides nothing: who signed is told by what the response says of itself, without checking the
signature. The decision is `check_staple`'s alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import Certificate, ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from policyjwt.evidence.ocsp_model import MAX_ENCLOSED
from policyjwt.evidence.ocsp_responder import issued
from policyjwt.spans import moment

_SIGNATURES: Final = {
    "1.2.840.113549.1.1.5": "RSA with SHA-1",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.113549.1.1.11": "RSA with SHA-256",
    "1.2.840.113549.1.1.12": "RSA with SHA-384",
    "1.2.840.113549.1.1.13": "RSA with SHA-512",
    "1.2.840.10045.4.1": "ECDSA with SHA-1",
    "1.2.840.10045.4.3.2": "ECDSA with SHA-256",
    "1.2.840.10045.4.3.3": "ECDSA with SHA-384",
    "1.2.840.10045.4.3.4": "ECDSA with SHA-512",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whom the response names as its signer, and why that one may not sign for the issuer; no fault: it may."""

    kind: Literal["issuer", "pinned", "enclosed", "unknown"]
    named_by: Literal["key", "name"]
    identity: str
    enclosed: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What it says of one certificate. `mismatch` is None where that is the certificate at hand."""

    status: Literal["good", "revoked", "unknown"]
    mismatch: str | None
    serial: str
    cert_id_hash: str
    this_update: float
    next_update: float | None
    revoked_at: float | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseAccount:
    """One response. `answers` are empty, and `signer` None, where the responder gave no answer."""

    response_status: str
    answers: tuple[Answer, ...]
    signer: Signer | None
    signature: str | None
    produced_at: float | None


def account(
    der: bytes,
    *,
    certificate: Certificate,
    issuer: Certificate,
    pinned: Sequence[Certificate] = (),
    nocheck_needed: bool = True,
    now: float,
) -> ResponseAccount | None:
    """What `der` says; None for what can't be read to its end. `pinned` and `nocheck_needed` say who may sign."""
    try:
        response = ocsp.load_der_ocsp_response(der)
        status = response.response_status.name.lower().replace("_", " ")
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return ResponseAccount(response_status=status, answers=(), signer=None, signature=None, produced_at=None)
        return ResponseAccount(
            response_status=status,
            answers=tuple(_answer(single, certificate, issuer) for single in response.responses),
            signer=_signer(response, issuer, pinned, nocheck_needed=nocheck_needed, now=now),
            signature=_signature(response.signature_algorithm_oid.dotted_string),
            produced_at=response.produced_at_utc.timestamp(),
        )
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here, and late
        return None


def _signature(oid: str) -> str:
    return _SIGNATURES.get(oid, f"the algorithm {oid}")


# --- about which certificate ------------------------------------------------------------------------------


def _answer(single: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> Answer:
    revoked, following = single.revocation_time_utc, single.next_update_utc
    status: dict[ocsp.OCSPCertStatus, Literal["good", "revoked", "unknown"]] = {
        ocsp.OCSPCertStatus.GOOD: "good",
        ocsp.OCSPCertStatus.REVOKED: "revoked",
        ocsp.OCSPCertStatus.UNKNOWN: "unknown",
    }
    return Answer(
        status=status[single.certificate_status],
        mismatch=_mismatch(single, certificate, issuer),
        serial=f"{single.serial_number:x}",
        cert_id_hash=_hash_name(single),
        this_update=single.this_update_utc.timestamp(),
        next_update=None if following is None else following.timestamp(),
        revoked_at=None if revoked is None else revoked.timestamp(),
        reason=None if single.revocation_reason is None else single.revocation_reason.value,
    )


def _hash_name(single: ocsp.OCSPSingleResponse) -> str:
    try:
        return single.hash_algorithm.name.upper().replace("SHA", "SHA-")
    except UnsupportedAlgorithm:
        return "an unknown hash"


def _mismatch(single: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> str | None:
    """RFC 6960, section 4.1.1: a certificate is named by its serial number and by its issuer's name and key."""
    if single.serial_number != certificate.serial_number:
        return f"the serial number is another: that of the certificate is {certificate.serial_number:x}"
    try:
        asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, single.hash_algorithm).build()
    except (ValueError, UnsupportedAlgorithm):
        return "the issuer is named by a hash that nobody uses for this"
    if single.issuer_name_hash != asked.issuer_name_hash:
        return "the serial number is the same, the issuer's name is another"
    if single.issuer_key_hash != asked.issuer_key_hash:
        return "serial number and issuer's name are the same, the issuer's key is another"
    return None


# --- by whom ----------------------------------------------------------------------------------------------


def _signer(
    response: ocsp.OCSPResponse,
    issuer: Certificate,
    pinned: Sequence[Certificate],
    *,
    nocheck_needed: bool,
    now: float,
) -> Signer:
    """The first that fits of the issuer, the pinned ones and those enclosed."""
    key, name = response.responder_key_hash, response.responder_name
    by: Literal["key", "name"] = "name" if key is None else "key"
    identity = key.hex() if key is not None else name.rfc4514_string() if name is not None else ""
    enclosed = response.certificates

    def is_named(candidate: Certificate) -> bool:
        if key is None:
            return candidate.subject == name
        return x509.SubjectKeyIdentifier.from_public_key(candidate.public_key()).digest == key

    def told(kind: Literal["issuer", "pinned", "enclosed", "unknown"], *faults: str) -> Signer:
        return Signer(kind=kind, named_by=by, identity=identity, enclosed=len(enclosed), faults=faults)

    if is_named(issuer):
        return told("issuer")
    if any(is_named(candidate) for candidate in pinned):
        return told("pinned")
    for candidate in enclosed[:MAX_ENCLOSED]:
        if is_named(candidate):
            return told("enclosed", *_delegation_faults(candidate, issuer, nocheck_needed=nocheck_needed, now=now))
    return told("unknown", "it is neither the issuer nor a certificate that the response encloses")


def _delegation_faults(
    delegate: Certificate, issuer: Certificate, *, nocheck_needed: bool, now: float
) -> Iterator[str]:
    """Why `issuer` did not delegate to this one. RFC 6960, section 4.2.2.2."""
    if not issued(delegate, issuer):
        yield "the certificate's issuer did not sign its certificate"
    found = {type(extension.value): extension.value for extension in delegate.extensions}
    usages, constraints = found.get(x509.ExtendedKeyUsage), found.get(x509.BasicConstraints)
    key_usage = found.get(x509.KeyUsage)
    if not isinstance(usages, x509.ExtendedKeyUsage) or ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
        yield "its certificate is not for OCSP signing (extended key usage OCSPSigning)"
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        yield "its certificate is a CA's"
    if isinstance(key_usage, x509.KeyUsage) and not key_usage.digital_signature:
        yield "its key usage lacks digitalSignature"
    if nocheck_needed and x509.OCSPNoCheck not in found:
        yield "its certificate lacks nocheck (id-pkix-ocsp-nocheck), so its own revocation can't be known"
    begins, ends = delegate.not_valid_before_utc.timestamp(), delegate.not_valid_after_utc.timestamp()
    if now < begins:
        yield f"its certificate is valid only from {moment(begins)}"
    if now > ends:
        yield f"its certificate expired at {moment(ends)}"
