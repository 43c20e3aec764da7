"""The messages about the schemas that policies name (PJ380 to PJ389). One function per code."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.language.suggest import quoted
from policyjwt.source import Span


def no_file(span: Span, *, path: str, fault: str, help: str | None) -> Diagnostic:
    """A schema that can't be had."""
    return Diagnostic("PJ380", Level.ERROR, f"{quoted(path)}: {fault}", span, help)


def schema_error(span: Span, *, path: str, pointer: str, fault: str, help: str | None) -> Diagnostic:
    """A fault for which a schema can't be used."""
    return Diagnostic("PJ381", Level.ERROR, f"{_at(path, pointer)}: {fault}", span, help)


def schema_warning(span: Span, *, path: str, pointer: str, fault: str, help: str | None) -> Diagnostic:
    """What the author of a schema may not mean."""
    return Diagnostic("PJ382", Level.WARNING, f"{_at(path, pointer)}: {fault}", span, help)


def schema_note(span: Span, *, path: str, pointer: str, fault: str, help: str | None) -> Diagnostic:
    """What is worth to know about a schema."""
    return Diagnostic("PJ383", Level.NOTE, f"{_at(path, pointer)}: {fault}", span, help)


def no_schema(span: Span, *, path: str) -> Diagnostic:
    """A file that does not say that it is a schema, and can't be read as one. Nothing of it is quoted."""
    help_ = 'begin it with `"$schema": "https://json-schema.org/draft/2020-12/schema"`; then its faults are shown'
    return Diagnostic("PJ384", Level.ERROR, f"{quoted(path)} can't be read as a JSON Schema", span, help_)


def more_faults(span: Span, *, path: str, count: int) -> Diagnostic:
    """The faults of a schema beyond those that are shown."""
    message = f"{quoted(path)} has {count} more fault{'' if count == 1 else 's'}"
    return Diagnostic("PJ385", Level.ERROR, message, span, "mend those above first")


def _at(path: str, pointer: str) -> str:
    return f"{quoted(path)} at {quoted(pointer)}" if pointer else quoted(path)
