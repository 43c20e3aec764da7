"""joserfc. Input: a token and keys of joserfc. Output: VerifiedToken, to be judged by `Engine.validate`.

joserfc checks the signature and nothing else: claims are the policy's matter.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from policyjwt.integrations.libraries import LibraryKeys, each
from policyjwt.tokens.limits import MAX_TOKEN_CHARACTERS
from policyjwt.tokens.signature import VerifiedToken

if TYPE_CHECKING:
    from joserfc.jwk import Key, KeySet


def verify(token: str, keys: Key | KeySet | list[Key], algorithms: Collection[str]) -> VerifiedToken:
    """Verifies with joserfc. `keys` is a KeySet, a key, or a list of keys of `joserfc.jwk`.

    TokenRefused and KeyRefused as in `policyjwt.tokens.verify`.
    """
    from joserfc import errors, jwk, jws  # an adapter costs nothing to users of another library

    kinds = (jwk.RSAKey, jwk.ECKey, jwk.OKPKey, jwk.OctKey)
    if isinstance(keys, jwk.KeySet):
        keys = keys.keys
    found = LibraryKeys["Key"]()
    for item in each([keys] if isinstance(keys, kinds) else keys, kinds):
        key = cast("Key", item)
        found.add_jwk(dict(key.as_dict(private=key.key_type == "oct")), key)
    return found.verified(
        token,
        algorithms,
        check=_check,
        refusals=errors.JoseError,
        unsupported=lambda alg: alg not in jws.JWSRegistry.algorithms,
    )


def _check(token: str, key: Key, alg: str) -> bytes:
    from joserfc import jws

    # Members that joserfc does not know are none of its business: headers.check has judged them.
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.max_header_length = registry.max_signature_length = MAX_TOKEN_CHARACTERS
    return jws.deserialize_compact(token, key, algorithms=[alg], registry=registry).payload
