"""Diagnostics as SARIF 2.1.0, for code scanning. Input: a report. Output: a text."""

from __future__ import annotations

import json
from pathlib import PurePath
from urllib.parse import quote

from policyjwt import __version__
from policyjwt.codes import page
from policyjwt.diagnostics import Diagnostic
from policyjwt.reports.summary import Report
from policyjwt.source import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_sarif(report: Report) -> str:
    """One run, with a rule for each code that occurs. No source text is embedded."""
    codes = sorted({diagnostic.code for diagnostic in report.diagnostics})
    rules = [_rule(code) for code in codes]
    run = {
        "tool": {"driver": {"name": "policyjwt", "semanticVersion": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes) for diagnostic in report.diagnostics],
        "properties": {"notChecked": dict(report.unchecked)},
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, object]:
    told = page(code)
    if told is None:
        return {"id": code}
    help_text = f"{told.meaning}\n\nThreat: {told.threat}\n\nFix: {told.fix}"
    return {
        "id": code,
        "shortDescription": {"text": told.title},
        "fullDescription": {"text": told.meaning},
        "help": {"text": help_text + (f"\n\nReference: {told.reference}" if told.reference else "")},
        "defaultConfiguration": {"level": told.level.value if told.level else "error"},
        "properties": {"tags": ["security", told.family]},
    }


def _result(diagnostic: Diagnostic, codes: list[str]) -> dict[str, object]:
    said = f"{diagnostic.message}\n{diagnostic.help}" if diagnostic.help else diagnostic.message
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.level.value,
        "message": {"text": said},
        "locations": [_location(diagnostic.span)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {**_location(other.span), "id": number, "message": {"text": other.message}}
            for number, other in enumerate(diagnostic.related, start=1)
        ]
    return result


def _location(span: Span) -> dict[str, object]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span.file)}, "region": region}}


def _uri(file: str) -> str:
    """The file as a URI reference; a colon in it must not read as a scheme."""
    path = quote(PurePath(file).as_posix(), safe="/", errors="surrogateescape")
    return f"file://{path}" if path.startswith("/") else path
