"""Composition: what a policy says together with its baselines. Input: what was loaded. Output: merged blocks.

The result never trusts a token that a baseline refuses. Each baseline counts once, however often it is reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from policyjwt.checker import compose_messages as say
from policyjwt.checker.compose_clauses import merged
from policyjwt.checker.compose_exceptions import without_decided, without_exceptions
from policyjwt.checker.compose_values import Merging
from policyjwt.diagnostics import Diagnostic, Related
from policyjwt.language.load import Loaded
from policyjwt.language.model import Block, Named
from policyjwt.language.suggest import closest, quoted
from policyjwt.source import Span

MOST_BLOCKS = 64
"""The longest lineage of a policy. Longer ones are no accident."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A block merged with its baselines.

    `lineage` are the blocks that it was merged from, as they are written: baselines first, in the order in which
    they are extended; the last is the block itself.
    """

    block: Block
    lineage: tuple[Block, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def extents(self) -> tuple[Span, ...]:
        """Where the blocks of the lineage stand."""
        return tuple(block.extent for block in self.lineage)


@dataclass(slots=True)
class Family:
    """Who extends whom.

    `parents` holds the baselines of each block that could be found, by the block's extent. `faults` are of single
    blocks. `unknown` are those of which something is missing: a baseline not found, or a link of a circle.
    """

    parents: dict[Span, tuple[Block, ...]] = field(default_factory=dict)
    faults: dict[Span, list[Diagnostic]] = field(default_factory=dict)
    unknown: set[Span] = field(default_factory=set)


def family_of(loaded: Loaded) -> Family:
    """Who extends whom, in everything that was loaded."""
    family = Family()
    for block in _blocks(loaded):
        family.parents[block.extent] = tuple(_parents(block, loaded, family))
    _break_circles(family, loaded)
    return family


def compose(block: Block, family: Family) -> Composed:
    """`block` merged with all that it extends."""
    lineage = _lineage(block, family)
    found: list[Diagnostic] = []
    result: Block | None = None
    if len(lineage) == 1 and family.parents.get(block.extent):
        found.append(say.lineage_too_long(block.extends[0].span, most=MOST_BLOCKS))
        lineage = (replace(block, broken=block.broken | {"extends"}),)
    for each in lineage:
        found.extend(family.faults.get(each.extent, ()))
        said = replace(each, broken=each.broken | {"extends"}) if each.extent in family.unknown else each
        if said.kind == "baseline":
            said, faults = without_exceptions(said)
            found.extend(faults)
        merging = Merging(lineage, unreadable=said.broken | (result.broken if result is not None else frozenset()))
        result = said if result is None else _merge(merging, result, said)
        found.extend(_blamed(each, block, family, merging.found))
    assert result is not None
    return Composed(result, lineage, tuple(found))


def _merge(merging: Merging, parent: Block, child: Block) -> Block:
    if child.kind == "policy":
        child, faults = without_decided(parent, child, by=merging.writer)
        merging.found.extend(faults)
    return merged(merging, parent, child)


def _blamed(child: Block, block: Block, family: Family, found: list[Diagnostic]) -> Iterator[Diagnostic]:
    """What was found when `child` was merged.

    Where two baselines that do not extend each other differ, only the block that extends both can be blamed.
    """
    if child.extent == block.extent:
        yield from found
        return
    own = [each.extent for each in _lineage(child, family)]
    for fault in found:
        if all(any(extent.contains(see.span) for extent in own) for see in fault.related):
            yield fault
        else:
            here = Related(fault.span, f"baseline {quoted(child.name)} says it here")
            yield replace(fault, span=block.extends[-1].span, related=(here, *fault.related))


def _lineage(block: Block, family: Family) -> tuple[Block, ...]:
    """The block behind all that it extends, each once. Alone, where that would be more than a lineage may have."""
    found: list[Block] = []
    seen = {block.extent}
    ahead: list[tuple[Block, Iterator[Block]]] = [(block, iter(family.parents.get(block.extent, ())))]
    while ahead and len(seen) <= MOST_BLOCKS:
        current, parents = ahead[-1]
        parent = next((each for each in parents if each.extent not in seen), None)
        if parent is None:
            found.append(current)
            ahead.pop()
        else:
            seen.add(parent.extent)
            ahead.append((parent, iter(family.parents.get(parent.extent, ()))))
    return tuple(found) if not ahead else (block,)


# ------------------------------------------------------------------------------------ who extends whom


def _blocks(loaded: Loaded) -> Iterator[Block]:
    """Every block, each once: those of the documents, and baselines that were only imported."""
    seen: set[Span] = set()
    own = (block for document in loaded.documents for block in document.blocks)
    seen_from_elsewhere = (block for baselines in loaded.baselines.values() for block in baselines.values())
    for block in (*own, *seen_from_elsewhere):
        if block.extent not in seen:
            seen.add(block.extent)
            yield block


def _parents(block: Block, loaded: Loaded, family: Family) -> Iterator[Block]:
    file = block.extent.file
    visible = loaded.baselines.get(file, {})
    for named in block.extends:
        parent = visible.get(named.value)
        if parent is not None:
            yield parent
            continue
        family.unknown.add(block.extent)
        if file not in loaded.incomplete:
            family.faults.setdefault(block.extent, []).append(_not_found(named, visible, loaded, file))


def _not_found(named: Named, visible: Mapping[str, Block], loaded: Loaded, file: str) -> Diagnostic:
    policies = (
        block
        for document in loaded.documents
        if document.file == file
        for block in document.blocks
        if block.kind == "policy" and block.name == named.value
    )
    policy = next(policies, None)
    if policy is not None:
        return say.extends_a_policy(named.span, name=named.value, policy=policy.name_span)
    return say.unknown_baseline(named.span, name=named.value, meant=closest(named.value, visible))


def _break_circles(family: Family, loaded: Loaded) -> None:
    """Report each circle once, at the `extends` that closes it, and take that one out."""
    done: set[Span] = set()
    for first in sorted(_blocks(loaded), key=lambda block: block.extent):
        way = {first.extent: first} if first.extent not in done else {}
        while way:
            block = way[next(reversed(way))]
            parents = family.parents[block.extent]
            closing = next((parent for parent in parents if parent.extent in way), None)
            ahead = next((parent for parent in parents if parent.extent not in done), None)
            if closing is not None:
                blocks = list(way.values())
                _take_out(block, closing, blocks[blocks.index(closing) :], family)
            elif ahead is not None:
                way[ahead.extent] = ahead
            else:
                done.add(way.popitem()[0])


def _take_out(block: Block, parent: Block, circle: list[Block], family: Family) -> None:
    named = next(named for named in block.extends if named.value == parent.name)
    names = (*(each.name for each in circle), parent.name)
    family.faults.setdefault(block.extent, []).append(say.cycle(named.span, names=names))
    family.unknown.update(each.extent for each in circle)
    family.parents[block.extent] = tuple(each for each in family.parents[block.extent] if each is not parent)
