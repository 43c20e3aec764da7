"""Material for tests that lies beside the checkout: cases as JSON, test vectors as files.

It stands in `../shared`, or where POLICYJWT_SHARED points. Where it is absent, the tests that need it are
skipped and say so.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""


def folder() -> Path:
    """Where the cases and vectors are; it need not exist."""
    return Path(os.environ.get("POLICYJWT_SHARED") or ROOT.parent / "shared")


def cases(name: str) -> Any:
    """The JSON of the case file `name`, for example `expressions.json`."""
    return json.loads(_existing("cases", name).read_text(encoding="utf-8"))


def vectors(path: str) -> Path:
    """The test vector file or folder `path`, for example `wycheproof/json_web_signature_test.json`."""
    return _existing("vectors", path)


def _existing(part: str, name: str) -> Path:
    path = folder() / part / name
    if not path.exists():
        # Modules call this while they are collected, to make one test of each case.
        pytest.skip(f"{part}/{name} is not there: expected in {folder()}", allow_module_level=True)
    return path
