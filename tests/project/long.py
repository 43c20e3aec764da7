"""Runs the tests that take long, one by one, and goes on where it was stopped (`make long`).

What has passed is noted for this state of the sources; a change of any source file starts anew.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.shared import ROOT

STATE = ROOT / "build" / "long"
SOURCES = ("policyjwt", "tests", "grammar", "policies", "pyproject.toml")


def digest() -> str:
    """One number for the state of everything that a test may depend on."""
    found = hashlib.sha256()
    for name in SOURCES:
        path = ROOT / name
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            if "__pycache__" not in file.parts:
                found.update(f"{file.relative_to(ROOT)}\0".encode())
                found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]


def collected() -> list[str]:
    """The names of all long tests."""
    # The options of pyproject.toml are quieter still, and would print counts in place of names.
    run = _pytest("-o", "addopts=", "-m", "long", "--collect-only", "-q", capture=True)
    return [line for line in run.stdout.splitlines() if "::" in line]


def _pytest(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, "HYPOTHESIS_PROFILE": "long"},
        capture_output=capture,
        text=True,
        check=False,
    )


def main() -> int:
    """Run what has not passed yet; the status is 1 if anything failed."""
    STATE.mkdir(parents=True, exist_ok=True)
    noted = STATE / digest()
    passed = set(noted.read_text().splitlines()) if noted.exists() else set()
    names = collected()
    if not names:
        return _say("no test is marked long", 0)
    failed = 0
    for number, name in enumerate(names, start=1):
        if name in passed:
            continue
        _say(f"{number}/{len(names)} {name}", 0)
        if _pytest(name).returncode:
            failed += 1
            continue
        with Path(noted).open("a") as notes:
            notes.write(f"{name}\n")
    return _say(f"{len(names) - failed} of {len(names)} long tests have passed", int(failed > 0))


def _say(text: str, status: int) -> int:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
