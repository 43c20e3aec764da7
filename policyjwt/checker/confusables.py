"""Names that look alike in another script.

Input: a name. Output: what is odd about it, and what it looks like.

A small table on purpose: the letters of Cyrillic, Greek, Armenian and full-width forms that are drawn like
Latin ones (after Unicode TR39, confusables.txt). Text that is honestly written in another script is not odd.
"""

from __future__ import annotations

import unicodedata

_CYRILLIC = {
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "і": "i", "ј": "j", "к": "k", "ӏ": "l",
    "м": "m", "п": "n", "о": "o", "р": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t", "ѵ": "v", "ԝ": "w",
    "х": "x", "у": "y", "А": "A", "В": "B", "С": "C", "Е": "E", "Н": "H", "І": "I", "Ј": "J", "К": "K",
    "М": "M", "О": "O", "Р": "P", "Ԛ": "Q", "Ѕ": "S", "Т": "T", "Ѵ": "V", "Ԝ": "W", "Х": "X", "У": "Y",
}  # fmt: skip
_GREEK = {
    "α": "a", "ϲ": "c", "ε": "e", "ι": "i", "ϳ": "j", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t",
    "υ": "u", "χ": "x", "γ": "y", "ω": "w", "η": "n", "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H",
    "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X",
}  # fmt: skip
_ARMENIAN = {
    "ա": "w", "ց": "g", "հ": "h", "յ": "j", "ո": "n", "օ": "o", "ս": "u", "զ": "q", "ք": "p", "Տ": "S",
}  # fmt: skip
_OTHER = {
    "ı": "i", "ɑ": "a", "ɡ": "g", "ⅼ": "l", "ℓ": "l", "∕": "/", "⁄": "/", "․": ".", "‐": "-", "‑": "-",
    "−": "-", "ː": ":", "։": ":",
}  # fmt: skip
_LOOKS = _CYRILLIC | _GREEK | _ARMENIAN | _OTHER
_FULL_WIDTH = range(0xFF01, 0xFF5F)

_UNSEEN = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u3164\uffa0"
)
_SPACES = frozenset("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")


def skeleton(text: str) -> str:
    """`text` with every look-alike letter as the Latin one that it looks like."""
    return "".join(_looks_like(letter) for letter in text)


def _looks_like(letter: str) -> str:
    if ord(letter) in _FULL_WIDTH:
        return chr(ord(letter) - 0xFEE0)
    return _LOOKS.get(letter, letter)


def foreign_letters(text: str) -> tuple[str, ...]:
    """The look-alikes in `text`, each once, if it can be taken for plain ASCII.

    Empty for a name that can't.
    """
    if text.isascii() or not skeleton(text).isascii():
        return ()
    return tuple(dict.fromkeys(letter for letter in text if not letter.isascii()))


def named(letter: str) -> str:
    """A character for a message: "U+0430 cyrillic small letter a"."""
    return f"U+{ord(letter):04X} {unicodedata.name(letter, 'no name').lower()}"


def unseen(text: str) -> str | None:
    """The first character of `text` that nobody sees, or that looks like a plain space."""
    return next((letter for letter in text if letter in _UNSEEN or letter in _SPACES), None)
