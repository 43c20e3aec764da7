"""The program as a whole: exit statuses, streams, usage errors, defects, pipes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from policyjwt.cli import main, output
from policyjwt.cli.exit_codes import Exit
from tests.cli.conftest import Cli


def test_the_statuses_are_a_contract() -> None:
    assert {status.name: status.value for status in Exit} == {
        "YES": 0,
        "NO": 1,
        "USAGE": 2,
        "POLICY": 3,
        "DEFECT": 70,
    }


def test_version(cli: Cli) -> None:
    ended = cli("--version")
    assert ended.status == 0
    assert re.fullmatch(r"policyjwt \d+\.\d+\.\d+ \(policy language 1\)\n", ended.out)


def test_help_names_every_command_and_no_other(cli: Cli) -> None:
    ended = cli("--help")
    assert ended.status == 0
    listed = re.findall(r"^  ([a-z]+)  ", ended.out.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(main.COMMANDS)
    assert set(listed) == {"validate", "evaluate", "explain", "list", "rule", "staple", "keys", "demo"}


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself(cli: Cli, name: str) -> None:
    ended = cli(name, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert f"Usage: policyjwt {name}" in ended.out


def test_without_a_command_help_goes_to_stderr(cli: Cli) -> None:
    ended = cli()
    assert (ended.status, ended.out) == (2, "")
    assert "Usage: policyjwt" in ended.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("nothing",), "policyjwt: no such command `nothing`"),
        (("test",), "policyjwt: no such command `test`"),
        (("fmt",), "policyjwt: no such command `fmt`"),
        (("validate", "--fail-levle", "error"), "policyjwt: no such option `--fail-levle`"),
        (("validate", "--format", "html"), "policyjwt: invalid value for `--format`: `html` is not one of"),
        (("validate", "--now", "soon"), "policyjwt: `--now` is no time"),
        (("evaluate", "t", "--stable", "x"), "policyjwt: no such option `--stable`"),
        (("evaluate", "t"), "policyjwt: missing option `--policies`"),
        (("evaluate", "t", "--policies", "."), "policyjwt: no policy found"),
        (("explain",), "policyjwt: missing argument `PATH`"),
        (("rule",), "policyjwt: missing argument `CODE`"),
        (("rule", "PJ000"), "policyjwt: there is no code `PJ000`"),
        (
            ("validate", "there/is/none"),
            "policyjwt: `there/is/none` can't be read: no such file or directory",
        ),
        (("validate", "a\0b"), "policyjwt: `a\\u{0000}b` is no path"),
        (("validate",), "policyjwt: `policies` can't be read: no such file or directory"),
        (("validate", "."), "policyjwt: no policy found"),
        (("list", "none.policy"), "policyjwt: `none.policy` can't be read: no such file or directory"),
        (("explain", "."), "policyjwt: no policy found"),
        (("validate", "-", "."), "policyjwt: `-` is standard input and stands alone"),
    ],
)
def test_a_wrong_call_is_one_clear_line(cli: Cli, line: tuple[str, ...], said: str) -> None:
    ended = cli(*line)
    assert (ended.status, ended.out) == (2, "")
    first, *rest = ended.err.splitlines()
    assert first.startswith(said)
    assert not first.endswith(".")
    assert all(other.startswith("help: ") for other in rest)
    assert "Traceback" not in ended.err


def test_wrong_settings_are_told(cli: Cli) -> None:
    Path("policyjwt.toml").write_text("fail_level = 'warning'\n")
    ended = cli("rule", "audience.mismatch")
    assert ended.status == 2
    assert "have an unknown key `fail_level`" in ended.err


def test_a_defect_is_one_line_without_its_text(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the claim was mallory")

    monkeypatch.setattr("policyjwt.codes.page", fail)
    ended = cli("rule", "audience.mismatch")
    assert (ended.status, ended.out) == (70, "")
    first, second = ended.err.splitlines()
    assert re.fullmatch(
        r"policyjwt: a defect of policyjwt itself, RuntimeError at rule\.py:\d+: nothing was decided", first
    )
    assert second.startswith("help: please report")
    assert "mallory" not in ended.err


def test_a_pipe_that_nobody_reads_is_no_traceback(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "policyjwt", "rule", "audience.mismatch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert run.stdout is not None
    run.stdout.close()
    assert run.stderr is not None
    assert run.stderr.read() == b""
    run.stderr.close()
    assert run.wait() == 2


def test_an_interrupt_ends_it_like_any_program(tmp_path: Path) -> None:
    code = (
        "from policyjwt.cli import main, settings\n"
        "def interrupted(_): raise KeyboardInterrupt\n"
        "settings.find = interrupted\n"
        "main.main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "rule", "x"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (-signal.SIGINT, "", "")


def test_a_narrow_encoding_shows_escapes(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "policyjwt", "rule", "höhle"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 2
    assert b"there is no code `h\\xf6hle`" in run.stderr


@pytest.mark.parametrize(
    ("color", "environment", "terminal", "coloured"),
    [
        ("auto", {}, False, False),
        ("auto", {}, True, True),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colours(
    monkeypatch: pytest.MonkeyPatch,
    color: str,
    environment: dict[str, str],
    terminal: bool,  # noqa: FBT001 - a parameter of pytest
    coloured: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert output.style_for(color, sys.stdout).colour is coloured
    assert output.style_for("auto", sys.stdout, file="x").colour is False


def test_every_option_is_described() -> None:
    for name in main.COMMANDS:
        command = main.program.get_command(click.Context(main.program), name)
        assert command is not None
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name}"
