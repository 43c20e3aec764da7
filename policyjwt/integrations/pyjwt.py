"""PyJWT. Input: a token and keys as PyJWT takes them.

Output: VerifiedToken, to be judged by `Engine.validate`.

PyJWT checks the signature and nothing else: claims are the policy's matter.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

from policyjwt.integrations.libraries import LibraryKeys, each
from policyjwt.tokens.jwk import PRIVATE
from policyjwt.tokens.key import from_public_key, from_secret
from policyjwt.tokens.pem import read_entries
from policyjwt.tokens.signature import VerifiedToken

if TYPE_CHECKING:
    from jwt import PyJWK, PyJWKSet
    from jwt.types import JWKDict

_PEM = b"-----BEGIN "


def verify(
    token: str, keys: PyJWK | PyJWKSet | list[PyJWK] | str | bytes | object, algorithms: Collection[str]
) -> VerifiedToken:
    """Verifies with PyJWT. `keys` is a PyJWK, a PyJWKSet, a list of PyJWK, a public key, PEM, or a secret.

    TokenRefused and KeyRefused as in `policyjwt.tokens.verify`.
    """
    import jwt  # an adapter costs nothing to those who use another library

    found = LibraryKeys[Any]()
    if isinstance(keys, jwt.PyJWKSet):
        keys = keys.keys
    if isinstance(keys, str | bytes):
        _add_text(found, keys.encode("utf-8") if isinstance(keys, str) else keys)
    elif isinstance(keys, jwt.PyJWK | list | tuple):
        for key in each([keys] if isinstance(keys, jwt.PyJWK) else keys, jwt.PyJWK):
            found.add_jwk(_members(cast("PyJWK", key)), _public_jwk(cast("PyJWK", key)))
    else:
        public = keys.public_key() if hasattr(keys, "public_key") else keys  # PyJWT takes the private key, too
        found.add(from_public_key(public), public)
    supported = jwt.algorithms.get_default_algorithms()
    return found.verified(
        token,
        algorithms,
        check=_check,
        refusals=jwt.PyJWTError,
        unsupported=lambda alg: alg not in supported,
    )


def _check(token: str, key: object, alg: str) -> bytes:
    import jwt

    payload: bytes = jwt.PyJWS().decode_complete(token, cast(Any, key), algorithms=[alg])["payload"]
    return payload


def _add_text(found: LibraryKeys[Any], text: bytes) -> None:
    """PEM or a secret.

    To take one for the other is no danger here: the key that results fits other algorithms.
    """
    if _PEM not in text:
        found.add(from_secret(text), text)
        return
    entries = read_entries(text)
    if len(entries) != 1:
        raise TypeError("PyJWT reads one PEM block; a PyJWKSet holds several keys")
    if isinstance(entries[0], Exception):
        raise entries[0]
    found.add(entries[0], _public_of(text))


def _public_of(text: bytes) -> object:
    """PyJWT reads public keys from PEM, and no certificates."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # only here
    from cryptography.x509 import load_pem_x509_certificate  # heavy

    if b"BEGIN CERTIFICATE" in text:
        return load_pem_x509_certificate(text).public_key()
    return load_pem_public_key(text)


def _public_jwk(key: PyJWK) -> PyJWK:
    """PyJWT does not verify with a PyJWK that holds a private key: its public part does."""
    members = _members(key)
    if members.get("kty") == "oct" or PRIVATE.isdisjoint(members):
        return key
    public = {name: value for name, value in members.items() if name not in PRIVATE}
    return type(key)(public, key.algorithm_name)


def _members(key: PyJWK) -> JWKDict:
    # PyJWT offers `use` and `kid` of a JWK, but not `key_ops` and whether it has an `alg` of its own.
    return key._jwk_data
