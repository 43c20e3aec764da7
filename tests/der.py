"""A little DER, to make what no library makes: responses with other times, several answers, spoiled bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

SEQUENCE, BIT_STRING, OCTET_STRING, ENUMERATED, GENERALIZED_TIME = 0x30, 0x03, 0x04, 0x0A, 0x18


class Element(NamedTuple):
    """One element: `content` is what is inside, `whole` all of it."""

    tag: int
    content: bytes
    whole: bytes


def tlv(tag: int, *contents: bytes) -> bytes:
    """An element of these contents."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def elements(content: bytes) -> Iterator[Element]:
    """The elements that stand one after the other in `content`."""
    at = 0
    while at < len(content):
        start, tag, size = at, content[at], content[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(content[at : at + count], "big"), at + count
        at += size
        yield Element(tag, content[at - size : at], content[start:at])


def inside(der: bytes) -> list[Element]:
    """The elements of the one element that `der` is."""
    (only,) = elements(der)
    return list(elements(only.content))
