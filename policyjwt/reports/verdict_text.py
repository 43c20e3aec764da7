"""A verdict for a terminal. Input: a verdict or an inspection. Output: its text, in colours if wanted."""

from __future__ import annotations

import re

from policyjwt import views
from policyjwt.reports.terminal import PLAIN, Style, visible_lines
from policyjwt.verdict import Inspection, Verdict

_MARKS = {"✗": "red", "✓": "green", "~": "yellow", "○": "yellow", "–": "dim"}
_MARK = re.compile(r"^  ([✗✓~○–]) (\S+)")


def as_text(told: Verdict | Inspection, *, values: bool, everything: bool, style: Style = PLAIN, hint: str = "") -> str:
    """The account of `told`. With `values` it quotes the token: for a person, never for a log.

    `hint` says, where something is left out, how to see it.
    """
    text = views.text(told, told._told(values), everything=everything, hint=hint)
    first, *rest = visible_lines(text).split("\n")
    positive = told.trusted if isinstance(told, Verdict) else told.would_trust
    head = style.paint(first, "green" if positive else "red", "bold")
    return "\n".join([head, *(_painted(line, style) for line in rest)])


def _painted(line: str, style: Style) -> str:
    found = _MARK.match(line)
    if found is None:
        return line
    return style.paint(found.group(), _MARKS[found.group(1)]) + line[found.end() :]
