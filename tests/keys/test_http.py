"""Fetching keys from a real host: what is asked, what is taken for an answer, and that it ends."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from policyjwt import connection as connections
from policyjwt.errors import KeyRefused
from policyjwt.keys import http
from policyjwt.keys.http import fetch
from policyjwt.keys.remote import fetch_jwks
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES
from tests.issuer import Issuer
from tests.keys.https_server import (
    BEGINS,
    ENDS,
    KeyHost,
    Reply,
    answer,
    closed_port,
    drips,
    host_certificate,
    jwks,
    own_authority,
    sends,
    server_context,
    serving,
    silent,
)
from tests.pki import authority, party, usage

CA = own_authority().pem
BODY = b'{"keys": []}'
SHORT = 0.4
"""Seconds of a deadline that a test waits for."""


@pytest.fixture(scope="module")
def _host() -> Iterator[KeyHost]:
    with serving(sends(answer(BODY))) as host:
        yield host


@pytest.fixture
def host(_host: KeyHost) -> KeyHost:
    """One host for all, as new."""
    _host.reply = sends(answer(BODY))
    _host.asked.clear()
    return _host


def refused(url: str, **changes: Any) -> KeyRefused:
    more: dict[str, Any] = {"ca": CA, "timeout": 10.0} | changes
    with pytest.raises(KeyRefused) as caught:
        fetch(url, **more)
    message = caught.value.message
    assert caught.value.code == "key.fetch_failed"
    assert message == message.strip().rstrip(".")
    assert "\n" not in message
    assert caught.value.help
    return caught.value


# ---------------------------------------------------------------------------------------- what is asked


def test_one_get_is_sent(host: KeyHost) -> None:
    assert fetch(f"{host.url}?a=b", ca=CA).body == BODY
    (head,) = host.asked
    first, *lines = head.split("\r\n")
    assert first == "GET /keys?a=b HTTP/1.1"
    assert sorted(line.lower().split("/0.")[0] for line in lines) == [
        "accept-encoding: identity",
        "accept: application/jwk-set+json, application/json",
        "connection: close",
        f"host: localhost:{host.port}",
        "user-agent: policyjwt",
    ]


def test_proxies_and_credentials_of_the_environment_are_not_used(
    host: KeyHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login somebody password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serving(sends(answer(b"proxy")), plain=True) as proxy:
        for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert fetch(host.url, ca=CA).body == BODY
        assert proxy.connections == 0
    assert "authorization" not in host.asked[0].lower()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://localhost/keys", "is not https with a host"),
        ("file:///etc/passwd", "is not https with a host"),
        ("ftp://localhost/keys", "is not https with a host"),
        ("https:///keys", "is not https with a host"),
        ("localhost/keys", "is not https with a host"),
        ("", "is not https with a host"),
        ("https://user:word@localhost/keys", "has user info or a fragment"),
        ("https://@localhost/keys", "has user info or a fragment"),
        ("https://localhost/keys#", "has user info or a fragment"),
        ("https://localhost/keys#k1", "has user info or a fragment"),
        ("https://localhost:99999/keys", "can't be read"),
        ("https://localhost:port/keys", "can't be read"),
        ("https://[::1/keys", "can't be read"),
        ("https://localhost/ke ys", "has a character that no URL has"),
        ("https://localhost/keys\r\nX: y", "has a character that no URL has"),
        ("https://localhost\\@evil.example/keys", "has a character that no URL has"),
        ("https://löcalhost/keys", "has a character that no URL has"),
    ],
)
def test_what_is_no_address_of_keys_is_never_asked(url: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert refused(url).message == f"the URL of the keys {why}"


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://a.example", "a.example", "/"),
        ("HTTPS://A.example:443/x?y", "a.example", "/x?y"),
        ("https://[::1]:8443/", "[::1]:8443", "/"),
    ],
)
def test_the_parts_of_an_address(url: str, authority: str, target: str) -> None:
    where = connections.read_url(url)
    assert (where.authority, where.target) == (authority, target)


# -------------------------------------------------------------------------------------- what is answered

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
ANNOUNCED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000000000\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        sends(answer(BODY)),
        sends(answer(BODY, kind="application/jwk-set+json")),
        sends(answer(BODY, kind="Application/JSON; charset=UTF-8")),
        sends(answer(BODY, kind="application/vnd.corp.keys+json")),
        sends(answer(BODY, more="Content-Encoding: identity\r\n")),
        sends(answer(BODY, more="Set-Cookie: a=b\r\n")),
        sends(CHUNKED, b"c\r\n" + BODY + b"\r\n0\r\n\r\n"),
        sends(CHUNKED, b"4;a=b\r\n" + BODY[:4] + b"\r\n008 \r\n" + BODY[4:] + b"\r\n0\r\nX: y\r\n\r\n"),
        sends(UNTIL_CLOSED, BODY),
        sends(b"HTTP/1.1 100 Continue\r\n\r\n", answer(BODY)),
    ],
)
def test_an_answer(host: KeyHost, reply: Reply) -> None:
    host.reply = reply
    assert fetch(host.url, ca=CA).body == BODY


def redirect(status: str, to: str) -> Reply:
    return sends(answer(status=status, more=f"Location: {to}\r\n"))


TOO_LARGE = f"the answer has more than {MAX_KEY_SET_BYTES} bytes"
NO_ANSWER = "the answer is no HTTP, or ends early"
NO_TYPE = "the answer is neither of the type `application/json` nor of one that ends in `+json`"
COMPRESSED = "the answer is compressed, which was not asked for"


def redirected(status: int) -> str:
    return f"the host of the keys redirects (HTTP status {status}), and redirects are not followed"


def other_status(status: int) -> str:
    return f"the host of the keys answered with HTTP status {status}; expected 200"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (redirect("301 Moved", "https://localhost/other"), redirected(301)),
        (redirect("302 Found", "http://localhost/keys"), redirected(302)),
        (redirect("303 See Other", "file:///etc/passwd"), redirected(303)),
        (redirect("307 Temporary", "/keys"), redirected(307)),
        (redirect("308 Permanent", "//evil.example/keys"), redirected(308)),
        (sends(answer(status="304 Not Modified")), redirected(304)),
        (sends(answer(BODY, status="201 Created")), other_status(201)),
        (sends(b"HTTP/1.1 204 No Content\r\n\r\n"), other_status(204)),
        (sends(answer(BODY, status="206 Partial")), other_status(206)),
        (sends(answer(BODY, status="404 Not Found")), other_status(404)),
        (sends(answer(BODY, status="500 Oops")), other_status(500)),
        (sends(answer(BODY, kind="text/html")), NO_TYPE),
        (sends(answer(BODY, kind="text/json")), NO_TYPE),
        (sends(answer(BODY, kind="application/jsonp")), NO_TYPE),
        (sends(answer(BODY, kind="application/octet-stream")), NO_TYPE),
        (sends(answer(BODY, kind="")), NO_TYPE),
        (sends(answer(BODY, kind=None)), NO_TYPE),
        (sends(answer(gzip.compress(BODY), more="Content-Encoding: gzip\r\n")), COMPRESSED),
        (sends(answer(BODY, more="Content-Encoding: identity\r\nContent-Encoding: br\r\n")), COMPRESSED),
        (sends(answer(b" " * (MAX_KEY_SET_BYTES + 1))), TOO_LARGE),
        (sends(ANNOUNCED), TOO_LARGE),
        (drips(UNTIL_CLOSED, b" " * 65536, pause=0), TOO_LARGE),
        (drips(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n", pause=0), TOO_LARGE),
        (sends(answer(BODY)[:-1]), NO_ANSWER),
        (sends(CHUNKED, b"ff\r\n" + BODY), NO_ANSWER),
        (sends(CHUNKED, b"zz\r\n"), NO_ANSWER),
        (sends(CHUNKED, b"-1\r\n" + BODY), NO_ANSWER),
        (sends(CHUNKED, b"-5\r\n" + BODY), NO_ANSWER),
        (sends(CHUNKED, b"0x0c\r\n" + BODY + b"\r\n0\r\n\r\n"), NO_ANSWER),
        (sends(CHUNKED, b"1_2\r\n" + BODY + b"\r\n0\r\n\r\n"), NO_ANSWER),
        (sends(CHUNKED, b"c\r\n" + BODY + b"xx0\r\n\r\n"), NO_ANSWER),
        (sends(CHUNKED, b"c\r\n" + BODY + b"\r\n0\r\n"), NO_ANSWER),
        (sends(CHUNKED, b"c\r\n" + BODY + b"\r\n0\r\n" + b"X: y\r\n" * 99 + b"\r\n"), NO_ANSWER),
        (sends(CHUNKED, b"fffffff0\r\n" + BODY), TOO_LARGE),
        (sends(answer(BODY, more="Transfer-Encoding: gzip\r\n")), NO_ANSWER),
        (sends(answer(BODY, more="Transfer-Encoding: gzip, chunked\r\n")), NO_ANSWER),
        (sends(answer(BODY, more="Content-Length: -1\r\n")), NO_ANSWER),
        (sends(), NO_ANSWER),
        (sends(b"SSH-2.0-OpenSSH_9.9\r\n"), NO_ANSWER),
        (sends(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 200, b"\r\n"), NO_ANSWER),
        (sends(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 70000, b"\r\n\r\n"), NO_ANSWER),
    ],
)
def test_what_is_no_answer(host: KeyHost, reply: Reply, message: str) -> None:
    host.reply = reply
    assert refused(host.url).message == message
    assert len(host.asked) == 1, "neither followed nor tried again"


def test_the_longest_answer(host: KeyHost) -> None:
    for reply in (
        sends(answer(b" " * MAX_KEY_SET_BYTES)),
        sends(UNTIL_CLOSED, b" " * MAX_KEY_SET_BYTES),
    ):
        host.reply = reply
        assert len(fetch(host.url, ca=CA).body) == MAX_KEY_SET_BYTES
    host.reply = sends(answer(BODY))
    assert refused(host.url, limit=len(BODY) - 1).message == f"the answer has more than {len(BODY) - 1} bytes"
    assert fetch(host.url, ca=CA, limit=len(BODY)).body == BODY


@pytest.mark.parametrize(
    "reply",
    [
        silent,
        drips(b"", b"H", pause=0.05),
        drips(b"HTTP/1.1 200 OK\r\n", b"X", pause=0.05),
        drips(UNTIL_CLOSED, b" ", pause=0.05),
        drips(CHUNKED, b"1\r\n \r\n", pause=0.05),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.05),
    ],
)
def test_whoever_drips_is_cut_off(host: KeyHost, reply: Reply) -> None:
    host.reply = reply
    assert refused(host.url, timeout=SHORT).message == "the keys did not come within 0.4s"


def test_a_host_that_never_begins_tls_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # connects, and says nothing
        url = f"https://localhost:{server.getsockname()[1]}/keys"
        assert refused(url, timeout=SHORT).message == "the keys did not come within 0.4s"


# ------------------------------------------------------------------------------------------- who answers


SERVES: list[tuple[x509.ExtensionType, bool]] = [
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (usage("digital_signature"), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
]
UNKNOWN = "no authority that is trusted here has signed its certificate"


def told(certificate: Any, *, ca: bytes | None = CA, url: str = "localhost") -> KeyRefused:
    with serving(sends(answer(BODY)), tls=server_context(certificate)) as host:
        found = refused(f"https://{url}:{host.port}/keys", ca=ca)
        assert host.asked == []
    return found


@pytest.mark.parametrize(
    ("names", "more", "why"),
    [
        (("other.example",), {}, "its certificate is for another name"),
        (("127.0.0.1",), {}, "its certificate is for another name"),
        (("localhost",), {"ends": BEGINS + 60}, "its certificate has expired"),
        (("localhost",), {"begins": ENDS - 60}, "its certificate is not valid yet"),
        (("localhost",), {"above": authority("Keys", begins=BEGINS, ends=ENDS)}, UNKNOWN),
    ],
)
def test_a_host_that_is_not_who_it_should_be(names: tuple[str, ...], more: dict[str, Any], why: str) -> None:
    found = told(host_certificate(*names, **more))
    assert found.message == f"the host of the keys is not who it should be: {why}"
    assert found.help == "the certificates of `ca` alone are trusted"


def test_the_common_name_is_no_name() -> None:
    """RFC 9525, section 2: names of hosts stand in subjectAltName, or nowhere."""
    found = told(party("localhost", own_authority(), extensions=SERVES, begins=BEGINS, ends=ENDS))
    assert found.message == "the host of the keys is not who it should be: its certificate is for another name"


def test_the_environment_gets_no_secrets_of_tls(host: KeyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSLKEYLOGFILE would write them down, or stop everything where that can't be done."""
    log = tmp_path / "secrets"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    assert fetch(host.url, ca=CA).body == BODY
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "no" / "folder"))
    assert fetch(host.url, ca=CA).body == BODY
    assert not log.exists()


def test_an_address_is_no_name() -> None:
    found = told(host_certificate("localhost"), url="127.0.0.1")
    assert found.message == "the host of the keys is not who it should be: its certificate is for another address"


def test_without_ca_the_authorities_of_the_system_are_trusted(
    host: KeyHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = refused(host.url, ca=None)
    assert found.message.startswith("the host of the keys is not who it should be: no authority")
    assert found.help == "for an authority of your own, name it in `ca`"
    (tmp_path / "system.pem").write_bytes(CA)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    assert fetch(host.url).body == BODY


def test_with_ca_those_of_the_system_are_not(host: KeyHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "system.pem").write_bytes(CA)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    other = authority("Other", begins=BEGINS, ends=ENDS).pem
    assert refused(host.url, ca=other).message.startswith("the host of the keys is not who it should be")
    assert fetch(host.url, ca=other + CA).body == BODY
    assert fetch(host.url, ca="# Größe\n".encode() + CA + b"\xff trailing").body == BODY


def test_an_intermediate_may_be_named() -> None:
    intermediate = authority("Below", own_authority(), begins=BEGINS, ends=ENDS)
    with serving(sends(answer(BODY)), tls=server_context(host_certificate("localhost", above=intermediate))) as host:
        assert fetch(host.url, ca=intermediate.pem).body == BODY
        assert refused(host.url).message.startswith("the host of the keys is not who it should be")


@pytest.mark.parametrize(
    "ca",
    [b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", CA[:200], b"\xff" + CA[30:]],
    ids=range(5),
)
def test_what_is_no_authority_is_told_before_anything_is_asked(ca: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert refused("https://localhost/", ca=ca).message == "`ca` holds no certificate that can be read"
    with pytest.raises(KeyRefused, match="`ca` holds no certificate"):
        http.check_ca(ca)


def old_tls(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = server_context(host_certificate("localhost"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = version
    return context


NO_TLS = "TLS could not be established with the host of the keys"


def test_old_tls_is_refused() -> None:
    with serving(sends(answer(BODY)), tls=old_tls(ssl.TLSVersion.TLSv1_1)) as host:
        assert refused(host.url).message == NO_TLS
        assert _speaks(host.port, ssl.TLSVersion.TLSv1_1), "the server does speak it: the client would not"


def _speaks(port: int, version: ssl.TLSVersion) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as secured:
        return secured.version() == "TLSv1.1"


def test_tls_1_2_is_spoken() -> None:
    context = server_context(host_certificate("localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(sends(answer(BODY)), tls=context) as host:
        assert fetch(host.url, ca=CA).body == BODY


def test_plain_http_on_the_port() -> None:
    with serving(sends(answer(BODY)), plain=True) as host:
        assert refused(f"https://localhost:{host.port}/keys").message == NO_TLS
        assert host.asked == []


def test_nobody_listens() -> None:
    found = refused(f"https://localhost:{closed_port()}/keys")
    assert found.message == "the host of the keys can't be reached: connection refused"


@pytest.mark.parametrize("name", ["keys.invalid", f"{'a' * 64}.example", "a..example"])
def test_a_name_that_leads_nowhere(name: str) -> None:
    assert refused(f"https://{name}/keys").message == (
        "the host of the keys can't be reached: its name can't be resolved"
    )


def test_the_time_of_a_name_counts(monkeypatch: pytest.MonkeyPatch, host: KeyHost) -> None:
    now = iter([0.0, 11.0, 11.0, 11.0])
    monkeypatch.setattr(connections, "monotonic", lambda: next(now))
    assert refused(host.url).message == "the keys did not come within 10s"
    assert host.asked == []


# --------------------------------------------------------------------------------- for how long it is fresh


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], None),
        (["Cache-Control: public"], None),
        (["Cache-Control: max-age=120"], 120),
        (["Cache-Control: public, MAX-AGE=120, must-revalidate"], 120),
        (['Cache-Control: max-age="120"'], 120),
        (["Cache-Control: max-age=0"], 0),
        (["Cache-Control: no-store"], 0),
        (["Cache-Control: no-cache, max-age=999"], 0),
        (['Cache-Control: no-cache="set-cookie"'], 0),
        (["Cache-Control: max-age=-1"], None),
        (["Cache-Control: max-age=1.5"], None),
        (["Cache-Control: max-age="], None),
        (["Cache-Control: max-age"], None),
        (["Cache-Control: max-age=1e9"], None),
        (["Cache-Control: max-age=٣٠"], None),
        (["Cache-Control: s-maxage=5, x-max-age=6"], None),
        (["Cache-Control: max-age=" + "9" * 5000], 10**9 - 1),
        (["Cache-Control: max-age=500, max-age=70"], 70),
        (["Cache-Control: max-age=500", "Cache-Control: max-age=70"], 70),
        (["Cache-Control: " + "a," * 40 + "max-age=5"], None),
        (["Cache-Control: max-age=500", "Age: 100"], 399),
        (["Cache-Control: max-age=500", "Age: 1000"], 0),
        (["Cache-Control: max-age=500", "Age: -7"], 500),
        (["Cache-Control: max-age=500", "Age: " + "9" * 5000], 0),
        (["Age: 100"], None),
        (["Expires: Thu, 01 Jan 1970 00:00:00 GMT"], None),
    ],
)
def test_how_long_an_answer_says_it_is_fresh(host: KeyHost, lines: list[str], seconds: int | None) -> None:
    more = "".join(f"{line}\r\n" for line in lines)
    host.reply = sends(answer(BODY, more=more))
    assert fetch(host.url, ca=CA).max_age == seconds


# ------------------------------------------------------------------------------------------ what the keys are

GOOD = Issuer()


def _private() -> bytes:
    scalar = GOOD.private.private_numbers().private_value.to_bytes(32, "big")
    from tests.issuer import b64

    return jwks(GOOD, d=b64(scalar))


def _pair(*jwks_: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(jwks_)}).encode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xef\xbb\xbf" + jwks(GOOD), "key.malformed"),
        (jwks(GOOD).decode().encode("utf-16"), "key.malformed"),
        (jwks(GOOD)[:-1] + b', "keys": []}', "key.malformed"),
        (jwks(GOOD)[:-1] + b', "x": NaN}', "key.malformed"),
        (jwks(GOOD)[:-1] + b', "x": 1e999}', "key.malformed"),
        (jwks(GOOD)[:-1] + b', "x": ' + b"[" * 100 + b"]" * 100 + b"}", "key.malformed"),
        (jwks(GOOD) + b"{}", "key.malformed"),
        (b"", "key.malformed"),
        (b"<html></html>", "key.malformed"),
        (b"[]", "key.malformed"),
        (b"{}", "key.malformed"),
        (b'{"keys": {}}', "key.malformed"),
        (_private(), "key.private_in_public_set"),
        (jwks(Issuer("HS256")), "key.private_in_public_set"),
        (jwks(GOOD, Issuer("HS256", "k2")), "key.type_confusion"),
        (b'{"keys": []}', "key.usage"),
        (jwks(GOOD, use="enc"), "key.usage"),
        (jwks(Issuer(kid="k1"), Issuer(kid="k1")), "key.ambiguous"),
        (_pair(*[{"kty": "EC"}] * 257), "key.malformed"),
        (_pair(*[{"kty": "new"}] * 257), "key.malformed"),
        (_pair(GOOD.jwk() | {"x": "AAAA"}), "key.invalid"),
    ],
    ids=range(21),
)
def test_keys_that_come_are_judged_as_those_of_a_file(host: KeyHost, body: bytes, code: str) -> None:
    host.reply = sends(answer(body))
    with pytest.raises(KeyRefused) as caught:
        fetch_jwks(host.url, ca=CA)
    assert caught.value.code == code


def test_keys_come_with_their_lifetime(host: KeyHost) -> None:
    host.publish(GOOD, Issuer(kid="k2"), more="Cache-Control: max-age=90\r\n")
    came = fetch_jwks(host.url, ca=CA, reference="url:x")
    assert [(key.kid, key.reference) for key in came.keys.keys] == [("k1", "url:x"), ("k2", "url:x")]
    assert (came.max_age, came.age) == (90, 0)


@pytest.mark.parametrize(
    ("lines", "age"),
    [
        ([], 0),
        (["Age: 0"], 1),
        (["Age: 100"], 101),
        (["Age: 007"], 8),
        (["Age: 100", "Age: 200", "Age: 50"], 201),
        (["Age: 100, 200"], 201),
        (["Age: 100, x"], 101),
        (["Age: -7"], 0),
        (["Age: 1.5"], 0),
        (["Age: 1e3"], 0),
        (["Age: ٣٠"], 0),
        (["Age: " + "9" * 5000], 10**9 - 1),
        (["Date: Thu, 01 Jan 1970 00:00:00 GMT"], 0),
    ],
)
def test_for_how_long_an_answer_has_lain_in_caches(host: KeyHost, lines: list[str], age: int) -> None:
    more = "".join(f"{line}\r\n" for line in lines)
    host.reply = sends(answer(jwks(GOOD), more=more))
    assert fetch_jwks(host.url, ca=CA).age == age


def test_a_copy_may_be_as_old_as_is_allowed(host: KeyHost) -> None:
    host.publish(GOOD, more="Age: 3599\r\n")
    assert fetch_jwks(host.url, ca=CA, oldest=3600.0)
    with pytest.raises(KeyRefused) as caught:
        fetch_jwks(host.url, ca=CA, oldest=3599.0)
    assert caught.value.code == "key.fetch_failed"
    assert caught.value.message == "what came is a copy that a cache has kept for up to 1h; 59m 59s are allowed"
