"""The proof of linear time: known patterns, the definition of ambiguity, and counted steps."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policyjwt.patterns import ambiguity
from policyjwt.patterns.ambiguity import is_linear
from policyjwt.patterns.positions import TooLargeError, automaton_of
from policyjwt.patterns.syntax import parse
from tests.patterns.oracles import (
    EFFORTS,
    SMALL_PATTERNS,
    TooManyStepsError,
    backtracking_steps,
    is_ambiguous_without_bound,
    written_out,
)

EXPONENTIAL = [
    "(a+)+",
    "(a*)*",
    "(a|a)*",
    "(a|a)*b",
    "(a|ab|b)*",
    r"(\w+\s?)*",
    r"(\w|\d)*",
    "([a-z]+)*!",
    "(.*)*",
    "(a|b|ab)*c",
    "(x+x+)+y",
    "((ab)*)*",
    "(a?)*",
    "(a?b?)*",
    "(a{1,3})*",
    "(a|a?)+",
    r"(\d+|[0-9a-f]+)*",
]

POLYNOMIAL = [
    "a*a*",
    r"\d+\d+",
    ".*a.*",
    ".*.*",
    ".*,.*,.*",
    "[a-z-]+(-[a-z]+)*",
    "a*(a|b)*",
    ".*foo.*bar",
    "[ab]*a[ab]*",
    "(a|b)*a*",
]

LARGE = [
    "(a?){30}a{30}",
    "((a?)?){30}",
    "(()?){30}b",
    "(|){30}b",
    "(a?|b?){30}c",
    ".*" + "a" * 40,
    "(a|b)*a(a|b){20}",
    "(a|b|c|d){0,40}(a|b|e){0,40}",
]
"""Bounded, but by too much."""

LINEAR = [
    "",
    "abc",
    ".*",
    "a+b+c+",
    "a*b",
    r"\w+@\w+(\.\w+)*",
    "[a-z]{3,12}",
    "[a-z]{1,1000}",
    r"(\w{1,50}\.){1,20}",
    r"https://[a-z0-9.-]+\.corp\.example(/.*)?",
    "repo:acme/[^/]+:ref:refs/heads/(main|release-[0-9]+)",
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "[a-z]+(-[a-z]+)*",
    r"(\w+ )*",
    r"\w+\d",
    ".*foo",
    "(a|ab)(c|bcd)",
    "(a|b)*a(a|b){10}",
    "|".join(f"tenant{number}" for number in range(300)),
    f"https://({'|'.join(f'tenant{number}' for number in range(100))})/.*",
]


@pytest.mark.parametrize("text", EXPONENTIAL + POLYNOMIAL + LARGE)
def test_is_not_proved(text: str) -> None:
    assert not is_linear(parse(text))


@pytest.mark.parametrize("text", LINEAR)
def test_is_proved(text: str) -> None:
    assert is_linear(parse(text))


@pytest.mark.parametrize("text", EXPONENTIAL + POLYNOMIAL)
def test_the_definition_says_the_same_of_known_patterns(text: str) -> None:
    try:
        automaton = automaton_of(parse(text).node)
    except TooLargeError:
        return  # ways to read the empty text, which positions do not show
    assert is_ambiguous_without_bound(automaton)


@EFFORTS
@given(SMALL_PATTERNS)
def test_what_is_proved_is_ambiguous_by_no_definition(effort: str, text: str) -> None:
    tree = parse(text)
    try:
        automaton = automaton_of(tree.node)
    except TooLargeError:
        assert not is_linear(tree)
        return
    assume(len(automaton.moves) <= 12)
    if is_linear(tree):
        assert not is_ambiguous_without_bound(automaton)
    else:
        # Small patterns are proved unless they are ambiguous: nothing is sent to RE2 without need.
        assert is_ambiguous_without_bound(automaton)


def _bound(text: str, length: int) -> int:
    """What is_linear promises: so many ways, each trying at most every part of the pattern, at each character."""
    ways = ambiguity.MAX_WAYS
    return ways * written_out(parse(text).node) * (length + 2)


_PUMPED = st.builds(
    lambda first, pump, times, last: first + pump * times + last,
    st.text("abc", max_size=3),
    st.text("abc", min_size=1, max_size=4),
    st.integers(0, 60),
    st.text("abc!", max_size=2),
)


@EFFORTS
@given(SMALL_PATTERNS, _PUMPED)
def test_no_text_makes_a_proved_pattern_backtrack(effort: str, pattern: str, text: str) -> None:
    tree = parse(pattern)
    assume(is_linear(tree))
    assert backtracking_steps(tree.node, text, 10_000_000) <= _bound(pattern, len(text))


@pytest.mark.parametrize("text", [text for text in LINEAR if len(text) < 300])
@pytest.mark.parametrize("pump", ["a", "ab", "1", ".corp.example", "a.b-", "fo", "x ", "/", "tenant1"])
def test_proved_patterns_take_steps_in_proportion_to_the_text(text: str, pump: str) -> None:
    value = pump * 40 + "\n"
    assert backtracking_steps(parse(text).node, value, 10_000_000) <= _bound(text, len(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(a+)+", "a" * 40 + "!"),
        ("(a|a)*", "a" * 40 + "!"),
        ("(a?){30}a{30}", "a" * 29),
        ("((a?)?){30}", "!"),
        ("(()?){30}b", "!"),
        ("(|){30}b", "!"),
        (".*.*.*.*=", "a" * 400),
    ],
)
def test_patterns_that_are_not_proved_would_backtrack(text: str, value: str) -> None:
    with pytest.raises(TooManyStepsError):
        backtracking_steps(parse(text).node, value, 200_000)


@pytest.mark.parametrize(
    "text", ["(a|b)*a(a|b){500}", "(\\w{1,30}|\\d{1,30}x){1,30}", "([a-z]|[b-y]|[c-x]|[d-w]){0,240}"]
)
def test_the_proof_itself_is_bounded(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    class Counted(Counter[int]):
        def __init__(self) -> None:
            nonlocal seen
            seen += 1
            super().__init__()

    monkeypatch.setattr(ambiguity, "Counter", Counted)
    is_linear.__wrapped__(parse(text))
    assert seen <= ambiguity.MAX_WORK
