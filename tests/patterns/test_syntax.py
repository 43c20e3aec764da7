"""The subset of regular expressions: what it refuses, in which words, at which character."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.patterns.syntax import Chars, Choice, PatternError, Repeat, Sequence, parse

A, B = Chars(((97, 97),)), Chars(((98, 98),))

TREES = [
    ("", Sequence(())),
    ("a", A),
    ("ab", Sequence((A, B))),
    ("a|b", Choice((A, B))),
    ("(a)", A),
    ("(?:a)", A),
    ("a*", Repeat(A, 0, None)),
    ("a+", Repeat(A, 1, None)),
    ("a?", Repeat(A, 0, 1)),
    ("a{3}", Repeat(A, 3, 3)),
    ("a{3,}", Repeat(A, 3, None)),
    ("a{3,5}", Repeat(A, 3, 5)),
    ("(a|b)*", Repeat(Choice((A, B)), 0, None)),
    ("[ab]", Chars(((97, 98),))),
    ("[a-c-]", Chars(((45, 45), (97, 99)))),
    ("[^\\D]", Chars(((48, 57),))),
    ("a|", Choice((A, Sequence(())))),
]

REFUSED = [
    ("(?=a)", 0, "patterns have no look-around"),
    ("a(?!b)", 1, "patterns have no look-around"),
    ("(?<=a)", 0, "patterns have no look-around"),
    ("(?<!a)", 0, "patterns have no look-around"),
    (r"(a)\1", 3, "patterns have no back-references"),
    (r"\k<a>", 0, "patterns have no back-references"),
    ("(?P=a)", 0, "patterns have no back-references"),
    ("(?P<a>b)", 0, "patterns have no named groups"),
    ("(?<a>b)", 0, "patterns have no named groups"),
    ("(?'a'b)", 0, "patterns have no named groups"),
    ("(?i)a", 0, "patterns have no flags"),
    ("(?i:a)", 0, "patterns have no flags"),
    ("(?#a)", 0, "patterns have no flags"),
    ("(?(1)a)", 0, "patterns have no flags"),
    ("(?>a)", 0, "patterns have no atomic groups"),
    ("(?", 0, "patterns have no flags"),
    ("^a", 0, "`^` is no part of patterns"),
    ("a$", 1, "`$` is no part of patterns"),
    (r"\ba", 0, r"`\b` is no part of patterns"),
    (r"\Aa", 0, r"`\A` is no part of patterns"),
    (r"a\Z", 1, r"`\Z` is no part of patterns"),
    (r"a\z", 1, r"`\z` is no part of patterns"),
    (r"\p{L}", 0, r"`\p` is no part of patterns"),
    (r"\n", 0, r"`\n` is no part of patterns"),
    (r"\x41", 0, r"`\x` is no part of patterns"),
    (r"\0", 0, r"`\0` is no part of patterns"),
    (r"\é", 0, r"`\é` is no part of patterns"),
    ("\\\n", 0, r"`\\n` is no part of patterns"),
    ("a*?", 2, "patterns have no lazy repeats"),
    ("a{2}?", 4, "patterns have no lazy repeats"),
    ("a++", 2, "patterns have no possessive repeats"),
    ("a**", 2, "a repeat directly after a repeat"),
    ("a{2}{3}", 4, "a repeat directly after a repeat"),
    ("*a", 0, "there is nothing for `*` to repeat"),
    ("a|+", 2, "there is nothing for `+` to repeat"),
    ("(?:?)", 3, "there is nothing for `?` to repeat"),
    ("{2}", 0, "`{` stands alone"),
    ("a}", 1, "`}` stands alone"),
    ("a]", 1, "`]` stands alone"),
    ("a{,2}", 1, "expected `{n}`, `{n,}` or `{n,m}`"),
    ("a{", 1, "expected `{n}`, `{n,}` or `{n,m}`"),
    ("a{x}", 1, "expected `{n}`, `{n,}` or `{n,m}`"),
    ("a{1,2,3}", 1, "expected `{n}`, `{n,}` or `{n,m}`"),
    ("a{\u0661}", 1, "expected `{n}`, `{n,}` or `{n,m}`"),
    ("a{3,2}", 1, "the least number of repeats is larger than the most"),
    ("a{1001}", 0, "repeats inside each other multiply to more than 1000"),
    ("(a{40}){40}", 0, "repeats inside each other multiply to more than 1000"),
    ("(a{40}b|c){26,}", 0, "repeats inside each other multiply to more than 1000"),
    ("a{99999999999999999999}", 1, "expected `{n}`, `{n,}` or `{n,m}`"),
    ("(a", 0, "this group is not closed"),
    ("a)", 1, "`)` closes no group"),
    ("[a", 0, "this class is not closed"),
    ("[", 0, "this class is not closed"),
    ("[]", 0, "a class that no character fits"),
    ("[]a]", 0, "a class that no character fits"),
    ("[^]", 0, "a class that no character fits"),
    (r"[^\d\D]", 0, "a class that no character fits"),
    ("[z-a]", 1, "the range `z-a` ends before it begins"),
    (r"[\d-x]", 1, "a range goes from one character to another"),
    (r"[a-\d]", 1, "a range goes from one character to another"),
    ("[a-c-e]", 4, "`-` in the middle of a class makes no range here"),
    ("[[:alpha:]]", 1, "a class holds no classes"),
    ("[a&&b]", 2, "a class holds no set operations"),
    ("[a--b]", 1, "the range `a--` ends before it begins"),
    ("[--a]", 1, "a class holds no set operations"),
    ("a\\", 1, "a backslash at the end"),
    ("[\\", 1, "a backslash at the end"),
    ("\ud800", 0, "half of a surrogate pair, which is no character"),
    ("[\ud800-\udfff]", 1, "half of a surrogate pair, which is no character"),
    ("(" * 51 + ")" * 51, 50, "more than 50 groups inside each other"),
    ("a" * 4097, 4096, "the pattern has more than 4096 characters"),
    ("[ab]{900}" * 12, 0, "the pattern stands for more than 10000 characters"),
]


@pytest.mark.parametrize(("text", "tree"), TREES)
def test_reads(text: str, tree: object) -> None:
    assert parse(text).node == tree


@pytest.mark.parametrize(("text", "at", "message"), REFUSED)
def test_refuses_in_words(text: str, at: int, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse(text)
    assert (caught.value.at, caught.value.message) == (at, message)
    assert "\n" not in message
    assert not message.endswith(".")


@pytest.mark.parametrize(
    "text", ["a{1000}", "(a{10}){100}", "(a{10}b{100}){10}", "(a{2,10}){0,100}", "(" * 50 + "a" + ")" * 50]
)
def test_reads_up_to_the_limit(text: str) -> None:
    parse(text)


@given(st.text(st.sampled_from("ab1\\^$.*+?()[]{}|-,:=!<P&~\n é😀"), max_size=12) | st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    at = 0
    try:
        parse(text)
    except PatternError as error:
        at = error.at
    assert 0 <= at <= len(text)


def test_an_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(PatternError("m", "h", 3)))
    assert (error.message, error.help, error.at) == ("m", "h", 3)
