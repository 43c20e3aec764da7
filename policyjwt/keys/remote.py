"""Key sets from elsewhere. Input: a URL or an issuer. Output: public keys, or KeyRefused."""

from __future__ import annotations

import math
from typing import Final

from policyjwt.errors import KeyRefused, KeysWithdrawn
from policyjwt.keys import fetch_messages as say
from policyjwt.keys.discovery import document_url, jwks_uri
from policyjwt.keys.feed import Brought
from policyjwt.keys.files import parse_jwks
from policyjwt.keys.http import TIMEOUT, Fetched, fetch
from policyjwt.tokens.jwk import named
from policyjwt.tokens.keyset import KeySet

_DAY: Final = 86_400.0


def fetch_jwks(
    url: str,
    *,
    ca: bytes | None = None,
    reference: str | None = None,
    oldest: float = math.inf,
    timeout: float = TIMEOUT,
) -> Brought[KeySet]:
    """The public keys at `url`. A copy that a cache has kept for more than `oldest` seconds is refused."""
    fetched = fetch(url, ca=ca, timeout=timeout)
    if fetched.age > oldest:  # check: K9
        raise say.copy_too_old(age=fetched.age, oldest=oldest)
    return Brought(_keys(fetched, reference), fetched.max_age, fetched.age)


def _keys(fetched: Fetched, reference: str | None) -> KeySet:
    """KeysWithdrawn where the set can't be used and says all the same which keys there are."""
    try:
        return parse_jwks(fetched.body, reference=reference)
    except KeyRefused as refused:
        try:
            materials = named(fetched.body)
        except KeyRefused:
            raise refused from None  # no key set at all: that says nothing of any key
        raise KeysWithdrawn(refused, materials, age=fetched.age) from None


def fetch_discovered(
    issuer: str,
    *,
    ca: bytes | None = None,
    reference: str | None = None,
    oldest: float = math.inf,
    timeout: float = TIMEOUT,
) -> Brought[KeySet]:
    """The public keys of `issuer`, found by its discovery document; each of the two fetches has its `timeout`.

    A copy of the document may be a day old, whatever `oldest` is: it says where the keys are, not which.
    """
    document = fetch(document_url(issuer), ca=ca, timeout=timeout)
    if document.age > max(oldest, _DAY):  # check: K9
        raise say.copy_too_old(age=document.age, oldest=max(oldest, _DAY))
    return fetch_jwks(jwks_uri(document.body, issuer), ca=ca, reference=reference, oldest=oldest, timeout=timeout)
