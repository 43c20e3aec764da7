"""The views of a verdict: text, JSON-ready data, and the answer for the client. They never raise.

Findings arrive redacted or with values, as the caller asked; nothing here reads a token.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from policyjwt.expressions.words import shortened, visible
from policyjwt.verdict import Finding, Inspection, Outcome, PublicVerdict, Verdict

if TYPE_CHECKING:
    from policyjwt.verdict import Account, Assurance, _Told

FORMAT_VERSION = "1"
MARKS = {
    Outcome.MET: "✓",
    Outcome.NOT_APPLICABLE: "✓",
    Outcome.VIOLATED: "✗",
    Outcome.UNKNOWN: "✗",
    Outcome.WAIVED: "~",
    Outcome.OBSERVED: "○",
    Outcome.NOT_REACHED: "–",
}
_FINE = frozenset({Outcome.MET, Outcome.NOT_APPLICABLE})
_LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def time_text(instant: float | None) -> str | None:
    """`instant` (seconds since the epoch) as RFC 3339 in UTC; beyond the calendar, the seconds as a number."""
    if instant is None:
        return None
    if not math.isfinite(instant) or not 0 <= instant < _LATEST:
        return f"{instant:.0f} s since the epoch"
    moment = datetime.fromtimestamp(math.floor(instant), tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def headline(told: _Told) -> str:
    """The first line: what was decided, by which policy, when."""
    word = {
        (True, True): "TRUSTED",
        (True, False): "REFUSED",
        (False, True): "WOULD BE TRUSTED",
        (False, False): "WOULD BE REFUSED",
    }[isinstance(told, Verdict), _positive(told)]
    parts = [f"{word} by {visible(told.policy)}" if told.policy else f"{word} before a policy could judge"]
    if told.policy_location is not None:
        parts.append(f"{visible(told.policy_location.file)}:{told.policy_location.line}")
    parts.append(f"at {time_text(told.evaluated_at)}")
    return "   ".join(parts)


def _positive(told: _Told) -> bool:
    return told.trusted if isinstance(told, Verdict) else isinstance(told, Inspection) and told.would_trust


def text(told: _Told, findings: Iterable[Finding], *, everything: bool = False, hint: str = "") -> str:
    """The whole account. `everything` lists what is met too; `hint` says how to see that."""
    findings = tuple(findings)
    lines = [headline(told), ""]
    shown = [f for f in findings if everything or f.outcome not in _FINE]
    shown.sort(key=lambda finding: not finding.fails)
    for finding in (f for f in shown if f.outcome is not Outcome.NOT_REACHED):
        lines.extend(_finding_lines(finding))
    lines.extend(_not_reached([f for f in shown if f.outcome is Outcome.NOT_REACHED], everything=everything))
    hidden = len(findings) - len(shown)
    if hidden:
        noun = "requirement is" if hidden == 1 else "requirements are"
        more = " more" if shown else ""
        lines.append(f"  ✓ {hidden}{more} {noun} met{hint}")
    lines.append("")
    lines.extend(_assurance_lines(told.assurances))
    if told.good_until is not None:
        lines.extend(["", f"  this judgement holds until {time_text(told.good_until)}"])
    return "\n".join(lines)


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f"  {MARKS[finding.outcome]} {finding.code:<24} {sentence(finding)}"
    if finding.requirement is not None and finding.location is not None:
        place = f"{PurePath(finding.location.file).name}:{finding.location.line}"
        yield f"      {visible(place):<24} {visible(shortened(finding.requirement))}"
    if finding.help:
        yield f"      help: {finding.help}"


def _not_reached(findings: list[Finding], *, everything: bool) -> Iterator[str]:
    """What was not judged, told once for each reason."""
    if everything:
        for finding in findings:
            yield from _finding_lines(finding)
        return
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.actual, []).append(finding)
    for actual, group in groups.items():
        codes = {finding.code for finding in group}
        code = codes.pop() if len(codes) == 1 else f"{len(group)} requirements"
        yield f"  {MARKS[Outcome.NOT_REACHED]} {code:<24} {actual}"


def sentence(finding: Finding) -> str:
    """What came and what was expected, in one line."""
    expected = "" if _stands_below(finding) else finding.expected
    parts = [part for part in (finding.actual, expected) if part]
    said = "; ".join(parts)
    if finding.outcome is Outcome.OBSERVED and finding.would_be is not None:
        said = f"observed only, would be {finding.would_be.value.replace('_', ' ')}: {said}" if said else said
    return f"{said}: {visible(finding.because)}" if finding.because and finding.outcome not in _FINE else said


def _stands_below(finding: Finding) -> bool:
    """Whether what was expected is the requirement's own text, which the next line shows."""
    core = finding.expected.removeprefix("not ").strip("`")
    return bool(core) and finding.requirement is not None and core in finding.requirement


def _assurance_lines(assurances: tuple[Assurance, ...]) -> Iterator[str]:
    for title, wanted in (("assured", True), ("not assured", False)):
        for assurance in (a for a in assurances if a.assured is wanted):
            yield f"  {title:<12} {assurance.name:<22} {(assurance.by if wanted else assurance.why_not) or ''}".rstrip()
            title = ""  # noqa: PLW2901 - the title stands beside the first only


def as_dict(told: _Told, findings: Iterable[Finding]) -> dict[str, Any]:
    """The account as JSON-ready data (`evaluate.schema.json`)."""
    return {
        "format_version": FORMAT_VERSION,
        "trusted": isinstance(told, Verdict) and told.trusted,
        "would_trust": _positive(told),
        "policy": told.policy,
        "policy_digest": told.policy_digest,
        "token_digest": told.token_digest,
        "evaluated_at": time_text(told.evaluated_at),
        "findings": [_finding_dict(finding) for finding in findings],
        "assurances": [
            {"name": a.name, "assured": a.assured, "by": a.by, "why_not": a.why_not} for a in told.assurances
        ],
        "good_until": time_text(told.good_until),
    }


def _finding_dict(finding: Finding) -> dict[str, Any]:
    at = finding.location
    return {
        "code": finding.code,
        "outcome": finding.outcome.value,
        "fails": finding.fails,
        "would_be": finding.would_be.value if finding.would_be else None,
        "requirement": finding.requirement,
        "location": {"file": at.file, "line": at.line, "column": at.column} if at else None,
        "expected": finding.expected,
        "actual": finding.actual,
        "because": finding.because,
        "help": finding.help,
        "reference": finding.reference,
    }


def public(verdict: Verdict, account: Account) -> PublicVerdict:
    """What the client may know (RFC 6750, section 3; RFC 9449, section 7.1): never a claim, never a line of the policy.

    A trusted verdict answers 403: it is what a service sends that trusts the token and still refuses the request.
    """
    if verdict.trusted:
        return PublicVerdict(403, {})
    if account.dependency_down():
        return PublicVerdict(503, {"Retry-After": "5"})
    status = 403 if account.insufficient_scope() else 401
    return PublicVerdict(status, {"WWW-Authenticate": account.challenge()})
