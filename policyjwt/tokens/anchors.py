"""The authorities that a policy trusts. Input: PEM files. Output: Anchors, or KeyRefused.

RFC 7468; RFC 5280, section 6.1.1. What could never end a path is refused when it is loaded, not when the first
token comes.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificates
from cryptography.x509.verification import Store

from policyjwt.errors import KeyRefused
from policyjwt.tokens import x5c_messages
from policyjwt.tokens.certificate_facts import extension
from policyjwt.tokens.key import from_public_key
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES, MAX_KEYS

_BEGINNING: Final = b"-----BEGIN CERTIFICATE-----"


class Anchors:
    """Prepared authorities. Immutable; shows nothing of its contents."""

    __slots__ = ("_certificates", "_store")
    _certificates: tuple[Certificate, ...]
    _store: Store

    @classmethod
    def from_pem(cls, *files: bytes) -> Anchors:
        """The certificates of all files, each once.

        KeyRefused `key.malformed`, `key.private_in_public_set`, `key.usage` or `key.weak` where one can't be used.
        """
        found = tuple(dict.fromkeys(certificate for data in files for certificate in _read(data)))
        if not found:
            raise x5c_messages.anchors_malformed("no certificate of an authority")
        for number, certificate in enumerate(found, start=1):
            _check(certificate, "the anchor" if len(found) == 1 else f"anchor {number} of {len(found)}")
        made = object.__new__(cls)
        object.__setattr__(made, "_certificates", found)
        object.__setattr__(made, "_store", Store(list(found)))
        return made

    def __init__(self) -> None:
        raise TypeError("anchors are made by Anchors.from_pem")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("anchors do not change")

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """In the order of the files."""
        return self._certificates

    @property
    def store(self) -> Store:
        """The same, as `cryptography` takes them."""
        return self._store

    def __repr__(self) -> str:
        return f"<Anchors: {len(self._certificates)}>"


def _read(data: bytes) -> list[Certificate]:
    if not isinstance(data, bytes):
        raise TypeError("PEM is bytes")
    if len(data) > MAX_KEY_SET_BYTES:
        raise x5c_messages.anchors_malformed(f"a PEM file of more than {MAX_KEY_SET_BYTES} bytes")
    if b"PRIVATE KEY-----" in data:
        raise x5c_messages.anchors_private()
    blocks = data.count(b"-----BEGIN ")
    if not blocks or blocks != data.count(_BEGINNING):
        raise x5c_messages.anchors_malformed("a file that holds something other than certificates in PEM")
    if blocks > MAX_KEYS:
        raise x5c_messages.anchors_malformed(f"a PEM file of {blocks} certificates, where at most {MAX_KEYS} are read")
    try:
        certificates = load_pem_x509_certificates(data)
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise x5c_messages.anchors_malformed("a certificate that can't be read") from None
    if len(certificates) != blocks:  # one that is not closed is passed over by some readers
        raise x5c_messages.anchors_malformed("a PEM block that is not closed")
    return certificates


def _check(certificate: Certificate, which: str) -> None:
    try:
        constraints = extension(certificate, x509.BasicConstraints)
        usage = extension(certificate, x509.KeyUsage)
        public = certificate.public_key()
        _ = certificate.subject, certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise x5c_messages.anchors_malformed(f"{which} can't be read") from None
    if constraints is None or not constraints.ca or usage is None or not usage.key_cert_sign:
        raise x5c_messages.anchors_unfit(
            f"{which} is no authority: it lacks `CA:TRUE` in its basic constraints or keyCertSign in its key usage"
        )
    if not isinstance(public, RSAPublicKey | EllipticCurvePublicKey):
        raise x5c_messages.anchors_unfit(f"{which} has a key of a kind for which no path is verified; RSA and EC are")
    try:
        from_public_key(public)
    except KeyRefused as refused:
        if refused.code == "key.usage":
            raise x5c_messages.anchors_unfit(f"{which} has {refused.message}") from None
        raise x5c_messages.anchors_weak(f"{which} has {refused.message}") from None
