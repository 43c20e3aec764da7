"""What every test shares: Hypothesis profiles, no network, and no secret environment."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "commit",
    deadline=None,  # a busy machine is no failure
    max_examples=100,
    derandomize=True,  # the same commit gives the same answer
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "commit"))


_LOOPBACK = {"localhost", "127.0.0.1", "::1", b"localhost", b"127.0.0.1", None}
_getaddrinfo = socket.getaddrinfo


@pytest.fixture(autouse=True)
def _no_network_but_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the network for a name: policies of tests name addresses that nobody should ask."""

    def resolve(host: Any, *rest: Any, **named: Any) -> Any:
        if host not in _LOOPBACK:
            raise socket.gaierror(socket.EAI_NONAME, "tests have no network but loopback")
        return _getaddrinfo(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs are compared as text: what the caller's terminal prefers must not decide."""
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
