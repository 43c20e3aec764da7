"""`policyjwt evaluate`: verdicts, statuses, and what is never said."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Cli
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.shared import ROOT

ISSUER = Issuer()
REUSABLE = 'replay { reusable because "a test" }'
KEYS = ("--keys", f"url:{URL}=jwks.json")
AT = ("--policies", "p.policy", *KEYS, "--now", str(NOW))


@pytest.fixture(autouse=True)
def _files(cli: Cli) -> None:
    """A policy, the issuer's keys, a good token. `cli` comes first: it enters the empty folder."""
    Path("p.policy").write_text(policy(rest='provides sub is string\n  require role == "admin-4711" as role'))
    Path("jwks.json").write_text(json.dumps({"keys": [ISSUER.jwk()]}))
    mint()


def mint(name: str = "token", ending: str = "\n", **changed: Any) -> str:
    token = ISSUER.token(claims(**{"role": "admin-4711", **changed}))
    Path(name).write_text(token + ending)
    return token


def schema() -> Any:
    return json.loads((ROOT / "policyjwt/schemas/evaluate.schema.json").read_text())


def test_a_token_that_would_be_trusted(cli: Cli) -> None:
    ended = cli("evaluate", "token", *AT)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("WOULD BE TRUSTED by p   p.policy:3   at 2023-11-14T22:13:20Z\n")
    assert "replay.not_reached" in ended.out


def test_trusted_where_no_nonce_is_demanded(cli: Cli) -> None:
    Path("p.policy").write_text(policy(replay=REUSABLE))
    ended = cli("evaluate", "token", *AT)
    assert ended.status == 0
    assert ended.out.startswith("TRUSTED by p")
    found = json.loads(cli("evaluate", "token", *AT, "--format", "json").out)
    assert (found["trusted"], found["would_trust"]) == (True, True)


def test_a_refused_token(cli: Cli) -> None:
    mint(aud="elsewhere", role="guest-0815")
    ended = cli("evaluate", "token", *AT)
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.startswith("REFUSED by p   p.policy:3")
    assert "✗ audience.mismatch" in ended.out
    assert "✗ claim.role" in ended.out
    assert "(--all shows them)" in ended.out


def test_values_only_where_asked_for(cli: Cli) -> None:
    mint(role="guest-0815")
    plain = cli("evaluate", "token", *AT)
    assert "guest-0815" not in plain.out
    assert "a string of 10 characters" in plain.out
    assert "guest-0815" not in cli("evaluate", "token", *AT, "--format", "json").out
    assert "guest-0815" in cli("evaluate", "token", *AT, "--values").out
    assert "guest-0815" in cli("evaluate", "token", *AT, "--format", "json", "--values").out


def test_all_shows_what_is_met(cli: Cli) -> None:
    ended = cli("evaluate", "token", *AT, "--all")
    assert "✓ audience.met" in ended.out
    assert "--all shows them" not in ended.out


@pytest.mark.parametrize("values", [(), ("--values",)])
@pytest.mark.parametrize("changed", [{}, {"aud": "x"}, {"role": 5, "exp": "soon"}, {"iss": "https://other.example"}])
def test_json_follows_its_schema(cli: Cli, changed: dict[str, Any], values: tuple[str, ...]) -> None:
    mint(**changed)
    ended = cli("evaluate", "token", *AT, "--format", "json", *values)
    found = json.loads(ended.out)
    jsonschema.Draft202012Validator(schema()).validate(found)
    assert (found["trusted"], found["would_trust"]) == (False, not changed)
    assert ended.status == int(bool(changed))


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "\ud800", "eyJ", "..", " ", "{}"])
def test_no_token_is_a_refused_one(cli: Cli, garbage: str) -> None:
    Path("token").write_bytes(garbage.encode("utf-8", errors="surrogatepass"))
    ended = cli("evaluate", "token", *AT, "--format", "json")
    found = json.loads(ended.out)
    jsonschema.Draft202012Validator(schema()).validate(found)
    assert (ended.status, ended.err) == (1, "")
    assert [f["code"].split(".")[0] for f in found["findings"] if f["fails"]] == ["token"]


@pytest.mark.parametrize(
    ("ending", "status"),
    [("", 0), ("\n", 0), ("\r\n", 0), ("\n\n", 1), (" \n", 1), (" ", 1), ("\r", 1), ("\0", 1)],
)
def test_one_line_end_is_no_part_of_the_token(cli: Cli, ending: str, status: int) -> None:
    token = mint(ending="")
    Path("token").write_bytes(token.encode() + ending.encode())
    assert cli("evaluate", "token", *AT).status == status
    assert cli("evaluate", *AT, stdin=token.encode() + ending.encode()).status == status
    assert cli("evaluate", "-", *AT, stdin=b" " + token.encode()).status == 1


def test_a_token_too_long_is_not_read_to_its_end(cli: Cli) -> None:
    Path("token").write_bytes(b"a" * (6 * 1024 * 1024))
    ended = cli("evaluate", "token", *AT, "--format", "json")
    assert ended.status == 1
    assert json.loads(ended.out)["findings"][0]["code"] == "token.size"


def test_a_nonce_is_consumed_only_when_told(cli: Cli) -> None:
    now = int(time.time())
    mint(iat=now - 10, nbf=now - 10, exp=now + 600)
    consume = ("--policies", "p.policy", *KEYS, "--consume", "--replay", "sqlite:seen.db", "--single-host")
    for _ in range(2):
        assert cli("evaluate", "token", "--policies", "p.policy", *KEYS).out.startswith("WOULD BE TRUSTED")
    first = cli("evaluate", "token", *consume, "--format", "json")
    assert first.status == 0, first.err + first.out
    assert json.loads(first.out)["trusted"] is True
    second = cli("evaluate", "token", *consume)
    assert second.status == 1
    assert "✗ replay.seen" in second.out
    store = ("--consume", "--replay", "memory:", "--single-host")
    memory = cli("evaluate", "token", "--policies", "p.policy", *KEYS, *store)
    assert memory.out.startswith("TRUSTED")


def test_a_store_too_small_does_not_load(cli: Cli) -> None:
    ended = cli("evaluate", "token", "--policies", "p.policy", *KEYS, "--consume", "--replay", "sqlite:seen.db")
    assert (ended.status, ended.out) == (3, "")
    assert "PJ454" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--replay", "memory:"), "`--replay` needs `--consume`"),
        (("--consume",), "`--consume` needs `--replay`"),
        (("--single-host",), "`--single-host` needs `--replay`"),
        (("--consume", "--replay", "memory:", "--now", "0"), "`--now` and `--consume` exclude each other"),
        (("--consume", "--replay", "sqlite:"), "`sqlite:` is no replay store"),
        (("--consume", "--replay", "sqlite:no/such/x"), "the replay store `no/such/x` can't be opened"),
        (("--keys", "jwks.json"), "`--keys` takes REF=FILE"),
        (("--keys", "url:x="), "`--keys` takes REF=FILE"),
        (("--keys", "url:x=none.json"), "`none.json` can't be read: no such file or directory"),
        (("--keys", f"url:{URL}=jwks.json"), f"the keys of `url:{URL}` are given twice"),
        (("--keys", "url:https://unknown.example=jwks.json"), "no policy refers to the keys"),
        (("--use", "elsewhere"), "no policy is for the use"),
        (("--policy", "elsewhere"), "no policy is named"),
        (("--context", "none.json"), "`none.json` can't be read"),
        (("--context", "jwks.json"), "`jwks.json` has the unknown member `keys`"),
        (("--policies", "none"), "`none` can't be read: no such file or directory"),
        (("--policies", "-"), "`-` is standard input"),
        (("more",), "got unexpected extra argument"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_clear_line(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    file = "-" if "-" in arguments else "token"
    ended = cli("evaluate", file, "--policies", "p.policy", *KEYS, *arguments)
    assert (ended.status, ended.out) == (2, "")
    first, *rest = ended.err.splitlines()
    assert first.startswith(f"policyjwt: {said}")
    assert all(line.startswith("help: ") for line in rest)


def test_a_missing_token_file(cli: Cli) -> None:
    ended = cli("evaluate", "none", *AT)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "policyjwt: `none` can't be read: no such file or directory\n"


def test_policies_that_do_not_compile(cli: Cli) -> None:
    Path("p.policy").write_text(policy(rest="require email_verified"))
    ended = cli("evaluate", "token", *AT)
    assert (ended.status, ended.out) == (3, "")
    assert "require email_verified" in ended.err
    assert ended.err.splitlines()[-1] == "policyjwt: 1 error in the policies: nothing was decided"
    on_input = cli("evaluate", "token", "--policies", "-", *KEYS, stdin=Path("p.policy").read_bytes())
    assert on_input.status == 3


def test_keys_that_nobody_gave(cli: Cli) -> None:
    ended = cli("evaluate", "token", "--policies", "p.policy")
    assert (ended.status, ended.out) == (3, "")
    assert "PJ451" in ended.err
    assert f"--keys url:{URL}=FILE" in ended.err


def test_policies_on_standard_input(cli: Cli) -> None:
    ended = cli("evaluate", "token", "--policies", "-", *KEYS, "--now", NOW, stdin=Path("p.policy").read_bytes())
    assert ended.status == 0


def test_the_policy_to_judge_can_be_named(cli: Cli) -> None:
    named = policy(name="named", rest="by name only\n  provides sub is string")
    Path("p.policy").write_text(policy() + named.removeprefix("policyjwt 1\n"))
    assert cli("evaluate", "token", *AT).out.startswith("WOULD BE TRUSTED by p ")
    assert cli("evaluate", "token", *AT, "--policy", "named").out.startswith("WOULD BE TRUSTED by named ")


def test_the_request(cli: Cli) -> None:
    rule = 'context.method == "GET" and context.values.tenant == "acme" and context.headers.x_a contains "1"'
    Path("p.policy").write_text(
        policy(rest=f"provides sub is string\n  require {rule.replace('x_a', '`x-a`')} as request")
    )
    good = {"method": "GET", "values": {"tenant": "acme"}, "headers": {"X-A": ["0", "1"], "X-B": "2"}}
    Path("context.json").write_text(json.dumps(good))
    assert cli("evaluate", "token", *AT).status == 1
    assert cli("evaluate", "token", *AT, "--context", "context.json").status == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"method": "GET", "method": "PUT"}',
            "`context.json` is no strict JSON: a name stands twice in one object",
        ),
        ("[]", "`context.json` holds no JSON object"),
        ("{", "`context.json` is no strict JSON"),
        ('{"method": 1}', "`context.json` has a member of the wrong type"),
        ('{"values": {"x": {}}}', "`context.json` has a member of the wrong type"),
        ('{"headers": []}', "`headers` of `context.json` is an object of texts or lists of texts"),
        ('{"headers": {"a": 1}}', "`headers` of `context.json` is an object of texts or lists of texts"),
        ('{"from_trusted_proxy": true}', "`context.json` has the unknown member `from_trusted_proxy`"),
    ],
)
def test_a_wrong_request(cli: Cli, text: str, said: str) -> None:
    Path("context.json").write_text(text)
    ended = cli("evaluate", "token", *AT, "--context", "context.json")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"policyjwt: {said}")


def test_a_secret_from_a_file_is_read_as_the_policy_says(cli: Cli) -> None:
    shared = Issuer("HS256", kid=None)
    text = policy(algorithms="HS256", keys='secret env "NO_SUCH_NAME" as hex')
    Path("p.policy").write_text(text.replace("{ by key removal within 24h }", '{ by redeployment because "x" }'))
    Path("secret").write_text(shared.private.hex())
    Path("secret").chmod(0o600)
    Path("token").write_text(shared.token(claims()))
    ended = cli("evaluate", "token", "--policies", "p.policy", "--now", NOW, "--keys", "env:NO_SUCH_NAME=secret")
    assert ended.status == 0, ended.err + ended.out


def test_nothing_of_a_bad_token_is_printed(cli: Cli) -> None:
    token = mint(role="guest-0815")
    head, body, signature = token.split(".")
    Path("token").write_text(f"{head}.{body}.{signature[:-4]}AAAA")
    for form in ("text", "json"):
        for extra in ((), ("--values",), ("--all",)):
            ended = cli("evaluate", "token", *AT, "--format", form, *extra)
            assert ended.status == 1
            assert "signature.invalid" in ended.out
            for part in (head, body, signature[:16], "guest-0815", '"s"'):
                assert part not in ended.out + ended.err


def test_colours_mark_the_answer(cli: Cli) -> None:
    assert cli("evaluate", "token", *AT, "--color", "always").out.startswith("\x1b[32;1mWOULD BE TRUSTED")
    mint(aud="x")
    shown = cli("evaluate", "token", *AT, "--color", "always").out
    assert shown.startswith("\x1b[31;1mREFUSED")
    assert "\x1b[31m  ✗ audience.mismatch\x1b[0m" in shown


# ------------------------------------------------------------------------------------------------ evidence


@pytest.fixture
def with_staple() -> bytes:
    """A policy whose signer is known by a certificate, a token of it, and a good staple."""
    from tests.evidence.flow import CALLER, X5C, good, signed
    from tests.pki import pki

    Path("ca.pem").write_bytes(pki().root.pem)
    Path("p.policy").write_text(policy(keys=X5C, revocation=CALLER, replay=REUSABLE))
    Path("token").write_text(signed())
    return good()


CERTIFIED = ("evaluate", "token", "--policies", "p.policy", "--now", str(NOW))


def test_a_staple_is_handed_over_in_every_form(cli: Cli, with_staple: bytes) -> None:
    text = base64.encodebytes(with_staple)
    Path("staple.der").write_bytes(with_staple)
    Path("staple.txt").write_bytes(text)
    Path("staple.pem").write_bytes(b"-----BEGIN OCSP RESPONSE-----\n" + text + b"-----END OCSP RESPONSE-----\n")
    for form in ("staple.der", "staple.txt", "staple.pem"):
        ended = cli(*CERTIFIED, "--staple", form)
        assert (ended.status, ended.err) == (0, ""), ended.out
    assert cli(*CERTIFIED, "--staple", "-", stdin=with_staple).status == 0
    without = cli(*CERTIFIED)
    assert without.status == 1
    assert "staple.missing" in without.out


def test_a_staple_that_can_not_be_read(cli: Cli, with_staple: bytes) -> None:
    assert with_staple
    assert cli(*CERTIFIED, "--staple", "none").status == 2
    both = cli("evaluate", "-", "--policies", "p.policy", "--staple", "-")
    assert (both.status, both.out) == (2, "")
    assert "can't hold both the token and a staple" in both.err


def test_status_lists_come_with_the_request(cli: Cli) -> None:
    from tests.evidence.test_engine_lists import LISTER, ONE, STATUS, named, status_list

    Path("status.jwks").write_text(json.dumps({"keys": [LISTER.jwk()]}))
    Path("jwks.json").write_text(json.dumps({"keys": [ONE.jwk()]}))
    Path("p.policy").write_text(policy(replay=REUSABLE, rest=f"{STATUS}\n  provides sub is string"))
    Path("token").write_text(named(0))
    Path("request.json").write_text(json.dumps({"status_lists": [status_list(0)]}))
    assert cli("evaluate", "token", *AT, "--context", "request.json").status == 0
    Path("request.json").write_text(json.dumps({"status_lists": [status_list(1)]}))
    assert "status.revoked" in cli("evaluate", "token", *AT, "--context", "request.json").out
