"""What patterns are held against: a naive matcher, a backtracking engine that counts, ambiguity by its definition, and
random patterns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from policyjwt.patterns.characters import contains
from policyjwt.patterns.positions import Automaton
from policyjwt.patterns.syntax import Chars, Choice, Node, Repeat, Sequence

EFFORTS = pytest.mark.parametrize("effort", ["commit", pytest.param("long", marks=pytest.mark.long)])
"""Runs a law twice: with few examples for every commit, and with many under `make long`."""

# ------------------------------------------------------------------------------------------------ what fits


def fits(node: Node, text: str) -> bool:
    """Whether the whole of `text` fits, by the meaning of each part."""
    return len(text) in _ends(node, text, 0)


def _ends(node: Node, text: str, at: int) -> set[int]:
    match node:
        case Chars(ranges):
            return {at + 1} if at < len(text) and contains(ranges, text[at]) else set()
        case Sequence(parts):
            found = {at}
            for part in parts:
                found = {end for start in found for end in _ends(part, text, start)}
            return found
        case Choice(options):
            return {end for option in options for end in _ends(option, text, at)}
        case Repeat(body, low, high):
            return _repeated(body, low, high, text, at)


def _repeated(body: Node, low: int, high: int | None, text: str, at: int) -> set[int]:
    front = {at}
    for _ in range(low):
        front = {end for start in front for end in _ends(body, text, start)}
    found = set(front)
    for _ in range(len(text) + 1 if high is None else high - low):
        front = {end for start in front for end in _ends(body, text, start)} - found
        if not front:
            break
        found |= front
    return found


# ------------------------------------------------------------------------------------------------ what it costs


class TooManyStepsError(Exception):
    """The engine gave up."""


_Rest = tuple["Node", "_Rest"] | None


def backtracking_steps(node: Node, text: str, most: int) -> int:
    """Every step of a backtracking engine until it has tried all ways. Raises TooManyStepsError beyond `most`."""
    steps = 0
    stack: list[tuple[_Rest, int, int]] = [((node, None), 0, -1)]
    while stack:
        steps += 1
        if steps > most:
            raise TooManyStepsError
        rest, at, entered = stack.pop()
        if rest is None:
            continue
        part, after = rest
        match part:
            case Chars(ranges):
                if at < len(text) and contains(ranges, text[at]):
                    stack.append((after, at + 1, entered))
            case Sequence(parts):
                for inner in reversed(parts):
                    after = (inner, after)
                stack.append((after, at, entered))
            case Choice(options):
                stack.extend(((option, after), at, entered) for option in reversed(options))
            case Repeat(body, low, high):
                if low == 0:
                    stack.append((after, at, entered))
                if high != 0 and not (low == 0 and high is None and entered == at):
                    again = Repeat(body, max(0, low - 1), None if high is None else high - 1)
                    stack.append(((body, (again, after)), at, at if high is None else entered))
    return steps


def written_out(node: Node) -> int:
    """The parts of a pattern with its numbered repeats written out."""
    match node:
        case Chars():
            return 1
        case Sequence(parts) | Choice(parts):
            return 1 + sum(map(written_out, parts))
        case Repeat(body, low, high):
            return 1 + max(low, high or 0, 1) * (1 + written_out(body))


# ------------------------------------------------------------------------------------------------ ambiguity


def is_ambiguous_without_bound(automaton: Automaton) -> bool:
    """Exponential (EDA) or polynomial (IDA) ambiguity, by the products that define them (Weber and Seidl, 1991)."""
    return _has_eda(automaton) or _has_ida(automaton)


def _by_symbol(automaton: Automaton, position: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for symbol, target in automaton.moves[position]:
        found.setdefault(symbol, []).append(target)
    return found


def _has_eda(automaton: Automaton) -> bool:
    """A position that two different ways lead back to itself on one text."""
    for start in range(len(automaton.moves)):
        # The last member says whether the two ways have parted.
        seen = _reached([(start, start, False)], lambda state: _pairs(automaton, state))
        if (start, start, True) in seen:
            return True
    return False


def _pairs(automaton: Automaton, state: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    left, right, parted = state
    others = _by_symbol(automaton, right)
    for symbol, targets in _by_symbol(automaton, left).items():
        for one, target in enumerate(targets):
            for two, other in enumerate(others.get(symbol, [])):
                # From one position two moves are different ways even where they lead to the same position.
                yield target, other, bool(parted or target != other or (left == right and one != two))


def _has_ida(automaton: Automaton) -> bool:
    """Positions p and q, and a text that leads p to p, p to q and q to q."""
    count = len(automaton.moves)
    for p in range(count):
        for q in range(count):
            if p != q and (p, q, q) in _reached([(p, p, q)], lambda state: _triples(automaton, state), skip_start=True):
                return True
    return False


def _triples(automaton: Automaton, state: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    one, two, three = (_by_symbol(automaton, position) for position in state)
    for symbol, targets in one.items():
        for target in targets:
            for other in two.get(symbol, []):
                for last in three.get(symbol, []):
                    yield target, other, last


def _reached(
    starts: list[tuple[int, ...]],
    moves: Callable[[tuple[int, ...]], Iterable[tuple[int, ...]]],
    *,
    skip_start: bool = False,
) -> set[tuple[int, ...]]:
    seen: set[tuple[int, ...]] = set() if skip_start else set(starts)
    waiting = deque(starts)
    while waiting:
        for state in moves(waiting.popleft()):
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return seen


# ------------------------------------------------------------------------------------------------ random patterns

_ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        ".",
        r"\d",
        r"\w",
        r"\s",
        r"\D",
        r"\W",
        r"\S",
        "[ab]",
        "[^a]",
        "[^ab]",
        "[a-c]",
        "[b-d1]",
        r"\.",
        "é",
        r"[\w-]",
        r"[^\d\s]",
        "-",
        r"\*",
        "😀",
        "[é-ü]",
        "1",
    ]
)


def patterns(atoms: SearchStrategy[str] = _ATOMS, *, most: int = 4) -> SearchStrategy[str]:
    """Texts of patterns."""
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda options: f"({'|'.join(options)})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "{1,3}"])).map(
                lambda pair: f"({pair[0]}){pair[1]}"
            ),
            st.just("(a|)"),
        ),
        max_leaves=most * 3,
    )


SMALL_PATTERNS = patterns(st.sampled_from(["a", "b", "[ab]", "c"]))
"""Over few characters, so that ambiguity is common."""

TEXTS = st.text(
    st.one_of(
        st.sampled_from("ab1 .-*é\n\r\t\v\0\x1f_Z\u0661\u2028\u212aſ😀"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=8,
)
