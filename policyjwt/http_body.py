"""The body of an HTTP answer, never more than a limit of it. Input: a response of `http.client`. Output: its bytes.

RFC 9112, sections 6 and 7. `http.client` reads the sizes of chunks with `int`, which takes `-1`, and then reads
without end: chunks are taken apart here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from typing import BinaryIO

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?\r?\n")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_LONGEST_LINE: Final = 4096
_MOST_TRAILERS: Final = 64


class TooLargeError(Exception):
    """The body has more than the limit."""


class NotWholeError(Exception):
    """The body ends early, or is not framed as HTTP frames one."""


def read_body(response: HTTPResponse, *, limit: int) -> bytes:
    """The whole body. TooLargeError, NotWholeError; OSError where the connection breaks."""
    codings = [each.strip().lower() for each in ",".join(response.headers.get_all("Transfer-Encoding", ())).split(",")]
    if codings == ["chunked"]:
        return _chunks(response, limit)
    lengths = set(response.headers.get_all("Content-Length", ()))
    if codings != [""] or len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise NotWholeError
    if response.length is not None and response.length > limit:
        raise TooLargeError
    body = response.read(limit + 1)
    if len(body) > limit:
        raise TooLargeError
    if response.length:
        raise NotWholeError
    return body


def _chunks(response: HTTPResponse, limit: int) -> bytes:
    stream: BinaryIO = response.fp
    body = bytearray()
    while True:
        size = _SIZE.fullmatch(stream.readline(_LONGEST_LINE))
        if size is None:
            raise NotWholeError
        length = int(size[1], 16)
        if not length:
            break
        if len(body) + length > limit:
            raise TooLargeError
        chunk = stream.read(length)
        if len(chunk) != length or stream.readline(3).strip(b"\r\n"):
            raise NotWholeError
        body += chunk
    for _ in range(_MOST_TRAILERS):
        if stream.readline(_LONGEST_LINE) in (b"\r\n", b"\n"):
            return bytes(body)
    raise NotWholeError
