"""A token on the command line is refused, and nothing of it comes out anywhere."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.cli.arguments import holds_token, refuse_tokens, without_tokens
from policyjwt.cli.failure import Failure
from tests.cli.conftest import Cli


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


HEADER = encoded(b'{"alg":"ES256","typ":"JWT"}')
TOKEN = ".".join([HEADER, encoded(b'{"sub":"mallory-4711"}'), encoded(bytes(64))])
SPACED = encoded(b'{ "alg" : "none" }')
BROKEN = encoded(b'{\n "alg":"none"}')


@pytest.mark.parametrize(
    "argument",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        f" {TOKEN}\n",
        f"--keys=url:https://idp.example={TOKEN}",
        f"-{TOKEN}",
        f"--{TOKEN}",
        f"--now={TOKEN}",
        TOKEN.rsplit(".", 1)[0],
        HEADER,
        TOKEN.split(".")[1],
        f"{SPACED}.e30.",
        f"{BROKEN}.e30.",
        f"{encoded(b'not json at all')}.{encoded(b'some payload here')}.{encoded(b'signature!')}",
        json.dumps({"payload": "e30", "signatures": []}),
        json.dumps({"protected": HEADER[:4], "payload": "e30", "signature": ""}),
    ],
)
def test_what_looks_like_a_token_is_refused(argument: str) -> None:
    assert holds_token(argument)
    with pytest.raises(Failure) as caught:
        refuse_tokens(["evaluate", argument])
    assert caught.value.message == "argument 2 looks like a token; it is not printed here"
    assert without_tokens(argument) == "a line that looks like a token is not shown"


@pytest.mark.parametrize(
    "argument",
    [
        "policies/payments.policy",
        "url:https://login.microsoftonline.com/common/discovery/v2.0/keys=keys/entra.jwks.json",
        "2026-11-23T12:00:00.123456Z",
        "/home/someone/framework-policies-of-our-own/payments-api.production.policy",
        "a-rather-long-file-name.with-some-more-dots.and-another-extension.policy/x",
        "key",
        "keyring:service/user",
        "eyes",
        "eyJ",
        "--policies",
        "",
    ],
)
def test_what_does_not_is_let_through(argument: str) -> None:
    refuse_tokens([argument])


@given(
    header=st.dictionaries(st.text(min_size=1), st.text(), min_size=1),
    claims=st.dictionaries(st.text(), st.text()),
    indent=st.sampled_from([None, 1, 2]),
    prefix=st.sampled_from(["", "Bearer ", "--format=", "x="]),
)
def test_every_compact_token_is_recognised(
    header: dict[str, str], claims: dict[str, str], indent: int | None, prefix: str
) -> None:
    first, second = (encoded(json.dumps(part, indent=indent).encode()) for part in (header, claims))
    assert holds_token(f"{prefix}{first}.{second}.")


@pytest.mark.parametrize(
    "line",
    [
        (TOKEN,),
        ("evaluate", TOKEN, "--policies", "policies"),
        ("evaluate", "--policies", TOKEN),
        ("rule", TOKEN),
        ("validate", f"--{TOKEN}"),
        ("validate", "--format", TOKEN),
        ("explain", "--policy", TOKEN, "x"),
    ],
)
def test_no_command_prints_it(cli: Cli, line: tuple[str, ...]) -> None:
    ended = cli(*line)
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.startswith(f"policyjwt: argument {line.index(next(a for a in line if TOKEN in a)) + 1} looks")
    for part in TOKEN.split("."):
        assert part not in ended.err
