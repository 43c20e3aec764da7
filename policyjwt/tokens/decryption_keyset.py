"""Keys that decrypt, together. Input: DecryptionKeys. Output: DecryptionKeySet, which names the one key for a token.

Keys are never tried one after another: `select` finds one, or says why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policyjwt.tokens import messages
from policyjwt.tokens.decryption_key import DecryptionKey
from policyjwt.tokens.encryption import KEY_MANAGEMENT


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DecryptionKeySet:
    """The decryption keys of one policy. One key that stands twice counts once.

    KeyRefused `key.ambiguous` where two different keys have one `kid`, `key.usage` where there is no key.
    """

    keys: tuple[DecryptionKey, ...]
    _named: Mapping[str, tuple[DecryptionKey, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.keys, tuple) or not all(isinstance(key, DecryptionKey) for key in self.keys):
            raise TypeError("a DecryptionKeySet is made of a tuple of DecryptionKeys")
        if not self.keys:
            raise messages.key_usage("a set without a key for decryption")
        once = {(key.identity, key.kid, key.algorithms, key.contents): key for key in reversed(self.keys)}
        keys = tuple(reversed(once.values()))
        named = {
            kid: tuple(key for key in keys if key.kid == kid) for kid in {key.kid for key in keys} if kid is not None
        }
        for same in named.values():
            if len({key.identity for key in same}) > 1:  # check: K6
                raise messages.key_duplicate_kid("two keys with one `kid`")
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "_named", named)

    def select(self, kid: str | None, alg: str, enc: str) -> DecryptionKey:
        """The one key for a token with this `kid`, `alg` and `enc`; never a trial of several.

        A key without kid answers to any kid if it alone fits, counted by material; of several its kid is its
        thumbprint. A token without kid gets the only key that fits. TokenRefused `key.unknown_kid`, `key.ambiguous`,
        `key.usage`.
        """
        fitting = tuple(key for key in self.keys if key.fits(alg, enc))
        if kid is None:
            return _only(fitting, alg)
        named = self._named.get(kid)
        if named is not None:
            return _fitting_one(named, alg, enc)
        if len({key.identity for key in fitting}) == 1 and any(key.kid is None for key in fitting):
            return next(key for key in fitting if key.kid is None)
        by_thumbprint = tuple(key for key in self.keys if key.kid is None and key.thumbprint == kid)
        if not by_thumbprint:
            raise messages.unknown_kid()
        return _fitting_one(by_thumbprint, alg, enc)

    def __repr__(self) -> str:
        return f"<DecryptionKeySet of {len(self.keys)}>"


def _fitting_one(named: tuple[DecryptionKey, ...], alg: str, enc: str) -> DecryptionKey:
    """Of one material, narrowed perhaps in several ways."""
    for key in named:
        if key.fits(alg, enc):
            return key
    raise messages.usage(alg=_shown(alg), one=True)


def _only(keys: tuple[DecryptionKey, ...], alg: str) -> DecryptionKey:
    if not keys:
        raise messages.usage(alg=_shown(alg), one=False)
    count = len({key.identity for key in keys})
    if count > 1:  # check: K6
        raise messages.ambiguous(count=count)
    return keys[0]


def _shown(alg: str) -> str:
    return alg if alg in KEY_MANAGEMENT else "this algorithm"
