r"""The documented subset of regular expressions. Input: the text of a pattern. Output: its tree, or PatternError.

Literals, `.`, `\d \w \s \D \W \S`, classes with ranges and `^`, groups `( )` and `(?: )` (both group and capture
nothing), `|`, and `* + ? {n} {n,} {n,m}`. A pattern always fits the whole value. Everything else is refused with its
reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from policyjwt.patterns import messages as say
from policyjwt.patterns.characters import CLASSES, DOT, Ranges, complement, of_text, union
from policyjwt.patterns.messages import PatternError

__all__ = ["Chars", "Choice", "Node", "Pattern", "PatternError", "Repeat", "Sequence", "parse"]

MAX_CHARACTERS: Final = 4096
"""Length of a pattern's text."""
MAX_REPEAT: Final = 1000
"""What the numbers of repeats inside each other multiply to."""
MAX_DEPTH: Final = 50
"""Groups inside each other."""
MAX_POSITIONS: Final = 10_000
"""Characters of a pattern with its numbered repeats written out."""

_PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@dataclass(frozen=True, slots=True)
class Chars:
    """Any one character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other; without parts, the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of two or more."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`body`, `low` to `high` times; `high` is None for any number."""

    body: Node
    low: int
    high: int | None


Node: TypeAlias = Chars | Sequence | Choice | Repeat


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as read. It fits whole values only."""

    text: str
    node: Node


def parse(text: str) -> Pattern:
    """Read a pattern. Raises PatternError, whose `at` is the index of the character at fault."""
    if len(text) > MAX_CHARACTERS:
        raise say.too_long(MAX_CHARACTERS)
    reader = _Reader(text)
    node = reader.choice(depth=0)
    if reader.at < len(text):
        raise say.unopened_group(reader.at)
    _check_size(node)
    return Pattern(text, node)


def has_open_choice(text: str) -> bool:
    """Whether a pattern has a `|` outside any group. Raises PatternError."""
    reader = _Reader(text)
    reader.sequence(0)
    return reader.peek() == "|"


class _Reader:
    """Reads one text from left to right, one method for each rule."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def take(self, sign: str) -> bool:
        found = self.text.startswith(sign, self.at)
        if found:
            self.at += len(sign)
        return found

    def choice(self, depth: int) -> Node:
        options = [self.sequence(depth)]
        while self.take("|"):
            options.append(self.sequence(depth))
        return Choice(tuple(options)) if len(options) > 1 else options[0]

    def sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(depth))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self, depth: int) -> Node:
        start = self.at
        body = self.atom(depth)
        counts = self.counts()
        if counts is None:
            return body
        low, high = counts
        if self.peek() == "?":
            raise say.lazy(self.at)
        if self.peek() == "+":
            raise say.possessive(self.at)
        if self.peek() in ("*", "{"):
            raise say.repeat_of_repeat(self.at)
        if max(low, high or 0) > MAX_REPEAT:
            raise say.repeats_too_much(start, MAX_REPEAT)
        return Repeat(body, low, high)

    def counts(self) -> tuple[int, int | None] | None:
        """How often the atom before is repeated; None if it isn't."""
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return counts
        if self.peek() != "{":
            return None
        return self.braces()

    def braces(self) -> tuple[int, int | None]:
        start = self.at
        end = self.text.find("}", start)
        low, comma, high = self.text[start + 1 : end].partition(",")
        if end < 0 or not _is_number(low) or (high and not _is_number(high)):
            raise say.bad_braces(start)
        self.at = end + 1
        if not comma:
            return int(low), int(low)
        if high and int(high) < int(low):
            raise say.reversed_braces(start)
        return int(low), int(high) if high else None

    def atom(self, depth: int) -> Node:
        start, sign = self.at, self.peek()
        if sign == "(":
            return self.group(depth)
        if sign == "[":
            return Chars(self.set_of_characters())
        self.at += 1
        if sign == ".":
            return Chars(DOT)
        if sign == "\\":
            return Chars(self.escape(start))
        if sign in "^$":
            raise say.anchor(start, sign)
        if sign in "*+?":
            raise say.nothing_to_repeat(start, sign)
        if sign in "{}]":
            raise say.stray(start, sign)
        return Chars(_literal(sign, start))

    def group(self, depth: int) -> Node:
        start = self.at
        if depth >= MAX_DEPTH:
            raise say.too_deep(start, MAX_DEPTH)
        self.at += 1
        if self.peek() == "?" and not self.take("?:"):
            self.refuse_extension(start)
        node = self.choice(depth + 1)
        if not self.take(")"):
            raise say.unclosed_group(start)
        return node

    def refuse_extension(self, start: int) -> NoReturn:
        """`(?` begins what is no part of the subset; say what it was meant to be."""
        rest = self.text[start + 2 : start + 4]
        if rest[:1] in ("=", "!") or rest in ("<=", "<!"):
            raise say.look_around(start)
        if rest[:1] == ">":
            raise say.atomic(start)
        if rest[:1] in ("<", "'") or rest == "P<":
            raise say.named_group(start)
        if rest == "P=":
            raise say.back_reference(start)
        raise say.flags(start)

    def escape(self, start: int) -> Ranges:
        """What a backslash and the character after it stand for; the backslash is read."""
        sign = self.peek()
        if not sign:
            raise say.unfinished_escape(start)
        self.at += 1
        if sign in CLASSES:
            return CLASSES[sign]
        if sign in _PUNCTUATION:
            return of_text(sign)
        if sign in "bBAZzG":
            raise say.anchor(start, "\\" + sign)
        if sign in "123456789k":
            raise say.back_reference(start)
        raise say.unknown_escape(start, sign)

    def set_of_characters(self) -> Ranges:
        start = self.at
        self.at += 1
        negated = self.take("^")
        if self.peek() == "]":
            raise say.empty_class(start)
        ranges: list[tuple[int, int]] = []
        while not self.take("]"):
            if not self.peek():
                raise say.unclosed_class(start)
            ranges.extend(self.members(first=not ranges))
        found = union(ranges)
        if not negated:
            return found
        rest = complement(found)
        if not rest:
            raise say.empty_class(start)
        return rest

    def members(self, *, first: bool) -> Ranges:
        """One character, one range or one class inside `[ ]`."""
        start = self.at
        low = self.member(start, first=first)
        if self.peek() != "-" or self.peek(1) in ("]", ""):
            return low
        self.at += 1
        high = self.member(self.at, first=True)
        if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
            raise say.class_in_range(start)
        if low[0][0] > high[0][0]:
            raise say.reversed_range(start, self.text[start : self.at])
        return ((low[0][0], high[0][0]),)

    def member(self, start: int, *, first: bool) -> Ranges:
        sign = self.peek()
        self.at += 1
        if sign == "\\":
            return self.escape(start)
        if sign == "[" or (sign in "&|~-" and self.peek() == sign):
            raise say.class_in_class(start, sign)
        if sign == "-" and not first and self.peek() != "]":
            raise say.hyphen(start)
        return _literal(sign, start)


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) < 10


def _literal(sign: str, at: int) -> Ranges:
    found = of_text(sign)
    if not found:
        raise say.half_character(at)
    return found


def _check_size(node: Node) -> None:
    """Keep repeats inside each other, and the pattern written out, within their limits."""
    if _repeats(node) > MAX_REPEAT:
        raise say.repeats_too_much(0, MAX_REPEAT)
    if _positions(node) > MAX_POSITIONS:
        raise say.too_large(MAX_POSITIONS)


def _repeats(node: Node) -> int:
    match node:
        case Chars():
            return 1
        case Sequence(parts) | Choice(parts):
            return max(map(_repeats, parts), default=1)
        case Repeat(body, low, high):
            return max(low, high or 0, 1) * _repeats(body)


def _positions(node: Node) -> int:
    match node:
        case Chars():
            return 1
        case Sequence(parts) | Choice(parts):
            return sum(map(_positions, parts))
        case Repeat(body, low, high):
            return max(low, high or 0, 1) * _positions(body)
