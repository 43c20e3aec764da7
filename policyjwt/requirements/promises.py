"""Promises: `assures a, b`. A line for each assurance that the policy promises, judged after all other requirements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy
from policyjwt.requirements.line import MET, NOT_REACHED, About, Facts, no_instants

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter

NOT_ESTABLISHED = "not_established"


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """An assurance that the policy promises. The engine says whether this evaluation established it."""

    about: About
    name: str

    def judge(self, facts: Facts) -> str:
        """See `Line`. A promise is reached only after all else."""
        return NOT_REACHED

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = 'not_reached'")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        if result == MET:
            return Explanation(f"{self.name} is established", "")
        if result == NOT_REACHED:
            return Explanation("promised assurances are judged only when nothing else failed", "")
        return Explanation(f"this evaluation did not establish {self.name}", "the policy promises it")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def lines(policy: CheckedPolicy) -> Iterator[PromiseLine]:
    """A line for each promise."""
    for promise in policy.block.assures:
        yield PromiseLine(About(stage="assurance", place=promise.place, section="assures"), promise.assurance)
