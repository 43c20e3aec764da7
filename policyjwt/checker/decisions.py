"""What a policy must decide. Input: a block merged with its baselines. Output: diagnostics for what it leaves open.

Silence is an error: nothing here has a default that trusts. What could not be read is never said to be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from policyjwt.checker import compose_messages, messages
from policyjwt.checker import decisions_messages as say
from policyjwt.checker.decisions_keys import key_decisions
from policyjwt.checker.decisions_limits import limit_decisions
from policyjwt.checker.decisions_replay import replay_decisions
from policyjwt.checker.decisions_revocation import revocation_decisions
from policyjwt.checker.nearby import in_policy, keyword
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Names, X5c
from policyjwt.requirements.paths import context_paths, paths_of
from policyjwt.requirements.provides import reason_of as provided_reason
from policyjwt.requirements.rules import reason_of
from policyjwt.source import Place, Span
from policyjwt.verdict import Outcome

WAIVABLE = frozenset({"audience", "type", "revocation", "holder"})
"""What a policy may waive. A token's reuse is excused by `replay { reusable … }`."""

_OUTCOMES = frozenset(outcome.value for outcome in Outcome)


class _Placed(Protocol):
    @property
    def place(self) -> Place: ...


def check_decisions(block: Block, *, extents: Sequence[Span] = ()) -> Iterator[Diagnostic]:
    """What `block` leaves open or decides against itself. Of a baseline, only what holds without its policies.

    `extents` are the blocks that it was merged from.
    """
    yield from limit_decisions(block)
    yield from _reasons(block, extents)
    if block.kind == "baseline":
        return
    yield from _undecided(block)
    yield from _waivers(block)
    yield from key_decisions(block)
    yield from replay_decisions(block)
    yield from revocation_decisions(block)
    yield from _roots(block)
    yield from _nonces(block)
    yield from _expected(block)


# ------------------------------------------------------------------------------------ answered, waived


def answers(block: Block) -> dict[str, _Placed | None]:
    """What decides each matter."""
    return {
        "use": block.use,
        "issuer": block.issuer,
        "audience": block.audience,
        "type": block.type,
        "signature": block.signature,
        "freshness": block.freshness,
        "replay": block.replay,
        "revocation": block.revocation,
        "holder": block.holder,
    }


def unreadable(block: Block, field: str) -> bool:
    """Whether something of this clause was written that could not be read, or that a baseline may hold."""
    return not block.broken.isdisjoint({field, "file", "extends"})


def _undecided(block: Block) -> Iterator[Diagnostic]:
    waived = {waiver.matter.value for waiver in block.waivers}
    for matter, answer in answers(block).items():
        if matter == "holder" or answer is not None or matter in waived:
            continue
        if not unreadable(block, matter) and not unreadable(block, "waivers"):
            yield say.undecided(block.place.span, policy=block.name, decision=matter)


def _waivers(block: Block) -> Iterator[Diagnostic]:
    for waiver in block.waivers:
        matter = waiver.matter.value
        answer = answers(block)[matter]
        if matter not in WAIVABLE:
            yield say.not_waivable(waiver.place.span, matter=matter)
        elif answer is not None:
            earlier, later = sorted((waiver.place.span, answer.place.span))
            yield say.waived_and_decided(in_policy(block, later), matter=matter, earlier=earlier)


# ------------------------------------------------------------------------------------ rules


def _reasons(block: Block, extents: Sequence[Span]) -> Iterator[Diagnostic]:
    """Rules that verdicts would call by the same code, or by a code that means something else."""
    taken: dict[str, Span] = {}
    for provided in block.provides:
        reason, at = f"provides-{provided_reason(provided.claim)}", provided.place.span
        if reason in taken:
            where = _where(block, at, taken[reason], extents)
            yield messages.same_reason(where, reason=reason, earlier=taken[reason], provided=True)
        taken.setdefault(reason, at)
    labels: dict[str, Span] = {}
    for rule in block.rules:
        reason, at = reason_of(rule), rule.place.span
        if rule.label is not None:
            at = rule.label.span
            if reason in labels:
                where = _where(block, at, labels[reason], extents)
                yield compose_messages.label_twice(where, label=reason, earlier=labels[reason])
                continue
            labels[reason] = at
        if reason in _OUTCOMES:
            yield say.reason_is_an_outcome(at, reason=reason, labelled=rule.label is not None)
        elif reason in taken:
            where = _where(block, at, taken[reason], extents)
            yield messages.same_reason(where, reason=reason, earlier=taken[reason])
        elif reason == "sub" and _judges_subject(block):
            yield messages.reason_of_subject(in_policy(block, at), rule=at)
        taken.setdefault(reason, at)


def _judges_subject(block: Block) -> bool:
    """Whether the policy has the implicit line on `sub`. A baseline can't know: its policies may provide it."""
    provided = any(each.claim == "sub" and each.type == "string" for each in block.provides)
    return block.kind != "baseline" and not provided and not unreadable(block, "provides")


def _where(block: Block, later: Span, earlier: Span, extents: Sequence[Span]) -> Span:
    """The later of two rules. Where each is of another baseline, only the policy that joins them can be blamed."""
    together = any(extent.contains(later) and extent.contains(earlier) for extent in extents)
    return later if together else in_policy(block, later, earlier)


def _roots(block: Block) -> Iterator[Diagnostic]:
    """`certificate.x` and `client.x` where no certificate is at hand."""
    signature, holder = block.signature, block.holder
    at_hand = {
        "certificate": signature is not None and isinstance(signature.keys, X5c),
        "client": holder is not None and holder.kind == "mtls",
    }
    needs = {"certificate": "`keys x5c`", "client": "`holder mtls`"}
    section = {"certificate": "signature", "client": "holder"}
    for rule in block.rules:
        for path in paths_of(rule):
            if unreadable(block, section.get(path.root, "")):
                continue
            if not at_hand.get(path.root, True):
                yield say.root_without_section(path.span, root=path.root, text=path.text, needs=needs[path.root])
            elif path.root == "client" and path.members[0] != "thumbprint" and _anchors(block) is None:
                yield say.client_without_anchors(path.span, text=path.text)


def _nonces(block: Block) -> Iterator[Diagnostic]:
    """`nonce required` beside another reading of the service's nonce: the client chooses among those that are out."""
    if block.holder is None or block.holder.nonce_required is None:
        return
    for path in context_paths(block):
        if path.members[:1] == ("nonce",):
            yield say.two_readers_of_a_nonce(path.span)


def _anchors(block: Block) -> Names | None:
    """What may have issued a client's certificate."""
    return None if block.holder is None else block.holder.anchors


# ------------------------------------------------------------------------------------ expected


def _expected(block: Block) -> Iterator[Diagnostic]:
    """What a policy can do without, and should not."""
    if not block.provides and not unreadable(block, "provides"):
        yield messages.no_provides(block.place.span, policy=block.name)
    if block.owner is None and not unreadable(block, "owner"):
        yield messages.no_owner(block.place.span, policy=block.name)
    if block.freshness is not None and block.freshness.skew is None and not unreadable(block, "freshness"):
        yield messages.no_skew(in_policy(block, keyword(block.freshness.place)))
