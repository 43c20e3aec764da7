"""Mutual TLS: each check of the table with its code, and a certificate of a real connection."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.evidence.mtls import MAX_PEM_BYTES, ClientCertificate, came_by_header, check_certificate
from policyjwt.tokens.anchors import Anchors
from tests.evidence.proofs import refused
from tests.issuer import NOW
from tests.pki import DAY, Party, authority, name, party, usage
from tests.tokens.minting import b64

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
ANY_USE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
AUTHORITY = authority("Clients")
OTHER = authority("Others")


def client(
    above: Party | None = AUTHORITY,
    *,
    uses: Sequence[x509.ObjectIdentifier] | None = (CLIENT_AUTH,),
    bits: Sequence[str] | None = ("digital_signature",),
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    subject: x509.Name | str = "service a",
    **rest: Any,
) -> Party:
    extensions: list[tuple[x509.ExtensionType, bool]] = [*more]
    if uses is not None:
        extensions.append((x509.ExtendedKeyUsage(list(uses)), False))
    if bits is not None:
        extensions.append((usage(*bits), True))
    return party(subject, above, extensions=extensions, **rest)


@cache
def usual() -> Party:
    return client()


def anchors(*authorities: Party) -> Anchors:
    return Anchors.from_pem(*(each.pem for each in authorities or (AUTHORITY,)))


def bound(der: bytes | None = None) -> dict[str, object]:
    """`cnf` of a token that is bound to this certificate, the usual one where none is given."""
    return {"x5t#S256": b64(hashlib.sha256(usual().der if der is None else der).digest())}


def check(certificate: Any = ..., *, now: float = NOW, **changes: Any) -> ClientCertificate:
    sent: dict[str, Any] = {
        "from_header": False,
        "from_trusted_proxy": False,
        "confirmation": bound(),
        "anchors": anchors(),
    }
    return check_certificate(usual().der if certificate is ... else certificate, now=now, **(sent | changes))


def check_party(one: Party, **changes: Any) -> ClientCertificate:
    """The certificate of `one`, with a token that is bound to it."""
    return check(one.der, **({"confirmation": bound(one.der)} | changes))


def is_invalid(one: Party, words: str, **changes: Any) -> None:
    found = refused(check_party, one, **changes)
    assert found.code == "holder.mtls_cert_invalid"
    assert words in found.actual


# --- what passes --------------------------------------------------------------------------------------------


def test_a_right_certificate() -> None:
    found = check()
    leaf = usual().certificate
    assert found.thumbprint == bound()["x5t#S256"] == found.facts["thumbprint"]
    assert found.facts["subject"] == {"cn": "service a", "o": [], "organization_id": []}
    assert found.facts["issuer"] == {"cn": "Clients"}
    assert found.facts["serial"] == f"{leaf.serial_number:x}"
    assert (found.not_before, found.until) == (NOW - 30 * DAY, NOW + 30 * DAY)
    assert repr(found) == "<ClientCertificate>"


def test_without_anchors_only_the_thumbprint_is_a_fact() -> None:
    """The issuer of the token bound it to these bytes; what they say, the client itself may have written."""
    self_signed = client(None, subject="admin")
    found = check_party(self_signed, anchors=None)
    assert dict(found.facts) == {"thumbprint": found.thumbprint}
    assert dict(check(anchors=None).facts) == {"thumbprint": bound()["x5t#S256"]}


@pytest.mark.parametrize(
    "one",
    [
        client(uses=None),
        client(bits=None),
        client(uses=None, bits=None),
        client(uses=(SERVER_AUTH, CLIENT_AUTH)),
        client(bits=("digital_signature", "key_agreement")),
        client(more=[(x509.BasicConstraints(ca=False, path_length=None), True)]),
        client(more=[(x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://corp/a")]), False)]),
        client(private=ed25519.Ed25519PrivateKey.generate()),
        client(private=ec.generate_private_key(ec.SECP384R1())),
        client(private=rsa.generate_private_key(65537, 2048)),
    ],
)
def test_what_a_certificate_may_be(one: Party) -> None:
    assert check_party(one).thumbprint == bound(one.der)["x5t#S256"]


def test_pem_is_the_same_certificate() -> None:
    pem = usual().pem
    for text in (pem, pem.strip(), b"\n" + pem, pem.replace(b"\n", b"\r\n"), pem.replace(b"\n", b"\n\t")):
        assert check(text).thumbprint == bound()["x5t#S256"]


def test_one_of_several_anchors() -> None:
    assert check(anchors=anchors(OTHER, AUTHORITY)).until == NOW + 30 * DAY
    assert check(anchors=anchors(OTHER, AUTHORITY)).facts["issuer"] == {"cn": "Clients"}


def test_an_intermediate_authority_is_an_anchor_too() -> None:
    intermediate = authority("Clients 2", AUTHORITY)
    one = client(intermediate)
    assert check_party(one, anchors=anchors(intermediate)).facts["issuer"] == {"cn": "Clients 2"}
    is_invalid(one, "no anchor has the name", anchors=anchors(AUTHORITY))


# --- M1 to M4, M6 -------------------------------------------------------------------------------------------


def test_no_certificate() -> None:
    found = refused(check, None)
    assert found.code == "holder.mtls_missing"
    assert "Context(client_certificate=…)" in (found.help or "")


def test_a_certificate_of_a_header() -> None:
    found = refused(check, from_header=True)
    assert found.code == "holder.mtls_untrusted_source"
    assert "from_trusted_proxy" in (found.help or "")
    assert check(from_header=True, from_trusted_proxy=True).thumbprint
    assert check(from_header=False, from_trusted_proxy=True).thumbprint


@pytest.mark.parametrize(
    "confirmation", [None, ..., [], "x", {}, {"x5t#S256": None}, {"x5t#S256": 5}, {"x5t#S256": ""}, {"x5t#S256": ["x"]}]
)
def test_a_token_that_is_bound_to_nothing(confirmation: object) -> None:
    assert refused(check, confirmation=confirmation).code == "holder.missing"


@pytest.mark.parametrize(
    "confirmation",
    [
        {"jkt": bound()["x5t#S256"]},
        {"x5t": "x"},
        {"x5t#s256": bound()["x5t#S256"]},
        {"kid": "k"},
        {**bound(), "jkt": "x"},
        {**bound(), "jwk": {}},
    ],
)
def test_a_token_that_is_bound_in_another_way(confirmation: object) -> None:
    assert refused(check, confirmation=confirmation).code == "holder.unsupported"


def test_members_that_name_no_key_are_ignored() -> None:
    assert check(confirmation={**bound(), "unheard-of": 1}).thumbprint == bound()["x5t#S256"]


THUMBPRINT = str(bound()["x5t#S256"])


@pytest.mark.parametrize(
    "thumbprint",
    [
        THUMBPRINT + "=",
        THUMBPRINT[:-1],
        THUMBPRINT.swapcase(),
        base64.b64encode(hashlib.sha256(usual().der).digest()).decode(),
        hashlib.sha256(usual().der).hexdigest(),
        b64(hashlib.sha256(usual().pem).digest()),
        b64(hashlib.sha256(usual().der + b"\0").digest()),
        b64(hashlib.sha1(usual().der).digest()),
        "é",
    ],
    ids=lambda _: "thumbprint",
)
def test_another_thumbprint(thumbprint: str) -> None:
    assert refused(check, confirmation={"x5t#S256": thumbprint}).code == "holder.mismatch"


def test_another_certificate_of_the_same_client() -> None:
    again = client(private=usual().private)
    assert refused(check, again.der).code == "holder.mismatch"
    assert refused(check, again.pem).code == "holder.mismatch"


# --- M5: the form -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "der",
    [b"", b"\0", b"x" * 100, usual().der + b"\0", usual().der[:-1], b"\n" + usual().der],
    ids=lambda _: "der",
)
def test_bytes_that_are_no_certificate(der: bytes) -> None:
    assert refused(check, der, confirmation=bound(der)).code == "holder.mtls_cert_invalid"


@pytest.mark.parametrize(
    "pem",
    [
        usual().pem + usual().pem,
        usual().pem + AUTHORITY.pem,
        usual().pem.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
        usual().pem.replace(b"-----END", b"=====END"),
        usual().pem.replace(b"\nMII", b"\nM!I"),
        b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nA=AA\n-----END CERTIFICATE-----\n",
        b"-----",
        usual().pem + b" " * MAX_PEM_BYTES,
        b"\x30" * (MAX_PEM_BYTES + 1),
    ],
    ids=lambda _: "pem",
)
def test_pem_that_is_not_one_certificate(pem: bytes) -> None:
    found = refused(check, pem)
    assert found.code == "holder.mtls_cert_invalid"
    assert "PEM" in found.actual or "bytes" in found.actual


def test_pem_that_goes_on_after_its_padding() -> None:
    one = next(one for one in iter(client, None) if len(one.der) % 3)
    begin, body, end = (b"-----BEGIN CERTIFICATE-----", base64.b64encode(one.der), b"-----END CERTIFICATE-----")
    assert body.endswith(b"=")
    assert check(b"\n".join((begin, body, end)), confirmation=bound(one.der)).thumbprint
    for more in (b"=", b"AAAA", b"MII="):
        found = refused(check, b"\n".join((begin, body + more, end)), confirmation=bound(one.der))
        assert "base64" in found.actual


def test_a_certificate_of_the_greatest_size() -> None:
    filled = usual().der.ljust(MAX_PEM_BYTES, b"\0")
    assert "can't be read" in refused(check, filled, confirmation=bound(filled)).actual
    beyond = filled + b"\0"
    assert "bytes" in refused(check, beyond, confirmation=bound(beyond)).actual


def test_a_certificate_is_bytes() -> None:
    with pytest.raises(TypeError, match="bytes"):
        check(usual().pem.decode())


def test_what_is_too_much_to_look_at() -> None:
    names = [x509.DNSName(f"a{number}.example") for number in range(300)]
    is_invalid(client(more=[(x509.SubjectAlternativeName(names), False)]), "more than is looked at")
    unreadable = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3004a3023000"))
    is_invalid(client(more=[(unreadable, False)]), "can't be read")  # an X.400 address, which the library does not know


@pytest.mark.parametrize(
    "private",
    [
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.BrainpoolP256R1()),
    ],
)
@pytest.mark.parametrize("with_anchors", [True, False])
def test_a_key_that_is_weak_or_of_no_kind_that_is_known(*, private: Any, with_anchors: bool) -> None:
    is_invalid(client(private=private), "holds a", **({} if with_anchors else {"anchors": None}))


def test_a_key_that_can_not_sign() -> None:
    for public in (x25519.X25519PrivateKey.generate().public_key(), dsa.generate_private_key(2048).public_key()):
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name("a"))
            .issuer_name(AUTHORITY.certificate.subject)
            .public_key(public)
            .serial_number(1)
            .not_valid_before(dt.datetime.fromtimestamp(NOW - DAY, dt.UTC))
            .not_valid_after(dt.datetime.fromtimestamp(NOW + DAY, dt.UTC))
            .sign(AUTHORITY.private, hashes.SHA256())
        )
        is_invalid(Party(certificate, None), "holds a key")


# --- M5: time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_anchors", [True, False])
@pytest.mark.parametrize(
    ("now", "words"),
    [
        (NOW - 10 - 0.5, "not valid for another"),
        (NOW - 10, None),
        (NOW, None),
        (NOW + 10, None),
        (NOW + 10 + 0.5, "expired"),
        (NOW + 11, "expired"),
    ],
)
def test_the_bounds_of_its_time(*, now: float, words: str | None, with_anchors: bool) -> None:
    one = client(begins=NOW - 10, ends=NOW + 10)
    more = {"now": now} | ({} if with_anchors else {"anchors": None})
    if words is None:
        assert check_party(one, **more).until == NOW + 10
    else:
        is_invalid(one, words, **more)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -1e300, 1e300])
@pytest.mark.parametrize("with_anchors", [True, False])
def test_a_moment_that_is_none(*, now: float, with_anchors: bool) -> None:
    is_invalid(usual(), "", now=now, **({} if with_anchors else {"anchors": None}))


def test_the_anchor_ends_first() -> None:
    short = authority("Short", ends=NOW + 5)
    one = client(short)
    assert check_party(one, anchors=anchors(short)).until == NOW + 5
    is_invalid(one, "expired", anchors=anchors(short), now=NOW + 5.5)
    is_invalid(one, "anchor", anchors=anchors(short), now=NOW + 7)
    late = authority("Late", begins=NOW - 5)
    assert check_party(client(late), anchors=anchors(late)).not_before == NOW - 5
    is_invalid(client(late), "outside its time", anchors=anchors(late), now=NOW - 6)


# --- M5: the path -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (client(OTHER), "no anchor has the name"),
        (client(None), "no anchor has the name"),
        (client(authority("Clients")), "did not sign"),
        (client(uses=(SERVER_AUTH,)), "lacks clientAuth"),
        (client(uses=(ANY_USE,)), "lacks clientAuth"),
        (client(bits=("key_encipherment",)), "lacks digitalSignature"),
        (client(bits=("digital_signature", "key_cert_sign")), "no valid path"),
        (client(more=[(x509.BasicConstraints(ca=True, path_length=None), True)]), "no valid path"),
        (client(more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)]), "no valid path"),
        (client(subject=x509.Name([])), "has no name"),
        (AUTHORITY, "is itself an anchor"),
    ],
)
def test_no_path(one: Party, words: str) -> None:
    is_invalid(one, words)


def test_an_anchor_that_may_not_issue_for_clients() -> None:
    def issuing(*uses: x509.ObjectIdentifier) -> Party:
        return party(
            "Limited",
            extensions=[
                (x509.BasicConstraints(ca=True, path_length=None), True),
                (usage("key_cert_sign"), True),
                (x509.ExtendedKeyUsage(list(uses)), False),
            ],
        )

    server = issuing(SERVER_AUTH)
    is_invalid(client(server), "may not issue for clients", anchors=anchors(server))
    for above in (issuing(CLIENT_AUTH), issuing(ANY_USE)):
        assert check_party(client(above), anchors=anchors(above)).thumbprint


def test_an_anchor_that_constrains_names() -> None:
    def constrained(*permitted: x509.GeneralName) -> Party:
        return party(
            "Constrained",
            extensions=[
                (x509.BasicConstraints(ca=True, path_length=None), True),
                (usage("key_cert_sign"), True),
                (x509.NameConstraints(list(permitted), None), True),
            ],
        )

    names = [(x509.SubjectAlternativeName([x509.DNSName("a.corp.example")]), False)]
    within = constrained(x509.DNSName("corp.example"))
    assert check_party(client(within, more=names), anchors=anchors(within)).thumbprint
    beyond = constrained(x509.DNSName("other.example"))
    is_invalid(client(beyond, more=names), "no valid path", anchors=anchors(beyond))
    address = constrained(x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")), x509.DirectoryName(name("service a")))
    is_invalid(client(address, more=names), "", anchors=anchors(address))
    mail = constrained(x509.RFC822Name("corp.example"))
    assert check_party(client(mail), anchors=anchors(mail)).thumbprint
    subject = name("service a", EMAIL_ADDRESS="a@other.example")
    is_invalid(client(mail, subject=subject), "constrains names", anchors=anchors(mail))


def test_nothing_of_a_certificate_is_shown() -> None:
    for one in (client(OTHER), client(uses=(SERVER_AUTH,)), AUTHORITY, client(begins=NOW - 10, ends=NOW - 5)):
        found = refused(check_party, one)
        for secret in ("service a", "Clients", "Others", str(bound(one.der)["x5t#S256"])):
            assert secret not in f"{found}{found.help}"


def with_one_byte_changed(at: int) -> bytes:
    der = usual().der
    at %= len(der)
    return der[:at] + bytes([der[at] ^ 0xFF]) + der[at + 1 :]


@given(st.binary(max_size=200) | st.integers(0, 2000).map(with_one_byte_changed))
def test_any_bytes(der: bytes) -> None:
    with pytest.raises(TokenRefused) as caught:
        check(der, confirmation=bound(der))
    assert caught.value.code == "holder.mtls_cert_invalid"


# --- where it came from -------------------------------------------------------------------------------------

BASE64 = base64.b64encode(usual().der).decode()
PEM = usual().pem.decode()


@pytest.mark.parametrize(
    ("headers", "came"),
    [
        ([], False),
        ([("x-request-id", "1"), ("cookie", "a=b")], False),
        ([("client-cert", f":{BASE64}:")], True),
        ([("Client-Cert", "anything")], True),
        ([("X-Forwarded-Client-Cert", "Hash=abc")], True),
        ([("x-forwarded-client-cert", f'By=spiffe://a;Cert="{quote(PEM, safe="")}"')], True),
        ([("ssl-client-cert", quote(PEM))], True),
        ([("x-ssl-cert", quote(PEM, safe=""))], True),
        ([("x-any-name-at-all", PEM.replace("\n", " "))], True),
        ([("x-any-name-at-all", PEM.replace("\n", "\t"))], True),
        ([("x-any-name-at-all", BASE64)], True),
        ([("x-any-name-at-all", BASE64[:-8])], True),
        ([("x-any-name-at-all", BASE64[:60])], False),
        ([("x-any-name-at-all", BASE64.rstrip("="))], True),
        ([("x-any-name-at-all", BASE64.translate(str.maketrans("+/", "-_")))], True),
        ([("x-any-name-at-all", f"{BASE64[:9]}!{BASE64[9:]}")], True),
        ([("x-any-name-at-all", BASE64[:200]), ("X-Any-Name-At-All", BASE64[200:])], True),
        ([("x-any-name-at-all", quote(quote(PEM, safe=""), safe=""))], True),
        ([("x-any-name-at-all", json.dumps(PEM))], True),
        ([("x-any-name-at-all", PEM.replace("\n", ","))], True),
        ([("x-any-name-at-all", usual().der.hex())], True),
        ([("x-any-name-at-all", usual().der.hex(":").upper())], True),
        ([("x-any-name-at-all", "%25" * 1000)], False),
        ([("x-any-name-at-all", "%")], False),
    ],
)
@pytest.mark.parametrize("form", ["der", "pem"])
def test_where_it_came_from(*, headers: list[tuple[str, str]], came: bool, form: str) -> None:
    assert came_by_header(getattr(usual(), form), headers) is came


def test_no_certificate_came_from_nowhere() -> None:
    assert came_by_header(None, [("client-cert", "x")]) is False


# --- a real connection --------------------------------------------------------------------------------------


def context(side: int, own: Party, folder: Path) -> ssl.SSLContext:
    """One side of TLS with this certificate and key, that trusts AUTHORITY, and wants the other's certificate."""
    path = folder / f"{side}.pem"
    key = own.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(own.pem + key)
    made = ssl.SSLContext(side)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=AUTHORITY_NOW.pem.decode())
    made.load_cert_chain(path)
    return made


def now() -> float:
    return dt.datetime.now(dt.UTC).timestamp()


AUTHORITY_NOW = authority("Clients now", begins=now() - DAY, ends=now() + DAY)


def test_the_certificate_of_a_real_connection(tmp_path: Path) -> None:
    dates: dict[str, Any] = {"begins": now() - DAY, "ends": now() + DAY}
    ours, theirs = (client(AUTHORITY_NOW, uses=(use,), **dates) for use in (SERVER_AUTH, CLIENT_AUTH))
    seen: list[bytes | None] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)

        def serve() -> None:
            connection, _ = listening.accept()
            with (
                connection,
                context(ssl.PROTOCOL_TLS_SERVER, ours, tmp_path).wrap_socket(connection, server_side=True) as tls,
            ):
                seen.append(tls.getpeercert(binary_form=True))
                tls.sendall(b"x")

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        with (
            socket.create_connection(listening.getsockname(), timeout=30) as plain,
            context(ssl.PROTOCOL_TLS_CLIENT, theirs, tmp_path).wrap_socket(plain) as tls,
        ):
            assert tls.recv(1) == b"x"
            with contextlib.suppress(OSError):
                tls.unwrap()
        serving.join(30)
    assert not serving.is_alive()
    (der,) = seen
    assert der == theirs.der
    found = check(der, confirmation=bound(der), anchors=anchors(AUTHORITY_NOW), now=now())
    assert found.facts["thumbprint"] == bound(theirs.der)["x5t#S256"]
    assert refused(check, der, confirmation=bound(ours.der), now=now()).code == "holder.mismatch"


@pytest.mark.parametrize(
    "certificate",
    [b"", b"\0\0\0", b"-----BEGIN CERTIFICATE-----\n====\n-----END CERTIFICATE-----\n"]
    + [b"-----BEGIN CERTIFICATE-----\nA" + b"=" * length + b"\n-----END CERTIFICATE-----\n" for length in (3, 64, 80)],
)
def test_what_is_no_certificate_came_from_nowhere(certificate: bytes) -> None:
    """No line of 64 characters, nothing to look for; and what no base64 is breaks nothing."""
    assert came_by_header(certificate, [("x-request-id", "hello AAAA")]) is False
