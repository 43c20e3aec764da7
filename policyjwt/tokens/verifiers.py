"""Prepared verification. Input: key material and an algorithm.

Output: a function (signing input, signature) -> bool.

This is the fail-closed border to `cryptography` and `hashlib`: a wrong signature is False, whatever else
they raise is TokenRefused `internal.verification`, and True comes only from a check that ended normally.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from hmac import compare_digest
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from policyjwt.tokens import messages
from policyjwt.tokens.algorithms import Algorithm

Verifier: TypeAlias = Callable[[bytes, bytes], bool]
PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_ED25519_SIGNATURE: Final = 64
_ED448_SIGNATURE: Final = 114


def for_secret(secret: bytes, algorithm: Algorithm) -> Verifier:
    """HMAC (RFC 2104), both keyed states prepared: a token costs two copies, not two more hash blocks."""
    inner, outer = (hashlib.new(algorithm.hash) for _ in range(2))
    block = inner.block_size
    key = secret if len(secret) <= block else hashlib.new(algorithm.hash, secret).digest()
    key = key.ljust(block, b"\0")
    inner.update(bytes(byte ^ 0x36 for byte in key))
    outer.update(bytes(byte ^ 0x5C for byte in key))

    def verify(signing_input: bytes, signature: bytes) -> bool:
        try:
            message = inner.copy()
            message.update(signing_input)
            tag = outer.copy()
            tag.update(message.digest())
            return compare_digest(tag.digest(), signature)  # over the full length, in constant time
        except Exception:  # noqa: BLE001 - fail-closed border, see above
            raise messages.verification_failed() from None

    return verify


def for_public_key(key: PublicKey, algorithm: Algorithm) -> Verifier:
    """The check of RFC 7518, sections 3.3 to 3.5, RFC 8037 or RFC 9864.

    `algorithm` fits the key: the caller knows.
    """
    if isinstance(key, RSAPublicKey):
        return _rsa(key, algorithm)
    if isinstance(key, EllipticCurvePublicKey):
        return _ecdsa(key, algorithm)
    length = _ED25519_SIGNATURE if isinstance(key, Ed25519PublicKey) else _ED448_SIGNATURE
    return _guarded(key.verify, length)


def _rsa(key: RSAPublicKey, algorithm: Algorithm) -> Verifier:
    digest = _HASHES[algorithm.hash]()
    pad: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.padding == "PSS":  # RFC 7518, section 3.5: the salt is as long as the hash, and MGF1 uses that hash
        pad = padding.PSS(mgf=padding.MGF1(digest), salt_length=algorithm.hash_bytes)

    def check(signature: bytes, signing_input: bytes) -> None:
        key.verify(signature, signing_input, pad, digest)

    return _guarded(check, (key.key_size + 7) // 8)


def _ecdsa(key: EllipticCurvePublicKey, algorithm: Algorithm) -> Verifier:
    scheme = ECDSA(_HASHES[algorithm.hash]())
    half = (key.key_size + 7) // 8

    def check(signature: bytes, signing_input: bytes) -> None:
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        key.verify(encode_dss_signature(r, s), signing_input, scheme)  # r or s of 0 or beyond the order: refused

    return _guarded(check, 2 * half)


def _guarded(check: Callable[[bytes, bytes], None], length: int) -> Verifier:
    """`check(signature, signing_input)` as a Verifier; a signature has exactly `length` bytes."""

    def verify(signing_input: bytes, signature: bytes) -> bool:
        if len(signature) != length:  # check: J10
            return False
        try:
            check(signature, signing_input)
        except InvalidSignature:
            return False
        except Exception:  # noqa: BLE001 - fail-closed border, see above
            raise messages.verification_failed() from None
        return True

    return verify
