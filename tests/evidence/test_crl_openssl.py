"""Lists that `openssl ca` makes, judged here and by `openssl verify`; and lists that are made here, judged by it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policyjwt.errors import TokenRefused
from policyjwt.evidence.crl import CrlDemand, CrlSnapshot, authenticate, judge_times
from tests.issuer import NOW
from tests.pki import DAY, Party, at, authority, entry, pki, revocation_list

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

CONFIG = """[ca]
default_ca = test
[test]
database = {folder}/index.txt
crlnumber = {folder}/number
default_md = sha256
{extensions}
[list]
authorityKeyIdentifier = keyid:always
{more}
"""


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def stamp(seconds: float, form: str = "%Y%m%d%H%M%SZ") -> str:
    return at(seconds).strftime(form)


def write(folder: Path, signer: Party) -> tuple[Path, Path]:
    certificate, key = folder / "ca.pem", folder / "ca.key"
    certificate.write_bytes(signer.pem)
    key.write_bytes(signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, key


def generated(
    folder: Path,
    signer: Party,
    *,
    revoked: dict[int, str] | None = None,
    number: str = "0A",
    version_1: bool = False,
    digest: str = "sha256",
    more: str = "",
    this_update: float = NOW - 600,
    next_update: float = NOW + DAY,
) -> bytes:
    """The PEM that `openssl ca -gencrl` writes. `revoked`: the reason (or "") by serial number."""
    lines = []
    for serial, reason in (revoked or {}).items():
        number_text = f"{serial:x}".upper()
        even = number_text if len(number_text) % 2 == 0 else "0" + number_text
        when = stamp(NOW - DAY, "%y%m%d%H%M%SZ") + (f",{reason}" if reason else "")
        lines.append(f"R\t{stamp(NOW + 30 * DAY, '%y%m%d%H%M%SZ')}\t{when}\t{even}\tunknown\t/CN=x\n")
    (folder / "index.txt").write_text("".join(lines))
    (folder / "index.txt.attr").write_text("unique_subject = no\n")
    (folder / "number").write_text(number + "\n")
    extensions = "" if version_1 else "crl_extensions = list"
    (folder / "ca.conf").write_text(CONFIG.format(folder=folder, extensions=extensions, more=more))
    certificate, key = write(folder, signer)
    times = ("-crl_lastupdate", stamp(this_update), "-crl_nextupdate", stamp(next_update))
    run = openssl(
        "ca", "-gencrl", "-config", folder / "ca.conf", "-cert", certificate, "-keyfile", key, "-md", digest,
        "-out", folder / "list.pem", *times,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return (folder / "list.pem").read_bytes()


def judged(data: bytes) -> str:
    """Our code, or "" where the leaf is not revoked."""
    try:
        lists = authenticate(CrlSnapshot.read(data), [each.certificate for each in parties()], cover="leaf")
        judge_times(lists, CrlDemand(max_age=40 * DAY), now=NOW)
    except TokenRefused as refused:
        return refused.code
    return ""


def peer(folder: Path, data: bytes) -> str:
    """What `openssl verify -crl_check` says of the leaf, in its own words; "" where it is OK."""
    for name, content in (
        ("root.pem", pki().root.pem),
        ("mid.pem", pki().intermediate.pem),
        ("leaf.pem", pki().leaf.pem),
        ("given.pem", data),
    ):
        (folder / name).write_bytes(content)
    run = openssl(
        "verify", "-attime", str(NOW), "-CAfile", folder / "root.pem", "-untrusted", folder / "mid.pem",
        "-CRLfile", folder / "given.pem", "-crl_check", folder / "leaf.pem",
    )  # fmt: skip
    said = run.stdout + run.stderr
    assert ("leaf.pem: OK" in said) == (run.returncode == 0)
    return "" if run.returncode == 0 else said


def parties() -> tuple[Party, Party, Party]:
    return pki().leaf, pki().intermediate, pki().root


def leaf_serial() -> int:
    return pki().leaf.certificate.serial_number


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "nobody": ({}, "", ""),
    "others": ({"revoked": {5: "", 6: "keyCompromise"}}, "", ""),
    "the leaf": ({"revoked": {5: "", -1: ""}}, "crl.revoked", "certificate revoked"),
    "the leaf, its key": ({"revoked": {-1: "keyCompromise"}}, "crl.revoked", "certificate revoked"),
    "the leaf, on hold": ({"revoked": {-1: "certificateHold"}}, "crl.revoked", "certificate revoked"),
    "version 1": ({"version_1": True, "revoked": {5: ""}}, "", ""),
    "version 1, the leaf": ({"version_1": True, "revoked": {-1: ""}}, "crl.revoked", "certificate revoked"),
    "sha384": ({"digest": "sha384"}, "", ""),
    "next was due": ({"next_update": NOW - 1}, "crl.expired", "CRL has expired"),
    "from the future": ({"this_update": NOW + 60}, "crl.not_yet_valid", "CRL is not yet valid"),
    "users only": ({"more": "issuingDistributionPoint = critical, onlyuser:TRUE"}, "", ""),
    "authorities only": (
        {"more": "issuingDistributionPoint = critical, onlyCA:TRUE"},
        "crl.unsupported",
        "different CRL scope",
    ),
    "attributes only": (
        {"more": "issuingDistributionPoint = critical, onlyAA:TRUE"},
        "crl.unsupported",
        "different CRL scope",
    ),
    "another place": (
        {"more": "issuingDistributionPoint = critical, fullname:URI:http://ca.example/2.crl"},
        "crl.unsupported",
        "different CRL scope",
    ),
    "some reasons": (
        {"more": "issuingDistributionPoint = critical, onlysomereasons:keyCompromise"},
        "crl.unsupported",
        "unable to get certificate CRL",
    ),
    "unknown critical": (
        {"more": "1.2.3.4 = critical, ASN1:NULL"},
        "crl.unsupported",
        "unhandled critical CRL extension",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_lists_of_openssl_are_judged_as_openssl_judges_them(case: str, tmp_path: Path) -> None:
    options, expected, words = CASES[case]
    named = {leaf_serial() if serial == -1 else serial: why for serial, why in options.get("revoked", {}).items()}
    data = generated(tmp_path, pki().intermediate, **(options | {"revoked": named}))
    assert judged(data) == expected
    said = peer(tmp_path, data)
    assert (said == "") == (expected == "")
    assert words in said


def test_an_impostor_convinces_neither(tmp_path: Path) -> None:
    data = generated(tmp_path, authority("Intermediate"), version_1=True)
    assert judged(data) == "crl.bad_signature"
    assert "CRL signature failure" in peer(tmp_path, data)


def test_sha1_convinces_openssl_and_not_us(tmp_path: Path) -> None:
    data = generated(tmp_path, pki().intermediate, digest="sha1")
    assert judged(data) == "crl.bad_signature"
    (tmp_path / "given.pem").write_bytes(data)
    run = openssl("crl", "-in", tmp_path / "given.pem", "-CAfile", tmp_path / "ca.pem", "-noout", "-verify")
    assert "verify OK" in run.stdout + run.stderr


def test_changes_alone_convince_openssl_and_not_us(tmp_path: Path) -> None:
    data = generated(tmp_path, pki().intermediate, more="deltaCRL = critical, ASN1:INTEGER:1")
    assert judged(data) == "crl.unsupported"
    assert peer(tmp_path, data) == ""


def test_numbers_of_openssl_are_read(tmp_path: Path) -> None:
    first = CrlSnapshot.read(generated(tmp_path, pki().intermediate, number="0A"))
    second = CrlSnapshot.read(generated(tmp_path, pki().intermediate, number="0B", this_update=NOW))
    assert list(first.numbers.values()) == [10]
    assert list(second.numbers.values()) == [11]
    second.not_older_than(first)
    with pytest.raises(TokenRefused) as caught:
        first.not_older_than(second)
    assert caught.value.code == "crl.rollback"


@pytest.mark.parametrize("revoked", [False, True])
def test_lists_that_are_made_here_are_judged_by_openssl(tmp_path: Path, *, revoked: bool) -> None:
    listed: list[int | x509.RevokedCertificate] = [
        5,
        entry(6, (x509.CRLReason(x509.ReasonFlags.superseded), False)),
        *([leaf_serial()] if revoked else []),
    ]
    data = revocation_list(pki().intermediate, listed).public_bytes(Encoding.PEM)
    assert judged(data) == ("crl.revoked" if revoked else "")
    assert ("certificate revoked" in peer(tmp_path, data)) == revoked
    certificate, _ = write(tmp_path, pki().intermediate)
    run = openssl("crl", "-in", tmp_path / "given.pem", "-CAfile", certificate, "-noout", "-verify")
    assert "verify OK" in run.stdout + run.stderr
