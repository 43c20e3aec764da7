"""Diagnostics as annotations of GitHub Actions. Input: a report. Output: a workflow command a line."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.reports.summary import Report, sentence
from policyjwt.reports.terminal import visible, visible_lines

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def as_annotations(report: Report) -> str:
    """One annotation for each diagnostic, and the summary as a line of the log.

    Whatever comes from a policy is escaped: a stranger's policy must not be able to write commands.
    """
    return "\n".join([*map(_annotation, report.diagnostics), sentence(report)])


def _annotation(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties = {"file": span.file, "line": str(span.line), "col": str(span.column)}
    if span.end_line == span.line:
        properties["endColumn"] = str(span.end_column)
    else:
        properties["endLine"] = str(span.end_line)
    properties["title"] = f"{diagnostic.code} {visible(diagnostic.message)}"
    said = "\n".join(part for part in (diagnostic.message, diagnostic.help) if part)
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.level]} {given}::{_data(visible_lines(said))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
