"""Exceptions: only a policy makes them, and only where no baseline decides the matter.

Input: a baseline, or a policy and what its baselines say together. Output: the block without what is not its to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from policyjwt.checker import compose_messages as say
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Revocation, Signature, Waiver, X5c
from policyjwt.source import Place


@dataclass(frozen=True, slots=True)
class _Exception:
    """One exception of a block: how it is written, the clause that it belongs to, and what it is about."""

    place: Place
    what: str
    field: str
    matter: str
    waiver: Waiver | None = None


class _Placed(Protocol):
    @property
    def place(self) -> Place: ...


def without_exceptions(baseline: Block) -> tuple[Block, tuple[Diagnostic, ...]]:
    """A baseline that excuses nothing. What it tried to excuse counts as decided, unreadably."""
    found = [say.exception_in_baseline(allow.place, what="allow") for allow in baseline.allows]
    for exception in _exceptions(baseline):
        found.append(say.exception_in_baseline(exception.place, what=exception.what))
        baseline = _without(baseline, exception)
        baseline = replace(baseline, broken=baseline.broken | {exception.field})
    return replace(baseline, allows=()), tuple(found)


def without_decided(
    parent: Block, policy: Block, *, by: Callable[[Place], str]
) -> tuple[Block, tuple[Diagnostic, ...]]:
    """A policy without the exceptions from what `parent`, its merged baselines, decides. `by` names who decides it."""
    found = []
    for exception in _exceptions(policy):
        decided = _decided(parent, exception.matter)
        if decided is not None:
            found.append(
                say.parent_decides(
                    exception.place,
                    what=exception.what,
                    matter=exception.matter,
                    parent=decided,
                    by=by(decided),
                )
            )
            policy = _without(policy, exception)
    return policy, tuple(found)


def _exceptions(block: Block) -> tuple[_Exception, ...]:
    return (*_waivers(block), *_of_replay(block), *_of_revocation(block), *_of_signature(block))


def _waivers(block: Block) -> Iterator[_Exception]:
    for waiver in block.waivers:
        matter = waiver.matter.value
        yield _Exception(waiver.place, f"waive {matter}", matter, matter, waiver)


def _of_replay(block: Block) -> Iterator[_Exception]:
    if block.replay is not None and block.replay.reusable is not None:
        yield _Exception(block.replay.reusable.place, "reusable", "replay", "replay")


def _of_revocation(block: Block) -> Iterator[_Exception]:
    revocation = block.revocation or Revocation(block.place)
    if revocation.key_removal is not None:
        yield _Exception(revocation.key_removal.place, "by key removal", "revocation", "revocation")
    if revocation.redeployment is not None:
        yield _Exception(revocation.redeployment.place, "by redeployment", "revocation", "revocation")
    if revocation.without_nocheck is not None:
        place = revocation.without_nocheck.place
        yield _Exception(place, "responder without nocheck allowed", "revocation", "staple")
    if revocation.without_next_update is not None:
        place = revocation.without_next_update.place
        yield _Exception(place, "without next update allowed", "revocation", "staple")


def _of_signature(block: Block) -> Iterator[_Exception]:
    signature = block.signature or Signature(block.place)
    if signature.held_by_several is not None:
        yield _Exception(signature.held_by_several.place, "held by several", "signature", "keys")
    if isinstance(signature.keys, X5c) and signature.keys.leaf is not None and signature.keys.leaf.kind == "any":
        yield _Exception(signature.keys.leaf.place, "leaf any", "signature", "leaf")


def _without(block: Block, exception: _Exception) -> Block:
    replay, revocation, signature = block.replay, block.revocation, block.signature
    match exception.what:
        case "reusable" if replay is not None:
            return replace(block, replay=replace(replay, reusable=None))
        case "by key removal" if revocation is not None:
            return replace(block, revocation=replace(revocation, key_removal=None))
        case "by redeployment" if revocation is not None:
            return replace(block, revocation=replace(revocation, redeployment=None))
        case "responder without nocheck allowed" if revocation is not None:
            return replace(block, revocation=replace(revocation, without_nocheck=None))
        case "without next update allowed" if revocation is not None:
            return replace(block, revocation=replace(revocation, without_next_update=None))
        case "held by several" if signature is not None:
            return replace(block, signature=replace(signature, held_by_several=None))
        case "leaf any" if signature is not None and isinstance(signature.keys, X5c):
            return replace(block, signature=replace(signature, keys=replace(signature.keys, leaf=None)))
    return replace(block, waivers=tuple(waiver for waiver in block.waivers if waiver is not exception.waiver))


def _decided(parent: Block, matter: str) -> Place | None:
    """Where the baselines decide the matter, if they do."""
    revocation = parent.revocation or Revocation(parent.place)
    signature = parent.signature or Signature(parent.place)
    replay = parent.replay
    evidence = (revocation.staple, revocation.crl)
    answers: dict[str, tuple[_Placed | None, ...]] = {
        "use": (parent.use,),
        "issuer": (parent.issuer,),
        "audience": (parent.audience,),
        "type": (parent.type,),
        "signature": (parent.signature,),
        "freshness": (parent.freshness,),
        "holder": (parent.holder,),
        "replay": () if replay is None else (replay.nonce, replay.proof_once, replay.by_holder),
        "revocation": (*evidence, revocation.short_lived),
        "staple": evidence,
        "keys": (signature.keys, *signature.secrets),
        "leaf": (signature.keys.leaf,) if isinstance(signature.keys, X5c) else (),
    }
    return next((answer.place for answer in answers[matter] if answer is not None), None)
