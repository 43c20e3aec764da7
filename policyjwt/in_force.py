"""What an engine judges by: its settings, and the policies in force with their keys. Input: policies. Output: InForce.

Made at load and at reload, and anew whenever keys are renewed; replaced as a whole, so that each verdict is from one
version.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from policyjwt.checker.check import check
from policyjwt.errors import KeyRefused, PolicyError
from policyjwt.key_renewal import Apply, KeyRenewal
from policyjwt.key_separation import Assembly, compare, listed_elsewhere
from policyjwt.key_sources import Given, Listed, Obtained, Supply, references
from policyjwt.keys.fetch_messages import older_copy
from policyjwt.language.files import Files
from policyjwt.language.load import Loaded
from policyjwt.language.model import CheckedPolicy
from policyjwt.language.names import REACHES
from policyjwt.loading import candidates, renew, withdraw, withdrawn
from policyjwt.replay import ReplayStore
from policyjwt.selection import Selection
from policyjwt.tokens import DecryptionKeySet, KeySet
from policyjwt.verdict import Verdict

if TYPE_CHECKING:
    from policyjwt.evidence.crl import CrlSnapshot


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """What the caller of `Engine.load` decided, and what outlives a reload.

    `since` is when a KeySet was first handed in, by its reference; `held` are the revocation lists in force, by file.
    """

    use: str | None
    policies: frozenset[str] | None
    keys: Mapping[str, Given]
    replay: ReplayStore | None
    clock: Callable[[], float]
    on_verdict: Callable[[Verdict], object] | None
    since: dict[str, float]
    held: dict[str, CrlSnapshot]

    def time(self) -> float:
        """Now, in seconds since the epoch; not a number where the clock fails."""
        try:
            return float(self.clock())
        except Exception:  # noqa: BLE001 - the border to a caller's clock; NaN is refused as `internal.clock`
            return math.nan


@dataclass(frozen=True, slots=True, repr=False)
class InForce:
    """The policies in force, and their keys. Replaced as a whole, so that each verdict is from one version.

    `assembly` is what `selection` was made of, `obtained` the keys of the sources that `renewal` renews.
    """

    selection: Selection
    use: str
    assembly: Assembly
    renewal: KeyRenewal
    obtained: Mapping[str, Obtained]

    def renewed(self, name: str, news: Obtained | Listed) -> tuple[InForce, KeyRefused | None]:
        """The same policies by newer keys of one source, as far as they can be used; and why not all can.

        Keys that the issuer no longer lists are withdrawn whatever else is wrong with its set. An older copy of what is
        known is no news.
        """
        known = self.obtained[name]
        if known.is_newer_than(news):
            return self, None if known.is_all_of(news) else older_copy()
        if isinstance(news, Listed):
            found, against = self._left(name, news)
            if against is not None:  # a key that is listed again is another's by now: it stays withdrawn
                found, _ = self._left(name, replace(news, gone=withdrawn(self.assembly, name)))
            return found, against
        assembly, used, refused = renew(self.assembly, name, news)
        if used:
            found, against = self._rid_of_claims(assembly, name)._compared(name, news, otherwise=self)
            if against is None:
                return found, refused
            refused = against
        if news.listed is None:
            return self, refused
        return self.renewed(name, news.listed)[0], refused

    def _left(self, name: str, listed: Listed) -> tuple[InForce, KeyRefused | None]:
        found = replace(self, assembly=withdraw(self.assembly, name, listed))
        return found._compared(name, self.obtained[name].but_for(listed), otherwise=self)

    def _rid_of_claims(self, assembly: Assembly, name: str) -> InForce:
        """By these candidates, where nobody else has the keys of the source that decrypt."""
        obtained = dict(self.obtained)
        for other, materials in listed_elsewhere(assembly, name).items():
            listed = obtained[other].deprived_of(materials)
            assembly, obtained[other] = withdraw(assembly, other, listed), obtained[other].but_for(listed)
        return replace(self, assembly=assembly, obtained=obtained)

    def _compared(self, name: str, obtained: Obtained, *, otherwise: InForce) -> tuple[InForce, KeyRefused | None]:
        """With what the source obtained, or what was in force before, and why."""
        found, faults = compare(self.assembly)
        if faults:
            return otherwise, KeyRefused("key.set_refused", faults[0].message, help=faults[0].help)
        kept = {**self.obtained, name: obtained}
        return replace(self, selection=Selection(found), obtained=kept), None


def settings_of(
    *,
    use: str | None,
    policies: Iterable[str] | None,
    keys: Mapping[str, Given] | None,
    replay: ReplayStore | None,
    clock: Callable[[], float] | None,
    on_verdict: Callable[[Verdict], object] | None,
) -> Settings:
    """What the caller said, as far as it can be judged before any policy is read. TypeError."""
    if isinstance(policies, str):
        raise TypeError("policies is a list of names")
    if on_verdict is not None and not callable(on_verdict):
        raise TypeError("on_verdict is called with every verdict")
    if replay is not None and not (isinstance(replay, ReplayStore) and _is_whole(replay)):
        raise TypeError(f"a replay store has consume, first, word, and a reach: {', '.join(REACHES)}")
    for reference, given in (keys or {}).items():
        if not (isinstance(given, (KeySet, DecryptionKeySet, bytes, Path)) or callable(given)):
            raise TypeError(f"what is handed in for {reference!r} is a KeySet, bytes, a path or a function")
    return Settings(
        use=use,
        policies=None if policies is None else frozenset(policies),
        keys=dict(keys or {}),
        replay=replay,
        clock=clock or time.time,
        on_verdict=on_verdict,
        since={},
        held={},
    )


def _is_whole(replay: ReplayStore) -> bool:
    """Whether the store says how far it reaches, and gives its caller's word as text or not at all."""
    word: object = replay.word
    return replay.reach in REACHES and (word is None or (isinstance(word, str) and bool(word)))


def load(
    read: Callable[[], Loaded],
    settings: Settings,
    apply: Apply,
    before: InForce | None,
    heard: dict[str, Obtained | Listed] | None = None,
) -> InForce:
    """The policies in force, all of them sound and each with what it needs.

    Everything of the root is checked; only the policies of the files that were asked for judge. `before` are those in
    force until now; `heard` fills with the news of their sources.
    """
    now = settings.time()
    if not math.isfinite(now):
        raise ValueError("the clock gives no time: no policy can be checked")
    loaded = read()
    checked = check(loaded, now=now)
    if any(diagnostic.stops_loading for diagnostic in checked.diagnostics):
        raise PolicyError(checked.diagnostics)
    unknown = settings.keys.keys() - references(checked.policies)
    if unknown:
        raise ValueError(f"no policy refers to the keys {', '.join(sorted(map(repr, unknown)))}")
    asked = [policy for policy in checked.policies if policy.block.place.span.file in loaded.asked]
    use, chosen = _for_one_use(asked, settings)
    files = Files()
    renewal = KeyRenewal(chosen, settings.keys, files, apply=apply, clock=settings.time)
    try:
        obtained = _first(renewal, before, now, {} if heard is None else heard)
        supply = Supply(given=settings.keys, obtained=obtained, files=files, since=settings.since, now=now)
        selection, assembly = _ready(chosen, checked.policies, supply, settings, loaded)
    except BaseException:
        renewal.close()
        raise
    kept = {name: each for name, each in obtained.items() if isinstance(each, Obtained)}
    return InForce(selection, use, assembly, renewal, kept)


def _first(
    renewal: KeyRenewal, before: InForce | None, now: float, heard: dict[str, Obtained | Listed]
) -> dict[str, Obtained | KeyRefused]:
    """What every source gave. Where one failed, what it gave before goes on, as old as it is."""
    obtained = renewal.first(now)
    for name, found in obtained.items():
        if before is None or not renewal.obtains_as(before.renewal, name):
            continue
        known = before.obtained[name]
        news = renewal.listed.get(name) if isinstance(found, KeyRefused) else found
        if news is not None and known.is_newer_than(news):
            news = None
        if news is not None:
            heard[name] = news
        if not isinstance(news, Obtained):
            obtained[name] = known if news is None else known.but_for(news)
    return obtained


def _ready(
    chosen: list[CheckedPolicy],
    among: Sequence[CheckedPolicy],
    supply: Supply,
    settings: Settings,
    loaded: Loaded,
) -> tuple[Selection, Assembly]:
    assembly, faults = candidates(
        chosen, among=among, supply=supply, replay=settings.replay, held=settings.held, loaded=loaded
    )
    found, compared = compare(assembly)
    if faults or compared:
        raise PolicyError((*faults, *compared))
    for candidate in found:
        if candidate.signers is not None and candidate.signers.crl is not None:
            settings.held[candidate.signers.crl.reference] = candidate.signers.crl.snapshot
    return Selection(found), assembly


def _for_one_use(policies: list[CheckedPolicy], settings: Settings) -> tuple[str, list[CheckedPolicy]]:
    chosen = list(policies)
    if settings.policies is not None:
        unknown = settings.policies - {policy.name for policy in chosen}
        if unknown:
            raise ValueError(f"no policy is named {', '.join(sorted(map(repr, unknown)))}")
        chosen = [policy for policy in chosen if policy.name in settings.policies]
    uses = sorted({policy.use for policy in chosen})
    if settings.use is None and len(uses) != 1:
        raise ValueError(f"an engine answers for one use; these policies have {', '.join(map(repr, uses)) or 'none'}")
    use = settings.use if settings.use is not None else uses[0]
    if use not in uses:
        raise ValueError(f"no policy is for the use {use!r}; there are {', '.join(map(repr, uses)) or 'none'}")
    return use, [policy for policy in chosen if policy.use == use]
