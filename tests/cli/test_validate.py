"""`policyjwt validate`: what it says, where, and with which status."""

from __future__ import annotations

import json
import os
import secrets
import socket
from pathlib import Path

import jsonschema
import pytest

from tests.cli.conftest import Cli
from tests.issuer import policy
from tests.shared import ROOT, vectors

BARE = policy(rest="provides sub is string\n  require email_verified")
UNOWNED = policy().replace('  owner    "tests@corp.example"\n', "")


def write(text: str, name: str = "policies/p.policy") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sound_policy(cli: Cli) -> None:
    write(policy())
    ended = cli("validate")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "no fault in 1 policy (1 file); 1 key set fetched at run time not checked\n"


def test_a_fault_is_shown_with_its_line(cli: Cli) -> None:
    write(BARE)
    ended = cli("validate", "policies")
    assert (ended.status, ended.err) == (1, "")
    line = BARE.splitlines().index("  require email_verified") + 1
    assert f"--> policies/p.policy:{line}:" in ended.out
    assert f"\n{line} |   require email_verified\n" in ended.out
    assert "^^^^^^^^^^^^^^" in ended.out
    assert "1 error" in ended.out.splitlines()[-1]


def test_standard_input(cli: Cli) -> None:
    assert cli("validate", "-", stdin=policy().encode()).status == 0
    ended = cli("validate", "-", "--format", "concise", stdin=BARE.encode())
    assert ended.status == 1
    assert ended.out.startswith("<stdin>:")
    broken = cli("validate", "-", stdin=b"policyjwt 1\xff")
    assert (broken.status, broken.out) == (2, "")
    assert broken.err == "policyjwt: standard input is not UTF-8: byte 12 can't be read\n"


def test_from_which_level_on_it_fails(cli: Cli) -> None:
    write(UNOWNED)
    assert cli("validate").status == 0
    assert cli("validate", "--fail-level", "warning").status == 1
    assert "warning" in cli("validate").out


def test_dates_are_judged_by_the_time_given(cli: Cli) -> None:
    write(policy(rest="provides sub is string\n  review by 2027-01-01"))
    assert cli("validate", "--now", "2026-12-31").status == 0
    late = cli("validate", "--now", "2027-01-02T00:00:00Z", "--format", "concise")
    assert "PJ952" in late.out
    assert late.status == 1


def test_paths_of_the_settings(cli: Cli) -> None:
    write(policy(), "rules/p.policy")
    Path("policyjwt.toml").write_text("paths = ['rules']\nformat = 'json'\n")
    ended = cli("validate")
    assert ended.status == 0
    assert json.loads(ended.out)["summary"]["policies"] == 1
    assert cli("validate", "--format", "text").out.startswith("no fault")


def test_a_file_gets_the_result(cli: Cli) -> None:
    write(BARE)
    ended = cli("validate", "--output", "found.txt", "--format", "concise")
    assert (ended.status, ended.out, ended.err) == (1, "", "")
    assert Path("found.txt").read_text().startswith("policies/p.policy:")
    ended = cli("validate", "--output", "no/such/folder")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "policyjwt: `no/such/folder` can't be written: No such file or directory\n"


@pytest.mark.parametrize("text", [policy(), BARE, UNOWNED, "policyjwt 1\n", "", 'policyjwt 1\npolicy "x" {\n}\n'])
def test_json_follows_its_schema(cli: Cli, text: str) -> None:
    write(text)
    ended = cli("validate", "--format", "json")
    found = json.loads(ended.out)
    schema = json.loads((ROOT / "policyjwt/schemas/validate.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    assert ended.status == int(found["summary"]["errors"] > 0)


def test_sarif_follows_the_standard(cli: Cli) -> None:
    write(BARE)
    standard = json.loads(vectors("schemas/sarif-schema-2.1.0.json").read_text())
    found = json.loads(cli("validate", "--format", "sarif").out)
    jsonschema.validators.validator_for(standard)(standard).validate(found)
    (rule,) = found["runs"][0]["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"]


def test_github(cli: Cli) -> None:
    write(BARE)
    assert cli("validate", "--format", "github").out.startswith("::error file=policies/p.policy,line=")


def test_a_literal_secret_is_never_printed(cli: Cli) -> None:
    text = policy(algorithms="HS256", keys='secret "hunter2-hunter2-hunter2-hunter2-hunter2"')
    write(text.replace("{ by key removal within 24h }", '{ by redeployment because "x" }'))
    for form in ("text", "concise", "json", "sarif", "github"):
        ended = cli("validate", "--format", form)
        assert ended.status == 1
        assert "PJ204" in ended.out
        assert "hunter2" not in ended.out + ended.err


def test_it_reads_no_environment_and_opens_no_socket(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = policy(algorithms="HS256", keys='secret env "POLICYJWT_TEST_SECRET" as utf8')
    write(secret.replace("{ by key removal within 24h }", '{ by redeployment because "x" }'))
    read: list[str] = []

    class Watched(dict[str, str]):
        def get(self, key: str, default: object = None) -> object:  # type: ignore[override]  # watched, not typed
            read.append(key)
            return super().get(key, default)

        def __getitem__(self, key: str) -> str:
            read.append(key)
            return super().__getitem__(key)

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(os, "environ", Watched(os.environ))
    monkeypatch.setattr(socket, "socket", refused)
    ended = cli("validate")
    assert "POLICYJWT_TEST_SECRET" not in read
    assert "1 secret not checked" in ended.out


def test_resolve_looks_at_secrets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    text = policy(algorithms="HS256", keys='secret env "POLICYJWT_TEST_SECRET" as hex')
    write(text.replace("{ by key removal within 24h }", '{ by redeployment because "x" }'))
    monkeypatch.delenv("POLICYJWT_TEST_SECRET", raising=False)
    assert cli("validate").status == 0
    missing = cli("validate", "--resolve")
    assert missing.status == 1
    assert "POLICYJWT_TEST_SECRET" in missing.out
    monkeypatch.setenv("POLICYJWT_TEST_SECRET", "ab" * 4)
    short = cli("validate", "--resolve")
    assert short.status == 1
    assert "abab" not in short.out
    monkeypatch.setenv("POLICYJWT_TEST_SECRET", secrets.token_hex(40))
    good = cli("validate", "--resolve")
    assert (good.status, "not checked" in good.out) == (0, False)


def test_ten_faults_in_one_run(cli: Cli) -> None:
    rules = "\n".join(f"  require claim_{number}" for number in range(10))
    write(policy(rest=f"provides sub is string\n{rules}"))
    found = json.loads(cli("validate", "--format", "json").out)
    assert [d["line"] for d in found["diagnostics"]] == sorted(d["line"] for d in found["diagnostics"])
    assert found["summary"]["errors"] == 10
