"""A line about one claim that must be a string of a certain kind: `… from CLAIM …` and `select`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import Path
from policyjwt.requirements.describe import value_text
from policyjwt.requirements.line import (
    MET,
    MISSING,
    About,
    Facts,
    emit_cases,
    emit_read,
    no_instants,
    walk,
)

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


@dataclass(frozen=True, slots=True)
class StringClaimLine:
    """A claim is a string that `accepts` takes. `instead_of` is a claim that must not be there beside it."""

    about: About
    claim: Path
    accepts: Callable[[str], bool]
    expected: str
    instead_of: str | None = None

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        if self.instead_of is not None and self.instead_of in facts.claims:
            return "mismatch"
        value = walk(facts.claims, self.claim.members)
        if value is MISSING:
            return "missing"
        if not isinstance(value, str):
            return "malformed"
        return MET if self.accepts(value) else "mismatch"

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local = emit_read(out, self.claim)
        cases = [
            (f"{local} is {out.const(MISSING)}", "missing"),
            (f"type({local}) is not str", "malformed"),
            (f"{out.const(self.accepts)}({local})", MET),
        ]
        if self.instead_of is not None:
            cases.insert(0, (f"{out.const(self.instead_of)} in claims", "mismatch"))
        emit_cases(out, target, *cases, otherwise="mismatch")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        path = self.claim.text
        came = value_text(walk(facts.claims, self.claim.members), values=values)
        if self.instead_of is not None and self.instead_of in facts.claims:
            return Explanation(f"the token has a claim `{self.instead_of}`", self.expected)
        actual = {
            MET: f"`{path}` fits",
            "missing": f"`{path}` is absent",
            "malformed": f"`{path}` is {came}, not a string",
            "mismatch": f"`{path}` is {came}",
        }[result]
        return Explanation(actual, self.expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()
