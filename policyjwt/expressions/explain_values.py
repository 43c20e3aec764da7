"""What is said of a value: that it is absent, or of the wrong type, or what it is. Input: operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policyjwt.expressions.reference import BLOCKED, is_number, kind, read, value_of
from policyjwt.expressions.scope import Scope
from policyjwt.expressions.words import A_TYPE, joined, named, value_phrase
from policyjwt.language.model import Call, Literal, Operand, Path


@dataclass(frozen=True, slots=True, repr=False)
class Teller:
    """Who explains: with `values` it quotes the token."""

    scope: Scope
    values: bool

    def what(self, operand: Operand) -> str:
        """What an operand is: "`azp` is a string of 10 characters"."""
        value = value_of(operand, self.scope)
        values = self.values or (isinstance(operand, Call) and operand.function == "count")
        return f"{named(operand)} is {value_phrase(value, values=values)}"

    def fact(self, operand: Operand, predicate: str, *, brief: str | None = None) -> str:
        """What an operand is, and what it is not. `brief` is the predicate as it follows a type."""
        shown = self.values or (isinstance(operand, Call) and operand.function == "count")
        if brief is not None and not self.values:
            return f"{self.what(operand)}, {brief}"
        return f"{self.what(operand)}, which {predicate}" if shown else f"{self.what(operand)} that {predicate}"

    def trouble(self, operand: Operand, wanted: tuple[str, ...]) -> str | None:
        """Why an operand has no value of a wanted type; None where it has one."""
        value = value_of(operand, self.scope)
        if value is None:
            return self._no_value(operand)
        if kind(value) in wanted:
            return None
        types = joined([A_TYPE[name] for name in wanted], "or")
        if not self.values:
            return f"{self.what(operand)}, not {types}"
        return f"{self.what(operand)}, {value_phrase(value, values=False)} and not {types}"

    def undecided(self, operand: Operand) -> str:
        """The last resort: that a test on this operand can't be decided."""
        return f"nothing can be said of {named(operand)}"

    def _no_value(self, operand: Operand) -> str | None:
        if isinstance(operand, Path):
            return self.absence(operand)
        if not isinstance(operand, Call):
            return None
        trouble = self.trouble(operand.argument, ("list",) if operand.function == "count" else ("string",))
        # The only function that refuses a value of the right type.
        return trouble or f"{self.what(operand.argument)}, from which no host can be read"

    def absence(self, path: Path) -> str | None:
        """That there is no value at a path, and why; None where there is one."""
        value = read(path, self.scope)
        if value is BLOCKED:
            return self._blocked(path)
        if value is not None:
            return None
        return f"{named(path)} is {'null' if _is_null(path, self.scope) else 'absent'}"

    def _blocked(self, path: Path) -> str:
        for end in range(len(path.members) - 1, 0, -1):
            above = read(_above(path, end), self.scope)
            if above is not BLOCKED:
                what = value_phrase(above, values=False)
                return f"{named(path)} can't be read: above it stands {what}, not an object"
        return f"{named(path)} is not at hand"


def _above(path: Path, end: int) -> Path:
    return Path(path.span, path.root, path.members[:end], path.text)


def _is_null(path: Path, scope: Scope) -> bool:
    """Whether what is missing was written as null, itself."""
    if len(path.members) == 1:
        above: object = scope.variables if path.root == "variable" else scope.roots.get(path.root)
    else:
        above = read(_above(path, len(path.members) - 1), scope)
    return isinstance(above, Mapping) and path.members[-1] in above


def kinds_of(literal: Literal) -> tuple[str, ...]:
    """The types of a literal, or of the elements of a literal list, each once."""
    values = literal.value if isinstance(literal.value, tuple) else (literal.value,)
    return tuple(dict.fromkeys(name for name in map(kind, values) if name is not None))


def number_at(operand: Operand, teller: Teller) -> float | None:
    """The value of an operand, if it is a number."""
    value = value_of(operand, teller.scope)
    return value if is_number(value) else None
