"""What a policy excuses, said aloud: `waive`, `by key removal`, `by redeployment`. One line each, waived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, Dated, Revocation
from policyjwt.requirements.line import WAIVED, About, Facts, Line, no_instants
from policyjwt.spans import duration

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


@dataclass(frozen=True, slots=True)
class WaivedLine:
    """A decision to go without; a date that has passed is said, and changes nothing."""

    about: About
    said: str
    until: Dated | None = None

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return WAIVED

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = 'waived'")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        if self.until is None:
            return Explanation(self.said, "")
        passed = facts.now >= self.until.epoch
        dated = f"this was to end on {self.until.iso}, which has passed" if passed else f"until {self.until.iso}"
        return Explanation(self.said, dated)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def _of_revocation(policy: CheckedPolicy) -> Iterator[Line]:
    if isinstance(policy.revocation, Revocation):
        if policy.revocation.key_removal is not None:
            removal = policy.revocation.key_removal
            about = About(stage="revocation", place=removal.place, section="revocation")
            yield WaivedLine(
                about, f"a key that its issuer removes is believed for up to {duration(removal.amount)} more"
            )
        if policy.revocation.redeployment is not None:
            again = policy.revocation.redeployment
            about = About(stage="revocation", place=again.place, section="revocation", because=again.because.value)
            yield WaivedLine(about, "a key is believed until this service is deployed without it")


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """A line for each exception that the policy makes."""
    yield from _of_revocation(policy)
    for waiver in policy.block.waivers:
        about = About(stage=waiver.matter.value, place=waiver.place, because=waiver.because.value)
        yield WaivedLine(about, f"this policy does not judge the {waiver.matter.value}", waiver.until)
