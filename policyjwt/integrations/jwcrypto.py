"""jwcrypto. Input: a token and keys of jwcrypto. Output: VerifiedToken, to be judged by `Engine.validate`.

jwcrypto checks the signature and nothing else: claims are the policy's matter.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from policyjwt.integrations.libraries import LibraryKeys, each
from policyjwt.tokens.signature import VerifiedToken


def verify(token: str, keys: Any, algorithms: Collection[str]) -> VerifiedToken:  # noqa: ANN401 - jwcrypto has no types
    """Verifies with jwcrypto. `keys` is a JWKSet, a JWK, or a list of JWKs.

    TokenRefused and KeyRefused as in `policyjwt.tokens.verify`.
    """
    from jwcrypto import common, jwa, jwk  # an adapter costs nothing to users of another library

    if isinstance(keys, jwk.JWKSet):
        keys = list(keys["keys"])
    found = LibraryKeys[Any]()
    for key in each([keys] if isinstance(keys, jwk.JWK) else keys, jwk.JWK):
        found.add_jwk(_members(key), key)
    return found.verified(
        token,
        algorithms,
        check=_check,
        refusals=common.JWException,
        unsupported=lambda alg: alg not in jwa.JWA.algorithms_registry,
    )


def _check(token: str, key: Any, alg: str) -> bytes:  # noqa: ANN401 - jwcrypto has no types
    from jwcrypto import jws

    signed = jws.JWS()
    signed.allowed_algs = [alg]
    signed.deserialize(token)
    signed.verify(key)
    payload: bytes = signed.payload
    return payload


def _members(key: Any) -> dict[str, object]:  # noqa: ANN401 - jwcrypto has no types
    return dict(key.export_symmetric(as_dict=True) if key.is_symmetric else key.export_public(as_dict=True))
