"""From a checked policy to its lines: baselines first, then in the order of the text, promises last."""

from __future__ import annotations

from policyjwt.language.model import CheckedPolicy
from policyjwt.requirements import REQUIREMENTS
from policyjwt.requirements.line import Line
from policyjwt.requirements.promises import PromiseLine
from policyjwt.requirements.promises import lines as promise_lines


def lines_of(policy: CheckedPolicy) -> tuple[Line, ...]:
    """The lines that are judged on claims, in the order in which they are shown."""
    found = [line for requirement in REQUIREMENTS for line in requirement.lines(policy)]
    return tuple(sorted(found, key=lambda line: _rank(policy, line)))


def promises_of(policy: CheckedPolicy) -> tuple[PromiseLine, ...]:
    """The lines of the promised assurances."""
    return tuple(promise_lines(policy))


def _rank(policy: CheckedPolicy, line: Line) -> tuple[int, int]:
    span = line.about.place.span
    block = next((at for at, extent in enumerate(policy.extents) if extent.contains(span)), len(policy.extents))
    return block, span.start
