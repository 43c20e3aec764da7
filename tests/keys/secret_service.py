"""A real Secret Service: gnome-keyring in a D-Bus session of its own, in a folder of its own, ended by its own pids.

The session starts nothing by itself, so that no prompt ever shows on the screen of whoever runs the tests.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HANG_GUARD = 60.0
"""Seconds after which a test that waits gives up. No test judges by time."""

needs_secret_service = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None or shutil.which("gnome-keyring-daemon") is None,
    reason="dbus-daemon and gnome-keyring are not installed",
)

_SESSION = """<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
PROMPTER = "org.gnome.keyring.SystemPrompter"


@dataclass(frozen=True)
class Session:
    """What a program of this session finds in its environment."""

    environment: Mapping[str, str]

    @property
    def address(self) -> str:
        return self.environment["DBUS_SESSION_BUS_ADDRESS"]


@contextmanager
def bare_session() -> Iterator[Session]:
    """A D-Bus session with nobody in it."""
    with tempfile.TemporaryDirectory(prefix="pj-", ignore_cleanup_errors=True) as name:  # a socket's path is short
        folder = Path(name)
        folder.chmod(0o700)
        (folder / "bus.conf").write_text(_SESSION.format(path=folder / "bus"))
        environment = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'bus'}", "HOME": name}
        for variable, below in (("RUNTIME_DIR", "run"), ("DATA_HOME", "data"), ("CONFIG_HOME", "config")):
            (folder / below).mkdir(mode=0o700)
            environment[f"XDG_{variable}"] = str(folder / below)
        with _running("dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--nofork", "--nopidfile") as bus:
            _wait(bus, (folder / "bus").exists)
            try:
                yield Session(environment)
            finally:
                gc.collect()  # connections that `keyring` leaves open end here, not in whatever test comes later


@contextmanager
def secret_service() -> Iterator[Session]:
    """A session with gnome-keyring in it, its collection unlocked."""
    with bare_session() as session:
        control = f"--control-directory={session.environment['XDG_RUNTIME_DIR']}"
        start = ("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock", control)
        with _running(*start, environment=session.environment, said=b"a password of tests") as daemon:
            _wait(daemon, lambda: _is_unlocked(session))
            yield session


@contextmanager
def nobody_at_the_screen(session: Session) -> Iterator[None]:
    """The program that shows prompts is there, and nobody answers them. Afterwards it is gone."""
    from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped]  # it has none

    bus = DBusAddress("/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus")
    with _connected(session) as connection:
        reply = connection.send_and_get_reply(new_method_call(bus, "RequestName", "su", (PROMPTER, 0)))
        assert reply.body == (1,), "it owns the name"
        yield


def store(session: Session, service: str, user: str, text: str) -> None:
    """Put an entry in, as `keyring set` does."""
    from secretstorage import get_default_collection

    with _connected(session) as connection:
        attributes = {"service": service, "username": user, "application": "Python keyring library"}
        get_default_collection(connection).create_item("a test", attributes, text.encode(), replace=True)


def lock(session: Session) -> None:
    """Lock the collection, as a session does that is left alone."""
    from secretstorage import get_default_collection

    with _connected(session) as connection:
        collection = get_default_collection(connection)
        collection.lock()
        assert collection.is_locked()


@contextmanager
def _connected(session: Session) -> Iterator[Any]:
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]  # it has none

    with closing(open_dbus_connection(session.address)) as connection:
        yield connection


def _is_unlocked(session: Session) -> bool:
    from secretstorage import check_service_availability, get_default_collection

    with _connected(session) as connection:
        return check_service_availability(connection) and not get_default_collection(connection).is_locked()


@contextmanager
def _running(
    *command: str, environment: Mapping[str, str] | None = None, said: bytes = b""
) -> Iterator[subprocess.Popen[bytes]]:
    own = {**os.environ, **(environment or {})}
    with subprocess.Popen(
        command, env=own, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(said)
            process.stdin.close()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(HANG_GUARD)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    until = time.monotonic() + HANG_GUARD
    while time.monotonic() < until:
        assert process.poll() is None, f"it ended with {process.returncode}"
        with suppress(OSError):
            if ready():
                return
        time.sleep(0.02)
    raise AssertionError("it did not start")
