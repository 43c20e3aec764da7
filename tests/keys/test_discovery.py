"""Discovery: whose document it is, and where it may say that the keys are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policyjwt.errors import KeyRefused
from policyjwt.keys.discovery import document_url, jwks_uri
from policyjwt.keys.houses import same_house

ISSUER = "https://idp.corp.example"


def document(**changes: Any) -> bytes:
    members = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", "response_types_supported": ["code"]} | changes
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        (ISSUER, f"{ISSUER}/.well-known/openid-configuration"),
        (f"{ISSUER}/", f"{ISSUER}/.well-known/openid-configuration"),
        (f"{ISSUER}/tenant/v2.0", f"{ISSUER}/tenant/v2.0/.well-known/openid-configuration"),
        (f"{ISSUER}/tenant/", f"{ISSUER}/tenant/.well-known/openid-configuration"),
        (f"{ISSUER}:8443", f"{ISSUER}:8443/.well-known/openid-configuration"),
    ],
)
def test_where_the_document_is(issuer: str, url: str) -> None:
    assert document_url(issuer) == url


@pytest.mark.parametrize(
    "issuer",
    [
        "http://idp.corp.example",
        "idp.corp.example",
        f"{ISSUER}?a=b",
        f"{ISSUER}?",
        f"{ISSUER}#x",
        "https://user@idp.corp.example",
        "https://",
        "",
        "https://idp.corp.example/a b",
    ],
)
def test_what_has_no_document(issuer: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        document_url(issuer)
    assert caught.value.code == "key.fetch_failed"
    assert caught.value.message.startswith("the issuer for discovery ")


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        (ISSUER, f"{ISSUER}/keys"),
        (ISSUER, "https://keys.corp.example/all"),
        (ISSUER, "https://corp.example:8443/all?v=2"),
        ("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs"),
        ("https://login.microsoftonline.com/t/v2.0", "https://login.microsoftonline.com/t/discovery/v2.0/keys"),
        ("https://sts.windows.net/t/", "https://login.windows.net/common/discovery/keys"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:9443/keys"),
        ("https://idp", "https://idp/keys"),
    ],
)
def test_where_the_keys_are(issuer: str, url: str) -> None:
    assert jwks_uri(document(issuer=issuer, jwks_uri=url), issuer) == url


@pytest.mark.parametrize(
    "named",
    [
        f"{ISSUER}/",
        "https://IDP.corp.example",
        f"{ISSUER}:443",
        "https://idp.corp.example.evil.example",
        "https://evil.example",
        f" {ISSUER}",
        "",
        "https://idp.corp.exаmple",  # one letter is Cyrillic
    ],
)
def test_a_document_of_another_issuer(named: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        jwks_uri(document(issuer=named), ISSUER)
    assert caught.value.code == "key.discovery_mismatch"
    assert caught.value.message == "the discovery document names another issuer than the policy"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/keys",
        "https://idp.corp.example.evil.example/keys",
        "https://notcorp.example/keys",
        "https://127.0.0.1/keys",
        "https://[::1]/keys",
        "https://example/keys",
        "https://169.254.169.254/latest/meta-data",
    ],
)
def test_keys_on_a_host_of_somebody_else(url: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        jwks_uri(document(jwks_uri=url), ISSUER)
    assert caught.value.code == "key.discovery_mismatch"
    assert caught.value.message == "the discovery document names keys on a host that is not the issuer's"


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.corp.example/keys",
        "file:///etc/passwd",
        "//idp.corp.example/keys",
        "/keys",
        "",
        "https://user:word@idp.corp.example/keys",
        "https://idp.corp.example@evil.example/keys",
        "https://idp.corp.example/keys#x",
        "https://idp.corp.example\\@evil.example/keys",
        "https://idp.corp.example/ke\nys",
        "https://idp.corp.example:99999/keys",
        "javascript:alert(1)",
    ],
)
def test_keys_by_something_else_than_https(url: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        jwks_uri(document(jwks_uri=url), ISSUER)
    assert caught.value.code == "key.discovery_mismatch"
    assert caught.value.message.startswith("the discovery document names keys by something other than an https URL")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "that is not strict JSON: empty"),
        (b"<html>", "that is not strict JSON: not JSON"),
        (b"\xef\xbb\xbf" + document(), "that is not strict JSON: a byte order mark"),
        (b"\xff" + document(), "that is not strict JSON: not UTF-8"),
        (document()[:-1] + b', "issuer": "x"}', "that is not strict JSON: a name stands twice in one object"),
        (document()[:-1] + b', "x": NaN}', "that is not strict JSON: NaN or Infinity, which are no JSON"),
        (document() + b"{}", "that is not strict JSON: something follows the value"),
        (b"[" * 10_000, "that is not strict JSON: more than 32 objects or lists inside each other"),
        (b"[]", "that is no JSON object"),
        (b'"text"', "that is no JSON object"),
        (b"null", "that is no JSON object"),
        (document(issuer=...), "without a text `issuer`"),
        (document(issuer=None), "without a text `issuer`"),
        (document(issuer=[ISSUER]), "without a text `issuer`"),
        (document(jwks_uri=...), "without a text `jwks_uri`"),
        (document(jwks_uri=7), "without a text `jwks_uri`"),
        (document(jwks_uri=[f"{ISSUER}/keys"]), "without a text `jwks_uri`"),
    ],
    ids=range(17),
)
def test_what_is_no_document(body: bytes, what: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        jwks_uri(body, ISSUER)
    assert caught.value.code == "key.malformed"
    assert caught.value.message == f"a discovery document {what}"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.corp.example", "b.corp.example", True),
        ("A.Corp.Example", "b.corp.example.", True),
        ("corp.example", "idp.corp.example", True),
        ("localhost", "LOCALHOST", True),
        ("localhost", "other", False),
        ("corp.example", "corp.test", False),
        ("a.co.uk", "b.co.uk", False),
        ("x.a.co.uk", "y.a.co.uk", True),
        ("a.com.au", "b.com.au", False),
        ("co.uk", "a.co.uk", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "11.0.0.1", False),
        ("::1", "::1", True),
        ("fe80::a.b", "fe81::a.b", False),
        ("accounts.google.com", "www.googleapis.com", True),
        ("evil.google.com.evil.example", "accounts.google.com", False),
        ("x..example", "y..example", False),
    ],
)
def test_hosts_of_one_house(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - a column of the table
    assert same_house(one, other) is same_house(other, one) is same
