"""Asks a responder. Input: a certificate, its issuer, a URL. Output: the bytes of the answer, or FetchFailed.

RFC 6960, appendix A.1: one POST. Only the command line calls this; nothing that judges a token opens a socket.
Of the answer nothing is believed here: `check_staple` judges it.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Timer
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from policyjwt.errors import PolicyJwtError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence
    from http.client import HTTPResponse

    from cryptography.x509 import Certificate

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Four times what a staple may have: enough to say what is wrong with one that is too large."""

_Place: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
"""One address of a name, as the resolver gives it."""

_PORTS: Final = {"http": 80, "https": 443}
_TYPE: Final = "application/ocsp-response"


class FetchFailed(PolicyJwtError):  # noqa: N818 - said of a fetch as TokenRefused of a token
    """No answer came, or none that is an OCSP response by its HTTP. One line; it quotes nothing of the answer."""

    def __init__(self, message: str, *, help: str | None = None) -> None:
        self.message, self.help = message, help
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Url:
    secure: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """As the `Host` header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"


def request_for(certificate: Certificate, issuer: Certificate, *, cert_id: Literal["sha1", "sha256"]) -> bytes:
    """The request about `certificate`, without a nonce.

    A nonce would keep responders from answering with what they signed beforehand (RFC 5019, section 4), and would
    not help whoever gets the staple later: age is judged by `thisUpdate`. SHA-1 names the issuer here and
    signs nothing.
    """
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.ocsp import OCSPRequestBuilder

    algorithm = SHA1() if cert_id == "sha1" else SHA256()  # noqa: S303 - as above
    return OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm).build().public_bytes(Encoding.DER)


def responder_urls(certificate: Certificate) -> tuple[str, ...]:
    """The responders that `certificate` names (RFC 5280, section 4.2.2.1), in its order."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return ()
    ocsp = AuthorityInformationAccessOID.OCSP
    named = [entry.access_location for entry in access if entry.access_method == ocsp]
    return tuple(place.value for place in named if isinstance(place, x509.UniformResourceIdentifier))


def ask(url: str, request: bytes, *, timeout: float, tls: ssl.SSLContext | None = None) -> bytes:
    """POST `request` to `url`; all of it takes at most `timeout` seconds, from when a name is resolved.

    Connecting (to however many addresses), handshake and exchange share that time. How long a name may take, the
    resolver of the operating system decides: it can't be interrupted. No proxy of the environment is used, no redirect
    is followed, no cookie or credential is sent: the request goes where the operator, or the certificate that the
    operator gave, says, and nowhere else.
    """
    where = _read_url(url)
    try:
        with _connected(where, timeout, tls) as connection:
            return _exchanged(connection, where, request)
    except TimeoutError:
        raise FetchFailed(f"the responder did not answer within {timeout:g}s") from None
    except (OSError, UnicodeError) as fault:  # UnicodeError: a host that no name can have
        raise FetchFailed(f"the responder can't be reached: {_reason(fault)}") from None


def _read_url(url: str) -> _Url:
    expected = "a URL such as `http://ocsp.corp.example`"
    if not url.isascii() or not url.isprintable() or " " in url:  # a line feed would begin another header
        raise FetchFailed("the responder's URL has a character that no URL has", help=expected)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchFailed("the responder's URL can't be read", help=expected) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise FetchFailed("the responder's URL is neither http nor https with a host", help=expected)
    if "@" in parts.netloc or parts.fragment:
        raise FetchFailed("the responder's URL has user info or a fragment", help=expected)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = _PORTS[parts.scheme]
    return _Url(secure=parts.scheme == "https", host=parts.hostname, port=port or usual, target=target)


@contextmanager
def _connected(where: _Url, timeout: float, tls: ssl.SSLContext | None) -> Iterator[socket.socket]:
    """A connection that is cut when `timeout` is over, so that no sender of single bytes holds it open.

    TimeoutError then, whatever the cut connection looked like to its reader.
    """
    places = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    deadline = monotonic() + timeout
    raw = _first_to_answer(places, deadline)
    left = max(deadline - monotonic(), 0.001)  # none at all would mean: do not wait, for sockets
    raw.settimeout(left)
    over = Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):  # closed already, by either side
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # of the socket below TLS, which may be busy

    connection = raw
    timer = Timer(left, cut)
    timer.daemon = True
    try:
        timer.start()
        if where.secure:
            connection = secured = _tls(tls).wrap_socket(raw, server_hostname=where.host, do_handshake_on_connect=False)
            secured.do_handshake()
        yield connection
    except (OSError, FetchFailed):
        if over.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        connection.close()
    if over.is_set():  # what was read until then may be the beginning of an answer
        raise TimeoutError


def _first_to_answer(places: Sequence[_Place], deadline: float) -> socket.socket:
    """A connection to the first address that takes one, the others tried in the resolver's order before it.

    Each has its share of what is left until `deadline`, so that one which is silent neither takes the time of the next
    nor adds to the whole. The last one's OSError where none takes it.
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


def _tls(given: ssl.SSLContext | None) -> ssl.SSLContext:
    import ssl

    return given or ssl.create_default_context()


def _exchanged(connection: socket.socket, where: _Url, request: bytes) -> bytes:
    from http.client import HTTPConnection, HTTPException

    http = HTTPConnection(where.host, where.port)
    http.sock = connection  # never opened by `http.client`: it would know nothing of the time that is left
    http.auto_open = 0
    headers = {"Host": where.authority, "Content-Type": "application/ocsp-request", "Accept": _TYPE}
    try:
        http.request("POST", where.target, request, headers | {"Connection": "close"})
        with http.getresponse() as response:
            return _body(response)
    except HTTPException:
        raise FetchFailed("the responder's answer is no HTTP, or ends early") from None


def _body(response: HTTPResponse) -> bytes:
    if 300 <= response.status < 400:
        raise FetchFailed(
            f"the responder redirects (HTTP status {response.status}); redirects are not followed",
            help="name the place that answers with `--responder`",
        )
    if response.status != 200:
        raise FetchFailed(f"the responder answered with HTTP status {response.status}; expected 200")
    kind = response.headers.get_content_type()  # what is missing or malformed counts as text/plain
    if kind != _TYPE:
        raise FetchFailed(f"the responder's answer is not of the type `{_TYPE}`")
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise FetchFailed("the responder's answer is compressed, which was not asked for")
    body = response.read(MAX_ANSWER_BYTES + 1)
    if len(body) > MAX_ANSWER_BYTES:
        raise FetchFailed(f"the responder's answer has more than {MAX_ANSWER_BYTES} bytes")
    if response.length:
        raise FetchFailed("the responder's answer ends early")
    return body


def _reason(fault: OSError | UnicodeError) -> str:
    """In the operating system's words; of TLS and of names only the kind: their texts quote the other side."""
    import ssl

    if isinstance(fault, ssl.SSLCertVerificationError):
        return "its certificate for TLS is not trusted here"
    if isinstance(fault, ssl.SSLError):
        return "TLS could not be established"
    if isinstance(fault, socket.gaierror) or not isinstance(fault, OSError):
        return "its name can't be resolved"
    return (fault.strerror or "the connection broke").lower()
