"""Whether a second use is refused. Input: a merged policy. Output: diagnostics for answers that don't go together."""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import decisions_messages as say
from policyjwt.checker.nearby import in_policy, keyword
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Replay


def replay_decisions(block: Block) -> Iterator[Diagnostic]:
    """What is wrong with `replay`."""
    replay = block.replay
    if replay is None or not block.broken.isdisjoint({"file", "extends", "replay"}):
        return
    if not (replay.nonce or replay.proof_once or replay.by_holder or replay.reusable):
        yield say.no_replay_answer(in_policy(block, keyword(replay.place)))
        return
    yield from _contradictions(block, replay)
    if "holder" not in block.broken:
        yield from _holders(block, replay)
    yield from _idle_parts(block, replay)


def _contradictions(block: Block, replay: Replay) -> Iterator[Diagnostic]:
    if replay.nonce is not None and replay.proof_once is not None:
        at = in_policy(block, replay.proof_once.place.span, replay.nonce.place.span)
        yield say.nonce_and_proof(at, nonce=replay.nonce.place.span)
    if replay.reusable is None:
        return
    others = (("nonce", replay.nonce), ("proof once", replay.proof_once), ("by holder", replay.by_holder))
    for item, other in others:
        if other is not None:
            at = in_policy(block, replay.reusable.place.span, other.place.span)
            yield say.reusable_and_not(at, other=other.place.span, item=item)


def _holders(block: Block, replay: Replay) -> Iterator[Diagnostic]:
    holder = block.holder
    for item, marker, kind in (("proof once", replay.proof_once, "dpop"), ("by holder", replay.by_holder, "mtls")):
        if marker is not None and (holder is None or holder.kind != kind):
            other = holder.place.span if holder is not None else None
            yield say.needs_holder(in_policy(block, marker.place.span), item=item, kind=kind, other=other)


def _idle_parts(block: Block, replay: Replay) -> Iterator[Diagnostic]:
    """Parts that only mean something for what is consumed."""
    consumed = replay.nonce is not None or replay.proof_once is not None
    parts = (
        ("unique within", replay.unique, replay.nonce is not None, "`nonce jti`"),
        ("store reaches", replay.reaches, consumed, "`nonce jti`"),
        ("hold at most", replay.hold, replay.nonce is not None, "`nonce jti`"),
    )
    for item, part, useful, needs in parts:
        if part is not None and not useful:
            span = part.place.span
            yield say.needs_beside(in_policy(block, span), item=item, needs=needs, related=span)
