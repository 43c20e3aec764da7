"""Trust warnings.

Input: a merged policy. Output: diagnostics for what it trusts beyond what it seems to say (PJ500 to PJ599).

Here: what the presenter of a token decides. What providers are known for stands in `trust_provider`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policyjwt.checker import trust_messages as messages
from policyjwt.checker.nearby import in_policy
from policyjwt.checker.rules_walk import operands, path_of, paths
from policyjwt.checker.trust_email import check_email
from policyjwt.checker.trust_provider import MAY_ANSWER, check_providers
from policyjwt.checker.types import known_providers
from policyjwt.diagnostics import Diagnostic
from policyjwt.expressions.text import operand_text
from policyjwt.language.model import And, Block, Not, Operand, Or, Quantified, Rule, Test

_PRESENTED = frozenset({"headers", "path", "uri"})
"""Members of `context` that whoever presents the token fills in."""


def check_trust(block: Block) -> Iterator[Diagnostic]:
    """What `block`, merged with its baselines, trusts although its author may not mean it."""
    for rule in block.rules:
        if block.extent.contains(rule.place.span):  # a baseline is judged by itself as well
            yield from _presented(rule)
            yield from _both_from_token(rule)
    if block.kind == "policy":  # what a baseline lacks, its policies may say
        for fault in (*_email(block), *check_providers(block)):
            yield replace(fault, span=in_policy(block, fault.span))


def _email(block: Block) -> Iterator[Diagnostic]:
    if block.broken.isdisjoint(MAY_ANSWER):
        yield from check_email(block, known_providers(block))


def _presented(rule: Rule) -> Iterator[Diagnostic]:
    if rule.guard is not None:
        for path in paths(rule.guard.test):
            if path.root == "context" and path.members[0] in _PRESENTED:
                yield messages.presenter_chooses(rule.guard.test.span, path=path.text)
                return
    if isinstance(rule.test, Or) and rule.kind != "forbid":
        # `… or context.path == "/health"` is the same guard in other words.
        chosen = [part for part in rule.test.tests if _only_presented(part)]
        for part in chosen if len(chosen) < len(rule.test.tests) else ():
            yield messages.presenter_chooses(part.span, path=next(paths(part)).text)


def _only_presented(test: Test) -> bool:
    found = list(paths(test))
    return bool(found) and all(path.root == "context" and path.members[0] in _PRESENTED for path in found)


def _both_from_token(rule: Rule) -> Iterator[Diagnostic]:
    yield from _compared(rule.test, frozenset())
    if rule.guard is not None:
        yield from _compared(rule.guard.test, frozenset())


def _compared(test: Test, variables: frozenset[str]) -> Iterator[Diagnostic]:
    """Comparisons of the token with itself; `variables` are those that run over lists of the token."""
    match test:
        case Not():
            yield from _compared(test.test, variables)
        case And() | Or():
            for part in test.tests:
                yield from _compared(part, variables)
        case Quantified():
            of_token = _from_token(test.items, variables)
            yield from _compared(test.test, variables | {test.variable} if of_token else variables - {test.variable})
        case _:
            found = operands(test)
            if len(found) > 1 and all(_from_token(operand, variables) for operand in found):
                left, right = map(operand_text, found)
                yield messages.both_from_token(test.span, left=left, right=right)


def _from_token(operand: Operand, variables: frozenset[str]) -> bool:
    path = path_of(operand)
    if path is None:
        return False
    return path.root in ("claim", "header") or (path.root == "variable" and path.members[0] in variables)
