"""A real PostgreSQL of a test's own: on 127.0.0.1, a free port, with a password, ended by its own pid."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

HANG = 120
"""Seconds after which a server counts as hanging: a hundred times what it takes."""


def programs() -> Path | None:
    """Where initdb and postgres are, newest version first; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def needs_postgres() -> None:
    """Skip, with the reason, where there is no server to start or no driver to ask it with."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if programs() is None:
        pytest.skip("there is no PostgreSQL server here", allow_module_level=True)


def _user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: who it runs as then."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    pytest.skip("there is no user for PostgreSQL to run as")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """One server; `settings` are lines of its configuration."""

    folder: Path
    port: int
    password: str
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return self.at(self.port)

    def at(self, port: int, *, password: str | None = None) -> str:
        """The DSN of a port that leads here."""
        return f"postgresql://postgres:{password or self.password}@127.0.0.1:{port}/postgres"

    def start(self) -> None:
        found = programs()
        assert found is not None
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": str(self.port)}
        options |= self.settings
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [found / "postgres", "-D", self.folder / "data", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_user(),
            )
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT in order, SIGQUIT as if it crashed."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(HANG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(HANG)
            raise
        finally:
            self.process = None

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement over a connection of its own."""
        import psycopg

        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _wait(self) -> None:
        import psycopg

        assert self.process is not None
        until = time.monotonic() + HANG
        while time.monotonic() < until:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                psycopg.connect(self.dsn).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the server does not start")


def _tool(name: str, *arguments: str | Path, password: str = "") -> None:
    found = programs()
    assert found is not None
    subprocess.run(
        [found / name, *arguments],
        check=True,
        capture_output=True,
        timeout=HANG,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PGPASSWORD": password, "LC_ALL": "C"},
        **_user(),
    )


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that the server's user can reach: those of pytest are for their owner alone."""
    folder = Path(tempfile.mkdtemp(prefix="policyjwt-postgres-"))
    try:
        if user := _user():
            os.chown(folder, user["user"], user["group"])
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgres(**settings: str) -> Iterator[Server]:
    """A server that runs until the block ends."""
    with _folder() as folder:
        server = Server(folder, free_port(), secrets.token_hex(12), settings)
        secret = folder / "secret"
        secret.write_text(server.password)
        secret.chmod(0o644)
        how = ("--auth=scram-sha-256", "--username=postgres", f"--pwfile={secret}", "--no-sync", "--encoding=UTF8")
        _tool("initdb", *how, "-D", folder / "data")
        secret.unlink()
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def standby(of: Server, **settings: str) -> Iterator[Server]:
    """A standby that follows a server; `promote` it with `SELECT pg_promote()`."""
    with _folder() as folder:
        _tool("pg_basebackup", "-D", folder / "data", "-d", of.dsn, "-R", "--checkpoint=fast", password=of.password)
        server = Server(folder, free_port(), of.password, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()


class Proxy:
    """A wire to a server that can lose replies: the question arrives, and the connection ends before the answer."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lose = 0
        self.lost = 0
        self._ends: list[socket.socket] = []
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            _end(end)
        for thread in self._threads:
            thread.join(HANG)
            assert not thread.is_alive()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [client, server]
                for source, target in ((client, server), (server, client)):
                    thread = Thread(target=self._pump, args=(source, target), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                if self.lose and source.getpeername()[1] == self._to:
                    self.lose -= 1
                    self.lost += 1
                    break
                target.sendall(piece)
        _end(source)
        _end(target)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
