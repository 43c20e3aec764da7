"""Policies with faults put into them, one a line, for measuring recovery. Everything follows from the seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policyjwt.language.parse import parse
from policyjwt.language.tokens import lex
from policyjwt.source import Source

Edit = tuple[int, int, str]
"""Replace the text from the first to the second offset."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """A text and the lines in which it was made faulty."""

    text: str
    lines: tuple[int, ...]


def faulty(policy: str, *, faults: int, seed: int) -> Faulty | None:
    """`policy` with that many faults in lines apart from each other, None where there is no room."""
    chance = random.Random(seed)
    edits: dict[int, Edit] = {}
    for _ in range(faults * 40):
        if len(edits) == faults:
            break
        line, edit = _edit(policy, chance)
        if any(abs(line - other) < 3 for other in edits):
            continue
        if parse(Source("p", _applied(policy, [edit])))[0] is None:
            edits[line] = edit
    if len(edits) < faults:
        return None
    return Faulty(_applied(policy, list(edits.values())), tuple(sorted(edits)))


def missed_and_false(case: Faulty) -> tuple[int, int]:
    """How many faults no diagnostic speaks of where they are, and how many diagnostics speak of none."""
    reported = sorted(diagnostic.span.line for diagnostic in parse(Source("p", case.text))[1])
    missed = 0
    for line in case.lines:
        first, last = _where(case.text.split("\n"), line)
        near = next((found for found in reported if first <= found <= last), None)
        if near is None:
            missed += 1
        else:
            reported.remove(near)
    return missed, len(reported)


def _where(lines: list[str], line: int) -> tuple[int, int]:
    """The line of a fault and the next that is not blank; where its own is blank now, also the one before."""
    first = line
    while first > 1 and not lines[first - 1].strip():
        first -= 1
    last = line + 1
    while last < len(lines) and not lines[last - 1].strip():
        last += 1
    return first, last


def _applied(policy: str, edits: list[Edit]) -> str:
    for start, end, text in sorted(edits, reverse=True):
        policy = policy[:start] + text + policy[end:]
    return policy


def _edit(policy: str, chance: random.Random) -> tuple[int, Edit]:
    tokens = lex(Source("p", policy)).tokens
    index = chance.randrange(2, len(tokens))
    token = tokens[index]
    assert token.start_pos is not None
    assert token.end_pos is not None
    assert token.line is not None
    start, end = token.start_pos, token.end_pos
    change = chance.choice(_CHANGES)
    return token.line, (start, end, change(str(token), chance))


def _misspelled(word: str, chance: random.Random) -> str:
    if len(word) < 4 or not word.isalpha():
        return ""
    at = chance.randrange(len(word) - 1)
    return chance.choice((word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :]))


_STRAY = ("foo", ",", "==", '"x"', "42", ")", "]", "and", "is", ";", "{", "}", "5m", "=", ":")
_CHANGES: tuple[Callable[[str, random.Random], str], ...] = (
    lambda word, chance: "",
    lambda word, chance: f"{word} {word}",
    _misspelled,
    _misspelled,
    lambda word, chance: f"{word} {chance.choice(_STRAY)}",
    lambda word, chance: chance.choice(_STRAY),
    lambda word, chance: word[:-1],
    lambda word, chance: word.upper() if word.isalpha() else "",
    lambda word, chance: f"'{word[1:-1]}'" if word[0] == '"' else f'"{word}"',
)


def corpus(policies: list[str], *, faults: int, count: int) -> Iterator[Faulty]:
    """`count` faulty texts, made of `policies` in turn."""
    seed = 0
    while count:
        case = faulty(policies[seed % len(policies)], faults=faults, seed=seed * 31 + faults)
        seed += 1
        if case is not None:
            count -= 1
            yield case
