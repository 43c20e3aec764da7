"""The shared cases of diagnostics: an independent reading of what `validate` must find."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policyjwt.checker.check import check
from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.language.load import load_paths
from tests.shared import cases

NOW = datetime(2026, 11, 23, tzinfo=UTC).timestamp()

LEFT_OUT: dict[str, str] = {}
"""Cases that are not judged, by id, each with the reason."""

_CASES: list[dict[str, Any]] = cases("diagnostics.json")


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["id"])
def test_validate_finds_what_the_case_says(case: dict[str, Any], tmp_path: Path) -> None:
    if case["id"] in LEFT_OUT:
        pytest.skip(LEFT_OUT[case["id"]])
    diagnostics = _diagnostics(case, tmp_path)
    wanted = case["want"]
    shown = "\n".join(f"{d.span.line}: {d.code} {d.level} {d.message}" for d in diagnostics)
    for entry in wanted:
        assert any(_answers(d, entry) for d in diagnostics), f"missing {entry}, found:\n{shown}"
    if not any(entry["level"] == "error" for entry in wanted):
        errors = [d for d in diagnostics if d.level is Level.ERROR]
        beyond = [d for d in errors if not any(_answers(d, entry) for entry in wanted)]
        assert not beyond, f"errors that the case does not know:\n{shown}"


def _diagnostics(case: dict[str, Any], root: Path) -> tuple[Diagnostic, ...]:
    (root / "policyjwt.toml").write_bytes(b"")
    for name, content in case.get("files", {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    path = root / "case.policy"
    path.write_bytes(case["policy"].encode())
    return check(load_paths([path]), now=NOW).diagnostics


def _answers(diagnostic: Diagnostic, entry: dict[str, Any]) -> bool:
    level = entry["level"] in {"any", diagnostic.level.value}
    return level and (entry.get("place") == "loose" or diagnostic.span.line == entry["line"])


def test_every_case_that_is_left_out_exists() -> None:
    assert LEFT_OUT.keys() <= {case["id"] for case in _CASES}
