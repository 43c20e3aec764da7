"""`policyjwt evaluate --replay` with stores on servers: real ones, bad addresses, passwords that are never shown."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Ended
from tests.issuer import URL, Issuer, claims, policy
from tests.replay import postgres_server, servers

ISSUER = Issuer()
PASSWORD = "hunter2"
NODES = policy(replay="replay { nonce jti  store reaches nodes }", rest="provides sub is string")
CALL = ("evaluate", "token", "--policies", "p.policy", "--keys", f"url:{URL}=jwks.json", "--consume")


@pytest.fixture(autouse=True)
def _files(cli: Cli) -> None:
    """A policy, the issuer's keys, a good token. `cli` comes first: it enters the empty folder."""
    Path("p.policy").write_text(NODES)
    Path("jwks.json").write_text(json.dumps({"keys": [ISSUER.jwk()]}))
    mint()


def mint() -> None:
    now = int(time.time())
    Path("token").write_text(ISSUER.token(claims(iat=now - 10, nbf=now - 10, exp=now + 600)))


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    if servers.REDIS is None:
        pytest.skip("redis-server is not installed")
    secret = ("--appendonly", "yes", "--requirepass", PASSWORD)
    with servers.serving(tmp_path_factory.mktemp("redis"), *secret) as running:
        yield running


@pytest.fixture(scope="module")
def postgres() -> Iterator[postgres_server.Server]:
    postgres_server.needs_postgres()
    with postgres_server.postgres() as running:
        yield running


def judged(ended: Ended) -> tuple[int, bool, list[str]]:
    """The status, whether the token is trusted, and the failing codes."""
    assert ended.err == ""
    told: dict[str, Any] = json.loads(ended.out)
    return ended.status, told["trusted"], [found["code"] for found in told["findings"] if found["fails"]]


def twice(cli: Cli, url: str) -> None:
    """A token, twice; and another."""
    call = (*CALL, "--replay", url, "--format", "json")
    assert judged(cli(*call)) == (0, True, [])
    assert judged(cli(*call)) == (1, False, ["replay.seen"])
    mint()
    assert judged(cli(*call)) == (0, True, [])


def test_redis(cli: Cli, redis: servers.Server) -> None:
    twice(cli, f"redis://:{PASSWORD}@127.0.0.1:{redis.port}/3")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql(cli: Cli, postgres: postgres_server.Server, scheme: str) -> None:
    from policyjwt.replay.postgres import CREATE_TABLE

    postgres.run(CREATE_TABLE)
    twice(cli, postgres.dsn.replace("postgresql", scheme, 1))


def test_a_table_that_is_not_there_is_no_first_use(cli: Cli, postgres: postgres_server.Server) -> None:
    postgres.run("DROP TABLE IF EXISTS policyjwt_nonces")
    ended = cli(*CALL, "--replay", postgres.dsn, "--format", "json")
    assert judged(ended) == (1, False, ["replay.store_unavailable"])


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("what", ["closed", "password"])
def test_a_server_that_gives_no_answer(
    cli: Cli, redis: servers.Server, postgres: postgres_server.Server, what: str, form: str
) -> None:
    """Nothing listens, or the password is another: refused, not seen, and no part of the address is told."""
    port = servers.free_port()
    urls = [
        f"redis://user:wr0ng@127.0.0.1:{port if what == 'closed' else redis.port}",
        f"rediss://user:wr0ng@127.0.0.1:{port if what == 'closed' else redis.port}",
        postgres.at(port if what == "closed" else postgres.port, password="wr0ng"),
    ]
    for url in urls:
        ended = cli(*CALL, "--replay", url, "--format", form)
        assert (ended.status, ended.err) == (1, "")
        assert "replay.store_unavailable" in ended.out
        assert "replay.seen" not in ended.out
        assert "wr0ng" not in ended.out
        assert "127.0.0.1" not in ended.out


BAD = [
    (f"redis://user:{PASSWORD}/x@host", "the address is no URL"),
    (f"redis://:{PASSWORD}@", "the address names no host"),
    (f"redis:user:{PASSWORD}@host", "the address names no host"),
    (f"redis://:{PASSWORD}@host/{PASSWORD}", "the path of the address is the number of a database"),
    (f"redis://:{PASSWORD}@host#{PASSWORD}", "the address has a `#`"),
    (f"rediss://:{PASSWORD}@host?ssl_cert_reqs={PASSWORD}", "after `?` an address of TLS may say"),
    (f"postgresql://user:{PASSWORD}@host?{PASSWORD}=1", "the DSN can't be read"),
    (f"postgresql://user:{PASSWORD}%zz@host", "the DSN can't be read"),
]


@pytest.mark.parametrize(("url", "said"), BAD)
def test_a_bad_address_says_what_is_wrong_and_is_not_quoted(cli: Cli, url: str, said: str) -> None:
    ended = cli(*CALL, "--replay", url)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"policyjwt: the address of the replay store can't be used: {said}")
    assert ended.err.count("\n") == 1
    assert PASSWORD not in ended.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"mysql://user:{PASSWORD}@host", "`mysql:` is no replay store"),
        (f"//user:{PASSWORD}@host", "what `--replay` says is no replay store"),
        (f"{PASSWORD}@host", "what `--replay` says is no replay store"),
        ("redis:", "`redis:` is no replay store"),
        ("memory", "what `--replay` says is no replay store"),
        ("", "what `--replay` says is no replay store"),
    ],
)
def test_another_address_is_no_store(cli: Cli, url: str, said: str) -> None:
    ended = cli(*CALL, "--replay", url)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        f"policyjwt: {said}\nhelp: known are `redis://…`, `rediss://…`, `postgresql://…`, `sqlite:PATH` and `memory:`\n"
    )


@pytest.mark.parametrize("scheme", ["redis", "rediss", "postgresql", "postgres"])
def test_the_callers_word_is_not_for_servers(cli: Cli, scheme: str) -> None:
    ended = cli(*CALL, "--replay", f"{scheme}://u:{PASSWORD}@host", "--single-host")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"policyjwt: `--single-host` is not for `{scheme}:`\nhelp: ")
    assert PASSWORD not in ended.err


@pytest.mark.parametrize(
    ("scheme", "client", "extra"),
    [("redis", "redis", "redis"), ("rediss", "redis", "redis"), ("postgresql", "psycopg", "postgres")],
)
def test_without_its_extra_a_store_says_what_to_install(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, scheme: str, client: str, extra: str
) -> None:
    assert importlib.util.find_spec(client) is not None
    for name in [name for name in sys.modules if name in {client, "policyjwt.replay.postgres_driver"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, client, None)
    ended = cli(*CALL, "--replay", f"{scheme}://u:{PASSWORD}@host")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        f"policyjwt: a replay store at `{scheme}:` needs the extra `{extra}`\nhelp: install policyjwt[{extra}]\n"
    )
