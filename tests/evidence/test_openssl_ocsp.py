"""Staples of a real responder, `openssl ocsp`, judged here; and ours, judged by it.

Mostly over files; one test asks a responder that listens on the loopback interface. The exit status of `openssl ocsp`
is no oracle of freshness (it is 0 for a stale response), so its words are read instead.
"""

from __future__ import annotations

import base64
import http.client
import shutil
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp

from policyjwt.evidence.ocsp import check_staple
from tests.evidence.staples import judged, rsa_key
from tests.issuer import NOW
from tests.pki import DAY, Party, authority, leaf, responder, staple

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
LONG: dict[str, Any] = {"begins": NOW - 30 * DAY, "ends": NOW + 40 * 365 * DAY}
"""`openssl ocsp` answers by the real clock."""

ANY_TIME = ("-validity_period", "1000000000")
"""It compares the times of a response with the real clock, whatever `-attime` says: this is a skew of 31 years."""

GOOD, REVOKED, UNKNOWN = "good", "revoked", "unknown"


@dataclass(frozen=True)
class Peer:
    """A CA in a folder, as `openssl` wants it."""

    folder: Path
    root: Party
    issuer: Party
    delegate: Party
    leaves: dict[str, Party]

    @property
    def path(self) -> tuple[x509.Certificate, ...]:
        """The path of the leaf that is good."""
        return self.path_of(GOOD)

    def path_of(self, leaf_name: str) -> tuple[x509.Certificate, ...]:
        """Leaf first, anchor last."""
        return tuple(each.certificate for each in (self.leaves[leaf_name], self.issuer, self.root))

    def run(self, *arguments: str) -> str:
        """What `openssl ocsp` says; where it fails altogether, this fails too."""
        assert OPENSSL is not None
        done = subprocess.run(
            [OPENSSL, "ocsp", *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def request(self, *leaves: str, hash: str = "sha256", more: Sequence[str] = ("-no_nonce",)) -> bytes:
        """A request, made by `openssl` too."""
        certificates = [part for each in leaves for part in ("-cert", f"{each}.pem")]
        self.run(f"-{hash}", "-issuer", "issuer.pem", *certificates, *more, "-reqout", "q.der")
        return (self.folder / "q.der").read_bytes()

    def answer(
        self, *leaves: str, signer: str = "issuer", hash: str = "sha256", nonce: bool = False, more: Sequence[str] = ()
    ) -> bytes:
        """The response about these leaves."""
        self.request(*leaves, hash=hash, more=() if nonce else ("-no_nonce",))
        self.run(*self.responding(signer), "-reqin", "q.der", "-respout", "r.der", *more)
        return (self.folder / "r.der").read_bytes()

    @staticmethod
    def responding(signer: str) -> list[str]:
        """How the responder is called."""
        names = ["-index", "index.txt", "-CA", "issuer.pem", "-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key"]
        return [*names, "-nmin", "60"]

    def judged(self, der: bytes, leaf_name: str = GOOD) -> str:
        """How we judge a response about a leaf, at the moment at which it was made."""
        made = next(iter(ocsp.load_der_ocsp_response(der).responses)).this_update_utc.timestamp()
        return judged(der, path=self.path_of(leaf_name), now=made)


def make(folder: Path, *, rsa: bool) -> Peer:
    def private() -> object:
        return rsa_key() if rsa else None

    root = authority("Root", private=private(), **LONG)
    issuer = authority("Issuer", root, path_length=0, private=private(), **LONG)
    delegate = responder(issuer, private=private(), **LONG)
    leaves = {status: leaf(status, issuer, **LONG) for status in (GOOD, REVOKED, UNKNOWN)}
    for name, each in {"root": root, "issuer": issuer, "delegate": delegate, **leaves}.items():
        (folder / f"{name}.pem").write_bytes(each.pem)
        key = each.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.key").write_bytes(key)
    lines = []
    for status, mark, when in ((GOOD, "V", ""), (REVOKED, "R", "231101000000Z,keyCompromise")):
        serial = f"{leaves[status].certificate.serial_number:x}".upper()
        serial = serial.zfill(len(serial) + len(serial) % 2)
        lines.append(f"{mark}\t600101000000Z\t{when}\t{serial}\tunknown\t/CN={status}\n")
    (folder / "index.txt").write_text("".join(lines), encoding="ascii")
    return Peer(folder, root, issuer, delegate, leaves)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Peer:
    return make(tmp_path_factory.mktemp("ec"), rsa=False)


@pytest.fixture(scope="module")
def rsa_peer(tmp_path_factory: pytest.TempPathFactory) -> Peer:
    return make(tmp_path_factory.mktemp("rsa"), rsa=True)


STATUSES = {GOOD: "met", REVOKED: "revoked", UNKNOWN: "unknown"}


@pytest.mark.parametrize("hash", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("signer", ["issuer", "delegate"])
@pytest.mark.parametrize("status", STATUSES)
def test_each_status(peer: Peer, status: str, signer: str, hash: str) -> None:
    der = peer.answer(status, signer=signer, hash=hash)
    assert peer.judged(der, status) == STATUSES[status]
    for other in STATUSES.keys() - {status}:
        assert peer.judged(der, other) == "wrong_certificate"


@pytest.mark.parametrize("signer", ["issuer", "delegate"])
@pytest.mark.parametrize("status", STATUSES)
def test_each_status_with_rsa(rsa_peer: Peer, status: str, signer: str) -> None:
    assert rsa_peer.judged(rsa_peer.answer(status, signer=signer), status) == STATUSES[status]


@pytest.mark.parametrize("signer", ["issuer", "delegate"])
def test_by_the_hash_of_the_key(peer: Peer, signer: str) -> None:
    by_key = peer.answer(GOOD, signer=signer, more=["-resp_key_id"])
    by_name = peer.answer(GOOD, signer=signer)
    assert ocsp.load_der_ocsp_response(by_key).responder_key_hash is not None
    assert ocsp.load_der_ocsp_response(by_name).responder_name is not None
    assert peer.judged(by_key) == peer.judged(by_name) == "met"


@pytest.mark.parametrize("more", [[], ["-resp_key_id"]])
def test_without_certificates(peer: Peer, more: list[str]) -> None:
    """The delegate's is then unknown; the issuer's stands in the path."""
    assert peer.judged(peer.answer(GOOD, signer="delegate", more=["-resp_no_certs", *more])) == "responder_unknown"
    assert peer.judged(peer.answer(GOOD, more=["-resp_no_certs", *more])) == "met"


@pytest.mark.parametrize("signer", ["issuer", "delegate"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_bad_signature(peer: Peer, status: str, signer: str) -> None:
    assert peer.judged(peer.answer(status, signer=signer, more=["-badsig"]), status) == "bad_signature"


RSA_SIGNATURES = {
    "sha1": (["-rmd", "sha1"], "sig_alg_refused"),
    "md5": (["-rmd", "md5"], "sig_alg_refused"),
    "sha224": (["-rmd", "sha224"], "sig_alg_refused"),
    "sha256": (["-rmd", "sha256"], "met"),
    "sha384": (["-rmd", "sha384"], "met"),
    "sha512": (["-rmd", "sha512"], "met"),
    "pss": (["-rsigopt", "rsa_padding_mode:pss"], "sig_alg_refused"),
    "pss sha384": (["-rmd", "sha384", "-rsigopt", "rsa_padding_mode:pss"], "sig_alg_refused"),
}


@pytest.mark.parametrize(("more", "reason"), RSA_SIGNATURES.values(), ids=RSA_SIGNATURES)
def test_signature_algorithms_of_rsa(rsa_peer: Peer, more: list[str], reason: str) -> None:
    for signer in ("issuer", "delegate"):
        assert rsa_peer.judged(rsa_peer.answer(GOOD, signer=signer, more=more)) == reason


@pytest.mark.parametrize(("hash", "reason"), [("sha1", "sig_alg_refused"), ("sha384", "met"), ("sha512", "met")])
def test_signature_algorithms_of_elliptic_curves(peer: Peer, hash: str, reason: str) -> None:
    assert peer.judged(peer.answer(GOOD, more=["-rmd", hash])) == reason


def test_several_certificates_in_one_request(peer: Peer) -> None:
    for order in ([GOOD, REVOKED], [REVOKED, GOOD], [GOOD, GOOD], [GOOD, UNKNOWN]):
        assert peer.judged(peer.answer(*order)) == "multiple_responses"


def test_a_nonce_is_no_harm(peer: Peer) -> None:
    der = peer.answer(GOOD, nonce=True)
    assert [type(each.value) for each in ocsp.load_der_ocsp_response(der).extensions] == [x509.OCSPNonce]
    assert peer.judged(der) == "met"


def test_signed_by_the_leaf_itself(peer: Peer) -> None:
    """`openssl` signs with whatever key it is given. OpenSSL PR #30323 is about believing it."""
    assert peer.judged(peer.answer(GOOD, signer=GOOD)) == "responder_not_delegated"
    assert peer.judged(peer.answer(GOOD, signer=REVOKED)) == "responder_not_delegated"
    assert peer.judged(peer.answer(GOOD, signer="root")) == "responder_not_delegated"


def test_more_certificates_than_the_responders(peer: Peer) -> None:
    (peer.folder / "more.pem").write_bytes(peer.issuer.pem + peer.root.pem)
    assert peer.judged(peer.answer(GOOD, signer="delegate", more=["-rother", "more.pem"])) == "met"
    (peer.folder / "many.pem").write_bytes(peer.issuer.pem + peer.root.pem * 3)
    assert peer.judged(peer.answer(GOOD, signer="delegate", more=["-rother", "many.pem"])) == "too_many_certs"


def test_without_a_next_update_and_stale(peer: Peer) -> None:
    peer.request(GOOD)
    peer.run(*peer.responding("issuer")[:-2], "-reqin", "q.der", "-respout", "r.der")
    der = (peer.folder / "r.der").read_bytes()
    made = ocsp.load_der_ocsp_response(der).this_update_utc.timestamp()
    assert judged(der, path=peer.path, now=made) == "no_next_update"
    assert judged(der, path=peer.path, now=made + 3600, next_update_needed=False) == "met"
    assert judged(der, path=peer.path, now=made + 3601, next_update_needed=False) == "stale"


# --- openssl judges ours ----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", list(ocsp.OCSPResponderEncoding))
@pytest.mark.parametrize("delegated", [False, True])
@pytest.mark.parametrize("rsa", [False, True])
def test_it_verifies_the_responses_of_these_tests(
    request: pytest.FixtureRequest,
    by: ocsp.OCSPResponderEncoding,
    delegated: bool,  # noqa: FBT001 - a parameter of the test
    rsa: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    peer: Peer = request.getfixturevalue("rsa_peer" if rsa else "peer")
    subject = peer.leaves[GOOD]
    der = staple(subject, by=by, signer=peer.delegate if delegated else None, cert_id_hash=hashes.SHA1())
    (peer.folder / "ours.der").write_bytes(der)
    arguments = ["-respin", "ours.der", "-issuer", "issuer.pem", "-cert", f"{GOOD}.pem", "-CAfile", "root.pem"]
    said = peer.run(*arguments, "-verify_other", "issuer.pem", "-attime", str(NOW), *ANY_TIME)
    assert "Response verify OK" in said
    assert f"{GOOD}.pem: good" in said
    assert judged(der, path=peer.path) == "met"


# --- over the wire ----------------------------------------------------------------------------------------


class Responder:
    """A running `openssl ocsp`. It serves one request after the other; a bare connect would wedge it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def exchange(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers={"Content-Type": "application/ocsp-request"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, request: bytes) -> tuple[int, bytes]:
        return self.exchange("GET", "/" + urllib.parse.quote(base64.b64encode(request).decode(), safe=""))

    def post(self, request: bytes) -> tuple[int, bytes]:
        return self.exchange("POST", "/", request)


@pytest.fixture(scope="module")
def listening(peer: Peer) -> Iterator[Responder]:
    assert OPENSSL is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [OPENSSL, "ocsp", *peer.responding("delegate"), "-port", str(port), "-ignore_err"]
    process = subprocess.Popen(arguments, cwd=peer.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _ready(Responder(port), peer.request(GOOD), process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ready(responder: Responder, request: bytes, process: subprocess.Popen[bytes]) -> Responder:
    for _ in range(300):
        assert process.poll() is None, "the responder has ended"
        try:
            responder.get(request)
        except OSError:  # it does not listen yet
            time.sleep(0.1)
        else:
            return responder
    raise AssertionError("the responder does not answer")


@pytest.mark.parametrize("status", STATUSES)
def test_asked_over_http(peer: Peer, listening: Responder, status: str) -> None:
    request = peer.request(status)
    for ask in (listening.get, listening.post):
        http_status, der = ask(request)
        assert http_status == 200
        assert peer.judged(der, status) == STATUSES[status]
        made = ocsp.load_der_ocsp_response(der).this_update_utc.timestamp()
        result = check_staple(
            der, certificate=peer.leaves[status].pem, issuer=peer.issuer.pem, now=made, max_age=60, skew=5
        )
        assert (result.good, result.code) == (status == GOOD, f"staple.{STATUSES[status]}")
