"""What a set of public keys holds. Input: the bytes of a JWKS or PEM file. Output: an account, a text, a comparison.

Only public parts come out. Of an entry that is refused nothing comes out but why.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from policyjwt.errors import KeyRefused
from policyjwt.keys.files import parse_jwks
from policyjwt.tokens import base64url, jwk, messages, pem
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.key import Key
from policyjwt.tokens.keyset import KeySet, faults


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAccount:
    """One key. `bits` are those of an RSA modulus; `thumbprint` is RFC 7638's with SHA-256."""

    kid: str | None
    kind: str
    curve: str | None
    bits: int | None
    algorithms: tuple[str, ...]
    thumbprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccount:
    """The keys of a file, why entries are passed over, and what is wrong with it."""

    keys: tuple[KeyAccount, ...]
    passed_over: tuple[str, ...]
    faults: tuple[KeyRefused, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sets, key by key. `changed` are keys with another `kid` or other algorithms than before."""

    new: tuple[KeyAccount, ...]
    gone: tuple[KeyAccount, ...]
    changed: tuple[KeyAccount, ...]
    unchanged: tuple[KeyAccount, ...]

    @property
    def differs(self) -> bool:
        """Whether the two are not the same."""
        return bool(self.new or self.gone or self.changed)


def is_pem(data: bytes) -> bool:
    """Whether a file of keys is PEM; else it is read as a JWKS."""
    return data.lstrip()[:1] != b"{" and b"-----BEGIN " in data


def read_public(data: bytes) -> KeySet:
    """The public keys of a JWKS or PEM file, as an engine would load them."""
    return KeySet.from_pem(data) if is_pem(data) else parse_jwks(data)


def account(data: bytes) -> SetAccount:
    """What `data` holds, sound or not."""
    entries: tuple[jwk.Entry, ...]
    try:
        entries = pem.read_entries(data) if is_pem(data) else jwk.read_entries(data)
    except KeyRefused as refused:
        return SetAccount(keys=(), passed_over=(), faults=(refused,))
    keys = tuple(entry for entry in entries if isinstance(entry, Key))
    found = [entry for entry in entries if isinstance(entry, KeyRefused)]
    foreign = tuple(entry.why for entry in entries if isinstance(entry, jwk.Foreign))
    if keys or not found:
        found.extend(faults(keys, skipped=len(foreign)))
    if any(key.symmetric for key in keys) and not any(fault.code == "key.type_confusion" for fault in found):
        found.append(messages.key_private("a shared secret in a file of public keys"))
    public = tuple(describe(key) for key in keys if not key.symmetric)
    return SetAccount(keys=public, passed_over=foreign, faults=tuple(found))


def describe(key: Key) -> KeyAccount:
    """One public key."""
    assert key.thumbprint is not None
    assert key.jwk is not None
    bits = int.from_bytes(base64url.decode(key.jwk["n"]), "big").bit_length() if key.kind == "RSA" else None
    return KeyAccount(
        kid=key.kid,
        kind=key.kind,
        curve=key.curve,
        bits=bits,
        algorithms=tuple(name for name in ALGORITHMS if name in key.algorithms),
        thumbprint=key.thumbprint,
    )


def public_jwks(keys: tuple[Key, ...]) -> bytes:
    """A JWKS of these keys, made from their numbers: whatever else stood in the source is not in it.

    The same keys give the same bytes, in whatever order they came, so that a difference is one of keys.
    """
    ordered = sorted(keys, key=lambda key: (key.kid or "", key.thumbprint or ""))
    return (json.dumps({"keys": [_members(key) for key in ordered]}, indent=2) + "\n").encode("ascii")


def _members(key: Key) -> dict[str, str]:
    assert key.jwk is not None
    named = {} if key.kid is None else {"kid": key.kid}
    narrowed = {"alg": next(iter(key.algorithms))} if len(key.algorithms) == 1 else {}
    return {**named, "use": "sig", **narrowed, **key.jwk}


def compare(old: tuple[Key, ...], new: tuple[Key, ...]) -> Comparison:
    """What `new` has, lacks and has otherwise than `old`. One key under two ids is two entries."""
    before, after = ([describe(key) for key in keys] for keys in (old, new))
    prints = {one.thumbprint for one in before}, {one.thumbprint for one in after}
    left = [one for one in before if one not in after]
    changed = tuple(one for one in after if one.thumbprint in prints[0] and one not in before)
    replaced = {one.thumbprint for one in changed}
    return Comparison(
        new=tuple(one for one in after if one.thumbprint not in prints[0]),
        gone=tuple(one for one in left if one.thumbprint not in prints[1] or one.thumbprint not in replaced),
        changed=changed,
        unchanged=tuple(one for one in after if one in before),
    )
