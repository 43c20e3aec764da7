"""The lines that help offers: they parse, they are quiet, and they do what help says."""

from __future__ import annotations

import re

import pytest

from policyjwt.checker.rules_walk import demand_of
from policyjwt.expressions.reference import evaluate
from policyjwt.expressions.scope import Scope
from tests.checker.policy_text import blocks, places, policy, rule_faults

FORBIDS = [
    'forbid azp == "legacy"',
    'forbid azp == "legacy" as old',
    'forbid azp == "legacy" when tier == "gold"',
    'forbid azp == "legacy" when tier == "gold" or tier == "silver"',
    'forbid azp == "legacy" when tier == "gold" and sub is string',
    'forbid azp == "legacy" unless tier == "gold"',
    'forbid azp == "legacy" and sub == "root"',
    'forbid azp == "legacy" and sub == "root" unless tier == "gold"',
    'forbid azp == "legacy" or sub == "root"',
    'forbid azp == "legacy" or tier == "iron"',
    'forbid (azp == "legacy" and tier == "iron") or sub == "root"',
    'forbid not (azp == "modern")',
    'forbid some r in l satisfies r == "x"',
    'forbid (every r in l satisfies r == "x") when tier == "gold"',
    'forbid a.b == "x"',
    'forbid `a b` like "x/*"',
    "forbid n > 1.5",
]
CLAIMS: list[dict[str, object]] = [
    {"azp": azp, "sub": sub, "tier": tier, "l": items, "a": {"b": b}, "a b": b, "n": n}
    for azp in ("legacy", "modern")
    for sub in ("root", "u1")
    for tier in ("gold", "iron", None)
    for items, b, n in ((["x"], "x", 2), (["y"], "x/y", 1))
]


def truth(text: str, claims: dict[str, object]) -> bool | None:
    """Whether the only rule of a policy is met."""
    (block,) = blocks(policy(text))
    scope = Scope(roots={"claim": claims, "header": {}, "context": {}}, now=0.0, skew=0, variables={})
    return evaluate(demand_of(block.rules[0]), scope)


def ready_lines(rule: str) -> tuple[str, list[str], list[str]]:
    """The line that lets pass, the lines that refuse, and the claims that the message names."""
    (fault,) = rule_faults(policy(rule))
    assert fault.code == "PJ967"
    assert fault.help is not None
    found = re.fullmatch(r"to let such tokens pass, write `(.*)`; to refuse them .*, add `(require .*)`", fault.help)
    assert found is not None
    named = re.findall(r"(?:(?<= )|^)(\S+|`.*?`) is present", found[2].removeprefix("require "))
    return found[1], [rule, found[2]], named


@pytest.mark.parametrize("rule", FORBIDS)
def test_the_line_that_lets_pass_is_quiet_and_changes_nothing_else(rule: str) -> None:
    line, _, _ = ready_lines(rule)
    assert places(rule_faults(policy(line))) == []
    for claims in CLAIMS:
        assert truth(line, claims) == truth(rule, claims) or truth(rule, claims) is None


@pytest.mark.parametrize("rule", FORBIDS)
def test_the_line_that_lets_pass_does(rule: str) -> None:
    line, _, named = ready_lines(rule)
    gone = {name.strip("`").partition(".")[0] for name in named}
    claims = {name: value for name, value in CLAIMS[-1].items() if name not in gone} | {"sub": "u1", "tier": "gold"}
    claims = {name: value for name, value in claims.items() if name not in gone}
    assert truth(line, claims) is True


@pytest.mark.parametrize("rule", FORBIDS)
def test_the_lines_that_refuse_are_quiet(rule: str) -> None:
    _, lines, _ = ready_lines(rule)
    assert places(rule_faults(policy(*lines))) == []


FIXES = [
    'require scope == "read"',
    'require scope != "read"',
    'require scope contains "read"',
    'require scope in ["read", "write"]',
    'require scope not in ["read", "write"]',
    'require scope contains any of ["read", "write"]',
    'require scope starts with "pay:"',
    'require roles == "admin"',
    'require roles != "admin"',
    'require groups in ["a", "b"]',
    'require roles starts with "ops-"',
    "require roles matches /[a-z]+/",
    'require roles like "ops-*"',
    'require email_verified == "true"',
    'require auth_time == "1700000000"',
    "require acr == 2",
    'require words(scope) == "read"',
    'require words(roles) contains "x"',
    'require context.headers.origin == "https://a.example"',
    'require context.headers.origin in ["https://a.example"]',
]


@pytest.mark.parametrize("rule", FIXES)
def test_a_fix_can_be_pasted_and_is_quiet(rule: str) -> None:
    (fault,) = rule_faults(policy(rule))
    found = re.search(r"write `(.*)`$", fault.help or "")
    assert found is not None, fault.help
    assert places(rule_faults(policy(f"require {found[1]}"))) == []
