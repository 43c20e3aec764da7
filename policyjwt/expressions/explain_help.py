"""What an author may do about a rule that is unknown. Input: a rule and a scope. Output: help, or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policyjwt.expressions.reference import evaluate, read, value_of
from policyjwt.expressions.scope import LimitReached, Scope
from policyjwt.expressions.text import inner_text, operand_text, text_of
from policyjwt.expressions.work import paths_read, subtests
from policyjwt.language.model import And, Contains, Not, Operand, Or, Path, Quantified, Rule, Test


def help_for(rule: Rule, scope: Scope) -> str | None:
    """How tokens that a rule is unknown for could pass, where a form of it lets in no others."""
    try:
        return _of_empty_list(rule, scope) or (_of_absence(rule, scope) if rule.kind == "forbid" else None)
    except LimitReached:
        return None


def absent_paths(test: Test, scope: Scope) -> tuple[Path, ...]:
    """The paths that make `test` unknown because there is nothing, or null."""
    try:
        return tuple(path for part in _unknown_parts(test, scope) for path in _absent(part.test, scope))
    except LimitReached:
        return ()


@dataclass(frozen=True, slots=True)
class _Part:
    """A test in a rule. `negated`: it stands under an odd number of `not`."""

    test: Test
    negated: bool


def _unknown_parts(test: Test, scope: Scope, *, negated: bool = False) -> Iterator[_Part]:
    """The unknown tests that stand in nothing but unknown `and`, `or` and `not`."""
    if evaluate(test, scope) is not None:
        return
    if isinstance(test, Not):
        yield from _unknown_parts(test.test, scope, negated=not negated)
    elif isinstance(test, And | Or):
        for part in test.tests:
            yield from _unknown_parts(part, scope, negated=negated)
    else:
        yield _Part(test, negated)


def _absent(test: Test, scope: Scope) -> tuple[Path, ...]:
    """The paths of an elementary test at which there is nothing."""
    return tuple(path for path in paths_read(test) if path.root != "variable" and read(path, scope) is None)


def _of_absence(rule: Rule, scope: Scope) -> str | None:
    """For `forbid`, which refuses tokens without what it reads."""
    parts = [part for part in _unknown_parts(rule.test, scope) if _absent(part.test, scope)]
    if not parts:
        return None
    read_by_all = [path for test in subtests(rule.test) for path in paths_read(test)]
    whole = {(path.root, path.members) for path in read_by_all if path.root != "variable"}
    if rule.guard is None and len(whole) == 1:
        [path] = dict.fromkeys(path.text for path in _absent(parts[0].test, scope))
        return f"to let them pass: `{_guarded(rule, f'when {path} is present')}`"
    # A guard would switch off the rest of the rule too.
    part = parts[0]
    word, state = ("or", "absent") if part.negated else ("and", "present")
    paths = dict.fromkeys(path.text for path in _absent(part.test, scope))
    guarded = f" {word} ".join([*(f"{path} is {state}" for path in paths), inner_text(part.test)])
    return f"to let them pass: write `({guarded})` for `{text_of(part.test)}`"


def _of_empty_list(rule: Rule, scope: Scope) -> str | None:
    for found in _unknown_parts(rule.test, scope):
        part = found.test
        items = _items_of_all(part)
        if items is None or value_of(items, scope) != []:
            continue
        word = "every" if isinstance(part, Quantified) else "only"
        reason = f"over an empty list `{word}` is unknown, for nothing was shown to pass"
        empty = f"count({operand_text(items)}) == 0"
        if rule.guard is not None or part is not rule.test:
            return f"{reason}; test `{empty}` too, if such tokens are meant"
        return f"{reason}; to let such tokens pass: `{_guarded(rule, f'unless {empty}')}`"
    return None


def _items_of_all(test: Test) -> Operand | None:
    """The list of `every` and of `contains only`."""
    if isinstance(test, Quantified) and test.quantity == "every":
        return test.items
    return test.left if isinstance(test, Contains) and test.quantity == "only" else None


def _guarded(rule: Rule, guard: str) -> str:
    """The rule with a guard. Before one, `every` and `some` need parentheses."""
    demand = inner_text(rule.test) if isinstance(rule.test, Quantified) else text_of(rule.test)
    until = f" until {rule.until.iso}" if rule.until else ""
    return f"{rule.kind} {demand} {guard}{until}"
