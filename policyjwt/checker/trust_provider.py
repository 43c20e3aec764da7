"""What providers are known for.

Input: a merged policy. Output: warnings for what its rules leave open at this provider.

Who else gets a token from there, which claims are only names, which say little without another, which tokens
look alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policyjwt.checker import trust_messages as messages
from policyjwt.checker.providers import Claim, Provider, provider_of, right_spelling
from policyjwt.checker.rules_walk import claim_of, claims, demand_of, literal_of, occurrences, operands
from policyjwt.checker.trust_binding import bound, item_claims, ties, unaccompanied
from policyjwt.checker.types import issuers_of, known_providers
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, IssuerFrom, Like, Rule, Test
from policyjwt.source import Span

_ANYWHERE: Mapping[Claim, tuple[Claim, ...]] = {("preferred_username",): (("sub",),)}
"""Claims that are names at every issuer (OpenID Connect Core, section 5.7)."""

MAY_ANSWER = frozenset({"file", "extends", "rules", "provides", "select", "issuer", "audience", "type", "replay"})
"""Parts of a policy that can narrow whom it trusts. Where one could not be read, nothing is missing."""

_SUB: Claim = ("sub",)
_EVENT: Claim = ("event_name",)
_TENANT_WORDS = (
    "tenant",
    "tenant_id",
    "org",
    "org_id",
    "organization",
    "organization_id",
    "account",
    "account_id",
)
_NAMED_SUBJECTS = ("repo:", "repository", "project_path:", "organization:")
_CLIENT_LENGTH = 20


def check_providers(block: Block) -> Iterator[Diagnostic]:
    """All warnings that depend on who the issuer is."""
    providers = known_providers(block)
    yield from _issuers(block)
    for provider in providers:
        yield from _algorithms(block, provider)
    if not block.broken.isdisjoint(MAY_ANSWER):
        return
    yield from _tenants(block)
    yield from _names(block, providers)
    for provider in providers:
        if provider.events:
            yield from _events(block, provider)
        if provider.name == "GitLab":
            yield from _refs(block, provider)
        yield from _kinds(block, provider)


def _deciding(block: Block) -> list[Rule]:
    return [rule for rule in block.rules if rule.kind != "observe"]


# ------------------------------------------------------------------------------ whose tokens


def _issuers(block: Block) -> Iterator[Diagnostic]:
    if isinstance(block.issuer, IssuerFrom):
        head = block.issuer.glob.partition("*")[0]
        _, scheme, rest = head.partition("://")
        if head != block.issuer.glob and ((scheme and "/" not in rest) or not head):
            yield messages.open_trust_domain(block.issuer.place.span, glob=block.issuer.glob)
        return
    for name in block.issuer.names if block.issuer is not None else ():
        right = right_spelling(name.text)
        if right is not None:
            yield messages.issuer_spelling(name.span, issuer=name.text, right=right)


def _tenants(block: Block) -> Iterator[Diagnostic]:
    told: set[str] = set()
    tied_by_items = item_claims(block)
    for issuer in issuers_of(block):
        provider = provider_of(issuer)
        tenants = provider.tenants if provider is not None else None
        if provider is None or tenants is None or provider.name in told:
            continue
        tied = bool(tied_by_items & tenants.claims) or bound(block, ties(tenants.claims))
        if not tied and not bound(block, ties(tenants.exact, whole=True)) and not _tied_otherwise(block, provider):
            told.add(provider.name)
            yield messages.no_tenant(block.place.span, provider=provider.name, who=tenants.who, line=tenants.line)


def _tied_otherwise(block: Block, provider: Provider) -> bool:
    """By a claim of one's own that tells tenants apart, or at Cognito by `aud`, there the app client."""
    own = {claim for rule in block.rules for claim in claims(rule.test) if _names_tenant(claim)}
    if bound(block, ties(own)):
        return True
    values = [name.value for name in block.audience.values] if block.audience is not None else []
    clients = [value.isalnum() and value.islower() and len(value) >= _CLIENT_LENGTH for value in values]
    return provider.name == "Amazon Cognito" and bool(clients) and all(clients)


def _names_tenant(claim: Claim) -> bool:
    last = claim[-1].rstrip("/").rpartition("/")[2].rpartition(":")[2]
    return last.lower() in _TENANT_WORDS


# ------------------------------------------------------------------------------ names


def _names(block: Block, providers: tuple[Provider, ...]) -> Iterator[Diagnostic]:
    tables = [(provider.name, provider.names) for provider in providers] or [("OpenID Connect", _ANYWHERE)]
    items = item_claims(block)
    for who, names in tables:
        for name, ids in names.items():
            wanted = frozenset(ids)
            if not wanted & items and not bound(block, ties(wanted)):
                for select in block.select:
                    if select.claim.root == "claim" and select.claim.members == name and name != _SUB:
                        yield _only_a_name(select.place.span, name, wanted, who)
                for rule in _deciding(block):
                    yield from _named(rule, name, wanted, who)


def _named(rule: Rule, name: Claim, ids: frozenset[Claim], who: str) -> Iterator[Diagnostic]:
    for test in unaccompanied(demand_of(rule), ties({name}), ties(ids)):
        if name != _SUB or _spells_names(test):
            yield _only_a_name(test.span, name, ids, who)
            return


def _only_a_name(span: Span, name: Claim, ids: frozenset[Claim], who: str) -> Diagnostic:
    listed = " or ".join(f"`{'.'.join(claim)}`" for claim in sorted(ids))
    advice = f"test {listed} as well: ids are never given to somebody else"
    return messages.mutable_name(span, claim=".".join(name), provider=who, help=advice)


def _texts(test: Test) -> tuple[str, ...]:
    """The texts that stand in an elementary test."""
    found = [test.glob] if isinstance(test, Like) else []
    for operand in operands(test):
        value = literal_of(operand)
        found += [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    return tuple(found)


def _spells_names(test: Test) -> bool:
    """Whether a `sub` spells out names, and not GitHub's immutable form `repo:acme@123/shop@456:…`."""
    named = [text for text in _texts(test) if text.startswith(_NAMED_SUBJECTS)]
    return any("@" not in text.partition("/")[0] for text in named)


# ------------------------------------------------------------------------------ what needs company


def _events(block: Block, provider: Provider) -> Iterator[Diagnostic]:
    asked = _EVENT in item_claims(block) or any(_EVENT in claims(demand_of(rule)) for rule in _deciding(block))
    if not asked:
        found = (test for rule in _deciding(block) for test in _about_refs(rule, provider))
        test = next(found, None)
        if test is not None:
            claim = next(claim for claim in map(claim_of, operands(test)) if claim)
            yield messages.without_event(test.span, claim=".".join(claim))
    for rule in _deciding(block):
        for occurrence in occurrences(rule):
            about = ties({_EVENT})(occurrence.test, occurrence.helps)
            if about and "pull_request_target" in _texts(occurrence.test):
                yield messages.base_event_allowed(occurrence.test.span)


def _about_refs(rule: Rule, provider: Provider) -> Iterator[Test]:
    for test in unaccompanied(demand_of(rule), ties(provider.events | {_SUB}), ties({_EVENT})):
        in_subject = any(":ref:" in text or ":environment:" in text for text in _texts(test))
        if in_subject or _SUB not in map(claim_of, operands(test)):
            yield test


def _refs(block: Block, provider: Provider) -> Iterator[Diagnostic]:
    whole = ties({("ref_type",), ("ref_path",), ("ref_protected",), _SUB})
    if bound(block, whole):
        return
    for rule in _deciding(block):
        for test in unaccompanied(demand_of(rule), ties({("ref",)}), whole):
            yield messages.ref_without_type(test.span, provider=provider.name)


def _kinds(block: Block, provider: Provider) -> Iterator[Diagnostic]:
    telling = provider.access_only | provider.id_only
    if not telling or not _is_plain_type(block):
        return
    read = {claim for rule in _deciding(block) for claim in claims(rule.test)}
    read |= {(item.claim,) for item in block.provides if not item.if_present} | item_claims(block)
    if block.replay is not None and block.replay.nonce is not None:
        read.add(block.replay.nonce.claim.members)
    if not any(claim[:1] in telling for claim in read):
        waived = next((waiver.place.span for waiver in block.waivers if waiver.matter.value == "type"), None)
        span = block.type.place.span if block.type is not None else waived or block.place.span
        yield messages.kinds_mixed(span, provider=provider.name, line=provider.tell_apart)


def _is_plain_type(block: Block) -> bool:
    """Whether the type is one that both kinds of tokens have: plain `JWT`, or none at all."""
    if block.type is None:
        return True
    values = [name.value.lower().removeprefix("application/") for name in block.type.values]
    return block.type.claim is None and "jwt" in values


def _algorithms(block: Block, provider: Provider) -> Iterator[Diagnostic]:
    names = block.signature.algorithms if block.signature is not None else None
    if names is not None and provider.algorithms and not set(names.values) & set(provider.algorithms):
        span, offered = names.place.span, ", ".join(provider.algorithms)
        yield messages.algorithm_not_offered(span, provider=provider.name, offered=offered)
