"""The keys of one source. Input: JWKS, PEM or a secret. Output: KeySet, which names the one key for a token.

Keys are never tried one after another: `select` finds one, or says why there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policyjwt.errors import KeyRefused
from policyjwt.tokens import jwk, messages, pem
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.key import Key, from_secret


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KeySet:
    """Keys of one issuer. `skipped` counts entries of a JWKS that are for other things than signatures.

    KeyRefused where there is no key, where two have one `kid`, and where secrets and public keys are mixed.
    """

    keys: tuple[Key, ...]
    skipped: int = 0
    _named: Mapping[str, Key] = field(init=False, default_factory=dict)
    _fitting: Mapping[str, tuple[Key, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.keys, tuple) or not all(isinstance(key, Key) for key in self.keys):
            raise TypeError("a KeySet is made of a tuple of Keys")
        for fault in faults(self.keys, skipped=self.skipped):
            raise fault
        named = {key.kid: key for key in self.keys if key.kid is not None}
        fitting = {alg: tuple(key for key in self.keys if alg in key.algorithms) for alg in ALGORITHMS}
        object.__setattr__(self, "_named", named)
        object.__setattr__(self, "_fitting", fitting)

    @classmethod
    def from_jwks(cls, jwks: str | bytes | Mapping[str, object], *, reference: str | None = None) -> KeySet:
        """The keys of a JWK set (RFC 7517), or of one JWK. KeyRefused for the first one that is not sound."""
        entries = jwk.read_entries(jwks, reference=reference)
        foreign = sum(isinstance(entry, jwk.Foreign) for entry in entries)
        return cls(_sound(entry for entry in entries if not isinstance(entry, jwk.Foreign)), foreign)

    @classmethod
    def from_pem(cls, data: bytes, *, reference: str | None = None) -> KeySet:
        """The public keys and certificates of a PEM file. They have no `kid`."""
        return cls(_sound(pem.read_entries(data, reference=reference)))

    @classmethod
    def from_secret(cls, secret: bytes, *, kid: str | None = None, reference: str | None = None) -> KeySet:
        """One shared secret, for HS256, HS384 and HS512 as far as it is long enough."""
        return cls((from_secret(secret, kid=kid, reference=reference),))

    def select(self, kid: str | None, alg: str) -> Key:
        """The one key for a token with this `kid` and `alg`.

        A key without kid answers to any kid if it alone fits the algorithm; of several public keys its kid
        is its thumbprint. A token without kid gets the only key that fits. TokenRefused `key.unknown_kid`,
        `key.ambiguous`, `key.usage`.
        """
        fitting = self._fitting.get(alg, ())
        if kid is None:
            return _only(fitting, alg)
        named = self._named.get(kid)
        if named is not None:
            if alg not in named.algorithms:
                raise messages.usage(alg=alg, one=True)
            return named
        if len(fitting) == 1 and fitting[0].kid is None:
            return fitting[0]
        by_thumbprint = [key for key in self.keys if key.kid is None and key.thumbprint == kid]
        if not by_thumbprint:  # check: K10
            raise messages.unknown_kid()
        return _only(tuple(key for key in by_thumbprint if alg in key.algorithms), alg)

    def __repr__(self) -> str:
        return f"<KeySet of {len(self.keys)}>"


def faults(keys: tuple[Key, ...], *, skipped: int = 0) -> Iterable[KeyRefused]:
    """What is wrong with these keys together, each of them sound."""
    if not keys:
        others = "" if not skipped else f": all {skipped} are for other things, or of unknown kinds"
        yield messages.key_usage(f"a key set without a key for signatures{others}")
    kids = [key.kid for key in keys if key.kid is not None]
    if len(set(kids)) != len(kids):
        yield messages.key_duplicate_kid("two keys with one `kid`")
    if len({key.symmetric for key in keys}) > 1:
        yield messages.key_mixed()


def _only(keys: tuple[Key, ...], alg: str) -> Key:
    if len(keys) == 1:
        return keys[0]
    if not keys:
        raise messages.usage(alg=alg if alg in ALGORITHMS else "this algorithm", one=False)
    raise messages.ambiguous(count=len(keys))


def _sound(entries: Iterable[Key | KeyRefused]) -> tuple[Key, ...]:
    found: list[Key] = []
    for entry in entries:
        if isinstance(entry, KeyRefused):
            raise entry
        found.append(entry)
    return tuple(found)
