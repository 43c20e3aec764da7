"""What the builder says about policies with faults: each `.policy` of the folder has its `.txt`, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language.golden import FOLDER, of_file

POLICIES = sorted(FOLDER.glob("*.policy"))


@pytest.mark.parametrize("policy", [pytest.param(path, id=path.stem) for path in POLICIES])
def test_every_fault_is_told_as_expected(policy: Path) -> None:
    assert of_file(policy) == policy.with_suffix(".txt").read_text(encoding="utf-8")


def test_there_are_policies() -> None:
    assert len(POLICIES) >= 10
