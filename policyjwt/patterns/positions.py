"""The position automaton of a pattern (Glushkov, 1961). Input: a tree. Output: its moves.

They go over classes of characters that the pattern can't tell apart. A move that the tree allows in two ways is there
twice.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from policyjwt.patterns.characters import Ranges
from policyjwt.patterns.syntax import Chars, Choice, Node, Repeat, Sequence

MAX_POSITIONS: Final = 4096
"""Characters of the pattern with its repeats written out."""

MAX_MOVES: Final = 100_000
"""Moves in all, each counted once for each class of characters."""


class TooLargeError(Exception):
    """The automaton would be too large, or empty texts can be read in several ways."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """Position 0 is the start.

    `moves[p]` are pairs of a class of characters and a position; `tried[p]` counts the positions that may follow `p`;
    `looped` are those that are in an unbounded repeat or behind one, which texts of any length can reach.
    """

    moves: tuple[tuple[tuple[int, int], ...], ...]
    tried: tuple[int, ...]
    finals: frozenset[int]
    looped: frozenset[int]


@dataclass(slots=True)
class _Part:
    """A part of the tree: where it can begin and end, and whether it can be empty (in one way, no more)."""

    first: list[int]
    last: list[int]
    empty: bool


def automaton_of(node: Node) -> Automaton:
    """The automaton of a tree. Raises TooLargeError."""
    builder = _Builder()
    whole = builder.part(node)
    follow = builder.follow
    follow[0] = whole.first
    symbols = _symbols(builder.sets)
    moves: list[tuple[tuple[int, int], ...]] = []
    total = 0
    for targets in follow:
        total += sum(len(symbols[builder.sets[target]]) for target in targets)
        if total > MAX_MOVES:
            raise TooLargeError
        moves.append(tuple((symbol, target) for target in targets for symbol in symbols[builder.sets[target]]))
    finals = frozenset(whole.last) | ({0} if whole.empty else frozenset())
    looped = _reachable(builder.in_loops, follow)
    return Automaton(tuple(moves), tuple(map(len, follow)), finals, looped)


def _reachable(starts: set[int], follow: list[list[int]]) -> frozenset[int]:
    found, waiting = set(starts), list(starts)
    while waiting:
        for target in follow[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return frozenset(found)


class _Builder:
    """Gives each character of the written-out pattern its position and joins them."""

    def __init__(self) -> None:
        self.sets: list[Ranges] = [()]
        self.follow: list[list[int]] = [[]]
        self.in_loops: set[int] = set()
        self.joined = 0

    def part(self, node: Node) -> _Part:
        match node:
            case Chars(ranges):
                return self.position(ranges)
            case Sequence(parts):
                found = _Part([], [], empty=True)
                for inner in parts:
                    found = self.then(found, self.part(inner))
                return found
            case Choice(options):
                return _either([self.part(option) for option in options])
            case Repeat(body, low, high):
                return self.repeat(body, low, high)

    def position(self, ranges: Ranges) -> _Part:
        at = len(self.sets)
        if at > MAX_POSITIONS:
            raise TooLargeError
        self.sets.append(ranges)
        self.follow.append([])
        return _Part([at], [at], empty=False)

    def then(self, left: _Part, right: _Part) -> _Part:
        self.join(left.last, right.first)
        return _Part(
            left.first + right.first if left.empty else left.first,
            left.last + right.last if right.empty else right.last,
            left.empty and right.empty,
        )

    def join(self, ends: list[int], begins: list[int]) -> None:
        self.joined += len(ends) * len(begins)
        if self.joined > MAX_MOVES:
            raise TooLargeError
        for end in ends:
            self.follow[end].extend(begins)

    def repeat(self, body: Node, low: int, high: int | None) -> _Part:
        """`x{2,}` is `xxx*`, `x{1,3}` is `x(x(x)?)?`: the order in which an engine tries them."""
        found = _Part([], [], empty=True)
        for _ in range(low):
            found = self.then(found, self.part(body))
        if high is None:
            return self.then(found, self.loop(body))
        return self.then(found, self.optional(body, high - low))

    def loop(self, body: Node) -> _Part:
        begin = len(self.sets)
        part = self.part(body)
        if part.empty:
            raise TooLargeError
        self.in_loops.update(range(begin, len(self.sets)))
        self.join(part.last, part.first)
        return _Part(part.first, part.last, empty=True)

    def optional(self, body: Node, times: int) -> _Part:
        found = _Part([], [], empty=True)
        for _ in range(times):
            part = self.part(body)
            if part.empty:
                raise TooLargeError
            found = self.then(part, found)
            found.empty = True
        return found


def _either(parts: list[_Part]) -> _Part:
    if sum(part.empty for part in parts) > 1:
        raise TooLargeError
    return _Part(
        [at for part in parts for at in part.first],
        [at for part in parts for at in part.last],
        any(part.empty for part in parts),
    )


def _symbols(sets: list[Ranges]) -> dict[Ranges, tuple[int, ...]]:
    """For each set the classes it is made of. Characters are in one class if they are in the same sets."""
    distinct = list(dict.fromkeys(sets))
    cuts = sorted({cut for ranges in distinct for first, last in ranges for cut in (first, last + 1)})
    if len(cuts) * len(distinct) > MAX_MOVES:
        raise TooLargeError
    owners: list[list[int]] = [[] for _ in cuts]
    for number, ranges in enumerate(distinct):
        for first, last in ranges:
            for piece in range(bisect_right(cuts, first) - 1, bisect_right(cuts, last)):
                owners[piece].append(number)
    classes: dict[tuple[int, ...], int] = {}
    members: list[list[int]] = [[] for _ in distinct]
    for owner in map(tuple, owners):
        if owner and owner not in classes:
            classes[owner] = len(classes)
            for number in owner:
                members[number].append(classes[owner])
    return {ranges: tuple(members[number]) for number, ranges in enumerate(distinct)}
