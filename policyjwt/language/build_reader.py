"""What all builders share while one file is read: its text, its names, and the faults found so far.

Input: a source and its environment. Output: spans, places, diagnostics. A fault never stops the reading: what
could not be read is left out, reported, and marks its block as broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.language import messages, values
from policyjwt.language.model import Allow, Dated, Let, Limit, Named, Names, TextItem
from policyjwt.source import Place, Source, Span

if TYPE_CHECKING:
    from lark import Token, Tree

    Node: TypeAlias = "Tree[Token] | Token"

T = TypeVar("T")

# What the text of a place is made of: strings, backquoted names and patterns stay as they are.
_LEXEME = re.compile(
    r'"(?:\\.|[^"\\\r\n])*"|`[^`\r\n]*`|/(?:\\.|\[(?:\\.|[^\]\\\r\n])*\]|[^/\\\[\r\n])+/'
    r"|(?P<gap>(?:[ \t\r\n]+|#[^\n]*)+)|[A-Za-z0-9_]+|.",
    re.DOTALL,
)


def folded(text: str) -> str:
    """`text` with every run of white space and comments folded to one space."""
    return _LEXEME.sub(lambda found: " " if found["gap"] else found[0], text).strip()


@dataclass(slots=True)
class Reader:
    """The state of reading one file."""

    source: Source
    lets: dict[str, Let] = field(default_factory=dict)
    broken_lets: set[str] = field(default_factory=set)
    incomplete: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)
    faults: int = 0
    allows: list[Allow] = field(default_factory=list)
    allows_outside: list[Allow] = field(default_factory=list)
    claims: dict[str, Span] = field(default_factory=dict)
    claims_of_file: dict[str, Span] = field(default_factory=dict)
    variables: dict[str, Span] = field(default_factory=dict)
    depth: int = 0
    section_start: int = 0

    def take_allows(self) -> tuple[Allow, ...]:
        """The `allow`s since the last time."""
        taken = tuple(self.allows)
        self.allows.clear()
        return taken

    def end_block(self) -> None:
        """Forget the claims of this block, but that the file uses them."""
        for name, span in self.claims.items():
            self.claims_of_file.setdefault(name, span)
        self.claims.clear()

    # ------------------------------------------------------------------------------------ faults

    def report(self, *diagnostics: Diagnostic) -> None:
        """Keep what is wrong. An error makes that which is being read count as broken."""
        for diagnostic in diagnostics:
            self.diagnostics.append(diagnostic)
            self.faults += diagnostic.level is Level.ERROR

    def give_up(self) -> None:
        """Count what is being read as broken without a word: the reason was reported elsewhere."""
        self.faults += 1

    # ------------------------------------------------------------------------------------ places

    def span(self, node: Node) -> Span:
        """Where `node` stands."""
        return self.source.span(*extent(node))

    def between(self, first: Node, last: Node) -> Span:
        """From the begin of `first` to the end of `last`."""
        return self.source.span(extent(first)[0], extent(last)[1])

    def place(self, node: Node, *, start: int | None = None) -> Place:
        """The place of an item. A reason that ends it is no part of the text: findings show it by itself."""
        begin, end = extent(node)
        begin = begin if start is None else start
        return Place(self.source.span(begin, end), folded(self.source.text[begin : _end_without_reason(node, end)]))

    def head(self, node: Tree[Token]) -> Place:
        """The place of a policy or baseline: its line up to the brace."""
        begin = extent(node)[0]
        extends = part(node, "extends")
        end = extent(only_token(node) if extends is None else extends)[1]
        return Place(self.source.span(begin, end), folded(self.source.text[begin:end]))

    def keyword_before(self, node: Node, keywords: frozenset[str], *, since: int) -> tuple[int, int]:
        """Where the last of `keywords` between `since` and `node` stands; else the begin of `node`."""
        begin = extent(node)[0]
        found = (begin, begin)
        for lexeme in _LEXEME.finditer(self.source.text, since, begin):
            if lexeme[0] in keywords:
                found = lexeme.span()
        return found

    # ------------------------------------------------------------------------------------ tokens

    def attempt(self, token: Token, convert: Callable[[str], T]) -> T | None:
        """What `convert` makes of the token, None (and a diagnostic) where it makes nothing."""
        try:
            return convert(str(token))
        except values.ValueFault as fault:
            start, end = extent(token)
            span = self.source.span(start + fault.start, end if fault.end is None else start + fault.end)
            self.report(messages.bad_literal(span, fault.message, fault.help))
            return None

    def string(self, token: Token) -> str | None:
        """The text of a string."""
        read = self.attempt(token, values.string)
        return None if read is None else read[0]

    def text(self, token: Token, what: str) -> Named | None:
        """The text of a string that must not be empty."""
        value = self.string(token)
        if value is None:
            return None
        if not value.strip():
            self.report(messages.empty_text(self.span(token), what))
            return None
        return Named(self.span(token), value)

    def texts(self, tokens: list[Token], what: str) -> tuple[Named, ...]:
        """Strings that must not be empty, each once."""
        return self.each_once([self.text(token, what) for token in tokens], what)

    def each_once(self, named: list[Named | None], what: str) -> tuple[Named, ...]:
        """The names that could be read; one that stands twice is reported."""
        kept: dict[str, Named] = {}
        for name in named:
            if name is None:
                continue
            if name.value in kept:
                self.report(messages.listed_twice(name.span, name.value, what, kept[name.value].span))
            else:
                kept[name.value] = name
        return tuple(kept.values())

    def seconds(self, node: Tree[Token]) -> int | None:
        """The seconds of the duration in `node`."""
        return self.attempt(only_token(node), values.duration)

    def date(self, token: Token) -> Dated | None:
        """A date."""
        epoch = self.attempt(token, values.day)
        return None if epoch is None else Dated(self.span(token), str(token), epoch)

    # ------------------------------------------------------------------------------------ simple items

    def limit(self, node: Tree[Token]) -> Limit | None:
        """`… at most D`, `… within D`."""
        seconds = self.seconds(node)
        return None if seconds is None else Limit(self.place(node), seconds)

    def text_item(self, node: Tree[Token]) -> TextItem | None:
        """An item of one string."""
        named = self.text(only_token(node), str(node.data).replace("_", " "))
        return None if named is None else TextItem(self.place(node), named.value)

    def text_list(self, node: Tree[Token]) -> Names | None:
        """An item of one string or more."""
        return Names(self.place(node), self.texts(tokens_of(node), str(node.data)))


def _end_without_reason(node: Node, end: int) -> int:
    if isinstance(node, str) or len(node.children) == 0:
        return end
    last = node.children[-1]
    if isinstance(last, str) or last.data != "because":
        return end
    return extent(last)[0]


def extent(node: Node) -> tuple[int, int]:
    """Begin and end of a node in its text; both 0 for the tree of an empty text."""
    if isinstance(node, str):
        return node.start_pos or 0, node.end_pos or 0
    return getattr(node.meta, "start_pos", 0), getattr(node.meta, "end_pos", 0)


def tokens_of(node: Tree[Token]) -> list[Token]:
    """The tokens directly in `node`."""
    return [child for child in node.children if isinstance(child, str)]


def trees_of(node: Tree[Token]) -> list[Tree[Token]]:
    """The trees directly in `node`."""
    return [child for child in node.children if not isinstance(child, str)]


def only_token(node: Tree[Token]) -> Token:
    """The first token directly in `node`."""
    return tokens_of(node)[0]


def part(node: Tree[Token], data: str) -> Tree[Token] | None:
    """The first tree of that name directly in `node`."""
    return next((tree for tree in trees_of(node) if tree.data == data), None)
