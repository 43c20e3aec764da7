"""Hostile policies, tokens and arguments: an answer and a status, never a traceback, nothing that a terminal obeys."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policyjwt.cli.demo import KEYS, POLICY
from policyjwt.cli.demo_issuer import DemoIssuer
from policyjwt.cli.main import run
from tests.cli.conftest import Ended

SOUND = POLICY.encode()


def call(arguments: Sequence[str], *, stdin: bytes = b"") -> Ended:
    """As the fixture `cli`, for properties: each example has its own streams."""
    out, err = io.StringIO(), io.StringIO()
    given_in = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch.object(sys, "stdin", given_in):
        status = run(arguments)
    return Ended(int(status), out.getvalue(), err.getvalue())


def harmless(text: str) -> bool:
    return all(character == "\n" or character.isprintable() for character in text)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A policy with pieces cut out, doubled or replaced."""
    text = SOUND
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = (
            text[:start]
            + draw(st.one_of(st.just(b""), st.binary(max_size=8), st.just(text[start:end] * 2)))
            + text[end:]
        )
    return text


@given(text=st.one_of(damaged(), st.binary(max_size=200)))
@example(text=b"")
@example(text=SOUND.replace(b"payments-api", b"\x1b[31m"))
@example(text=SOUND.replace(b"payments-api", "\u202e".encode()))
def test_any_policy_gets_an_answer(text: bytes) -> None:
    for form in ("text", "concise", "github"):
        ended = call(["validate", "-", "--format", form], stdin=text)
        assert ended.status in {0, 1, 2}
        assert harmless(ended.out + ended.err)
    ended = call(["validate", "-", "--format", "json"], stdin=text)
    if ended.status in {0, 1}:
        found = json.loads(ended.out)
        assert (found["summary"]["errors"] > 0) is bool(ended.status)
    assert call(["explain", "-"], stdin=text).status in {0, 2, 3}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    folder = Path(tempfile.mkdtemp())
    issuer = DemoIssuer()
    (folder / "p.policy").write_bytes(SOUND)
    (folder / "jwks.json").write_text(issuer.jwks())
    token = issuer.mint({"iss": "https://idp.corp.example", "aud": "payments-api"}).token
    return {"policy": str(folder / "p.policy"), "keys": f"{KEYS}={folder / 'jwks.json'}", "token": token}


@given(data=st.data())
def test_any_token_gets_an_answer(files: dict[str, str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(files["token"])))
    token = data.draw(st.one_of(st.binary(max_size=100), st.just(files["token"][:cut].encode())))
    ended = call(["evaluate", "-", "--policies", files["policy"], "--keys", files["keys"]], stdin=token)
    assert (ended.status, ended.err) == (1, "")
    assert harmless(ended.out)


WORD = st.one_of(
    st.sampled_from(["validate", "evaluate", "explain", "list", "rule", "--format", "--color", "--now", "-", "--"]),
    st.text(max_size=12),
)


@given(arguments=st.lists(WORD, max_size=5))
def test_any_command_line_gets_an_answer(arguments: list[str]) -> None:
    if "demo" in arguments:
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("policyjwt.toml").write_text("")
        ended = call([argument.replace("/", "") for argument in arguments])
    assert ended.status in {0, 1, 2, 3}, ended.err
    assert harmless(ended.err)
    assert "Traceback" not in ended.err
