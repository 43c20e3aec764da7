"""How the sources of keys are doing, for health checks. Input: candidates and feeds. Output: one entry for a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from policyjwt.candidate import Candidate
from policyjwt.key_sources import Sourced
from policyjwt.keys.feed import FeedStatus
from policyjwt.tokens.decryption_key import DecryptionKey
from policyjwt.tokens.key import Key

Entry: TypeAlias = dict[str, object]
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
            "keys": _believed(sourced),
            "loaded_at": sourced.at,
            "age": now - sourced.at,
            "stale_at": stale_at,
            "last_error": None if feed is None else feed.last_error,
            "failed_at": None if feed is None else feed.failed_at,
            "next_refresh": None if feed is None else feed.next_refresh,
        }
    entry = found[name]
    # Of several policies the one that is worst off counts: it may go on with older keys, or with fewer of them.
    entry["keys"] = min(int(str(entry["keys"])), _believed(sourced))
    entry["loaded_at"] = min(float(str(entry["loaded_at"])), sourced.at)
    entry["age"] = now - float(str(entry["loaded_at"]))
    policies = entry["policies"]
    assert isinstance(policies, list)
    if candidate.name not in policies:
        policies.append(candidate.name)
    earlier = entry["stale_at"]
    if stale_at is not None and (not isinstance(earlier, float) or stale_at < earlier):
        entry["stale_at"] = stale_at


def _believed(sourced: _Any) -> int:
    """How many keys are believed: none that its issuer has withdrawn."""
    return sum(not (isinstance(key, Key) and key.material_id in sourced.withdrawn) for key in sourced.keys)
