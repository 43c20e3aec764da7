"""A whole evaluation against PyJWT and joserfc (claims and the same rules by hand) and the bare signature."""

from __future__ import annotations

import time
from typing import Any

import joserfc.jwk
import joserfc.jwt
import jwt

from benchmarks.paired import ratio, report, rounds
from policyjwt import Engine
from policyjwt.tokens.decode import decode
from tests.issuer import Issuer

NOW = int(time.time())
POLICY = """policyjwt 1

policy "bench" {{
  about    "Access tokens"
  use      "api"
  owner    "bench@corp.example"
  issuer   "https://idp.corp.example"
  audience "payments-api"
  type     "at+jwt"
  signature {{
    algorithms {alg}
    {keys}
  }}
  freshness  {{ lifetime at most 1h  age at most 30m  skew at most 30s }}
  replay     {{ reusable because "measured without a store" }}
  revocation {{ {revocation} }}
  provides   sub is string, tenant is string, locale is string if present

  require words(scope) contains "pay:write" as pay-scope
  require email_verified == true
  require email ends with "@corp.example"
  require amr contains any of ["hwk", "fido"]
  require every role in realm_access.roles satisfies (role == "ops" or role starts with "ops-")
  require acr in ["aal2", "aal3"]
  require auth_time within 12h
  forbid azp == "legacy-batch"
}}
"""
CLAIMS: dict[str, Any] = {
    "iss": "https://idp.corp.example",
    "aud": "payments-api",
    "sub": "user-0123456789",
    "tenant": "acme",
    "iat": NOW - 10,
    "exp": NOW + 1800,
    "jti": "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "scope": "openid profile pay:read pay:write",
    "email": "somebody@corp.example",
    "email_verified": True,
    "amr": ["pwd", "hwk"],
    "realm_access": {"roles": ["ops", "ops-eu"]},
    "acr": "aal2",
    "auth_time": NOW - 300,
    "azp": "web",
    "locale": "de",
}


def engine(issuer: Issuer) -> Engine:
    """The engine for one algorithm."""
    if issuer.alg.startswith("HS"):
        keys, reference = 'secret env "BENCH" as base64url', "env:BENCH"
        revocation = 'by redeployment because "measured"'
    else:
        keys, reference = 'keys jwks url "https://idp.corp.example/jwks"', "url:https://idp.corp.example/jwks"
        revocation = "by key removal within 24h"
    text = POLICY.format(alg=issuer.alg, keys=keys, revocation=revocation)
    given = issuer.private if issuer.alg.startswith("HS") else issuer.keys()
    return Engine.from_text(text, keys={reference: given})


def by_hand(claims: dict[str, Any]) -> bool:
    """The same rules as somebody would write them, checked for types."""
    scope, email, amr = claims.get("scope"), claims.get("email"), claims.get("amr")
    access, at = claims.get("realm_access"), claims.get("auth_time")
    roles = access.get("roles") if isinstance(access, dict) else None
    return (
        isinstance(claims.get("sub"), str)
        and isinstance(claims.get("tenant"), str)
        and isinstance(scope, str)
        and "pay:write" in scope.split()
        and claims.get("email_verified") is True
        and isinstance(email, str)
        and email.endswith("@corp.example")
        and isinstance(amr, list)
        and any(method in ("hwk", "fido") for method in amr)
        and isinstance(roles, list)
        and all(isinstance(role, str) and (role == "ops" or role.startswith("ops-")) for role in roles)
        and claims.get("acr") in ("aal2", "aal3")
        and isinstance(at, (int, float))
        and NOW - 12 * 3600 <= at <= time.time() + 30
        and claims.get("azp") not in (None, "legacy-batch")
    )


def measure(alg: str) -> list[tuple[str, float, float | None]]:
    """The ratios for one algorithm."""
    issuer = Issuer(alg, kid=None if alg.startswith("HS") else "k1")
    token = issuer.token(CLAIMS, {"typ": "at+jwt"})
    ours = engine(issuer)
    verdict = ours.evaluate(token)
    assert verdict, str(verdict)
    unverified = decode(token)
    key = issuer.keys().keys[0]
    verifier = key.verifier(alg)
    pyjwt_key = issuer.private if alg.startswith("HS") else issuer.private.public_key()
    joserfc_key = joserfc.jwk.import_key(issuer.jwk())
    registry = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": "https://idp.corp.example"},
        aud={"essential": True, "value": "payments-api"},
    )

    def pyjwt() -> bool:
        claims = jwt.decode(
            token,
            pyjwt_key,
            algorithms=[alg],
            audience="payments-api",
            issuer="https://idp.corp.example",
            leeway=30,
        )
        return by_hand(claims)

    def with_joserfc() -> bool:
        decoded = joserfc.jwt.decode(token, joserfc_key, algorithms=[alg])
        registry.validate(decoded.claims)
        return by_hand(decoded.claims)

    assert pyjwt()
    assert with_joserfc()
    cases = {
        "policyjwt": lambda: bool(ours.evaluate(token)),
        "PyJWT": pyjwt,
        "joserfc": with_joserfc,
        "the bare signature": lambda: verifier(unverified.signing_input, unverified.signature),
    }
    found = rounds(cases, number=30 if not alg.startswith("HS") else 100)
    aims: dict[tuple[str, str], float] = {("HS256", "PyJWT"): 0.30, ("ES256", "the bare signature"): 1.4}
    peers = ["PyJWT", "joserfc", "the bare signature"]
    return [(f"{alg}: policyjwt to {peer}", ratio(found, "policyjwt", peer), aims.get((alg, peer))) for peer in peers]


def main() -> None:
    """Print the ratios."""
    rows = [row for alg in ("HS256", "RS256", "ES256", "EdDSA") for row in measure(alg)]
    report("a whole evaluation: 8 rules, 3 provided claims; the peers run the same rules by hand", rows)


if __name__ == "__main__":
    main()
