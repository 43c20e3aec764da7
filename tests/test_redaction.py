"""Nothing of a token shows where it could be logged: for any claims, no claim's name, value or part of the text."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from policyjwt import Engine, UntrustedTokenError
from policyjwt.replay import InspectOnly, MemoryReplayStore
from tests.encryption.flow import nested, pem
from tests.issuer import NOW, URL, Issuer, claims, policy

ISSUER = Issuer()
MARK = "zqxj"
"""In every value and every unknown name of the tokens here, and in no policy."""

REST = """provides sub is string, mail is string if present
  require tenant == "acme"
  require mail ends with "@corp.example"
  require every r in roles satisfies r in ["a", "b"]
  require words(scope) contains "pay"
  require host(url) == "corp.example"
  require name like "repo:*"
  require code matches /[a-z]{3}/
  forbid azp == "legacy"
  require claim.a == claim.b
  observe level > 3 until 2027-01-31"""
ENGINE = Engine.from_text(
    policy(rest=REST),
    keys={f"url:{URL}": ISSUER.keys()},
    replay=MemoryReplayStore(100_000, single_process=True),
    clock=lambda: float(NOW),
)

MARKED = st.text(max_size=8).map(lambda text: f"{MARK}{text}")
VALUES: st.SearchStrategy[Any] = st.recursive(
    MARKED | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MARKED, inner, max_size=2),
    max_leaves=5,
)
NAMES = [
    "iss",
    "aud",
    "sub",
    "exp",
    "iat",
    "jti",
    "tenant",
    "mail",
    "roles",
    "scope",
    "url",
    "name",
    "code",
    "azp",
    "a",
    "b",
    "level",
    "cnf",
]


def everything_told(token: str) -> str:
    verdict, inspection = ENGINE.evaluate(token), ENGINE.inspect(token)
    parts: list[object] = [str(verdict), repr(verdict), verdict.to_dict(), str(inspection), repr(inspection)]
    parts += [verdict.findings, verdict.assurances, verdict.key, verdict.explain(everything=True)]
    public = verdict.public()
    parts += [public, public.status, dict(public.headers)]
    try:
        parts += [repr(verdict.claims), repr(verdict.unjudged)]
        verdict.claims["nothing"]
    except (UntrustedTokenError, KeyError) as error:
        parts.append("".join(traceback.format_exception(error)))
    return "\n".join(json.dumps(part) if isinstance(part, dict) else str(part) for part in parts)


@given(
    changes=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6),
    more=st.dictionaries(MARKED, VALUES, max_size=2),
)
def test_no_view_quotes_the_token(changes: dict[str, Any], more: dict[str, Any]) -> None:
    token = ISSUER.token(claims(**changes) | more)
    told = everything_told(token)
    assert MARK not in told
    for part in token.split("."):
        assert part[:16] not in told


@given(st.text(max_size=60), st.sampled_from(["", ".", "..", "."]))
def test_no_view_quotes_what_is_no_token(text: str, dots: str) -> None:
    told = everything_told(f"{MARK}{text}{dots}{MARK}")
    assert MARK not in told


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        everything_told(ISSUER.token(claims(sub=MARK, tenant=MARK)))
        ENGINE.evaluate(MARK)
    assert caplog.records == []


def test_values_are_shown_to_a_person_who_asks() -> None:
    verdict = ENGINE.evaluate(ISSUER.token(claims(tenant=f"{MARK}\n\x1b[31m")))
    shown = verdict.explain(values=True)
    assert MARK in shown
    assert "\x1b" not in shown
    assert f"{MARK}\n" not in shown
    assert MARK in json.dumps(verdict.to_dict(values=True))


@pytest.mark.parametrize("encrypted", [True, False])
def test_confidential_claims_are_shown_to_nobody(*, encrypted: bool) -> None:
    key = rsa.generate_private_key(65537, 2048)
    text = policy(
        rest=f"""provides sub is string
  encryption {{ algorithms RSA-OAEP-256  content A256GCM  key env "DECRYPTION" as pem }}
  confidential phone
  require phone == "1"
  require tenant == "{MARK}2\""""
    )
    keys: dict[str, Any] = {f"url:{URL}": ISSUER.keys(), "env:DECRYPTION": pem(key)}
    engine = Engine.from_text(text, keys=keys, replay=InspectOnly(), clock=lambda: float(NOW))
    told = claims(phone=f"{MARK}-secret", tenant="shown")
    token = nested(ISSUER, key, **told) if encrypted else ISSUER.token(told)
    verdict = engine.evaluate(token)
    failing = {finding.code for finding in verdict.failing}
    assert failing >= {"claim.phone", "claim.tenant"}
    assert ("confidential.exposed" in failing) is not encrypted
    shown = verdict.explain(values=True, everything=True) + json.dumps(verdict.to_dict(values=True))
    assert f"{MARK}-secret" not in shown
    assert "shown" in shown
