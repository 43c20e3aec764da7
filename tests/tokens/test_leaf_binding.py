"""Whose certificate it is: each kind of `leaf`, compared whole (P9)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused
from policyjwt.tokens.certificate_path import LeafBinding
from tests.pki import name, party, pki
from tests.tokens.chains import (
    ANY,
    LEAF,
    accepted,
    demand,
    end,
    refusal,
)

P = pki()


DN = name("idp", ORGANIZATION_NAME="Corp", COUNTRY_NAME="DE")
SANS = x509.SubjectAlternativeName(
    [
        x509.UniformResourceIdentifier("https://a.example"),
        x509.UniformResourceIdentifier("spiffe://corp/idp"),
        x509.DNSName("idp.example"),
        x509.RFC822Name("dns@idp.example"),
    ]
)
BOUND = party(DN, P.intermediate, extensions=[LEAF, (SANS, False)])
THUMBPRINT = accepted([BOUND, P.intermediate], demand(leaf=ANY)).key.thumbprint or ""
THUMBPRINTS = {"ours": THUMBPRINT, "in lower case": THUMBPRINT.lower(), "padded": f"{THUMBPRINT}="}
BINDINGS: list[tuple[Any, str, bool]] = [
    ("san uri", "https://a.example", True),
    ("san uri", "spiffe://corp/idp", True),
    ("san uri", "https://a.example/", False),
    ("san uri", "https://A.example", False),
    ("san uri", "https://a.exampl", False),
    ("san uri", "idp.example", False),
    ("san uri", "", False),
    ("san dns", "idp.example", True),
    ("san dns", "IDP.example", False),
    ("san dns", "*.example", False),
    ("san dns", "example", False),
    ("san dns", "https://a.example", False),
    ("dn", "C=DE,O=Corp,CN=idp", True),
    ("dn", r"2.5.4.6=DE,2.5.4.10=Corp,CN=\69dp", True),
    ("dn", "CN=idp,O=Corp,C=DE", False),
    ("dn", "C=DE+O=Corp,CN=idp", False),
    ("dn", "CN=idp", False),
    ("dn", "C=DE,O=corp,CN=idp", False),
    ("key sha256", "ours", True),
    ("key sha256", "in lower case", False),
    ("key sha256", "padded", False),
    ("any", "", True),
]
WORDS = {
    "san uri": "URI (subject alternative name)",
    "san dns": "DNS name (subject alternative name)",
    "dn": "distinguished name",
    "key sha256": "key",
}


@pytest.mark.parametrize(("kind", "value", "good"), BINDINGS)
def test_whose_it_is(kind: Any, value: str, good: bool) -> None:  # noqa: FBT001
    value = THUMBPRINTS.get(value, value)
    wanted = demand(leaf=LeafBinding.make(kind, frozenset({value})))
    several = demand(leaf=LeafBinding.make(kind, frozenset({value, "CN=other"})))
    if good:
        assert accepted([BOUND, P.intermediate], wanted).certificates[0] == BOUND.certificate
        assert accepted([BOUND, P.intermediate], several).certificates[0] == BOUND.certificate
        return
    expected = (
        "x5c.identity_mismatch",
        f"the signer's certificate is not the one that the policy names by its {WORDS[kind]}",
    )
    assert refusal([BOUND, P.intermediate], wanted) == expected
    assert refusal([BOUND, P.intermediate], several) == expected


def test_a_certificate_without_alternative_names_is_no_one_s() -> None:
    plain = end(LEAF)
    kinds: list[Any] = ["san uri", "san dns"]
    for kind in kinds:
        binding = LeafBinding.make(kind, frozenset({"idp", "https://issuer.example"}))
        assert refusal(plain, demand(leaf=binding))[0] == "x5c.identity_mismatch"
    assert len(accepted(plain, demand(leaf=ANY)).certificates) == 3


@pytest.mark.parametrize("kind", ["san uri", "san dns", "dn", "key sha256"])
def test_no_value_fits_nothing(kind: Any) -> None:
    nothing = demand(leaf=LeafBinding.make(kind, frozenset()))
    assert refusal([BOUND, P.intermediate], nothing)[0] == "x5c.identity_mismatch"


def test_a_kind_that_is_none_fits_nothing() -> None:
    kind: Any = "cn"
    binding = LeafBinding.make(kind, frozenset({"idp"}))
    assert refusal([BOUND, P.intermediate], demand(leaf=binding))[0] == "x5c.identity_mismatch"
    unprepared = LeafBinding("dn", frozenset({"C=DE,O=Corp,CN=idp"}))
    assert refusal([BOUND, P.intermediate], demand(leaf=unprepared))[0] == "x5c.identity_mismatch"


@pytest.mark.parametrize("text", ["", "idp", "CN", "CN=a,,O=b", "NOSUCH=a", "CN=a\\", "C=DEU", "CN=#zz"])
def test_what_is_no_distinguished_name(text: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        LeafBinding.make("dn", frozenset({text}))
    assert caught.value.code == "key.malformed"
    assert caught.value.__cause__ is None


@given(st.text(max_size=30) | st.text('CNO=+,\\#" 0aé.', max_size=20))
def test_no_name_raises_anything_foreign(text: str) -> None:
    outcome = "made"
    try:
        LeafBinding.make("dn", frozenset({text}))
    except KeyRefused as refused:
        outcome = refused.code
    assert outcome in ("made", "key.malformed")
