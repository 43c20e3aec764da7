"""Times on the command line."""

from __future__ import annotations

import pytest

from policyjwt.cli.failure import Failure
from policyjwt.cli.times import instant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("1795435200", 1795435200.0),
        ("1795435200.5", 1795435200.5),
        ("-1", -1.0),
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("2026-11-23T12:00:00Z", 1795435200.0),
        ("2026-11-23t12:00:00z", 1795435200.0),
        ("2026-11-23 12:00:00Z", 1795435200.0),
        ("2026-11-23T12:00:00.250Z", 1795435200.25),
        ("2026-11-23T12:00:00.123456789Z", 1795435200.123456),
        ("2026-11-23", 1795392000.0),
    ],
)
def test_a_time(text: str, seconds: float) -> None:
    assert instant(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "nan", "inf", "1e9", "12:00", " 0", "9" * 16),
        *("2026-11-23T12:00:00", "2026-13-01", "2026-02-30T00:00:00Z", "2026-11-23T25:00:00Z"),
        "٢٠٢٦-11-23T12:00:00Z",
    ],
)
def test_no_time(text: str) -> None:
    with pytest.raises(Failure, match=r"^`--now` is no time$"):
        instant(text)
