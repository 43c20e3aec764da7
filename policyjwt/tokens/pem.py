"""Public keys and certificates in PEM. Input: the bytes of a file. Output: keys, or KeyRefused. RFC 7468.

A certificate is here a wrapping of its key and nothing more: neither its dates nor its issuer are judged.
Where they count, the policy says `keys x5c`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from policyjwt.errors import KeyRefused
from policyjwt.tokens import messages
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.key import Key, from_public_key
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES, MAX_KEYS

_LINE: Final = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 #]+)-----")
_RSA_PSS: Final = bytes.fromhex("06092a864886f70d01010a")
"""The OID of keys that are for PSS alone (RFC 4055), as it stands at the beginning of their DER."""

_BEGINNING: Final = 40
_PSS: Final = frozenset(row.name for row in ALGORITHMS.values() if row.padding == "PSS")


def read_entries(data: bytes, *, reference: str | None = None) -> tuple[Key | KeyRefused, ...]:
    """The blocks of `data`, each a key or why it is refused.

    KeyRefused where the text as a whole is no PEM.
    """
    if not isinstance(data, bytes):
        raise TypeError("PEM is bytes")
    if len(data) > MAX_KEY_SET_BYTES:
        raise messages.key_malformed(f"a PEM file of more than {MAX_KEY_SET_BYTES} bytes")
    if b"PRIVATE KEY-----" in data:  # check: K8
        raise messages.key_private("a PEM file with a private key where public ones belong")
    blocks = tuple(_blocks(data))
    if not blocks:
        raise messages.key_malformed("a file without any PEM block")
    if len(blocks) > MAX_KEYS:
        raise messages.key_malformed(f"a PEM file of {len(blocks)} blocks, where at most {MAX_KEYS} are read")
    return tuple(_entry(*block, number, len(blocks), reference) for number, block in enumerate(blocks, start=1))


def _blocks(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Label and text of each block; a block that is not closed, or closed by another label, is malformed."""
    lines = list(_LINE.finditer(data))
    if len(lines) % 2:
        raise messages.key_malformed("a PEM block that is not closed")
    for begin, end in zip(lines[::2], lines[1::2], strict=True):
        if (begin[1], end[1]) != (b"BEGIN", b"END") or begin[2] != end[2]:
            raise messages.key_malformed("a PEM block that is not closed")
        yield begin[2].decode("ascii"), data[begin.start() : end.end()] + b"\n"


def _entry(label: str, block: bytes, number: int, count: int, reference: str | None) -> Key | KeyRefused:
    try:
        return _key(label, block, reference)
    except KeyRefused as refused:
        if count == 1:
            return refused
        return KeyRefused(refused.code, f"block {number} of {count}: {refused.message}", help=refused.help)


def _key(label: str, block: bytes, reference: str | None) -> Key:
    if label == "CERTIFICATE":
        return _certificate_key(block, reference)
    if label not in ("PUBLIC KEY", "RSA PUBLIC KEY"):
        raise messages.key_malformed("a PEM block that is neither a public key nor a certificate")
    try:
        public = load_pem_public_key(block)
        der = b64decode(b"".join(block.splitlines()[1:-1]))
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise messages.key_malformed("a public key that can't be read") from None
    only_pss = _RSA_PSS in der[:_BEGINNING]
    return from_public_key(public, reference=reference, only=_PSS if only_pss else None)


def _certificate_key(block: bytes, reference: str | None) -> Key:
    from cryptography import x509  # heavy: only where there is a certificate

    try:
        certificate = x509.load_pem_x509_certificate(block)
        public = certificate.public_key()
        only_pss = certificate.public_key_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10"
        usage = [e.value for e in certificate.extensions if isinstance(e.value, x509.KeyUsage)]
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise messages.key_malformed("a certificate that can't be read") from None
    if usage and not (usage[0].digital_signature or usage[0].content_commitment):  # RFC 5280, section 4.2.1.3
        raise messages.key_usage("a certificate whose key usage does not allow signatures")
    return from_public_key(public, reference=reference, only=_PSS if only_pss else None)
