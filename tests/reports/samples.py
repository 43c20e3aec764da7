"""Diagnostics for the tests of reports, made by hand: they must not depend on what the checker says today."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.reports.summary import Report
from policyjwt.source import Source

SOURCE = Source(
    "policies/pay ments.policy",
    'policyjwt 1\npolicy "p" {\n\trequire email_verified\n  secret "hunter2-hunter2"\n  about "漢\x1b[31m字"\n}\n',
)
NASTY = 'a % b\r\n::error file=x::y, z: \x1b[2J`\u202e` <b>"'


def at(needle: str, *, end: str | None = None) -> tuple[int, int]:
    start = SOURCE.text.index(needle)
    return start, (SOURCE.text.index(end) + len(end) if end else start + len(needle))


def report(*, nasty: bool = False) -> Report:
    """Faults of every level, one about a secret, one of two lines; `nasty` adds one with hostile words."""
    found = [
        Diagnostic(
            "PJ130",
            Level.ERROR,
            "a bare claim is no test",
            SOURCE.span(*at("email_verified")),
            "write `email_verified == true`",
            (Related(SOURCE.span(*at('policy "p"')), "in this policy"),),
        ),
        Diagnostic("PJ204", Level.ERROR, "a secret stands in the policy", SOURCE.span(*at("secret"))),
        Diagnostic(
            "PJ901",
            Level.WARNING,
            "two lines are one",
            SOURCE.span(*at("secret", end="about")),
            "first\nsecond",
        ),
        Diagnostic("PJ902", Level.NOTE, "some characters are wide", SOURCE.span(*at("字"))),
    ]
    if nasty:
        found.append(Diagnostic("PJ903", Level.ERROR, NASTY, SOURCE.span(0, 0), NASTY))
    return Report(
        diagnostics=tuple(found),
        policies=1,
        files=1,
        sources={SOURCE.name: SOURCE},
        unchecked={"secrets": 3, "key sets fetched at run time": 1, "extras": 0},
    )
