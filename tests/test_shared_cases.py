"""Cases of what the language means, written apart from this project: freshness, rules and selection through the engine.

A case with which we disagree is left out by its id, with the reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt import Engine
from policyjwt.replay import MemoryReplayStore
from policyjwt.verdict import Finding
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.shared import cases

ISSUER = Issuer()
REUSABLE = 'replay { reusable because "a case" }'
LEFT_OUT: dict[str, str] = {}


def chosen(name: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in cases(name) if case["id"] not in LEFT_OUT]


def engine(text: str, now: float) -> Engine:
    return Engine.from_text(
        text,
        keys={f"url:{URL}": ISSUER.keys()},
        replay=MemoryReplayStore(10, single_process=True),
        clock=lambda: now,
    )


@pytest.mark.parametrize("case", chosen("freshness.json"))
def test_freshness(case: dict[str, Any]) -> None:
    now = case.get("now", NOW)
    text = policy(freshness=f"freshness {{ {case['section']} }}", replay=REUSABLE)
    given = dict.fromkeys(("iat", "nbf", "exp"), ...) | case["claims"]
    verdict = engine(text, now).evaluate(ISSUER.token(claims(**given)))
    failing = sorted(finding.code for finding in verdict.failing)
    if case["want"] == ["freshness.?"]:
        assert len(failing) == 1
        assert failing[0].startswith("freshness.")
    else:
        assert failing == case["want"]


@pytest.mark.parametrize("case", chosen("rules.json"))
def test_rules(case: dict[str, Any]) -> None:
    text = policy(rest=f'waive holder because "a case"\n  {case["rule"]}', replay=REUSABLE)
    given = dict.fromkeys(("sub", "jti", "nbf"), ...) | case["claims"]
    verdict = engine(text, case.get("now", NOW)).evaluate(ISSUER.token(claims(**given)))
    found = next(finding for finding in verdict.findings if finding.requirement == case["rule"])
    assert _told(found) == case["want"]


def _told(finding: Finding) -> Any:
    if finding.would_be is not None:
        return [finding.outcome.value, finding.would_be.value]
    return finding.outcome.value


@pytest.mark.parametrize("case", chosen("selection.json"))
def test_selection(case: dict[str, Any]) -> None:
    text = "policyjwt 1\n" + "".join(_policy(each) for each in case["policies"])
    token = case["token"]
    given = {name: token.get(name, ...) for name in ("iss", "aud")} | token["claims"]
    if "sub" not in token["claims"]:
        given["sub"] = ...
    signed = ISSUER.token(claims(**given), {"typ": token.get("typ", ...)})
    judge = Engine.from_text(
        text,
        use=case["use"],
        keys={f"url:{URL}": ISSUER.keys()},
        replay=MemoryReplayStore(10, single_process=True),
        clock=lambda: float(NOW),
    )
    if case["want"] == "ValueError":
        with pytest.raises(ValueError, match="no policy named"):
            judge.evaluate(signed, policy=case.get("policy"))
        return
    verdict = judge.evaluate(signed, policy=case.get("policy"))
    assert case["want"] in {verdict.policy, *(finding.code for finding in verdict.failing)}


def _policy(given: dict[str, Any]) -> str:
    lines = "\n  ".join(given["lines"])
    return f"""
policy "{given["name"]}" {{
  {lines}
  signature {{
    algorithms ES256
    keys jwks url "{URL}"
  }}
  freshness {{ lifetime at most 1h }}
  {REUSABLE}
  revocation {{ by key removal within 24h }}
}}
"""
