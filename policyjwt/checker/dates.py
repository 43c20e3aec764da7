"""Dates that have passed. Input: a block as it is written, and the time. Output: diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import messages as say
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block


def check_dates(block: Block, *, now: float) -> Iterator[Diagnostic]:
    """What was to end or to be done by a date that has passed at `now` (seconds since the epoch)."""
    for waiver in block.waivers:
        if waiver.until is not None and now >= waiver.until.epoch:
            yield say.waive_passed(waiver.place.span, matter=waiver.matter.value, date=waiver.until.iso)
    for rule in block.rules:
        if rule.until is not None and now >= rule.until.epoch:
            yield say.observe_passed(rule.place.span, date=rule.until.iso)
    if block.review is not None and now >= block.review.date.epoch:
        yield say.review_passed(block.review.place.span, date=block.review.date.iso)
    issued = block.freshness.issued_after if block.freshness is not None else None
    if issued is not None and now < issued.date.epoch:
        yield say.issued_after_future(issued.place.span, date=issued.date.iso)
