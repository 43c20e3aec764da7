"""A server on the loopback for one kind of answer, byte by byte as a test wants it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

from policyjwt.evidence.ocsp_fetch import MAX_ANSWER_BYTES

_connect = socket.create_connection  # a test may replace it
Reply = Callable[[socket.socket, bytes], None]


@dataclass
class Loopback:
    """Where it listens, and what it was asked: head and body of each request."""

    url: str
    asked: list[tuple[str, bytes]] = field(default_factory=list)


def http(
    body: bytes = b"", *, status: str = "200 OK", kind: str | None = "application/ocsp-response", more: str = ""
) -> bytes:
    """A whole HTTP answer with its length. `more` are further lines of its head."""
    typed = "" if kind is None else f"Content-Type: {kind}\r\n"
    return f"HTTP/1.1 {status}\r\n{typed}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def sends(*pieces: bytes) -> Reply:
    """Sends these and closes."""

    def reply(connection: socket.socket, _: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return reply


@contextmanager
def listening(reply: Reply, *, tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Answers each connection by `reply`, one after the other, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        found = Loopback(f"{scheme}://{host}:{server.getsockname()[1]}/ocsp")

        over = Event()

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError):  # the other side may go at any time
                    if over.is_set():
                        return
                    connection.settimeout(20)
                    if tls is None:
                        _answer(connection, reply, found)
                    else:
                        with tls.wrap_socket(connection, server_side=True) as secured:
                            _answer(secured, reply, found)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            _connect(server.getsockname(), 20).close()
            thread.join(30)
    assert not thread.is_alive()


def _answer(connection: socket.socket, reply: Reply, found: Loopback) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += (piece := connection.recv(65536))
        if not piece:
            return
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.decode().split("\r\n") if line.lower().startswith("content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    found.asked.append((head.decode(), body))
    reply(connection, body)


TOO_LARGE = b"\x30" * (MAX_ANSWER_BYTES + 1)
