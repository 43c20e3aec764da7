"""Every row of the catalogue of attacks is a test somewhere here, or is left out for a reason that is written down.

The catalogue lies beside the checkout; where it is absent, this is skipped.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shared import ROOT, folder

GROUPS = "PHKSDCFLXOR"
_ROW = re.compile(rf"^\| ([{GROUPS}]\d\d) \|", re.MULTILINE)
_NAMED = re.compile(rf"(?<![A-Za-z0-9])([{GROUPS}]\d\d)(?![0-9])", re.IGNORECASE)

VECTORS = {
    "S08": "tests/tokens/test_vectors.py: 213 forgeries of PKCS#1 padding are among the published vectors",
    "S21": "tests/tokens/test_rfc_examples.py: the examples of the RFCs themselves",
}
"""Rows whose tests are published files, which do not name them."""

LEFT_OUT: dict[str, str] = {}


def catalogue() -> list[str]:
    """The ids of the rows, in order."""
    path = folder() / "design" / "attacks.md"
    if not path.exists():
        pytest.skip(f"the catalogue of attacks is not there: expected in {folder()}")
    return _ROW.findall(path.read_text(encoding="utf-8"))


def named() -> set[str]:
    """The ids that stand in the tests, this file aside."""
    files = (path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__).resolve())
    return {found.upper() for path in files for found in _named(path)}


def _named(path: Path) -> list[str]:
    # `test_l07_l08_…` names two rows: an underscore parts words here.
    return _NAMED.findall(path.read_text(encoding="utf-8").replace("_", " "))


def test_every_row_is_a_test_or_is_left_out_with_a_reason() -> None:
    rows = catalogue()
    assert len(rows) > 100
    answered = named() | VECTORS.keys() | LEFT_OUT.keys()
    assert [row for row in rows if row not in answered] == []


def test_what_is_left_out_is_in_the_catalogue_and_is_no_test() -> None:
    assert set(catalogue()) >= LEFT_OUT.keys() | VECTORS.keys()
    assert not named() & LEFT_OUT.keys()


def test_the_tests_that_stand_for_rows_exist() -> None:
    for said in VECTORS.values():
        assert (ROOT / said.split(":")[0]).is_file()
