"""The part of `policyjwt demo` about encryption and about keys that change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from policyjwt.cli.demo import Steps
    from policyjwt.cli.demo_issuer import Minted

ENCRYPTED = """\
policyjwt 1

policy "hooks" {
  about    "Notices of a partner, which nobody on their way may read"
  use      "hooks"
  owner    "integrations@corp.example"

  issuer   "https://partner.example"
  audience only "hooks"
  type     "at+jwt"

  signature {
    algorithms ES256
    keys jwks url "https://partner.example/jwks.json" { stale at most 24h }
  }
  encryption {
    algorithms RSA-OAEP-256
    content    A256GCM
    key        env "HOOKS_KEY" as pem            # the private key; its public part goes to the partner
  }
  freshness  { age at most 5m  skew at most 10s }
  replay     { nonce jti }
  revocation { by key removal within 24h }

  provides     event is string
  confidential phone
  assures      confidentiality
}
"""

_SIGNS, _DECRYPTS = "url:https://partner.example/jwks.json", "env:HOOKS_KEY"


def recipients(step: Steps) -> Iterator[str]:
    """Encrypted, in the open, for another service; then the issuer's keys change."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    from policyjwt.cli.demo_issuer import DemoIssuer, claims
    from policyjwt.engine import Engine
    from policyjwt.errors import PolicyError
    from policyjwt.replay import MemoryReplayStore
    from policyjwt.tokens import KeySet

    partner, successor = DemoIssuer(), DemoIssuer()
    ours, another = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    published = [partner]

    def notice(by: DemoIssuer = partner) -> Minted:
        told = claims(iss="https://partner.example", aud="hooks", event="moved", phone="+1 555 0100")
        return by.mint({name: value for name, value in told.items() if name not in {"scope", "amr", "tenant"}})

    try:
        engine = Engine.from_text(
            ENCRYPTED,
            "hooks.policy",
            keys={_SIGNS: lambda: KeySet.from_jwks(published[0].jwks()), _DECRYPTS: _pem(ours)},
            replay=MemoryReplayStore(1000, single_process=True),
        )
    except PolicyError as missing:
        yield f"Not shown: {missing.diagnostics[0].message}. {missing.diagnostics[0].help or ''}."
        return
    with engine:
        yield step(
            engine,
            "Encrypted",
            "A signed token inside an encrypted one. The service reads it, and no view of the verdict shows the phone.",
            _encrypted(notice(), ours),
            expected=(),
        )
        yield step(
            engine,
            "In the open",
            "The same notice without encryption. Its signature is good, and everybody on its way has read it.",
            notice(),
            expected=("policy.encryption_required", "confidential.exposed"),
        )
        yield step(
            engine,
            "Encrypted to somebody else",
            "Wrong key, wrong tag, broken text: all are told in the same words.",
            _encrypted(notice(), another),
            expected=("decryption.failed",),
        )
        yield step(
            engine,
            "A key that is not known yet",
            "The partner signs with a new key. The token is refused, and the key set is asked for in the background.",
            _encrypted(notice(successor), ours),
            expected=("key.unknown_kid",),
        )
        published[0] = successor
        engine.reload()
        yield step(
            engine,
            "The new key has come",
            "No restart, and nothing was configured.",
            _encrypted(notice(successor), ours),
            expected=(),
        )
        yield step(
            engine,
            "The old key is gone",
            "What the issuer has taken out of its set is trusted no more.",
            _encrypted(notice(partner), ours),
            expected=("key.unknown_kid",),
        )


def _encrypted(signed: Minted, to: RSAPrivateKey) -> Minted:
    """The token encrypted to this key (RFC 7516), with the claims that are inside."""
    from joserfc.jwe import encrypt_compact
    from joserfc.jwk import RSAKey

    from policyjwt.cli.demo_issuer import Minted

    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT"}
    key = RSAKey.import_key(_public_pem(to))
    algorithms = [header["alg"], header["enc"]]
    token = encrypt_compact(header, signed.token.encode("ascii"), key, algorithms=algorithms)
    return Minted(token, json.loads(json.dumps(header)), signed.claims)


def _pem(key: RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_pem(key: RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
