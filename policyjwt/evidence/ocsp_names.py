"""How OCSP names whoever issues certificates or signs responses. Input: a certificate, a hash. Output: two hashes.

RFC 6960, sections 4.1.1 and 4.2.1: of the subject's name, and of the bits of its key. Nothing is judged here.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.x509 import Certificate, SubjectKeyIdentifier
from cryptography.x509.ocsp import OCSPRequestBuilder

HASHES: Final[dict[str, HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - it identifies and signs nothing (RFC 5019, section 2.1.1)
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
"""By their names in `cryptography`: those that are read."""


class Identity(NamedTuple):
    """Of one certificate, by one hash."""

    name_hash: bytes
    key_hash: bytes


# Authorities and their responders are few. What is kept here is arithmetic on a certificate that counts whole: it says
# nothing of whether anything may be believed.


@lru_cache(maxsize=64)
def identity(certificate: Certificate, algorithm: str) -> Identity:
    """How `certificate` is named by a hash of HASHES, as the issuer of others. KeyError for another hash."""
    request = OCSPRequestBuilder().add_certificate(certificate, certificate, HASHES[algorithm]).build()
    # The name in this request is that of the issuer's own issuer.
    name = hashlib.new(algorithm, certificate.subject.public_bytes(), usedforsecurity=False).digest()
    return Identity(name, request.issuer_key_hash)


@lru_cache(maxsize=64)
def key_of(certificate: Certificate) -> tuple[bytes, CertificatePublicKeyTypes]:
    """The key of `certificate`: its SHA-1 (as in RFC 5280, section 4.2.1.2, (1)), and itself."""
    public = certificate.public_key()
    return SubjectKeyIdentifier.from_public_key(public).digest, public
