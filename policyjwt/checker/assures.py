"""Promises that a policy can keep. Input: a merged block. Output: diagnostics for what its mechanisms cannot give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from policyjwt.assurance import standing
from policyjwt.checker import decisions_messages as say
from policyjwt.checker.nearby import in_policy
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Discovery, JwksFile, JwksUrl, PemFile
from policyjwt.source import Span

_RESTS_ON: Mapping[str, frozenset[str]] = {
    "integrity": frozenset({"signature"}),
    "issuer-authentication": frozenset({"signature"}),
    "non-repudiation": frozenset({"signature", "revocation"}),
    "confidentiality": frozenset({"encryption"}),
    "freshness": frozenset({"freshness"}),
    "replay-protection": frozenset({"replay", "holder"}),
    "revocation": frozenset({"revocation", "signature"}),
    "status": frozenset({"status"}),
    "holder-of-key": frozenset({"holder"}),
    "intended-audience": frozenset({"audience"}),
}
"""The clauses that decide an assurance: where one could not be read, nothing can be said."""


def check_assures(block: Block) -> Iterator[Diagnostic]:
    """What `block` promises in vain. What a baseline promises, each policy that extends it must keep."""
    for promise in block.assures:
        at = in_policy(block, promise.place.span)
        if promise.assurance == "authorisation":
            yield say.never_assured(promise.place.span)
            continue
        rests_on = _RESTS_ON[promise.assurance] | {"file", "extends"}
        if block.kind == "baseline" or not block.broken.isdisjoint(rests_on):
            continue
        found = standing(block, promise.assurance)
        if not found.given:
            yield say.not_assured(
                at, assurance=promise.assurance, blamed=found.blamed, why=found.phrase, remedy=found.remedy
            )


# ------------------------------------------------------------------------------------ a key under two issuers

SHARED_KEY = "PJ421"
"""The code of the warning that a public key is that of two issuers."""

_LOST = frozenset({"issuer-authentication", "non-repudiation"})


def check_shared(
    blocks: Sequence[Block], of_keys: Iterable[Diagnostic], *, roots: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Promises that a key under two issuers takes away.

    `of_keys` are the diagnostics about keys, `roots` the root folder of each file.
    """
    warned = [diagnostic for diagnostic in of_keys if diagnostic.code == SHARED_KEY]
    shared: set[Span] = {each.span for each in warned} | {see.span for each in warned for see in each.related}
    if not shared:
        return
    sources = {_source(block, roots) for block in blocks if _place(block) in shared} - {None}
    for block in blocks:
        if _source(block, roots) not in sources:
            continue
        for promise in block.assures:
            if promise.assurance in _LOST and standing(block, promise.assurance).given:
                yield say.not_assured(
                    in_policy(block, promise.place.span),
                    assurance=promise.assurance,
                    blamed="a key under two issuers",
                    why="either of them can sign for the other",
                    remedy="give each issuer keys of its own",
                )


def _place(block: Block) -> Span | None:
    keys = block.signature.keys if block.signature is not None else None
    return keys.place.span if keys is not None else None


def _source(block: Block, roots: Mapping[str, str]) -> tuple[str, str] | None:
    """The key source of a policy, equal for the same source."""
    match block.signature.keys if block.signature is not None else None:
        case JwksUrl(url=url):
            return "url", url.value
        case Discovery(issuer=issuer):
            return "discovery", issuer.value
        case JwksFile(path=path) | PemFile(path=path):
            return roots[block.extent.file], path.value
    return None
