"""The functions of the language. Input: any value. Output: a value, or None, which is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from policyjwt.patterns.hosts import host_of

_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def words(value: object) -> list[str] | None:
    """The words of a string, split at U+0020 alone; None, which is unknown, for anything else."""
    return [word for word in value.split(" ") if word] if type(value) is str else None


def lower(value: object) -> str | None:
    """A string with A to Z in lower case and nothing else changed; None for anything else."""
    if type(value) is not str:
        return None
    # Unicode's own folding can turn other characters into ASCII letters: U+212A KELVIN SIGN becomes k.
    return value.lower() if value.isascii() else value.translate(_TO_LOWER)


def count(value: object) -> int | None:
    """The number of elements of a list; None for anything else."""
    return len(value) if type(value) is list else None


def host(value: object) -> str | None:
    """The host of an http, https or spiffe URL in lower case (RFC 3986); None for anything else."""
    return host_of(value) if type(value) is str else None


FUNCTIONS: Mapping[str, Callable[[object], object]] = {
    "words": words,
    "lower": lower,
    "count": count,
    "host": host,
}
"""Each function of the language by its name. None is unknown."""
