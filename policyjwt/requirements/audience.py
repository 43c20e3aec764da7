"""Audience: for whom the token is. A line from `audience …`, unless it is waived.

RFC 7519, section 4.1.3: a principal that is not named in `aud` must reject the token. Values compare by code point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import Audience, CheckedPolicy
from policyjwt.requirements.describe import one_of, value_text
from policyjwt.requirements.line import (
    MET,
    MISSING,
    About,
    Facts,
    Line,
    emit_read,
    no_instants,
)
from policyjwt.requirements.string_claim import StringClaimLine

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter

REFERENCE = "RFC 7519, section 4.1.3"


@dataclass(frozen=True, slots=True)
class AudienceLine:
    """`audience "a", "b"`: one of them is named; with `only`, nobody else is."""

    about: About
    accepted: frozenset[str]
    only: bool
    written: tuple[str, ...]

    def of_list(self, audience: list[object]) -> str:
        """The result for an `aud` that is a list."""
        if not all(type(element) is str for element in audience):
            return "malformed"
        named = self.accepted.intersection(audience)
        if not named or (self.only and len(named) != len(set(audience))):
            return "mismatch"
        return MET

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        audience = facts.claims.get("aud", MISSING)
        if audience is MISSING:
            return "missing"
        if isinstance(audience, str):
            return MET if audience in self.accepted else "mismatch"
        return self.of_list(audience) if isinstance(audience, list) else "malformed"

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local = emit_read(out, "aud")
        out.line(f"if type({local}) is str:")
        with out.indent():
            out.line(f"{target} = 'met' if {local} in {out.const(self.accepted)} else 'mismatch'")
        out.line(f"elif type({local}) is list:")
        with out.indent():
            out.line(f"{target} = {out.const(self.of_list)}({local})")
        out.line("else:")
        with out.indent():
            out.line(f"{target} = 'missing' if {local} is {out.const(MISSING)} else 'malformed'")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        came = value_text(facts.claims.get("aud", MISSING), values=values)
        only = ", and no token that others accept too" if self.only else ""
        expected = f"this policy accepts {one_of(self.written)}{only}"
        actual = {
            MET: "the token is for this audience",
            "missing": "the token names no audience",
            "malformed": f"`aud` is {came}, not a string or a list of strings",
            "mismatch": f"the token is for {came}",
        }[result]
        return Explanation(actual, expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def audience_line(policy: CheckedPolicy) -> AudienceLine | StringClaimLine | None:
    """The audience line of a policy, None where it is waived; selection uses it too."""
    audience = policy.audience
    if not isinstance(audience, Audience):
        return None
    about = About(stage="audience", place=audience.place, reference=REFERENCE)
    written = tuple(value.value for value in audience.values)
    if audience.claim is not None:
        return StringClaimLine(
            about,
            audience.claim,
            accepts=frozenset(written).__contains__,
            expected=f"this policy accepts {one_of(written)} in `{audience.claim.text}` of a token without `aud`",
            instead_of="aud",
        )
    return AudienceLine(about, frozenset(written), audience.only, written)


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The audience line, if audience is not waived."""
    line = audience_line(policy)
    if line is not None:
        yield line
