"""Asks a responder. Input: a certificate, its issuer, a URL. Output: the bytes of the answer, or FetchFailed.

RFC 6960, appendix A.1: one POST. Only the command line calls this; nothing that judges a token opens a socket.
Of the answer nothing is believed here: `check_staple` judges it.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Literal

from policyjwt.connection import Address, connected, read_url
from policyjwt.errors import PolicyJwtError
from policyjwt.http_body import NotWholeError, TooLargeError, read_body

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPResponse

    from cryptography.x509 import Certificate

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Four times what a staple may have: enough to say what is wrong with one that is too large."""

_TYPE: Final = "application/ocsp-response"


class FetchFailed(PolicyJwtError):  # noqa: N818 - said of a fetch as TokenRefused of a token
    """No answer came, or none that is an OCSP response by its HTTP. One line; it quotes nothing of the answer."""

    def __init__(self, message: str, *, help: str | None = None) -> None:
        self.message, self.help = message, help
        super().__init__(message)


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
    """POST `request` to `url`; all of it takes at most `timeout` seconds.

    Resolving the name, connecting (to however many addresses), handshake and exchange share that time; a name that is
    slow can't be interrupted. No proxy of the environment is used, no redirect
    is followed, no cookie or credential is sent: the request goes where the operator, or the certificate that the
    operator gave, says, and nowhere else.
    """
    try:
        where = read_url(url, plain=True)
    except ValueError as fault:
        raise FetchFailed(f"the responder's URL {fault}", help="a URL such as `http://ocsp.corp.example`") from None
    try:
        with connected(where, tls, timeout=timeout) as connection:
            return _exchanged(connection, where, request)
    except TimeoutError:
        raise FetchFailed(f"the responder did not answer within {timeout:g}s") from None
    except (OSError, UnicodeError) as fault:  # UnicodeError: a host that no name can have
        raise FetchFailed(f"the responder can't be reached: {_reason(fault)}") from None


def _exchanged(connection: socket.socket, where: Address, request: bytes) -> bytes:
    from http.client import HTTPConnection, HTTPException

    http = HTTPConnection(where.host, where.port)
    http.sock = connection  # never opened by `http.client`: it would know nothing of the time that is left
    http.auto_open = 0
    headers = {"Host": where.authority, "Content-Type": "application/ocsp-request", "Accept": _TYPE}
    try:
        http.request("POST", where.target, request, headers | {"Connection": "close"})
        with http.getresponse() as response:
            return _body(response)
    except (HTTPException, ValueError):
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
    try:
        return read_body(response, limit=MAX_ANSWER_BYTES)
    except TooLargeError:
        raise FetchFailed(f"the responder's answer has more than {MAX_ANSWER_BYTES} bytes") from None
    except NotWholeError:
        raise FetchFailed("the responder's answer is no HTTP, or ends early") from None


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
