"""Operands of tests.

Input: trees and tokens. Output: paths, literals and calls; and what their literals alone rule out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from policyjwt.language import messages, values
from policyjwt.language.build_names import Variables, left_path, right_value
from policyjwt.language.build_reader import Reader, only_token
from policyjwt.language.limits import NESTING
from policyjwt.language.model import FUNCTIONS, Call, Function, Literal, Operand, Scalar, Value

if TYPE_CHECKING:
    from lark import Token, Tree

    from policyjwt.language.build_reader import Node


def operand(
    reader: Reader, node: Node, variables: Variables, *, right: bool, left: str | None = None
) -> Operand | None:
    """One side of a test. On the `right` a bare name is a variable or a `let`, never a claim."""
    if isinstance(node, str) or node.data in {"list", "true", "false"}:
        return literal(reader, node)
    if node.data == "call":
        return _call(reader, node, variables, right=right)
    if right:
        return right_value(reader, only_token(node), variables, left=left)
    return left_path(reader, only_token(node), variables)


def literal(reader: Reader, node: Node) -> Literal | None:
    """A string, a number, true, false, or a list of them."""
    value: Value | None
    if not isinstance(node, str) and node.data == "list":
        elements = [_scalar(reader, child) for child in node.children]
        kept = tuple(element for element in elements if element is not None)
        value = kept if len(kept) == len(elements) else None
    else:
        value = _scalar(reader, node)
    return None if value is None else Literal(reader.span(node), value)


def _scalar(reader: Reader, node: Node) -> Scalar | None:
    if not isinstance(node, str):
        if node.data == "list":
            reader.report(messages.list_in_list(reader.span(node)))
            return None
        return node.data == "true"
    if node.type == "STRING":
        return reader.string(node)
    if node.type == "NUMBER":
        return reader.attempt(node, values.number)
    reader.report(messages.no_plain_value(reader.span(node), str(node), node.type.lower()))
    return None


def _call(reader: Reader, node: Tree[Token], variables: Variables, *, right: bool) -> Call | None:
    name, *arguments = node.children
    function = cast("Token", name)
    if reader.depth >= NESTING:
        reader.report(messages.too_deep(reader.span(node), NESTING))
        return None
    reader.depth += 1
    read = [operand(reader, argument, variables, right=right) for argument in arguments]
    reader.depth -= 1
    if function not in FUNCTIONS:
        reader.report(messages.unknown_function(reader.span(function), str(function), FUNCTIONS))
        return None
    if len(read) != 1:
        reader.report(messages.one_argument(reader.span(node), str(function), len(read)))
        return None
    argument = read[0]
    return None if argument is None else Call(reader.span(node), cast("Function", str(function)), argument)


# ------------------------------------------------------------------------------ what literals alone rule out


def kind_of(value: Value) -> str:
    """What a literal is, in words."""
    if isinstance(value, tuple):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "a string" if isinstance(value, str) else "a number"


def check_single(reader: Reader, side: Operand, operator: str) -> bool:
    """`==` and `!=` compare single values: a list equals nothing."""
    if not isinstance(side, Literal) or not isinstance(side.value, tuple):
        return True
    reader.report(messages.list_compared(side.span, operator))
    return False


def check_number(reader: Reader, side: Operand, operator: str) -> bool:
    """`<` and its kin, `within`, `before` and `after` are for numbers."""
    if not isinstance(side, Literal) or kind_of(side.value) == "a number":
        return True
    reader.report(messages.number_needed(side.span, operator, kind_of(side.value)))
    return False


def check_text(reader: Reader, side: Operand, operator: str) -> bool:
    """`starts with`, `ends with`, `like`, `matches` and `under` are for strings."""
    if not isinstance(side, Literal) or isinstance(side.value, str):
        return True
    reader.report(messages.string_needed(side.span, operator, kind_of(side.value)))
    return False


def check_list(reader: Reader, side: Operand, operator: str) -> bool:
    """Where an operator looks into a list, a single value is a mistake."""
    if not isinstance(side, Literal) or isinstance(side.value, tuple):
        return True
    reader.report(messages.list_needed(side.span, operator, kind_of(side.value)))
    return False


def check_literal_list(reader: Reader, side: Operand, operator: str) -> bool:
    """`any of`, `all of` and `only` take a list that the policy writes."""
    if isinstance(side, Literal):
        return check_list(reader, side, operator)
    reader.report(messages.literal_list_needed(side.span, operator))
    return False


def check_element(reader: Reader, side: Operand, *, contains: bool = False) -> bool:
    """An element of a list is a single value."""
    if not isinstance(side, Literal) or not isinstance(side.value, tuple):
        return True
    reader.report(messages.list_as_element(side.span, contains=contains))
    return False
