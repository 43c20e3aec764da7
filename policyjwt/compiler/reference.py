"""The reference evaluator of a whole policy: what the lines mean, one after the other, with nothing clever."""

from __future__ import annotations

from collections.abc import Iterable

from policyjwt.requirements.line import DEFECT, OBSERVED, Facts, Line


def judge(lines: Iterable[Line], facts: Facts) -> tuple[str, ...]:
    """The result of every line."""
    return tuple(_judge(line, facts) for line in lines)


def _judge(line: Line, facts: Facts) -> str:
    try:
        return line.judge(facts)
    except Exception:  # noqa: BLE001 - the fail-closed border of a requirement: a defect of ours is unknown, never met
        return OBSERVED + DEFECT if line.about.observed else DEFECT
