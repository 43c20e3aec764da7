"""What a policy demands beside its rules.

Input: a merged block. Output: tests that hold for every token that it trusts.

`sub is string` because it is provided, `iat is number` because of `lifetime`, `header.alg in [...]`: rules
are compared with these as with each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf

from policyjwt.checker.types import ENFORCED
from policyjwt.language.model import (
    Block,
    In,
    IssuerNames,
    IsType,
    Like,
    Literal,
    Named,
    Or,
    Path,
    Presence,
    Test,
    TypeName,
)
from policyjwt.source import Span

_NOWHERE = Span("", 0, 0, 1, 1, 1, 1)
_NAMES: dict[str, TypeName] = {
    "string": "string",
    "number": "number",
    "list": "list",
    "object": "object",
    "boolean": "boolean",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A test that every trusted token meets, what demands it, and where (None: the language does)."""

    test: Test
    by: str
    place: Span | None


def facts_of(block: Block) -> tuple[Fact, ...]:
    """Everything that `block` demands of claims and of the algorithm outside its rules."""
    return (
        *_provided(block),
        *_registered(),
        *_fresh(block),
        *_replayed(block),
        *_issued(block),
        *_addressed(block),
        *_signed(block),
    )


def claim_path(*members: str, root: OneOf["claim", "header"] = "claim") -> Path:
    """The path of a claim that no text of the policy names."""
    return Path(_NOWHERE, root, members, ".".join(members))


def _is(path: Path, kind: str) -> Test:
    return IsType(_NOWHERE, path, _NAMES[kind])


def _absent(path: Path) -> Test:
    return Presence(_NOWHERE, path, present=False)


def _any(*tests: Test) -> Test:
    return Or(_NOWHERE, tests)


def _in(path: Path, values: tuple[str, ...]) -> Test:
    return In(_NOWHERE, path, Literal(_NOWHERE, values), negated=False)


def _values(named: tuple[Named, ...]) -> tuple[str, ...]:
    return tuple(name.value for name in named)


def _provided(block: Block) -> Iterator[Fact]:
    for item in block.provides:
        path = claim_path(item.claim)
        test: Test = IsType(_NOWHERE, path, item.type)
        if item.if_present:
            test = _any(_absent(path), test)
        yield Fact(test, "`provides`", item.place.span)


def _registered() -> Iterator[Fact]:
    for claim, kinds in ENFORCED.items():
        path = claim_path(claim)
        test = _any(_absent(path), *(_is(path, kind) for kind in sorted(kinds)))
        yield Fact(test, "the type that every trusted token has there", None)


def _fresh(block: Block) -> Iterator[Fact]:
    section = block.freshness
    if section is None:
        return
    wanted = (
        (section.lifetime, "`lifetime`", ("exp", "iat")),
        (section.age, "`age`", ("iat",)),
        (section.expires, "`expires`", ("exp",)),
        (section.issued_after, "`issued after`", ("iat",)),
    )
    for item, by, claims in wanted:
        if item is not None:
            for claim in claims:
                yield Fact(_is(claim_path(claim), "number"), by, item.place.span)
    for needs in section.needs:
        for name in needs.values:
            kinds = ENFORCED.get(name)
            test = _is(claim_path(name), min(kinds)) if kinds and len(kinds) == 1 else _present(claim_path(name))
            yield Fact(test, "`needs`", needs.place.span)


def _present(path: Path) -> Test:
    return Presence(_NOWHERE, path, present=True)


def _replayed(block: Block) -> Iterator[Fact]:
    section = block.replay
    if section is None:
        return
    if section.nonce is not None and section.nonce.claim.root == "claim":
        yield Fact(_is(section.nonce.claim, "string"), "`nonce`", section.nonce.place.span)
    if section.unique is not None and section.unique.value == "subject":
        yield Fact(_is(claim_path("sub"), "string"), "`unique within subject`", section.unique.place.span)


def _issued(block: Block) -> Iterator[Fact]:
    issuer = block.issuer
    if issuer is None:
        return
    if not isinstance(issuer, IssuerNames):
        yield Fact(_is(issuer.claim, "string"), "`issuer from`", issuer.place.span)
        yield Fact(Like(_NOWHERE, issuer.claim, issuer.glob), "`issuer from`", issuer.place.span)
        yield Fact(_absent(claim_path("iss")), "`issuer from`", issuer.place.span)
        return
    yield Fact(_is(claim_path("iss"), "string"), "`issuer`", issuer.place.span)
    if not any(name.placeholders for name in issuer.names):
        yield Fact(_in(claim_path("iss"), tuple(n.text for n in issuer.names)), "`issuer`", issuer.place.span)
    elif len(issuer.names) == 1:
        for holder in issuer.names[0].placeholders:
            yield Fact(_in(claim_path(holder.name), holder.values), "`issuer … where`", holder.span)


def _addressed(block: Block) -> Iterator[Fact]:
    audience, kind = block.audience, block.type
    if audience is not None:
        if audience.claim is not None:
            yield Fact(_in(audience.claim, _values(audience.values)), "`audience from`", audience.place.span)
            yield Fact(_absent(claim_path("aud")), "`audience from`", audience.place.span)
        else:
            aud = claim_path("aud")
            yield Fact(_any(_is(aud, "string"), _is(aud, "list")), "`audience`", audience.place.span)
    if kind is not None and kind.claim is not None:
        yield Fact(_in(kind.claim, _values(kind.values)), "`type from`", kind.place.span)
    for select in block.select:
        yield Fact(_in(select.claim, _values(select.values)), "`select`", select.place.span)


def _signed(block: Block) -> Iterator[Fact]:
    if block.signature is not None and block.signature.algorithms is not None:
        algorithms = block.signature.algorithms
        yield Fact(_in(claim_path("alg", root="header"), algorithms.values), "`algorithms`", algorithms.place.span)
