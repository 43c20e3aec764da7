"""DPoP proofs for tests, put together by hand, and what a policy and a request look like that they are for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from policyjwt.errors import TokenRefused
from policyjwt.evidence.dpop import Proof, ProofDemand, check_proof
from tests.issuer import NOW
from tests.tokens.minting import Signer, b64, signer, thumbprint

TOKEN = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"
URI = "https://api.example/pay"
ALGORITHMS = frozenset({"ES256", "ES384", "ES512", "PS256", "RS256", "EdDSA", "Ed25519"})
DEMAND = ProofDemand(algorithms=ALGORITHMS)
SENT: dict[str, Any] = {"token": TOKEN, "method": "POST", "uri": URI, "nonce": None, "scheme": "DPoP"}


@cache
def holder(alg: str = "ES256", other: int = 0) -> Signer:
    """The key of the token's holder; `other` gives somebody else's."""
    return Signer(alg, signer(alg, other=other).private, kid=None)


def ath(token: str = TOKEN) -> str:
    return b64(hashlib.sha256(token.encode()).digest())


def claims(**changes: object) -> dict[str, object]:
    """The claims of a right proof; those that are `...` are left out."""
    usual = {"jti": "p1", "htm": "POST", "htu": URI, "iat": NOW, "ath": ath()}
    return {name: value for name, value in {**usual, **changes}.items() if value is not ...}


def proof(by: Any = None, header: Any = None, **changes: Any) -> str:
    """A right proof, but for what is changed in its header and its claims."""
    by = by or holder()
    usual: dict[str, object] = {"typ": "dpop+jwt", "alg": by.alg, "jwk": by.jwk()}
    members = {name: value for name, value in {**usual, **(header or {})}.items() if value is not ...}
    text: str = by.token(claims(**changes), members)
    return text


def bound(by: Signer | None = None) -> dict[str, object]:
    """`cnf` of a token of this holder."""
    return {"jkt": thumbprint((by or holder()).jwk())}


def check(*proofs: str, demand: ProofDemand = DEMAND, now: float = NOW, **changes: Any) -> Proof:
    sent = {**SENT, "confirmation": bound(), **changes}
    return check_proof(proofs, demand=demand, now=now, **sent)


def refused(call: Callable[..., object], *arguments: Any, **named: Any) -> TokenRefused:
    """The refusal, whose texts are one line, in lower case (but for names such as JSON), without a full stop."""
    with pytest.raises(TokenRefused) as caught:
        call(*arguments, **named)
    for text in (caught.value.actual, caught.value.expected, caught.value.help or "as it is"):
        assert text
        assert "\n" not in text
        assert not text.endswith(".")
        assert text[0] in "`0123456789" or text[0].islower() or text.split()[0].removesuffix("-8").isupper()
    return caught.value
