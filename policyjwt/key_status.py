"""How the sources of keys are doing, for health checks. Input: candidates and feeds. Output: one entry for a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, TypedDict

from policyjwt.candidate import Candidate
from policyjwt.key_sources import Sourced
from policyjwt.keys.feed import FeedStatus
from policyjwt.tokens.decryption_key import DecryptionKey
from policyjwt.tokens.key import Key


class Entry(TypedDict):
    """One source. Instants are seconds since the epoch, by the engine's clock."""

    reference: str
    root: str | None
    policies: list[str]
    keys: int
    loaded_at: float
    age: float
    stale_at: float | None
    last_error: str | None
    failed_at: float | None
    next_refresh: float | None


_Any: TypeAlias = Sourced[Key] | Sourced[DecryptionKey]


def key_status(candidates: Iterable[Candidate], feeds: Mapping[str, FeedStatus], *, now: float) -> list[Entry]:
    """An entry for each source that a candidate judges by, in the order of the policies."""
    found: dict[str, Entry] = {}
    for candidate in candidates:
        sources = candidate.sources
        statuses = candidate.statuses
        for sourced in sources.signature:
            _tell(found, sourced, candidate, stale_at=candidate.stale_after, feeds=feeds, now=now)
        for sourced in sources.status:
            stale_at = None if statuses is None else statuses.stale_after
            _tell(found, sourced, candidate, stale_at=stale_at, feeds=feeds, now=now)
        for decrypting in sources.decryption:
            _tell(found, decrypting, candidate, stale_at=None, feeds=feeds, now=now)
    return list(found.values())


def _tell(
    found: dict[str, Entry],
    sourced: _Any,
    candidate: Candidate,
    *,
    stale_at: float | None,
    feeds: Mapping[str, FeedStatus],
    now: float,
) -> None:
    name = sourced.source.renewal
    if name not in found:
        feed = feeds.get(name)
        found[name] = {
            "reference": sourced.source.reference,
            "root": sourced.source.root or None,
            "policies": [],
            "keys": len(sourced.believed),
            "loaded_at": sourced.at,
            "age": now - sourced.at,
            "stale_at": stale_at,
            "last_error": None if feed is None else feed.last_error,
            "failed_at": None if feed is None else feed.failed_at,
            "next_refresh": None if feed is None else feed.next_refresh,
        }
    # Of several policies the worst of each counts: one may go on with older keys, or with fewer of them.
    entry = found[name]
    entry["keys"] = min(entry["keys"], len(sourced.believed))
    entry["loaded_at"] = min(entry["loaded_at"], sourced.at)
    entry["age"] = now - entry["loaded_at"]
    if candidate.name not in entry["policies"]:
        entry["policies"].append(candidate.name)
    if stale_at is not None:
        entry["stale_at"] = stale_at if entry["stale_at"] is None else min(stale_at, entry["stale_at"])
