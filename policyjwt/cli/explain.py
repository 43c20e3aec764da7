"""`policyjwt explain PATH`: what a policy demands, assures and waives, in plain words."""

from __future__ import annotations

import click

from policyjwt.cli import options, output, policies
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure
from policyjwt.reports.terminal import visible

FORMATS = ("text", "markdown")


@click.command("explain")
@click.argument("path")
@click.option("--policy", "name", metavar="NAME", help="Only this policy.")
@options.form(*FORMATS)
@options.color
@click.pass_context
def command(context: click.Context, path: str, name: str | None, form: str | None, color: str | None) -> Exit:
    """Say in plain words what the policies at PATH demand, assure and waive."""
    from policyjwt.reports.explain import account, as_markdown, as_text

    asked = policies.checked(path)
    chosen = [policy for policy in asked.policies if name in (None, policy.name)]
    if asked.broken and (name is None or not chosen):
        color = color or options.settings_of(context).color
        return policies.refuse(asked.diagnostics, asked.sources, color=color)
    if not chosen:
        named = f"named `{visible(name)}` " if name else ""
        known = ", ".join(f"`{visible(policy.name)}`" for policy in asked.policies)
        raise Failure(f"no policy {named}is in `{visible(path)}`", help=f"there are {known}" if known else None)
    accounts = [account(policy) for policy in chosen]
    if options.chosen_form(context, form, *FORMATS) == "markdown":
        output.result("\n\n".join(map(as_markdown, accounts)))
    else:
        style = options.style(context, color)
        output.result("\n\n\n".join(as_text(told, style) for told in accounts))
    return Exit.YES
