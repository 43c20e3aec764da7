"""What `evaluate` reads beside the policies: the token, the request, files of keys."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from policyjwt.cli.failure import Failure
from policyjwt.cli.policies import must_exist, reason
from policyjwt.reports.terminal import visible

if TYPE_CHECKING:
    from policyjwt.request import Context

_TOKEN_BYTES = 4 * 1024 * 1024
"""More than any token that is accepted: a longer one is refused by its size, not read to its end."""

_MEMBERS = ("method", "path", "uri", "scheme", "headers", "nonce", "values", "status_lists")


def read_token(file: str) -> str:
    """The token in `file` or on standard input. One final line end is no part of it; other white space is."""
    if file == "-":
        if sys.stdin.isatty():
            sys.stderr.write("policyjwt: reading the token from standard input\n")
        text = _token(sys.stdin.buffer)
    else:
        try:
            with Path(file).open("rb") as stream:
                text = _token(stream)
        except OSError as fault:
            raise Failure(f"`{visible(file)}` can't be read: {reason(fault)}") from None
    return text


def _token(stream: BinaryIO) -> str:
    # Bytes that are no UTF-8 become a character that no token may have, and are refused with the token.
    text = stream.read(_TOKEN_BYTES).decode("utf-8", errors="replace")
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def key_files(given: tuple[str, ...]) -> dict[str, Path]:
    """`REF=FILE…` by reference; split at the last `=`, since a URL may hold one."""
    found: dict[str, Path] = {}
    for entry in given:
        reference, equals, file = entry.rpartition("=")
        if not equals or not reference or not file:
            raise Failure("`--keys` takes REF=FILE", help="for example `--keys url:https://idp.example/jwks=jwks.json`")
        if reference in found:
            raise Failure(f"the keys of `{visible(reference)}` are given twice")
        must_exist(file)
        found[reference] = Path(file)
    return found


def context_from(file: str | None, *, staples: tuple[bytes, ...] = ()) -> Context:
    """The request as the JSON in `file` tells it, and the OCSP responses that came beside the token."""
    from policyjwt.request import Context

    if file is None:
        return Context(staples=staples)
    members = _object(file)
    unknown = [name for name in members if name not in _MEMBERS]
    if unknown:
        raise Failure(
            f"`{visible(file)}` has the unknown member `{visible(unknown[0][:80])}`",
            help=f"known are {', '.join(f'`{name}`' for name in _MEMBERS)}",
        )
    headers = members.pop("headers", {})
    try:
        return Context(**members, headers=_headers(headers, file), staples=staples)
    except TypeError:
        raise Failure(
            f"`{visible(file)}` has a member of the wrong type",
            help="`values` is an object of texts, integers, booleans and lists of texts, `status_lists` a list of "
            "texts; the others are text",
        ) from None


def _object(file: str) -> dict[str, Any]:
    from policyjwt.tokens.strict_json import NotStrictError, loads

    try:
        found = loads(Path(file).read_bytes())
    except OSError as fault:
        raise Failure(f"`{visible(file)}` can't be read: {reason(fault)}") from None
    except NotStrictError as fault:
        raise Failure(f"`{visible(file)}` is no strict JSON: {fault.actual}") from None
    if not isinstance(found, dict):
        raise Failure(f"`{visible(file)}` holds no JSON object")
    return found


def _headers(given: object, file: str) -> list[tuple[str, str]]:
    """Pairs of an object whose members are a text or a list of texts."""
    pairs: list[tuple[str, str]] = []
    if isinstance(given, dict):
        for name, value in given.items():
            pairs.extend((name, one) for one in (value if isinstance(value, list) else [value]))
    if not isinstance(given, dict) or not all(isinstance(value, str) for _, value in pairs):
        raise Failure(f"`headers` of `{visible(file)}` is an object of texts or lists of texts")
    return pairs
