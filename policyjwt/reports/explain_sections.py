"""The sentences about the sections of a policy. Input: a checked policy. Output: sentences, placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policyjwt.language.model import (
    Audience,
    CheckedPolicy,
    Discovery,
    Freshness,
    Holder,
    Issuer,
    IssuerFrom,
    JwksFile,
    JwksUrl,
    PemFile,
    Replay,
    Revocation,
    Secret,
    TokenType,
    X5c,
)
from policyjwt.reports import words
from policyjwt.source import Place


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement and the line of the policy that it is about."""

    text: str
    place: Place | None


def demands(policy: CheckedPolicy) -> Iterator[Sentence]:
    """What every token must meet, but for the rules."""
    yield Sentence(_issuer(policy.issuer), policy.issuer.place)
    if isinstance(policy.audience, Audience):
        yield Sentence(_audience(policy.audience), policy.audience.place)
    if isinstance(policy.type, TokenType):
        yield Sentence(_type(policy.type), policy.type.place)
    for select in policy.block.select:
        chosen = words.values(tuple(value.value for value in select.values))
        yield Sentence(f"{words.begun(words.path(select.claim))} must be {chosen}.", select.place)
    yield from _signature(policy)
    yield from _encryption(policy)
    yield from _freshness(policy.freshness, policy.skew)
    if isinstance(policy.replay, Replay):
        yield from _replay(policy.replay)
    if isinstance(policy.revocation, Revocation):
        yield from _revocation(policy.revocation)
    yield from _status(policy)
    if isinstance(policy.holder, Holder):
        yield from _holder(policy.holder)
    yield from _shape(policy)


def _issuer(issuer: Issuer) -> str:
    if isinstance(issuer, IssuerFrom):
        form = words.quoted(issuer.glob)
        return f"The token has no `iss`; {words.path(issuer.claim)} stands for it and must have the form {form}."
    said = words.values(tuple(name.text for name in issuer.names))
    slots = [slot for name in issuer.names for slot in name.placeholders]
    where = "".join(f", where `{slot.name}` is {words.values(slot.values)}" for slot in slots)
    party = f" They are one party: {issuer.same_party.value.rstrip('.')}." if issuer.same_party else ""
    return f"The token must be issued by {said}{where}.{party}"


def _audience(audience: Audience) -> str:
    said = words.values(tuple(value.value for value in audience.values))
    if audience.claim is not None:
        return f"The token has no `aud`; {words.path(audience.claim)} must be {said}."
    if audience.only:
        return f"The token must be meant for {said} and for nobody else."
    return f"The token must be meant for {said}; it may be meant for others too."


def _type(type_: TokenType) -> str:
    said = words.values(tuple(value.value for value in type_.values))
    return f"{words.begun(words.path(type_.claim)) if type_.claim else 'The type in its header'} must be {said}."


def _signature(policy: CheckedPolicy) -> Iterator[Sentence]:
    signature = policy.signature
    symmetric = all(algorithm.startswith("HS") for algorithm in policy.algorithms)
    kind = "authenticated with a shared secret" if symmetric else "signed"
    place = signature.algorithms.place if signature.algorithms else signature.place
    yield Sentence(f"It must be {kind}, by {words.names(policy.algorithms, 'or')}.", place)
    if signature.keys is not None:
        yield Sentence(_keys(signature.keys), signature.keys.place)
        if isinstance(signature.keys, X5c):
            yield from _certificates(signature.keys)
    for secret in signature.secrets:
        kid = f", for tokens whose `kid` is {words.quoted(secret.kid.value)}" if secret.kid else ""
        yield Sentence(f"The secret comes from {secret_source(secret)}{kid}.", secret.place)
    for item in signature.except_keys:
        thumbprints = words.names(tuple(name.value for name in item.thumbprints))
        because = item.because.value.rstrip(".")
        yield Sentence(f"Never believed is the key with the thumbprint {thumbprints}: {because}.", item.place)


def _keys(source: JwksFile | JwksUrl | Discovery | PemFile | X5c) -> str:
    match source:
        case JwksFile() | PemFile():
            return f"The key must stand in the file `{source.path.value}`."
        case JwksUrl():
            return f"The key must stand in the key set of `{source.url.value}`{_stale(source)}."
        case Discovery():
            return f"The key must stand in the key set that `{source.issuer.value}` publishes{_stale(source)}."
        case X5c():
            return "The key must be that of a certificate that comes with the token (`x5c`)."


def _stale(source: JwksUrl | Discovery) -> str:
    limit = words.duration(source.stale.amount) if source.stale else "1 day"
    return f", not older than {limit}"


def _certificates(source: X5c) -> Iterator[Sentence]:
    if source.anchors:
        anchors = words.names(source.anchors.values, "or")
        yield Sentence(f"Its certificate path must end in an anchor of {anchors}.", source.anchors.place)
    if source.leaf and source.leaf.kind != "any":
        values = words.names(tuple(value.value for value in source.leaf.values), "or")
        kind = {
            "san uri": "URI in its subject alternative names",
            "san dns": "DNS name in its subject alternative names",
            "dn": "subject name",
            "key sha256": "key's thumbprint",
        }[source.leaf.kind]
        yield Sentence(f"The certificate speaks for the issuer if the {kind} is {values}.", source.leaf.place)
    if source.usage:
        yield Sentence(f"The certificate must be for the usage `{source.usage.value}`.", source.usage.place)
    if source.depth:
        count = source.depth.amount
        noun = "certificate" if count == 1 else "certificates"
        yield Sentence(f"At most {count} {noun} may stand between it and the anchor.", source.depth.place)


def secret_source(secret: Secret) -> str:
    """Where a secret or a private key comes from; never what it is."""
    named = [part.value for part in secret.parts]
    match secret.origin:
        case "env":
            return f"the environment variable `{named[0]}`"
        case "file":
            return f"the file `{named[0]}`"
        case "keyring":
            return f"the entry `{named[1]}` of the keyring's service `{named[0]}`"


def _encryption(policy: CheckedPolicy) -> Iterator[Sentence]:
    encryption = policy.block.encryption
    if encryption is None:
        yield Sentence("It must not be encrypted.", None)
        return
    by = words.names(encryption.algorithms.values, "or") if encryption.algorithms else "an allowed algorithm"
    content = words.names(encryption.content.values, "or") if encryption.content else "an allowed algorithm"
    yield Sentence(
        f"It must be encrypted, its key by {by} and its content by {content}, with the signed token inside.",
        encryption.place,
    )
    for key in encryption.keys:
        yield Sentence(f"The key for decryption comes from {secret_source(key)}.", key.place)


def _freshness(freshness: Freshness, skew: int) -> Iterator[Sentence]:
    allowance = f", with {words.duration(skew)} of allowance for clocks that differ" if skew else ""
    yield Sentence(
        f"It must not have expired and must be valid already, where it says so{allowance}.",
        freshness.skew.place if freshness.skew else freshness.place,
    )
    if freshness.lifetime:
        limit = words.duration(freshness.lifetime.amount)
        yield Sentence(
            f"It must be issued for at most {limit} (`exp` and `iat` must be there).",
            freshness.lifetime.place,
        )
    if freshness.age:
        limit = words.duration(freshness.age.amount)
        yield Sentence(f"It must have been issued at most {limit} ago (`iat` must be there).", freshness.age.place)
    if freshness.expires:
        limit = words.duration(freshness.expires.amount)
        yield Sentence(f"It must expire within {limit} (`exp` must be there).", freshness.expires.place)
    for needs in freshness.needs:
        yield Sentence(f"It must have {words.names(needs.values)}.", needs.place)
    after = freshness.issued_after
    if after:
        because = after.because.value.rstrip(".")
        yield Sentence(f"It must have been issued on {after.date.iso} or later: {because}.", after.place)


def _replay(replay: Replay) -> Iterator[Sentence]:
    if replay.nonce:
        within = {"issuer": "of an issuer", "policy": "under this policy", "subject": "of one subject"}
        scope = within[replay.unique.value if replay.unique else "issuer"]
        reaches = {
            "process": "this process remembers",
            "host": "all processes of this host remember together",
            "nodes": "all nodes that accept such tokens remember together",
        }[replay.reaches.value if replay.reaches else "nodes"]
        claim = words.path(replay.nonce.claim)
        yield Sentence(
            f"It is accepted once: {claim} must be new among the tokens {scope}, which {reaches}.",
            replay.nonce.place,
        )
        if replay.nonce.equals:
            yield Sentence(f"{words.begun(claim)} must be {words.path(replay.nonce.equals)}.", replay.nonce.place)
    if replay.hold:
        limit = words.duration(replay.hold.amount)
        yield Sentence(f"It must not have to be remembered for more than {limit}.", replay.hold.place)
    if replay.proof_once:
        yield Sentence("Each proof of possession is accepted once.", replay.proof_once.place)
    if replay.by_holder:
        yield Sentence("A second use is open to nobody but the holder of its key.", replay.by_holder.place)


def _revocation(revocation: Revocation) -> Iterator[Sentence]:
    staple = revocation.staple
    if staple:
        carrier = {
            "header": f"in the header parameter `{staple.header.value if staple.header else ''}`",
            "jades": "in its unprotected header (JAdES)",
            "caller": "from the caller",
        }[staple.carrier]
        cover = "the whole path" if (revocation.cover is None or revocation.cover.value == "chain") else "the leaf"
        yield Sentence(f"OCSP evidence must come {carrier} and say that {cover} is not revoked.", staple.place)
    if revocation.crl:
        yield Sentence(
            f"The certificates must not stand in the revocation list `{revocation.crl.value}`.",
            revocation.crl.place,
        )
    if revocation.short_lived:
        limit = words.duration(revocation.short_lived.amount)
        yield Sentence(f"The signer's certificate must be valid for at most {limit}.", revocation.short_lived.place)
    if revocation.age:
        limit = words.duration(revocation.age.amount)
        yield Sentence(f"Evidence about revocation must be at most {limit} old.", revocation.age.place)
    if revocation.window:
        limit = words.duration(revocation.window.amount)
        yield Sentence(f"Such evidence may speak for at most {limit}.", revocation.window.place)
    if revocation.responder:
        yield Sentence(f"Only the responder of `{revocation.responder.value}` is believed.", revocation.responder.place)
    if revocation.after_token:
        yield Sentence("The evidence must be newer than the token.", revocation.after_token.place)


def _status(policy: CheckedPolicy) -> Iterator[Sentence]:
    status = policy.block.status
    if status is None:
        return
    limit = f", at most {words.duration(status.age.amount)} old" if status.age else ""
    yield Sentence(f"A status list{limit}, must say that this token has not been withdrawn.", status.place)
    if status.keys is not None:
        yield Sentence(f"For the status list: {_keys(status.keys)}", status.keys.place)


def _holder(holder: Holder) -> Iterator[Sentence]:
    how = "a DPoP proof" if holder.kind == "dpop" else "its TLS client certificate"
    yield Sentence(f"The presenter must prove, with {how}, that it holds the key in `cnf`.", holder.place)
    if holder.age:
        yield Sentence(f"The proof must be at most {words.duration(holder.age.amount)} old.", holder.age.place)


def _shape(policy: CheckedPolicy) -> Iterator[Sentence]:
    for confidential in policy.block.confidential:
        claims = words.names(tuple(claim.text for claim in confidential.claims))
        yield Sentence(f"A token that is not encrypted must not carry {claims}.", confidential.place)
    if policy.block.schema:
        yield Sentence(f"Its claims must fit the JSON Schema `{policy.block.schema.value}`.", policy.block.schema.place)
