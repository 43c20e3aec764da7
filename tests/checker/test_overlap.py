"""Policies beside each other: which ones a token can fit at once, and which count second uses differently."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.checker.issuers import Issuers, globs_meet
from policyjwt.checker.overlap import check_overlap
from policyjwt.language.load import load_text
from policyjwt.patterns.glob import compile_glob
from tests.checker.findings import checked, codes, messages
from tests.checker.policy_text import policy


def both(first: dict[str, str], second: dict[str, str], *rules: str) -> str:
    """Policies `p` and `q`; `rules` are of `q`."""
    return policy(**first) + policy(*rules, name="q", **second).removeprefix("policyjwt 1\n")


TEMPLATE = 'issuer "https://l.example/{t}/v2" where t in ["a", "b"]'
FROM = 'issuer from sub like "spiffe://prod.example/**"'

# `q` begins on line 14.
MEETING: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "the same": ({}, {}),
    "an audience in common": ({"audience": 'audience "a", "b"'}, {"audience": 'audience "b", "c"'}),
    "a waived audience": ({}, {"audience": 'waive audience because "x"'}),
    "a waived type": ({"type": 'waive type because "x"'}, {"type": 'type "JWT"'}),
    "types by other names": ({"type": 'type "AT+JWT"'}, {"type": 'type "application/at+jwt"'}),
    "a type from a claim": ({"type": 'type from token_use "id"'}, {}),
    "types from two claims": ({"type": 'type from use "id"'}, {"type": 'type from kind "access"'}),
    "an audience from a claim": ({"audience": 'audience from client_id "c"'}, {}),
    "a template and its fit": ({"issuer": TEMPLATE}, {"issuer": 'issuer "https://l.example/b/v2"'}),
    "a fit and its template": ({"issuer": 'issuer "https://l.example/b/v2"'}, {"issuer": TEMPLATE}),
    "two templates": ({"issuer": TEMPLATE}, {"issuer": TEMPLATE.replace('"a", "b"', '"b", "c"')}),
    "one name in common": (
        {"issuer": 'issuer "https://a.example", "https://b.example" same party because "x"'},
        {"issuer": 'issuer "https://b.example"'},
    ),
    "patterns that meet": ({"issuer": FROM}, {"issuer": 'issuer from sub like "spiffe://*.example/web/*"'}),
    "patterns of two claims": ({"issuer": FROM}, {"issuer": 'issuer from client_id like "x*"'}),
}
APART: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "another use": ({}, {"use": 'use "web"'}),
    "another issuer": ({}, {"issuer": 'issuer "https://other.example"'}),
    "another audience": ({}, {"audience": 'audience "web"'}),
    "another type": ({}, {"type": 'type "JWT"'}),
    "other values of one claim": ({"type": 'type from use "id"'}, {"type": 'type from use "access"'}),
    "a template that does not fit": ({"issuer": TEMPLATE}, {"issuer": 'issuer "https://l.example/c/v2"'}),
    "a template of another length": ({"issuer": TEMPLATE}, {"issuer": 'issuer "https://l.example/a"'}),
    "two templates apart": ({"issuer": TEMPLATE}, {"issuer": TEMPLATE.replace('"a", "b"', '"c"')}),
    "with and without iss": ({"issuer": FROM}, {}),
    "patterns apart": ({"issuer": FROM}, {"issuer": 'issuer from sub like "spiffe://test.example/**"'}),
}


def clashes(text: str) -> list[str]:
    return [line for line in codes(text) if line.endswith(("PJ340", "PJ341"))]


@pytest.mark.parametrize("name", MEETING)
def test_policies_that_one_token_can_fit(name: str) -> None:
    assert clashes(both(*MEETING[name])) == ["14 PJ340"]


@pytest.mark.parametrize("name", APART)
def test_policies_that_no_token_can_fit_together(name: str) -> None:
    assert clashes(both(*APART[name])) == []


def test_a_selection_tells_apart_if_both_have_it() -> None:
    one, other = 'select tenant "a", "b"', 'select tenant "c"'
    assert clashes(both({"use": f'use "api"\n{one}'}, {}, other)) == []
    assert clashes(both({"use": f'use "api"\n{one}'}, {}, 'select tenant "b"')) == ["15 PJ340"]
    assert clashes(both({"use": f'use "api"\n{one}'}, {})) == ["15 PJ340"]
    assert clashes(both({"use": f'use "api"\n{one}'}, {}, 'select role "c"')) == ["15 PJ340"]


def test_by_name_only_is_no_candidate() -> None:
    assert clashes(both({}, {}, "by name only")) == []


def test_the_message_says_how() -> None:
    assert messages(both({}, {"audience": 'waive audience because "x"'}))[0] == (
        "PJ340 'policy \"q\"' a token can fit this policy and `p`: same use and issuer, audience waived, type `at+jwt`"
    )


def test_neither_of_two_that_overlap_may_judge() -> None:
    assert not checked(both({}, {})).policies
    assert [each.name for each in checked(both({}, {"audience": 'audience "web"'})).policies] == ["p", "q"]


# ------------------------------------------------------------------------------------ second uses


@pytest.mark.parametrize(
    ("mine", "theirs", "wanted"),
    [
        ("nonce jti", "nonce jti", []),
        ("nonce jti", "nonce nonce", ["22 PJ341"]),
        ("nonce jti", "nonce jti unique within issuer", []),
        ("nonce jti", "nonce jti unique within subject", ["22 PJ341"]),
        ("nonce jti unique within policy", "nonce jti", ["22 PJ341"]),
        ("nonce jti", 'reusable because "reads only"', []),
    ],
)
def test_nonces_of_one_issuer_are_counted_alike(mine: str, theirs: str, wanted: list[str]) -> None:
    other = {"replay": f"replay {{ {theirs} }}", "audience": 'audience "web"'}
    assert clashes(both({"replay": f"replay {{ {mine} }}"}, other)) == wanted
    assert clashes(both({"replay": f"replay {{ {mine} }}"}, {**other, "use": 'use "web"'})) == []
    elsewhere = 'issuer "https://other.example"'
    assert clashes(both({"replay": f"replay {{ {mine} }}"}, {**other, "issuer": elsewhere})) == []


def test_by_name_only_counts_second_uses_too() -> None:
    assert clashes(both({}, {"replay": "replay { nonce nonce }"}, "by name only")) == ["22 PJ341"]


# ------------------------------------------------------------------------------------ many policies


def test_policies_of_many_issuers_are_not_compared_each_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "policyjwt 1\n" + "".join(
        policy(name=f"p{n}", issuer=f'issuer "https://i{n % 200}.example"', audience=f'audience "a{n}"').removeprefix(
            "policyjwt 1\n"
        )
        for n in range(400)
    )
    loaded = load_text(text)
    blocks = [block for document in loaded.documents for block in document.blocks]
    seen = 0
    meeting = Issuers.meeting

    def counting(self: Issuers, block: object) -> list[int]:
        nonlocal seen
        found = list(meeting(self, block))  # type: ignore[arg-type]  # as the index is called
        seen += len(found)
        return found

    monkeypatch.setattr(Issuers, "meeting", counting)
    assert not list(check_overlap(blocks))
    assert seen == 200


# ------------------------------------------------------------------------------------ globs

ALPHABET = "ab/"
GLOBS = st.lists(st.sampled_from(["a", "b", "/", "*", "**"]), max_size=3).map("".join).filter(lambda g: "***" not in g)
VALUES = ["".join(letters) for length in range(7) for letters in product(ALPHABET, repeat=length)]


@given(GLOBS, GLOBS)
def test_globs_meet_where_a_value_fits_both(one: str, other: str) -> None:
    fits_one, fits_other = compile_glob(one), compile_glob(other)
    # A step of the walk over both uses up a step of at least one: the shortest value has at most six characters.
    assert globs_meet(one, other) is any(fits_one(value) and fits_other(value) for value in VALUES)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("a/*", "a/**", True),
        ("a/*/c", "a/**/d", False),
        ("a/*", "a/b/c", False),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("\\*x", "\\*x", True),
        ("", "**", True),
        ("", "a", False),
        ("*" + "a" * 2000, "b" * 2000, True),  # too much to walk: taken to meet
    ],
)
def test_globs(one: str, other: str, meet: bool) -> None:  # noqa: FBT001 - a table's column
    assert globs_meet(one, other) is meet
    assert globs_meet(other, one) is meet
