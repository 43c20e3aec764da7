"""Group X of the catalogue of attacks, as far as it is about the chain: one test for each row, by its number.

The rows that need an engine (X26, X31, X33) are tested there.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from policyjwt.tokens.certificate_path import LeafBinding
from tests.der import BIT_STRING, SEQUENCE, inside, tlv
from tests.issuer import NOW, Issuer
from tests.pki import DAY, Party, authority, leaf, party, pki, sign, usage
from tests.tokens.chains import (
    BASIC,
    LEAF,
    NAMED,
    SIGNS,
    accepted,
    demand,
    end,
    header,
    invalid,
    ladder,
    middle,
    refusal,
)

P = pki()
GOOD = [P.leaf, P.intermediate]
MISMATCH = "x5c.key_alg_mismatch"


def test_x01_leaf_only() -> None:
    assert invalid([P.leaf]).startswith("no path leads to an anchor")
    assert len(accepted([P.leaf], demand(P.intermediate)).certificates) == 2


def test_x02_wrong_order() -> None:
    assert refusal([P.intermediate, P.leaf])[0] == "x5c.path_invalid"
    assert "is not the issuer" in invalid([P.leaf, P.root, P.intermediate])


def test_x03_extra_certificates() -> None:
    for extra in (authority("Z"), P.leaf, P.intermediate):
        assert "is not the issuer" in invalid([*GOOD, extra])


@pytest.mark.parametrize("count", [7, 11, 100, 10_000])
def test_x04_longer_than_the_limit(count: int) -> None:
    assert refusal({"x5c": [*P.x5c, *[P.root.x5c] * (count - 2)]})[0] == "x5c.too_long"


def test_x04_certificates_of_a_megabyte() -> None:
    assert refusal({"x5c": [base64.b64encode(b"\x30" * 1_000_000).decode()]})[0] == "x5c.too_long"


def test_x05_self_signed_leaf() -> None:
    assert invalid([party("idp", extensions=[LEAF, NAMED])]) == "the signer's certificate has signed itself"


def test_x06_the_attacker_s_own_root() -> None:
    root = authority("Evil root")
    above = authority("Evil intermediate", root)
    assert invalid([leaf("idp", above), above, root]).startswith("no path leads to an anchor")


def test_x07_a_root_of_the_same_name() -> None:
    """Subject, key identifier and serial number copied."""
    copied = x509.SubjectKeyIdentifier.from_public_key(P.root.certificate.public_key())
    own_key = ec.generate_private_key(ec.SECP256R1())
    fake = party(
        "Root",
        private=own_key,
        serial=P.root.certificate.serial_number,
        extensions=[BASIC, SIGNS, (copied, False)],
        identifiers=False,
    )
    above = authority("Intermediate", fake)
    chain = [leaf("idp", above), above]
    assert invalid(chain) == "no path leads to an anchor: the one of that name did not sign"
    assert invalid([*chain, fake]) == "no path leads to an anchor: the one of that name did not sign"


def test_x08_signed_by_another_key_than_the_leaf_s() -> None:
    """The key that the path gives is the leaf's, and no other verifies with it."""
    verify = accepted(GOOD, demand()).key.verifier("ES256")
    by_leaf, by_other = Issuer("ES256"), Issuer("ES256")
    by_leaf.private = P.leaf.private
    assert verify(b"token", by_leaf.sign(b"token"))
    assert not verify(b"token", by_other.sign(b"token"))


def test_x09_another_s_certificate() -> None:
    """The authority's thousand other certificates."""
    printer = leaf("printer", P.intermediate, uris=["https://printer.example"])
    assert refusal([printer, P.intermediate])[0] == "x5c.identity_mismatch"
    by_name = demand(leaf=LeafBinding.make("dn", frozenset({"CN=idp"})))
    assert refusal([printer, P.intermediate], by_name)[0] == "x5c.identity_mismatch"


@pytest.mark.parametrize("which", ["leaf", "intermediate", "root"])
@pytest.mark.parametrize(
    ("begins", "ends", "good"),
    [(0, 0, True), (-1, 1, True), (1, 2, False), (-2, -1, False), (0, 1, True), (-1, 0, True)],
)
def test_x10_validity(which: str, begins: int, ends: int, good: bool) -> None:  # noqa: FBT001
    times: dict[str, Any] = {"begins": NOW + begins, "ends": NOW + ends}
    root = authority("Root", **(times if which == "root" else {}))
    above = authority("Above", root, **(times if which == "intermediate" else {}))
    chain = [leaf("idp", above, **(times if which == "leaf" else {})), above]
    if good:
        assert len(accepted(chain, demand(root)).certificates) == 3
    else:
        assert ("expired 1s ago" if ends < 0 else "not valid for another 1s") in invalid(chain, demand(root))


def test_x11_only_now_counts() -> None:
    """Not when the token was issued: that is its signer's word."""
    over = [leaf("idp", P.intermediate, ends=NOW - DAY), P.intermediate]
    assert len(accepted(over, demand(), now=NOW - 2 * DAY).certificates) == 3
    assert invalid(over) == "certificate 1 of `x5c` expired 1d ago"


def test_x12_an_intermediate_that_is_no_authority() -> None:
    """CVE-2002-0862: a leaf that issues."""
    above = leaf("idp", P.root)
    assert "is no authority" in invalid([leaf("victim", above), above])
    assert "is no authority" in invalid(middle(SIGNS))
    root, chain = ladder("A", "B", top=authority("Top", path_length=1))
    assert "allows 1 authorities below itself" in invalid(chain, demand(root))


def test_x14_a_leaf_that_may_not_sign() -> None:
    assert "lacks digitalSignature" in invalid(end((usage("key_encipherment"), True), NAMED))


def test_x15_an_authority_that_may_not_sign_certificates() -> None:
    assert "may not sign certificates" in invalid(middle(BASIC, (usage("crl_sign"), True)))


@pytest.mark.parametrize("name", ["SERVER_AUTH", "OCSP_SIGNING", "ANY_EXTENDED_KEY_USAGE", None])
def test_x16_extended_key_usage(name: str | None) -> None:
    oids = [] if name is None else [vars(ExtendedKeyUsageOID)[name]]
    chain = end(LEAF, NAMED, *([(x509.ExtendedKeyUsage(oids), False)] if oids else []))
    assert "lacks the extended key usage" in invalid(chain, demand(usage="1.3.6.1.5.5.7.3.36"))
    assert len(accepted(chain, demand()).certificates) == 3


def test_x17_an_authority_as_leaf() -> None:
    assert invalid([P.intermediate, P.root]) == "the signer's certificate is that of an authority"


def test_x18_name_constraints() -> None:
    """A URI is what binds, and URI constraints are not compared: none such is a path."""
    uri = x509.NameConstraints([x509.UniformResourceIdentifier("issuer.example")], None)
    assert "not compared" in invalid(middle(BASIC, SIGNS, (uri, True)))
    limits = x509.NameConstraints([x509.DNSName("a.example")], [x509.DNSName("no.a.example")])
    above = party("Middle", P.root, extensions=[BASIC, SIGNS, (limits, True)])
    for dns, good in (("x.a.example", True), ("b.example", False), ("no.a.example", False), ("*.a.example", False)):
        names = x509.SubjectAlternativeName([*list(NAMED[0]), x509.DNSName(dns)])
        chain = [party("idp", above, extensions=[LEAF, (names, False)]), above]
        if good:
            assert len(accepted(chain, demand()).certificates) == 3
        else:
            assert "outside the name constraints" in invalid(chain)


def test_x19_unknown_critical_extensions() -> None:
    unknown = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)
    root = party("Root 5", extensions=[BASIC, SIGNS, unknown])
    for chain, anchor in (
        (end(LEAF, NAMED, unknown), P.root),
        (middle(BASIC, SIGNS, unknown), P.root),
        ([leaf("idp", root)], root),
    ):
        assert "has a critical extension that is not understood" in invalid(chain, demand(anchor))


def resigned(made: Party, hash_: hashes.HashAlgorithm, *, inner: str, outer: str) -> str:
    """The certificate with these OIDs for its two signature algorithms, signed over with `hash_`."""
    content = inside(made.der)[0]
    parts = [each.whole for each in inside(content.whole)]
    within, without = (
        tlv(SEQUENCE, tlv(0x06, bytes.fromhex(oid)), *([b"\5\0"] if oid.startswith("2a864886f7") else []))
        for oid in (inner, outer)
    )
    parts[2] = within
    data = tlv(SEQUENCE, *parts)
    assert made.above is not None
    signature = tlv(BIT_STRING, b"\0", sign(made.above.private, data, hash_))
    return base64.b64encode(tlv(SEQUENCE, data, without, signature)).decode()


SHA1_RSA, MD5_RSA, SHA256_RSA = "2a864886f70d010105", "2a864886f70d010104", "2a864886f70d01010b"
SHA1_ECDSA, SHA256_ECDSA, SHA384_ECDSA = "2a8648ce3d0401", "2a8648ce3d040302", "2a8648ce3d040303"


@pytest.mark.parametrize(
    ("oid", "hash_", "good"),
    [
        (SHA256_ECDSA, hashes.SHA256(), True),
        (SHA384_ECDSA, hashes.SHA384(), True),
        (SHA1_ECDSA, hashes.SHA1(), False),
    ],
)
def test_x20_weak_signatures_by_ec(oid: str, hash_: hashes.HashAlgorithm, good: bool) -> None:  # noqa: FBT001
    given = header(*GOOD)
    given["x5c"] = [resigned(P.leaf, hash_, inner=oid, outer=oid), P.intermediate.x5c]
    expected = "x5c.identity_mismatch" if good else "x5c.path_invalid"
    assert refusal(given, demand(leaf=LeafBinding.make("san uri", frozenset())))[0] == expected


@pytest.mark.parametrize(
    ("oid", "hash_", "good"),
    [(SHA256_RSA, hashes.SHA256(), True), (SHA1_RSA, hashes.SHA1(), False), (MD5_RSA, hashes.MD5(), False)],
)
def test_x20_weak_signatures_by_rsa(oid: str, hash_: hashes.HashAlgorithm, good: bool) -> None:  # noqa: FBT001
    root = authority("RSA", private=rsa.generate_private_key(65537, 2048))
    given: dict[str, object] = {"x5c": [resigned(leaf("idp", root), hash_, inner=oid, outer=oid)]}
    code, actual = refusal(given, demand(root, leaf=LeafBinding.make("san uri", frozenset())))
    assert code == ("x5c.identity_mismatch" if good else "x5c.path_invalid")
    assert good or "signed with an algorithm that is not taken" in actual


def test_x20_a_weak_key_in_the_chain() -> None:
    weak = authority("Weak", P.root, private=rsa.generate_private_key(65537, 1024))
    assert "has an RSA key of 1024 bits" in invalid([leaf("idp", weak), weak])


@pytest.mark.parametrize(("inner", "outer"), [(SHA256_ECDSA, SHA384_ECDSA), (SHA384_ECDSA, SHA256_ECDSA)])
def test_x21_two_signature_algorithms(inner: str, outer: str) -> None:
    """RFC 5280, section 4.1.1.2: what is signed and what is said beside it must agree."""
    hash_ = hashes.SHA384() if outer == SHA384_ECDSA else hashes.SHA256()
    given: dict[str, object] = {"x5c": [resigned(P.leaf, hash_, inner=inner, outer=outer), P.intermediate.x5c]}
    assert refusal(given) == ("x5c.path_invalid", "certificate 2 of `x5c` did not sign the one before it")


@pytest.mark.parametrize("change", ["url", "pem", "line", "padding", "space"])
def test_x22_other_encodings(change: str) -> None:
    text = P.leaf.x5c
    changed = {
        "url": base64.urlsafe_b64encode(b"\xfb\xff\xfe" * 100).decode(),
        "pem": P.leaf.pem.decode(),
        "line": text[:64] + "\n" + text[64:],
        "padding": base64.b64encode(b"\x30" * 100).decode().rstrip("="),
        "space": text + " ",
    }[change]
    code, actual = refusal({"x5c": [changed, P.intermediate.x5c]})
    assert (code, actual) == ("x5c.malformed", "certificate 1 of `x5c` is not in standard base64")


@pytest.mark.parametrize(
    ("private", "alg"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "ES256"),
        (rsa.generate_private_key(65537, 2048), "ES256"),
        (ed25519.Ed25519PrivateKey.generate(), "ES256"),
        (ec.generate_private_key(ec.SECP256R1()), "RS256"),
        (ec.generate_private_key(ec.SECP256K1()), "ES256"),
    ],
    ids=["P-384", "RSA", "Ed25519", "P-256 and RS256", "secp256k1"],
)
def test_x27_a_key_of_another_algorithm(private: Any, alg: str) -> None:
    assert refusal([leaf("idp", P.intermediate, private=private), P.intermediate], alg=alg)[0] == MISMATCH


def only_pss(made: Party) -> str:
    """The certificate with its RSA key marked as one for PSS alone (RFC 4055), signed again."""
    content, algorithm, _ = inside(made.der)
    parts = [each.whole for each in inside(content.whole)]
    public = inside(parts[6])
    parts[6] = tlv(SEQUENCE, tlv(SEQUENCE, tlv(0x06, bytes.fromhex("2a864886f70d01010a"))), public[1].whole)
    data = tlv(SEQUENCE, *parts)
    assert made.above is not None
    signature = tlv(BIT_STRING, b"\0", sign(made.above.private, data))
    return base64.b64encode(tlv(SEQUENCE, data, algorithm.whole, signature)).decode()


def test_x27_a_key_that_is_for_pss_alone() -> None:
    one = leaf("idp", P.intermediate, private=rsa.generate_private_key(65537, 2048))
    given: dict[str, object] = {"x5c": [only_pss(one), P.intermediate.x5c]}
    assert refusal(given, alg="RS256")[0] == MISMATCH
    code, _ = refusal(given, demand(leaf=LeafBinding.make("dn", frozenset())), alg="PS256")
    assert code == "x5c.identity_mismatch"


@pytest.mark.parametrize("bits", [1024, 2047])
def test_x28_a_weak_leaf(bits: int) -> None:
    chain = [leaf("idp", P.intermediate, private=rsa.generate_private_key(65537, bits)), P.intermediate]
    assert refusal(chain, alg="RS256")[0] == "x5c.key_weak"


def test_x34_what_is_good() -> None:
    assert len(accepted([*GOOD, P.root], demand()).certificates) == 3
    assert len(accepted([leaf("idp", P.root)], demand()).certificates) == 2
    assert len(accepted([leaf("idp", P.root), P.root], demand()).certificates) == 2
    root, chain = ladder("Same", "Same")
    assert len(accepted([*chain, root], demand(root)).certificates) == 4
    old = authority("Old name")
    fresh = authority("Old name", old)
    assert len(accepted([leaf("idp", fresh), fresh], demand(old)).certificates) == 3
