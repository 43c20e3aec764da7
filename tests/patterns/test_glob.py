"""Globs: what each sign stands for, what is refused, and that no text takes more than its length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.patterns import glob as module
from policyjwt.patterns.glob import compile_glob
from policyjwt.patterns.syntax import PatternError
from tests.patterns.oracles import EFFORTS

FITS = [
    ("repo:*", "repo:acme", True),
    ("repo:*", "repo:", True),
    ("repo:*", "repo:acme/shop", False),
    ("repo:*", "repo:a:b", False),
    ("repo:*", "repo:a@b", False),
    ("repo:*/shop", "repo:acme/shop", True),
    ("repo:*/shop", "repo:acme/shop-evil", False),
    ("repo:*/shop", "xrepo:acme/shop", False),
    ("repo:*/shop", "repo:/shop", True),
    ("repo:*", "repo:a\nb", True),
    ("repo:*", "repo:acme\n", True),
    ("repo:x", "repo:x\n", False),
    ("**", "", True),
    ("**", "a/b:c@d\n", True),
    ("*", "", True),
    ("", "", True),
    ("", "a", False),
    ("spiffe://prod.corp.example/**", "spiffe://prod.corp.example/ns/a", True),
    ("spiffe://prod.corp.example/**", "spiffe://prod.corp.example/", True),
    ("spiffe://prod.corp.example/**", "spiffe://prod.corp.example", False),
    ("https://*.example", "https://a/b.example", False),
    ("https://*.example", "https://evil#.example", True),
    ("https://*.example", "https://a.b.example", True),
    ("https://*.example", "https://x\n.example", True),
    ("https://*.example", "https://a.example\n", False),
    ("a.c", "abc", False),
    ("a?c", "abc", False),
    ("a[bc]", "ab", False),
    ("a[bc]", "a[bc]", True),
    ("{a,b}", "a", False),
    ("(a|b)+$^", "(a|b)+$^", True),
    ("a\\*c", "a*c", True),
    ("a\\*c", "abc", False),
    ("*\\**", "a*b", True),
    ("*\\**", "ab", False),
    ("\\***", "*a/b", True),
    ("**\\*", "a/b*", True),
    ("*\\*\\**", "**", True),
    ("a*", "Abc", False),
    ("A", "a", False),
    ("*", "\ud800", False),
    ("**", "\ud800", False),
    ("*-*-**x", "\ud800-a-x", False),
    ("é*", "é😀", True),
    ("é", "e\u0301", False),
    ("*-*", "a-b-c", True),
    ("*-*", "a-b/c", False),
    ("**-*-**-x", "a/b-c-d:-x", True),
    ("**a**b**", "xxaxxbxx", True),
    ("**a**b**", "xxbxxaxx", False),
]

REFUSED = [
    ("***", 0, "`***` means nothing"),
    ("a****", 1, "`***` means nothing"),
    ("a\\", 1, "a backslash stands only before `*`"),
    ("\\\\", 0, "a backslash stands only before `*`"),
    ("a\\/b", 1, "a backslash stands only before `*`"),
    ("\\n", 0, "a backslash stands only before `*`"),
    ("a\ud800", 1, "half of a surrogate pair, which is no character"),
    ("a" * 4097, 4096, "the pattern has more than 4096 characters"),
]


@pytest.mark.parametrize(("glob", "text", "expected"), FITS)
def test_fits(glob: str, text: str, *, expected: bool) -> None:
    assert compile_glob(glob)(text) is expected
    assert module._simulation(module._parts(glob))(text) is expected


@pytest.mark.parametrize(("glob", "at", "message"), REFUSED)
def test_refuses_in_words(glob: str, at: int, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_glob(glob)
    assert (caught.value.at, caught.value.message) == (at, message)


def _fits(parts: list[object], text: str) -> bool:
    """What a glob means, said as plainly as can be."""
    ends = {0}
    for part in parts:
        if part is module._Run.ANY:
            ends = {end for start in ends for end in range(start, len(text) + 1)}
        elif part is module._Run.WITHIN:
            ends = {end for s in ends for end in range(s, len(text) + 1) if not set(text[s:end]) & set("/:@")}
        else:
            ends = {start + 1 for start in ends if text[start : start + 1] == part}
    return len(text) in ends


GLOBS = st.lists(st.sampled_from(["a", "b", "/", ":", "@", "-", "*", "**", "\\*"]), max_size=8).map("".join)


@EFFORTS
@given(GLOBS, st.text(st.sampled_from("ab/:@-*\n"), max_size=10))
def test_every_way_to_run_a_glob_says_the_same(effort: str, glob: str, text: str) -> None:
    try:
        parts = module._parts(glob)
    except PatternError:
        return
    expected = _fits([*parts], text)
    assert compile_glob(glob)(text) is expected
    assert module._simulation(parts)(text) is expected


@pytest.mark.parametrize("glob", ["**a" * 50, "*a" * 50, "*a**a" * 50, "**" + "a**" * 1000 + "b", "*-*-*-*=*"])
def test_no_glob_backtracks(glob: str) -> None:
    """Were the work not in proportion to the text, this would not end."""
    fits = compile_glob(glob)
    assert not fits("a" * 2_000 + "/\n!")
    assert not fits("-" * 2_000)


@given(st.text(max_size=20))
def test_any_text_is_a_glob_or_refused(text: str) -> None:
    at = 0
    try:
        compile_glob(text)
    except PatternError as error:
        at = error.at
    assert 0 <= at <= len(text)


@given(st.text(max_size=20))
def test_a_glob_without_signs_is_the_text_itself(text: str) -> None:
    plain = text.replace("\\", "").replace("*", "")
    assert compile_glob(plain)(plain)
    assert compile_glob(plain.replace("*", "\\*"))(plain)
    assert not compile_glob(plain)(plain + "x")
