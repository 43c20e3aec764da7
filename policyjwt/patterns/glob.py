r"""Globs. Input: the text of a glob. Output: a function that says whether a whole string fits, in linear time.

`*` any run without `/ : @`, `**` any run, a run may be empty, `\*` the character; all else is literal and case counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Final

from policyjwt.patterns import messages as say
from policyjwt.patterns.ambiguity import is_linear
from policyjwt.patterns.characters import EVERYTHING, complement, of_text
from policyjwt.patterns.syntax import MAX_CHARACTERS, Chars, Node, Pattern, Repeat, Sequence
from policyjwt.patterns.translate import for_re

_STOPS: Final = "/:@"
_WITHIN: Final = Repeat(Chars(complement(of_text(_STOPS))), 0, None)
_ANY: Final = Repeat(Chars(EVERYTHING), 0, None)


class _Run(Enum):
    """What a star stands for."""

    WITHIN = "*"
    ANY = "**"


@lru_cache(maxsize=1024)
def compile_glob(text: str) -> Callable[[str], bool]:
    """Whether a whole string fits the glob `text`. Raises PatternError where it is none.

    A glob that is proved linear runs on the standard engine, any other on a simulation that reads each character once.
    Half of a surrogate pair is no character and fits nothing.
    """
    parts = _parts(text)
    pattern = Pattern(text, Sequence(tuple(map(_node, parts))))
    if is_linear(pattern):
        fullmatch = re.compile(for_re(pattern)).fullmatch
        return lambda value: fullmatch(value) is not None
    return _simulation(parts)


def _parts(text: str) -> list[str | _Run]:
    """Single characters and runs."""
    if len(text) > MAX_CHARACTERS:
        raise say.too_long(MAX_CHARACTERS)
    found: list[str | _Run] = []
    at = 0
    while at < len(text):
        if text.startswith("***", at):
            raise say.three_stars(at)
        if text.startswith("**", at):
            found.append(_Run.ANY)
            at += 2
        elif text[at] == "*":
            found.append(_Run.WITHIN)
            at += 1
        elif text[at] == "\\":
            if not text.startswith("\\*", at):
                raise say.glob_escape(at)
            found.append("*")
            at += 2
        else:
            if not of_text(text[at]):
                raise say.half_character(at)
            found.append(text[at])
            at += 1
    return found


def _node(part: str | _Run) -> Node:
    if part is _Run.ANY:
        return _ANY
    return _WITHIN if part is _Run.WITHIN else Chars(of_text(str(part)))


def _simulation(parts: list[str | _Run]) -> Callable[[str], bool]:
    """All ways through the glob at once, one bit for each place in it."""
    skips = stays = stays_in_word = 0
    steps: dict[str, int] = {}
    for place, part in enumerate(parts):
        bit = 1 << place
        if isinstance(part, _Run):
            skips |= bit
            stays |= bit
            stays_in_word |= bit if part is _Run.ANY else 0
        else:
            steps[part] = steps.get(part, 0) | bit
    end = 1 << len(parts)

    def open_to(places: int) -> int:
        """These places, and the ones behind an empty run: never two in a row, since `***` is no glob."""
        return places | (places & skips) << 1

    def fits(value: str) -> bool:
        places = open_to(1)
        for character in value:
            if "\ud800" <= character <= "\udfff":
                return False
            kept = stays_in_word if character in _STOPS else stays
            places = open_to((places & kept) | (places & steps.get(character, 0)) << 1)
        return bool(places & end)

    return fits
