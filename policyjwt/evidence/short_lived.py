"""Short-lived certificates. Input: the leaf. Output: nothing, or TokenRefused `x5c.not_short_lived`.

RFC 9608: a certificate whose issuer publishes no revocation for it. What bounds the harm is its lifetime alone.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509 import Certificate
from cryptography.x509.oid import AuthorityInformationAccessOID

from policyjwt.errors import TokenRefused
from policyjwt.spans import duration, span

_NO_REV_AVAIL: Final = "2.5.29.56"
_NULL: Final = b"\x05\x00"


def not_short_lived(*, actual: str, most: float) -> TokenRefused:
    """RFC 9608, section 3."""
    return TokenRefused(
        "x5c.not_short_lived",
        actual=actual,
        expected=f"a certificate with noRevAvail that is valid for at most {duration(most)} in all",
        help="issue shorter certificates with noRevAvail, or answer `revocation` with a staple or a revocation list",
    )


def check_short_lived(leaf: Certificate, *, most: float) -> None:
    """TokenRefused unless the leaf says that it is never revoked, and lives for at most `most` seconds.

    From notBefore to notAfter as two instants: the last second counts as its first moment, for at no later one
    is the certificate accepted. So a CA that adds a day to now makes a certificate of one day.
    """
    marker, pointing = _revocation_extensions(leaf, most=most)
    if marker is None:  # check: S31
        raise not_short_lived(actual="the certificate of the signer has no noRevAvail", most=most)
    if marker != (False, _NULL):  # check: S31
        raise not_short_lived(actual="noRevAvail of the signer's certificate is not as RFC 9608 defines it", most=most)
    if pointing:  # check: S31
        raise not_short_lived(actual="the certificate has noRevAvail and also says where its revocation is", most=most)
    lifetime = (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds()
    if not lifetime <= most:  # check: S31
        raise not_short_lived(actual=f"the certificate of the signer is valid for {span(lifetime)} in all", most=most)


def _revocation_extensions(leaf: Certificate, *, most: float) -> tuple[tuple[bool, bytes] | None, bool]:
    """Criticality and value of noRevAvail, None where it is absent; and whether something points to revocation."""
    marker: tuple[bool, bytes] | None = None
    pointing = False
    try:
        for each in leaf.extensions:
            if each.oid.dotted_string == _NO_REV_AVAIL:
                marker = each.critical, each.value.public_bytes()
            elif isinstance(each.value, x509.CRLDistributionPoints | x509.FreshestCRL):
                pointing = True
            elif isinstance(each.value, x509.AuthorityInformationAccess):
                pointing |= any(one.access_method == AuthorityInformationAccessOID.OCSP for one in each.value)
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise not_short_lived(actual="the extensions of the signer's certificate can't be read", most=most) from None
    return marker, pointing
