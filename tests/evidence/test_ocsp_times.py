"""What the clock says of a staple: S10, S21 to S26, S29. Each boundary one second below, at it, and one above."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.evidence.ocsp import AuthenticResponse, StapleDemand, authenticate, judge_times
from tests.evidence.staples import DEMAND, PATH, PKI, judged
from tests.issuer import NOW
from tests.pki import DAY, responder, staple

YEAR = 365 * DAY


def answer(**changes: Any) -> AuthenticResponse:
    """One that is good at NOW by DEMAND."""
    given: dict[str, Any] = {
        "position": 0,
        "this_update": NOW - 600.0,
        "next_update": NOW + 3600.0,
        "produced_at": NOW - 600.0,
        "authorised": "issuer",
        "responder": PATH[1],
        "responder_not_before": None,
        "responder_not_after": None,
    }
    return AuthenticResponse(**(given | changes))


def outcome(response: AuthenticResponse, *, now: float = NOW, issued_at: float | None = None, **changes: Any) -> str:
    try:
        judge_times([response], replace(DEMAND, **changes), now=now, issued_at=issued_at)
    except TokenRefused as refused:
        return refused.code.removeprefix("staple.")
    return "met"


BOUNDARIES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    # name, changes of the response by x, changes of the demand, reason at x = 1 (x = 0 and x = -1 are met)
    ("S21", {"this_update": NOW, "produced_at": NOW}, {}, "not_yet_valid"),
    ("S21 skew", {"this_update": NOW + 30, "produced_at": NOW + 30}, {"skew": 30}, "not_yet_valid"),
    ("S22 ahead", {"produced_at": NOW}, {}, "bad_produced_at"),
    ("S22 ahead, skew", {"produced_at": NOW + 30}, {"skew": 30}, "bad_produced_at"),
]


@pytest.mark.parametrize(("name", "at", "demand", "reason"), BOUNDARIES, ids=[row[0] for row in BOUNDARIES])
@pytest.mark.parametrize("x", [-1, 0, 1])
def test_what_must_not_be_later(name: str, at: dict[str, Any], demand: dict[str, Any], reason: str, x: int) -> None:
    response = answer(**{part: value + x for part, value in at.items()})
    assert outcome(response, **demand) == (reason if x > 0 else "met"), name


@pytest.mark.parametrize("skew", [0, 30])
@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s22_signed_before_the_answer_was_known(skew: int, x: int) -> None:
    response = answer(produced_at=NOW - 600 - skew - x)
    assert outcome(response, skew=skew) == ("bad_produced_at" if x > 0 else "met")


@pytest.mark.parametrize("skew", [0, 30])
@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s10_and_s22_the_responders_validity(skew: int, x: int) -> None:
    """The end and the beginning, against now and against the moment of signing."""
    within = {"responder_not_before": NOW - YEAR, "responder_not_after": NOW + YEAR, "authorised": "delegated"}
    over = x > 0
    ended = answer(**within | {"responder_not_after": NOW - skew - x})
    assert outcome(ended, skew=skew) == ("responder_expired" if over else "met")
    begins = answer(**within | {"responder_not_before": NOW + skew + x, "this_update": NOW, "produced_at": NOW})
    assert outcome(begins, skew=skew) == ("responder_expired" if over else "met")
    early = answer(**within | {"responder_not_before": NOW - 600 + skew + x})
    assert outcome(early, skew=skew) == ("bad_produced_at" if over else "met")


@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s22_signed_after_the_responder_had_expired(x: int) -> None:
    """With a skew the responder may have ended before now, and the signature may be later than that end by it."""
    response = answer(
        authorised="delegated",
        responder_not_before=NOW - YEAR,
        responder_not_after=NOW - 30,
        produced_at=NOW + x,
        this_update=NOW - 600,
    )
    assert outcome(response, skew=30) == ("bad_produced_at" if x > 0 else "met")


def test_s23_next_update_missing() -> None:
    response = answer(next_update=None)
    assert outcome(response) == "no_next_update"
    assert outcome(response, next_update_needed=False) == "met"
    assert outcome(response, next_update_needed=False, max_age=599) == "stale"


@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s24_next_update_is_after_this_update(x: int) -> None:
    """Equal is refused too: such an answer never holds. The skew does not count here."""
    response = answer(this_update=NOW, produced_at=NOW, next_update=NOW + x)
    assert outcome(response, skew=30) == ("met" if x > 0 else "bad_window")


@pytest.mark.parametrize("window", [7200, 10 * DAY])
@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s24_how_far_ahead(window: int, x: int) -> None:
    response = answer(next_update=NOW - 600 + window + x)
    assert outcome(response, max_window=window, skew=30) == ("bad_window" if x > 0 else "met")


@pytest.mark.parametrize("skew", [0, 30])
@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s25_next_update_has_passed(skew: int, x: int) -> None:
    response = answer(next_update=NOW - skew - x)
    assert outcome(response, skew=skew) == ("expired" if x > 0 else "met")


@pytest.mark.parametrize("skew", [0, 30])
@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s26_older_than_the_policy_allows(skew: int, x: int) -> None:
    response = answer(this_update=NOW - 900 - skew - x, produced_at=NOW)
    assert outcome(response, max_age=900, skew=skew) == ("stale" if x > 0 else "met")


@pytest.mark.parametrize("skew", [0, 30])
@pytest.mark.parametrize("x", [-1, 0, 1])
def test_s29_older_than_the_token(skew: int, x: int) -> None:
    issued_at = NOW - 600 + skew + x
    assert outcome(answer(), skew=skew, after_token=True, issued_at=issued_at) == ("before_token" if x > 0 else "met")
    assert outcome(answer(), skew=skew, issued_at=issued_at) == "met"


def test_s29_a_token_that_does_not_say_when() -> None:
    assert outcome(answer(), after_token=True) == "before_token"


def until(response: AuthenticResponse, **changes: Any) -> float:
    return judge_times([response], replace(DEMAND, **changes), now=NOW, issued_at=None)


def test_until_when_a_judgement_holds() -> None:
    assert until(answer()) == NOW - 600 + 3600
    assert until(answer(), skew=30) == NOW - 600 + 3600 + 30
    assert until(answer(), max_age=7200) == NOW + 3600
    assert until(answer(), max_age=7200, skew=30) == NOW + 3630
    delegated = answer(authorised="delegated", responder_not_before=NOW - DAY, responder_not_after=NOW + 60)
    assert until(delegated) == NOW + 60
    assert until(delegated, skew=30) == NOW + 90
    assert until(answer(next_update=None), next_update_needed=False) == NOW + 3000
    both = judge_times([answer(), answer(next_update=NOW + 5)], DEMAND, now=NOW, issued_at=None)
    assert both == NOW + 5


def test_each_of_several_is_judged() -> None:
    for several in ([answer(), answer(next_update=NOW - 1)], [answer(next_update=NOW - 1), answer()]):
        with pytest.raises(TokenRefused) as caught:
            judge_times(several, DEMAND, now=NOW, issued_at=None)
        assert caught.value.code == "staple.expired"


def test_nothing_is_no_evidence() -> None:
    with pytest.raises(TokenRefused) as caught:
        judge_times([], DEMAND, now=NOW, issued_at=None)
    assert caught.value.code == "staple.missing"


def bad(part: str, value: Any) -> dict[str, Any]:
    return {part: value}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_of_chance(value: float) -> None:
    with pytest.raises(ValueError, match="now is not finite"):
        judge_times([answer()], DEMAND, now=value, issued_at=None)
    with pytest.raises(ValueError, match="issued_at is not finite"):
        judge_times([answer()], DEMAND, now=NOW, issued_at=value)
    for part in ("max_age", "skew", "max_window"):
        with pytest.raises(ValueError, match=f"{part} is not finite"):
            replace(DEMAND, **bad(part, value))


@pytest.mark.parametrize("value", [True, "60", None, 1j])
def test_no_number_at_all(value: Any) -> None:
    for part in ("max_age", "skew", "max_window"):
        with pytest.raises(TypeError, match=f"{part} is a number of seconds"):
            replace(DEMAND, **bad(part, value))
    with pytest.raises(TypeError, match="now"):
        judge_times([answer()], DEMAND, now=value, issued_at=None)


def test_no_negative_limits() -> None:
    for part in ("max_age", "skew", "max_window"):
        with pytest.raises(ValueError, match=f"{part} is negative"):
            replace(DEMAND, **bad(part, -1))
    assert StapleDemand(max_age=0).max_age == 0


OFFSETS = st.integers(-20 * DAY, 20 * DAY)


@given(
    st.builds(
        answer,
        this_update=OFFSETS.map(lambda offset: NOW + offset),
        next_update=st.none() | OFFSETS.map(lambda offset: NOW + offset),
        produced_at=OFFSETS.map(lambda offset: NOW + offset),
        responder_not_before=st.none() | st.just(NOW - YEAR),
        responder_not_after=st.none() | OFFSETS.map(lambda offset: NOW + offset),
    ),
    st.integers(0, DAY),
    st.sampled_from([0, 30]),
)
def test_a_judgement_holds_until_its_end_and_not_longer(response: AuthenticResponse, age: int, skew: int) -> None:
    demand = replace(DEMAND, max_age=age, skew=skew, next_update_needed=False)
    try:
        end = judge_times([response], demand, now=NOW, issued_at=None)
    except TokenRefused:
        return
    assert end >= NOW
    assert judge_times([response], demand, now=end, issued_at=None) == end
    with pytest.raises(TokenRefused):
        judge_times([response], demand, now=end + 1, issued_at=None)


def test_the_times_are_those_of_the_response() -> None:
    """From real bytes: what is signed is what is judged."""
    delegate = responder(PKI.intermediate, begins=NOW - 700, ends=NOW + 700)
    der = staple(PKI.leaf, signer=delegate, this_update=NOW - 60, next_update=NOW + 61, produced_at=NOW - 59)
    (found,) = authenticate([der], PATH, DEMAND, cover="leaf")
    assert (found.this_update, found.next_update, found.produced_at) == (NOW - 60, NOW + 61, NOW - 59)
    assert (found.responder_not_before, found.responder_not_after) == (NOW - 700, NOW + 700)
    assert (found.authorised, found.position) == ("delegated", 0)
    assert judged(der, now=NOW + 61) == "met"
    assert judged(der, now=NOW + 62) == "expired"
    assert judged(der, now=NOW + 701, next_update_needed=False) == "responder_expired"


def texts(response: AuthenticResponse, **changes: Any) -> tuple[str, str]:
    with pytest.raises(TokenRefused) as caught:
        judge_times([response], replace(DEMAND, **changes), now=NOW, issued_at=NOW)
    return caught.value.actual, caught.value.expected


def test_the_texts_say_what_came_and_what_was_expected() -> None:
    assert texts(answer(), max_age=300, skew=30) == (
        "the OCSP response is 10m old",
        "at most 5m old, with 30s for clock skew",
    )
    assert texts(answer(next_update=NOW - 60)) == (
        "the OCSP response was to be replaced 1m ago",
        "a response before its nextUpdate",
    )
    assert texts(answer(next_update=NOW + 11 * DAY))[0] == "the OCSP response looks 11d 10m ahead"
    assert texts(answer(this_update=NOW + 5))[0] == "the OCSP response becomes valid 5s from now"
    assert texts(answer(produced_at=NOW + 5))[0] == "the OCSP response was signed 5s from now"
    assert texts(answer(produced_at=NOW - 605))[0] == "the OCSP response was signed 5s before its answer was known"
    assert texts(answer(), after_token=True)[0] == "the OCSP response is 10m older than the token"
    assert texts(answer(responder_not_after=NOW - 5))[0] == "the responder's certificate expired 5s ago"
    assert texts(answer(responder_not_before=NOW + 5))[0] == "the responder's certificate becomes valid 5s from now"
