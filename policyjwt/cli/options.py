"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from policyjwt.cli import output
from policyjwt.cli.settings import COLOURS, Settings
from policyjwt.reports.terminal import Style

F = TypeVar("F", bound=Callable[..., object])


def color(command: F) -> F:
    """`--color auto|always|never`."""
    return click.option(
        "--color",
        type=click.Choice(COLOURS),
        default=None,
        help="Colours: by default where a terminal reads; NO_COLOR and FORCE_COLOR are respected.",
    )(command)


def form(*choices: str) -> Callable[[F], F]:
    """`--format …`; the first is the default."""
    return click.option("--format", "form", type=click.Choice(choices), default=None, help=f"Default: {choices[0]}.")


def settings_of(context: click.Context) -> Settings:
    """The settings that the program found."""
    found = context.find_root().obj
    return found if isinstance(found, Settings) else Settings()


def style(context: click.Context, color: str | None, *, file: str | None = None) -> Style:
    """The colours of a result."""
    return output.style_for(color or settings_of(context).color, sys.stdout, file=file)


def chosen_form(context: click.Context, given: str | None, *choices: str) -> str:
    """The format: the one given, else the setting if this command offers it, else the first."""
    preferred = settings_of(context).format
    return given or (preferred if preferred in choices else None) or choices[0]
