"""Policies with baselines, through `check`: each fault once, where it can be mended or allowed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from policyjwt import codes
from policyjwt.checker import key_messages, rule_messages, trust_messages
from policyjwt.checker.check import check
from policyjwt.language.load import load_text
from tests.checker.policy_text import NOW, policy

OURS = ("PJ28", "PJ4", "PJ5", "PJ96", "PJ97")
OURS_ALONE = 'repository_id == "1" and event_name == "push"'
GITHUB = {
    "issuer": 'issuer "https://token.actions.githubusercontent.com"',
    "type": 'type "JWT"',
    "signature": 'signature { algorithms RS256 keys jwks url "https://token.actions.githubusercontent.com/jwks" }',
}


def with_baseline(baseline: tuple[str, ...], *rules: str, **items: str) -> str:
    """A policy below a baseline of `baseline` lines, which stand from line 3 on."""
    head = "\n".join(["policyjwt 1", 'baseline "b" {', *baseline, "}"])
    own = policy(*rules, **items).removeprefix("policyjwt 1\n").replace('policy "p"', 'policy "p" extends "b"')
    return f"{head}\n{own}"


def said(text: str) -> list[str]:
    """Our codes with lines."""
    found = check(load_text(text, "p.policy"), now=NOW).diagnostics
    return [f"{fault.code}@{fault.span.line}" for fault in found if fault.code.startswith(OURS)]


# With one line in the baseline the policy's first line is 5, its first rule is on line 16.
CASES: list[tuple[str, str, list[str]]] = [
    (
        "a fault of the baseline stands there, once",
        with_baseline(('require a starts with "repo:acme"',)) + policy(name="q").removeprefix("policyjwt 1\n"),
        ["PJ968@3"],
    ),
    ("a forbid is asked for each policy", with_baseline(('forbid azp == "x"',)), ["PJ967@5"]),
    ("and may be answered there", with_baseline(('forbid azp == "x"',), "require azp is string"), []),
    (
        "by what the policy provides",
        with_baseline(('forbid azp == "x"',), provides="provides sub is string, azp is string"),
        [],
    ),
    (
        "a type at the policy's provider",
        with_baseline(("require ref_protected == true",), f"require {OURS_ALONE}", **GITHUB),
        ["PJ281@5"],
    ),
    (
        "a name in the baseline, an id in the policy",
        with_baseline(('require repository == "a/b"',), 'require repository_id == "1"', **GITHUB),
        [],
    ),
    ("a name in the baseline, no id", with_baseline(('require repository == "a/b"',), **GITHUB), ["PJ502@5"]),
    ("both contradict each other", with_baseline(('require a == "x"',), 'require a == "y"'), ["PJ964@16"]),
    ("a policy may be stricter", with_baseline(('require a in ["x", "y"]',), 'require a == "x"'), []),
    ("a laxer line adds nothing", with_baseline(('require a == "x"',), 'require a in ["x", "y"]'), ["PJ963@16"]),
    ("the same line again", with_baseline(('require a == "x"',), 'require a == "x" as again'), ["PJ963@16"]),
    ("the policy's tenants", with_baseline(('require tid == "t"',), 'require tid == "u"'), ["PJ964@16"]),
    (
        "a warning of a rule is allowed above it",
        policy('allow PJ501 because "tested"', 'require email == "a"'),
        [],
    ),
    (
        "a warning of a policy is allowed above it",
        policy(**GITHUB, before='\nallow PJ500 because "everybody may"'),
        [],
    ),
    ("where a rule can't be read nothing is missing", policy('require repository_id == = "1"', **GITHUB), []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_with_baselines(text: str, wanted: list[str]) -> None:
    assert said(text) == wanted


def _levels(module: object) -> dict[str, str]:
    """Code and level of each constructor of a catalogue, as its source says."""
    source = Path(str(getattr(module, "__file__", ""))).read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and call.args and isinstance(call.func, ast.Name):
            first = call.args[0]
            if isinstance(first, ast.Constant) and str(first.value).startswith("PJ"):
                level = call.args[1].attr.lower() if isinstance(call.args[1], ast.Attribute) else call.func.id[1:]
                assert first.value not in found
                found[str(first.value)] = level
    return found


@pytest.mark.parametrize(
    ("module", "family"), [(rule_messages, "rules"), (trust_messages, "trust"), (key_messages, "key_checks")]
)
def test_each_code_has_a_page_of_its_level(module: object, family: str) -> None:
    pages = {code: str(page.level) for code, page in codes.pages().items() if page.family == family}
    assert _levels(module) == pages
