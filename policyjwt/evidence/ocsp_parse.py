"""Reading of OCSP responses. Input: bytes. Output: Facts, plain data, nothing of it believed yet; or TokenRefused.

All that `cryptography` may raise on foreign bytes it raises here: its accessors read lazily, so each is read once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, Extensions, Name, ocsp
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponse, OCSPSingleResponse

from policyjwt.errors import TokenRefused
from policyjwt.evidence import staple_messages as messages
from policyjwt.evidence.ocsp_model import MAX_RESPONSE_BYTES
from policyjwt.evidence.ocsp_names import HASHES

_NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
"""RFC 9654: an answer to a request's nonce. It binds nothing here, and may be critical."""

_STATUS: Final = {
    1: "malformed request",
    2: "internal error",
    3: "try later",
    5: "signature required",
    6: "unauthorized",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Facts:
    """What a response with one answer says. `hash` is None where the certificate is named by a hash not read here."""

    status: OCSPCertStatus
    serial_number: int
    hash: str | None
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    this_update: float
    next_update: float | None
    produced_at: float
    critical_unknown: bool
    responder_name: Name | None
    responder_key_hash: bytes | None
    certificates: tuple[Certificate, ...]
    algorithm: str
    signature: bytes
    signed: bytes


def parse(der: bytes) -> Facts:
    """The facts of one response. TokenRefused `staple.malformed`, `too_large`, `unsuccessful`, `multiple_responses`."""
    if len(der) > MAX_RESPONSE_BYTES:  # check: S3
        raise messages.too_large(limit=MAX_RESPONSE_BYTES)
    try:
        response = ocsp.load_der_ocsp_response(der)
        status = response.response_status
        again = response.public_bytes(Encoding.DER)
        answers = tuple(response.responses) if status is ocsp.OCSPResponseStatus.SUCCESSFUL else ()
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise _unreadable() from None
    if again != der:  # check: S4
        raise messages.malformed(actual="an OCSP response that is not in its one spelling")
    if status is not ocsp.OCSPResponseStatus.SUCCESSFUL:  # check: S5
        raise messages.unsuccessful(status=_STATUS.get(status.value, "one that is not known"))
    # RFC 5019, section 2.2.1. `cryptography` shows the extensions of an answer only where it is the one.
    if len(answers) != 1:  # check: S17
        raise messages.multiple_responses(count=len(answers))
    try:
        facts = _facts(response, answers[0])
    except Exception:  # noqa: BLE001 - fail-closed border: as above, and times that no calendar has
        raise _unreadable() from None
    if not _has_whole_signature(der, facts):  # check: S4
        raise messages.malformed(actual="an OCSP response whose signature has unused bits")
    return facts


def _has_whole_signature(der: bytes, facts: Facts) -> bool:
    """Whether all bits of the signature count. Nothing signs the octet that says so, and `cryptography` passes over it.

    Behind what is signed stand the algorithm and then the signature, whose first octet it is (X.690, section 8.6.2).
    """
    _, algorithm_ends = _content(der, der.index(facts.signed) + len(facts.signed))
    starts, _ = _content(der, algorithm_ends)
    return der[starts] == 0


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` starts and ends. The element is known to be well-formed."""
    size = der[at + 1]
    starts = at + 2
    if size & 0x80:
        starts += size & 0x7F
        size = int.from_bytes(der[at + 2 : starts], "big")
    return starts, starts + size


def _facts(response: OCSPResponse, answer: OCSPSingleResponse) -> Facts:
    next_update = answer.next_update_utc
    return Facts(
        status=answer.certificate_status,
        serial_number=answer.serial_number,
        hash=_hash(answer),
        issuer_name_hash=answer.issuer_name_hash,
        issuer_key_hash=answer.issuer_key_hash,
        this_update=answer.this_update_utc.timestamp(),
        next_update=None if next_update is None else next_update.timestamp(),
        produced_at=response.produced_at_utc.timestamp(),
        critical_unknown=_critical_unknown(response.extensions) or _critical_unknown(response.single_extensions),
        responder_name=response.responder_name,
        responder_key_hash=response.responder_key_hash,
        certificates=tuple(response.certificates),
        algorithm=response.signature_algorithm_oid.dotted_string,
        signature=response.signature,
        signed=response.tbs_response_bytes,
    )


def _hash(answer: OCSPSingleResponse) -> str | None:
    """How the issuer's name and key are named."""
    try:
        algorithm = answer.hash_algorithm.name
    except UnsupportedAlgorithm:
        return None
    return algorithm if algorithm in HASHES else None


def _critical_unknown(extensions: Extensions) -> bool:
    return any(extension.critical and extension.oid.dotted_string != _NONCE for extension in extensions)


def _unreadable() -> TokenRefused:
    return messages.malformed(actual="bytes that can't be read as an OCSP response")
