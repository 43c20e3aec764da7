"""What the language has and this version does not enforce. A policy that says it is checked, and never loaded."""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.language.model import CheckedPolicy, X5c
from policyjwt.source import Place


def unbuilt(policy: CheckedPolicy) -> Iterator[tuple[Place, str]]:
    """Each part of the policy that would need what this version does not have, in words."""
    block = policy.block
    if block.status is not None and isinstance(block.status.keys, X5c):
        yield block.status.keys.place, "status lists that are signed under a certificate path"
