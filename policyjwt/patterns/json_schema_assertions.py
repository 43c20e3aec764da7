"""The keywords that judge a value by itself. Input: what the keyword holds. Output: whether a value fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final, TypeAlias

Judge: TypeAlias = Callable[[Any, Any], bool]
"""What the keyword holds, then the value."""


def is_number(value: object) -> bool:
    """Whether a value is a number; `true` is none."""
    return type(value) is int or type(value) is float


def _is_integer(value: object) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


TYPES: Final[Mapping[str, Callable[[object], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: type(value) is bool,
    "integer": _is_integer,
    "number": is_number,
    "string": lambda value: type(value) is str,
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
}
"""Each type of JSON Schema. 1.0 is an integer there (Validation, section 6.1.1)."""


def _is_multiple(step: float, value: float) -> bool:
    """Exact, by the digits as written: 0.3 is a multiple of 0.1, and nothing overflows."""
    if type(step) is int and type(value) is int:
        return value % step == 0
    return (Fraction(repr(value)) / Fraction(repr(step))).denominator == 1


ASSERTIONS: Final[Mapping[str, tuple[str, Judge]]] = {
    "minLength": ("string", lambda least, value: len(value) >= least),
    "maxLength": ("string", lambda most, value: len(value) <= most),
    "minimum": ("number", lambda least, value: value >= least),
    "maximum": ("number", lambda most, value: value <= most),
    "exclusiveMinimum": ("number", lambda bound, value: value > bound),
    "exclusiveMaximum": ("number", lambda bound, value: value < bound),
    "multipleOf": ("number", _is_multiple),
    "minItems": ("array", lambda least, value: len(value) >= least),
    "maxItems": ("array", lambda most, value: len(value) <= most),
    "minProperties": ("object", lambda least, value: len(value) >= least),
    "maxProperties": ("object", lambda most, value: len(value) <= most),
}
"""Each with the type that it judges; a value of another type passes. Python compares integers and floats exactly."""
