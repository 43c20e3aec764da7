"""From text to tokens. Input: a source. Output: every token with its place, also those that are none of the language.

A word becomes a keyword or a name only in the parser, which knows where it stands. What is no token of the language has
a kind of its own (`BAD_…`) that the grammar never asks for, so that it is reported where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from policyjwt.language.grammar import language
from policyjwt.language.scan import FORBIDDEN

if TYPE_CHECKING:
    from lark import Token

    from policyjwt.source import Source

BAD = "BAD_"

_QUOTES = "“”„‟″«»‘’‚"
_BAD_OPERATOR_FIRST = r"(?P<BAD_OPERATOR>===|!==|<>|=~|!~|=>|=<|:=|&&|\|\|)"
_BAD_LAST = (
    r'(?P<BAD_STRING>"[^\r\n]*)',
    rf"(?P<BAD_QUOTES>'(?:\\.|[^'\r\n])*'?|[{_QUOTES}][^{_QUOTES}\r\n]*[{_QUOTES}]?)",
    r"(?P<BAD_NUMBER>[+-]?\.?[0-9][\w.+:-]*)",
    r"(?P<BAD_NAME>(?:[^\W\d]|`[^`\r\n]*`)(?:[.+-]?(?:\w|`[^`\r\n]*`))*)",
    r"(?P<BAD_BACKQUOTE>`[^\r\n]*)",
    r"(?P<BAD_COMMENT>(?://|--|/\*)[^\r\n]*)",
    r"(?P<BAD_PATTERN>/[^\r\n]*)",
    r"(?P<BAD_SIGN>[!&|])",
    r"(?P<BAD_CHARACTER>.)",
)


@dataclass(frozen=True, slots=True)
class Lexed:
    """The tokens of a text. `after_comment` are the indices of those with a comment between them and the one before."""

    tokens: list[Token]
    after_comment: frozenset[int]

    @property
    def sound(self) -> bool:
        """Whether each is a token of the language."""
        return not any(token.type.startswith(BAD) for token in self.tokens)


def lex(source: Source) -> Lexed:
    """The tokens of `source`. All words are of type NAME; the parser makes keywords of them."""
    from lark import Token

    signs = language().signs
    tokens: list[Token] = []
    after_comment: set[int] = set()
    line, line_start = 1, 0
    for match in _lexeme().finditer(source.text):
        kind, start, end = match.lastgroup, match.start(), match.end()
        assert kind is not None
        if kind == "SPACE":
            breaks = source.text.count("\n", start, end)
            if breaks:
                line += breaks
                line_start = source.text.rindex("\n", start, end) + 1
            continue
        if kind == "COMMENT":
            after_comment.add(len(tokens))
            continue
        text = match.group()
        if kind == "SIGN":
            kind = signs[text]
        column = start - line_start + 1
        tokens.append(Token(kind, text, start, line, column, line, column + end - start, end))
    return Lexed(tokens, frozenset(after_comment))


@cache
def _lexeme() -> re.Pattern[str]:
    """One pattern for every lexeme, made of the grammar's own: blanks and words first, since they are most."""
    own: Mapping[str, str] = language().patterns
    signs = "".join(re.escape(sign) for sign in language().signs)
    alternatives = (
        # Forbidden characters are reported by `scan`; here they part tokens like blanks.
        rf"(?P<SPACE>(?:{own['SPACE']}|{FORBIDDEN.pattern})+)",
        f"(?P<COMMENT>{own['COMMENT']})",
        rf"(?P<NAME>{own['NAME']})(?!\w)",
        f"(?P<STRING>{own['STRING']})",
        _BAD_OPERATOR_FIRST,
        f"(?P<COMPARE>{own['COMPARE']})",
        *(f"(?P<{kind}>{own[kind]})" for kind in ("DATE", "DURATION", "NUMBER")),
        f"(?P<SIGN>[{signs}])",
        f"(?P<REGEX>{own['REGEX']})",
        *_BAD_LAST,
    )
    return re.compile("|".join(_without_groups(alternative) for alternative in alternatives))


def _without_groups(pattern: str) -> str:
    """`pattern` with groups that capture nothing, so that `lastgroup` is always the kind."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)
