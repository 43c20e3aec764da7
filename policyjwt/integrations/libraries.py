"""What the adapters have in common. Input: a token, keys of a library, its check. Output: VerifiedToken.

An adapter believes nothing of the library but its yes: form, header, algorithm and key are judged here
first, by the rules of `policyjwt.tokens.verify`; then the library verifies with the one key that was found;
then so do we. All must agree. So a fault of the library (or of how it is called) refuses, and never trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Generic, TypeVar

from policyjwt.errors import KeyRefused
from policyjwt.tokens import headers, jwk, messages
from policyjwt.tokens.algorithms import allow_list
from policyjwt.tokens.decode import decode, remember_header
from policyjwt.tokens.key import Key
from policyjwt.tokens.keyset import KeySet
from policyjwt.tokens.signature import VerifiedToken, check_signature, kid_of, seal

_LibraryKey = TypeVar("_LibraryKey")


class LibraryKeys(Generic[_LibraryKey]):
    """The keys of a library beside ours. Keys for other things than signatures are left out, as in a JWKS."""

    def __init__(self) -> None:
        self._theirs: dict[int, _LibraryKey] = {}  # by the identity of our key, which `_ours` keeps alive
        self._ours: list[Key] = []
        self._skipped = 0

    def add(self, ours: Key, theirs: _LibraryKey) -> None:
        """One key, converted."""
        self._ours.append(ours)
        self._theirs[id(ours)] = theirs

    def add_jwk(self, members: Mapping[str, object], theirs: _LibraryKey) -> None:
        """One key, by the JWK that the library gives of it.

        Its private part, if there is one, is left behind.
        """
        if members.get("kty") != "oct":
            members = {name: value for name, value in members.items() if name not in jwk.PRIVATE}
        for entry in jwk.read_entries(members):
            if isinstance(entry, KeyRefused):
                raise entry
            if isinstance(entry, Key):
                self.add(entry, theirs)
            else:
                self._skipped += 1

    def verified(
        self,
        token: str,
        algorithms: Collection[str],
        *,
        check: Callable[[str, _LibraryKey, str], bytes],
        refusals: type[Exception],
        unsupported: Callable[[str], bool] = lambda _: False,
    ) -> VerifiedToken:
        """Verifies by `check(token, key, alg)`, which returns the payload or raises one of `refusals`.

        `unsupported` says that the library lacks an algorithm of the table.
        """
        keys = KeySet(tuple(self._ours), self._skipped)
        allowed = allow_list(algorithms)
        unverified = decode(token)
        headers.check(unverified.header, claims=unverified.claims)
        alg = headers.check_algorithm(unverified.header, frozenset(a for a in allowed if not unsupported(a)))
        key = keys.select(kid_of(unverified.header), alg)
        payload = _asked(check, token, self._theirs[id(key)], alg, refusals)
        check_signature(unverified, key, alg)
        if payload != unverified.payload:
            raise messages.verification_failed()
        remember_header(unverified)
        return seal(unverified, key)


def _asked(
    check: Callable[[str, _LibraryKey, str], bytes],
    token: str,
    key: _LibraryKey,
    alg: str,
    refusals: type[Exception],
) -> bytes:
    try:
        return check(token, key, alg)
    except refusals:
        raise messages.signature_invalid() from None
    except Exception:  # noqa: BLE001 - fail-closed border: whatever else the library raises is not a yes
        raise messages.verification_failed() from None


def each(keys: object, kind: type | tuple[type, ...]) -> Iterable[object]:
    """The keys of a list or tuple, each of `kind`. TypeError for anything else."""
    if isinstance(keys, list | tuple) and all(isinstance(key, kind) for key in keys):
        return keys
    raise TypeError("keys are a key, a key set or a list of keys of the library")
