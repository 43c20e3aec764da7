"""One key that verifies. Input: a public key of `cryptography` or a secret. Output: Key, or KeyRefused.

The material lives in closures alone, so that neither repr nor asdict, copy or pickle can show it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hmac import digest
from types import MappingProxyType
from typing import Final, NoReturn, cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from policyjwt.tokens import base64url, messages
from policyjwt.tokens.algorithms import ALGORITHMS, Kind, fitting
from policyjwt.tokens.key_checks import check_edwards, check_rsa, check_secret
from policyjwt.tokens.verifiers import PublicKey, Verifier, for_public_key, for_secret

EC_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
"""From the name in `cryptography` to that in JWKs. secp256k1 is not in the table of algorithms."""

_PROCESS: Final = secrets.token_bytes(32)
"""Makes `material_id` of a secret useless to whoever reads it: nobody else can try guesses on it."""

_LONGEST_BLOCK: Final = 128
"""Of SHA-384 and SHA-512; that of SHA-256 has 64 bytes."""


def secret_material(secret: bytes) -> str:
    """The `material_id` of a secret, within this process equal for secrets that are one.

    HMAC fills a secret of up to a block with zeros (RFC 2104, section 2): with and without them it is the same. Equal
    for one hash counts as equal.
    """
    bare = secret.rstrip(b"\0") if len(secret) <= _LONGEST_BLOCK else secret
    return "secret:" + digest(_PROCESS, bare, "sha256").hex()


def material_of(kind: str, number: str) -> str:
    """The `material_id` of a public key: of RSA by the modulus, of others by curve and x (as a JWK has them)."""
    return f"{kind}:{hashlib.sha256(number.encode()).hexdigest()}"


class _Names:
    """What a public key is called by. Made when first asked for: of a certificate's key, most policies do not ask."""

    def __init__(self, kind: Kind, members: Callable[[], dict[str, str]]) -> None:
        self._kind, self._read = kind, members

    @cached_property
    def _members(self) -> dict[str, str]:
        return self._read()

    @cached_property
    def jwk(self) -> Mapping[str, str] | None:
        return MappingProxyType(self._members)

    @cached_property
    def thumbprint(self) -> str | None:
        return thumbprint_of(self._members)

    @cached_property
    def material_id(self) -> str:
        members = self._members
        return material_of(self._kind, members["n"] if self._kind == "RSA" else f"{members['crv']}:{members['x']}")


class _NamesOfSecret(_Names):
    """A secret has one name, and only within this process."""

    def __init__(self, secret: bytes) -> None:
        super().__init__("HMAC", dict)
        self.jwk, self.thumbprint = None, None
        self.material_id = secret_material(secret)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Key:
    """A key and the algorithms that it may be used with.

    `thumbprint` is RFC 7638's with SHA-256 in base64url, of the canonical public numbers; None for a
    secret. `reference` says where the key comes from. Two keys of equal `material_id` are one key, whatever
    file, form or `kid` they came in: RSA by modulus, EC and OKP by curve and point without its sign,
    secrets by their bytes (within this process only). `jwk` are the public numbers as a JWK has them, None for a
    secret.
    """

    kind: Kind
    kid: str | None
    curve: str | None
    algorithms: frozenset[str]
    reference: str | None
    _names: _Names
    _verifiers: Mapping[str, Verifier] = field(default_factory=dict)

    @property
    def thumbprint(self) -> str | None:
        """RFC 7638, with SHA-256, in base64url; None for a secret."""
        return self._names.thumbprint

    @property
    def material_id(self) -> str:
        """Equal for two keys that are one."""
        return self._names.material_id

    @property
    def jwk(self) -> Mapping[str, str] | None:
        """The public numbers; None for a secret."""
        return self._names.jwk

    def verifier(self, alg: str) -> Verifier:
        """The prepared check for `alg`. TokenRefused `key.usage` where the key is not for it."""
        try:
            return self._verifiers[alg]
        except KeyError:
            raise messages.usage(alg=alg if alg in ALGORITHMS else "this algorithm", one=True) from None

    @property
    def symmetric(self) -> bool:
        """Whether whoever verifies with it can also sign."""
        return self.kind == "HMAC"

    def __repr__(self) -> str:
        return f"<Key {self.kind}{f' {self.curve}' if self.curve else ''}>"

    def __copy__(self) -> Key:
        return self

    def __deepcopy__(self, _: object) -> Key:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key can't be pickled: it would leave the process; load it again from its source")


def from_secret(
    secret: bytes, *, kid: str | None = None, reference: str | None = None, algorithm: str | None = None
) -> Key:
    """A shared secret for HS256, HS384, HS512: those whose hash is not longer (RFC 7518, section 3.2).

    `algorithm` narrows to one. KeyRefused for what is weak or no secret, TypeError for what is not bytes.
    """
    if not isinstance(secret, bytes):
        raise TypeError("a secret is bytes")
    check_secret(secret)
    return _secret_key(secret, kid=kid, reference=reference, algorithm=algorithm)


def _secret_key(secret: bytes, *, kid: str | None, reference: str | None, algorithm: str | None) -> Key:
    allowed = fitting(kind="HMAC", secret_bytes=len(secret))
    if algorithm is not None:
        if ALGORITHMS[algorithm].symmetric and algorithm not in allowed:
            raise messages.key_weak(f"a secret of {len(secret)} bytes, too short for {algorithm}")
        allowed = _narrowed(allowed, algorithm)
    return Key(
        kind="HMAC",
        kid=kid,
        curve=None,
        algorithms=allowed,
        reference=reference,
        _names=_NamesOfSecret(secret),
        _verifiers=MappingProxyType({name: for_secret(secret, ALGORITHMS[name]) for name in allowed}),
    )


def from_public_key(
    public: object,
    *,
    kid: str | None = None,
    reference: str | None = None,
    algorithm: str | None = None,
    only: frozenset[str] | None = None,
) -> Key:
    """A key of `cryptography`, checked. `algorithm` is what the key itself says; `only` narrows further.

    KeyRefused `key.usage` for keys of other kinds and curves, `key.weak` and `key.invalid` for bad ones.
    """
    kind, curve, numbers = _described(public)
    allowed = fitting(kind=kind, curve=curve)
    if algorithm is not None:
        allowed = _narrowed(allowed, algorithm)
    if only is not None:
        allowed &= only
    return Key(
        kind=kind,
        kid=kid,
        curve=curve,
        algorithms=allowed,
        reference=reference,
        _names=_Names(kind, numbers),
        _verifiers=MappingProxyType(
            {name: for_public_key(cast(PublicKey, public), ALGORITHMS[name]) for name in allowed}
        ),
    )


def _narrowed(allowed: frozenset[str], algorithm: str) -> frozenset[str]:
    if algorithm not in allowed:
        raise messages.key_usage(f"a key whose `alg` is {algorithm}, which its type, curve or length does not fit")
    return frozenset({algorithm})


def _described(public: object) -> tuple[Kind, str | None, Callable[[], dict[str, str]]]:
    """Kind, curve, and what gives the members of the thumbprint (RFC 7638, section 3.2; RFC 8037, section 2)."""
    if isinstance(public, EllipticCurvePublicKey):
        curve = EC_CURVES.get(public.curve.name)
        if curve is None:
            raise messages.key_usage("an EC key of a curve that no algorithm of the table has")
        return "EC", curve, lambda: _point(public, curve)
    if isinstance(public, RSAPublicKey):
        numbers = public.public_numbers()
        check_rsa(modulus=numbers.n, exponent=numbers.e)
        return "RSA", None, lambda: {"e": number_of(numbers.e), "kty": "RSA", "n": number_of(numbers.n)}
    if isinstance(public, Ed25519PublicKey | Ed448PublicKey):
        edwards = "Ed25519" if isinstance(public, Ed25519PublicKey) else "Ed448"
        raw = public.public_bytes_raw()
        check_edwards(raw, curve=edwards)
        return "OKP", edwards, lambda: {"crv": edwards, "kty": "OKP", "x": base64url.encode(raw)}
    raise messages.key_usage("a key of a kind that no algorithm of the table has")


def _point(public: EllipticCurvePublicKey, curve: str) -> dict[str, str]:
    size, point = (public.key_size + 7) // 8, public.public_numbers()
    x, y = (base64url.encode(value.to_bytes(size, "big")) for value in (point.x, point.y))
    return {"crv": curve, "kty": "EC", "x": x, "y": y}


def number_of(value: int) -> str:
    """A number as a JWK has it (RFC 7518, section 2, Base64urlUInt)."""
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def thumbprint_of(members: dict[str, str]) -> str:
    """RFC 7638, of the members that it takes, with SHA-256."""
    text = ",".join(f'"{name}":"{members[name]}"' for name in sorted(members))
    return base64url.encode(hashlib.sha256(f"{{{text}}}".encode()).digest())
