"""Encrypted tokens through the whole engine: an issuer that signs, a service that decrypts, a policy between them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policyjwt import Engine, Verdict
from policyjwt.replay import MemoryReplayStore
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.tokens import encrypting

REUSABLE = 'replay { reusable because "measured by a test" }'
SECTION = "encryption {{ algorithms {alg}  content {enc}  {keys} }}"


def section(*keys: str, alg: str = "RSA-OAEP-256", enc: str = "A256GCM") -> str:
    """`encryption { … }`, with `key env "DECRYPTS" as pem` where no key is named."""
    return SECTION.format(alg=alg, enc=enc, keys="  ".join(keys or ('key env "DECRYPTS" as pem',)))


def text(*sections: str, **changes: str) -> str:
    """A policy with these lines beside the usual ones."""
    rest = changes.pop("rest", "provides sub is string")
    return policy(**({"replay": REUSABLE} | changes), rest="\n  ".join([*(sections or (section(),)), rest]))


def pem(key: Any) -> bytes:
    """A private key as a service has it in a file."""
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def engine(policy_text: str, *, signer: Issuer, keys: dict[str, Any] | None = None, **settings: Any) -> Engine:
    """An engine by this policy; `keys` are those that decrypt, by reference."""
    given: dict[str, Any] = {
        "keys": {f"url:{URL}": signer.keys(), **(keys or {})},
        "replay": MemoryReplayStore(1000, single_process=True),
        "clock": lambda: float(NOW),
    }
    return Engine.from_text(policy_text, **(given | settings))


def nested(
    signer: Issuer,
    key: Any,
    *,
    alg: str = "RSA-OAEP-256",
    enc: str = "A256GCM",
    header: dict[str, Any] | None = None,
    inner: str | bytes | None = None,
    **changes: Any,
) -> str:
    """A good token of `signer`, or `inner`, encrypted to `key`. A member of `header` that is `...` is left out."""
    members = {"alg": alg, "enc": enc, "cty": "JWT"} | (header or {})
    signed = signer.token(claims(**changes)) if inner is None else inner
    plaintext = signed.encode() if isinstance(signed, str) else signed
    return encrypting.by_joserfc(key, {n: v for n, v in members.items() if v is not ...}, plaintext)


def by_command(folder: Path, key: Any, plaintext: str, *, alg: str, enc: str) -> str:
    """The same by the `jose` command of the José package."""
    import subprocess

    public = folder / "to.jwk"
    public.write_text(json.dumps(encrypting.public_jwk(key)))
    template = json.dumps({"protected": {"alg": alg, "enc": enc, "cty": "JWT"}})
    ended = subprocess.run(
        ["jose", "jwe", "enc", "-i", template, "-I", "-", "-k", str(public), "-c"],
        input=plaintext.encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    return ended.stdout.decode().strip()


def b64url(raw: bytes) -> str:
    """As a secret `as base64url` is written."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def codes(verdict: Verdict) -> set[str]:
    """The codes of what failed."""
    return {finding.code for finding in verdict.failing}
