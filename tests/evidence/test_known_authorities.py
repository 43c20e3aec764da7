"""What is remembered of authorities and their responders, through the whole engine: by whom, how much, until when."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.name import _ASN1Type

from policyjwt import Engine
from policyjwt.errors import TokenRefused
from policyjwt.evidence import ocsp_names, ocsp_responder
from policyjwt.evidence.ocsp import authenticate
from policyjwt.evidence.ocsp_model import Delegation
from policyjwt.signers import Signers
from tests.evidence.flow import CALLER, NONE, engine, good, in_header, outcome, signed, stapled
from tests.evidence.staples import DEMAND, rebuilt
from tests.issuer import NOW, claims
from tests.pki import DAY, Party, authority, leaf, name, party, pki, responder, staple
from tests.tokens.chains import BASIC, SIGNS

P = pki()


def memories(judge: Engine) -> Signers:
    """What an engine with one policy remembers."""
    (entry,) = judge._loaded.selection._by_policy.values()
    assert entry.candidate.signers is not None
    return entry.candidate.signers


def sizes(judge: Engine) -> tuple[int, int]:
    """How many authorities, and how many delegations."""
    found = memories(judge)
    return len(found._authorities._kept), len(found._delegations._kept)


def token_of(signer: Party, answer: bytes | None = None, **given: Any) -> str:
    """A token of this signer, with its certificates up to an intermediate below the root, and its staple."""
    assert signer.above is not None
    header: dict[str, Any] = {"x5c": [signer.x5c, signer.above.x5c]}
    if answer is not None:
        header["x5ocsp"] = [in_header(answer)]
    return signed(signer, given=claims(exp=NOW + 1800, **given), **header)


@pytest.fixture
def delegates(monkeypatch: pytest.MonkeyPatch) -> list[x509.Certificate]:
    """The certificates of responders that were judged."""
    judged: list[x509.Certificate] = []
    check = ocsp_responder._check_delegate

    def checking(delegate: x509.Certificate, issuer: x509.Certificate, **named: Any) -> None:
        judged.append(delegate)
        check(delegate, issuer, **named)

    monkeypatch.setattr(ocsp_responder, "_check_delegate", checking)
    return judged


# --- what is remembered, and of whom ----------------------------------------------------------------------


def test_a_new_signer_of_a_known_authority(tmp_path: Path, delegates: list[x509.Certificate]) -> None:
    judge = engine(tmp_path)
    for number in range(3):
        signer = leaf("idp", P.intermediate)
        assert outcome(judge, token_of(signer, staple(signer, signer=P.responder), jti=str(number))) == set()
        assert sizes(judge) == (1, 1)
    assert delegates == [P.responder.certificate]


def test_what_nobody_signed_leaves_nothing(tmp_path: Path) -> None:
    judge = engine(tmp_path)
    head, body, signature = stapled(good()).split(".")
    assert outcome(judge, f"{head}.{body}.{signature[:-8]}AAAAAAAA") == {"signature.invalid"}
    assert sizes(judge) == (0, 0)


REFUSED: dict[str, tuple[bytes, str]] = {
    "a signature that does not fit": (rebuilt(good(), signature=b"\0"), "staple.bad_signature"),
    "revoked": (good(status=ocsp.OCSPCertStatus.REVOKED), "staple.revoked"),
    "stale": (good(this_update=NOW - 3601), "staple.stale"),
    "about another": (staple(leaf("other", P.intermediate), signer=P.responder), "staple.wrong_certificate"),
}


@pytest.mark.parametrize(("answer", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refused_staple_makes_no_responder_known(tmp_path: Path, answer: bytes, code: str) -> None:
    """The path of the token is good, and its signature: so the authority is known."""
    judge = engine(tmp_path)
    assert outcome(judge, stapled(answer)) == {code}
    assert sizes(judge) == (1, 0)


def test_the_issuer_s_own_answer_delegates_nothing(tmp_path: Path) -> None:
    judge = engine(tmp_path)
    assert outcome(judge, stapled(staple(P.leaf))) == set()
    assert sizes(judge) == (1, 0)


def test_both_memories_are_bounded_and_the_first_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("policyjwt.signers"), "MAX_REMEMBERED_AUTHORITIES", 3)
    judge = engine(tmp_path)
    middles = [authority(f"Middle {number}", P.root) for number in range(5)]
    for middle in middles:
        signer = leaf("idp", middle)
        assert outcome(judge, token_of(signer, staple(signer, signer=responder(middle)), jti=middle.x5c[:40])) == set()
    found = memories(judge)
    newest = [middle.certificate for middle in middles[2:]]
    assert [each.chain[0] for each in found._authorities._kept.values()] == newest
    kept: Any = list(found._delegations._kept)
    assert [each.issuer for each in kept] == newest


def test_a_reload_forgets_authorities(tmp_path: Path) -> None:
    judge = engine(tmp_path)
    assert outcome(judge, stapled(good())) == set()
    (tmp_path / "ca.pem").write_bytes(authority("Root").pem)
    judge.reload()
    assert sizes(judge) == (0, 0)
    other = leaf("idp", P.intermediate)
    assert outcome(judge, token_of(other, staple(other, signer=P.responder))) == {"x5c.path_invalid"}
    assert sizes(judge) == (0, 0)


def test_an_authority_that_constrains_names_is_judged_for_each_leaf(tmp_path: Path) -> None:
    limits = x509.NameConstraints([x509.DNSName("a.example")], None)
    middle = party("Middle", P.root, extensions=[BASIC, SIGNS, (limits, True)])
    judge = engine(tmp_path, revocation=NONE)
    assert outcome(judge, token_of(leaf("idp", middle))) == set()
    assert sizes(judge) == (0, 0)
    names = x509.SubjectAlternativeName(
        [x509.UniformResourceIdentifier("https://issuer.example"), x509.DNSName("b.example")]
    )
    outside = leaf("idp", middle, extensions=[*leaf_extensions(), (names, False)])
    assert outcome(judge, token_of(outside)) == {"x5c.path_invalid"}


def leaf_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    """Those of a leaf, but for its names."""
    return [
        (each.value, each.critical)
        for each in P.leaf.certificate.extensions
        if isinstance(each.value, x509.BasicConstraints | x509.KeyUsage)
    ]


# --- what a clock decides ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("instant", "told"), [(NOW + 60.0, set()), (NOW + 60.5, {"x5c.path_invalid"})])
def test_an_authority_that_has_ended_is_refused_though_it_is_known(
    tmp_path: Path, instant: float, told: set[str]
) -> None:
    now = float(NOW)
    judge = engine(tmp_path, revocation=NONE, clock=lambda: now)
    middle = authority("Short", P.root, ends=NOW + 60)
    assert outcome(judge, token_of(leaf("idp", middle), jti="1")) == set()
    assert sizes(judge) == (1, 0)
    now = instant
    assert outcome(judge, token_of(leaf("idp", middle), jti="2")) == told


@pytest.mark.parametrize(("instant", "told"), [(NOW + 60.0, set()), (NOW + 61.0, {"staple.responder_expired"})])
def test_a_responder_that_has_ended_is_refused_though_it_is_known(
    tmp_path: Path, instant: float, told: set[str]
) -> None:
    now = float(NOW)
    judge = engine(tmp_path, clock=lambda: now)
    delegate = responder(P.intermediate, ends=NOW + 60)
    for number, code in enumerate((set[str](), told)):
        signer = leaf("idp", P.intermediate)
        assert outcome(judge, token_of(signer, staple(signer, signer=delegate), jti=str(number))) == code
        assert sizes(judge) == (1, 1)
        now = instant


# --- a delegation is of one issuer, to one certificate ----------------------------------------------------


def test_the_delegate_of_another_issuer_is_not_accepted_from_memory(
    tmp_path: Path, delegates: list[x509.Certificate]
) -> None:
    """Not of a sister, and not of an authority with the issuer's own name."""
    judge = engine(tmp_path)
    assert outcome(judge, stapled(good())) == set()
    for other in (authority("Sister", P.root), authority("Intermediate", P.root)):
        signer = leaf("idp", other)
        presented = token_of(signer, staple(signer, signer=P.responder), jti=other.x5c[-40:])
        assert outcome(judge, presented) == {"staple.responder_not_delegated"}
    assert len(delegates) == 3
    assert sizes(judge) == (3, 1)


def test_a_renewed_issuer_is_another_one(tmp_path: Path, delegates: list[x509.Certificate]) -> None:
    """The same name and key: it has delegated, too, but that is found anew."""
    judge = engine(tmp_path)
    assert outcome(judge, stapled(good())) == set()
    renewed = authority("Intermediate", P.root, private=P.intermediate.private)
    signer = leaf("idp", renewed)
    assert outcome(judge, token_of(signer, staple(signer, signer=P.responder), jti="2")) == set()
    assert delegates == [P.responder.certificate] * 2
    assert sizes(judge) == (2, 2)


def lookalikes() -> dict[str, tuple[Party, str]]:
    """Certificates of the known responder's name and key that the issuer did not make so."""
    key = P.responder.private
    return {
        "by itself": (responder(authority("Intermediate"), private=key), "staple.responder_not_delegated"),
        "for something else": (leaf("responder", P.intermediate, private=key), "staple.responder_not_delegated"),
        "without nocheck": (
            responder(P.intermediate, nocheck=False, private=key),
            "staple.responder_revocation_unknown",
        ),
    }


@pytest.mark.parametrize(("other", "code"), lookalikes().values(), ids=lookalikes())
def test_another_certificate_of_a_known_responder_s_key(tmp_path: Path, other: Party, code: str) -> None:
    judge = engine(tmp_path, revocation=CALLER)
    assert outcome(judge, signed(), staples=[good()]) == set()
    assert outcome(judge, signed(), staples=[good(certificates=[other])]) == {code}
    assert outcome(judge, signed(), staples=[good()]) == set()


def test_a_known_delegation_spares_nothing_else() -> None:
    """Neither the signature of the response, nor who may speak about whom: S8, S15."""
    known = {Delegation(P.responder.certificate, P.intermediate.certificate, nocheck=True)}
    path = tuple(each.certificate for each in (P.leaf, P.intermediate, P.root))
    (answer,) = authenticate([good()], path, DEMAND, cover="leaf", known=known)
    assert answer.authorised == "delegated"
    assert answer.delegation is None
    assert answer.responder_not_after == NOW + 30 * DAY
    with pytest.raises(TokenRefused) as caught:
        authenticate([rebuilt(good(), signature=b"\0")], path, DEMAND, cover="leaf", known=known)
    assert caught.value.code == "staple.bad_signature"
    itself = (P.responder.certificate, P.intermediate.certificate, P.root.certificate)
    with pytest.raises(TokenRefused) as caught:
        authenticate([staple(P.responder, signer=P.responder)], itself, DEMAND, cover="leaf", known=known)
    assert caught.value.code == "staple.responder_not_delegated"


@pytest.mark.parametrize("nocheck", [True, False])
def test_a_delegation_counts_for_the_same_question(nocheck: bool) -> None:  # noqa: FBT001
    """Found where nocheck was not asked for, it is no answer where it is."""
    lenient = replace(DEMAND, nocheck_needed=nocheck)
    path = tuple(each.certificate for each in (P.leaf, P.intermediate, P.root))
    (answer,) = authenticate([good()], path, lenient, cover="leaf")
    assert answer.delegation == (P.responder.certificate, P.intermediate.certificate, nocheck)
    without = responder(P.intermediate, nocheck=False)
    known = {Delegation(without.certificate, P.intermediate.certificate, nocheck)}
    if nocheck:
        assert len(authenticate([good(signer=without)], path, DEMAND, cover="leaf", known=known)) == 1
    else:
        with pytest.raises(TokenRefused) as caught:
            authenticate([good(signer=without)], path, DEMAND, cover="leaf", known=known)
        assert caught.value.code == "staple.responder_revocation_unknown"


def test_certificates_are_compared_whole() -> None:
    """Also in the count of unused bits before the signature, which nothing signs."""
    while (made := responder(P.intermediate)).certificate.signature[-1] & 1:
        pass
    signature = made.certificate.signature
    head = made.der[: -len(signature) - 1]
    respelt = x509.load_der_x509_certificate(head + b"\1" + signature)
    assert respelt.public_bytes(Encoding.DER) != made.der
    known = {Delegation(made.certificate, P.intermediate.certificate, nocheck=True)}
    assert Delegation(respelt, P.intermediate.certificate, nocheck=True) not in known
    assert Delegation(x509.load_der_x509_certificate(made.der), P.intermediate.certificate, nocheck=True) in known
    assert repr(known) == "{<Delegation>}"


# --- how OCSP names an issuer -----------------------------------------------------------------------------

STRANGE_NAMES: dict[str, x509.Name] = {
    "plain": name("Issuer"),
    "several": name("Issuer", ORGANIZATION_NAME="Bücher & Söhne", COUNTRY_NAME="DE", SERIAL_NUMBER="7"),
    "two in one": x509.Name(
        [
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "b"),
                    x509.NameAttribute(x509.NameOID.COMMON_NAME, "a"),
                ]
            )
        ]
    ),
    **{
        kind.name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Issuer", kind)])
        for kind in _ASN1Type
        if kind.name.endswith("String") and kind.name not in ("BitString", "OctetString")
    },
}


@pytest.mark.parametrize("subject", STRANGE_NAMES.values(), ids=STRANGE_NAMES)
@pytest.mark.parametrize("algorithm", list(ocsp_names.HASHES))
def test_an_issuer_is_named_as_the_library_names_it(subject: x509.Name, algorithm: str) -> None:
    issuer = party(subject, P.root, extensions=[BASIC, SIGNS])
    below = leaf("idp", issuer).certificate
    request = ocsp.OCSPRequestBuilder().add_certificate(below, issuer.certificate, ocsp_names.HASHES[algorithm]).build()
    expected = (request.issuer_name_hash, request.issuer_key_hash)
    assert ocsp_names.identity(issuer.certificate, algorithm) == expected
