"""The throw-away issuer of `policyjwt demo`: a key made on the spot, tokens signed with it, or spoilt."""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_SIZE = 32
"""Octets of a coordinate, and of each half of a signature, on P-256 (RFC 7518, section 3.4)."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A token and what is in it."""

    token: str
    header: Mapping[str, object]
    claims: Mapping[str, object]


class DemoIssuer:
    """An issuer with one ES256 key, made on the spot unless it is given."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._kid = f"demo-{secrets.token_hex(4)}"

    def jwks(self) -> str:
        """What it would publish: its public key, as a JWK Set."""
        return json.dumps({"keys": [{**self.jwk(), "kid": self._kid, "alg": "ES256", "use": "sig"}]})

    def jwk(self) -> dict[str, str]:
        """The public numbers of its key (RFC 7517)."""
        point = self._key.public_key().public_numbers()
        x, y = (_encoded(number.to_bytes(_SIZE)) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def mint(self, told: Mapping[str, object], **members: object) -> Minted:
        """A token with these claims, signed. `members` stand in the header in place of the key's id."""
        header = {"alg": "ES256", "typ": "at+jwt", **(members or {"kid": self._kid})}
        signing_input = f"{_json(header)}.{_json(told)}"
        der = self._key.sign(signing_input.encode("ascii"), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(der)
        signature = _encoded(r.to_bytes(_SIZE) + s.to_bytes(_SIZE))
        return Minted(f"{signing_input}.{signature}", header, told)


def claims(*, iat: int = -60, exp: int = 540, **changed: object) -> Mapping[str, object]:
    """Claims that the first policy trusts, but for what is changed; times are seconds from now."""
    now = int(time.time())
    return {
        "iss": "https://idp.corp.example",
        "aud": "payments-api",
        "sub": "alice",
        "tenant": "acme",
        "iat": now + iat,
        "exp": now + exp,
        "jti": secrets.token_urlsafe(9),
        "scope": "pay:read pay:write",
        "amr": ["pwd", "hwk"],
        **changed,
    }


def tampered(minted: Minted, told: Mapping[str, object]) -> Minted:
    """The same header and signature around other claims."""
    header, _, signature = minted.token.split(".")
    return Minted(f"{header}.{_json(told)}.{signature}", minted.header, told)


def unsigned(minted: Minted) -> Minted:
    """The same claims under `alg: none`, without a signature."""
    header = {**minted.header, "alg": "none"}
    return Minted(f"{_json(header)}.{_json(minted.claims)}.", header, minted.claims)


def _json(value: Mapping[str, object]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode("utf-8"))


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
