"""One schema on its way to checks: what it says, and the schemas it leads to. Input: a SchemaText without errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from policyjwt.patterns.json_schema_nodes import Check, Node
from policyjwt.patterns.json_schema_read import below, framed
from policyjwt.patterns.matcher import matcher


@dataclass(frozen=True, slots=True)
class Here:
    """The schema `raw` at `pointer`. `nodes` are all schemas by their places; `targets` is where references lead."""

    raw: dict[str, object]
    pointer: str
    nodes: Mapping[str, Node]
    targets: Mapping[str, str]

    def place(self, *steps: str | int) -> str:
        """The pointer of a keyword here, or of what is in it."""
        return below(self.pointer, *steps)

    def at(self, *steps: str | int) -> Node:
        """The schema that a keyword holds."""
        return self.nodes[self.place(*steps)]

    def named(self, keyword: str) -> dict[str, Node]:
        """The schemas that a keyword holds by name; none without the keyword."""
        return {name: self.at(keyword, name) for name in cast("dict[str, object]", self.raw.get(keyword, {}))}

    def listed(self, keyword: str) -> tuple[Node, ...]:
        """The schemas that a keyword holds in a list; none without the keyword."""
        return tuple(self.at(keyword, at) for at in range(len(cast("list[object]", self.raw.get(keyword, [])))))

    def patterns(self) -> list[tuple[Callable[[str], bool], Node]]:
        """What `patternProperties` holds. Raises NeedsRe2."""
        return [(matcher(framed(text)), node) for text, node in self.named("patternProperties").items()]

    def target(self) -> Node:
        """Where `$ref` leads."""
        return self.nodes[self.targets[self.pointer]]


Maker: TypeAlias = Callable[[Here], Check]
"""Makes the check of one keyword."""
