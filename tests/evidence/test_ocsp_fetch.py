"""Asking a responder: what is sent, what is taken for an answer, and that it ends."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from time import sleep
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from policyjwt import connection as connections
from policyjwt.evidence.ocsp_fetch import MAX_ANSWER_BYTES, FetchFailed, ask, request_for, responder_urls
from tests.loopback import TOO_LARGE, Loopback, http, listening, sends
from tests.pki import authority, leaf, party, pki, usage

BEGINS, ENDS = 1_600_000_000, 4_000_000_000
"""TLS judges by the real clock."""

BODY = b"\x30\x03\x0a\x01\x03"


def refused(url: str, *, timeout: float = 10, **more: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        ask(url, b"request", timeout=timeout, **more)
    message = caught.value.message
    assert str(caught.value) == message
    assert message == message.strip().rstrip(".")
    assert "\n" not in message
    return caught.value


# ---------------------------------------------------------------------------------------- what is asked


@pytest.mark.parametrize("cert_id", ["sha1", "sha256"])
def test_the_request_names_the_certificate(cert_id: Literal["sha1", "sha256"]) -> None:
    subject, issuer = pki().leaf.certificate, pki().intermediate.certificate
    asked = ocsp.load_der_ocsp_request(request_for(subject, issuer, cert_id=cert_id))
    assert asked.serial_number == subject.serial_number
    assert asked.hash_algorithm.name == cert_id
    assert list(asked.extensions) == []


def test_one_post_is_sent() -> None:
    with listening(sends(http(BODY))) as server:
        assert ask(f"{server.url}/a?b=c", b"\0request\n", timeout=10) == BODY
    ((head, body),) = server.asked
    first, *lines = head.split("\r\n")
    assert first == "POST /ocsp/a?b=c HTTP/1.1"
    assert body == b"\0request\n"
    assert sorted(line.lower() for line in lines) == sorted(
        [
            f"host: {server.url.split('/')[2]}",
            "accept-encoding: identity",
            "content-length: 9",
            "content-type: application/ocsp-request",
            "accept: application/ocsp-response",
            "connection: close",
        ]
    )


def test_the_path_may_be_absent() -> None:
    with listening(sends(http(BODY))) as server:
        assert ask(server.url.removesuffix("/ocsp"), b"", timeout=10) == BODY
    assert server.asked[0][0].startswith("POST / HTTP/1.1\r\n")


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(sends(http(b"proxy"))) as proxy, listening(sends(http(BODY))) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask(server.url, b"", timeout=10) == BODY
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("locations", "found"),
    [
        ([], ()),
        (["http://one.example/"], ("http://one.example/",)),
        (["ldap://one.example/x", "https://two.example/"], ("ldap://one.example/x", "https://two.example/")),
    ],
)
def test_the_responders_that_a_certificate_names(locations: list[str], found: tuple[str, ...]) -> None:
    entries = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(location))
        for location in locations
    ]
    others = [
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca")),
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.DNSName("ocsp.example")),
    ]
    access = x509.AuthorityInformationAccess([*others, *entries])
    named = party("named", pki().intermediate, extensions=[(access, False)]).certificate
    assert responder_urls(named) == found
    assert responder_urls(pki().leaf.certificate) == ()


# --------------------------------------------------------------------------------------- what is answered

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((http(BODY),), BODY),
        ((http(BODY, kind="Application/OCSP-Response; x=y"),), BODY),
        ((http(BODY, more="Content-Encoding: identity\r\n"),), BODY),
        ((http(b""),), b""),
        ((CHUNKED + b"5\r\n" + BODY + b"\r\n0\r\n\r\n",), BODY),
        ((UNTIL_CLOSED, BODY[:2], BODY[2:]), BODY),
        ((http(TOO_LARGE[:-1]),), TOO_LARGE[:-1]),
        ((http(TOO_LARGE[:-2]),), TOO_LARGE[:-2]),
    ],
)
def test_an_answer(pieces: tuple[bytes, ...], body: bytes) -> None:
    with listening(sends(*pieces)) as server:
        assert ask(server.url, b"", timeout=10) == body


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(BODY, status="404 Not Found"), "the responder answered with HTTP status 404; expected 200"),
        (http(BODY, status="500 x"), "the responder answered with HTTP status 500; expected 200"),
        (http(BODY, status="201 Created"), "the responder answered with HTTP status 201; expected 200"),
        (http(BODY, status="204 x"), "the responder answered with HTTP status 204; expected 200"),
        (http(BODY, kind=None), "the responder's answer is not of the type `application/ocsp-response`"),
        (http(BODY, kind="text/html"), "the responder's answer is not of the type `application/ocsp-response`"),
        (http(BODY, kind="x"), "the responder's answer is not of the type `application/ocsp-response`"),
        (
            http(BODY, more="Content-Encoding: gzip\r\n"),
            "the responder's answer is compressed, which was not asked for",
        ),
        (http(TOO_LARGE), f"the responder's answer has more than {MAX_ANSWER_BYTES} bytes"),
        (UNTIL_CLOSED + TOO_LARGE, f"the responder's answer has more than {MAX_ANSWER_BYTES} bytes"),
        (http(BODY)[:-1], "the responder's answer is no HTTP, or ends early"),
        (CHUNKED + b"5\r\n" + BODY[:3], "the responder's answer is no HTTP, or ends early"),
        (CHUNKED + b"-1\r\n" + BODY, "the responder's answer is no HTTP, or ends early"),
        (CHUNKED + b"zz\r\n" + BODY, "the responder's answer is no HTTP, or ends early"),
        (b"", "the responder's answer is no HTTP, or ends early"),
        (b"SSH-2.0-x\r\n", "the responder's answer is no HTTP, or ends early"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 101, "the responder's answer is no HTTP, or ends early"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000, "the responder's answer is no HTTP, or ends early"),
    ],
)
def test_no_answer(answer: bytes, said: str) -> None:
    with listening(sends(answer)) as server:
        assert refused(server.url).message == said


@pytest.mark.parametrize("status", ["300 x", "301 x", "302 Found", "307 x", "308 x", "304 x"])
def test_a_redirect_is_not_followed(status: str) -> None:
    with listening(sends(http(BODY))) as other:
        redirect = http(BODY, status=status, more=f"Location: {other.url}\r\n")
        with listening(sends(redirect)) as server:
            fault = refused(server.url)
    assert fault.message == f"the responder redirects (HTTP status {status[:3]}); redirects are not followed"
    assert fault.help == "name the place that answers with `--responder`"
    assert (len(server.asked), other.asked) == (1, [])


@given(data=st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    with listening(sends(data)) as server:
        try:
            said = ask(server.url, b"", timeout=10).decode("latin-1")
        except FetchFailed as fault:
            said = fault.message
    assert said in data.decode("latin-1") or said.startswith("the responder")
    assert len(server.asked) == 1


# ------------------------------------------------------------------------------------------------ it ends


def slowly(data: bytes) -> Callable[[socket.socket, bytes], None]:
    """Byte by byte, each sooner than any pause that a socket's own timeout would notice."""

    def reply(connection: socket.socket, _: bytes) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            sleep(0.05)

    return reply


@pytest.mark.parametrize("answer", [http(BODY), UNTIL_CLOSED + BODY * 4, CHUNKED + b"5\r\n" + BODY + b"\r\n0\r\n\r\n"])
def test_who_sends_byte_by_byte_is_cut_off(answer: bytes) -> None:
    """Without an end for the whole these answers would arrive: no single byte is late."""
    with listening(slowly(answer)) as server:
        assert refused(server.url, timeout=0.5).message == "the responder did not answer within 0.5s"


def test_the_beginning_of_an_answer_is_none() -> None:
    """An answer without a length ends where the connection ends, and it is cut here: it must not count as whole."""

    def reply(connection: socket.socket, _: bytes) -> None:
        connection.sendall(UNTIL_CLOSED + BODY)
        connection.recv(1)  # until the other side is gone

    with listening(reply) as server:
        assert refused(server.url, timeout=0.3).message == "the responder did not answer within 0.3s"


def test_who_says_nothing_is_cut_off() -> None:
    def reply(connection: socket.socket, _: bytes) -> None:
        connection.recv(1)

    with listening(reply) as server:
        assert refused(server.url, timeout=0.2).message == "the responder did not answer within 0.2s"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/").message == "the responder can't be reached: connection refused"


# ------------------------------------------------------------------------------------------- its addresses


def at(server: Loopback) -> tuple[str, int]:
    return "127.0.0.1", int(server.url.split(":")[2].removesuffix("/ocsp"))


def sockets(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """Other sockets for whoever asks a responder, and for nobody else."""
    monkeypatch.setattr(connections, "socket", SimpleNamespace(**vars(vars(connections)["socket"]) | changed))


def resolved(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> list[tuple[str, int]]:
    """Every name has these addresses. What is returned fills with what was looked up."""
    wanted: list[tuple[str, int]] = []

    def resolve(host: str, port: int, **more: Any) -> list[Any]:
        assert more == {"type": socket.SOCK_STREAM}
        wanted.append((host, port))
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for place in places]

    sockets(monkeypatch, getaddrinfo=resolve)
    return wanted


@dataclass
class Network:
    """A network that is slow, and a clock that stands still but for it.

    `answers` says after how many seconds an address takes a connection; one that is not named never does. `waited` is
    how long was waited for each, `rest` what the timer was set to for what came then, `open` how many sockets are.
    """

    answers: dict[tuple[str, int], float]
    now: float = 1000
    waited: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    open: int = 0


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    found = Network({})

    class Slow(socket.socket):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.open += 1

        def close(self) -> None:
            found.open -= 1
            super().close()

        def connect(self, address: Any) -> None:
            most, after = self.gettimeout(), found.answers.get(address, 10**6)
            assert most is not None
            found.waited.append(min(most, after))
            found.now += found.waited[-1]
            if after > most:
                raise TimeoutError("timed out")
            super().connect(address)

    class Noted(Timer):
        def __init__(self, interval: float, function: Callable[[], None]) -> None:
            found.rest.append(interval)
            super().__init__(60, function)

    sockets(monkeypatch, socket=Slow)
    monkeypatch.setattr(connections, "monotonic", lambda: found.now)
    monkeypatch.setattr(connections, "Timer", Noted)
    return found


SILENT = [(f"192.0.2.{number}", 80) for number in range(1, 5)]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_silent_addresses_take_no_more_than_the_time_all_together(
    count: int, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved(monkeypatch, *SILENT[:count])
    assert refused("http://ocsp.example/").message == "the responder did not answer within 10s"
    assert network.waited == pytest.approx([10 / count] * count)
    assert network.now == pytest.approx(1010)
    assert (network.rest, network.open) == ([], 0)


def test_a_silent_address_leaves_time_for_the_next(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(sends(http(BODY))) as server:
        resolved(monkeypatch, SILENT[0], at(server))
        network.answers[at(server)] = 3
        assert ask("http://ocsp.example/", b"", timeout=10) == BODY
    assert network.waited == [5, 3]
    assert network.rest == [2]  # what is left for the exchange: 10 - 5 - 3
    assert network.open == 0


def test_a_slow_connection_leaves_less_for_the_exchange(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(sends(http(BODY))) as server:
        resolved(monkeypatch, at(server))
        network.answers[at(server)] = 9
        assert ask("http://ocsp.example/", b"", timeout=10) == BODY
    assert (network.waited, network.rest) == ([9], [1])


def test_no_address_is_tried_when_the_time_is_over(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection was refused, late: what is left is nothing."""

    class Late(socket.socket):
        def connect(self, _: Any) -> None:
            network.waited.append(12)
            network.now += 12
            raise ConnectionRefusedError(111, "Connection refused")

    sockets(monkeypatch, socket=Late)
    resolved(monkeypatch, *SILENT)
    assert refused("http://ocsp.example/").message == "the responder did not answer within 10s"
    assert network.waited == [12]


def test_the_next_address_is_tried_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()
    with listening(sends(http(BODY))) as server:
        resolved(monkeypatch, nobody, at(server))
        assert ask("http://ocsp.example/", b"", timeout=10) == BODY
    resolved(monkeypatch, nobody, nobody)
    assert refused("http://ocsp.example/").message == "the responder can't be reached: connection refused"


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch)
    assert refused("http://ocsp.example/").message == "the responder can't be reached: its name can't be resolved"


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70 + ".invalid"])
def test_a_name_that_nobody_has(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    if len(host) < 70:  # no look-up leaves the machine
        sockets(monkeypatch, getaddrinfo=resolve)
    assert refused(f"http://{host}/").message == "the responder can't be reached: its name can't be resolved"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "the responder's URL is neither http nor https with a host"),
        ("ocsp.example", "the responder's URL is neither http nor https with a host"),
        ("ftp://ocsp.example/", "the responder's URL is neither http nor https with a host"),
        ("file:///etc/passwd", "the responder's URL is neither http nor https with a host"),
        ("http://", "the responder's URL is neither http nor https with a host"),
        ("http:///x", "the responder's URL is neither http nor https with a host"),
        ("http://user:pw@ocsp.example/", "the responder's URL has user info or a fragment"),
        ("http://@ocsp.example/", "the responder's URL has user info or a fragment"),
        ("http://ocsp.example/#x", "the responder's URL has user info or a fragment"),
        ("http://ocsp.example:x/", "the responder's URL can't be read"),
        ("http://ocsp.example:65536/", "the responder's URL can't be read"),
        ("http://[::1/", "the responder's URL can't be read"),
        ("http://ocsp.example/a b", "the responder's URL has a character that no URL has"),
        ("http://ocsp.example/\r\nx: y", "the responder's URL has a character that no URL has"),
        ("http://ocsp.example/\r\nx", "the responder's URL has a character that no URL has"),
        ("http://ocsp.example/\0", "the responder's URL has a character that no URL has"),
        ("http://höhle.example/", "the responder's URL has a character that no URL has"),
    ],
)
def test_a_url_that_is_none(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets(monkeypatch, getaddrinfo=lambda *_, **__: pytest.fail("a name was looked up"))
    fault = refused(url)
    assert fault.message == said
    assert fault.help is not None


@pytest.mark.parametrize(
    ("url", "place", "host"),
    [
        ("http://ocsp.example", ("ocsp.example", 80), "ocsp.example"),
        ("http://ocsp.example:80/", ("ocsp.example", 80), "ocsp.example"),
        ("http://ocsp.example:8080/", ("ocsp.example", 8080), "ocsp.example:8080"),
        ("http://[::1]/", ("::1", 80), "[::1]"),
        ("http://[::1]:8080/", ("::1", 8080), "[::1]:8080"),
    ],
)
def test_where_a_url_leads(url: str, place: tuple[str, int], host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(sends(http(BODY))) as server:
        wanted = resolved(monkeypatch, at(server))
        assert ask(url, b"", timeout=10) == BODY
    assert wanted == [place]
    assert f"Host: {host}" in server.asked[0][0].split("\r\n")


# ---------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext, Path]]:
    """For the server, for a client that trusts it, and the file of the authority."""
    root = authority("Root for TLS")
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))])
    server = leaf(
        "localhost",
        root,
        uris=(),
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (usage("digital_signature"), True),
            (names, False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        ],
        begins=BEGINS,
        ends=ENDS,
    )
    folder = tmp_path_factory.mktemp("tls")
    key = server.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(key + server.pem)
    lasting_root = authority("Root for TLS", private=root.private, begins=BEGINS, ends=ENDS)
    (folder / "root.pem").write_bytes(lasting_root.pem)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(folder / "server.pem")
    yield ours, ssl.create_default_context(cafile=folder / "root.pem"), folder / "root.pem"
    (folder / "server.pem").unlink()


def test_over_tls(contexts: tuple[ssl.SSLContext, ssl.SSLContext, Path]) -> None:
    ours, trusting, _ = contexts
    with listening(sends(http(BODY)), tls=ours) as server:
        assert ask(server.url, b"", timeout=10, tls=trusting) == BODY
    assert len(server.asked) == 1


def test_the_usual_port_of_tls(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(sends(http(BODY)), tls=contexts[0]) as server:
        wanted = resolved(monkeypatch, at(server))
        assert ask("https://localhost/", b"", timeout=10, tls=contexts[1]) == BODY
    assert wanted == [("localhost", 443)]
    assert "Host: localhost" in server.asked[0][0].split("\r\n")


def test_the_authorities_of_the_machine_count(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _, root = contexts
    with listening(sends(http(BODY)), tls=ours) as server:
        assert (
            refused(server.url).message == "the responder can't be reached: its certificate for TLS is not trusted here"
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(root))
        assert ask(server.url, b"", timeout=10) == BODY
    assert len(server.asked) == 1


def test_the_name_is_checked(contexts: tuple[ssl.SSLContext, ssl.SSLContext, Path]) -> None:
    ours, trusting, _ = contexts
    with listening(sends(http(BODY)), tls=ours) as server:
        other = server.url.replace("localhost", "127.0.0.1")
        assert "not trusted" in refused(other, tls=trusting).message
    assert server.asked == []


def test_no_tls_where_it_is_expected() -> None:
    def plain(server: Loopback) -> str:
        return server.url.replace("http:", "https:")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        from threading import Thread

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = Thread(target=answer)
        thread.start()
        url = plain(Loopback(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        assert refused(url).message == "the responder can't be reached: TLS could not be established"
        thread.join()


def test_a_handshake_that_never_ends_is_cut_off(contexts: tuple[ssl.SSLContext, ssl.SSLContext, Path]) -> None:
    """Byte by byte too: TLS reads records, and a record may come slowly."""
    from threading import Thread

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10)
                for byte in b"\x16\x03\x03\x40\x00" + bytes(200):
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        return
                    sleep(0.05)

        thread = Thread(target=answer)
        thread.start()
        url = f"https://localhost:{listener.getsockname()[1]}/"
        assert refused(url, timeout=0.5, tls=contexts[1]).message == "the responder did not answer within 0.5s"
        thread.join()
