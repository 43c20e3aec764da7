"""The items of blocks and sections.

Input: trees and a table of how each is read. Output: what was found, each once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from policyjwt.language import messages
from policyjwt.language.build_names import because_of
from policyjwt.language.build_reader import Reader, only_token
from policyjwt.language.model import Allow, Named
from policyjwt.source import Span

if TYPE_CHECKING:
    from lark import Token, Tree

T = TypeVar("T")


@dataclass(slots=True)
class Found:
    """The items that a block or section had, by the field that they fill."""

    kept: dict[str, list[object]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def one(self, name: str, kind: type[T]) -> T | None:
        """The item that fills field `name`."""
        return next(self.each(name, kind), None)

    def all(self, name: str, kind: type[T]) -> tuple[T, ...]:
        """All items that fill field `name`."""
        return tuple(self.each(name, kind))

    def each(self, name: str, kind: type[T]) -> Iterator[T]:
        """The items of field `name`, one by one."""
        return (item for item in self.kept.get(name, ()) if isinstance(item, kind))


Handler: TypeAlias = "Callable[[Reader, Tree[Token]], object]"


@dataclass(frozen=True, slots=True)
class Item:
    """How an item of the grammar is read.

    Which field it fills, by what, and whether it may stand once only.
    """

    field: str
    read: Handler
    once: bool = True


def read_items(reader: Reader, nodes: list[Tree[Token]], items: Mapping[str, Item], *, where: str) -> Found:
    """The items among `nodes`.

    A second one of what may stand once is reported, and read for its own faults only.
    """
    found = Found()
    first: dict[str, Span] = {}
    waiting: list[Tree[Token]] = []
    for node in nodes:
        if node.data == "allow":
            waiting.append(node)
            continue
        item = items[node.data]
        before = reader.faults
        for allow in waiting:
            covers = reader.head(node).span if node.data in {"policy", "baseline"} else reader.span(node)
            reader.allows.extend(read_allow(reader, allow, covers))
        waiting.clear()
        value = item.read(reader, node)
        if item.once and item.field in first:
            reader.report(messages.item_twice(reader.span(node), spoken(node), where, first[item.field]))
            value = None
        first.setdefault(item.field, reader.span(node))
        if reader.faults > before:
            found.broken.add(item.field)
        if value is not None:
            kept = found.kept.setdefault(item.field, [])
            kept.extend(value if isinstance(value, tuple) else (value,))
    return found


def read_allow(reader: Reader, node: Tree[Token], covers: Span) -> Iterator[Allow]:
    """`allow CODE because "…"` above what `covers` spans."""
    code, because = only_token(node), because_of(reader, node)
    if not re.fullmatch(r"PJ[0-9]{3}", code):
        reader.report(messages.no_code(reader.span(code), code))
    elif because is not None:
        yield Allow(reader.place(node), Named(reader.span(code), str(code)), because, covers)


_SPOKEN = {
    "jwks_file": "keys",
    "jwks_url": "keys",
    "discovery": "keys",
    "pem_file": "keys",
    "x5c": "keys",
    "by_name": "by name only",
    "issued_after": "issued after",
    "proof": "proof once",
    "by_holder": "by holder",
    "reaches": "store reaches",
    "unique": "unique within",
    "expires": "expires within",
    "held": "held by several",
    "key_removal": "by key removal",
    "redeployment": "by redeployment",
    "short_lived": "short-lived certificate",
    "after_token": "issued after token",
    "no_nocheck": "responder without nocheck allowed",
    "no_next_update": "without next update allowed",
    "nonce_required": "nonce required",
    "list_from": "list from",
    "staple_header": "staple",
    "staple_from": "staple",
    "issuer_from": "issuer",
    "audience_from": "audience",
    "type_from": "type",
    "review": "review by",
}


def spoken(node: Tree[Token]) -> str:
    """How people call an item of the grammar."""
    return _SPOKEN.get(node.data, str(node.data))
