"""Fast Python for tests that are made of no other tests. Input: such a test. Output: one expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

from policyjwt.expressions import functions, runtime
from policyjwt.expressions.emitter import Emitter
from policyjwt.expressions.work import weight
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
    Path,
    Presence,
    Scalar,
    Test,
    Under,
    Within,
)
from policyjwt.patterns.glob import compile_glob
from policyjwt.patterns.hosts import is_under
from policyjwt.patterns.matcher import matcher

Key: TypeAlias = tuple[str, tuple[str, ...]]
"""A root and members below it: what a local holds."""

ROOTS = {"claim": "claims", "header": "header", "context": "context", "certificate": "certificate", "client": "client"}
"""The locals that generated code finds. Any other root is unknown."""

_SWAPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A place in the code: what is at hand. `work` is the local that counts, if it does `inside`."""

    out: Emitter
    skew: int
    locals: dict[Key, str]
    inside: bool
    work: str | None


# --------------------------------------------------------------------------------------------------- operands


def read(path: Path, code: Code) -> str:
    """The local with the value at a path, None if there is none. What stands above it has a local too."""
    if path.root != "variable" and path.root not in ROOTS:
        return "None"
    above = ROOTS.get(path.root, "")
    for end in range(1, len(path.members) + 1):
        key = (path.root, path.members[:end])
        if key not in code.locals:
            code.locals[key] = _read_member(key, above, code)
        above = code.locals[key]
    return above


def _read_member(key: Key, above: str, code: Code) -> str:
    """A local for the last member of `key` in the value of the local `above`."""
    root, members = key

    def written() -> str:
        got = f"{above}.get({code.out.const(members[-1])})"
        return got if len(members) == 1 else f"{got} if type({above}) is dict else None"

    if root != "variable":
        return code.out.hoist(key, "v", written)
    local = code.out.fresh("v")
    code.out.line(f"{local} = {written()}")
    return local


def operand(part: Operand, code: Code) -> str:
    """A name for the value of an operand, None if it has none. Its weight is counted where work is."""
    match part:
        case Literal():
            return code.out.const(list(part.value) if isinstance(part.value, tuple) else part.value)
        case Path():
            name = read(part, code)
        case Call():
            argument = operand(part.argument, code)
            name = code.out.fresh("f")
            if part.function == "count":
                code.out.line(f"{name} = len({argument}) if type({argument}) is list else None")
            else:
                code.out.line(f"{name} = {code.out.const(functions.FUNCTIONS[part.function])}({argument})")
    if code.inside:
        code.out.line(f"{code.work} += {code.out.const(weight)}({name})")
    return name


# ------------------------------------------------------------------------------------------------------ tests


def expression(test: Test, code: Code) -> str:
    """An expression that is True, False or None."""
    match test:
        case Compare():
            return _compare(test, code)
        case In():
            return _in(test, code)
        case Contains():
            return _contains(test, code)
        case Affix():
            return _affix(test, code)
        case Like():
            return _fits(test.left, code.out.const(compile_glob(test.glob)), code)
        case Matches():
            return _fits(test.left, code.out.const(matcher(test.pattern)), code)
        case Under():
            left, right = operand(test.left, code), operand(test.right, code)
            asked = f"{code.out.const(is_under)}({left}, {right})"
            return f"{asked} if type({left}) is str and type({right}) is str else None"
        case Within() | DateTest():
            return _time(test, code)
        case Presence():
            return _presence(test, code)
        case IsType():
            return _is_type(test, code)
        case _:
            raise AssertionError("tests of tests are written by generate.py")


def _is_number(name: str) -> str:
    return f"type({name}) is int or type({name}) is float"


def _compare(test: Compare, code: Code) -> str:
    left, right = test.left, test.right
    operator: str = test.operator
    if isinstance(left, Literal) and not isinstance(right, Literal):
        left, right, operator = right, left, _SWAPPED[operator]
    if isinstance(right, Literal) and not isinstance(left, Literal):
        return _compare_with(operand(left, code), operator, right, code)
    one, other = operand(left, code), operand(right, code)
    if operator in {"==", "!="}:
        asked = runtime.equal if operator == "==" else runtime.unequal
        return f"{code.out.const(asked)}({one}, {other})"
    return f"{one} {operator} {other} if ({_is_number(one)}) and ({_is_number(other)}) else None"


def _compare_with(value: str, operator: str, literal: Literal, code: Code) -> str:
    kind = runtime.class_of(literal.value)
    if kind == "number":
        return f"{value} {operator} {code.out.const(literal.value)} if {_is_number(value)} else None"
    if kind is None or operator not in {"==", "!="}:
        return "None"
    if kind == "boolean":
        same = literal.value is (operator == "==")
        return f"{value if same else f'not {value}'} if type({value}) is bool else None"
    return f"{value} {operator} {code.out.const(literal.value)} if type({value}) is str else None"


def _in(test: In, code: Code) -> str:
    if isinstance(test.right, Literal) and isinstance(test.right.value, tuple):
        return _chosen(operand(test.left, code), test.right.value, code, negated=test.negated)
    if isinstance(test.left, Literal):
        return _has(test.right, test.left, code, negated=test.negated)
    left, right = operand(test.left, code), operand(test.right, code)
    asked = runtime.lacks if test.negated else runtime.contains
    return f"{code.out.const(asked)}({right}, {left})"


def _chosen(value: str, choices: tuple[Scalar, ...], code: Code, *, negated: bool) -> str:
    """One of the values of a literal list."""
    kind = runtime.one_class(choices)
    if kind is None:
        return f"{code.out.const(runtime.chooser(choices, negated=negated))}({value})"
    member = f"{value} {'not in' if negated else 'in'} {code.out.const(frozenset(choices))}"
    fits = {
        "text": f"type({value}) is str",
        "boolean": f"type({value}) is bool",
        "number": _is_number(value),
    }[kind]
    return f"{member} if {fits} else None"


def _has(items: Operand, wanted: Literal, code: Code, *, negated: bool) -> str:
    """A list that holds one literal, or does not."""
    text = wanted.value
    if isinstance(text, str) and _is_word(text) and _are_words(items) and not code.inside:
        value = operand(items.argument, code)
        # Empty words, which split() leaves in, never equal a word.
        word = "not in" if negated else "in"
        return f'{code.out.const(text)} {word} {value}.split(" ") if type({value}) is str else None'
    value = operand(items, code)
    if isinstance(text, str):
        # No value but a text equals a text, so that `in` finds nothing else.
        other = code.out.const(runtime.some_text if negated else runtime.no_text)
        asked = f"({not negated} if {code.out.const(text)} in {value} else {other}({value}))"
        return f"{asked} if type({value}) is list else None"
    asked_of = runtime.lacks if negated else runtime.contains
    return f"{code.out.const(asked_of)}({value}, {operand(wanted, code)})"


def _is_word(text: str) -> bool:
    return text != "" and " " not in text


def _are_words(items: Operand) -> TypeGuard[Call]:
    return isinstance(items, Call) and items.function == "words"


def _contains(test: Contains, code: Code) -> str:
    right = test.right
    if test.quantity == "one":
        if isinstance(right, Literal) and not isinstance(test.left, Literal):
            return _has(test.left, right, code, negated=False)
        left = operand(test.left, code)
        return f"{code.out.const(runtime.contains)}({left}, {operand(right, code)})"
    left = operand(test.left, code)
    if not isinstance(right, Literal) or not isinstance(right.value, tuple):
        return "None"  # the language has literal lists only behind `any of`, `all of` and `only`
    search = code.out.const(runtime.searcher(test.quantity, right.value))
    return f"{search}({left}) if type({left}) is list else None"


def _affix(test: Affix, code: Code) -> str:
    left, right = operand(test.left, code), operand(test.right, code)
    asked = f"{left}.{'startswith' if test.where == 'starts' else 'endswith'}({right})"
    if isinstance(test.right, Literal):
        sound = isinstance(test.right.value, str) and test.right.value != ""
        return f"{asked} if type({left}) is str else None" if sound else "None"
    return f"{asked} if type({left}) is str and type({right}) is str and {right} else None"


def _fits(value: Operand, fits: str, code: Code) -> str:
    name = operand(value, code)
    return f"{fits}({name}) if type({name}) is str else None"


def _time(test: Within | DateTest, code: Code) -> str:
    name, const = operand(test.left, code), code.out.const
    if isinstance(test, DateTest):
        asked = f"{name} {'<' if test.side == 'before' else '>='} {const(test.epoch)}"
    else:
        asked = f"now - {const(test.seconds + code.skew)} <= {name} <= now + {const(code.skew)}"
    return f"{asked} if {_is_number(name)} else None"


def _presence(test: Presence, code: Code) -> str:
    value = read(test.path, code)
    if value == "None":
        return "None"
    said = f"{value} is not None" if test.present else f"{value} is None"
    above = [code.locals[test.path.root, test.path.members[:end]] for end in range(1, len(test.path.members))]
    if not above:
        return said
    sound = " and ".join(f"({local} is None or type({local}) is dict)" for local in above)
    return f"({said}) if {value} is not None or ({sound}) else None"


def _is_type(test: IsType, code: Code) -> str:
    name = read(test.path, code)
    if name == "None":
        return "None"
    asked = {
        "string": f"type({name}) is str",
        "boolean": f"type({name}) is bool",
        "list": f"type({name}) is list",
        "object": f"type({name}) is dict",
        "number": f"({_is_number(name)})",
        "integer": f"(type({name}) is int or (type({name}) is float and {name}.is_integer()))",
    }[test.type]
    return f"{asked} if {name} is not None else None"
