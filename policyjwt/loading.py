"""From checked policies to candidates that can judge: their keys, their store, all that they need, or diagnostics.

Only candidates need these; the other policies of a root are parsed and checked and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from policyjwt import loading_messages as say
from policyjwt.assurance import Standing, standings
from policyjwt.checker.compose_sections import DEFAULT_STALE
from policyjwt.checker.key_parties import issuer_text, party_names
from policyjwt.compiler.validator import Validator, compile_policy
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.key_sources import Given, key_set, sources
from policyjwt.language.model import (
    CheckedPolicy,
    Discovery,
    JwksUrl,
    Replay,
)
from policyjwt.language.names import REACHES
from policyjwt.patterns.matcher import NeedsRe2
from policyjwt.replay import InspectOnly, ReplayStore
from policyjwt.requirements.unbuilt import unbuilt
from policyjwt.tokens import KeySet
from policyjwt.tokens.key import Key


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Candidate:
    """A policy that is ready to judge.

    `distrusted` are thumbprints that `except key` names. `loaded_at` is when the keys came, `stale_after` the
    instant past which they are no longer believed, None where they do not age.
    `standings` say what its mechanisms assure, as loaded.
    """

    validator: Validator
    keys: KeySet
    algorithms: frozenset[str]
    distrusted: frozenset[str]
    loaded_at: float
    stale_after: float | None
    standings: tuple[Standing, ...]
    established: frozenset[str]


def candidates(
    policies: Sequence[CheckedPolicy],
    *,
    among: Sequence[CheckedPolicy],
    keys: Mapping[str, Given],
    replay: ReplayStore | None,
    now: float,
    since: dict[str, float],
) -> tuple[tuple[Candidate, ...], tuple[Diagnostic, ...]]:
    """The candidates, and what keeps policies from being one.

    `among` are all policies at hand. `since` remembers when a KeySet was first handed in, by its reference: handing it
    in again makes it no younger.
    """
    found: list[Candidate] = []
    faults: list[Diagnostic] = []
    for policy in policies:
        missing = [*_unenforceable(policy), *_store_faults(policy, replay)]
        keyset, refused = key_set(policy, keys)
        missing.extend(refused)
        if missing or keyset is None:
            faults.extend(missing)
            continue
        try:
            loaded_at = _loaded_at(policy, keys, now=now, since=since)
            found.append(_candidate(policy, compile_policy(policy), keyset, replay=replay, loaded_at=loaded_at))
        except NeedsRe2:
            faults.append(say.needs_extra(policy.block.place, "regex"))
    shared, candidates_ = _judge_sharing(found, among, keys)
    return candidates_, (*faults, *shared)


def _candidate(
    policy: CheckedPolicy, validator: Validator, keyset: KeySet, *, replay: ReplayStore | None, loaded_at: float
) -> Candidate:
    source = policy.signature.keys
    stale: float | None = None
    if isinstance(source, (JwksUrl, Discovery)):
        stale = loaded_at + (source.stale.amount if source.stale else DEFAULT_STALE)
    given = tuple(_with_reach(standing, replay) for standing in standings(policy))
    return Candidate(
        validator=validator,
        keys=keyset,
        algorithms=frozenset(policy.algorithms),
        distrusted=frozenset(
            thumbprint.value for item in policy.signature.except_keys for thumbprint in item.thumbprints
        ),
        loaded_at=loaded_at,
        stale_after=stale,
        standings=given,
        established=frozenset(standing.name for standing in given if standing.given),
    )


def _loaded_at(policy: CheckedPolicy, keys: Mapping[str, Given], *, now: float, since: dict[str, float]) -> float:
    """When the keys of a policy came: what a resolver gives is of now, a KeySet of when it was first handed in."""
    first = [since.setdefault(s.reference, now) for s in sources(policy) if isinstance(keys.get(s.reference), KeySet)]
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
    if not isinstance(demand, Replay) or demand.nonce is None or isinstance(replay, InspectOnly):
        return
    place = demand.nonce.place
    wanted = demand.reaches.value if demand.reaches else "nodes"
    if replay is None:
        yield say.needs_store(place, wanted)
    elif not replay.word and REACHES.index(replay.reach) < REACHES.index(wanted):
        yield say.store_too_small(place, wanted=wanted, reach=replay.reach)


# ------------------------------------------------------------------------------------ keys under two issuers


def _judge_sharing(
    found: Sequence[Candidate], among: Sequence[CheckedPolicy], keys: Mapping[str, Given]
) -> tuple[tuple[Diagnostic, ...], tuple[Candidate, ...]]:
    """One key under two issuers: an error for a secret; of a public key it takes issuer-authentication away.

    `among` are all policies, candidates or not: a key of an issuer that is trusted at another door is shared too.
    """
    loaded = {candidate.validator.policy.name: candidate.keys.keys for candidate in found}
    parties = party_names(policy.block for policy in among)
    users: dict[str, set[str]] = {}
    marks: dict[str, frozenset[str]] = {}
    for policy in among:
        marks[policy.name] = _marks(policy, loaded.get(policy.name), keys)
        for mark in marks[policy.name]:
            users.setdefault(mark, set()).add(parties[issuer_text(policy.block)])
    faults: list[Diagnostic] = []
    kept: list[Candidate] = []
    for candidate in found:
        policy = candidate.validator.policy
        if all(len(users[mark]) == 1 for mark in marks[policy.name]):
            kept.append(candidate)
            continue
        if any(algorithm.startswith("HS") for algorithm in policy.algorithms):
            faults.append(say.secret_under_two_issuers(policy.signature.place))
            continue
        lost = [p for p in policy.block.assures if p.assurance in {"issuer-authentication", "non-repudiation"}]
        faults.extend(say.promise_lost(promise.place, promise.assurance) for promise in lost)
        if not lost:
            kept.append(_without_issuer_authentication(candidate))
    return tuple(faults), tuple(kept)


def _marks(policy: CheckedPolicy, loaded: tuple[Key, ...] | None, keys: Mapping[str, Given]) -> frozenset[str]:
    """What two policies have in common if they have a key in common: its material, or where it comes from."""
    own = tuple(sources(policy))
    marks = {f"{policy.root} {s.reference}" if s.reference.startswith("file:") else s.reference for s in own}
    if loaded is None:
        handed_in = (keys.get(source.reference) for source in own)
        loaded = tuple(key for given in handed_in for key in _at_hand(given))
    return frozenset(marks | {key.material_id for key in loaded})


def _at_hand(given: Given | None) -> tuple[Key, ...]:
    """The keys of a policy that is no candidate, as far as they are in memory already."""
    if isinstance(given, KeySet):
        return given.keys
    if isinstance(given, bytes):
        with suppress(KeyRefused):  # too weak to be used by a candidate either
            return KeySet.from_secret(given).keys
    return ()


def _without_issuer_authentication(candidate: Candidate) -> Candidate:
    lost = {"issuer-authentication", "non-repudiation"}
    changed = tuple(
        replace(standing, given=False, phrase="another issuer's policy has the same key")
        if standing.name in lost and standing.given
        else standing
        for standing in candidate.standings
    )
    return replace(candidate, standings=changed, established=candidate.established - lost)
