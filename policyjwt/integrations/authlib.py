"""Authlib. Input: a token and keys of `authlib.jose`.

Output: VerifiedToken, to be judged by `Engine.validate`.

Authlib checks the signature and nothing else: claims are the policy's matter. Its makers recommend joserfc
for new code.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from policyjwt.integrations.libraries import LibraryKeys, each
from policyjwt.tokens.signature import VerifiedToken


def verify(token: str, keys: Any, algorithms: Collection[str]) -> VerifiedToken:  # noqa: ANN401 - Authlib has no types
    """Verifies with Authlib. `keys` is a KeySet, a Key (as JsonWebKey imports them), or a list of Keys.

    TokenRefused and KeyRefused as in `policyjwt.tokens.verify`.
    """
    from authlib import jose  # an adapter costs nothing to users of another library
    from authlib.common.errors import AuthlibBaseError

    if isinstance(keys, jose.KeySet):
        keys = keys.keys
    found = LibraryKeys[Any]()
    for key in each([keys] if isinstance(keys, jose.Key) else keys, jose.Key):
        found.add_jwk(_members(key), key)
    return found.verified(
        token,
        algorithms,
        check=_check,
        refusals=AuthlibBaseError,
        unsupported=lambda alg: alg not in jose.JsonWebSignature.ALGORITHMS_REGISTRY,
    )


def _check(token: str, key: Any, alg: str) -> bytes:  # noqa: ANN401 - Authlib has no types
    from authlib import jose

    payload: bytes = jose.JsonWebSignature([alg]).deserialize_compact(token, key)["payload"]
    return payload


def _members(key: Any) -> dict[str, object]:  # noqa: ANN401 - Authlib has no types
    return dict(key.as_dict(is_private=key.kty == "oct"))
