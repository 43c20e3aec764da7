"""Why a test that is made of no other tests came out so. Input: the test, its outcome. Output: a phrase.

The catalogue of these phrases. They name paths and literals of the policy, and of the token types and sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from policyjwt.expressions.explain_values import Teller, kinds_of, number_at
from policyjwt.expressions.reference import Truth, is_in, kind, read, value_of
from policyjwt.expressions.text import date_text, duration_text, pattern_text
from policyjwt.expressions.words import (
    A_TYPE,
    joined,
    literal,
    literals,
    named,
    sized,
    value_phrase,
)
from policyjwt.language.model import (
    Affix,
    Compare,
    CompareOperator,
    Contains,
    DateTest,
    In,
    IsType,
    Like,
    Literal,
    Matches,
    Operand,
    Presence,
    Scalar,
    Test,
    Under,
    Within,
)
from policyjwt.spans import moment, span

_TRUE = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_SWAPPED: Final[Mapping[CompareOperator, CompareOperator]] = {
    "==": "==",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}
_STRING = ("string",)
_LIST = ("list",)
_NUMBER = ("number",)
_SINGLE = ("string", "number", "boolean")


def phrase(test: Test, truth: Truth, teller: Teller) -> str:
    """Why `test` is true, false or unknown (None)."""
    match test:
        case Compare():
            return _compare(test, truth, teller)
        case In():
            return _in(test, truth, teller)
        case Contains():
            return _contains(test, truth, teller)
        case Affix():
            return _affix(test, truth, teller)
        case Like():
            fits = f"fit {literal(test.glob)}"
            return _text(test.left, truth, teller, yes=f"fits {literal(test.glob)}", no=f"does not {fits}")
        case Matches():
            pattern = named(pattern_text(test.pattern))
            return _text(test.left, truth, teller, yes=f"fits {pattern}", no=f"does not fit {pattern}")
        case Under():
            return _under(test, truth, teller)
        case Within():
            return _within(test, truth, teller)
        case DateTest():
            return _date(test, truth, teller)
        case Presence():
            return _presence(test, teller)
        case IsType():
            return _is_type(test, truth, teller)
        case _:
            raise AssertionError("tests of tests are explained by explain.py")


# --------------------------------------------------------------------------------------------- == and its kin


def _compare(test: Compare, truth: Truth, teller: Teller) -> str:
    if isinstance(test.left, Literal) and not isinstance(test.right, Literal):
        test = replace(test, left=test.right, right=test.left, operator=_SWAPPED[test.operator])
    left, right = test.left, test.right
    if truth is None:
        return _not_compared(test, left, right, teller)
    if test.operator in _TRUE:
        return _ordered(test, truth, teller)
    other = _shown_right(right, teller)
    if truth is (test.operator == "=="):
        return f"{named(left)} is {other}"
    return teller.fact(left, f"is not {other}")


def _ordered(test: Compare, truth: Truth, teller: Teller) -> str:
    other = _shown_right(test.right, teller)
    if truth:
        return f"{named(test.left)} is {_TRUE[test.operator]} {other}"
    return teller.fact(test.left, f"is not {_TRUE[test.operator]} {other}")


def _shown_right(operand: Operand, teller: Teller) -> str:
    """The right operand: a literal is shown, of a value of the token only where it stands."""
    if isinstance(operand, Literal):
        return _literal(operand)
    if teller.values:
        return f"the value of {named(operand)}, {value_phrase(value_of(operand, teller.scope), values=True)}"
    return f"the value of {named(operand)}"


def _literal(operand: Literal, word: str = "or") -> str:
    if isinstance(operand.value, tuple):
        return literals(operand.value, word)
    return literal(operand.value)


def _not_compared(test: Compare, left: Operand, right: Operand, teller: Teller) -> str:
    if test.operator in _TRUE:
        return teller.trouble(left, _NUMBER) or teller.trouble(right, _NUMBER) or teller.undecided(left)
    if isinstance(right, Literal):
        wanted = kinds_of(right)
        return teller.trouble(left, wanted) or teller.undecided(left)
    trouble = teller.trouble(left, _SINGLE) or teller.trouble(right, _SINGLE)
    return trouble or f"{teller.what(left)} and {teller.what(right)}: two types are never compared"


# ------------------------------------------------------------------------------------------------------ lists


def _in(test: In, truth: Truth, teller: Teller) -> str:
    left, right = test.left, test.right
    if truth is None:
        return _in_undecided(left, right, teller)
    if not isinstance(right, Literal):
        # The list is the token's: `"admin" in roles` is `roles contains "admin"`.
        return _holds(right, left, teller, found=truth is not test.negated)
    listed = _literal(right)
    several = isinstance(right.value, tuple) and len(right.value) > 1
    if truth is not test.negated:
        return f"{named(left)} is {f'one of {listed}' if several else listed}"
    return teller.fact(left, f"is none of {listed}" if several else f"is not {listed}")


def _in_undecided(left: Operand, right: Operand, teller: Teller) -> str:
    if isinstance(right, Literal):
        wanted = kinds_of(right)
        trouble = teller.trouble(left, wanted)
        return trouble or f"{teller.what(left)}, and not all of {_literal(right, 'and')} are of that type"
    trouble = teller.trouble(left, _SINGLE) or teller.trouble(right, _LIST)
    return trouble or _holds(right, left, teller, found=False) + _others(right, left, teller)


def _holds(items: Operand, wanted: Operand, teller: Teller, *, found: bool) -> str:
    if isinstance(wanted, Literal):
        return f"{named(items)} {'contains' if found else 'lacks'} {_literal(wanted)}"
    what = named(wanted)
    if teller.values:
        what = f"{what}, {value_phrase(value_of(wanted, teller.scope), values=True)}"
    return f"{named(items)} {'contains' if found else 'lacks'} the value of {what}"


def _others(items: Operand, wanted: Operand, teller: Teller) -> str:
    """That a list holds elements that can't be compared with what is wanted."""
    value = value_of(wanted, teller.scope)
    its_kind = kind(value)
    return f", and not all of its elements are {its_kind}s" if its_kind else ""


def _contains(test: Contains, truth: Truth, teller: Teller) -> str:
    items = value_of(test.left, teller.scope)
    if type(items) is not list:
        return teller.trouble(test.left, _LIST) or teller.undecided(test.left)
    if test.quantity == "one":
        if truth is None:
            return _in_undecided(test.right, test.left, teller)
        return _holds(test.left, test.right, teller, found=truth)
    assert isinstance(test.right, Literal)
    wanted = test.right.value if isinstance(test.right.value, tuple) else (test.right.value,)
    if test.quantity == "only":
        return _only(test, truth, teller, items, wanted)
    return _several(test, truth, items, wanted)


def _several(test: Contains, truth: Truth, items: list[object], wanted: Sequence[Scalar]) -> str:
    """`any of` and `all of`."""
    name = named(test.left)
    present = [one for one in wanted if is_in(one, items) is True]
    missing = [one for one in wanted if is_in(one, items) is not True]
    if truth is True:
        return f"{name} contains {literals(present, 'and')}"
    unlike = ", and not all of its elements are of that type" if truth is None else ""
    if test.quantity == "any":
        lacked = f"has none of {literals(wanted, 'or')}" if len(wanted) > 1 else f"lacks {literal(wanted[0])}"
        return f"{name} {lacked}{unlike}"
    return f"{name} lacks {literals(missing, 'and')}{unlike}"


def _only(test: Contains, truth: Truth, teller: Teller, items: list[object], wanted: Sequence[Scalar]) -> str:
    name, listed = named(test.left), literals(wanted, "and")
    if not items:
        return f"{name} is an empty list"
    if truth is True:
        return f"{name} contains only {listed}"
    if truth is None:
        return f"{name} has elements of another type than {literals(wanted, 'or')}"
    strange = [item for item in items if is_in(item, list(wanted)) is False]
    said = f"{len(strange)} of the {sized(len(items), '{} element')} of {name}"
    verb = "is" if len(strange) == 1 else "are"
    shown = f": {joined([value_phrase(item, values=True) for item in strange], 'and')}" if teller.values else ""
    return f"{said} {verb} not among {listed}{shown}"


# ------------------------------------------------------------------------------------------------------ texts


def _text(operand: Operand, truth: Truth, teller: Teller, *, yes: str, no: str) -> str:
    if truth is None:
        return teller.trouble(operand, _STRING) or teller.undecided(operand)
    return f"{named(operand)} {yes}" if truth else teller.fact(operand, no)


def _affix(test: Affix, truth: Truth, teller: Teller) -> str:
    if truth is None and not isinstance(test.right, Literal):
        trouble = teller.trouble(test.left, _STRING) or teller.trouble(test.right, _STRING)
        return trouble or f"{named(test.right)} is empty, and every string {test.where} with that"
    affix = _shown_right(test.right, teller)
    verb = "start" if test.where == "starts" else "end"
    return _text(test.left, truth, teller, yes=f"{verb}s with {affix}", no=f"does not {verb} with {affix}")


def _under(test: Under, truth: Truth, teller: Teller) -> str:
    if truth is None:
        trouble = teller.trouble(test.left, _STRING) or teller.trouble(test.right, _STRING)
        if trouble is None and isinstance(test.right, Literal):
            return teller.fact(test.left, "is no host")
        return trouble or f"{named(test.left)} or {named(test.right)} is no host"
    parent = _shown_right(test.right, teller)
    return _text(test.left, truth, teller, yes=f"is {parent} or below it", no=f"is neither {parent} nor below it")


# ------------------------------------------------------------------------------------------------------ times


def _within(test: Within, truth: Truth, teller: Teller) -> str:
    value = number_at(test.left, teller)
    if value is None:
        return teller.trouble(test.left, _NUMBER) or teller.undecided(test.left)
    name, scope = named(test.left), teller.scope
    skew = f", with {duration_text(scope.skew)} for clock skew" if scope.skew else ""
    if moment(value) is None:
        return f"{name} is a number that is no time of this age"
    if value > scope.now:
        allowed = "" if truth or not scope.skew else f"; {duration_text(scope.skew)} are allowed for clock skew"
        return f"{name} is {span(value - scope.now)} in the future{allowed}"
    said = f"{name} was {span(scope.now - value)} ago"
    return said if truth else f"{said}; at most {duration_text(test.seconds)}{skew}"


def _date(test: DateTest, truth: Truth, teller: Teller) -> str:
    value = number_at(test.left, teller)
    if value is None:
        return teller.trouble(test.left, _NUMBER) or teller.undecided(test.left)
    name, day = named(test.left), date_text(test.epoch)
    time = moment(value)
    side = "before" if test.side == "before" else "on or after"
    said = f"{name} is {time}" if time else f"{name} is a number far from any date"
    return said + (f", {side} {day}" if truth else f", not {side} {day}")


# ---------------------------------------------------------------------------------------- there and of a type


def _presence(test: Presence, teller: Teller) -> str:
    value = read(test.path, teller.scope)
    absent = teller.absence(test.path)
    if absent is not None:
        return absent
    return f"{named(test.path)} is present, {value_phrase(value, values=teller.values)}"


def _is_type(test: IsType, truth: Truth, teller: Teller) -> str:
    if truth is None:
        return teller.absence(test.path) or teller.undecided(test.path)
    if truth:
        return f"{named(test.path)} is {A_TYPE[test.type]}"
    return teller.fact(test.path, f"is not {A_TYPE[test.type]}", brief=f"not {A_TYPE[test.type]}")
