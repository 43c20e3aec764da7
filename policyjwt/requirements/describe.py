"""Values and names in the words of a finding. Redacted unless the caller asks for values."""

from __future__ import annotations

from collections.abc import Iterable

from policyjwt.expressions.words import joined, quoted, value_phrase
from policyjwt.requirements.line import MISSING


def value_text(value: object, *, values: bool) -> str:
    """A value of a token: its type and size, or with `values` the value itself, escaped and shortened."""
    return "nothing" if value is MISSING else value_phrase(value, values=values)


def one_of(names: Iterable[str]) -> str:
    """Names in backquotes, joined by commas and a final `or`."""
    return joined([quoted(name) for name in names], "or")
