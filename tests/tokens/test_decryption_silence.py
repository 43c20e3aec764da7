"""Whatever comes, the refusal is one of ours, and no key and no plaintext is in anything that leaves."""

from __future__ import annotations

import json
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens.decryption import check_nested, check_replicated, decrypt, read
from policyjwt.tokens.decryption_key import DecryptionKey, from_jwk, from_pem, from_secret
from policyjwt.tokens.decryption_keyset import DecryptionKeySet
from policyjwt.tokens.encryption import CONTENT, KEY_MANAGEMENT
from tests.tokens.encrypting import (
    FIELD_BYTES,
    by_joserfc,
    changed,
    deflated,
    keys,
    private,
    private_jwk,
    public_jwk,
    sealed,
    to_oaep,
    with_header,
)
from tests.tokens.minting import b64

MARK = "geheimnis"
KEYS = keys(
    *(private(alg) for alg in ("RSA-OAEP", "A128KW", "A192KW", "A256KW")),
    *(private("dir", enc) for enc in ("A192CBC-HS384", "A256CBC-HS512")),
    *(private("ECDH-ES", curve=curve) for curve in FIELD_BYTES),
)
ONE_OF_A_KIND = {
    alg: keys(private(alg, "A256GCM", "P-256" if alg.startswith("ECDH") else None)) for alg in KEY_MANAGEMENT
}
TOKENS = {
    alg: by_joserfc(
        private(alg, "A256GCM", "P-256" if alg.startswith("ECDH") else None), {"alg": alg, "enc": "A256GCM"}
    )
    for alg in KEY_MANAGEMENT
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["alg", "enc", "zip", "kid", "epk", "apu", "apv", "iv", "tag", "cty", "crit", "p2c", "p2s", "jwk", "b64", "typ"]
MEMBERS = ["kty", "crv", "x", "y", "d", "n", "e", "p", "q", "k", "kid", "alg", "use", "key_ops"]
POINTS = st.fixed_dictionaries(
    {"kty": st.sampled_from(["EC", "OKP"]) | JSON, "crv": st.sampled_from(list(FIELD_BYTES)) | JSON},
    optional={
        name: st.sampled_from([32, 48, 66]).flatmap(lambda n: st.binary(min_size=n, max_size=n)).map(b64) | JSON
        for name in ("x", "y")
    },
)
VALUES = JSON | st.sampled_from([*KEY_MANAGEMENT, *CONTENT, "DEF", "PBES2-HS256+A128KW", "RSA1_5"]) | POINTS


def tried(make: Any, *arguments: Any) -> Any:
    """What comes of it: a result, or the code of a refusal of ours. Anything else goes through."""
    try:
        return make(*arguments)
    except (TokenRefused, KeyRefused) as refused:
        return refused.code


def outcome(token: str, held: DecryptionKeySet) -> bytes | str:
    found = tried(decrypt, token, held, list(KEY_MANAGEMENT), list(CONTENT))
    if isinstance(found, str):
        assert found.split(".")[0] in ("token", "decryption", "key")
        return found
    plaintext: bytes = found.plaintext
    return plaintext


@given(st.sampled_from(list(KEY_MANAGEMENT)), st.integers(0, 4), st.binary(max_size=300))
def test_random_bytes_in_each_part(alg: str, part: int, data: bytes) -> None:
    token = changed(TOKENS[alg], part, lambda _: data)
    assert isinstance(outcome(token, ONE_OF_A_KIND[alg]), str) is (token != TOKENS[alg])


@given(st.sampled_from(list(KEY_MANAGEMENT)), st.integers(0, 4), st.text(max_size=50))
def test_random_text_in_each_part(alg: str, part: int, text: str) -> None:
    parts = TOKENS[alg].split(".")
    parts[part] = text
    token = ".".join(parts)
    assert isinstance(outcome(token, ONE_OF_A_KIND[alg]), str) is (token != TOKENS[alg])


@given(st.sampled_from(list(KEY_MANAGEMENT)), st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=4))
@example("ECDH-ES", {"epk": {"kty": "EC", "crv": "P-256", "x": b64(bytes(32)), "y": b64(bytes(32))}})
def test_random_headers(alg: str, members: dict[str, Any]) -> None:
    token = with_header(TOKENS[alg], **members)
    for held in (ONE_OF_A_KIND[alg], KEYS):
        assert isinstance(outcome(token, held), str) or token == TOKENS[alg]


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: ".".join([b64(data)] * 5)))
def test_random_tokens(token: str) -> None:
    assert isinstance(outcome(token, KEYS), str)


@given(st.binary(max_size=100))
def test_random_content_under_a_right_tag(plaintext: bytes) -> None:
    key = private("dir", "A256GCM")
    found = outcome(sealed({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, key, plaintext=plaintext), keys(key))
    assert isinstance(found, bytes) or found in ("decryption.zip", "decryption.size")


@given(JSON, JSON)
def test_random_claims_outside_and_inside(outer: Any, inner: Any) -> None:
    found = tried(check_replicated, {"iss": outer}, {"iss": inner})
    assert found == "decryption.claim_mismatch" or type(outer) is type(inner)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_random_keys(data: bytes) -> None:
    for make in (from_pem, from_jwk, from_secret):
        found = tried(make, data)
        assert make is from_secret or found.startswith("key.")
        assert isinstance(found, DecryptionKey) or found.startswith("key.")


@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=4))
def test_random_jwks(members: dict[str, Any]) -> None:
    for one in (private("ECDH-ES"), private("ECDH-ES", curve="X25519"), private("A256KW")):
        found = tried(from_jwk, private_jwk(one, **members))
        assert isinstance(found, DecryptionKey) or found.startswith("key.")


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=2))
def test_random_jwks_of_rsa(members: dict[str, Any]) -> None:
    found = tried(from_jwk, private_jwk(private("RSA-OAEP"), **members))
    assert isinstance(found, DecryptionKey) or found.startswith("key.")


# --- what leaves ------------------------------------------------------------------------------------------


def views(error: Any) -> str:
    """What handlers and logs make of an exception, and the local variables of all frames in the package."""
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "%s %r", (error, error), (type(error), error, None))
    shown = [str(error), repr(error), repr(error.args), repr(vars(error)), record.getMessage()]
    shown.extend(traceback.format_exception(error))
    again = pickle.loads(pickle.dumps(error))
    frames = [
        repr(frame.f_locals)
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if f"{os.sep}policyjwt{os.sep}tokens{os.sep}" in frame.f_code.co_filename
    ]
    assert frames
    assert error.__context__ is None
    return " ".join([*shown, str(again), repr(again.help), *frames])


CEK = os.urandom(32)
INSIDE = f"{MARK} inside".encode()
RSA = private("RSA-OAEP-256")
GOOD = sealed({"alg": "RSA-OAEP-256", "enc": "A256GCM"}, CEK, encrypted_key=to_oaep(RSA, CEK), plaintext=INSIDE)


def _zipped(plaintext: bytes) -> str:
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "DEF"}
    return sealed(header, CEK, encrypted_key=to_oaep(RSA, CEK), plaintext=plaintext)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (changed(GOOD, 4, lambda tag: bytes(len(tag))), "decryption.failed"),
        (changed(GOOD, 1, lambda data: bytes(len(data))), "decryption.failed"),
        (_zipped(INSIDE), "decryption.zip"),
        (_zipped(deflated(INSIDE)[:-1]), "decryption.zip"),
        (_zipped(deflated(INSIDE * 10_000)), "decryption.size"),
    ],
    ids=["tag", "wrapped key", "not compressed", "truncated", "large"],
)
def test_neither_key_nor_plaintext_is_in_a_refusal(token: str, expected: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        decrypt(token, keys(RSA), ["RSA-OAEP-256"], ["A256GCM"])
    assert caught.value.code == expected
    shown = views(caught.value)
    for secret in (CEK, INSIDE, deflated(INSIDE)[:-1], RSA.private_numbers().d.to_bytes(256, "big")):
        assert repr(secret)[2:-1] not in shown
        assert b64(secret) not in shown
    assert MARK not in shown
    assert str(RSA.private_numbers().d) not in shown


@given(st.sampled_from(NAMES), st.text(max_size=6).map(lambda text: f"{MARK}{text}"))
def test_no_refusal_quotes_the_token(name: str, text: str) -> None:
    key = private("dir", "A256GCM")
    token = sealed({"alg": "dir", "enc": "A256GCM", name: text}, key, enc="A256GCM", plaintext=INSIDE)
    with pytest.raises(TokenRefused) as caught:
        decrypt(
            changed(token, 4, lambda tag: tag[:-1]),
            DecryptionKeySet((from_secret(key, kid="1"),)),
            ["dir"],
            ["A256GCM"],
        )
    said = " ".join([str(caught.value), repr(caught.value), repr(vars(caught.value))])
    assert (MARK in said) is (name in ("alg", "enc"))  # these two may be shown


def test_no_repr_shows_anything() -> None:
    made = decrypt(GOOD, keys(RSA), ["RSA-OAEP-256"], ["A256GCM"])
    assert made.plaintext == INSIDE
    for thing in (made, read(GOOD), keys(RSA), keys(RSA).keys[0]):
        for shown in (repr(thing), str(thing), f"{thing}", f"{[thing]}"):
            assert MARK not in shown
            assert GOOD[:8] not in shown


def test_what_is_inside_is_not_quoted() -> None:
    for inside in (INSIDE, b'{"iss":"geheimnis"}', "geheimnis.é.x".encode()):
        with pytest.raises(TokenRefused) as caught:
            check_nested(read(sealed({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}, CEK)), inside)
        assert MARK not in str(caught.value)


@given(st.text(max_size=6).map(lambda text: f"{MARK}{text}"))
def test_no_key_refusal_quotes_the_key(text: str) -> None:
    one = private("ECDH-ES")
    for jwk in (
        private_jwk(one, x=text),
        private_jwk(one, d=text),
        private_jwk(one, alg=text),
        private_jwk(one, kid=text, use=text),
        private_jwk(one, crv=text),
        {"kty": text, text: text},
        {**public_jwk(one), text: text},
        {"kty": "oct", "k": b64(text.encode("utf-8", "replace")[:15])},
    ):
        with pytest.raises(KeyRefused) as caught:
            from_jwk(jwk)
        said = " ".join([str(caught.value), repr(caught.value), json.dumps(vars(caught.value))])
        assert MARK not in said
        assert b64(MARK.encode()) not in said


@pytest.mark.parametrize("form", ["pem", "jwk", "secret"])
def test_no_frame_of_a_refusal_holds_the_key(form: str) -> None:
    """Tools that show the variables of every frame get to see what was refused, and not the key."""
    weak = rsa.generate_private_key(65537, 1024)
    told = private_jwk(weak)
    make: dict[str, Callable[[], object]] = {
        "pem": lambda: from_pem(
            weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        ),
        "jwk": lambda: from_jwk(json.dumps(told)),
        "secret": lambda: from_secret(MARK.encode()[:15]),
    }
    with pytest.raises(KeyRefused) as caught:
        make[form]()
    frames = [each for each, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals["__name__"].startswith("policyjwt")]
    shown = "".join(repr(value) for frame in ours for value in frame.f_locals.values())
    assert ours
    for secret in (MARK[:15], str(told["d"])[:16], "PRIVATE KEY"):
        assert secret not in shown
    assert caught.value.__context__ is None
