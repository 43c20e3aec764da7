"""Shared cases: every expression and rule is read; of the faulty policies, those that one file decides are found."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt.diagnostics import Level
from policyjwt.language.load import load_paths, load_text
from tests.shared import cases

OURS = """
issuer-03 issuer-05 issuer-06 sig-01 sig-02 sig-04 sig-07 keys-07 fresh-06 replay-05 assures-11 expr-04
expr-07 expr-08 expr-10 expr-11 expr-12 expr-17 expr-18 expr-20 expr-21 expr-22 expr-24 slip-08 let-03 let-04 let-05
let-06 let-07 let-09 import-01 names-01 item-01 item-05 item-07 enc-02 secret-02 secret-03
"""
"""Cases whose fault is one of names, values or files."""


def rule(text: str) -> str:
    return f'policyjwt 1\npolicy "p" {{\n  {text}\n}}\n'


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases("expressions.json")])
def test_every_expression_is_read(case: dict[str, Any]) -> None:
    loaded = load_text(rule(f"require {case['expr']}"))
    assert loaded.diagnostics == ()
    assert len(loaded.documents[0].blocks[0].rules) == 1


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases("rules.json")])
def test_every_rule_is_read(case: dict[str, Any]) -> None:
    loaded = load_text(rule(case["rule"]))
    assert loaded.diagnostics == ()
    assert loaded.documents[0].blocks[0].rules[0].place.text == case["rule"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases("diagnostics.json")])
def test_faults(case: dict[str, Any], tmp_path: Any) -> None:
    for name, text in {**case.get("files", {}), "p.policy": case["policy"]}.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    loaded = load_paths([tmp_path / "p.policy"])
    errors = {diagnostic.span.line for diagnostic in loaded.diagnostics if diagnostic.level is Level.ERROR}
    if case["id"] in OURS.split():
        assert all(want["line"] in errors for want in case["want"])
    if not any(want["level"] in {"error", "any"} for want in case["want"]):
        assert not errors
