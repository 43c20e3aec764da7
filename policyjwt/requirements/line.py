"""A line of a verdict: one thing that a policy demands, decided when the policy is compiled.

Each line judges in two ways that must agree: `judge`, written for reading, and the fast code that `emit` writes. A
result is a short word: `met`, `not_applicable`, `waived`, `not_reached`, `observed:…`, or the reason of a failure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import Path
from policyjwt.source import Place
from policyjwt.verdict import Outcome

if TYPE_CHECKING:
    from policyjwt.evidence.dpop import Proof
    from policyjwt.expressions.emitter import Emitter
    from policyjwt.verdict import KeyUsed

MET = "met"
NOT_APPLICABLE = "not_applicable"
WAIVED = "waived"
NOT_REACHED = "not_reached"
VIOLATED = "violated"
UNKNOWN = "unknown"
OBSERVED = "observed:"
DEFECT = "requirement"
LIMIT = "limit"

PASSING = frozenset(
    {
        MET,
        NOT_APPLICABLE,
        WAIVED,
        OBSERVED + MET,
        OBSERVED + NOT_APPLICABLE,
        OBSERVED + VIOLATED,
        OBSERVED + UNKNOWN,
        OBSERVED + DEFECT,
        OBSERVED + LIMIT,
    }
)
"""Results that leave the token trusted. Whatever is not among them does not: a new word fails closed."""

_OUTCOMES = {
    MET: Outcome.MET,
    NOT_APPLICABLE: Outcome.NOT_APPLICABLE,
    WAIVED: Outcome.WAIVED,
    NOT_REACHED: Outcome.NOT_REACHED,
    UNKNOWN: Outcome.UNKNOWN,
    DEFECT: Outcome.UNKNOWN,
    LIMIT: Outcome.UNKNOWN,
    "store_unavailable": Outcome.UNKNOWN,
    "store_full": Outcome.UNKNOWN,
    "not_configured": Outcome.UNKNOWN,
}


_LISTS = frozenset({"provides", "assures"})
"""Items that are lists: each entry is a requirement of its own, written behind the word."""


class _Missing:
    """The value of a claim that is not there; null is a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()


class EvidenceResult(NamedTuple):
    """What became of one piece of evidence: a result as a line has it, its words, and when it turns.

    It is worked out before the lines are judged, by mathematics over bytes; a line only says what it means here. The
    words are made when somebody reads them. `shown` are the members of an encrypted token's outer header, which
    everybody on its way has read.
    """

    result: str
    words: Callable[[], Explanation]
    until: float | None = None
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Facts:
    """What the lines of a policy judge: verified claims and inner header, the request, and the moment.

    `certificate` and `client` are what rules may read of the signer's certificate and the client's; `evidence` are the
    results by the name of their line, `proof` is the holder's.
    """

    claims: Mapping[str, object]
    header: Mapping[str, object]
    context: Mapping[str, object]
    now: float
    certificate: Mapping[str, object] = field(default_factory=dict)
    client: Mapping[str, object] = field(default_factory=dict)
    evidence: Mapping[str, EvidenceResult] = field(default_factory=dict)
    proof: Proof | None = None
    key: KeyUsed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of a line before any token: its stage, its place, why it is there.

    `section` is the word of the section that the item stands in. An `implicit` line is asked for by nothing that the
    policy says, and is told of only when it fails. An `observed` one never changes the decision. `reason` is what its
    code says when it fails, where that is not the result's own word.
    """

    stage: str
    place: Place
    section: str | None = None
    because: str | None = None
    reference: str | None = None
    implicit: bool = False
    observed: bool = False
    reason: str | None = None

    @property
    def text(self) -> str:
        """The requirement as a person finds it in the policy."""
        written = self.place.text
        if self.section is None:
            return written
        return f"{self.section} {written}" if self.section in _LISTS else f"{self.section} {{ {written} }}"


class Line(Protocol):
    """One requirement of one policy."""

    @property
    def about(self) -> About:
        """Its place and stage."""

    def judge(self, facts: Facts) -> str:
        """The result, worked out plainly: this defines what the requirement means."""

    def emit(self, out: Emitter, target: str) -> None:
        """Write code that sets `target` to the result.

        At hand are `claims`, `header`, `context`, `now`, `certificate`, `client` and `evidence`.
        """

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """The result in words; with `values` the token is quoted."""

    def instants(self, facts: Facts) -> Iterator[float]:
        """The instants at which the result for this token changes."""


def code_of(about: About, result: str) -> str:
    """The code of a finding: `stage.reason`."""
    if result in {DEFECT, LIMIT}:
        return f"internal.{result}"
    if result.startswith(OBSERVED):
        return f"{about.stage}.observed"
    if result in {VIOLATED, UNKNOWN} and about.reason is not None:
        return f"{about.stage}.{about.reason}"
    if "." in result:  # evidence that is judged by another stage's checks keeps their code
        return result
    return f"{about.stage}.{result}"


def outcome_of(result: str) -> Outcome:
    """The outcome that a result stands for; a reason that is no outcome is a violation."""
    if result.startswith(OBSERVED):
        return Outcome.OBSERVED
    return _OUTCOMES.get(result, Outcome.VIOLATED)


def walk(claims: Mapping[str, object], members: tuple[str, ...]) -> object:
    """The value at a path of object members, MISSING if there is none or something above it is no object."""
    value: object = claims
    for member in members:
        if not isinstance(value, dict) or member not in value:
            return MISSING
        value = value[member]
    return value


def emit_read(out: Emitter, path: Path | str) -> str:
    """Write code that reads a claim, MISSING where there is none; gives the local. Lines share what they read."""
    members = (path,) if isinstance(path, str) else path.members

    def written() -> str:
        if len(members) == 1:
            return f"claims.get({out.const(members[0])}, {out.const(MISSING)})"
        return f"{out.const(walk)}(claims, {out.const(members)})"

    return out.hoist(("claim or missing", members), "m", written)


def emit_cases(out: Emitter, target: str, *cases: tuple[str, str], otherwise: str) -> None:
    """Write an if/elif/else that sets `target` to the result beside the first condition that holds."""
    word = "if"
    for condition, result in cases:
        out.line(f"{word} {condition}:")
        with out.indent():
            out.line(f"{target} = {result!r}")
        word = "elif"
    out.line("else:")
    with out.indent():
        out.line(f"{target} = {otherwise!r}")


def turning(until: float, now: float) -> float:
    """The instant at which a judgement turns that still holds at `until`: where that is now, the next moment."""
    return until if until > now else math.nextafter(until, math.inf)


def no_instants() -> Iterator[float]:
    """For lines that the clock does not change."""
    return iter(())
