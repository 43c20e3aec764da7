"""Code, table and docs agree: every code that the sources use has a page, every page's code is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyjwt import codes
from policyjwt.diagnostics import DATED_CODES, Level
from policyjwt.reports import code_pages
from policyjwt.verdict import Outcome
from tests.shared import ROOT

PACKAGE = ROOT / "policyjwt"
STAGES = (
    *(
        "token",
        "decryption",
        "policy",
        "header",
        "key",
        "x5c",
        "signature",
        "revocation",
        "staple",
        "crl",
        "status",
    ),
    *(
        "issuer",
        "audience",
        "type",
        "select",
        "freshness",
        "claim",
        "schema",
        "confidential",
        "holder",
        "assurance",
    ),
    *("replay", "internal"),
)
DIAGNOSTIC = re.compile(r"PJ[0-9]{3}")
FINDING = re.compile(rf"(?:{'|'.join(STAGES)})\.[a-z][a-z0-9_-]*")
OUTCOMES = {outcome.value for outcome in Outcome}
OTHERS = {"policy.lark", "issuer.cn"}
"""Texts that look like codes and are something else: a file, a member of certificates."""


def strings() -> Iterator[tuple[Path, str]]:
    """Every string that the sources hold, but for docstrings."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                yield path, node.value


def used(pattern: re.Pattern[str]) -> dict[str, str]:
    """The codes that the sources hold as whole strings, each with a file that does."""
    return {text: path.name for path, text in strings() if pattern.fullmatch(text)}


def test_every_diagnostic_code_that_is_used_has_a_page() -> None:
    assert {code: file for code, file in used(DIAGNOSTIC).items() if codes.page(code) is None} == {}


def test_every_page_of_a_diagnostic_is_used() -> None:
    assert {page.code for page in codes.pages().values() if page.level} - used(DIAGNOSTIC).keys() == set()


def test_every_finding_code_that_is_used_has_a_page() -> None:
    found = {
        code: file
        for code, file in used(FINDING).items()
        if codes.page(code) is None and code not in OTHERS
    }  # fmt: skip
    assert found == {}


def test_every_page_of_a_finding_is_used() -> None:
    known = set(used(FINDING))
    reasons = {text for _, text in strings()}
    idle = {
        page.code
        for page in codes.pages().values()
        if page.outcome and "*" not in page.code and page.code not in known and page.code.split(".")[1] not in reasons
    }
    assert idle == set()


def test_every_stage_has_its_pages_for_outcomes() -> None:
    for stage in STAGES:
        for outcome in OUTCOMES - {"violated", "unknown"}:
            found = codes.page(f"{stage}.{outcome}")
            assert found is not None
            assert found.outcome == outcome


def levels() -> Iterator[tuple[str, str, str]]:
    """(code, level, file) wherever a catalogue names a code and, in the same call, a level."""
    for path in sorted(PACKAGE.rglob("*messages.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            named = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            code = next((text for text in named if DIAGNOSTIC.fullmatch(text)), None)
            if code is not None:
                yield code, _level(node), path.name


def _level(call: ast.Call) -> str:
    """The level that a call gives: `Level.X` among its arguments, or the constructor's name (`_warning`)."""
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(argument, ast.Attribute) and argument.attr in Level.__members__:
            return argument.attr.lower()
    return call.func.id.strip("_").lower() if isinstance(call.func, ast.Name) else ""


def test_a_page_gives_the_level_of_its_catalogue() -> None:
    known = {level.value for level in Level}
    wrong = [
        (code, given, page.level.value, file)
        for code, given, file in levels()
        if given in known and (page := codes.page(code)) is not None and page.level and page.level.value != given
    ]
    assert wrong == []


@pytest.mark.parametrize("page", codes.pages().values(), ids=lambda page: page.code)
def test_a_page_is_well_written(page: codes.Page) -> None:
    first = page.title.split()[0]
    assert first[0].islower() or not first[0].isalpha() or not first[1:].islower(), "titles are lower case"
    assert not page.title.endswith(".")
    assert "\n" not in page.title
    for words in (page.meaning, page.threat, page.fix):
        assert words.rstrip().endswith((".", "?", "!", "`", ")")), words
    assert page.outcome is None or page.outcome in OUTCOMES
    assert page.code.startswith("PJ") is (page.level is not None)


def test_codes_of_dates_are_errors() -> None:
    pages = codes.pages()
    assert {code: pages[code].level for code in DATED_CODES} == dict.fromkeys(DATED_CODES, Level.ERROR)


def test_the_documents_are_made_from_the_pages() -> None:
    folder = ROOT / "docs" / "codes"
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert written == dict(code_pages.documents()), "run `make docs`"


def test_did_you_mean() -> None:
    assert codes.closest("AUDIENCE.MISMATCH") == "audience.mismatch"
    assert codes.closest("audience.mismach") == "audience.mismatch"
    assert codes.closest("nothing at all like it") is None
