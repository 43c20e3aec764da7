"""Policies beside each other. Input: all merged policies. Output: diagnostics, with the policies that they concern.

Two that one token can fit; two of one issuer that count second uses differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policyjwt.checker import decisions_messages as say
from policyjwt.checker.issuers import Issuers
from policyjwt.checker.nearby import in_policy
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, IssuerFrom, Path, Select
from policyjwt.language.suggest import quoted
from policyjwt.requirements.token_type import media_type
from policyjwt.source import Span


@dataclass(frozen=True, slots=True)
class Clash:
    """What is wrong between two policies: `extents` are both of them."""

    diagnostic: Diagnostic
    extents: tuple[Span, Span]


def check_overlap(blocks: Sequence[Block]) -> Iterator[Clash]:
    """Each policy that overlaps an earlier one of its use and issuer, with the first such."""
    known = Issuers()
    for number, block in enumerate(blocks):
        if block.by_name_only is not None or not _decides(block):
            continue
        for earlier in sorted(set(known.meeting(block))):
            other = blocks[earlier]
            why = _common(block, other)
            if why is not None:
                found = say.overlap(block.place.span, other=other.name, where=other.place, why=why)
                yield Clash(found, (block.extent, other.extent))
                break
        known.add(block, number)


def _decides(block: Block) -> bool:
    """Whether all that tells policies apart could be read."""
    if not block.broken.isdisjoint({"file", "extends", "use", "issuer", "audience", "type", "select", "waivers"}):
        return False
    return block.use is not None and block.issuer is not None


# ------------------------------------------------------------------------------------ what one token can fit


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a policy takes: one of `values` in `claim`; no values where it is waived, so that all meet it."""

    claim: tuple[str, ...]
    values: frozenset[str]


def _common(block: Block, other: Block) -> str | None:
    """How a token can fit both, None if none can."""
    audience = _meeting("audience", _audience(block), _audience(other))
    kind = _meeting("type", _type(block), _type(other))
    if audience is None or kind is None or not _selections_meet(block.select, other.select):
        return None
    issuer = "both take tokens without `iss`" if isinstance(block.issuer, IssuerFrom) else "same use and issuer"
    selected = ", no selection apart" if block.select or other.select else ""
    return f"{issuer}, {audience}, {kind}{selected}"


def _meeting(what: str, mine: _Answer | None, theirs: _Answer | None) -> str | None:
    if mine is None or theirs is None:
        return f"{what} waived"
    if mine.claim != theirs.claim:
        return f"{what} taken from another claim"
    both = mine.values & theirs.values
    return f"{what} {quoted(min(both))}" if both else None


def _audience(block: Block) -> _Answer | None:
    if block.audience is None:
        return None
    return _answer("aud", block.audience.claim, (value.value for value in block.audience.values))


def _type(block: Block) -> _Answer | None:
    if block.type is None:
        return None
    written = (value.value for value in block.type.values)
    return _answer("typ", block.type.claim, written if block.type.claim else map(media_type, written))


def _answer(standard: str, claim: Path | None, values: Iterator[str]) -> _Answer:
    return _Answer((f"{standard} itself",) if claim is None else claim.members, frozenset(values))


def _selections_meet(mine: Sequence[Select], theirs: Sequence[Select]) -> bool:
    """Whether one token can fit both selections: only the same claim with other values tells them apart."""
    known = {select.claim.members: {value.value for value in select.values} for select in theirs}
    return not any(
        known[select.claim.members].isdisjoint(value.value for value in select.values)
        for select in mine
        if select.claim.members in known
    )


# ------------------------------------------------------------------------------------ second uses


def check_nonces(blocks: Sequence[Block]) -> Iterator[Clash]:
    """Policies of one use and issuer that read their nonce elsewhere, or count it in another scope."""
    known = Issuers()
    for number, block in enumerate(blocks):
        readable = block.broken.isdisjoint({"file", "extends", "use", "issuer", "replay"})
        if block.replay is None or block.replay.nonce is None or block.use is None or not readable:
            continue
        for earlier in sorted(set(known.meeting(block))):
            found = _difference(block, blocks[earlier])
            if found is not None:
                yield Clash(found, (block.extent, blocks[earlier].extent))
                break
        else:
            known.add(block, number)  # one that differs would only say the same again


def _difference(block: Block, other: Block) -> Diagnostic | None:
    mine, theirs = block.replay, other.replay
    assert mine is not None
    assert mine.nonce is not None
    assert theirs is not None
    assert theirs.nonce is not None
    at, there = mine.nonce.place.span, theirs.nonce.place.span
    if mine.nonce.claim.members != theirs.nonce.claim.members:
        return say.nonce_differs(in_policy(block, at), what="nonce", other=other.name, where=there)
    unique = (mine.unique.value if mine.unique else "issuer", theirs.unique.value if theirs.unique else "issuer")
    if unique[0] != unique[1]:
        at = mine.unique.place.span if mine.unique else at
        there = theirs.unique.place.span if theirs.unique else there
        return say.nonce_differs(in_policy(block, at), what="unique within", other=other.name, where=there)
    return None
