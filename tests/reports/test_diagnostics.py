"""Diagnostics in every format that `validate` offers: exact texts, published schemas, hostile policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.reports import diagnostics_json, diagnostics_text, github, sarif
from policyjwt.reports.summary import Report, fails, sentence
from policyjwt.reports.terminal import Style
from policyjwt.source import Source
from tests.reports.samples import report
from tests.shared import ROOT, vectors

TEXT = """\
error[PJ130]: a bare claim is no test
 --> policies/pay ments.policy:3:10
  |
3 |     require email_verified
  |             ^^^^^^^^^^^^^^
  = policies/pay ments.policy:2:1: in this policy
  = help: write `email_verified == true`

error[PJ204]: a secret stands in the policy
 --> policies/pay ments.policy:4:3

warning[PJ901]: two lines are one
 --> policies/pay ments.policy:4:3
  = help: first
          second

note[PJ902]: some characters are wide
 --> policies/pay ments.policy:5:16
  |
5 |   about "漢\\u{001b}[31m字"
  |                        ^^

2 errors, 1 warning, 1 note in 1 policy (1 file); 3 secrets not checked; \
1 key set fetched at run time not checked"""


def test_text_shows_the_line_and_underlines_it() -> None:
    assert diagnostics_text.text(report()) == TEXT


def test_text_in_colours_says_the_same() -> None:
    import re

    coloured = diagnostics_text.text(report(), Style(colour=True))
    assert "\x1b[31;1merror[PJ130]\x1b[0m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == TEXT


def test_a_long_line_is_shortened_around_the_fault() -> None:
    source = Source("x.policy", "a" * 300 + "FAULT" + "b" * 300 + "\n")
    one = Diagnostic("PJ100", Level.ERROR, "m", source.span(300, 305))
    shown = diagnostics_text.text(Report(diagnostics=(one,), policies=0, files=1, sources={"x.policy": source}))
    assert "| …" + "a" * 115 + "FAULT…\n" in shown
    assert "| " + " " * 116 + "^^^^^\n" in shown


def test_concise_is_one_line_each() -> None:
    assert diagnostics_text.concise(report()).split("\n")[:3] == [
        "policies/pay ments.policy:3:10: error PJ130 a bare claim is no test",
        "policies/pay ments.policy:4:3: error PJ204 a secret stands in the policy",
        "policies/pay ments.policy:4:3: warning PJ901 two lines are one",
    ]


def schema(name: str) -> Any:
    return json.loads((ROOT / "policyjwt" / "schemas" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("nasty", [False, True])
def test_json_follows_its_schema(nasty: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    text = diagnostics_json.as_json(report(nasty=nasty))
    found = json.loads(text)
    jsonschema.Draft202012Validator(schema("validate.schema.json")).validate(found)
    assert text.isascii()
    assert found["diagnostics"][0] == {
        "code": "PJ130",
        "severity": "error",
        "message": "a bare claim is no test",
        "help": "write `email_verified == true`",
        "file": "policies/pay ments.policy",
        "line": 3,
        "column": 10,
        "end_line": 3,
        "end_column": 24,
    }
    assert found["summary"]["not_checked"] == {"secrets": 3, "key sets fetched at run time": 1, "extras": 0}


@pytest.mark.parametrize("name", ["validate.schema.json", "evaluate.schema.json"])
def test_the_published_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("nasty", [False, True])
def test_sarif_follows_the_standard(nasty: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    standard = json.loads(vectors("schemas/sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    found = json.loads(sarif.as_sarif(report(nasty=nasty)))
    jsonschema.validators.validator_for(standard)(standard).validate(found)
    (run,) = found["runs"]
    first = run["results"][0]
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "PJ130"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "policies/pay%20ments.policy"
    assert place["region"] == {"startLine": 3, "startColumn": 10, "endLine": 3, "endColumn": 24}
    assert first["relatedLocations"][0]["message"]["text"] == "in this policy"


def test_sarif_names_absolute_and_odd_paths_as_uris() -> None:
    assert sarif._uri("/tmp/a b.policy") == "file:///tmp/a%20b.policy"
    assert sarif._uri("http:x.policy") == "http%3Ax.policy"


def test_github_annotations() -> None:
    file = "file=policies/pay ments.policy"
    assert github.as_annotations(report()).split("\n") == [
        f"::error {file},line=3,col=10,endColumn=24,title=PJ130 a bare claim is no test"
        "::a bare claim is no test%0Awrite `email_verified == true`",
        f"::error {file},line=4,col=3,endColumn=9,title=PJ204 a secret stands in the policy"
        "::a secret stands in the policy",
        f"::warning {file},line=4,col=3,endLine=5,title=PJ901 two lines are one::two lines are one%0Afirst%0Asecond",
        f"::notice {file},line=5,col=16,endColumn=17,title=PJ902 some characters are wide::some characters are wide",
        sentence(report()),
    ]


def test_a_hostile_policy_writes_no_command_of_its_own() -> None:
    lines = github.as_annotations(report(nasty=True)).split("\n")
    assert [line.partition(" ")[0] for line in lines[:-1]] == [
        "::error",
        "::error",
        "::warning",
        "::notice",
        "::error",
    ]
    hostile = lines[-2]
    assert "\r" not in hostile
    assert "\x1b" not in hostile
    assert "title=PJ903 a %25 b\\r\\n%3A%3Aerror file=x%3A%3Ay%2C z%3A" in hostile


@pytest.mark.parametrize("show", [diagnostics_text.text, diagnostics_text.concise, github.as_annotations])
def test_no_format_lets_a_control_character_through(show: Any) -> None:
    shown = show(report(nasty=True))
    assert not any(character != "\n" and not character.isprintable() for character in shown)


@pytest.mark.parametrize(
    "show",
    [
        diagnostics_text.text,
        diagnostics_text.concise,
        diagnostics_json.as_json,
        sarif.as_sarif,
        github.as_annotations,
    ],
)
def test_no_format_quotes_a_literal_secret(show: Any) -> None:
    whole = report()
    alone = Report(
        diagnostics=whole.diagnostics[1:2],
        policies=1,
        files=1,
        sources=whole.sources,
        unchecked=whole.unchecked,
    )
    assert "hunter2" not in show(alone)


def test_the_sum() -> None:
    assert sentence(Report(diagnostics=(), policies=2, files=1)) == "no fault in 2 policies (1 file)"
    one = Report(diagnostics=(), policies=1, files=2, unchecked={"secrets": 1})
    assert sentence(one) == "no fault in 1 policy (2 files); 1 secret not checked"


def test_what_fails() -> None:
    error, _, warning, note = report().diagnostics
    assert fails([error], at=Level.ERROR)
    assert not fails([warning, note], at=Level.ERROR)
    assert fails([warning], at=Level.WARNING)
    assert not fails([note], at=Level.WARNING)


def test_the_schemas_are_shipped() -> None:
    from importlib.resources import files

    shipped = {entry.name for entry in files("policyjwt").joinpath("schemas").iterdir()}
    assert shipped == {path.name for path in Path(ROOT / "policyjwt" / "schemas").iterdir()}


@pytest.mark.parametrize(
    "text",
    [
        'secret "hunter2" x\n',
        'secret\n  # "a remark"\n  "hunter2" x\n',
        'signature { secret "hunter2" as base64url x }\n',
        'secret literal "hunter2" x\n',
        'key "hunter2" x\n',
        "secret 'hunter2' \"x\n",
    ],
)
def test_no_other_fault_quotes_the_line_of_a_secret(text: str) -> None:
    source = Source("x.policy", text)
    found = Diagnostic("PJ100", Level.ERROR, "m", source.span(text.index("x"), text.index("x") + 1))
    shown = diagnostics_text.text(Report(diagnostics=(found,), policies=0, files=1, sources={"x.policy": source}))
    assert "hunter2" not in shown


@pytest.mark.parametrize("text", ['secret env "NAME" x\n', 'key removal "y" x\n', 'about "the secret key" x\n'])
def test_where_a_secret_is_kept_may_be_shown(text: str) -> None:
    source = Source("x.policy", text)
    found = Diagnostic("PJ100", Level.ERROR, "m", source.span(text.index("x"), text.index("x") + 1))
    shown = diagnostics_text.text(Report(diagnostics=(found,), policies=0, files=1, sources={"x.policy": source}))
    assert text.rstrip() in shown
