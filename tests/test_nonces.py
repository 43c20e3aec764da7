"""Nonces of a service: known again on every node for their period and the next, and by nobody else."""

from __future__ import annotations

import copy
import math
import pickle
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused
from policyjwt.nonces import RollingNonces
from tests.issuer import NOW

SECRET = secrets.token_bytes(32)
START = 1_699_999_800
"""The beginning of a period of 300 seconds."""


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def nonces(now: float = START, **more: Any) -> RollingNonces:
    return RollingNonces(SECRET, clock=Clock(now), **more)


def test_a_period_begins_where_the_tests_say() -> None:
    assert START % 300 == 0
    assert START <= NOW < START + 300


@pytest.mark.parametrize(
    ("issued", "now", "good"),
    [
        (START, START, True),
        (START, START + 299.999, True),
        (START, START + 300, True),
        (START, START + 599.999, True),
        (START, START + 600, False),
        (START + 299.999, START + 300, True),
        (START + 299.999, START + 599.999, True),
        (START + 299.999, START + 600, False),
        (START, START - 0.001, False),
        (START, START + 10**9, False),
    ],
)
def test_the_period_and_the_next(*, issued: float, now: float, good: bool) -> None:
    assert nonces(now).accepts(nonces(issued).issue()) is good


def test_another_node_knows_it_and_another_secret_does_not() -> None:
    nonce = nonces().issue()
    assert nonces().accepts(nonce) is True
    assert RollingNonces(secrets.token_bytes(32), clock=Clock()).accepts(nonce) is False
    assert nonces(period=301).accepts(nonce) is False
    # In the first minutes of all time the numbers of their periods are the same.
    assert nonces(5, period=600).accepts(nonces(5, period=300).issue()) is False


def test_one_second_is_a_period() -> None:
    nonce = nonces(period=1).issue()
    assert [nonces(START + later, period=1).accepts(nonce) for later in (0, 1, 1.9, 2)] == [True, True, True, False]


@pytest.mark.parametrize("binding", ["", "session 1", "é", "\ud800", "a" * 1000])
def test_a_binding(binding: str) -> None:
    nonce = nonces().issue(binding)
    assert nonces().accepts(nonce, binding) is True
    assert nonces().accepts(nonce, binding + "x") is False
    assert nonces().accepts(nonce, "another") is False
    assert nonces().accepts(nonce) is (binding == "")


def test_each_is_another_and_fits_into_a_header() -> None:
    made = {nonces().issue() for _ in range(100)}
    assert len(made) == 100
    assert {len(nonce) for nonce in made} == {64}
    assert all(character.isalnum() or character in "-_" for nonce in made for character in nonce)


def test_no_character_can_change() -> None:
    nonce, ours = nonces().issue(), nonces()
    for at, character in enumerate(nonce):
        assert ours.accepts(nonce[:at] + ("B" if character == "A" else "A") + nonce[at + 1 :]) is False
    for other in (
        nonce[:-1],
        nonce + "A",
        nonce + "=",
        " " + nonce,
        nonce[:-1] + "+",
        nonce[:-1] + "\n",
        nonce.swapcase(),
    ):
        assert ours.accepts(other) is False


@pytest.mark.parametrize("nonce", [None, 5, b"x" * 64, ["x"] * 64, "", "A" * 64, "é" * 64, "\ud800" * 64, "A" * 10**6])
def test_what_is_none(nonce: Any) -> None:
    assert nonces().accepts(nonce) is False


@pytest.mark.parametrize("binding", [None, 5, b"", ["session"]])
def test_a_binding_that_is_no_text(binding: Any) -> None:
    assert nonces().accepts(nonces().issue(), binding) is False


@given(st.text(), st.text())
def test_never_raises(nonce: str, binding: str) -> None:
    assert nonces().accepts(nonce, binding) is False


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf, None, "now"])
def test_a_clock_that_gives_no_time(now: Any) -> None:
    nonce = nonces().issue()
    assert RollingNonces(SECRET, clock=Clock(now)).accepts(nonce) is False
    with pytest.raises((ValueError, TypeError)):
        RollingNonces(SECRET, clock=Clock(now)).issue()


def test_a_clock_that_fails() -> None:
    def broken() -> float:
        raise OSError("no clock")

    assert RollingNonces(SECRET, clock=broken).accepts(nonces().issue()) is False


def test_both_periods_are_always_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared: list[bool] = []
    real = hmac.compare_digest

    def counted(one: Any, other: Any) -> bool:
        compared.append(real(one, other))
        return compared[-1]

    nonce, other = nonces().issue(), nonces().issue("other")
    monkeypatch.setattr(hmac, "compare_digest", counted)
    assert nonces().accepts(nonce) is True
    assert nonces(START + 300).accepts(nonce) is True
    assert nonces().accepts(other) is False
    assert compared == [True, False, False, True, False, False]
    assert nonces().accepts(nonce + "AAAA") is False
    assert nonces().accepts(nonce[:-4]) is False
    assert len(compared) == 6, "what has another length costs nothing"


@pytest.mark.parametrize("secret", [b"", b"short", bytes(32), b"ab" * 16, b"-----BEGIN PUBLIC KEY-----" + b"x" * 32])
def test_a_weak_secret(secret: bytes) -> None:
    with pytest.raises(KeyRefused) as caught:
        RollingNonces(secret)
    assert caught.value.code in ("key.weak", "key.type_confusion")


@pytest.mark.parametrize("secret", [None, "x" * 32, bytearray(32)])
def test_a_secret_is_bytes(secret: Any) -> None:
    with pytest.raises(TypeError, match="bytes"):
        RollingNonces(secret)


@pytest.mark.parametrize("period", [0, -1, 1.5, True, None, "300"])
def test_a_period_is_whole_seconds(period: Any) -> None:
    with pytest.raises(ValueError, match="period"):
        RollingNonces(SECRET, period=period)


def test_nothing_shows_or_changes_the_secret() -> None:
    ours = nonces()
    assert repr(ours) == "<RollingNonces>"
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="secret"):
            take(ours)
    with pytest.raises(AttributeError, match="do not change"):
        ours._period = 10**9


def test_the_usual_clock() -> None:
    ours = RollingNonces(SECRET)
    assert ours.accepts(ours.issue()) is True
