"""Names that deceive the eye.

Input: a merged block. Output: diagnostics for look-alike and unseen characters.

Claims, lets, labels, and the strings that decide whose tokens are meant for whom.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import rule_messages as messages
from policyjwt.checker.confusables import foreign_letters, named, skeleton, unseen
from policyjwt.checker.rules_walk import operands, paths, subtests
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, IssuerNames, Literal, Rule
from policyjwt.source import Span

_FREE_TEXT = "the text"
"""A literal of a rule may be a word of another language; it is odd only where it mixes scripts."""


def odd_names(block: Block) -> Iterator[Diagnostic]:
    """One diagnostic for each odd name at each place."""
    for what, text, span in _names(block):
        letters = foreign_letters(text)
        if letters and (what != _FREE_TEXT or any(letter.isascii() and letter.isalpha() for letter in text)):
            listed = ", ".join(named(letter) for letter in letters[:3])
            yield messages.lookalike(span, what=what, text=text, letters=listed, means=skeleton(text))
        hidden = unseen(text)
        if hidden is not None:
            yield messages.invisible(span, what=what, text=text, character=named(hidden))


def _names(block: Block) -> Iterator[tuple[str, str, Span]]:
    yield "the name", block.name, block.name_span
    if block.use is not None:
        yield "the use", block.use.value, block.use.place.span
    if isinstance(block.issuer, IssuerNames):
        for issuer in block.issuer.names:
            yield "the issuer", issuer.text, issuer.span
            for holder in issuer.placeholders:
                yield from (("the value", value, holder.span) for value in holder.values)
    elif block.issuer is not None:
        yield "the pattern", block.issuer.glob, block.issuer.place.span
    if block.audience is not None:
        yield from (("the audience", value.value, value.span) for value in block.audience.values)
    if block.type is not None:
        yield from (("the type", value.value, value.span) for value in block.type.values)
    for select in block.select:
        yield from (("the value", value.value, value.span) for value in select.values)
    for item in block.provides:
        yield "the claim", item.claim, item.place.span
    for rule in block.rules:
        yield from _in_rule(rule)


def _in_rule(rule: Rule) -> Iterator[tuple[str, str, Span]]:
    if rule.label is not None:
        yield "the label", rule.label.value, rule.label.span
    for whole in (rule.test, rule.guard.test if rule.guard else None):
        if whole is None:
            continue
        for path in paths(whole):
            yield from (("the claim", member, path.span) for member in path.members)
        for test in subtests(whole):
            for operand in operands(test):
                if isinstance(operand, Literal):
                    yield from _in_literal(operand)


def _in_literal(literal: Literal) -> Iterator[tuple[str, str, Span]]:
    if literal.name is not None:
        yield "the name", literal.name, literal.span
    for value in literal.value if isinstance(literal.value, tuple) else (literal.value,):
        if isinstance(value, str):
            yield _FREE_TEXT, value, literal.span
