"""Reading revocation lists. Input: the bytes of a snapshot. Output: RevocationList, each with what it says and covers.

Nothing here is believed yet: who signed a list is the matter of `crl`. RFC 5280, section 5; RFC 7468, section 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, TypeAlias, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    CertificateRevocationList,
    Extension,
    ExtensionType,
    GeneralName,
    IssuingDistributionPoint,
)

from policyjwt.errors import KeyRefused
from policyjwt.tokens import messages

MAX_SNAPSHOT_BYTES: Final = 80 * 1024 * 1024
"""More than MAX_ENTRIES ever take: an entry has 36.6 bytes of PEM with a serial number of 8 bytes, 53 with the longest
(20 bytes), and 72 with a reason as well; measured."""

MAX_LISTS: Final = 64
"""Lists in one snapshot."""

MAX_ENTRIES: Final = 1_000_000
"""Certificates on all the lists together: reading them takes a few seconds, keeping them about 150 MB."""

_LINE: Final = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 #]+)-----")
_LABEL: Final = b"X509 CRL"
_LONG_SEQUENCE: Final = re.compile(rb"\x30[\x80-\xff]")
"""How a list begins in DER, and no text in ASCII."""

Only: TypeAlias = Literal["user", "authority", "attribute"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RevocationList:
    """One list, not authenticated.

    `scope` tells apart the lists of one issuer: by the key that signed and the part that it speaks about.
    `fault` says in words of ours why the list must not be used; None for one that is understood. `only` and
    `points` are the part that it speaks about: None for all certificates.
    """

    source: CertificateRevocationList
    issuer: bytes
    scope: tuple[bytes, bytes]
    number: int | None
    this_update: float
    next_update: float | None
    revoked: frozenset[int]
    fault: str | None
    only: Only | None
    points: frozenset[GeneralName] | None


def read_lists(data: bytes) -> tuple[RevocationList, ...]:
    """The lists of PEM text or of one list in DER. KeyRefused `key.malformed` for what can't be read at all."""
    if not isinstance(data, bytes):
        raise TypeError("a snapshot of revocation lists is bytes")
    if len(data) > MAX_SNAPSHOT_BYTES:
        raise messages.key_malformed(f"a snapshot of more than {MAX_SNAPSHOT_BYTES} bytes")
    if _LONG_SEQUENCE.match(data):
        return _unlike((_read(data, pem=False, room=MAX_ENTRIES),))
    found: list[RevocationList] = []
    room = MAX_ENTRIES
    for block in _blocks(data):
        found.append(_read(block, pem=True, room=room))
        room -= len(found[-1].source)
    return _unlike(tuple(found))


def _unlike(lists: tuple[RevocationList, ...]) -> tuple[RevocationList, ...]:
    """Of two lists about the same, an old one could hide behind the new one."""
    if len({(each.issuer, each.scope) for each in lists}) != len(lists):
        raise messages.key_malformed("a snapshot with two revocation lists of one issuer about the same certificates")
    return lists


def _blocks(data: bytes) -> Iterator[bytes]:
    if b"PRIVATE KEY-----" in data:
        raise messages.key_private("a private key where revocation lists belong")
    lines = list(islice(_LINE.finditer(data), 2 * MAX_LISTS + 1))
    if not lines:
        raise messages.key_malformed("neither a revocation list in DER nor a PEM block `X509 CRL`")
    if len(lines) > 2 * MAX_LISTS:
        raise messages.key_malformed(f"a snapshot of more than {MAX_LISTS} revocation lists")
    if len(lines) % 2:
        raise messages.key_malformed("a PEM block that is not closed")
    for begin, end in zip(lines[::2], lines[1::2], strict=True):
        if (begin[1], end[1]) != (b"BEGIN", b"END") or begin[2] != end[2]:
            raise messages.key_malformed("a PEM block that is not closed")
        if begin[2] != _LABEL:
            raise messages.key_malformed("a PEM block that is no revocation list")
        yield data[begin.start() : end.end()] + b"\n"


def _read(data: bytes, *, pem: bool, room: int) -> RevocationList:
    try:
        source = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        if len(source) > room:
            raise messages.key_malformed(f"a snapshot of more than {MAX_ENTRIES} revoked certificates")
        # The last element is a BIT STRING of whole bytes: the count of unused bits, 0, and the signature. Nobody signs
        # that count, and the library passes over others.
        if not source.public_bytes(Encoding.DER).endswith(b"\0" + source.signature):  # check: C2
            raise messages.key_malformed("a revocation list whose signature is not whole bytes")
        return _understood(source)
    except KeyRefused:
        raise
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise messages.key_malformed("a revocation list that can't be read") from None


# --- what a list says -------------------------------------------------------------------------------------


def _understood(source: CertificateRevocationList) -> RevocationList:
    extensions = {each.oid: each for each in source.extensions}
    by_key = extensions.get(x509.AuthorityKeyIdentifier.oid)
    part = extensions.get(x509.IssuingDistributionPoint.oid)
    number = extensions.get(x509.CRLNumber.oid)
    revoked, entry_fault = _entries(source)
    only, points, part_fault = _part(part)
    next_update = source.next_update_utc
    return RevocationList(
        source=source,
        issuer=source.issuer.public_bytes(),
        scope=(_bytes_of(by_key), _bytes_of(part)),
        number=number.value.crl_number if number is not None and isinstance(number.value, x509.CRLNumber) else None,
        this_update=source.last_update_utc.timestamp(),
        next_update=None if next_update is None else next_update.timestamp(),
        revoked=revoked,
        fault=_list_fault(extensions.values()) or part_fault or entry_fault,
        only=only,
        points=points,
    )


def _bytes_of(extension: Extension[ExtensionType] | None) -> bytes:
    return b"" if extension is None else extension.value.public_bytes()


def _list_fault(extensions: Iterable[Extension[ExtensionType]]) -> str | None:
    """RFC 5280, section 5.2: what is critical and not understood, and what is only half a list."""
    known = {x509.AuthorityKeyIdentifier.oid, x509.CRLNumber.oid, x509.IssuingDistributionPoint.oid}
    for each in extensions:
        if each.oid == x509.DeltaCRLIndicator.oid:  # check: C4
            return "the revocation list holds only what has changed since another one"
        if each.critical and each.oid not in known:  # check: C4
            return "the revocation list has a critical extension that is not understood"
    return None


def _entries(source: CertificateRevocationList) -> tuple[frozenset[int], str | None]:
    """The serial numbers, and what is not understood about them (RFC 5280, section 5.3).

    Built once: a look-up in the list itself reads all of it.
    """
    known = {x509.CRLReason.oid, x509.InvalidityDate.oid}
    fault: str | None = None
    serials: list[int] = []
    for entry in source:
        removed = False
        for each in entry.extensions:
            if each.critical and each.oid not in known:  # check: C4
                fault = "an entry of the revocation list has a critical extension that is not understood"
            if each.oid == x509.CertificateIssuer.oid:  # check: C4
                fault = "the revocation list speaks for other issuers too"
            if isinstance(each.value, x509.CRLReason):
                removed = each.value.reason is x509.ReasonFlags.remove_from_crl
        if not removed:
            serials.append(entry.serial_number)
    return frozenset(serials), fault


def _part(
    extension: Extension[ExtensionType] | None,
) -> tuple[Only | None, frozenset[GeneralName] | None, str | None]:
    """Which part of the issuer's certificates a list speaks about (RFC 5280, section 5.2.5), and why that is no use."""
    if extension is None:
        return None, None, None
    point = cast("IssuingDistributionPoint", extension.value)
    if point.indirect_crl:  # check: C4
        return None, None, "the revocation list speaks for other issuers too"
    if point.only_some_reasons is not None:  # check: C4
        return None, None, "the revocation list knows only some of the reasons to revoke"
    if point.relative_name is not None:  # check: C4
        return None, None, "the revocation list names its place relative to its issuer"
    only: Only | None = None
    if point.only_contains_user_certs:
        only = "user"
    elif point.only_contains_ca_certs:
        only = "authority"
    elif point.only_contains_attribute_certs:
        only = "attribute"
    return only, None if point.full_name is None else frozenset(point.full_name), None


# --- which certificates it speaks about -------------------------------------------------------------------


def covers(found: RevocationList, certificate: Certificate) -> bool:
    """Whether the list is about this certificate of its issuer (RFC 5280, section 6.3.3, (b) (2))."""
    try:
        kind, points = _about(certificate)
    except Exception:  # noqa: BLE001 - fail-closed border: what can't be read is not covered
        return False
    covered = True
    if found.only is not None and found.only != kind:  # check: C4
        covered = False
    # A list for one distribution point knows nothing of the certificates that name another.
    if found.points is not None and found.points.isdisjoint(points):  # check: C4
        covered = False
    return covered


def _about(certificate: Certificate) -> tuple[Only, set[GeneralName]]:
    """User or authority, and the points where all reasons to revoke it, by its own issuer, are published."""
    kind: Only = "user"
    points: set[GeneralName] = set()
    for each in certificate.extensions:
        if isinstance(each.value, x509.BasicConstraints) and each.value.ca:
            kind = "authority"
        if isinstance(each.value, x509.CRLDistributionPoints):
            for point in each.value:
                if point.full_name is not None and point.reasons is None and point.crl_issuer is None:
                    points.update(point.full_name)
    return kind, points
