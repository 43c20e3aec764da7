"""Freshness: how long the claims hold. Lines from `freshness { … }`, and of `exp`, `nbf` and `iat` wherever they are.

RFC 7519, sections 4.1.4 to 4.1.6: `exp` is the first instant at which the token no longer holds; fractions of a second
count. A line whose claim is malformed is not reached: the line of that claim says so, once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy
from policyjwt.requirements.describe import value_text
from policyjwt.requirements.line import (
    MET,
    MISSING,
    NOT_APPLICABLE,
    NOT_REACHED,
    About,
    Facts,
    Line,
    emit_cases,
    emit_read,
)
from policyjwt.source import Place
from policyjwt.spans import duration, skew_text

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter

Time = int | float


def is_time(value: object) -> bool:
    """Whether a claim is a NumericDate (RFC 7519, section 2): a number, and a boolean is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def time_of(facts: Facts, name: str) -> Time | None:
    """The claim as a time, None where it is not one."""
    value = facts.claims.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class TimeLine:
    """One time claim against the clock: a limit that it keeps, and what it means to be missing.

    `fails` is the failing condition as a formula over `v` (the claim) and `now`; `breaks` is the same, run. Both stand
    side by side below, and the differential test holds them equal.
    """

    about: About
    claim: str
    reason: str
    fails: str
    breaks: Callable[[Time, float], bool]
    expected: str
    actual: Callable[[Time, float], str]
    turns: Callable[[Time], float] | None
    if_missing: str
    if_malformed: str

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        value = facts.claims.get(self.claim, MISSING)
        if value is MISSING:
            return self.if_missing
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return self.if_malformed
        return self.reason if self.breaks(value, facts.now) else MET

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local = emit_read(out, self.claim)
        emit_cases(
            out,
            target,
            (f"{local} is {out.const(MISSING)}", self.if_missing),
            (f"type({local}) is not int and type({local}) is not float", self.if_malformed),
            (self.fails.format(v=local), self.reason),
            otherwise=MET,
        )

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`. Times may be shown: they tell nothing of anybody."""
        value = facts.claims.get(self.claim, MISSING)
        if value is MISSING:
            return Explanation(f"`{self.claim}` is absent", self.expected)
        time = time_of(facts, self.claim)
        if time is None:
            return Explanation(
                f"`{self.claim}` is {value_text(value, values=values)}, not a number of seconds",
                self.expected,
            )
        return Explanation(self.actual(time, facts.now), self.expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        time = time_of(facts, self.claim)
        if time is None or self.turns is None:
            return
        turn = self.turns(time)
        soon = math.nextafter(facts.now, math.inf)
        ends_now = turn == facts.now and not self.breaks(time, facts.now) and self.breaks(time, soon)
        yield soon if ends_now else turn


@dataclass(frozen=True, slots=True)
class CoherenceLine:
    """`exp` lies after `iat`, and `nbf` not after `exp`: else whoever wrote the token did not mean it."""

    about: About

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        times = {name: facts.claims.get(name, MISSING) for name in ("iat", "nbf", "exp")}
        present = {name: value for name, value in times.items() if value is not MISSING}
        if not all(is_time(value) for value in present.values()):
            return NOT_REACHED
        exp, iat, nbf = (time_of(facts, name) for name in ("exp", "iat", "nbf"))
        if exp is None or (iat is None and nbf is None):
            return NOT_APPLICABLE
        if (iat is not None and exp <= iat) or (nbf is not None and nbf > exp):
            return "incoherent"
        return MET

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`. The usual token has whole seconds in `exp` and `iat` and no `nbf`, or all three."""
        exp, iat, nbf = emit_read(out, "exp"), emit_read(out, "iat"), emit_read(out, "nbf")
        missing = out.const(MISSING)
        out.line(
            f"if type({exp}) is int and type({iat}) is int and {exp} > {iat} "
            f"and ({nbf} is {missing} or (type({nbf}) is int and {nbf} <= {exp})):"
        )
        with out.indent():
            out.line(f"{target} = 'met'")
        out.line("else:")
        with out.indent():
            out.line(f"{target} = {out.const(self.judge_claims)}(claims)")

    def judge_claims(self, claims: dict[str, object]) -> str:
        """The result for claims that are not of the usual shape."""
        return self.judge(Facts(claims=claims, header={}, context={}, now=0.0))

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        expected = "a token expires after it was issued, and not before it begins to hold"
        exp, iat = time_of(facts, "exp"), time_of(facts, "iat")
        if result == NOT_REACHED:
            return Explanation("a time claim is malformed", expected)
        if result == NOT_APPLICABLE:
            return Explanation("there is only one time to compare", expected)
        if result == MET:
            return Explanation("the times fit each other", expected)
        if exp is not None and iat is not None and exp <= iat:
            return Explanation(
                f"`exp` lies {duration(iat - exp)} before `iat`" if exp < iat else "`exp` equals `iat`",
                expected,
            )
        return Explanation("`nbf` lies after `exp`", expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return iter(())


@dataclass(frozen=True, slots=True)
class LifetimeLine:
    """`lifetime at most D`: `exp − iat`, both there. No skew: one clock wrote both."""

    about: About
    seconds: int

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        exp, iat = facts.claims.get("exp", MISSING), facts.claims.get("iat", MISSING)
        if exp is MISSING or iat is MISSING:
            return "missing"
        if (
            not isinstance(exp, (int, float))
            or not isinstance(iat, (int, float))
            or not is_time(exp)
            or not is_time(iat)
        ):
            return NOT_REACHED
        return "lifetime_too_long" if exp > iat + self.seconds else MET

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        exp, iat, missing = emit_read(out, "exp"), emit_read(out, "iat"), out.const(MISSING)
        emit_cases(
            out,
            target,
            (f"{exp} is {missing} or {iat} is {missing}", "missing"),
            (
                f"(type({exp}) is not int and type({exp}) is not float) "
                f"or (type({iat}) is not int and type({iat}) is not float)",
                NOT_REACHED,
            ),
            (f"{exp} > {iat} + {self.seconds}", "lifetime_too_long"),
            otherwise=MET,
        )

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        expected = f"at most {duration(self.seconds)} from `iat` to `exp`"
        exp, iat = time_of(facts, "exp"), time_of(facts, "iat")
        if result == "missing":
            absent = [f"`{name}`" for name in ("iat", "exp") if name not in facts.claims]
            return Explanation(f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} absent", expected)
        if exp is None or iat is None:
            return Explanation("a time claim is malformed", expected)
        if exp <= iat:
            return Explanation("the token ends before it begins", expected)
        return Explanation(f"the token lives {duration(exp - iat)}", expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return iter(())


def _about(place: Place, *, section: str | None = "freshness", because: str | None = None) -> About:
    return About(stage="freshness", place=place, section=section, because=because, reference="RFC 7519, section 4.1")


def _always(policy: CheckedPolicy) -> Iterator[Line]:
    """`exp`, `nbf`, `iat` whenever they are there, and that they fit each other: at the section's own place."""
    s, about = policy.skew, _about(policy.freshness.place, section=None)
    yield TimeLine(
        about,
        claim="exp",
        reason="expired",
        fails=f"now >= {{v}} + {s}",
        breaks=lambda exp, now: now >= exp + s,
        expected=f"a token is refused from `exp` on{skew_text(s)}",
        actual=lambda exp, now: (
            f"expired {duration(now - exp)} ago" if now >= exp else f"expires in {duration(exp - now)}"
        ),
        turns=lambda exp: exp + s,
        if_missing=NOT_APPLICABLE,
        if_malformed="malformed",
    )
    yield TimeLine(
        about,
        claim="nbf",
        reason="not_yet_valid",
        fails=f"now < {{v}} - {s}",
        breaks=lambda nbf, now: now < nbf - s,
        expected=f"a token is refused before `nbf`{skew_text(s)}",
        actual=lambda nbf, now: (
            f"valid in {duration(nbf - now)}" if now < nbf else f"valid since {duration(now - nbf)}"
        ),
        turns=lambda nbf: nbf - s,
        if_missing=NOT_APPLICABLE,
        if_malformed="malformed",
    )
    yield TimeLine(
        about,
        claim="iat",
        reason="issued_in_future",
        fails=f"{{v}} > now + {s}",
        breaks=lambda iat, now: iat > now + s,
        expected=f"a token is issued before it is used{skew_text(s)}",
        actual=_issued,
        turns=lambda iat: iat - s,
        if_missing=NOT_APPLICABLE,
        if_malformed="malformed",
    )
    yield CoherenceLine(about)


def _issued(iat: Time, now: float) -> str:
    return f"issued {duration(now - iat)} ago" if iat <= now else f"issued {duration(iat - now)} in the future"


def _demanded(policy: CheckedPolicy) -> Iterator[Line]:
    """The items of the section."""
    freshness, s = policy.freshness, policy.skew
    if freshness.lifetime is not None:
        yield LifetimeLine(_about(freshness.lifetime.place), freshness.lifetime.amount)
    if freshness.age is not None:
        age = freshness.age.amount
        yield TimeLine(
            _about(freshness.age.place),
            claim="iat",
            reason="too_old",
            fails=f"now > {{v}} + {age + s}",
            breaks=lambda iat, now: now > iat + (age + s),
            expected=f"at most {duration(age)}{skew_text(s)}",
            actual=_issued,
            turns=lambda iat: iat + age + s,
            if_missing="missing",
            if_malformed=NOT_REACHED,
        )
    if freshness.expires is not None:
        within = freshness.expires.amount
        yield TimeLine(
            _about(freshness.expires.place),
            claim="exp",
            reason="expires_too_late",
            fails=f"{{v}} > now + {within}",
            breaks=lambda exp, now: exp > now + within,
            expected=f"at most {duration(within)} from now",
            actual=lambda exp, now: f"expires in {duration(exp - now)}" if exp > now else "expired",
            turns=lambda exp: exp - within,
            if_missing="missing",
            if_malformed=NOT_REACHED,
        )
    if freshness.issued_after is not None:
        after = freshness.issued_after
        epoch = after.date.epoch
        yield TimeLine(
            _about(after.place, because=after.because.value),
            claim="iat",
            reason="issued_too_early",
            fails=f"{{v}} < {epoch}",
            breaks=lambda iat, now: iat < epoch,
            expected=f"issued on {after.date.iso} or later",
            actual=_issued,
            turns=None,
            if_missing="missing",
            if_malformed=NOT_REACHED,
        )
    for needs in freshness.needs:
        for name in needs.values:
            yield TimeLine(
                _about(needs.place),
                claim=name,
                reason="missing",
                fails="{v} is None",
                breaks=lambda value, now: False,
                expected=f"the policy needs `{name}`",
                actual=lambda value, now, name=name: f"`{name}` is there",  # type: ignore[misc]  # bound per line
                turns=None,
                if_missing="missing",
                if_malformed=NOT_REACHED,
            )


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The lines of the time claims, then those of the section's items."""
    yield from _always(policy)
    yield from _demanded(policy)
