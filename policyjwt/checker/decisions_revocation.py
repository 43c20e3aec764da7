"""Whether the signer's key can be withdrawn. Input: a merged policy. Output: diagnostics for answers without effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from policyjwt.checker import decisions_messages as say
from policyjwt.checker.compose_sections import DEFAULT_STALE
from policyjwt.checker.nearby import in_policy, keyword
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, Discovery, JwksFile, JwksUrl, PemFile, Revocation, X5c
from policyjwt.source import Place, Span

TAKEN = frozenset(
    [
        "alg",
        "jku",
        "jwk",
        "kid",
        "x5u",
        "x5c",
        "x5t",
        "x5t#S256",
        "typ",
        "cty",
        "crit",
        "b64",
        "zip",
        "enc",
        "epk",
        "apu",
        "apv",
        "p2s",
        "p2c",
        "iv",
        "tag",
        "etsiU",
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
    ]
)
"""Header parameters that mean something else (RFC 7515, section 4.1, and others): no staple can stand in them."""


class _Placed(Protocol):
    @property
    def place(self) -> Place: ...


def revocation_decisions(block: Block) -> Iterator[Diagnostic]:
    """What is wrong with `revocation`."""
    revocation = block.revocation
    if revocation is None or not block.broken.isdisjoint({"file", "extends", "revocation"}):
        return
    answers = (revocation.staple, revocation.crl, revocation.short_lived, revocation.key_removal)
    if all(answer is None for answer in (*answers, revocation.redeployment)):
        yield say.no_revocation_answer(in_policy(block, keyword(revocation.place)))
        return
    if block.signature is not None and "signature" not in block.broken:
        yield from _about_the_keys(block, revocation)
    yield from _evidence_parts(block, revocation)
    staple = revocation.staple
    if staple is not None and staple.header is not None and staple.header.value in TAKEN:
        yield say.header_taken(in_policy(block, staple.place.span), name=staple.header.value)


def _about_the_keys(block: Block, revocation: Revocation) -> Iterator[Diagnostic]:
    assert block.signature is not None
    source, secrets = block.signature.keys, block.signature.secrets
    if source is None and not secrets:
        return
    keys: Span = source.place.span if source is not None else secrets[0].place.span
    evidence = (
        ("staple ocsp", revocation.staple),
        ("crl snapshot", revocation.crl),
        ("short-lived certificate", revocation.short_lived),
    )
    for item, found in evidence:
        if found is not None and not isinstance(source, X5c):
            at = in_policy(block, found.place.span, keys)
            yield say.evidence_needs_x5c(at, evidence=item, source=keys)
    if revocation.key_removal is not None:
        yield from _key_removal(block, revocation, keys)
    if revocation.redeployment is not None and not (secrets or isinstance(source, (JwksFile, PemFile))):
        at = in_policy(block, revocation.redeployment.place.span)
        yield say.redeployment_needs_files(at, source=keys)


def _key_removal(block: Block, revocation: Revocation, keys: Span) -> Iterator[Diagnostic]:
    removal, source = revocation.key_removal, block.signature.keys if block.signature is not None else None
    assert removal is not None
    at = in_policy(block, removal.place.span)
    if not isinstance(source, (JwksUrl, Discovery)):
        yield say.removal_needs_url(at, source=keys)
        return
    stale = source.stale.amount if source.stale is not None else DEFAULT_STALE
    if stale > removal.amount:
        written = source.stale is not None
        yield say.stale_too_long(at, within=removal.amount, stale=stale, written=written, source=keys)


def _evidence_parts(block: Block, revocation: Revocation) -> Iterator[Diagnostic]:
    """Evidence has an age, and what speaks of evidence needs some."""
    evidence = revocation.staple or revocation.crl
    if evidence is not None and revocation.age is None:
        what = "staple ocsp" if revocation.staple is not None else "crl snapshot"
        yield say.no_age(in_policy(block, evidence.place.span), evidence=what)
    staple, either = "`staple ocsp …`", "`staple ocsp …` or `crl snapshot …`"
    parts: tuple[tuple[str, _Placed | None, bool, str], ...] = (
        ("age at most", revocation.age, evidence is not None, either),
        ("cover", revocation.cover, evidence is not None, either),
        ("without next update allowed", revocation.without_next_update, evidence is not None, either),
        ("window at most", revocation.window, revocation.staple is not None, staple),
        ("issued after token", revocation.after_token, revocation.staple is not None, staple),
        ("responder pinned", revocation.responder, revocation.staple is not None, staple),
        ("responder without nocheck allowed", revocation.without_nocheck, revocation.staple is not None, staple),
    )
    for item, part, useful, needs in parts:
        if part is not None and not useful:
            span = part.place.span
            yield say.needs_beside(in_policy(block, span), item=item, needs=needs, related=span)
