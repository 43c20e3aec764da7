"""The command `policyjwt`. Input: arguments. Output: an exit status, and what the commands write.

This is the outermost border: whatever goes wrong inside ends here as one line, never as a traceback.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from policyjwt.cli import output, settings
from policyjwt.cli.arguments import refuse_tokens
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure

COMMANDS = ("validate", "evaluate", "explain", "list", "rule", "staple", "keys", "demo")
"""In the order in which help shows them. Each is `command` in the module of its name."""


class _Commands(click.Group):
    """Loads the module of a command when it is asked for: `policyjwt rule` must not pay for the engine."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"policyjwt.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's signature
    if wanted:
        from policyjwt import LANGUAGE_VERSION, __version__

        output.result(f"policyjwt {__version__} (policy language {LANGUAGE_VERSION})")
        context.exit(Exit.YES)


_STATUS = """\b
Exit status: 0 yes, 1 no, 2 usage or input, 3 the policy does not compile,
70 a defect of policyjwt."""


@click.group(cls=_Commands, epilog=_STATUS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version of the program and of the policy language.",
)
@click.pass_context
def program(context: click.Context) -> None:
    """Judge JWTs by trust policies.

    Are these policies sound? Is this token trusted, and why?
    """
    context.obj = settings.find(Path.cwd())


def main() -> NoReturn:
    """Run the program with this process's arguments, and end the process."""
    output.prepare_streams()
    status = run(sys.argv[1:])
    sys.exit(_flushed(status))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit status."""
    try:
        refuse_tokens(arguments)
        if not arguments:
            return _help()
        with program.make_context("policyjwt", list(arguments)) as context:
            status = program.invoke(context)
        return Exit(status)
    except click.exceptions.Exit as end:
        return end.exit_code
    except Failure as failure:
        output.remark(f"policyjwt: {failure.message}")
        if failure.help:
            output.remark(f"help: {failure.help}")
        return failure.status
    except click.ClickException as fault:
        return _usage(fault)
    except BrokenPipeError:
        return _unread()
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as defect:  # noqa: BLE001 - the outermost border: fails closed, with a status of its own
        return _defect(defect)


def _help() -> int:
    with program.make_context("policyjwt", [], resilient_parsing=True) as context:
        output.remarks(program.get_help(context))
    return Exit.USAGE


def _usage(fault: click.ClickException) -> int:
    message = re.sub(r"'([^']*)'", r"`\1`", " ".join(fault.format_message().split())).rstrip(".")
    output.remark(f"policyjwt: {message[:1].lower()}{message[1:]}")
    path = fault.ctx.command_path if isinstance(fault, click.UsageError) and fault.ctx else "policyjwt"
    output.remark(f"help: {path} --help")
    return Exit.USAGE


_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"


def _defect(defect: Exception) -> int:
    """One line that helps to find the defect. Not the exception's text: it could hold a claim."""
    frames = traceback.extract_tb(defect.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)]
    at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "unknown"
    kind = type(defect).__name__
    output.remark(f"policyjwt: a defect of policyjwt itself, {kind} at {at}: nothing was decided")
    output.remark("help: please report this line and `policyjwt --version`, but no token and no key")
    return Exit.DEFECT


def _flushed(status: int) -> int:
    """What was written may still fail to reach its reader."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    return status


def _unread() -> int:
    """Whoever read our output is gone. With nothing left to flush, Python does not complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.USAGE


def _interrupted() -> NoReturn:
    """End as the signal ends every program, so that a shell's loop stops too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("the signal ends the process")
