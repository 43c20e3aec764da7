"""No input makes a traceback, and none is read in another way than the grammar says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark, Token
from lark.exceptions import UnexpectedInput

from policyjwt.language.grammar import language, text_of_grammar
from policyjwt.language.parse import parse
from policyjwt.language.tokens import lex
from policyjwt.source import Source
from tests.language.test_parse import shape
from tests.language.texts import EVERYTHING

NOT_OF_THE_GRAMMAR = {"PJ105", "PJ106", "PJ111", "PJ115", "PJ116", "PJ117", "PJ119"}
"""What the grammar can't say and is checked beside it: ends, depth, version, lines."""


class WholeWords:
    """As in test_parse."""

    always_accept = ("NAME",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _contextual() -> Lark:
    postlex: Any = WholeWords()
    return Lark(text_of_grammar(), parser="lalr", postlex=postlex, propagate_positions=True, maybe_placeholders=False)


CONTEXTUAL = _contextual()


def held_against_lark(text: str) -> None:
    """Our reading of `text` and Lark's own are the same, but for what the grammar does not say."""
    tree, diagnostics = parse(Source("p.policy", text))
    assert (tree is None) is bool(diagnostics)
    assert not any(diagnostic.message.startswith("expected a policy,") for diagnostic in diagnostics)
    for diagnostic in diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert "\n" not in diagnostic.message + (diagnostic.help or "")
    try:
        theirs = CONTEXTUAL.parse(text)
    except UnexpectedInput:
        assert tree is None
        return
    if tree is not None:
        assert shape(tree) == shape(theirs)
    else:
        assert {diagnostic.code for diagnostic in diagnostics} <= NOT_OF_THE_GRAMMAR


# What a word looks like: with a space behind it, so that two words never become one.
_TERMINALS: dict[str, st.SearchStrategy[str]] = {
    "NAME": st.sampled_from(["sub ", "realm_access.roles ", "`https://x.example/y` ", "at+jwt ", "when ", "type "]),
    "STRING": st.sampled_from(['"x" ', '"" ', '"a\\"b" ', '"\\u00e9" ']),
    "REGEX": st.sampled_from(["/a/ ", "/[/]\\// "]),
    "NUMBER": st.sampled_from(["1 ", "-0.5 ", "0 "]),
    "DURATION": st.sampled_from(["5m ", "0s "]),
    "DATE": st.just("2027-01-31 "),
    "COMPARE": st.sampled_from(["== ", "< "]),
    "SPACE": st.just(" "),
    "COMMENT": st.just("# note\n"),
}


def _explicit() -> dict[str, st.SearchStrategy[str]]:
    words = {name: st.just(f"{text} ") for name, text in language().written.items()}
    return {**words, **_TERMINALS}


@given(from_lark(CONTEXTUAL, explicit=_explicit()))
def test_texts_of_the_grammar_parse(text: str) -> None:
    held_against_lark(text + "\n")


_WORDS = [
    *language().keywords,
    "sub",
    "a.b",
    "`x y`",
    '"x"',
    "/x/",
    "1",
    "5m",
    "2027-01-31",
    *"{}()[],=;:!&'",
    "==",
    "#",
    "\n",
    "\n",
]


@given(st.lists(st.sampled_from(_WORDS), max_size=60).map(" ".join))
def test_words_in_any_order(text: str) -> None:
    held_against_lark(f"policyjwt 1\n{text}\n")
    held_against_lark(f'policyjwt 1\npolicy "p" {{\n{text}\n}}\n')


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    parse(Source("p.policy", text))
    parse(Source("p.policy", f'policyjwt 1\npolicy "p" {{ require {text}\n}}\n'))


@given(st.binary(max_size=80))
def test_any_bytes(content: bytes) -> None:
    parse(Source("p.policy", content.decode("utf-8", "surrogateescape")))


@pytest.mark.parametrize("seed", range(150))
def test_small_changes(seed: int) -> None:
    chance = random.Random(seed)
    tokens = [str(token) for token in lex(Source("p", EVERYTHING)).tokens]
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(2, len(tokens))
        change = chance.randrange(4)
        if change == 0:
            del tokens[at]
        elif change == 1:
            tokens.insert(at, chance.choice(tokens))
        elif change == 2:
            tokens[at] = chance.choice(tokens)
        else:
            other = chance.randrange(2, len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
    held_against_lark(" ".join(tokens) + "\n")
