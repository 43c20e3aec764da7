"""Why a rule came out as it did. Input: a rule or a test, and a scope. Output: phrases, redacted.

They are causal and short. Of the token they name types and sizes, times and counts; only with `values` they
quote it, escaped and cut short.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.expressions import explain_help
from policyjwt.expressions.explain_tests import phrase
from policyjwt.expressions.explain_values import Teller
from policyjwt.expressions.explanation import Explanation
from policyjwt.expressions.reference import Truth, evaluate, value_of
from policyjwt.expressions.scope import LimitReached, Scope
from policyjwt.expressions.text import inner_text, text_of
from policyjwt.expressions.words import listed, named
from policyjwt.language.model import And, Guard, Not, Or, Quantified, Rule, Test

TOO_MUCH_WORK = "judging this takes more work than a token may cause"
_MOST_REASONS = 12


def why(test: Test, scope: Scope, *, values: bool) -> str:
    """Why a test came out as it does, in one phrase that quotes the token only with `values`. Never raises."""
    try:
        evaluate(test, scope)  # what can be judged at all can be explained, part by part, in as little time
        return _why(test, Teller(scope, values))
    except LimitReached:
        return TOO_MUCH_WORK
    except Exception:  # noqa: BLE001 - no verdict changes by it, and no defect here keeps one from being read
        return "it can't be told why, which is a defect of policyjwt"


def rule(rule: Rule, scope: Scope, result: str, *, values: bool) -> Explanation:
    """What a rule found and what it expects. `result` is met, violated, unknown or not_applicable."""
    said = _said_of(rule, scope, result, values=values)
    demand = named(text_of(rule.test))
    expected = f"not {demand}" if rule.kind == "forbid" else demand
    return Explanation(said, expected, explain_help.help_for(rule, scope) if result == "unknown" else None)


def _said_of(rule: Rule, scope: Scope, result: str, *, values: bool) -> str:
    if result == "not_applicable" and rule.guard is not None:
        return f"{_guard_text(rule.guard)} switches this off: {why(rule.guard.test, scope, values=values)}"
    said = why(rule.test, scope, values=values)
    if result != "unknown":
        return said
    if rule.kind == "forbid" and _truth(rule.test, scope) is None:
        said = f"unknown, because {said}"
        absent = {path.text for path in explain_help.absent_paths(rule.test, scope)}
        if absent:
            said += f", and this line refuses tokens without {'it' if len(absent) == 1 else 'them'}"
    if rule.guard is not None and _truth(rule.guard.test, scope) is None:
        guard = _guard_text(rule.guard)
        said += f"; whether {guard} switches this off is unknown, because "
        said += why(rule.guard.test, scope, values=values)
    return said


def _guard_text(guard: Guard) -> str:
    return named(f"{guard.kind} {text_of(guard.test)}")


def _truth(test: Test, scope: Scope) -> Truth:
    try:
        return evaluate(test, scope)
    except LimitReached:
        return None


# --------------------------------------------------------------------------------------------- tests of tests


def _why(test: Test, teller: Teller) -> str:
    match test:
        case Not():
            return _why(test.test, teller)
        case And() | Or():
            return _of_terms(test, teller)
        case Quantified():
            return _of_elements(test, teller)
        case _:
            return phrase(test, evaluate(test, teller.scope), teller)


def _of_terms(test: And | Or, teller: Teller) -> str:
    """The terms that made it so: of an `and` that is not true, and of an `or` that is true, only those."""
    truths = [(term, evaluate(term, teller.scope)) for term in test.tests]
    decisive = isinstance(test, Or)
    found = [truth for _, truth in truths]
    if decisive in found:
        # Of an `and` the unknown terms fail too: they are named with the false ones.
        causes = [term for term, truth in truths if truth is decisive or (decisive is False and truth is None)]
    elif None in found and isinstance(test, And):
        causes = [term for term, truth in truths if truth is None]
    else:
        causes = [term for term, _ in truths]
    reasons = [_why(term, teller) for term in causes[:_MOST_REASONS]]
    if len(causes) > _MOST_REASONS:
        reasons.append(f"{len(causes) - _MOST_REASONS} more")
    return listed(reasons)


def _of_elements(test: Quantified, teller: Teller) -> str:
    items = value_of(test.items, teller.scope)
    name = named(test.items)
    if type(items) is not list:
        return teller.trouble(test.items, ("list",)) or teller.undecided(test.items)
    if not items:
        return f"{name} is an empty list"
    truths = list(_truths(test, items, teller.scope))
    counted = "the only element" if len(items) == 1 else f"all {len(items)} elements"
    if all(truth is True for truth in truths):
        return f"{counted} of {name} {'satisfies' if len(items) == 1 else 'satisfy'} {_inner(test)}"
    wanted = _telling(test, truths)
    at = truths.index(wanted)
    inner = _why(test.test, Teller(teller.scope.bind(test.variable, items[at]), teller.values))
    return f"{_how_many(name, truths, wanted)}: {inner}"


def _truths(test: Quantified, items: list[object], scope: Scope) -> Iterator[Truth]:
    for item in items:
        yield evaluate(test.test, scope.bind(test.variable, item))


def _telling(test: Quantified, truths: list[Truth]) -> Truth:
    """The outcome of those elements that decide: the first of them is told of."""
    decisive = test.quantity == "some"
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive


def _how_many(name: str, truths: list[Truth], wanted: Truth) -> str:
    number, all_of_them = truths.count(wanted), len(truths)
    what = {True: "passes", False: "fails", None: "is undecided"}[wanted]
    if all_of_them == 1:
        return f"the only element of {name} {what}"
    if number == 1:
        return f"element {truths.index(wanted) + 1} of the {all_of_them} of {name} {what}"
    several = {True: "pass", False: "fail", None: "are undecided"}[wanted]
    return f"{number} of the {all_of_them} elements of {name} {several}, number {truths.index(wanted) + 1} first"


def _inner(test: Quantified) -> str:
    return named(inner_text(test.test))
