"""DPoP proofs: each check of the table with its code, the bounds of times, and nothing foreign for any text."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.evidence.dpop import MAX_JTI_BYTES, MAX_PROOF_CHARACTERS, ProofDemand, check_proof, good_until
from policyjwt.tokens.decode import _known_headers
from tests.evidence.proofs import (
    ALGORITHMS,
    DEMAND,
    SENT,
    TOKEN,
    URI,
    ath,
    bound,
    check,
    claims,
    holder,
    proof,
    refused,
)
from tests.issuer import NOW
from tests.tokens.minting import Signer, b64, private_jwk, rsa_private, thumbprint, unb64

HOLDER, THIEF = holder(), holder(other=1)


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth - 1):
        found = [found]
    return found


def with_signature(change: Any) -> str:
    text = proof()
    start, _, signature = text.rpartition(".")
    return f"{start}.{b64(change(unb64(signature)))}"


# --- what passes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_a_right_proof(alg: str) -> None:
    by = holder(alg)
    found = check(proof(by), confirmation=bound(by))
    assert (found.jti, found.issued_at, found.thumbprint) == ("p1", NOW, thumbprint(by.jwk()))
    assert (found.htu, found.nonce, found.expires_at) == (URI, None, None)
    assert repr(found) == "<Proof>"


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"kid": "k"}, {}),
        ({"x-more": [1]}, {"x-more": {"a": 1}}),
        ({}, {"htu": "HTTPS://API.example:443/a/../%70ay?q=1#f"}),
        ({}, {"nonce": "never asked for"}),
        ({}, {"exp": NOW + 1, "nbf": NOW}),
        ({}, {"jti": "j" * MAX_JTI_BYTES}),
        ({}, {"iat": NOW - 0.5}),
        ({"jwk": {**HOLDER.jwk(), "use": "sig", "key_ops": ["verify"], "ext": True, "kid": "k"}}, {}),
    ],
)
def test_what_a_proof_may_have_besides(header: dict[str, object], changes: dict[str, object]) -> None:
    assert check(proof(header=header, **changes)).htu == URI


def test_the_proof_is_for_the_token_in_json_form_too() -> None:
    text = json.dumps({"protected": "e30", "payload": "e30", "signature": ""})
    assert check(proof(ath=ath(text)), token=text).jti == "p1"


# --- the table ----------------------------------------------------------------------------------------------

POINT = HOLDER.jwk()
ROWS: list[tuple[str, Any, dict[str, Any]]] = [
    # D1
    ("dpop_count", (), {}),
    ("dpop_count", (proof(), proof()), {}),
    ("dpop_count", (proof(), proof(jti="p2")), {}),
    # D2
    ("dpop_malformed", "", {}),
    ("dpop_malformed", "a.b", {}),
    ("dpop_malformed", "not a proof", {}),
    ("dpop_malformed", proof() + ".", {}),
    ("dpop_malformed", proof() + "=", {}),
    ("dpop_malformed", " " + proof(), {}),
    ("dpop_malformed", "é" + proof(), {}),
    ("dpop_malformed", HOLDER.token(b"[]", {"typ": "dpop+jwt", "alg": "ES256", "jwk": POINT}), {}),
    ("dpop_malformed", HOLDER.token(b'{"jti":"a","jti":"a"}', {"typ": "dpop+jwt", "alg": "ES256", "jwk": POINT}), {}),
    ("dpop_malformed", HOLDER.token({}, b'{"typ":"dpop+jwt","alg":"ES256","alg":"ES256"}'), {}),
    ("dpop_malformed", proof(pad="x" * MAX_PROOF_CHARACTERS), {}),
    ("dpop_malformed", proof(header={"crit": ["x"], "x": 1}), {}),
    ("dpop_malformed", proof(header={"b64": False, "crit": ["b64"]}), {}),
    ("dpop_malformed", proof(header={"jku": "https://evil.example/jwks"}), {}),
    ("dpop_malformed", proof(header={"x5u": "https://evil.example/c"}), {}),
    ("dpop_malformed", proof(header={"x5c": ["AA=="]}), {}),
    ("dpop_malformed", proof(header={"zip": "DEF"}), {}),
    ("dpop_malformed", proof(header={"cty": "JWT"}), {}),
    ("dpop_malformed", proof(header={"kid": 1}), {}),
    ("dpop_malformed", proof(header={"enc": "A128GCM"}), {}),
    ("dpop_malformed", proof(header={"jti": "another"}), {}),
    # D3
    ("dpop_typ", proof(header={"typ": ...}), {}),
    ("dpop_typ", proof(header={"typ": "JWT"}), {}),
    ("dpop_typ", proof(header={"typ": "at+jwt"}), {}),
    ("dpop_typ", proof(header={"typ": "dpop+jwt "}), {}),
    ("dpop_typ", proof(header={"typ": ["dpop+jwt"]}), {}),
    ("dpop_typ", proof(header={"typ": None}), {}),
    # D4
    ("dpop_alg", proof(header={"alg": ...}), {}),
    ("dpop_alg", proof(header={"alg": "none"}), {}),
    ("dpop_alg", proof(header={"alg": "None"}), {}),
    ("dpop_alg", proof(header={"alg": "HS256"}), {}),
    ("dpop_alg", proof(header={"alg": ["ES256"]}), {}),
    ("dpop_alg", proof(header={"alg": "es256"}), {}),
    ("dpop_alg", proof(), {"demand": ProofDemand(algorithms=frozenset({"ES384"}))}),
    (
        "dpop_alg",
        proof(holder("HS256")),
        {"demand": ProofDemand(algorithms=frozenset({"ES256"})), "confirmation": bound()},
    ),
    # D5
    ("dpop_jwk", proof(header={"jwk": ...}), {}),
    ("dpop_jwk", proof(header={"jwk": None}), {}),
    ("dpop_jwk", proof(header={"jwk": [POINT]}), {}),
    ("dpop_jwk", proof(header={"jwk": {}}), {}),
    ("dpop_jwk", proof(header={"jwk": {"keys": [POINT]}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "x-deep": nested(30)}}), {}),
    ("dpop_malformed", proof(header={"jwk": {**POINT, "x-deep": nested(31)}}), {}),
    ("dpop_jwk", proof(header={"jwk": private_jwk(HOLDER)}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "d": "AA"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "k": "AA"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "kty": "RSA"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "crv": "P-384"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "crv": "secp256k1"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "crv": "X25519", "kty": "OKP"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "x": POINT["y"]}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "x": b64(b"\0" + unb64(str(POINT["x"])))}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "use": "enc"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "key_ops": ["sign"]}}), {}),
    ("dpop_jwk", proof(header={"jwk": {**POINT, "alg": "ES384"}}), {}),
    ("dpop_jwk", proof(header={"jwk": {"kty": "oct", "k": b64(b"k" * 31 + b"x")}}), {}),
    ("dpop_jwk", proof(header={"jwk": holder("RS256").jwk()}), {}),
    ("dpop_jwk", proof(holder("ES384"), header={"alg": "ES256"}), {"confirmation": bound(holder("ES384"))}),
    ("dpop_jwk", proof(Signer("RS256", rsa_private(bits=1024), kid=None)), {}),
    # D6
    ("dpop_signature", with_signature(lambda s: bytes(64)), {}),
    ("dpop_signature", with_signature(lambda s: s[:-1] + bytes([s[-1] ^ 1])), {}),
    ("dpop_signature", with_signature(lambda s: s[:-1]), {}),
    ("dpop_signature", with_signature(lambda s: b""), {}),
    ("dpop_signature", proof(THIEF, header={"jwk": POINT}), {}),
    # D7
    *(("dpop_claims", proof(**{name: ...}), {}) for name in ("jti", "htm", "htu", "iat")),
    *(("dpop_claims", proof(**{name: None}), {}) for name in ("jti", "htm", "htu", "iat", "nonce", "exp", "nbf")),
    *(("dpop_claims", proof(**{name: 5}), {}) for name in ("jti", "htm", "htu", "nonce")),
    *(("dpop_claims", proof(**{name: ""}), {}) for name in ("jti", "htm", "htu", "nonce")),
    *(("dpop_claims", proof(**{name: [URI]}), {}) for name in ("jti", "htm", "htu", "iat")),
    *(("dpop_claims", proof(**{name: True}), {}) for name in ("iat", "exp", "nbf")),
    *(("dpop_claims", proof(**{name: str(NOW)}), {}) for name in ("iat", "exp", "nbf")),
    ("dpop_claims", proof(jti="j" * (MAX_JTI_BYTES + 1)), {}),
    ("dpop_claims", proof(jti="é" * (MAX_JTI_BYTES // 2) + "j"), {}),
    # D8
    ("dpop_htm", proof(htm="post"), {}),
    ("dpop_htm", proof(htm="GET"), {}),
    ("dpop_htm", proof(htm="POST "), {}),
    ("dpop_htm", proof(), {"method": "GET"}),
    ("dpop_htm", proof(), {"method": None}),
    # D9
    ("dpop_htu", proof(htu="https://api.example/pay/"), {}),
    ("dpop_htu", proof(htu="https://api.example/Pay"), {}),
    ("dpop_htu", proof(htu="http://api.example/pay"), {}),
    ("dpop_htu", proof(htu="https://evil.example/pay"), {}),
    ("dpop_htu", proof(htu="https://api.example@evil.example/pay"), {}),
    ("dpop_htu", proof(htu="/pay"), {}),
    ("dpop_htu", proof(), {"uri": "https://api.example/refund"}),
    ("dpop_htu", proof(), {"uri": None}),
    ("dpop_htu", proof(), {"uri": ""}),
    ("dpop_htu", proof(), {"uri": "/pay"}),
    ("dpop_htu", proof(htu="/pay"), {"uri": "/pay"}),
    # D10
    ("dpop_stale", proof(iat=NOW - 61), {}),
    ("dpop_stale", proof(iat=-(10**126)), {}),
    ("dpop_stale", proof(exp=NOW), {}),
    ("dpop_not_yet_valid", proof(iat=NOW + 1), {}),
    ("dpop_not_yet_valid", proof(iat=10**127), {}),
    ("dpop_not_yet_valid", proof(nbf=NOW + 1), {}),
    ("dpop_not_yet_valid", proof(), {"now": math.nan}),
    # D11
    ("dpop_nonce", proof(), {"nonce": "n1"}),
    ("dpop_nonce", proof(nonce="n2"), {"nonce": "n1"}),
    ("dpop_nonce", proof(nonce="n1"), {"nonce": "N1"}),
    ("dpop_nonce", proof(nonce="n1"), {"nonce": ""}),
    ("dpop_nonce", proof(nonce="n1"), {"demand": ProofDemand(algorithms=ALGORITHMS, nonce_required=True)}),
    ("dpop_nonce", proof(), {"demand": ProofDemand(algorithms=ALGORITHMS, nonce_required=True), "nonce": "n1"}),
    # D12
    ("dpop_ath", proof(ath=...), {}),
    ("dpop_ath", proof(ath=None), {}),
    ("dpop_ath", proof(ath=[ath()]), {}),
    ("dpop_ath", proof(ath=ath() + "="), {}),
    ("dpop_ath", proof(ath=ath(TOKEN + "x")), {}),
    ("dpop_ath", proof(), {"token": TOKEN + "x"}),
    ("dpop_ath", proof(), {"token": TOKEN + "é"}),
    ("dpop_ath", proof(), {"token": TOKEN + "\ud800"}),
    # D13
    ("missing", proof(), {"confirmation": None}),
    ("missing", proof(), {"confirmation": ...}),
    ("missing", proof(), {"confirmation": []}),
    ("missing", proof(), {"confirmation": "jkt"}),
    ("missing", proof(), {"confirmation": {}}),
    ("missing", proof(), {"confirmation": {"jkt": None}}),
    ("missing", proof(), {"confirmation": {"jkt": ""}}),
    ("missing", proof(), {"confirmation": {"jkt": 5}}),
    ("missing", (), {"confirmation": {}}),
    ("mismatch", proof(THIEF), {}),
    ("mismatch", proof(), {"confirmation": bound(THIEF)}),
    ("mismatch", proof(), {"confirmation": {"jkt": str(bound()["jkt"]).swapcase()}}),
    ("mismatch", proof(), {"confirmation": {"jkt": str(bound()["jkt"]) + "="}}),
    ("mismatch", proof(), {"confirmation": {"jkt": "\ud800é"}}),
    # M6
    ("unsupported", proof(), {"confirmation": {"x5t#S256": bound()["jkt"]}}),
    ("unsupported", proof(), {"confirmation": {"jwk": POINT}}),
    ("unsupported", proof(), {"confirmation": {"kid": "k"}}),
    ("unsupported", proof(), {"confirmation": {"unheard-of": 1}}),
    ("unsupported", proof(), {"confirmation": {**bound(), "x5t#S256": "x"}}),
    ("unsupported", proof(), {"confirmation": {**bound(), "jwk": POINT}}),
    # D15
    ("downgrade", (), {"scheme": "Bearer"}),
    ("downgrade", proof(), {"scheme": "Bearer"}),
    ("downgrade", proof(), {"scheme": "bearer"}),
    ("downgrade", proof(), {"scheme": ""}),
    ("downgrade", proof(), {"scheme": "DPoP2"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "proofs", "changes"), ROWS, ids=[f"{at}-{row[0]}" for at, row in enumerate(ROWS)])
def test_the_table(code: str, proofs: str | tuple[str, ...], changes: dict[str, Any]) -> None:
    given = (proofs,) if isinstance(proofs, str) else proofs
    found = refused(check, *given, **changes)
    assert found.code == f"holder.{code}"
    shown = f"{found}{found.help}"
    for secret in (TOKEN, URI, "p1", "evil.example", str(POINT["x"]), str(bound()["jkt"])):
        assert secret not in shown


def test_each_code_of_proofs_has_a_row() -> None:
    assert {code for code, _, _ in ROWS} == {
        *("dpop_count", "dpop_malformed", "dpop_typ", "dpop_alg", "dpop_jwk", "dpop_signature", "dpop_claims"),
        *("dpop_htm", "dpop_htu", "dpop_stale", "dpop_not_yet_valid", "dpop_nonce", "dpop_ath"),
        *("missing", "mismatch", "unsupported", "downgrade"),
    }


@pytest.mark.parametrize("confirmation", [{**bound(), "kid": "k"}, {**bound(), "unheard-of": {"jkt": "x"}}])
def test_members_that_name_no_key_are_ignored(confirmation: dict[str, object]) -> None:
    assert check(proof(), confirmation=confirmation).thumbprint == bound()["jkt"]


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", None])
def test_the_scheme_has_no_case(scheme: str | None) -> None:
    assert check(proof(), scheme=scheme).jti == "p1"


def test_a_foreign_key_costs_no_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    from policyjwt.tokens.key import Key

    asked: list[str] = []
    monkeypatch.setattr(Key, "verifier", lambda key, alg: asked.append(alg))
    assert refused(check, proof(THIEF)).code == "holder.mismatch"
    assert asked == []


def test_what_is_wrong_is_told_in_the_order_of_the_checks() -> None:
    wrong = proof(htm="GET", htu="https://evil.example/", iat=NOW - 999, ath="x")
    assert refused(check, wrong).code == "holder.dpop_htm"
    assert refused(check, wrong, method="GET").code == "holder.dpop_htu"
    assert refused(check, wrong, method="GET", uri="https://evil.example").code == "holder.dpop_stale"
    later = {"method": "GET", "uri": "https://evil.example", "now": NOW - 999}
    assert refused(check, wrong, **later, nonce="n").code == "holder.dpop_nonce"
    assert refused(check, wrong, **later).code == "holder.dpop_ath"


def test_help_says_what_the_service_forgot() -> None:
    assert "Context(dpop=…)" in (refused(check).help or "")
    assert "Context(method=…)" in (refused(check, proof(), method=None).help or "")
    assert "Context(uri=…)" in (refused(check, proof(), uri=None).help or "")
    assert "use_dpop_nonce" in (refused(check, proof(), nonce="n").help or "")


def test_a_key_that_is_absent_is_told_from_one_that_is_unsound() -> None:
    assert "absent" in refused(check, proof(header={"jwk": ...})).actual
    assert "private" in refused(check, proof(header={"jwk": private_jwk(HOLDER)})).actual
    assert "point" in refused(check, proof(header={"jwk": {**POINT, "x": POINT["y"]}})).actual


def test_the_algorithm_is_shown_and_escaped() -> None:
    assert refused(check, proof(header={"alg": "ES\n`256"})).actual == "in the proof `alg` is `ES\\n\\`256`"


# --- times and nonces ---------------------------------------------------------------------------------------

SKEWED = ProofDemand(algorithms=ALGORITHMS, max_age=60, skew=5)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iat": NOW - 64.999}, None),
        ({"iat": NOW - 65}, None),
        ({"iat": NOW - 65.001}, "holder.dpop_stale"),
        ({"iat": NOW + 4.999}, None),
        ({"iat": NOW + 5}, None),
        ({"iat": NOW + 5.001}, "holder.dpop_not_yet_valid"),
        ({"exp": NOW - 4.999}, None),
        ({"exp": NOW - 5}, "holder.dpop_stale"),
        ({"exp": NOW - 5.001}, "holder.dpop_stale"),
        ({"nbf": NOW + 4.999}, None),
        ({"nbf": NOW + 5}, None),
        ({"nbf": NOW + 5.001}, "holder.dpop_not_yet_valid"),
    ],
)
def test_the_bounds_of_times(changes: dict[str, object], code: str | None) -> None:
    if code is None:
        assert check(proof(**changes), demand=SKEWED).jti == "p1"
    else:
        assert refused(check, proof(**changes), demand=SKEWED).code == code


@pytest.mark.parametrize(
    ("changes", "ends"), [({}, NOW + 65), ({"exp": NOW + 20}, NOW + 25), ({"exp": NOW + 900}, NOW + 65)]
)
def test_until_when_it_is_good(changes: dict[str, object], ends: float) -> None:
    text = proof(**changes)
    assert good_until(check(text, demand=SKEWED), SKEWED) == ends
    assert check(text, demand=SKEWED, now=ends - 0.001).jti == "p1"
    assert refused(check, text, demand=SKEWED, now=ends + 0.001).code == "holder.dpop_stale"


@pytest.mark.parametrize("required", [True, False])
def test_a_nonce_of_the_service(*, required: bool) -> None:
    demand = ProofDemand(algorithms=ALGORITHMS, nonce_required=required)
    assert check(proof(nonce="n1"), demand=demand, nonce="n1").nonce == "n1"


# --- bad calls ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        {"algorithms": frozenset()},
        {"algorithms": frozenset({"none"})},
        {"algorithms": frozenset({"HS256"})},
        {"algorithms": frozenset({"HS256", "ES256"})},
        *({"algorithms": ALGORITHMS, "max_age": age} for age in (0, -1, math.inf, math.nan)),
        *({"algorithms": ALGORITHMS, "skew": skew} for skew in (-1, math.inf, math.nan)),
    ],
)
def test_a_demand_that_no_proof_could_be_judged_by(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"algorithm|secret|age"):
        ProofDemand(**parts)


@pytest.mark.parametrize("proofs", ["a.b.c", b"a.b.c", [b"a.b.c"], [None]])
def test_proofs_are_a_list_of_texts(proofs: Any) -> None:
    with pytest.raises(TypeError, match="list of texts"):
        check_proof(proofs, demand=DEMAND, confirmation=bound(), now=NOW, **SENT)


def test_a_text_of_another_class_is_read_as_what_it_is() -> None:
    class Odd(str):
        __slots__ = ()

        def __len__(self) -> int:
            return 1

    assert check(Odd(proof())).jti == "p1"
    assert refused(check, Odd(proof(pad="x" * MAX_PROOF_CHARACTERS))).code == "holder.dpop_malformed"


def test_nothing_of_a_proof_is_remembered() -> None:
    before = dict(_known_headers)
    check(proof(header={"kid": "only in this test"}))
    assert _known_headers == before


# --- any text, any key, any claims --------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "k", "d", "alg", "use", "key_ops", "kid", "oth", "keys"])
VALUES = JSON | st.sampled_from(
    ["EC", "RSA", "OKP", "oct", "P-256", "P-521", "Ed25519", "ES256", "AQAB", str(POINT["x"])]
)


def only_ours(text: str, **changes: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        check(text, **changes)
    assert caught.value.code.startswith("holder.")


@given(st.text() | st.text(alphabet='ey0J.-_={}"', max_size=40))
def test_any_text(text: str) -> None:
    only_ours(text)


@given(st.dictionaries(MEMBERS, VALUES, max_size=8) | JSON)
def test_any_key(members: object) -> None:
    if members != POINT:
        only_ours(proof(header={"jwk": members}))


@given(st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "exp", "nbf", "nonce", "ath"]), JSON, max_size=8))
def test_any_claims(members: dict[str, object]) -> None:
    only_ours(proof(**{**dict.fromkeys(claims(), ...), **members}))


@given(JSON, st.text() | st.none(), st.text() | st.none())
def test_any_confirmation_and_request(confirmation: object, method: str | None, uri: str | None) -> None:
    only_ours(proof(), confirmation=confirmation, method=method, uri=uri)
    only_ours(proof(), method=method, uri=uri)


def test_keys_of_other_curves_are_no_keys_here() -> None:
    odd = Signer("ES256", ec.generate_private_key(ec.SECP256K1()), kid=None)
    assert refused(check, proof(odd), confirmation=bound(odd)).code == "holder.dpop_jwk"
