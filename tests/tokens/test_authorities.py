"""Authorities that are known from another leaf: what is not verified again, and all that is judged for each leaf.

`tests.tokens.chains` judges every path of its tests with and without them; here is what that can't show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.verification import Store

from policyjwt.errors import TokenRefused
from policyjwt.tokens import certificate_path, x5c
from policyjwt.tokens.authorities import Authorities, authorities_of
from policyjwt.tokens.certificate_path import PathDemand, find_path
from tests.issuer import NOW
from tests.pki import ISSUER_URI, Party, authority, leaf, party, pki, usage
from tests.tokens.chains import ANY, BASIC, LEAF, NAMED, SIGNS, accepted, demand, header, known, ladder

P = pki()
OURS, OTHER = "1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.1"


def of(*parties: Party, wanted: PathDemand | None = None) -> Authorities:
    """The authorities of a leaf beside the first of these."""
    found = known(parties, wanted or demand())
    assert found is not None
    return found


def judged(
    parties: list[Party], above: Authorities | None, wanted: PathDemand | None = None, now: float = NOW
) -> str | None:
    """What is said of the path; None where it is valid."""
    try:
        find_path(header(*parties), wanted or demand(), alg="ES256", now=now, known=above)
    except TokenRefused as refused:
        return f"{refused.code} {refused.actual}"
    return None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """The stores below which the library looked for a path."""
    stores: list[Store] = []
    verifier = certificate_path._verifier

    def asking(store: Store, *, now: float) -> Any:
        stores.append(store)
        return verifier(store, now=now)

    monkeypatch.setattr(certificate_path, "_verifier", asking)
    return stores


# --- what is not verified again ---------------------------------------------------------------------------


@pytest.mark.parametrize("above", [[P.intermediate], [P.intermediate, P.root]], ids=["", "with the root"])
def test_of_a_new_leaf_only_its_own_signature_is_verified(
    above: list[Party], asked: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the intermediate is not read again."""
    authorities, new = of(P.leaf, *above), leaf("new", P.intermediate)
    read, certificate = list[bytes](), x5c._certificate

    def reading(der: bytes, where: str) -> x509.Certificate:
        read.append(der)
        return certificate(der, where)

    monkeypatch.setattr(x5c, "_certificate", reading)
    asked.clear()
    path = find_path(header(new, *above), demand(), alg="ES256", now=NOW, known=authorities)
    assert asked == [authorities.store]
    assert path.certificates == (new.certificate, P.intermediate.certificate, P.root.certificate)
    assert read == [new.der, *(each.der for each in above[1:])]


def test_a_longer_path(asked: list[Store]) -> None:
    top, chain = ladder("A", "B", "C")
    authorities = of(*chain, wanted=demand(top))
    asked.clear()
    path = find_path(header(*chain), demand(top), alg="ES256", now=NOW, known=authorities)
    assert asked == [authorities.store]
    assert len(path.certificates) == 5


def test_straight_below_an_anchor_there_is_nothing_to_know() -> None:
    assert authorities_of(accepted([leaf("idp", P.root)], demand()).certificates) is None
    assert authorities_of(accepted([leaf("idp", P.root), P.root], demand()).certificates) is None


# --- what they must be ------------------------------------------------------------------------------------

OTHER_ABOVE: dict[str, Callable[[], list[Party]]] = {
    "none": lambda: [],
    "another of the same name": lambda: [authority("Intermediate", P.root, path_length=0)],
    "another certificate of the same key": lambda: [authority("Intermediate", P.root, private=P.intermediate.private)],
    "more": lambda: [P.intermediate, P.root, authority("Beyond")],
    "another root": lambda: [P.intermediate, authority("Root")],
}


@pytest.mark.parametrize("make", OTHER_ABOVE.values(), ids=OTHER_ABOVE)
def test_others_above_the_leaf_are_judged_whole(make: Callable[[], list[Party]], asked: list[Store]) -> None:
    authorities, parties = of(P.leaf, P.intermediate), [P.leaf, *make()]
    asked.clear()
    assert judged(parties, authorities) == judged(parties, None)
    assert authorities.store not in asked


def test_the_same_intermediate_under_other_anchors_is_not_accepted(asked: list[Store]) -> None:
    authorities = of(P.leaf, P.intermediate)
    asked.clear()
    for stranger in (authority("Stranger"), authority("Root")):
        refused = judged([P.leaf, P.intermediate], authorities, demand(stranger))
        assert refused is not None
        assert refused.startswith("x5c.path_invalid no path leads to an anchor")
    assert authorities.store not in asked


def test_a_leaf_that_the_known_issuer_has_not_signed(asked: list[Store]) -> None:
    twin = authority("Intermediate", P.root, path_length=0)
    authorities, forged = of(P.leaf, P.intermediate), leaf("idp", twin)
    asked.clear()
    assert judged([forged, P.intermediate], authorities) == (
        "x5c.path_invalid certificate 2 of `x5c` did not sign the one before it"
    )
    assert asked[0] is authorities.store


def test_only_the_path_from_the_leaf_to_the_known_issuer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As no version of the library answers: what is not that path is judged whole, and refused by that."""
    authorities, stranger = of(P.leaf, P.intermediate), leaf("idp", authority("Intermediate", P.root))
    verifier = certificate_path._verifier

    class Lenient:
        chain = (stranger.certificate,)

        def verify(self, leaf: x509.Certificate, others: list[x509.Certificate]) -> Lenient:
            return self

    def asking(store: Store, *, now: float) -> Any:
        return Lenient() if store is authorities.store else verifier(store, now=now)

    monkeypatch.setattr(certificate_path, "_verifier", asking)
    for chain in ([stranger.certificate], [stranger.certificate, P.root.certificate], []):
        monkeypatch.setattr(Lenient, "chain", chain)
        assert judged([stranger, P.intermediate], authorities) == (
            "x5c.path_invalid certificate 2 of `x5c` did not sign the one before it"
        )


# --- times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["the intermediate", "the root"])
@pytest.mark.parametrize("offset", [-101, -100.5, -100, 0, 100, 100.5, 101])
def test_the_time_of_each_is_judged_at_each_use(which: str, offset: float, asked: list[Store]) -> None:
    """To the second and to its parts, as without."""
    short: dict[str, Any] = {"begins": NOW - 100, "ends": NOW + 100}
    root = authority("Root", **(short if which == "the root" else {}))
    middle = authority("Middle", root, **(short if which == "the intermediate" else {}))
    chain, wanted = [leaf("idp", middle), middle], demand(root)
    authorities = of(*chain, wanted=wanted)
    asked.clear()
    found = judged(chain, authorities, wanted, NOW + offset)
    assert (authorities.store in asked) is (found is None) is (-100 <= offset <= 100)
    assert found == judged(chain, None, wanted, NOW + offset)


# --- what depends on the leaf -----------------------------------------------------------------------------


def limits(host: str) -> tuple[x509.ExtensionType, bool]:
    return x509.NameConstraints([x509.DNSName(host)], None), True


@pytest.mark.parametrize("where", ["root", "upper", "issuer"])
def test_where_an_authority_constrains_names_none_is_known(where: str) -> None:
    """So a name outside is refused in each path, also where a leaf without that name was accepted before."""

    def made(name: str, above: Party | None = None) -> Party:
        return party(name, above, extensions=[BASIC, SIGNS, *([limits("a.example")] if name == where else [])])

    root = made("root")
    upper = made("upper", root)
    issuer = made("issuer", upper)
    wanted = demand(root)
    path = accepted([leaf("idp", issuer), issuer, upper], wanted)
    assert authorities_of(path.certificates) is None
    outside = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ISSUER_URI), x509.DNSName("b.example")])
    second = [party("second", issuer, extensions=[LEAF, (outside, False)]), issuer, upper]
    assert judged(second, authorities_of(path.certificates), wanted) == (
        "x5c.path_invalid a name is outside the name constraints of an authority"
    )


def test_the_length_of_a_path_is_judged_for_each_leaf() -> None:
    """The intermediate allows no authority below itself: not one more in `x5c`, and none in the place of a leaf."""
    authorities = of(P.leaf, P.intermediate)
    below = authority("Below", P.intermediate)
    too_long = "x5c.path_invalid an authority allows 0 authorities below itself, and 1 are there"
    assert judged([leaf("second", below), below, P.intermediate], authorities) == too_long
    assert judged([below, P.intermediate], authorities) == (
        "x5c.path_invalid the signer's certificate is that of an authority"
    )
    assert judged([P.intermediate, P.intermediate], authorities) is not None


def test_the_depth_of_another_demand() -> None:
    authorities = of(P.leaf, P.intermediate)
    refused = judged([P.leaf, P.intermediate], authorities, demand(depth=0))
    assert refused == "x5c.path_invalid 1 certificates stand between the signer's and the anchor; at most 0 may"


def purpose(oid: str) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid)]), False


def test_the_extended_key_usage_is_judged_for_each_leaf() -> None:
    middle = party("Middle", P.root, extensions=[BASIC, SIGNS, purpose(OURS)])
    authorities = of(leaf("idp", middle), middle)
    good, bad = (party("idp", middle, extensions=[LEAF, NAMED, purpose(oid)]) for oid in (OURS, OTHER))
    lacks = "x5c.path_invalid the signer's certificate lacks the extended key usage that the policy names"
    assert judged([good, middle], authorities, demand(usage=OURS)) is None
    assert judged([bad, middle], authorities, demand(usage=OURS)) == lacks
    assert judged([leaf("third", middle), middle], authorities, demand(usage=OURS)) == lacks
    assert judged([bad, middle], authorities, demand(usage=OTHER)) == (
        "x5c.path_invalid an authority may not issue for the usage that the policy names"
    )


REFUSED_LEAVES: dict[str, tuple[Callable[[], Party], str]] = {
    "key usage": (
        lambda: leaf("x", P.intermediate, extensions=[(usage("key_agreement"), True), NAMED]),
        "x5c.path_invalid the key usage of the signer's certificate lacks digitalSignature",
    ),
    "another's name": (
        lambda: leaf("x", P.intermediate, uris=["https://other.example"]),
        "x5c.identity_mismatch",
    ),
    "expired": (lambda: leaf("x", P.intermediate, ends=NOW - 1), "x5c.path_invalid certificate 1 of `x5c` expired 1s"),
    "critical and unknown": (
        lambda: leaf(
            "x",
            P.intermediate,
            extensions=[LEAF, NAMED, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)],
        ),
        "x5c.path_invalid certificate 1 of `x5c` has a critical extension that is not understood",
    ),
    "the anchor": (lambda: P.root, "x5c.leaf_is_anchor"),
}


@pytest.mark.parametrize(("make", "told"), REFUSED_LEAVES.values(), ids=REFUSED_LEAVES)
def test_each_leaf_is_judged(make: Callable[[], Party], told: str) -> None:
    refused = judged([make(), P.intermediate], of(P.leaf, P.intermediate))
    assert refused is not None
    assert refused.startswith(told)


def test_the_limits_count_what_is_known_too() -> None:
    """Names of the new leaf and of its authority together."""
    many = [x509.DNSName(f"{number}.example") for number in range(200)]
    names = x509.SubjectAlternativeName(many), False
    middle = party("Middle", P.root, extensions=[BASIC, SIGNS, names])
    wanted = demand(leaf=ANY)
    authorities = of(leaf("idp", middle), middle, wanted=wanted)
    refused = judged([party("new", middle, extensions=[LEAF, names]), middle], authorities, wanted)
    assert refused == "x5c.too_long the certificates of `x5c` hold 400 names and name constraints"
