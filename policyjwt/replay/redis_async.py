"""The replay store in Redis or Valkey for asynchronous services: `RedisReplayStore` without blocking the event loop."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeVar, Unpack

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import redis_messages as say
from policyjwt.replay.protocol import check_request
from policyjwt.replay.redis_check import Facts, checking
from policyjwt.replay.redis_driver import no_foreign_errors, nothing
from policyjwt.replay.redis_places import Places
from policyjwt.replay.redis_settings import Address, Options, durability, read_settings
from policyjwt.replay.redis_steps import Again, Command, Steps, asked, consuming, is_stale, new_attempt, reading, total

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Lock, Semaphore

T = TypeVar("T")


class Connection(Protocol):
    """What is used of the client's connections."""

    async def connect(self) -> None:
        """Connect and greet."""
        ...

    async def disconnect(self, *, nowait: bool) -> None:
        """Let go, whatever is under way."""
        ...

    async def send_command(self, *command: bytes | str | int) -> None:
        """Send one command."""
        ...

    async def read_response(self) -> object:
        """Wait for the answer to it."""
        ...


@dataclass(slots=True)
class _Link:
    """A connection, and what is known of the server behind it."""

    connection: Connection
    facts: Facts


@dataclass(slots=True)
class _Loop:
    """What belongs to one event loop: connections can't be used from another."""

    gate: Semaphore
    finding: Lock
    places: Places
    process: int
    idle: dict[Address, list[_Link]] = field(default_factory=dict)


class AsyncRedisReplayStore:
    """As `RedisReplayStore`, with the same arguments, for `evaluate_async`: each event loop has connections of its own.

    Close it before its event loop ends; those of a loop that has ended are let go when another one uses the store.
    """

    reach: Literal["nodes"] = "nodes"
    word: str | None = None

    def __init__(self, url: str | Sequence[str], **options: Unpack[Options]) -> None:
        self._settings = read_settings(url, **options)
        self._make = _connections(tls=self._settings.tls)
        self._loops: dict[AbstractEventLoop, _Loop] = {}
        self._closed = False

    def __repr__(self) -> str:
        """The places alone."""
        return f"<AsyncRedisReplayStore at {self._settings}>"

    async def __aenter__(self) -> Self:
        """The store itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    @property
    def durability(self) -> str:
        """What a consumed nonce survives: a phrase for verdicts."""
        return durability(self._settings)

    async def aclose(self) -> None:
        """Let go of the connections of this event loop, and of those that have ended. Nothing more is consumed."""
        self._closed = True
        loop = self._loop()
        self._drop_ended()
        for address in list(loop.idle):
            await _drop(loop, address)

    async def check(self) -> None:
        """Connect now, so that an unfit server is noticed at the start. Raises StoreUnavailable."""
        await self._ask(self._settings.prefix, lambda facts: nothing())

    async def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """See `RedisReplayStore`."""
        check_request(key, ttl, note)
        attempt = new_attempt(self._settings, key=key, ttl=ttl, note=note)
        return await self._ask(attempt.key, lambda facts: consuming(self._settings, attempt, facts))

    async def first(self, key: bytes) -> bytes | None:
        """See `ReplayStore`."""
        place = self._settings.prefix + key
        return await self._ask(place, lambda facts: reading(self._settings, key))

    async def _ask(self, key: bytes, steps: Callable[[Facts], Steps[T]]) -> T:
        """Take the steps, within the time that there is for all of it."""
        import asyncio

        try:
            async with asyncio.timeout(total(self._settings)):
                return await self._tried(key, steps)
        except TimeoutError:
            raise say.lost("did not answer in time") from None

    async def _tried(self, key: bytes, steps: Callable[[Facts], Steps[T]]) -> T:
        """Take the steps, and again while no answer comes and retries are left."""
        loop, hop = self._loop(), None
        for left in range(self._settings.retries, -1, -1):
            address: Address | None = hop
            try:
                address = address or await self._place(loop, key)
                async with self._link(loop, address) as link:
                    return await _take(link.connection, asked(steps(link.facts)) if hop else steps(link.facts))
            except Again as again:
                hop = loop.places.hop(again)
                if hop is None and address is not None:
                    await _drop(loop, address)
                    async with loop.finding:
                        loop.places.forget(key, address)
                if not left:
                    raise again.why from again.__cause__
        raise AssertionError  # the last round returns or raises

    async def _place(self, loop: _Loop, key: bytes) -> Address:
        """Where the key lives, looked up by one task at a time. Those who wait share the outcome."""
        seen = loop.places.failures
        async with loop.finding:
            for seed, steps in loop.places.questions(seen):
                try:
                    with no_foreign_errors():
                        async with self._seed(seed) as connection:
                            loop.places.learn(await _take(connection, steps))
                except (Again, StoreUnavailable):
                    continue  # the next seed may know
            return loop.places.of(key)

    @asynccontextmanager
    async def _link(self, loop: _Loop, address: Address) -> AsyncIterator[_Link]:
        """A connection to a fit server, for one question after the other."""
        import asyncio

        try:
            async with asyncio.timeout(self._settings.timeout):
                await loop.gate.acquire()
        except TimeoutError:
            raise say.busy(self._settings.max_connections) from None
        try:
            if self._is_closed():
                raise say.closed()
            idle = loop.idle.get(address)
            link = idle.pop() if idle else None
            try:
                with no_foreign_errors():
                    if link is None:
                        link = await self._opened(address)
                    elif is_stale(link.facts.asked_at):
                        link.facts = await _take(link.connection, checking(self._settings))
                    yield link
            except BaseException:
                # An answer that is still under way must never be read as the answer to another question: a task that
                # is cancelled while it waits leaves one behind.
                if link is not None:
                    await link.connection.disconnect(nowait=True)
                raise
            loop.idle.setdefault(address, []).append(link)
            if self._is_closed():  # meanwhile
                await _drop(loop, address)
        finally:
            loop.gate.release()

    async def _opened(self, address: Address) -> _Link:
        connection = self._make(host=address.host, port=address.port, **self._settings.login)
        try:
            await connection.connect()
            return _Link(connection, await _take(connection, checking(self._settings)))
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    @asynccontextmanager
    async def _seed(self, seed: Address) -> AsyncIterator[Connection]:
        """A connection to a sentinel or a node, for one question."""
        connection = self._make(host=seed.host, port=seed.port, **self._settings.seed_login)
        try:
            await connection.connect()
            yield connection
        finally:
            await connection.disconnect(nowait=True)

    def _is_closed(self) -> bool:
        return self._closed

    def _loop(self) -> _Loop:
        import asyncio

        running = asyncio.get_running_loop()
        found = self._loops.get(running)
        if found is None or found.process != os.getpid():
            self._drop_ended()
            gate = asyncio.Semaphore(self._settings.max_connections)
            found = _Loop(gate, asyncio.Lock(), Places(self._settings), os.getpid())
            self._loops[running] = found
        return found

    def _drop_ended(self) -> None:
        """Let go of the connections of loops that have ended. A parent's, in its child, are left alone."""
        for ended, held in list(self._loops.items()):
            if ended.is_closed() and held.process == os.getpid():
                self._loops.pop(ended, None)  # a loop of another thread may have done it
                for link in (link for idle in held.idle.values() for link in idle):
                    _hang_up(link.connection)


async def _drop(loop: _Loop, address: Address) -> None:
    for link in loop.idle.pop(address, []):
        await link.connection.disconnect(nowait=True)


def _hang_up(connection: Connection) -> None:
    """Tell the server that it is over: without its loop a connection can't be closed in the usual way."""
    writer = getattr(connection, "_writer", None)
    if writer is None:
        return
    connection._writer = None  # type: ignore[attr-defined] # the client's own: it would complain of it
    with suppress(OSError):  # the server may have been first
        writer.get_extra_info("socket").shutdown(SHUT_RDWR)


def _connections(*, tls: bool) -> Callable[..., Connection]:
    """The client's connections, each of which fails at once rather than try again by itself."""
    try:
        from redis.asyncio import Connection as PlainConnection
        from redis.asyncio import SSLConnection
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise say.not_installed() from None

    def make(**arguments: object) -> Connection:
        kind: Callable[..., Connection] = SSLConnection if tls else PlainConnection
        return kind(retry=Retry(NoBackoff(), 0), **arguments)

    return make


async def _take(connection: Connection, steps: Steps[T]) -> T:
    """Take steps over a connection, one command after the other."""
    from redis.exceptions import ResponseError

    try:
        command: Command = next(steps)
        while True:
            await connection.send_command(*command)
            answer: object
            try:
                answer = await connection.read_response()
            except ResponseError as error:
                answer = error
            command = steps.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return] # what a generator returns is not in the type of its end
