"""What `check` finds in a text, as lines that a table can hold."""

from __future__ import annotations

from pathlib import Path

from policyjwt.checker.check import Checked, check
from policyjwt.language.load import load_text
from tests.checker.policy_text import NOW


def checked(text: str, root: Path | None = None, *, now: float = NOW) -> Checked:
    """The policies of a text, and what is wrong with them."""
    return check(load_text(text, "p.policy", root), now=now)


def codes(text: str, root: Path | None = None, *, now: float = NOW) -> list[str]:
    """Line and code of every diagnostic: `13 PJ351`."""
    return [f"{found.span.line} {found.code}" for found in checked(text, root, now=now).diagnostics]


def messages(text: str, root: Path | None = None, *, now: float = NOW) -> list[str]:
    """Code, underlined text and message of every diagnostic: ``PJ351 `integrity` …``."""
    lines = text.split("\n")
    found = checked(text, root, now=now).diagnostics
    return [
        f"{d.code} {lines[d.span.line - 1][d.span.column - 1 : d.span.end_column - 1]!r} {d.message}" for d in found
    ]
