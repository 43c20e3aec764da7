"""Strict decoding. Input: the text of a token. Output: UnverifiedToken, of which nothing is believed yet.

RFC 7515, section 5.2, steps 1 to 7, and RFC 7519, section 7.2, steps 1 to 10, refusing wherever they leave
a choice.
"""

from __future__ import annotations

from threading import Lock
from typing import Final, NamedTuple, NoReturn

from policyjwt.errors import TokenRefused
from policyjwt.tokens import base64url, messages, strict_json
from policyjwt.tokens.headers import check_decoding
from policyjwt.tokens.limits import MAX_CACHED_HEADER_CHARACTERS, MAX_CACHED_HEADERS, MAX_TOKEN_CHARACTERS

_SEGMENTS: Final = 3
_SEGMENTS_OF_ENCRYPTION: Final = 5


class UnverifiedToken(NamedTuple):
    """A JWT taken apart. `payload` holds the received bytes of `claims`.

    A NamedTuple, because each token makes one.
    """

    text: str
    header: dict[str, object]
    claims: dict[str, object]
    payload: bytes
    signing_input: bytes
    signature: bytes

    def __repr__(self) -> str:
        return "<UnverifiedToken>"

    def __bool__(self) -> NoReturn:
        raise TypeError("an unverified token is neither true nor false: verify it")


def decode(token: str | None) -> UnverifiedToken:
    """Takes a token apart.

    TokenRefused with a `token.…` code (or `header.b64`); TypeError for what is no `str`.
    """
    text, header, payload, signing_input, signature = _apart(token)
    try:
        claims = strict_json.loads(payload)
    except strict_json.NotStrictError as fault:
        raise _claims_refused(payload, fault) from None
    if type(claims) is not dict:
        raise messages.claims_object(actual="no object")
    return UnverifiedToken(text, header, claims, payload, signing_input, signature)


def _apart(token: str | None) -> tuple[str, dict[str, object], bytes, bytes, bytes]:
    if type(token) is not str:
        if token is None:
            raise messages.missing()
        raise TypeError("a token is a `str`")  # a subclass could answer differently each time it is asked
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise messages.size(characters=len(token), limit=MAX_TOKEN_CHARACTERS)
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise _odd_text(token) from None
    segments = raw.translate(base64url.ALPHABET_SWAP).split(b".")
    if len(segments) != _SEGMENTS:
        raise _not_three(token, len(segments))
    known = _known_headers.get(segments[0])
    header = known.copy() if known is not None else _header(segments[0], token)
    try:
        payload = base64url.decode_swapped(segments[1])
        signature = base64url.decode_swapped(segments[2])
    except ValueError as fault:
        raise _odd_segment(token, "the payload or the signature", fault) from None
    return token, header, payload, raw[: raw.rindex(b".")], signature


# --- the header, and the cache of headers -----------------------------------------------------------------

_known_headers: dict[bytes, dict[str, object]] = {}  # by the segment, translated by ALPHABET_SWAP
_known_headers_lock = Lock()


def remember_header(token: UnverifiedToken) -> None:
    """Keeps the decoded header for the signer's next token. Call it only after the signature verified.

    What nobody signed can so never push anything out. A header that holds objects or lists is not kept: the
    copies that leave the cache are shallow.
    """
    segment = token.signing_input[: token.signing_input.index(b".")].translate(base64url.ALPHABET_SWAP)
    if segment in _known_headers or len(segment) > MAX_CACHED_HEADER_CHARACTERS:
        return
    header = _header(segment, token.text)  # decoded again: the caller may have changed the one it holds
    if any(isinstance(value, dict | list) for value in header.values()):
        return
    with _known_headers_lock:
        while len(_known_headers) >= MAX_CACHED_HEADERS:
            del _known_headers[next(iter(_known_headers))]
        _known_headers[segment] = header


def _header(segment: bytes, token: str) -> dict[str, object]:
    try:
        header = strict_json.loads(base64url.decode_swapped(segment))
    except strict_json.NotStrictError as fault:
        raise messages.text_fault(fault.reason, part="the header", actual=fault.actual) from None
    except ValueError as fault:
        raise _odd_segment(token, "the header", fault) from None
    if type(header) is not dict:
        raise messages.text_fault("json", part="the header", actual="no object")
    check_decoding(header)
    return header


# --- what came instead ------------------------------------------------------------------------------------


def _not_three(token: str, count: int) -> TokenRefused:
    if not token:
        return messages.missing()
    if token.lstrip(" \t\r\n")[:1] in ("{", "["):
        return messages.form()
    if count == _SEGMENTS_OF_ENCRYPTION:
        return messages.kind(actual="the token has the five segments of an encrypted one")
    if count == 1 and not token.strip(" \t\r\n"):
        return _odd_text(token)
    return messages.segments(count=count)


def _odd_text(token: str) -> TokenRefused:
    if token.lstrip(" \t\r\n\ufeff")[:1] in ("{", "["):
        return messages.form()
    return messages.base64(part="the token", actual="has a character outside the alphabet")


def _odd_segment(token: str, part: str, fault: ValueError) -> TokenRefused:
    if token.lstrip(" \t\r\n")[:1] in ("{", "["):  # CVE-2022-39227: one text, a token in each of two forms
        return messages.form()
    if token[:7].lower() == "bearer ":
        return messages.base64(
            part="the token",
            actual="begins with the scheme of its header",
            help="hand over the token alone: policyjwt.request.credentials reads a whole header",
        )
    if token != token.strip():
        return messages.base64(part="the token", actual="has white space around it")
    return messages.base64(part=part, actual=str(fault))


def _claims_refused(payload: bytes, fault: strict_json.NotStrictError) -> TokenRefused:
    if not payload:
        return messages.claims_object(actual="empty")
    return messages.text_fault(fault.reason, part="the claims", actual=fault.actual)
