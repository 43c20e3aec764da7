"""The whole flow for attacks: an engine for a policy text, and what came of a token."""

from __future__ import annotations

from typing import Any

from policyjwt import Engine, Inspection, Verdict
from policyjwt.replay import MemoryReplayStore
from tests.issuer import NOW, URL, Issuer, policy

ISSUER = Issuer()
REUSABLE = 'replay { reusable because "a test" }'
SUB = "provides sub is string"


def engine(text: str | None = None, **settings: Any) -> Engine:
    """An engine that trusts ISSUER's key, with a clock that stands at NOW."""
    given: dict[str, Any] = {
        "keys": {f"url:{URL}": ISSUER.keys()},
        "replay": MemoryReplayStore(10_000, single_process=True),
        "clock": lambda: float(NOW),
    } | settings
    return Engine.from_text(text if text is not None else policy(), **given)


def rules(*lines: str, **changes: str) -> str:
    """A policy with these lines behind `provides`; tokens may be used again."""
    return policy(rest="\n  ".join([SUB, *lines]), **({"replay": REUSABLE} | changes))


def codes(told: Verdict | Inspection) -> set[str]:
    """The codes of the failing findings."""
    return {finding.code for finding in told.failing}


def everything_told(verdict: Verdict) -> str:
    """All that a service may log or send, in one text. Reading it must never raise."""
    public = verdict.public()
    parts: list[object] = [str(verdict), repr(verdict), verdict.to_dict(), verdict.explain(everything=True)]
    parts += [verdict.findings, verdict.assurances, verdict.key, verdict.good_until, verdict.policy]
    parts += [public, public.status, dict(public.headers)]
    return "\n".join(map(str, parts))


def everything_shown(verdict: Verdict) -> str:
    """As `everything_told`, with values, for a person."""
    shown = [verdict.explain(values=True, everything=True), str(verdict.to_dict(values=True))]
    return "\n".join([everything_told(verdict), *shown])
