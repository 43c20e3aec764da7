"""What a store in Redis says when it can't tell. No message quotes the server: it could quote a key."""

from __future__ import annotations

from typing import Final

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.protocol import StoreNotDurable

_WORDS: Final = {
    "NOREPLICAS": "has fewer replicas than its `min-replicas-to-write`",
    "MISCONF": "can't write to its disk",
    "UNKILLABLE": "is busy with a script",
    "BUSY": "is busy with a script",
    "WRONGTYPE": "holds a value that no store of this version has written",
}


def closed() -> StoreUnavailable:
    """The store was closed."""
    return StoreUnavailable("the replay store is closed")


def not_installed() -> StoreUnavailable:
    """The client is not there."""
    return StoreUnavailable("a replay store in Redis needs the extra `redis`: install `policyjwt[redis]`")


def busy(connections: int) -> StoreUnavailable:
    """All connections stayed in use."""
    return StoreUnavailable(f"all {connections} connections of the replay store are in use")


def lost(why: str) -> StoreUnavailable:
    """No answer: `why` is one of our phrases."""
    return StoreUnavailable(f"the replay store {why}")


def refused(words: str) -> StoreUnavailable:
    """The server answered with an error. Only our own phrase for its first word is told."""
    return StoreUnavailable(f"the replay store {_WORDS.get(words.partition(' ')[0], 'answered with an error')}")


def forbidden(command: str, *, word: bool) -> StoreUnavailable:
    """The account lacks a permission."""
    instead = ", or say `server_is_safe=True` if it evicts nothing and keeps an append-only file" if word else ""
    return StoreUnavailable(f"the replay store's account may not call {command}: grant `+{command.lower()}`{instead}")


def redirected() -> StoreUnavailable:
    """A node of a cluster sends us elsewhere, more often than we follow."""
    return StoreUnavailable(
        "the replay store's cluster moves its keys; if it was not told of as one, say `cluster=True`"
    )


def unexpected(command: str) -> StoreUnavailable:
    """An answer of another shape."""
    return StoreUnavailable(f"the replay store gave an answer to {command} that has no meaning")


def foreign() -> StoreUnavailable:
    """The key holds a value of another shape."""
    return StoreUnavailable("the replay store holds a value that no store of this version has written")


def vanished() -> StoreUnavailable:
    """The key was there, and then was not."""
    return StoreUnavailable("the replay store forgot a nonce while it was asked for it")


def not_durable(*, acknowledged: int, expected: int, seconds: float) -> StoreNotDurable:
    """R7."""
    replicas = "1 replica" if acknowledged == 1 else f"{acknowledged} replicas"
    return StoreNotDurable(f"{replicas} acknowledged the nonce within {seconds:g} s, and {expected} must")


def unknown_state(name: str) -> StoreUnavailable:
    """INFO lacks a line that R9 needs."""
    return StoreUnavailable(
        f"the replay store's INFO does not tell `{name}`, so that it may forget nonces; "
        "say `server_is_safe=True` if it evicts nothing and keeps an append-only file"
    )


def evicts() -> StoreUnavailable:
    """R9: the server makes room by forgetting."""
    return StoreUnavailable("the replay store's server may evict nonces: set its `maxmemory-policy` to `noeviction`")


def started_lately(*, uptime: int, hold: int) -> StoreUnavailable:
    """R9: the server may have lost nonces of tokens that still live."""
    return StoreUnavailable(
        f"the replay store's server started {uptime} s ago without an append-only file and may have lost nonces: it is "
        f"trusted after {hold} s (`max_hold`), and nothing but waiting helps: `appendonly yes` brings none back "
        "and hides the loss; set it when the time is over, for the next restart"
    )


def not_kept(what: str) -> StoreUnavailable:
    """R9: there is an append-only file, and it is not all right. `what` is one of our phrases."""
    return StoreUnavailable(f"the replay store's server {what} its append-only file: see to its disk and memory")


def held_too_long(*, ttl: int, hold: int) -> StoreUnavailable:
    """R9: without an append-only file, a nonce that lives longer than is waited for after a restart."""
    return StoreUnavailable(
        f"the nonce would be held for {ttl} s and the replay store's server has no append-only file: at most {hold} s "
        "(`max_hold`)"
    )


def no_time() -> StoreUnavailable:
    """The clock of this process gives none."""
    return StoreUnavailable("the clock gives no time")


def clocks_differ(*, ahead: float, most: float) -> StoreUnavailable:
    """R10. `ahead`: of the server before this process, in seconds."""
    which = "behind" if ahead > 0 else "ahead of"
    return StoreUnavailable(f"this clock is {abs(ahead):.0f} s {which} the replay store's: at most {most:g} s")


def not_found(service: str) -> StoreUnavailable:
    """No sentinel knows the primary."""
    return StoreUnavailable(f"no sentinel tells the primary of `{service}`")


def no_node() -> StoreUnavailable:
    """The slot of a key has no node, or no node answers."""
    return StoreUnavailable("no node of the replay store's cluster has the key's slot")
