"""What rules tie a token to.

Input: tests and a question about elementary tests. Output: whether every way through asks it.

"Bound" means: no token meets the rules without its claim being compared with something that is not the token.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias

from policyjwt.checker.providers import Claim
from policyjwt.checker.rules_walk import claim_of, demand_of, operands, path_of
from policyjwt.language.model import (
    Affix,
    And,
    Block,
    Compare,
    Contains,
    In,
    IssuerNames,
    Like,
    Matches,
    Not,
    Or,
    Quantified,
    Test,
    Under,
)

Question: TypeAlias = Callable[[Test, bool], bool]
"""Of an elementary test, and whether it must be true (else: false), for the rule to be met."""


def binds(test: Test, question: Question, *, positive: bool = True) -> bool:
    """Whether the answer is yes on every way in which `test` is true (or false, for `positive=False`)."""
    match test:
        case Not():
            return binds(test.test, question, positive=not positive)
        case And() | Or():
            parts = (binds(part, question, positive=positive) for part in test.tests)
            return any(parts) if isinstance(test, And) is positive else all(parts)
        case Quantified():
            return question(test, positive) or binds(test.test, question, positive=positive)
        case _:
            return question(test, positive)


def bound(block: Block, question: Question) -> bool:
    """Whether one of the rules that decide binds."""
    return any(rule.kind != "observe" and binds(demand_of(rule), question) for rule in block.rules)


def ties(claims: Collection[Claim], *, whole: bool = False) -> Question:
    """The question whether a test ties one of `claims` to what is not in the token.

    `whole`: to whole values.
    """

    def question(test: Test, positive: bool) -> bool:  # noqa: FBT001 - the form of a Question
        if not any(claim_of(operand) in claims for operand in operands(test)):
            return False
        return _ties(test, positive=positive, whole=whole) and not _is_about_itself(test)

    return question


def _ties(test: Test, *, positive: bool, whole: bool) -> bool:
    match test:
        case Compare():
            return test.operator == ("==" if positive else "!=")
        case In():
            return test.negated is not positive
        case Affix() | Like() | Matches() | Under():
            return positive and not whole
        case Contains():
            return positive
        case Quantified():
            return positive and binds(test.test, lambda inner, good: _ties(inner, positive=good, whole=whole))
        case _:
            return False


def _is_about_itself(test: Test) -> bool:
    found = operands(test)
    return len(found) > 1 and all(
        path is not None and path.root in ("claim", "header", "variable") for path in map(path_of, found)
    )


def unaccompanied(test: Test, name: Question, companion: Question, *, positive: bool = True) -> Iterator[Test]:
    """The elementary tests about `name` that stand in no conjunction with a test that binds `companion`."""
    match test:
        case Not():
            yield from unaccompanied(test.test, name, companion, positive=not positive)
        case And() | Or():
            joined = isinstance(test, And) is positive
            if joined and any(binds(part, companion, positive=positive) for part in test.tests):
                return
            for part in test.tests:
                yield from unaccompanied(part, name, companion, positive=positive)
        case _:
            if name(test, positive):
                yield test


def item_claims(block: Block) -> frozenset[Claim]:
    """Claims that other items tie to values: `select`, placeholders, `audience from`, `type from`."""
    found: set[Claim] = {select.claim.members for select in block.select if select.claim.root == "claim"}
    if isinstance(block.issuer, IssuerNames):
        found |= {(holder.name,) for name in block.issuer.names for holder in name.placeholders}
    elif block.issuer is not None:
        found.add(block.issuer.claim.members)
    for item in (block.audience, block.type):
        if item is not None and item.claim is not None and item.claim.root == "claim":
            found.add(item.claim.members)
    return frozenset(found)
