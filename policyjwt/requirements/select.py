"""Select: a claim that tells policies of one issuer, audience and type apart. It chooses, and is required after."""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.language.model import CheckedPolicy
from policyjwt.requirements.describe import one_of
from policyjwt.requirements.line import About, Line
from policyjwt.requirements.string_claim import StringClaimLine


def select_lines(policy: CheckedPolicy) -> tuple[StringClaimLine, ...]:
    """The select lines of a policy; selection uses them too."""
    return tuple(
        StringClaimLine(
            About(stage="select", place=select.place),
            select.claim,
            accepts=frozenset(value.value for value in select.values).__contains__,
            expected=f"this policy is for {one_of(value.value for value in select.values)}",
        )
        for select in policy.block.select
    )


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The select lines."""
    yield from select_lines(policy)
