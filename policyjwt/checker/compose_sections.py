"""How the sections of a policy meet those of a baseline. Input: two sections, both there. Output: the one that holds.

Of each item that only one has, that one holds.
"""

from __future__ import annotations

from dataclasses import replace

from policyjwt.checker.compose_values import (
    Merging,
    common_names,
    same,
    same_text,
    smaller,
    stricter,
    values,
)
from policyjwt.language.model import (
    Discovery,
    Encryption,
    Freshness,
    Holder,
    IssuedAfter,
    JwksFile,
    JwksUrl,
    KeySource,
    Leaf,
    Limit,
    Named,
    Names,
    Nonce,
    PemFile,
    Replay,
    Revocation,
    Secret,
    Signature,
    Staple,
    Status,
    TextItem,
    X5c,
)
from policyjwt.language.names import COVER, REACHES

DEFAULT_STALE = 24 * 3600
"""How old a fetched key set may be where a policy does not say, in seconds."""

_UNIQUE_UNSAID = "issuer"


# ------------------------------------------------------------------------------------ signature, encryption


def signature(merging: Merging, parent: Signature, child: Signature) -> Signature:
    """Algorithms that both name; the same keys; every distrusted key."""
    return Signature(
        child.place,
        algorithms=common_names(merging, parent.algorithms, child.algorithms, "algorithm"),
        keys=_one_source(merging, parent, child),
        secrets=_secrets(merging, parent.secrets, child.secrets, "secret"),
        held_by_several=child.held_by_several,
        except_keys=(*parent.except_keys, *child.except_keys),
    )


def _one_source(merging: Merging, parent: Signature, child: Signature) -> KeySource | None:
    if parent.secrets and child.keys is not None:
        merging.differs(parent.secrets[0], child.keys, "keys")
        return None
    if parent.keys is not None and child.secrets:
        merging.differs(parent.keys, child.secrets[0], "secret")
        return None
    return key_source(merging, parent.keys, child.keys)


def key_source(merging: Merging, parent: KeySource | None, child: KeySource | None) -> KeySource | None:
    """The same source; of its limits the smaller."""
    if parent is None or child is None:
        return parent or child
    match parent, child:
        case (X5c(), X5c()):
            return _x5c(merging, parent, child)
        case (JwksUrl(), JwksUrl()) if (parent.url.value, _text(parent)) == (child.url.value, _text(child)):
            return replace(child, stale=_stale(merging, parent, child))
        case (Discovery(), Discovery()) if (parent.issuer.value, _text(parent)) == (
            child.issuer.value,
            _text(child),
        ):
            return replace(child, stale=_stale(merging, parent, child))
        case (JwksFile(), JwksFile()) if parent.path.value == child.path.value:
            return child
        case (PemFile(), PemFile()) if parent.path.value == child.path.value:
            return child
    merging.differs(parent, child, "keys")
    return child


def _text(source: JwksUrl | Discovery) -> str | None:
    return source.ca.value if source.ca is not None else None


def _stale(merging: Merging, parent: JwksUrl | Discovery, child: JwksUrl | Discovery) -> Limit | None:
    """The smaller. A baseline that says nothing means the default, and a policy does not widen that."""
    if parent.stale is not None or child.stale is None:
        return smaller(merging, parent.stale, child.stale, "stale at most")
    unsaid = Limit(parent.place, DEFAULT_STALE)
    return None if smaller(merging, unsaid, child.stale, "stale at most") is unsaid else child.stale


def _x5c(merging: Merging, parent: X5c, child: X5c) -> X5c:
    return X5c(
        child.place,
        anchors=same(merging, parent.anchors, child.anchors, "anchors", key=_names_key),
        leaf=same(merging, parent.leaf, child.leaf, "leaf", key=_leaf_key),
        usage=same_text(merging, parent.usage, child.usage, "usage"),
        depth=smaller(merging, parent.depth, child.depth, "depth", shown=str),
    )


def _names_key(names: Names) -> frozenset[str]:
    return frozenset(names.values)


def _leaf_key(leaf: Leaf) -> tuple[str, frozenset[str]]:
    return leaf.kind, values(leaf.values)


def _secrets(merging: Merging, parent: tuple[Secret, ...], child: tuple[Secret, ...], what: str) -> tuple[Secret, ...]:
    """The same secrets, in whatever order."""
    if parent and child and {_secret_key(each) for each in parent} != {_secret_key(each) for each in child}:
        merging.differs(parent[0], child[0], what)
    return child or parent


def _secret_key(secret: Secret) -> tuple[str, tuple[str, ...], str | None, str | None]:
    parts = tuple(part.value for part in secret.parts)
    return secret.origin, parts, _value(secret.encoding), _value(secret.kid)


def _value(named: Named | None) -> str | None:
    return named.value if named is not None else None


def encryption(merging: Merging, parent: Encryption, child: Encryption) -> Encryption:
    """Algorithms that both name; the same keys."""
    return Encryption(
        child.place,
        algorithms=common_names(merging, parent.algorithms, child.algorithms, "key management algorithm"),
        content=common_names(merging, parent.content, child.content, "content algorithm"),
        keys=_secrets(merging, parent.keys, child.keys, "key"),
    )


# ------------------------------------------------------------------------------------ freshness, replay


def freshness(merging: Merging, parent: Freshness, child: Freshness) -> Freshness:
    """The smaller limits, all that either needs, the later date."""
    return Freshness(
        child.place,
        lifetime=smaller(merging, parent.lifetime, child.lifetime, "lifetime at most"),
        age=smaller(merging, parent.age, child.age, "age at most"),
        expires=smaller(merging, parent.expires, child.expires, "expires within"),
        skew=smaller(merging, parent.skew, child.skew, "skew at most"),
        needs=_needs(parent.needs, child.needs),
        issued_after=_later(parent.issued_after, child.issued_after),
    )


def _needs(parent: tuple[Names, ...], child: tuple[Names, ...]) -> tuple[Names, ...]:
    """All of them, each once: the policy's own line says it where both do."""
    said = {name for names in child for name in names.values}
    left = [Names(names.place, tuple(name for name in names.names if name.value not in said)) for names in parent]
    return (*(names for names in left if names.names), *child)


def _later(parent: IssuedAfter | None, child: IssuedAfter | None) -> IssuedAfter | None:
    if parent is None or child is None:
        return parent or child
    return child if child.date.epoch >= parent.date.epoch else parent


def replay(merging: Merging, parent: Replay, child: Replay) -> Replay:
    """The same nonce in the same scope; the farther store; the smaller `hold`."""
    return Replay(
        child.place,
        nonce=same(merging, parent.nonce, child.nonce, "nonce", key=_nonce_key),
        unique=_unique(merging, parent, child),
        reaches=stricter(
            parent.reaches,
            child.reaches,
            order=REACHES,
            unsaid="nodes" if parent.nonce is not None or parent.proof_once is not None else None,
        ),
        hold=smaller(merging, parent.hold, child.hold, "hold at most"),
        proof_once=child.proof_once or parent.proof_once,
        by_holder=child.by_holder or parent.by_holder,
        reusable=child.reusable,
    )


def _nonce_key(nonce: Nonce) -> tuple[tuple[str, ...], bool]:
    return nonce.claim.members, nonce.equals is not None


def _unique(merging: Merging, parent: Replay, child: Replay) -> TextItem | None:
    if parent.unique is None and parent.nonce is not None and child.unique is not None:
        if child.unique.value != _UNIQUE_UNSAID:  # a nonce without `unique` is unique within its issuer
            merging.differs(parent.nonce, child.unique, "unique within")
        return child.unique
    return same_text(merging, parent.unique, child.unique, "unique within")


# ------------------------------------------------------------------------------------ revocation, status, holder


def revocation(merging: Merging, parent: Revocation, child: Revocation) -> Revocation:
    """The same evidence from the same place; the smaller limits; the wider cover."""
    return Revocation(
        child.place,
        staple=same(merging, parent.staple, child.staple, "staple", key=_staple_key),
        crl=same_text(merging, parent.crl, child.crl, "crl snapshot"),
        short_lived=smaller(merging, parent.short_lived, child.short_lived, "short-lived certificate at most"),
        key_removal=child.key_removal,
        redeployment=child.redeployment,
        age=smaller(merging, parent.age, child.age, "age at most"),
        window=smaller(merging, parent.window, child.window, "window at most"),
        cover=stricter(
            parent.cover,
            child.cover,
            order=COVER,
            unsaid="chain" if parent.staple is not None or parent.crl is not None else None,
        ),
        responder=_responder(merging, parent, child),
        without_nocheck=child.without_nocheck,
        without_next_update=child.without_next_update,
        after_token=child.after_token or parent.after_token,
    )


def _responder(merging: Merging, parent: Revocation, child: Revocation) -> TextItem | None:
    """The same one. A responder that is pinned is believed beside the certificate's issuer: to add one is to widen."""
    if parent.staple is not None and parent.responder is None and child.responder is not None:
        merging.differs(parent.staple, child.responder, "responder pinned")
    return same_text(merging, parent.responder, child.responder, "responder pinned")


def _staple_key(staple: Staple) -> tuple[str, str | None]:
    return staple.carrier, _value(staple.header)


def status(merging: Merging, parent: Status, child: Status) -> Status:
    """The same list, judged by the same keys; the smaller age."""
    return Status(
        child.place,
        list_from=same_text(merging, parent.list_from, child.list_from, "list from"),
        keys=key_source(merging, parent.keys, child.keys),
        uri=same_text(merging, parent.uri, child.uri, "uri"),
        age=smaller(merging, parent.age, child.age, "age at most"),
    )


def holder(merging: Merging, parent: Holder, child: Holder) -> Holder:
    """The same proof; algorithms that both name; the smaller age."""
    if parent.kind != child.kind:
        merging.differs(parent, child, "holder")
        return child
    return Holder(
        child.place,
        child.kind,
        age=smaller(merging, parent.age, child.age, "age at most"),
        algorithms=common_names(merging, parent.algorithms, child.algorithms, "algorithm"),
        nonce_required=child.nonce_required or parent.nonce_required,
        anchors=same(merging, parent.anchors, child.anchors, "anchors", key=_names_key),
    )
