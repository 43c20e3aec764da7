"""Extras of this package that policies need. Input: merged policies. Output: how many need which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policyjwt.checker.rules_walk import subtests
from policyjwt.language.model import Block, Matches
from policyjwt.patterns.matcher import needs_re2

REGEX = "regex"
"""RE2, for patterns that are not proved to run in linear time on the standard engine."""


def extras_of(policies: Iterable[tuple[Block, bool]]) -> Mapping[str, int]:
    """How many of the policies need each extra; those that none needs are left out.

    With each policy stands whether its schema needs RE2.
    """
    count = sum(of_schema or _needs_re2(block) for block, of_schema in policies)
    return {REGEX: count} if count else {}


def _needs_re2(block: Block) -> bool:
    return any(needs_re2(pattern) for pattern in sorted(_patterns(block)))


def _patterns(block: Block) -> frozenset[str]:
    wholes = [rule.test for rule in block.rules]
    wholes += [rule.guard.test for rule in block.rules if rule.guard is not None]
    return frozenset(test.pattern for whole in wholes for test in subtests(whole) if isinstance(test, Matches))
