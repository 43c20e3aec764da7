"""A replay store for all nodes: Redis or Valkey, one server, one behind Sentinel, or a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from types import TracebackType
from typing import Final, Literal, Self, TypeVar, Unpack
from weakref import WeakSet

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import redis_messages as say
from policyjwt.replay.protocol import check_request
from policyjwt.replay.redis_check import Facts, checking
from policyjwt.replay.redis_driver import Connection, connections, no_foreign_errors, nothing, take
from policyjwt.replay.redis_places import Places
from policyjwt.replay.redis_settings import Address, Options, durability, read_settings
from policyjwt.replay.redis_steps import Again, Deadline, Steps, asked, consuming, is_stale, new_attempt, reading

T = TypeVar("T")


@dataclass(slots=True)
class _Link:
    """A connection, and what is known of the server behind it."""

    connection: Connection
    facts: Facts


class RedisReplayStore:
    """Holds keys in Redis 5 or later, or Valkey, for every node that uses the same server and `prefix`.

    `url` is `rediss://user:password@host:port/database` (TLS; certificates are always verified, `?ssl_ca_certs=FILE`,
    `ssl_certfile`, `ssl_keyfile` may follow) or `redis://…`. Nothing is asked of the server before the first use, or
    `check()`.

    - `min_replicas`: so many replicas acknowledge a nonce within `replica_timeout` seconds before it counts as a first
      use; otherwise StoreNotDurable. This narrows what a fail-over can lose and does not close it.
    - `timeout`: seconds for each answer. `retries`: how often an attempt is made again after a lost answer; it carries
      an id, so that it is never taken for a replay of itself. A use takes `timeout * (retries + 1)` seconds at most, 3
      unless you say otherwise: all attempts, all look-ups and all waiting for other threads together. Only a greeting
      that began within them (TLS, account, database) may last for some `timeout` more.
    - `sentinel`: the name of the primary; then `url` is one or several sentinels, and user, password and database in it
      are those of the primary (`sentinel_user`, `sentinel_password` those of the sentinels).
    - `cluster=True`: `url` is one or several nodes.
    - `max_hold`: seconds, the longest that a nonce is held where the server keeps no append-only file, and how long
      such a server is refused after its start, since it may have lost nonces.
    - `server_is_safe=True`: the caller's word that the server evicts nothing and loses nothing in a restart. It counts
      where the server does not tell (INFO is forbidden) and for restarts, never against a known eviction policy.
    - `clock`: seconds since the epoch, the clock by which tokens are judged; StoreUnavailable where the server's
      differs by more than 5 seconds.

    The account needs SET, GET, INFO, TIME; with `min_replicas` WAIT and EXPIRE; in a cluster CLUSTER SLOTS, ASKING.
    Threads share the store; after a fork the child connects anew.
    """

    reach: Literal["nodes"] = "nodes"
    word: str | None = None

    def __init__(self, url: str | Sequence[str], **options: Unpack[Options]) -> None:
        self._settings = read_settings(url, **options)
        self._make = connections(tls=self._settings.tls)
        self._closed = False
        self._forked()
        _STORES.add(self)

    def __repr__(self) -> str:
        """The places alone."""
        return f"<RedisReplayStore at {self._settings}>"

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @property
    def durability(self) -> str:
        """What a consumed nonce survives: a phrase for verdicts."""
        return durability(self._settings)

    def close(self) -> None:
        """Let go of all connections. A closed store consumes nothing more."""
        self._closed = True
        for address in list(self._idle):
            self._drop(address)

    def check(self) -> None:
        """Connect now, so that an unfit server is noticed at the start. Raises StoreUnavailable."""
        self._ask(self._settings.prefix, lambda facts: nothing())

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """See `ReplayStore`. Raises StoreNotDurable where too few replicas have the key, which is used all the same."""
        check_request(key, ttl, note)
        attempt = new_attempt(self._settings, key=key, ttl=ttl, note=note)
        return self._ask(attempt.key, lambda facts: consuming(self._settings, attempt, facts))

    def first(self, key: bytes) -> bytes | None:
        """See `ReplayStore`."""
        place = self._settings.prefix + key
        return self._ask(place, lambda facts: reading(self._settings, key))

    def _ask(self, key: bytes, steps: Callable[[Facts], Steps[T]]) -> T:
        """Take the steps, and again while no answer comes and both retries and time are left."""
        hop: Address | None = None
        until = Deadline.of(self._settings)
        for left in range(self._settings.retries, -1, -1):
            address = hop
            try:
                address = address or self._place(key, until)
                with self._link(address, until) as link:
                    chosen = asked(steps(link.facts)) if hop else steps(link.facts)
                    return take(link.connection, chosen, until)
            except Again as again:
                hop = self._places.hop(again)
                if hop is None and address is not None:
                    # Connections to a server that failed are old news, and so may be that it has the key.
                    self._drop(address)
                    self._forget(key, address, until)
                if not left or until.is_over():
                    raise again.why from again.__cause__
        raise AssertionError  # the last round returns or raises

    def _place(self, key: bytes, until: Deadline) -> Address:
        """Where the key lives, looked up by one thread at a time. Those who wait share the outcome."""
        seen = self._places.failures
        if not self._finding.acquire(timeout=until.wait(whole=True)):
            raise self._places.unknown()
        try:
            for seed, steps in self._places.questions(seen, is_over=until.is_over):
                try:
                    with no_foreign_errors(), self._seed(seed, until) as connection:
                        self._places.learn(take(connection, steps, until))
                except (Again, StoreUnavailable):
                    continue  # the next seed may know
            return self._places.of(key)
        finally:
            self._finding.release()

    def _forget(self, key: bytes, address: Address, until: Deadline) -> None:
        """Unless a look-up is under way for as long as there is time: it finds out by itself."""
        if not until.is_over() and self._finding.acquire(timeout=until.wait(whole=True)):
            try:
                self._places.forget(key, address)
            finally:
                self._finding.release()

    @contextmanager
    def _link(self, address: Address, until: Deadline) -> Iterator[_Link]:
        """A connection to a fit server, for one question after the other."""
        gate = self._gate
        if not gate.acquire(timeout=until.wait()):
            raise say.busy(self._settings.max_connections)
        try:
            link = self._taken(address)
            try:
                with no_foreign_errors():
                    if link is None:
                        link = self._opened(address, until)
                    elif is_stale(link.facts.asked_at):
                        link.facts = take(link.connection, checking(self._settings), until)
                    yield link
            except BaseException:
                # An answer that is still under way must never be read as the answer to another question.
                if link is not None:
                    link.connection.disconnect()
                raise
            self._keep(address, link)
        finally:
            gate.release()

    def _opened(self, address: Address, until: Deadline) -> _Link:
        connection = self._make(host=address.host, port=address.port, **{**self._settings.login, **until.timeouts()})
        try:
            connection.connect()
            return _Link(connection, take(connection, checking(self._settings), until))
        except BaseException:
            connection.disconnect()
            raise

    @contextmanager
    def _seed(self, seed: Address, until: Deadline) -> Iterator[Connection]:
        """A connection to a sentinel or a node, for one question."""
        connection = self._make(host=seed.host, port=seed.port, **{**self._settings.seed_login, **until.timeouts()})
        try:
            connection.connect()
            yield connection
        finally:
            connection.disconnect()

    def _taken(self, address: Address) -> _Link | None:
        with self._lock:
            if self._closed:
                raise say.closed()
            idle = self._idle.get(address)
            return idle.pop() if idle else None

    def _keep(self, address: Address, link: _Link) -> None:
        with self._lock:
            if not self._closed:
                self._idle.setdefault(address, []).append(link)
                return
        link.connection.disconnect()

    def _drop(self, address: Address) -> None:
        with self._lock:
            idle = self._idle.pop(address, [])
        for link in idle:
            link.connection.disconnect()

    def _forked(self) -> None:
        """At the start, and in a forked child: neither locks nor connections of the parent can be used there."""
        self._lock = Lock()
        self._finding = Lock()
        self._gate = BoundedSemaphore(self._settings.max_connections)
        self._idle: dict[Address, list[_Link]] = {}
        self._places = Places(self._settings)


_STORES: Final[WeakSet[RedisReplayStore]] = WeakSet()


def _after_fork() -> None:
    for store in list(_STORES):
        store._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
