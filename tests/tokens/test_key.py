"""Quality of keys: K17 to K27 of the catalogue of attacks. A key that is not sound is refused when it is loaded."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import math
import pickle
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused
from policyjwt.tokens import KeySet
from policyjwt.tokens import jwk as jwk_module
from policyjwt.tokens import key as key_module
from policyjwt.tokens import key_checks as checks
from policyjwt.tokens.key import from_public_key, from_secret
from policyjwt.tokens.limits import MAX_RSA_BITS
from tests.tokens.minting import (
    ALL,
    SECRET,
    Signer,
    accepted,
    b64,
    changed,
    key_refusal,
    number,
    rsa_private,
    signer,
    thumbprint,
    unb64,
)


def jwk_refusal(jwk: dict[str, Any]) -> str:
    return key_refusal(KeySet.from_jwks, {"keys": [jwk]})


# --- RSA -----------------------------------------------------------------------------------------------

RSA = signer("RS256")
MODULUS = RSA.private.public_key().public_numbers().n


def rsa_jwk(*, n: int = MODULUS, e: int = 65537) -> dict[str, Any]:
    return {"kty": "RSA", "n": b64(number(n)), "e": b64(number(e))}


@pytest.mark.parametrize("bits", [512, 1024, 2047])
def test_K20_short_moduli(bits: int) -> None:  # noqa: N802 - the row's own name
    assert jwk_refusal(rsa_jwk(n=(1 << (bits - 1)) | 1)) == "key.weak"


def test_K20_a_real_key_of_1024_bits() -> None:  # noqa: N802
    weak = Signer("RS256", rsa_private(bits=1024))
    assert jwk_refusal(weak.jwk()) == "key.weak"
    assert key_refusal(KeySet.from_pem, weak.pem()) == "key.weak"


@pytest.mark.parametrize("e", [0, 1, 2, 4, 65536, 2**64 + 1, 2**2000 + 1])
def test_K21_bad_exponents(e: int) -> None:  # noqa: N802
    assert jwk_refusal(changed(rsa_jwk(), e=b64(number(e) or b"\0"))) == "key.invalid"


def test_K21_the_exponent_3_is_allowed() -> None:  # noqa: N802
    old = Signer("RS256", rsa_private(exponent=3))
    for alg in ("RS256", "PS256"):
        assert accepted(old.token(alg=alg), old.keys, [alg]).key.kind == "RSA"


def test_K21_even_and_huge_moduli(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    assert jwk_refusal(rsa_jwk(n=MODULUS + 1)) == "key.invalid"
    monkeypatch.setattr(checks, "gcd", lambda *_: pytest.fail("mathematics on a huge modulus"))
    assert jwk_refusal(rsa_jwk(n=(1 << MAX_RSA_BITS) | 1)) == "key.invalid"
    assert jwk_refusal(changed(rsa_jwk(), n="A" * 400_000)) == "key.invalid"
    assert jwk_refusal(changed(rsa_jwk(), e="B" * 400_000)) == "key.invalid"


def test_numbers_that_the_library_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    class _Refuses:
        def __init__(self, *_: int) -> None:
            raise ValueError("geheim")

    monkeypatch.setattr(jwk_module, "RSAPublicNumbers", _Refuses)
    with pytest.raises(KeyRefused, match=r"^key\.invalid: numbers that are no RSA key$"):
        KeySet.from_jwks(rsa_jwk())


@pytest.mark.parametrize("factor", [3, 5, 7, 53])
def test_a_modulus_with_a_small_factor(factor: int) -> None:
    assert jwk_refusal(rsa_jwk(n=(MODULUS | 1) * factor)) == "key.weak"


def _roca_modulus(seed: int) -> int:
    """A product of numbers of the form k·M + (65537^a mod M), as the affected library makes its primes."""
    source = random.Random(seed)
    product = math.prod(checks._ROCA_PRIMES) * 2
    while True:
        one, two = (
            source.getrandbits(1024 - 219) * product + pow(65537, source.getrandbits(60), product) for _ in range(2)
        )
        modulus = one * two
        if modulus % 2 and math.gcd(modulus, checks._SMALL_FACTORS) == 1 and modulus.bit_length() >= 2048:
            return modulus


@pytest.mark.parametrize("seed", range(5))
def test_K22_ROCA(seed: int) -> None:  # noqa: N802
    with pytest.raises(KeyRefused, match="CVE-2017-15361"):
        KeySet.from_jwks(rsa_jwk(n=_roca_modulus(seed)))


@given(st.integers(2**2047, 2**2048 - 1))
def test_K22_other_moduli_are_not_taken_for_it(modulus: int) -> None:  # noqa: N802
    assert not checks._is_roca(modulus)


def test_a_leading_zero_octet_is_the_same_key() -> None:
    padded = changed(rsa_jwk(), n=b64(b"\0" + number(MODULUS)), e="AAEAAQ")
    one, other = (KeySet.from_jwks(jwk).keys[0] for jwk in (rsa_jwk(), padded))
    assert (one.thumbprint, one.material_id) == (other.thumbprint, other.material_id)


def test_one_modulus_with_two_exponents_is_one_material() -> None:
    one, other = (KeySet.from_jwks(rsa_jwk(e=e)).keys[0] for e in (3, 65537))
    assert one.material_id == other.material_id
    assert one.thumbprint != other.thumbprint


# --- EC and OKP ----------------------------------------------------------------------------------------

EC = signer("ES256")


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_K19_points(alg: str) -> None:  # noqa: N802
    jwk = signer(alg).jwk()
    x = unb64(str(jwk["x"]))
    assert jwk_refusal(changed(jwk, y=jwk["x"])) == "key.invalid"  # off the curve
    zero = b64(bytes(len(x)))
    assert jwk_refusal(changed(jwk, x=zero, y=zero)) == "key.invalid"  # at infinity, in a way
    for other in (x[:-1], x[1:], b"\0" + x, x + b"\0", b""):
        assert jwk_refusal(changed(jwk, x=b64(other))) == "key.invalid"
    assert jwk_refusal(changed(jwk, x=b64(b"\xff" * len(x)))) == "key.invalid"  # beyond the field
    assert jwk_refusal({name: value for name, value in jwk.items() if name != "y"}) == "key.malformed"


def test_K19_a_short_coordinate_is_padded_by_its_writer() -> None:  # noqa: N802
    while True:
        one = Signer("ES256", ec.generate_private_key(ec.SECP256R1()))
        if unb64(str(one.jwk()["x"]))[0] == 0:
            break
    assert accepted(one.token(), one.keys, ["ES256"]).key.curve == "P-256"
    short = b64(unb64(str(one.jwk()["x"]))[1:])
    assert jwk_refusal(one.jwk(x=short)) == "key.invalid"


def test_K18_secp256k1_is_foreign() -> None:  # noqa: N802
    bitcoin = Signer("ES256", ec.generate_private_key(ec.SECP256K1()))
    assert jwk_refusal(bitcoin.jwk()) == "key.usage"
    assert KeySet.from_jwks({"keys": [bitcoin.jwk(), EC.jwk(kid="e2")]}).skipped == 1
    assert key_refusal(KeySet.from_pem, bitcoin.pem()) == "key.usage"


@pytest.mark.parametrize(
    ("said", "own"),
    [("ES384", "ES256"), ("ES256", "ES512"), ("EdDSA", "ES256"), ("RS256", "ES256"), ("HS256", "ES256")],
)
def test_K18_alg_and_curve_of_a_key_that_contradict(said: str, own: str) -> None:  # noqa: N802
    assert jwk_refusal(signer(own).jwk(alg=said)) == "key.usage"


def test_K18_alg_of_the_other_edwards_curve() -> None:  # noqa: N802
    assert jwk_refusal(signer("Ed448").jwk(alg="Ed25519")) == "key.usage"
    assert KeySet.from_jwks(signer("Ed448").jwk(alg="EdDSA")).keys[0].algorithms == {"EdDSA"}


SMALL_ORDER_25519 = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)
NOT_CANONICAL_25519 = (
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)


@pytest.mark.parametrize("raw", SMALL_ORDER_25519)
def test_S06_small_order_of_Ed25519(raw: str) -> None:  # noqa: N802
    assert jwk_refusal({"kty": "OKP", "crv": "Ed25519", "x": b64(bytes.fromhex(raw))}) == "key.weak"


@pytest.mark.parametrize("raw", NOT_CANONICAL_25519)
def test_S06_other_spellings_of_Ed25519(raw: str) -> None:  # noqa: N802
    assert jwk_refusal({"kty": "OKP", "crv": "Ed25519", "x": b64(bytes.fromhex(raw))}) == "key.invalid"


@pytest.mark.parametrize("y", [0, 1, checks._P448 - 1])
@pytest.mark.parametrize("sign", [0, 1 << 455])
def test_S06_small_order_of_Ed448(y: int, sign: int) -> None:  # noqa: N802
    raw = (y | sign).to_bytes(57, "little")
    assert jwk_refusal({"kty": "OKP", "crv": "Ed448", "x": b64(raw)}) == "key.weak"


@pytest.mark.parametrize("alg", ["Ed25519", "Ed448"])
def test_S06_no_point_of_the_curve(alg: str) -> None:  # noqa: N802
    length = 32 if alg == "Ed25519" else 57
    assert key_refusal(checks.check_edwards, bytes(length - 1), curve=alg) == "key.invalid"
    codes = set()
    for y in range(2, 12):
        try:
            KeySet.from_jwks({"kty": "OKP", "crv": alg, "x": b64(y.to_bytes(length, "little"))})
        except KeyRefused as refused:
            codes.add(refused.code)
    assert codes == {"key.invalid"}
    for wrong in (length - 1, length + 1, 0, 64):
        assert jwk_refusal({"kty": "OKP", "crv": alg, "x": b64(bytes(wrong))}) == "key.invalid"


# --- shared secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [b"", b"secret", b"changeme", b"x" * 31, bytes(range(31)), b"your-256-bit-secret"])
def test_K23_short_secrets(secret: bytes) -> None:  # noqa: N802
    assert key_refusal(from_secret, secret) == "key.weak"
    assert jwk_refusal({"kty": "oct", "k": b64(secret)}) == "key.weak"


@pytest.mark.parametrize(
    ("length", "fits"),
    [
        (32, {"HS256"}),
        (47, {"HS256"}),
        (48, {"HS256", "HS384"}),
        (63, {"HS256", "HS384"}),
        (64, {"HS256", "HS384", "HS512"}),
    ],
)
def test_K23_a_secret_serves_hashes_that_are_not_longer(length: int, fits: set[str]) -> None:  # noqa: N802
    secret = bytes(range(1, length + 1))
    assert from_secret(secret).algorithms == fits
    for alg in ("HS256", "HS384", "HS512"):
        jwk = {"kty": "oct", "k": b64(secret), "alg": alg}
        if alg in fits:
            assert KeySet.from_jwks(jwk).keys[0].algorithms == {alg}
        else:
            assert jwk_refusal(jwk) == "key.weak"


@pytest.mark.parametrize(
    "secret",
    [
        b"\0" * 32,
        b"a" * 64,
        b"changeme" * 4,
        b"secret" * 10,
        b"0123456789abcdef" * 2,
        b"ab" * 20 + b"a",
        b"a-string-secret-at-least-256-bits-long",
    ],
)
def test_K23_K24_known_and_repeating_secrets(secret: bytes) -> None:  # noqa: N802
    assert key_refusal(from_secret, secret) == "key.weak"


def _key_texts() -> dict[str, bytes]:
    texts = {}
    for alg in ("RS256", "ES256", "Ed25519"):
        public = signer(alg).public
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        texts[f"{alg} PEM"] = signer(alg).pem()
        texts[f"{alg} PEM in the middle"] = b"# comment\n" + signer(alg).pem()
        texts[f"{alg} DER"] = der
        texts[f"{alg} DER in base64"] = base64.b64encode(der)
        texts[f"{alg} DER in base64, lines"] = base64.encodebytes(der)
        texts[f"{alg} OpenSSH"] = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        texts[f"{alg} JWK"] = json.dumps(signer(alg).jwk()).encode()
        texts[f"{alg} JWKS"] = json.dumps({"keys": [signer(alg).jwk()]}, indent=2).encode()
    texts["PKCS#1 DER"] = signer("RS256").public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    texts["PKCS#1"] = signer("RS256").public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    return texts


@pytest.mark.parametrize("text", _key_texts().values(), ids=_key_texts().keys())
def test_K24_the_text_of_a_key_as_secret(text: bytes) -> None:  # noqa: N802
    for secret in (text, text.strip() if not text.startswith(b"0") else text):
        assert key_refusal(from_secret, secret) == "key.type_confusion"


def test_text_that_only_looks_like_base64_of_a_key() -> None:
    for secret in (b"M" + b"A" * 3 + bytes(range(65, 91)) * 2 + b"A", b"MIIB" + bytes(range(65, 91)) * 2 + b"===="):
        assert from_secret(secret).kind == "HMAC"


@given(st.binary(min_size=32, max_size=200))
def test_no_secret_raises_anything_foreign(secret: bytes) -> None:
    try:
        key = from_secret(secret)
    except KeyRefused as refused:
        code = refused.code
    else:
        assert key.algorithms >= {"HS256"}
        return
    assert code in ("key.weak", "key.type_confusion")


@pytest.mark.parametrize("secret", ["a string of more than 32 characters", None, bytearray(40), 5])
def test_a_secret_is_bytes(secret: Any) -> None:
    with pytest.raises(TypeError):
        from_secret(secret)


# --- other kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("public", [x25519.X25519PrivateKey.generate().public_key(), object(), b"bytes", None])
def test_other_kinds_of_keys(public: object) -> None:
    assert key_refusal(from_public_key, public) == "key.usage"


def test_dsa_keys() -> None:
    public = dsa.generate_private_key(1024).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert key_refusal(KeySet.from_pem, pem) == "key.usage"


# --- identity and silence ------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", [alg for alg in ALL if not alg.startswith("HS")])
def test_thumbprint_and_material_are_those_of_the_key_in_every_form(alg: str) -> None:
    one = signer(alg)
    keys = [
        KeySet.from_jwks({"keys": [one.jwk()]}).keys[0],
        KeySet.from_jwks(json.dumps(one.jwk(kid="other", alg=alg, use="sig"))).keys[0],
        KeySet.from_pem(one.pem()).keys[0],
        from_public_key(one.public, reference="file:x"),
    ]
    assert {key.thumbprint for key in keys} == {thumbprint(one.jwk())}
    assert len({key.material_id for key in keys}) == 1
    assert keys[0].material_id != signer(alg, other=5).keys.keys[0].material_id


def test_the_negated_point_is_the_same_material() -> None:
    jwk = EC.jwk()
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    negated = b64((p - int.from_bytes(unb64(str(jwk["y"])), "big")).to_bytes(32, "big"))
    assert KeySet.from_jwks(changed(jwk, y=negated)).keys[0].material_id == EC.keys.keys[0].material_id


def test_material_of_secrets() -> None:
    one, same, other = from_secret(SECRET), from_secret(SECRET, kid="x"), from_secret(SECRET + b"x")
    assert one.material_id == same.material_id != other.material_id
    assert one.thumbprint is None


def test_no_view_of_a_key_shows_material(monkeypatch: pytest.MonkeyPatch) -> None:
    key = from_secret(SECRET, kid="k", reference="env:X")
    fields = [getattr(key, field.name) for field in dataclasses.fields(key)]
    for view in (repr(key), str(key), f"{key}", repr(KeySet((key,))), repr(fields), repr(key.verifier("HS256"))):
        for piece in (SECRET.decode(), SECRET.hex(), b64(SECRET), repr(SECRET)):
            assert piece not in view
    assert repr(key) == "<Key HMAC>"
    assert repr(EC.keys.keys[0]) == "<Key EC P-256>"
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="can't be pickled"):
            pickle.dumps(key, protocol)
    monkeypatch.setattr(key_module, "_PROCESS", b"another process")
    assert from_secret(SECRET).material_id != key.material_id


def test_a_key_can_not_be_changed() -> None:
    key: Any = EC.keys.keys[0]
    for name in ("algorithms", "kid", "_verifiers", "other"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(key, name, {})
    with pytest.raises(TypeError):
        key._verifiers["ES256"] = lambda *_: True
