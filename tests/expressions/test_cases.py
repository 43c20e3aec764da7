"""The cases of the language, an independent reading of it, through both evaluators."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt.expressions.explain import why
from policyjwt.expressions.scope import Scope
from policyjwt.language.model import Rule
from tests.expressions.evaluators import NOW, both, of_rule, rule, scope
from tests.shared import cases

EXPRESSIONS: list[dict[str, Any]] = cases("expressions.json")
RULES: list[dict[str, Any]] = cases("rules.json")


@pytest.mark.parametrize("case", EXPRESSIONS, ids=lambda case: str(case["id"]))
def test_expression(case: dict[str, Any]) -> None:
    found = rule(f"require {case['expr']}")
    at = scope(
        case["claims"],
        case.get("header"),
        case.get("context"),
        now=case.get("now", NOW),
        skew=case.get("skew", 0),
    )
    assert of_rule(found, at) is case["want"], case["why"]
    assert why(found.test, at, values=False)


@pytest.mark.parametrize("case", RULES, ids=lambda case: str(case["id"]))
def test_rule(case: dict[str, Any]) -> None:
    found = rule(case["rule"])
    at = scope(case["claims"], case.get("header"), case.get("context"), now=case.get("now", NOW))
    observed = isinstance(case["want"], list)
    assert (found.kind == "observe") is observed
    assert _outcome(found, at) == (case["want"][1] if observed else case["want"]), case["why"]


def _outcome(found: Rule, at: Scope) -> str:
    """A demand that is not true itself and that its guard switched off is not applicable."""
    demand = both(found.test, at)
    if demand is (found.kind != "forbid"):
        return "met"
    if found.guard is not None and both(found.guard.test, at) is (found.guard.kind == "unless"):
        return "not_applicable"
    return {None: "unknown", False: "violated"}[of_rule(found, at)]
