"""Headers for tokens that other libraries sign: what goes in comes out, and what no verifier accepts does not go in."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from policyjwt import issuing
from policyjwt.errors import TokenRefused
from policyjwt.evidence.ocsp_model import MAX_RESPONSE_BYTES
from policyjwt.evidence_sources import DEFAULT_WINDOW
from policyjwt.tokens import x5c
from policyjwt.tokens.certificate_path import Anchors, LeafBinding, PathDemand, find_path
from policyjwt.tokens.decode import decode
from tests.der import SEQUENCE, inside, tlv
from tests.integrations.libraries import LIBRARIES, Library
from tests.issuer import NOW, claims
from tests.pki import DAY, Party, authority, leaf, pki, resigned, responder, staple
from tests.tokens.minting import Signer, private_jwk, rsa_private

CHAIN = [pki().leaf, pki().intermediate, pki().root]
WITHOUT_ANCHOR = CHAIN[:-1]


def certificates(parties: list[Party]) -> list[x509.Certificate]:
    return [each.certificate for each in parties]


def pem(parties: list[Party]) -> bytes:
    return b"".join(each.pem for each in parties)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def good(**changes: Any) -> bytes:
    return staple(pki().leaf, **changes)


# ------------------------------------------------------------------------------------------- what comes out


def test_the_members() -> None:
    one, two = good(), staple(pki().intermediate)
    found = issuing.header(pem(CHAIN), [two, one], thumbprint=True)
    assert found == {
        "x5c": pki().x5c,
        "x5t#S256": base64.urlsafe_b64encode(hashlib.sha256(pki().leaf.der).digest()).rstrip(b"=").decode(),
        "x5ocsp": [b64(two), b64(one)],
    }


def test_what_is_not_asked_for_is_not_there() -> None:
    assert issuing.header(pem(CHAIN)) == {"x5c": pki().x5c}


def test_certificates_come_as_pem_or_as_objects() -> None:
    expected = issuing.header(pem(CHAIN), [good()])
    assert issuing.header(certificates(CHAIN), (good(),))["x5c"] == expected["x5c"]
    assert issuing.header(tuple(certificates(CHAIN)))["x5c"] == expected["x5c"]
    assert issuing.header(b"a comment\n" + pem(CHAIN).replace(b"\n", b"\r\n"))["x5c"] == expected["x5c"]


def test_the_anchor_is_left_out() -> None:
    assert issuing.header(pem(CHAIN))["x5c"] == issuing.header(pem(WITHOUT_ANCHOR))["x5c"] == pki().x5c
    straight = leaf("straight", pki().root)
    assert issuing.header(pem([straight, pki().root])) == issuing.header(straight.pem) == {"x5c": [straight.x5c]}


def test_the_name_may_be_another() -> None:
    found = issuing.header(pem(CHAIN), [good()], name="https://corp.example/ocsp")
    assert list(found) == ["x5c", "https://corp.example/ocsp"]


def test_each_call_gives_its_own_lists() -> None:
    one, other = issuing.header(pem(CHAIN)), issuing.header(pem(CHAIN))
    assert one["x5c"] is not other["x5c"]


@pytest.mark.filterwarnings("ignore")  # of the libraries
@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256"])
def test_what_the_libraries_sign_carries_it(library: Library, alg: str) -> None:
    private: Any = pki().leaf.private if alg == "ES256" else rsa_private()
    subject = pki().leaf if alg == "ES256" else leaf("rsa", pki().intermediate, private=private)
    added = issuing.header(pem([subject, *CHAIN[1:]]), [staple(subject, signer=pki().responder)], thumbprint=True)
    plain = {"alg": alg, "typ": "JWT", "kid": "k"}
    payload = json.dumps(claims()).encode()
    token = library.sign(plain | added, payload, private_jwk(Signer(alg, private, kid="k")))
    assert decode(token).header == plain | added
    without = library.sign(plain, payload, private_jwk(Signer(alg, private, kid="k")))
    grown = len(token) - len(without)
    assert issuing.added_bytes(added) - 4 <= grown <= issuing.added_bytes(added) + 20  # some write spaces


# ------------------------------------------------------------------------------------------- what does not


def chain_of(length: int) -> list[Party]:
    """Leaf first, anchor last, `length` in all."""
    top = authority("Top")
    parties = [top]
    for number in range(length - 2):
        parties.insert(0, authority(f"Intermediate {number}", parties[0]))
    return [leaf("below", parties[0]), *parties]


@pytest.mark.parametrize(("length", "accepted"), [(6, True), (7, True), (8, False)])
def test_six_certificates_beside_the_anchor(length: int, accepted: bool) -> None:  # noqa: FBT001 - of pytest
    parties = chain_of(length)
    for chain in (parties, parties[:-1]):
        if accepted:
            assert issuing.header(pem(chain))["x5c"] == [each.x5c for each in parties[:-1]]
        else:
            with pytest.raises(ValueError, match=r"^7 certificates for `x5c`, where at most 6 are accepted$"):
                issuing.header(pem(chain))


def other_issuer() -> Party:
    """As the intermediate by its name, with another key."""
    return authority("Intermediate", pki().root)


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (b"", "the certificates are no PEM that can be read"),
        (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "the certificates are no PEM"),
        (pki().leaf.der, "the certificates are no PEM that can be read"),
        ([], "no certificate: the signer's comes first, then its issuers"),
        (pem(CHAIN[::-1]), "certificate 2 did not issue certificate 1: the signer's comes first"),
        (pem([CHAIN[0], CHAIN[2]]), "certificate 2 did not issue certificate 1"),
        (pem([CHAIN[0], CHAIN[2], CHAIN[1]]), "certificate 2 did not issue certificate 1"),
        (pem([CHAIN[0], CHAIN[0], CHAIN[1]]), "certificate 2 did not issue certificate 1"),
        (pem([CHAIN[0], CHAIN[1], CHAIN[0]]), "certificate 3 did not issue certificate 2"),
        (pem([CHAIN[0], other_issuer()]), "certificate 2 did not issue certificate 1"),
        (pem([*CHAIN, CHAIN[2]]), "an anchor stands before the end of the chain"),
        (pem([CHAIN[2]]), "the signer's certificate is an anchor itself: nobody can vouch for it or revoke it"),
    ],
)
def test_a_chain_that_no_verifier_accepts(chain: bytes | list[x509.Certificate], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        issuing.header(chain)
    with pytest.raises(ValueError, match=f"^{said}"):
        issuing.check(chain, [good()], now=NOW, max_age=3600)


def spoiled(der: bytes) -> bytes:
    return der[:-1] + bytes([der[-1] ^ 1])


def two_answers() -> bytes:
    """A response with the same answer twice."""
    responder, produced, answers, *_ = inside(ocsp.load_der_ocsp_response(good()).tbs_response_bytes)
    data = tlv(SEQUENCE, responder.whole, produced.whole, tlv(SEQUENCE, answers.content * 2))
    return resigned(good(), data, pki().intermediate)


def named_by_no_hash() -> bytes:
    """The issuer is named by a hash that is none."""
    data = ocsp.load_der_ocsp_response(good()).tbs_response_bytes
    sha256 = bytes.fromhex("608648016503040201")
    assert data.count(sha256) == 1
    return resigned(good(), data.replace(sha256, sha256[:-1] + b"\x7f"), pki().intermediate)


UNREADABLE = "staple 1: bytes that can't be read as an OCSP response; expected one OCSP response in DER"
TRY_LATER = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("staples", "said"),
    [
        ([b""], UNREADABLE),
        ([good(), b"x"], UNREADABLE.replace("1", "2")),
        ([base64.b64encode(good())], UNREADABLE),
        ([good() + b"\0"], UNREADABLE),
        ([TRY_LATER], "staple 1: the OCSP response is an error of the responder: try later"),
        ([good(), good(signer=pki().responder)], "staples 1 and 2 are both about certificate 1"),
        ([good()] * 5, "5 staples, where at most 4 are accepted"),
        ([bytes(MAX_RESPONSE_BYTES + 1)], "staple 1: an OCSP response of more than 16384 bytes; expected"),
        ([bytes(MAX_RESPONSE_BYTES)], UNREADABLE),
        ([good(status=ocsp.OCSPCertStatus.REVOKED)], "staple 1 does not say that certificate 1 is good"),
        ([good(status=ocsp.OCSPCertStatus.UNKNOWN)], "staple 1 does not say that certificate 1 is good"),
        ([staple(leaf("other", pki().intermediate))], "staple 1 is about no certificate of the chain"),
        ([good(), staple(pki().responder)], "staple 2 is about no certificate of the chain"),
        ([good(issuer=other_issuer())], "staple 1 is about no certificate of the chain"),
        ([named_by_no_hash()], "staple 1 is about no certificate of the chain"),
        ([good(cert_id_hash=hashes.SHA224())], "staple 1 is about no certificate of the chain"),
        ([good(issuer=pki().root)], "staple 1 is about no certificate of the chain"),
    ],
)
def test_a_staple_that_no_verifier_accepts(staples: list[bytes], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        issuing.header(pem(CHAIN), staples)


def test_two_answers_in_one_response() -> None:
    with pytest.raises(
        ValueError,
        match=r"^staple 1: an OCSP response with 2 answers; expected an OCSP response with exactly one answer$",
    ):
        issuing.header(pem(CHAIN), [two_answers()])


def test_a_staple_about_the_last_certificate_needs_the_anchor() -> None:
    above = staple(pki().intermediate)
    assert issuing.header(pem(CHAIN), [above])["x5ocsp"] == [b64(above)]
    with pytest.raises(ValueError, match=r"^staple 1 is about the last certificate .* add the anchor at the end"):
        issuing.header(pem(WITHOUT_ANCHOR), [above])
    with pytest.raises(ValueError, match=r"^staple 1 is about no certificate of the chain$"):
        issuing.header(pem(CHAIN), [staple(pki().root, issuer=pki().root)])
    with pytest.raises(ValueError, match=r"^staple 1 is about no certificate of the chain$"):
        issuing.header(pem(WITHOUT_ANCHOR), [staple(pki().responder)])


@pytest.mark.parametrize("name", ["", "x5c", "alg", "crit", "etsiU", "x5t#S256", "exp", "kid", 7, None])
def test_a_name_that_means_something_else(name: Any) -> None:
    with pytest.raises(ValueError, match=r"^the header parameter for staples has no name of its own"):
        issuing.header(pem(CHAIN), [good()], name=name)


@pytest.mark.parametrize(
    ("chain", "staples"),
    [
        (pem(CHAIN), good()),
        (pem(CHAIN), bytearray(good())),
        (pem(CHAIN), iter([good()])),
        (pem(CHAIN), [bytearray(good())]),
        (pem(CHAIN), "text"),
        (pem(CHAIN), [b64(good())]),
        (pem(CHAIN), {good()}),
        (pem(CHAIN).decode(), []),
        ([pki().leaf.der], []),
        ([*certificates(WITHOUT_ANCHOR), pki().root.pem], []),
        (None, []),
        (pem(CHAIN), None),
    ],
)
def test_a_bad_call(chain: Any, staples: Any) -> None:
    with pytest.raises(TypeError):
        issuing.header(chain, staples)
    with pytest.raises(TypeError):
        issuing.check(chain, staples, now=NOW, max_age=3600)


@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_staple_or_a_value_error(data: bytes) -> None:
    for staples in ([data], [good()[: len(data)] + data]):
        with pytest.raises(ValueError, match=r"^staple 1: "):
            issuing.header(pem(CHAIN), staples)


def test_nothing_of_a_certificate_is_quoted() -> None:
    for staples in ([staple(leaf("mallory", pki().intermediate))], [b"mallory"]):
        with pytest.raises(ValueError, match="staple") as caught:
            issuing.header(pem([leaf("mallory", pki().intermediate), *CHAIN[1:]]), staples)
        assert "mallory" not in str(caught.value)


# ------------------------------------------------------------------------------- what a verifier would say


def both(**changes: Any) -> list[bytes]:
    return [good(**changes), staple(pki().intermediate)]


def refused(staples: list[bytes], chain: list[Party] = CHAIN, **changes: Any) -> str:
    with pytest.raises(TokenRefused) as caught:
        issuing.check(pem(chain), staples, **{"now": NOW, "max_age": 3600} | changes)
    return caught.value.code


def test_until_when() -> None:
    """600 s old, at most 3600 s: 3000 s are left; then the end of the responses, then the certificates' own."""
    assert issuing.check(pem(CHAIN), both(), now=NOW, max_age=3600) == NOW + 3000
    assert issuing.check(pem(CHAIN), both(), now=NOW, max_age=DAY) == NOW + 3600
    assert issuing.check(pem(CHAIN), both(), now=NOW, max_age=3600, skew=30) == NOW + 3030
    assert issuing.check(pem(CHAIN), [good()], now=NOW, max_age=3600, cover="leaf") == NOW + 3000
    assert issuing.check(certificates(CHAIN), tuple(both()), now=NOW, max_age=3600) == NOW + 3000
    short = leaf("short", pki().intermediate, ends=NOW + 60)
    chain, staples = [short, *CHAIN[1:]], [staple(short), staple(pki().intermediate)]
    assert issuing.check(pem(chain), staples, now=NOW, max_age=3600) == NOW + 60


@pytest.mark.parametrize(
    ("staples", "changes", "code"),
    [
        ([], {}, "staple.missing"),
        ([good()], {}, "staple.coverage"),
        ([staple(pki().intermediate)], {"cover": "leaf"}, "staple.coverage"),
        (both(), {"max_age": 599}, "staple.stale"),
        (both(), {"now": NOW + 3601, "max_age": DAY}, "staple.expired"),
        (both(), {"now": NOW - 601}, "staple.not_yet_valid"),
        (both(status=ocsp.OCSPCertStatus.REVOKED), {}, "staple.revoked"),
        ([spoiled(good()), staple(pki().intermediate)], {}, "staple.bad_signature"),
        ([b"x"], {}, "staple.malformed"),
        ([good()] * 5, {}, "staple.too_many"),
        (both(), {"now": NOW + 31 * DAY, "max_age": 60 * DAY}, "x5c.path_invalid"),
        (both(), {"now": NOW - 31 * DAY}, "x5c.path_invalid"),
    ],
)
def test_an_issuer_notices_before_its_users_do(staples: list[bytes], changes: dict[str, Any], code: str) -> None:
    assert refused(staples, **changes) == code


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW + 30 * DAY, None),
        (NOW + 30 * DAY + 1, "certificate 1 expired at 2023-12-14T22:13:20Z"),
        (NOW - 30 * DAY, None),
        (NOW - 30 * DAY - 1, "certificate 1 is not valid before 2023-10-15T22:13:20Z"),
    ],
)
def test_the_ends_of_certificates(now: float, said: str | None) -> None:
    staples = [staple(each, this_update=now - 1, next_update=now + 60, produced_at=now - 1) for each in CHAIN[:-1]]
    if said is None:
        assert issuing.check(pem(CHAIN), staples, now=now, max_age=60) >= now
    else:
        with pytest.raises(TokenRefused) as caught:
            issuing.check(pem(CHAIN), staples, now=now, max_age=60)
        assert (caught.value.code, caught.value.actual) == ("x5c.path_invalid", said)


@pytest.mark.parametrize("cover", ["", "Leaf", "all", None, 0])
def test_a_cover_that_no_policy_has(cover: Any) -> None:
    with pytest.raises(ValueError, match=r"^cover is `leaf` or `chain`$"):
        issuing.check(pem(CHAIN), both(), now=NOW, max_age=3600, cover=cover)


def test_without_the_anchor_nothing_is_judged() -> None:
    with pytest.raises(ValueError, match=r"^the chain does not end in its anchor: add the certificate"):
        issuing.check(pem(WITHOUT_ANCHOR), both(), now=NOW, max_age=3600)


@pytest.mark.parametrize(
    "changes",
    [
        {"max_age": -1},
        {"max_age": float("nan")},
        {"skew": -1},
        {"now": float("nan")},
        {"max_window": -1},
        {"max_window": float("inf")},
    ],
)
def test_numbers_that_are_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is negative|is not finite"):
        issuing.check(pem(CHAIN), both(), **{"now": NOW, "max_age": 3600} | changes)


# ------------------------------------------------------------------------- what else a policy may say of it


def test_an_anchor_that_did_not_sign_itself_is_named() -> None:
    """The policy trusts the intermediate, and not what stands above it."""
    chain, anchor, one = [pki().leaf, pki().intermediate], pki().intermediate, good()
    for certificates_ in (pem(chain), certificates(chain), pem(chain[:1]), certificates(chain[:1])):
        for named in (anchor.pem, anchor.certificate):
            added = issuing.header(certificates_, [one], anchor=named)
            assert added == {"x5c": [pki().leaf.x5c], "x5ocsp": [b64(one)]}
            until = issuing.check(certificates_, [one], now=NOW, max_age=3600, anchor=named)
            assert until == NOW + 3000
    with pytest.raises(ValueError, match=r"^the chain does not end in its anchor: .* is named by `anchor`$"):
        issuing.check(pem(chain), [one], now=NOW, max_age=3600)
    demand = PathDemand(
        anchors=Anchors.from_pem(anchor.pem), leaf=LeafBinding.make("any", frozenset()), usage=None, depth=0
    )
    path = find_path(issuing.header(pem(chain), anchor=anchor.pem), demand, alg="ES256", now=NOW)
    assert path.certificates == tuple(certificates(chain))


def test_an_anchor_that_signed_itself_may_be_named_too() -> None:
    for chain in (CHAIN, WITHOUT_ANCHOR):
        added = issuing.header(pem(chain), both(), anchor=pki().root.pem)
        assert added["x5c"] == pki().x5c
        assert issuing.check(pem(chain), both(), now=NOW, max_age=3600, anchor=pki().root.pem) == NOW + 3000


def test_the_end_of_a_named_anchor_counts() -> None:
    soon = authority("Soon", ends=NOW + 60)
    below = leaf("below", soon)
    until = issuing.check(below.pem, [staple(below)], now=NOW, max_age=3600, anchor=soon.pem)
    assert until == NOW + 60


@pytest.mark.parametrize(
    ("chain", "anchor", "said"),
    [
        (CHAIN, other_issuer().pem, "certificate 4 did not issue certificate 3: .*; certificate 4 is the one named as"),
        (CHAIN, pki().intermediate.pem, "certificate 4 did not issue certificate 3: "),
        (WITHOUT_ANCHOR, pki().leaf.pem, "certificate 3 did not issue certificate 2: "),
        (CHAIN[:1], pki().leaf.pem, "the signer's certificate is an anchor itself"),
        (CHAIN, b"", "the certificates are no PEM that can be read"),
        (CHAIN, pki().root.der, "the certificates are no PEM that can be read"),
        (CHAIN, pem(CHAIN[1:]), "2 certificates as the anchor, where one is meant"),
    ],
)
def test_an_anchor_that_is_none(chain: list[Party], anchor: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        issuing.header(pem(chain), anchor=anchor)
    with pytest.raises(ValueError, match=f"^{said}"):
        issuing.check(pem(chain), [good()], now=NOW, max_age=3600, anchor=anchor)


@pytest.mark.parametrize("anchor", ["text", 7, [pki().root.certificate]])
def test_an_anchor_of_another_type(anchor: Any) -> None:
    with pytest.raises(TypeError, match=r"^certificates are PEM, as bytes"):
        issuing.header(pem(CHAIN), anchor=anchor)


def alone(**changes: Any) -> list[bytes]:
    """About the leaf, by a responder whose certificate it does not enclose."""
    return [good(signer=pki().responder, certificates=[], **changes)]


def test_a_responder_that_the_policy_pins() -> None:
    assert refused(alone(), cover="leaf") == "staple.responder_unknown"
    for pinned in (pki().responder.pem, [pki().responder.certificate], (pki().responder.certificate,)):
        until = issuing.check(pem(CHAIN), alone(), now=NOW, max_age=3600, cover="leaf", pinned=pinned)
        assert until == NOW + 3000
    assert refused(alone(), cover="leaf", pinned=pki().leaf.pem) == "staple.responder_unknown"
    for wrong in ("text", [pki().responder.pem]):
        with pytest.raises(TypeError):
            issuing.check(pem(CHAIN), alone(), now=NOW, max_age=3600, pinned=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("window", "code"), [(4201, ""), (4200, ""), (4199, "staple.bad_window")])
def test_the_window_of_the_policy(window: int, code: str) -> None:
    """From thisUpdate, 600 s ago, to nextUpdate, in 3600 s."""
    if code:
        assert refused([good()], cover="leaf", max_window=window) == code
    else:
        until = issuing.check(pem(CHAIN), [good()], now=NOW, max_age=3600, cover="leaf", max_window=window)
        assert until == NOW + 3000


def test_what_a_policy_may_allow_to_be_absent() -> None:
    endless = [good(next_update=None)]
    assert refused(endless, cover="leaf") == "staple.no_next_update"
    until = issuing.check(pem(CHAIN), endless, now=NOW, max_age=3600, cover="leaf", next_update_needed=False)
    assert until == NOW + 3000
    unchecked = [good(signer=responder(pki().intermediate, nocheck=False))]
    assert refused(unchecked, cover="leaf") == "staple.responder_revocation_unknown"
    until = issuing.check(pem(CHAIN), unchecked, now=NOW, max_age=3600, cover="leaf", nocheck_needed=False)
    assert until == NOW + 3000


def test_the_usual_limits_are_those_of_policies() -> None:
    """What `check` demands without further words is what a policy without further lines does."""
    usual = {name: each.default for name, each in inspect.signature(issuing.check).parameters.items()}
    assert usual["max_window"] == DEFAULT_WINDOW
    assert (usual["next_update_needed"], usual["nocheck_needed"], usual["cover"]) == (True, True, "chain")


# ------------------------------------------------------------------------------------------------- its size


@given(size=st.integers(0, 200))
def test_the_size_is_that_of_compact_json_in_base64url(size: int) -> None:
    """Exactly, up to what the rest of the header leaves over of three bytes."""
    added: dict[str, object] = {"x5c": ["A" * size]}

    def length(header: dict[str, object]) -> int:
        text = json.dumps(header, separators=(",", ":")).encode()
        return len(base64.urlsafe_b64encode(text).rstrip(b"="))

    plain: dict[str, object] = {"alg": "ES256"}
    assert abs(length(plain | added) - length(plain) - issuing.added_bytes(added)) <= 1


def test_public_names() -> None:
    assert set(issuing.__all__) == {
        "MAX_CERTIFICATES",
        "MAX_STAPLES",
        "MAX_STAPLE_BYTES",
        "added_bytes",
        "check",
        "header",
    }
    assert (issuing.MAX_CERTIFICATES, issuing.MAX_STAPLES, issuing.MAX_STAPLE_BYTES) == (6, 4, 16384)
    assert issuing.MAX_CERTIFICATES == x5c.MAX_CERTIFICATES


def test_a_key_of_another_curve_serves_too() -> None:
    other = leaf("p384", pki().intermediate, private=ec.generate_private_key(ec.SECP384R1()))
    assert issuing.header(pem([other, *CHAIN[1:]]), [staple(other)])["x5c"] == [other.x5c, pki().intermediate.x5c]
