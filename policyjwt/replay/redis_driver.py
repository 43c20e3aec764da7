"""The client's connections for threads: how they are made, and how steps are taken over one of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from policyjwt.replay import redis_messages as say
from policyjwt.replay.redis_steps import Command, Deadline, Steps, cause_of, translated

T = TypeVar("T")


class Connection(Protocol):
    """What is used of the client's connections."""

    def connect(self) -> None:
        """Connect and greet."""
        ...

    def disconnect(self) -> None:
        """Let go, whatever is under way."""
        ...

    def send_command(self, *command: bytes | str | int) -> None:
        """Send one command."""
        ...

    def read_response(self, *, timeout: float) -> object:
        """Wait for the answer to it."""
        ...


def connections(*, tls: bool) -> Callable[..., Connection]:
    """The client's connections, each of which fails at once rather than try again by itself."""
    try:
        from redis import Connection as PlainConnection
        from redis import SSLConnection
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise say.not_installed() from None

    def make(**arguments: object) -> Connection:
        kind: Callable[..., Connection] = SSLConnection if tls else PlainConnection
        return kind(retry=Retry(NoBackoff(), 0), **arguments)

    return make


def take(connection: Connection, steps: Steps[T], until: Deadline) -> T:
    """Take steps over a connection, one command after the other. Raises Again when the time is over."""
    from redis.exceptions import ResponseError

    try:
        command: Command = next(steps)
        while True:
            seconds = until.wait()
            connection.send_command(*command)
            answer: object
            try:
                answer = connection.read_response(timeout=seconds)
            except ResponseError as error:
                answer = error
            command = steps.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return] # what a generator returns is not in the type of its end


def nothing() -> Generator[Command, object, None]:
    """No further steps: to have connected is all."""
    yield from ()


@contextmanager
def no_foreign_errors() -> Iterator[None]:
    """Whatever the client or the network says becomes StoreUnavailable or Again."""
    try:
        yield
    except Exception as error:  # the fail-closed border to the client
        meant = translated(error)
        if meant is error:
            raise
        raise meant from cause_of(error)
