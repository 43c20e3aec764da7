"""The project speaks to its users: nothing of where and how it was made stands in it, nothing unfinished."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

# Put together here, so that this file does not hold what it looks for.
FORBIDDEN = re.compile(
    "|".join(
        [
            "/wo" + "rk/",
            r"\bissue[s]? " + r"#?[0-9]",
            r"\bhelp" + r"ers?\b",
            "design" + " file",
            r"(?-i:\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b)",
            "BEGIN [A-Z ]*PRIV" + "ATE KEY-----\n[A-Za-z0-9+/]",
        ]
    ),
    re.IGNORECASE,
)
BINARY = {".png", ".ico", ".gz"}


def files() -> Iterator[Path]:
    """All that is, or is about to be, part of the repository."""
    run = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if run.returncode:
        pytest.skip("this is no git checkout")
    for name in run.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.suffix not in BINARY:
            yield path


def test_no_word_that_is_not_for_users() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()!r}"
        for path in files()
        for match in FORBIDDEN.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_no_registry_is_named() -> None:
    """Which registry packages come from is for the machine's settings to say."""
    hosts = re.compile(r"pypi\.org|pythonhosted|test\.pypi|--index-url|--extra-index-url")
    where = [
        ROOT / "Makefile",
        ROOT / ".ci" / "run",
        ROOT / "pyproject.toml",
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
    ]
    assert [path.name for path in where if hosts.search(path.read_text(encoding="utf-8"))] == []


def test_the_version_stands_in_two_places_and_is_one() -> None:
    import tomllib

    from policyjwt import __version__

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__
