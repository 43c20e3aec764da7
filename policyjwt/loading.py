"""From checked policies to candidates that can judge: their keys, their store, all that they need, or diagnostics.

Only candidates need these; the other policies of a root are parsed and checked and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from policyjwt import loading_messages as say
from policyjwt.assurance import Standing, standings
from policyjwt.checker.compose_sections import DEFAULT_STALE
from policyjwt.checker.key_parties import issuer_text, party_names
from policyjwt.compiler.validator import Validator, compile_policy
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.evidence_sources import OtherLeaf, holders_of, leaf_of, signers_of, statuses_of
from policyjwt.key_sources import Given, Source, key_set, other_sources, public_file_keys, sources
from policyjwt.language.files import Files
from policyjwt.language.load import Loaded
from policyjwt.language.model import (
    CheckedPolicy,
    Discovery,
    JwksUrl,
    Replay,
)
from policyjwt.language.names import REACHES
from policyjwt.patterns.matcher import NeedsRe2
from policyjwt.recording import PolicySource, source_of
from policyjwt.replay import InspectOnly, ReplayStore
from policyjwt.requirements.paths import context_paths
from policyjwt.requirements.unbuilt import unbuilt
from policyjwt.tokens import KeySet
from policyjwt.tokens.key import Key

if TYPE_CHECKING:
    from policyjwt.evidence.crl import CrlSnapshot
    from policyjwt.holders import Holders
    from policyjwt.signers import Signers
    from policyjwt.statuses import Statuses
    from policyjwt.tokens.certificate_path import CertificatePath


Store: TypeAlias = tuple[str, str | None]
"""How far the replay store reaches, and its caller's word."""


@dataclass(frozen=True, slots=True, repr=False)
class Others:
    """What is known of the keys of other issuers: which material they have, and which certificates speak for them."""

    materials: frozenset[str]
    leaves: tuple[OtherLeaf, ...]

    def share(self, path: CertificatePath) -> bool:
        """Whether the signer's key, as its certificate shows it, is another issuer's too."""
        if self.materials and path.key.material_id in self.materials:
            return True
        return any(leaf.speaks_for(path) for leaf in self.leaves)


NO_OTHERS = Others(frozenset(), ())
OF_THE_ISSUER = frozenset({"issuer-authentication", "non-repudiation"})
"""The assurances that a key of two issuers can't give."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Candidate:
    """A policy that is ready to judge, by the `keys` of its source or by `signers` that show certificates.

    `statuses` judges whether a token was withdrawn, `holders` who presents it, None where the policy does not ask.
    `distrusted` are thumbprints that `except key` names. `loaded_at` is when the keys came, `stale_after` the
    instant past which they are no longer believed, None where they do not age. `standings` say what its mechanisms
    assure, as loaded; `source` is the text that it was made from, `store` what its nonces are remembered in.
    `shares_key` says that its key is another issuer's too; `others` is what would show that of a key that comes
    with a token.
    """

    validator: Validator
    keys: KeySet | None
    signers: Signers | None
    statuses: Statuses | None
    holders: Holders | None
    algorithms: frozenset[str]
    distrusted: frozenset[str]
    loaded_at: float
    stale_after: float | None
    standings: tuple[Standing, ...]
    established: frozenset[str]
    source: PolicySource
    store: Store | None
    shares_key: bool = False
    others: Others = NO_OTHERS

    @property
    def reads_json(self) -> bool:
        """Whether it judges tokens in the flattened JSON form: where evidence comes in the unprotected header."""
        return self.signers is not None and self.signers.staple is not None and self.signers.staple.carrier == "jades"


def candidates(
    policies: Sequence[CheckedPolicy],
    *,
    among: Sequence[CheckedPolicy],
    keys: Mapping[str, Given],
    replay: ReplayStore | None,
    now: float,
    since: dict[str, float],
    held: Mapping[str, CrlSnapshot],
    loaded: Loaded,
) -> tuple[tuple[Candidate, ...], tuple[Diagnostic, ...]]:
    """The candidates, and what keeps policies from being one.

    `among` are all policies at hand. `since` remembers when a KeySet was first handed in, by its reference: handing it
    in again makes it no younger. `held` are the revocation lists in force: an older one does not replace them. `loaded`
    is what all these were read from.
    """
    found: list[Candidate] = []
    faults: list[Diagnostic] = []
    files = Files()
    for policy in policies:
        missing = [*_unenforceable(policy), *_store_faults(policy, replay)]
        loaded_at = _loaded_at(policy, keys, now=now, since=since)
        keyset, refused = key_set(policy, keys, files)
        signers, without_evidence = signers_of(policy, held, files)
        statuses, without_lists = statuses_of(policy, keys, files, loaded_at=loaded_at)
        holders, without_holders = holders_of(policy, files)
        missing += [*refused, *without_evidence, *without_lists, *without_holders]
        if missing or (keyset is None and signers is None):
            faults.extend(missing)
            continue
        try:
            found.append(
                _candidate(
                    compile_policy(policy),
                    keyset,
                    signers,
                    statuses=statuses,
                    holders=holders,
                    replay=replay,
                    loaded_at=loaded_at,
                    source=source_of(policy, loaded, files),
                )
            )
        except NeedsRe2:
            faults.append(say.needs_extra(policy.block.place, "regex"))
    shared, candidates_ = _judge_sharing(found, among, keys, files)
    return candidates_, (*faults, *shared, *_two_readers_of_a_nonce(found))


def _two_readers_of_a_nonce(candidates_: Sequence[Candidate]) -> Iterator[Diagnostic]:
    """A service hands one nonce over, whichever policy then judges: where it is of proofs, no other may read it.

    Within one policy the checker finds this; here the proof's policy and the reader of the nonce are two.
    """
    blocks = [candidate.validator.policy.block for candidate in candidates_]
    proofs = [block for block in blocks if block.holder is not None and block.holder.nonce_required is not None]
    readers = [block for block in blocks if any(path.members[:1] == ("nonce",) for path in context_paths(block))]
    if proofs:
        yield from (say.two_readers_of_a_nonce(block.place, other=proofs[0].place) for block in readers)


def _candidate(
    validator: Validator,
    keyset: KeySet | None,
    signers: Signers | None,
    *,
    statuses: Statuses | None,
    holders: Holders | None,
    replay: ReplayStore | None,
    loaded_at: float,
    source: PolicySource,
) -> Candidate:
    policy = validator.policy
    keys = policy.signature.keys
    stale: float | None = None
    if isinstance(keys, (JwksUrl, Discovery)):
        stale = loaded_at + (keys.stale.amount if keys.stale else DEFAULT_STALE)
    given = tuple(_with_reach(standing, replay) for standing in standings(policy))
    return Candidate(
        validator=validator,
        keys=keyset,
        signers=signers,
        statuses=statuses,
        holders=holders,
        algorithms=frozenset(policy.algorithms),
        distrusted=frozenset(
            thumbprint.value for item in policy.signature.except_keys for thumbprint in item.thumbprints
        ),
        loaded_at=loaded_at,
        stale_after=stale,
        standings=given,
        established=frozenset(standing.name for standing in given if standing.given),
        source=source,
        store=None if replay is None or isinstance(replay, InspectOnly) else (replay.reach, replay.word),
    )


def _loaded_at(policy: CheckedPolicy, keys: Mapping[str, Given], *, now: float, since: dict[str, float]) -> float:
    """When the keys of a policy came: what a resolver gives is of now, a KeySet of when it was first handed in."""
    named = (*sources(policy), *other_sources(policy))
    first = [since.setdefault(s.reference, now) for s in named if isinstance(keys.get(s.reference), KeySet)]
    return min(first, default=now)


def _with_reach(standing: Standing, replay: ReplayStore | None) -> Standing:
    """Replay-protection holds as far as its store reaches, and where somebody's word stands for more, by that word."""
    if standing.name != "replay-protection" or not standing.given or replay is None:
        return standing
    where = {"process": "this process", "host": "this host", "nodes": "all nodes"}[replay.reach]
    word = f"; {replay.word}" if replay.word else ""
    return replace(standing, phrase=f"{standing.phrase}, in a store that reaches {where}{word}")


def _unenforceable(policy: CheckedPolicy) -> Iterator[Diagnostic]:
    for place, what in unbuilt(policy):
        yield say.unbuilt(place, what)


def _store_faults(policy: CheckedPolicy, replay: ReplayStore | None) -> Iterator[Diagnostic]:
    demand = policy.replay
    consumed = demand.nonce or demand.proof_once if isinstance(demand, Replay) else None
    if not isinstance(demand, Replay) or consumed is None or isinstance(replay, InspectOnly):
        return
    place = consumed.place
    wanted = demand.reaches.value if demand.reaches else "nodes"
    if replay is None:
        yield say.needs_store(place, wanted)
    elif not replay.word and REACHES.index(replay.reach) < REACHES.index(wanted):
        yield say.store_too_small(place, wanted=wanted, reach=replay.reach)


# ------------------------------------------------------------------------------------ keys under two issuers


def _judge_sharing(
    found: Sequence[Candidate], among: Sequence[CheckedPolicy], keys: Mapping[str, Given], files: Files
) -> tuple[tuple[Diagnostic, ...], tuple[Candidate, ...]]:
    """One key under two issuers: an error for a secret; of a public key it takes issuer-authentication away.

    `among` are all policies, candidates or not: a key of an issuer that is trusted at another door is shared too.
    """
    loaded = {each.validator.policy.name: each.keys.keys for each in found if each.keys is not None}
    parties = party_names(policy.block for policy in among)
    users: dict[str, set[str]] = {}
    marks: dict[str, frozenset[str]] = {}
    for policy in among:
        marks[policy.name] = _marks(policy, loaded.get(policy.name), keys, files)
        for mark in marks[policy.name]:
            users.setdefault(mark, set()).add(parties[issuer_text(policy.block)])
    faults: list[Diagnostic] = []
    kept: list[Candidate] = []
    for candidate in found:
        policy = candidate.validator.policy
        if all(len(users[mark]) == 1 for mark in marks[policy.name]):
            kept.append(_beside(candidate, among, marks, parties, files))
            continue
        if any(algorithm.startswith("HS") for algorithm in policy.algorithms):
            faults.append(say.secret_under_two_issuers(policy.signature.place))
            continue
        lost = [p for p in policy.block.assures if p.assurance in OF_THE_ISSUER]
        faults.extend(say.promise_lost(promise.place, promise.assurance) for promise in lost)
        if not lost:
            kept.append(without_issuer_authentication(candidate))
    return tuple(faults), tuple(kept)


def _beside(
    candidate: Candidate,
    among: Sequence[CheckedPolicy],
    marks: Mapping[str, frozenset[str]],
    parties: Mapping[str, str],
    files: Files,
) -> Candidate:
    """With what is known of the other issuers, by which a certificate that comes with a token is judged."""
    policy = candidate.validator.policy
    if candidate.signers is None:
        return candidate
    own = parties[issuer_text(policy.block)]
    others = [each for each in among if parties[issuer_text(each.block)] != own]
    materials = frozenset(mark for other in others for mark in marks[other.name])
    leaves = (leaf_of(other, files) for other in others)
    return replace(candidate, others=Others(materials, tuple(leaf for leaf in leaves if leaf is not None)))


def _marks(
    policy: CheckedPolicy, loaded: tuple[Key, ...] | None, keys: Mapping[str, Given], files: Files
) -> frozenset[str]:
    """What two policies have in common if they have a key in common: its material, or where it comes from."""
    own = tuple(sources(policy))
    marks = {f"{policy.root} {s.reference}" if s.reference.startswith("file:") else s.reference for s in own}
    if loaded is None:
        loaded = tuple(
            key for source in own for key in _at_hand(source, policy.root, keys.get(source.reference), files)
        )
    return frozenset(marks | {key.material_id for key in loaded})


def _at_hand(source: Source, root: str, given: Given | None, files: Files) -> tuple[Key, ...]:
    """The keys of a policy that is no candidate, as far as they are in memory already, or in a public file."""
    if isinstance(given, KeySet):
        return given.keys
    with suppress(KeyRefused):  # too weak, or not to be read: no candidate could use them either
        if isinstance(given, bytes):
            return KeySet.from_secret(given).keys
        if given is None:
            return public_file_keys(source, root, files)
    return ()


def without_issuer_authentication(candidate: Candidate) -> Candidate:
    """The candidate, its key being another issuer's too."""
    standings_ = standings_of_a_shared_key(candidate.standings)
    left = candidate.established - OF_THE_ISSUER
    return replace(candidate, standings=standings_, established=left, shares_key=True)


def standings_of_a_shared_key(given: Sequence[Standing]) -> tuple[Standing, ...]:
    """What is assured by a key that is another issuer's too."""
    return tuple(
        replace(standing, given=False, phrase="another issuer's policy has the same key")
        if standing.name in OF_THE_ISSUER and standing.given
        else standing
        for standing in given
    )
