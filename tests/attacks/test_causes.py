"""L20: an explanation is the cause. Without the line that a refusal names the token is trusted; without others, not."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt import Verdict
from tests.attacks.flow import ISSUER, codes, engine
from tests.issuer import NOW, URL, claims

TEXT = f"""policyjwt 1

policy "p" {{
  about    "a test"
  use      "api"
  owner    "tests@corp.example"
  issuer   "https://issuer.example"
  audience "api"
  type "JWT"
  signature {{
    algorithms ES256
    keys jwks url "{URL}"
  }}
  freshness {{
    expires within 2h
    lifetime at most 1h
    age at most 10m
    needs nbf
    issued after 2023-11-14 because "keys were lost"
  }}
  replay {{
    nonce jti
    hold at most 30m
  }}
  revocation {{ by key removal within 24h }}
  select plan "gold"
  provides sub is string
  provides level is number
  require role == "admin"
  require words(scope) contains "pay"
  require host(url) under "corp.example"
  require amr contains any of ["hwk"] unless context.method == "GET"
  forbid azp == "legacy" when azp is present
  forbid banned == true
  require auth_time within 1h
}}
"""
GOOD: dict[str, Any] = {
    "plan": "gold",
    "level": 1,
    "role": "admin",
    "scope": "pay",
    "url": "https://a.corp.example/",
    "amr": ["hwk"],
    "banned": False,
    "auth_time": NOW,
}
WAIVED = {
    'audience "api"': 'waive audience because "dropped"',
    'type "JWT"': 'waive type because "dropped"',
    "nonce jti": 'reusable because "dropped"',
}
"""What stands for a decision that can't be left open. All other lines are simply taken out."""
WITH_NONCE = {"hold at most 30m"}
"""What goes with the nonce."""

ROWS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("C08", {"aud": "other"}, {}, 'audience "api"'),
    ("C08-missing", {"aud": ...}, {}, 'audience "api"'),
    ("H17", {}, {"typ": "at+jwt"}, 'type "JWT"'),
    ("H19", {}, {"typ": ...}, 'type "JWT"'),
    ("F13", {"exp": NOW + 3000, "iat": NOW - 300}, {}, "nonce jti"),
    ("F13-age", {"iat": NOW - 601}, {}, "age at most 10m"),
    ("F09-needs", {"nbf": ...}, {}, "needs nbf"),
    ("R04", {"jti": ...}, {}, "nonce jti"),
    ("select", {"plan": "lead"}, {}, 'select plan "gold"'),
    ("C13", {"level": "1"}, {}, "provides level is number"),
    ("C29", {"level": None}, {}, "provides level is number"),
    ("C12", {"azp": "legacy"}, {}, 'forbid azp == "legacy" when azp is present'),
    ("C15", {"scope": "payroll"}, {}, 'require words(scope) contains "pay"'),
    ("C16", {"amr": "hwk"}, {}, 'require amr contains any of ["hwk"] unless context.method == "GET"'),
    ("L07", {"role": ...}, {}, 'require role == "admin"'),
    ("L07-null", {"role": None}, {}, 'require role == "admin"'),
    ("L08", {"banned": ...}, {}, "forbid banned == true"),
    ("L08-true", {"banned": True}, {}, "forbid banned == true"),
    ("host", {"url": "https://a.corp.example@evil/"}, {}, 'require host(url) under "corp.example"'),
    ("within", {"auth_time": NOW - 3601}, {}, "require auth_time within 1h"),
]


def without(line: str) -> str:
    """The policy without that line, waived where it must be decided."""
    kept = []
    for written in TEXT.splitlines():
        bare = written.strip()
        if bare == line:
            kept.append(WAIVED.get(line, ""))
        elif not (line == "nonce jti" and bare in WITH_NONCE):
            kept.append(written)
    return "\n".join(kept) + "\n"


def judged(text: str, token: str) -> Verdict:
    return engine(text).evaluate(token)


def test_the_token_that_the_rows_change_is_trusted() -> None:
    assert judged(TEXT, ISSUER.token(claims(**GOOD)))


@pytest.mark.parametrize(("changes", "header", "line"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_line_named_is_the_cause(changes: dict[str, Any], header: dict[str, Any], line: str) -> None:
    token = ISSUER.token(claims(**(GOOD | changes)), header)
    refused = judged(TEXT, token)
    (failing,) = refused.failing
    assert failing.location is not None
    assert TEXT.splitlines()[failing.location.line - 1].strip() == line
    assert not refused
    assert judged(without(line), token), "the line that was named is not the cause"
    for other in {row[3] for row in ROWS} - {line}:
        assert codes(judged(without(other), token)) == {failing.code}, other
