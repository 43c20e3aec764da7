"""`policyjwt validate [PATH…]`: are these policies sound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from policyjwt.cli import options, output, policies
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.times import instant
from policyjwt.diagnostics import Level
from policyjwt.reports.summary import Report, fails
from policyjwt.reports.terminal import Style

if TYPE_CHECKING:
    from policyjwt.checker.check import Checked
    from policyjwt.diagnostics import Diagnostic
    from policyjwt.language.load import Loaded

FORMATS = ("text", "concise", "json", "sarif", "github")
DEFAULT_PATH = "policies"


@click.command("validate")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@options.form(*FORMATS)
@click.option(
    "--fail-level",
    type=click.Choice(["error", "warning"]),
    default="error",
    help="From which level on the status is 1. Default: error.",
)
@click.option(
    "--resolve", is_flag=True, help="Also load keys and secrets, as a deployment would: files, environment, keyring."
)
@click.option("--now", metavar="TIME", help="Check dates as of this time (RFC 3339 or seconds since the epoch).")
@click.option("--output", "file", metavar="FILE", help="Write the result to FILE.")
@options.color
@click.pass_context
def command(
    context: click.Context,
    *,
    paths: tuple[str, ...],
    form: str | None,
    fail_level: str,
    resolve: bool,
    now: str | None,
    file: str | None,
    color: str | None,
) -> Exit:
    """Check policies: files, folders, or - for standard input (default: policies/).

    It opens no socket and reads no environment variable, keyring or secret, unless --resolve is given.
    """
    from policyjwt.checker.check import check

    at = time.time() if now is None else instant(now)
    loaded = policies.read(paths or options.settings_of(context).paths or (DEFAULT_PATH,))
    checked = check(loaded, now=at)
    diagnostics = (*checked.diagnostics, *_resolved(checked)) if resolve else checked.diagnostics
    report = _report(loaded, checked, diagnostics, resolved=resolve)
    style = options.style(context, color, file=file)
    output.result(_shown(report, options.chosen_form(context, form, *FORMATS), style), file=file)
    return Exit.NO if fails(diagnostics, at=Level(fail_level)) else Exit.YES


def _report(loaded: Loaded, checked: Checked, diagnostics: tuple[Diagnostic, ...], *, resolved: bool) -> Report:
    from policyjwt.checker.keys import PRIVATE_KEYS, SECRETS
    from policyjwt.diagnostics import in_order

    blocks = [block for document in loaded.documents for block in document.blocks if block.kind == "policy"]
    unchecked = dict(checked.unchecked)
    if resolved:
        for kind in (SECRETS, PRIVATE_KEYS):
            unchecked.pop(kind, None)
    return Report(
        diagnostics=in_order(diagnostics),
        policies=len(blocks),
        files=len(loaded.sources),
        sources=loaded.sources,
        unchecked=unchecked,
    )


def _resolved(checked: Checked) -> tuple[Diagnostic, ...]:
    """What is wrong with the secrets and private keys that the sound policies name."""
    from policyjwt.checker.keys_resolve import resolve_keys

    return resolve_keys([(policy.block, policy.root) for policy in checked.policies])


def _shown(report: Report, form: str, style: Style) -> str:
    from policyjwt.reports import diagnostics_json, diagnostics_text, github, sarif

    forms: dict[str, Callable[[], str]] = {
        "text": lambda: diagnostics_text.text(report, style),
        "concise": lambda: diagnostics_text.concise(report, style),
        "json": lambda: diagnostics_json.as_json(report),
        "sarif": lambda: sarif.as_sarif(report),
        "github": lambda: github.as_annotations(report),
    }
    return forms[form]()
