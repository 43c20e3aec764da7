"""Words for messages."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.language.suggest import SHOWN, closest, quoted

ALGORITHMS = ("ES256", "ES384", "RS256", "HS256", "EdDSA")


@pytest.mark.parametrize(
    ("word", "candidates", "meant"),
    [
        ("ES257", ALGORITHMS, "ES256"),
        ("es256", ALGORITHMS, "ES256"),
        ("EDDSA", ALGORITHMS, "EdDSA"),
        ("none", ALGORITHMS, None),
        ("freshnes", ("freshness", "integrity"), "freshness"),
        ("replay_protection", ("replay-protection",), "replay-protection"),
        ("requrie", ("require", "review"), "require"),
        ("AND", ("and", "any"), "and"),
        ("nd", ("and",), None),
        ("", ("a",), None),
        ("x", ("y", "x"), None),
        ("x" * 65, ("x" * 64,), None),
        ("corp_domain", ("corp_domains", "corp_domain2"), "corp_domains"),
        ("anything", (), None),
    ],
)
def test_the_closest_word(word: str, candidates: tuple[str, ...], meant: str | None) -> None:
    assert closest(word, candidates) == meant


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sub", "`sub`"),
        ("`https://x.example/y`", "`https://x.example/y`"),
        ("a\nb\tc", "`a\\nb\\tc`"),
        ("\u202e\u00a0\U000e0041\x1b[0m", "`\\u202e\\u00a0\\U000e0041\\u001b[0m`"),
        ("é 漢 😀", "`é 漢 😀`"),
        ("x" * 80, f"`{'x' * 80}`"),
        ("x" * 81, f"`{'x' * 79}…`"),
        ("", "``"),
    ],
)
def test_text_in_backquotes(text: str, shown: str) -> None:
    assert quoted(text) == shown


@given(st.text(max_size=300))
def test_what_is_shown_is_short_and_visible(text: str) -> None:
    shown = quoted(text)
    assert len(shown) <= SHOWN + 2
    assert all(character == " " or unicodedata.category(character)[0] not in "CZ" for character in shown)
