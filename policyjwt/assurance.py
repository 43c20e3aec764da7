"""What gives which assurance. Input: a policy. Output: for each assurance whether the policy's mechanisms can give it.

A characteristic without a mechanism behind it is no assurance. This is said of policies alone; what one evaluation
established, the verdict says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from policyjwt.language.model import (
    Audience,
    Block,
    CheckedPolicy,
    Discovery,
    JwksFile,
    JwksUrl,
    KeySource,
    Leaf,
    PemFile,
    Replay,
    Revocation,
    Signature,
    X5c,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What gives an assurance, and what is taken for it and gives it not: the words of the documentation."""

    given_by: str
    not_given_by: str


TABLE: Mapping[str, Entry] = {
    "integrity": Entry("a verified signature or MAC over the received bytes", "encoding, TLS, a parse"),
    "issuer-authentication": Entry(
        "an asymmetric signature by a key bound to this issuer: a `leaf` binding, or a key of a source used by this"
        " issuer alone",
        "HMAC: every verifier can sign too; `leaf any`; `held by several`; a key under two issuers",
    ),
    "non-repudiation": Entry(
        "issuer-authentication through a certificate path, with revocation evidence for that certificate at the time;"
        " if the record is kept",
        "HMAC; a bare key; a key also used for decryption",
    ),
    "confidentiality": Entry("encryption to a key that is used for nothing else", "any signature"),
    "freshness": Entry("exp, nbf, iat within the policy's limits", "a signature"),
    "replay-protection": Entry(
        "a nonce, or a proof, consumed once in a store that reaches all who accept the token; once, by whoever came"
        " first, without `holder`",
        "a signature; exp; a store of smaller reach; `by holder`",
    ),
    "revocation": Entry(
        "evidence about the signer's certificate that is authentic, for this certificate, and fresh; or a short-lived"
        " certificate",
        "a signature; a look-up that may fail open; a status list",
    ),
    "status": Entry("an authentic, fresh status list in which this token is valid", "revocation evidence"),
    "holder-of-key": Entry("proof by the key named in `cnf`", "possession of the token"),
    "intended-audience": Entry("audience required on verified claims", "a token's being well formed"),
    "authorisation": Entry("nothing in a token", "everything in a token"),
}
"""Every assurance, in the order in which verdicts show them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a policy's mechanisms can give an assurance.

    `phrase` says by what, or why not. Where it is not given, `blamed` is the mechanism that falls short (`HS256`), None
    where there is none at all, and `remedy` says what would give it; None where nothing would.
    """

    name: str
    given: bool
    phrase: str
    blamed: str | None = None
    remedy: str | None = None


def standings(policy: CheckedPolicy | Block) -> tuple[Standing, ...]:
    """One standing for each assurance, in the order of the table. `policy` is merged with its baselines."""
    block = policy.block if isinstance(policy, CheckedPolicy) else policy
    return tuple(_JUDGES[name](block) for name in TABLE)


def standing(policy: CheckedPolicy | Block, name: str) -> Standing:
    """The standing of one assurance."""
    return _JUDGES[name](policy.block if isinstance(policy, CheckedPolicy) else policy)


# ------------------------------------------------------------------------------------ signature


def _algorithms(block: Block) -> tuple[str, ...]:
    signature = block.signature
    return signature.algorithms.values if signature is not None and signature.algorithms is not None else ()


def _symmetric(block: Block) -> tuple[str, ...]:
    """The algorithms of which every verifier holds the secret."""
    return tuple(name for name in _algorithms(block) if name.startswith("HS"))


def _integrity(block: Block) -> Standing:
    names = ", ".join(_algorithms(block))
    if not names:
        return Standing(
            "integrity", False, "no signature is verified", remedy="write `signature { algorithms … keys … }`"
        )
    kind = "a MAC with a shared secret" if _symmetric(block) else "a verified signature"
    return Standing("integrity", True, f"{kind} ({names})")


def _issuer_authentication(block: Block) -> Standing:
    name, signature = "issuer-authentication", block.signature
    if signature is None or not _algorithms(block):
        return Standing(name, False, "no signature is verified", remedy="use an asymmetric algorithm and `keys …`")
    if symmetric := _symmetric(block):
        return Standing(
            name,
            False,
            "every party that verifies can also sign",
            blamed=", ".join(symmetric),
            remedy="use an asymmetric algorithm with `keys …`",
        )
    return _bound(name, signature)


def _bound(name: str, signature: Signature) -> Standing:
    """Whether the signing key is bound to the issuer and to nobody else."""
    if signature.held_by_several is not None:
        return Standing(
            name,
            False,
            "more than one party knows the private key",
            blamed="`held by several`",
            remedy="use a key that the issuer alone holds",
        )
    source = signature.keys
    if source is None:
        return Standing(name, False, "no source of keys is named", remedy="name the issuer's keys with `keys …`")
    if isinstance(source, X5c) and (source.leaf is None or source.leaf.kind == "any"):
        return Standing(
            name,
            False,
            "any certificate below the anchors may sign",
            blamed="`leaf any`",
            remedy="name the issuer's certificate, with `leaf san uri`, `leaf san dns`, `leaf dn` or `leaf key sha256`",
        )
    return Standing(name, True, _source_phrase(source))


def _source_phrase(source: KeySource) -> str:
    if isinstance(source, X5c):
        anchors = ", ".join(source.anchors.values) if source.anchors is not None else "the anchors"
        return f"a certificate path to {anchors}, {_leaf_phrase(source.leaf)}"
    where = {
        JwksUrl: lambda s: s.url.value,
        Discovery: lambda s: s.issuer.value,
        JwksFile: lambda s: s.path.value,
        PemFile: lambda s: s.path.value,
    }[type(source)](source)
    return f"a signature by a key of {where}"


def _leaf_phrase(leaf: Leaf | None) -> str:
    if leaf is None:
        return "any leaf"
    return f"leaf {leaf.kind} {', '.join(value.value for value in leaf.values)}".rstrip()


def _non_repudiation(block: Block) -> Standing:
    name, how = "non-repudiation", "use an asymmetric algorithm with `keys x5c`"
    evidence = "and `revocation { staple ocsp … }` or `revocation { crl snapshot … }`"
    issuer = _issuer_authentication(block)
    if not issuer.given:
        asymmetric = issuer.remedy if issuer.blamed and not _symmetric(block) else how
        return Standing(name, False, issuer.phrase, blamed=issuer.blamed, remedy=f"{asymmetric} {evidence}")
    if block.signature is None or not isinstance(block.signature.keys, X5c):
        return Standing(
            name,
            False,
            "nothing binds the key to a person or an organisation for longer than its source lists it",
            blamed="a bare key",
            remedy=f"use `keys x5c` {evidence}",
        )
    if not _has_evidence(block.revocation):
        return Standing(
            name,
            False,
            "nothing shows that the certificate was good at the time",
            blamed=_instead_of_evidence(block),
            remedy="use `revocation { staple ocsp … }` or `revocation { crl snapshot … }`",
        )
    return Standing(name, True, f"{issuer.phrase}, with its revocation evidence, if the record is kept")


# ------------------------------------------------------------------------------------ revocation, status


def _has_evidence(revocation: Revocation | None) -> bool:
    return revocation is not None and (revocation.staple is not None or revocation.crl is not None)


def _instead_of_evidence(block: Block) -> str | None:
    """What the policy has in place of revocation evidence."""
    revocation = block.revocation
    if revocation is None:
        return "`waive revocation`" if _waived(block, "revocation") else None
    if revocation.key_removal is not None:
        return "`by key removal`"
    if revocation.redeployment is not None:
        return "`by redeployment`"
    return "a short-lived certificate" if revocation.short_lived is not None else None


def _revocation(block: Block) -> Standing:
    name, revocation = "revocation", block.revocation
    if revocation is not None and block.signature is not None and isinstance(block.signature.keys, X5c):
        if revocation.staple is not None:
            return Standing(name, True, "a stapled OCSP response for the signer's certificate")
        if revocation.crl is not None:
            return Standing(name, True, f"the CRL snapshot {revocation.crl.value}")
        if revocation.short_lived is not None:
            return Standing(name, True, "a short-lived certificate")
    blamed = _instead_of_evidence(block)
    why = "there is no evidence that the signer's key is still good"
    remedy = "use `keys x5c` with `revocation { staple ocsp … }`, `crl snapshot …` or `short-lived certificate …`"
    return Standing(name, False, why, blamed=blamed, remedy=remedy)


def _status(block: Block) -> Standing:
    if block.status is not None:
        return Standing("status", True, "a status list in which the token is valid")
    return Standing("status", False, "not demanded", remedy="add `status { … }`")


# ------------------------------------------------------------------------------------ the rest


def _waived(block: Block, matter: str) -> bool:
    return any(waiver.matter.value == matter for waiver in block.waivers)


def _confidentiality(block: Block) -> Standing:
    name = "confidentiality"
    if block.encryption is None:
        why = "signed only: anyone who sees the token reads its claims"
        return Standing(name, False, why, blamed="a signature", remedy="add `encryption { … }`")
    algorithms = block.encryption.algorithms
    values = algorithms.values if algorithms is not None else ()
    names = f" ({', '.join(values)})" if values else ""
    shared = any(value.startswith("A") or value == "dir" for value in values)
    key = "a key that this service shares with whoever encrypts" if shared else "a key of this service"
    return Standing(name, True, f"encryption to {key}{names}")


def _freshness(block: Block) -> Standing:
    freshness = block.freshness
    found = freshness is not None and (freshness.lifetime or freshness.age or freshness.expires)
    if freshness is None or not found:
        return Standing("freshness", False, "nothing limits its age", remedy="write `freshness { lifetime at most … }`")
    limits = [
        words
        for words, limit in (
            ("lifetime", freshness.lifetime),
            ("age", freshness.age),
            ("expires within", freshness.expires),
        )
        if limit is not None
    ]
    return Standing("freshness", True, f"exp, nbf and iat within the policy's limits ({', '.join(limits)})")


def _replay(block: Block) -> Standing:
    name, replay = "replay-protection", block.replay
    nonce = "use `replay { nonce jti }`"
    if replay is not None and replay.nonce is not None:
        holder = "" if block.holder is not None else ", by whoever came first"
        return Standing(name, True, f"{replay.nonce.claim.text}, consumed once{holder}")
    if replay is not None and replay.proof_once is not None and block.holder is not None:
        return Standing(name, True, "the holder's proof, consumed once")
    return _no_replay_protection(name, replay, nonce)


def _no_replay_protection(name: str, replay: Replay | None, nonce: str) -> Standing:
    if replay is not None and replay.by_holder is not None:
        why = "its holder may use the token again"
        return Standing(name, False, why, blamed="`by holder`", remedy=nonce)
    if replay is not None and replay.reusable is not None:
        why = "whoever holds the token may use it again"
        return Standing(name, False, why, blamed="`reusable`", remedy=nonce)
    if replay is not None and replay.proof_once is not None:
        why = "no holder proves anything"
        return Standing(name, False, why, blamed="`proof once`", remedy="add `holder dpop`")
    return Standing(name, False, "not demanded", remedy=nonce)


def _holder_of_key(block: Block) -> Standing:
    if block.holder is None:
        why = "not demanded"
        return Standing("holder-of-key", False, why, remedy="add `holder dpop` or `holder mtls`")
    proof = {"dpop": "a DPoP proof", "mtls": "the client's certificate"}[block.holder.kind]
    return Standing("holder-of-key", True, f"{proof} by the key that the token names in `cnf`")


def _intended_audience(block: Block) -> Standing:
    audience: Audience | None = block.audience
    if audience is None:
        waived = "`waive audience`" if _waived(block, "audience") else None
        why = "the token may be meant for another service"
        return Standing("intended-audience", False, why, blamed=waived, remedy='write `audience "…"`')
    named = "aud" if audience.claim is None else audience.claim.text
    return Standing("intended-audience", True, f"{named}, required on verified claims")


def _authorisation(_: Block) -> Standing:
    return Standing("authorisation", False, "a token never gives it", blamed="a token")


_JUDGES: Mapping[str, Callable[[Block], Standing]] = {
    "integrity": _integrity,
    "issuer-authentication": _issuer_authentication,
    "non-repudiation": _non_repudiation,
    "confidentiality": _confidentiality,
    "freshness": _freshness,
    "replay-protection": _replay,
    "revocation": _revocation,
    "status": _status,
    "holder-of-key": _holder_of_key,
    "intended-audience": _intended_audience,
    "authorisation": _authorisation,
}
