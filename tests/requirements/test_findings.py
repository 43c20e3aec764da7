"""Every requirement's findings, word by word. Each file of `cases/` is one requirement; add a case by adding a table.

A case has the parts of the policy that it changes (see `tests.issuer.policy`), the claims, header and context that it
changes (`without` and `null` name claims), and `want`: every finding of the stage as `code | actual | expected`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from policyjwt import Context, Engine
from policyjwt.replay import MemoryReplayStore
from tests.issuer import NOW, URL, Issuer, claims, policy

ISSUER = Issuer()
CASES = Path(__file__).parent / "cases"


def found() -> list[Any]:
    cases = []
    for path in sorted(CASES.glob("*.toml")):
        for name, case in tomllib.loads(path.read_text(encoding="utf-8")).items():
            cases.append(pytest.param(path.stem, case, id=f"{path.stem}-{name}"))
    return cases


def told(stage: str, case: dict[str, Any]) -> list[str]:
    judge = Engine.from_text(
        policy(**case.get("policy", {})),
        keys={f"url:{URL}": ISSUER.keys()},
        replay=MemoryReplayStore(10, single_process=True),
        clock=lambda: float(case.get("now", NOW)),
    )
    given = dict.fromkeys(case.get("without", []), ...) | dict.fromkeys(case.get("null", [])) | case.get("claims", {})
    token = ISSUER.token(claims(**given), case.get("header", {}))
    findings = judge.evaluate(token, Context(**case.get("context", {}))).findings
    return [f"{f.code} | {f.actual} | {f.expected}" for f in findings if f.code.startswith(f"{stage}.")]


@pytest.mark.parametrize(("stage", "case"), found())
def test_findings(stage: str, case: dict[str, Any]) -> None:
    assert told(stage, case) == case["want"]
