"""No adapter opens a socket."""

from __future__ import annotations

from tests.tokens.conftest import _empty_header_cache, _no_socket

__all__ = ["_empty_header_cache", "_no_socket"]
