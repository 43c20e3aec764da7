"""Diagnostics: what is wrong with a policy text. About policies only; a token's faults are findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from policyjwt.source import Span

DATED_CODES = frozenset({"PJ950", "PJ951", "PJ952"})
"""Errors that come with the calendar (`waive … until`, `observe … until`, `review by`): `validate` fails on them, but a
running service is never stopped by a date."""


class Level(StrEnum):
    """How much a diagnostic weighs. Only errors keep a policy from being loaded."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that a diagnostic speaks of, such as the earlier of two lines in conflict."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault of a policy: what is wrong, where, and what to do (`help`)."""

    code: str
    level: Level
    message: str
    span: Span
    help: str | None = None
    related: tuple[Related, ...] = ()

    @property
    def stops_loading(self) -> bool:
        """Whether a policy with this diagnostic must not be used."""
        return self.level is Level.ERROR and self.code not in DATED_CODES


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by place, then code, each once: the order in which they are always shown."""
    return tuple(sorted(set(diagnostics), key=lambda d: (d.span.file, d.span.start, d.code, d.message)))
