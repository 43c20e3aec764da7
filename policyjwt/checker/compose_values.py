"""How one item of a policy meets the same item of a baseline. Input: both. Output: the one that binds, and conflicts.

The smaller, what both name, the same, or the stricter: the result never trusts what either refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from policyjwt.checker import compose_messages as say
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Limit, Named, Names, TextItem
from policyjwt.requirements.describe import one_of
from policyjwt.source import Place
from policyjwt.spans import duration


class _Placed(Protocol):
    @property
    def place(self) -> Place: ...


Item = TypeVar("Item", bound=_Placed)
Entry = TypeVar("Entry")


@dataclass(slots=True)
class Merging:
    """The state of merging one block: what was found, and the fields that are in conflict.

    `lineage` are the blocks at hand. `clause` is the one that is being merged: what conflicts in it, or could not be
    read, says nothing reliable any more.
    """

    lineage: tuple[Block, ...]
    unreadable: frozenset[str]
    clause: str = ""
    found: list[Diagnostic] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def writer(self, place: Place) -> str:
        """The name of the baseline that wrote the item at `place`."""
        return next((block.name for block in self.lineage if block.extent.contains(place.span)), "")

    def conflict(self, diagnostic: Diagnostic) -> None:
        """Report a conflict, unless it may only come from something that could not be read."""
        if self.clause not in self.unreadable:
            self.found.append(diagnostic)
        self.broken.add(self.clause)

    def note(self, diagnostic: Diagnostic) -> None:
        """Report what is no conflict."""
        self.found.append(diagnostic)

    def differs(self, parent: _Placed, child: _Placed, what: str) -> None:
        """Report two items that must be equal."""
        self.conflict(say.differs(child.place, what=what, earlier=parent.place, by=self.writer(parent.place)))


def smaller(
    merging: Merging,
    parent: Limit | None,
    child: Limit | None,
    what: str,
    *,
    shown: Callable[[int], str] = duration,
) -> Limit | None:
    """The smaller of two limits, with a note which one binds."""
    if parent is None or child is None:
        return parent or child
    if parent.amount != child.amount:
        merging.note(
            say.which_binds(
                child.place,
                what=what,
                child=shown(child.amount),
                parent=shown(parent.amount),
                earlier=parent.place,
                by=merging.writer(parent.place),
                mine=child.amount < parent.amount,
            )
        )
    return child if child.amount <= parent.amount else parent


def same(
    merging: Merging, parent: Item | None, child: Item | None, what: str, *, key: Callable[[Item], Hashable]
) -> Item | None:
    """The item that both say alike; two that differ are a conflict."""
    if parent is None or child is None:
        return parent or child
    if key(parent) != key(child):
        merging.differs(parent, child, what)
    return child


def same_text(merging: Merging, parent: TextItem | None, child: TextItem | None, what: str) -> TextItem | None:
    """The text that both say alike."""
    return same(merging, parent, child, what, key=lambda item: item.value)


def common(
    merging: Merging,
    parent: _Placed,
    child: _Placed,
    what: str,
    *,
    parents: tuple[Entry, ...],
    children: tuple[Entry, ...],
    name: Callable[[Entry], str],
    fold: Callable[[str], str] = str,
) -> tuple[tuple[Entry, ...], Place]:
    """The entries of `children` that `parents` name too, and the line that binds. None in common is a conflict."""
    known = {fold(name(entry)) for entry in parents}
    kept = tuple(entry for entry in children if fold(name(entry)) in known)
    if not kept and parents and children:
        mine, theirs = [name(entry) for entry in children], [name(entry) for entry in parents]
        merging.conflict(
            say.nothing_in_common(
                child.place,
                what=what,
                child=_listed(mine),
                parent=_listed(theirs),
                earlier=parent.place,
                by=merging.writer(parent.place),
                two_names={"EdDSA", "Ed25519"} <= {*mine, *theirs},
            )
        )
        return children, child.place
    binds = child if len(kept) == len(children) or len(kept) < len(known) else parent
    return kept, binds.place


def _listed(names: Iterable[str]) -> str:
    return one_of(names).replace(" or ", " and ")


def common_names(merging: Merging, parent: Names | None, child: Names | None, what: str) -> Names | None:
    """The names that both lists have."""
    if parent is None or child is None:
        return parent or child
    kept, place = common(
        merging,
        parent,
        child,
        what,
        parents=parent.names,
        children=child.names,
        name=lambda named: named.value,
    )
    return Names(place, kept)


def values(named: Iterable[Named]) -> frozenset[str]:
    """The values alone, in no order."""
    return frozenset(each.value for each in named)


def stricter(
    parent: TextItem | None, child: TextItem | None, *, order: tuple[str, ...], unsaid: str | None
) -> TextItem | None:
    """The word that stands later in `order`. `unsaid` is what the parent means by its silence, None if nothing."""
    if child is None:
        return parent
    meant = parent.value if parent is not None else unsaid
    if meant is None or order.index(child.value) >= order.index(meant):
        return child
    return parent  # a silent parent's own default, which is the strictest, holds
