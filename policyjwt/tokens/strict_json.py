"""Strict JSON. Input: bytes. Output: plain Python values, or NotStrictError with the reason and a phrase.

RFC 8259 and no more: no duplicate names at any depth, no NaN or Infinity, no number that overflows, no half
of a surrogate pair, UTF-8 without a byte order mark, bounded depth and bounded integers. Each is a way in
which two readers see two different documents.
"""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder
from typing import Final, Literal, NoReturn, TypeAlias

from policyjwt.tokens.limits import MAX_INTEGER_DIGITS, MAX_JSON_DEPTH

Reason: TypeAlias = Literal["utf8", "json", "duplicate", "number", "depth"]

_SPACE: Final = " \t\n\r"
_BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)
"""Strings (skipped, even if unfinished) and brackets. Possessive: linear on any text."""

_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_BIT_64_OVERFLOW: Final = float("inf")


class NotStrictError(ValueError):
    """The bytes are no strict JSON.

    `reason` is the last part of a `token.…` code; the text quotes nothing.
    """

    def __init__(self, reason: Reason, actual: str) -> None:
        self.reason: Reason = reason
        self.actual = actual
        super().__init__(actual)


def loads(data: bytes) -> object:
    """The value that `data` holds."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotStrictError("utf8", "not UTF-8") from None
    return loads_text(text)


def loads_text(text: str) -> object:
    """As `loads`, of text. The order is that of cost: what could hurt is refused before it is parsed."""
    if text.count("{") + text.count("[") > MAX_JSON_DEPTH and _too_deep(text):
        raise NotStrictError("depth", f"more than {MAX_JSON_DEPTH} objects or lists inside each other")
    try:
        if text[:1] == "{":
            value, end = _DECODER.raw_decode(text)
        else:
            value, end = _DECODER.raw_decode(text, len(text) - len(text.lstrip(_SPACE)))
    except JSONDecodeError:
        raise _no_json(text) from None
    except RecursionError:  # the caller's own stack was nearly full
        raise NotStrictError("depth", "too deep for the stack that is left") from None
    if end != len(text) and text[end:].strip(_SPACE):
        raise NotStrictError("json", "something follows the value")
    if "\\" in text and _ESCAPED_SURROGATE.search(text) and _has_lone_surrogate(value):
        raise NotStrictError("utf8", "half of a surrogate pair, which is no character")
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):  # check: J2
        raise NotStrictError("duplicate", "a name stands twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:  # int() is quadratic (CVE-2020-10735)
        raise NotStrictError("number", f"an integer of more than {MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (_BIT_64_OVERFLOW, -_BIT_64_OVERFLOW):
        raise NotStrictError("number", "a number that overflows")
    return value


def _constant(_: str) -> NoReturn:
    raise NotStrictError("json", "NaN or Infinity, which are no JSON")


# Built once: json.loads with a hook builds one each time.
_DECODER: Final = JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _too_deep(text: str) -> bool:
    """Whether brackets outside strings nest deeper than allowed: exact for JSON, and never recursive."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        sign = found.group()[0]
        if sign in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                return True
        elif sign in "]}":
            depth -= 1
    return False


def _no_json(text: str) -> NotStrictError:
    if text.startswith("\ufeff"):
        return NotStrictError("utf8", "a byte order mark")
    if "\0" in text[:4]:
        return NotStrictError("utf8", "UTF-16 or UTF-32 instead of UTF-8")
    return NotStrictError("json", "not JSON" if text.strip(_SPACE) else "empty")


def _has_lone_surrogate(value: object) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            try:
                item.encode("utf-8")
            except UnicodeEncodeError:
                return True
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False
