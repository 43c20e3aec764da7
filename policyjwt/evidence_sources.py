"""What judges the evidence of a policy. Input: a checked policy. Output: signers and status lists, or diagnostics.

Anchors, pinned responders and revocation lists are files below the root, read when the policy is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from policyjwt import loading_messages as say
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.language.files import FileFault, Files
from policyjwt.language.model import CheckedPolicy, Holder, Leaf, Revocation, X5c
from policyjwt.source import Place
from policyjwt.tokens.algorithms import ASYMMETRIC

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from policyjwt.evidence.crl import CrlSnapshot
    from policyjwt.holders import Holders
    from policyjwt.signers import Cover, CrlUse, Signers, StapleUse
    from policyjwt.statuses import Statuses
    from policyjwt.tokens import KeySet
    from policyjwt.tokens.certificate_path import Anchors, CertificatePath, LeafBinding, PathDemand

Value = TypeVar("Value")


DEFAULT_WINDOW = 10 * 86_400
"""From thisUpdate to nextUpdate at most, where a policy does not say: what authorities may do at the very most."""


@dataclass(slots=True)
class _Loading:
    files: Files
    found: list[Diagnostic] = field(default_factory=list)

    def attempt(self, place: Place, read: Callable[[], Value]) -> Value | None:
        """What `read` gives; what it refuses becomes a diagnostic at `place`."""
        try:
            return read()
        except KeyRefused as refused:
            self.found.append(say.key_refused(place, refused))
        except FileFault as fault:
            self.found.append(say.key_refused(place, KeyRefused("key.not_found", fault.message, help=fault.help)))
        except TokenRefused as refused:
            self.found.append(say.snapshot_refused(place, refused))
        return None


def signers_of(
    policy: CheckedPolicy, held: Mapping[str, CrlSnapshot], files: Files
) -> tuple[Signers | None, list[Diagnostic]]:
    """The signers of a policy with `keys x5c`; None for other policies, or with the reasons.

    `held` are the revocation lists in force, by file: none that is older replaces them.
    """
    source = policy.signature.keys
    if not isinstance(source, X5c):
        return None, []
    from policyjwt.signers import Signers  # heavy, and only for policies with certificates

    loading = _Loading(files)
    path = _path_demand(policy, source, loading)
    revocation = policy.revocation if isinstance(policy.revocation, Revocation) else None
    staple = _staple(policy, revocation, loading)
    crl = _crl(policy, revocation, held, loading)
    if path is None or loading.found:
        return None, loading.found
    short_lived = revocation.short_lived.amount if revocation is not None and revocation.short_lived else None
    return Signers(path=path, staple=staple, crl=crl, short_lived=short_lived), []


def _path_demand(policy: CheckedPolicy, source: X5c, loading: _Loading) -> PathDemand | None:
    from policyjwt.tokens.certificate_path import Anchors, LeafBinding, PathDemand

    assert source.anchors is not None
    assert source.leaf is not None
    paths, leaf = source.anchors.values, source.leaf
    anchors = loading.attempt(
        source.anchors.place,
        lambda: Anchors.from_pem(*(loading.files.read(policy.root, path) for path in paths)),
    )
    binding = loading.attempt(leaf.place, lambda: LeafBinding.make(leaf.kind, _values(leaf)))
    if anchors is None or binding is None:
        return None
    return PathDemand(
        anchors=anchors,
        leaf=binding,
        usage=source.usage.value if source.usage else None,
        depth=source.depth.amount if source.depth else None,
    )


def _staple(policy: CheckedPolicy, revocation: Revocation | None, loading: _Loading) -> StapleUse | None:
    if revocation is None or revocation.staple is None:
        return None
    from policyjwt.evidence.ocsp import StapleDemand
    from policyjwt.signers import StapleUse

    assert revocation.age is not None
    pinned, responder = None, revocation.responder
    if responder is not None:
        pinned = loading.attempt(
            responder.place,
            lambda: read_certificates(loading.files.read(policy.root, responder.value)),
        )
    demand = StapleDemand(
        max_age=revocation.age.amount,
        skew=policy.skew,
        max_window=revocation.window.amount if revocation.window else DEFAULT_WINDOW,
        next_update_needed=revocation.without_next_update is None,
        nocheck_needed=revocation.without_nocheck is None,
        pinned=pinned or (),
        after_token=revocation.after_token is not None,
    )
    name = revocation.staple.header.value if revocation.staple.header else None
    return StapleUse(carrier=revocation.staple.carrier, name=name, cover=_cover(revocation), demand=demand)


def _crl(
    policy: CheckedPolicy, revocation: Revocation | None, held: Mapping[str, CrlSnapshot], loading: _Loading
) -> CrlUse | None:
    if revocation is None or revocation.crl is None:
        return None
    from policyjwt.evidence.crl import CrlDemand, CrlSnapshot
    from policyjwt.evidence.crl_snapshot import MAX_SNAPSHOT_BYTES
    from policyjwt.signers import CrlUse

    assert revocation.age is not None
    path = revocation.crl.value
    reference = f"{policy.root}/{path}"

    def read() -> CrlSnapshot:
        snapshot = CrlSnapshot.read(loading.files.read(policy.root, path, limit=MAX_SNAPSHOT_BYTES))
        snapshot.not_older_than(held.get(reference))
        return snapshot

    snapshot = loading.attempt(revocation.crl.place, read)
    if snapshot is None:
        return None
    demand = CrlDemand(
        max_age=revocation.age.amount,
        skew=policy.skew,
        next_update_needed=revocation.without_next_update is None,
    )
    return CrlUse(reference=reference, snapshot=snapshot, cover=_cover(revocation), demand=demand)


def _cover(revocation: Revocation) -> Cover:
    return cast("Literal['leaf', 'chain']", revocation.cover.value) if revocation.cover is not None else "chain"


def read_certificates(data: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM file. KeyRefused where none can be read."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return tuple(load_pem_x509_certificates(data))
    except ValueError:
        raise KeyRefused("key.malformed", "a file in which no certificate can be read") from None


def _values(leaf: Leaf) -> frozenset[str]:
    return frozenset(name.value for name in leaf.values)


# ------------------------------------------------------------------------------------------------ status lists


def statuses_of(
    policy: CheckedPolicy, keys: KeySet, *, at: float, stale_after: float | None, withdrawn: frozenset[str]
) -> Statuses:
    """What judges the status of the policy's tokens. The keys came at `at`; KeyRefused where none is public."""
    from policyjwt.evidence.status_list import StatusDemand
    from policyjwt.statuses import Statuses
    from policyjwt.tokens import KeySet

    status = policy.block.status
    assert status is not None
    assert status.age is not None
    assert status.uri is not None
    if any(key.symmetric for key in keys.keys):
        raise KeyRefused("key.usage", "a shared secret as the key of a status list, which anybody could then write")
    demand = StatusDemand(uri=status.uri.value, max_age=status.age.amount, skew=policy.skew)
    left = tuple(key for key in keys.keys if key.material_id not in withdrawn)
    believed = KeySet(left) if left else None
    return Statuses(demand=demand, keys=believed, loaded_at=at, stale_after=stale_after)


# ------------------------------------------------------------------------------------------------ holders


def holders_of(policy: CheckedPolicy, files: Files) -> tuple[Holders | None, list[Diagnostic]]:
    """What judges who presents a token; None where the policy does not ask, or with the reasons."""
    holder = policy.holder
    if not isinstance(holder, Holder):
        return None, []
    from policyjwt.holders import DpopHolders, MtlsHolders

    if holder.kind == "dpop":
        from policyjwt.evidence.dpop import DEFAULT_MAX_AGE, ProofDemand

        demand = ProofDemand(
            algorithms=frozenset(holder.algorithms.values if holder.algorithms else ASYMMETRIC),
            max_age=holder.age.amount if holder.age else DEFAULT_MAX_AGE,
            skew=policy.skew,
            nonce_required=holder.nonce_required is not None,
        )
        return DpopHolders(demand), []
    named, loading = holder.anchors, _Loading(files)
    if named is None:
        return MtlsHolders(None), []
    from policyjwt.tokens.anchors import Anchors

    anchors = loading.attempt(
        named.place, lambda: Anchors.from_pem(*(files.read(policy.root, path) for path in named.values))
    )
    return (None, loading.found) if anchors is None else (MtlsHolders(anchors), [])


# ------------------------------------------------------------------------------------------------ other issuers


@dataclass(frozen=True, slots=True, repr=False)
class OtherLeaf:
    """Which certificates speak for another issuer: those that fit below one of its anchors."""

    binding: LeafBinding
    anchors: Anchors | None

    def speaks_for(self, path: CertificatePath) -> bool:
        """Whether the signer of `path` is one of them. Anchors that can't be read are taken for these."""
        if not self.binding.fits(path.certificates[0], path.key):
            return False
        if self.anchors is None:
            return True
        # An anchor is a name and a key (RFC 5280, section 6.1.1, d), whatever file or certificate it stands in.
        own = {(each.subject, _key_of(each)) for each in path.certificates[1:]}
        others = {(each.subject, _key_of(each)) for each in self.anchors.certificates}
        above = {each.subject for each in self.anchors.certificates}
        return not own.isdisjoint(others) or path.certificates[-1].issuer in above


def _key_of(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def leaf_of(other: CheckedPolicy, files: Files) -> OtherLeaf | None:
    """Which certificates speak for the issuer of `other`; None where none does by name."""
    from policyjwt.tokens.certificate_path import Anchors, LeafBinding

    source = other.signature.keys
    if not isinstance(source, X5c) or source.leaf is None or source.leaf.kind == "any" or source.anchors is None:
        return None
    anchors = None
    with suppress(KeyRefused, FileFault):
        anchors = Anchors.from_pem(*(files.read(other.root, path) for path in source.anchors.values))
    try:
        return OtherLeaf(LeafBinding.make(source.leaf.kind, _values(source.leaf)), anchors)
    except KeyRefused:  # a name that can't be read fits nothing, and keeps its own policy from loading
        return None
