"""Runs the command line inside the test: the same function that the program runs, with its own streams."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from policyjwt.cli.main import run


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Cli = Callable[..., Ended]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ended]:
    """`cli("validate", "policies", stdin=b"")` in an empty folder without settings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policyjwt.toml").write_text("")

    def call(*arguments: str | Path, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        status = run([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        return Ended(int(status), streams.out, streams.err)

    return call
