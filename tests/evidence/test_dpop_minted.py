"""Proofs that other libraries signed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import authlib.deprecate
import pytest

from tests.evidence.proofs import bound, check, claims, holder, refused
from tests.tokens.minting import private_jwk, thumbprint

with warnings.catch_warnings():
    assert authlib.deprecate  # imported first: it makes its warnings appear always
    warnings.simplefilter("ignore")  # Authlib announces the end of authlib.jose
    from authlib.jose import JsonWebKey, JsonWebToken

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA")
Mint = Callable[[str, dict[str, Any], dict[str, Any]], str]


def by_joserfc(alg: str, header: dict[str, Any], body: dict[str, Any]) -> str:
    from joserfc import jwk, jwt

    key = jwk.import_key(private_jwk(holder(alg)))
    header = {**header, "jwk": key.as_dict(private=False)}
    return jwt.encode(header, body, key, algorithms=[alg])


def by_jwcrypto(alg: str, header: dict[str, Any], body: dict[str, Any]) -> str:
    from jwcrypto import jwk, jwt

    key = jwk.JWK(**private_jwk(holder(alg)))
    made = jwt.JWT(header={**header, "jwk": key.export_public(as_dict=True)}, claims=body, algs=[alg])
    made.make_signed_token(key)
    return str(made.serialize())


def by_authlib(alg: str, header: dict[str, Any], body: dict[str, Any]) -> str:
    key = JsonWebKey.import_key(private_jwk(holder(alg)))
    made: bytes = JsonWebToken([alg]).encode({**header, "jwk": key.as_dict(is_private=False)}, body, key)
    return made.decode()


def by_pyjwt(alg: str, header: dict[str, Any], body: dict[str, Any]) -> str:
    import jwt

    key = holder(alg)
    return jwt.encode(body, key.private, algorithm=alg, headers={**header, "jwk": key.jwk()})


MINTS: tuple[Mint, ...] = (by_joserfc, by_jwcrypto, by_authlib, by_pyjwt)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")  # joserfc says so; clients use it
@pytest.mark.parametrize("mint", MINTS, ids=lambda mint: mint.__name__)
def test_minted_elsewhere(mint: Mint, alg: str) -> None:
    text = mint(alg, {"typ": "dpop+jwt", "alg": alg}, claims())
    assert check(text, confirmation=bound(holder(alg))).thumbprint == thumbprint(holder(alg).jwk())
    assert refused(check, text, confirmation=bound(holder(alg)), method="GET").code == "holder.dpop_htm"
    assert refused(check, text, confirmation=bound(holder(alg, other=1))).code == "holder.mismatch"
