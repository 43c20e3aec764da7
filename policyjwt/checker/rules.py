"""Checks of rules.

Input: a merged policy or baseline. Output: diagnostics about types, slips, logic and names (PJ280 to PJ299,
PJ960 to PJ979).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policyjwt.checker.nearby import in_policy
from policyjwt.checker.rules_edges import open_edges
from policyjwt.checker.rules_logic import logic_faults
from policyjwt.checker.rules_names import odd_names
from policyjwt.checker.rules_slips import slips
from policyjwt.checker.rules_thumbprints import denying_thumbprints
from policyjwt.checker.rules_types import type_faults
from policyjwt.checker.rules_walk import occurrences
from policyjwt.checker.types import NOTHING_KNOWN, Types, types_of
from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.language.model import Block, Rule


def check_rules(block: Block) -> Iterator[Diagnostic]:
    """What is wrong with the rules of `block`, which is merged with its baselines.

    What is wrong with a baseline's rule whatever policy extends it, is said of the baseline itself and not here.
    """
    types = types_of(block)
    faulty: list[Rule] = []
    for rule in block.rules:
        found = list(_of_tests(rule, block, types))
        if found:
            faulty.append(rule)
        if block.extent.contains(rule.place.span):
            yield from found
            for occurrence in occurrences(rule):
                yield from open_edges(occurrence)
                yield from denying_thumbprints(occurrence)
        else:
            known = set(_of_tests(rule, block, NOTHING_KNOWN))
            yield from (replace(fault, span=in_policy(block)) for fault in found if fault not in known)
    yield from logic_faults(block, faulty=faulty)
    yield from (fault for fault in odd_names(block) if block.extent.contains(fault.span))


def _of_tests(rule: Rule, block: Block, types: Types) -> Iterator[Diagnostic]:
    """Slips and type faults, test by test. A slip says it better than the type fault that comes with it."""
    for found in occurrences(rule):
        slipped = list(slips(rule, found, block, types))
        yield from slipped
        for fault in type_faults(found.test, types):
            if not slipped or fault.level is Level.ERROR:
                yield fault
