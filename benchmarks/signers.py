"""A signer with a certificate and a delegated staple: its first token and the next, beside a signer of a key set."""

from __future__ import annotations

import statistics
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

from benchmarks.evaluate import CLAIMS, POLICY, engine
from benchmarks.paired import report, rounds
from policyjwt import Engine
from policyjwt.tokens import decode as decoding
from policyjwt.tokens.decode import decode
from tests.issuer import Issuer
from tests.pki import authority, leaf, responder, staple, token

_FIRST_AIM, _REPEAT_AIM = 10.0, 0.2


def _certified() -> tuple[Engine, str]:
    """An engine whose policy is that of the other benchmarks, but for certificates and staples; and a token for it."""
    now = time.time()
    life: dict[str, Any] = {"begins": now - 3600, "ends": now + 86_400}
    root = authority("Root", **life)
    intermediate = authority("Intermediate", root, path_length=0, **life)
    signer = leaf("idp", intermediate, uris=["https://idp.corp.example"], **life)
    answer = staple(
        signer,
        signer=responder(intermediate, **life),
        this_update=now - 60,
        next_update=now + 3600,
        issuer=intermediate,
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ca.pem").write_bytes(root.pem)
        text = POLICY.format(
            alg="ES256",
            keys='keys x5c { anchors "ca.pem"  leaf san uri "https://idp.corp.example" }',
            revocation='staple ocsp from header "x5ocsp"  age at most 1h  cover leaf',
        )
        judge = Engine.from_text(text, root=folder)
    header: dict[str, Any] = {
        "typ": "at+jwt",
        "x5c": [signer.x5c, intermediate.x5c],
        "x5ocsp": [b64encode(answer).decode()],
    }
    return judge, token(CLAIMS, by=signer, header=header)


def _forget(judge: Engine) -> None:
    """As it is before the signer's first token."""
    decoding._known_headers.clear()
    for entry in judge._loaded.selection._by_policy.values():
        signers = entry.candidate.signers
        assert signers is not None
        signers._paths._kept.clear()
        signers._staples._kept.clear()


def main() -> None:
    """Print the ratios."""
    issuer = Issuer("ES256")
    plain, plain_token = engine(issuer), issuer.token(CLAIMS, {"typ": "at+jwt"})
    certified, certified_token = _certified()
    parts = decode(plain_token)
    verify = issuer.keys().keys[0].verifier("ES256")
    assert plain.evaluate(plain_token)
    assert certified.evaluate(certified_token), str(certified.evaluate(certified_token))

    def first() -> None:
        _forget(certified)
        certified.evaluate(certified_token)

    cases = {
        "bare": lambda: verify(parts.signing_input, parts.signature),
        "plain": lambda: plain.evaluate(plain_token),
        "first": first,
        "repeat": lambda: certified.evaluate(certified_token),
    }
    found = rounds(cases, number=100)
    whole = statistics.median(a / b for a, b in zip(found["first"], found["bare"], strict=True))
    beyond = statistics.median(
        (a - p) / b for a, p, b in zip(found["repeat"], found["plain"], found["bare"], strict=True)
    )
    repeated = statistics.median(a / b for a, b in zip(found["repeat"], found["bare"], strict=True))
    report(
        "signers with certificates and staples, as ratios to one bare ES256 verification",
        [
            ("the first token of a signer, path and staple included", whole, _FIRST_AIM),
            ("each further token: beyond one of a key set", beyond, _REPEAT_AIM),
            ("each further token: all of it", repeated, None),
        ],
    )


if __name__ == "__main__":
    main()
