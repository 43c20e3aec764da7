"""Confidential: claims that may only travel encrypted. A line for each `confidential` item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, Path
from policyjwt.requirements.encryption import KIND as ENCRYPTION
from policyjwt.requirements.line import MET, MISSING, About, Facts, Line, no_instants, walk

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


@dataclass(frozen=True, slots=True)
class ConfidentialLine:
    """A token that is only signed carries none of these. Null counts: that the claim is there tells something."""

    about: About
    claims: tuple[Path, ...]

    def exposed(self, claims: dict[str, object]) -> str:
        """The result for the claims of a token that is only signed."""
        return "exposed" if any(walk(claims, path.members) is not MISSING for path in self.claims) else MET

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return MET if facts.evidence[ENCRYPTION].result == MET else self.exposed(dict(facts.claims))

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        came = f"evidence[{out.const(ENCRYPTION)}].result == 'met'"
        out.line(f"{target} = 'met' if {came} else {out.const(self.exposed)}(claims)")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`. The value is never shown, whoever asks."""
        if facts.evidence[ENCRYPTION].result == MET:
            return Explanation("the token came encrypted", "they may only travel encrypted")
        carried = sum(walk(facts.claims, path.members) is not MISSING for path in self.claims)
        actual = f"the token carries {carried} of these claims and is only signed: anyone who sees it has read them"
        return Explanation(actual if carried else "the token carries none of them", "they may only travel encrypted")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """A line for each item."""
    for item in policy.block.confidential:
        about = About(stage="confidential", place=item.place, reference="RFC 7519, section 12")
        yield ConfidentialLine(about, item.claims)
