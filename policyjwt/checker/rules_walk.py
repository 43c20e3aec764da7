"""Walking over tests.

Input: the tests of rules. Output: their parts, the paths in them, what a rule demands as one test.

Knows the structure of tests and nothing of what claims mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

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
    Rule,
    Test,
    Under,
    Value,
    Within,
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One elementary test inside a rule.

    `helps`: that it is true brings the rule closer to being met (not so under `not`, in `forbid`, in `when`).
    `guard`: it stands in `when` or `unless`.
    """

    test: Test
    helps: bool
    guard: bool


def demand_of(rule: Rule) -> Test:
    """What must be true for `rule` to be met, guard included, as one test."""
    test: Test = Not(rule.test.span, rule.test) if rule.kind == "forbid" else rule.test
    if rule.guard is None:
        return test
    guard = rule.guard.test
    switched_off: Test = Not(guard.span, guard) if rule.guard.kind == "when" else guard
    return Or(test.span, (test, switched_off))


def occurrences(rule: Rule) -> Iterator[Occurrence]:
    """The elementary tests of `rule` in the order of the text; `every` and `some`, then what is inside."""
    yield from _parts(rule.test, helps=rule.kind != "forbid", guard=False)
    if rule.guard is not None:
        yield from _parts(rule.guard.test, helps=rule.guard.kind == "unless", guard=True)


def _parts(test: Test, *, helps: bool, guard: bool) -> Iterator[Occurrence]:
    match test:
        case Not():
            yield from _parts(test.test, helps=not helps, guard=guard)
        case And() | Or():
            for part in test.tests:
                yield from _parts(part, helps=helps, guard=guard)
        case Quantified():
            yield Occurrence(test, helps, guard)
            yield from _parts(test.test, helps=helps, guard=guard)
        case _:
            yield Occurrence(test, helps, guard)


def subtests(test: Test) -> Iterator[Test]:
    """`test` and every test inside it."""
    yield test
    match test:
        case Not() | Quantified():
            yield from subtests(test.test)
        case And() | Or():
            for part in test.tests:
                yield from subtests(part)
        case _:
            return


def elementary_tests(test: Test) -> Iterator[Test]:
    """The tests that `and`, `or` and `not` join in `test`; what `every` and `some` quantify stays inside."""
    match test:
        case Not():
            yield from elementary_tests(test.test)
        case And() | Or():
            for part in test.tests:
                yield from elementary_tests(part)
        case _:
            yield test


def operands(test: Test) -> tuple[Operand, ...]:
    """The operands of an elementary test, left before right. None for `and`, `or`, `not`."""
    match test:
        case Compare() | In() | Contains() | Affix() | Under():
            return (test.left, test.right)
        case Like() | Matches() | Within() | DateTest():
            return (test.left,)
        case Presence() | IsType():
            return (test.path,)
        case Quantified():
            return (test.items,)
        case _:
            return ()


def path_of(operand: Operand) -> Path | None:
    """The path that `operand` reads, also inside functions. None for a literal."""
    while isinstance(operand, Call):
        operand = operand.argument
    return operand if isinstance(operand, Path) else None


def paths(test: Test) -> Iterator[Path]:
    """Every path that `test` reads, variables among them."""
    for part in subtests(test):
        for operand in operands(part):
            path = path_of(operand)
            if path is not None:
                yield path


def claim_of(operand: Operand) -> tuple[str, ...]:
    """The members of the claim that `operand` reads, `()` if it reads none."""
    path = path_of(operand)
    return path.members if path is not None and path.root == "claim" else ()


def claims(test: Test) -> frozenset[tuple[str, ...]]:
    """The members of every claim that `test` reads."""
    return frozenset(path.members for path in paths(test) if path.root == "claim")


def literal_of(operand: Operand) -> Value | None:
    """The value of a literal operand, else None."""
    return operand.value if isinstance(operand, Literal) else None


def value_key(value: Value) -> Hashable:
    """Equal for literals that the language takes for equal: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(value, tuple):
        return ("list", tuple(value_key(element) for element in value))
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, (int, float)):
        return ("number", value)
    return ("string", value)


def operand_key(operand: Operand) -> Hashable:
    """Equal for operands that read the same value, wherever and however they are written."""
    match operand:
        case Path():
            return (operand.root, operand.members)
        case Call():
            return (operand.function, operand_key(operand.argument))
        case _:
            return value_key(operand.value)


def test_key(test: Test) -> Hashable:
    """Equal for tests that say the same in the same form, wherever they stand."""
    match test:
        case Not():
            return ("not", test_key(test.test))
        case And() | Or():
            return (type(test).__name__, frozenset(test_key(part) for part in test.tests))
        case Quantified():
            return (test.quantity, test.variable, operand_key(test.items), test_key(test.test))
        case Contains():
            return ("contains", test.quantity, *map(operand_key, operands(test)))
        case Compare():
            return (test.operator, *map(operand_key, operands(test)))
        case In():
            return ("in", test.negated, *map(operand_key, operands(test)))
        case _:
            return (type(test).__name__, _detail(test), *map(operand_key, operands(test)))


def _detail(test: Test) -> Hashable:
    match test:
        case Affix():
            return test.where
        case Like():
            return test.glob
        case Matches():
            return test.pattern
        case Within():
            return test.seconds
        case DateTest():
            return (test.side, test.epoch)
        case Presence():
            return test.present
        case IsType():
            return test.type
        case _:
            return None
