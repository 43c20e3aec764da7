"""What is asked of a server in Redis, as steps without a socket. A step yields a command and is sent its answer.

Answers are as the client reads them: bytes, whole numbers, lists, None, and an error of the server as its exception.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, TypeVar

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import redis_messages as say
from policyjwt.replay.redis_settings import Address, Settings

if TYPE_CHECKING:
    from policyjwt.replay.redis_check import Facts

T = TypeVar("T")
Command: TypeAlias = "tuple[bytes | str | int, ...]"
Steps: TypeAlias = Generator[Command, object, T]

GRACE: Final = 60
"""Seconds for which keys are held past their time: more than the clocks of two nodes may differ from the server's."""

RECHECK: Final = 10.0
"""Seconds after which a connection that is used again asks the server again whether it is safe, and its time."""

_VERSION: Final = b"1"
_HEAD: Final = len(_VERSION) + 16
"""Bytes of a value before the note: the version and the attempt's own id."""


class Again(Exception):  # noqa: N818 - an instruction to the loop that asks; it never leaves this package
    """Nothing is known, and the same attempt may be made once more: elsewhere, if `address` is given."""

    def __init__(self, why: StoreUnavailable, *, address: Address | None = None) -> None:
        self.why, self.address = why, address
        super().__init__(str(why))


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a question must be answered, by the monotonic clock, whatever has to be waited for; and each wait's most."""

    ends: float
    each: float

    @classmethod
    def of(cls, settings: Settings) -> Deadline:
        """For a question that is asked now."""
        return cls(time.monotonic() + total(settings), settings.timeout)

    def is_over(self) -> bool:
        """Whether nothing more may be begun."""
        return time.monotonic() >= self.ends

    def wait(self, *, whole: bool = False) -> float:
        """Seconds that the next wait may last: all that are left, or no more than for one answer. Raises Again."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise Again(say.lost("did not answer in time"))
        return left if whole else min(left, self.each)

    def timeouts(self) -> dict[str, object]:
        """Arguments of a connection that is opened now."""
        seconds = self.wait()
        return {"socket_timeout": seconds, "socket_connect_timeout": seconds}


def total(settings: Settings) -> float:
    """Seconds within which a question is answered or given up."""
    return settings.timeout * (settings.retries + 1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One use of one nonce. Made again after a lost answer, it finds its own id and is still the first."""

    key: bytes
    value: bytes
    ttl: int


def new_attempt(settings: Settings, *, key: bytes, ttl: int, note: bytes) -> Attempt:
    """An attempt with an id of its own."""
    return Attempt(settings.prefix + key, _VERSION + os.urandom(16) + note, ttl)


def is_stale(checked_at: float) -> bool:
    """Whether a connection that was checked then, by the monotonic clock, is checked again."""
    return time.monotonic() >= checked_at + RECHECK


def consuming(settings: Settings, attempt: Attempt, facts: Facts) -> Steps[bool]:
    """Consume a nonce on one server. Idempotent.

    R5 One command decides and never an earlier look-up; its answer names the attempt that came first.
    R6 Any other answer is none.
    R7 The first use is told only when enough replicas have it.
    R9 Without an append-only file nothing is held for longer than is waited for after a restart.
    """
    if not facts.keeps and attempt.ttl > settings.max_hold:  # check: R9d
        raise say.held_too_long(ttl=attempt.ttl, hold=settings.max_hold)
    seconds = attempt.ttl + GRACE
    first: object = None
    if facts.in_one:
        first = yield "SET", attempt.key, attempt.value, "NX", "GET", "EX", seconds
    if not facts.in_one or _is_syntax_error(first):
        first = yield from _consuming_in_two(attempt, seconds)
    told = checked(first, "SET")
    if told is not None:
        if head_of(told) != head_of(attempt.value):  # check: R5
            return False
        if settings.min_replicas:
            # WAIT counts what this connection wrote, and the write went over one that was lost.
            yield from _written_again(attempt, seconds)
    if settings.min_replicas:
        yield from _acknowledged(settings)
    return True


def _consuming_in_two(attempt: Attempt, seconds: int) -> Steps[object]:
    """As `SET … NX GET`. A value never changes before its time is over, so that reading it later is as good."""
    done = checked((yield "SET", attempt.key, attempt.value, "NX", "EX", seconds), "SET")
    if done == b"OK":
        return None
    if done is not None:  # check: R6b
        raise say.unexpected("SET")
    there = checked((yield "GET", attempt.key), "GET")
    if there is None:  # check: R6c
        raise say.vanished()
    return there


def _written_again(attempt: Attempt, seconds: int) -> Steps[None]:
    if checked((yield "EXPIRE", attempt.key, seconds), "EXPIRE") != 1:  # check: R6d
        raise say.vanished()


def _acknowledged(settings: Settings) -> Steps[None]:
    """What is written stays written, whatever the count: to take it back could take it from another."""
    count = checked((yield "WAIT", settings.min_replicas, round(settings.replica_timeout * 1000)), "WAIT")
    if type(count) is not int:  # check: R6e
        raise say.unexpected("WAIT")
    if count < settings.min_replicas:  # check: R7
        raise say.not_durable(acknowledged=count, expected=settings.min_replicas, seconds=settings.replica_timeout)


def reading(settings: Settings, key: bytes) -> Steps[bytes | None]:
    """The note of the first use."""
    value = checked((yield "GET", settings.prefix + key), "GET")
    if value is None:
        return None
    head_of(value)
    assert isinstance(value, bytes)
    return value[_HEAD:]


def asked(steps: Steps[T]) -> Steps[T]:
    """The same steps on the node to which ASK sent us: it answers the one command after ASKING, each time."""
    try:
        command = next(steps)
        while True:
            checked((yield ("ASKING",)), "ASKING")
            command = steps.send((yield command))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return] # what a generator returns is not in the type of its end


def finding_primary(settings: Settings) -> Steps[Address | None]:
    """Ask a sentinel. None where it knows of none."""
    answer = yield "SENTINEL", "GET-MASTER-ADDR-BY-NAME", settings.service
    match checked(answer, "SENTINEL"):
        case [bytes() as host, bytes() as port]:
            return Address(host.decode(), int(port))
        case _:
            return None


def finding_slots(seed: Address) -> Steps[tuple[tuple[int, int, Address], ...]]:
    """Ask a node of a cluster: from slot, to slot, primary."""
    found: list[tuple[int, int, Address]] = []
    ranges = checked((yield "CLUSTER", "SLOTS"), "CLUSTER")
    for each in ranges if isinstance(ranges, list) else ():
        match each:
            case [int() as first, int() as last, [bytes() | None as host, int() as port, *_], *_]:
                found.append((first, last, Address(host.decode() if host else seed.host, port)))
            case _:
                raise say.unexpected("CLUSTER")
    return tuple(found)


def head_of(value: object) -> bytes:
    """The version and id of an attempt."""
    if not isinstance(value, bytes) or len(value) < _HEAD or not value.startswith(_VERSION):  # check: R6f
        raise say.foreign()
    return value[:_HEAD]


def checked(answer: object, command: str) -> object:
    """The answer, unless it is an error."""
    if isinstance(answer, Exception):  # check: R6a
        refuse(answer, command)
    return answer


def refuse(error: Exception, command: str) -> NoReturn:
    """Raise what an error means: Again where the server did nothing and another may, else StoreUnavailable.

    The error itself is left behind: a server that does not know a command quotes what came with it.
    """
    from redis import exceptions as of

    if isinstance(error, of.MovedError):
        raise Again(say.redirected()) from None
    if isinstance(error, of.AskError):
        raise Again(say.redirected(), address=Address(error.host, error.port)) from None
    if isinstance(error, of.ReadOnlyError):
        raise Again(say.lost("is a replica, which takes no writes")) from None
    if isinstance(error, of.ClusterDownError | of.TryAgainError):
        raise Again(say.lost("is part of a cluster that is down")) from None
    if isinstance(error, of.OutOfMemoryError):
        raise say.lost("has no memory left") from None
    if isinstance(error, of.NoPermissionError):
        raise say.forbidden(command, word=command == "INFO") from None
    raise say.refused(str(error)) from None


def translated(error: Exception) -> Exception:
    """What a failure of the connection means. Of the server's own errors only those of its greeting come here."""
    from redis import exceptions as of

    if isinstance(error, StoreUnavailable | Again):
        return error
    if isinstance(error, of.AuthenticationError | of.AuthorizationError):
        return say.lost("does not know the account or its password")
    if isinstance(error, of.BusyLoadingError):
        return Again(say.lost("is still loading its data"))
    if isinstance(error, of.TimeoutError | TimeoutError):
        return Again(say.lost("did not answer in time"))
    if isinstance(error, of.ConnectionError | OSError):
        return Again(say.lost("can't be reached"))
    if isinstance(error, of.ResponseError):
        return say.refused(str(error))
    return say.lost("gave an answer that can't be read")


def _is_syntax_error(answer: object) -> bool:
    return isinstance(answer, Exception) and "syntax error" in str(answer)


def cause_of(error: Exception) -> Exception | None:
    """What may be shown as the cause: what the network says, not what a server has sent."""
    from redis import exceptions as of

    return error if isinstance(error, of.ConnectionError | of.TimeoutError | OSError) else None
