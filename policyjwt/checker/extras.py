"""Extras of this package that policies need. Input: merged policies. Output: how many need which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from policyjwt.checker.rules_walk import subtests
from policyjwt.language.model import Block, Matches, Secret
from policyjwt.patterns.matcher import needs_re2

REGEX = "regex"
"""RE2, for patterns that are not proved to run in linear time on the standard engine."""

JWE = "jwe"
"""Decryption."""

KEYRING = "keyring"
"""Secrets in the keyring of the operating system."""


def extras_of(policies: Iterable[tuple[Block, bool]]) -> Mapping[str, int]:
    """How many of the policies need each extra; those that none needs are left out.

    With each policy stands whether its schema needs RE2.
    """
    counts = {REGEX: 0, JWE: 0, KEYRING: 0}
    for block, of_schema in policies:
        counts[REGEX] += of_schema or _needs_re2(block)
        counts[JWE] += block.encryption is not None
        counts[KEYRING] += any(secret.origin == "keyring" for secret in _secrets(block))
    return {extra: count for extra, count in counts.items() if count}


def _secrets(block: Block) -> Iterator[Secret]:
    if block.signature is not None:
        yield from block.signature.secrets
    if block.encryption is not None:
        yield from block.encryption.keys


def _needs_re2(block: Block) -> bool:
    return any(needs_re2(pattern) for pattern in sorted(_patterns(block)))


def _patterns(block: Block) -> frozenset[str]:
    wholes = [rule.test for rule in block.rules]
    wholes += [rule.guard.test for rule in block.rules if rule.guard is not None]
    return frozenset(test.pattern for whole in wholes for test in subtests(whole) if isinstance(test, Matches))
