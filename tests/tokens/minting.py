"""An issuer for tests: keys made at run time, and tokens put together by hand, so that nothing hides what is signed.

It signs with `cryptography` and `hmac` directly and shares no code with the package.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens import KeySet, headers, verify
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.decode import UnverifiedToken, _apart
from policyjwt.tokens.signature import VerifiedToken, check_signature, kid_of

CLAIMS: dict[str, object] = {
    "iss": "https://issuer.example",
    "aud": "api",
    "sub": "s",
    "iat": 1_699_999_990,
    "nbf": 1_699_999_990,
    "exp": 1_700_000_060,
    "jti": "j1",
}
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
SECRET = b"a secret of tests, long enough for every hash: 0123456789 abcdefghij"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_json(value: object) -> bytes:
    """JSON bytes; bytes stay as they are, so that a test can send any."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True, eq=False)
class Signer:
    """A private key (or a secret) with the names that go with it."""

    alg: str
    private: Any
    kid: str | None = "e1"

    @property
    def public(self) -> Any:
        return self.private if isinstance(self.private, bytes) else self.private.public_key()

    def signature(self, data: bytes, alg: str | None = None) -> bytes:
        signed: bytes = self._signed(data, alg or self.alg)
        return signed

    def _signed(self, data: bytes, alg: str) -> Any:
        if isinstance(self.private, bytes):
            return hmac.new(self.private, data, f"sha{alg[2:]}").digest()
        if alg.startswith("RS"):
            return self.private.sign(data, padding.PKCS1v15(), HASHES[alg[2:]])
        if alg.startswith("PS"):
            digest = HASHES[alg[2:]]
            return self.private.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        if alg.startswith("ES"):
            size = (self.private.key_size + 7) // 8
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(HASHES[alg[2:]])))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return self.private.sign(data)

    def token(self, claims: object = None, header: object = None, *, alg: str | None = None, **members: object) -> str:
        """A token with a right signature over whatever it is given. `members` are added to the usual header."""
        if header is None:
            usual = {"alg": alg or self.alg, "kid": self.kid, "typ": "JWT"}
            header = {name: value for name, value in {**usual, **members}.items() if value is not None}
        signing_input = f"{b64(as_json(header))}.{b64(as_json(CLAIMS if claims is None else claims))}"
        return f"{signing_input}.{b64(self.signature(signing_input.encode(), alg))}"

    def jwk(self, **members: object) -> dict[str, object]:
        """The public JWK (of a secret the only one), with `kid` and `members`."""
        found = {"kid": self.kid, **_members(self.public), **members}
        return {name: value for name, value in found.items() if value is not None}

    def pem(self) -> bytes:
        public: bytes = self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return public

    @property
    def keys(self) -> KeySet:
        return _keys(self)


@cache
def _keys(one: Signer) -> KeySet:
    if isinstance(one.private, bytes):
        return KeySet.from_secret(one.private, kid=one.kid)
    return KeySet.from_jwks({"keys": [one.jwk()]})


def _members(public: Any) -> dict[str, object]:
    if isinstance(public, bytes):
        return {"kty": "oct", "k": b64(public)}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": b64(number(numbers.n)), "e": b64(number(numbers.e))}
    if isinstance(public, ec.EllipticCurvePublicKey):
        size, point = (public.key_size + 7) // 8, public.public_numbers()
        crv = {256: "P-256", 384: "P-384", 521: "P-521"}[public.key_size]
        crv = "secp256k1" if public.curve.name == "secp256k1" else crv
        x, y = (b64(value.to_bytes(size, "big")) for value in (point.x, point.y))
        return {"kty": "EC", "crv": crv, "x": x, "y": y}
    crv = "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else "Ed448"
    return {"kty": "OKP", "crv": crv, "x": b64(public.public_bytes_raw())}


def number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


@cache
def signer(alg: str, *, other: int = 0) -> Signer:
    """The key of tests for `alg`; `other` gives different ones. RSA keys are shared by their algorithms."""
    if alg.startswith("HS"):
        return Signer(alg, SECRET + bytes([48 + other]))
    if alg.startswith(("RS", "PS")):
        return Signer(alg, rsa_private(other=other))
    if alg.startswith("ES"):
        return Signer(alg, ec.generate_private_key(CURVES[alg]))
    if alg == "Ed448":
        return Signer(alg, ed448.Ed448PrivateKey.generate())
    return Signer(alg, ed25519.Ed25519PrivateKey.generate())


@cache
def rsa_private(*, bits: int = 2048, exponent: int = 65537, other: int = 0) -> rsa.RSAPrivateKey:
    assert other >= 0
    return rsa.generate_private_key(exponent, bits)


ALL = tuple(ALGORITHMS)


def accepted(token: str, keys: KeySet, algorithms: list[str]) -> VerifiedToken:
    return verify(token, keys, algorithms)


def refusal(token: Any, keys: KeySet, algorithms: list[str]) -> str:
    """The code with which it is refused; it fails where the token is accepted, or anything else is raised."""
    with pytest.raises(TokenRefused) as caught:
        verify(token, keys, algorithms)
    return caught.value.code


def key_refusal(make: Any, *arguments: Any, **named: Any) -> str:
    """The code with which a key is refused."""
    with pytest.raises(KeyRefused) as caught:
        make(*arguments, **named)
    return caught.value.code


def changed(jwk: Mapping[str, object], **members: object) -> dict[str, object]:
    return {**jwk, **members}


def thumbprint(jwk: Mapping[str, object]) -> str:
    """RFC 7638, written a second time."""
    names = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}[str(jwk["kty"])]
    text = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"), sort_keys=True)
    return b64(hashlib.sha256(text.encode()).digest())


def take_apart(token: str) -> UnverifiedToken:
    """As `decode`, without a word on the payload: a JWS may carry anything."""
    text, header, payload, signing_input, signature, unseen = _apart(token)
    return UnverifiedToken(text, header, {}, payload, signing_input, signature, unseen=unseen)


def verify_any_payload(token: str, keys: KeySet, algorithms: frozenset[str]) -> bytes:
    """The steps of `verify`, for payloads that are no claims."""
    parts = take_apart(token)
    headers.check(parts.header)
    alg = headers.check_algorithm(parts.header, algorithms)
    check_signature(parts, keys.select(kid_of(parts.header), alg), alg)
    return parts.payload


def private_jwk(one: Signer, **members: object) -> dict[str, Any]:
    """The JWK with its private members, for libraries that mint tokens."""
    found = one.jwk(**members)
    if isinstance(one.private, rsa.RSAPrivateKey):
        numbers = one.private.private_numbers()
        values = {
            "d": numbers.d,
            "p": numbers.p,
            "q": numbers.q,
            "dp": numbers.dmp1,
            "dq": numbers.dmq1,
            "qi": numbers.iqmp,
        }
        return found | {name: b64(number(value)) for name, value in values.items()}
    if isinstance(one.private, ec.EllipticCurvePrivateKey):
        size = (one.private.key_size + 7) // 8
        return found | {"d": b64(one.private.private_numbers().private_value.to_bytes(size, "big"))}
    if isinstance(one.private, bytes):
        return found
    return found | {"d": b64(one.private.private_bytes_raw())}
