"""How the clauses of a policy meet those of a baseline. Input: two blocks. Output: one, never laxer than either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from policyjwt.checker import compose_messages as say
from policyjwt.checker import compose_sections as sections
from policyjwt.checker.compose_values import Merging, common, same, same_text, values
from policyjwt.language.model import (
    Audience,
    Block,
    Confidential,
    Issuer,
    IssuerFrom,
    IssuerName,
    IssuerNames,
    Path,
    Placeholder,
    Promise,
    Provided,
    Select,
    TokenType,
)
from policyjwt.requirements.token_type import media_type

Section = TypeVar("Section")


def _both(
    merging: Merging,
    name: str,
    parent: Section | None,
    child: Section | None,
    merge: Callable[[Merging, Section, Section], Section],
) -> Section | None:
    """One clause of both blocks."""
    merging.clause = name
    if parent is None or child is None:
        return parent or child
    return merge(merging, parent, child)


def merged(merging: Merging, parent: Block, child: Block) -> Block:
    """`child` with all that `parent` demands. `parent` holds nothing but what a baseline may say."""
    merging.clause = "use"
    use = same_text(merging, parent.use, child.use, "use")
    merging.clause = "schema"
    schema = same_text(merging, parent.schema, child.schema, "schema")
    merging.clause = "select"
    select = _select(merging, parent.select, child.select)
    merging.clause = "provides"
    provides = _provides(merging, parent.provides, child.provides)
    merging.clause = "issuer"
    issuer = parent.issuer or child.issuer
    if parent.issuer is not None and child.issuer is not None:
        issuer = _issuer(merging, parent.issuer, child.issuer)
    return replace(
        child,
        use=use,
        schema=schema,
        select=select,
        provides=provides,
        about=child.about or parent.about,
        owner=child.owner or parent.owner,
        review=child.review or parent.review,
        by_name_only=child.by_name_only or parent.by_name_only,
        issuer=issuer,
        audience=_both(merging, "audience", parent.audience, child.audience, _audience),
        type=_both(merging, "type", parent.type, child.type, _type),
        signature=_both(merging, "signature", parent.signature, child.signature, sections.signature),
        encryption=_both(merging, "encryption", parent.encryption, child.encryption, sections.encryption),
        freshness=_both(merging, "freshness", parent.freshness, child.freshness, sections.freshness),
        replay=_both(merging, "replay", parent.replay, child.replay, sections.replay),
        revocation=_both(merging, "revocation", parent.revocation, child.revocation, sections.revocation),
        status=_both(merging, "status", parent.status, child.status, sections.status),
        holder=_both(merging, "holder", parent.holder, child.holder, sections.holder),
        confidential=_confidential(parent.confidential, child.confidential),
        assures=_assures(parent.assures, child.assures),
        rules=(*parent.rules, *child.rules),
        broken=parent.broken | child.broken | merging.broken,
    )


# ------------------------------------------------------------------------------------ issuer


def _issuer(merging: Merging, parent: Issuer, child: Issuer) -> Issuer:
    if isinstance(parent, IssuerNames) and isinstance(child, IssuerNames):
        kept, place = common(
            merging,
            parent,
            child,
            "issuer",
            parents=parent.names,
            children=child.names,
            name=lambda name: name.text,
        )
        written = {name.text: name for name in parent.names}
        names = tuple(_template(merging, parent, child, written.get(name.text, name), name) for name in kept)
        return IssuerNames(place, names, child.same_party or parent.same_party)
    if isinstance(parent, IssuerFrom) and isinstance(child, IssuerFrom):
        both = same(merging, parent, child, "issuer", key=lambda item: (item.claim.members, item.glob))
        return both or child
    merging.differs(parent, child, "issuer")
    return child


def _template(
    merging: Merging, parent: IssuerNames, child: IssuerNames, theirs: IssuerName, mine: IssuerName
) -> IssuerName:
    """The template with the values that both lists have."""
    lists = {placeholder.name: placeholder.values for placeholder in theirs.placeholders}
    kept = []
    for placeholder in mine.placeholders:
        allowed = lists.get(placeholder.name, placeholder.values)
        both = tuple(value for value in placeholder.values if value in allowed)
        if not both:
            merging.conflict(
                say.nothing_in_common(
                    child.place,
                    what=f"value of {placeholder.name}",
                    child=f"{len(placeholder.values)} other values",
                    parent=f"a list of {len(allowed)}",
                    earlier=parent.place,
                    by=merging.writer(parent.place),
                )
            )
        kept.append(Placeholder(placeholder.span, placeholder.name, both))
    return IssuerName(mine.span, mine.text, tuple(kept))


# ------------------------------------------------------------------------------------ audience, type, select


def _audience(merging: Merging, parent: Audience, child: Audience) -> Audience:
    if not _same_claim(parent.claim, child.claim):
        merging.differs(parent, child, "audience")
        return child
    kept, place = common(
        merging,
        parent,
        child,
        "audience",
        parents=parent.values,
        children=child.values,
        name=lambda named: named.value,
    )
    return Audience(place, kept, only=parent.only or child.only, claim=child.claim)


def _type(merging: Merging, parent: TokenType, child: TokenType) -> TokenType:
    if not _same_claim(parent.claim, child.claim):
        merging.differs(parent, child, "type")
        return child
    kept, place = common(
        merging,
        parent,
        child,
        "type",
        parents=parent.values,
        children=child.values,
        name=lambda named: named.value,
        fold=media_type if child.claim is None else str,
    )
    return TokenType(place, kept, claim=child.claim)


def _same_claim(parent: Path | None, child: Path | None) -> bool:
    if parent is None or child is None:
        return parent is child
    return parent.members == child.members


def _select(merging: Merging, parent: tuple[Select, ...], child: tuple[Select, ...]) -> tuple[Select, ...]:
    """Each claim's selection, the same where both have it."""
    mine = {select.claim.members: select for select in child}
    for select in parent:
        other = mine.get(select.claim.members)
        if other is not None and values(other.values) != values(select.values):
            merging.differs(select, other, "select")
    return (*(select for select in parent if select.claim.members not in mine), *child)


# ------------------------------------------------------------------------------------ all of both


_NARROWER = {("number", "integer"): "integer", ("integer", "number"): "integer"}


def _provides(merging: Merging, parent: tuple[Provided, ...], child: tuple[Provided, ...]) -> tuple[Provided, ...]:
    """All of both. A claim that both provide must be there if either says so, and be of the narrower type."""
    mine = {provided.claim: provided for provided in child}
    kept = []
    for theirs in parent:
        other = mine.get(theirs.claim)
        if other is None:
            kept.append(theirs)
        else:
            mine[theirs.claim] = _provided(merging, theirs, other)
    return (*kept, *mine.values())


def _provided(merging: Merging, parent: Provided, child: Provided) -> Provided:
    both = parent.type == child.type
    if not both and _NARROWER.get((parent.type, child.type)) is None:
        merging.conflict(
            say.types_differ(
                child.place,
                claim=child.claim,
                child=child.type,
                parent=parent.type,
                earlier=parent.place,
                by=merging.writer(parent.place),
            )
        )
        return child
    narrower = child.type if both or child.type == "integer" else parent.type
    if_present = parent.if_present and child.if_present
    binds = child if (narrower, if_present) == (child.type, child.if_present) else parent
    return Provided(binds.place, child.claim, narrower, if_present)


def _confidential(parent: tuple[Confidential, ...], child: tuple[Confidential, ...]) -> tuple[Confidential, ...]:
    """All of both, each claim once: the policy's own line says it where both do."""
    said = {path.members for item in child for path in item.claims}
    left = (
        Confidential(item.place, tuple(path for path in item.claims if path.members not in said)) for item in parent
    )
    return (*(item for item in left if item.claims), *child)


def _assures(parent: tuple[Promise, ...], child: tuple[Promise, ...]) -> tuple[Promise, ...]:
    """All of both, each once."""
    said = {promise.assurance for promise in child}
    return (*(promise for promise in parent if promise.assurance not in said), *child)
