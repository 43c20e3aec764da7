"""What generated code calls: tests on lists, and on two values of the token. Input: values of both.

Each answers True, False or None, which is unknown. Values are decoded JSON, of exact types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from policyjwt.language.model import Scalar

Choose: TypeAlias = Callable[[object], bool | None]
Search: TypeAlias = Callable[[list[object]], bool | None]

_CLASS = {str: "text", int: "number", float: "number", bool: "boolean"}
"""Values of two classes are never compared. Lists, objects and null are in none."""


def class_of(value: object) -> str | None:
    """What a value can be compared with: others of its class."""
    return _CLASS.get(type(value))


def equal(left: object, right: object) -> bool | None:
    """`left == right`."""
    its_class = _CLASS.get(type(left))
    if its_class is None or its_class is not _CLASS.get(type(right)):
        return None
    return left == right


def unequal(left: object, right: object) -> bool | None:
    """`left != right`."""
    its_class = _CLASS.get(type(left))
    if its_class is None or its_class is not _CLASS.get(type(right)):
        return None
    return left != right


def contains(items: object, wanted: object) -> bool | None:
    """`items contains wanted`."""
    its_class = _CLASS.get(type(wanted))
    if its_class is None or type(items) is not list:
        return None
    answer: bool | None = False
    for item in items:
        if _CLASS.get(type(item)) is not its_class:
            answer = None
        elif item == wanted:
            return True
    return answer


def lacks(items: object, unwanted: object) -> bool | None:
    """`unwanted not in items`."""
    found = contains(items, unwanted)
    return None if found is None else not found


def no_text(items: list[object]) -> bool | None:
    """What `contains` says of a text that is not among `items`: False if they are all texts."""
    for item in items:
        if type(item) is not str:
            return None
    return False


def some_text(items: list[object]) -> bool | None:
    """What `not in` says of a text that is not among `items`: True if they are all texts."""
    for item in items:
        if type(item) is not str:
            return None
    return True


# ---------------------------------------------------------------------------------------------- literal lists


def one_class(values: Iterable[Scalar]) -> str | None:
    """The class of all these literals, None if they have several or there are none."""
    classes = {_CLASS[type(value)] for value in values}
    return classes.pop() if len(classes) == 1 else None


def chooser(values: tuple[Scalar, ...], *, negated: bool = False) -> Choose:
    """`x in values`, or `x not in values`."""
    by_class = {name: frozenset(v for v in values if _CLASS[type(v)] == name) for name in _CLASS.values()}
    mixed = bool(values) and one_class(values) is None

    def choose(value: object) -> bool | None:
        its_class = _CLASS.get(type(value))
        if its_class is None:
            return None
        same = by_class[its_class]
        if value in same:
            return not negated
        return None if mixed or (values and not same) else negated

    return choose


def searcher(quantity: str, values: tuple[Scalar, ...]) -> Search:
    """`items contains any of values`, `all of values`, `only values`."""
    if one_class(values) != "text":
        return _searcher_of_any_class(quantity, values)
    wanted = frozenset(values)

    def any_text(items: list[object]) -> bool | None:
        answer: bool | None = False
        for item in items:
            if type(item) is not str:
                answer = None
            elif item in wanted:
                return True
        return answer

    def all_texts(items: list[object]) -> bool | None:
        if wanted.issubset([item for item in items if type(item) is str]):
            return True
        return no_text(items)

    def only_texts(items: list[object]) -> bool | None:
        answer: bool | None = True if items else None
        for item in items:
            if type(item) is not str:
                answer = None
            elif item not in wanted:
                return False
        return answer

    return {"any": any_text, "all": all_texts, "only": only_texts}[quantity]


def _searcher_of_any_class(quantity: str, values: tuple[Scalar, ...]) -> Search:
    choose = chooser(values)

    def any_value(items: list[object]) -> bool | None:
        found = [contains(items, value) for value in values]
        return True if True in found else None if None in found else False

    def all_values(items: list[object]) -> bool | None:
        found = [contains(items, value) for value in values]
        return False if False in found else None if None in found or not found else True

    def only_values(items: list[object]) -> bool | None:
        found = [choose(item) for item in items]
        return False if False in found else None if None in found or not found else True

    return {"any": any_value, "all": all_values, "only": only_values}[quantity]
