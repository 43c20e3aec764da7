"""What a test means: the definition, written for reading. Input: test and scope. Output: true, false or None.

Every operand and every term is evaluated, always: no result and no limit depends on an order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import ge, gt, le, lt
from typing import Final, TypeAlias, TypeGuard

from policyjwt.expressions import functions
from policyjwt.expressions.scope import Scope
from policyjwt.expressions.work import Meter, weight
from policyjwt.language.model import (
    Affix,
    And,
    Call,
    Compare,
    Contains,
    DateTest,
    In,
    IsType,
    Like,
    Literal,
    Matches,
    Not,
    Operand,
    Or,
    Path,
    Presence,
    Quantified,
    Test,
    Under,
    Within,
)
from policyjwt.patterns.glob import compile_glob
from policyjwt.patterns.hosts import is_under
from policyjwt.patterns.matcher import matcher

Truth: TypeAlias = bool | None
"""True, false, or unknown."""


class _Blocked:
    """There can be no such member: what stands above it is neither an object nor absent."""


BLOCKED: Final = _Blocked()


def evaluate(test: Test, scope: Scope) -> Truth:
    """Whether the test holds for these values; None is unknown. Raises LimitReached."""
    return _truth(test, scope, Meter())


def _truth(test: Test, scope: Scope, meter: Meter) -> Truth:
    match test:
        case Not():
            return negation(_truth(test.test, scope, meter))
        case And():
            return all_of([_truth(part, scope, meter) for part in test.tests])
        case Or():
            return any_of([_truth(part, scope, meter) for part in test.tests])
        case Quantified():
            return _quantified(test, scope, meter)
        case Presence():
            return _presence(test, scope)
        case IsType():
            return is_type(read(test.path, scope), test.type)
        case _:
            return _operators(test, scope, meter)


# --------------------------------------------------------------------------------------------- Kleene's logic


def negation(truth: Truth) -> Truth:
    """Unknown stays unknown."""
    return None if truth is None else not truth


def all_of(truths: Iterable[Truth]) -> Truth:
    """False if one is false, else unknown if one is unknown, else true."""
    found = list(truths)
    return False if False in found else None if None in found else True


def any_of(truths: Iterable[Truth]) -> Truth:
    """True if one is true, else unknown if one is unknown, else false."""
    return negation(all_of(negation(truth) for truth in truths))


def _quantified(test: Quantified, scope: Scope, meter: Meter) -> Truth:
    items = value_of(test.items, scope, meter)
    if type(items) is not list:
        return None
    truths = []
    meter.enter(test)
    for item in items:
        meter.spend(1)
        truths.append(_truth(test.test, scope.bind(test.variable, item), meter))
    meter.leave()
    if test.quantity == "some":
        return any_of(truths)
    return all_of(truths) if truths else None


# ----------------------------------------------------------------------------------------------------- values


def value_of(operand: Operand, scope: Scope, meter: Meter | None = None) -> object:
    """The value of an operand; None where it is missing or null, or its function has none."""
    value: object
    match operand:
        case Literal():
            return list(operand.value) if isinstance(operand.value, tuple) else operand.value
        case Path():
            found = read(operand, scope)
            value = None if found is BLOCKED else found
        case Call():
            value = functions.FUNCTIONS[operand.function](value_of(operand.argument, scope, meter))
    if meter is not None:
        meter.spend(weight(value))
    return value


def read(path: Path, scope: Scope) -> object:
    """The value at a path, None if it is missing or null, BLOCKED if something above it has another type."""
    value: object
    if path.root == "variable":
        name, *members = path.members
        value = scope.variables[name]
    else:
        members = list(path.members)
        value = scope.roots.get(path.root, BLOCKED)
    for member in members:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return BLOCKED
        value = value.get(member)
    return value


_KINDS: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}
_SINGLE: Final = frozenset({"string", "number", "boolean"})


def kind(value: object) -> str | None:
    """The type of a value in the words of the language; None for no value. A boolean is no number."""
    return _KINDS.get(type(value))


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number."""
    return kind(value) == "number"


# ------------------------------------------------------------------------------------------------------ tests


def equal(one: object, other: object) -> Truth:
    """Whether two single values are equal. Of two types, of lists and of objects it is unknown."""
    if kind(one) != kind(other) or kind(one) not in _SINGLE:
        return None
    return one == other


def is_in(one: object, items: object) -> Truth:
    """`one in items`: an *or* of `one == element`."""
    if kind(one) not in _SINGLE or type(items) is not list:
        return None
    return any_of(equal(one, item) for item in items)


_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def _compare(operator: str, left: object, right: object) -> Truth:
    if operator == "==":
        return equal(left, right)
    if operator == "!=":
        return negation(equal(left, right))
    return _ORDERS[operator](left, right) if is_number(left) and is_number(right) else None


def _contains(quantity: str, items: object, wanted: object) -> Truth:
    if quantity == "one":
        return is_in(wanted, items)
    if type(items) is not list or type(wanted) is not list:
        return None
    if quantity == "only":
        return all_of(is_in(item, wanted) for item in items) if items else None
    found = [is_in(one, items) for one in wanted]
    if quantity == "any":
        return any_of(found)
    return all_of(found) if found else None


def _affix(where: str, value: object, affix: object) -> Truth:
    if type(value) is not str or type(affix) is not str or affix == "":
        return None
    return value.startswith(affix) if where == "starts" else value.endswith(affix)


def _within(value: object, seconds: int, scope: Scope) -> Truth:
    if not is_number(value):
        return None
    return scope.now - (seconds + scope.skew) <= value <= scope.now + scope.skew


def _date(value: object, side: str, epoch: int) -> Truth:
    if not is_number(value):
        return None
    return value < epoch if side == "before" else value >= epoch


def _operators(test: Test, scope: Scope, meter: Meter) -> Truth:
    """Tests that compare one or two operands."""
    match test:
        case Compare() | In() | Contains() | Affix() | Under():
            left, right = value_of(test.left, scope, meter), value_of(test.right, scope, meter)
            return _of_two(test, left, right)
        case Like() | Matches():
            value = value_of(test.left, scope, meter)
            fits = compile_glob(test.glob) if isinstance(test, Like) else matcher(test.pattern)
            return fits(value) if type(value) is str else None
        case Within():
            return _within(value_of(test.left, scope, meter), test.seconds, scope)
        case DateTest():
            return _date(value_of(test.left, scope, meter), test.side, test.epoch)
        case _:
            raise AssertionError("every kind of test has its meaning")


def _of_two(test: Compare | In | Contains | Affix | Under, left: object, right: object) -> Truth:
    match test:
        case Compare():
            return _compare(test.operator, left, right)
        case In():
            return negation(is_in(left, right)) if test.negated else is_in(left, right)
        case Contains():
            return _contains(test.quantity, left, right)
        case Affix():
            return _affix(test.where, left, right)
        case Under():
            return is_under(left, right) if type(left) is str and type(right) is str else None


def _presence(test: Presence, scope: Scope) -> Truth:
    value = read(test.path, scope)
    return None if value is BLOCKED else (value is not None) == test.present


def is_type(value: object, name: str) -> Truth:
    """`x is TYPE`: unknown only where there is no value. An integer is a number with an integral value."""
    if value is None or value is BLOCKED:
        return None
    if name == "integer":
        return is_number(value) and (type(value) is int or float(value).is_integer())
    return kind(value) == name
