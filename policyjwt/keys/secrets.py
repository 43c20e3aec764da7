"""Shared secrets. Input: an environment variable or a file, and its declared encoding.

Output: bytes, or KeyRefused.

Resolved once, when an engine is loaded. Nothing here quotes a secret, its length aside.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

from policyjwt.keys.files import read_bounded
from policyjwt.tokens import base64url, messages
from policyjwt.tokens.limits import MAX_SECRET_BYTES

Encoding: TypeAlias = Literal["base64url", "hex", "utf8"]
ENCODINGS: Final = ("base64url", "hex", "utf8")


def material(origin: str, names: Sequence[str], encoding: str, *, root: str) -> bytes:
    """The bytes of a secret, or the text of a private key (`pem`, `jwk`).

    `origin` is env, file or keyring, `names` what it has there; a file is below `root`, whatever links say.
    """
    form = text_encoding(encoding)
    if origin == "env":
        return from_environment(names[0], form)
    if origin == "keyring":
        from policyjwt.keys.keyring import from_keyring  # which decodes by this module

        return from_keyring(names[0], names[1], form)
    return from_file(resolved_below(root, names[0]), form)


def text_encoding(encoding: str) -> str:
    """The encoding of the text itself: a private key is text."""
    return "utf8" if encoding in {"pem", "jwk"} else encoding


def resolved_below(root: str, path: str) -> Path:
    """Where the file of a secret really is, if that is below the root. KeyRefused `key.not_found`."""
    try:
        base, real = Path(root).resolve(strict=True), (Path(root) / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise messages.key_not_found("the file of the secret does not exist") from None
    if not real.is_relative_to(base):
        raise messages.key_not_found("the file of the secret leads out of the root of the policy")
    return real


def from_environment(name: str, encoding: str) -> bytes:
    """The secret in the environment variable `name`, taken as it stands.

    Unset or empty is `key.not_found`.
    """
    value = os.environb.get(name.encode("utf-8", "surrogateescape")) if os.supports_bytes_environ else None
    if value is None and not os.supports_bytes_environ:
        value = os.environ.get(name, "").encode("utf-8", "surrogateescape")
    if not value:
        raise messages.key_not_found("the environment variable is not set")
    try:
        return decode(value, encoding)
    finally:
        del value  # a traceback holds the frames that it went through


def from_file(path: str | Path, encoding: str) -> bytes:
    """The secret in a file that nobody else can read or change. One line end at the end is not part of it.

    Editors and `echo` write that line end, `printf` and Kubernetes do not: with the rule both give the same
    secret. Only one is taken off: whatever else is there counts (`utf8`) or is refused (`hex`,
    `base64url`).
    """
    data = read_bounded(path, limit=MAX_SECRET_BYTES, judge=_refuse_open_file)
    if data.endswith(b"\n"):
        data = data[:-2] if data.endswith(b"\r\n") else data[:-1]
    try:
        return decode(data, encoding)
    finally:
        del data  # as above


def decode(text: bytes | str, encoding: str) -> bytes:
    """The secret that `text` stands for.

    `encoding` is `base64url` (padding allowed), `hex` or `utf8`, never guessed.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"no such encoding of a secret: {encoding!r}; there are {', '.join(ENCODINGS)}")
    secret = _decoded(text, encoding)
    if secret is not None:
        return secret
    advice = _help(text, encoding)
    del text  # a traceback holds the frames that it went through
    raise messages.key_malformed(f"a secret that is not {encoding}", help=advice)


def _decoded(text: bytes | str, encoding: str) -> bytes | None:
    """None for what is not in the encoding: the exception that says so holds the secret, and ends here."""
    try:
        raw = text.encode("utf-8") if isinstance(text, str) else text
        if encoding == "utf8":
            raw.decode("utf-8")
            return raw
        return _hex(raw) if encoding == "hex" else _base64url(raw)
    except ValueError:  # UnicodeError is one
        return None


def file_notes(path: str | Path) -> tuple[tuple[Literal["error", "note"], str], ...]:
    """What the mode of a secret file says, for those who check a deployment.

    The file must be readable for us.
    """
    found: list[tuple[Literal["error", "note"], str]] = []
    read_bounded(path, limit=MAX_SECRET_BYTES, judge=lambda status: found.extend(_judged(status)))
    return tuple(found)


def _refuse_open_file(status: os.stat_result) -> None:
    for level, fault in _judged(status):
        if level == "error":
            raise messages.key_file_mode(fault, help="chown it to the user of the service, and chmod 0400 or 0440")


def _judged(status: os.stat_result) -> Iterator[tuple[Literal["error", "note"], str]]:
    """Judges the file that is open: a link, as Kubernetes makes them, is judged by where it leads."""
    if os.name != "posix":  # elsewhere the mode says nothing
        return
    if status.st_uid not in (0, os.geteuid()):  # check: K4
        yield "error", "a secret file that belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):  # check: K4
        yield "error", "a secret file that others can change"
    if status.st_mode & stat.S_IROTH:  # check: K4
        yield "error", "a secret file that others can read"
    if status.st_mode & stat.S_IRGRP:
        if status.st_gid in {os.getegid(), *os.getgroups()}:
            yield "note", "a secret file that our own group can read"
        else:
            yield "error", "a secret file that another group can read"


def _hex(raw: bytes) -> bytes:
    if not raw.isalnum():  # fromhex passes over white space
        raise ValueError
    return bytes.fromhex(raw.decode("ascii"))


def _base64url(raw: bytes) -> bytes:
    bare = raw.rstrip(b"=")
    if len(bare) != len(raw) and (len(raw) % 4 or len(raw) - len(bare) > 2):
        raise ValueError
    return base64url.decode(bare)


def _help(text: bytes | str, encoding: str) -> str | None:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if encoding == "base64url" and (b"+" in raw or b"/" in raw):
        return "it looks like base64 with `+` and `/`: write `-` and `_` instead"
    if raw.strip() != raw:
        return "there is white space around it"
    return None
