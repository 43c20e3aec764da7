"""The registered claims that no line asks for still have their types (RFC 7519, section 4.1; RFC 7800, section 3.1).

Each is an implicit line at the policy's name: told of only when it fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import Audience, CheckedPolicy, Holder, IssuerNames, Replay, Waiver
from policyjwt.requirements.describe import value_text
from policyjwt.requirements.line import (
    MET,
    MISSING,
    About,
    Facts,
    Line,
    emit_cases,
    emit_read,
    no_instants,
)

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


def is_audience(value: object) -> bool:
    """A string or a list of strings."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def is_subject(value: object) -> bool:
    """A string; null says that there is nobody."""
    return value is None or isinstance(value, str)


def is_string(value: object) -> bool:
    """A string."""
    return isinstance(value, str)


def is_confirmation(value: object) -> bool:
    """An object (RFC 7800, section 3.1)."""
    return isinstance(value, dict)


_FORMS = {
    "iss": (is_string, "a string"),
    "aud": (is_audience, "a string or a list of strings"),
    "sub": (is_subject, "a string"),
    "jti": (is_string, "a string"),
    "cnf": (is_confirmation, "an object"),
}


@dataclass(frozen=True, slots=True)
class RegisteredLine:
    """A registered claim has its type, if it is there."""

    about: About
    claim: str
    result: str

    def fits(self, value: object) -> bool:
        """Whether the claim has its type."""
        return _FORMS[self.claim][0](value)

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        value = facts.claims.get(self.claim, MISSING)
        return MET if value is MISSING or self.fits(value) else self.result

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local = emit_read(out, self.claim)
        usual = "dict" if self.claim == "cnf" else "str"
        fits = f"{local} is {out.const(MISSING)} or type({local}) is {usual} or {out.const(self.fits)}({local})"
        emit_cases(out, target, (fits, MET), otherwise=self.result)

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        came = value_text(facts.claims.get(self.claim, MISSING), values=values)
        form = _FORMS[self.claim][1]
        return Explanation(f"`{self.claim}` is {came}", f"where it is there, `{self.claim}` is {form}")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


@dataclass(frozen=True, slots=True)
class UnboundLine:
    """A token with `cnf` is no bearer token: refused without `holder` and without a waiver (RFC 7800, section 3)."""

    about: About

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return "unsupported" if isinstance(facts.claims.get("cnf"), dict) else MET

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local = emit_read(out, "cnf")
        out.line(f"{target} = 'unsupported' if type({local}) is dict else 'met'")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        return Explanation(
            "the token is bound to a key of its holder by `cnf`",
            "this policy decides nothing about the holder",
            help='demand the proof with `holder dpop` or `holder mtls`, or write `waive holder because "…"`',
        )

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """A line for each registered claim whose type no other line demands."""
    place = policy.block.place
    reference = "RFC 7519, section 4.1"
    if isinstance(policy.issuer, IssuerNames) is False:
        yield RegisteredLine(About(stage="issuer", place=place, reference=reference, implicit=True), "iss", "malformed")
    if isinstance(policy.audience, Waiver) or (isinstance(policy.audience, Audience) and policy.audience.claim):
        yield RegisteredLine(
            About(stage="audience", place=place, reference=reference, implicit=True), "aud", "malformed"
        )
    if not any(p.claim == "sub" and p.type == "string" for p in policy.block.provides):
        yield RegisteredLine(About(stage="claim", place=place, reference=reference, implicit=True), "sub", "sub")
    nonce = policy.replay.nonce if isinstance(policy.replay, Replay) else None
    if nonce is None or nonce.claim.members != ("jti",):
        about = About(stage="replay", place=place, reference=reference, implicit=True)
        yield RegisteredLine(about, "jti", "nonce_invalid")
    about = About(stage="holder", place=place, reference="RFC 7800, section 3.1", implicit=True)
    if not isinstance(policy.holder, Holder):  # whose own line says what is wrong with `cnf`
        yield RegisteredLine(about, "cnf", "malformed")
    if policy.holder is None:
        yield UnboundLine(about)
