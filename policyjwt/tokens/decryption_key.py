"""Keys that decrypt. Input: PEM, a JWK, a secret or a key object. Output: DecryptionKey.

The material lives in closures alone, so that neither repr nor asdict, copy or pickle can show it. KeyRefused for what
is weak, malformed, or for something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from policyjwt.errors import KeyRefused
from policyjwt.tokens import base64url, decryption_messages, messages, private_keys
from policyjwt.tokens.content_key import Material
from policyjwt.tokens.encryption import (
    CONTENT,
    KEY_MANAGEMENT,
    SECRET_BYTES,
    DecryptionKind,
    contents_of,
    fitting,
)
from policyjwt.tokens.key import EC_CURVES, number_of, secret_material, thumbprint_of
from policyjwt.tokens.key_checks import check_rsa, is_key_text

_P25519: Final = 2**255 - 19
_HALVED: Final = (32, 48, 64)
"""Lengths of shared keys that AES-CBC with HMAC splits (RFC 7518, section 5.2.2.1): a half is a key, too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DecryptionKey:
    """A key and the key management that it may be used with; `contents` are those that `dir` may use it for.

    `identity` is equal for two keys of one material, whatever file, form or `kid` they came in. `material_ids` are the
    `material_id` of those signature Keys that would be the same material: for X25519 of the Ed25519 keys that map to
    it, for a shared key its own and that of its halves. `thumbprint` is RFC 7638's of the public half, None for a
    shared key.
    """

    kind: DecryptionKind
    curve: str | None
    kid: str | None
    reference: str | None
    algorithms: frozenset[str]
    contents: frozenset[str]
    thumbprint: str | None
    identity: str
    material_ids: frozenset[str]
    _material: Callable[[], Material]

    def fits(self, alg: str, enc: str) -> bool:
        """Whether the key is for this pair."""
        return alg in self.algorithms and (alg != "dir" or enc in self.contents)

    def __repr__(self) -> str:
        return f"<DecryptionKey {self.kind}{f' {self.curve}' if self.curve else ''}>"

    def __copy__(self) -> DecryptionKey:
        return self

    def __deepcopy__(self, _: object) -> DecryptionKey:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key can't be pickled: it would leave the process; load it again from its source")


# --- from text, bytes and objects -------------------------------------------------------------------------


def from_pem(data: bytes, *, kid: str | None = None, reference: str | None = None) -> DecryptionKey:
    """The one private key of a PEM text: PKCS#8, PKCS#1 or SEC1, without a password."""
    try:
        return from_private_key(private_keys.of_pem(data), kid=kid, reference=reference)
    except KeyRefused as refused:
        fault = _bare(refused)
    finally:
        del data
    raise fault


def from_jwk(
    source: str | bytes | Mapping[str, object], *, kid: str | None = None, reference: str | None = None
) -> DecryptionKey:
    """One private JWK, or one shared key. Its `alg`, `use` and `key_ops` narrow; its `kid` counts if none is given."""
    try:
        return _of_jwk(source, kid=kid, reference=reference)
    except KeyRefused as refused:
        fault = _bare(refused)
    finally:
        del source
    raise fault


def _of_jwk(source: str | bytes | Mapping[str, object], *, kid: str | None, reference: str | None) -> DecryptionKey:
    jwk = private_keys.of_jwk(source)
    kid = jwk.kid if kid is None else kid
    if isinstance(jwk.key, bytes):
        return _secret_key(jwk.key, kid=kid, reference=reference, alg=jwk.alg, operations=jwk.operations)
    return _private_key(jwk.key, kid=kid, reference=reference, alg=jwk.alg, operations=jwk.operations)


def from_secret(raw: bytes, *, kid: str | None = None, reference: str | None = None) -> DecryptionKey:
    """A shared key of 16, 24, 32, 48 or 64 random bytes: for AES key wrap, AES-GCM key wrap or `dir`, by its length."""
    if not isinstance(raw, bytes):
        raise TypeError("a shared key is bytes")
    try:
        return _secret_key(raw, kid=kid, reference=reference, alg=None, operations=None)
    except KeyRefused as refused:
        fault = _bare(refused)
    finally:
        del raw
    raise fault


def _bare(refused: KeyRefused) -> KeyRefused:
    """The refusal without the frames that it came through: they hold the key. Whoever raises it drops its own."""
    return KeyRefused(refused.code, refused.message, help=refused.help)


def from_material(data: bytes, encoding: str, *, kid: str | None = None, reference: str | None = None) -> DecryptionKey:
    """The key in `data`, which is what a policy says: `pem`, `jwk` or (decoded already) `base64url`."""
    make = {"pem": from_pem, "jwk": from_jwk, "base64url": from_secret}[encoding]
    try:
        return make(data, kid=kid, reference=reference)
    finally:
        del data


def from_private_key(private: object, *, kid: str | None = None, reference: str | None = None) -> DecryptionKey:
    """A private key of `cryptography`, or another object of its interfaces, as one that asks an HSM.

    It is asked for nothing but its public key, and to decrypt or to agree; never for its private numbers.
    """
    return _private_key(private, kid=kid, reference=reference, alg=None, operations=None)


def _secret_key(
    raw: bytes, *, kid: str | None, reference: str | None, alg: str | None, operations: frozenset[str] | None
) -> DecryptionKey:
    _check_secret(raw)
    contents = contents_of(len(raw))
    if alg in CONTENT:  # RFC 7520, section 5.6.1: a key of `dir` names the algorithm of the content
        contents, alg = contents & {alg}, "dir"
    allowed = _narrowed(fitting("oct", secret_bytes=len(raw)), alg, operations)
    if not contents and allowed == {"dir"}:  # check: K5
        raise messages.key_usage("a key whose `alg` its length does not fit")
    parts = [raw]
    if len(raw) in _HALVED:
        parts += [raw[: len(raw) // 2], raw[len(raw) // 2 :]]
    # Given its members, joserfc makes none of its own; of a shared key it needs the name alone.
    material = Material(_jose("OctKey")(raw, {"kty": "oct", "k": ""}), {})
    return DecryptionKey(
        kind="oct",
        curve=None,
        kid=kid,
        reference=reference,
        algorithms=allowed,
        contents=contents if "dir" in allowed else frozenset(),
        thumbprint=None,
        identity=f"{len(raw)} bytes, {secret_material(raw)}",
        material_ids=frozenset(map(secret_material, parts)),
        _material=lambda: material,
    )


def _private_key(
    private: object, *, kid: str | None, reference: str | None, alg: str | None, operations: frozenset[str] | None
) -> DecryptionKey:
    kind, curve, public = _described(private)
    allowed = _narrowed(fitting(kind), alg, operations)
    # Given its public members, joserfc never asks for the private ones: an HSM has none to give.
    made = _jose({"RSA": "RSAKey", "EC": "ECKey", "OKP": "OKPKey"}[kind])(private, public)
    material = Material(made, public)
    name = public["n"] if kind == "RSA" else f"{curve}:{public['x']}"
    identity = f"{kind}:{hashlib.sha256(name.encode()).hexdigest()}"
    return DecryptionKey(
        kind=kind,
        curve=curve,
        kid=kid,
        reference=reference,
        algorithms=allowed,
        contents=frozenset(),
        thumbprint=thumbprint_of(public),
        identity=identity,
        material_ids=_edwards_ids(public["x"]) if kind == "OKP" else frozenset({identity}),
        _material=lambda: material,
    )


def _described(private: object) -> tuple[DecryptionKind, str | None, dict[str, str]]:
    """Kind, curve, and the members of the thumbprint (RFC 7638, section 3.2; RFC 8037, section 2)."""
    if isinstance(private, RSAPrivateKey):
        numbers = private.public_key().public_numbers()
        check_rsa(modulus=numbers.n, exponent=numbers.e)
        return "RSA", None, {"e": number_of(numbers.e), "kty": "RSA", "n": number_of(numbers.n)}
    if isinstance(private, EllipticCurvePrivateKey):
        curve = EC_CURVES.get(private.curve.name)
        if curve is None:
            raise messages.key_usage("an EC key of a curve that no algorithm of the table has")
        size, point = (private.key_size + 7) // 8, private.public_key().public_numbers()
        x, y = (base64url.encode(value.to_bytes(size, "big")) for value in (point.x, point.y))
        return "EC", curve, {"crv": curve, "kty": "EC", "x": x, "y": y}
    if isinstance(private, X25519PrivateKey):
        x = base64url.encode(private.public_key().public_bytes_raw())
        return "OKP", "X25519", {"crv": "X25519", "kty": "OKP", "x": x}
    raise messages.key_usage("a key of a kind that decrypts nothing here")


def _narrowed(allowed: frozenset[str], alg: str | None, operations: frozenset[str] | None) -> frozenset[str]:
    if alg is not None and alg not in allowed:  # check: K5
        raise messages.key_usage("a key whose `alg` its type, curve or length does not fit")
    if alg is not None:
        allowed = frozenset({alg})
    if operations is not None:  # RFC 7517, section 4.3
        allowed = frozenset(name for name in allowed if not operations.isdisjoint(KEY_MANAGEMENT[name].operations))
    if not allowed:  # check: K5
        raise messages.key_usage("a key whose `key_ops` allow no decryption")
    return allowed


def _check_secret(raw: bytes) -> None:
    """As `key_checks.check_secret`, with the lengths of AES and without a least length of HMAC."""
    if is_key_text(raw):  # check: K3
        raise messages.key_type_confusion(
            "the text of a key or a certificate as a shared key",
            help="with a private key use RSA-OAEP-256 or ECDH-ES; a shared key is random bytes",
        )
    if len(raw) not in SECRET_BYTES:  # check: K3
        raise messages.key_weak(f"a shared key of {len(raw)} bytes, where 16, 24, 32, 48 or 64 are needed")
    if any(raw[size:] == raw[:-size] for size in range(1, len(raw) // 2 + 1)):  # check: K3
        raise messages.key_weak("a shared key that repeats itself")


def _jose(name: str) -> Callable[..., object]:
    """The class of joserfc for such a key."""
    try:
        from joserfc import jwk
    except ImportError:
        raise decryption_messages.key_extra() from None
    made: Callable[..., object] = getattr(jwk, name)
    return made


def _edwards_ids(x: str) -> frozenset[str]:
    """The ids of the two Ed25519 keys whose point maps to this u: y = (u-1)/(u+1) (RFC 7748, section 4.1)."""
    u = int.from_bytes(base64url.decode(x), "little")
    y = (u - 1) * pow(u + 1, _P25519 - 2, _P25519) % _P25519
    spellings = (base64url.encode((y | sign << 255).to_bytes(32, "little")) for sign in (0, 1))
    return frozenset(f"OKP:{hashlib.sha256(f'Ed25519:{text}'.encode()).hexdigest()}" for text in spellings)
