"""Key sets from elsewhere. Input: a URL or an issuer. Output: public keys, or KeyRefused."""

from __future__ import annotations

from policyjwt.errors import KeyRefused, KeysWithdrawn
from policyjwt.keys.discovery import document_url, jwks_uri
from policyjwt.keys.files import parse_jwks
from policyjwt.keys.http import TIMEOUT, fetch
from policyjwt.tokens.jwk import named
from policyjwt.tokens.keyset import KeySet


def fetch_jwks(
    url: str, *, ca: bytes | None = None, reference: str | None = None, timeout: float = TIMEOUT
) -> tuple[KeySet, int | None]:
    """The public keys at `url`, and for how many seconds they are fresh by its own word."""
    fetched = fetch(url, ca=ca, timeout=timeout)
    return _keys(fetched.body, reference), fetched.max_age


def _keys(body: bytes, reference: str | None) -> KeySet:
    """KeysWithdrawn where the set can't be used and says all the same which keys there are."""
    try:
        return parse_jwks(body, reference=reference)
    except KeyRefused as refused:
        try:
            materials, kids = named(body)
        except KeyRefused:
            raise refused from None  # no key set at all: that says nothing of any key
        raise KeysWithdrawn(refused, materials, kids) from None


def fetch_discovered(
    issuer: str, *, ca: bytes | None = None, reference: str | None = None, timeout: float = TIMEOUT
) -> tuple[KeySet, int | None]:
    """The public keys of `issuer`, found by its discovery document; each of the two fetches has its `timeout`."""
    document = fetch(document_url(issuer), ca=ca, timeout=timeout)
    return fetch_jwks(jwks_uri(document.body, issuer), ca=ca, reference=reference, timeout=timeout)
