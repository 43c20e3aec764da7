"""Whether a server in Redis is fit to hold nonces: asked on each new connection, and again in a while. Output: `Facts`.

A fail-over and a restart both end the connections to the server, so that the one that comes next is asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from policyjwt.replay import redis_messages as say
from policyjwt.replay.redis_settings import Settings
from policyjwt.replay.redis_steps import Again, Steps, checked

MAX_DIFFERENCE: Final = 5.0
"""Seconds between the clock by which tokens are judged and the server's, by which keys end."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a check found.

    `keeps`: nonces survive a restart. `in_one`: `SET` takes NX and GET together, as from Redis 7.0; also where that is
    not known. `asked_at`: when this was asked, by the monotonic clock.
    """

    keeps: bool
    in_one: bool
    asked_at: float


def checking(settings: Settings) -> Steps[Facts]:
    """Ask a server for its time and its state. Raises StoreUnavailable where it is unfit or where that can't be told.

    R10 The clocks agree.
    R9  The server evicts nothing, and has lost nothing in a restart that could still be replayed.
    """
    yield from _clock(settings)
    answer = yield ("INFO",)
    if isinstance(answer, Exception) and settings.server_is_safe:
        return Facts(keeps=True, in_one=True, asked_at=time.monotonic())
    info = _read(checked(answer, "INFO"))
    if info.get("role", "master") != "master":  # check: R9e
        raise Again(say.lost("is a replica, which takes no writes"))
    if info.get("loading", "0") != "0":  # check: R9f
        raise Again(say.lost("is still loading its data"))
    _evicts_nothing(settings, info)
    major = info.get("redis_version", "").partition(".")[0]
    in_one = not major.isdigit() or int(major) >= 7
    return Facts(keeps=_keeps(settings, info), in_one=in_one, asked_at=time.monotonic())


def _clock(settings: Settings) -> Steps[None]:
    before = _now(settings)
    answer = checked((yield ("TIME",)), "TIME")
    after = _now(settings)
    match answer:
        case [bytes() as seconds, bytes() as micros] if seconds.isdigit() and micros.isdigit():
            server = int(seconds) + int(micros) / 1_000_000
        case _:
            raise say.unexpected("TIME")
    # The server looked at its clock at some moment between the two.
    ahead = server - min(max(server, before), after)
    if abs(ahead) > MAX_DIFFERENCE:  # check: R10
        raise say.clocks_differ(ahead=ahead, most=MAX_DIFFERENCE)


def _now(settings: Settings) -> float:
    now = settings.clock()
    if not math.isfinite(now):  # check: R10b
        raise say.no_time()
    return now


def _evicts_nothing(settings: Settings, info: Mapping[str, str]) -> None:
    """No word helps against a policy that is known: each but one evicts keys that have an end, as all ours have."""
    limit, policy = info.get("maxmemory", ""), info.get("maxmemory_policy")
    if not limit.isdigit() or policy is None:  # check: R9a
        if settings.server_is_safe:
            return
        raise say.unknown_state("maxmemory_policy")
    if int(limit) and policy != "noeviction":  # check: R9b
        raise say.evicts()


def _keeps(settings: Settings, info: Mapping[str, str]) -> bool:
    """Whether nonces survive the next restart. The last two seconds may be lost, but for `appendfsync always`.

    Snapshots don't count: a restart goes back to the last one. That nothing was lost in the latest restart is not told
    by INFO: the file may have been switched on, or lost, since.
    """
    appends, uptime = info.get("aof_enabled"), info.get("uptime_in_seconds", "")
    if settings.server_is_safe:
        return True
    if appends == "1":
        if info.get("aof_last_write_status", "ok") != "ok":  # check: R9g
            raise say.not_kept("can't write to")
        if info.get("aof_last_bgrewrite_status", "ok") != "ok":  # check: R9h
            # Where the file was switched on and its first writing failed, there is none; INFO shows both alike.
            raise say.not_kept("can't rewrite")
        return True
    if appends is None or not uptime.isdigit():  # check: R9c
        raise say.unknown_state("aof_enabled")
    if int(uptime) < settings.max_hold:  # check: R9
        raise say.started_lately(uptime=int(uptime), hold=settings.max_hold)
    return False


def _read(answer: object) -> Mapping[str, str]:
    if not isinstance(answer, bytes):
        raise say.unexpected("INFO")
    lines = (line.partition(":") for line in answer.decode("utf-8", "replace").splitlines())
    return {name: value.strip() for name, colon, value in lines if colon}
