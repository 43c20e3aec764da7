"""Tokens: strict decoding, keys, and signatures.

`verify` says who signed; whether to trust is the engine's matter.

The public names are imported when they are first used: `cryptography` is not needed to look at a policy.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would cost more than all the rest
if TYPE_CHECKING:
    from policyjwt.tokens.decryption import DecryptedToken as DecryptedToken
    from policyjwt.tokens.decryption import decrypt as decrypt
    from policyjwt.tokens.decryption_key import DecryptionKey as DecryptionKey
    from policyjwt.tokens.decryption_keyset import DecryptionKeySet as DecryptionKeySet
    from policyjwt.tokens.key import Key as Key
    from policyjwt.tokens.keyset import KeySet as KeySet
    from policyjwt.tokens.signature import VerifiedToken as VerifiedToken
    from policyjwt.tokens.signature import verify as verify

_HOME = {
    "DecryptedToken": "decryption",
    "DecryptionKey": "decryption_key",
    "DecryptionKeySet": "decryption_keyset",
    "Key": "key",
    "KeySet": "keyset",
    "VerifiedToken": "signature",
    "decrypt": "decryption",
    "verify": "signature",
}

__all__ = [
    "DecryptedToken",
    "DecryptionKey",
    "DecryptionKeySet",
    "Key",
    "KeySet",
    "VerifiedToken",
    "decrypt",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)  # only names of the table above
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
