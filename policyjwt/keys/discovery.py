"""OpenID Connect Discovery 1.0. Input: an issuer and its document. Output: the URL of its keys, or KeyRefused.

The document is believed for one thing: where the keys of the issuer are that the policy names.
"""

from __future__ import annotations

from policyjwt.connection import read_url
from policyjwt.keys import fetch_messages as say
from policyjwt.keys.houses import same_house
from policyjwt.tokens import strict_json

_WELL_KNOWN = "/.well-known/openid-configuration"


def document_url(issuer: str) -> str:
    """Where the document of `issuer` is (section 4): a slash at the end of the issuer is removed first."""
    try:
        read_url(issuer)
    except ValueError as fault:
        raise say.url_refused(f"the issuer for discovery {fault}") from None
    if "?" in issuer:  # section 3: an issuer has no query
        raise say.url_refused("the issuer for discovery has a query")
    return issuer.removesuffix("/") + _WELL_KNOWN


def jwks_uri(document: bytes, issuer: str) -> str:
    """Where the keys of `issuer` are, as its own document says.

    KeyRefused `key.malformed` for what is no such document, `key.discovery_mismatch` where it is another
    issuer's, or where the keys are not an https URL on a host of the issuer's.
    """
    try:
        found = strict_json.loads(document)
    except strict_json.NotStrictError as fault:
        raise say.document_malformed(f"that is not strict JSON: {fault.actual}") from None
    if not isinstance(found, dict):
        raise say.document_malformed("that is no JSON object")
    named, url = found.get("issuer"), found.get("jwks_uri")
    if not isinstance(named, str):
        raise say.document_malformed("without a text `issuer`")
    if named != issuer:  # section 4.3: exactly
        raise say.other_issuer()
    if not isinstance(url, str):
        raise say.document_malformed("without a text `jwks_uri`")
    try:
        host = read_url(url).host
    except ValueError:
        raise say.keys_not_https() from None
    if not same_house(host, read_url(issuer).host):
        raise say.foreign_keys()
    return url
