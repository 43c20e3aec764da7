"""Words for messages: "did you mean", and text of a policy or a token's header made safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

SHOWN = 80
"""How many characters of a text a message shows."""

_LONGEST_WORD = 64
# Letters that look like nothing, or turn the line around, or end it; and what no font shows.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` most likely was meant to be, None where none is close.

    Case does not count, nor the difference between `_` and `-`. Of several that are equally close, the first.
    """
    if not 1 < len(word) <= _LONGEST_WORD:
        return None
    meant, best = None, _tolerance(word) + 1
    for candidate in candidates:
        distance = _distance(_folded(word), _folded(candidate), best)
        if distance < best:
            meant, best = candidate, distance
    return meant


def quoted(text: str) -> str:
    """`text` in backquotes, what can't be seen escaped, shortened to 80 characters. A backquoted name stays one."""
    if len(text) > 2 and text[0] == text[-1] == "`" and "`" not in text[1:-1]:
        text = text[1:-1]
    return f"`{shortened(escaped(text[: SHOWN + 1]))}`"


def escaped(text: str) -> str:
    """`text` with what can't be seen as JSON escapes: control and bidirectional characters, odd spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def shortened(text: str) -> str:
    """`text`, cut to 80 characters with an ellipsis."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _shown(character: str) -> str:
    if character == " " or unicodedata.category(character) not in _HIDDEN:
        return character
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    code = ord(character)
    return short or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _tolerance(word: str) -> int:
    """How many slips of a finger a word of this length may hold."""
    return 0 if len(word) < 3 else 1 if len(word) < 6 else 2 if len(word) < 12 else 3


def _folded(word: str) -> str:
    return word.lower().replace("_", "-")


def _distance(left: str, right: str, enough: int) -> int:
    """How many letters to insert, drop, replace, or swap with their neighbour; `enough` where it is no less."""
    if abs(len(left) - len(right)) >= enough:
        return enough
    before, row = [0] * (len(right) + 1), list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above_before, before, row = before, row, [i] + [0] * len(right)
        for j, b in enumerate(right, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], above_before[j - 2] + 1)
        if min(row) >= enough:
            return enough
    return row[-1]
