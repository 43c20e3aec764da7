"""A throw-away issuer for tests: keys made on the spot, tokens signed with nothing but `cryptography`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import zlib
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from policyjwt.tokens import KeySet

NOW = 1_700_000_000
_CURVES = {
    "ES256": (ec.SECP256R1(), "P-256"),
    "ES384": (ec.SECP384R1(), "P-384"),
    "ES512": (ec.SECP521R1(), "P-521"),
}
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    """An unsigned integer as a JWK has it."""
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Issuer:
    """One key of one algorithm, and tokens signed with it."""

    def __init__(self, alg: str = "ES256", kid: str | None = "k1") -> None:
        self.alg, self.kid = alg, kid
        self.private: Any = self._make()

    def _make(self) -> Any:
        if self.alg.startswith("HS"):
            return secrets.token_bytes(64)
        if self.alg.startswith(("RS", "PS")):
            return rsa.generate_private_key(65537, 2048)
        if self.alg.startswith("ES"):
            return ec.generate_private_key(_CURVES[self.alg][0])
        return ed448.Ed448PrivateKey.generate() if self.alg == "Ed448" else ed25519.Ed25519PrivateKey.generate()

    def jwk(self) -> dict[str, Any]:
        """The public key (or the secret) as a JWK."""
        named = {} if self.kid is None else {"kid": self.kid}
        if self.alg.startswith("HS"):
            return {"kty": "oct", "k": b64(self.private), **named}
        public = self.private.public_key()
        if self.alg.startswith(("RS", "PS")):
            numbers = public.public_numbers()
            return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **named}
        if self.alg.startswith("ES"):
            numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
            return {
                "kty": "EC",
                "crv": _CURVES[self.alg][1],
                "x": number(numbers.x, size),
                "y": number(numbers.y, size),
                **named,
            }
        crv = "Ed448" if self.alg == "Ed448" else "Ed25519"
        return {"kty": "OKP", "crv": crv, "x": b64(public.public_bytes_raw()), **named}

    def keys(self) -> KeySet:
        """The key as a set that an engine takes."""
        if self.alg.startswith("HS"):
            return KeySet.from_secret(self.private, kid=self.kid)
        return KeySet.from_jwks({"keys": [self.jwk()]})

    def sign(self, signing_input: bytes, alg: str | None = None) -> bytes:
        """The raw signature of some bytes."""
        alg = alg or self.alg
        if alg.startswith("HS"):
            return hmac.new(self.private, signing_input, getattr(hashlib, f"sha{alg[2:]}")).digest()
        if alg.startswith("RS"):
            return bytes(self.private.sign(signing_input, padding.PKCS1v15(), _HASHES[alg[2:]]))
        if alg.startswith("PS"):
            digest = _HASHES[alg[2:]]
            pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
            return bytes(self.private.sign(signing_input, pss, digest))
        if alg.startswith("ES"):
            r, s = decode_dss_signature(self.private.sign(signing_input, ec.ECDSA(_HASHES[alg[2:]])))
            size = (self.private.curve.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return bytes(self.private.sign(signing_input))

    def token(
        self,
        claims: dict[str, Any] | str | bytes,
        header: dict[str, Any] | None = None,
        *,
        raw_header: str | None = None,
    ) -> str:
        """A signed token. `header` adds to or changes `alg`, `typ`, `kid`; a member that is `...` is left out."""
        members = {"alg": self.alg, "typ": "JWT"} | ({"kid": self.kid} if self.kid else {}) | (header or {})
        head = raw_header or json.dumps({name: value for name, value in members.items() if value is not ...})
        payload = claims if isinstance(claims, (str, bytes)) else json.dumps(claims)
        body = payload.encode() if isinstance(payload, str) else payload
        signing_input = f"{b64(head.encode())}.{b64(body)}"
        return f"{signing_input}.{b64(self.sign(signing_input.encode()))}"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a claim that is `...` is left out."""
    good = {
        "iss": "https://issuer.example",
        "aud": "api",
        "sub": "s",
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 60,
        "jti": secrets.token_hex(8),
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


STATUS_URI = "https://issuer.example/status/1"


def status_list(
    by: Issuer, statuses: Sequence[int] = (), *, bits: int = 1, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A status list token with these statuses. `changes` are claims; one that is `...` is left out."""
    packed = bytearray(-(-len(statuses) * bits // 8))
    for index, value in enumerate(statuses):
        packed[index * bits // 8] |= value << index * bits % 8
    listed = {"bits": bits, "lst": b64(zlib.compress(bytes(packed), 9))}
    usual = {"iss": "https://issuer.example", "sub": STATUS_URI, "iat": NOW - 60, "status_list": listed}
    members = {name: value for name, value in (usual | changes).items() if value is not ...}
    return by.token(members, {"typ": "statuslist+jwt"} | (header or {}))


URL = "https://issuer.example/jwks"
POLICY = """policyjwt 1

policy "{name}" {{
  about    "Tokens for tests"
  use      "api"
  owner    "tests@corp.example"
  {issuer}
  {audience}
  {type}
  signature {{
    algorithms {algorithms}
    {keys}
  }}
  {freshness}
  {replay}
  {revocation}
  {rest}
}}
"""


def policy(**changes: str) -> str:
    """A whole policy text; every part can be changed by name."""
    parts = {
        "name": "p",
        "issuer": 'issuer "https://issuer.example"',
        "audience": 'audience "api"',
        "type": 'type "JWT"',
        "algorithms": "ES256",
        "keys": f'keys jwks url "{URL}"',
        "freshness": "freshness { lifetime at most 1h  skew at most 0s }",
        "replay": "replay { nonce jti }",
        "revocation": "revocation { by key removal within 24h }",
        "rest": "provides sub is string",
    }
    return POLICY.format(**(parts | changes))
