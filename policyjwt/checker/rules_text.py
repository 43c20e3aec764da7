"""Rules as text, for lines that help offers to paste. Input: a rule and its parts as text. Output: policy text."""

from __future__ import annotations

from policyjwt.language.model import Rule


def rule_text(rule: Rule, *, test: str, guard: str | None) -> str:
    """`rule` with another test and guard (`when …`, `unless …`) and without its reason."""
    parts = [rule.kind, test]
    if guard is not None:
        parts.append(guard)
    if rule.until is not None:
        parts.append(f"until {rule.until.iso}")
    if rule.label is not None:
        parts.append(f"as {rule.label.value}")
    return " ".join(parts)
