"""Key sets from elsewhere. Input: a URL or an issuer. Output: public keys, or KeyRefused; and sources of them."""

from __future__ import annotations

from policyjwt.keys.discovery import document_url, jwks_uri
from policyjwt.keys.feed import RemoteSource
from policyjwt.keys.files import parse_jwks
from policyjwt.keys.http import TIMEOUT, check_ca, fetch
from policyjwt.tokens.keyset import KeySet


def fetch_jwks(
    url: str, *, ca: bytes | None = None, reference: str | None = None, timeout: float = TIMEOUT
) -> tuple[KeySet, int | None]:
    """The public keys at `url`, and for how many seconds they are fresh by its own word."""
    fetched = fetch(url, ca=ca, timeout=timeout)
    return parse_jwks(fetched.body, reference=reference), fetched.max_age


def fetch_discovered(
    issuer: str, *, ca: bytes | None = None, reference: str | None = None, timeout: float = TIMEOUT
) -> tuple[KeySet, int | None]:
    """The public keys of `issuer`, found by its discovery document; each of the two fetches has its `timeout`."""
    document = fetch(document_url(issuer), ca=ca, timeout=timeout)
    return fetch_jwks(jwks_uri(document.body, issuer), ca=ca, reference=reference, timeout=timeout)


def url_source(reference: str, url: str, *, ca: bytes | None, stale: float) -> RemoteSource[KeySet]:
    """A source for `keys jwks url`. KeyRefused where `ca` is none."""
    if ca is not None:
        check_ca(ca)
    return RemoteSource(reference, lambda: fetch_jwks(url, ca=ca, reference=reference), stale)


def discovery_source(reference: str, issuer: str, *, ca: bytes | None, stale: float) -> RemoteSource[KeySet]:
    """A source for `keys discovery`. The document is read each time: it may name another place by then."""
    if ca is not None:
        check_ca(ca)
    return RemoteSource(reference, lambda: fetch_discovered(issuer, ca=ca, reference=reference), stale)
