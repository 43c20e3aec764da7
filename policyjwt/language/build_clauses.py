"""Clauses of a policy or baseline.

Input: the tree of a block. Output: a `Block`, with what it could not read marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Literal as OneOf

from policyjwt.language import messages
from policyjwt.language.build_issuer import issuer_from, issuer_names
from policyjwt.language.build_items import Found, Item, read_items
from policyjwt.language.build_keys import path_item
from policyjwt.language.build_names import because_of, claim_path, word
from policyjwt.language.build_reader import Reader, only_token, part, tokens_of, trees_of
from policyjwt.language.build_rules import rule
from policyjwt.language.build_sections import (
    encryption,
    freshness,
    holder,
    replay,
    revocation,
    signature,
    status,
)
from policyjwt.language.model import (
    TYPE_NAMES,
    Audience,
    Block,
    Confidential,
    DateItem,
    Encryption,
    Freshness,
    Holder,
    Issuer,
    IssuerFrom,
    IssuerNames,
    Marker,
    Named,
    Promise,
    Provided,
    Replay,
    Revocation,
    Rule,
    Select,
    Signature,
    Status,
    TextItem,
    TokenType,
    TypeName,
    Waiver,
)
from policyjwt.language.names import ASSURANCES, DECISIONS

if TYPE_CHECKING:
    from lark import Token, Tree


def block(reader: Reader, node: Tree[Token]) -> Block | None:
    """A policy or a baseline, None where not even its name can be read."""
    kind: OneOf["policy", "baseline"] = "policy" if node.data == "policy" else "baseline"
    allows = reader.take_allows()
    reader.variables.clear()
    name = reader.text(only_token(node), f"the name of a {kind}")
    extends = part(node, "extends")
    parents = () if extends is None else reader.texts(tokens_of(extends), "extends")
    clauses = [tree for tree in trees_of(node) if tree.data != "extends"]
    found = read_items(reader, clauses, _CLAUSES, where=f"this {kind}")
    _check_lists(reader, found)
    _check_variables(reader, found)
    reader.end_block()
    if name is None:
        return None
    head = reader.head(node)
    return Block(
        kind=kind,
        name=name.value,
        name_span=name.span,
        place=head,
        extent=reader.span(node),
        extends=parents,
        about=found.one("about", TextItem),
        use=found.one("use", TextItem),
        owner=found.one("owner", TextItem),
        review=found.one("review", DateItem),
        by_name_only=found.one("by_name_only", Marker),
        issuer=_issuer(found),
        audience=found.one("audience", Audience),
        type=found.one("type", TokenType),
        select=found.all("select", Select),
        signature=found.one("signature", Signature),
        encryption=found.one("encryption", Encryption),
        freshness=found.one("freshness", Freshness),
        replay=found.one("replay", Replay),
        revocation=found.one("revocation", Revocation),
        status=found.one("status", Status),
        holder=found.one("holder", Holder),
        schema=found.one("schema", TextItem),
        provides=found.all("provides", Provided),
        confidential=found.all("confidential", Confidential),
        assures=found.all("assures", Promise),
        rules=found.all("rules", Rule),
        waivers=found.all("waivers", Waiver),
        allows=(*allows, *reader.take_allows()),
        broken=frozenset(found.broken),
    )


def _issuer(found: Found) -> Issuer | None:
    return found.one("issuer", IssuerNames) or found.one("issuer", IssuerFrom)


# ------------------------------------------------------------------------------ what must not stand twice


def _check_lists(reader: Reader, found: Found) -> None:
    """Lists that may be written in several items name each thing once."""
    lists: dict[str, list[Named | None]] = {
        "provides": [Named(item.place.span, item.claim) for item in found.all("provides", Provided)],
        "assures": [Named(item.place.span, item.assurance) for item in found.all("assures", Promise)],
        "confidential": [
            Named(path.span, ".".join(path.members))
            for item in found.all("confidential", Confidential)
            for path in item.claims
        ],
        "select": [Named(item.claim.span, item.claim.text) for item in found.all("select", Select)],
        "waivers": [item.matter for item in found.all("waivers", Waiver)],
    }
    for field, named in lists.items():
        before = reader.faults
        reader.each_once(named, "waive" if field == "waivers" else field)
        if reader.faults > before:
            found.broken.add(field)


def _check_variables(reader: Reader, found: Found) -> None:
    """A variable named like a claim of the same block would be read as that claim by people."""
    for name, span in reader.variables.items():
        if name in reader.claims:
            reader.report(messages.like_a_claim(span, name, "variable", reader.claims[name]))
            found.broken.add("rules")


# ------------------------------------------------------------------------------ clauses


def _review(reader: Reader, node: Tree[Token]) -> DateItem | None:
    date = reader.date(only_token(node))
    return None if date is None else DateItem(reader.place(node), date)


def _by_name(reader: Reader, node: Tree[Token]) -> Marker:
    return Marker(reader.place(node))


def _audience(reader: Reader, node: Tree[Token]) -> Audience | None:
    named = reader.texts(tokens_of(node), "audience")
    if not named:
        return None
    return Audience(reader.place(node), named, only=part(node, "only") is not None)


def _audience_from(reader: Reader, node: Tree[Token]) -> Audience | None:
    claim = claim_path(reader, only_token(trees_of(node)[0]), "audience")
    named = reader.texts(tokens_of(node), "audience")
    return None if claim is None or not named else Audience(reader.place(node), named, claim=claim)


def _type(reader: Reader, node: Tree[Token]) -> TokenType | None:
    named = reader.texts(tokens_of(node), "type")
    return TokenType(reader.place(node), named) if named else None


def _type_from(reader: Reader, node: Tree[Token]) -> TokenType | None:
    claim = claim_path(reader, only_token(trees_of(node)[0]), "type")
    named = reader.texts(tokens_of(node), "type")
    return None if claim is None or not named else TokenType(reader.place(node), named, claim=claim)


def _select(reader: Reader, node: Tree[Token]) -> Select | None:
    claim = claim_path(reader, only_token(trees_of(node)[0]), "select")
    named = reader.texts(tokens_of(node), "select")
    return None if claim is None or not named else Select(reader.place(node), claim, named)


def _assures(reader: Reader, node: Tree[Token]) -> tuple[Promise, ...]:
    named = [(token, word(reader, token, ASSURANCES, "assurance")) for token in tokens_of(node)]
    return tuple(Promise(reader.place(token), name.value) for token, name in named if name is not None)


def _confidential(reader: Reader, node: Tree[Token]) -> Confidential | None:
    paths = [claim_path(reader, only_token(tree), "confidential") for tree in trees_of(node)]
    read = tuple(path for path in paths if path is not None)
    return Confidential(reader.place(node), read) if read else None


def _provides(reader: Reader, node: Tree[Token]) -> tuple[Provided, ...]:
    provided = [_provided(reader, tree) for tree in trees_of(node)]
    return tuple(one for one in provided if one is not None)


def _provided(reader: Reader, node: Tree[Token]) -> Provided | None:
    claim = claim_path(reader, only_token(trees_of(node)[0]), "provides")
    named = word(reader, tokens_of(node)[0], TYPE_NAMES, "type")
    if claim is not None and len(claim.members) > 1:
        reader.report(messages.not_top_level(claim.span, claim.text, claim.members[0]))
        return None
    if claim is None or named is None:
        return None
    types: dict[str, TypeName] = {
        "string": "string",
        "number": "number",
        "integer": "integer",
        "boolean": "boolean",
        "list": "list",
        "object": "object",
    }
    if_present = part(node, "if_present") is not None
    return Provided(reader.place(node), claim.members[0], types[named.value], if_present)


def _waive(reader: Reader, node: Tree[Token]) -> Waiver | None:
    matter = word(reader, only_token(node), DECISIONS, "decision")
    until = part(node, "until")
    date = None if until is None else reader.date(only_token(until))
    because = because_of(reader, node)
    if matter is None or because is None or (until is not None and date is None):
        return None
    return Waiver(reader.place(node), matter, date, because)


_CLAUSES = {
    "about": Item("about", Reader.text_item),
    "use": Item("use", Reader.text_item),
    "owner": Item("owner", Reader.text_item),
    "review": Item("review", _review),
    "by_name": Item("by_name_only", _by_name),
    "issuer": Item("issuer", issuer_names),
    "issuer_from": Item("issuer", issuer_from),
    "audience": Item("audience", _audience),
    "audience_from": Item("audience", _audience_from),
    "type": Item("type", _type),
    "type_from": Item("type", _type_from),
    "select": Item("select", _select, once=False),
    "signature": Item("signature", signature),
    "encryption": Item("encryption", encryption),
    "freshness": Item("freshness", freshness),
    "replay": Item("replay", replay),
    "revocation": Item("revocation", revocation),
    "status": Item("status", status),
    "holder": Item("holder", holder),
    "schema": Item("schema", path_item),
    "provides": Item("provides", _provides, once=False),
    "confidential": Item("confidential", _confidential, once=False),
    "assures": Item("assures", _assures, once=False),
    "require": Item("rules", rule, once=False),
    "forbid": Item("rules", rule, once=False),
    "observe": Item("rules", rule, once=False),
    "waive": Item("waivers", _waive, once=False),
}
