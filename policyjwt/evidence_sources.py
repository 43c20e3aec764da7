"""What judges the evidence of a policy. Input: a checked policy. Output: signers and status lists, or diagnostics.

Anchors, pinned responders and revocation lists are files below the root, read when the policy is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from policyjwt import loading_messages as say
from policyjwt.checker.compose_sections import DEFAULT_STALE
from policyjwt.checker.key_files import MAX_SNAPSHOT_BYTES
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.key_sources import Given, keys_of_source
from policyjwt.language.files import FileFault, read_file
from policyjwt.language.model import CheckedPolicy, Discovery, JwksUrl, Leaf, Revocation, Status, X5c
from policyjwt.source import Place
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from policyjwt.evidence.crl import CrlSnapshot
    from policyjwt.signers import Cover, CrlUse, Signers, StapleUse
    from policyjwt.statuses import Statuses
    from policyjwt.tokens.certificate_path import LeafBinding, PathDemand

Value = TypeVar("Value")

ASYMMETRIC = tuple(name for name, row in ALGORITHMS.items() if not row.symmetric)

DEFAULT_WINDOW = 10 * 86_400
"""From thisUpdate to nextUpdate at most, where a policy does not say: what authorities may do at the very most."""


@dataclass(slots=True)
class _Faults:
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


def signers_of(policy: CheckedPolicy, held: Mapping[str, CrlSnapshot]) -> tuple[Signers | None, list[Diagnostic]]:
    """The signers of a policy with `keys x5c`; None for other policies, or with the reasons.

    `held` are the revocation lists in force, by file: none that is older replaces them.
    """
    source = policy.signature.keys
    if not isinstance(source, X5c):
        return None, []
    from policyjwt.signers import Signers  # heavy, and only for policies with certificates

    faults = _Faults()
    path = _path_demand(policy, source, faults)
    revocation = policy.revocation if isinstance(policy.revocation, Revocation) else None
    staple = _staple(policy, revocation, faults)
    crl = _crl(policy, revocation, held, faults)
    if path is None or faults.found:
        return None, faults.found
    short_lived = revocation.short_lived.amount if revocation is not None and revocation.short_lived else None
    return Signers(path=path, staple=staple, crl=crl, short_lived=short_lived), []


def _path_demand(policy: CheckedPolicy, source: X5c, faults: _Faults) -> PathDemand | None:
    from policyjwt.tokens.certificate_path import Anchors, LeafBinding, PathDemand

    assert source.anchors is not None
    assert source.leaf is not None
    paths, leaf = source.anchors.values, source.leaf
    anchors = faults.attempt(
        source.anchors.place, lambda: Anchors.from_pem(*(_below(policy.root, path) for path in paths))
    )
    binding = faults.attempt(leaf.place, lambda: LeafBinding.make(leaf.kind, _values(leaf)))
    if anchors is None or binding is None:
        return None
    return PathDemand(
        anchors=anchors,
        leaf=binding,
        usage=source.usage.value if source.usage else None,
        depth=source.depth.amount if source.depth else None,
    )


def _staple(policy: CheckedPolicy, revocation: Revocation | None, faults: _Faults) -> StapleUse | None:
    if revocation is None or revocation.staple is None:
        return None
    from policyjwt.evidence.ocsp import StapleDemand
    from policyjwt.signers import StapleUse

    assert revocation.age is not None
    pinned, responder = None, revocation.responder
    if responder is not None:
        pinned = faults.attempt(responder.place, lambda: read_certificates(_below(policy.root, responder.value)))
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
    policy: CheckedPolicy, revocation: Revocation | None, held: Mapping[str, CrlSnapshot], faults: _Faults
) -> CrlUse | None:
    if revocation is None or revocation.crl is None:
        return None
    from policyjwt.evidence.crl import CrlDemand, CrlSnapshot
    from policyjwt.signers import CrlUse

    assert revocation.age is not None
    path = revocation.crl.value
    reference = f"{policy.root}/{path}"

    def read() -> CrlSnapshot:
        snapshot = CrlSnapshot.read(_below(policy.root, path, limit=MAX_SNAPSHOT_BYTES))
        snapshot.not_older_than(held.get(reference))
        return snapshot

    snapshot = faults.attempt(revocation.crl.place, read)
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


def _below(root: str, path: str, *, limit: int = MAX_KEY_SET_BYTES) -> bytes:
    return read_file(Path(root), path, limit=limit)


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
    policy: CheckedPolicy, keys: Mapping[str, Given], *, loaded_at: float
) -> tuple[Statuses | None, list[Diagnostic]]:
    """What judges the status of the policy's tokens; None where it demands none, or with the reasons."""
    status = policy.block.status
    if status is None:
        return None, []
    from policyjwt.evidence.status_list import StatusDemand
    from policyjwt.statuses import Statuses

    assert status.age is not None
    assert status.keys is not None
    assert status.uri is not None
    keyset, faults = keys_of_source(status.keys, policy.root, keys)
    if keyset is None:
        return None, faults
    if any(key.symmetric for key in keyset.keys):
        return None, [say.no_key_fits(status.keys.place, ASYMMETRIC)]
    demand = StatusDemand(uri=status.uri.value, max_age=status.age.amount, skew=policy.skew)
    stale_after = _stale_after(status, loaded_at)
    return Statuses(demand=demand, keys=keyset, loaded_at=loaded_at, stale_after=stale_after), []


def _stale_after(status: Status, loaded_at: float) -> float | None:
    source = status.keys
    if not isinstance(source, (JwksUrl, Discovery)):
        return None
    return loaded_at + (source.stale.amount if source.stale else DEFAULT_STALE)


# ------------------------------------------------------------------------------------------------ other issuers


def leaf_beside(other: CheckedPolicy, policy: CheckedPolicy) -> Iterator[LeafBinding]:
    """Which certificates speak for the issuer of `other`, where they may stand below the anchors of `policy` too."""
    from policyjwt.tokens.certificate_path import LeafBinding

    own, source = policy.signature.keys, other.signature.keys
    if not isinstance(own, X5c) or not isinstance(source, X5c):
        return
    if source.leaf is None or source.leaf.kind == "any" or own.anchors is None or source.anchors is None:
        return
    pinned = source.leaf.kind == "key sha256"
    if pinned or (policy.root == other.root and not set(own.anchors.values).isdisjoint(source.anchors.values)):
        with suppress(KeyRefused):  # a name that can't be read fits nothing, and keeps its own policy from loading
            yield LeafBinding.make(source.leaf.kind, _values(source.leaf))
