"""`make long` goes on where it was stopped, and starts anew when a source has changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.project import long


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The tests that were run, with one of three failing for now."""
    found: list[str] = []

    def run(name: str) -> subprocess.CompletedProcess[str]:
        found.append(name)
        return subprocess.CompletedProcess([name], int(name == "t::b" and found.count(name) == 1))

    monkeypatch.setattr(long, "STATE", tmp_path / "long")
    monkeypatch.setattr(long, "collected", lambda: ["t::a", "t::b", "t::c"])
    monkeypatch.setattr(long, "digest", lambda: "one")
    monkeypatch.setattr(long, "_pytest", run)
    return found


def test_what_has_passed_is_not_run_again(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert long.main() == 1
    assert runs == ["t::a", "t::b", "t::c"]
    assert long.main() == 0
    assert runs[3:] == ["t::b"]
    assert long.main() == 0
    assert runs[4:] == []
    monkeypatch.setattr(long, "digest", lambda: "two")
    assert long.main() == 0
    assert runs[4:] == ["t::a", "t::b", "t::c"]


def test_the_digest_is_of_the_sources() -> None:
    assert long.digest() == long.digest()
    assert len(long.digest()) == 16
