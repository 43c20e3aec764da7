"""The files that a policy names. Input: a merged block. Output: their paths, or diagnostics where it has no root.

A text without a root names no file: nothing is read relative to wherever a program happens to run.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.diagnostics import Diagnostic
from policyjwt.language import messages
from policyjwt.language.files import FileFault, no_files
from policyjwt.language.model import (
    Block,
    Discovery,
    JwksFile,
    JwksUrl,
    KeySource,
    Named,
    Names,
    PemFile,
    Secret,
    TextItem,
    X5c,
)


def named_files(block: Block) -> Iterator[Named]:
    """Every path of a file in `block`."""
    yield from public_files(block)
    if block.signature is not None:
        yield from _of_secrets(block.signature.secrets)
    if block.encryption is not None:
        yield from _of_secrets(block.encryption.keys)


def public_files(block: Block) -> Iterator[Named]:
    """The same, but for files of secrets and private keys."""
    signature, status = block.signature, block.status
    if signature is not None:
        yield from _of_source(signature.keys)
    if status is not None:
        yield from _of_source(status.keys)
    if block.revocation is not None:
        yield from _of_item(block.revocation.crl)
        yield from _of_item(block.revocation.responder)
    if block.holder is not None:
        yield from _of_names(block.holder.anchors)
    yield from _of_item(block.schema)


def certificate_files(block: Block) -> Iterator[Named]:
    """The files of certificates by which something is verified: anchors, and a responder that is pinned."""
    for section in (block.signature, block.status):
        if section is not None and isinstance(section.keys, X5c):
            yield from _of_names(section.keys.anchors)
    if block.revocation is not None:
        yield from _of_item(block.revocation.responder)
    if block.holder is not None:
        yield from _of_names(block.holder.anchors)


def without_root(block: Block) -> Iterator[Diagnostic]:
    """What is wrong with `block` where its text has no root."""
    for named in named_files(block):
        try:
            no_files(named.value)
        except FileFault as fault:
            yield messages.file_fault(named.span, named.value, fault)


def _of_source(source: KeySource | None) -> Iterator[Named]:
    match source:
        case JwksFile(path=path) | PemFile(path=path):
            yield path
        case JwksUrl(ca=ca) | Discovery(ca=ca):
            yield from _of_item(ca)
        case X5c(anchors=anchors):
            yield from _of_names(anchors)


def _of_secrets(secrets: tuple[Secret, ...]) -> Iterator[Named]:
    for secret in secrets:
        yield from secret.parts if secret.origin == "file" else ()


def _of_item(item: TextItem | None) -> Iterator[Named]:
    if item is not None:
        yield Named(item.place.span, item.value)


def _of_names(names: Names | None) -> Iterator[Named]:
    yield from names.names if names is not None else ()
