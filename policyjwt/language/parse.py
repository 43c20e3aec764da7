"""From text to tree. Input: a source. Output: the tree, or None where anything is wrong; and diagnostics of all faults.

A text with a fault never becomes a tree: recovery serves to find more faults, not to guess what was meant.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from policyjwt.diagnostics import Diagnostic, in_order
from policyjwt.language import layout, limits, recover, scan
from policyjwt.language import syntax_messages as say
from policyjwt.language.grammar import language
from policyjwt.language.model import LANGUAGE_VERSION
from policyjwt.language.suggest import closest
from policyjwt.language.tokens import Lexed, lex
from policyjwt.language.trouble import TOP
from policyjwt.source import Source, Span

if TYPE_CHECKING:
    from lark import Token, Tree

Parsed: TypeAlias = "tuple[Tree[Token] | None, tuple[Diagnostic, ...]]"


def parse(source: Source) -> Parsed:
    """The tree of a policy text, None where the text has a fault, and every fault of its syntax in order."""
    tree, faults = _parse(source)
    return (None if faults else tree), _limited(in_order(faults))


def _parse(source: Source) -> tuple[Tree[Token] | None, list[Diagnostic]]:
    large = scan.too_large(source)
    if large is not None:
        return None, [large]
    lexed = lex(source)
    faults = [*islice(scan.faults(source), limits.FAULTS + 1), *layout.too_deep(lexed.tokens, source)]
    version, begin = _version(lexed.tokens, source)
    if begin is None or any(fault.code == "PJ106" for fault in faults):
        return None, faults + version  # hardly a policy at all, or one to which nobody should attend
    faults += version
    tree = None if faults or not lexed.sound else _tree(lexed)
    if tree is None:
        faults.extend(recover.faults(lexed.tokens, source, begin=begin))
    faults.extend(layout.faults(lexed, source))
    if tree is None and not faults:  # the parser refused what recovery let pass: still no policy
        faults.append(say.unexpected(source.span(0, len(source.text)), "a policy", "something else"))
    return tree, faults


def _limited(faults: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """As many of `faults` as are shown; where there are more, a last one says so."""
    shown = faults[: limits.FAULTS]
    return shown if shown == faults else (*shown, say.too_many(faults[limits.FAULTS].span, limits.FAULTS))


def _version(tokens: list[Token], source: Source) -> tuple[list[Diagnostic], int | None]:
    """What is wrong with the first statement, and where the others begin; None where this is hardly a policy at all."""
    if not tokens:
        return [say.no_version(source.span(0, 0))], None
    first, second = tokens[0], tokens[1] if len(tokens) > 1 else None
    if first == "policyjwt":
        if second is None or second in TOP:
            return [say.other_version(_span(first, source), None)], 1
        wrong = [] if second == str(LANGUAGE_VERSION) else [say.other_version(_span(second, source), str(second))]
        return wrong, 2
    missing = [say.no_version(_span(first, source))]
    if first.type == "NAME" and second is not None and second.type == "NUMBER":
        return missing, 2
    if first in TOP or closest(str(first), sorted(TOP)) is not None:
        return missing, 0  # meant as a policy: its other faults are worth telling
    return missing, None


def _tree(lexed: Lexed) -> Tree[Token] | None:
    """The tree, None where the tokens are not in the language."""
    from lark.exceptions import UnexpectedToken

    try:
        return language().lark.parse(lexed.tokens)
    except UnexpectedToken:
        return None


def _span(token: Token, source: Source) -> Span:
    assert token.start_pos is not None
    assert token.end_pos is not None
    return source.span(token.start_pos, token.end_pos)
