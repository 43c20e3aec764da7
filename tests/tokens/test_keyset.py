"""Sets of keys: what is read from JWKS and PEM, and which key a token gets. K08, K10, K13 to K15, K25 to K28."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused, PolicyJwtError, TokenRefused
from policyjwt.tokens import KeySet, verify
from policyjwt.tokens import jwk as jwk_sets
from policyjwt.tokens.jwk import Foreign, read_entries
from policyjwt.tokens.key import material_of
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES, MAX_KEYS
from tests.tokens.minting import (
    SECRET,
    Signer,
    accepted,
    b64,
    changed,
    key_refusal,
    refusal,
    rsa_private,
    signer,
    thumbprint,
    unb64,
)

E1, E2, R1, D1, M1 = signer("ES256"), signer("ES256", other=2), signer("RS256"), signer("Ed25519"), signer("HS256")


def jwks(*keys: dict[str, Any]) -> KeySet:
    return KeySet.from_jwks({"keys": list(keys)})


def named(one: Signer, kid: str | None) -> dict[str, Any]:
    return {name: value for name, value in one.jwk(kid=kid).items() if name != "kid" or kid is not None}


# --- selection -----------------------------------------------------------------------------------------


def test_K28_one_key_and_no_kid_in_the_token() -> None:  # noqa: N802 - the row's own name
    token = E1.token(header={"alg": "ES256"})
    assert accepted(token, jwks(E1.jwk()), ["ES256"]).key.kid == "e1"
    assert accepted(token, jwks(E1.jwk(), R1.jwk(kid="r1")), ["ES256", "RS256"]).key.kid == "e1"


def test_K28_rotation() -> None:  # noqa: N802
    keys = jwks(E1.jwk(kid="old"), E2.jwk(kid="new"))
    for one, kid in ((E1, "old"), (E2, "new")):
        assert accepted(one.token(kid=kid), keys, ["ES256"]).key.kid == kid
    assert refusal(E1.token(kid="new"), keys, ["ES256"]) == "signature.invalid"


def test_K10_no_kid_and_several_keys() -> None:  # noqa: N802
    keys = jwks(E1.jwk(kid="a"), E2.jwk(kid="b"))
    assert refusal(E1.token(header={"alg": "ES256"}), keys, ["ES256"]) == "key.ambiguous"
    assert (
        refusal(E1.token(header={"alg": "ES256"}), jwks(named(E1, None), named(E2, None)), ["ES256"]) == "key.ambiguous"
    )


def test_no_key_fits() -> None:
    assert refusal(D1.token(header={"alg": "Ed25519"}), E1.keys, ["Ed25519"]) == "key.usage"
    assert refusal(D1.token(kid="other"), E1.keys, ["Ed25519"]) == "key.unknown_kid"
    assert refusal(D1.token(), jwks(E1.jwk(), D1.jwk(kid="d1")), ["Ed25519", "ES256"]) == "key.usage"


KIDS = ("' UNION SELECT 'k' --", "e1\r\nX: y", "${jndi:ldap://x}", "{{7*7}}", "e1\0", "k" * 20_000, "../e1", "")
ALIKE = ("E1", "e1 ", " e1", "e\u0661", "\uff45\uff11", "e1\u200b")


@pytest.mark.parametrize("kid", [*KIDS, *ALIKE], ids=range(len(KIDS) + len(ALIKE)))
def test_K08_K15_kids_are_compared_exactly_and_never_shown(kid: str) -> None:  # noqa: N802
    token = E1.token(header={"alg": "ES256", "kid": kid})
    with pytest.raises(TokenRefused) as caught:
        verify(token, E1.keys, ["ES256"])
    assert caught.value.code == "key.unknown_kid"
    assert str(caught.value) == (
        "key.unknown_kid: no key of the source has the `kid` of the token; a `kid` of the source"
    )


def test_K15_composed_and_decomposed() -> None:  # noqa: N802
    keys = jwks(E1.jwk(kid="\u00e9"))
    assert accepted(E1.token(kid="\u00e9"), keys, ["ES256"]).key.kid == "\u00e9"
    assert refusal(E1.token(kid="e\u0301"), keys, ["ES256"]) == "key.unknown_kid"


def test_a_key_without_kid_answers_to_any_kid_if_it_alone_fits() -> None:
    for keys in (jwks(named(E1, None)), jwks(named(E1, None), R1.jwk(kid="r")), KeySet.from_pem(E1.pem())):
        assert accepted(E1.token(kid="anything"), keys, ["ES256"]).key.kid is None
    secret = KeySet.from_secret(SECRET + b"0")
    assert accepted(M1.token(kid="anything"), secret, ["HS256"]).key.kid is None


def test_not_if_another_key_fits_too() -> None:
    keys = jwks(named(E1, None), E2.jwk(kid="e2"))
    assert refusal(E1.token(kid="anything"), keys, ["ES256"]) == "key.unknown_kid"
    assert refusal(E1.token(kid="e2"), keys, ["ES256"]) == "signature.invalid"


def test_of_several_the_kid_is_the_thumbprint() -> None:
    for keys in (jwks(named(E1, None), named(E2, None)), KeySet.from_pem(E1.pem() + E2.pem())):
        for one in (E1, E2):
            key = accepted(one.token(kid=thumbprint(one.jwk())), keys, ["ES256"]).key
            assert key.thumbprint == thumbprint(one.jwk())
        assert refusal(E1.token(kid=thumbprint(E2.jwk())), keys, ["ES256"]) == "signature.invalid"
        assert refusal(E1.token(kid="e1"), keys, ["ES256"]) == "key.unknown_kid"


def test_the_thumbprint_is_no_name_of_a_key_that_has_one() -> None:
    keys = jwks(E1.jwk(kid="e1"), E2.jwk(kid="e2"))
    assert refusal(E1.token(kid=thumbprint(E1.jwk())), keys, ["ES256"]) == "key.unknown_kid"


def test_a_thumbprint_of_a_key_for_another_algorithm() -> None:
    keys = jwks(named(E1, None), named(R1, None), named(E2, None))
    assert refusal(E1.token(kid=thumbprint(R1.jwk())), keys, ["ES256", "RS256"]) == "key.usage"


def test_two_forms_of_one_key_without_kid_are_ambiguous() -> None:
    keys = jwks(named(E1, None), named(E1, None))
    assert refusal(E1.token(kid=thumbprint(E1.jwk())), keys, ["ES256"]) == "key.ambiguous"


def test_an_algorithm_outside_the_table_finds_no_key() -> None:
    with pytest.raises(TokenRefused, match="this algorithm"):
        E1.keys.select(None, "none")
    with pytest.raises(TokenRefused, match="this algorithm"):
        E1.keys.keys[0].verifier("none")


# --- sets ----------------------------------------------------------------------------------------------


def test_K13_two_keys_with_one_kid() -> None:  # noqa: N802
    assert key_refusal(jwks, E1.jwk(), E2.jwk()) == "key.ambiguous"
    assert key_refusal(jwks, E1.jwk(), R1.jwk()) == "key.ambiguous"
    assert key_refusal(KeySet, E1.keys.keys * 2) == "key.ambiguous"


def test_K13_a_kid_twice_is_two_keys_only_if_both_are_for_signatures() -> None:  # noqa: N802
    assert len(jwks(E1.jwk(), R1.jwk(use="enc")).keys) == 1


def test_K14_secrets_and_public_keys() -> None:  # noqa: N802
    assert key_refusal(jwks, E1.jwk(), M1.jwk(kid="m1")) == "key.type_confusion"
    assert key_refusal(KeySet, E1.keys.keys + KeySet.from_secret(SECRET, kid="m").keys) == "key.type_confusion"
    assert key_refusal(jwks, E1.jwk(), M1.jwk(kid="m1", use="enc")) == "key.type_confusion"


def test_several_secrets() -> None:
    keys = KeySet(tuple(signer("HS256", other=n).keys.keys[0] for n in (0,)) + KeySet.from_secret(SECRET, kid="n").keys)
    assert accepted(M1.token(), keys, ["HS256"]).key.kid == "e1"


def test_K25_private_members() -> None:  # noqa: N802
    for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"):
        for one in (E1, R1, D1):
            with pytest.raises(KeyRefused) as caught:
                jwks(E2.jwk(kid="first"), one.jwk(**{name: "geheim"}))
            assert caught.value.code == "key.private_in_public_set"
            assert "geheim" not in f"{caught.value} {caught.value!r} {caught.value.__dict__}"
    # even where the key is for something else, or of no known kind
    for extra in ({"use": "enc"}, {"kty": "AKP"}, {"alg": "RSA-OAEP"}, {"key_ops": ["decrypt"]}):
        assert key_refusal(jwks, E1.jwk(), R1.jwk(d="x", **extra)) == "key.private_in_public_set"


FOREIGN: list[dict[str, Any]] = [
    {"use": "enc"},
    {"use": "other"},
    {"key_ops": ["encrypt"]},
    {"key_ops": ["sign"]},
    {"key_ops": []},
    {"alg": "RSA-OAEP-256"},
    {"alg": "ES521"},
    {"alg": "none"},
    {"kty": "AKP"},
    {"kty": "rsa"},
]


@pytest.mark.parametrize("members", FOREIGN, ids=str)
def test_K27_keys_for_other_things_are_passed_over_and_counted(members: dict[str, Any]) -> None:  # noqa: N802
    keys = jwks(E1.jwk(), changed(R1.jwk(kid="r1"), **members))
    assert (len(keys.keys), keys.skipped) == (1, 1)
    assert refusal(R1.token(kid="r1"), keys, ["RS256"]) == "key.unknown_kid"
    with pytest.raises(KeyRefused, match="all 1 are for other things") as caught:
        jwks(changed(R1.jwk(), **members))
    assert caught.value.code == "key.usage"


def test_use_and_operations_that_allow_signatures() -> None:
    for members in ({"use": "sig"}, {"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"], "use": "sig"}):
        assert accepted(R1.token(), jwks(R1.jwk(**members)), ["RS256"]).key.kind == "RSA"


def test_X25519_is_foreign() -> None:  # noqa: N802
    jwk = {"kty": "OKP", "crv": "X25519", "x": b64(bytes(32))}
    assert isinstance(read_entries(jwk)[0], Foreign)
    assert jwks(jwk, E1.jwk()).skipped == 1


MALFORMED: dict[str, Any] = {
    "no JSON": "{",
    "no UTF-8": b'{"keys":[\xff]}',
    "duplicate name": '{"keys":[],"keys":[]}',
    "duplicate in a key": '{"keys":[{"kty":"EC","kty":"RSA"}]}',
    "NaN": '{"keys":[NaN]}',
    "a list": "[]",
    "text": '"keys"',
    "keys missing": "{}",
    "keys null": '{"keys":null}',
    "keys an object": '{"keys":{}}',
    "a key that is text": '{"keys":["x"]}',
    "a key that is null": '{"keys":[null]}',
    "kty missing": '{"keys":[{}]}',
    "kty null": '{"keys":[{"kty":null}]}',
    "kty a number": '{"keys":[{"kty":1}]}',
    "kid a number": {"keys": [E1.jwk(kid=1)]},
    "alg a list": {"keys": [E1.jwk(alg=["ES256"])]},
    "use a list": {"keys": [E1.jwk(use=["sig"])]},
    "key_ops text": {"keys": [E1.jwk(key_ops="verify")]},
    "key_ops with a number": {"keys": [E1.jwk(key_ops=[1])]},
    "key_ops twice": {"keys": [E1.jwk(key_ops=["verify", "verify"])]},
    "x missing": {"keys": [{"kty": "EC", "crv": "P-256", "y": "AA"}]},
    "crv missing": {"keys": [{"kty": "EC", "x": "AA", "y": "AA"}]},
    "x a number": {"keys": [E1.jwk(x=1)]},
    "x with padding": {"keys": [E1.jwk(x=str(E1.jwk()["x"]) + "=")]},
    "x in the standard alphabet": {"keys": [E1.jwk(x="+" * 43)]},
    "x with white space": {"keys": [E1.jwk(x=" " + str(E1.jwk()["x"]))]},
    "n missing": {"keys": [{"kty": "RSA", "e": "AQAB"}]},
    "k missing": {"keys": [{"kty": "oct"}]},
    "too many": {"keys": [{}] * (MAX_KEYS + 1)},
    "too long": " " * (MAX_KEY_SET_BYTES + 1),
    "too deep": '{"keys":' + "[" * 50_000,
    "a mapping with an object": {"keys": [object()]},
    "a mapping with NaN": {"keys": [float("nan")]},
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_sets(text: Any) -> None:
    assert key_refusal(KeySet.from_jwks, text) == "key.malformed"


def test_an_endless_mapping() -> None:
    endless: dict[str, Any] = {}
    endless["keys"] = endless
    assert key_refusal(KeySet.from_jwks, endless) == "key.malformed"


@pytest.mark.parametrize("source", [None, 5, ["x"], object()])
def test_a_set_is_text_or_a_mapping(source: Any) -> None:
    with pytest.raises(TypeError):
        KeySet.from_jwks(source)


def test_an_empty_set() -> None:
    assert key_refusal(jwks) == "key.usage"
    assert key_refusal(KeySet, ()) == "key.usage"
    with pytest.raises(TypeError):
        KeySet([E1.keys.keys[0]])  # type: ignore[arg-type] # what must not work
    with pytest.raises(TypeError):
        KeySet(("x",))  # type: ignore[arg-type] # what must not work


def test_a_single_jwk_and_text_and_bytes() -> None:
    for source in (E1.jwk(), json.dumps(E1.jwk()), json.dumps({"keys": [E1.jwk()]}).encode()):
        assert KeySet.from_jwks(source, reference="here").keys[0].reference == "here"
    assert repr(E1.keys) == "<KeySet of 1>"


def test_the_place_of_a_bad_key_is_said() -> None:
    with pytest.raises(KeyRefused, match=r"^key\.weak: key 2 of 3: a secret of 1 bytes"):
        jwks(M1.jwk(), {"kty": "oct", "k": "AA"}, {"kty": "oct", "k": "AA"})


# --- PEM -----------------------------------------------------------------------------------------------


def certificate(one: Signer, *, signs: bool | None = None) -> bytes:
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")]), datetime(2020, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(one.public)
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    if signs is not None:
        usage = x509.KeyUsage(signs, False, not signs, False, False, False, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(rsa_private(other=7), hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed448"])
def test_certificates_and_public_keys(alg: str) -> None:
    one = signer(alg)
    for pem in (one.pem(), certificate(one), certificate(one, signs=True), one.pem().replace(b"\n", b"\r\n")):
        key = accepted(one.token(), KeySet.from_pem(pem, reference="file:x"), [alg]).key
        assert (key.kid, key.reference, key.thumbprint) == (None, "file:x", thumbprint(one.jwk()))


def test_a_certificate_that_may_not_sign() -> None:
    assert key_refusal(KeySet.from_pem, certificate(R1, signs=False)) == "key.usage"


def test_several_in_one_file_with_comments() -> None:
    text = b"# ours\n" + E1.pem() + b"\nsubject: x\n" + certificate(E2) + b"\n\n" + D1.pem()
    assert [key.curve for key in KeySet.from_pem(text).keys] == ["P-256", "P-256", "Ed25519"]


def test_PKCS1() -> None:  # noqa: N802
    pem = R1.public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert KeySet.from_pem(pem).keys[0].material_id == R1.keys.keys[0].material_id


def test_a_key_for_PSS_alone() -> None:  # noqa: N802
    """RFC 4055: the algorithm of the key is id-RSASSA-PSS. Built by hand: cryptography writes rsaEncryption."""
    import base64

    der = R1.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    plain = bytes.fromhex("300d06092a864886f70d0101010500")
    pss = bytes.fromhex("300b06092a864886f70d01010a")
    body = der[der.index(plain) :].replace(plain, pss, 1)
    der = b"\x30\x82" + len(body).to_bytes(2, "big") + body
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
    keys = KeySet.from_pem(pem)
    assert keys.keys[0].algorithms == {"PS256", "PS384", "PS512"}
    assert accepted(R1.token(alg="PS256"), keys, ["PS256"]).key is keys.keys[0]
    assert refusal(R1.token(header={"alg": "RS256"}), keys, ["RS256"]) == "key.usage"


def _private() -> Iterator[bytes]:
    for one in (R1, E1, D1):
        for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH):
            if one is D1 and form is PrivateFormat.TraditionalOpenSSL:
                continue
            yield one.private.private_bytes(Encoding.PEM, form, NoEncryption())


@pytest.mark.parametrize("pem", [*_private()])
def test_K25_private_keys(pem: bytes) -> None:  # noqa: N802
    for text in (pem, E1.pem() + pem, pem + E1.pem()):
        with pytest.raises(KeyRefused) as caught:
            KeySet.from_pem(text)
        assert caught.value.code == "key.private_in_public_set"
        assert pem.split(b"\n")[1].decode() not in repr(caught.value)


BAD_PEM = {
    "nothing": b"",
    "text": b"hello",
    "cut": E1.pem()[:-20],
    "only a beginning": b"-----BEGIN PUBLIC KEY-----\n",
    "only an end": b"-----END PUBLIC KEY-----\n",
    "another label at the end": E1.pem().replace(b"END PUBLIC", b"END RSA PUBLIC"),
    "two beginnings": E1.pem().replace(b"END", b"BEGIN"),
    "no base64": b"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
    "empty block": b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
    "no key": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "no certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "parameters": b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + E1.pem(),
    "a request": b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    "too long": b" " * (MAX_KEY_SET_BYTES + 1),
    "too many": E1.pem() * (MAX_KEYS + 1),
    "DER": E1.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
}


@pytest.mark.parametrize("pem", BAD_PEM.values(), ids=BAD_PEM.keys())
def test_malformed_PEM(pem: bytes) -> None:  # noqa: N802
    assert key_refusal(KeySet.from_pem, pem) == "key.malformed"


def test_PEM_is_bytes() -> None:  # noqa: N802
    with pytest.raises(TypeError):
        KeySet.from_pem(E1.pem().decode())  # type: ignore[arg-type] # what must not work


def test_a_huge_RSA_key_in_PEM_is_refused_before_it_verifies() -> None:  # noqa: N802
    huge = rsa.RSAPublicNumbers(65537, (1 << 16500) | 1).public_key()
    pem = huge.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert key_refusal(KeySet.from_pem, pem) in ("key.invalid", "key.malformed")


# --- laws ----------------------------------------------------------------------------------------------

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=4), max_size=2)
MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "k", "d", "kid", "alg", "use", "key_ops", "x5c", "foo"])


@given(st.sampled_from([E1, R1, D1, M1]), st.dictionaries(MEMBERS, VALUES, max_size=3))
def test_no_mutated_key_raises_anything_foreign(one: Signer, members: dict[str, Any]) -> None:
    try:
        keys = jwks({**one.jwk(), **members})
    except KeyRefused:
        return
    assert keys.keys[0].algorithms
    with suppress(TokenRefused):
        verify(one.token(), keys, [one.alg])


@given(st.text() | st.binary())
def test_no_text_raises_anything_foreign(text: str | bytes) -> None:
    for read in (
        KeySet.from_jwks,
        lambda t: KeySet.from_pem(t if isinstance(t, bytes) else t.encode("utf-8", "replace")),
    ):
        with pytest.raises(PolicyJwtError):
            read(text)


@given(st.data())
def test_no_changed_PEM_raises_anything_foreign(data: st.DataObject) -> None:  # noqa: N802
    pem = data.draw(st.sampled_from([E1.pem(), R1.pem(), CERTIFICATE]))
    at = data.draw(st.integers(0, len(pem)))
    text = pem[:at] + data.draw(st.binary(max_size=4)) + pem[at + data.draw(st.integers(0, 4)) :]
    with suppress(KeyRefused):
        KeySet.from_pem(text)


CERTIFICATE = certificate(E1)


# --- which keys a set names, whatever else is wrong with it ----------------------------------------------


E1_IS, E2_IS, R1_IS, D1_IS = (jwks(one.jwk()).keys[0].material_id for one in (E1, E2, R1, D1))
OTHER_CURVE = material_of("EC", f"P-384:{b64(bytes(16) + unb64(str(E1.jwk()['x'])))}")
NAMED: dict[str, tuple[list[Any], set[str]]] = {
    "sound": ([E1.jwk(), R1.jwk()], {E1_IS, R1_IS}),
    "an empty set": ([], set()),
    "a kid of two keys": ([E1.jwk(kid="same"), E2.jwk(kid="same")], {E1_IS, E2_IS}),
    "not in order, and the number can be read": ([E1.jwk() | {"y": "AA"}, R1.jwk() | {"e": "AQ"}], {E1_IS, R1_IS}),
    "leading zeros of RSA": ([R1.jwk() | {"n": b64(b"\0" + unb64(str(R1.jwk()["n"])))}], {R1_IS}),
    "leading zeros of EC": ([E1.jwk() | {"x": b64(b"\0" + unb64(str(E1.jwk()["x"])))}], {E1_IS}),
    "padded": ([E1.jwk() | {"x": f"{E1.jwk()['x']}="}], {E1_IS}),
    "no number": ([{"kty": "EC", "crv": "P-256", "kid": "e1"}], set()),
    "a number that is none": ([E1.jwk() | {"x": "~"}, R1.jwk() | {"n": 7}], set()),
    "a number beyond all bounds": ([R1.jwk() | {"n": "0Q" * 5000}], set()),
    "another curve": ([E1.jwk() | {"crv": "P-384"}], {OTHER_CURVE}),
    "for encryption": ([E1.jwk() | {"use": "enc"}], set()),
    "for encryption, by its operations": ([E1.jwk() | {"key_ops": ["deriveKey"]}], set()),
    "for encryption, by its algorithm": ([R1.jwk() | {"alg": "RSA-OAEP"}], set()),
    "of a kind that nobody knows": ([{"kty": "new", "kid": "e1", "x": E1.jwk()["x"]}], set()),
    "a secret": ([{"kty": "oct", "k": "AAAA", "kid": "e1"}], set()),
    "its private half": ([E1.jwk() | {"d": "AA"}], set()),
    "its private half, elsewhere in the set": ([D1.jwk(), D1.jwk(kid="other") | {"d": "AA"}, E1.jwk()], {E1_IS}),
    "what is no key": ([1, None, "e1", [], E1.jwk()], {E1_IS}),
}


@pytest.mark.parametrize("row", NAMED)
def test_which_keys_a_set_names(row: str) -> None:
    entries, materials = NAMED[row]
    assert jwk_sets.named(json.dumps({"keys": entries}).encode()) == materials


@pytest.mark.parametrize(("more", "named"), [({}, {E1_IS}), ({"d": "AA"}, set()), ({"use": "enc"}, set())])
def test_a_key_that_stands_alone_is_a_set(more: dict[str, Any], named: set[str]) -> None:
    assert jwk_sets.named(json.dumps(E1.jwk() | more).encode()) == named


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"keys": {}}', json.dumps({"keys": [{}] * (MAX_KEYS + 1)})])
def test_what_is_no_set_names_nothing(text: str) -> None:
    """An empty answer would withdraw every key of the issuer; no set is no answer."""
    with pytest.raises(KeyRefused):
        jwk_sets.named(text.encode())
