"""Verification. Input: the text of a token, keys, algorithms. Output: VerifiedToken, or TokenRefused.

To verify is mathematics over bytes and says who signed. Whether to act on it is validation, and not done
here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NoReturn

from policyjwt.tokens import headers, messages
from policyjwt.tokens.algorithms import allow_list
from policyjwt.tokens.decode import UnverifiedToken, decode, remember_header
from policyjwt.tokens.key import Key
from policyjwt.tokens.keyset import KeySet


class VerifiedToken:
    """A token whose signature has verified. Made by `verify` and the adapters alone.

    `token` is its text, `header` decoded, `payload` the received bytes, `key` the key that verified it. It
    is neither true nor false: a verified token is not yet a trusted one.
    """

    # Not a dataclass: replace() would make another one out of it.
    __slots__ = ("header", "key", "payload", "token")

    token: str
    header: Mapping[str, object]
    payload: bytes
    key: Key

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("a VerifiedToken is made by policyjwt.tokens.verify or an adapter, after verifying")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a VerifiedToken can't be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a VerifiedToken can't be changed")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("VerifiedToken has no subclasses")

    def __bool__(self) -> NoReturn:
        raise TypeError("a verified token is not yet trusted: ask Engine.validate")

    def __repr__(self) -> str:
        return "<VerifiedToken>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a VerifiedToken can't be copied or pickled: verify the token where it is used")


def verify(token: str, keys: KeySet, algorithms: Collection[str]) -> VerifiedToken:
    """Verifies the signature of a compact JWT with the key of `keys` that it names, by one of `algorithms`.

    TokenRefused (`.code`) says why not. ValueError for algorithms outside the table, or symmetric with
    asymmetric.
    """
    allowed = allow_list(algorithms)
    if not isinstance(keys, KeySet):
        raise TypeError("keys is a KeySet")
    unverified = decode(token)
    headers.check(unverified.header, claims=unverified.claims)
    alg = headers.check_algorithm(unverified.header, allowed)
    key = keys.select(kid_of(unverified.header), alg)
    check_signature(unverified, key, alg)
    remember_header(unverified)
    return seal(unverified, key)


def check_signature(token: UnverifiedToken, key: Key, alg: str) -> None:
    """TokenRefused `signature.invalid` unless `key` signed the received bytes (RFC 7515, section 5.2).

    `key.usage` where the key is not for `alg`; `internal.verification` where the check itself failed.
    """
    verifier = key.verifier(alg)
    if verifier(token.signing_input, token.signature) is not True:  # check: J10
        raise messages.signature_invalid()


def kid_of(header: Mapping[str, object]) -> str | None:
    """The `kid`, None where there is none; `headers.check` has seen to its type."""
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def seal(token: UnverifiedToken, key: Key) -> VerifiedToken:
    """For `verify` and the adapters: what `check_signature` has passed becomes a VerifiedToken."""
    verified = object.__new__(VerifiedToken)
    for name, value in (
        ("token", token.text),
        ("header", MappingProxyType(token.header)),
        ("payload", token.payload),
        ("key", key),
    ):
        object.__setattr__(verified, name, value)
    return verified
