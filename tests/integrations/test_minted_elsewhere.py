"""Tokens minted by other libraries, for every algorithm that each has, judged by the whole engine."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt import Engine
from policyjwt.replay import MemoryReplayStore
from tests.integrations.libraries import LIBRARIES, Library
from tests.issuer import NOW, URL, claims, policy
from tests.tokens.minting import as_json, private_jwk, signer

EACH = [pytest.param(library, alg, id=f"{library.name}-{alg}") for library in LIBRARIES for alg in library.algorithms]


def engine(alg: str, keys: Any) -> Engine:
    if alg.startswith("HS"):
        changes = {
            "keys": 'secret env "SECRET" as base64url',
            "revocation": 'revocation { by redeployment because "a test" }',
        }
        return _engine(policy(algorithms=alg, **changes), {"env:SECRET": keys})
    return _engine(policy(algorithms=alg), {f"url:{URL}": keys})


def _engine(text: str, keys: dict[str, Any]) -> Engine:
    store = MemoryReplayStore(100, single_process=True)
    return Engine.from_text(text, keys=keys, replay=store, clock=lambda: float(NOW))


@pytest.mark.filterwarnings("ignore")  # of the libraries, on algorithms that they would rather not sign with
@pytest.mark.parametrize(("library", "alg"), EACH)
def test_what_others_mint_is_judged(library: Library, alg: str) -> None:
    one, other = signer(alg), signer(alg, other=1)
    judge = engine(alg, one.private if alg.startswith("HS") else one.keys)

    def codes(by: Any = one, **changes: Any) -> set[str]:
        header = {"alg": alg, "kid": "e1", "typ": "JWT"}
        token = library.sign(header, as_json(claims(**changes)), private_jwk(by))
        verdict = judge.evaluate(token)
        assert bool(verdict) is not bool(verdict.failing)
        return {finding.code for finding in verdict.failing}

    assert codes() == set()
    assert codes(by=other) == {"signature.invalid"}
    assert codes(aud="other") == {"audience.mismatch"}
    assert codes(exp=NOW) == {"freshness.expired"}
    assert codes(iat=NOW + 1, nbf=...) == {"freshness.issued_in_future"}
    assert codes(sub=7, jti=...) == {"claim.provides-sub", "replay.nonce_missing"}
