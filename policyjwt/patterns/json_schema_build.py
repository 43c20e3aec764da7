"""From the text of a schema to checks. Input: a SchemaText without errors. Output: the root Node."""

from __future__ import annotations

from policyjwt.patterns.json_schema_here import Here
from policyjwt.patterns.json_schema_inside import INSIDE, LAST
from policyjwt.patterns.json_schema_nodes import Check, Node
from policyjwt.patterns.json_schema_read import SchemaText
from policyjwt.patterns.json_schema_value import VALUE

_CHECKS = {**VALUE, **INSIDE}


def build(read: SchemaText) -> tuple[Node, bool]:
    """The schema ready to judge, and whether it asks what was judged of a value. Raises NeedsRe2."""
    nodes = {pointer: Node() for pointer in read.places}
    for pointer, raw in read.places.items():
        node = nodes[pointer]
        if isinstance(raw, dict):
            here = Here(raw, pointer, nodes, read.targets)
            node.checks = tuple(_CHECKS[keyword](here) for keyword in raw if keyword in _CHECKS)
            node.last = tuple(LAST[keyword](here) for keyword in raw if keyword in LAST)
        elif raw is False:
            node.checks = (_refuses(pointer),)
    return nodes[""], any(node.last for node in nodes.values())


def _refuses(pointer: str) -> Check:
    return lambda run, value, seen: run.fault(pointer)
