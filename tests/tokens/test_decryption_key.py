"""Keys that decrypt: how they are read and refused, what they are compared by, and which of several is taken."""

from __future__ import annotations

import builtins
import copy
import dataclasses
import hashlib
import json
import os
import pickle
import subprocess
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens import KeySet
from policyjwt.tokens.decryption_key import (
    DecryptionKey,
    from_jwk,
    from_pem,
    from_private_key,
    from_secret,
)
from policyjwt.tokens.decryption_keyset import DecryptionKeySet
from policyjwt.tokens.encryption import KEY_MANAGEMENT, contents_of
from tests.tokens.encrypting import (
    FIELD_BYTES,
    by_joserfc,
    key_code,
    keys,
    loaded,
    opened,
    private,
    private_jwk,
    public_jwk,
)
from tests.tokens.minting import b64, number, rsa_private, thumbprint

RSA = private("RSA-OAEP")
EC = private("ECDH-ES")
X25519 = private("ECDH-ES", curve="X25519")
SECRET = private("A256KW")
AGREEMENT = {"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"}


def pem(key: Any, format_: PrivateFormat = PrivateFormat.PKCS8, encryption: Any = None) -> bytes:
    made: bytes = key.private_bytes(Encoding.PEM, format_, encryption or NoEncryption())
    return made


# --- PEM --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "format_"),
    [
        (RSA, PrivateFormat.PKCS8),
        (RSA, PrivateFormat.TraditionalOpenSSL),
        *((private("ECDH-ES", curve=curve), PrivateFormat.PKCS8) for curve in FIELD_BYTES),
        (EC, PrivateFormat.TraditionalOpenSSL),
    ],
    ids=["RSA PKCS#8", "RSA PKCS#1", *FIELD_BYTES, "SEC1"],
)
def test_pem(key: Any, format_: PrivateFormat) -> None:
    alg = "RSA-OAEP-256" if key is RSA else "ECDH-ES+A256KW"
    token = by_joserfc(key, {"alg": alg, "enc": "A256GCM"})
    for data in (
        pem(key, format_),
        pem(key, format_).replace(b"\n", b"\r\n"),
        b"Bag Attributes: x\n" + pem(key, format_) + b"\n\n",
    ):
        read = from_pem(data, kid="1", reference="here")
        assert opened(token, keys(read)) == opened(token, key)
        assert (read.kid, read.reference, read.identity) == ("1", "here", loaded(key).identity)
        assert read.thumbprint == thumbprint(public_jwk(key)) == from_jwk(private_jwk(key)).thumbprint


def _public_pem(key: Any) -> bytes:
    made: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return made


def _pss() -> bytes:
    """A key that is for PSS alone (RFC 4055), which loads as any other RSA key."""
    command = ["openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


PEMS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "key.malformed"),
    "no PEM": (b"hello", "key.malformed"),
    "a public key": (_public_pem(RSA), "key.usage"),
    "two keys": (pem(RSA) + pem(EC), "key.malformed"),
    "key and public key": (pem(RSA) + _public_pem(RSA), "key.malformed"),
    "not closed": (pem(RSA)[:-30], "key.malformed"),
    "cut": (pem(EC).replace(b"\n", b"", 1)[:90], "key.malformed"),
    "with a password": (pem(RSA, encryption=BestAvailableEncryption(b"x")), "key.malformed"),
    "PKCS#1 with a password": (
        pem(RSA, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")),
        "key.malformed",
    ),
    "OpenSSH": (pem(RSA, PrivateFormat.OpenSSH), "key.malformed"),
    "Ed25519": (pem(ed25519.Ed25519PrivateKey.generate()), "key.usage"),
    "X448": (pem(x448.X448PrivateKey.generate()), "key.usage"),
    "secp256k1": (pem(ec.generate_private_key(ec.SECP256K1())), "key.usage"),
    "RSA of 1024 bits": (pem(rsa_private(bits=1024)), "key.weak"),
    "RSASSA-PSS": (_pss(), "key.usage"),
    "a certificate": (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "key.usage"),
    "large": (b"#" * (512 * 1024 + 1), "key.malformed"),
}


@pytest.mark.parametrize(("data", "expected"), PEMS.values(), ids=PEMS)
def test_pem_refused(data: bytes, expected: str) -> None:
    assert key_code(from_pem, data) == expected


def test_pem_is_bytes() -> None:
    with pytest.raises(TypeError):
        from_pem(pem(RSA).decode())  # type: ignore[arg-type]


# --- JWK --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [RSA, EC, X25519, SECRET], ids=["RSA", "EC", "X25519", "oct"])
def test_jwk(key: Any) -> None:
    jwk = private_jwk(key, kid="own", use="enc", extra="x")
    for source in (jwk, json.dumps(jwk), json.dumps(jwk).encode()):
        read = from_jwk(source)
        assert (read.kid, from_jwk(source, kid="given").kid) == ("own", "given")
        assert read.identity == loaded(key).identity
        assert read.algorithms == loaded(key).algorithms
    assert from_jwk(private_jwk(key)).kid is None


def test_rsa_without_factors() -> None:
    """RFC 7518, section 6.3.2: all of them or none."""
    jwk = private_jwk(RSA)
    bare = {name: jwk[name] for name in ("kty", "n", "e", "d")}
    token = by_joserfc(RSA, {"alg": "RSA-OAEP", "enc": "A128GCM"})
    assert opened(token, keys(from_jwk(bare))) == opened(token, RSA)
    assert key_code(from_jwk, {**bare, "p": jwk["p"]}) == "key.malformed"
    assert key_code(from_jwk, {**bare, "d": b64(b"\1" + bytes(255))}) == "key.invalid"


def without(jwk: dict[str, Any], name: str) -> dict[str, Any]:
    return {member: value for member, value in jwk.items() if member != name}


OTHER_EC = private("ECDH-ES", other=1)
OTHER_X25519 = private("ECDH-ES", curve="X25519", other=1)
JWKS: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "key.malformed"),
    "a list": ("[]", "key.malformed"),
    "a set": ({"keys": [private_jwk(EC)]}, "key.malformed"),
    "duplicate names": ('{"kty":"oct",' + json.dumps(private_jwk(SECRET))[1:], "key.malformed"),
    "no JSON value": ({"kty": object()}, "key.malformed"),
    "large": ("[" + " " * 512 * 1024 + "]", "key.malformed"),
    "kty null": (private_jwk(EC, kty=None), "key.malformed"),
    "kty unknown": (private_jwk(EC, kty="DSA"), "key.usage"),
    "kid is a number": (private_jwk(EC, kid=1), "key.malformed"),
    "public RSA": (public_jwk(RSA), "key.usage"),
    "public EC": (public_jwk(EC), "key.usage"),
    "public X25519": (public_jwk(X25519), "key.usage"),
    "d null": (private_jwk(EC, d=None), "key.malformed"),
    "d is no base64url": (private_jwk(EC, d="+"), "key.malformed"),
    "without crv": (without(private_jwk(EC), "crv"), "key.malformed"),
    "secp256k1": (private_jwk(EC, crv="secp256k1"), "key.usage"),
    "Ed25519": (private_jwk(X25519, crv="Ed25519"), "key.usage"),
    "X448": (private_jwk(X25519, crv="X448"), "key.usage"),
    "crv P-384": (private_jwk(EC, crv="P-384"), "key.invalid"),
    "d of another point": (private_jwk(EC, d=private_jwk(OTHER_EC)["d"]), "key.invalid"),
    "the other y": (private_jwk(EC, y=private_jwk(OTHER_EC)["y"]), "key.invalid"),
    "d is zero": (private_jwk(EC, d=b64(bytes(32))), "key.invalid"),
    "d beyond the order": (private_jwk(EC, d=b64(b"\xff" * 32)), "key.invalid"),
    "d short": (private_jwk(EC, d=b64(bytes(31))), "key.invalid"),
    "x short": (private_jwk(EC, x=b64(bytes(31))), "key.invalid"),
    "x of another key": (private_jwk(X25519, x=public_jwk(OTHER_X25519)["x"]), "key.invalid"),
    "X25519 without x": (without(private_jwk(X25519), "x"), "key.malformed"),
    "X25519 d long": (private_jwk(X25519, d=b64(bytes(33))), "key.invalid"),
    "RSA of 1024 bits": (private_jwk(rsa_private(bits=1024)), "key.weak"),
    "RSA of another d": (private_jwk(RSA, d=private_jwk(private("RSA-OAEP", other=1))["d"]), "key.invalid"),
    "RSA of other primes": (private_jwk(RSA, p=private_jwk(private("RSA-OAEP", other=1))["p"]), "key.invalid"),
    "RSA of many primes": (private_jwk(RSA, oth=[]), "key.usage"),
    "RSA without e": (without(private_jwk(RSA), "e"), "key.malformed"),
    "RSA, e is 1": (private_jwk(RSA, e="AQ"), "key.invalid"),
    "RSA, n huge": (private_jwk(RSA, n="A" * 100_000), "key.invalid"),
    "RSA, d huge": (private_jwk(RSA, d="A" * 100_000), "key.invalid"),
    "use sig": (private_jwk(EC, use="sig"), "key.usage"),
    "use is a list": (private_jwk(EC, use=["enc"]), "key.malformed"),
    "alg RSA1_5": (private_jwk(RSA, alg="RSA1_5"), "key.usage"),
    "alg PBES2": (private_jwk(SECRET, alg="PBES2-HS256+A128KW"), "key.usage"),
    "alg RS256": (private_jwk(RSA, alg="RS256"), "key.usage"),
    "alg HS256": (private_jwk(SECRET, alg="HS256"), "key.usage"),
    "alg ES256": (private_jwk(EC, alg="ES256"), "key.usage"),
    "alg of another kind": (private_jwk(EC, alg="RSA-OAEP"), "key.usage"),
    "alg of another length": (private_jwk(SECRET, alg="A128KW"), "key.usage"),
    "content of another length": (private_jwk(SECRET, alg="A128GCM"), "key.usage"),
    "alg is a list": (private_jwk(EC, alg=["ECDH-ES"]), "key.malformed"),
    "key_ops is text": (private_jwk(EC, key_ops="deriveKey"), "key.malformed"),
    "key_ops twice": (private_jwk(EC, key_ops=["deriveKey", "deriveKey"]), "key.malformed"),
    "key_ops empty": (private_jwk(EC, key_ops=[]), "key.usage"),
    "key_ops null": (private_jwk(EC, key_ops=None), "key.malformed"),
    "key_ops encrypt": (private_jwk(RSA, key_ops=["encrypt", "wrapKey"]), "key.usage"),
    "key_ops of signatures": (private_jwk(EC, key_ops=["sign", "deriveKey"]), "key.usage"),
    "key_ops of verification": (private_jwk(RSA, key_ops=["verify", "decrypt"]), "key.usage"),
    "key_ops of another kind": (private_jwk(RSA, key_ops=["deriveKey"]), "key.usage"),
    "key_ops against alg": (private_jwk(SECRET, alg="A256KW", key_ops=["decrypt"]), "key.usage"),
    "oct without k": ({"kty": "oct"}, "key.malformed"),
    "oct of 33 bytes": ({"kty": "oct", "k": b64(os.urandom(33))}, "key.weak"),
}


@pytest.mark.parametrize(("source", "expected"), JWKS.values(), ids=JWKS)
def test_k05_jwk_refused(source: Any, expected: str) -> None:
    assert key_code(from_jwk, source) == expected


def test_jwk_is_text_or_a_mapping() -> None:
    with pytest.raises(TypeError):
        from_jwk(1)  # type: ignore[arg-type]


NARROWED: list[tuple[dict[str, Any], set[str], set[str]]] = [
    (private_jwk(RSA), {"RSA-OAEP", "RSA-OAEP-256"}, set()),
    (private_jwk(RSA, alg="RSA-OAEP"), {"RSA-OAEP"}, set()),
    (private_jwk(RSA, key_ops=["unwrapKey"]), {"RSA-OAEP", "RSA-OAEP-256"}, set()),
    (private_jwk(RSA, key_ops=["decrypt", "wrapKey"]), {"RSA-OAEP", "RSA-OAEP-256"}, set()),
    (private_jwk(EC), AGREEMENT, set()),
    (private_jwk(EC, alg="ECDH-ES+A192KW", key_ops=["deriveKey"]), {"ECDH-ES+A192KW"}, set()),
    (private_jwk(X25519, key_ops=["deriveBits"]), AGREEMENT, set()),
    (private_jwk(SECRET), {"A256KW", "A256GCMKW", "dir"}, {"A256GCM", "A128CBC-HS256"}),
    (private_jwk(SECRET, alg="A256KW"), {"A256KW"}, set()),
    (private_jwk(SECRET, alg="dir"), {"dir"}, {"A256GCM", "A128CBC-HS256"}),
    (private_jwk(SECRET, alg="A256GCM"), {"dir"}, {"A256GCM"}),
    (private_jwk(SECRET, key_ops=["unwrapKey"]), {"A256KW", "A256GCMKW"}, set()),
    (private_jwk(SECRET, key_ops=["decrypt"]), {"dir"}, {"A256GCM", "A128CBC-HS256"}),
    (private_jwk(bytes(range(64))), {"dir"}, {"A256CBC-HS512"}),
    (private_jwk(bytes(range(48))), {"dir"}, {"A192CBC-HS384"}),
    (private_jwk(bytes(range(24))), {"A192KW", "A192GCMKW", "dir"}, {"A192GCM"}),
    (private_jwk(bytes(range(16))), {"A128KW", "A128GCMKW", "dir"}, {"A128GCM"}),
]


@pytest.mark.parametrize(("jwk", "algorithms", "contents"), NARROWED, ids=lambda _: "")
def test_what_a_key_is_for(jwk: dict[str, Any], algorithms: set[str], contents: set[str]) -> None:
    key = from_jwk(jwk)
    assert set(key.algorithms) == algorithms
    assert set(key.contents) == contents
    assert {alg for alg in KEY_MANAGEMENT if key.fits(alg, "A256GCM")} == {
        alg for alg in algorithms if alg != "dir" or "A256GCM" in contents
    }


# --- shared keys and objects ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        *((os.urandom(size), "key.weak") for size in (1, 8, 15, 17, 23, 25, 31, 33, 47, 49, 63, 65, 128)),
        (b"", "key.weak"),
        *((bytes(size), "key.weak") for size in (16, 24, 32, 48, 64)),
        (b"changeme" * 2, "key.weak"),
        (b"changeme" * 4, "key.weak"),
        (bytes(range(32)) * 2, "key.weak"),
        (b'{"kty":"oct","k":"AAAAAAAAAAAAA"}'[:32], "key.type_confusion"),
        (b"-----BEGIN PRIVATE KEY-----\nMII="[:32], "key.type_confusion"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "key.type_confusion"),
    ],
    ids=lambda part: part if isinstance(part, str) else f"{len(part)} bytes",
)
def test_secret_refused(raw: bytes, expected: str) -> None:
    assert key_code(from_secret, raw) == expected


def test_texts_of_keys_are_no_secret() -> None:
    for text in (pem(RSA), pem(EC), _public_pem(EC), json.dumps(private_jwk(EC)).encode()):
        assert key_code(from_secret, text) == "key.type_confusion"


def test_a_secret_is_bytes() -> None:
    with pytest.raises(TypeError):
        from_secret("x" * 32)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "thing",
    [RSA.public_key(), ed25519.Ed25519PrivateKey.generate(), x448.X448PrivateKey.generate(), b"x" * 32, None, "x"],
    ids=lambda thing: type(thing).__name__,
)
def test_other_objects_are_no_private_key(thing: object) -> None:
    assert key_code(from_private_key, thing) == "key.usage"


def test_without_joserfc(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def refuse(name: str, *arguments: Any) -> Any:
        if name.startswith("joserfc"):
            raise ImportError(name)
        return usual(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for make, source in ((from_secret, SECRET), (from_private_key, RSA), (from_pem, pem(EC))):
        with pytest.raises(KeyRefused) as caught:
            make(source)
        assert caught.value.code == "key.backend_refused"
        assert caught.value.help == "install policyjwt[jwe]"


# --- what keys are compared by ----------------------------------------------------------------------------


def verifying(jwk: dict[str, Any]) -> str:
    """`material_id` of the signature key."""
    return KeySet.from_jwks(jwk).keys[0].material_id


def test_k27_rsa() -> None:
    own = loaded(RSA)
    jwk, numbers = public_jwk(RSA), RSA.private_numbers()
    assert own.material_ids == {own.identity} == {verifying(jwk)}
    assert own.material_ids == {verifying({**jwk, "e": "Aw"})}
    assert own.material_ids == {verifying({**jwk, "n": b64(b"\0\0" + number(numbers.public_numbers.n))})}
    exponent = 65539 if (numbers.p - 1) * (numbers.q - 1) % 65539 else 65543
    d = pow(exponent, -1, (numbers.p - 1) * (numbers.q - 1))
    again = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, numbers.p),
        dmq1=rsa.rsa_crt_dmq1(d, numbers.q),
        iqmp=numbers.iqmp,
        public_numbers=rsa.RSAPublicNumbers(exponent, numbers.public_numbers.n),
    ).private_key()
    assert loaded(again).identity == own.identity
    assert loaded(again).thumbprint != own.thumbprint
    padded = private_jwk(RSA, n=b64(b"\0" + number(numbers.public_numbers.n)))
    assert from_jwk(padded).identity == own.identity
    assert from_jwk(padded).thumbprint == own.thumbprint
    assert loaded(private("RSA-OAEP", other=1)).identity != own.identity


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_k27_ec_of_either_sign(curve: str) -> None:
    key = private("ECDH-ES", curve=curve)
    order = {
        "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "P-384": int("f" * 48 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
        "P-521": int("1" + "f" * 65 + "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16),
    }[curve]
    mirrored = ec.derive_private_key(order - key.private_numbers().private_value, key.curve)
    assert public_jwk(mirrored)["x"] == public_jwk(key)["x"]
    assert public_jwk(mirrored)["y"] != public_jwk(key)["y"]
    assert loaded(mirrored).identity == loaded(key).identity
    for jwk in (public_jwk(key), public_jwk(mirrored)):
        assert loaded(key).material_ids == {verifying(jwk)}
    assert loaded(private("ECDH-ES", curve=curve, other=1)).identity != loaded(key).identity


@pytest.mark.parametrize("_", range(8))
def test_k27_x25519_against_ed25519(_: int) -> None:
    """The private scalar of an Ed25519 key, used for agreement: libraries offer this."""
    signing = ed25519.Ed25519PrivateKey.generate()
    scalar = hashlib.sha512(signing.private_bytes_raw()).digest()[:32]
    agreeing = loaded(x25519.X25519PrivateKey.from_private_bytes(scalar))
    raw = signing.public_key().public_bytes_raw()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    assert verifying(jwk) in agreeing.material_ids
    mirrored = {**jwk, "x": b64(raw[:-1] + bytes([raw[-1] ^ 0x80]))}
    assert agreeing.material_ids == {verifying(jwk), verifying(mirrored)}
    assert agreeing.identity not in agreeing.material_ids
    other = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert verifying({**jwk, "x": b64(other)}) not in agreeing.material_ids


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64])
def test_k27_secrets_and_their_halves(size: int) -> None:
    raw = bytes(range(100, 100 + size))
    own = from_secret(raw)
    assert from_jwk({"kty": "oct", "k": b64(raw)}).material_ids == own.material_ids
    assert from_jwk({"kty": "oct", "k": b64(raw)}).identity == own.identity
    assert len(own.material_ids) == (3 if size >= 32 else 1)
    if size >= 32:
        assert verifying({"kty": "oct", "k": b64(raw)}) in own.material_ids
    if size == 64:
        for half in (raw[:32], raw[32:]):
            assert verifying({"kty": "oct", "k": b64(half)}) in own.material_ids
    assert from_secret(raw[::-1]).material_ids.isdisjoint(own.material_ids)


def test_k27_zeros_at_the_end_are_nothing_to_hmac_and_much_to_aes() -> None:
    short, long = bytes(range(1, 17)), bytes(range(1, 17)) + bytes(8)
    assert from_secret(short).material_ids == from_secret(long).material_ids
    assert from_secret(short).identity != from_secret(long).identity
    assert len(DecryptionKeySet((from_secret(short), from_secret(long))).keys) == 2


def test_k27_every_form_of_a_key_is_one_key() -> None:
    for key in (RSA, EC, X25519):
        forms = [from_pem(pem(key)), from_jwk(private_jwk(key, kid="1")), from_private_key(key)]
        assert len({form.identity for form in forms}) == 1
        assert len({form.material_ids for form in forms}) == 1


# --- several ----------------------------------------------------------------------------------------------


def key(kid: str | None = None, *, other: int = 0, alg: str = "A256KW") -> DecryptionKey:
    return loaded(private(alg, other=other), kid=kid)


SELECTED: list[tuple[str, list[DecryptionKey], str | None, str, int | str]] = [
    ("named", [key("1"), key("2", other=1)], "2", "A256KW", 1),
    ("named by another", [key("1"), key("2", other=1)], "3", "A256KW", "key.unknown_kid"),
    ("case of kid", [key("a")], "A", "A256KW", "key.unknown_kid"),
    ("space in kid", [key("a")], "a ", "A256KW", "key.unknown_kid"),
    ("empty kid", [key("a")], "", "A256KW", "key.unknown_kid"),
    ("no kid in the token, one key", [key("1")], None, "A256KW", 0),
    ("no kid in the token, two keys", [key("1"), key("2", other=1)], None, "A256KW", "key.ambiguous"),
    ("no kid in the token, one that fits", [key("1"), key("2", alg="RSA-OAEP")], None, "RSA-OAEP", 1),
    ("no kid anywhere, two keys", [key(), key(other=1)], None, "A256KW", "key.ambiguous"),
    ("a key without kid", [key()], "any", "A256KW", 0),
    ("a key without kid beside one of another kind", [key(), key("r", alg="RSA-OAEP")], "any", "A256KW", 0),
    ("a key without kid beside another", [key(), key("1", other=1)], "any", "A256KW", "key.unknown_kid"),
    ("two keys without kid", [key(), key(other=1)], "any", "A256KW", "key.unknown_kid"),
    ("one key with and without kid", [key(), key("1")], "any", "A256KW", 0),
    ("one key of two kids", [key("1"), key("2")], None, "A256KW", 0),
    ("one key of two kids, by name", [key("1"), key("2")], "2", "A256KW", 1),
    ("one key of two kids, another name", [key("1"), key("2")], "3", "A256KW", "key.unknown_kid"),
    ("a named key for something else", [key("1"), key("2", other=1)], "1", "RSA-OAEP", "key.usage"),
    ("no key for it", [key("1")], None, "RSA-OAEP", "key.usage"),
    ("no key for it, none named", [key()], "x", "RSA-OAEP", "key.unknown_kid"),
    ("the named one, though another would fit", [key("1"), key("r", alg="RSA-OAEP")], "1", "RSA-OAEP", "key.usage"),
]


@pytest.mark.parametrize(
    ("several", "kid", "alg", "expected"), [case[1:] for case in SELECTED], ids=[case[0] for case in SELECTED]
)
def test_d22_selection(several: list[DecryptionKey], kid: str | None, alg: str, expected: int | str) -> None:
    held = DecryptionKeySet(tuple(several))
    if isinstance(expected, int):
        assert held.select(kid, alg, "A256GCM") is several[expected]
        return
    with pytest.raises(TokenRefused) as caught:
        held.select(kid, alg, "A256GCM")
    assert caught.value.code == expected
    assert kid is None or len(kid) < 2 or kid not in str(caught.value).split()


def test_of_several_without_kid_the_thumbprint_is_the_kid() -> None:
    one, two = loaded(RSA), loaded(private("RSA-OAEP", other=1))
    held = DecryptionKeySet((one, two))
    assert held.select(two.thumbprint, "RSA-OAEP", "A256GCM") is two
    with pytest.raises(TokenRefused, match=r"key\.usage"):
        held.select(two.thumbprint, "A256KW", "A256GCM")


def test_dir_is_chosen_by_the_length_of_the_content_key() -> None:
    short, long = (from_secret(os.urandom(size)) for size in (32, 64))
    held = DecryptionKeySet((short, long))
    assert held.select(None, "dir", "A256CBC-HS512") is long
    assert held.select("any", "dir", "A256GCM") is short
    with pytest.raises(TokenRefused, match=r"key\.usage"):
        held.select(None, "dir", "A128GCM")
    assert {size: len(contents_of(size)) for size in (16, 24, 32, 48, 64)} == {16: 1, 24: 1, 32: 2, 48: 1, 64: 1}


def test_one_kid_for_one_key_narrowed_twice() -> None:
    one, two = (from_jwk(private_jwk(RSA, kid="1", alg=alg)) for alg in ("RSA-OAEP", "RSA-OAEP-256"))
    held = DecryptionKeySet((one, two))
    assert held.select("1", "RSA-OAEP-256", "A256GCM") is two
    assert held.select(None, "RSA-OAEP", "A256GCM") is one


def test_sets() -> None:
    assert key_code(DecryptionKeySet, ()) == "key.usage"
    assert key_code(DecryptionKeySet, (key("1"), key("1", other=1))) == "key.ambiguous"
    assert key_code(DecryptionKeySet, (key("1"), key("1", alg="RSA-OAEP"))) == "key.ambiguous"
    first = key("1")
    assert DecryptionKeySet((first, key("1"), first)).keys == (first,)
    assert repr(DecryptionKeySet((first,))) == "<DecryptionKeySet of 1>"
    for wrong in ([first], (first, None), (private("A256KW"),), None):
        with pytest.raises(TypeError):
            DecryptionKeySet(wrong)  # type: ignore[arg-type]


# --- nothing leaves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("material", [RSA, EC, X25519, SECRET], ids=["RSA", "EC", "X25519", "oct"])
def test_no_view_of_a_key_shows_material(material: Any) -> None:
    made = loaded(material, kid="1", reference="here")
    jwk = private_jwk(material)
    secret = [jwk["k"]] if "k" in jwk else [jwk[name] for name in ("d", "p", "q", "dp", "dq", "qi") if name in jwk]
    held = DecryptionKeySet((made,))
    shown = " ".join(
        [
            *(f"{thing!r} {thing}" for thing in (made, held, [made], made._material, made._material())),
            repr(dataclasses.asdict(made)),
            repr({field.name: getattr(made, field.name) for field in dataclasses.fields(made)}),
        ]
    )
    assert repr(made).startswith("<DecryptionKey ")
    for text in secret:
        assert text not in shown
    if isinstance(material, bytes):
        assert repr(material)[2:-1] not in shown
        assert material.hex() not in shown
    assert copy.copy(made) is copy.deepcopy(made) is made
    for thing in (made, held):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    assert not hasattr(made, "__dict__")
