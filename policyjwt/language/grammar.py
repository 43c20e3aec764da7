"""The grammar, built once. Input: policy.lark. Output: the parser, and what the lexer and the messages ask about it.

The parser is given tokens that were made before (`tokens.py`): a word is a keyword where the grammar asks for that
keyword, else a name. That is what Lark's contextual lexer does with whole words; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.lexer import LexerState
    from lark.parsers.lalr_parser_state import ParserState

NAME = "NAME"
END = "$END"
_FILE = "policy.lark"


@dataclass(frozen=True, slots=True)
class Language:
    """The parser with its tables.

    `keywords` gives the terminal of each keyword by its text, `signs` those of brackets, comma and `=`, `written` the
    text of all these by their terminals. `patterns` are the regular expressions of the other terminals. `states` is the
    LALR table: by state and symbol an action, and the state to shift to or the rule to reduce by.
    """

    lark: Lark
    keywords: Mapping[str, str]
    signs: Mapping[str, str]
    patterns: Mapping[str, str]
    states: Mapping[int, Mapping[str, tuple[Any, Any]]]
    start: int
    written: Mapping[str, str]


def text_of_grammar() -> str:
    """The text of policy.lark: in the installed package, else beside it in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_grammar" / _FILE
    file = installed if installed.is_file() else package.parent / "grammar" / _FILE
    return file.read_text(encoding="utf-8")


@cache
def language() -> Language:
    """The language, built when it is first asked for."""
    from lark import Lark
    from lark.lexer import Lexer, PatternStr

    class GivenTokens(Lexer):
        """Hands the parser the tokens that it is given, and decides for each word whether it is a keyword here."""

        __future_interface__ = 2

        def __init__(self, conf: object) -> None:
            """Nothing to build: the tokens come ready."""

        def lex(self, lexer_state: LexerState, parser_state: ParserState[int]) -> Iterator[Token]:
            states = parser_state.parse_conf.states
            for token in cast("Sequence[Token]", lexer_state.text):
                keyword = keywords.get(token.value)
                if keyword is not None:
                    token.type = keyword if keyword in states[parser_state.position] else NAME
                yield token

    lark = Lark(
        text_of_grammar(),
        parser="lalr",
        lexer=GivenTokens,
        propagate_positions=True,
        maybe_placeholders=False,
    )
    fixed = {t.pattern.value: t.name for t in lark.terminals if isinstance(t.pattern, PatternStr)}
    keywords = {text: name for text, name in fixed.items() if text[0].isalpha()}
    conf = lark.parse_interactive().parser_state.parse_conf
    return Language(
        lark=lark,
        keywords=keywords,
        signs={text: name for text, name in fixed.items() if text not in keywords},
        patterns={t.name: t.pattern.to_regexp() for t in lark.terminals if not isinstance(t.pattern, PatternStr)},
        states=conf.states,
        start=conf.start_state,
        written={name: text for text, name in fixed.items()},
    )
