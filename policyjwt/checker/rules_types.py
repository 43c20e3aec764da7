"""Types and operators in rules. Input: an elementary test and what is known of types. Output: diagnostics.

An error where the language itself makes the test unknown for every token; a warning where a provider's or a
standard's documentation does.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import rule_messages as messages
from policyjwt.checker.rules_slips import element_help, is_list_claim
from policyjwt.checker.rules_walk import literal_of, operands
from policyjwt.checker.types import (
    LIST,
    NUMBER,
    STRING,
    Kinds,
    Types,
    argument_kinds,
    kind_named,
    kind_of,
)
from policyjwt.diagnostics import Diagnostic
from policyjwt.expressions.text import operand_text, text_of, value_text
from policyjwt.language.model import (
    Affix,
    Call,
    Compare,
    Contains,
    DateTest,
    In,
    IsType,
    Like,
    Literal,
    Matches,
    Operand,
    Quantified,
    Test,
    Under,
    Within,
)

_ORDER = ("<", "<=", ">", ">=")
SCALARS: Kinds = frozenset({"string", "number", "boolean"})


def type_faults(test: Test, types: Types) -> Iterator[Diagnostic]:
    """What is wrong with the types of one elementary test.

    The first fault of each operand, not what follows from it.
    """
    calls = [found for operand in operands(test) for found in _arguments(test, operand, types)]
    if calls:
        yield from calls
        return
    match test:
        case Compare() if test.operator in _ORDER:
            for operand in operands(test):
                yield from _number(test, operand, types, operator=test.operator)
        case Compare():
            yield from _equal(test, types)
        case In():
            yield from _member(test, types)
        case Contains():
            yield from _list(test, test.left, types, operator="contains")
        case Affix() | Under() | Like() | Matches():
            yield from _text(test, types)
        case Within():
            yield from _number(test, test.left, types, operator="within")
        case DateTest():
            yield from _number(test, test.left, types, operator=test.side)
        case IsType():
            wanted = frozenset({kind_named(test.type)})
            yield from _mismatch(test, test.path, types, wanted, needs=f"this asks for {test.type}")
        case Quantified():
            yield from _list(test, test.items, types, operator=test.quantity)
        case _:
            return


def _mismatch(
    test: Test, operand: Operand, types: Types, wanted: Kinds, *, needs: str, help: str | None = None
) -> Iterator[Diagnostic]:
    """The diagnostic if `operand` never has a type of `wanted`."""
    typing = types.of(operand)
    if isinstance(operand, Literal) or typing is None or typing.kinds & wanted:
        return  # what is wrong with a literal is found where policies are read
    if is_list_claim(operand, types) and not isinstance(test, IsType):
        name = operand_text(operand)
        advice = element_help(test, operand, name)
        yield messages.list_as_one(test.span, operand=name, says=typing.says, help=advice)
        return
    make = messages.certain_type if typing.certain else messages.documented_type
    yield make(
        test.span,
        operand=operand_text(operand),
        is_a=messages.a_kind(typing.kinds),
        says=typing.says,
        needs=needs,
        help=help or _likely(test, operand, typing.kinds),
    )


def _likely(test: Test, operand: Operand, kinds: Kinds) -> str:
    """The test with its literal in the type that the operand has, where one is clear."""
    if kinds == LIST:
        return element_help(test, operand, operand_text(operand))
    if isinstance(test, IsType):
        return f"write `{test.path.text} is {sorted(kinds)[0]}`, or take the test out"
    if isinstance(test, Compare):
        other = test.right if test.left == operand else test.left
        value = literal_of(other)
        meant = None if value is None or isinstance(value, tuple) else _as_kind(value, kinds)
        if meant is not None:
            name = operand_text(operand)
            return f"write `{name} {test.operator} {value_text(meant)}`"
    return f"write a test for {messages.a_kind(kinds)}"


def _as_kind(value: str | float, kinds: Kinds) -> str | int | bool | None:
    if kinds == STRING and not isinstance(value, str):
        return value_text(value)
    if kinds == {"boolean"} and value in ("true", "false"):
        return value == "true"
    if kinds == NUMBER and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return None


def _arguments(test: Test, operand: Operand, types: Types) -> Iterator[Diagnostic]:
    """Functions on what they cannot read, innermost first."""
    if not isinstance(operand, Call):
        return
    inner = list(_arguments(test, operand.argument, types))
    if inner:
        yield from inner
        return
    wanted = argument_kinds(operand.function)
    needs = f"`{operand.function}` reads {messages.a_kind(wanted)}"
    typing = types.of(operand.argument)
    if typing is None or typing.kinds & wanted:
        return
    plain = operand_text(operand.argument)
    advice = f"write `{plain}` without the function" if wanted == STRING else "`count` counts the elements of a list"
    if operand.function == "words" and typing.kinds == LIST:
        advice = f"write `{text_of(test).replace(operand_text(operand), plain)}`"
    make = messages.certain_type if typing.certain else messages.documented_type
    yield make(
        test.span,
        operand=plain,
        is_a=messages.a_kind(typing.kinds),
        says=typing.says,
        needs=needs,
        help=advice,
    )


def _number(test: Test, operand: Operand, types: Types, *, operator: str) -> Iterator[Diagnostic]:
    needs = f"`{operator}` compares numbers"
    yield from _mismatch(test, operand, types, NUMBER, needs=needs, help=f"`{operator}` reads numbers only")


def _equal(test: Compare, types: Types) -> Iterator[Diagnostic]:
    for operand, other in ((test.left, test.right), (test.right, test.left)):
        typing = types.of(other)
        wanted = SCALARS if typing is None else typing.kinds & SCALARS
        if not wanted:
            continue
        needs = f"`{test.operator}` compares it with {messages.a_kind(wanted)}" if typing else "this compares one value"
        found = list(_mismatch(test, operand, types, wanted, needs=needs))
        if found:
            yield from found
            return


def _member(test: In, types: Types) -> Iterator[Diagnostic]:
    yield from _list(test, test.right, types, operator="in")
    elements = literal_of(test.right)
    wanted = frozenset(map(kind_of, elements)) if isinstance(elements, tuple) else SCALARS
    needs = f"the list holds {messages.a_kind(wanted)}" if elements is not None else "`in` looks for one value"
    yield from _mismatch(test, test.left, types, wanted, needs=needs)


def _list(test: Test, operand: Operand, types: Types, *, operator: str) -> Iterator[Diagnostic]:
    name = operand_text(operand)
    advice = f"write `{name} == …` for one value, `words({name})` for the words of a string"
    yield from _mismatch(test, operand, types, LIST, needs=f"`{operator}` looks into a list", help=advice)


def _text(test: Affix | Under | Like | Matches, types: Types) -> Iterator[Diagnostic]:
    operator = f"{test.where} with" if isinstance(test, Affix) else type(test).__name__.lower()
    yield from _mismatch(test, test.left, types, STRING, needs=f"`{operator}` reads a string")
    if isinstance(test, (Affix, Under)):
        yield from _mismatch(test, test.right, types, STRING, needs=f"`{operator}` compares with a string")
