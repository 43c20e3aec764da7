"""`policyjwt rule CODE`: what a code means, the threat, the fix."""

from __future__ import annotations

import click

from policyjwt.cli import options, output
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure
from policyjwt.reports.terminal import visible


@click.command("rule")
@click.argument("code")
@options.color
@click.pass_context
def command(context: click.Context, code: str, color: str | None) -> Exit:
    """Explain CODE, of a diagnostic (PJ301) or of a finding (audience.mismatch)."""
    from policyjwt import codes
    from policyjwt.reports.code_pages import as_text

    page = codes.page(code)
    if page is None:
        raise Failure(f"there is no code `{visible(code[:80])}`", help=_meant(code))
    output.result(as_text(page, code, options.style(context, color)))
    return Exit.YES


def _meant(code: str) -> str:
    from policyjwt import codes

    meant = codes.closest(code)
    if meant:
        return f"did you mean `{meant}`?"
    return "codes look like `PJ301` (diagnostics of policies) and `audience.mismatch` (findings of verdicts)"
