"""The D rows of the catalogue of attacks: encrypted tokens that are wrong in one way each."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDH
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from policyjwt.errors import TokenRefused
from policyjwt.tokens import decryption
from policyjwt.tokens.decryption import check_nested, read
from policyjwt.tokens.decryption_key import from_jwk
from policyjwt.tokens.encryption import CONTENT, KEY_MANAGEMENT, MAX_PARTY_BYTES
from tests.tokens import encrypting
from tests.tokens.encrypting import (
    PLAINTEXT,
    by_joserfc,
    changed,
    code,
    deflated,
    keys,
    loaded,
    opened,
    private,
    private_jwk,
    public_jwk,
    refused,
    sealed,
    to_oaep,
    with_header,
    wrapped,
)
from tests.tokens.minting import b64, signer, unb64

RSA = private("RSA-OAEP-256")
EC = private("ECDH-ES")
DIRECT = private("dir", "A256GCM")
KEK = private("A256KW")


def direct(**members: object) -> str:
    return sealed({"alg": "dir", "enc": "A256GCM", **members}, DIRECT)


def nested(plaintext: bytes, **members: object) -> str:
    token = sealed({"alg": "dir", "enc": "A256GCM", **members}, DIRECT, plaintext=plaintext)
    return check_nested(read(token), opened(token, DIRECT))


SIGNED = signer("ES256").token()


@pytest.mark.parametrize("cty", ["JWT", "jwt", "Jwt"])
def test_d01_control(cty: str) -> None:
    assert nested(SIGNED.encode(), cty=cty) == SIGNED


@pytest.mark.parametrize(
    ("plaintext", "members"),
    [
        (SIGNED.encode(), {}),
        (b'{"iss":"https://issuer.example"}', {}),
        (b'{"iss":"https://issuer.example"}', {"cty": "JWT"}),
        (b'{"iss":"https://a.b.example"}', {"cty": "JWT"}),
        (SIGNED.encode(), {"cty": "application/jwt"}),
        (SIGNED.encode(), {"cty": "text/xml"}),
        (SIGNED.encode(), {"cty": ["JWT"]}),
        (SIGNED.encode(), {"cty": None}),
        (b"", {"cty": "JWT"}),
        (b"\xff.\xff.\xff", {"cty": "JWT"}),
        (b"a.b", {"cty": "JWT"}),
        (direct(cty="JWT").encode(), {"cty": "JWT"}),
    ],
    ids=[
        *("no cty", "claims", "claims with cty", "claims with two dots"),
        *("media type", "xml", "list", "null", "empty", "no ASCII", "two segments", "two layers"),
    ],
)
def test_d01_not_nested(plaintext: bytes, members: dict[str, object]) -> None:
    with pytest.raises(TokenRefused) as caught:
        nested(plaintext, **members)
    assert caught.value.code == "decryption.not_nested"


def test_d02_alg_none_inside_is_left_to_the_header() -> None:
    from policyjwt.tokens import verify

    unsigned = b64(b'{"alg":"none"}') + "." + b64(b"{}") + "."
    inner = nested(unsigned.encode(), cty="JWT")
    with pytest.raises(TokenRefused) as caught:
        verify(inner, signer("ES256").keys, ["ES256"])
    assert caught.value.code == "header.algorithm_refused"


@pytest.mark.parametrize("zip_", ["deflate", "def", "DEF ", "", "GZ", None, True, 1, ["DEF"], {}], ids=repr)
def test_d05_zip_in_the_header(zip_: object) -> None:
    token = sealed({"alg": "dir", "enc": "A256GCM", "zip": zip_}, DIRECT, plaintext=deflated(PLAINTEXT))
    assert code(token, DIRECT) == "decryption.zip"


@pytest.mark.parametrize(
    "plaintext",
    [
        deflated(PLAINTEXT, wbits=15),
        deflated(PLAINTEXT, wbits=31),
        deflated(PLAINTEXT)[:-1],
        deflated(PLAINTEXT)[:5],
        deflated(PLAINTEXT) + b"\0",
        deflated(PLAINTEXT) * 2,
        b"",
        PLAINTEXT,
    ],
    ids=["zlib", "gzip", "one byte short", "truncated", "trailing byte", "two streams", "empty", "not compressed"],
)
def test_d05_zip_oddities(plaintext: bytes) -> None:
    token = sealed({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, DIRECT, plaintext=plaintext)
    assert code(token, DIRECT) == "decryption.zip"


@pytest.mark.parametrize("p2c", [2**31 - 1, 10**7, 0, -1, 1.5, "8192", None, 4096], ids=repr)
@pytest.mark.parametrize("alg", ["PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"])
def test_d06_p2c(monkeypatch: pytest.MonkeyPatch, alg: str, p2c: object) -> None:
    from joserfc._rfc7518 import jwe_algs

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a password was derived")

    monkeypatch.setattr(jwe_algs, "PBKDF2HMAC", never)
    for salt in (b64(b"8 octets"), b64(bytes(10_000))):
        token = sealed({"alg": alg, "enc": "A256GCM", "p2c": p2c, "p2s": salt}, bytes(32), encrypted_key=bytes(40))
        assert code(token, KEK) == "decryption.algorithm_refused"


def test_d07_not_in_the_list() -> None:
    token = sealed({"alg": "A256KW", "enc": "A256GCM"}, DIRECT, encrypted_key=wrapped(KEK, DIRECT))
    assert opened(token, KEK, alg="A256KW", enc="A256GCM") == PLAINTEXT
    assert code(token, KEK, alg="A128KW", enc="A256GCM") == "decryption.algorithm_refused"
    refusal = refused(token, KEK, alg="A256KW", enc="A128GCM")
    assert refusal.code == "decryption.algorithm_refused"
    assert refusal.actual == "`alg` is `A256KW`, `enc` is `A256GCM`"
    assert refusal.expected == "`alg` is one of A256KW, `enc` one of A128GCM"


def test_d08_rsa1_5_and_another_alg_than_the_keys() -> None:
    token = sealed({"alg": "RSA1_5", "enc": "A256GCM"}, DIRECT, encrypted_key=to_oaep(RSA, DIRECT))
    assert code(token, RSA) == "decryption.algorithm_refused"
    bound = from_jwk(private_jwk(RSA, alg="RSA-OAEP"))
    token = sealed({"alg": "RSA-OAEP-256", "enc": "A256GCM"}, DIRECT, encrypted_key=to_oaep(RSA, DIRECT))
    assert opened(token, RSA) == PLAINTEXT
    assert code(token, keys(bound)) == "key.usage"
    with pytest.raises(TokenRefused) as caught:
        decryption.open(read(token), bound)
    assert caught.value.code == "key.usage"


def epk_of(key: Any, **members: object) -> dict[str, object]:
    return {**public_jwk(key), **members}


EPHEMERAL = private("ECDH-ES", other=1)
EPHEMERAL_X25519 = private("ECDH-ES", curve="X25519", other=1)
X25519 = private("ECDH-ES", curve="X25519")
EPKS: dict[str, tuple[Any, object]] = {
    "missing": (EC, None),
    "list": (EC, []),
    "text": (EC, "epk"),
    "empty": (EC, {}),
    "with d": (EC, private_jwk(EPHEMERAL)),
    "with null d": (EC, epk_of(EPHEMERAL, d=None)),
    "with k": (EC, epk_of(EPHEMERAL, k="AA")),
    "P-384": (EC, epk_of(private("ECDH-ES", curve="P-384", other=1))),
    "X25519 for P-256": (EC, epk_of(EPHEMERAL_X25519)),
    "P-256 for X25519": (X25519, epk_of(EPHEMERAL)),
    "Ed25519": (X25519, epk_of(EPHEMERAL_X25519, crv="Ed25519")),
    "X448": (X25519, {"kty": "OKP", "crv": "X448", "x": b64(bytes(56))}),
    "secp256k1": (EC, epk_of(EPHEMERAL, crv="secp256k1")),
    "crv is a list": (EC, epk_of(EPHEMERAL, crv=["P-256"])),
    "kty OKP": (EC, epk_of(EPHEMERAL, kty="OKP")),
    "kty EC for X25519": (X25519, epk_of(EPHEMERAL_X25519, kty="EC")),
    "kty absent": (EC, {name: value for name, value in public_jwk(EPHEMERAL).items() if name != "kty"}),
    "without y": (EC, {name: value for name, value in public_jwk(EPHEMERAL).items() if name != "y"}),
    "x short": (EC, epk_of(EPHEMERAL, x=b64(bytes(31)))),
    "x long": (EC, epk_of(EPHEMERAL, x=b64(b"\0" + bytes(32)))),
    "y is a number": (EC, epk_of(EPHEMERAL, y=1)),
    "y is no base64url": (EC, epk_of(EPHEMERAL, y="+" * 43)),
    "X25519 of 31 bytes": (X25519, epk_of(EPHEMERAL_X25519, x=b64(bytes(31)))),
    "X25519 of 33 bytes": (X25519, epk_of(EPHEMERAL_X25519, x=b64(bytes(33)))),
}


@pytest.mark.parametrize(("key", "epk"), EPKS.values(), ids=EPKS)
@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A128KW"])
def test_d11_epk_oddities(alg: str, key: Any, epk: object) -> None:
    header = {"alg": alg, "enc": "A256GCM", **({} if epk is None else {"epk": epk})}
    token = sealed(header, DIRECT, encrypted_key=b"" if alg == "ECDH-ES" else bytes(40))
    assert code(token, key) == "decryption.epk"


def test_d11_other_members_of_epk_are_ignored() -> None:
    """RFC 7518, section 4.6.1.1."""
    shared = EPHEMERAL.exchange(ECDH(), EC.public_key())
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk_of(EPHEMERAL, kid="1", use="enc", key_ops=["sign"])}
    assert opened(sealed(header, encrypting.derived(shared, alg="ECDH-ES", enc="A256GCM")), EC) == PLAINTEXT


@pytest.mark.parametrize("name", ["apu", "apv"])
@pytest.mark.parametrize(
    "value",
    [1, None, True, [], {}, "a", "a+b=", "QR", b64(bytes(MAX_PARTY_BYTES + 1)), "é"],
    ids=["int", "null", "bool", "list", "object", "length", "alphabet", "spelling", "long", "no ASCII"],
)
def test_d12_parties(name: str, value: object) -> None:
    assert code(direct(**{name: value}), DIRECT) == "decryption.header"


def test_d12_the_longest_party() -> None:
    token = by_joserfc(EC, {"alg": "ECDH-ES", "enc": "A256GCM", "apu": b64(bytes(MAX_PARTY_BYTES)), "apv": ""})
    assert opened(token, EC) == PLAINTEXT


@pytest.mark.parametrize(
    ("enc", "lengths"), [("A256GCM", (0, 8, 11, 13, 16)), ("A256CBC-HS512", (0, 12, 15, 17, 32))], ids=["GCM", "CBC"]
)
def test_d14_length_of_iv(enc: str, lengths: tuple[int, ...]) -> None:
    key = private("dir", enc)
    token = sealed({"alg": "dir", "enc": enc}, key)
    for length in lengths:
        refusal = refused(changed(token, 2, lambda _, size=length: bytes(size)), key)  # type: ignore[misc]
        assert refusal.code == "decryption.iv"
        assert refusal.actual == f"the initialization vector has {length} bytes"


@pytest.mark.parametrize("length", [8, 11, 13, 16])
def test_d14_another_iv_that_authenticates(length: int) -> None:
    """AES-GCM computes with any length: only the check refuses."""
    assert code(sealed({"alg": "dir", "enc": "A256GCM"}, DIRECT, iv=bytes(length)), DIRECT) == "decryption.iv"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("iv", value) for value in (None, 1, "", "*", b64(bytes(11)), b64(bytes(13)), b64(bytes(16)))),
        *(("tag", value) for value in (None, 1, "", "*", b64(bytes(12)), b64(bytes(15)), b64(bytes(17)))),
    ],
    ids=repr,
)
def test_d14_iv_and_tag_of_a_wrapped_key(name: str, value: object) -> None:
    key = private("A256GCMKW")
    token = by_joserfc(key, {"alg": "A256GCMKW", "enc": "A256GCM"})
    assert opened(token, key) == PLAINTEXT
    assert code(with_header(token, **{name: value}), key) == "decryption.iv"


@pytest.mark.parametrize("length", [11, 13, 16])
def test_d14_another_iv_of_a_wrapped_key_that_authenticates(length: int) -> None:
    key, iv = private("A256GCMKW"), bytes(length)
    both = AESGCM(key).encrypt(iv, DIRECT, None)
    header = {"alg": "A256GCMKW", "enc": "A256GCM", "iv": b64(iv), "tag": b64(both[-16:])}
    assert code(sealed(header, DIRECT, encrypted_key=both[:-16]), key) == "decryption.iv"


@pytest.mark.parametrize("enc", CONTENT)
def test_d15_length_of_tag(enc: str) -> None:
    key = private("dir", enc)
    token = sealed({"alg": "dir", "enc": enc}, key)
    whole = CONTENT[enc].tag_bytes
    for length in (0, 4, 8, 12, whole - 1, whole + 1):
        shorter = changed(token, 4, lambda tag, size=length: (tag + b"\0")[:size])  # type: ignore[misc]
        assert code(shorter, key) == "decryption.iv"


@pytest.mark.parametrize("enc", CONTENT)
def test_d15_one_verdict(enc: str) -> None:
    key = private("dir", enc)
    token = sealed({"alg": "dir", "enc": enc}, key)
    spoilt = [
        changed(token, 4, lambda tag: bytes([tag[0] ^ 1]) + tag[1:]),
        changed(token, 4, lambda tag: tag[:-1] + bytes([tag[-1] ^ 128])),
        changed(token, 3, lambda text: text[:-1] + bytes([text[-1] ^ 1])),
        changed(token, 3, lambda text: text[:-16]),
        changed(token, 3, lambda text: text[:-1]),
        changed(token, 3, lambda _: b""),
        changed(token, 2, lambda iv: bytes([iv[0] ^ 1]) + iv[1:]),
    ]
    assert {str(refused(each, key)) for each in spoilt} == {str(refused(spoilt[0], key))}
    assert code(spoilt[0], key) == "decryption.failed"


@pytest.mark.parametrize("ciphertext", [b"", bytes(15), bytes(16), bytes(17)], ids=["empty", "15", "padding", "17"])
def test_d15_a_right_tag_over_what_is_no_padding(ciphertext: bytes) -> None:
    key, enc = private("dir", "A128CBC-HS256"), "A128CBC-HS256"
    token = sealed({"alg": "dir", "enc": enc}, key)
    aad, _, iv, _, _ = token.split(".")
    tag = encrypting.mac(key, unb64(iv), ciphertext, aad.encode(), enc)
    assert code(f"{aad}..{iv}.{b64(ciphertext)}.{b64(tag)}", key) == "decryption.failed"


def test_d16_the_header_is_authenticated() -> None:
    token = direct(kid="1")
    assert opened(token, keys(loaded(DIRECT))) == PLAINTEXT
    assert code(with_header(token, kid="2"), DIRECT) == "decryption.failed"
    assert code(changed(token, 0, lambda raw: raw + b" "), DIRECT) == "decryption.failed"


@pytest.mark.parametrize("length", [0, 15, 16, 24, 31, 33, 64])
def test_d17_length_of_the_content_key(length: int) -> None:
    """A key that was wrapped well, and whose length AES would take: the token still says A256GCM."""
    cek = os.urandom(length)
    usable = cek if length in (16, 24) else DIRECT
    token = sealed({"alg": "RSA-OAEP-256", "enc": "A256GCM"}, usable, encrypted_key=to_oaep(RSA, cek))
    assert code(token, RSA) == "decryption.failed"
    if length >= 16 and length % 8 == 0:
        token = sealed({"alg": "A256KW", "enc": "A256GCM"}, usable, encrypted_key=wrapped(KEK, cek))
        assert code(token, KEK) == "decryption.failed"
    if length:
        iv, key = bytes(12), private("A256GCMKW")
        both = AESGCM(key).encrypt(iv, cek, None)
        header = {"alg": "A256GCMKW", "enc": "A256GCM", "iv": b64(iv), "tag": b64(both[-16:])}
        assert code(sealed(header, usable, encrypted_key=both[:-16]), key) == "decryption.failed"


@pytest.mark.parametrize("enc", [enc for enc in CONTENT if CONTENT[enc].key_bytes != 32])
def test_d17_dir_with_a_key_of_another_length(enc: str) -> None:
    token = sealed({"alg": "dir", "enc": enc}, private("dir", enc))
    assert code(token, DIRECT) == "key.usage"


@pytest.mark.parametrize("alg", ["dir", "ECDH-ES"])
def test_d18_encrypted_key_where_there_is_none(alg: str) -> None:
    key = private(alg, "A256GCM")
    token = by_joserfc(key, {"alg": alg, "enc": "A256GCM"})
    assert opened(token, key) == PLAINTEXT
    assert code(changed(token, 1, lambda _: b"\0"), key) == "decryption.ek"


@pytest.mark.parametrize("alg", [alg for alg in KEY_MANAGEMENT if alg not in ("dir", "ECDH-ES")])
def test_d18_no_encrypted_key_where_there_is_one(alg: str) -> None:
    key = private(alg)
    token = by_joserfc(key, {"alg": alg, "enc": "A256GCM"})
    assert code(changed(token, 1, lambda _: b""), key) == "decryption.ek"


@pytest.mark.parametrize(
    "header",
    [
        {"enc": "A256GCM"},
        {"alg": "dir"},
        {},
        {"alg": "dir", "enc": "none"},
        {"alg": "dir", "enc": "A256CTR"},
        {"alg": "dir", "enc": "a256gcm"},
        {"alg": "dir", "enc": None},
        {"alg": "dir", "enc": ["A256GCM"]},
        {"alg": "dir", "enc": {"a": 1}},
        {"alg": "DIR", "enc": "A256GCM"},
        {"alg": "", "enc": "A256GCM"},
        {"alg": "RSA-OAEP-512", "enc": "A256GCM"},
        {"alg": "ECDH-1PU", "enc": "A256GCM"},
        {"alg": ["dir"], "enc": "A256GCM"},
        {"alg": None, "enc": "A256GCM"},
        {"alg": {"a": 1}, "enc": "A256GCM"},
        {"alg": "A256GCM", "enc": "dir"},
        {"alg": "None", "enc": "A256GCM"},
    ],
    ids=repr,
)
def test_d19_algorithms_of_no_table(header: dict[str, object]) -> None:
    token = sealed(header, DIRECT, enc="A256GCM")
    assert code(token, DIRECT) == "decryption.algorithm_refused"


@pytest.mark.parametrize("alg", ["none", "HS256", "ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("members", [{}, {"enc": "A256GCM"}], ids=["", "enc"])
def test_d20_the_header_of_a_signed_token(alg: str, members: dict[str, str]) -> None:
    token = sealed({"alg": alg, **members}, DIRECT, enc="A256GCM")
    assert code(token, DIRECT) == "token.kind"


def test_d22_unknown_kid() -> None:
    held = keys(loaded(DIRECT, kid="1"))
    assert opened(direct(kid="1"), held) == PLAINTEXT
    assert opened(direct(), held) == PLAINTEXT
    assert code(direct(kid="0"), held) == "key.unknown_kid"


def test_d26_json_is_never_read() -> None:
    recipient = {"header": {"alg": "dir"}, "encrypted_key": ""}
    parts = dict(zip(("protected", "encrypted_key", "iv", "ciphertext", "tag"), direct().split("."), strict=True))
    for document in (parts, {**parts, "recipients": [recipient] * 100}, [parts]):
        assert code(json.dumps(document), DIRECT) == "token.form"
        assert code(" \n" + json.dumps(document), DIRECT) == "token.form"
    assert code(json.dumps({**parts, "recipients": [recipient] * 10_000}), DIRECT) == "token.size"
