"""Confidential: claims that may only travel encrypted. A line for each `confidential` item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, Path
from policyjwt.requirements.encryption import KIND as ENCRYPTION
from policyjwt.requirements.line import MET, MISSING, About, EvidenceResult, Facts, Line, no_instants, walk

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


@dataclass(frozen=True, slots=True)
class ConfidentialLine:
    """Nobody but the service has read these claims. Null counts: that the claim is there tells something."""

    about: About
    claims: tuple[Path, ...]

    def result_for(self, claims: Mapping[str, object], envelope: EvidenceResult) -> str:
        """The result: exposed are all claims of a token in the open, and what the header outside repeats."""
        return "exposed" if self._exposed(claims, envelope) else MET

    def _exposed(self, claims: Mapping[str, object], envelope: EvidenceResult) -> int:
        if envelope.result == MET:
            return sum(path.members[0] in envelope.shown for path in self.claims)
        return sum(walk(claims, path.members) is not MISSING for path in self.claims)

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return self.result_for(facts.claims, facts.evidence[ENCRYPTION])

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = {out.const(self.result_for)}(claims, evidence[{out.const(ENCRYPTION)}])")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`. The value is never shown, whoever asks."""
        expected, envelope = "they may only travel encrypted", facts.evidence[ENCRYPTION]
        exposed, encrypted = self._exposed(facts.claims, envelope), envelope.result == MET
        if not exposed:
            return Explanation("the token came encrypted" if encrypted else "the token carries none of them", expected)
        how = "in its header, outside the encryption" if encrypted else "and is only signed"
        return Explanation(
            f"the token carries {exposed} of these claims {how}: anyone who saw it has read them", expected
        )

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """A line for each item."""
    for item in policy.block.confidential:
        about = About(stage="confidential", place=item.place, reference="RFC 7519, section 12")
        yield ConfidentialLine(about, item.claims)
