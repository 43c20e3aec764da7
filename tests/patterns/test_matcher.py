"""Patterns: the engines agree with each other and with the meaning of a pattern."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyjwt.patterns.matcher import NeedsRe2, matcher, needs_re2, on_re, on_re2
from policyjwt.patterns.syntax import parse
from tests.patterns.oracles import EFFORTS, TEXTS, fits, patterns

WHOLE = [
    ("abc", "abc", True),
    ("abc", "xabc", False),
    ("abc", "abcx", False),
    ("abc", "abc\n", False),
    ("a|b", "bx", False),
    ("a|b", "xb", False),
    ("a|ab", "ab", True),
    ("", "", True),
    ("", "\n", False),
    ("a|", "", True),
    (".", "\n", False),
    (".", "\r", True),
    (".", "\u2028", True),
    (".", "\u0085", True),
    (".", "\0", True),
    (".", "😀", True),
    (".", "\U0010ffff", True),
    (".", "\ud800", False),
    ("[^a]", "\ud800", False),
    (r"\W", "\udfff", False),
    (".*", "a\nb", False),
    ("[^a]", "\n", True),
    (r"\d", "\u0661", False),
    (r"\D", "\u0661", True),
    (r"\w", "é", False),
    (r"\W", "é", True),
    (r"\w", "_", True),
    (r"\w", "ſ", False),
    (r"\s", "\u00a0", False),
    (r"\s", "\v", True),
    (r"\s", "\x1f", False),
    (r"\S", "\u2003", True),
    ("k", "\u212a", False),
    ("é", "e\u0301", False),
    (r"\^\$\.\*\+\?\(\)\[\]\{\}\|\\\/\-", r"^$.*+?()[]{}|\/-", True),
    (r"[\]\[\\^-]+", r"][\^-", True),
    ("[^^]", "^", False),
    ("[a^]", "^", True),
    ("[-a]", "-", True),
    ("[a-]", "-", True),
    ("[.]", "x", False),
    ("[$]", "$", True),
    ("(?:ab)+", "abab", True),
    ("(a*)*", "aaa", True),
    ("(a|b)*c", "ababc", True),
    ("a{2}", "aa", True),
    ("a{2}", "aaa", False),
    ("a{2,}", "aaaa", True),
    ("a{0}", "", True),
    ("a{0}", "a", False),
    ("(a{2}){3}", "aaaaaa", True),
    ("#", "#", True),
    ("a b", "a b", True),
    ("ab", "a b", False),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), WHOLE)
def test_fits_the_whole_value(pattern: str, text: str, *, expected: bool) -> None:
    tree = parse(pattern)
    assert matcher(pattern)(text) is expected
    assert on_re(tree)(text) is expected
    assert on_re2(tree)(text) is expected
    assert fits(tree.node, text) is expected


@EFFORTS
@given(patterns(), TEXTS)
def test_both_engines_agree_with_the_meaning(effort: str, pattern: str, text: str) -> None:
    tree = parse(pattern)
    expected = fits(tree.node, text)
    assert on_re(tree)(text) is expected
    assert on_re2(tree)(text) is expected


@EFFORTS
@given(patterns(st.sampled_from([r"\d", r"\W", "[^a]", "a", ".", r"\s"])), st.data())
def test_both_engines_agree_on_texts_that_fit(effort: str, pattern: str, data: st.DataObject) -> None:
    tree = parse(pattern)
    text = data.draw(st.from_regex(re.compile(f"(?:{pattern})\\Z", re.ASCII), fullmatch=True))
    expected = fits(tree.node, text)
    assert on_re(tree)(text) is expected
    assert on_re2(tree)(text) is expected


@pytest.mark.parametrize("name", ["d", "w", "s", "D", "W", "S"])
def test_classes_are_ascii_over_all_of_unicode(name: str) -> None:
    ours = matcher("\\" + name)
    for point in [*range(0x3000), *range(0xD700, 0xE100), 0x1D7CE, 0x1F600, sys.maxunicode]:
        character = chr(point)
        expected = re.fullmatch("\\" + name, character, re.ASCII) is not None and not 0xD800 <= point <= 0xDFFF
        assert ours(character) is expected, hex(point)


def test_the_standard_engine_runs_only_what_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    assert not needs_re2("[a-z]{3,12}")
    assert matcher("[a-z]{3,12}--no-re2")("abc--no-re2")
    assert needs_re2("(a+)+")
    with pytest.raises(NeedsRe2, match=r"a pattern needs RE2; install policyjwt\[regex\]"):
        matcher("(a+)+no-re2")


def test_a_hostile_text_costs_re2_no_more_than_its_length() -> None:
    assert matcher("(a+)+")("a" * 200_000)
    assert not matcher("(a+)+")("a" * 200_000 + "!")


@given(patterns(), st.integers(1, 900))
@settings(max_examples=50)
def test_what_the_language_reads_compiles_on_both_engines(pattern: str, times: int) -> None:
    text = f"(?:{re.sub(r'{[0-9,]*}', '+', pattern)}){{{times}}}"
    tree = parse(text)
    on_re(tree)
    on_re2(tree)


def test_the_cache_is_bounded() -> None:
    assert matcher.cache_info().maxsize == 1024
