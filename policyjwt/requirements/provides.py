"""Provides: which claims the service may read, each of its type. A line for each claim named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.expressions.words import quoted
from policyjwt.language.model import CheckedPolicy, TypeName
from policyjwt.requirements.describe import value_text
from policyjwt.requirements.line import (
    MET,
    MISSING,
    NOT_APPLICABLE,
    VIOLATED,
    About,
    Facts,
    Line,
    emit_cases,
    emit_read,
    no_instants,
)

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter

_CONDITIONS: dict[str, str] = {
    "string": "type({0}) is str",
    "number": "type({0}) is int or type({0}) is float",
    "integer": "type({0}) is int or (type({0}) is float and {0}.is_integer())",
    "boolean": "type({0}) is bool",
    "list": "type({0}) is list",
    "object": "type({0}) is dict",
}


def is_of_type(value: object, type_name: TypeName) -> bool:
    """Whether a JSON value is of a type of the language; a boolean is no number, 1.0 is an integer."""
    if isinstance(value, bool):
        return type_name == "boolean"
    if isinstance(value, float):
        return type_name == "number" or (type_name == "integer" and value.is_integer())
    names = {str: {"string"}, int: {"number", "integer"}, list: {"list"}, dict: {"object"}}
    return type_name in names.get(type(value), set())


def reason_of(name: str) -> str:
    """A claim's name as it stands in a code."""
    return re.sub(r"[^a-z0-9_]", "-", name.lower())


@dataclass(frozen=True, slots=True)
class ProvidedLine:
    """`provides sub is string`: there, and of that type; `if present`: of that type or not there."""

    about: About
    claim: str
    type: TypeName
    if_present: bool

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        value = facts.claims.get(self.claim, MISSING)
        if self.if_present and (value is MISSING or value is None):
            return NOT_APPLICABLE
        return MET if is_of_type(value, self.type) else VIOLATED

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local = emit_read(out, self.claim)
        cases = [(_CONDITIONS[self.type].format(local), MET)]
        if self.if_present:
            cases.append((f"{local} is {out.const(MISSING)} or {local} is None", NOT_APPLICABLE))
        emit_cases(out, target, *cases, otherwise=VIOLATED)

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        value = facts.claims.get(self.claim, MISSING)
        name = quoted(self.claim)
        article = "an" if self.type in {"integer", "object"} else "a"
        expected = f"the service reads it as {article} {self.type}"
        if value is MISSING:
            return Explanation(f"{name} is absent", expected)
        shown = value_text(value, values=values)
        return Explanation(f"{name} is {shown if result != MET else f'{article} {self.type}'}", expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """A line for each claim that the policy provides."""
    for provided in policy.block.provides:
        about = About(
            stage="claim",
            place=provided.place,
            section="provides",
            reason=f"provides-{reason_of(provided.claim)}",
        )
        yield ProvidedLine(about, provided.claim, provided.type, provided.if_present)
