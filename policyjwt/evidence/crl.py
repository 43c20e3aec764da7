"""Revocation lists. Input: a snapshot, a validated path, the moment. Output: authentic lists, or TokenRefused `crl.…`.

RFC 5280, section 6.3. What no clock decides is done by `authenticate`, the rest by `judge_times`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from types import MappingProxyType
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, CertificateRevocationList

from policyjwt.errors import TokenRefused
from policyjwt.evidence import crl_messages as say
from policyjwt.evidence.crl_snapshot import RevocationList, covers, read_lists
from policyjwt.spans import span

_MAX_CHECKED: Final = 256
"""Signature checks remembered for a snapshot: one for each list and key of an issuer."""

_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})
_WITHOUT_HASH: Final = frozenset({"1.3.101.112", "1.3.101.113"})
"""Ed25519 and Ed448."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlDemand:
    """What a policy demands of lists. `max_age` is the latency of revocation, in seconds."""

    max_age: float
    skew: float = 0
    next_update_needed: bool = True


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class AuthenticList:
    """A list whose issuer and signature are right, and which speaks about a certificate of the path."""

    this_update: float
    next_update: float | None
    number: int | None
    revoked: frozenset[int]

    def __repr__(self) -> str:
        return "<AuthenticList>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CrlSnapshot:
    """The revocation lists of one policy. Immutable to its users, thread-safe.

    `numbers` has the highest CRLNumber of each issuer (by the DER of its name), where its lists have numbers.
    """

    _lists: Mapping[bytes, tuple[RevocationList, ...]]
    numbers: Mapping[bytes, int]
    _checked: dict[tuple[RevocationList, bytes], bool] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def read(cls, data: bytes) -> CrlSnapshot:
        """A snapshot of PEM blocks `X509 CRL`, or of one list in DER. KeyRefused for what can't be read at all."""
        lists: dict[bytes, tuple[RevocationList, ...]] = {}
        for each in read_lists(data):
            lists[each.issuer] = (*lists.get(each.issuer, ()), each)
        numbered = {
            issuer: [each.number for each in found if each.number is not None] for issuer, found in lists.items()
        }
        numbers = {issuer: max(found) for issuer, found in numbered.items() if found}
        return cls(MappingProxyType(lists), MappingProxyType(numbers))

    def not_older_than(self, held: CrlSnapshot | None) -> None:
        """TokenRefused `crl.rollback` where an issuer's list is older than the one that was held before.

        An issuer that vanished is refused too: else taking a list away and putting an old one there later would
        undo a revocation in two steps.
        """
        for issuer, before in (held._lists if held is not None else {}).items():
            found = self._lists.get(issuer, ())
            if not found:  # check: C6
                raise say.rollback(actual="the new snapshot has no list of an issuer that the one before covered")
            for each in found:
                _not_older(each, before)
            for each in before:
                _not_taken_away(each, found)

    def __repr__(self) -> str:
        return f"<CrlSnapshot of {sum(map(len, self._lists.values()))}>"

    def _about(self, certificate: Certificate, issuer: Certificate, *, leaf: bool) -> list[AuthenticList]:
        """The lists of `issuer` that speak about `certificate`, none of which names it."""
        named = self._lists.get(certificate.issuer.public_bytes(), ())
        if not named:  # check: C1
            raise say.missing(actual="the snapshot has no revocation list of an issuer on the certificate path")
        if not _may_sign_lists(issuer):  # check: C2
            raise say.bad_signature(actual="the issuer's certificate does not allow its key to sign revocation lists")
        authentic = [each for each in named if self._signed(each, issuer)]
        if not authentic:  # check: C2
            raise say.bad_signature(
                actual="no revocation list in the issuer's name has a signature of its key that is accepted"
            )
        about = [each for each in authentic if covers(each, certificate)]
        faults = [each.fault for each in authentic if each.fault is not None]
        if any(each.fault is None and certificate.serial_number in each.revoked for each in about):  # check: C5
            raise say.revoked(leaf=leaf)
        if faults:  # check: C4
            raise say.unsupported(actual=faults[0])
        if not about:  # check: C4
            raise say.unsupported(actual="the revocation list of the issuer is about other certificates of it")
        return [
            AuthenticList(
                this_update=each.this_update, next_update=each.next_update, number=each.number, revoked=each.revoked
            )
            for each in about
        ]

    def _signed(self, found: RevocationList, issuer: Certificate) -> bool:
        """Whether the key of `issuer` signed the list. Checked once: a long list takes long to hash, good or bad."""
        key = found, _fingerprint(issuer)
        with self._lock:
            known = self._checked.get(key)
        if known is not None:
            return known
        signed = _verifies(found.source, issuer)
        with self._lock:
            self._checked.pop(key, None)  # another thread may have been first
            while len(self._checked) >= _MAX_CHECKED:
                del self._checked[next(iter(self._checked))]
            self._checked[key] = signed
        return signed


def authenticate(
    snapshot: CrlSnapshot, path: Sequence[Certificate], *, cover: Literal["leaf", "chain"]
) -> tuple[AuthenticList, ...]:
    """The authentic lists about the covered certificates of a validated path, leaf first and anchor last.

    `leaf` covers the first, `chain` all but the anchor. TokenRefused `crl.missing`, `bad_signature`,
    `unsupported`, `revoked`; that one of them is revoked is told before whatever is wrong with other lists.
    """
    if len(path) < 2:  # check: C1
        raise say.missing(actual="the certificate path has no issuer whose revocation list could be asked")
    refused: TokenRefused | None = None
    found: list[AuthenticList] = []
    for at in range(1 if cover == "leaf" else len(path) - 1):
        try:
            found.extend(snapshot._about(path[at], path[at + 1], leaf=at == 0))
        except TokenRefused as why:
            if why.code == "crl.revoked":
                raise
            refused = refused or why
    if refused is not None:
        raise refused
    return tuple(found)


def judge_times(lists: Sequence[AuthenticList], demand: CrlDemand, *, now: float) -> float:
    """The instant at which this judgement turns.

    TokenRefused `crl.not_yet_valid`, `no_next_update`, `expired`, `stale`. Each comparison is written so that no
    number at all, a NaN, refuses.
    """
    if not lists:  # check: C1
        raise say.missing(actual="there is no revocation list to judge")
    skew, turns = demand.skew, []
    for each in lists:
        if not each.this_update <= now + skew:  # check: C3
            raise say.not_yet_valid(ahead=each.this_update - now, skew=skew)
        if each.next_update is None and demand.next_update_needed:  # check: C3
            raise say.no_next_update()
        if each.next_update is not None and not now <= each.next_update + skew:  # check: C3
            raise say.expired(late=now - each.next_update, skew=skew)
        if not now - each.this_update <= demand.max_age + skew:  # check: C3
            raise say.stale(age=now - each.this_update, most=demand.max_age, skew=skew)
        turns.append(each.this_update + demand.max_age + skew)
        if each.next_update is not None:
            turns.append(each.next_update + skew)
    return min(turns)


# --- who signed -------------------------------------------------------------------------------------------


def _may_sign_lists(issuer: Certificate) -> bool:
    """RFC 5280, section 6.3.3, (f). A certificate without keyUsage says nothing, and so allows nothing."""
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except Exception:  # noqa: BLE001 - fail-closed border: absent or unreadable
        return False


def _fingerprint(certificate: Certificate) -> bytes:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def _verifies(source: CertificateRevocationList, issuer: Certificate) -> bool:
    """RFC 5280, section 6.3.3, (g), by an algorithm that nobody can forge."""
    try:
        if not _is_strong(source):  # check: C2
            return False
        # The type checker knows the keys that can sign; the library refuses others with TypeError.
        return source.is_signature_valid(issuer.public_key()) is True  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        return False


def _is_strong(source: CertificateRevocationList) -> bool:
    if source.signature_algorithm_oid.dotted_string in _WITHOUT_HASH:
        return True
    algorithm = source.signature_hash_algorithm
    return algorithm is not None and algorithm.name in _HASHES


# --- older or not -----------------------------------------------------------------------------------------


def _not_older(found: RevocationList, before: Sequence[RevocationList]) -> None:
    """Compares a list with the one of its scope that was held `before`, or else with the newest of that issuer.

    An issuer that changes its key or its partition begins a new row of numbers: only times compare across.
    """
    same = [each for each in before if each.scope == found.scope]
    for each in same:
        if each.number is not None and (found.number is None or found.number < each.number):  # check: C6
            raise say.rollback(actual="a revocation list has a lower number than the one that was held before, or none")
    floor = max(each.this_update for each in same or before)
    if found.this_update < floor:  # check: C6
        raise say.rollback(actual=f"a revocation list was made {span(floor - found.this_update)} before the one held")


def _not_taken_away(before: RevocationList, found: Sequence[RevocationList]) -> None:
    """A list of a part of the issuer's certificates may go only where a newer one of that issuer comes.

    Else taking it away, and putting an old one there later, would undo a revocation in two steps.
    """
    if any(each.scope == before.scope for each in found):
        return
    if max(each.this_update for each in found) < before.this_update:  # check: C6
        raise say.rollback(actual="a revocation list is gone, and no newer one of its issuer has come")
