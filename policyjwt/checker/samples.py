"""Sample values for `satisfiable`.

Input: what tests compare a value with. Output: one value of each kind they can tell.

Two values that no test at hand tells apart need one sample. What patterns tell of texts is not sampled but
compared as prefixes and suffixes, in `undecided_texts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import floor, isfinite

from policyjwt.language.model import (
    Affix,
    Call,
    Contains,
    DateTest,
    In,
    Like,
    Literal,
    Operand,
    Path,
    Scalar,
    Test,
    Under,
    Value,
)
from policyjwt.patterns.hosts import is_host

_MOST_ELEMENTS = 9
_MOST_LITERALS = 100
_EXACT = 2**52
"""Below, every integer and a fraction on both sides of it are floats."""


class _Mark:
    """A value that is not there."""


ABSENT = _Mark()
"""Missing or null."""
BLOCKED = _Mark()
"""Missing, because what stands above is no object."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A value. `fresh`: it stands for all values of its type that no literal names."""

    value: object
    fresh: bool = False


def samples(subject: Operand, literals: Iterable[Value | None], tests: Sequence[Test]) -> tuple[Sample, ...] | None:
    """Values that `subject` can have, enough for `tests`. None if there would be too many."""
    scalars = list(_scalars(literals))
    if len(scalars) > _MOST_LITERALS:
        return None
    numbers = [value for value in scalars if isinstance(value, (int, float)) and not isinstance(value, bool)]
    numbers += [test.epoch for test in tests if isinstance(test, DateTest)]
    if any(abs(number) >= _EXACT or not isfinite(number) for number in numbers):
        return None
    texts = [value for value in scalars if isinstance(value, str)]
    if isinstance(subject, Call):
        return _results(subject.function, scalars, texts, numbers)
    found = [Sample(ABSENT), Sample(True), Sample(False), Sample({})]
    if not isinstance(subject, Path) or len(subject.members) > 1 or subject.root == "variable":
        found.append(Sample(BLOCKED))
    found += [Sample(number) for number in _around(numbers)]
    found += [*map(Sample, texts), Sample(_other_text(texts), fresh=True)]
    lists = _lists(scalars, tests)
    return None if lists is None else (*found, *lists)


def _results(function: str, scalars: list[Scalar], texts: list[str], numbers: list[float]) -> tuple[Sample, ...] | None:
    """What a function can give: a result of its kind, or nothing."""
    if function == "count":
        counts = {max(0, floor(number) + step) for number in (*numbers, 0) for step in (-1, 0, 1, 2)}
        return (Sample(ABSENT), *map(Sample, sorted(counts)))
    if function == "words":
        words = [text for text in texts if text and " " not in text]
        if len(set(words)) > _MOST_ELEMENTS:
            return None
        choices = [*dict.fromkeys(words), _other_text(words)]
        return (Sample(ABSENT), *(Sample(list(chosen)) for chosen in _subsets(choices)))
    if function == "lower":
        kept = [text for text in texts if not any("A" <= letter <= "Z" for letter in text)]
    else:
        kept = [text for text in texts if is_host(text) and text == text.lower()]
    return (Sample(ABSENT), *map(Sample, kept), Sample(_other_text(texts), fresh=True))


def _scalars(literals: Iterable[Value | None]) -> Iterator[Scalar]:
    for value in literals:
        if isinstance(value, tuple):
            yield from value
        elif value is not None:
            yield value


def _other_text(texts: Iterable[str]) -> str:
    """A text that equals none of `texts`; lower case, a host, a word."""
    return "x" * (1 + max((len(text) for text in texts), default=0))


def _around(numbers: Iterable[float]) -> list[float]:
    """`numbers`, and between and beyond them one integer and one fraction where there are any."""
    points = sorted(set(numbers) | {0})
    found: list[float] = [
        *points,
        floor(points[0]) - 1,
        points[0] - 1.5,
        points[-1] + 1.5,
        floor(points[-1]) + 2,
    ]
    for low, high in pairwise(points):
        candidates = (
            floor(low) + 1,
            (low + high) / 2,
            low + (high - low) / 4,
            floor(low) + 0.5,
            floor(high) - 0.5,
        )
        found += [number for number in candidates if low < number < high]
    return found


def _lists(scalars: list[Scalar], tests: Sequence[Test]) -> list[Sample] | None:
    """Lists of the elements that `tests` ask for and of one other of each type."""
    asked = any(isinstance(test, Contains) or _is_list_of(test) for test in tests)
    if not asked:
        return [Sample([]), Sample([None])]
    elements: dict[tuple[str, Scalar], object] = {(type(value).__name__, value): value for value in scalars}
    texts = [value for value in scalars if isinstance(value, str)]
    others: list[object] = [None]
    if texts:
        others.append(_other_text(texts))
    if any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in scalars):
        others.append(max(floor(value) for value in scalars if isinstance(value, (int, float))) + 2)
    others += [value for value in (True, False) if ("bool", not value) in elements]
    choices = [*elements.values(), *others]
    if len(choices) > _MOST_ELEMENTS:
        return None
    return [Sample(list(chosen)) for chosen in _subsets(choices)]


def _is_list_of(test: Test) -> bool:
    """`"x" in roles`: the list is what is read, the literal what is looked for."""
    return isinstance(test, In) and isinstance(test.left, Literal)


def _subsets(choices: Sequence[object]) -> Iterator[tuple[object, ...]]:
    for size in range(len(choices) + 1):
        yield from combinations(choices, size)


# ------------------------------------------------------------------------------ texts and patterns


def undecided_texts(wishes: Sequence[tuple[Test, frozenset[bool | None]]]) -> bool:
    """Whether some text can fulfil `wishes` about its beginning, its end, its pattern or its host.

    "Yes" is no proof.
    """
    if any(not wanted & _outcomes(test) for test, wanted in wishes):
        return False
    return _edges_fit(wishes, at_end=False) and _edges_fit(wishes, at_end=True) and _hosts_fit(wishes)


def _outcomes(test: Test) -> frozenset[bool | None]:
    """What a test on texts can give for a text."""
    if isinstance(test, Affix) and isinstance(test.right, Literal) and test.right.value == "":
        return frozenset({None})
    return frozenset({True, False, None}) if isinstance(test, Under) else frozenset({True, False})


def _edges_fit(wishes: Sequence[tuple[Test, frozenset[bool | None]]], *, at_end: bool) -> bool:
    must: list[str] = []
    must_not: list[str] = []
    for test, wanted in wishes:
        edge = _edge(test, at_end=at_end)
        if edge is None:
            continue
        if wanted == {True}:
            must.append(edge)
        elif isinstance(test, Affix) and True not in wanted:
            must_not.append(edge)
    longest = max(must, key=len, default="")
    starts = str.startswith if not at_end else str.endswith
    return all(starts(longest, edge) for edge in must) and not any(starts(longest, edge) for edge in must_not if edge)


def _edge(test: Test, *, at_end: bool) -> str | None:
    """The text with which every value that fits begins (or ends)."""
    if isinstance(test, Affix) and isinstance(test.right, Literal) and isinstance(test.right.value, str):
        return test.right.value if (test.where == "ends") is at_end else None
    if isinstance(test, Like) and "\\" not in test.glob:
        return test.glob.rpartition("*")[2] if at_end else test.glob.partition("*")[0]
    return None


def _hosts_fit(wishes: Sequence[tuple[Test, frozenset[bool | None]]]) -> bool:
    parents = [
        "." + test.right.value.lower()
        for test, wanted in wishes
        if isinstance(test, Under)
        and wanted == {True}
        and isinstance(test.right, Literal)
        and isinstance(test.right.value, str)
    ]
    longest = max(parents, key=len, default="")
    return all(longest.endswith(parent) for parent in parents)
