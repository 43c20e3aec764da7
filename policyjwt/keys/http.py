"""Fetches a document about keys. Input: an https URL. Output: its bytes and their lifetime, or KeyRefused.

One GET under one deadline: no redirect, retry, proxy, cookie, credential or compression. Of the answer nothing
is believed here but that it came from the host that the URL names.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from policyjwt.connection import Address, connected, read_url, tls_context
from policyjwt.http_body import NotWholeError, TooLargeError, read_body
from policyjwt.keys import fetch_messages as say
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES

if TYPE_CHECKING:
    import ssl
    from email.message import Message
    from http.client import HTTPResponse

    from policyjwt.errors import KeyRefused

TIMEOUT: Final = 5.0
"""Seconds for all of one fetch."""

_ACCEPTED: Final = "application/jwk-set+json, application/json"
_TYPE: Final = re.compile(r"application/(?:json|[a-z0-9!#$&^_.-]+\+json)")
_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_MAX_AGE: Final = re.compile(r'max-age\s*=\s*(?:"([0-9]+)"|([0-9]+))')
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_DIGITS: Final = re.compile(r"[0-9]+")
_LONGEST: Final = 10**9 - 1
_MOST_DIRECTIVES: Final = 32

# X509_V_ERR_… of OpenSSL: what is wrong with a certificate, in words of our own.
_TOO_EARLY, _EXPIRED, _OTHER_NAME, _OTHER_IP = 9, 10, 62, 64
_FAULTS: Final = {
    _TOO_EARLY: "its certificate is not valid yet",
    _EXPIRED: "its certificate has expired",
    _OTHER_NAME: "its certificate is for another name",
    _OTHER_IP: "its certificate is for another address",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came. `max_age` are the seconds for which it is fresh by its own word, None where it says nothing.

    `age` are the seconds for which it has lain in caches on the way, at most, by their word.
    """

    body: bytes
    max_age: int | None
    age: int


def fetch(url: str, *, ca: bytes | None = None, timeout: float = TIMEOUT, limit: int = MAX_KEY_SET_BYTES) -> Fetched:
    """GET `url`. With `ca` (PEM) its certificates alone are trusted, without it those of the system.

    KeyRefused `key.fetch_failed` for whatever is not the whole answer, of status 200 and of a JSON type.
    """
    try:
        where = read_url(url)
    except ValueError as fault:
        raise say.url_refused(f"the URL of the keys {fault}") from None
    tls = _context(ca)
    try:
        with connected(where, tls, timeout=timeout) as connection:
            return _exchanged(connection, where, limit)
    except TimeoutError:
        raise say.too_slow(seconds=timeout) from None
    except (OSError, UnicodeError) as fault:  # UnicodeError: a host that no name can have
        raise _unreached(fault, private=ca is not None) from None


def check_ca(ca: bytes) -> None:
    """KeyRefused where `ca` is no list of certificates, before anything is fetched."""
    _context(ca)


def _context(ca: bytes | None) -> ssl.SSLContext:
    import ssl

    if ca is None:
        return tls_context()
    # Bundles have comments in many alphabets between their blocks: the blocks alone are handed on.
    blocks = b"\n".join(_CERTIFICATE.findall(ca))
    try:
        if not blocks:
            raise say.ca_unreadable()
        context = tls_context(blocks.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise say.ca_unreadable() from None
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate that is named is named to be trusted
    return context


def _exchanged(connection: socket.socket, where: Address, limit: int) -> Fetched:
    from http.client import HTTPConnection, HTTPException

    from policyjwt import __version__

    http = HTTPConnection(where.host, where.port)
    http.sock = connection  # never opened by `http.client`: it would know nothing of the time that is left
    http.auto_open = 0
    headers = {"Host": where.authority, "Accept": _ACCEPTED, "User-Agent": f"policyjwt/{__version__}"}
    try:
        http.request("GET", where.target, headers=headers | {"Connection": "close"})
        with http.getresponse() as response:
            return Fetched(_body(response, limit), _lifetime(response.headers), _age(response.headers))
    except (HTTPException, ValueError):
        raise say.no_answer() from None


def _body(response: HTTPResponse, limit: int) -> bytes:
    if 300 <= response.status < 400:
        raise say.redirects(status=response.status)
    if response.status != 200:
        raise say.status_refused(status=response.status)
    if not _TYPE.fullmatch(response.headers.get_content_type()):  # what is missing or malformed counts as text/plain
        raise say.type_refused()
    if any(value.strip().lower() != "identity" for value in response.headers.get_all("Content-Encoding", ())):
        raise say.compressed()
    try:
        return read_body(response, limit=limit)
    except TooLargeError:
        raise say.too_large(limit=limit) from None
    except NotWholeError:
        raise say.no_answer() from None


def _lifetime(headers: Message) -> int | None:
    """RFC 9111, sections 4.2 and 5.2.2. Of several answers the shortest: it costs a fetch, no trust."""
    found: list[int] = []
    for line in headers.get_all("Cache-Control", ()):
        for directive in line.lower().split(",", _MOST_DIRECTIVES)[:_MOST_DIRECTIVES]:
            said = _MAX_AGE.fullmatch(directive.strip())
            if directive.strip().partition("=")[0] in ("no-store", "no-cache"):
                found.append(0)
            elif said:
                digits = said[1] or said[2]
                found.append(int(digits) if _SECONDS.fullmatch(digits) else _LONGEST)
    return max(min(found) - _age(headers), 0) if found else None


def _age(headers: Message) -> int:
    """RFC 9111, section 5.1; what is no number of seconds says nothing.

    Of several answers the longest, and a second more, for caches leave out what is less: keys are never taken for
    younger than they are.
    """
    lines = headers.get_all("Age", ())
    said = [value.strip() for line in lines for value in line.split(",", _MOST_DIRECTIVES)[:_MOST_DIRECTIVES]]
    digits = [value for value in said if _DIGITS.fullmatch(value)]
    return max((int(value) + 1 if _SECONDS.fullmatch(value) else _LONGEST for value in digits), default=0)


def _unreached(fault: OSError | UnicodeError, *, private: bool) -> KeyRefused:
    """In the operating system's words; of TLS and of names only the kind: their texts quote the other side."""
    import ssl

    if isinstance(fault, ssl.SSLCertVerificationError):
        why = _FAULTS.get(fault.verify_code, "no authority that is trusted here has signed its certificate")
        return say.tls_refused(why, private=private)
    if isinstance(fault, ssl.SSLError):
        return say.no_tls()
    if isinstance(fault, socket.gaierror) or not isinstance(fault, OSError):
        return say.unreachable("its name can't be resolved")
    return say.unreachable((fault.strerror or "the connection broke").lower())
