"""Where lines may begin. Input: the tokens of a file, whose words have become keywords and names. Output: diagnostics.

The parser does not see line ends. Without these rules a guard whose rule was deleted or commented out would attach
itself to the rule above, and that rule would ask for less than it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from policyjwt.diagnostics import Diagnostic
from policyjwt.language import limits
from policyjwt.language import syntax_messages as say
from policyjwt.language.tokens import Lexed
from policyjwt.source import Source

if TYPE_CHECKING:
    from lark import Token

CONTINUES = frozenset(
    {"AND", "OR", "WHEN", "UNLESS", "UNTIL", "AS", "IN", "IS", "SATISFIES", "WHERE", "SAME", "IF", "KID", "EQUALS"}
    | {"COMMA", "COMPARE", "CONTAINS", "STARTS", "ENDS", "LIKE", "MATCHES", "UNDER", "WITHIN", "BEFORE", "AFTER"}
)
"""Kinds of tokens that continue what stands before them, and so never begin a line outside `( )` and `[ ]`.

`because` may, directly below the line that it continues; a brace opens or closes a block and may stand anywhere.
"""

_OPENS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSES = frozenset({"RPAR", "RSQB", "RBRACE"})
_BRACES = frozenset({"LBRACE", "RBRACE"})


def faults(lexed: Lexed, source: Source) -> Iterator[Diagnostic]:
    """Every line that begins with what it must not begin with, every `because` and `allow` at the wrong place."""
    depth = 0
    tokens = lexed.tokens
    for at, token in enumerate(tokens):
        if at and not depth and tokens[at - 1].line != token.line:
            yield from _line_begin(lexed, at, source)
        if token.type == "ALLOW":
            yield from _allow(tokens, at, source)
        # After a fault a bracket may have stayed open; it never reaches beyond a brace.
        depth = 0 if token.type in _BRACES else max(0, depth + (token.type in _OPENS) - (token.type in _CLOSES))


def too_deep(tokens: Sequence[Token], source: Source) -> Iterator[Diagnostic]:
    """A diagnostic at the first token that is nested too deep: in brackets and braces, behind `not`s and `allow`s.

    Counted before anything walks the tree; the parser itself has no depth, but what walks a tree has.
    """
    levels: list[int] = []
    depth = nots = allows = 0
    for at, token in enumerate(tokens):
        allows = _allows(tokens, at, allows)
        if token.type in _OPENS:
            levels.append(nots + 1)
            depth += nots + 1
            nots = 0
        elif token.value == "not" and not (at + 1 < len(tokens) and tokens[at + 1].value == "in"):
            nots += 1
        else:
            nots = 0
            if token.type in _CLOSES and levels:
                depth -= levels.pop()
        if depth + nots > limits.NESTING or allows > limits.NESTING:
            yield say.too_deep(source.span(*_extent(token)), limits.NESTING)
            return


def _allows(tokens: Sequence[Token], at: int, before: int) -> int:
    """How many `allow`s in a row there are up to the token `at`; each is nested in the one before."""
    if tokens[at].value != "allow" or at + 2 >= len(tokens) or tokens[at + 2].value != "because":
        return before
    return before + 1 if at >= 4 and tokens[at - 4].value == "allow" else 1


def _line_begin(lexed: Lexed, at: int, source: Source) -> Iterator[Diagnostic]:
    token, before = lexed.tokens[at], lexed.tokens[at - 1]
    if token.type == "BECAUSE":
        assert token.line is not None
        assert before.end_line is not None
        if at in lexed.after_comment or token.line != before.end_line + 1:
            yield say.because_apart(source.span(*_extent(token)), comment=at in lexed.after_comment)
    elif token.type in CONTINUES or (token.type == "LPAR" and before.type == "NAME"):
        yield say.line_begins_with(source.span(*_extent(token)), str(token))
    elif token.type == "NOT" and _kind(lexed, at + 1) == "IN":
        yield say.line_begins_with(source.span(*_extent(token)), "not in")
    elif token.type == "NAME" and _kind(lexed, at + 1) in {"STRING", "LBRACE"}:
        # `select` and then a line `use "x"`: that line reads as an item, and would be none.
        yield say.name_begins_line(source.span(*_extent(token)), str(token), str(before))


def _kind(lexed: Lexed, at: int) -> str:
    return lexed.tokens[at].type if at < len(lexed.tokens) else ""


def _allow(tokens: Sequence[Token], at: int, source: Source) -> Iterator[Diagnostic]:
    """`allow CODE because REASON` stands on the line directly above what it excuses."""
    if at + 4 >= len(tokens):
        return
    reason, excused = tokens[at + 3], tokens[at + 4]
    assert reason.end_line is not None
    if excused.line != reason.end_line + 1:
        yield say.allow_apart(source.span(*_extent(tokens[at])), str(excused))


def _extent(token: Token) -> tuple[int, int]:
    assert token.start_pos is not None
    assert token.end_pos is not None
    return token.start_pos, token.end_pos
