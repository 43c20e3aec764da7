"""The proof that a pattern takes linear time on a backtracking engine. Input: a pattern. Output: proved or not.

A backtracking engine follows, one after the other, every way in which the beginning of a text can be read. So its
work is linear exactly if the number of ways has a bound that holds for all texts. A pattern that is exponentially or
polynomially ambiguous (EDA, IDA: Weber and Seidl, 1991) has no such bound, and one that is neither has one. The bound
is computed here: all ways are followed at once, as counts by position.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

from policyjwt.patterns.positions import Automaton, TooLargeError, automaton_of
from policyjwt.patterns.syntax import Pattern

MAX_WAYS: Final = 32
"""The most ways in which a beginning of a text may be read at once."""

MAX_FINITE_WAYS: Final = 1024
"""The same before any unbounded repeat, where beginnings are short: a choice of a thousand words is no risk."""

MAX_ATTEMPTS: Final = 2048
"""The most positions that may be tried for the next character, over all ways."""

MAX_WORK: Final = 100_000
"""How many steps of counting a proof may take. A pattern that needs more is not proved."""


@lru_cache(maxsize=1024)
def is_linear(pattern: Pattern) -> bool:
    """Whether the pattern is proved free of exponential and of polynomial ambiguity.

    False also where the proof would be too large, or would need more ways than MAX_WAYS.
    """
    try:
        automaton = automaton_of(pattern.node)
    except TooLargeError:
        return False
    return _ways_are_bounded(automaton)


def _ways_are_bounded(automaton: Automaton) -> bool:
    """Follow every text: a state is how many ways lead to each position."""
    start: tuple[tuple[int, int], ...] = ((0, 1),)
    seen = {start}
    waiting = [start]
    work = 0
    while waiting:
        state = waiting.pop()
        steps: dict[int, Counter[int]] = {}
        attempts = 0
        for position, ways in state:
            attempts += ways * automaton.tried[position]
            for symbol, target in automaton.moves[position]:
                steps.setdefault(symbol, Counter())[target] += ways
            work += len(automaton.moves[position]) + 1
        if attempts > MAX_ATTEMPTS or work > MAX_WORK:
            return False
        for counts in steps.values():
            looped = sum(ways for position, ways in counts.items() if position in automaton.looped)
            if looped > MAX_WAYS or counts.total() > MAX_FINITE_WAYS:
                return False
            after = tuple(sorted(counts.items()))
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return True
