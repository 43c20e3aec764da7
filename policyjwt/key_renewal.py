"""Keys that are renewed while an engine runs. Input: policies, and what the caller handed in. Output: what came.

Remote key sets are fetched and resolvers are asked in threads of their own. Nothing that judges a token waits for
them: it sees what is in force, and says when a `kid` is missing in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from policyjwt.checker.compose_sections import DEFAULT_STALE
from policyjwt.errors import KeyRefused, KeysWithdrawn
from policyjwt.key_sources import Given, Listed, Material, Obtained, Source, all_sources, resolved
from policyjwt.keys.feed import Brought, FeedStatus, RemoteSource
from policyjwt.keys.feeds import Feeds
from policyjwt.keys.http import check_ca
from policyjwt.keys.remote import fetch_discovered, fetch_jwks
from policyjwt.language.files import FileFault, Files
from policyjwt.language.model import CheckedPolicy, Discovery, JwksUrl

_DAY: Final = 86_400.0
_FIRST_WITHIN: Final = 30.0
"""Seconds in which everything must have come once; a fetch ends sooner by its own deadline."""


Apply = Callable[["KeyRenewal", str, "Obtained | Listed"], None]
"""Puts in force what a source obtained, or which of its keys are left. KeyRefused where that can't be."""


@dataclass(frozen=True, slots=True, repr=False)
class _Dated:
    """What a fetch brought: `age` seconds old when it was asked for, and of which instant of a clock never set."""

    material: Material
    age: float
    born: float

    def obtained(self, asked: float) -> Obtained:
        return Obtained(self.material, at=asked - self.age, born=self.born)


class KeyRenewal:
    """The renewed sources of one load. Thread-safe. `apply` is a bound method, and held weakly: its object owns this.

    `origins` say by which address and authority each is obtained: what came by another is not the same. `listed`
    are the keys that a set names which could not be used.
    """

    def __init__(
        self,
        policies: Iterable[CheckedPolicy],
        given: Mapping[str, Given],
        files: Files,
        *,
        apply: Apply,
        clock: Callable[[], float],
    ) -> None:
        self._apply = weakref.WeakMethod(apply)
        self._refused: dict[str, KeyRefused] = {}
        self.origins: dict[str, object] = {}
        self.listed: dict[str, Listed] = {}
        self._started = False
        made: dict[str, RemoteSource[_Dated]] = {}
        for name, sources in _renewable(policies, given).items():
            try:
                made[name] = self._feed(sources, given.get(sources[0].reference), files)
            except KeyRefused as refused:
                self._refused[name] = refused
        self._feeds: Feeds[_Dated] = Feeds(made.values(), install=self._install, clock=clock)

    def first(self, now: float) -> dict[str, Obtained | KeyRefused]:
        """Ask every source once, and wait. Nothing is put in force: the caller has what came, as of `now`."""
        found = self._feeds.first(_FIRST_WITHIN)
        came = {
            name: brought if isinstance(brought, KeyRefused) else brought.obtained(now)
            for name, brought in found.items()
        }
        return {**came, **self._refused}

    def start(self) -> None:
        """Renew from here on."""
        self._started = True
        self._feeds.start()

    def want(self, renewals: Iterable[str], kid: str | None) -> None:
        """These may have newer keys, with this `kid` where one was named that they have not brought. Never waits."""
        for renewal in renewals:
            self._feeds.want(renewal, kid)

    def status(self) -> dict[str, FeedStatus]:
        """How each source does, by its name."""
        return {each.reference: each for each in self._feeds.status()}

    def obtains_as(self, other: KeyRenewal, name: str) -> bool:
        """Whether both have this source, and from one place: what came to the one may be believed for the other."""
        return name in self.origins and self.origins[name] == other.origins.get(name)

    def close(self) -> None:
        """End the threads."""
        self._feeds.close()

    def _install(self, name: str, brought: _Dated, at: float) -> None:
        self._apply_now(name, brought.obtained(at))

    def _withdraw(self, name: str, listed: Listed) -> None:
        """A set came that can't be used: what it does not list is withdrawn all the same."""
        self.listed[name] = listed
        if self._started:
            self._apply_now(name, listed)

    def _apply_now(self, name: str, obtained: Obtained | Listed) -> None:
        apply = self._apply()
        if apply is None:
            raise KeyRefused("key.set_refused", "nobody asks for these keys any more")
        apply(self, name, obtained)

    def _feed(self, sources: Sequence[Source], given: Given | None, files: Files) -> RemoteSource[_Dated]:
        """How one source is renewed, which several policies may have: the strictest of them sets the pace."""
        source = sources[0]
        name, item = source.renewal, source.item
        limits = [_stale(each.item) for each in sources]
        if callable(given):
            self.origins[name] = given

            def ask() -> Brought[_Dated]:
                began = monotonic()
                return Brought(_Dated(resolved(given), 0.0, began))

            return RemoteSource(name, ask, min(limits))
        assert isinstance(item, (JwksUrl, Discovery))
        ca = _authorities(source, files)
        self.origins[name] = source.reference, ca
        if ca is not None:
            check_ca(ca)
        withdraw = weakref.WeakMethod(self._withdraw)  # the thread that fetches must not keep all this alive
        oldest = max(limits)  # what is too old for some is news for others, and each judges by its own

        def fetch() -> Brought[_Dated]:
            began = monotonic()
            try:
                if isinstance(item, JwksUrl):
                    came = fetch_jwks(item.url.value, ca=ca, reference=source.reference, oldest=oldest)
                else:
                    came = fetch_discovered(item.issuer.value, ca=ca, reference=source.reference, oldest=oldest)
            except KeysWithdrawn as refused:
                tell = withdraw()
                if tell is not None:
                    tell(name, Listed(materials=refused.materials, born=began - refused.age))
                raise
            return Brought(_Dated(came.keys, came.age, began - came.age), came.max_age, came.age)

        return RemoteSource(name, fetch, min(limits))


def _stale(item: object) -> float:
    if not isinstance(item, (JwksUrl, Discovery)):
        return _DAY
    return float(item.stale.amount if item.stale else DEFAULT_STALE)


def _renewable(policies: Iterable[CheckedPolicy], given: Mapping[str, Given]) -> dict[str, list[Source]]:
    """What is fetched where nobody handed it in, and what has a resolver; by what it is obtained as."""
    found: dict[str, list[Source]] = {}
    for policy in policies:
        for source in all_sources(policy):
            at_hand = given.get(source.reference)
            if callable(at_hand) or (at_hand is None and source.remote):
                found.setdefault(source.renewal, []).append(source)
    return found


def _authorities(source: Source, files: Files) -> bytes | None:
    item: Any = source.item
    if item.ca is None:
        return None
    try:
        return files.read(source.root, item.ca.value)
    except FileFault as fault:
        raise KeyRefused("key.not_found", f"the file of `ca` {fault.message}", help=fault.help) from None
