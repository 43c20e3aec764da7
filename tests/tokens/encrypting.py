"""Encrypted tokens for tests: minted by joserfc, by jwcrypto, and put together by hand, so that each part can be wrong.

What is made by hand is made with `cryptography` directly and shares no code with the package.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.padding import PKCS7

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens import decryption, decryption_key
from policyjwt.tokens.decryption_key import DecryptionKey
from policyjwt.tokens.decryption_keyset import DecryptionKeySet
from policyjwt.tokens.encryption import CONTENT, KEY_MANAGEMENT
from tests.tokens.minting import b64, number

CURVES: Mapping[str, Any] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
FIELD_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66, "X25519": 32}
CEK_BYTES = {
    **{"A128GCM": 16, "A192GCM": 24, "A256GCM": 32},
    **{"A128CBC-HS256": 32, "A192CBC-HS384": 48, "A256CBC-HS512": 64},
}
PLAINTEXT = b"geheimnis: what is inside"

Jwk = dict[str, Any]


# --- keys -------------------------------------------------------------------------------------------------


def pairs() -> list[tuple[str, str, str | None]]:
    """Every key management with every content encryption, on every curve."""
    return [
        (alg, enc, curve)
        for alg in KEY_MANAGEMENT
        for enc in CONTENT
        for curve in (FIELD_BYTES if alg.startswith("ECDH") else (None,))
    ]


def private(alg: str, enc: str = "A256GCM", curve: str | None = None, *, other: int = 0) -> Any:
    """The private key of tests for `alg`: an object of `cryptography`, or bytes."""
    return _private(alg, enc if alg == "dir" else "", curve or ("P-256" if alg.startswith("ECDH") else None), other)


@cache
def _private(alg: str, enc: str, curve: str | None, other: int) -> Any:
    assert other >= 0
    if alg.startswith("RSA"):
        return _rsa(other)
    if curve == "X25519":
        return x25519.X25519PrivateKey.generate()
    if curve is not None:
        return ec.generate_private_key(CURVES[curve])
    return os.urandom(CEK_BYTES[enc] if alg == "dir" else int(alg[1:4]) // 8)


@cache
def _rsa(other: int) -> rsa.RSAPrivateKey:
    assert other >= 0
    return rsa.generate_private_key(65537, 2048)


def public_jwk(key: Any) -> Jwk:
    if isinstance(key, bytes):
        return {"kty": "oct", "k": b64(key)}
    public = key.public_key() if hasattr(key, "public_key") else key
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": b64(number(numbers.n)), "e": b64(number(numbers.e))}
    if isinstance(public, x25519.X25519PublicKey):
        return {"kty": "OKP", "crv": "X25519", "x": b64(public.public_bytes_raw())}
    size, point = (public.key_size + 7) // 8, public.public_numbers()
    x, y = (b64(value.to_bytes(size, "big")) for value in (point.x, point.y))
    return {"kty": "EC", "crv": {256: "P-256", 384: "P-384", 521: "P-521"}[public.key_size], "x": x, "y": y}


def private_jwk(key: Any, **members: object) -> Jwk:
    """The JWK with its private members; `members` stand in the place of its own."""
    return {**public_jwk(key), **_private_members(key), **members}


def _private_members(key: Any) -> Jwk:
    if isinstance(key, bytes):
        return {}
    if isinstance(key, x25519.X25519PrivateKey):
        return {"d": b64(key.private_bytes_raw())}
    numbers = key.private_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        named = {"d": "d", "p": "p", "q": "q", "dp": "dmp1", "dq": "dmq1", "qi": "iqmp"}
        return {name: b64(number(getattr(numbers, member))) for name, member in named.items()}
    return {"d": b64(numbers.private_value.to_bytes((key.key_size + 7) // 8, "big"))}


def loaded(key: Any, **named: Any) -> DecryptionKey:
    """The DecryptionKey of a private object or of bytes."""
    if isinstance(key, bytes):
        return decryption_key.from_secret(key, **named)
    return decryption_key.from_private_key(key, **named)


def keys(*several: Any) -> DecryptionKeySet:
    return DecryptionKeySet(tuple(key if isinstance(key, DecryptionKey) else loaded(key) for key in several))


# --- minted by libraries ----------------------------------------------------------------------------------


def by_joserfc(key: Any, header: Mapping[str, object], plaintext: bytes = PLAINTEXT) -> str:
    from joserfc import jwe
    from joserfc.jwk import import_key

    registry = jwe.JWERegistry(algorithms=[str(header["alg"]), str(header["enc"]), "DEF"], strict_check_header=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it thinks of algorithms
        return jwe.encrypt_compact(dict(header), plaintext, import_key(public_jwk(key)), registry=registry)


def by_jwcrypto(key: Any, header: Mapping[str, object], plaintext: bytes = PLAINTEXT) -> str:
    from jwcrypto import jwe, jwk

    made = jwe.JWE(plaintext, json.dumps(header), algs=[header["alg"], header["enc"]])
    made.add_recipient(jwk.JWK(**public_jwk(key)))
    text: str = made.serialize(compact=True)
    return text


# --- made by hand -----------------------------------------------------------------------------------------


def sealed(
    header: Mapping[str, object] | bytes,
    cek: bytes,
    *,
    encrypted_key: bytes = b"",
    plaintext: bytes = PLAINTEXT,
    enc: str | None = None,
    iv: bytes | None = None,
) -> str:
    """A token with a right tag under `cek`, whatever the rest is."""
    raw = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    name = enc or (str(header["enc"]) if not isinstance(header, bytes) else "A256GCM")
    aad = b64(raw).encode()
    if "CBC" in name:
        iv = os.urandom(16) if iv is None else iv
        ciphertext, tag = _cbc_hmac(cek, iv, plaintext, aad, name)
    else:
        iv = os.urandom(12) if iv is None else iv
        both = AESGCM(cek).encrypt(iv, plaintext, aad)
        ciphertext, tag = both[:-16], both[-16:]
    return ".".join([aad.decode(), b64(encrypted_key), b64(iv), b64(ciphertext), b64(tag)])


def _cbc_hmac(cek: bytes, iv: bytes, plaintext: bytes, aad: bytes, enc: str) -> tuple[bytes, bytes]:
    half = len(cek) // 2
    pad = PKCS7(128).padder()
    encryptor = Cipher(AES(cek[half:]), CBC(iv)).encryptor()
    ciphertext = encryptor.update(pad.update(plaintext) + pad.finalize()) + encryptor.finalize()
    return ciphertext, mac(cek, iv, ciphertext, aad, enc)


def mac(cek: bytes, iv: bytes, ciphertext: bytes, aad: bytes, enc: str) -> bytes:
    """RFC 7518, section 5.2.2.1, step 5."""
    half = len(cek) // 2
    data = aad + iv + ciphertext + struct.pack(">Q", len(aad) * 8)
    return hmac.new(cek[:half], data, getattr(hashlib, f"sha{enc[-3:]}")).digest()[:half]


def derived(shared: bytes, *, alg: str, enc: str) -> bytes:
    """RFC 7518, section 4.6.2, without `apu` and `apv`."""
    name, size = (enc, CEK_BYTES[enc]) if alg == "ECDH-ES" else (alg, int(alg[9:12]) // 8)
    info = struct.pack(">I", len(name)) + name.encode() + bytes(8) + struct.pack(">I", size * 8)
    return ConcatKDFHash(hashes.SHA256(), size, info).derive(shared)


def to_oaep(key: rsa.RSAPrivateKey, cek: bytes, *, hash256: bool = True) -> bytes:
    digest = hashes.SHA256() if hash256 else hashes.SHA1()
    return key.public_key().encrypt(cek, padding.OAEP(padding.MGF1(digest), digest, None))


def wrapped(kek: bytes, cek: bytes) -> bytes:
    return keywrap.aes_key_wrap(kek, cek)


def deflated(data: bytes, *, wbits: int = -15) -> bytes:
    made = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return made.compress(data) + made.flush()


def changed(token: str, part: int, change: Callable[[bytes], bytes]) -> str:
    """The token with one part changed, as bytes."""
    import base64

    parts = token.split(".")
    decoded = base64.urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4))
    parts[part] = b64(change(decoded))
    return ".".join(parts)


def with_header(token: str, **members: object) -> str:
    """The token with other members in its header; the tag is no longer right. None takes a member away."""

    def change(raw: bytes) -> bytes:
        header = {**json.loads(raw), **members}
        kept = {name: value for name, value in header.items() if value is not None}
        return json.dumps(kept, separators=(",", ":")).encode()

    return changed(token, 0, change)


# --- what comes of it -------------------------------------------------------------------------------------


def opened(token: Any, key: Any, *, alg: str | None = None, enc: str | None = None) -> bytes:
    """The plaintext. Without `alg` and `enc` everything of the tables is allowed."""
    held = key if isinstance(key, DecryptionKeySet) else keys(key)
    algorithms = list(KEY_MANAGEMENT) if alg is None else [alg]
    return decryption.decrypt(token, held, algorithms, list(CONTENT) if enc is None else [enc]).plaintext


def refused(token: Any, key: Any, **named: Any) -> TokenRefused:
    """The refusal; it fails where the token is decrypted, or anything else is raised."""
    with pytest.raises(TokenRefused) as caught:
        opened(token, key, **named)
    return caught.value


def code(token: Any, key: Any, **named: Any) -> str:
    return refused(token, key, **named).code


def key_code(make: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(KeyRefused) as caught:
        make(*arguments, **named)
    return caught.value.code
