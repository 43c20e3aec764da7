"""OCSP responses that a side job keeps in a file. Input: a path. Output: their bytes, unjudged."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from binascii import Error, a2b_base64
from pathlib import Path
from stat import S_ISREG
from typing import Final, TypeAlias

from policyjwt.evidence.ocsp_model import MAX_RESPONSE_BYTES, MAX_RESPONSES

_MAX_FILE_BYTES: Final = 2 * MAX_RESPONSES * MAX_RESPONSE_BYTES
"""As many responses as are judged, of the largest size, in PEM, with room for notes between them."""

_BEGIN: Final = b"-----BEGIN OCSP RESPONSE-----"
_BLOCK: Final = re.compile(rb"-----BEGIN OCSP RESPONSE-----([^-]*)-----END OCSP RESPONSE-----")

_Seen: TypeAlias = tuple[int, int, int, int, int]
"""By what a change is noticed: device, file number, size, and two times."""


class StapleFile:
    """The OCSP responses in the file at `path`, read again when the file has changed.

    The file holds one response in DER, or several in PEM (`-----BEGIN OCSP RESPONSE-----`). Whoever renews it should
    write another file and rename it to this one. A file that is missing or can't be read holds no responses, and one
    that is neither DER nor PEM is given as it is: judging it is the policy's matter, and refuses it.
    """

    __slots__ = ("_known", "_path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._known: tuple[_Seen, tuple[bytes, ...]] | None = None

    def __repr__(self) -> str:
        """The place alone."""
        return f"<StapleFile at {self._path}>"

    def responses(self) -> tuple[bytes, ...]:
        """What the file holds now. Nothing is remembered past a failure: old evidence is no evidence."""
        known = self._known  # one look: threads share the object
        try:
            found = self._path.stat()
            if not S_ISREG(found.st_mode):  # a pipe would keep the token waiting
                return ()
            if known is not None and known[0] == _seen(found):
                return known[1]
            with self._path.open("rb") as file:
                seen = _seen(os.fstat(file.fileno()))
                data = file.read(_MAX_FILE_BYTES + 1)
        except (OSError, ValueError):  # ValueError: a path with a null character
            return ()
        responses = _split(data)
        self._known = seen, responses
        return responses


def _seen(found: os.stat_result) -> _Seen:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _split(data: bytes) -> tuple[bytes, ...]:
    """The responses of a file. What is no PEM, or not whole, stays one piece, which no judge takes for a response."""
    if not data:
        return ()
    blocks = _BLOCK.findall(data)
    if not blocks or len(blocks) != data.count(_BEGIN) or len(data) > _MAX_FILE_BYTES:
        return (data,)
    try:
        return tuple(_decoded(block) for block in blocks)
    except Error:
        return (data,)


def _decoded(block: bytes) -> bytes:
    """RFC 7468, section 3: base64 in lines."""
    text = b"".join(block.split())
    data = a2b_base64(text, strict_mode=True)
    if b64encode(data) != text:
        raise Error("not in its one spelling")
    return data
