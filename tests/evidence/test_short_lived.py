"""Short-lived certificates: noRevAvail, as RFC 9608 has it, and a lifetime with a limit."""

from __future__ import annotations

import math

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from policyjwt.errors import TokenRefused
from policyjwt.evidence.short_lived import check_short_lived
from tests.issuer import NOW
from tests.pki import DAY, party, pki, usage

HOUR = 3600
NULL = b"\x05\x00"
Extensions = list[tuple[x509.ExtensionType, bool]]


def marker(value: bytes = NULL) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), value)


def access(method: x509.ObjectIdentifier) -> x509.AuthorityInformationAccess:
    place = x509.UniformResourceIdentifier("https://ca.example/")
    return x509.AuthorityInformationAccess([x509.AccessDescription(method, place)])


POINT = x509.DistributionPoint([x509.UniformResourceIdentifier("https://ca.example/1.crl")], None, None, None)


def short(extensions: Extensions, *, lives: float = HOUR) -> x509.Certificate:
    usual: Extensions = [(usage("digital_signature"), True)]
    made = party("short", pki().intermediate, extensions=usual + extensions, begins=NOW, ends=NOW + lives)
    return made.certificate


def refusal(leaf: x509.Certificate, most: float = HOUR) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        check_short_lived(leaf, most=most)
    assert caught.value.code == "x5c.not_short_lived"
    return caught.value


@pytest.mark.parametrize(
    ("lives", "most", "accepted"),
    [
        (HOUR - 1, HOUR, True),
        (HOUR, HOUR, True),
        (HOUR + 1, HOUR, False),
        (DAY, DAY, True),
        (DAY + 1, DAY, False),
        (HOUR, math.nan, False),
        (1, 0, False),
        (0, 0, True),
    ],
)
def test_the_lifetime_has_a_limit(lives: float, most: float, *, accepted: bool) -> None:
    leaf = short([(marker(), False)], lives=lives)
    if accepted:
        check_short_lived(leaf, most=most)
        assert leaf.not_valid_after_utc.timestamp() - leaf.not_valid_before_utc.timestamp() <= most
    else:
        assert refusal(leaf, most).actual.startswith("the certificate of the signer is valid for ")


def test_the_refusal_says_how_long_and_how_long_at_most() -> None:
    refused = refusal(short([(marker(), False)], lives=DAY + 60), DAY)
    assert refused.actual == "the certificate of the signer is valid for 1d 1m in all"
    assert refused.expected == "a certificate with noRevAvail that is valid for at most 1d in all"


def test_without_the_mark_a_short_life_is_not_enough() -> None:
    assert refusal(short([])).actual == "the certificate of the signer has no noRevAvail"
    assert refusal(pki().leaf.certificate, 365 * DAY).actual == "the certificate of the signer has no noRevAvail"


@pytest.mark.parametrize(
    ("value", "critical"),
    [(NULL, True), (b"", False), (b"\x01\x01\xff", False), (b"\x05\x01\x00", False), (NULL + NULL, False)],
)
def test_a_mark_of_another_form(value: bytes, *, critical: bool) -> None:
    refused = refusal(short([(marker(value), critical)]))
    assert refused.actual == "noRevAvail of the signer's certificate is not as RFC 9608 defines it"


@pytest.mark.parametrize(
    "pointer",
    [
        x509.CRLDistributionPoints([POINT]),
        x509.FreshestCRL([POINT]),
        access(AuthorityInformationAccessOID.OCSP),
    ],
)
def test_a_mark_beside_a_pointer_to_revocation(pointer: x509.ExtensionType) -> None:
    for extensions in ([(marker(), False), (pointer, False)], [(pointer, False), (marker(), False)]):
        refused = refusal(short(extensions))
        assert refused.actual == "the certificate has noRevAvail and also says where its revocation is"


def test_a_pointer_to_the_issuers_certificate_is_no_contradiction() -> None:
    leaf = short([(marker(), False), (access(AuthorityInformationAccessOID.CA_ISSUERS), False)])
    check_short_lived(leaf, most=HOUR)
    assert len(leaf.extensions) == 5


def test_extensions_that_can_not_be_read() -> None:
    class Unreadable:
        @property
        def extensions(self) -> None:
            raise ValueError("no")

    with pytest.raises(TokenRefused) as caught:
        check_short_lived(Unreadable(), most=HOUR)  # type: ignore[arg-type]
    assert caught.value.actual == "the extensions of the signer's certificate can't be read"
