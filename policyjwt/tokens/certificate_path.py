"""Certificate paths. Input: a decoded header, what a policy demands. Output: CertificatePath, or TokenRefused `x5c.…`.

RFC 5280, section 6, by `cryptography`; what it leaves open is decided here: order, the leaf's key, usages,
name constraints, and who the leaf belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.x509 import Certificate, verification
from cryptography.x509.verification import ClientVerifier, Criticality, ExtensionPolicy, Store

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.spans import span
from policyjwt.tokens import certificate_facts, x5c, x5c_messages
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.anchors import Anchors
from policyjwt.tokens.authorities import Authorities
from policyjwt.tokens.key import Key, from_public_key
from policyjwt.tokens.leaf_binding import LeafBinding
from policyjwt.tokens.path_checks import check_constraints, check_profile, check_usages
from policyjwt.tokens.path_faults import fault_of, has_issued

__all__ = ["Anchors", "CertificatePath", "LeafBinding", "PathDemand", "find_path", "holds_at"]

DEFAULT_DEPTH: Final = x5c.MAX_CERTIFICATES - 1
"""Where a policy names none, `x5c` itself is the limit: all that it can hold besides the leaf."""

MAX_SIDE_ISSUERS: Final = 2
"""Certificates that have an issuer's name and are not the next: as many as one roll-over of an authority makes."""

_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_PSS: Final = frozenset(row.name for row in ALGORITHMS.values() if row.padding == "PSS")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathDemand:
    """What a policy wants of a path.

    `usage` is the extended key usage that the leaf must have, as a dotted OID; `depth` how many certificates may
    stand between leaf and anchor. None: not named.
    """

    anchors: Anchors
    leaf: LeafBinding
    usage: str | None
    depth: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CertificatePath:
    """A path that was valid, leaf first, anchor last. It holds from `not_before` to `not_after`, both included.

    These are the latest beginning and the earliest end of all its certificates. `facts` is what rules may read.
    """

    certificates: tuple[Certificate, ...]
    key: Key
    not_before: float
    not_after: float
    _facts: list[Mapping[str, object]] = field(default_factory=list)

    @property
    def facts(self) -> Mapping[str, object]:
        """The members of `certificate`. Made when first asked for: most policies do not ask."""
        if not self._facts:
            self._facts.append(certificate_facts.facts(self.certificates))
        return self._facts[0]


def holds_at(path: CertificatePath, now: float) -> bool:
    """Whether each certificate of a path is within its time. RFC 5280, section 4.1.2.5: both ends count."""
    return path.not_before <= now <= path.not_after


def find_path(
    header: Mapping[str, object], demand: PathDemand, *, alg: str, now: float, known: Authorities | None = None
) -> CertificatePath:
    """The path from the first certificate of `x5c` to an anchor, judged in this order. TokenRefused `x5c.…`.

    `known` stood above another leaf of the same policy: whatever depends on this leaf, or on the time, is judged anew.
    """
    read_before = known.read if known is not None else x5c.NONE_KNOWN
    certificates = x5c.read(header, known=read_before)  # 1. form, limits, thumbprints: J6, J7
    leaf = certificates[0]
    key = _leaf_key(leaf, alg)  # 2. the key that is to verify: J8, J9
    if leaf in demand.anchors.certificates:  # check: P3
        raise x5c_messages.leaf_is_anchor()
    _check_order(certificates)  # 3. one path and nothing else
    chain = _validated(certificates, demand, known, now=now)  # 4. RFC 5280, section 6
    _check_rest(certificates, chain)
    check_profile(chain)  # 5. what the library leaves to us
    check_usages(chain, demand.usage)
    check_constraints(chain)
    depth = DEFAULT_DEPTH if demand.depth is None else demand.depth
    if len(chain) - 2 > depth:  # check: P6
        raise x5c_messages.path_invalid(
            actual=f"{len(chain) - 2} certificates stand between the signer's and the anchor; at most {depth} may"
        )
    path = CertificatePath(
        certificates=chain,
        key=key,
        not_before=max(each.not_valid_before_utc.timestamp() for each in chain),
        not_after=min(each.not_valid_after_utc.timestamp() for each in chain),
    )
    if not holds_at(path, now):  # check: P2
        # The library compares whole seconds; a remembered path must not be judged otherwise than a new one.
        raise x5c_messages.path_invalid(actual=f"a certificate expired {span(now - path.not_after)} ago")
    if not demand.leaf.fits(leaf, key):  # check: P9
        raise x5c_messages.identity_mismatch(kind=demand.leaf.words)
    return path


# --- the leaf's key ---------------------------------------------------------------------------------------


def _leaf_key(leaf: Certificate, alg: str) -> Key:
    """The verifier of `cryptography` does not look at the leaf's own key: RSA-1024 and secp256k1 pass it."""
    only = _PSS if leaf.public_key_algorithm_oid.dotted_string == _RSA_PSS else None
    try:
        key = from_public_key(leaf.public_key(), reference="x5c", only=only)
    except KeyRefused as refused:
        if refused.code != "key.usage":  # check: J9
            raise x5c_messages.key_weak(actual=refused.message) from None
        raise x5c_messages.key_alg_mismatch(alg=alg) from None
    if alg not in key.algorithms:  # check: J8
        raise x5c_messages.key_alg_mismatch(alg=alg)
    return key


# --- order ------------------------------------------------------------------------------------------------


def _check_order(certificates: Sequence[Certificate]) -> None:
    """RFC 7515, section 4.1.6: each certifies the one before it; so there is one path, and it is short to find.

    Path building is the costly part (x509-limbo's `pathological`): where names repeat, every certificate may be
    tried as the issuer of every other. So names may repeat only a little, and none but the next may fit.
    """
    leaf = certificates[0]
    if leaf.issuer == leaf.subject and has_issued(leaf, leaf):  # check: P1
        raise x5c_messages.path_invalid(actual="the signer's certificate has signed itself")
    for number, (below, above) in enumerate(pairwise(certificates), start=1):
        if below.issuer != above.subject:  # check: P1
            raise x5c_messages.path_invalid(
                actual=f"{x5c.place(number)} is not the issuer of the one before it",
                help="each certificate of `x5c` certifies the one before it; the root may be left out",
            )
    if len(set(certificates)) != len(certificates):  # check: P1
        raise x5c_messages.path_invalid(actual="`x5c` holds the same certificate twice")
    last = len(certificates) - 1
    side_issuers = [
        (each, other)
        for index, each in enumerate(certificates)
        for position, other in enumerate(certificates)
        if position not in (0, index + 1) and (index, position) != (last, last) and each.issuer == other.subject
    ]
    if len(side_issuers) > MAX_SIDE_ISSUERS:  # check: P1
        raise x5c_messages.path_invalid(actual="too many certificates of `x5c` have one name")
    for each, other in side_issuers:
        if has_issued(other, each):  # check: P1
            raise x5c_messages.path_invalid(actual="the certificates of `x5c` form more than one path, or a circle")


def _check_rest(certificates: Sequence[Certificate], chain: Sequence[Certificate]) -> None:
    """What `x5c` holds beyond the path, which may end in an anchor before it does, has signed what stands before it.

    One that only bears the name of an issuer certifies nothing, and has no business there.
    """
    for below, above in pairwise(certificates):
        if above not in chain and not has_issued(above, below):  # check: P1
            raise x5c_messages.path_invalid(actual="`x5c` holds a certificate that has not signed the one before it")


# --- RFC 5280, section 6 ----------------------------------------------------------------------------------


def _validated(
    certificates: Sequence[Certificate], demand: PathDemand, known: Authorities | None, *, now: float
) -> tuple[Certificate, ...]:
    """The path that `cryptography` finds; where it finds none, a refusal with a reason that we see ourselves."""
    if known is not None and known.stand_above(certificates, demand.anchors, now=now):
        chain = _below(known, certificates[0], now=now)
        if chain is not None:
            return chain
    leaf, *others = certificates
    if others and others[-1].issuer == others[-1].subject and has_issued(others[-1], others[-1]):
        others.pop()  # a root: an anchor by itself, or nothing
    anchors = demand.anchors

    def verified() -> tuple[Certificate, ...]:
        try:
            return tuple(_verifier(anchors.store, now=now).verify(leaf, others).chain)
        except verification.VerificationError:
            actual = fault_of(certificates, anchors.certificates, now=now)
            raise x5c_messages.path_invalid(actual=actual) from None

    return x5c.guarded(verified, lambda: x5c_messages.path_invalid(actual="the path can't be verified"))


def _below(known: Authorities, leaf: Certificate, *, now: float) -> tuple[Certificate, ...] | None:
    """The path, if the first of the authorities has signed the leaf. None: then all of it is judged, and says why."""
    try:
        found = x5c.guarded(
            lambda: _verifier(known.store, now=now).verify(leaf, []).chain,
            lambda: x5c_messages.path_invalid(actual="not verified"),
        )
    except TokenRefused:
        return None
    return (leaf, *known.chain) if found == [leaf, known.chain[0]] else None


def _verifier(store: Store, *, now: float) -> ClientVerifier:
    return (
        verification.PolicyBuilder()
        .store(store)
        .time(datetime.fromtimestamp(now, UTC))
        .max_chain_depth(DEFAULT_DEPTH)
        .extension_policies(ee_policy=_leaf_policy(), ca_policy=_authority_policy())
        .build_client_verifier()
    )


@cache
def _leaf_policy() -> ExtensionPolicy:
    """As for a web client, but without its alternative name and its usages: those are judged by `check_usages`."""
    agnostic = Criticality.AGNOSTIC
    return (
        ExtensionPolicy.webpki_defaults_ee()
        .may_be_present(x509.SubjectAlternativeName, agnostic, None)
        .may_be_present(x509.ExtendedKeyUsage, agnostic, None)
    )


@cache
def _authority_policy() -> ExtensionPolicy:
    """As for an authority of the web, but that its extended key usage need not name web clients."""
    return ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
