"""What a policy decides about keys: signature, encryption, status. Input: a merged policy. Output: diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import decisions_messages as say
from policyjwt.checker.nearby import in_policy, keyword
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, KeySource, Names, Signature, X5c

_BROKEN = {"file", "extends"}


def key_decisions(block: Block) -> Iterator[Diagnostic]:
    """What is missing in these sections, and what does not go together."""
    if block.signature is not None and block.broken.isdisjoint({*_BROKEN, "signature"}):
        yield from _signature(block, block.signature)
    if block.encryption is not None and block.broken.isdisjoint({*_BROKEN, "encryption"}):
        yield from _encryption(block)
    if block.status is not None and block.broken.isdisjoint({*_BROKEN, "status"}):
        yield from _status(block)
    if block.confidential and block.encryption is None and block.broken.isdisjoint({*_BROKEN, "encryption"}):
        for item in block.confidential:
            yield say.confidential_unencrypted(in_policy(block, item.place.span))


# ------------------------------------------------------------------------------------ signature


def _signature(block: Block, signature: Signature) -> Iterator[Diagnostic]:
    algorithms = signature.algorithms.values if signature.algorithms is not None else ()
    symmetric = tuple(name for name in algorithms if name.startswith("HS"))
    asymmetric = tuple(name for name in algorithms if not name.startswith("HS"))
    if signature.algorithms is None:
        yield say.no_algorithms(in_policy(block, keyword(signature.place)))
    elif symmetric and asymmetric:
        at = in_policy(block, signature.algorithms.place.span)
        yield say.mixed_algorithms(at, symmetric=symmetric, asymmetric=asymmetric)
    if signature.keys is None and not signature.secrets:
        yield say.no_keys(in_policy(block, keyword(signature.place)), symmetric=bool(symmetric))
    if signature.keys is not None:
        yield from source_parts(block, signature.keys)


def source_parts(block: Block, source: KeySource) -> Iterator[Diagnostic]:
    """`keys x5c` names whom it trusts, and for which certificate."""
    if not isinstance(source, X5c):
        return
    at = in_policy(block, keyword(source.place))
    if source.anchors is None:
        help_ = 'add `anchors "anchors/ca.pem"`: the authorities whose certificates are believed'
        yield say.part_missing(at, section="keys x5c", part="anchors", help=help_)
    if source.leaf is None:
        help_ = 'add `leaf san uri "https://idp.corp.example"`: else any certificate of these authorities may sign'
        yield say.part_missing(at, section="keys x5c", part="leaf", help=help_)


# ------------------------------------------------------------------------------------ encryption, status


def _encryption(block: Block) -> Iterator[Diagnostic]:
    encryption = block.encryption
    assert encryption is not None
    at = in_policy(block, keyword(encryption.place))
    parts: tuple[tuple[str, Names | tuple[object, ...] | None, str], ...] = (
        ("algorithms", encryption.algorithms, "add `algorithms RSA-OAEP-256`"),
        ("content", encryption.content, "add `content A256GCM`"),
        ("key", encryption.keys, 'add `key env "NAME" as pem`'),
    )
    for part, found, help_ in parts:
        if not found:
            yield say.part_missing(at, section="encryption", part=part, help=help_)


def _status(block: Block) -> Iterator[Diagnostic]:
    status = block.status
    assert status is not None
    at = in_policy(block, keyword(status.place))
    parts = (
        ("list from", status.list_from, "add `list from caller`"),
        ("keys", status.keys, 'add `keys jwks file "…"`: the keys that the list is signed with'),
        ("uri", status.uri, 'add `uri "https://…"`: the list that tokens must name'),
        ("age at most", status.age, "add `age at most 1h`: so long a withdrawn token may still be believed"),
    )
    for part, found, help_ in parts:
        if found is None:
            yield say.part_missing(at, section="status", part=part, help=help_)
    if status.keys is not None:
        yield from source_parts(block, status.keys)
