"""A signer with a certificate and a delegated staple: its first token and the next, beside a signer of a key set.

The first token is measured twice: where its signer's authority is known from a token of another signer, so that new are
header, certificate, its path to that authority, and staple; and as the first token of all, when nothing is known.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

from benchmarks.evaluate import CLAIMS, POLICY, engine
from benchmarks.paired import ratio, report, rounds
from policyjwt import Engine
from policyjwt.evidence import ocsp_names
from policyjwt.signers import Signers
from policyjwt.tokens import decode as decoding
from policyjwt.tokens.decode import decode
from tests.issuer import Issuer
from tests.pki import authority, leaf, responder, staple, token

_FIRST_AIM, _REPEAT_AIM = 10.0, 0.2


def _certified() -> tuple[Engine, Engine, str, str]:
    """Two engines, whose policy is that of the other benchmarks but for certificates and staples, and two tokens.

    The signers of the tokens are certified by one authority, whose responder answers for both.
    """
    now = time.time()
    life: dict[str, Any] = {"begins": now - 3600, "ends": now + 86_400}
    root = authority("Root", **life)
    intermediate = authority("Intermediate", root, path_length=0, **life)
    delegate = responder(intermediate, **life)

    def token_of(name: str) -> str:
        signer = leaf(name, intermediate, uris=["https://idp.corp.example"], **life)
        answer = staple(signer, signer=delegate, this_update=now - 60, next_update=now + 3600)
        header: dict[str, Any] = {
            "typ": "at+jwt",
            "x5c": [signer.x5c, intermediate.x5c],
            "x5ocsp": [b64encode(answer).decode()],
        }
        return token(CLAIMS, by=signer, header=header)

    text = POLICY.format(
        alg="ES256",
        keys='keys x5c { anchors "ca.pem"  leaf san uri "https://idp.corp.example" }',
        revocation='staple ocsp from header "x5ocsp"  age at most 1h  cover leaf',
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ca.pem").write_bytes(root.pem)
        judges = Engine.from_text(text, root=folder), Engine.from_text(text, root=folder)
    return (*judges, token_of("idp"), token_of("another"))


def _forget_signers(judge: Engine) -> Signers:
    """As it is before a signer's first token, where others of its authority may have come."""
    decoding._known_headers.clear()
    (entry,) = judge._loaded.selection._by_policy.values()
    signers = entry.candidate.signers
    assert signers is not None
    signers._paths._kept.clear()
    signers._staples._kept.clear()
    return signers


def _forget_all(judge: Engine) -> None:
    """As it is before the first token of all."""
    signers = _forget_signers(judge)
    signers._authorities._kept.clear()
    signers._delegations._kept.clear()
    ocsp_names.identity.cache_clear()
    ocsp_names.key_of.cache_clear()


def main() -> None:
    """Print the ratios."""
    issuer = Issuer("ES256")
    plain, plain_token = engine(issuer), issuer.token(CLAIMS, {"typ": "at+jwt"})
    judge, empty, own, of_another = _certified()
    parts = decode(plain_token)
    verify = issuer.keys().keys[0].verifier("ES256")
    assert plain.evaluate(plain_token)
    assert judge.evaluate(of_another), str(judge.evaluate(of_another))  # all that `judge` learns of the authority
    for each in (judge, empty):
        assert each.evaluate(own), str(each.evaluate(own))

    def first() -> None:
        _forget_signers(judge)
        judge.evaluate(own)

    def first_of_all() -> None:
        _forget_all(empty)
        empty.evaluate(own)

    cases = {
        "bare": lambda: verify(parts.signing_input, parts.signature),
        "plain": lambda: plain.evaluate(plain_token),
        "first": first,
        "first of all": first_of_all,
        "repeat": lambda: judge.evaluate(own),
    }
    found = rounds(cases, number=100)
    beyond = statistics.median(
        (a - p) / b for a, p, b in zip(found["repeat"], found["plain"], found["bare"], strict=True)
    )
    report(
        "signers with certificates and staples, as ratios to one bare ES256 verification",
        [
            ("the first token of a signer, its authority known", ratio(found, "first", "bare"), _FIRST_AIM),
            ("the first token of all: nothing known", ratio(found, "first of all", "bare"), None),
            ("each further token: beyond one of a key set", beyond, _REPEAT_AIM),
            ("each further token: all of it", ratio(found, "repeat", "bare"), None),
        ],
    )


if __name__ == "__main__":
    main()
