"""A place where the parser can't go on, with all that a rule about faults may ask. Such a rule gives an `Answer`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.diagnostics import Diagnostic
from policyjwt.language.automaton import Automaton
from policyjwt.language.grammar import END, language
from policyjwt.language.limits import LOOK_AHEAD
from policyjwt.source import Source, Span

if TYPE_CHECKING:
    from lark import Token

TOP = frozenset({"policy", "baseline", "let", "import"})
OPERATOR_WORDS = ("in", "contains", "starts", "ends", "like", "matches", "under", "within", "before", "after", "is")
TAIL = frozenset({"and", "or", "when", "unless", "as", "because", "until"})
_OPENS = {"(": ")", "[": "]", "{": "}"}
_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)+")


@dataclass(frozen=True, slots=True)
class Repair:
    """How to go on behind a fault: pretend that `feed` was read, and read on at the token `to`.

    With `test` the test at hand counts as read first; with `item` everything of the item at hand is dropped. `reads`
    says as which terminals tokens further on are read, "" being not at all.
    """

    to: int
    feed: tuple[str, ...] = ()
    test: bool = False
    item: bool = False
    reads: Mapping[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule about faults says. Without a repair the next item is looked for."""

    diagnostic: Diagnostic
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A block that is open: the tokens of the word that began it and of its brace."""

    word: int
    brace: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The token `at` can't come here. `item` is the token that began the item at hand, `blocks` are those open."""

    source: Source
    tokens: Sequence[Token]
    at: int
    automaton: Automaton
    accepted: frozenset[str]
    item: int
    blocks: tuple[Opened, ...]

    # ------------------------------------------------------------------------------------ tokens

    @property
    def token(self) -> Token:
        """What can't come here; past the last token, one that says so."""
        return self.look(0)

    @property
    def before(self) -> Token:
        """The token before it."""
        return self.look(-1)

    def look(self, steps: int) -> Token:
        """The token so many steps on (or back)."""
        index = self.at + steps
        return self.tokens[index] if 0 <= index < len(self.tokens) else self._end()

    def _end(self) -> Token:
        from lark import Token

        size = len(self.source.text)
        return Token(END, "", size, 0, 0, 0, 0, size)

    @property
    def is_word(self) -> bool:
        """Whether the token is a word: a name or what could be a keyword elsewhere."""
        return self.token.type == "NAME" or self.token in language().keywords

    def first(self, index: int) -> bool:
        """Whether that token begins its line, or the text is over."""
        return index >= len(self.tokens) or index == 0 or self.tokens[index].line != self.tokens[index - 1].line

    @property
    def at_end(self) -> bool:
        """Whether what stands before ends here: by a line end, a closing bracket, or the end of the text."""
        return self.first(self.at) or self.token in {"}", ")", "]"}

    # ------------------------------------------------------------------------------------ places and texts

    def span(self, first: int | None = None, last: int | None = None) -> Span:
        """The place from the token `first` to the token `last`; of the token at hand without them."""
        first = self.at if first is None else first
        last = first if last is None else last
        if first >= len(self.tokens):
            return self.source.span(len(self.source.text), len(self.source.text))
        start, end = self.tokens[first].start_pos, self.tokens[last].end_pos
        assert start is not None
        assert end is not None
        return self.source.span(start, end)

    def text(self, first: int, last: int) -> str:
        """The text from `first` to `last` in one line."""
        span = self.span(first, last)
        return _GAP.sub(" ", self.source.text[span.start : span.end])

    # ------------------------------------------------------------------------------------ structure

    def items(self) -> frozenset[str]:
        """The terminals that begin an item of the block at hand."""
        return self.automaton.items()

    def block(self) -> str:
        """The word that began the block at hand, "" outside all blocks."""
        return str(self.tokens[self.blocks[-1].word]) if self.blocks else ""

    def balance(self) -> int:
        """How many more braces are closed than opened from here to the end, or to the next policy in column 1."""
        closed = -len(self.blocks)
        for at in range(self.at, min(self.at + LOOK_AHEAD, len(self.tokens))):
            token = self.tokens[at]
            if at > self.at and token.column == 1 and self.first(at) and token in TOP:
                break
            closed += (token.value == "}") - (token.value == "{")
        return closed

    def outdented(self, index: int) -> bool:
        """Whether that token begins its line no further to the right than the block at hand does."""
        return bool(self.blocks) and outdented(self.tokens, index, self.blocks[-1])

    def kind_after(self, *terminals: str) -> str:
        """What the token at hand would be after `terminals`."""
        trial = Automaton(self.automaton.stack)
        trial.feed(terminals)
        return trial.kind(str(self.token)) if self.is_word else self.token.type

    def brace_instead(self) -> tuple[str, ...]:
        """The brace that the token at hand stands in the place of, if one is missing and may stand here."""
        balance = self.balance()
        if balance > 0 and "LBRACE" in self.accepted:
            return ("LBRACE",)
        if balance >= 0 or "RBRACE" not in self.accepted or not self.first(self.at + 1) or not self.blocks:
            return ()
        opened_here = self.tokens[self.blocks[-1].brace].line == self.token.line
        return ("RBRACE",) if opened_here or self.first(self.at) else ()

    def matching(self, index: int) -> int:
        """The token that closes the bracket at `index`, or the last before it is out of reach."""
        close, depth = _OPENS[str(self.tokens[index])], 0
        for at in range(index, min(index + LOOK_AHEAD, len(self.tokens))):
            depth += (self.tokens[at] == self.tokens[index]) - (self.tokens[at] == close)
            if not depth:
                return at
        return len(self.tokens)

    def test_end(self, index: int) -> int:
        """The first token from `index` on that is no part of the test there."""
        depth = 0
        while index < len(self.tokens):
            token = self.tokens[index]
            if token in {"{", "}"} or (depth == 0 and (token in TAIL or self.first(index))):
                return index
            depth += (token in {"(", "["}) - (token in {")", "]"})
            if depth < 0:
                return index
            index += 1
        return index

    def expression(self) -> tuple[int, int]:
        """The first token of the expression at hand, and the first behind it: a guard, a label, a reason, a line."""
        first, depth = self.at, 0
        while first > max(0, self.at - LOOK_AHEAD):
            token = self.tokens[first - 1]
            depth += (token in {")", "]"}) - (token in {"(", "["})
            if depth < 0 or token.type in {"REQUIRE", "FORBID", "OBSERVE", "WHEN", "UNLESS"}:
                break
            first -= 1
        last = self.at
        while (last := self.test_end(last)) < len(self.tokens) and self.tokens[last] in {"and", "or"}:
            last += 1
        return first, last

    def operand(self) -> int:
        """The first token of the value that ends right before the token at hand."""
        index, depth = self.at - 1, 0
        while index > self.item:
            token = self.tokens[index]
            depth += (token in {")", "]"}) - (token in {"(", "["})
            if not depth:
                break
            index -= 1
        return index - 1 if self.tokens[index] == "(" and self.tokens[index - 1].type == "NAME" else index


def outdented(tokens: Sequence[Token], index: int, block: Opened) -> bool:
    """Whether that token begins its line no further to the right than `block` does: people close blocks before that."""
    token, word = tokens[index], tokens[block.word]
    begins = index > 0 and token.line != tokens[index - 1].line
    alone = block.word == 0 or word.line != tokens[block.word - 1].line
    return begins and alone and (token.column or 0) <= (word.column or 0)


def indent(tokens: Sequence[Token], index: int) -> int:
    """The column in which the line of that token begins."""
    while index > 0 and tokens[index - 1].line == tokens[index].line:
        index -= 1
    return tokens[index].column or 0
