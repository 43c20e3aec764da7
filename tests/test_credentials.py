"""Credentials of a request: one token in one place; what a client sends never raises."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.request import Context, Credentials, PresentedTwice, credentials

TOKEN = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
OTHER = "eyJhbGciOiJFUzM4NCJ9.e30.c2ln"
PROOF = "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.c2ln"


@pytest.mark.parametrize(
    ("headers", "token", "scheme", "dpop"),
    [
        ({}, None, None, ()),
        ({"Authorization": f"Bearer {TOKEN}"}, TOKEN, "Bearer", ()),
        ({"authorization": f"bearer {TOKEN}"}, TOKEN, "Bearer", ()),
        ({"AUTHORIZATION": f"BEARER   {TOKEN}  "}, TOKEN, "Bearer", ()),
        ([("Authorization", f"Bearer {TOKEN}")], TOKEN, "Bearer", ()),
        ({"Authorization": f"DPoP {TOKEN}", "DPoP": PROOF}, TOKEN, "DPoP", (PROOF,)),
        ({"Authorization": f"dpop {TOKEN}", "dpop": f" {PROOF} "}, TOKEN, "DPoP", (PROOF,)),
        ({"Authorization": f"\tDPOP\t{TOKEN}\t"}, TOKEN, "DPoP", ()),
        ({"Authorization": f"Bearer {TOKEN}", "DPoP": PROOF}, TOKEN, "Bearer", (PROOF,)),
        ({"DPoP": PROOF}, None, None, (PROOF,)),
        ({"DPoP": ""}, None, None, ("",)),
        # no token of ours
        ({"Authorization": ""}, None, None, ()),
        ({"Authorization": " "}, None, None, ()),
        ({"Authorization": "Bearer"}, None, "Bearer", ()),
        ({"Authorization": "Bearer "}, None, "Bearer", ()),
        ({"Authorization": TOKEN}, None, None, ()),
        ({"Authorization": f"Basic {TOKEN}"}, None, None, ()),
        ({"Authorization": f"Bearer:{TOKEN}"}, None, None, ()),
        ({"Authorization": f"Bearer\u00a0{TOKEN}"}, None, None, ()),
        ({"Authorization": f"\u212aearer {TOKEN}"}, None, None, ()),
        ({"Authorization": f"Token Bearer {TOKEN}"}, None, None, ()),
        ({"Proxy-Authorization": f"Bearer {TOKEN}"}, None, None, ()),
        ({"X-Authorization": f"Bearer {TOKEN}"}, None, None, ()),
        # nonsense is handed on: the engine says what is wrong with it
        ({"Authorization": f"Bearer {TOKEN} {OTHER}"}, f"{TOKEN} {OTHER}", "Bearer", ()),
        ({"Authorization": f"Bearer Bearer {TOKEN}"}, f"Bearer {TOKEN}", "Bearer", ()),
        ({"Authorization": f'Bearer "{TOKEN}"'}, f'"{TOKEN}"', "Bearer", ()),
        ({"Authorization": "Bearer \u00e9"}, "\u00e9", "Bearer", ()),
        ({"Authorization": f"Bearer {TOKEN},x"}, f"{TOKEN},x", "Bearer", ()),
    ],
)
def test_one_token(headers: Any, token: str | None, scheme: str | None, dpop: tuple[str, ...]) -> None:
    found = credentials(headers)
    assert (found.token, found.scheme, found.dpop, found.presented_twice) == (token, scheme, dpop, False)
    assert type(found.token) in (str, type(None))


ONE = ("Authorization", f"Bearer {TOKEN}")


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([ONE, ONE], None),
        ([ONE, ("authorization", f"Bearer {OTHER}")], None),
        ([ONE, ("AUTHORIZATION", f"DPoP {OTHER}")], None),
        ([ONE, ("Authorization", "Basic dTpw")], None),
        ([ONE, ("Authorization", "")], None),
        ({"Authorization": f"Bearer {TOKEN}", "authorization": f"Bearer {TOKEN}"}, None),
        ({"Authorization": f"Bearer {TOKEN}, Bearer {OTHER}"}, None),
        ({"Authorization": f"Bearer {TOKEN},bearer\t{OTHER}"}, None),
        ({"Authorization": f"Bearer {TOKEN}, DPoP {OTHER}"}, None),
        ({"Authorization": f"Basic dTpw, Bearer {OTHER}"}, None),
        ({"Authorization": f"Bearer {TOKEN}, Bearer"}, None),
        ([ONE], {"access_token": TOKEN}),
        ([ONE], {"access_token": ""}),
        ([ONE], [("a", "b"), ("access_token", OTHER)]),
        ([("Authorization", "Basic dTpw")], {"access_token": TOKEN}),
        ([ONE, ("DPoP", PROOF), ("DPoP", PROOF)], None),
        ([ONE, ("DPoP", PROOF), ("dpop", "")], None),
        ([ONE, ("DPoP", f"{PROOF}, {PROOF}")], None),
        ([ONE, ("DPoP", f"{PROOF},")], None),
    ],
)
def test_presented_twice(headers: Any, query: Any) -> None:
    found = credentials(headers, query=query)
    assert found.presented_twice is True
    assert isinstance(found.token, PresentedTwice)
    assert not found.token
    assert repr(found.token) == "<PresentedTwice>"


def test_every_proof_is_handed_on() -> None:
    found = credentials([("DPoP", f"{PROOF}, x"), ("DPoP", "y")])
    assert found.dpop == (PROOF, "x", "y")


@pytest.mark.parametrize("query", [{"access_token": TOKEN}, [("access_token", TOKEN)], [("access_token", TOKEN)] * 2])
def test_a_token_in_the_query_alone_is_none(query: Any) -> None:
    found = credentials({"DPoP": PROOF}, query=query)
    assert (found.token, found.scheme, found.presented_twice) == (None, None, False)


@pytest.mark.parametrize(
    "query",
    [
        "access_token=x",
        "",
        b"access_token=x",
        [(b"access_token", b"x")],
        5,
        False,
        lambda: [],
        bytearray(),
        {b"access_token": b"x"},
        ["ab"],
        [("a",)],
        [1],
    ],
)
def test_a_query_that_can_not_be_read_is_a_bad_call(query: Any) -> None:
    """It would hide a token; and no client decides of which type it is."""
    for headers in ([ONE], []):
        with pytest.raises(TypeError, match="query"):
            credentials(headers, query=query)


@pytest.mark.parametrize("query", [{}, [], {"token": TOKEN}, {"Access_Token": TOKEN}, {"q": "access_token"}])
def test_a_query_without_a_token(query: Any) -> None:
    assert credentials([ONE], query=query).token == TOKEN


def test_no_reader_of_tokens_takes_two_for_one() -> None:
    from policyjwt.errors import TokenRefused
    from policyjwt.tokens.decode import decode

    with pytest.raises((TypeError, TokenRefused)):
        decode(credentials([ONE, ONE]).token)


def test_the_marker_survives_a_copy() -> None:
    for marker in (
        copy.copy(PresentedTwice()),
        copy.deepcopy(PresentedTwice()),
        pickle.loads(pickle.dumps(PresentedTwice())),
    ):
        assert isinstance(marker, PresentedTwice)


def test_the_context_of_a_request() -> None:
    found = credentials({"Authorization": f"DPoP {TOKEN}", "DPoP": PROOF})
    context = found.context(method="POST", uri="https://api.example/pay", values={"tenant": "acme"})
    assert context == Context(
        method="POST", uri="https://api.example/pay", scheme="DPoP", dpop=(PROOF,), values={"tenant": "acme"}
    )
    assert found.context() == Context(scheme="DPoP", dpop=(PROOF,))
    assert "authorization" not in str(found.context().facts())
    with pytest.raises(TypeError, match="scheme"):
        found.context(scheme="Bearer")  # type: ignore[call-arg]  # what credentials give can't be said again


def test_credentials_show_nothing_and_are_no_yes() -> None:
    found = credentials({"Authorization": f"DPoP {TOKEN}", "DPoP": PROOF})
    assert repr(found) == str(found) == "<Credentials>"
    with pytest.raises(TypeError, match="evaluate"):
        bool(found)


@pytest.mark.parametrize(
    "headers", [None, 5, "Authorization", [b"Authorization"], [(b"Authorization", b"x")], [("a",)], {"a": 1}]
)
def test_a_bad_call(headers: Any) -> None:
    with pytest.raises(TypeError):
        credentials(headers)


HEADER_NAMES = st.sampled_from(["Authorization", "authorization", "DPoP", "dpop", "X"]) | st.text(max_size=5)
HEADER_VALUES = st.text() | st.lists(st.sampled_from(["Bearer", "DPoP", " ", ",", "\t", TOKEN, "é"]), max_size=6).map(
    "".join
)


@given(st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4), st.dictionaries(st.text(), st.text(), max_size=2))
def test_nothing_that_a_client_sends_raises(headers: list[tuple[str, str]], query: dict[str, str]) -> None:
    found = credentials(headers, query=query)
    assert isinstance(found, Credentials)
    assert found.presented_twice is isinstance(found.token, PresentedTwice)
    assert (found.token is None) or found.presented_twice or found.scheme in ("Bearer", "DPoP")
    assert isinstance(found.context(), Context)
