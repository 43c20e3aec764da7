"""Rules: `require`, `forbid`, `observe`. A line for each; the logic itself stands in `expressions`.

`forbid E` is `require not (E)`; `… when C` is `E or not C`, `… unless C` is `E or C`, with E the whole demand. A demand
that is not met itself and that its guard switched off is not applicable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions import explain
from policyjwt.expressions.deadlines import instants
from policyjwt.expressions.explanation import Explanation
from policyjwt.expressions.generate import emit_test, may_reach_limit
from policyjwt.expressions.reference import evaluate
from policyjwt.expressions.scope import LimitReached, Scope
from policyjwt.expressions.subjects import subject_of
from policyjwt.language.model import CheckedPolicy, Rule
from policyjwt.requirements.line import (
    DEFECT,
    LIMIT,
    MET,
    NOT_APPLICABLE,
    OBSERVED,
    UNKNOWN,
    VIOLATED,
    About,
    Facts,
    Line,
)
from policyjwt.requirements.paths import paths_of

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


def reason_of(rule: Rule) -> str:
    """The reason in the rule's code, in lower case: its label, else the claims of its demand."""
    if rule.label is not None:
        return rule.label.value.lower()
    return re.sub(r"[^a-z0-9_]", "-", "-".join(subject_of(rule.test)).lower())


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of the policy."""

    about: About
    rule: Rule
    skew: int

    def is_about_scope(self) -> bool:
        """Whether the rule's demand is about scope, so that a client may mend it by asking for more (RFC 6750, 3.1)."""
        return any(path.root == "claim" and path.members[0] in {"scope", "scp"} for path in paths_of(self.rule.test))

    def scope(self, facts: Facts) -> Scope:
        """What the expressions of the rule may read."""
        roots = {
            "claim": facts.claims,
            "header": facts.header,
            "context": facts.context,
            "certificate": facts.certificate,
            "client": facts.client,
        }
        return Scope(roots=roots, now=facts.now, skew=self.skew, variables={})

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        try:
            scope = self.scope(facts)
            demand = evaluate(self.rule.test, scope)
            guard = evaluate(self.rule.guard.test, scope) if self.rule.guard else None
        except LimitReached:
            return self._told(LIMIT)
        return self._told(self._combined(demand=demand, guard=guard))

    def _combined(self, *, demand: bool | None, guard: bool | None) -> str:
        if self.rule.kind == "forbid":
            demand = None if demand is None else not demand
        if demand is True:
            return MET
        if self.rule.guard is not None and guard is (self.rule.guard.kind == "unless"):
            return NOT_APPLICABLE
        unsure = demand is None or (self.rule.guard is not None and guard is None)
        return UNKNOWN if unsure else VIOLATED

    def _told(self, result: str) -> str:
        return OBSERVED + result if self.about.observed else result

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        demand = out.fresh("t")
        emit_test(self.rule.test, out, demand, skew=self.skew)
        met, violated = ("False", "True") if self.rule.kind == "forbid" else ("True", "False")
        out.line(f"if {demand} is {met}:")
        with out.indent():
            if self.rule.guard is not None:
                self._emit_guard_for_its_limit(out)
            out.line(f"{target} = {self._told(MET)!r}")
        out.line("else:")
        with out.indent():
            if self.rule.guard is None:
                out.line(f"{target} = {self._told(VIOLATED)!r} if {demand} is {violated} else {self._told(UNKNOWN)!r}")
                return
            guard = out.fresh("t")
            emit_test(self.rule.guard.test, out, guard, skew=self.skew)
            out.line(f"if {guard} is {self.rule.guard.kind == 'unless'}:")
            with out.indent():
                out.line(f"{target} = {self._told(NOT_APPLICABLE)!r}")
            out.line(f"elif {guard} is None or {demand} is None:")
            with out.indent():
                out.line(f"{target} = {self._told(UNKNOWN)!r}")
            out.line("else:")
            with out.indent():
                out.line(f"{target} = {self._told(VIOLATED)!r}")

    def _emit_guard_for_its_limit(self, out: Emitter) -> None:
        """A limit reached in the guard makes the rule unknown even where the demand is met: run it for that alone."""
        assert self.rule.guard is not None
        if may_reach_limit(self.rule.guard.test):
            emit_test(self.rule.guard.test, out, out.fresh("t"), skew=self.skew)

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        result = result.removeprefix(OBSERVED)
        if result == LIMIT:
            return Explanation("judging this took more work than a token may cause", "")
        if result == DEFECT:
            return Explanation("judging this failed, which is a defect of policyjwt", "", help="please report it")
        told = explain.rule(self.rule, self.scope(facts), result, values=values)
        if self.rule.until is None or facts.now < self.rule.until.epoch:
            return told
        passed = f"it was to be watched until {self.rule.until.iso}, which has passed: require it, or take it out"
        return Explanation(told.actual, told.expected, passed)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        scope = self.scope(facts)
        yield from instants(self.rule.test, scope)
        if self.rule.guard is not None:
            yield from instants(self.rule.guard.test, scope)


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """A line for each rule."""
    for rule in policy.block.rules:
        because = rule.because.value if rule.because else None
        about = About(
            stage="claim",
            place=rule.place,
            because=because,
            reason=reason_of(rule),
            observed=rule.kind == "observe",
        )
        yield RuleLine(about, rule, policy.skew)
