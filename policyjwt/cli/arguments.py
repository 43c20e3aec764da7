"""Tokens don't belong on command lines, where histories and process lists keep them. Input: arguments."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable

from policyjwt.cli.failure import Failure

_OBJECT_START = re.compile(r"e(?:y[IJKLA]|w[o0k])[A-Za-z0-9_-]+")
"""How base64url text of a JSON object begins: `{` and a quote, a space, a line feed, a return, a tab."""

_SEGMENTS = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]*){2,4}(?![A-Za-z0-9_./-])")
"""Three to five long segments: a token whose header is no JSON, or an encrypted one."""

_JSON_FORM = re.compile(r"\"(?:payload|protected|ciphertext|signature)\"\s*:")


def refuse_tokens(arguments: Iterable[str]) -> None:
    """Raise Failure if an argument holds what looks like a token or a part of one; none of it is printed."""
    for position, argument in enumerate(arguments, start=1):
        if holds_token(argument):
            raise Failure(
                f"argument {position} looks like a token; it is not printed here",
                help="tokens on a command line end up in histories and process lists: "
                "write it to a file that only you can read, or give `-` and send it to standard input",
            )


def holds_token(argument: str) -> bool:
    """Whether `argument` holds a token in compact or JSON form, whole or in part."""
    if _SEGMENTS.search(argument) or _JSON_FORM.search(argument):
        return True
    return any(_begins_object(found.group()) for found in _OBJECT_START.finditer(argument))


def _begins_object(text: str) -> bool:
    """Whether base64url `text` decodes to the beginning of a JSON object."""
    whole = text[: min(len(text) // 4 * 4, 64)]
    return len(whole) >= 8 and re.match(rb"\{\s*\"", urlsafe_b64decode(whole)) is not None


def without_tokens(message: str) -> str:
    """`message`, or words in its place if a token has found its way into it: the second line of defence."""
    return "a line that looks like a token is not shown" if holds_token(message) else message
