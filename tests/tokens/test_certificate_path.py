"""Certificate paths: every condition of RFC 5280 and of ours that fails one, with its exact phrase."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from policyjwt.tokens import certificate_path, path_faults
from policyjwt.tokens.certificate_path import CertificatePath, holds_at
from tests.issuer import NOW
from tests.pki import DAY, ISSUER_URI, Party, authority, leaf, name, party, pki, usage
from tests.tokens.chains import (
    ANY,
    BASIC,
    LEAF,
    NAMED,
    SIGNS,
    accepted,
    below,
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

# --- what is found ----------------------------------------------------------------------------------------


def test_the_path() -> None:
    path = accepted(GOOD, demand())
    assert path.certificates == (P.leaf.certificate, P.intermediate.certificate, P.root.certificate)
    assert path.key.reference == "x5c"
    assert path.key.algorithms == {"ES256"}
    assert path.facts["serial"] == f"{P.leaf.certificate.serial_number:x}"
    assert (path.not_before, path.not_after) == (NOW - 30 * DAY, NOW + 30 * DAY)
    assert "idp" not in repr(path)


def test_the_time_of_a_path_is_that_of_all_its_certificates() -> None:
    root = authority("Root 2", begins=NOW - 5, ends=NOW + 60)
    middle = authority("Middle 2", root, begins=NOW - 7, ends=NOW + 50)
    path = accepted([leaf("idp", middle, begins=NOW - 6, ends=NOW + 70), middle], demand(root))
    assert (path.not_before, path.not_after) == (NOW - 5, NOW + 50)
    assert [holds_at(path, NOW + at) for at in (-5.1, -5, 0, 50, 50.1)] == [False, True, True, True, False]


# --- P1: order, and a path to an anchor -------------------------------------------------------------------

STRANGER = authority("Stranger")
ORDER = "is not the issuer of the one before it"


def test_the_order_is_that_of_rfc_7515() -> None:
    assert invalid([P.leaf, P.root, P.intermediate]) == f"certificate 2 of `x5c` {ORDER}"
    assert invalid([P.leaf, P.intermediate, STRANGER]) == f"certificate 3 of `x5c` {ORDER}"
    assert invalid([P.leaf, P.intermediate, P.leaf]) == f"certificate 3 of `x5c` {ORDER}"
    assert invalid([P.leaf, P.intermediate, P.intermediate]) == f"certificate 3 of `x5c` {ORDER}"


def test_no_certificate_stands_there_twice() -> None:
    assert invalid([P.leaf, P.intermediate, P.root, P.root]) == "`x5c` holds the same certificate twice"


NO_NAME = "no path leads to an anchor: none has the name of an issuer in `x5c`"
NO_SIGNATURE = "no path leads to an anchor: the one of that name did not sign"


def test_no_path_to_an_anchor() -> None:
    assert invalid([P.leaf]) == NO_NAME
    assert invalid(GOOD, demand(STRANGER)) == NO_NAME
    assert invalid([P.leaf, P.intermediate, P.root], demand(STRANGER)) == NO_NAME
    assert invalid(GOOD, demand(authority("Root"))) == NO_SIGNATURE
    assert invalid([P.leaf, P.intermediate, P.root], demand(authority("Root"))) == NO_SIGNATURE


def test_a_signature_that_is_another_s() -> None:
    twin = authority("Intermediate", P.root)
    assert invalid([P.leaf, twin]) == "certificate 2 of `x5c` did not sign the one before it"


def test_an_intermediate_is_an_anchor_if_the_policy_says_so() -> None:
    assert len(accepted([P.leaf], demand(P.intermediate)).certificates) == 2
    assert len(accepted(GOOD, demand(P.intermediate)).certificates) == 2
    path = accepted([P.leaf, P.intermediate, P.root], demand(P.intermediate))
    assert path.certificates == (P.leaf.certificate, P.intermediate.certificate)


def test_of_several_anchors_the_one_that_signed_is_found() -> None:
    old = authority("Root")
    assert accepted(GOOD, demand(old, STRANGER, P.root)).certificates[-1] == P.root.certificate


def test_what_stands_beyond_the_anchor_has_signed_too() -> None:
    """One that only bears the anchor's name is no issuer of anything, whatever its key is for."""
    fake = authority("Root")
    assert invalid([*GOOD, fake], demand()) == "`x5c` holds a certificate that has not signed the one before it"


def test_a_cross_signed_root_beside_its_anchor() -> None:
    """The anchor has the same name and key: what stands above it is not needed."""
    other = authority("Other")
    crossed = authority("Root", other, private=P.root.private, ends=NOW - 1)
    path = accepted([P.leaf, P.intermediate, crossed], demand())
    assert path.certificates[-1] == P.root.certificate
    assert path.not_after > NOW


def test_a_self_signed_leaf() -> None:
    alone = authority("Alone")
    itself = party("Alone", alone, private=alone.private, extensions=[LEAF, NAMED])
    assert invalid([itself], demand(alone)) == "the signer's certificate has signed itself"
    unknown = party("idp", extensions=[LEAF, NAMED])
    assert invalid([unknown]) == "the signer's certificate has signed itself"


def test_a_self_issued_leaf_of_another_key_is_no_self_signed_one() -> None:
    path = accepted([party("Root", P.root, extensions=[LEAF, NAMED])], demand())
    assert len(path.certificates) == 2


# --- P1: roll-overs, and circles --------------------------------------------------------------------------


def rolled(*, count: int) -> tuple[Party, list[Party]]:
    """An authority that made new keys under its old name, each signed with the one before."""
    return ladder(*["Same"] * count)


@pytest.mark.parametrize(("count", "good"), [(1, True), (2, True), (3, False)])
def test_names_may_repeat_a_little(count: int, good: bool) -> None:  # noqa: FBT001
    root, chain = rolled(count=count)
    if good:
        assert len(accepted(chain, demand(root)).certificates) == count + 2
        assert len(accepted([*chain, root], demand(root)).certificates) == count + 2
    else:
        assert invalid(chain, demand(root)) == "too many certificates of `x5c` have one name"


def test_two_authorities_that_rolled_over_are_more_than_is_tried() -> None:
    root, chain = ladder("A", "A", "B", "B")
    assert invalid(chain, demand(root)) == "too many certificates of `x5c` have one name"


CIRCLE = "the certificates of `x5c` form more than one path, or a circle"


def test_circles() -> None:
    """x509-limbo, pathological::intermediate-cycle-…: each certificate fits more than one place."""
    one = authority("One")
    two = authority("Two", one)
    back = authority("One", two, private=one.private)
    again = authority("Two", back, private=two.private)
    assert invalid([leaf("idp", two), two, back], demand(one)) == CIRCLE
    assert invalid([leaf("idp", two), two, back, again], demand(one)).startswith("too many certificates")
    itself = authority("Itself")
    twice = authority("Itself", P.root, private=itself.private)
    assert invalid([leaf("idp", itself), itself, twice]) == CIRCLE


def bomb(size: int, *, one_key: bool) -> tuple[Party, list[Party]]:
    """Certificates of one name, each signed by the next: with one key each verifies each."""
    private = ec.generate_private_key(ec.SECP256R1()) if one_key else None
    top = authority("Top")
    above = top
    made: list[Party] = []
    for _ in range(size):
        above = authority("Same", above, private=private)
        made.insert(0, above)
    return top, [leaf("idp", above), *made]


class Count:
    """A function that counts its calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *args: Any, **more: Any) -> Any:
        self.calls += 1
        return self.function(*args, **more)


@pytest.mark.parametrize("one_key", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_x29_bombs_cost_a_few_signature_checks_and_no_search(
    size: int,
    one_key: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the library searches, no certificate but the next fits: it then tries at most one wrong one per place."""
    issued = Count(path_faults.has_issued)
    searched = Count(certificate_path._validated)
    monkeypatch.setattr("policyjwt.tokens.certificate_path.has_issued", issued)
    monkeypatch.setattr(certificate_path, "_validated", searched)
    top, chain = bomb(size, one_key=one_key)
    if (size, one_key) in ((1, True), (1, False), (2, False)):
        assert len(once(chain, top).certificates) == size + 2
        assert searched.calls == 1
    else:
        assert invalid(chain, demand(top)) in (CIRCLE, "too many certificates of `x5c` have one name")
        assert searched.calls == 0
    assert issued.calls <= certificate_path.MAX_SIDE_ISSUERS + 1


def once(chain: list[Party], top: Party) -> certificate_path.CertificatePath:
    """As `accepted`, which judges twice, without the second time."""
    return certificate_path.find_path(header(*chain), demand(top), alg="ES256", now=NOW)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("AB"), max_size=5), st.data())
def test_whatever_is_searched_has_one_issuer_for_each(names: list[str], data: st.DataObject) -> None:
    """The law behind the bound: of all certificates of `x5c` at most one has issued each."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    above = top = authority("Top")
    made: list[Party] = []
    for each in names:
        above = authority(each, above, private=data.draw(st.sampled_from(keys)))
        made.insert(0, above)
    chain = [leaf("idp", above), *made]
    certificates = [each.certificate for each in chain]
    issuers = [
        sum(path_faults.has_issued(other, each) for other in certificates[1:] if other.subject == each.issuer)
        for each in certificates
    ]
    if max(issuers) > 1:
        assert invalid(chain, demand(top)) in (CIRCLE, "too many certificates of `x5c` have one name")
    elif max(names.count("A"), names.count("B")) <= 1:
        assert len(accepted(chain, demand(top)).certificates) == len(names) + 2


def test_a_repeated_name_costs_no_more_than_the_limit() -> None:
    seen = Count(path_faults.has_issued)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("policyjwt.tokens.certificate_path.has_issued", seen)
        root, chain = ladder("A", "A", "B")
        assert len(once(chain, root).certificates) == 5
    assert seen.calls == certificate_path.MAX_SIDE_ISSUERS == 2


def test_no_signature_is_checked_to_say_that_no_anchor_has_the_name() -> None:
    seen = Count(path_faults.has_issued)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("policyjwt.tokens.path_faults.has_issued", seen)
        assert invalid(ladder(*"ABCDE")[1], demand(STRANGER)) == NO_NAME
    assert seen.calls == 0


# --- P2: times --------------------------------------------------------------------------------------------

LIVES: dict[str, Any] = {"begins": NOW - 100, "ends": NOW + 100}
WHICH: dict[str, Callable[[], tuple[Party, list[Party], str]]] = {
    "leaf": lambda: (P.root, [leaf("idp", P.intermediate, **LIVES), P.intermediate], "certificate 1 of `x5c`"),
    "intermediate": lambda: (P.root, below(lambda: authority("Middle", P.root, **LIVES)), "certificate 2 of `x5c`"),
    "anchor": lambda: ((root := authority("Short", **LIVES)), [leaf("idp", root)], "the anchor"),
}
INSTANTS = [
    (-101, "is not valid for another 1s"),
    (-100, None),
    (100, None),
    (101, "expired 1s ago"),
    (100 + 90_061, "expired 1d 1h ago"),
]


@pytest.mark.parametrize(("at", "fault"), INSTANTS)
@pytest.mark.parametrize("which", WHICH)
def test_times(which: str, at: int, fault: str | None) -> None:
    root, chain, where = WHICH[which]()
    if fault is None:
        assert len(accepted(chain, demand(root), now=NOW + at).certificates) == len(chain) + 1
    else:
        assert invalid(chain, demand(root), now=NOW + at) == f"{where} {fault}"


def test_fractions_of_a_second_count() -> None:
    """The library compares whole seconds: a path that is remembered must not be judged otherwise than a new one."""
    root, chain, _ = WHICH["leaf"]()
    assert invalid(chain, demand(root), now=NOW + 100.5) == "a certificate expired less than 1s ago"
    assert len(accepted(chain, demand(root), now=NOW + 99.5).certificates) == 3
    assert invalid(chain, demand(root), now=NOW - 100.5).endswith("is not valid for another less than 1s")


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -float("inf"), 1e300, -1e15])
def test_no_time_that_is_none(now: float) -> None:
    assert refusal(GOOD, now=now)[0] == "x5c.path_invalid"


# --- P3 ---------------------------------------------------------------------------------------------------


def test_the_leaf_is_no_anchor() -> None:
    given = refusal([P.intermediate, P.root], demand(P.intermediate, leaf=ANY))
    assert given == ("x5c.leaf_is_anchor", "the signer's certificate is itself an anchor of the policy")
    assert refusal([P.root], demand())[0] == "x5c.leaf_is_anchor"


# --- P4: the leaf -----------------------------------------------------------------------------------------

NO_SIGNING = "the key usage of the signer's certificate lacks digitalSignature"
LEAVES: dict[str, tuple[Callable[[], list[Party]], str | None]] = {
    "an authority": (
        lambda: [authority("idp", P.root)],
        "the signer's certificate is that of an authority",
    ),
    "an authority that may sign": (
        lambda: end(BASIC, (usage("digital_signature", "key_cert_sign"), True), NAMED),
        "the signer's certificate is that of an authority",
    ),
    "may sign certificates": (
        lambda: end((usage("digital_signature", "key_cert_sign"), True), NAMED),
        "the signer's certificate may sign certificates, and is none of an authority",
    ),
    "no key usage": (lambda: end(NAMED), NO_SIGNING),
    "key usage for encryption": (lambda: end((usage("key_encipherment"), True), NAMED), NO_SIGNING),
    "key usage for commitment": (lambda: end((usage("content_commitment"), True), NAMED), NO_SIGNING),
    "no basic constraints": (lambda: end(LEAF, NAMED), None),
    "key usage that is not critical": (lambda: end((usage("digital_signature"), False), NAMED), None),
    "several usages": (lambda: end((usage("digital_signature", "key_encipherment"), True), NAMED), None),
    "no authority key identifier": (
        lambda: end(LEAF, NAMED, identifiers=False),
        "the signer's certificate lacks the authority key identifier",
    ),
    "neither subject nor critical name": (
        lambda: end(LEAF, NAMED, subject=x509.Name([])),
        "the signer's certificate has neither a subject nor a critical alternative name",
    ),
    "no subject, critical name": (lambda: end(LEAF, (NAMED[0], True), subject=x509.Name([])), None),
    "name constraints": (
        lambda: end(LEAF, NAMED, (x509.NameConstraints([x509.DNSName("example")], None), True)),
        "the signer's certificate has name constraints, which only authorities have",
    ),
}


@pytest.mark.parametrize(("make", "fault"), LEAVES.values(), ids=LEAVES.keys())
def test_leaves(make: Callable[[], list[Party]], fault: str | None) -> None:
    chain = make()
    if fault is None:
        assert accepted(chain, demand()).certificates[0] == chain[0].certificate
    else:
        assert invalid(chain) == fault


# --- P5: extended key usage -------------------------------------------------------------------------------

OURS, OTHER, EVERY = "1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.1", ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string
LEAF_LACKS = "the signer's certificate lacks the extended key usage that the policy names"
AUTHORITY_LACKS = "an authority may not issue for the usage that the policy names"


def usages(*oids: str, critical: bool = False) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in oids]), critical)] if oids else []


USAGES = [
    ((OURS,), (), OURS, None),
    ((OTHER, OURS), (), OURS, None),
    ((OURS,), (OURS,), OURS, None),
    ((OURS,), (EVERY,), OURS, None),
    ((OURS,), (OTHER, OURS), OURS, None),
    ((), (), OURS, LEAF_LACKS),
    ((OTHER,), (), OURS, LEAF_LACKS),
    ((EVERY,), (), OURS, LEAF_LACKS),
    ((OURS,), (OTHER,), OURS, AUTHORITY_LACKS),
    ((), (), None, None),
    ((OTHER,), (OURS,), None, None),
    ((ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string,), (), OURS, LEAF_LACKS),
]


@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize(("of_leaf", "of_authority", "wanted", "fault"), USAGES)
def test_extended_key_usage(
    of_leaf: tuple[str, ...],
    of_authority: tuple[str, ...],
    wanted: str | None,
    fault: str | None,
    critical: bool,  # noqa: FBT001
) -> None:
    above = party("Middle", P.root, extensions=[BASIC, SIGNS, *usages(*of_authority, critical=critical)])
    chain = [party("idp", above, extensions=[LEAF, NAMED, *usages(*of_leaf, critical=critical)]), above]
    if fault is None:
        assert len(accepted(chain, demand(usage=wanted)).certificates) == 3
    else:
        assert invalid(chain, demand(usage=wanted)) == fault


def test_extended_key_usage_of_the_anchor() -> None:
    root = party("Root 3", extensions=[BASIC, SIGNS, *usages(OTHER)])
    chain = [party("idp", root, extensions=[LEAF, NAMED, *usages(OURS)])]
    assert invalid(chain, demand(root, usage=OURS)) == AUTHORITY_LACKS
    assert len(accepted(chain, demand(root)).certificates) == 2


# --- P6: authorities --------------------------------------------------------------------------------------

SECOND = "certificate 2 of `x5c`"
NO_AUTHORITY = f"{SECOND} is no authority by its basic constraints"
AUTHORITIES: dict[str, tuple[Callable[[], list[Party]], str | None]] = {
    "no basic constraints": (lambda: middle(SIGNS), NO_AUTHORITY),
    "no authority": (lambda: middle((x509.BasicConstraints(ca=False, path_length=None), True), SIGNS), NO_AUTHORITY),
    "a leaf": (lambda: below(lambda: leaf("Middle", P.root)), NO_AUTHORITY),
    "not critical": (
        lambda: middle((BASIC[0], False), SIGNS),
        f"{SECOND} has basic constraints that are not critical",
    ),
    "no key usage": (lambda: middle(BASIC), f"{SECOND} may not sign certificates by its key usage"),
    "signs CRLs alone": (
        lambda: middle(BASIC, (usage("crl_sign", "digital_signature"), True)),
        f"{SECOND} may not sign certificates by its key usage",
    ),
    "good": (lambda: middle(BASIC, SIGNS), None),
    "no authority key identifier": (
        lambda: middle(BASIC, SIGNS, (x509.SubjectKeyIdentifier(b"\1" * 20), False), identifiers=False),
        "an authority lacks the authority key identifier",
    ),
    "no subject key identifier": (
        lambda: middle(
            BASIC,
            SIGNS,
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(P.root.certificate.public_key()), False),  # type: ignore[arg-type]
            identifiers=False,
        ),
        "an authority lacks the subject key identifier",
    ),
    "restricts policies": (
        lambda: middle(BASIC, SIGNS, (x509.PolicyConstraints(0, None), False)),
        "an authority restricts policies, which is not followed here",
    ),
    "inhibits policies": (
        lambda: middle(BASIC, SIGNS, (x509.InhibitAnyPolicy(0), False)),
        "an authority restricts policies, which is not followed here",
    ),
}


@pytest.mark.parametrize(("make", "fault"), AUTHORITIES.values(), ids=AUTHORITIES.keys())
def test_authorities(make: Callable[[], list[Party]], fault: str | None) -> None:
    chain = make()
    if fault is None:
        assert accepted(chain, demand()).certificates[1] == chain[1].certificate
    else:
        assert invalid(chain) == fault


@pytest.mark.parametrize(
    ("allowed", "below_it", "good"),
    [(0, 0, True), (0, 1, False), (1, 1, True), (1, 2, False), (2, 1, True)],
)
@pytest.mark.parametrize("at_the_anchor", [False, True])
def test_path_length(allowed: int, below_it: int, good: bool, at_the_anchor: bool) -> None:  # noqa: FBT001
    top = authority("Top", path_length=allowed if at_the_anchor else None)
    limited = top if at_the_anchor else authority("Limited", top, path_length=allowed)
    _, chain = ladder(*"ABC"[:below_it], top=limited)
    chain += [] if at_the_anchor else [limited]
    if good:
        assert len(accepted(chain, demand(top)).certificates) == 2 + below_it + (not at_the_anchor)
    else:
        assert invalid(chain, demand(top)) == (
            f"an authority allows {allowed} authorities below itself, and {below_it} are there"
        )


@pytest.mark.parametrize(("depth", "good"), [(0, False), (1, False), (2, True), (3, True), (None, True)])
def test_depth(depth: int | None, good: bool) -> None:  # noqa: FBT001
    root, chain = ladder("A", "B")
    if good:
        assert len(accepted(chain, demand(root, depth=depth)).certificates) == 4
    else:
        fault = f"2 certificates stand between the signer's and the anchor; at most {depth} may"
        assert invalid(chain, demand(root, depth=depth)) == fault
        assert invalid([*chain, root], demand(root, depth=depth)) == fault


def test_depth_where_none_is_named() -> None:
    root, chain = ladder(*"ABCDE")
    assert len(accepted(chain, demand(root)).certificates) == 7
    assert len(accepted([leaf("idp", root)], demand(root, depth=0)).certificates) == 2


# --- P7: critical extensions, name constraints ------------------------------------------------------------

UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)
POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)])


CRITICAL = [UNKNOWN, (POLICY, True), (x509.OCSPNoCheck(), True)]


@pytest.mark.parametrize("extension", CRITICAL)
def test_critical_extensions(extension: tuple[x509.ExtensionType, bool]) -> None:
    fault = "has a critical extension that is not understood"
    assert invalid(end(LEAF, NAMED, extension)) == f"certificate 1 of `x5c` {fault}"
    assert invalid(middle(BASIC, SIGNS, extension)) == f"{SECOND} {fault}"
    root = party("Root 4", extensions=[BASIC, SIGNS, extension])
    assert invalid([leaf("idp", root)], demand(root)) == f"the anchor {fault}"
    assert len(accepted(end(LEAF, NAMED, (extension[0], False)), demand()).certificates) == 3


KIND = "an authority has name constraints of a kind that is not compared"
OUTSIDE = "a name is outside the name constraints of an authority"
MAIL = "an e-mail address in a subject, where an authority constrains them"
URI_OF_OURS = x509.UniformResourceIdentifier("issuer.example")
SUBTREES: dict[str, tuple[Any, Any, list[x509.GeneralName], str | None]] = {
    "DNS inside": (x509.DNSName("a.example"), None, [x509.DNSName("x.a.example")], None),
    "DNS outside": (x509.DNSName("a.example"), None, [x509.DNSName("x.b.example")], OUTSIDE),
    "DNS excluded": (None, x509.DNSName("a.example"), [x509.DNSName("a.example")], OUTSIDE),
    "DNS not excluded": (None, x509.DNSName("a.example"), [x509.DNSName("b.example")], None),
    "DNS, and no DNS name": (x509.DNSName("a.example"), None, [], None),
    "URI permitted": (URI_OF_OURS, None, [], KIND),
    "URI excluded": (None, URI_OF_OURS, [], KIND),
    "directory": (x509.DirectoryName(name("geheim")), None, [], KIND),
    "directory excluded": (None, x509.DirectoryName(name("idp")), [], KIND),
    "registered": (None, x509.RegisteredID(x509.ObjectIdentifier("1.2.3")), [], KIND),
    "e-mail inside": (x509.RFC822Name("a.example"), None, [x509.RFC822Name("geheim@a.example")], None),
    "e-mail outside": (x509.RFC822Name("a.example"), None, [x509.RFC822Name("geheim@b.example")], OUTSIDE),
}


@pytest.mark.parametrize("case", SUBTREES.values(), ids=SUBTREES.keys())
@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("at_the_anchor", [False, True])
def test_name_constraints(case: Any, critical: bool, at_the_anchor: bool) -> None:  # noqa: FBT001
    permitted, excluded, own, fault = case
    limits = x509.NameConstraints([permitted] if permitted else None, [excluded] if excluded else None)
    above = party("Middle", None if at_the_anchor else P.root, extensions=[BASIC, SIGNS, (limits, critical)])
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ISSUER_URI), *own])
    chain = [party("idp", above, extensions=[LEAF, (names, False)])]
    chain += [] if at_the_anchor else [above]
    wanted = demand(above if at_the_anchor else P.root)
    if fault is None:
        assert len(accepted(chain, wanted).certificates) == 2 + (not at_the_anchor)
    else:
        assert invalid(chain, wanted) == fault


def test_an_address_in_the_subject_is_constrained_too() -> None:
    limits = x509.NameConstraints([x509.RFC822Name("a.example")], None)
    above = party(name("Middle", EMAIL_ADDRESS="ca@b.example"), P.root, extensions=[BASIC, SIGNS, (limits, True)])
    with_mail = party(name("idp", EMAIL_ADDRESS="geheim@b.example"), above, extensions=[LEAF, NAMED])
    without = party("idp", above, extensions=[LEAF, NAMED])
    assert invalid([with_mail, above]) == MAIL
    assert len(accepted([without, above], demand()).certificates) == 3  # the authority's own address is above its limit


# --- algorithms and keys of authorities -------------------------------------------------------------------

WEAK = "is signed with an algorithm that is not taken: RSA or ECDSA with SHA-256 or longer are"


def test_weak_signatures() -> None:
    private = rsa.generate_private_key(65537, 2048)
    root = authority("RSA root", private=private)
    assert len(accepted([leaf("idp", root)], demand(root)).certificates) == 2
    for hash_ in (hashes.SHA224(), hashes.SHA3_256()):
        assert invalid([leaf("idp", root, hash=hash_)], demand(root)) == f"certificate 1 of `x5c` {WEAK}"
    above = authority("Middle", root, hash=hashes.SHA224())
    assert invalid([leaf("idp", above), above], demand(root)) == f"{SECOND} {WEAK}"
    anchor = authority("Old root", private=private, hash=hashes.SHA224())
    assert len(accepted([leaf("idp", anchor)], demand(anchor)).certificates) == 2  # its own signature says nothing


def test_keys_of_authorities() -> None:
    weak = authority("Weak", P.root, private=rsa.generate_private_key(65537, 1024))
    assert invalid([leaf("idp", weak), weak]) == f"{SECOND} has an RSA key of 1024 bits, where at least 2048 are needed"
    odd = authority("Odd", P.root, private=ec.generate_private_key(ec.SECP256K1()))
    assert invalid([leaf("idp", odd), odd]) == f"{SECOND} has an EC key of a curve that is not taken"
    edwards = authority("Edwards", P.root, private=ed25519.Ed25519PrivateKey.generate())
    assert invalid([leaf("idp", edwards), edwards]) == f"certificate 1 of `x5c` {WEAK}"


def test_a_fault_that_nothing_explains(monkeypatch: pytest.MonkeyPatch) -> None:
    critical = (x509.SubjectKeyIdentifier(b"\1" * 20), True)
    aki = (x509.AuthorityKeyIdentifier.from_issuer_public_key(P.root.certificate.public_key()), False)  # type: ignore[arg-type]
    assert invalid(middle(BASIC, SIGNS, critical, aki, identifiers=False)) == (
        f"{SECOND} has a critical extension that is not understood"
    )
    monkeypatch.setattr(path_faults, "_UNDERSTOOD", path_faults._UNDERSTOOD | {"2.5.29.14"})
    assert invalid(middle(BASIC, SIGNS, critical, aki, identifiers=False)) == (
        "the certificates form no valid path to an anchor"
    )


@pytest.mark.parametrize("raised", [ValueError, TypeError, x509.UnsupportedGeneralNameType, MemoryError])
def test_p8_what_else_the_library_raises(raised: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise raised("geheim", 3) if raised is x509.UnsupportedGeneralNameType else raised("geheim")

    monkeypatch.setattr(certificate_path, "_leaf_policy", fails)
    assert invalid(GOOD) == "the path can't be verified"


# --- J8, J9: the leaf's key -------------------------------------------------------------------------------

ALL = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA", "Ed25519", "Ed448")
RSA_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
FITTING: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "P-256": (lambda: ec.generate_private_key(ec.SECP256R1()), {"ES256"}),
    "P-384": (lambda: ec.generate_private_key(ec.SECP384R1()), {"ES384"}),
    "P-521": (lambda: ec.generate_private_key(ec.SECP521R1()), {"ES512"}),
    "secp256k1": (lambda: ec.generate_private_key(ec.SECP256K1()), set()),
    "RSA": (lambda: rsa.generate_private_key(65537, 2048), RSA_ALGORITHMS),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, {"EdDSA", "Ed25519"}),
    "Ed448": (ed448.Ed448PrivateKey.generate, {"EdDSA", "Ed448"}),
    "DSA": (lambda: dsa.generate_private_key(2048), set()),
}


@pytest.mark.parametrize(("make", "fitting"), FITTING.values(), ids=FITTING.keys())
def test_keys_and_algorithms(make: Callable[[], Any], fitting: set[str]) -> None:
    chain = [leaf("idp", P.intermediate, private=make()), P.intermediate]
    for alg in ALL:
        if alg not in fitting:
            expected = ("x5c.key_alg_mismatch", f"the key of the signer's certificate is not for {alg}")
            assert refusal(chain, alg=alg) == expected
        else:
            assert accepted(chain, demand(), alg=alg).key.algorithms == fitting


@pytest.mark.parametrize(("bits", "good"), [(2048, True), (1024, False), (2047, False)])
def test_weak_keys(bits: int, good: bool) -> None:  # noqa: FBT001
    chain = [leaf("idp", P.intermediate, private=rsa.generate_private_key(65537, bits)), P.intermediate]
    if good:
        assert accepted(chain, demand(), alg="RS256").key.kind == "RSA"
    else:
        assert refusal(chain, alg="RS256") == (
            "x5c.key_weak",
            f"the signer's certificate holds an RSA key of {bits} bits, where at least 2048 are needed",
        )


# --- the values ------------------------------------------------------------------------------------------


def test_the_values_stay_closed() -> None:
    path = accepted(GOOD, demand())
    assert "idp" not in f"{path!r} {path.key!r}"
    assert isinstance(copy.copy(path), CertificatePath)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(path.key)


def test_certificates_cost_nothing_where_there_are_none() -> None:
    """`cryptography.x509` takes 90 ms to import: not for who takes keys from elsewhere."""
    import subprocess

    code = "import sys, policyjwt.engine, policyjwt.tokens.keyset; print('cryptography.x509' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
