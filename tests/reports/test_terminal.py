"""What is shown can neither colour nor move a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.reports.terminal import PLAIN, Style, visible, visible_lines, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Grüße ✓ 漢", "Grüße ✓ 漢"),
        ("\x1b[31mred", "\\u{001b}[31mred"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b0m\x7f\x00", "\\u{009b}0m\\u{007f}\\u{0000}"),
        ("\u202etxt", "\\u{202e}txt"),
        ("a\u200bb\ufeff", "a\\u{200b}b\\u{feff}"),
        ("\u2028\u0085", "\\u{2028}\\u{0085}"),
        ("\ud800", "\\u{d800}"),
    ],
)
def test_controls_become_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = visible_lines(text)
    assert all(c == "\n" or unicodedata.category(c)[0] not in "C" for c in shown)
    assert shown.count("\n") == text.count("\n")


def test_colours_are_only_ours() -> None:
    assert Style(colour=True).paint("x", "red", "bold") == "\x1b[31;1mx\x1b[0m"
    assert Style(colour=True).paint("", "red") == ""
    assert PLAIN.paint("x", "red") == "x"


def test_width() -> None:
    assert (width("abc"), width("漢字"), width("e\u0301")) == (3, 4, 1)
