r"""From the tree of a pattern to the text of an engine.

Every character is written by us as a code point; no text of a pattern reaches an engine, so that `\d`, `$`, `.` and
their kin can't mean two things.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from policyjwt.patterns.characters import EVERYTHING, Ranges, complement
from policyjwt.patterns.syntax import Chars, Choice, Node, Pattern, Repeat, Sequence


def for_re(pattern: Pattern) -> str:
    """The pattern for `fullmatch` of the standard library's `re`."""
    return _write(pattern.node, _character_re, {EVERYTHING: r"[^\ud800-\udfff]"})


def for_re2(pattern: Pattern) -> str:
    """The pattern for `fullmatch` of RE2, whose texts hold no halves of surrogate pairs."""
    return _write(pattern.node, _character_re2, {EVERYTHING: r"(?s:.)"})


def _character_re(point: int) -> str:
    return f"\\U{point:08x}"


def _character_re2(point: int) -> str:
    return f"\\x{{{point:x}}}"


def _write(node: Node, character: Callable[[int], str], known: dict[Ranges, str]) -> str:
    match node:
        case Chars(ranges):
            if ranges not in known:
                known[ranges] = _set(ranges, character)
            return known[ranges]
        case Sequence(parts):
            return "".join(_write(part, character, known) for part in parts) if parts else "(?:)"
        case Choice(options):
            return f"(?:{'|'.join(_write(option, character, known) for option in options)})"
        case Repeat(body, low, high):
            inside = _write(body, character, known)
            return f"{inside if isinstance(body, Chars) else f'(?:{inside})'}{_counts(low, high)}"


_SHORT: Final = {(0, None): "*", (1, None): "+", (0, 1): "?"}


def _counts(low: int, high: int | None) -> str:
    return _SHORT.get((low, high)) or f"{{{low},{'' if high is None else high}}}"


def _set(ranges: Ranges, character: Callable[[int], str]) -> str:
    ((first, last), *others) = ranges
    if first == last and not others:
        return character(first)
    left_out = complement(ranges)
    if len(left_out) < len(ranges):  # shorter, and faster to match
        return f"[^{_members(left_out, character)}{_members(((0xD800, 0xDFFF),), character)}]"
    return f"[{_members(ranges, character)}]"


def _members(ranges: Ranges, character: Callable[[int], str]) -> str:
    return "".join(
        character(first) if first == last else f"{character(first)}-{character(last)}" for first, last in ranges
    )
