"""The four libraries, each as a minter of tokens and as a verifier behind its adapter."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import authlib.deprecate
import jwt
from joserfc import jwk as joserfc_jwk
from joserfc import jws as joserfc_jws
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

from policyjwt.integrations import authlib as authlib_adapter
from policyjwt.integrations import joserfc, jwcrypto, pyjwt
from policyjwt.tokens.algorithms import ALGORITHMS

with warnings.catch_warnings():
    assert authlib.deprecate  # imported first: it makes its warnings appear always
    warnings.simplefilter("ignore")  # Authlib announces the end of authlib.jose
    from authlib import jose

NAMES_OF_RFC_9864 = {"Ed25519", "Ed448"}


@dataclass(frozen=True)
class Library:
    name: str
    verify: Callable[..., Any]
    key: Callable[[dict[str, Any], str], Any]  # of a JWK and the algorithm it is for
    keys: Callable[[list[dict[str, Any]]], Any]  # of the JWKs of a set
    sign: Callable[[dict[str, Any], bytes, dict[str, Any]], str]  # header, payload, private JWK
    lacks: frozenset[str] = frozenset()

    @property
    def algorithms(self) -> list[str]:
        return [name for name in ALGORITHMS if name not in self.lacks]


def _sign_pyjwt(header: dict[str, Any], payload: bytes, private: dict[str, Any]) -> str:
    key = jwt.PyJWK({"alg": header["alg"], **private})
    return jwt.PyJWS().encode(payload, key, header["alg"], headers={**header, "typ": header.get("typ")})


def _sign_joserfc(header: dict[str, Any], payload: bytes, private: dict[str, Any]) -> str:
    registry = joserfc_jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return joserfc_jws.serialize_compact(header, payload, joserfc_jwk.import_key(private), registry=registry)


def _sign_authlib(header: dict[str, Any], payload: bytes, private: dict[str, Any]) -> str:
    key = jose.JsonWebKey.import_key(private)
    signed: bytes = jose.JsonWebSignature([header["alg"]]).serialize_compact(header, payload, key)
    return signed.decode()


def _sign_jwcrypto(header: dict[str, Any], payload: bytes, private: dict[str, Any]) -> str:
    signed = jwcrypto_jws.JWS(payload)
    signed.allowed_algs = [header["alg"]]
    signed.add_signature(jwcrypto_jwk.JWK(**private), None, json.dumps(header))
    text: str = signed.serialize(compact=True)
    return text


def _jwk_set(keys: list[dict[str, Any]]) -> Any:
    found = jwcrypto_jwk.JWKSet()
    for key in keys:
        found.add(jwcrypto_jwk.JWK(**key))
    return found


LIBRARIES = (
    Library(
        "PyJWT",
        pyjwt.verify,
        lambda key, alg: jwt.PyJWK(key, algorithm=alg),
        jwt.PyJWKSet,
        _sign_pyjwt,
        frozenset(NAMES_OF_RFC_9864),
    ),
    Library(
        "joserfc",
        joserfc.verify,
        lambda key, _: joserfc_jwk.import_key(key),
        lambda keys: joserfc_jwk.KeySet.import_key_set({"keys": keys}),
        _sign_joserfc,
    ),
    Library(
        "Authlib",
        authlib_adapter.verify,
        lambda key, _: jose.JsonWebKey.import_key(key),
        lambda keys: jose.JsonWebKey.import_key_set({"keys": keys}),
        _sign_authlib,
        frozenset(NAMES_OF_RFC_9864),
    ),
    Library(
        "jwcrypto",
        jwcrypto.verify,
        lambda key, _: jwcrypto_jwk.JWK(**key),
        _jwk_set,
        _sign_jwcrypto,
    ),
)
BY_NAME = {library.name: library for library in LIBRARIES}
