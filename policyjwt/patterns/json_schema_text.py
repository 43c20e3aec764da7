"""The text of a JSON Schema, read as strict JSON (RFC 8259). Input: text. Output: a value, or NotStrictError."""

from __future__ import annotations

import math
import re
from json import JSONDecodeError, JSONDecoder
from typing import Final, NoReturn

MAX_CHARACTERS: Final = 256 * 1024
"""Length of a schema's text."""
MAX_DEPTH: Final = 64
"""Objects and lists inside each other."""
MAX_DIGITS: Final = 128
"""Digits of an integer."""

_BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)
"""Strings (skipped, even if unfinished) and brackets. Possessive: linear on any text."""


class NotStrictError(ValueError):
    """The text is no strict JSON; `args[0]` is a phrase for messages, `args[1]` the line or 0."""


def loads(text: str) -> object:
    """The value that `text` holds: no duplicate name, NaN, overflow or half character. Raises NotStrictError."""
    if len(text) > MAX_CHARACTERS:
        raise NotStrictError(f"more than {MAX_CHARACTERS} characters", 0)
    if _depth(text) > MAX_DEPTH:
        raise NotStrictError(f"more than {MAX_DEPTH} objects or lists inside each other", 0)
    try:
        text.encode("utf-8")
        value: object = _DECODER.decode(text)
        _refuse_surrogates(value)
    except JSONDecodeError as error:
        raise NotStrictError("it is no JSON", error.lineno) from None
    except UnicodeEncodeError:
        raise NotStrictError("it holds half of a surrogate pair, which is no character", 0) from None
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrictError("a name stands twice in one object", 0)
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotStrictError(f"an integer has more than {MAX_DIGITS} digits", 0)
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise NotStrictError("a number overflows", 0)
    return value


def _constant(_: str) -> NoReturn:
    raise NotStrictError("NaN and Infinity are no JSON", 0)


_DECODER: Final = JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _depth(text: str) -> int:
    depth = most = 0
    for found in _BRACKETS.finditer(text):
        sign = found.group()[0]
        if sign in "[{":
            depth += 1
            most = max(most, depth)
        elif sign in "]}":
            depth -= 1
    return most


def _refuse_surrogates(value: object) -> None:
    r"""`\ud800` in an escape gives one. Raises UnicodeEncodeError."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict):
        for name, member in value.items():
            name.encode("utf-8")
            _refuse_surrogates(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_surrogates(member)
