"""Which values a rule or a line reads. Input: any node of the model. Output: its paths."""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.language.model import Block, Path
from policyjwt.requirements.line import Line

_BY_STAGE = {"issuer": "iss", "audience": "aud"}


def paths_of(node: object) -> Iterator[Path]:
    """Every path in a rule, a test, an operand or a line."""
    if isinstance(node, Path):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from paths_of(part)
    else:
        for name in getattr(type(node), "__slots__", ()):  # the fields of our own model, never a token's names
            yield from paths_of(getattr(node, name))


def context_paths(block: Block) -> Iterator[Path]:
    """What a policy reads of the request, in rules and in `nonce … equals`."""
    yield from (path for path in paths_of((block.rules, block.replay)) if path.root == "context")


def claims_read(line: Line) -> frozenset[str]:
    """The top-level claims that a line reads."""
    read = {path.members[0] for path in paths_of(line) if path.root == "claim"}
    named = getattr(line, "claim", None)  # lines of one claim call it so
    if isinstance(named, str):
        read.add(named)
    if line.about.stage in _BY_STAGE:
        read.add(_BY_STAGE[line.about.stage])
    return frozenset(read)
