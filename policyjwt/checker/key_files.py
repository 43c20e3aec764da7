"""Files of public keys and of certificates.

Input: a root and the item that names the file. Output: keys, diagnostics.

Read below the root only, through `language.files`; nothing of a file is ever quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policyjwt.checker import key_messages as messages
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.language.files import FileFault, read_file
from policyjwt.language.model import JwksFile, Leaf, Names, PemFile, TextItem
from policyjwt.source import Span
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from policyjwt.tokens.key import Key

_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")
_BAD_SETS = frozenset({"key.ambiguous", "key.type_confusion", "key.usage"})


@dataclass(frozen=True, slots=True)
class FileKeys:
    """The sound keys of a file (None if it could not be read at all) and what is wrong with it."""

    keys: tuple[Key, ...] | None
    faults: tuple[Diagnostic, ...]


def read_below(root: str, path: str, span: Span) -> bytes | Diagnostic:
    """The bytes of a file below `root`, or why they can't be had."""
    try:
        return read_file(Path(root), path, limit=MAX_KEY_SET_BYTES)
    except FileFault as fault:
        return messages.file_fault(span, path=path, fault=fault.message, help=fault.help)


def file_keys(item: JwksFile | PemFile, root: str) -> FileKeys:
    """The keys of a `keys jwks file` or `keys pem file`."""
    # Costs 50 ms: only for policies that name such a file.
    from policyjwt.tokens import jwk, pem
    from policyjwt.tokens.key import Key
    from policyjwt.tokens.keyset import faults

    span, path = item.place.span, item.path.value
    data = read_below(root, path, item.path.span)
    if isinstance(data, Diagnostic):
        return FileKeys(None, (data,))
    try:
        entries = jwk.read_entries(data) if isinstance(item, JwksFile) else pem.read_entries(data)
    except KeyRefused as refused:
        return FileKeys(None, (_refused(span, path, refused, whole=True),))
    found: list[Diagnostic] = []
    keys = tuple(entry for entry in entries if isinstance(entry, Key))
    for entry in entries:
        if isinstance(entry, KeyRefused):
            found.append(_refused(span, path, entry, whole=False))
        elif isinstance(entry, jwk.Foreign):
            found.append(messages.passed_over(span, path=path, fault=f"a key is passed over: {entry.why}"))
        elif entry.symmetric:
            found.append(messages.private_key(span, path=path, fault="a shared secret, where public keys belong"))
    if keys or not any(isinstance(entry, KeyRefused) for entry in entries):
        foreign = sum(isinstance(entry, jwk.Foreign) for entry in entries)
        together = faults(keys, skipped=foreign)
        found += [messages.key_set_fault(span, path=path, fault=fault.message) for fault in together]
    return FileKeys(tuple(key for key in keys if not key.symmetric), tuple(found))


def _refused(span: Span, path: str, refused: KeyRefused, *, whole: bool) -> Diagnostic:
    if refused.code == "key.private_in_public_set":
        return messages.private_key(span, path=path, fault=refused.message)
    if refused.code in _BAD_SETS:
        return messages.key_set_fault(span, path=path, fault=refused.message)
    if whole:
        return messages.not_keys(span, path=path, fault=refused.message, help=refused.help)
    return messages.bad_key(span, path=path, fault=refused.message, help=refused.help)


# ------------------------------------------------------------------------------ certificates


def anchor_faults(anchors: Names, root: str, *, now: float) -> Iterator[Diagnostic]:
    """What is wrong with the files of `anchors`. `now` is in seconds since the epoch."""
    for named in anchors.names:
        found = tuple(certificate_faults(named.value, named.span, root, now=now, authority=False))
        yield from found
        if not any(fault.stops_loading for fault in found):
            yield from _unfit_anchors(named.value, named.span, root)


def _unfit_anchors(path: str, span: Span, root: str) -> Iterator[Diagnostic]:
    """What keeps certificates that can be read from ending a path: a weak key, a usage that is not theirs."""
    from policyjwt.tokens.anchors import Anchors  # heavy: only for policies with anchors

    data = read_below(root, path, span)
    try:
        if isinstance(data, bytes):
            Anchors.from_pem(data)
    except KeyRefused as refused:
        yield messages.unfit_anchor(span, path=path, fault=refused.message, help=refused.help)


def leaf_faults(leaf: Leaf) -> Iterator[Diagnostic]:
    """Values of `leaf` that no certificate can have."""
    from policyjwt.tokens.leaf_binding import LeafBinding  # heavy: only for policies with certificates

    for named in leaf.values:
        if leaf.kind == "key sha256":
            if not _DIGEST.fullmatch(named.value):
                yield messages.bad_pin(named.span)
            continue
        try:
            LeafBinding.make(leaf.kind, frozenset({named.value}))
        except KeyRefused as refused:
            yield messages.bad_leaf(named.span, fault=refused.message, help=refused.help)


def snapshot_faults(item: TextItem, root: str) -> Iterator[Diagnostic]:
    """What is wrong with the file of `crl snapshot`. Its age is for the moment in which tokens are judged."""
    from policyjwt.evidence.crl import CrlSnapshot  # heavy: only for policies with revocation lists
    from policyjwt.evidence.crl_snapshot import MAX_SNAPSHOT_BYTES

    try:
        data = read_file(Path(root), item.value, limit=MAX_SNAPSHOT_BYTES)
        CrlSnapshot.read(data)
    except FileFault as fault:
        yield messages.file_fault(item.place.span, path=item.value, fault=fault.message, help=fault.help)
    except KeyRefused as refused:
        yield messages.no_lists(item.place.span, path=item.value, fault=refused.message, help=refused.help)


def ca_faults(item: TextItem | None, root: str, *, now: float) -> Iterator[Diagnostic]:
    """What is wrong with the file of a `ca "…"`."""
    if item is not None:
        yield from certificate_faults(item.value, item.place.span, root, now=now, authority=True)


def certificate_faults(path: str, span: Span, root: str, *, now: float, authority: bool) -> Iterator[Diagnostic]:
    """What is wrong with a file of certificates; with `authority` each must be one that can sign others."""
    data = read_below(root, path, span)
    if isinstance(data, Diagnostic):
        yield data
        return
    if b"PRIVATE KEY-----" in data:
        yield messages.private_key(span, path=path, fault="a private key, where certificates belong")
        return
    certificates = _certificates(data)
    if not certificates:
        yield messages.no_certificates(span, path=path, fault="there is none in it that can be read")
    for number, certificate in enumerate(certificates or (), start=1):
        which = "the certificate" if len(certificates or ()) == 1 else f"certificate {number}"
        yield from _dates(certificate, now, path=path, which=which, span=span)
        if authority and not _is_authority(certificate):
            yield messages.no_authority(span, path=path, which=which)


def _certificates(data: bytes) -> tuple[Certificate, ...] | None:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return tuple(load_pem_x509_certificates(data))
    except ValueError:
        return None


def _dates(certificate: Certificate, now: float, *, path: str, which: str, span: Span) -> Iterator[Diagnostic]:
    instant = datetime.fromtimestamp(now, UTC)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if instant > ends:
        fault = f"expired on {ends.date().isoformat()}"
    elif instant < begins:
        fault = f"is not valid before {begins.date().isoformat()}"
    else:
        return
    yield messages.certificate_dates(span, path=path, which=which, fault=fault)


def _is_authority(certificate: Certificate) -> bool:
    """Whether its extensions let it sign other certificates; a version 1 root has none, and is one."""
    from cryptography.x509 import BasicConstraints, ExtensionNotFound, Version

    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return certificate.version is Version.v1
    except ValueError:
        return False
