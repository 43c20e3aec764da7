"""From checked policies to candidates that can judge: their keys, their store, all that they need, or diagnostics.

Only candidates need these; the other policies of a root are parsed and checked and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policyjwt import loading_messages as say
from policyjwt.assurance import Standing, standings
from policyjwt.candidate import Candidate, Sources
from policyjwt.checker.compose_sections import DEFAULT_STALE
from policyjwt.compiler.validator import Validator, compile_policy
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.evidence_sources import holders_of, signers_of, statuses_of
from policyjwt.key_separation import Assembly, assemble
from policyjwt.key_sources import (
    Listed,
    Obtained,
    Sourced,
    Supply,
    decrypting_keys,
    decryption_sources,
    renewed,
    renewed_decryption,
    signature_sources,
    status_sources,
    together,
    verifying_keys,
)
from policyjwt.language.load import Loaded
from policyjwt.language.model import CheckedPolicy, Discovery, JwksUrl, KeySource, Replay, X5c
from policyjwt.language.names import REACHES
from policyjwt.patterns.matcher import NeedsRe2
from policyjwt.recipients import Recipient
from policyjwt.recording import source_of
from policyjwt.replay import InspectOnly, ReplayStore
from policyjwt.requirements.paths import context_paths
from policyjwt.requirements.unbuilt import unbuilt
from policyjwt.tokens import DecryptionKeySet, KeySet
from policyjwt.tokens.key import Key

if TYPE_CHECKING:
    from policyjwt.evidence.crl import CrlSnapshot
    from policyjwt.statuses import Statuses


def candidates(
    policies: Sequence[CheckedPolicy],
    *,
    among: Sequence[CheckedPolicy],
    supply: Supply,
    replay: ReplayStore | None,
    held: Mapping[str, CrlSnapshot],
    loaded: Loaded,
) -> tuple[Assembly, tuple[Diagnostic, ...]]:
    """The candidates, to be compared yet, and what keeps policies from being one.

    `among` are all policies at hand. `held` are the revocation lists in force: an older one does not replace them.
    `loaded` is what all these were read from.
    """
    found: list[Candidate] = []
    faults: list[Diagnostic] = []
    for policy in policies:
        candidate, missing = _candidate(policy, supply, replay, held, loaded)
        faults.extend(missing)
        if candidate is not None:
            found.append(candidate)
    return assemble(found, among, supply), (*faults, *_two_readers_of_a_nonce(found))


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
    policy: CheckedPolicy,
    supply: Supply,
    replay: ReplayStore | None,
    held: Mapping[str, CrlSnapshot],
    loaded: Loaded,
) -> tuple[Candidate | None, list[Diagnostic]]:
    missing = [*_unenforceable(policy), *_store_faults(policy, replay)]
    sources, refused = _sources(policy, supply)
    signers, without_evidence = signers_of(policy, held, supply.files)
    holders, without_holders = holders_of(policy, supply.files)
    missing += [*refused, *without_evidence, *without_holders]
    validator, without_extra = _compiled(policy)
    missing += without_extra
    if missing or validator is None:
        return None, missing
    try:
        keys = _keys(policy, sources, now=supply.now)
    except _Unfit as unfit:
        return None, [unfit.diagnostic]
    given = tuple(_with_reach(standing, replay) for standing in standings(policy))
    return Candidate(
        validator=validator,
        keys=keys.keys,
        withdrawn=keys.withdrawn,
        signers=signers,
        statuses=keys.statuses,
        holders=holders,
        recipient=keys.recipient,
        sources=sources,
        algorithms=frozenset(policy.algorithms),
        distrusted=frozenset(
            thumbprint.value for item in policy.signature.except_keys for thumbprint in item.thumbprints
        ),
        loaded_at=keys.loaded_at,
        stale_after=keys.stale_after,
        standings=given,
        established=frozenset(standing.name for standing in given if standing.given),
        source=source_of(policy, loaded, supply.files),
        store=None if replay is None or isinstance(replay, InspectOnly) else (replay.reach, replay.word),
    ), []


def _compiled(policy: CheckedPolicy) -> tuple[Validator | None, list[Diagnostic]]:
    try:
        return compile_policy(policy), []
    except NeedsRe2:
        return None, [say.needs_extra(policy.block.place, "regex")]


# ------------------------------------------------------------------------------------------------ keys


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Keys:
    """What a candidate judges by, made of the keys of its sources."""

    keys: KeySet | None
    withdrawn: frozenset[str]
    statuses: Statuses | None
    recipient: Recipient | None
    loaded_at: float
    stale_after: float | None


class _Unfit(Exception):  # noqa: N818 - never leaves this module
    """Keys that can't be used together, or for this policy."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__()


def renew(assembly: Assembly, name: str, obtained: Obtained) -> tuple[Assembly, bool, KeyRefused | None]:
    """The candidates by what one source obtained now; whether any could use it, and why another could not.

    Whoever can't use it goes on with the keys that it has, as far as they are still among those that came.
    """
    done: list[Candidate] = []
    used, refused = False, None
    for candidate in assembly.candidates:
        if not _has(candidate, name):
            done.append(candidate)
            continue
        try:
            done.append(_renewed(candidate, name, obtained))
            used = True
        except KeyRefused as fault:
            refused = fault
            listed = obtained.listed
            done.append(candidate if listed is None else _without(candidate, name, listed))
    return replace(assembly, candidates=tuple(done)), used, refused


def withdraw(assembly: Assembly, name: str, listed: Listed) -> Assembly:
    """The same candidates, those keys of one source being withdrawn that its issuer no longer lists."""
    found = (_without(each, name, listed) if _has(each, name) else each for each in assembly.candidates)
    return replace(assembly, candidates=tuple(found))


def withdrawn(assembly: Assembly, name: str) -> frozenset[str]:
    """The material of the keys of one source that are withdrawn."""
    sources = [each.sources for each in assembly.candidates]
    both = [sourced for each in sources for sourced in (*each.signature, *each.status)]
    return frozenset[str]().union(*(sourced.withdrawn for sourced in both if sourced.source.renewal == name))


def _has(candidate: Candidate, name: str) -> bool:
    return any(source.renewal == name for source in candidate.sources.all())


def _renewed(candidate: Candidate, name: str, obtained: Obtained) -> Candidate:
    was = candidate.sources
    sources = Sources(
        signature=renewed(was.signature, name, obtained),
        status=renewed(was.status, name, obtained),
        decryption=renewed_decryption(was.decryption, name, obtained),
    )
    return _by(candidate, sources)


def _without(candidate: Candidate, name: str, listed: Listed) -> Candidate:
    def left(sourced: tuple[Sourced[Key], ...]) -> tuple[Sourced[Key], ...]:
        return tuple(each.but_for(listed) if each.source.renewal == name else each for each in sourced)

    was = candidate.sources
    return _by(candidate, replace(was, signature=left(was.signature), status=left(was.status)))


def _by(candidate: Candidate, sources: Sources) -> Candidate:
    """The candidate by these keys. KeyRefused where they can't be used."""
    try:
        found = _keys(candidate.validator.policy, sources, now=candidate.loaded_at)
    except _Unfit as unfit:
        raise KeyRefused("key.set_refused", unfit.diagnostic.message, help=unfit.diagnostic.help) from None
    return replace(
        candidate,
        sources=sources,
        keys=found.keys,
        withdrawn=found.withdrawn,
        statuses=found.statuses,
        recipient=found.recipient,
        loaded_at=found.loaded_at,
        stale_after=found.stale_after,
    )


def _sources(policy: CheckedPolicy, supply: Supply) -> tuple[Sources, list[Diagnostic]]:
    """The keys of the policy by their sources, and why others have none. With x5c the key comes with the token."""
    signature, unsigned = verifying_keys(signature_sources(policy), supply)
    status, unlisted = verifying_keys(status_sources(policy), supply)
    decryption, undecrypted = decrypting_keys(decryption_sources(policy), supply)
    sources = Sources(signature=signature, status=status, decryption=decryption)
    return sources, [*unsigned, *unlisted, *undecrypted]


def _keys(policy: CheckedPolicy, sources: Sources, *, now: float) -> _Keys:
    source = policy.signature.keys
    keys = None if isinstance(source, X5c) else _key_set(policy, sources.signature)
    loaded_at = min((each.at for each in sources.signature), default=now)
    return _Keys(
        keys=keys,
        withdrawn=frozenset[str]().union(*(each.withdrawn for each in sources.signature)),
        statuses=_statuses(policy, sources.status),
        recipient=_recipient(policy, sources),
        loaded_at=loaded_at,
        stale_after=_stale_after(source, loaded_at),
    )


def _key_set(policy: CheckedPolicy, signature: Sequence[Sourced[Key]]) -> KeySet:
    try:
        found = together(signature)
    except KeyRefused as refused:
        raise _Unfit(say.key_refused(policy.signature.place, refused)) from None
    if not any(key.algorithms.intersection(policy.algorithms) for key in found.keys):
        raise _Unfit(say.no_key_fits(policy.signature.place, policy.algorithms))
    return found


def _statuses(policy: CheckedPolicy, sourced: Sequence[Sourced[Key]]) -> Statuses | None:
    if not sourced:
        return None
    (only,) = sourced
    status = policy.block.status
    assert status is not None
    assert status.keys is not None
    try:
        keys, stale_after = together(sourced), _stale_after(status.keys, only.at)
        return statuses_of(policy, keys, at=only.at, stale_after=stale_after, withdrawn=only.withdrawn)
    except KeyRefused as refused:
        raise _Unfit(say.key_refused(status.keys.place, refused)) from None


def _recipient(policy: CheckedPolicy, sources: Sources) -> Recipient | None:
    section = policy.block.encryption
    if section is None:
        return None
    assert section.algorithms is not None
    assert section.content is not None
    algorithms, content = frozenset(section.algorithms.values), frozenset(section.content.values)
    try:
        keys = DecryptionKeySet(tuple(key for each in sources.decryption for key in each.keys))
    except KeyRefused as refused:
        raise _Unfit(say.key_refused(section.place, refused)) from None
    if not any(key.fits(alg, enc) for key in keys.keys for alg in algorithms for enc in content):
        raise _Unfit(say.no_key_fits(section.place, tuple(section.algorithms.values)))
    renewals = tuple(each.source.renewal for each in sources.decryption)
    return Recipient(keys=keys, algorithms=algorithms, content=content, renewals=renewals)


def _stale_after(source: KeySource | None, at: float) -> float | None:
    """The instant past which fetched keys are no longer believed; keys of files and secrets do not age."""
    if not isinstance(source, (JwksUrl, Discovery)):
        return None
    return at + (source.stale.amount if source.stale else DEFAULT_STALE)


# ------------------------------------------------------------------------------------------------ the rest


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
