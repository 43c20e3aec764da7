"""What rules may read of a certificate, and what they may not believe of it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from policyjwt.tokens.certificate_facts import facts
from tests.pki import Party, leaf, name, party, pki
from tests.tokens.chains import ANY, BASIC, LEAF, SIGNS, accepted, demand

P = pki()
O, ID = NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATION_IDENTIFIER  # noqa: E741 - as the attribute is called


def read(*parties: Party) -> dict[str, Any]:
    """The facts of a leaf below these, and the shared root."""
    return dict(facts([*(each.certificate for each in parties), P.root.certificate]))


def attributes(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def test_all_members() -> None:
    names = [
        x509.UniformResourceIdentifier("https://a.example"),
        x509.UniformResourceIdentifier("spiffe://b"),
        x509.DNSName("c.example"),
        x509.RFC822Name("d@e.example"),
    ]
    subject = attributes((NameOID.COMMON_NAME, "idp"), (O, "Corp"), (O, "Corp Two"), (ID, "VATDE-1"))
    one = party(
        subject,
        P.intermediate,
        serial=0xABC,
        extensions=[LEAF, (x509.SubjectAlternativeName(names), False)],
    )
    expected = {
        "subject": {"cn": "idp", "o": ["Corp", "Corp Two"], "organization_id": ["VATDE-1"]},
        "issuer": {"cn": "Intermediate"},
        "san": {"uri": ["https://a.example", "spiffe://b"], "dns": ["c.example"]},
        "policies": [],
        "serial": "abc",
        "thumbprint": base64.urlsafe_b64encode(hashlib.sha256(one.der).digest()).decode().rstrip("="),
    }
    assert read(one, P.intermediate) == expected
    assert accepted([one, P.intermediate], demand(leaf=ANY)).facts == expected


def test_what_is_not_there() -> None:
    found = read(party(attributes((O, "Corp")), P.intermediate, extensions=[LEAF]), P.intermediate)
    assert found["subject"] == {"o": ["Corp"], "organization_id": []}
    assert found["san"] == {"uri": [], "dns": []}


def test_a_common_name_that_is_there_twice_is_unknown() -> None:
    twice = attributes((NameOID.COMMON_NAME, "good"), (NameOID.COMMON_NAME, "evil"))
    found = read(party(twice, P.intermediate, extensions=[LEAF]), P.intermediate)
    assert "cn" not in found["subject"]
    above = party(twice, P.root, extensions=[BASIC, SIGNS])
    assert read(leaf("idp", above), above)["issuer"] == {}


@pytest.mark.parametrize(("serial", "text"), [(1, "1"), (0x0A, "a"), (2**158 + 15, f"{2**158 + 15:x}")])
def test_serial(serial: int, text: str) -> None:
    assert read(leaf("idp", P.intermediate, serial=serial), P.intermediate)["serial"] == text


def test_facts_can_not_be_changed() -> None:
    found = facts([P.leaf.certificate, P.intermediate.certificate, P.root.certificate])
    with pytest.raises(TypeError):
        cast(Any, found)["serial"] = "1"


# --- policies ---------------------------------------------------------------------------------------------

EVERY = "2.5.29.32.0"


def policies(*oids: str) -> list[tuple[x509.ExtensionType, bool]]:
    made = [x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in oids]
    return [(x509.CertificatePolicies(made), False)] if oids else []


MAPPINGS = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), b"\x30\x00"), False)
POLICIES: list[tuple[tuple[str, ...], tuple[str, ...], list[str]]] = [
    (("1.2.3",), ("1.2.3",), ["1.2.3"]),
    (("1.2.3", "1.2.4"), ("1.2.4", "1.2.5"), ["1.2.4"]),
    (("1.2.3", "1.2.4"), (EVERY,), ["1.2.3", "1.2.4"]),
    (("1.2.3",), (), []),
    ((), ("1.2.3",), []),
    ((EVERY,), ("1.2.3",), []),
    ((EVERY,), (EVERY,), [EVERY]),
]


@pytest.mark.parametrize(("of_leaf", "of_authority", "found"), POLICIES)
def test_policies_are_those_that_each_authority_may_give(
    of_leaf: tuple[str, ...], of_authority: tuple[str, ...], found: list[str]
) -> None:
    """RFC 5280, section 6.1.3, d: an authority that is not allowed a policy can still write it into what it issues."""
    above = party("Middle", P.root, extensions=[BASIC, SIGNS, *policies(*of_authority)])
    one = party("idp", above, extensions=[LEAF, *policies(*of_leaf)])
    path = accepted([one, above], demand(leaf=ANY))
    assert path.facts["policies"] == found


def test_policies_straight_below_the_anchor() -> None:
    """The anchor is trusted for what it issues."""
    one = party("idp", P.root, extensions=[LEAF, *policies("1.2.3")])
    assert accepted([one], demand(leaf=ANY)).facts["policies"] == ["1.2.3"]


def test_policies_that_are_mapped_are_not_followed() -> None:
    above = party("Middle", P.root, extensions=[BASIC, SIGNS, *policies("1.2.3", EVERY), MAPPINGS])
    one = party("idp", above, extensions=[LEAF, *policies("1.2.3")])
    assert accepted([one, above], demand(leaf=ANY)).facts["policies"] == []


def test_every_authority_must_allow_a_policy() -> None:
    first = party("First", P.root, extensions=[BASIC, SIGNS, *policies("1.2.3")])
    second = party("Second", first, extensions=[BASIC, SIGNS, *policies("1.2.3", "1.2.4")])
    one = party(name("idp"), second, extensions=[LEAF, *policies("1.2.3", "1.2.4")])
    assert accepted([one, second, first], demand(leaf=ANY)).facts["policies"] == ["1.2.3"]
