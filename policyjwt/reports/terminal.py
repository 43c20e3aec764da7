"""Text for terminals. Input: any text, strangers' too. Output: text that a terminal shows and never obeys."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})
"""Unicode categories that are escaped: controls, formats (bidirectional ones too), surrogates, separators,
unassigned and private code points."""

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2", "bold": "1"}


def visible(text: str) -> str:
    """`text` in one line; a character that a terminal would obey instead of show becomes an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _UNSHOWN else c for c in text)


def visible_lines(text: str) -> str:
    """As `visible`, but line feeds stay: for texts of several lines that were put together here."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _escaped(character: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return short or f"\\u{{{ord(character):04x}}}"


def width(text: str) -> int:
    """How many columns of a terminal `text` takes: wide characters take two, combining ones none."""
    return sum(_width(c) for c in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


@dataclass(frozen=True, slots=True)
class Style:
    """Colours, or none. Only our own words are coloured, after what they quote was made visible."""

    colour: bool = False

    def paint(self, text: str, *colours: str) -> str:
        """`text` in these colours."""
        if not self.colour or not text:
            return text
        codes = ";".join(_COLOURS[name] for name in colours)
        return f"\x1b[{codes}m{text}\x1b[0m"


PLAIN = Style()
