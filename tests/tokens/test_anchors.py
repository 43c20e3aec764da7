"""The authorities of a policy: what can be an anchor, and why something can not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from policyjwt.errors import KeyRefused
from policyjwt.tokens.certificate_path import Anchors
from tests.pki import authority, party, pki, usage
from tests.tokens.chains import (
    BASIC,
)

P = pki()
STRANGER = authority("Stranger")


def refused_anchors(*files: bytes) -> tuple[str, str]:
    with pytest.raises(KeyRefused) as caught:
        Anchors.from_pem(*files)
    assert "geheim" not in f"{caught.value} {caught.value.help}"
    return caught.value.code, caught.value.message


def test_anchors() -> None:
    other = authority("Other")
    anchors = Anchors.from_pem(P.root.pem + other.pem, P.root.pem)
    assert anchors.certificates == (P.root.certificate, other.certificate)
    assert repr(anchors) == "<Anchors: 2>"
    with pytest.raises(AttributeError, match="do not change"):
        anchors._certificates = ()
    with pytest.raises(TypeError, match="from_pem"):
        Anchors()
    with pytest.raises(TypeError, match="bytes"):
        Anchors.from_pem("-----BEGIN CERTIFICATE-----")  # type: ignore[arg-type]


NOT_AUTHORITY = "is no authority: it lacks `CA:TRUE` in its basic constraints or keyCertSign in its key usage"
ONLY = "a file that holds something other than certificates in PEM"
ANCHORS: dict[str, tuple[Callable[[], tuple[bytes, ...]], str, str]] = {
    "none": (lambda: (), "key.malformed", "no certificate of an authority"),
    "empty": (lambda: (b"",), "key.malformed", ONLY),
    "one of two empty": (lambda: (P.root.pem, b""), "key.malformed", ONLY),
    "DER": (lambda: (P.root.der,), "key.malformed", ONLY),
    "not closed": (lambda: (P.root.pem[:-30],), "key.malformed", "a certificate that can't be read"),
    "second not closed": (lambda: (P.root.pem + STRANGER.pem[:-30],), "key.malformed", ""),
    "nonsense": (
        lambda: (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",),
        "key.malformed",
        "a certificate that can't be read",
    ),
    "a public key": (lambda: (P.root.pem + b"-----BEGIN PUBLIC KEY-----",), "key.malformed", ONLY),
    "a private key": (
        lambda: (P.root.pem + b"-----BEGIN EC PRIVATE KEY-----",),
        "key.private_in_public_set",
        "a private key among the anchors",
    ),
    "too large": (lambda: (b" " * (512 * 1024 + 1),), "key.malformed", "a PEM file of more than 524288 bytes"),
    "too many": (
        lambda: (b"-----BEGIN CERTIFICATE-----" * 257,),
        "key.malformed",
        "a PEM file of 257 certificates, where at most 256 are read",
    ),
    "a leaf": (lambda: (P.leaf.pem,), "key.usage", f"the anchor {NOT_AUTHORITY}"),
    "a leaf among others": (lambda: (P.root.pem, P.leaf.pem), "key.usage", f"anchor 2 of 2 {NOT_AUTHORITY}"),
    "no extension": (lambda: (party("x", identifiers=False).pem,), "key.usage", f"the anchor {NOT_AUTHORITY}"),
    "no key usage": (lambda: (party("x", extensions=[BASIC]).pem,), "key.usage", f"the anchor {NOT_AUTHORITY}"),
    "no signing": (
        lambda: (party("x", extensions=[BASIC, (usage("crl_sign"), True)]).pem,),
        "key.usage",
        f"the anchor {NOT_AUTHORITY}",
    ),
    "Ed25519": (
        lambda: (authority("x", private=ed25519.Ed25519PrivateKey.generate()).pem,),
        "key.usage",
        "the anchor has a key of a kind for which no path is verified; RSA and EC are",
    ),
    "secp256k1": (
        lambda: (authority("x", private=ec.generate_private_key(ec.SECP256K1())).pem,),
        "key.usage",
        "the anchor has an EC key of a curve that no algorithm of the table has",
    ),
    "RSA-1024": (
        lambda: (authority("x", private=rsa.generate_private_key(65537, 1024)).pem,),
        "key.weak",
        "the anchor has an RSA key of 1024 bits, where at least 2048 are needed",
    ),
}


@pytest.mark.parametrize(("make", "code", "message"), ANCHORS.values(), ids=ANCHORS.keys())
def test_unfit_anchors(make: Callable[[], tuple[bytes, ...]], code: str, message: str) -> None:
    found = refused_anchors(*make())
    assert found[0] == code
    assert found[1] == message or not message


def test_an_anchor_whose_dates_no_calendar_has() -> None:
    from policyjwt.tokens import anchors

    class Odd:
        """A certificate of the year 0, as one of BoringSSL's vectors has it."""

        extensions = P.root.certificate.extensions
        subject = P.root.certificate.subject

        def public_key(self) -> object:
            return P.root.certificate.public_key()

        @property
        def not_valid_before_utc(self) -> object:
            raise ValueError("geheim")

    odd: Any = Odd()
    with pytest.raises(KeyRefused) as caught:
        anchors._check(odd, "the anchor")
    assert (caught.value.code, caught.value.message) == ("key.malformed", "the anchor can't be read")
