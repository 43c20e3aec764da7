"""Why there is no path. Input: certificates that `cryptography` refused. Output: one phrase of ours.

It decides nothing: whatever is found or not, the token is refused. So it looks for what can be told for sure
and without quoting a certificate, the most frequent first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate

from policyjwt.errors import TokenRefused
from policyjwt.spans import span
from policyjwt.tokens import x5c_messages
from policyjwt.tokens.certificate_facts import extension
from policyjwt.tokens.limits import MIN_RSA_BITS
from policyjwt.tokens.path_checks import compares
from policyjwt.tokens.x5c import guarded, place

_UNDERSTOOD: Final = frozenset({"2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.37"})
"""Extensions that may be critical: key usage, alternative name, basic and name constraints, extended key usage."""

_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_RSA: Final = tuple(f"1.2.840.113549.1.1.{n}" for n in (10, 11, 12, 13))
_ECDSA: Final = tuple(f"1.2.840.10045.4.3.{n}" for n in (2, 3, 4))
_SIGNATURES: Final = frozenset({*_RSA, *_ECDSA})
"""RSA (PKCS#1 v1.5 and PSS) and ECDSA with SHA-256, SHA-384, SHA-512."""


def fault_of(certificates: Sequence[Certificate], anchors: Sequence[Certificate], *, now: float) -> str:
    """What is wrong with the path from the first of `certificates` to an anchor."""
    above = [each for each in anchors if any(each.subject == below.issuer for below in certificates)]
    named = [
        *((place(number), each) for number, each in enumerate(certificates)),
        *(("the anchor", each) for each in above if each not in certificates),
    ]
    return (
        next((fault for where, each in named if (fault := _dates(each, where, now=now))), None)
        or _leaf(certificates[0])
        or next((fault for where, each in named[1:] if (fault := _authority(each, where))), None)
        or next((fault for where, each in named if (fault := _any(each, where, is_anchor=each in anchors))), None)
        or _path(certificates, above)
        or "the certificates form no valid path to an anchor"
    )


def _dates(certificate: Certificate, where: str, *, now: float) -> str | None:
    begins, ends = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    if now > ends:  # check: P2
        return f"{where} expired {span(now - ends)} ago"
    if now < begins:  # check: P2
        return f"{where} is not valid for another {span(begins - now)}"
    return None


def _leaf(leaf: Certificate) -> str | None:
    constraints, usage = extension(leaf, x509.BasicConstraints), extension(leaf, x509.KeyUsage)
    if constraints is not None and constraints.ca:  # check: P4
        return "the signer's certificate is that of an authority"
    if usage is not None and usage.key_cert_sign:  # check: P4
        return "the signer's certificate may sign certificates, and is none of an authority"
    if extension(leaf, x509.NameConstraints) is not None:  # check: P7
        return "the signer's certificate has name constraints, which only authorities have"
    if extension(leaf, x509.AuthorityKeyIdentifier) is None:
        return "the signer's certificate lacks the authority key identifier"
    return None


def _authority(certificate: Certificate, where: str) -> str | None:
    constraints, usage = extension(certificate, x509.BasicConstraints), extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca:  # check: P6
        return f"{where} is no authority by its basic constraints"
    if not any(each.critical and isinstance(each.value, x509.BasicConstraints) for each in certificate.extensions):
        return f"{where} has basic constraints that are not critical"
    if usage is None or not usage.key_cert_sign:  # check: P6
        return f"{where} may not sign certificates by its key usage"
    return None


def _any(certificate: Certificate, where: str, *, is_anchor: bool) -> str | None:
    if any(each.critical and each.oid.dotted_string not in _UNDERSTOOD for each in certificate.extensions):  # check: P7
        return f"{where} has a critical extension that is not understood"
    if not is_anchor and certificate.signature_algorithm_oid.dotted_string not in _SIGNATURES:
        return f"{where} is signed with an algorithm that is not taken: RSA or ECDSA with SHA-256 or longer are"
    public = certificate.public_key()
    if isinstance(public, RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        return f"{where} has an RSA key of {public.key_size} bits, where at least {MIN_RSA_BITS} are needed"
    if isinstance(public, EllipticCurvePublicKey) and public.curve.name not in _CURVES:
        return f"{where} has an EC key of a curve that is not taken"
    return None


def _path(certificates: Sequence[Certificate], above: Sequence[Certificate]) -> str | None:
    if not above:  # check: P1
        return "no path leads to an anchor: none has the name of an issuer in `x5c`"
    for number, (below, issuer) in enumerate(pairwise(certificates)):
        if not has_issued(issuer, below):  # check: P1
            return f"{place(number + 1)} did not sign the one before it"
    if not any(each in certificates or _has_issued_one(each, certificates) for each in above):  # check: P1
        return "no path leads to an anchor: the one of that name did not sign"
    authorities = [*certificates[1:], *(each for each in above if each not in certificates)]
    return _too_long(authorities) or _constrained(authorities)


def _too_long(authorities: Sequence[Certificate]) -> str | None:
    """Self-issued ones are counted too, as the library and most others do (RFC 5280, section 4.2.1.9, does not)."""
    for number, each in enumerate(authorities):
        constraints = extension(each, x509.BasicConstraints)
        if constraints is None or constraints.path_length is None:
            continue
        if number > constraints.path_length:  # check: P6
            return f"an authority allows {constraints.path_length} authorities below itself, and {number} are there"
    return None


def _constrained(authorities: Sequence[Certificate]) -> str | None:
    found = [constraints for each in authorities if (constraints := extension(each, x509.NameConstraints))]
    if any(not compares(constraints) for constraints in found):  # check: P7
        return "an authority has name constraints of a kind that is not compared"
    return "a name is outside the name constraints of an authority" if found else None


def _has_issued_one(anchor: Certificate, certificates: Sequence[Certificate]) -> bool:
    return any(each.issuer == anchor.subject and has_issued(anchor, each) for each in certificates)


def has_issued(issuer: Certificate, subject: Certificate) -> bool:
    """Whether the key of one verifies the other. No verification, for whatever reason, is "no"."""
    try:
        guarded(
            lambda: subject.verify_directly_issued_by(issuer), lambda: x5c_messages.path_invalid(actual="not verified")
        )
    except TokenRefused:
        return False
    return True
