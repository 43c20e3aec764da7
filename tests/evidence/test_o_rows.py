"""Group O of the catalogue of attacks, row by row: what a stapled OCSP response may not do.

Each row is signed again with the right key where that is possible, so that only the check that is meant may refuse.
The rows that need a whole token (O39 to O41) are judged here as far as one response shows them.
"""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from policyjwt.errors import TokenRefused
from policyjwt.evidence.carriage import Carrier, carried
from policyjwt.evidence.ocsp import authenticate, judge_times
from tests.der import BIT_STRING, ENUMERATED, OCTET_STRING, SEQUENCE, inside, tlv
from tests.evidence.staples import (
    DEMAND,
    ECDSA_SHA1,
    PATH,
    PKI,
    RSA_MD5,
    RSA_PSS_SHA256,
    RSA_SHA1,
    UNKNOWN_ALGORITHM,
    data_of,
    forged,
    judged,
    rebuilt,
    resigned,
    rsa_pki,
    with_answers,
    with_single_extension,
    with_times,
)
from tests.evidence.staples import extension as der_extension
from tests.issuer import NOW
from tests.pki import DAY, Party, authority, leaf, party, responder, sign, staple, usage

LEAF, INTERMEDIATE, ROOT, D = PKI.leaf, PKI.intermediate, PKI.root, PKI.responder
S0 = staple(LEAF, this_update=NOW - 3600, next_update=NOW + 3600)
REVOKED, UNKNOWN = ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
SIGNING = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NOCHECK = (x509.OCSPNoCheck(), False)
SCT = bytes.fromhex("2b06010401d6790204" + "05")


def place(carrier: Carrier, **given: Any) -> tuple[bytes, ...] | str:
    try:
        return carried(carrier, **({"name": None, "header": {}, "unprotected": None, "given": ()} | given))
    except TokenRefused as refused:
        return refused.code


def test_o01_no_staple() -> None:
    assert place("header") == place("jades") == place("caller") == "staple.missing"
    assert judged() == "missing"


def test_o02_truncated_at_every_offset() -> None:
    for der in (S0, staple(LEAF, signer=D)):
        assert {judged(der[:end]) for end in range(len(der))} == {"malformed"}


def test_o02_garbage() -> None:
    rng = random.Random(2)
    garbage = [b"", b"{}", b'{"status":"good"}', b"\x30\x80\x00\x00", b"\x30\x84\xff\xff\xff\xff", b"\0" * 16384]
    garbage.append(b"-----BEGIN OCSP RESPONSE-----\n" + base64.encodebytes(S0) + b"-----END OCSP RESPONSE-----\n")
    garbage.extend(rng.randbytes(rng.randrange(600)) for _ in range(300))
    assert {judged(each) for each in garbage} == {"malformed"}
    assert judged(b"\x30" * 10_000_000) == "too_large"
    text = base64.b64encode(S0).decode()
    assert place("header", header={"x5ocsp": [""]}) == (b"",)
    assert place("header", header={"x5ocsp": [text]}) == (S0,)
    assert place("header", header={"x5ocsp": [text[:-4]]}) == (S0[: len(text[:-4]) // 4 * 3],)


@pytest.mark.parametrize("tail", [b"\0", b"\x05\x00", S0], ids=["a zero", "a null", "itself"])
def test_o03_trailing_data(tail: bytes) -> None:
    assert judged(S0) == "met"
    assert judged(S0 + tail) == "malformed"
    status, whole = inside(S0)
    kind, basic = inside(whole.content)
    inside_octets = tlv(SEQUENCE, kind.whole, tlv(OCTET_STRING, basic.content + tail))
    assert judged(tlv(SEQUENCE, status.whole, tlv(whole.tag, inside_octets))) == "malformed"
    data = data_of(S0)
    longer = tlv(SEQUENCE, *(each.whole for each in inside(data)), tail)
    assert judged(resigned(S0, longer, INTERMEDIATE.private)) == "malformed"


def test_o05_no_basic_response() -> None:
    assert judged(tlv(SEQUENCE, tlv(ENUMERATED, b"\0"))) == "malformed"
    status, whole = inside(S0)
    _, basic = inside(whole.content)
    other = tlv(SEQUENCE, tlv(0x06, bytes.fromhex("2b0601050507300102")), basic.whole)
    assert judged(tlv(SEQUENCE, status.whole, tlv(whole.tag, other))) == "malformed"
    assert judged(tlv(SEQUENCE, status.whole, tlv(whole.tag, tlv(SEQUENCE)))) == "malformed"


@pytest.mark.parametrize("status", [1, 2, 3, 5, 6])
def test_o05_the_responder_says_that_it_failed(status: int) -> None:
    assert judged(tlv(SEQUENCE, tlv(ENUMERATED, bytes([status])))) == "unsuccessful"
    _, whole = inside(S0)
    assert judged(tlv(SEQUENCE, tlv(ENUMERATED, bytes([status])), whole.whole)) == "unsuccessful"


@pytest.mark.parametrize("status", [4, 7, 255])
def test_o05_a_status_that_nobody_knows(status: int) -> None:
    assert judged(tlv(SEQUENCE, tlv(ENUMERATED, bytes([status])))) == "malformed"


def test_o06_no_answers() -> None:
    """S17 wins over the row's own reason: an answer is missing, so there is not exactly one."""
    assert judged(with_answers(S0, INTERMEDIATE, lambda _: [])) == "multiple_responses"


def test_o07_bad_signature() -> None:
    data = bytearray(data_of(S0))
    data[-20] ^= 1
    assert judged(rebuilt(S0, signature=sign(INTERMEDIATE.private, bytes(data)))) == "bad_signature"
    good = sign(INTERMEDIATE.private, data_of(S0))
    assert judged(rebuilt(S0, signature=good)) == "met"
    assert judged(rebuilt(S0, signature=good[:-1] + bytes([good[-1] ^ 1]))) == "bad_signature"


def test_o08_unsigned() -> None:
    assert judged(rebuilt(S0, signature=b"")) == "bad_signature"
    assert judged(rebuilt(S0, signature=bytes.fromhex("3006020100020100"))) == "bad_signature"
    assert judged(rebuilt(S0, algorithm=UNKNOWN_ALGORITHM)) == "sig_alg_refused"
    assert judged(rebuilt(S0, data=data_of(staple(LEAF, this_update=NOW - 60)))) == "bad_signature"
    status, whole = inside(S0)
    kind, basic = inside(whole.content)
    data, algorithm, _ = inside(basic.content)
    bare = tlv(SEQUENCE, data.whole, algorithm.whole, tlv(BIT_STRING))
    no_bits = tlv(SEQUENCE, status.whole, tlv(whole.tag, tlv(SEQUENCE, kind.whole, tlv(OCTET_STRING, bare))))
    assert judged(no_bits) == "malformed"


WEAK = {
    "RSA SHA-1": (RSA_SHA1, hashes.SHA1()),
    "RSA MD5": (RSA_MD5, hashes.MD5()),
    "RSA PSS": (RSA_PSS_SHA256, hashes.SHA256()),
}


@pytest.mark.parametrize(("algorithm", "hash"), WEAK.values(), ids=WEAK)
def test_o09_weak_signature(algorithm: bytes, hash: hashes.HashAlgorithm) -> None:
    """The signatures with SHA-1 and MD5 are right; those that can't be made here end in the same refusal."""
    one = rsa_pki()
    path = tuple(each.certificate for each in (one.leaf, one.intermediate, one.root))
    der = staple(one.leaf)
    weak = resigned(der, data_of(der), one.intermediate.private, algorithm=algorithm, hash=hash)
    assert judged(der, path=path) == "met"
    assert judged(weak, path=path) == "sig_alg_refused"


def test_o09_weak_signature_of_an_elliptic_key() -> None:
    weak = resigned(S0, data_of(S0), INTERMEDIATE.private, algorithm=ECDSA_SHA1, hash=hashes.SHA1())
    assert judged(weak) == "sig_alg_refused"


def test_o10_signed_by_an_unrelated_ca() -> None:
    unrelated = authority("Z")
    theirs = responder(unrelated)
    assert judged(forged(named=unrelated)) == "responder_unknown"
    assert judged(forged(named=unrelated, enclosed=[unrelated])) == "responder_not_delegated"
    assert judged(forged(named=theirs, enclosed=[theirs, unrelated])) == "responder_not_delegated"


def test_o11_signed_by_the_leaf_itself_or_a_sibling() -> None:
    sibling = leaf("sibling", INTERMEDIATE)
    for by_name in (True, False):
        assert judged(forged(named=LEAF, by_name=by_name)) == "responder_unknown"
        assert judged(forged(named=LEAF, enclosed=[LEAF], by_name=by_name)) == "responder_not_delegated"
        assert judged(forged(named=LEAF, enclosed=[LEAF, INTERMEDIATE], by_name=by_name)) == "responder_not_delegated"
        assert judged(forged(named=sibling, enclosed=[sibling], by_name=by_name)) == "responder_not_delegated"
        # The issuer's name, the leaf's signature.
        assert judged(forged(named=INTERMEDIATE, private=LEAF.private, by_name=by_name)) == "bad_signature"


def test_o12_delegated_without_the_purpose() -> None:
    anything = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    for extensions in ((NOCHECK,), (NOCHECK, (anything, False))):
        delegate = party("D'", INTERMEDIATE, extensions=extensions)
        assert judged(forged(named=delegate, enclosed=[delegate])) == "responder_not_delegated"


def test_o16_delegated_to_something_else() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")
    rows: list[tuple[str, Any]] = [
        ("responder_key_usage", [SIGNING, NOCHECK, (usage("key_cert_sign", "crl_sign"), True)]),
        ("responder_is_ca", [SIGNING, NOCHECK, (x509.BasicConstraints(ca=True, path_length=0), True)]),
        ("responder_critical_ext", [SIGNING, NOCHECK, (unknown, True)]),
        ("met", [SIGNING, NOCHECK, (unknown, False)]),
    ]
    for reason, extensions in rows:
        delegate = party("D", INTERMEDIATE, extensions=extensions)
        assert judged(forged(named=delegate, enclosed=[delegate])) == reason


def test_o17_delegated_without_nocheck() -> None:
    delegate = responder(INTERMEDIATE, nocheck=False)
    der = staple(LEAF, signer=delegate)
    assert judged(der) == "responder_revocation_unknown"
    assert judged(der, nocheck_needed=False) == "met"


def test_o18_self_signed_with_the_purpose() -> None:
    alone = party("D", extensions=(SIGNING, NOCHECK))
    assert judged(forged(named=alone, enclosed=[alone])) == "responder_not_delegated"


def test_o21_another_serial() -> None:
    assert judged(staple(leaf("L2", INTERMEDIATE))) == "wrong_certificate"


@pytest.mark.parametrize(
    "hash", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda h: h.name
)
def test_o23_the_hash_of_the_identity(hash: hashes.HashAlgorithm) -> None:
    assert judged(staple(LEAF, cert_id_hash=hash)) == "met"
    assert judged(staple(LEAF, cert_id_hash=hash, signer=D)) == "met"


def renamed(change: Any) -> bytes:
    """S0 with another CertID: `change` takes its four parts. Signed again."""

    def answers(answer: bytes) -> list[bytes]:
        identity, *rest = inside(answer)
        return [tlv(SEQUENCE, tlv(SEQUENCE, *change(*inside(identity.whole))), *(each.whole for each in rest))]

    return with_answers(S0, INTERMEDIATE, answers)


@pytest.mark.parametrize("oid", ["2a864886f70d0205", "2a864886f70d0204", "2a0304"], ids=["MD5", "MD4", "unknown"])
def test_o23_a_hash_that_is_not_read(oid: str) -> None:
    algorithm = tlv(SEQUENCE, tlv(0x06, bytes.fromhex(oid)), b"\x05\x00")
    der = renamed(lambda _, *rest: [algorithm, *(each.whole for each in rest)])
    assert judged(der) == "wrong_certificate"
    assert judged(der, S0) == "met"


def digest(data: bytes) -> bytes:
    value = hashes.Hash(hashes.SHA256())
    value.update(data)
    return value.finalize()


def test_o24_hashes_of_the_wrong_length_or_thing() -> None:
    spki = INTERMEDIATE.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    rows: list[Any] = [
        lambda a, n, k, s: [a.whole, tlv(OCTET_STRING, n.content[:-1]), k.whole, s.whole],
        lambda a, n, k, s: [a.whole, tlv(OCTET_STRING, n.content + b"\0"), k.whole, s.whole],
        lambda a, n, k, s: [a.whole, n.whole, tlv(OCTET_STRING, k.content[:20]), s.whole],
        lambda a, n, k, s: [a.whole, n.whole, tlv(OCTET_STRING), s.whole],
        lambda a, n, k, s: [a.whole, n.whole, tlv(OCTET_STRING, digest(spki)), s.whole],
        lambda a, n, k, s: [a.whole, tlv(OCTET_STRING, k.content), tlv(OCTET_STRING, n.content), s.whole],
    ]
    assert judged(renamed(lambda *parts: [each.whole for each in parts])) == "met"
    assert {judged(renamed(row)) for row in rows} == {"wrong_certificate"}


def test_o25_revoked() -> None:
    der = staple(LEAF, status=REVOKED)
    assert judged(der) == judged(staple(LEAF, status=REVOKED, signer=D)) == "revoked"

    def plain(answer: bytes) -> list[bytes]:
        identity, status, *rest = inside(answer)
        (time, _) = inside(status.whole)
        return [tlv(SEQUENCE, identity.whole, tlv(0xA1, time.whole), *(each.whole for each in rest))]

    assert judged(with_answers(der, INTERMEDIATE, plain)) == "revoked"


def test_o27_unknown() -> None:
    assert judged(staple(LEAF, status=UNKNOWN)) == judged(staple(LEAF, status=UNKNOWN, signer=D)) == "unknown"


def answer_of(der: bytes) -> bytes:
    return inside(inside(data_of(der))[2].whole)[0].whole


def test_o28_good_first_then_revoked() -> None:
    """In one response: `multiple_responses`. In two: revoked, in both orders."""
    revoked = staple(LEAF, status=REVOKED)
    good_answer, revoked_answer = answer_of(S0), answer_of(revoked)
    for one in (
        with_answers(S0, INTERMEDIATE, lambda _: [good_answer, revoked_answer]),
        with_answers(S0, INTERMEDIATE, lambda _: [revoked_answer, good_answer]),
    ):
        assert judged(one) == "multiple_responses"
    assert judged(S0, revoked) == judged(revoked, S0) == "revoked"


def test_o29_one_match_among_others() -> None:
    """In one response: `multiple_responses`. In two: the one that is about the path counts."""
    other = staple(leaf("L2", INTERMEDIATE))
    both = with_answers(S0, INTERMEDIATE, lambda answer: [answer, answer_of(other)])
    assert judged(both) == "multiple_responses"
    assert judged(other, S0) == judged(S0, other) == "met"
    assert judged(staple(leaf("L2", INTERMEDIATE), status=REVOKED), S0) == "met"
    assert judged(staple(LEAF, status=UNKNOWN), S0) == judged(S0, staple(LEAF, status=UNKNOWN)) == "unknown"


def test_o33_old_though_next_update_is_far() -> None:
    assert judged(staple(LEAF, this_update=NOW - 3600, next_update=NOW + DAY)) == "met"
    assert judged(staple(LEAF, this_update=NOW - 3601, next_update=NOW + DAY)) == "stale"
    ten_years = staple(LEAF, this_update=NOW - 3601, next_update=NOW + 3650 * DAY)
    assert judged(ten_years) == "bad_window"
    assert judged(ten_years, max_window=4000 * DAY) == "stale"


def test_o34_from_the_future() -> None:
    for skew in (0, 30):
        assert judged(staple(LEAF, this_update=NOW + skew), skew=skew) == "met"
        assert judged(staple(LEAF, this_update=NOW + skew + 1), skew=skew) == "not_yet_valid"


def test_o35_times_that_contradict_each_other() -> None:
    assert judged(staple(LEAF, next_update=NOW - 601, produced_at=NOW - 600)) == "bad_window"
    assert judged(staple(LEAF, this_update=NOW - 600, produced_at=NOW - 601)) == "bad_produced_at"
    assert judged(staple(LEAF, produced_at=NOW + 1)) == "bad_produced_at"
    late = responder(INTERMEDIATE, begins=NOW - 60)
    assert judged(staple(LEAF, signer=late)) == "bad_produced_at"
    assert judged(staple(LEAF, signer=late, produced_at=NOW - 60)) == "met"
    ended = responder(INTERMEDIATE, ends=NOW - 60)
    assert judged(staple(LEAF, signer=ended, produced_at=NOW - 10), skew=60) == "met"
    assert judged(staple(LEAF, signer=ended, produced_at=NOW + 1), skew=60) == "bad_produced_at"


def test_o36_older_than_the_token() -> None:
    assert judged(S0, after_token=True, issued_at=NOW - 3600) == "met"
    assert judged(S0, after_token=True, issued_at=NOW - 3599) == "before_token"
    assert judged(S0, issued_at=NOW) == "met"


UNKNOWN_CRITICAL = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")


def test_o37_critical_extensions() -> None:
    assert judged(staple(LEAF, extensions=[(UNKNOWN_CRITICAL, True)])) == "critical_ext"
    assert judged(staple(LEAF, extensions=[(UNKNOWN_CRITICAL, False)])) == "met"
    for critical, reason in ((True, "critical_ext"), (False, "met")):
        single = der_extension(b"\x2a\x03", b"\x05\x00", critical=critical)
        assert judged(with_single_extension(S0, INTERMEDIATE, single)) == reason
    # Not even "good" is read under it, and a forged one is told as forged.
    both = staple(LEAF, status=REVOKED, extensions=[(UNKNOWN_CRITICAL, True)])
    assert judged(both) == "critical_ext"
    assert judged(rebuilt(both, signature=b"")) == "bad_signature"


@pytest.mark.parametrize("size", [0, 1, 32, 128, 129, 4000])
@pytest.mark.parametrize("critical", [True, False])
def test_o38_a_nonce_is_ignored(size: int, critical: bool) -> None:  # noqa: FBT001
    """Demanding one has no spelling in the language; whatever it is, it binds nothing here."""
    assert judged(staple(LEAF, extensions=[(x509.OCSPNonce(bytes(size)), critical)])) == "met"


def test_o39_an_older_good_one_in_the_place_of_revoked() -> None:
    """What is outside the token's signature can be exchanged: for as long as `age at most` says, and no longer."""
    older_good = staple(LEAF, this_update=NOW - 3000, next_update=NOW + 7 * DAY)
    assert judged(older_good) == "met"
    assert judged(older_good, now=NOW + 600) == "met"
    assert judged(older_good, now=NOW + 601) == "stale"
    assert judged(older_good, after_token=True, issued_at=NOW) == "before_token"
    assert judged(older_good, staple(LEAF, status=REVOKED)) == "revoked"


def test_o40_an_unexpected_place_or_two() -> None:
    text = base64.b64encode(S0).decode()
    header = {"x5ocsp": [text]}
    unprotected = {"etsiU": [{"rVals": {"ocspVals": [{"val": text}]}}]}
    assert place("caller", header=header) == place("jades", header=header) == "staple.missing"
    assert place("header", unprotected=unprotected) == "staple.missing"
    carriers: tuple[Carrier, ...] = ("header", "jades", "caller")
    for carrier in carriers:
        assert place(carrier, header=header, unprotected=unprotected) == "staple.ambiguous"
    assert place("caller", header=header, given=[S0]) == "staple.ambiguous"
    assert place("caller", unprotected=unprotected, given=[S0]) == "staple.ambiguous"
    assert judged(S0, staple(LEAF, status=REVOKED)) == "revoked"


def test_o41_what_is_remembered_is_judged_again_by_the_clock() -> None:
    """A remembered answer holds until its end, whoever remembers it, and is about this issuer's certificate alone."""
    remembered = authenticate([S0], PATH, DEMAND, cover="leaf")
    end = judge_times(remembered, DEMAND, now=NOW, issued_at=None)
    assert end == NOW
    for now in (end + 1, NOW + 3601, NOW - 3601):
        with pytest.raises(TokenRefused):
            judge_times(remembered, DEMAND, now=now, issued_at=None)
    assert judge_times(remembered, DEMAND, now=NOW - 60, issued_at=None) == end
    other_ca = authority("Other", ROOT)
    twin = leaf("twin", other_ca, serial=LEAF.certificate.serial_number)
    twins_path = tuple(each.certificate for each in (twin, other_ca, ROOT))
    assert judged(S0, path=twins_path) == "wrong_certificate"
    assert judged(staple(twin), path=twins_path) == "met"


TIMES = {
    "a fraction": b"20231114220320.5Z",
    "a fraction of zero": b"20231114220320.0Z",
    "an offset": b"20231114230320+0100",
    "no Z": b"20231114220320",
    "a small z": b"20231114220320z",
    "no seconds": b"202311142203Z",
    "two digits of the year": b"231114220320Z",
    "month 13": b"20231314220320Z",
    "30 February": b"20230230220320Z",
    "hour 24": b"20231114240320Z",
    "second 60": b"20231114220360Z",
    "year 0": b"00000101000000Z",
    "nothing": b"",
    "a zero byte": b"20231114220320\0",
}


@pytest.mark.parametrize("text", TIMES.values(), ids=TIMES)
def test_o42_oddities_of_times(text: bytes) -> None:
    assert judged(with_times(S0, INTERMEDIATE, this=text)) == "malformed"
    assert judged(with_times(S0, INTERMEDIATE, following=text)) == "malformed"
    assert judged(with_times(S0, INTERMEDIATE, produced=text)) == "malformed"


def test_o42_times_at_the_ends_of_the_calendar() -> None:
    """DER as it should be, so the clock refuses them and nothing breaks."""
    assert judged(with_times(S0, INTERMEDIATE, this=b"20231114220320Z", produced=b"20231114220320Z")) == "met"
    for early in (b"19500101000000Z", b"00010101000000Z"):
        assert judged(with_times(S0, INTERMEDIATE, this=early)) == "bad_window"
        assert judged(with_times(S0, INTERMEDIATE, produced=early)) == "bad_produced_at"
        assert judged(with_times(S0, INTERMEDIATE, following=early)) == "bad_window"
    late = b"99991231235959Z"
    assert judged(with_times(S0, INTERMEDIATE, this=late)) == "not_yet_valid"
    assert judged(with_times(S0, INTERMEDIATE, produced=late)) == "bad_produced_at"
    assert judged(with_times(S0, INTERMEDIATE, following=late)) == "bad_window"
    assert judged(with_times(S0, INTERMEDIATE, following=late), max_window=1e12) == "met"


@pytest.mark.parametrize("by", list(ocsp.OCSPResponderEncoding))
@pytest.mark.parametrize("signer", [INTERMEDIATE, D], ids=["direct", "delegated"])
def test_o43_control(by: ocsp.OCSPResponderEncoding, signer: Party) -> None:
    assert judged(staple(LEAF, by=by, signer=signer)) == "met"
    assert judged(staple(LEAF, by=by, signer=signer, extensions=[(UNKNOWN_CRITICAL, False)])) == "met"
    assert judged(staple(LEAF, by=by, signer=signer), staple(INTERMEDIATE, by=by), cover="chain") == "met"


def test_o43_certificate_transparency() -> None:
    """A list of SCTs says nothing of revocation: without `critical` it is not looked at, with it nobody understands."""
    scts = tlv(OCTET_STRING, b"\0\0")
    assert judged(with_single_extension(S0, INTERMEDIATE, der_extension(SCT, scts, critical=False))) == "met"
    critical = with_single_extension(S0, INTERMEDIATE, der_extension(SCT, scts, critical=True))
    assert judged(critical) == "critical_ext"


def test_o43_the_version_written_out() -> None:
    """Differs from the row: DER leaves a default out (X.690, section 11.5), so this is another spelling."""
    version = tlv(0xA0, b"\x02\x01\x00")
    data = tlv(SEQUENCE, version, *(each.whole for each in inside(data_of(S0))))
    assert judged(resigned(S0, data, INTERMEDIATE.private)) == "malformed"
