"""Keys and times to live: nonces share no key, and none is forgotten while any policy could accept its token."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import (
    InspectOnly,
    MemoryReplayStore,
    ReplayStore,
    SqliteReplayStore,
    StoreFull,
    store_key,
    time_to_live,
)
from policyjwt.replay.protocol import MAX_TTL

DAY = 24 * 3600
PARTS = st.lists(st.text(max_size=4), min_size=1, max_size=3)
SCOPES = st.sampled_from([("issuer", None), ("policy", "p"), ("subject", "p"), ("subject", ""), ("policy", "q")])
REQUESTS = st.tuples(SCOPES, st.text(max_size=4), PARTS.map(tuple), st.text(max_size=4))


def key(request: tuple[tuple[str, str | None], str, tuple[str, ...], str]) -> bytes:
    (scope, within), issuer, path, nonce = request
    return store_key(scope=scope, issuer=issuer, within=within, path=path, nonce=nonce)  # type: ignore[arg-type] # of a table


@given(REQUESTS, REQUESTS)
def test_two_requests_share_a_key_only_if_they_are_one(left: tuple, right: tuple) -> None:  # type: ignore[type-arg] # see key
    assert (key(left) == key(right)) is (left == right)
    assert len(key(left)) == 32


@pytest.mark.parametrize("separator", [":", "/", "\0", "\n", ",", "1:", "\x1f", ""])
def test_no_separator_joins_two_issuers(separator: str) -> None:
    one = key((("issuer", None), "a", ("jti",), f"b{separator}c"))
    two = key((("issuer", None), f"a{separator}b", ("jti",), "c"))
    assert one != two


def test_everything_counts() -> None:
    requests = [
        (("issuer", None), "i", ("jti",), "n"),
        (("issuer", None), "j", ("jti",), "n"),
        (("issuer", None), "i", ("nonce",), "n"),
        (("issuer", None), "i", ("jti", "n"), "n"),
        (("issuer", None), "i", ("jtin",), "n"),
        (("issuer", None), "i", ("jti",), "N"),
        (("issuer", None), "i", ("jti",), "n "),
        (("issuer", None), "i", ("jti",), "é"),
        (("issuer", None), "i", ("jti",), "e\u0301"),
        (("policy", "p"), "i", ("jti",), "n"),
        (("policy", "q"), "i", ("jti",), "n"),
        (("subject", "p"), "i", ("jti",), "n"),
        (("subject", ""), "i", ("jti",), "n"),
    ]
    assert len({key(request) for request in requests}) == len(requests)


def test_a_key_is_the_same_in_every_process() -> None:
    """As evidence for later versions: a changed key would make every consumed nonce new."""
    found = key((("subject", "s"), "https://a.example", ("jti",), "j1"))
    assert found.hex() == "6b883a607cab1a20540f99c78843bc69e89f944cbbcbdde773c040de6418cf2a"


@pytest.mark.parametrize(("scope", "within"), [("issuer", "p"), ("policy", None), ("subject", None), ("nodes", "p")])
def test_a_key_needs_its_scope(scope: str, within: str | None) -> None:
    with pytest.raises(ValueError, match="within"):
        key(((scope, within), "i", ("jti",), "n"))


def test_half_characters_make_keys_too() -> None:
    assert key((("issuer", None), "i", ("jti",), "\ud800")) != key((("issuer", None), "i", ("jti",), "\udfff"))


@pytest.mark.parametrize(
    ("exp", "iat", "now", "expected"),
    [
        (1000, None, 900, 460),
        (1000, 900, 900, 460),
        (1000, None, 1299, 61),
        (1000, None, 1300, 60),
        (1000, None, 1359, 1),
        (1000, None, 1360, 1),
        (1000, None, 5000, 1),
        (1000, None, 999.5, 361),
        (1000.5, None, 1000.4, 361),
        (1000.25, None, 1000.25, 360),
        (None, 1000, 1000, DAY + 360),
        (None, 1000, 1000.5, DAY + 360),
        (None, 1000, 1001, DAY + 359),
        (None, 1200, 1000, DAY + 560),
        (2**70, None, 0, 2**70 + 360),
        (10**400, None, 0.5, 10**400 + 360),
        (1e300, None, 1.7e9, int(1e300) + 360 - 1_700_000_000),
    ],
)
def test_time_to_live(exp: float | None, iat: float | None, now: float, expected: int) -> None:
    assert time_to_live(exp=exp, iat=iat, now=now) == expected


TIMES = st.integers(0, 2**40) | st.floats(0, 2**40)


@given(TIMES, TIMES, st.integers(0, 300))
def test_no_policy_accepts_a_token_whose_nonce_is_forgotten(exp: float, now: float, skew: int) -> None:
    held_until = Fraction(now) + time_to_live(exp=exp, iat=None, now=now)
    assert held_until > Fraction(exp) + skew or now > exp + skew
    assert held_until < Fraction(exp) + 361 or held_until <= now + 1


@pytest.mark.parametrize(
    ("exp", "iat", "now"),
    [(None, None, 0), (math.nan, None, 0), (math.inf, None, 0), (1, None, math.nan), (None, math.inf, 0)],
)
def test_a_time_to_live_needs_a_time(exp: float | None, iat: float | None, now: float) -> None:
    with pytest.raises(ValueError, match=r"a time is not finite|without `exp` and `iat`"):
        time_to_live(exp=exp, iat=iat, now=now)


def test_what_a_store_is(tmp_path: Path) -> None:
    stores: list[ReplayStore] = [
        InspectOnly(),
        MemoryReplayStore(1),
        MemoryReplayStore(1, single_process=True),
        SqliteReplayStore(f"{tmp_path}/replay.db"),
        SqliteReplayStore(f"{tmp_path}/replay.db", single_host=True),
    ]
    assert [store.reach for store in stores] == ["process", "process", "process", "host", "host"]
    assert [store.word for store in stores] == [
        None,
        None,
        "one process alone accepts these tokens",
        None,
        "one host alone accepts these tokens",
    ]
    assert all(isinstance(store, ReplayStore) for store in stores)
    for store in stores:
        if isinstance(store, SqliteReplayStore):
            store.close()


def test_inspect_only_consumes_nothing() -> None:
    store = InspectOnly()
    with pytest.raises(StoreUnavailable, match="this engine only inspects"):
        store.consume(b"k", 1, b"")
    assert store.first(b"k") is None
    assert issubclass(StoreFull, StoreUnavailable)


BAD_CALLS = [
    (TypeError, "k", 1, b""),
    (TypeError, b"k", 1, "note"),
    (TypeError, b"k", 1.5, b""),
    (TypeError, b"k", True, b""),
    (TypeError, b"k", None, b""),
    (ValueError, b"", 1, b""),
    (ValueError, b"k", 0, b""),
    (ValueError, b"k", -1, b""),
    (StoreUnavailable, b"k", MAX_TTL + 1, b""),
    (StoreUnavailable, b"k", 10**400, b""),
]


@pytest.mark.parametrize("make", ["memory", "sqlite"])
@pytest.mark.parametrize("call", BAD_CALLS)
def test_a_bad_call_consumes_nothing(make: str, call: tuple[type[Exception], Any, Any, Any], tmp_path: Path) -> None:
    error, *arguments = call
    store: MemoryReplayStore | SqliteReplayStore
    store = MemoryReplayStore(10) if make == "memory" else SqliteReplayStore(f"{tmp_path}/replay.db")
    with pytest.raises(error):
        store.consume(*arguments)
    assert store.consume(b"k", MAX_TTL, b"") is True
    assert store.consume(b"k", 1, b"") is False
    if isinstance(store, SqliteReplayStore):
        store.close()


def test_keys_do_not_collide() -> None:
    nonces = (f"{a}-{b}" for a, b in itertools.product(range(100), range(100)))
    assert len({key((("issuer", None), "i", ("jti",), nonce)) for nonce in nonces}) == 10_000
