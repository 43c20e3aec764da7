"""Evidence: that the signer's certificate holds, that the token was not withdrawn. One line for each kind.

The checks themselves are mathematics over bytes and stand in `policyjwt.evidence`; they are done before the lines are
judged. These lines say what came of them, at their place in the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.errors import TokenRefused
from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, Revocation
from policyjwt.requirements.line import About, EvidenceResult, Facts, Line, turning

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One kind of evidence. `kind` is its name among the results: staple, crl, short_lived, status, holder."""

    about: About
    kind: str

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return facts.evidence[self.kind].result

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`. No such evidence is a defect, and so never met."""
        out.line(f"{target} = evidence[{out.const(self.kind)}].result")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        return facts.evidence[self.kind].words()

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        until = facts.evidence[self.kind].until
        if until is not None:
            yield turning(until, facts.now)


def told(judge: Callable[[], EvidenceResult]) -> EvidenceResult:
    """The result, whether it was found or refused. The code of a refusal stays as it is."""
    try:
        return judge()
    except TokenRefused as refused:
        words = Explanation(refused.actual, refused.expected, refused.help)
        return EvidenceResult(refused.code, lambda: words)


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The lines of the evidence that the policy demands."""
    revocation = policy.revocation
    if isinstance(revocation, Revocation):
        if revocation.staple is not None:
            about = About(
                stage="staple",
                place=revocation.staple.place,
                section="revocation",
                reference="RFC 6960, sections 3.2 and 4.2.2",
            )
            yield EvidenceLine(about, "staple")
        if revocation.crl is not None:
            about = About(
                stage="crl", place=revocation.crl.place, section="revocation", reference="RFC 5280, section 6.3"
            )
            yield EvidenceLine(about, "crl")
        if revocation.short_lived is not None:
            about = About(
                stage="revocation", place=revocation.short_lived.place, section="revocation", reference="RFC 9608"
            )
            yield EvidenceLine(about, "short_lived")
    if policy.block.status is not None:
        about = About(stage="status", place=policy.block.status.place, reference="OAuth Token Status List")
        yield EvidenceLine(about, "status")
