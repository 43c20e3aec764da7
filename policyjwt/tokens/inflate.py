"""Bounded decompression. Input: authenticated bytes and a limit. Output: what they stand for, or NotInflatedError.

RFC 7516, section 4.1.3: raw DEFLATE (RFC 1951), one stream and nothing else. Never more than the limit is in
memory (CVE-2024-28180, CVE-2024-33664: kilobytes that grow to gigabytes).
"""

from __future__ import annotations

import zlib
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["size", "zip"]


class NotInflatedError(ValueError):
    """The bytes are no DEFLATE stream, or too much comes out. `reason` is the last part of a `decryption.…` code."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(reason)


def inflate(data: bytes, *, limit: int) -> bytes:
    """At most `limit` bytes. The stream must end, and end where `data` ends."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = stream.decompress(data, limit + 1)
    except zlib.error:
        raise NotInflatedError("zip") from None
    if len(found) > limit:  # check: E04
        raise NotInflatedError("size")
    if not stream.eof or stream.unused_data:  # check: E05
        raise NotInflatedError("zip")
    return found
