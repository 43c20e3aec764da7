"""JSON Schema for claims. Input: the text of a schema. Output: a Schema that names its parts which claims break.

The library `jsonschema` holds the schema against the meta-schema. Claims are judged here, since the library runs
patterns with `re`, quotes the token in its errors and bounds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from policyjwt.diagnostics import Level
from policyjwt.patterns.json_schema_messages import SchemaFault, SchemaFaults
from policyjwt.patterns.json_schema_nodes import LimitError, Run
from policyjwt.patterns.json_schema_read import SchemaText, read_text

if TYPE_CHECKING:
    from policyjwt.patterns.json_schema_nodes import Node

__all__ = ["Schema", "SchemaFault", "SchemaFaults", "examine", "read_schema"]

WHOLE: Final = ""
"""The JSON Pointer of the whole schema, which stands for a limit that was reached."""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema ready to judge. `warnings` are what its author should know."""

    warnings: tuple[SchemaFault, ...]
    needs_re2: bool
    collects: bool
    root: Node

    def __repr__(self) -> str:
        """Nothing of the file."""
        return "<Schema>"

    def faults(self, claims: Mapping[str, object]) -> tuple[str, ...]:
        """JSON Pointers into the schema of what the claims break: sorted, each once, a hundred at most.

        They hold no names or values of the token. Where a limit of work or depth is reached, the whole schema counts as
        broken (the pointer is empty). Never raises.
        """
        run = Run(collects=self.collects)
        try:
            sound = self.root.judge(run, dict(claims)) is not None
        except (LimitError, RecursionError):
            return (WHOLE,)
        if sound:
            return ()
        return tuple(sorted(run.faults)) or (WHOLE,)


def examine(text: str) -> SchemaText:
    """All faults of a schema, without making it ready: for the checks of a policy. Never raises."""
    return read_text(text)


def read_schema(text: str) -> Schema:
    """Read a schema. Raises SchemaFaults with all its faults, and NeedsRe2 where RE2 is needed and not installed."""
    from policyjwt.patterns.json_schema_build import build

    read = read_text(text)
    if any(fault.level is Level.ERROR for fault in read.faults):
        raise SchemaFaults(read.faults)
    root, collects = build(read)
    return Schema(read.faults, read.needs_re2, collects, root)
