"""Whether tests can come out so, all together.

Input: tests, each with the outcomes wanted. Output: whether a token can.

Sound in one direction: "no" is a proof, "yes" may be wrong. Values are tried out on the reference evaluator,
one for each way in which the tests at hand can tell values apart; what cannot be tried out counts as
possible.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from policyjwt.checker.rules_walk import literal_of, operand_key, operands, test_key
from policyjwt.checker.samples import ABSENT, BLOCKED, Sample, samples, undecided_texts
from policyjwt.expressions.reference import evaluate
from policyjwt.expressions.scope import LimitReached, Scope
from policyjwt.language.model import (
    Affix,
    And,
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
from policyjwt.patterns.matcher import NeedsRe2
from policyjwt.patterns.syntax import PatternError
from policyjwt.source import Span

Outcomes: TypeAlias = frozenset[bool | None]

TRUE: Outcomes = frozenset({True})
FALSE: Outcomes = frozenset({False})
UNKNOWN: Outcomes = frozenset({None})
NOT_TRUE: Outcomes = frozenset({False, None})
NOT_FALSE: Outcomes = frozenset({True, None})
KNOWN: Outcomes = frozenset({True, False})
EVERY: Outcomes = frozenset({True, False, None})

Wish: TypeAlias = tuple[Test, Outcomes]

MOST_STEPS = 1_000
"""Branches that one question may cost. What is not decided by then counts as possible."""

MOST_DEPTH = 200
"""Wishes that one branch may hold: each is a frame of Python's stack."""

MOST_TRIALS = 10_000
"""Evaluations of a test on a sample that one question may cost."""

_NOWHERE = Span("", 0, 0, 1, 1, 1, 1)
_STAND_IN = Path(_NOWHERE, "claim", ("o", "v"), "o.v")


class _Undecided(Exception):  # noqa: N818 - a way out of the search, never an error
    """The question costs too much."""


@dataclass(slots=True)
class _Search:
    """The work of one question, and the answers found on the way."""

    steps: int = 0
    trials: int = 0
    groups: dict[frozenset[tuple[Hashable, Outcomes]], bool] = field(default_factory=dict)
    inner: dict[Hashable, Outcomes] = field(default_factory=dict)

    def step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise _Undecided

    def trial(self) -> None:
        self.trials += 1
        if self.trials > MOST_TRIALS:
            raise _Undecided


_Atoms: TypeAlias = Mapping[Hashable, Wish]


def satisfiable(wishes: Iterable[Wish]) -> bool:
    """False only if no token and no request give every test one of the outcomes wanted of it."""
    try:
        return _found(list(wishes), _Search())
    except (_Undecided, LimitReached, NeedsRe2, PatternError):
        return True


def _found(wishes: list[Wish], search: _Search) -> bool:
    return any(_consistent(atoms, search) for atoms in _branches(wishes, {}, search))


# ------------------------------------------------------------------------------ and, or, not


def _branches(wishes: list[Wish], atoms: dict[Hashable, Wish], search: _Search, depth: int = 0) -> Iterator[_Atoms]:
    """The ways to fulfil `wishes`, each as wanted outcomes of elementary tests."""
    if depth > MOST_DEPTH:
        raise _Undecided
    search.step()
    if not wishes:
        yield atoms
        return
    (test, wanted), rest = wishes[-1], wishes[:-1]
    if not wanted:
        return
    if wanted == EVERY:
        yield from _branches(rest, atoms, search, depth + 1)
    elif isinstance(test, Not):
        yield from _branches([*rest, (test.test, _negated(wanted))], atoms, search, depth + 1)
    elif isinstance(test, And):
        for choice in _of_all(test.tests, wanted):
            yield from _branches([*rest, *choice], atoms, search, depth + 1)
    elif isinstance(test, Or):
        # Kleene's `or` is `not (not a and not b)`.
        for choice in _of_all(test.tests, _negated(wanted)):
            yield from _branches([*rest, *((part, _negated(want)) for part, want in choice)], atoms, search, depth + 1)
    else:
        key = test_key(test)
        known = atoms[key][1] if key in atoms else EVERY
        if known & wanted:
            yield from _branches(rest, {**atoms, key: (test, known & wanted)}, search, depth + 1)


def _negated(wanted: Outcomes) -> Outcomes:
    return frozenset(None if outcome is None else not outcome for outcome in wanted)


def _of_all(tests: tuple[Test, ...], wanted: Outcomes) -> Iterator[list[Wish]]:
    """The ways in which `and` over `tests` comes out as wanted.

    For `or` the wishes are read the other way round.
    """
    if True in wanted and None in wanted:
        yield [(test, NOT_FALSE) for test in tests]
        if False in wanted:
            yield from ([(test, FALSE)] for test in tests)
        return
    if True in wanted:
        yield [(test, TRUE) for test in tests]
    if None in wanted and False in wanted:
        yield from ([(test, NOT_TRUE)] for test in tests)
    elif None in wanted:
        yield from (
            [(other, UNKNOWN if at == chosen else NOT_FALSE) for at, other in enumerate(tests)]
            for chosen in range(len(tests))
        )
    elif False in wanted:
        yield from ([(test, FALSE)] for test in tests)


# ------------------------------------------------------------------------------ elementary tests


def _consistent(atoms: _Atoms, search: _Search) -> bool:
    """Whether the values read by `atoms` can exist, each value on its own."""
    groups: dict[Hashable, dict[Hashable, Wish]] = {}
    subjects: dict[Hashable, Operand] = {}
    for atom, (test, wanted) in atoms.items():
        readers = [operand for operand in operands(test) if not isinstance(operand, Literal)]
        if not readers:
            if not _constant(test, wanted):
                return False
        elif len(readers) == 1:
            key = operand_key(readers[0])
            subjects[key] = readers[0]
            groups.setdefault(key, {})[atom] = (test, wanted)
        # A test that reads two values ties them to each other: anything counts as possible.
    for key, group in groups.items():
        question = frozenset((atom, wanted) for atom, (_, wanted) in group.items())
        if question not in search.groups:
            search.groups[question] = _possible(subjects[key], list(group.values()), search)
        if not search.groups[question]:
            return False
    return True


def _constant(test: Test, wanted: Outcomes) -> bool:
    if isinstance(test, (Matches, Quantified, Within)):
        return True
    return _outcome(test, "unused") in wanted


def _possible(subject: Operand, group: list[Wish], search: _Search) -> bool:
    """Whether `subject` has a value that gives each test of `group` one of its outcomes."""
    tests = [test for test, _ in group]
    found = samples(subject, [literal_of(operand) for test in tests for operand in operands(test)], tests)
    if found is None:
        return True
    stand_ins = [(_with_stand_in(test, subject), wanted) for test, wanted in group]
    if any(all(_allows(test, sample, wanted, search) for test, wanted in stand_ins) for sample in found):
        return True
    text = next((sample for sample in found if sample.fresh), None)
    open_ones = [wish for wish in stand_ins if isinstance(wish[0], _OPEN_ON_TEXT)]
    others = [wish for wish in stand_ins if not isinstance(wish[0], _OPEN_ON_TEXT)]
    if text is None or not all(_allows(test, text, wanted, search) for test, wanted in others):
        return False
    return undecided_texts(open_ones)


_OPEN_ON_TEXT = (Affix, Like, Matches, Under)


def _allows(test: Test, sample: Sample, wanted: Outcomes, search: _Search) -> bool:
    value = sample.value
    search.trial()
    if isinstance(test, Quantified) and isinstance(value, list):
        return bool(wanted & _quantified(test, value, search))
    if isinstance(test, Within) and type(value) in (int, float):
        # Which numbers are recent depends on the clock.
        return bool(wanted & {True, False})
    if isinstance(test, _OPEN_ON_TEXT) and sample.fresh and isinstance(value, str):
        return False  # left to `undecided_texts`
    return _outcome(test, value) in wanted


def _quantified(test: Quantified, value: list[object], search: _Search) -> Outcomes:
    """What `every` and `some` can give: over a list that is not empty it depends on what an element can give."""
    if not value:
        return UNKNOWN if test.quantity == "every" else FALSE
    key = test_key(test.test)
    if key not in search.inner:
        if not _found([(test.test, TRUE)], search):
            search.inner[key] = NOT_TRUE
        else:
            search.inner[key] = EVERY if _found([(test.test, NOT_TRUE)], search) else TRUE
    return search.inner[key]


def _outcome(test: Test, value: object) -> bool | None:
    above: object = {} if value is ABSENT else "" if value is BLOCKED else {"v": value}
    roots: dict[str, Mapping[str, object]] = {"claim": {"o": above}, "header": {}, "context": {}}
    return evaluate(test, Scope(roots=roots, now=0.0, skew=0, variables={}))


def _with_stand_in(test: Test, subject: Operand) -> Test:
    """`test` about the path that samples are put at, in the place of `subject`."""
    key = operand_key(subject)

    def placed(operand: Operand) -> Operand:
        return _STAND_IN if operand_key(operand) == key else operand

    match test:
        case Compare() | In() | Contains() | Affix() | Under():
            return replace(test, left=placed(test.left), right=placed(test.right))
        case Like() | Matches() | Within() | DateTest():
            return replace(test, left=placed(test.left))
        case Presence() | IsType():
            return replace(test, path=_STAND_IN)
        case Quantified():
            return replace(test, items=placed(test.items))
        case _:
            return test
