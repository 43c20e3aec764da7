"""Diagnostics as JSON, by `schemas/validate.schema.json`. Input: a report. Output: a text."""

from __future__ import annotations

import json

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.reports.summary import Report

FORMAT_VERSION = "1"


def as_json(report: Report) -> str:
    """The whole report. Only ASCII comes out, so it survives every pipe and obeys no terminal."""
    return json.dumps(as_dict(report), indent=2)


def as_dict(report: Report) -> dict[str, object]:
    """The whole report as JSON-ready data."""
    return {
        "format_version": FORMAT_VERSION,
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in report.diagnostics],
        "summary": {
            "files": report.files,
            "policies": report.policies,
            "errors": report.count(Level.ERROR),
            "warnings": report.count(Level.WARNING),
            "notes": report.count(Level.NOTE),
            "not_checked": dict(report.unchecked),
        },
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.level.value,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
