"""Literals of a policy.

Input: the text of one token. Output: the value that it stands for, or why it stands for none.

Everything is exact: a literal that would have to be rounded, cut or guessed is a `ValueFault`, never another
value.
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from datetime import date
from decimal import Decimal

MAX_SECONDS = 100 * 365 * 86400
"""The longest duration that a policy can write: a hundred years of 365 days."""

MAX_DIGITS = 308
"""The longest whole number, in digits: what a JSON number can hold without overflow in common readers."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH_DAY = date(1970, 1, 1).toordinal()

# RFC 8259, section 7: these escapes and no others.
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9A-Fa-f]{4})|(.?))', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class ValueFault(Exception):  # noqa: N818 - a fault of a text; it never leaves the builder
    """Why a token stands for no value. `start` and `end` are offsets in the token."""

    def __init__(self, message: str, help: str | None = None, *, start: int = 0, end: int | None = None) -> None:
        self.message, self.help, self.start, self.end = message, help, start, end
        super().__init__(message)


def string(token: str) -> tuple[str, tuple[int, ...]]:
    """The text of a quoted string, and for each of its characters (and its end) the offset in the token.

    Escapes are those of JSON; two escapes that are a surrogate pair are one character. Raises `ValueFault`.
    """
    out: list[str] = []
    offsets: list[int] = []
    at, end = 1, len(token) - 1
    if "\\" not in token and not _SURROGATE.search(token):
        return token[1:-1], tuple(range(1, end + 1))
    while at < end:
        start = at
        if token[at] == "\\":
            character, at = _escaped(token, at)
        else:
            character, at = token[at], at + 1
        if "\ud800" <= character <= "\udfff":
            raise _lone_surrogate(start, at)
        out.append(character)
        offsets.append(start)
    return "".join(out), (*offsets, end)


def _escaped(token: str, at: int) -> tuple[str, int]:
    found = _ESCAPE.match(token, at)
    assert found is not None
    simple, code, other = found.groups()
    if simple:
        return _SIMPLE[simple], found.end()
    if not code:
        written = "\\" + (other or "")
        raise ValueFault(
            f"`{written if written.isprintable() else ascii(written)[1:-1]}` is no escape",
            r"the escapes are `\"` `\\` `\/` `\b` `\f` `\n` `\r` `\t` and `\u` with four hex digits",
            start=at,
            end=found.end(),
        )
    unit = int(code, 16)
    if not 0xD800 <= unit <= 0xDBFF:
        return chr(unit), found.end()
    low = _ESCAPE.match(token, found.end())
    if low is None or not low.group(2) or not 0xDC00 <= int(low.group(2), 16) <= 0xDFFF:
        raise _lone_surrogate(at, found.end())
    return chr(0x10000 + ((unit - 0xD800) << 10) + (int(low.group(2), 16) - 0xDC00)), low.end()


def _lone_surrogate(start: int, end: int) -> ValueFault:
    return ValueFault(
        "half of a surrogate pair is no character",
        "write the character itself, or both halves: `\\ud83d\\ude00`",
        start=start,
        end=end,
    )


def number(token: str) -> int | float:
    """The number, an int if it is written without a point.

    Raises `ValueFault` where it can't be held exactly.
    """
    if len(token) > MAX_DIGITS:
        raise ValueFault("the number is too large", f"a number has at most {MAX_DIGITS} digits")
    if "." not in token:
        return int(token)
    value = float(token)
    if not math.isfinite(value):
        raise ValueFault("the number is too large", f"a number has at most {MAX_DIGITS} digits")
    if Decimal(repr(value)) != Decimal(token):
        # Claims are binary fractions too: 9007199254740993.0 would compare equal to its neighbour.
        raise ValueFault(
            "the number has more digits than can be told apart",
            f"the nearest number is `{value!r}`; a whole number without a point is exact",
        )
    return value


def duration(token: str) -> int:
    """The seconds of `5m`. Raises `ValueFault`."""
    digits, unit = token[:-1], token[-1]
    if len(digits) > 1 and digits.startswith("0"):
        raise ValueFault("a duration has no leading zero", f"write `{digits.lstrip('0') or '0'}{unit}`")
    seconds = int(digits) * _UNITS[unit] if len(digits) <= 12 else MAX_SECONDS + 1
    if seconds > MAX_SECONDS:
        raise ValueFault("the duration is too long", "a duration is at most 36500d, a hundred years")
    return seconds


def day(token: str) -> int:
    """The epoch seconds of 00:00 UTC of `2027-06-30`. Raises `ValueFault` for a date that no calendar has."""
    year, month, of_month = (int(part) for part in token.split("-"))
    try:
        return (date(year, month, of_month).toordinal() - _EPOCH_DAY) * 86400
    except ValueError:
        raise ValueFault("there is no such date", _nearest_date(year, month, of_month)) from None


def _nearest_date(year: int, month: int, of_month: int) -> str:
    if not 1 <= year <= 9999:
        return "years run from 0001 to 9999"
    if not 1 <= month <= 12:
        return "a date is year, month, day: months run from 01 to 12"
    last = monthrange(year, month)[1]
    return f"that month has {last} days" if of_month > last else "days run from 01"


def pattern(token: str) -> tuple[str, tuple[int, ...]]:
    r"""The pattern between the slashes, `\/` read as `/`, with the offset in the token of each character."""
    out: list[str] = []
    offsets: list[int] = []
    at, end = 1, len(token) - 1
    while at < end:
        if token.startswith("\\/", at) and at + 1 < end:
            out.append("/")
            offsets.append(at)
            at += 2
            continue
        step = 2 if token[at] == "\\" and at + 1 < end else 1
        out.append(token[at : at + step])
        offsets.extend(range(at, at + step))
        at += step
    return "".join(out), (*offsets, end)
