"""`policyjwt staple`: a response is fetched and kept only if it is good; and explained, good or not."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Cli
from tests.cli.test_hostile import call, harmless
from tests.der import SEQUENCE, inside, tlv
from tests.issuer import NOW
from tests.loopback import Loopback, http, listening
from tests.pki import DAY, Party, authority, leaf, name, party, pki, resigned, responder, staple, usage

BY_NAME = ocsp.OCSPResponderEncoding.NAME
SHA256 = bytes.fromhex("608648016503040201")
REVOKED, UNKNOWN = ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
TRY_LATER = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)


@pytest.fixture(autouse=True)
def _files(cli: Cli) -> None:
    """The certificates; `cli` comes first: it enters the empty folder."""
    Path("leaf.pem").write_bytes(pki().leaf.pem)
    Path("leaf.der").write_bytes(pki().leaf.der)
    Path("ca.pem").write_bytes(pki().intermediate.pem)
    Path("root.pem").write_bytes(pki().root.pem)
    Path("responder.pem").write_bytes(pki().responder.pem)


# --------------------------------------------------------------------------------------------------- show

SHOW = ("--certificate", "leaf.pem", "--issuer", "ca.pem", "--now", str(NOW))


def shown(cli: Cli, der: bytes, *more: str) -> str:
    Path("staple.der").write_bytes(der)
    ended = cli("staple", "show", "staple.der", *SHOW, *more)
    assert ended.err == ""
    assert ended.status == (0 if ended.out.startswith("GOOD") else 1)
    return ended.out


def good(**changes: Any) -> bytes:
    return staple(pki().leaf, **changes)


def test_a_good_one_of_a_delegate(cli: Cli) -> None:
    der = good(signer=pki().responder)
    key = x509.SubjectKeyIdentifier.from_public_key(pki().responder.private.public_key()).digest.hex()
    assert shown(cli, der, "--age", "1h") == (
        "GOOD until 2023-11-14T23:03:20Z, in 50m\n"
        "\n"
        "  status       good\n"
        f"  certificate  the one at hand; serial {pki().leaf.certificate.serial_number:x}, issuer named by SHA-256\n"
        "  this update  2023-11-14T22:03:20Z, 10m ago\n"
        "  next update  2023-11-14T23:13:20Z, in 1h\n"
        f"  signer       named by its key ({key}): a delegate, whose certificate the response encloses; "
        "that one may sign\n"
        "  signature    ECDSA with SHA-256, with 1 certificate enclosed\n"
        "  produced     2023-11-14T22:03:20Z, 10m ago\n"
        f"  size         {len(der)} bytes, {len(base64.b64encode(base64.b64encode(der)).rstrip(b'='))}"
        " characters in a header\n"
    )


def test_a_good_one_of_the_issuer(cli: Cli) -> None:
    out = shown(cli, good(by=BY_NAME))
    assert out.startswith(
        "GOOD until 2023-11-14T23:13:20Z, in 1h\n  by its own end; policies demand an age too: give it with --age\n\n"
    )
    assert "  signer       named by its name (CN=Intermediate): the certificate's issuer; that one may sign\n" in out
    assert "  signature    ECDSA with SHA-256, no certificate enclosed\n" in out


def test_a_delegate_without_what_it_may_leave_out(cli: Cli) -> None:
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    short = party("r", pki().intermediate, extensions=[(purposes, False), (x509.OCSPNoCheck(), False)])
    out = shown(cli, good(signer=short, certificates=[short, pki().intermediate]), "--age", "1h")
    assert out.startswith("GOOD until")
    assert "with 2 certificates enclosed" in out


def test_the_help_of_a_code(cli: Cli) -> None:
    lines = shown(cli, good(this_update=NOW - 7200), "--age", "1h").split("\n")
    assert lines[3:5] == ["      fetch a new response from the certificate's responder and staple that", ""]


def another_key() -> Party:
    """As the intermediate by its name, with another key."""
    return authority("Intermediate", pki().root)


def spoiled(der: bytes) -> bytes:
    return der[:-1] + bytes([der[-1] ^ 1])


def delegate(
    subject: x509.Name | str = "responder",
    *,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.OCSP_SIGNING,
    ca: bool = False,
    bits: tuple[str, ...] = ("digital_signature",),
) -> Party:
    """A responder, with one fault."""
    return party(
        subject,
        pki().intermediate,
        extensions=[
            (x509.BasicConstraints(ca=ca, path_length=None), True),
            (usage(*bits), True),
            (x509.ExtendedKeyUsage([purpose]), False),
            (x509.OCSPNoCheck(), False),
        ],
    )


def hash_replaced(old: bytes, new: bytes) -> bytes:
    """A response that names the issuer otherwise."""
    data = ocsp.load_der_ocsp_response(good()).tbs_response_bytes
    assert data.count(old) == 1
    return resigned(good(), data.replace(old, new), pki().intermediate)


def two_answers() -> bytes:
    responder_id, produced, answers, *_ = inside(ocsp.load_der_ocsp_response(good()).tbs_response_bytes)
    data = tlv(SEQUENCE, responder_id.whole, produced.whole, tlv(SEQUENCE, answers.content * 2))
    return resigned(good(), data, pki().intermediate)


NOT_GOOD: list[tuple[Callable[[], bytes], str, list[str]]] = [
    (
        lambda: good(status=REVOKED),
        "staple.revoked",
        ["status       revoked at 2023-11-13T22:03:20Z, 1d 10m ago, reason keyCompromise"],
    ),
    (lambda: good(status=UNKNOWN), "staple.unknown", ["status       unknown"]),
    (lambda: good(next_update=None), "staple.no_next_update", ["next update  none: when there is news is not said"]),
    (lambda: good(this_update=NOW - 7200), "staple.stale", ["this update  2023-11-14T20:13:20Z, 2h ago"]),
    (lambda: good(this_update=NOW + 60), "staple.not_yet_valid", ["this update  2023-11-14T22:14:20Z, in 1m"]),
    (lambda: good(next_update=NOW - 1), "staple.expired", ["next update  2023-11-14T22:13:19Z, 1s ago"]),
    (
        lambda: staple(pki().responder),
        "staple.wrong_certificate",
        ["another: the serial number is another:", f" certificate is {pki().leaf.certificate.serial_number:x};"],
    ),
    (
        lambda: good(issuer=another_key()),
        "staple.wrong_certificate",
        ["another: serial number and issuer's name are the same, the issuer's key is another;", "an unknown responder"],
    ),
    (
        lambda: hash_replaced(ocsp.load_der_ocsp_response(good()).issuer_name_hash, bytes(32)),
        "staple.wrong_certificate",
        ["another: the serial number is the same, the issuer's name is another;"],
    ),
    (
        lambda: hash_replaced(SHA256, SHA256[:-1] + b"\x7f"),
        "staple.wrong_certificate",
        ["another: the issuer is named by a hash that nobody uses for this;", "issuer named by an unknown hash"],
    ),
    (
        lambda: good(signer=pki().responder, certificates=[]),
        "staple.responder_unknown",
        ["an unknown responder; that one may not sign", "✗ it is neither the issuer nor", "no certificate enclosed"],
    ),
    (
        lambda: good(signer=responder(pki().root)),
        "staple.responder_not_delegated",
        ["that one may not sign", "✗ the certificate's issuer did not sign its certificate"],
    ),
    (
        lambda: good(signer=leaf("other", pki().intermediate)),
        "staple.responder_not_delegated",
        [
            "✗ its certificate is not for OCSP signing (extended key usage OCSPSigning)",
            "✗ its certificate lacks nocheck",
        ],
    ),
    (
        lambda: good(signer=delegate(purpose=ExtendedKeyUsageOID.SERVER_AUTH)),
        "staple.responder_not_delegated",
        ["✗ its certificate is not for OCSP signing (extended key usage OCSPSigning)"],
    ),
    (
        lambda: good(signer=delegate(ca=True)),
        "staple.responder_is_ca",
        ["✗ its certificate is a CA's"],
    ),
    (
        lambda: good(signer=delegate(bits=("key_agreement",))),
        "staple.responder_key_usage",
        ["✗ its key usage lacks digitalSignature"],
    ),
    (
        lambda: good(signer=responder(pki().intermediate, nocheck=False)),
        "staple.responder_revocation_unknown",
        ["✗ its certificate lacks nocheck (id-pkix-ocsp-nocheck), so its own revocation can't be known"],
    ),
    (
        lambda: good(signer=responder(pki().intermediate, ends=NOW - 60)),
        "staple.responder_expired",
        ["✗ its certificate expired at 2023-11-14T22:12:20Z"],
    ),
    (
        lambda: good(signer=responder(pki().intermediate, begins=NOW + 60)),
        "staple.responder_expired",
        ["✗ its certificate is valid only from 2023-11-14T22:14:20Z"],
    ),
    (lambda: spoiled(good()), "staple.bad_signature", ["the certificate's issuer; that one may sign"]),
    (lambda: TRY_LATER, "staple.unsuccessful", ["response     no answer: the responder says `try later`"]),
    (lambda: good() + b"\0", "staple.malformed", ["response     can't be read to its end"]),
    (lambda: b"\x30\0", "staple.malformed", ["response     can't be read to its end", "size         2 bytes"]),
    (
        two_answers,
        "staple.multiple_responses",
        ["answer       1 of 2", "answer       2 of 2", "status       good"],
    ),
]


@pytest.mark.parametrize(("der", "code", "said"), NOT_GOOD, ids=[row[1] for row in NOT_GOOD])
def test_why_one_is_not_good(cli: Cli, der: Callable[[], bytes], code: str, said: list[str]) -> None:
    out = shown(cli, der(), "--age", "1h")
    first, empty, second, *_ = out.split("\n")
    assert (first, empty) == (f"NOT GOOD   {code}", "")
    assert re.match(rf"  ✗ {re.escape(code)}   .+; expected: .+", second)
    assert [piece for piece in said if piece not in out] == []
    found = json.loads(cli("staple", "show", "staple.der", *SHOW, "--age", "1h", "--format", "json").out)
    assert (found["good"], found["code"], found["good_until"]) == (False, code, None)


def test_json(cli: Cli) -> None:
    der = good(signer=pki().responder)
    Path("staple.der").write_bytes(der)
    ended = cli("staple", "show", "staple.der", *SHOW, "--age", "1h", "--format", "json")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.isascii()
    found = json.loads(ended.out)
    assert list(found) == [
        *("format_version", "good", "code", "actual", "expected", "help", "good_until", "size", "response"),
    ]
    assert (found["format_version"], found["good"], found["code"]) == ("1", True, "staple.met")
    assert found["good_until"] == NOW + 3000
    assert found["size"]["bytes"] == len(der)
    (answer,) = found["response"]["answers"]
    assert (answer["status"], answer["mismatch"], answer["this_update"]) == ("good", None, NOW - 600)
    assert (found["response"]["signer"]["kind"], found["response"]["signer"]["faults"]) == ("enclosed", [])


def test_what_the_policies_may_allow_to_be_absent(cli: Cli) -> None:
    endless, unchecked = good(next_update=None), good(signer=responder(pki().intermediate, nocheck=False))
    out = shown(cli, endless, "--age", "1h", "--without-next-update")
    assert out.startswith("GOOD until 2023-11-14T23:03:20Z, in 50m\n\n")
    assert "  next update  none: when there is news is not said\n" in out
    out = shown(cli, unchecked, "--age", "1h", "--without-nocheck")
    assert out.startswith("GOOD until 2023-11-14T23:03:20Z, in 50m\n\n")
    assert "whose certificate the response encloses; that one may sign\n" in out
    for der, other, code in (
        (endless, "--without-nocheck", "staple.no_next_update"),
        (unchecked, "--without-next-update", "staple.responder_revocation_unknown"),
    ):
        assert shown(cli, der, "--age", "1h", other).startswith(f"NOT GOOD   {code}\n")
    both = good(next_update=None, signer=responder(pki().intermediate, nocheck=False))
    assert shown(cli, both, "--age", "1h", "--without-nocheck", "--without-next-update").startswith("GOOD until")
    assert shown(cli, both, "--age", "10s", "--without-nocheck", "--without-next-update").startswith("NOT GOOD")


@pytest.mark.parametrize("stdin", [True, False])
@pytest.mark.parametrize("form", ["der", "base64", "lines", "pem", "pem with CRLF"])
def test_how_a_response_is_written(cli: Cli, form: str, stdin: bool) -> None:  # noqa: FBT001 - of pytest
    der = good()
    lines = base64.encodebytes(der)
    pem = b"-----BEGIN OCSP RESPONSE-----\n" + lines + b"-----END OCSP RESPONSE-----\n"
    data = {
        "der": der,
        "base64": base64.b64encode(der),
        "lines": b"\n" + lines + b"\n",
        "pem": pem,
        "pem with CRLF": pem.replace(b"\n", b"\r\n"),
    }[form]
    Path("staple").write_bytes(data)
    ended = cli("staple", "show", "-" if stdin else "staple", *SHOW, stdin=data if stdin else b"")
    assert (ended.status, ended.err) == (0, "")
    assert f"{len(der)} bytes" in ended.out


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "response     can't be read to its end"),
        (b"AAAA", "response     can't be read to its end"),
    ],
)
def test_bytes_that_are_no_response_are_not_good(cli: Cli, data: bytes, said: str) -> None:
    Path("staple").write_bytes(data)
    ended = cli("staple", "show", "staple", *SHOW)
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.startswith("NOT GOOD   staple.malformed\n")
    assert said in ended.out


def test_a_pinned_responder(cli: Cli) -> None:
    pinned = responder(pki().root, "pinned")
    Path("pinned.pem").write_bytes(pinned.pem)
    der = good(signer=pinned, certificates=[])
    assert shown(cli, der).startswith("NOT GOOD   staple.responder_unknown")
    out = shown(cli, der, "--responder-certificate", "pinned.pem")
    assert out.startswith("GOOD until")
    assert ": a responder that was given; that one may sign" in out


@pytest.mark.parametrize(("skew", "code"), [((), "staple.stale"), (("--skew", "5s"), None)])
def test_a_skew(cli: Cli, skew: tuple[str, ...], code: str | None) -> None:
    out = shown(cli, good(this_update=NOW - 3605), "--age", "1h", *skew)
    assert out.startswith("GOOD until" if code is None else f"NOT GOOD   {code}\n")


def test_a_name_that_a_terminal_would_obey_is_shown(cli: Cli) -> None:
    evil = delegate(name("\u202e\x1b[31m", ORGANIZATION_NAME="x" * 60, LOCALITY_NAME="y" * 60))
    out = shown(cli, good(signer=evil, by=BY_NAME))
    assert "(L=yyyy" in out
    assert "y,O=xxxxx" in out
    assert "x…): a delegate" in out
    evil = responder(pki().intermediate, "\u202e\x1b[31m")
    out = shown(cli, good(signer=evil, by=BY_NAME))
    assert "named by its name (CN=\\u{202e}\\u{001b}[31m): a delegate" in out
    assert harmless(out)


def test_colours(cli: Cli) -> None:
    assert shown(cli, good()).startswith("GOOD")
    ended = cli("staple", "show", "staple.der", *SHOW, "--color", "always")
    assert ended.out.startswith("\x1b[32;1mGOOD until")
    Path("staple.der").write_bytes(good(status=REVOKED))
    ended = cli("staple", "show", "staple.der", *SHOW, "--color", "always")
    assert ended.out.startswith("\x1b[31;1mNOT GOOD   staple.revoked\x1b[0m\n\n\x1b[31m  ✗ staple.revoked\x1b[0m")


@pytest.mark.parametrize("signature", [hashes.SHA384(), hashes.SHA512()])
def test_signatures_have_names(cli: Cli, signature: hashes.HashAlgorithm) -> None:
    assert f"signature    ECDSA with SHA-{signature.digest_size * 8}," in shown(cli, good(hash=signature))


@given(at=st.integers(0, 2000), to=st.integers(0, 255))
def test_a_changed_byte_gets_an_answer(at: int, to: int) -> None:
    """Never a traceback, and never good."""
    der = bytearray(DELEGATED)
    der[at % len(der)] ^= to or 1
    Path("leaf.pem").write_bytes(pki().leaf.pem)
    ended = call(["staple", "show", "-", *SHOW, "--age", "1h"], stdin=base64.b64encode(bytes(der)))
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.startswith("NOT GOOD")
    assert harmless(ended.out)


DELEGATED = good(signer=pki().responder)


# -------------------------------------------------------------------------------------------------- fetch

Answer = Callable[[ocsp.OCSPRequest], bytes]


def now() -> int:
    return int(time.time())


@pytest.fixture(scope="module")
def today() -> dict[str, Party]:
    """Certificates that are valid now: `fetch` judges by the real clock."""
    lasting: Any = {"begins": now() - DAY, "ends": now() + 30 * DAY}
    root = authority("Root", **lasting)
    return {"root": root, "leaf": leaf("idp", root, **lasting), "responder": responder(root, **lasting)}


def signed_now(today: dict[str, Party], **changes: Any) -> bytes:
    given: Any = {"this_update": now() - 60, "next_update": now() + 3600, "signer": today["responder"]} | changes
    return staple(today["leaf"], **given)


def fetched(
    cli: Cli, today: dict[str, Party], answer: bytes, *more: str, reply: bytes | None = None
) -> tuple[Any, Loopback]:
    Path("today.pem").write_bytes(today["leaf"].pem)
    Path("today-ca.pem").write_bytes(today["root"].pem)
    whole = http(answer) if reply is None else reply
    with listening(lambda connection, _: connection.sendall(whole)) as server:
        ended = cli("staple", "fetch", "today.pem", "--issuer", "today-ca.pem", "--responder", server.url, *more)
    return ended, server


def test_a_good_response_is_kept(cli: Cli, today: dict[str, Party]) -> None:
    der = signed_now(today)
    ended, server = fetched(cli, today, der, "--out", "staple.der", "--age", "1h")
    assert (ended.status, ended.out) == (0, "")
    assert re.fullmatch(r"policyjwt: good until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, for 5[89]m( \d+s)?\n", ended.err)
    assert Path("staple.der").read_bytes() == der
    assert stat.S_IMODE(Path("staple.der").stat().st_mode) == 0o644
    ((_, request),) = server.asked
    asked = ocsp.load_der_ocsp_request(request)
    assert (asked.serial_number, asked.hash_algorithm.name) == (today["leaf"].certificate.serial_number, "sha1")
    assert sorted(file for file in os.listdir() if "staple" in file) == ["staple.der"]


def test_without_a_file_it_is_base64_as_it_goes_into_the_header(cli: Cli, today: dict[str, Party]) -> None:
    der = signed_now(today)
    for more in ((), ("--out", "-")):
        ended, _ = fetched(cli, today, der, *more)
        assert (ended.status, ended.out) == (0, base64.b64encode(der).decode() + "\n")
        assert ended.err.startswith("policyjwt: good until ")


def test_the_issuer_may_be_named_by_sha256(cli: Cli, today: dict[str, Party]) -> None:
    ended, server = fetched(cli, today, signed_now(today), "--cert-id", "sha256")
    assert ended.status == 0
    assert ocsp.load_der_ocsp_request(server.asked[0][1]).hash_algorithm.name == "sha256"


@pytest.mark.parametrize(
    ("changes", "more", "code"),
    [
        ({"status": REVOKED}, (), "staple.revoked"),
        ({"status": UNKNOWN}, (), "staple.unknown"),
        ({"this_update": now() - 7200}, ("--age", "1h"), "staple.stale"),
        ({"this_update": now() - 7200, "next_update": now() - 1}, (), "staple.expired"),
        ({"this_update": now() + 3600, "next_update": now() + 7200}, (), "staple.not_yet_valid"),
        ({"next_update": None}, (), "staple.no_next_update"),
        ({"certificates": []}, (), "staple.responder_unknown"),
    ],
)
def test_what_is_not_good_is_never_written(
    cli: Cli, today: dict[str, Party], changes: dict[str, Any], more: tuple[str, ...], code: str
) -> None:
    der = signed_now(today, **changes)
    Path("staple.der").write_bytes(b"the old one")
    ended, _ = fetched(cli, today, der, "--out", "staple.der", *more)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"policyjwt: the response is not good, {code}: ")
    assert Path("staple.der").read_bytes() == b"the old one"
    ended, _ = fetched(cli, today, der, *more)
    assert (ended.status, ended.out) == (1, "")
    fetched(cli, today, der, "--out", "new.der", *more)
    assert not Path("new.der").exists()
    assert [file for file in os.listdir() if file.startswith(".")] == []


@pytest.mark.parametrize("option", ["--without-next-update", "--without-nocheck"])
def test_what_the_policies_allow_to_be_absent_is_written(cli: Cli, today: dict[str, Party], option: str) -> None:
    lasting: Any = {"begins": now() - DAY, "ends": now() + 30 * DAY}
    if option == "--without-nocheck":
        der = signed_now(today, signer=responder(today["root"], nocheck=False, **lasting))
    else:
        der = signed_now(today, next_update=None)
    more = ("--out", "staple.der", "--age", "1h")
    assert fetched(cli, today, der, *more)[0].status == 1
    assert not Path("staple.der").exists()
    assert fetched(cli, today, der, *more, option)[0].status == 0
    assert Path("staple.der").read_bytes() == der


@pytest.mark.parametrize(
    ("answer", "code"),
    [(TRY_LATER, "staple.unsuccessful"), (b"", "staple.malformed"), (b"\x30" * 60_000, "staple.too_large")],
)
def test_what_says_nothing_is_not_good(cli: Cli, today: dict[str, Party], answer: bytes, code: str) -> None:
    ended, _ = fetched(cli, today, answer, "--out", "staple.der")
    assert ended.status == 1
    assert ended.err.startswith(f"policyjwt: the response is not good, {code}: ")
    assert not Path("staple.der").exists()


def test_an_answer_about_another_certificate(cli: Cli, today: dict[str, Party]) -> None:
    other = leaf("other", today["root"])
    ended, _ = fetched(cli, today, staple(other, this_update=now() - 5, next_update=now() + 60))
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("policyjwt: the response is not good, staple.wrong_certificate: ")


def test_a_responder_that_is_pinned(cli: Cli, today: dict[str, Party]) -> None:
    Path("today-responder.pem").write_bytes(today["responder"].pem)
    der = signed_now(today, certificates=[])
    assert fetched(cli, today, der)[0].status == 1
    assert fetched(cli, today, der, "--responder-certificate", "today-responder.pem")[0].status == 0


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (http(status="503 x"), "the responder answered with HTTP status 503; expected 200"),
        (http(status="302 x", more="Location: http://127.0.0.1:1/\r\n"), "the responder redirects (HTTP status 302)"),
        (http(kind="text/html"), "the responder's answer is not of the type"),
        (b"", "the responder's answer is no HTTP, or ends early"),
    ],
)
def test_no_answer_is_another_status(cli: Cli, today: dict[str, Party], reply: bytes, said: str) -> None:
    Path("staple.der").write_bytes(b"the old one")
    ended, _ = fetched(cli, today, b"", "--out", "staple.der", reply=reply)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"policyjwt: {said}")
    assert Path("staple.der").read_bytes() == b"the old one"


def test_a_responder_that_does_not_answer(cli: Cli, today: dict[str, Party]) -> None:
    Path("today.pem").write_bytes(today["leaf"].pem)
    Path("today-ca.pem").write_bytes(today["root"].pem)
    line = ("staple", "fetch", "today.pem", "--issuer", "today-ca.pem", "--out", "staple.der", "--timeout", "1")

    def silent(connection: socket.socket, _: bytes) -> None:
        connection.recv(1)

    with listening(silent) as server:
        ended = cli(*line, "--responder", server.url)
    assert (ended.status, ended.err) == (2, "policyjwt: the responder did not answer within 1s\n")
    ended = cli(*line, "--responder", server.url)
    assert ended.status == 2
    assert ended.err.startswith("policyjwt: the responder can't be reached: ")
    assert not Path("staple.der").exists()


def test_the_responder_that_the_certificate_names(cli: Cli, today: dict[str, Party]) -> None:
    der: list[bytes] = []
    with listening(lambda connection, _: connection.sendall(http(der[0]))) as server:
        places = [
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
            for url in ("ldap://ocsp.example/", server.url)
        ]
        lasting: Any = {"begins": now() - DAY, "ends": now() + DAY}
        named = party("n", today["root"], extensions=[(x509.AuthorityInformationAccess(places), False)], **lasting)
        der.append(staple(named, this_update=now() - 5, next_update=now() + 60))
        Path("named.pem").write_bytes(named.pem)
        Path("today-ca.pem").write_bytes(today["root"].pem)
        ended = cli("staple", "fetch", "named.pem", "--issuer", "today-ca.pem")
    assert (ended.status, ended.out) == (0, base64.b64encode(der[0]).decode() + "\n")
    assert len(server.asked) == 1


def test_a_file_that_can_t_be_written(cli: Cli, today: dict[str, Party]) -> None:
    for out, why in (("no/such/x", "no such file or directory"), (".", "is a directory"), ("a\0b", "it is no path")):
        ended, _ = fetched(cli, today, signed_now(today), "--out", out)
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith("policyjwt: `")
        assert ended.err.rstrip().endswith(f"can't be written: {why}") or out == "."


def test_a_full_disk_leaves_the_old_file(cli: Cli, today: dict[str, Party], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    Path("staple.der").write_bytes(b"the old one")
    monkeypatch.setattr(os, "fsync", full)
    ended, _ = fetched(cli, today, signed_now(today), "--out", "staple.der")
    assert (ended.status, ended.err) == (2, "policyjwt: `staple.der` can't be written: no space left on device\n")
    assert Path("staple.der").read_bytes() == b"the old one"
    assert [file for file in os.listdir() if file.startswith(".")] == []


# -------------------------------------------------------------------------------------------- wrong calls


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((), "missing command"),
        (("list",), "no such command `list`"),
        (("fetch",), "missing argument `CERT`"),
        (("fetch", "leaf.pem"), "missing option `--issuer`"),
        (("fetch", "none.pem", "--issuer", "ca.pem"), "`none.pem` can't be read: no such file or directory"),
        (("fetch", "a\0b", "--issuer", "ca.pem"), "`a\\u{0000}b` is no path"),
        (("fetch", "leaf.pem", "--issuer", "empty"), "`empty` holds no certificate that can be read"),
        (("fetch", "leaf.pem", "--issuer", "root.pem"), "`root.pem` did not issue `leaf.pem`"),
        (("fetch", "leaf.pem", "--issuer", "leaf.der"), "`leaf.der` did not issue `leaf.pem`"),
        (("fetch", "chain.pem", "--issuer", "ca.pem"), "`chain.pem` holds 2 certificates, where one is meant"),
        (("fetch", "large", "--issuer", "ca.pem"), "`large` has more than 1048576 bytes"),
        (("fetch", "leaf.der", "--issuer", "ca.pem"), "`leaf.der` names no responder that is asked over http or https"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--responder", "ldap://x"), "the responder's URL is neither http"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--age", "1"), "`--age` is no duration"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--age", "0s"), "`--age` is no duration"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--age", "36501d"), "`--age` is no duration"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--age", "01h"), "`--age` is no duration"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--skew", "soon"), "`--skew` is no duration"),
        (
            ("fetch", "leaf.pem", "--issuer", "ca.pem", "--without-next-update"),
            "`--without-next-update` needs `--age`: what names no end is good for an age alone",
        ),
        (
            ("show", "x", "--certificate", "leaf.pem", "--issuer", "ca.pem", "--without-next-update"),
            "`--without-next-update` needs `--age`: what names no end is good for an age alone",
        ),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--timeout", "0"), "invalid value for `--timeout`"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--timeout", "301"), "invalid value for `--timeout`"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--cert-id", "md5"), "invalid value for `--cert-id`"),
        (("fetch", "leaf.pem", "--issuer", "ca.pem", "--responder-certificate", "x"), "`x` can't be read"),
        (("show", "leaf.pem", "--issuer", "ca.pem"), "missing option `--certificate`"),
        (("show", "none", "--certificate", "leaf.pem", "--issuer", "ca.pem"), "`none` can't be read"),
        (("show", "large", "--certificate", "leaf.pem", "--issuer", "ca.pem"), "`large` has more than 1048576 bytes"),
        (
            ("show", "leaf.pem", "--certificate", "leaf.pem", "--issuer", "ca.pem"),
            "`leaf.pem` is neither DER nor one PEM block nor base64 of an OCSP response",
        ),
        (
            ("show", "no-end.pem", "--certificate", "leaf.pem", "--issuer", "ca.pem"),
            "`no-end.pem` is neither DER nor one PEM block nor base64 of an OCSP response",
        ),
        (
            ("show", "no-begin.pem", "--certificate", "leaf.pem", "--issuer", "ca.pem"),
            "`no-begin.pem` is neither DER nor one PEM block nor base64 of an OCSP response",
        ),
        (
            ("show", "two.pem", "--certificate", "leaf.pem", "--issuer", "ca.pem"),
            "`two.pem` is neither DER nor one PEM block nor base64 of an OCSP response",
        ),
        (("show", "x", "--certificate", "leaf.pem", "--issuer", "ca.pem", "--now", "soon"), "`--now` is no time"),
    ],
)
def test_a_wrong_call_is_one_clear_line(cli: Cli, line: tuple[str, ...], said: str) -> None:
    Path("empty").write_bytes(b"")
    Path("large").write_bytes(b"\x30" * (1024 * 1024 + 1))
    Path("chain.pem").write_bytes(pki().leaf.pem + pki().intermediate.pem)
    block = b"-----BEGIN OCSP RESPONSE-----\nAAAA\n-----END OCSP RESPONSE-----\n"
    Path("no-end.pem").write_bytes(block.partition(b"\n-----END")[0])
    Path("no-begin.pem").write_bytes(block.partition(b"RESPONSE-----\n")[2])
    Path("two.pem").write_bytes(block * 2)
    ended = cli("staple", *line)
    assert (ended.status, ended.out) == (2, "")
    first, *rest = ended.err.splitlines()
    assert first.startswith(f"policyjwt: {said}")
    assert all(other.startswith("help: ") for other in rest)


@pytest.mark.parametrize("command", ["fetch", "show"])
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    ended = cli("staple", command, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert f"Usage: policyjwt staple {command}" in ended.out
    assert command in cli("staple", "--help").out


def test_every_option_is_described() -> None:
    import click

    from policyjwt.cli.staple import command

    assert sorted(command.commands) == ["fetch", "show"]
    for sub in command.commands.values():
        for parameter in sub.params:
            assert not isinstance(parameter, click.Option) or parameter.help, f"{sub.name} {parameter.name}"
