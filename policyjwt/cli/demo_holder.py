"""The part of `policyjwt demo` about holders: a token that is worth nothing without its holder's key (RFC 9449)."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from secrets import token_urlsafe
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policyjwt.cli.demo import Steps
    from policyjwt.cli.demo_issuer import DemoIssuer, Minted
    from policyjwt.request import Context

HELD = """\
policyjwt 1

policy "wallet" {
  about    "Tokens of the wallet's identity provider, bound to a key of the wallet"
  use      "wallet-api"
  owner    "identity-security@corp.example"

  issuer   "https://idp.corp.example"
  audience "wallet-api"
  type     "at+jwt"

  signature {
    algorithms ES256
    keys jwks url "https://idp.corp.example/jwks.json" { stale at most 24h }
  }
  freshness  { lifetime at most 15m  skew at most 30s }
  holder dpop { age at most 60s  algorithms ES256 }
  replay     { proof once }                     # the token may come again, each time with another proof
  revocation { by key removal within 24h }

  assures holder-of-key, replay-protection

  provides sub is string
}
"""

_KEYS = "url:https://idp.corp.example/jwks.json"
_URI = "https://wallet.corp.example/pay"


def holders(step: Steps) -> Iterator[str]:
    """With the proof, without it, with a proof that was seen before, and with a thief's own."""
    from policyjwt.cli.demo_issuer import DemoIssuer, claims
    from policyjwt.engine import Engine
    from policyjwt.replay import MemoryReplayStore
    from policyjwt.tokens import KeySet

    issuer, wallet, thief = DemoIssuer(), DemoIssuer(), DemoIssuer()
    engine = Engine.from_text(
        HELD,
        "wallet.policy",
        keys={_KEYS: KeySet.from_jwks(issuer.jwks())},
        replay=MemoryReplayStore(1000, single_process=True),
    )
    token = issuer.mint(claims(aud="wallet-api", cnf={"jkt": _thumbprint(wallet)}))
    shown = _with_proof(token, wallet)
    stories: tuple[tuple[str, str, Context | None, tuple[str, ...]], ...] = (
        (
            "The holder, with a proof",
            "The wallet signs each request with the key that the token names in `cnf`.",
            shown,
            (),
        ),
        (
            "A copied token",
            "Somebody read it in a log, and has no key.",
            None,
            ("holder.dpop_count",),
        ),
        (
            "The same proof again",
            "Token and proof were copied together. The proof was consumed with its first use.",
            shown,
            ("replay.seen",),
        ),
        (
            "A proof by another key",
            "The thief signs a proof of its own.",
            _with_proof(token, thief),
            ("holder.mismatch",),
        ),
    )
    for title, story, request, expected in stories:
        yield step(engine, title, story, token, request=request, expected=expected)


def _with_proof(token: Minted, holder: DemoIssuer) -> Context:
    """The request, with a proof by the holder's key for it and for this token (RFC 9449, section 4.2)."""
    from policyjwt.request import Context

    told = {
        "jti": token_urlsafe(9),
        "htm": "POST",
        "htu": _URI,
        "iat": int(time.time()),
        "ath": _digest(token.token.encode("ascii")),
    }
    proof = holder.mint(told, typ="dpop+jwt", jwk=holder.jwk())
    return Context(method="POST", uri=_URI, scheme="DPoP", dpop=(proof.token,))


def _thumbprint(holder: DemoIssuer) -> str:
    """RFC 7638."""
    return _digest(json.dumps(holder.jwk(), sort_keys=True, separators=(",", ":")).encode("ascii"))


def _digest(data: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode("ascii")
