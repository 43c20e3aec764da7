"""Tests of rules.

Input: trees of expressions. Output: tests of the model, names resolved; None where one can't be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast
from typing import Literal as OneOf

from policyjwt.language import messages, model, values
from policyjwt.language.build_names import Variables, left_path, plain_name, word
from policyjwt.language.build_operands import (
    check_element,
    check_list,
    check_literal_list,
    check_number,
    check_single,
    check_text,
    operand,
)
from policyjwt.language.build_reader import Reader, only_token, tokens_of, trees_of
from policyjwt.language.limits import NESTING
from policyjwt.language.model import Operand, Test
from policyjwt.language.names import KINDS, TAKEN

if TYPE_CHECKING:
    from lark import Token, Tree

    from policyjwt.language.build_reader import Node
    from policyjwt.source import Span

Builder: TypeAlias = "Callable[[Reader, Tree[Token], Variables], Test | None]"


def expression(reader: Reader, node: Tree[Token], variables: Variables = ()) -> Test | None:
    """The test that `node` writes."""
    if reader.depth >= NESTING:
        reader.report(messages.too_deep(reader.span(node), NESTING))
        return None
    reader.depth += 1
    try:
        return _BUILDERS[node.data](reader, node, variables)
    finally:
        reader.depth -= 1


def _sides(reader: Reader, left: Node, right: Node, variables: Variables) -> tuple[Operand, Operand] | None:
    """Both operands; each is read, so that both report their faults."""
    one = operand(reader, left, variables, right=False)
    other = operand(reader, right, variables, right=True, left=_name_of(left))
    return None if one is None or other is None else (one, other)


def _name_of(node: Node) -> str | None:
    """The name that `node` is, if it is one."""
    return None if isinstance(node, str) or node.data != "path" else str(only_token(node))


def _compare(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    left, operator, right = node.children
    sides = _sides(reader, left, right, variables)
    if sides is None:
        return None
    written = cast("model.CompareOperator", str(operator))
    check = check_single if written in {"==", "!="} else check_number
    sound = [check(reader, side, written) for side in sides]
    return model.Compare(reader.span(node), written, *sides) if all(sound) else None


def _member(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    sides = _sides(reader, node.children[0], node.children[1], variables)
    negated = node.data == "not_member"
    if sides is None:
        return None
    sound = (check_element(reader, sides[0]), check_list(reader, sides[1], "not in" if negated else "in"))
    return model.In(reader.span(node), *sides, negated) if all(sound) else None


def _contains(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    sides = _sides(reader, node.children[0], node.children[1], variables)
    if sides is None:
        return None
    sound = (check_list(reader, sides[0], "contains"), check_element(reader, sides[1], contains=True))
    return model.Contains(reader.span(node), sides[0], "one", sides[1]) if all(sound) else None


def _contains_of(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    quantity: OneOf["any", "all", "only"] = "only"
    if node.data == "contains_of":
        quantity = "any" if cast("Tree[Token]", node.children[1]).data == "any" else "all"
    sides = _sides(reader, node.children[0], node.children[-1], variables)
    if sides is None:
        return None
    written = f"contains {quantity}" + ("" if quantity == "only" else " of")
    sound = (check_list(reader, sides[0], written), check_literal_list(reader, sides[1], written))
    return model.Contains(reader.span(node), sides[0], quantity, sides[1]) if all(sound) else None


def _affix(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    sides = _sides(reader, node.children[0], node.children[1], variables)
    if sides is None:
        return None
    where: OneOf["starts", "ends"] = "starts" if node.data == "starts" else "ends"
    sound = [check_text(reader, side, f"{where} with") for side in sides]
    fits_all = isinstance(sides[1], model.Literal) and sides[1].value == ""
    if fits_all:
        reader.report(messages.empty_affix(sides[1].span, f"{where} with"))
    return model.Affix(reader.span(node), where, *sides) if all(sound) and not fits_all else None


def _under(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    sides = _sides(reader, node.children[0], node.children[1], variables)
    if sides is None:
        return None
    sound = [check_text(reader, side, "under") for side in sides]
    if not all(sound):
        return None
    parent = sides[1]
    if isinstance(parent, model.Literal):
        from policyjwt.patterns.hosts import is_host

        if not is_host(str(parent.value)):
            reader.report(messages.no_host(parent.span, str(parent.value)))
            return None
    return model.Under(reader.span(node), *sides)


def _like(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    left = operand(reader, node.children[0], variables, right=False)
    read = glob(reader, cast("Token", node.children[1]))
    if left is None or read is None or not check_text(reader, left, "like"):
        return None
    return model.Like(reader.span(node), left, read)


def glob(reader: Reader, token: Token) -> str | None:
    """The glob that a string writes, if it is one."""
    from policyjwt.patterns.glob import compile_glob
    from policyjwt.patterns.syntax import PatternError

    read = reader.attempt(token, values.string)
    if read is None:
        return None
    text, offsets = read
    try:
        compile_glob(text)
    except PatternError as fault:
        reader.report(messages.bad_glob(_at(reader, token, offsets, fault.at), fault.message, fault.help))
        return None
    return text


def _matches(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    from policyjwt.patterns.syntax import PatternError, parse

    left = operand(reader, node.children[0], variables, right=False)
    token = cast("Token", node.children[1])
    text, offsets = values.pattern(token)
    try:
        parse(text)
    except PatternError as fault:
        reader.report(messages.bad_pattern(_at(reader, token, offsets, fault.at), fault.message, fault.help))
        return None
    if left is None or not check_text(reader, left, "matches"):
        return None
    return model.Matches(reader.span(node), left, text)


def _at(reader: Reader, token: Token, offsets: tuple[int, ...], at: int) -> Span:
    """One character of the text in `token`; all of it where the place is unknown."""
    if not 0 <= at < len(offsets):
        return reader.span(token)
    begin = reader.span(token).start
    end = offsets[at + 1] if at + 1 < len(offsets) else offsets[at] + 1
    return reader.source.span(begin + offsets[at], begin + end)


def _within(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    left = operand(reader, node.children[0], variables, right=False)
    seconds = reader.attempt(cast("Token", node.children[1]), values.duration)
    if left is None or seconds is None or not check_number(reader, left, "within"):
        return None
    return model.Within(reader.span(node), left, seconds)


def _date_test(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    left = operand(reader, node.children[0], variables, right=False)
    date = reader.date(cast("Token", node.children[1]))
    side: OneOf["before", "after"] = "before" if node.data == "before" else "after"
    if left is None or date is None or not check_number(reader, left, side):
        return None
    return model.DateTest(reader.span(node), left, side, date.epoch)


def _kind(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    subject, name = node.children
    kind = _kind_word(reader, subject, cast("Token", name))
    if isinstance(subject, str) or subject.data != "path":
        reader.report(messages.is_needs_a_path(reader.span(subject)))
        operand(reader, subject, variables, right=False)
        return None
    path = left_path(reader, only_token(subject), variables)
    if path is None or kind is None:
        return None
    if kind in {"present", "absent"}:
        return model.Presence(reader.span(node), path, kind == "present")
    return model.IsType(reader.span(node), path, cast("model.TypeName", kind))


def _kind_word(reader: Reader, subject: Node, name: Token) -> str | None:
    if name in {"null", "none", "nil", "empty", "missing", "undefined"}:
        reader.report(messages.no_null(reader.span(name), str(name), _name_of(subject)))
        return None
    named = word(reader, name, KINDS, "type")
    return None if named is None else named.value


def _not(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    inner = expression(reader, trees_of(node)[0], variables)
    return None if inner is None else model.Not(reader.span(node), inner)


def _joined(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    tests = [expression(reader, tree, variables) for tree in trees_of(node)]
    read = tuple(one for one in tests if one is not None)
    if len(read) < len(tests):
        return None
    return (model.And if node.data == "all_of" else model.Or)(reader.span(node), read)


def _quantified(reader: Reader, node: Tree[Token], variables: Variables) -> Test | None:
    name = tokens_of(node)[0]
    items = operand(reader, node.children[1], variables, right=False)
    if isinstance(items, model.Literal):
        reader.report(messages.list_of_the_policy(items.span, str(node.data)))
        items = None
    variable = _variable(reader, name, variables)
    body = expression(reader, cast("Tree[Token]", node.children[2]), (*variables, str(name)))
    if items is None or body is None or variable is None:
        return None
    quantity: OneOf["every", "some"] = "every" if node.data == "every" else "some"
    return model.Quantified(reader.span(node), quantity, variable, items, body)


def _variable(reader: Reader, name: Token, variables: Variables) -> str | None:
    named = plain_name(reader, name, "variable")
    if named is None:
        return None
    if named.value in TAKEN:
        reader.report(messages.name_taken(named.span, named.value, "variable", TAKEN[named.value]))
    elif named.value in variables:
        reader.report(messages.variable_twice(named.span, named.value))
    elif named.value in reader.lets:
        reader.report(messages.variable_like_let(named.span, named.value, reader.lets[named.value].name.span))
    else:
        reader.variables.setdefault(named.value, named.span)
        return named.value
    return None


_BUILDERS: Mapping[str, Builder] = {
    "compare": _compare,
    "member": _member,
    "not_member": _member,
    "contains": _contains,
    "contains_of": _contains_of,
    "contains_only": _contains_of,
    "starts": _affix,
    "ends": _affix,
    "under": _under,
    "like": _like,
    "matches": _matches,
    "within": _within,
    "before": _date_test,
    "after": _date_test,
    "kind": _kind,
    "negation": _not,
    "all_of": _joined,
    "any_of": _joined,
    "every": _quantified,
    "some": _quantified,
}
