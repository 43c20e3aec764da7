"""Addresses that nobody verified.

Input: a merged policy. Output: diagnostics where `email` is trusted as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import trust_messages as messages
from policyjwt.checker.providers import Provider
from policyjwt.checker.rules_walk import claim_of, demand_of, literal_of, operands
from policyjwt.checker.trust_binding import Question, bound, ties, unaccompanied
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Compare, Presence, Test

_ADDRESSES = ("email", "phone_number")


def check_email(block: Block, providers: tuple[Provider, ...]) -> Iterator[Diagnostic]:
    """`email` and `phone_number` in rules and in `provides`, without `…_verified`."""
    for claim in _ADDRESSES:
        verified = _is_verified(claim)
        if bound(block, verified):
            continue
        advice = _help(claim, providers)
        for rule in block.rules:
            if rule.kind != "observe":
                for test in unaccompanied(demand_of(rule), ties({(claim,)}), verified):
                    yield messages.email_unverified(test.span, claim=claim, help=advice)
        names = {item.claim for item in block.provides}
        for item in block.provides:
            if item.claim == claim and f"{claim}_verified" not in names:
                yield messages.email_unverified(item.place.span, claim=claim, help=advice)


def _is_verified(claim: str) -> Question:
    """`email_verified == true` (some providers write it as a string), or there is no address to speak of."""
    flag = (f"{claim}_verified",)

    def question(test: Test, positive: bool) -> bool:  # noqa: FBT001 - the form of a Question
        if isinstance(test, Presence):
            return test.path.root == "claim" and test.path.members == (claim,) and test.present is not positive
        if not isinstance(test, Compare) or not any(claim_of(operand) == flag for operand in operands(test)):
            return False
        values = [literal_of(operand) for operand in operands(test)]
        says_true = any(value is True or value == "true" for value in values)
        says_false = any(value is False or value == "false" for value in values)
        if test.operator == "==":
            return says_true if positive else says_false
        return test.operator == "!=" and (says_false if positive else says_true)

    return question


def _help(claim: str, providers: tuple[Provider, ...]) -> str:
    if any(not provider.verifies_email for provider in providers):
        return "this provider does not say whether it verified an address; test `tid` and `oid` instead"
    return f"add `require {claim}_verified == true`"
