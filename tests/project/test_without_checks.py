"""Every check of the tables is there, and is missed when it is taken out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.project.without_checks import Check, checks, copied, is_missed

TABLES = (
    *(f"J{number}" for number in range(1, 11)),
    *(f"P{number}" for number in range(1, 10)),
    *(f"S{number}" for number in range(1, 32) if number != 30),
    *(f"C{number}" for number in range(1, 7)),
    *(f"T{number}" for number in range(1, 8)),
    *(f"D{number}" for number in range(1, 16) if number != 14),
    *(f"M{number}" for number in range(1, 7)),
    *(f"K{number}" for number in range(1, 11)),
    *(f"E{number:02}" for number in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 17, 18, 19, 20, 26)),
)
"""The checks of certificates (J, P), staples (S), revocation lists (C), status lists (T), proofs of the holder (D),
certificates of clients (M), keys (K), and encrypted tokens (E, by the number of the attack that each answers). S30, a
nonce of the responder for each token, has no spelling in the language; D14, that a proof comes once, is the replay
store's matter."""

ALL = list(checks())


def test_every_check_of_the_tables_is_tagged() -> None:
    assert set(TABLES) - {check.id for check in ALL} == set()


def test_every_check_can_be_taken_out() -> None:
    for check in ALL:
        ast.parse(check.spoilt)
        assert "# check: " in check.spoilt


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("copy"))


@pytest.mark.long
@pytest.mark.parametrize("check", ALL, ids=[f"{check.id}-{check.path}-{check.line}" for check in ALL])
def test_it_is_missed(check: Check, copy: Path) -> None:
    assert is_missed(check, copy)
