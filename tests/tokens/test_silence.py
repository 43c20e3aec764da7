"""No part of a token and no part of a key leaves in an exception, a repr or a log record; but `alg` may."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens import KeySet, verify
from policyjwt.tokens.decode import decode
from tests.tokens.minting import SECRET, b64, signer

MARK = "geheimnis"
TEXT = st.text(max_size=6).map(lambda text: f"{MARK}{text}")


def views(error: Any) -> str:
    """What handlers and logs make of an exception; frames are their own business."""
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "%s %r", (error, error), None)
    shown = [str(error), repr(error), repr(error.args), repr(vars(error)), record.getMessage()]
    shown.extend(traceback.format_exception_only(type(error), error))
    again = pickle.loads(pickle.dumps(error))
    return " ".join([*shown, str(again), repr(again.help)])


@given(st.data())
def test_no_refusal_quotes_the_token(data: st.DataObject) -> None:
    one = signer("ES256")
    header: dict[str, object] = {"alg": "ES256", "kid": data.draw(TEXT), "typ": data.draw(TEXT)}
    for name in data.draw(st.lists(st.sampled_from(["crit", "zip", "cty", "jku", "x5c", "iss", "foo", "b64", "enc"]))):
        header[name] = data.draw(TEXT)
    token = one.token({"iss": MARK, "sub": data.draw(TEXT), MARK: 1}, header)
    at = data.draw(st.integers(0, len(token)))
    token = data.draw(st.sampled_from([token, token[:at], token[:at] + MARK + token[at:], token + "." + MARK]))
    with pytest.raises(TokenRefused) as caught:
        verify(token, one.keys, ["ES256"])
    shown = views(caught.value)
    assert MARK not in shown
    for segment in token.split("."):
        assert len(segment) < 8 or segment[:8] not in shown


@pytest.mark.parametrize("payload", [b'{"%s":1,"%s":2}', b'{"%s":%s}', b'["%s","%s"]', b'{"%s":"%s', b'{"\xff%s%s"}'])
def test_no_fault_of_json_quotes_it(payload: bytes) -> None:
    mark = MARK.encode()
    with pytest.raises(TokenRefused) as caught:
        decode(signer("ES256").token(payload % (mark, mark)))
    assert MARK not in views(caught.value)


@given(TEXT)
def test_no_key_refusal_quotes_the_key(text: str) -> None:
    one = signer("ES256")
    for jwk in (
        one.jwk(x=text),
        one.jwk(d=text),
        one.jwk(alg=text),
        one.jwk(kid=text, use=text),
        one.jwk(crv=text),
        {"kty": text, text: text},
        {"kty": "oct", "k": b64(text.encode("utf-8", "replace"))},
    ):
        with pytest.raises(KeyRefused) as caught:
            KeySet.from_jwks({"keys": [jwk]})
        assert MARK not in views(caught.value)
        assert b64(MARK.encode()) not in views(caught.value)


def test_no_repr_shows_anything() -> None:
    one = signer("HS256")
    token = one.token({"sub": MARK})
    unverified, verified = decode(token), verify(token, one.keys, ["HS256"])
    for thing in (unverified, verified, verified.key, one.keys):
        for shown in (repr(thing), str(thing), f"{thing}", f"{[thing]}"):
            assert MARK not in shown
            assert token[:8] not in shown
            assert SECRET.decode() not in shown
