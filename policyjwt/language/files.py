"""Files that policies name. Input: a root and a path below it. Output: bytes, or why they can't be had.

Nothing outside the root is read, nothing that is no regular file is opened, nothing is read past its limit,
and a file that is swapped while it is looked at is refused.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from policyjwt.language.limits import POLICY_BYTES

_DRIVE = re.compile(r"[A-Za-z]:")


class FileFault(Exception):  # noqa: N818 - a fault of a policy's file; callers make a diagnostic of it
    """Why a file can't be had. `kind` is outside, missing, unreadable, too_large, content or no_root."""

    def __init__(self, kind: str, message: str, help: str | None = None) -> None:
        self.kind, self.message, self.help = kind, message, help
        super().__init__(message)


ReadStrings: TypeAlias = Callable[[str], tuple[tuple[str, ...], str]]
"""Reads the array of strings in the JSON file of that path.

The strings, and the SHA-256 (hex) of the file.
"""


def no_files(path: str) -> tuple[tuple[str, ...], str]:
    """The `ReadStrings` of a text that has no root."""
    raise FileFault("no_root", "this text has no root folder, so it can name no file", "load it with its root folder")


def path_fault(path: str) -> str | None:
    """Why a path as a policy writes it may lead out of its root, None if its text alone can't."""
    if path.startswith("/") or _DRIVE.match(path):
        return "is absolute"
    if "\\" in path:
        return "holds a backslash"
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        return "holds a control character"
    if ".." in path.split("/"):
        return "leads upwards"
    if not PurePosixPath(path).parts:
        return "names no file"
    return None


def read_file(root: Path, path: str, *, limit: int) -> bytes:
    """The bytes of the file `path` below `root`, at most `limit` of them. Raises `FileFault`.

    Symbolic links are followed as long as they stay below the root; what they lead to is then opened step by
    step without following any, so that nobody can put a link in between.
    """
    fault = path_fault(path)
    if fault is not None:
        raise outside(fault)
    try:
        base = Path(os.path.realpath(root, strict=True))
        target = Path(os.path.realpath(base / path, strict=True))
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    if not target.is_relative_to(base) or target == base:
        raise outside("leads out of it by a link" if target != base else "names the root itself")
    try:
        return _read_below(base, target.relative_to(base).parts, limit)
    except OSError as error:
        raise _unreadable(error) from None


class Files:
    """The files of one load: each is read once, so that what is judged by is what is kept of it."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], bytes] = {}

    def read(self, root: str, path: str, *, limit: int = 512 * 1024) -> bytes:
        """As `read_file`. The limit is that of key sets and certificates, unless another is given."""
        known = self._read.get((root, path))
        if known is None:
            known = self._read[root, path] = read_file(Path(root), path, limit=limit)
        return known


def _read_below(base: Path, parts: tuple[str, ...], limit: int) -> bytes:
    if os.open not in os.supports_dir_fd:
        return _read_plainly(base.joinpath(*parts), limit)
    folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        # Looked at before it is opened, since opening a device can do things; and again after, since it
        # may have been swapped.
        _must_be_regular(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return _read_descriptor(os.open(parts[-1], flags, dir_fd=folder), limit)
    finally:
        os.close(folder)


def _read_plainly(target: Path, limit: int) -> bytes:
    """Where a system has no descriptors of folders."""
    _must_be_regular(os.lstat(target))
    return _read_descriptor(os.open(target, os.O_RDONLY | getattr(os, "O_BINARY", 0)), limit)


def _read_descriptor(descriptor: int, limit: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        _must_be_regular(os.fstat(file.fileno()))
        content = file.read(limit + 1)
    if len(content) > limit:
        raise too_large(limit)
    return content


def too_large(limit: int) -> FileFault:
    """A file past its limit."""
    return FileFault("too_large", f"the file is larger than {limit} bytes", "split it: `import` joins files")


def _must_be_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise FileFault("unreadable", f"it is {what}", "name a regular file")


def outside(fault: str) -> FileFault:
    """A path that leads, or may lead, out of the root."""
    return FileFault("outside", f"the path {fault}", OUTSIDE_HELP)


OUTSIDE_HELP = "a path is relative to the root of the policy and stays below it: nothing else is read"


def _unreadable(error: OSError | ValueError) -> FileFault:
    if isinstance(error, ValueError):
        return FileFault("unreadable", "the path can't be read", None)
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return FileFault("missing", "there is no such file", "paths are relative to the root of the policy")
    reason = (error.strerror or "unknown reason").lower()
    return FileFault("unreadable", f"the file can't be read: {reason}", None)


# ------------------------------------------------------------------------------ let … from


def strings_below(root: Path) -> ReadStrings:
    """The `ReadStrings` for files below `root`."""

    def read(path: str) -> tuple[tuple[str, ...], str]:
        content = read_file(root, path, limit=POLICY_BYTES)
        return _strings(content), hashlib.sha256(content).hexdigest()

    return read


def _strings(content: bytes) -> tuple[str, ...]:
    """The non-empty array of different strings that a JSON file is.

    Its text is never quoted: it is no policy.
    """
    try:
        read = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _content("the file is not JSON in UTF-8") from None
    if not isinstance(read, list) or not all(isinstance(element, str) for element in read):
        raise _content("the file is not an array of strings")
    if not read:
        raise _content("the array is empty")
    if any("\ud800" <= character <= "\udfff" for text in read for character in text):
        raise _content("the file holds half of a surrogate pair")
    return tuple(dict.fromkeys(read))


def _content(message: str) -> FileFault:
    return FileFault("content", message, '`let … from` reads one array of strings: `["a", "b"]`')
