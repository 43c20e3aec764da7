"""JWK sets. Input: JSON text or a mapping.

Output: for each entry a Key, why it is refused, or why it is foreign.

RFC 7517; RFC 7518, section 6; RFC 8037. A set from elsewhere may hold keys for other things: they are
foreign, counted and left alone. What claims to be a signature key and is not sound refuses the set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from policyjwt.errors import KeyRefused
from policyjwt.tokens import base64url, messages, strict_json
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.key import Key, from_public_key, from_secret, material_of
from policyjwt.tokens.key_checks import check_rsa
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES, MAX_KEYS, MAX_RSA_BITS

PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "priv"})
_CURVES: Final[dict[str, tuple[ec.EllipticCurve, int]]] = {
    "P-256": (ec.SECP256R1(), 32),
    "P-384": (ec.SECP384R1(), 48),
    "P-521": (ec.SECP521R1(), 66),
}
_EDWARDS: Final[dict[str, tuple[type[Ed25519PublicKey] | type[Ed448PublicKey], int]]] = {
    "Ed25519": (Ed25519PublicKey, 32),
    "Ed448": (Ed448PublicKey, 57),
}
_MAX_RSA_CHARACTERS: Final = MAX_RSA_BITS // 8 * 4 // 3 + 16

Jwk: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Foreign:
    """An entry that is not for signatures of the table, and why."""

    why: str


Entry: TypeAlias = Key | Foreign | KeyRefused


def read_entries(source: str | bytes | Mapping[str, object], *, reference: str | None = None) -> tuple[Entry, ...]:
    """The entries of a set, or of one JWK that stands alone.

    KeyRefused `key.malformed` where it is neither.
    """
    listed = _listed(read_document(source))
    entries = [_entry(item, number, len(listed), reference) for number, item in enumerate(listed, start=1)]
    secret = {item.get("kty") == "oct" for item in listed if isinstance(item, dict)}
    if len(secret) > 1:  # whatever either is for: the secret lies where the public keys are read
        entries.append(messages.key_mixed())
    return tuple(entries)


def named(source: bytes) -> frozenset[str]:
    """The material of the public keys for signatures that a set names, whether their entries are in order or not.

    KeyRefused for what is no set, or too large a one. A key is named by its number: one whose number can't be read is
    not named. A key whose private half is shown is nobody's alone, and does not count.
    """
    materials, shown = set[str](), set[str]()
    for entry in _listed(read_document(source)):
        material = _named_material(entry) if isinstance(entry, dict) else None
        if material is None:
            continue
        if not PRIVATE.isdisjoint(entry) or "k" in entry:
            shown.add(material)
        elif not isinstance(_entry(entry, 1, 1, None), Foreign):
            materials.add(material)
    return frozenset(materials - shown)


def _listed(document: Jwk) -> list[Any]:
    """The entries of a set, or the JWK itself where it stands alone."""
    listed = [document] if "kty" in document and "keys" not in document else document.get("keys")
    if not isinstance(listed, list):
        raise messages.key_malformed("a key set without the list `keys`")
    if len(listed) > MAX_KEYS:
        raise messages.key_malformed(f"a key set of {len(listed)} keys, where at most {MAX_KEYS} are read")
    return listed


def _named_material(entry: Jwk) -> str | None:
    """As `Key.material_id`, of a key that may be none: leading zeros of numbers and `=` at the end change nothing."""
    kty, crv = entry.get("kty"), entry.get("crv")
    member = entry.get("n" if kty == "RSA" else "x")
    if not isinstance(kty, str) or not isinstance(member, str) or len(member) > _MAX_RSA_CHARACTERS:
        return None
    try:
        value = base64url.decode(member.rstrip("="))
    except ValueError:
        return None
    if kty == "RSA":
        return material_of(kty, base64url.encode(value.lstrip(b"\0")))
    if kty == "EC" and isinstance(crv, str) and crv in _CURVES:
        value = value.lstrip(b"\0").rjust(_CURVES[crv][1], b"\0")
    return material_of(kty, f"{crv}:{base64url.encode(value)}")


def read_document(source: str | bytes | Mapping[str, object], *, what: str = "a key set") -> Jwk:
    """The JSON object that `source` holds. KeyRefused `key.malformed` with `what` it should be."""
    if isinstance(source, Mapping):
        try:
            source = json.dumps(dict(source), allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise messages.key_malformed(f"{what} that holds something other than JSON") from None
    if not isinstance(source, str | bytes):
        raise TypeError(f"{what} is JSON text or a mapping")
    if len(source) > MAX_KEY_SET_BYTES:
        raise messages.key_malformed(f"{what} of more than {MAX_KEY_SET_BYTES} bytes")
    try:
        value = strict_json.loads(source) if isinstance(source, bytes) else strict_json.loads_text(source)
    except strict_json.NotStrictError as fault:
        raise messages.key_malformed(f"{what} that is not strict JSON: {fault.actual}") from None
    if not isinstance(value, dict):
        raise messages.key_malformed(f"{what} that is no JSON object")
    return value


def _entry(item: object, number: int, count: int, reference: str | None) -> Entry:
    try:
        if not isinstance(item, dict):
            raise messages.key_malformed("no JSON object")
        return _key(item, reference)
    except KeyRefused as refused:
        if count == 1:
            return refused
        return KeyRefused(refused.code, f"key {number} of {count}: {refused.message}", help=refused.help)


def _key(jwk: Jwk, reference: str | None) -> Key | Foreign:
    kty = text_member(jwk, "kty")
    if kty is None:
        raise messages.key_malformed("a key without `kty`")
    if not PRIVATE.isdisjoint(jwk) or ("k" in jwk and kty != "oct"):  # check: K8
        raise messages.key_private("a private key where a public one belongs")
    kid, alg = text_member(jwk, "kid"), text_member(jwk, "alg")
    why = _foreign(jwk, kty, alg)
    if why is not None:
        return Foreign(why)
    if kty == "oct":
        return from_secret(bytes_member(jwk, "k", "a secret"), kid=kid, reference=reference, algorithm=alg)
    return from_public_key(_public(jwk, kty), kid=kid, reference=reference, algorithm=alg)


def _foreign(jwk: Jwk, kty: str, alg: str | None) -> str | None:
    """RFC 7517, sections 4.2 to 4.4 and 5: what is not for signatures, or not understood, is passed over."""
    use, operations, crv = text_member(jwk, "use"), jwk.get("key_ops", ["verify"]), text_member(jwk, "crv")
    if not isinstance(operations, list) or not all(isinstance(name, str) for name in operations):
        raise messages.key_malformed("`key_ops` that is no list of strings")
    if len(set(operations)) != len(operations):
        raise messages.key_malformed("`key_ops` that says a thing twice")
    if use not in (None, "sig"):
        return "its `use` is not `sig`"
    if "verify" not in operations:
        return "its `key_ops` lacks `verify`"
    if alg is not None and alg not in ALGORITHMS:
        return "its `alg` is no signature algorithm of the table"
    if kty not in ("RSA", "EC", "OKP", "oct"):
        return "its `kty` is not known"
    if (kty == "EC" and crv not in _CURVES) or (kty == "OKP" and crv not in _EDWARDS):
        if crv is None:
            raise messages.key_malformed("a key without `crv`")
        return "its curve has no signature algorithm of the table"
    return None


def _public(jwk: Jwk, kty: str) -> object:
    if kty == "RSA":
        return _rsa(jwk)
    crv = cast(str, jwk["crv"])  # one of the tables: _foreign looked
    if kty == "OKP":
        make, length = _EDWARDS[crv]
        return make.from_public_bytes(_coordinate(jwk, "x", length))
    curve, length = _CURVES[crv]
    x, y = (int.from_bytes(_coordinate(jwk, name, length), "big") for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    except ValueError:  # RFC 8725, section 3.4
        raise messages.key_invalid(f"an EC key that is no point of {crv}") from None


def _rsa(jwk: Jwk) -> object:
    for name in ("n", "e"):
        value = jwk.get(name)
        if isinstance(value, str) and len(value) > _MAX_RSA_CHARACTERS:  # before any arithmetic
            raise messages.key_invalid(f"an RSA key of more than {MAX_RSA_BITS} bits")
    # A leading zero octet is against RFC 7518, section 6.3.1.1, and common: the number is the same key.
    n, e = (int.from_bytes(bytes_member(jwk, name, "an RSA number"), "big") for name in ("n", "e"))
    check_rsa(modulus=n, exponent=e)
    try:
        return RSAPublicNumbers(e, n).public_key()
    except ValueError:
        raise messages.key_invalid("numbers that are no RSA key") from None


def _coordinate(jwk: Jwk, name: str, length: int) -> bytes:
    """RFC 7518, section 6.2.1.2: as long as the field, neither shortened nor padded."""
    value = bytes_member(jwk, name, "a coordinate")
    if len(value) != length:
        raise messages.key_invalid(f"`{name}` of {len(value)} bytes, where the curve has {length}")
    return value


def bytes_member(jwk: Mapping[str, object], name: str, what: str) -> bytes:
    """The bytes of a member that must be there, in base64url; `what` they are."""
    value = text_member(jwk, name)
    if value is None:
        raise messages.key_malformed(f"a key without `{name}`")
    try:
        return base64url.decode(value)
    except ValueError as fault:
        raise messages.key_malformed(f"{what} in `{name}` that {fault}") from None


def text_member(jwk: Mapping[str, object], name: str) -> str | None:
    """A member that is text; None where there is none."""
    value = jwk.get(name)
    if value is not None and not isinstance(value, str):
        raise messages.key_malformed(f"`{name}` that is no string")
    if value is None and name in jwk:
        raise messages.key_malformed(f"`{name}` that is null")
    return value
