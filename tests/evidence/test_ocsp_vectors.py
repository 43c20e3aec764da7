"""The malformed OCSP DER of BoringSSL's fuzzers: refusals come out and nothing else, and nothing is verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyjwt.errors import TokenRefused
from policyjwt.evidence import ocsp_responder
from policyjwt.evidence.ocsp import authenticate, check_staple
from tests.der import ENUMERATED, OCTET_STRING, SEQUENCE, elements, inside, tlv
from tests.evidence.staples import DEMAND, PATH, PKI, data_of, rebuilt, resigned
from tests.issuer import NOW
from tests.pki import staple
from tests.shared import vectors

FILES = sorted(path for path in vectors("boringssl/fuzz").rglob("*") if path.is_file())
NAMES = [f"{path.parent.name.removeprefix('ocsp_parse_ocsp_')}/{path.name}" for path in FILES]
S0 = staple(PKI.leaf)
BASIC = bytes.fromhex("06092b0601050507300101")


def code(der: bytes) -> str:
    with pytest.raises(TokenRefused) as caught:
        authenticate([der], PATH, DEMAND, cover="leaf")
    result = check_staple(
        der, certificate=PKI.leaf.certificate, issuer=PKI.intermediate.certificate, now=NOW, max_age=3600
    )
    assert (result.good, result.code) == (False, caught.value.code)
    return result.code


def wrapped(data: bytes) -> list[bytes]:
    """A piece of a response, in each place where a piece could stand; signed with the right key where it is signed."""
    name, produced, answers, *_ = inside(data_of(S0))
    identity, *rest = inside(inside(answers.whole)[0].whole)
    whole = tlv(SEQUENCE, tlv(ENUMERATED, b"\0"), tlv(0xA0, tlv(SEQUENCE, BASIC, tlv(OCTET_STRING, data))))
    parts = [
        data,
        tlv(SEQUENCE, name.whole, produced.whole, tlv(SEQUENCE, data)),
        tlv(SEQUENCE, name.whole, produced.whole, tlv(SEQUENCE, tlv(SEQUENCE, data, *(each.whole for each in rest)))),
    ]
    assert identity.whole != data
    return [data, whole, rebuilt(S0, data=data), *(resigned(S0, part, PKI.intermediate.private) for part in parts)]


def test_all_are_there() -> None:
    assert len(FILES) == 101


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_only_refusals(path: Path) -> None:
    for der in wrapped(path.read_bytes()):
        assert code(der).startswith("staple.")


def test_nothing_is_verified_for_what_is_about_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr(ocsp_responder, "verified", lambda *given: done.append(given))
    codes = {code(der) for path in FILES for der in wrapped(path.read_bytes())}
    assert codes <= {"staple.malformed", "staple.multiple_responses", "staple.wrong_certificate", "staple.unsuccessful"}
    assert done == []


def test_the_pieces_are_pieces() -> None:
    """What BoringSSL calls good is DER: a test that mangled everything would prove nothing."""
    good = [path for path in FILES if "good" in path.name]
    assert good
    for path in good:
        assert sum(len(each.whole) for each in elements(path.read_bytes())) == path.stat().st_size
