"""Settings of the command line: `policyjwt.toml`, or `[tool.policyjwt]` in pyproject.toml. Input: a folder.

They say what to read and how to show it. No setting changes a decision or silences a finding.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyjwt.cli.failure import Failure
from policyjwt.reports.terminal import visible

COLOURS = ("auto", "always", "never")
FORMATS = ("text", "concise", "json", "sarif", "github", "markdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`paths` are what `validate` reads, `format` and `color` the defaults of the options of that name."""

    paths: tuple[str, ...] = ()
    format: str | None = None
    color: str = "auto"


def find(folder: Path) -> Settings:
    """The settings of the nearest folder upwards that has a settings file. Failure if they are wrong."""
    for place in (folder, *folder.parents):
        own, project = place / "policyjwt.toml", place / "pyproject.toml"
        if own.is_file():
            return _settings(_read(own), own)
        if project.is_file():
            table = _read(project).get("tool", {})
            given = table.get("policyjwt", {}) if isinstance(table, dict) else {}
            return _settings(given, project)
    return Settings()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise Failure(f"the settings file `{visible(str(path))}` can't be read: {reason}") from None
    except tomllib.TOMLDecodeError as fault:
        raise Failure(f"the settings file `{visible(str(path))}` is no TOML: {visible(str(fault))}") from None


def _settings(given: object, file: Path) -> Settings:
    where = f"the settings in `{visible(str(file))}`"
    if not isinstance(given, dict):
        raise Failure(f"{where} are no table")
    known = {"paths", "format", "color"}
    for name in given:
        if name not in known:
            raise Failure(f"{where} have an unknown key `{visible(name)}`", help=_did_you_mean(name, known))
    paths = given.get("paths", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        raise Failure(f"{where}: `paths` is a list of texts")
    form, color = given.get("format"), given.get("color", "auto")
    if form is not None and form not in FORMATS:
        raise Failure(f"{where}: `format` is one of {', '.join(FORMATS)}")
    if color not in COLOURS:
        raise Failure(f"{where}: `color` is one of {', '.join(COLOURS)}")
    return Settings(paths=tuple(_below(file.parent, path) for path in paths), format=form, color=color)


def _below(folder: Path, path: str) -> str:
    """`path`, relative to the settings file, as it reads from the current folder where that is possible."""
    whole = folder / path
    try:
        return str(whole.relative_to(Path.cwd()))
    except ValueError:
        return str(whole)


def _did_you_mean(name: str, known: set[str]) -> str:
    from policyjwt.language.suggest import closest

    meant = closest(name, sorted(known))
    hint = f"did you mean `{meant}`? " if meant else ""
    return f"{hint}known are {', '.join(f'`{key}`' for key in sorted(known))}"
