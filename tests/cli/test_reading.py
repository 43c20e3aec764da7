"""`policyjwt explain`, `list`, `rule` and `demo`: what people read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from policyjwt.codes import pages
from tests.cli.conftest import Cli
from tests.issuer import policy

BROKEN = 'policyjwt 1\npolicy "x" {\n}\n'


def two(folder: str = "policies") -> None:
    Path(folder).mkdir(exist_ok=True)
    Path(folder, "a.policy").write_text(policy(name="first"))
    Path(folder, "b.policy").write_text(
        policy(
            name="second",
            issuer='issuer "https://other.example"',
            keys='keys jwks url "https://other.example/k"',
        )
    )


def test_explain_says_what_each_policy_demands(cli: Cli) -> None:
    two()
    ended = cli("explain", "policies")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("first   policies/a.policy:3\n\nWhat it is for\n  - Tokens for tests.")
    assert 'The token must be issued by "https://other.example". (line 7)' in ended.out
    one = cli("explain", "policies", "--policy", "second")
    assert one.out.startswith("second ")
    assert "a.policy" not in one.out


def test_explain_as_markdown(cli: Cli) -> None:
    two()
    ended = cli("explain", "policies", "--policy", "first", "--format", "markdown")
    assert ended.out.startswith("# first\n\n`policies/a.policy`, line 3\n\n## What it is for\n")


def test_explain_a_policy_that_is_not_there(cli: Cli) -> None:
    two()
    ended = cli("explain", "policies", "--policy", "third")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "policyjwt: no policy named `third` is in `policies`",
        "help: there are `first`, `second`",
    ]


def test_explain_needs_only_the_policy_that_is_named(cli: Cli) -> None:
    two()
    Path("policies/c.policy").write_text(BROKEN)
    assert cli("explain", "policies").status == 3
    assert cli("explain", "policies", "--policy", "first").status == 0
    assert cli("explain", "policies", "--policy", "x").status == 3


def test_list_shows_everything_that_is_trusted(cli: Cli) -> None:
    two()
    ended = cli("list", "policies")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == 'use "api"'
    assert [line.split()[0] for line in lines if re.match(r"  \S", line)] == ["first", "second"]
    assert "    issuer      https://issuer.example" in lines
    assert "    waivers     by key removal within 1 day" in lines


def test_list_as_json(cli: Cli) -> None:
    two()
    found = json.loads(cli("list", "policies", "--format", "json").out)
    assert found["format_version"] == "1"
    first = found["policies"][0]
    assert first["policy"] == "first"
    assert first["keys"] == ["url:https://issuer.example/jwks"]
    assert "integrity" in first["assured"]


@pytest.mark.parametrize("command", ["list", "explain"])
def test_a_policy_that_does_not_compile(cli: Cli, command: str) -> None:
    Path("x.policy").write_text(BROKEN)
    ended = cli(command, "x.policy")
    assert (ended.status, ended.out) == (3, "")
    assert "--> x.policy:2:1" in ended.err


@pytest.mark.parametrize("code", sorted(pages()))
def test_every_code_has_its_rule(cli: Cli, code: str) -> None:
    ended = cli("rule", code)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"{code}  {pages()[code].title}  (")
    for title in ("Meaning", "Threat", "Fix"):
        assert f"\n{title}\n" in ended.out


def test_rule_serves_the_codes_of_rules_and_outcomes(cli: Cli) -> None:
    assert cli("rule", "claim.pay-scope").out.startswith("claim.pay-scope  ")
    assert cli("rule", "audience.waived").out.startswith("audience.waived  ")


def test_rule_knows_what_was_meant(cli: Cli) -> None:
    ended = cli("rule", "audience.mismach")
    assert ended.status == 2
    assert ended.err.splitlines()[1] == "help: did you mean `audience.mismatch`?"


def test_the_demo_tells_its_story(cli: Cli) -> None:
    ended = cli("demo")
    assert (ended.status, ended.err) == (0, "")
    heads = re.findall(r"^(TRUSTED|REFUSED)\b", ended.out, re.MULTILINE)
    yes, no = "TRUSTED", "REFUSED"
    assert heads == [yes, *5 * [no], yes, *5 * [no], yes, *3 * [no], yes, *3 * [no], yes, no]
    story = (
        "1. A token as it should be",
        "2. Expired",
        "3. Three faults at once",
        "4. Tampered",
        "5. alg: none",
        "6. Replayed",
        "7. Trusted, with its staple",
        "8. No staple",
        "9. A stale staple",
        "10. Revoked",
        "11. The staple of another certificate",
        "12. A signer that vouches for itself",
        "13. The holder, with a proof",
        "14. A copied token",
        "15. The same proof again",
        "16. A proof by another key",
        "17. Encrypted",
        "18. In the open",
        "19. Encrypted to somebody else",
        "20. A key that is not known yet",
        "21. The new key has come",
        "22. The old key is gone",
    )
    places = [ended.out.index(title) for title in story]
    assert places == sorted(places)
    for code in (
        "freshness.expired",
        "audience.mismatch",
        "signature.invalid",
        "staple.missing",
        "staple.stale",
        "staple.revoked",
        "staple.wrong_certificate",
        "staple.responder_not_delegated",
        "header.algorithm_refused",
        "replay.seen",
        "holder.dpop_count",
        "holder.mismatch",
        "policy.encryption_required",
        "decryption.failed",
        "key.unknown_kid",
    ):
        assert f"✗ {code}" in ended.out
    assert not re.search(r"eyJ[A-Za-z0-9_-]+\.eyJ", ended.out), "no token is printed"
    assert max(map(len, ended.out.splitlines())) < 240


def test_the_demo_tells_no_lies(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policyjwt.cli.demo_issuer.tampered", lambda minted, _: minted)
    assert cli("demo").status == 70
