"""Literals: each is exactly what it says, or refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.language import values
from policyjwt.language.values import ValueFault

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, st.booleans())
def test_a_string_is_read_as_json_reads_it(text: str, ascii_only: bool) -> None:  # noqa: FBT001 - drawn, not passed
    read, offsets = values.string(json.dumps(text, ensure_ascii=ascii_only))
    assert read == text
    assert len(offsets) == len(text) + 1


@given(st.text(st.sampled_from('\\u"bfnrtD8dE0x /ab'), max_size=12))
def test_an_escape_is_read_as_json_reads_it_or_refused(inside: str) -> None:
    token = f'"{inside}"'
    try:
        expected = json.loads(token, strict=False)
    except ValueError:
        expected = None
    if expected is None or any("\ud800" <= character <= "\udfff" for character in expected):
        if '"' not in inside.replace("\\\\", "").replace('\\"', "") and not inside.endswith("\\"):
            with pytest.raises(ValueFault):
                values.string(token)
        return
    assert values.string(token)[0] == expected


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\u0000"', "\0"),
        (r'"\/"', "/"),
        (r'"caf\u00e9"', "café"),
        (r'"\\u0041"', r"\u0041"),
    ],
)
def test_escapes(token: str, text: str) -> None:
    assert values.string(token)[0] == text


@pytest.mark.parametrize("token", [r'"\ud83d"', r'"\ude00"', r'"\ude00\ud83d"', r'"\ud83d\u0041"', r'"\ud83dx"'])
def test_half_a_surrogate_pair_is_refused(token: str) -> None:
    with pytest.raises(ValueFault, match="half of a surrogate pair"):
        values.string(token)


@given(st.integers())
def test_integers_are_exact(number: int) -> None:
    read = values.number(str(number))
    assert type(read) is int
    assert read == number


@given(st.floats(min_value=1e-4, max_value=1e15))
def test_fractions_are_exact(number: float) -> None:
    text = f"{number:f}" if "e" in repr(number) else repr(number)
    try:
        read = values.number(text)
    except ValueFault as fault:
        assert "digits" in fault.message  # noqa: PT017 - only some numbers are refused
        return
    assert type(read) is float
    assert read == float(text)


@pytest.mark.parametrize("token", ["9007199254740993.0", "0.1000000000000000055", "1" * 400, "1" * 400 + ".0"])
def test_numbers_that_can_not_be_held_are_refused(token: str) -> None:
    with pytest.raises(ValueFault):
        values.number(token)


@pytest.mark.parametrize(
    ("token", "seconds"),
    [("0s", 0), ("5s", 5), ("5m", 300), ("12h", 43200), ("1d", 86400), ("36500d", 36500 * 86400)],
)
def test_durations(token: str, seconds: int) -> None:
    assert values.duration(token) == seconds


@pytest.mark.parametrize("token", ["36501d", "3153600001s", "9" * 30 + "d", "9" * 5000 + "s", "01m", "00s"])
def test_durations_that_are_none(token: str) -> None:
    with pytest.raises(ValueFault):
        values.duration(token)


@given(st.dates())
def test_dates(day: date) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert values.day(day.isoformat()) == (midnight - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


@pytest.mark.parametrize(
    ("token", "help"),
    [
        ("2027-02-29", "that month has 28 days"),
        ("2028-02-30", "that month has 29 days"),
        ("2100-02-29", "that month has 28 days"),
        ("2027-04-31", "that month has 30 days"),
        ("9999-12-32", "that month has 31 days"),
        ("2027-00-10", "a date is year, month, day: months run from 01 to 12"),
        ("2027-13-01", "a date is year, month, day: months run from 01 to 12"),
        ("2027-01-00", "days run from 01"),
        ("0000-01-01", "years run from 0001 to 9999"),
    ],
)
def test_dates_that_no_calendar_has(token: str, help: str) -> None:
    with pytest.raises(ValueFault, match="there is no such date") as raised:
        values.day(token)
    assert raised.value.help == help


@pytest.mark.parametrize(
    ("token", "text", "offsets"),
    [
        (r"/ab/", "ab", (1, 2, 3)),
        (r"/a\/b/", "a/b", (1, 2, 4, 5)),
        (r"/a\\\/b/", r"a\\/b", (1, 2, 3, 4, 6, 7)),
        (r"/\d[/]/", r"\d[/]", (1, 2, 3, 4, 5, 6)),
    ],
)
def test_patterns(token: str, text: str, offsets: tuple[int, ...]) -> None:
    assert values.pattern(token) == (text, offsets)
