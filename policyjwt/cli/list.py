"""`policyjwt list PATH`: everything that is trusted."""

from __future__ import annotations

import click

from policyjwt.cli import options, output, policies
from policyjwt.cli.exit_codes import Exit

FORMATS = ("text", "json")


@click.command("list")
@click.argument("path")
@options.form(*FORMATS)
@options.color
@click.pass_context
def command(context: click.Context, path: str, form: str | None, color: str | None) -> Exit:
    """List what the policies at PATH trust: use, issuer, audience, keys, waivers, assurances, owner."""
    from policyjwt.reports.inventory import as_json, as_text, rows

    asked = policies.checked(path)
    if asked.broken:
        color = color or options.settings_of(context).color
        return policies.refuse(asked.diagnostics, asked.sources, color=color)
    table = rows(asked.policies)
    if options.chosen_form(context, form, *FORMATS) == "json":
        output.result(as_json(table))
    else:
        output.result(as_text(table, options.style(context, color)))
    return Exit.YES
