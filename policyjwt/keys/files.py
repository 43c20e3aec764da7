"""Files with keys. Input: a path. Output: bytes or a KeySet, or KeyRefused. Bounded, and never blocks.

The path is one that a policy or the command line names; whether a policy may name it is judged where
policies are read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from policyjwt.tokens import messages
from policyjwt.tokens.keyset import KeySet
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES


def read_jwks(path: str | Path, *, reference: str | None = None) -> KeySet:
    """The public keys of a JWKS file. A shared secret in it is refused as a private key would be."""
    return parse_jwks(read_bounded(path, limit=MAX_KEY_SET_BYTES), reference=reference)


def parse_jwks(data: bytes, *, reference: str | None = None) -> KeySet:
    """The public keys of what was read from a JWKS file."""
    keys = KeySet.from_jwks(data, reference=reference)
    if any(key.symmetric for key in keys.keys):  # check: K8
        raise messages.key_private("a shared secret in a file of public keys")
    return keys


def read_pem(path: str | Path, *, reference: str | None = None) -> KeySet:
    """The public keys and certificates of a PEM file."""
    return KeySet.from_pem(read_bounded(path, limit=MAX_KEY_SET_BYTES), reference=reference)


def read_bounded(path: str | Path, *, limit: int, judge: Callable[[os.stat_result], None] = lambda _: None) -> bytes:
    """The bytes of a regular file, links resolved.

    `judge` sees the status of the file that was opened, and may refuse.

    KeyRefused `key.not_found` for a file that is absent or not readable, `key.malformed` for one that is
    longer than `limit`, `key.file_mode` for a pipe, a device or a folder: opened without waiting, so that
    none of them can block.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as failed:  # ValueError: a NUL in the path
        raise messages.key_not_found(_why(failed)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise messages.key_file_mode("a key file that is no regular file")
        judge(status)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as failed:
        raise messages.key_not_found(_why(failed)) from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise messages.key_malformed(f"a key file of more than {limit} bytes")
    return data


def _why(failed: OSError | ValueError) -> str:
    if isinstance(failed, FileNotFoundError):
        return "the key file does not exist"
    if isinstance(failed, PermissionError):
        return "the key file may not be read"
    if isinstance(failed, IsADirectoryError):
        return "the key file is a folder"
    return "the key file can't be read"
