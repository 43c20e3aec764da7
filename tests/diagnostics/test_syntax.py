"""Each file in `syntax/` is a policy and, below a line `---`, what is said about it: place, code, text, underlining.

A new case: drop in a file with the policy and `---`, run this with POLICYJWT_WRITE_CASES=1, and read what it wrote.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyjwt.diagnostics import Diagnostic
from policyjwt.language.parse import parse
from policyjwt.source import Source

FOLDER = Path(__file__).parent / "syntax"
CASES = sorted(FOLDER.glob("*.case"))
PAGES = Path(__file__).parents[2] / "policyjwt" / "code_pages" / "syntax.toml"
CODES_OF_TEXT = {"PJ102", "PJ103", "PJ104", "PJ105", "PJ106", "PJ107"}  # their texts would not survive an editor


def shown(diagnostic: Diagnostic, source: Source) -> Iterator[str]:
    span = diagnostic.span
    yield f"{span.line}:{span.column} {diagnostic.code} {diagnostic.message}"
    if line := source.line(span.line).rstrip():
        width = span.end_column - span.column if span.end_line == span.line else len(line) + 1 - span.column
        yield f"    {line}"
        yield f"    {' ' * (span.column - 1)}{'^' * max(1, width)}"
    if diagnostic.help:
        yield f"    help: {diagnostic.help}"
    for related in diagnostic.related:
        yield f"    {related.span.line}:{related.span.column} {related.message}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_said(path: Path) -> None:
    policy, _, wanted = path.read_text(encoding="utf-8").partition("---\n")
    source = Source("p.policy", policy)
    tree, diagnostics = parse(source)
    said = "".join(f"{line}\n" for diagnostic in diagnostics for line in shown(diagnostic, source))
    if os.environ.get("POLICYJWT_WRITE_CASES"):
        path.write_text(f"{policy}---\n{said}", encoding="utf-8")
    assert tree is None
    assert said == wanted


def test_every_code_of_the_catalogue_has_a_page_and_a_case() -> None:
    catalogue = (PAGES.parents[1] / "language" / "syntax_messages.py").read_text(encoding="utf-8")
    used = set(re.findall(r'"(PJ[0-9]{3})"', catalogue))
    documented = set(tomllib.loads(PAGES.read_text(encoding="utf-8")))
    shown_in_cases = {code for path in CASES for code in _codes(path)}
    assert used == documented
    assert used - CODES_OF_TEXT <= shown_in_cases


def _codes(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").partition("---\n")[2].splitlines():
        words = line.split()
        if not line.startswith(" ") and len(words) > 1:
            yield words[1]
