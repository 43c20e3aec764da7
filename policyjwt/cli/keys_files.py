"""Where `policyjwt keys` reads. Input: a path or a URL. Output: bytes and key sets, or a Failure of one clear line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure
from policyjwt.errors import KeyRefused
from policyjwt.reports.terminal import visible

if TYPE_CHECKING:
    from policyjwt.tokens import KeySet


def content(file: str) -> bytes:
    """The bytes of a file of keys, or of standard input."""
    from policyjwt.keys.files import read_bounded
    from policyjwt.tokens.limits import MAX_KEY_SET_BYTES

    if file == "-":
        data = sys.stdin.buffer.read(MAX_KEY_SET_BYTES + 1)
        if len(data) > MAX_KEY_SET_BYTES:
            raise Failure(f"standard input has more than {MAX_KEY_SET_BYTES} bytes")
        return data
    try:
        return read_bounded(file, limit=MAX_KEY_SET_BYTES)
    except KeyRefused as refused:
        raise Failure(f"`{visible(file)}` can't be read: {refused.message}") from None


def fetched(url: str, *, discovery: bool, ca: str | None, timeout: float) -> bytes:
    """What the host at `url` gives as its keys, judged by nobody yet; with `discovery`, `url` is an issuer."""
    from policyjwt.keys.discovery import document_url, jwks_uri
    from policyjwt.keys.http import fetch

    authorities = None if ca is None else content(ca)
    try:
        if discovery:
            document = fetch(document_url(url), ca=authorities, timeout=timeout)
            url = jwks_uri(document.body, url)
        return fetch(url, ca=authorities, timeout=timeout).body
    except KeyRefused as refused:
        status = Exit.USAGE if refused.code == "key.fetch_failed" else Exit.NO
        raise Failure(refused.message, help=refused.help, status=status) from None


def public_keys(data: bytes, *, named: str) -> KeySet:
    """The keys in `data`, all of them sound. `named` says whose they are: `the host`, a file in backquotes."""
    from policyjwt.keys.described import read_public

    try:
        return read_public(data)
    except KeyRefused as refused:
        raise Failure(
            f"the keys of {named} are not good, {refused.code}: {visible(refused.message)}",
            help=refused.help,
            status=Exit.NO,
        ) from None


def kept(file: str) -> KeySet | None:
    """The keys of a file that was pinned before, None where there is none. Another file is never written over."""
    if not Path(file).exists():
        return None
    try:
        return public_keys(content(file), named=f"`{visible(file)}`")
    except Failure as fault:
        raise Failure(
            f"`{visible(file)}` exists and is no file of public keys: {fault.message}",
            help="name another file, or remove this one",
        ) from None
