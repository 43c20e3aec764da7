"""Which files are policies, and what their root is.

Input: a path as people give it. Output: files with their names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT_FILES = ("policyjwt.toml", "pyproject.toml")
SUFFIX = ".policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A policy file: where it really is, how people know it, its root, and whether it was asked for."""

    real: Path
    shown: str
    root: Path
    asked: bool


def find(path: Path) -> tuple[Named, ...]:
    """The policy at `path`, or those under it; and, not asked for, the others of the same roots.

    Raises OSError, ValueError.

    A named file must end in `.policy`, since what is no policy is neither parsed nor quoted.
    """
    asked = tuple(_under(path)) if path.is_dir() else (_one(path),)
    found = {each.real: each for each in asked}
    for root in dict.fromkeys(each.root for each in asked):
        for file in policies_under(root):
            if file not in found:
                found[file] = Named(real=file, shown=shown(file, like=path), root=root_of(file), asked=False)
    return tuple(found.values())


def root_of(file: Path, *, within: Path | None = None) -> Path:
    """The nearest folder above with a root file, else the file's own.

    `within` is a root whatever it holds.
    """
    for folder in file.parents:
        if folder == within or has_root_file(folder):
            return folder
    return file.parent


def has_root_file(folder: Path) -> bool:
    """Whether a folder says that it is a root."""
    return any((folder / name).is_file() for name in ROOT_FILES)


def policies_under(folder: Path) -> Iterator[Path]:
    """All policies under a folder, sorted, without hidden folders and folders that are roots themselves."""
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.endswith(SUFFIX) and not entry.is_dir():
            yield folder / entry.name
    for entry in entries:
        inner = folder / entry.name
        # A link to a folder is not followed: it may lead out, or back.
        if entry.name.startswith(".") or not entry.is_dir(follow_symlinks=False):
            continue
        if not has_root_file(inner):
            yield from policies_under(inner)


def shown(file: Path, *, like: Path) -> str:
    """The name of a file that nobody named: absolute if `like` is, else relative to where we are."""
    if like.is_absolute():
        return str(file)
    try:
        return os.path.relpath(file)
    except ValueError:  # on another drive
        return str(file)


def _one(path: Path) -> Named:
    # The folder is resolved, the file is not: a link out of the root is found when it is read.
    real = Path(os.path.realpath(path.parent, strict=True)) / path.name
    os.stat(real)
    if not path.name.endswith(SUFFIX):
        raise OSError(0, f"its name does not end in {SUFFIX}")
    return Named(real=real, shown=str(path), root=root_of(real), asked=True)


def _under(path: Path) -> Iterator[Named]:
    folder = Path(os.path.realpath(path, strict=True))
    for file in policies_under(folder):
        yield Named(real=file, shown=str(path / file.relative_to(folder)), root=root_of(file), asked=True)
