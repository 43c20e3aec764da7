"""The flattened JSON form (RFC 7515, section 7.2.2). Input: the text of a token. Output: UnverifiedToken.

It is read only where a policy takes evidence from the unprotected header (JAdES, ETSI TS 119 182-1): nobody signed what
stands there. Nothing but `etsiU` may be there, and nothing of it ever counts without a signature of its own.
"""

from __future__ import annotations

from typing import Final

from policyjwt.errors import TokenRefused
from policyjwt.tokens import base64url, messages, strict_json
from policyjwt.tokens.headers import check_decoding
from policyjwt.tokens.limits import MAX_JSON_TOKEN_CHARACTERS

ETSI_UNPROTECTED: Final = "etsiU"
_SIGNED: Final = frozenset({"protected", "payload", "signature"})
_PARTS: Final = {"protected": "the header", "payload": "the payload", "signature": "the signature"}


def is_json(token: str) -> bool:
    """Whether the text begins as a JSON object does."""
    return token.lstrip(" \t\r\n")[:1] == "{"


def take_apart(token: str) -> tuple[dict[str, object], bytes, bytes, bytes, dict[str, object]]:
    """Header, payload, signing input, signature, unprotected header. TokenRefused `token.…`, `header.unprotected`."""
    if len(token) > MAX_JSON_TOKEN_CHARACTERS:
        raise messages.size(characters=len(token), limit=MAX_JSON_TOKEN_CHARACTERS)
    members = _object(token, part="the token")
    if not members.keys() >= _SIGNED or not members.keys() <= _SIGNED | {"header"}:  # check: J1
        raise messages.json_members()
    texts = {name: _text(members[name]) for name in _SIGNED}
    unprotected = _unprotected(members.get("header", {}))
    decoded = {name: _decoded(texts[name], part=_PARTS[name]) for name in _SIGNED}
    header = _object(decoded["protected"], part="the header")
    check_decoding(header)
    # RFC 7515, section 7.2.1
    if not header.keys().isdisjoint(unprotected):  # check: J5
        raise messages.unprotected()
    signing_input = f"{texts['protected']}.{texts['payload']}".encode("ascii")
    return header, decoded["payload"], signing_input, decoded["signature"], unprotected


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isascii():
        raise messages.json_members()
    return value


def _decoded(text: str, *, part: str) -> bytes:
    try:
        return base64url.decode(text)
    except ValueError as fault:
        raise messages.base64(part=part, actual=str(fault)) from None


def _unprotected(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise messages.json_members()
    if not value.keys() <= {ETSI_UNPROTECTED}:  # check: J5
        raise messages.unprotected()
    return value


def _object(text: str | bytes, *, part: str) -> dict[str, object]:
    try:
        found = strict_json.loads(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    except strict_json.NotStrictError as fault:
        raise _refused(fault, part) from None
    if not isinstance(found, dict):
        raise messages.text_fault("json", part=part, actual="no object")
    return found


def _refused(fault: strict_json.NotStrictError, part: str) -> TokenRefused:
    return messages.text_fault(fault.reason, part=part, actual=fault.actual)
