"""Issuers and their templates.

Input: the tree of an `issuer` item. Output: issuers whose placeholders have their values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from policyjwt.language import messages
from policyjwt.language.build_names import because_of, claim_path, let_literal, plain_name
from policyjwt.language.build_operands import literal
from policyjwt.language.build_reader import Reader, only_token, part, tokens_of, trees_of
from policyjwt.language.build_tests import glob
from policyjwt.language.model import IssuerFrom, IssuerName, IssuerNames, Literal, Named, Placeholder

if TYPE_CHECKING:
    from lark import Token, Tree

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/{}?#]+/")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")


def issuer_names(reader: Reader, node: Tree[Token]) -> IssuerNames | None:
    """`issuer "a", "b" same party because "…"`."""
    templates = [tree for tree in trees_of(node) if tree.data == "template"]
    names = [_issuer_name(reader, tree) for tree in templates]
    read = [name for name in names if name is not None]
    reader.each_once([Named(name.span, name.text) for name in read], "issuer")
    same = part(node, "same")
    same_party = None if same is None else because_of(reader, same)
    if same is None and len(templates) > 1:
        reader.report(messages.several_issuers(reader.between(only_token(templates[1]), templates[-1])))
    if same is not None and len(templates) == 1:
        reader.report(messages.same_party_of_one(reader.span(same)))
    return IssuerNames(reader.place(node), tuple(read), same_party) if read else None


def issuer_from(reader: Reader, node: Tree[Token]) -> IssuerFrom | None:
    """`issuer from sub like "spiffe://prod.corp.example/**"`."""
    claim = claim_path(reader, only_token(trees_of(node)[0]), "issuer")
    pattern = glob(reader, tokens_of(node)[0])
    if claim is None or pattern is None:
        return None
    return IssuerFrom(reader.place(node), claim, pattern)


def _issuer_name(reader: Reader, node: Tree[Token]) -> IssuerName | None:
    token, segments = only_token(node), trees_of(node)
    named = reader.text(token, "issuer")
    before = reader.faults
    placeholders = [_placeholder(reader, segment) for segment in segments]
    if named is None:
        return None
    written = tuple(_written(reader, named))
    read = [placeholder for placeholder in placeholders if placeholder is not None]
    reader.each_once([Named(one.span, one.name) for one in read], "where")
    if reader.faults == before:
        _match(reader, named, written, read)
    if reader.faults > before:
        return None
    return IssuerName(named.span, named.value, tuple(read))


def _match(reader: Reader, issuer: Named, written: tuple[str, ...], read: list[Placeholder]) -> None:
    """Each placeholder has its own `where`, and each `where` its placeholder."""
    names = {one.name for one in read}
    for name in written:
        if name not in names:
            reader.report(messages.placeholder_without_where(issuer.span, name))
    for one in read:
        if one.name not in written:
            reader.report(messages.where_without_placeholder(one.span, one.name, written))


def _written(reader: Reader, issuer: Named) -> Iterator[str]:
    """The placeholders of a template, each one whole segment of the path."""
    text = issuer.value
    if "{" not in text and "}" not in text:
        return
    prefix = _PREFIX.match(text)
    if prefix is None:
        reader.report(messages.placeholder_outside_path(issuer.span))
        return
    seen: set[str] = set()
    for segment in text[prefix.end() :].split("/"):
        if "{" not in segment and "}" not in segment:
            continue
        found = _PLACEHOLDER.fullmatch(segment)
        if found is None:
            reader.report(messages.placeholder_not_whole(issuer.span, segment))
        elif found[1] in seen:
            reader.report(messages.placeholder_twice(issuer.span, found[1]))
        else:
            seen.add(found[1])
            reader.claims.setdefault(found[1], issuer.span)  # the claim of that name is required to be the same
            yield found[1]


def _placeholder(reader: Reader, node: Tree[Token]) -> Placeholder | None:
    name = plain_name(reader, tokens_of(node)[0], "placeholder")
    source = trees_of(node)[0]
    values = literal(reader, source) if source.data == "list" else let_literal(reader, only_token(source))
    if name is None or values is None:
        return None
    allowed = _allowed(reader, values, name.value)
    return None if allowed is None else Placeholder(reader.span(node), name.value, allowed)


def _allowed(reader: Reader, values: Literal, name: str) -> tuple[str, ...] | None:
    """The values that a placeholder may have: a list of strings that are each one segment of a path."""
    if not isinstance(values.value, tuple) or not all(isinstance(value, str) for value in values.value):
        reader.report(messages.where_needs_strings(values.span, name))
        return None
    texts = cast("tuple[str, ...]", values.value)
    wrong = next((text for text in texts if not _SEGMENT.fullmatch(text) or text in {".", ".."}), None)
    if wrong is not None:
        reader.report(messages.no_segment(values.span, wrong, name))
        return None
    return texts
