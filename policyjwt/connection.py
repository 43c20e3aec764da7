"""One connection with one deadline. Input: a URL. Output: a socket, cut when the time is over.

Nothing here knows of keys, responders or HTTP. Proxies are not used: there is nothing here that would look for one.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Timer
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

_Place: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
"""One address of a name, as the resolver gives it."""

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a URL says: where to connect, whether by TLS, and what to ask for."""

    secure: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """As the `Host` header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"


def read_url(url: str, *, plain: bool = False) -> Address:
    """The parts of an https URL, or of an http one where `plain` is allowed too.

    ValueError with a phrase for everything else. The phrase quotes nothing.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:  # a line feed would begin a header
        raise ValueError("has a character that no URL has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("can't be read") from None
    if parts.scheme not in (_PORTS if plain else ("https",)) or not parts.hostname:
        raise ValueError("is neither http nor https with a host" if plain else "is not https with a host")
    if "[" in parts.netloc and not parts.netloc.startswith("["):
        raise ValueError("can't be read")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("has user info or a fragment")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = _PORTS[parts.scheme] if port is None else port
    return Address(secure=parts.scheme == "https", host=parts.hostname, port=usual, target=target)


@contextmanager
def connected(where: Address, tls: ssl.SSLContext | None, *, timeout: float) -> Iterator[socket.socket]:
    """A connection that is cut when `timeout` is over, so that no sender of single bytes holds it open.

    By TLS where the address says so: the system's authorities are trusted where `tls` is None.

    TimeoutError then, whatever the cut connection looked like to its reader; else the OSError that it was.
    How long a name may take, the resolver of the operating system decides: it can't be interrupted, but its
    time counts.
    """
    deadline = monotonic() + timeout
    places = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    connection = raw = _first_to_answer(places, deadline)
    over = Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):  # closed already, by either side
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # of the socket below TLS, which may be busy

    left = max(deadline - monotonic(), 0.001)  # none at all would mean: do not wait, for sockets
    timer = Timer(left, cut)
    timer.daemon = True
    try:
        raw.settimeout(left)
        if where.secure:
            context = tls or tls_context()
            connection = secured = context.wrap_socket(raw, server_hostname=where.host, do_handshake_on_connect=False)
        timer.start()  # only now: what it shuts is the socket that is read
        if where.secure:
            secured.do_handshake()
        yield connection
    except Exception:
        if over.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        connection.close()
    if over.is_set():  # what was read until then may be the beginning of an answer
        raise TimeoutError


def tls_context(authorities: str | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later, below these authorities (PEM), or the system's. ssl.SSLError, ValueError for what is no PEM.

    Made by hand: nothing of the environment writes its secrets to a file, and a name counts only where certificates
    have names today (RFC 9525, section 2).
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    if authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=authorities)
    return context


def _first_to_answer(places: Sequence[_Place], deadline: float) -> socket.socket:
    """A connection to the first address that takes one, in the resolver's order.

    Each has its share of what is left until `deadline`, so that one which is silent neither takes the time of
    the next nor adds to the whole. The last one's OSError where none takes it.
    """
    fault: OSError = socket.gaierror()  # a name that has no address
    for number, place in enumerate(places):
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            return _connect(place, timeout=left / (len(places) - number))
        except OSError as refused:
            fault = refused
    raise fault


def _connect(place: _Place, *, timeout: float) -> socket.socket:
    family, kind, protocol, _, address = place
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(timeout)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection
