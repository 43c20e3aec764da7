"""Checks of the header: groups H and K06, K09 of the catalogue of attacks, each re-signed where that is possible."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.tokens import headers
from policyjwt.tokens.algorithms import ALGORITHMS, allow_list, fitting
from tests.tokens.minting import ALL, CLAIMS, SECRET, accepted, b64, refusal, signer

E1 = signer("ES256")


def refused(token: str, algorithms: list[str] | None = None) -> str:
    return refusal(token, E1.keys, algorithms or ["ES256"])


NONE = ("none", "None", "NONE", "nOnE", "noNe", "none ", " none", "n\\u006fne")


@pytest.mark.parametrize("signature", ["", "AA", None], ids=["empty", "AA", "the right one"])
@pytest.mark.parametrize("alg", NONE)
def test_H01_H02_none(alg: str, signature: str | None) -> None:  # noqa: N802 - the row's own name
    token = E1.token(header=b'{"alg":"%s","kid":"e1"}' % alg.encode())
    if signature is not None:
        token = f"{token.rpartition('.')[0]}.{signature}"
    assert refused(token) == "header.algorithm_refused"
    assert refused(token, [name for name in ALL if not name.startswith("HS")]) == "header.algorithm_refused"


@pytest.mark.parametrize(
    "alg", ["foo", "", "ES256K", "HS257", "RS1", "ES224", "ES521", "RSA1_5", "dir", "es256", "Es256"]
)
@pytest.mark.parametrize("keep", [True, False])
def test_H03_H05_unknown_algorithms_and_spellings(alg: str, keep: bool) -> None:  # noqa: FBT001, N802
    token = E1.token(header={"alg": alg, "kid": "e1"})
    token = token if keep else token.rpartition(".")[0] + "."
    assert refused(token) == "header.algorithm_refused"


@pytest.mark.parametrize("alg", [b"null", b'["ES256"]', b"1", b'{"a":1}', b"true", b"1.5", b"[]"])
def test_H04_algorithm_of_another_type(alg: bytes) -> None:  # noqa: N802
    token = E1.token(header=b'{"alg":%s,"kid":"e1"}' % alg)
    assert refused(token) == "header.algorithm_refused"


def test_H04_algorithm_missing() -> None:  # noqa: N802
    assert refused(E1.token(header={"kid": "e1"})) == "header.algorithm_refused"


@pytest.mark.parametrize("alg", [name for name in ALL if name != "ES256"])
def test_H06_allowed_elsewhere(alg: str) -> None:  # noqa: N802
    other = signer(alg)
    assert refusal(other.token(), other.keys, ["ES256"]) == "header.algorithm_refused"


@pytest.mark.parametrize(("name", "allowed"), [("EdDSA", "Ed25519"), ("Ed25519", "EdDSA"), ("Ed448", "EdDSA")])
def test_H07_names_of_RFC_9864_match_exactly(name: str, allowed: str) -> None:  # noqa: N802
    one = signer(name)
    assert accepted(one.token(), one.keys, [name]).header["alg"] == name
    assert refusal(one.token(), one.keys, [allowed]) == "header.algorithm_refused"


@pytest.mark.parametrize(
    "names", [["none"], ["NONE"], ["RSA1_5"], ["es256"], ["ES256", "none"], ["dir"], [""], [], ["HS256", "RS256"]]
)
def test_H07_the_allow_list_is_input_too(names: list[str]) -> None:  # noqa: N802
    with pytest.raises(ValueError, match="algorithm"):
        accepted(E1.token(), E1.keys, names)


@pytest.mark.parametrize("names", ["ES256", b"ES256", [1], [None], ["ES256", 5], 5, None, [[]]])
def test_an_allow_list_is_a_collection_of_names(names: Any) -> None:
    with pytest.raises(TypeError):
        accepted(E1.token(), E1.keys, names)


CRIT: dict[str, object] = {
    "H09 empty": [],
    "H10 string": "b64",
    "H10 null": None,
    "H10 object": {},
    "H10 number in a list": [1],
    "H10 null in a list": [None],
    "H10 true": True,
    "H11 absent member": ["exp"],
    "H11 registered member": ["alg"],
    "H11 twice": ["foo", "foo"],
    "unknown extension": ["x5ocsp"],
}


@pytest.mark.parametrize("crit", CRIT.values(), ids=CRIT.keys())
def test_crit(crit: object) -> None:
    header = {"alg": "ES256", "kid": "e1", "crit": crit, "foo": 1, "x5ocsp": []}
    assert refused(E1.token(header=header)) == "header.crit"


def test_H11_crit_names_b64_which_is_absent() -> None:  # noqa: N802
    assert refused(E1.token(crit=["b64", "b64"])) == "header.crit"


@pytest.mark.parametrize("value", [False, True, "false", 0, None, []])
@pytest.mark.parametrize("crit", [None, ["b64"]])
def test_H12_H13_H14_b64(value: object, crit: object) -> None:  # noqa: N802
    header = {"alg": "ES256", "kid": "e1", "b64": value, **({"crit": crit} if crit else {})}
    assert refused(E1.token(header=header)) == "header.b64"


def test_H13_b64_over_the_raw_payload() -> None:  # noqa: N802
    header, payload = b64(b'{"alg":"ES256","b64":false,"kid":"e1"}'), b"eyJh"
    signature = b64(E1.signature(f"{header}.".encode() + payload))
    assert refused(f"{header}.{payload.decode()}.{signature}") == "header.b64"


@pytest.mark.parametrize("value", ["DEF", None, "", 1])
def test_H16_zip(value: object) -> None:  # noqa: N802
    assert refused(E1.token(header={"alg": "ES256", "kid": "e1", "zip": value})) == "header.zip"


@pytest.mark.parametrize("typ", ["at+jwt", 1, None, [], {}, True, "", "JWT "])
def test_H17_H18_H19_typ_is_left_to_the_policy(typ: object) -> None:  # noqa: N802
    token = E1.token(header={"alg": "ES256", "kid": "e1", "typ": typ})
    assert accepted(token, E1.keys, ["ES256"]).header["typ"] == typ


@pytest.mark.parametrize("cty", ["JWT", "text/xml", "", None, 1])
def test_H20_cty(cty: object) -> None:  # noqa: N802
    assert refused(E1.token(header={"alg": "ES256", "kid": "e1", "cty": cty})) == "header.cty"


MIRRORED: list[tuple[str, object]] = [
    ("iss", "https://evil.example"),
    ("sub", "t"),
    ("aud", ["api"]),
    ("exp", 1_800_000_000),
    ("exp", float(1_700_000_060)),
    ("nbf", "1699999990"),
    ("jti", None),
]


@pytest.mark.parametrize(("name", "value"), MIRRORED)
def test_H21_claims_in_the_header_that_differ(name: str, value: object) -> None:  # noqa: N802
    header = {"alg": "ES256", "kid": "e1", name: value}
    assert refused(E1.token(header=header)) == "header.claim_mismatch"


def test_H21_one_is_not_true() -> None:  # noqa: N802
    header = {"alg": "ES256", "kid": "e1", "sub": [{"a": 1}]}
    assert refused(E1.token({**CLAIMS, "sub": [{"a": True}]}, header)) == "header.claim_mismatch"


def test_H21_claims_in_the_header_that_are_equal_or_alone() -> None:  # noqa: N802
    header = {"alg": "ES256", "kid": "e1", "iss": CLAIMS["iss"], "aud": ["a", {"b": 1}]}
    token = E1.token({**CLAIMS, "aud": ["a", {"b": 1}]}, header)
    assert accepted(token, E1.keys, ["ES256"]).header["iss"] == CLAIMS["iss"]
    assert accepted(E1.token({"sub": "s"}, header), E1.keys, ["ES256"]).payload == b'{"sub":"s"}'


UNKNOWN_MEMBERS = {"foo": 1, "x5t": "AAAA", "x5t#S256": "AAAA", "url": "https://x", "nonce": "n", "x5ocsp": []}


@pytest.mark.parametrize("name", UNKNOWN_MEMBERS)
def test_H24_unknown_members_pass(name: str) -> None:  # noqa: N802
    token = E1.token(None, None, alg=None, **{name: UNKNOWN_MEMBERS[name]})
    assert accepted(token, E1.keys, ["ES256"]).header[name] == UNKNOWN_MEMBERS[name]


URLS = (
    "http://169.254.169.254/",
    "file:///etc/passwd",
    "https://issuer.example@evil",
    "https://issuer.example.evil/",
    "https://issuer.example/redirect?u=",
    None,
)


@pytest.mark.parametrize("name", ["jku", "x5u"])
@pytest.mark.parametrize("url", URLS)
def test_K06_urls_are_never_followed(name: str, url: str | None) -> None:  # noqa: N802
    """conftest.py lets no socket be opened."""
    assert refused(E1.token(header={"alg": "ES256", "kid": "e1", name: url})) == "header.embedded_key"


def test_a_key_in_the_header_is_never_used() -> None:
    attacker = signer("ES256", other=9)
    assert refused(attacker.token(jwk=attacker.jwk())) == "header.embedded_key"


def test_x5c_needs_a_policy_that_says_so() -> None:
    token = E1.token(x5c=["AAAA"])
    assert refused(token) == "header.x5c_not_allowed"
    headers.check({"alg": "ES256", "x5c": ["AAAA"]}, x5c_allowed=True)
    with pytest.raises(TokenRefused, match="embedded_key"):
        headers.check({"alg": "ES256", "x5c": ["AAAA"], "jwk": {}}, x5c_allowed=True)


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("b64", "header.b64"),
        *((name, "token.kind") for name in ("enc", "epk", "apu", "apv", "p2s", "p2c", "iv", "tag")),
    ],
)
@pytest.mark.parametrize("crit", [{}, {"crit": ["b64"]}])
def test_a_header_that_nothing_decoded_is_refused_as_the_decoder_does(
    member: str, code: str, crit: dict[str, object]
) -> None:
    header = {"alg": "ES256", "kid": "e1", member: True, **crit}
    with pytest.raises(TokenRefused) as caught:
        headers.check(header)
    assert caught.value.code == code == refused(E1.token(header=header))


@pytest.mark.parametrize("kid", [1, True, None, [], {}, 1.5, ["e1"]])
def test_K09_kid_of_another_type(kid: object) -> None:  # noqa: N802
    assert refused(E1.token(header={"alg": "ES256", "kid": kid})) == "header.kid"


def test_no_text_quotes_more_of_the_header_than_alg() -> None:
    for extra in ({"kid": 7}, {"crit": ["geheim"]}, {"jku": "https://geheim"}, {"cty": "geheim"}, {"iss": "geheim"}):
        header = {"alg": "ES256", "kid": "geheim-kid", **extra}
        with pytest.raises(TokenRefused) as caught:
            accepted(E1.token(header=header), E1.keys, ["ES256"])
        assert "geheim" not in f"{caught.value!r} {caught.value} {caught.value.__dict__}"


@pytest.mark.parametrize(
    ("alg", "text"),
    [
        ("none", "`none`"),
        ("a`b\n\x1b[31m\u202e", r"`a\`b\n\x1b[31m\u202e`"),
        ("x" * 100, "`" + "x" * 79 + "…`"),
    ],
)
def test_the_algorithm_is_shown_escaped_and_short(alg: str, text: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        headers.check_algorithm({"alg": alg}, frozenset({"ES256"}))
    assert caught.value.actual == f"`alg` is {text}"
    assert caught.value.expected == "`alg` is one of ES256"


# --- the table -----------------------------------------------------------------------------------------


def test_the_table() -> None:
    assert list(ALGORITHMS) == [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
        "EdDSA", "Ed25519", "Ed448",
    ]  # fmt: skip
    assert {name for name, row in ALGORITHMS.items() if row.symmetric} == {"HS256", "HS384", "HS512"}
    assert ALGORITHMS["ES512"].curve == "P-521"
    assert ALGORITHMS["EdDSA"].curve is None


def test_what_fits_a_key() -> None:
    assert fitting(kind="RSA") == {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    assert fitting(kind="EC", curve="P-384") == {"ES384"}
    assert fitting(kind="OKP", curve="Ed25519") == {"EdDSA", "Ed25519"}
    assert fitting(kind="OKP", curve="Ed448") == {"EdDSA", "Ed448"}
    assert fitting(kind="HMAC", secret_bytes=len(SECRET)) == {"HS256", "HS384", "HS512"}
    assert fitting(kind="HMAC", secret_bytes=63) == {"HS256", "HS384"}
    assert fitting(kind="HMAC", secret_bytes=31) == set()
    assert allow_list(("ES256", "ES256")) == {"ES256"}


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip", "jwk", "x5c", "cty", "iss", "aud", "foo", "enc"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=3), max_size=2),
    )
)
def test_no_header_raises_anything_foreign_and_only_harmless_ones_pass(header: dict[str, object]) -> None:
    token = E1.token(header=header)
    code = ""
    try:
        found = accepted(token, E1.keys, ["ES256"])
    except TokenRefused as caught:
        code = caught.code
    if code:
        assert code.partition(".")[0] in ("token", "header", "key")
        return
    assert header["alg"] == "ES256"
    assert header.keys() <= {"alg", "kid", "typ", "iss", "aud", "foo"}
    assert dict(found.header) == header
