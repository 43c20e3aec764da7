"""Keys that are renewed while an engine runs. Input: policies, and what the caller handed in. Output: what came.

Remote key sets are fetched and resolvers are asked in threads of their own. Nothing that judges a token waits for
them: it sees what is in force, and says when a `kid` is missing in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from policyjwt.checker.compose_sections import DEFAULT_STALE
from policyjwt.errors import KeyRefused
from policyjwt.key_sources import Given, Material, Obtained, Source, all_sources, resolved
from policyjwt.keys.feed import FeedStatus, RemoteSource
from policyjwt.keys.feeds import Feeds
from policyjwt.keys.remote import discovery_source, url_source
from policyjwt.language.files import FileFault, Files
from policyjwt.language.model import CheckedPolicy, Discovery, JwksUrl

_DAY: Final = 86_400.0
_FIRST_WITHIN: Final = 30.0
"""Seconds in which everything must have come once; a fetch ends sooner by its own deadline."""


@dataclass(frozen=True, slots=True, repr=False)
class _Brought:
    """What a source brought, as feeds carry it."""

    material: Material

    @property
    def keys(self) -> tuple[object, ...]:
        """The keys; a secret is one."""
        return (None,) if isinstance(self.material, bytes) else self.material.keys


Apply = Callable[["KeyRenewal", str, Obtained], None]
"""Puts in force what a source obtained. KeyRefused where that can't be."""


class KeyRenewal:
    """The renewed sources of one load. Thread-safe. `apply` is a bound method, and held weakly: its object owns this.

    `origins` say by which address and authority each is obtained: what came by another is not the same.
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
        made: dict[str, RemoteSource[_Brought]] = {}
        for source in _renewable(policies, given):
            try:
                before = made.get(source.renewal)
                feed = self._feed(source, given.get(source.reference), files)
                shorter = before is None or feed.stale < before.stale
                made[source.renewal] = feed if shorter else before  # type: ignore[assignment]  # is one where not shorter
            except KeyRefused as refused:
                self._refused[source.renewal] = refused
        self._clock = clock
        self._feeds: Feeds[_Brought] = Feeds(made.values(), install=self._install, clock=clock)

    def first(self) -> dict[str, Obtained | KeyRefused]:
        """Ask every source once, and wait. Nothing is put in force: the caller has what came."""
        at = self._clock()
        found = self._feeds.first(_FIRST_WITHIN)
        came = {name: _obtained(brought, at) for name, brought in found.items()}
        return {**came, **self._refused}

    def start(self) -> None:
        """Renew from here on."""
        self._feeds.start()

    def want(self, renewals: Iterable[str], kid: str) -> None:
        """A token names a `kid` that none of these has brought. Never waits."""
        for renewal in renewals:
            self._feeds.want(renewal, kid)

    def status(self) -> dict[str, FeedStatus]:
        """How each source does, by its name."""
        return {each.reference: each for each in self._feeds.status()}

    def close(self) -> None:
        """End the threads."""
        self._feeds.close()

    def _install(self, renewal: str, brought: _Brought, at: float) -> None:
        apply = self._apply()
        if apply is None:
            raise KeyRefused("key.not_found", "nobody asks for these keys any more")
        apply(self, renewal, Obtained(brought.material, at))

    def _feed(self, source: Source, given: Given | None, files: Files) -> RemoteSource[_Brought]:
        item = source.item
        stale = _DAY
        if isinstance(item, (JwksUrl, Discovery)):
            stale = float(item.stale.amount if item.stale else DEFAULT_STALE)
        if callable(given):
            self.origins[source.renewal] = given
            return RemoteSource(source.renewal, lambda: (_Brought(resolved(given)), None), stale)
        assert isinstance(item, (JwksUrl, Discovery))
        ca = _authorities(source, files)
        self.origins[source.renewal] = source.reference, ca
        if isinstance(item, JwksUrl):
            remote = url_source(source.reference, item.url.value, ca=ca, stale=stale)
        else:
            remote = discovery_source(source.reference, item.issuer.value, ca=ca, stale=stale)

        def fetch() -> tuple[_Brought, int | None]:
            keys, fresh = remote.fetch()
            return _Brought(keys), fresh

        return RemoteSource(source.renewal, fetch, stale)


def _renewable(policies: Iterable[CheckedPolicy], given: Mapping[str, Given]) -> Iterator[Source]:
    """What is fetched where nobody handed it in, and what has a resolver."""
    for policy in policies:
        for source in all_sources(policy):
            at_hand = given.get(source.reference)
            if callable(at_hand) or (at_hand is None and source.remote):
                yield source


def _obtained(brought: _Brought | KeyRefused, at: float) -> Obtained | KeyRefused:
    return brought if isinstance(brought, KeyRefused) else Obtained(brought.material, at)


def _authorities(source: Source, files: Files) -> bytes | None:
    item: Any = source.item
    if item.ca is None:
        return None
    try:
        return files.read(source.root, item.ca.value)
    except FileFault as fault:
        raise KeyRefused("key.not_found", f"the file of `ca` {fault.message}", help=fault.help) from None
