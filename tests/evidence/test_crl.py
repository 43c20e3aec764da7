"""Revocation lists: who may sign them, what they speak about, how old they may be, and that they never go backwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.evidence import crl, crl_snapshot
from policyjwt.evidence.crl import AuthenticList, CrlDemand, CrlSnapshot, authenticate, judge_times
from tests.der import BIT_STRING, SEQUENCE, inside, tlv
from tests.issuer import NOW
from tests.pki import DAY, Party, authority, entry, leaf, name, party, pki, revocation_list, sign, usage

HOUR = 3600
Entry = x509.RevokedCertificate
Cover = Literal["leaf", "chain"]
NULL = b"\x05\x00"
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), NULL)
DEMAND = CrlDemand(max_age=HOUR)


def path(*parties: Party) -> list[x509.Certificate]:
    chain = parties or (pki().leaf, pki().intermediate, pki().root)
    return [each.certificate for each in chain]


def pem(*lists: x509.CertificateRevocationList) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in lists)


def snapshot(*lists: x509.CertificateRevocationList) -> CrlSnapshot:
    return CrlSnapshot.read(pem(*lists))


def refusal(held: CrlSnapshot, chain: Sequence[x509.Certificate] | None = None, cover: Cover = "leaf") -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        authenticate(held, chain or path(), cover=cover)
    return caught.value


def code(*lists: x509.CertificateRevocationList, cover: Cover = "leaf") -> str:
    return refusal(snapshot(*lists), cover=cover).code


def serial(one: Party) -> int:
    return one.certificate.serial_number


def point(**parts: Any) -> x509.IssuingDistributionPoint:
    usual = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**(usual | parts))


def uri(value: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(value)]


# --- a good list ------------------------------------------------------------------------------------------


def test_a_list_that_does_not_name_the_leaf_is_returned_with_its_times() -> None:
    (found,) = authenticate(snapshot(revocation_list(pki().intermediate, [1, 2], number=7)), path(), cover="leaf")
    assert (found.this_update, found.next_update, found.number) == (NOW - 600, NOW + DAY, 7)
    assert found.revoked == frozenset({1, 2})
    assert repr(found) == "<AuthenticList>"


def test_der_and_pem_with_text_around_are_read_alike() -> None:
    made = revocation_list(pki().intermediate, [5])
    for data in (made.public_bytes(Encoding.DER), b"Certificate Revocation List (CRL):\n" + pem(made) + b"\n# end\n"):
        (found,) = authenticate(CrlSnapshot.read(data), path(), cover="leaf")
        assert found.revoked == frozenset({5})


def test_cover_chain_needs_the_list_of_each_issuer() -> None:
    both = snapshot(revocation_list(pki().intermediate, number=3), revocation_list(pki().root, number=4))
    assert [each.number for each in authenticate(both, path(), cover="chain")] == [3, 4]
    assert [each.number for each in authenticate(both, path(), cover="leaf")] == [3]
    assert repr(both) == "<CrlSnapshot of 2>"


@pytest.mark.parametrize("make", [ed25519.Ed25519PrivateKey.generate, ed448.Ed448PrivateKey.generate])
def test_edwards_keys_sign_lists(make: Any) -> None:
    root = authority("Edwards", private=make())
    held = snapshot(revocation_list(root))
    assert len(authenticate(held, path(leaf("l", root), root), cover="chain")) == 1


@cache
def rsa_root() -> Party:
    return authority("RSA", private=rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize(
    ("hash", "accepted"),
    [(hashes.SHA256(), True), (hashes.SHA384(), True), (hashes.SHA512(), True), (hashes.SHA224(), False)],
)
@pytest.mark.parametrize("pss", [False, True])
def test_hashes_of_lists(hash: hashes.HashAlgorithm, *, accepted: bool, pss: bool) -> None:
    root = rsa_root()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(root.certificate.not_valid_before_utc)
        .next_update(root.certificate.not_valid_after_utc)
    )
    scheme = padding.PSS(padding.MGF1(hash), hash.digest_size) if pss else None
    made = builder.sign(root.private, hash, rsa_padding=scheme)  # type: ignore[arg-type]
    chain = path(leaf("l", root), root)
    assert made.is_signature_valid(root.private.public_key())
    if accepted:
        assert len(authenticate(snapshot(made), chain, cover="leaf")) == 1
    else:
        assert refusal(snapshot(made), chain).code == "crl.bad_signature"


# --- C1: there is a list ----------------------------------------------------------------------------------


def test_no_list_of_the_issuer() -> None:
    assert code(revocation_list(pki().root)) == "crl.missing"
    assert code(revocation_list(pki().intermediate), cover="chain") == "crl.missing"


@pytest.mark.parametrize("length", [0, 1])
@pytest.mark.parametrize("cover", ["leaf", "chain"])
def test_a_path_without_an_issuer_is_covered_by_nothing(length: int, cover: Cover) -> None:
    held = snapshot(revocation_list(pki().intermediate))
    with pytest.raises(TokenRefused) as caught:
        authenticate(held, path()[:length], cover=cover)
    assert caught.value.code == "crl.missing"


def test_no_lists_are_never_fresh() -> None:
    with pytest.raises(TokenRefused) as caught:
        judge_times((), DEMAND, now=NOW)
    assert caught.value.code == "crl.missing"


def test_a_name_in_another_encoding_is_another_name() -> None:
    made = revocation_list(
        pki().intermediate,
        issuer=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Intermediate", x509.name._ASN1Type.T61String)]),
    )
    assert code(made) == "crl.missing"


# --- C2: the issuer signed it -----------------------------------------------------------------------------


def test_a_list_that_another_key_signed_in_the_issuers_name() -> None:
    impostor = authority("Intermediate")
    assert code(revocation_list(impostor)) == "crl.bad_signature"
    assert code(revocation_list(impostor, [serial(pki().leaf)])) == "crl.bad_signature"  # nor is "revoked" believed
    assert code(revocation_list(pki().root, issuer=name("Intermediate"))) == "crl.bad_signature"
    signed_by_leaf = revocation_list(pki().leaf, issuer=name("Intermediate"))
    assert code(signed_by_leaf) == "crl.bad_signature"


def test_a_forged_list_beside_the_authentic_one_counts_for_nothing() -> None:
    forged = revocation_list(authority("Intermediate"), [serial(pki().leaf)], number=99)
    (found,) = authenticate(snapshot(forged, revocation_list(pki().intermediate)), path(), cover="leaf")
    assert found.number == 1


@pytest.mark.parametrize("bits", [("key_cert_sign",), None])
def test_an_issuer_that_may_not_sign_lists(bits: tuple[str, ...] | None) -> None:
    extensions: list[tuple[x509.ExtensionType, bool]] = [(x509.BasicConstraints(ca=True, path_length=None), True)]
    if bits is not None:
        extensions.append((usage(*bits), True))
    root = party("No lists", extensions=extensions)
    refused = refusal(snapshot(revocation_list(root)), path(leaf("l", root), root))
    assert refused.code == "crl.bad_signature"
    assert refused.actual == "the issuer's certificate does not allow its key to sign revocation lists"


def test_an_issuer_key_that_signs_nothing_refuses() -> None:
    from cryptography.hazmat.primitives.asymmetric import x25519

    agreement = x25519.X25519PrivateKey.generate()
    odd = (
        x509.CertificateBuilder()
        .subject_name(name("Intermediate"))
        .issuer_name(name("Root"))
        .public_key(agreement.public_key())
        .serial_number(5)
        .not_valid_before(pki().root.certificate.not_valid_before_utc)
        .not_valid_after(pki().root.certificate.not_valid_after_utc)
        .add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(pki().root.private, hashes.SHA256())
    )
    held = snapshot(revocation_list(pki().intermediate))
    assert refusal(held, [pki().leaf.certificate, odd, pki().root.certificate]).code == "crl.bad_signature"


def test_each_signature_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    real = crl._verifies

    def counting(*arguments: Any) -> bool:
        counted.append(1)
        return real(*arguments)

    monkeypatch.setattr(crl, "_verifies", counting)
    good, bad = snapshot(revocation_list(pki().intermediate)), snapshot(revocation_list(authority("Intermediate")))
    for _ in range(5):
        assert len(authenticate(good, path(), cover="leaf")) == 1
        assert refusal(bad).code == "crl.bad_signature"
    assert len(counted) == 2


def test_what_is_remembered_of_one_issuer_key_is_not_believed_of_another() -> None:
    held = snapshot(revocation_list(pki().intermediate))
    assert len(authenticate(held, path(), cover="leaf")) == 1
    twin = authority("Intermediate", pki().root)
    assert refusal(held, path(leaf("l", twin), twin, pki().root)).code == "crl.bad_signature"


def test_the_memory_of_signatures_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl, "_MAX_CHECKED", 2)
    held = snapshot(revocation_list(pki().intermediate))
    for _ in range(4):
        twin = authority("Intermediate")
        assert refusal(held, path(leaf("l", twin), twin)).code == "crl.bad_signature"
    assert len(held._checked) == 2
    assert len(authenticate(held, path(), cover="leaf")) == 1


# --- C4: it is understood, and about this certificate -----------------------------------------------------


def reasons(*flags: x509.ReasonFlags) -> frozenset[x509.ReasonFlags]:
    return frozenset(flags)


UNSUPPORTED: dict[str, tuple[list[tuple[x509.ExtensionType, bool]], list[int | Entry], str]] = {
    "unknown critical": ([(STRANGE, True)], [], "a critical extension that is not understood"),
    "issuer's other name, critical": (
        [(x509.IssuerAlternativeName(uri("https://ca.example")), True)],
        [],
        "a critical extension that is not understood",
    ),
    "delta": ([(x509.DeltaCRLIndicator(1), True)], [], "only what has changed"),
    "delta, not critical": ([(x509.DeltaCRLIndicator(1), False)], [], "only what has changed"),
    "indirect": ([(point(indirect_crl=True), True)], [], "for other issuers too"),
    "some reasons": (
        [(point(only_some_reasons=reasons(x509.ReasonFlags.key_compromise)), True)],
        [],
        "only some of the reasons",
    ),
    "relative place": (
        [
            (
                point(
                    relative_name=x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "part")])
                ),
                True,
            )
        ],
        [],
        "relative to its issuer",
    ),
    "authorities only": ([(point(only_contains_ca_certs=True), True)], [], "about other certificates"),
    "attributes only": ([(point(only_contains_attribute_certs=True), True)], [], "about other certificates"),
    "another place": ([(point(full_name=uri("https://ca.example/2.crl")), True)], [], "about other certificates"),
    "another place, not critical": (
        [(point(full_name=uri("https://ca.example/2.crl")), False)],
        [],
        "about other certificates",
    ),
    "entry, unknown critical": ([], [entry(5, (STRANGE, True))], "an entry"),
    "entry, unknown critical, then others": ([], [entry(5, (STRANGE, True)), 6, 7], "an entry"),
    "entry of another issuer": (
        [],
        [entry(5, (x509.CertificateIssuer([x509.DirectoryName(name("Other"))]), True))],
        "for other issuers too",
    ),
    "entry of another issuer, not critical": (
        [],
        [entry(5, (x509.CertificateIssuer([x509.DirectoryName(name("Other"))]), False))],
        "for other issuers too",
    ),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_a_list_that_is_not_understood_or_not_about_the_certificate(case: str) -> None:
    extensions, revoked, words = UNSUPPORTED[case]
    refused = refusal(snapshot(revocation_list(pki().intermediate, revoked, extensions=extensions)))
    assert refused.code == "crl.unsupported"
    assert words in refused.actual


HARMLESS: dict[str, tuple[list[tuple[x509.ExtensionType, bool]], list[int | Entry]]] = {
    "unknown, not critical": ([(STRANGE, False)], []),
    "freshest list elsewhere": (
        [(x509.FreshestCRL([x509.DistributionPoint(uri("https://ca.example/d"), None, None, None)]), False)],
        [],
    ),
    "users only": ([(point(only_contains_user_certs=True), True)], []),
    "entry, unknown, not critical": ([], [entry(5, (STRANGE, False))]),
    "entry, reason and date, critical": (
        [],
        [
            entry(
                5,
                (x509.CRLReason(x509.ReasonFlags.key_compromise), True),
                (x509.InvalidityDate(pki().leaf.certificate.not_valid_before_utc), True),
            )
        ],
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_is_understood_or_not_critical(case: str) -> None:
    extensions, revoked = HARMLESS[case]
    found = authenticate(
        snapshot(revocation_list(pki().intermediate, revoked, extensions=extensions)), path(), cover="leaf"
    )
    assert len(found) == 1


def published(*points: x509.DistributionPoint) -> Party:
    """A leaf whose revocation is published there."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (usage("digital_signature"), True),
        (x509.CRLDistributionPoints(points), False),
    ]
    return party("published", pki().intermediate, extensions=extensions)


HERE = "https://ca.example/1.crl"
SOME = reasons(x509.ReasonFlags.key_compromise)
POINTS: dict[str, tuple[x509.DistributionPoint, bool]] = {
    "here": (x509.DistributionPoint(uri(HERE), None, None, None), True),
    "here too": (x509.DistributionPoint(uri("https://b.example/1.crl") + uri(HERE), None, None, None), True),
    "elsewhere": (x509.DistributionPoint(uri("https://ca.example/2.crl"), None, None, None), False),
    "here, for some reasons": (x509.DistributionPoint(uri(HERE), None, SOME, None), False),
    "here, by another issuer": (
        x509.DistributionPoint(uri(HERE), None, None, [x509.DirectoryName(name("Other"))]),
        False,
    ),
    "relative": (
        x509.DistributionPoint(
            None,
            x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "part")]),
            None,
            None,
        ),
        False,
    ),
}


@pytest.mark.parametrize("case", POINTS)
def test_a_list_for_one_place_covers_the_certificates_that_name_it(case: str) -> None:
    distribution, covered = POINTS[case]
    chain = path(published(distribution), pki().intermediate, pki().root)
    held = snapshot(revocation_list(pki().intermediate, extensions=[(point(full_name=uri(HERE)), True)]))
    if covered:
        assert len(authenticate(held, chain, cover="leaf")) == 1
    else:
        assert refusal(held, chain).code == "crl.unsupported"


def test_lists_for_users_and_for_authorities_side_by_side() -> None:
    users = revocation_list(pki().root, number=1, extensions=[(point(only_contains_user_certs=True), True)])
    authorities = revocation_list(pki().root, number=2, extensions=[(point(only_contains_ca_certs=True), True)])
    held = snapshot(revocation_list(pki().intermediate, number=3), users, authorities)
    assert [each.number for each in authenticate(held, path(), cover="chain")] == [3, 2]
    assert code(revocation_list(pki().intermediate), users, cover="chain") == "crl.unsupported"


def test_all_lists_about_a_certificate_are_returned_and_each_may_revoke() -> None:
    part = [(point(only_contains_user_certs=True), True)]
    whole, users = (
        revocation_list(pki().intermediate, number=3),
        revocation_list(pki().intermediate, [serial(pki().leaf)], number=4, extensions=part),
    )
    assert code(whole, users) == code(users, whole) == "crl.revoked"
    held = snapshot(whole, revocation_list(pki().intermediate, number=5, extensions=part))
    assert sorted(each.number or 0 for each in authenticate(held, path(), cover="leaf")) == [3, 5]


def test_an_authentic_list_that_is_not_understood_refuses_beside_a_good_one() -> None:
    delta = revocation_list(pki().intermediate, number=2, extensions=[
        (x509.DeltaCRLIndicator(1), True), (point(only_contains_user_certs=True), True),
    ])  # fmt: skip
    assert code(revocation_list(pki().intermediate), delta) == "crl.unsupported"


def test_a_certificate_whose_extensions_can_not_be_read_is_not_covered() -> None:
    class Unreadable:
        @property
        def extensions(self) -> None:
            raise ValueError("no")

    (found,) = crl_snapshot.read_lists(pem(revocation_list(pki().intermediate)))
    assert crl_snapshot.covers(found, pki().leaf.certificate)
    assert not crl_snapshot.covers(found, Unreadable())  # type: ignore[arg-type]


# --- C5: it is not named ----------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [*x509.ReasonFlags, None])
def test_a_listed_certificate_is_revoked_for_whatever_reason(reason: x509.ReasonFlags | None) -> None:
    extensions = [] if reason is None else [(x509.CRLReason(reason), False)]
    for revoked_at in (NOW - 300 * DAY, NOW, NOW + 300 * DAY):
        listed = entry(serial(pki().leaf), *extensions, revoked_at=revoked_at)
        held = snapshot(revocation_list(pki().intermediate, [5, listed, 6]))
        if reason is x509.ReasonFlags.remove_from_crl:  # RFC 5280, section 5.3.1: revoked no longer
            assert len(authenticate(held, path(), cover="leaf")) == 1
        else:
            assert refusal(held).code == "crl.revoked"


def test_removed_from_the_list_is_said_of_one_entry_alone() -> None:
    removed = entry(5, (x509.CRLReason(x509.ReasonFlags.remove_from_crl), False))
    assert code(revocation_list(pki().intermediate, [removed, serial(pki().leaf)])) == "crl.revoked"


def test_a_revoked_authority_refuses_what_is_below_where_it_is_covered() -> None:
    held = snapshot(revocation_list(pki().intermediate), revocation_list(pki().root, [serial(pki().intermediate)]))
    assert len(authenticate(held, path(), cover="leaf")) == 1
    refused = refusal(held, cover="chain")
    assert refused.code == "crl.revoked"
    assert refused.actual == "the certificate of an authority above the signer is on the revocation list of its issuer"


def test_revoked_is_told_before_what_is_wrong_elsewhere() -> None:
    above = revocation_list(pki().root, [serial(pki().intermediate)])
    assert code(above, cover="chain") == "crl.revoked"  # the leaf's own list is missing
    old = revocation_list(pki().intermediate, [serial(pki().leaf)], this_update=NOW - 900 * DAY)
    assert code(old) == "crl.revoked"


def test_the_same_serial_of_another_issuer_means_nothing() -> None:
    held = snapshot(revocation_list(pki().intermediate), revocation_list(pki().root, [serial(pki().leaf)]))
    assert len(authenticate(held, path(), cover="chain")) == 2


# --- C3: times --------------------------------------------------------------------------------------------


def times(this_update: float, next_update: float | None) -> tuple[AuthenticList, ...]:
    return (AuthenticList(this_update=this_update, next_update=next_update, number=None, revoked=frozenset()),)


SKEWED = CrlDemand(max_age=HOUR, skew=30)
TIMES: list[tuple[float, float | None, CrlDemand, str]] = [
    (NOW + 1, NOW + DAY, DEMAND, "crl.not_yet_valid"),
    (NOW, NOW + DAY, DEMAND, ""),
    (NOW - 1, NOW + DAY, DEMAND, ""),
    (NOW + 31, NOW + DAY, SKEWED, "crl.not_yet_valid"),
    (NOW + 30, NOW + DAY, SKEWED, ""),
    (NOW - HOUR, NOW + DAY, DEMAND, ""),
    (NOW - HOUR + 1, NOW + DAY, DEMAND, ""),
    (NOW - HOUR - 1, NOW + DAY, DEMAND, "crl.stale"),
    (NOW - HOUR - 30, NOW + DAY, SKEWED, ""),
    (NOW - HOUR - 31, NOW + DAY, SKEWED, "crl.stale"),
    (NOW - 60, NOW + 1, DEMAND, ""),
    (NOW - 60, NOW, DEMAND, ""),
    (NOW - 60, NOW - 1, DEMAND, "crl.expired"),
    (NOW - 60, NOW - 30, SKEWED, ""),
    (NOW - 60, NOW - 31, SKEWED, "crl.expired"),
    (NOW - 60, None, DEMAND, "crl.no_next_update"),
    (NOW - 60, None, CrlDemand(max_age=HOUR, next_update_needed=False), ""),
    (NOW - HOUR - 1, None, CrlDemand(max_age=HOUR, next_update_needed=False), "crl.stale"),
    (math.nan, NOW + DAY, DEMAND, "crl.not_yet_valid"),
    (NOW - 60, math.nan, DEMAND, "crl.expired"),
    (NOW - 60, NOW + DAY, CrlDemand(max_age=math.nan), "crl.stale"),
]


@pytest.mark.parametrize(("this_update", "next_update", "demand", "expected"), TIMES)
def test_times(this_update: float, next_update: float | None, demand: CrlDemand, expected: str) -> None:
    lists = times(this_update, next_update)
    if not expected:
        assert judge_times(lists, demand, now=NOW) >= NOW
        return
    with pytest.raises(TokenRefused) as caught:
        judge_times(lists, demand, now=NOW)
    assert caught.value.code == expected


def test_every_list_is_judged() -> None:
    with pytest.raises(TokenRefused) as caught:
        judge_times((*times(NOW - 60, NOW + DAY), *times(NOW - 2 * HOUR, NOW + DAY)), DEMAND, now=NOW)
    assert (caught.value.code, caught.value.actual) == ("crl.stale", "the revocation list is 2h old")
    assert caught.value.expected == "at most 1h"


@pytest.mark.parametrize(
    ("next_update", "turns"),
    [(NOW + DAY, NOW - 60 + HOUR + 30), (NOW + 5, NOW + 35), (None, NOW - 60 + HOUR + 30)],
)
def test_the_judgement_turns_at_the_instant_that_is_returned(next_update: float | None, turns: float) -> None:
    demand = CrlDemand(max_age=HOUR, skew=30, next_update_needed=False)
    lists = times(NOW - 60, next_update)
    assert judge_times(lists, demand, now=NOW) == turns
    assert judge_times(lists, demand, now=turns) == turns
    with pytest.raises(TokenRefused):
        judge_times(lists, demand, now=turns + 1)


def test_a_list_without_next_update_is_read() -> None:
    der = revocation_list(pki().intermediate).public_bytes(Encoding.DER)
    tbs, algorithm, _ = inside(der)
    parts = inside(tbs.whole)
    shorter = tlv(SEQUENCE, *(each.whole for at, each in enumerate(parts) if at != 4))
    signature = tlv(BIT_STRING, b"\0", sign(pki().intermediate.private, shorter))
    (found,) = authenticate(CrlSnapshot.read(tlv(SEQUENCE, shorter, algorithm.whole, signature)), path(), cover="leaf")
    assert (found.this_update, found.next_update) == (NOW - 600, None)
    with pytest.raises(TokenRefused) as caught:
        judge_times((found,), DEMAND, now=NOW)
    assert caught.value.code == "crl.no_next_update"


# --- C6: never backwards ----------------------------------------------------------------------------------


def made(number: int | None, this_update: float = NOW - 600, **more: Any) -> x509.CertificateRevocationList:
    return revocation_list(more.pop("signer", pki().intermediate), number=number, this_update=this_update, **more)


USERS = [(point(only_contains_user_certs=True), True)]
CAS = [(point(only_contains_ca_certs=True), True)]
ROLLBACK: dict[str, tuple[list[x509.CertificateRevocationList], list[x509.CertificateRevocationList], bool]] = {
    "the same": ([made(5)], [made(5)], True),
    "one more": ([made(5)], [made(6, NOW)], True),
    "one less": ([made(5)], [made(4, NOW)], False),
    "number gone": ([made(5)], [made(None, NOW)], False),
    "number new": ([made(None)], [made(1, NOW)], True),
    "the same number, made before": ([made(5)], [made(5, NOW - 601)], False),
    "higher number, made before": ([made(5)], [made(6, NOW - 601)], False),
    "no numbers, a second later": ([made(None)], [made(None, NOW - 599)], True),
    "no numbers, the same": ([made(None)], [made(None)], True),
    "no numbers, a second before": ([made(None)], [made(None, NOW - 601)], False),
    "issuer gone": ([made(5), made(1, signer=pki().root)], [made(5)], False),
    "issuer new": ([made(5)], [made(5), made(1, signer=pki().root)], True),
    "key changed": ([made(5)], [made(1, NOW, signer=authority("Intermediate"))], True),
    "key changed, made before": ([made(5)], [made(9, NOW - 601, signer=authority("Intermediate"))], False),
    "part new, later": ([made(5)], [made(5), made(1, NOW, extensions=USERS)], True),
    "part new, made before": ([made(5)], [made(5), made(1, NOW - 601, extensions=USERS)], False),
    "part gone": ([made(5), made(1, extensions=USERS)], [made(5)], True),
    "part gone, nothing newer": ([made(5), made(1, NOW, extensions=USERS)], [made(5)], False),
    "part gone, the other one newer": ([made(5), made(1, extensions=USERS)], [made(6, NOW)], True),
    "an old whole list in place of parts": (
        [made(5, NOW - 700), made(5, extensions=USERS)],
        [made(3, NOW - 650)],
        False,
    ),
    "a new part between the two held": (
        [made(5, NOW - 700), made(5, extensions=USERS)],
        [made(5, NOW - 700), made(5, extensions=USERS), made(1, NOW - 650, extensions=CAS)],
        False,
    ),
    "part goes back": ([made(5), made(2, extensions=USERS)], [made(5), made(1, extensions=USERS)], False),
    "a forged one can't lift the real one": (
        [made(5)],
        [made(4, NOW), made(9, NOW, signer=authority("Intermediate"))],
        False,
    ),
}


@pytest.mark.parametrize("case", ROLLBACK)
def test_rollback(case: str) -> None:
    before, after, accepted = ROLLBACK[case]
    if accepted:
        snapshot(*after).not_older_than(snapshot(*before))
        assert snapshot(*after).numbers.keys() >= snapshot(*before).numbers.keys()
        return
    with pytest.raises(TokenRefused) as caught:
        snapshot(*after).not_older_than(snapshot(*before))
    assert caught.value.code == "crl.rollback"


def test_nothing_was_held_before() -> None:
    held = snapshot(made(5), made(7, extensions=USERS), made(1, signer=pki().root), made(None, signer=pki().responder))
    held.not_older_than(None)
    assert held.numbers == {
        pki().intermediate.certificate.subject.public_bytes(): 7,
        pki().root.certificate.subject.public_bytes(): 1,
    }


# --- what can't be read -----------------------------------------------------------------------------------


def private_pem() -> bytes:
    made = pki().leaf.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return bytes(made)


GOOD = revocation_list(pki().intermediate)
MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "key.malformed"),
    "text": (b"hello", "key.malformed"),
    "der cut short": (GOOD.public_bytes(Encoding.DER)[:-1], "key.malformed"),
    "der and more": (GOOD.public_bytes(Encoding.DER) + b"\0", "key.malformed"),
    "a certificate": (pki().root.pem, "key.malformed"),
    "a certificate in der": (pki().root.der, "key.malformed"),
    "a certificate beside a list": (pem(GOOD) + pki().root.pem, "key.malformed"),
    "a private key beside a list": (pem(GOOD) + private_pem(), "key.private_in_public_set"),
    "not closed": (pem(GOOD).replace(b"-----END X509 CRL-----", b""), "key.malformed"),
    "closed twice": (pem(GOOD) + b"-----END X509 CRL-----\n", "key.malformed"),
    "closed otherwise": (pem(GOOD).replace(b"END X509 CRL", b"END CERTIFICATE"), "key.malformed"),
    "closed first": (b"-----END X509 CRL-----\n-----BEGIN X509 CRL-----\n", "key.malformed"),
    "no base64": (b"-----BEGIN X509 CRL-----\n!!!!\n-----END X509 CRL-----\n", "key.malformed"),
    "twice the same": (pem(GOOD, GOOD), "key.malformed"),
    "twice the same scope": (pem(GOOD, revocation_list(pki().intermediate, number=2)), "key.malformed"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_can_not_be_read_is_no_snapshot(case: str) -> None:
    data, expected = MALFORMED[case]
    with pytest.raises(KeyRefused) as caught:
        CrlSnapshot.read(data)
    assert caught.value.code == expected
    assert "\n" not in caught.value.message


def test_text_is_no_snapshot() -> None:
    with pytest.raises(TypeError):
        CrlSnapshot.read("text")  # type: ignore[arg-type]


def test_the_size_of_a_snapshot_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pem(GOOD)
    monkeypatch.setattr(crl_snapshot, "MAX_SNAPSHOT_BYTES", len(data))
    assert CrlSnapshot.read(data).numbers
    with pytest.raises(KeyRefused):
        CrlSnapshot.read(data + b"\n")


def test_the_number_of_lists_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl_snapshot, "MAX_LISTS", 2)
    lists = [revocation_list(each) for each in (pki().root, pki().intermediate, pki().leaf)]
    assert len(CrlSnapshot.read(pem(*lists[:2])).numbers) == 2
    with pytest.raises(KeyRefused) as caught:
        CrlSnapshot.read(pem(*lists))
    assert caught.value.message == "a snapshot of more than 2 revocation lists"


def test_the_number_of_entries_is_bounded_over_all_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl_snapshot, "MAX_ENTRIES", 5)
    two, three, four = (revocation_list(pki().root, range(1, count + 1)) for count in (2, 3, 4))
    other = revocation_list(pki().intermediate, [8, 9])
    assert len(CrlSnapshot.read(pem(three, other)).numbers) == 2
    for data in (pem(four, other), revocation_list(pki().root, range(1, 7)).public_bytes(Encoding.DER)):
        with pytest.raises(KeyRefused) as caught:
            CrlSnapshot.read(data)
        assert caught.value.message == "a snapshot of more than 5 revoked certificates"
    assert CrlSnapshot.read(pem(two)).numbers


def test_entries_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    real = crl_snapshot._entries

    def counting(source: x509.CertificateRevocationList) -> tuple[frozenset[int], str | None]:
        counted.append(len(source))
        return real(source)

    monkeypatch.setattr(crl_snapshot, "_entries", counting)
    held = snapshot(revocation_list(pki().intermediate, range(1, 2001)))
    first, second = (authenticate(held, path(), cover="leaf")[0].revoked for _ in range(2))
    assert counted == [2000]
    assert first is second


# --- laws -------------------------------------------------------------------------------------------------


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda tail: b"\x30\x82" + tail)))
def test_any_bytes_are_refused_in_our_words(data: bytes) -> None:
    with pytest.raises(KeyRefused):
        CrlSnapshot.read(data)


def test_a_list_with_one_bit_changed_is_never_believed() -> None:
    der = revocation_list(pki().intermediate, [entry(5, (x509.CRLReason(x509.ReasonFlags.superseded), False))])
    good, refused = der.public_bytes(Encoding.DER), 0
    for at in range(len(good) * 8):
        changed = bytearray(good)
        changed[at // 8] ^= 1 << at % 8
        try:
            held = CrlSnapshot.read(bytes(changed))
        except KeyRefused:
            refused += 1
            continue
        assert refusal(held).code in ("crl.missing", "crl.bad_signature")
    assert 0 < refused < len(good) * 8


def test_a_signature_of_broken_bytes_is_none() -> None:
    """The count of unused bits is not signed, and the library ignores it where those bits are 0."""
    while True:
        found = revocation_list(pki().intermediate)
        if not found.signature[-1] & 1:
            break
    good = found.public_bytes(Encoding.DER)
    at = len(good) - len(found.signature) - 1
    changed = good[:at] + b"\x01" + good[at + 1 :]
    assert x509.load_der_x509_crl(changed).is_signature_valid(pki().intermediate.private.public_key())
    with pytest.raises(KeyRefused) as caught:
        CrlSnapshot.read(changed)
    assert caught.value.message == "a revocation list whose signature is not whole bytes"
    assert len(authenticate(CrlSnapshot.read(good), path(), cover="leaf")) == 1


@given(data=st.data())
def test_a_list_cut_and_joined_is_never_believed(data: st.DataObject) -> None:
    good = GOOD.public_bytes(Encoding.DER)
    begin, end = sorted((data.draw(st.integers(0, len(good))), data.draw(st.integers(0, len(good)))))
    changed = good[:begin] + data.draw(st.binary(max_size=20)) + good[end:]
    try:
        held = CrlSnapshot.read(changed)
    except KeyRefused:
        assert changed != good
        return
    if changed != good:
        assert refusal(held).code in ("crl.missing", "crl.bad_signature")
