"""When a source is fetched again: every pause, its bounds, and what is remembered of kids."""

from __future__ import annotations

import itertools

import pytest

from policyjwt.keys.pace import KIDS, Pace

DAY = 86_400.0


def pace(*, stale: float = DAY, chance: float = 0.0) -> Pace:
    return Pace(stale=stale, random=lambda: chance)


def fetched(one: Pace, now: float, *, max_age: int | None = None) -> None:
    one.begin(now)
    one.succeed(now, max_age)


def failed(one: Pace, now: float) -> None:
    one.begin(now)
    one.fail(now)


def test_the_first_is_at_once() -> None:
    assert pace().next(7.0) == 7.0
    asked = pace()
    asked.want("k", 7.0)
    assert asked.next(7.0) == 7.0


@pytest.mark.parametrize(
    ("max_age", "stale", "pause"),
    [
        (None, DAY, 300),
        (-5, DAY, 60),
        (0, DAY, 60),
        (59, DAY, 60),
        (60, DAY, 60),
        (61, DAY, 61),
        (3599, DAY, 3599),
        (3600, DAY, 3600),
        (3601, DAY, 3600),
        (10**9 - 1, DAY, 3600),
        (None, 601, 300),
        (None, 600, 300),
        (None, 598, 299),
        (3600, 600, 300),
        (60, 100, 50),
        (None, 2, 1),
        (None, 1, 1),
    ],
)
def test_the_regular_pause(max_age: int | None, stale: float, pause: float) -> None:
    one = pace(stale=stale)
    fetched(one, 1000.0, max_age=max_age)
    assert one.next(1000.0) == 1000.0 + pause


@pytest.mark.parametrize(("chance", "least", "most"), [(0.0, 300, 300), (0.5, 285, 285), (0.9999, 270, 270.01)])
def test_chance_makes_the_regular_pause_shorter_by_a_tenth_at_most(chance: float, least: float, most: float) -> None:
    one = pace(chance=chance)
    fetched(one, 0.0)
    assert least <= one.next(0.0) <= most


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.9999])
def test_the_pauses_after_failures(chance: float) -> None:
    one, now, pauses = pace(chance=chance), 0.0, []
    for _ in range(40):
        failed(one, now)
        pauses.append(one.next(now) - now)
        now = one.next(now)
    bounds = [30, 60, 120, 240, *[300] * 36]
    assert all(bound <= round(pause, 6) <= bound * 1.1 for bound, pause in zip(bounds, pauses, strict=True))
    assert one.failures == 40
    fetched(one, now)
    assert one.failures == 0
    failed(one, now)
    assert 30 <= one.next(now) - now <= 33, "a success begins them anew"


def test_what_is_wanted_waits_for_the_cool_down() -> None:
    one = pace()
    fetched(one, 0.0)
    assert one.want("k", 1.0)
    assert not one.want("l", 1.0), "one fetch is for all"
    assert [one.next(now) for now in (1.0, 29.9, 30.0, 31.0)] == [30.0, 30.0, 30.0, 31.0]


def test_the_cool_down_counts_from_the_end_of_the_attempt() -> None:
    one = pace()
    one.begin(0.0)
    one.succeed(20.0, None)
    one.want("k", 21.0)
    assert one.next(21.0) == 50.0


def test_what_is_wanted_never_makes_it_later() -> None:
    one = pace(stale=20.0)
    fetched(one, 0.0)
    one.want("k", 0.0)
    assert one.next(0.0) == 10.0


def test_what_is_wanted_never_shortens_the_pause_after_failures() -> None:
    one = pace()
    failed(one, 0.0)
    failed(one, 30.0)
    one.want("k", 30.0)
    assert one.next(89.0) == 90.0


def test_a_kid_that_a_fetch_did_not_bring_asks_no_more() -> None:
    one = pace()
    fetched(one, 0.0)
    one.want("k", 1.0)
    fetched(one, 30.0)
    assert not one.want("k", 31.0)
    assert one.next(31.0) == 330.0
    assert not one.want("k", 329.9)
    assert one.want("k", 330.0)
    assert one.want("l", 31.0) is False, "wanted already"


def test_a_kid_that_asks_during_a_fetch_is_not_answered_by_it() -> None:
    one = pace()
    one.begin(0.0)
    one.want("k", 0.5)
    one.succeed(1.0, None)
    assert one.wanted
    assert one.next(1.0) == 31.0
    failed(one, 31.0)
    assert one.want("k", 32.0)
    fetched(one, 61.0)
    assert not one.want("k", 62.0)


def test_a_fetch_that_fails_answers_nobody() -> None:
    one = pace()
    one.want("k", 0.0)
    failed(one, 0.0)
    assert one.want("k", 1.0)
    fetched(one, 30.0)
    assert not one.want("k", 31.0)


def test_without_a_kid_only_the_cool_down_holds() -> None:
    one = pace()
    fetched(one, 0.0)
    assert one.want(None, 0.0)
    fetched(one, 30.0)
    assert one.want(None, 31.0)
    assert one.next(31.0) == 60.0


def test_no_more_kids_are_remembered_than_the_bound() -> None:
    one, most = pace(), 0
    for turn in range(5):
        for number in range(1000):
            one.want(f"{turn}-{number}", turn * 30.0)
            most = max(most, one.remembered)
        fetched(one, turn * 30.0)
        most = max(most, one.remembered)
    assert most == KIDS
    assert not one.want("4-0", 121.0), "the newest are kept"
    assert one.want("0-0", 121.0)


def test_kids_are_remembered_as_digests() -> None:
    one = pace()
    texts = ["hunter2", "\ud800", "k" * 30_000, ""]
    for text in texts:
        one.want(text, 0.0)
    assert one.remembered == 4
    fetched(one, 1.0)
    held = [*one._asked, *one._unknown]
    assert [len(name) for name in held] == [16] * 4
    assert not any(one.want(text, 2.0) for text in texts)


def test_processes_that_were_forked_do_not_ask_at_once() -> None:
    found = []
    for chance in (0.0, 0.5, 0.9999):
        one = pace(chance=chance)
        one.begin(0.0)
        one.succeed(0.0, None)
        due = one.due
        one.scatter(100.0)
        assert 100.0 + (due - 100.0) / 2 <= one.due <= due, "sooner, never later"
        found.append(one.due)
    assert len(set(found)) == 3
    late = pace()
    fetched(late, 0.0)
    late.scatter(1000.0)
    assert late.due == 1000.0


def test_a_million_instants_of_wanting_cause_one_fetch_in_a_cool_down() -> None:
    """Any mixture of kids and outcomes, in steps of a second."""
    for outcomes in itertools.product((True, False), repeat=4):
        one, ends, outcome = pace(), [], itertools.cycle(outcomes)
        for second in range(1200):
            one.want(f"k{second}", float(second))
            if one.next(float(second)) <= second:
                (fetched if next(outcome) else failed)(one, float(second))
                ends.append(second)
        assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(ends))
        assert len(ends) >= 4
