"""`allow CODE because …`: which diagnostics it silences, and which it never does."""

from __future__ import annotations

import pytest

from policyjwt.diagnostics import Level
from tests.checker.findings import checked, codes, messages
from tests.checker.policy_text import policy

OPEN = 'require a starts with "ab"'
"""A rule with the warning PJ968."""


def test_a_warning_of_the_statement_below_is_silenced() -> None:
    assert codes(policy(OPEN)) == ["13 PJ968"]
    assert codes(policy('allow PJ968 because "all of these"', OPEN)) == []


def test_only_of_the_statement_below() -> None:
    assert codes(policy('allow PJ968 because "x"', OPEN, 'require b starts with "ab"')) == ["15 PJ968"]
    assert codes(policy('allow PJ968 because "x"', 'require c == "c"', OPEN)) == ["13 PJ902", "15 PJ968"]


def test_only_of_this_code() -> None:
    assert codes(policy('allow PJ967 because "x"', OPEN)) == ["13 PJ902", "14 PJ968"]


def test_several_stand_above_one_statement() -> None:
    rule = 'require a starts with "ab" or b == claim.c'
    assert codes(policy(rule)) == ["13 PJ968", "13 PJ506"]
    assert codes(policy('allow PJ506 because "x"', 'allow PJ968 because "x"', rule)) == []


def test_above_a_policy_it_is_about_its_first_line() -> None:
    text = policy(OPEN, provides="").replace("policyjwt 1\n", 'policyjwt 1\nallow PJ903 because "reads nothing"\n', 1)
    assert codes(text) == ["14 PJ968"]


def test_within_a_section() -> None:
    freshness = 'freshness {\n  allow PJ906 because "batch"\n  lifetime at most 2d  skew at most 0s }'
    assert codes(policy(freshness=freshness)) == []


@pytest.mark.parametrize(("code", "kind"), [("PJ300", "an error"), ("PJ905", "a note")])
def test_errors_and_notes_stay(code: str, kind: str) -> None:
    assert messages(policy(f'allow {code} because "x"', OPEN)) == [
        f"PJ901 {code!r} `{code}` is {kind}; only warnings can be allowed",
        f"PJ968 {OPEN.removeprefix('require ')!r} " + checked(policy(OPEN)).diagnostics[0].message,
    ]


def test_an_unknown_code_may_be_a_misspelling() -> None:
    (unknown, _) = checked(policy('allow PJ986 because "x"', OPEN)).diagnostics
    assert (unknown.code, unknown.level, unknown.message) == ("PJ900", Level.ERROR, "there is no diagnostic `PJ986`")
    assert unknown.help == "did you mean `PJ968`?"


def test_where_not_all_was_checked_an_idle_allow_proves_nothing() -> None:
    assert codes(policy('allow PJ968 because "x"', 'require a == "x"', "confidential phone")) == ["15 PJ320"]


def test_dates_are_errors() -> None:
    text = policy('allow PJ951 because "x"', 'observe a == "x" until 2020-01-01')
    assert codes(text) == ["13 PJ901", "14 PJ951"]
