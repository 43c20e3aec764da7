"""A host of keys on the loopback: HTTPS with an authority of its own, answering as a test wants it, byte by byte."""

from __future__ import annotations

import json
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.issuer import Issuer
from tests.pki import Party, authority, party, usage

BEGINS, ENDS = 1_600_000_000, 4_000_000_000
"""TLS judges by the real clock."""

GUARD = 20.0
"""Seconds after which a test that hangs is ended."""

Reply = Callable[[socket.socket, Event], None]
"""Answers a request on a connection. The event is set when the server ends: whoever drips looks at it."""


@cache
def own_authority() -> Party:
    """The authority that signs the certificates of these hosts. No machine knows it."""
    return authority("Keys", begins=BEGINS, ends=ENDS)


def host_certificate(*names: str, above: Party | None = None, **more: Any) -> Party:
    """A certificate for TLS on these names and addresses."""
    alternatives: list[x509.GeneralName] = []
    for each in names:
        try:
            alternatives.append(x509.IPAddress(ip_address(each)))
        except ValueError:
            alternatives.append(x509.DNSName(each))
    extensions = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage("digital_signature"), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName(alternatives), False),
    ]
    times = {"begins": BEGINS, "ends": ENDS}
    return party("host", above or own_authority(), **({"extensions": extensions} | times | more))


@cache
def localhost() -> Party:
    """The certificate that most tests use."""
    return host_certificate("localhost", "127.0.0.1")


def server_context(certificate: Party) -> ssl.SSLContext:
    """What a server needs to be this host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key = certificate.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "host.pem")
        file.write_bytes(key + certificate.pem)
        context.load_cert_chain(file)
    return context


# ------------------------------------------------------------------------------------------------- answers


def answer(
    body: bytes = b"", *, status: str = "200 OK", kind: str | None = "application/json", more: str = ""
) -> bytes:
    """A whole HTTP answer with its length. `more` are further lines of its head."""
    typed = "" if kind is None else f"Content-Type: {kind}\r\n"
    return f"HTTP/1.1 {status}\r\n{typed}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def jwks(*issuers: Issuer, **members: Any) -> bytes:
    """The key set of these issuers."""
    return json.dumps({"keys": [{**issuer.jwk(), **members} for issuer in issuers]}).encode()


def sends(*pieces: bytes) -> Reply:
    """Sends these and closes."""

    def reply(connection: socket.socket, _: Event) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return reply


def drips(first: bytes, then: bytes, *, pause: float) -> Reply:
    """Sends `first`, then `then` again and again, until nobody listens."""

    def reply(connection: socket.socket, over: Event) -> None:
        connection.sendall(first)
        while not over.wait(pause):
            connection.sendall(then)

    return reply


def silent(connection: socket.socket, over: Event) -> None:
    """Never answers."""
    over.wait(GUARD)


# ------------------------------------------------------------------------------------------------- servers


@dataclass
class KeyHost:
    """Where it listens, what it answers (may be changed while it runs), and the heads of what it was asked."""

    port: int
    reply: Reply
    scheme: str
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    over: Event = field(default_factory=Event)
    _server: socket.socket | None = None

    @property
    def url(self) -> str:
        """The address of the key set."""
        return f"{self.scheme}://localhost:{self.port}/keys"

    @property
    def issuer(self) -> str:
        """The host as an issuer."""
        return f"{self.scheme}://localhost:{self.port}"

    def publish(self, *issuers: Issuer, more: str = "") -> None:
        """Answer with the keys of these from now on."""
        self.reply = sends(answer(jwks(*issuers), more=more))


@contextmanager
def serving(reply: Reply, *, tls: ssl.SSLContext | None = None, plain: bool = False) -> Iterator[KeyHost]:
    """A host that answers each connection in a thread of its own, until the block ends."""
    context = None if plain else tls or server_context(localhost())
    threads: list[Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        host = KeyHost(server.getsockname()[1], reply, "http" if plain else "https")

        def accept() -> None:
            while not host.over.is_set():
                connection, _ = server.accept()
                host.connections += 1
                thread = Thread(target=_serve, args=(connection, context, host), daemon=True)
                threads.append(thread)
                thread.start()

        accepting = Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield host
        finally:
            host.over.set()
            with suppress(OSError):
                socket.create_connection(server.getsockname(), 5).close()
            accepting.join(GUARD)
    for each in threads:
        each.join(GUARD)
    assert not any(each.is_alive() for each in (accepting, *threads))


def _serve(connection: socket.socket, context: ssl.SSLContext | None, host: KeyHost) -> None:
    with connection, suppress(OSError):  # the other side may go at any time
        if host.over.is_set():
            return
        connection.settimeout(GUARD)
        if context is None:
            _answer(connection, host)
            return
        with context.wrap_socket(connection, server_side=True) as secured:
            _answer(secured, host)


def _answer(connection: socket.socket, host: KeyHost) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return
        data += piece
        if data[:1] == b"\x16":  # TLS where none is spoken, as servers answer it
            connection.sendall(answer(b"{}", status="400 Bad Request"))
            return
    host.asked.append(data.decode("latin-1").partition("\r\n\r\n")[0])
    host.reply(connection, host.over)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
