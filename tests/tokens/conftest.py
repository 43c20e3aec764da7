"""No test of tokens opens a socket, and none leaves a header in the cache for the next."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from policyjwt.tokens import decode


@pytest.fixture(autouse=True)
def _no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def _empty_header_cache() -> Iterator[None]:
    decode._known_headers.clear()
    yield
    decode._known_headers.clear()
