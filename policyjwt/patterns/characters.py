"""Sets of characters as sorted, disjoint ranges of code points.

A character is a Unicode scalar value: halves of surrogate pairs belong to no set, so that every engine agrees on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""First and last code point of each range, sorted, with gaps between them."""

EVERYTHING: Final[Ranges] = ((0, 0xD7FF), (0xE000, 0x10FFFF))


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The set of all characters in any of `ranges`, halves of surrogate pairs left out."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(_without_surrogates(ranges)):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def _without_surrogates(ranges: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for first, last in ranges:
        for low, high in EVERYTHING:
            if first <= high and last >= low:
                yield max(first, low), min(last, high)


def complement(ranges: Ranges) -> Ranges:
    """Every character that is not in `ranges`."""
    gaps: list[tuple[int, int]] = []
    start = 0
    for first, last in ranges:
        if first > start:
            gaps.append((start, first - 1))
        start = last + 1
    if start <= 0x10FFFF:
        gaps.append((start, 0x10FFFF))
    return union(gaps)


def of_text(text: str) -> Ranges:
    """The characters of `text`."""
    return union((ord(character), ord(character)) for character in text)


def contains(ranges: Ranges, character: str) -> bool:
    """Whether a character is in the set."""
    point = ord(character)
    return any(first <= point <= last for first, last in ranges)


_DIGIT: Final = union([(0x30, 0x39)])
_WORD: Final = union([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
_SPACE: Final = of_text(" \t\n\r\f\v")

CLASSES: Final[Mapping[str, Ranges]] = {
    "d": _DIGIT,
    "w": _WORD,
    "s": _SPACE,
    "D": complement(_DIGIT),
    "W": complement(_WORD),
    "S": complement(_SPACE),
}
"""What `\\d \\w \\s \\D \\W \\S` stand for: ASCII, whatever the engine would say."""

DOT: Final = complement(of_text("\n"))
"""What `.` stands for."""
