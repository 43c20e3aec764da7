"""Limits of time: freshness and evidence. Input: a merged block. Output: diagnostics for limits that are none.

A limit that is too wide is the fault of the line that writes it, in a policy or a baseline.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import decisions_messages as say
from policyjwt.checker import messages
from policyjwt.checker.nearby import in_policy, keyword
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Freshness, Holder

MOST_SKEW = 5 * 60
MOST_PROOF_AGE = 3600
DAY = 24 * 3600
OLDEST_EVIDENCE = 10 * DAY
"""How long authorities sign ahead; see RFC 6960, section 4.2.2.1, and the Baseline Requirements, section 4.9.10."""


def limit_decisions(block: Block) -> Iterator[Diagnostic]:
    """What is wrong with the limits of `block`."""
    freshness, revocation = block.freshness, block.revocation
    if freshness is not None:
        yield from _freshness(block, freshness)
    if block.holder is not None:
        yield from _proofs(block.holder)
    if revocation is not None and revocation.age is not None:
        age, at = revocation.age.amount, revocation.age.place.span
        if age > OLDEST_EVIDENCE:
            yield say.evidence_too_old(at, age=age, most=OLDEST_EVIDENCE)
        elif age > DAY:
            yield messages.old_evidence(at, age=age, most=DAY)


def _proofs(holder: Holder) -> Iterator[Diagnostic]:
    if holder.age is not None and holder.age.amount > MOST_PROOF_AGE:
        yield say.proof_too_old(holder.age.place.span, age=holder.age.amount, most=MOST_PROOF_AGE)
    if holder.age is not None and holder.age.amount == 0:
        yield say.proof_of_no_age(holder.age.place.span)
    shared = [name for name in holder.algorithms.values if name.startswith("HS")] if holder.algorithms else []
    if holder.algorithms is not None and shared:
        yield say.proof_by_secret(holder.algorithms.place.span, name=shared[0])


def _freshness(block: Block, freshness: Freshness) -> Iterator[Diagnostic]:
    limited = freshness.lifetime or freshness.age or freshness.expires
    if block.kind == "policy" and limited is None and block.broken.isdisjoint({"file", "extends", "freshness"}):
        yield say.no_limit(in_policy(block, keyword(freshness.place)))
    if freshness.skew is not None and freshness.skew.amount > MOST_SKEW:
        yield say.skew_too_wide(freshness.skew.place.span, skew=freshness.skew.amount, most=MOST_SKEW)
    yield from _long_lives(freshness)
    nonce = block.replay.nonce if block.replay is not None else None
    if nonce is not None and freshness.age is not None and freshness.age.amount > DAY:
        at = in_policy(block, freshness.age.place.span, nonce.place.span)
        if block.kind == "baseline" or block.extent.contains(freshness.age.place.span):
            at = freshness.age.place.span
        yield say.age_too_long_for_nonce(at, age=freshness.age.amount, most=DAY, nonce=nonce.place.span)


def _long_lives(freshness: Freshness) -> Iterator[Diagnostic]:
    for item, limit in (("lifetime at most", freshness.lifetime), ("expires within", freshness.expires)):
        if limit is not None and limit.amount > DAY:
            yield messages.long_life(limit.place.span, item=item, amount=limit.amount, most=DAY)
