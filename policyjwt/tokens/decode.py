"""Strict decoding. Input: the text of a token. Output: UnverifiedToken, of which nothing is believed yet.

RFC 7515, section 5.2, steps 1 to 7, and RFC 7519, section 7.2, steps 1 to 10, refusing wherever they leave
a choice.
"""

from __future__ import annotations

from threading import Lock
from typing import Final, NamedTuple, NoReturn, cast

from policyjwt.errors import TokenRefused
from policyjwt.tokens import base64url, flattened, messages, strict_json
from policyjwt.tokens.headers import check_decoding
from policyjwt.tokens.limits import MAX_CACHED_HEADER_CHARACTERS, MAX_CACHED_HEADERS, MAX_TOKEN_CHARACTERS

_SEGMENTS: Final = 3
_SEGMENTS_OF_ENCRYPTION: Final = 5


class UnverifiedToken(NamedTuple):
    """A JWT taken apart. `payload` holds the received bytes of `claims`.

    `unprotected` is the header that nobody signed, of a token that came as JSON; None for the compact form. `unseen` is
    the header's segment with a copy of its own, where it is not remembered yet.
    A NamedTuple, because each token makes one.
    """

    text: str
    header: dict[str, object]
    claims: dict[str, object]
    payload: bytes
    signing_input: bytes
    signature: bytes
    unprotected: dict[str, object] | None = None
    unseen: tuple[bytes, dict[str, object]] | None = None

    def __repr__(self) -> str:
        return "<UnverifiedToken>"

    def __bool__(self) -> NoReturn:
        raise TypeError("an unverified token is neither true nor false: verify it")


def decode(token: str | None, *, json_form: bool = False, limit: int = MAX_TOKEN_CHARACTERS) -> UnverifiedToken:
    """Takes a token apart. With `json_form` the flattened JSON form is read as well.

    `limit` bounds the characters of the compact form: more than usual only for what is no credential, as a status list.

    TokenRefused with a `token.…` code (or `header.b64`, `header.unprotected`); TypeError for what is no `str`.
    """
    unprotected: dict[str, object] | None = None
    unseen: tuple[bytes, dict[str, object]] | None = None
    if json_form and type(token) is str and flattened.is_json(token):
        text = token
        header, payload, signing_input, signature, unprotected = flattened.take_apart(token)
    else:
        text, header, payload, signing_input, signature, unseen = _apart(token, limit)
    try:
        claims = strict_json.loads(payload)
    except strict_json.NotStrictError as fault:
        raise _claims_refused(payload, fault) from None
    if type(claims) is not dict:
        raise messages.claims_object(actual="no object")
    return UnverifiedToken(text, header, claims, payload, signing_input, signature, unprotected, unseen)


def _apart(
    token: str | None, limit: int = MAX_TOKEN_CHARACTERS
) -> tuple[str, dict[str, object], bytes, bytes, bytes, tuple[bytes, dict[str, object]] | None]:
    if type(token) is not str:
        if token is None:
            raise messages.missing()
        raise TypeError("a token is a `str`")  # a subclass could answer differently each time it is asked
    if len(token) > limit:
        raise messages.size(characters=len(token), limit=limit)
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise odd_text(token) from None
    segments = raw.split(b".")
    if len(segments) != _SEGMENTS:  # check: J1
        raise _not_three(token, len(segments))
    header, unseen = _copy_of(_known_headers.get(segments[0])), None
    if header is None:
        header = read_header(segments[0], token)
        check_decoding(header)
        lists = tuple(name for name, value in header.items() if type(value) is list)
        unseen = segments[0], _copied(header, lists)
    try:
        payload = base64url.decode(segments[1])
        signature = base64url.decode(segments[2])
    except ValueError as fault:
        raise odd_segment(token, "the payload or the signature", fault) from None
    return token, header, payload, raw[: raw.rindex(b".")], signature, unseen


# --- the header, and the cache of headers -----------------------------------------------------------------

_known_headers: dict[bytes, tuple[dict[str, object], tuple[str, ...]]] = {}
"""By the segment as it came: the header, and which of its members are lists. A header with certificates is long: what
is known is not decoded, nor translated to another alphabet."""
_known_headers_lock = Lock()


def remember_header(token: UnverifiedToken) -> None:
    """Keeps the decoded header for the signer's next token. Call it only after the signature verified.

    What nobody signed can so never push anything out. A header that holds objects, or lists of anything but texts
    (`x5c`), is not kept: the copies that leave the cache are no deeper.
    """
    if token.unseen is None:
        return
    segment, header = token.unseen
    if len(segment) > MAX_CACHED_HEADER_CHARACTERS:
        return
    lists = tuple(name for name, value in header.items() if type(value) is list)
    if any(type(value) is dict for value in header.values()) or not all(map(_is_texts, map(header.get, lists))):
        return
    with _known_headers_lock:
        while len(_known_headers) >= MAX_CACHED_HEADERS and segment not in _known_headers:
            del _known_headers[next(iter(_known_headers))]
        _known_headers[segment] = header, lists


def _is_texts(value: object) -> bool:
    return type(value) is list and all(type(each) is str for each in value)


def _copy_of(known: tuple[dict[str, object], tuple[str, ...]] | None) -> dict[str, object] | None:
    """A copy that its receiver may change: no other sees it."""
    if known is None:
        return None
    return _copied(*known)


def _copied(header: dict[str, object], lists: tuple[str, ...]) -> dict[str, object]:
    copied = header.copy()
    for name in lists:
        copied[name] = list(cast("list[object]", header[name]))
    return copied


def read_header(segment: bytes, token: str) -> dict[str, object]:
    """The header that a segment of `token` holds."""
    try:
        header = strict_json.loads(base64url.decode(segment))
    except strict_json.NotStrictError as fault:
        raise messages.text_fault(fault.reason, part="the header", actual=fault.actual) from None
    except ValueError as fault:
        raise odd_segment(token, "the header", fault) from None
    if type(header) is not dict:
        raise messages.text_fault("json", part="the header", actual="no object")
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
        return odd_text(token)
    return messages.segments(count=count)


def odd_text(token: str) -> TokenRefused:
    """Why a text that is not of the alphabet is no token."""
    if token.lstrip(" \t\r\n\ufeff")[:1] in ("{", "["):
        return messages.form()
    return messages.base64(part="the token", actual="has a character outside the alphabet")


def odd_segment(token: str, part: str, fault: ValueError) -> TokenRefused:
    """Why a part that can't be decoded is none; `fault` says how."""
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
