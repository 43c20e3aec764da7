"""What the pages say is so: their policies are sound, their rules build, their code runs, their commands print that."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from policyjwt import Engine, codes
from policyjwt.checker.check import Checked, check
from policyjwt.diagnostics import Level
from policyjwt.language.load import load_text
from policyjwt.replay import MemoryReplayStore
from policyjwt.tokens import KeySet
from tests.docs.conftest import NOW, World
from tests.docs.pages import PAGES, README, Block, blocks, inline, prose
from tests.issuer import policy
from tests.shared import ROOT

AS_OF = 1_795_455_600.0  # 2026-11-23T17:40:00Z
CONSULTING = {"validate", "evaluate"}
"""Commands that look at the clock; they are run as of the moment at which the page was written."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_each_block_is_of_a_kind_that_is_run() -> None:
    """A drawing is `text`; anything else that is not run would be free to become false (`test_revocation.py` too)."""
    assert {block.language for block in blocks()} <= {
        "policyjwt",
        "rule",
        "python",
        "console",
        "yaml",
        "sh",
        "ini",
        "text",
    }


# ---------------------------------------------------------------------------------------- the language


def faults(found: Checked) -> list[tuple[int, str, str]]:
    """Errors and warnings, as line, code and message."""
    return [(d.span.line, d.code, d.message) for d in found.diagnostics if d.level is not Level.NOTE]


@pytest.mark.parametrize("block", blocks("policyjwt"), ids=str)
def test_a_policy_is_sound(block: Block) -> None:
    assert faults(check(load_text(block.text, "p.policy"), now=AS_OF)) == []


@pytest.mark.parametrize("block", blocks("rule"), ids=str)
def test_rules_stand_in_a_policy(block: Block) -> None:
    """Those of one block together, in a policy that is sound."""
    text = policy(rest=f"provides sub is string\n{block.text}")
    assert faults(check(load_text(text, "p.policy"), now=AS_OF)) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_code_that_is_named_has_a_page(page: Path) -> None:
    stages = {code.partition(".")[0] for code in codes.pages() if "." in code}
    named = {piece for piece in inline(page) if re.fullmatch(r"PJ\d{3}|([a-z0-9]+)\.[a-z_]+", piece)}
    named = {piece for piece in named if piece.startswith("PJ") or piece.partition(".")[0] in stages - {"claim"}}
    assert {piece for piece in named if codes.page(piece) is None} == set()


# ------------------------------------------------------------------------------------------ the library


def given(world: World) -> dict[str, Any]:
    """What the code on the pages takes as given: tokens, the issuer's keys, an engine, a service's own function."""
    now = time.time()
    keys = {"url:https://idp.corp.example/jwks.json": KeySet.from_jwks(world.jwks())}
    return {
        "token": world.token(world.claims(now)),
        "other_token": world.faulty(now),
        "jwks": world.jwks(),
        "engine": Engine.load("policies/", keys=keys, replay=MemoryReplayStore(100, single_process=True)),
        "charge": Charges(),
    }


class Charges(list[str]):
    """A service's own function, which remembers whom it charged."""

    def __call__(self, sub: str) -> None:
        self.append(sub)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks("python", page)], ids=name)
def test_the_code_runs(page: Path, world: World) -> None:
    """All blocks of a page, one after another; each `name  # value` line is what the comment says."""
    names = given(world)
    for block in blocks("python", page):
        text = re.sub(r"^(.+?)  # (.+)$", _said, block.text, flags=re.MULTILINE)
        exec(compile(text, str(block), "exec"), names)
    assert names["charge"] == ["alice"]


def _said(line: re.Match[str]) -> str:
    """`code  # value` as a line that fails when the value is another; any other comment is left as it is."""
    code = line[1].strip()
    if re.match(r"[\w.]+ = |(if|for|with|from|import|raise|return)\b", code):
        return line[0]
    return f"{line[1][: -len(code)]}assert ({code}) == ({line[2]}), {line[2]!r}"


# ----------------------------------------------------------------------------------------- the commands


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run `policyjwt …` as a shell would, in the folder at hand."""
    program, *arguments = shlex.split(command)
    assert program == "policyjwt", command
    if arguments[0] in CONSULTING:
        arguments += ["--now", NOW]
    return subprocess.run(
        [sys.executable, "-m", "policyjwt", *arguments], capture_output=True, text=True, check=False, encoding="utf-8"
    )


def conversations() -> Iterator[Any]:
    """The commands of all `console` blocks, each with the output below it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield pytest.param(command, output, id=f"{block}: {command}")


def same(shown: str, said: str) -> bool:
    """Whether the output is what is shown; `…` alone on a line stands for any lines, fingerprints may differ."""
    plain = re.compile(r"(?<=sha256 )[\w-]{8}(?=…)")
    parts = re.split(r"^…\n", plain.sub("", shown).rstrip() + "\n", flags=re.MULTILINE)
    pattern = "(?:.*\n)*?".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, plain.sub("", said).rstrip() + "\n") is not None


def test_a_conversation_is_compared() -> None:
    assert same("a\n…\nc\n", "a\nb\nb\nc\n")
    assert not same("a\n…\nc\n", "a\nb\n")
    assert not same("a\n", "a\nb\n")
    assert same("key sha256 AAAAAAAA…\n", "key sha256 BBBBBBBB…\n")


@pytest.mark.parametrize(("command", "output"), list(conversations()))
def test_a_command_prints_that(command: str, output: str, world: World) -> None:
    if command.startswith("make "):
        (target,) = shlex.split(command)[1:]
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return
    ended = run(command)
    assert ended.returncode in {0, 1}, ended.stderr
    assert ended.stderr == ""
    assert same(output, ended.stdout), ended.stdout


def steps() -> Iterator[Any]:
    """The commands that a CI system would run."""
    for block in blocks("yaml"):
        for step in yaml.safe_load(block.text):
            yield pytest.param(step["run"], id=f"{block}: {step['name']}")


@pytest.mark.parametrize("command", list(steps()))
def test_a_step_passes_and_fails(command: str, world: World) -> None:
    """It passes on the policy of the README, and annotates one that has a fault."""
    assert run(command).returncode == 0
    file = world.folder / "policies" / "payments.policy"
    file.write_text(file.read_text(encoding="utf-8").replace('use      "payments-api"', ""), encoding="utf-8")
    ended = run(command)
    assert ended.returncode == 1
    assert ended.stdout.startswith("::error file=policies/payments.policy,line=")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_in_the_prose_works(page: Path, world: World) -> None:
    """Whole commands are run; of those with a placeholder the options must exist."""
    for piece in inline(page):
        found = re.fullmatch(r"policyjwt ([a-z]+)( .+)?", piece)
        if not found:
            continue
        words = shlex.split(found[2] or "")
        if any(word.endswith("/") or codes.page(word) for word in words):
            assert run(piece).returncode == 0, piece
        shown = _help(found[1])
        assert {word for word in words if word.startswith("--") and word.partition("=")[0] not in shown} == set(), piece


def _help(command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "policyjwt", command, "--help"], capture_output=True, text=True, check=True
    ).stdout


# -------------------------------------------------------------------------------------------- the pages


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", prose(page))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_file_that_is_named_exists(page: Path) -> None:
    """Paths of the repository in the prose, such as `policyjwt/schemas/evaluate.schema.json`."""
    paths = {piece for piece in inline(page) if re.fullmatch(r"(policyjwt|tests|docs|grammar)(/[\w.-]+)+/?", piece)}
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_the_readme_names_every_ready_made_policy() -> None:
    text = " ".join(README.read_text(encoding="utf-8").lower().split())
    named = {"entra": "microsoft entra", "oauth-access-token": "oauth access tokens", "openid-id-token": "id tokens"}
    files = {file.stem for file in (ROOT / "policies").glob("*.policy")}
    assert {file for file in files if named.get(file, file.replace("-", " ")) not in text} == set()
