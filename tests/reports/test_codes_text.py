"""Pages of codes as text and as documents, and what a damaged page does."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyjwt import codes
from policyjwt.codes import Page
from policyjwt.diagnostics import Level
from policyjwt.reports import code_pages

PAGE = Page(
    code="PJ000",
    family="sample_family",
    title="a | b",
    meaning="It means. " * 30,
    threat="A threat.",
    fix="A fix.",
    level=Level.WARNING,
    reference="RFC 8725",
)


def test_text() -> None:
    shown = code_pages.as_text(PAGE, "PJ000")
    assert shown.startswith("PJ000  a | b  (warning)\n\nMeaning\n  It means. It means.")
    assert shown.endswith("\n\nThreat\n  A threat.\n\nFix\n  A fix.\n\nReference  RFC 8725")
    assert max(map(len, shown.splitlines())) <= 96


def test_documents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(code_pages, "pages", lambda: {"PJ000": PAGE})
    (tmp_path / "gone.md").write_text("x")
    code_pages.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "sample_family.md"]
    assert "| `PJ000` | warning | a \\| b |" in (tmp_path / "README.md").read_text()
    page = (tmp_path / "sample_family.md").read_text()
    assert page.startswith("# Sample family\n\n<!-- Made from")
    assert "## `PJ000`: a | b\n\n*warning*\n" in page
    assert page.endswith("**Reference.** RFC 8725\n")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (1, "is no table of texts"),
        ({"title": 1}, "is no table of texts"),
        ({"title": "a", "meaning": "b", "threat": "c"}, "missing: fix"),
        ({"title": "a", "meaning": "b", "threat": "c", "fix": "d"}, "needs title"),
        ({"title": "a", "meaning": "b", "threat": "c", "fix": "d", "level": "note", "outcome": "met"}, "needs title"),
        ({"title": "a", "meaning": "b", "threat": "c", "fix": "d", "level": "note", "x": "y"}, "unknown: x"),
        ({"title": "a", "meaning": "b", "threat": "c", "fix": "d", "level": "fatal"}, "not a valid Level"),
    ],
)
def test_a_damaged_page_is_named(parts: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        codes._page("PJ000", "family", parts)
