"""Diagnostics for people. Input: a report. Output: each one with its line, underlined; or one line each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.reports.summary import Report, sentence
from policyjwt.reports.terminal import PLAIN, Style, visible, visible_lines, width
from policyjwt.source import Source, Span

_COLOUR = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
_SHOWN = 120
"""Columns of a source line that are shown; of a longer one, the part around the underlined text."""

_GAP = r"(?:\s|#[^\n]*\n)"
_LITERAL_SECRET = re.compile(
    r'"(?:\\.|[^"\\\n])*"|#[^\n]*|'  # strings and comments, passed over
    rf"(?P<secret>(?<![\w.`])(?:secret|key)\b(?!{_GAP}+(?:env|file|keyring|sha256|removal)\b)"
    r'(?:#[^\n]*\n|[^"#]){0,200}"[^\n]*)'
)
"""`secret` or `key` that names no place where it is kept, and the rest of the line of the next string.
It reads the text, not the codes: a secret that does not even parse must not be printed either."""


def text(report: Report, style: Style = PLAIN) -> str:
    """Every diagnostic with its source line and its help, then the summary."""
    blocks = ["\n".join(block(diagnostic, report, style)) for diagnostic in report.diagnostics]
    return "\n\n".join([*blocks, summary_line(report, style)])


def concise(report: Report, style: Style = PLAIN) -> str:
    """One line for each diagnostic, then the summary."""
    lines = [line(diagnostic, style) for diagnostic in report.diagnostics]
    return "\n".join([*lines, summary_line(report, style)])


def summary_line(report: Report, style: Style) -> str:
    """The last line, coloured by what is gravest."""
    worst = next((level for level in Level if report.count(level)), None)
    return style.paint(sentence(report), _COLOUR[worst] if worst else "green", "bold")


def line(diagnostic: Diagnostic, style: Style = PLAIN) -> str:
    """`file:line:column: error PJ130 message`."""
    level = style.paint(f"{diagnostic.level.value} {diagnostic.code}", _COLOUR[diagnostic.level])
    return f"{place(diagnostic.span)}: {level} {visible_lines(diagnostic.message)}"


def place(span: Span) -> str:
    """`file:line:column`, as editors and terminals make links of it."""
    return f"{visible(span.file)}:{span.line}:{span.column}"


def block(diagnostic: Diagnostic, report: Report, style: Style) -> Iterator[str]:
    """The lines of one diagnostic."""
    level = style.paint(f"{diagnostic.level.value}[{diagnostic.code}]", _COLOUR[diagnostic.level], "bold")
    yield f"{level}: {style.paint(visible(diagnostic.message), 'bold')}"
    margin = " " * len(str(diagnostic.span.line))
    yield f"{margin}{style.paint('-->', 'blue')} {place(diagnostic.span)}"
    yield from _snippet(diagnostic, report, style)
    for other in diagnostic.related:
        yield f"{margin} {style.paint('=', 'blue')} {place(other.span)}: {visible(other.message)}"
    if diagnostic.help:
        first, *more = diagnostic.help.split("\n")
        yield f"{margin} {style.paint('= help:', 'blue')} {visible(first)}"
        yield from (f"{margin}         {visible(rest)}" for rest in more)


def _snippet(diagnostic: Diagnostic, report: Report, style: Style) -> Iterator[str]:
    """The source line and what of it is underlined; nothing where the line may not or cannot be shown."""
    span = diagnostic.span
    known = report.sources.get(span.file)
    if known is None or span.line in _secret_lines(known):
        return
    source = known.line(span.line)
    start = min(span.column - 1, len(source))
    end = min(span.end_column - 1, len(source)) if span.end_line == span.line else len(source)
    before, marked, after = _cut(source[:start], source[start:end], source[end:])
    margin, bar = " " * len(str(span.line)), style.paint("|", "blue")
    marks = "^" * max(1, width(marked))
    yield f"{margin} {bar}"
    yield f"{style.paint(str(span.line), 'blue')} {bar} {before}{marked}{after}".rstrip()
    yield f"{margin} {bar} {' ' * width(before)}{style.paint(marks, _COLOUR[diagnostic.level], 'bold')}"


def _secret_lines(source: Source) -> set[int]:
    """The lines that hold a secret written into the policy, or nearly so. No diagnostic quotes them."""
    hidden: set[int] = set()
    for found in _LITERAL_SECRET.finditer(source.text):
        if found["secret"]:
            span = source.span(*found.span("secret"))
            hidden.update(range(span.line, span.end_line + 1))
    return hidden


def _cut(before: str, marked: str, after: str) -> tuple[str, str, str]:
    """The three parts of a line, made visible and shortened to what fits."""
    before, marked, after = (visible(part.replace("\t", "    ")) for part in (before, marked, after))
    if len(marked) > _SHOWN:
        marked, after = marked[:_SHOWN] + "…", ""
    room = max(_SHOWN - len(marked), 0)
    if len(before) > room:
        before = "…" + before[len(before) - room :]
    room = max(room - len(before), 0)
    if len(after) > room:
        after = after[:room] + "…"
    return before, marked, after
