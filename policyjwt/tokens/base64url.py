"""Strict base64url. Input: ASCII bytes or text. Output: the bytes, or ValueError that says what is wrong.

RFC 7515, section 2: no padding, no white space, no foreign characters; RFC 4648, section 3.5: unused bits
are zero, so that one value has one spelling (two would defeat deny lists and caches by token).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import Error, a2b_base64
from typing import Final

ALPHABET_SWAP: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
"""To the standard alphabet; what belongs to that one alone becomes a foreign character."""

_PADDING: Final = (b"", b"", b"==", b"=")
_LAST: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
"""By the length modulo 4: the last characters whose unused bits are zero."""


def decode(text: str | bytes) -> bytes:
    """The bytes that `text` stands for. ValueError with a phrase that quotes nothing."""
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise ValueError("has a character outside the alphabet") from None
    return decode_swapped(raw.translate(ALPHABET_SWAP))


def decode_swapped(raw: bytes) -> bytes:
    """As `decode`, of bytes that ALPHABET_SWAP has translated: a token is translated once, whole."""
    rest = len(raw) & 3
    try:
        if not rest:
            return a2b_base64(raw, strict_mode=True)
        if rest == 1:
            raise ValueError("has a length that no bytes have")
        if raw[-1] not in _LAST[rest]:  # check: J2
            raise ValueError("does not end in its one spelling")
        return a2b_base64(raw + _PADDING[rest], strict_mode=True)
    except Error:
        raise ValueError("has a character outside the alphabet") from None


def encode(data: bytes) -> str:
    """The one spelling of `data`."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
