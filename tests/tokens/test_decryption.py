"""Decryption: every algorithm as several libraries write it, the form of tokens, and the interface."""

from __future__ import annotations

import copy
import json
import operator
import os
import pickle
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from policyjwt.errors import TokenRefused
from policyjwt.language import names
from policyjwt.tokens.decryption import DecryptedToken, check_replicated, decrypt, read
from policyjwt.tokens.decryption_key import from_jwk
from policyjwt.tokens.encryption import CONTENT, KEY_MANAGEMENT, algorithm_list, content_list, fitting
from policyjwt.tokens.limits import MAX_TOKEN_CHARACTERS
from tests.tokens import encrypting
from tests.tokens.encrypting import (
    PLAINTEXT,
    by_joserfc,
    by_jwcrypto,
    code,
    keys,
    loaded,
    opened,
    private,
    private_jwk,
    public_jwk,
    sealed,
    to_oaep,
    with_header,
    wrapped,
)
from tests.tokens.minting import b64, signer

PAIRS = encrypting.pairs()
RSA = private("RSA-OAEP-256")
EC = private("ECDH-ES")
DIRECT = private("dir", "A256GCM")
KEK = private("A256KW")


def direct(**members: object) -> str:
    return sealed({"alg": "dir", "enc": "A256GCM", **members}, DIRECT)


# --- what others write ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("alg", "enc", "curve"), PAIRS, ids=str)
@pytest.mark.parametrize("mint", [by_joserfc, by_jwcrypto], ids=["joserfc", "jwcrypto"])
def test_every_pair(mint: Any, alg: str, enc: str, curve: str | None) -> None:
    key = private(alg, enc, curve)
    token = mint(key, {"alg": alg, "enc": enc, "cty": "JWT"})
    assert opened(token, key, alg=alg, enc=enc) == PLAINTEXT
    assert opened(token, keys(from_jwk(private_jwk(key, use="enc"))), alg=alg, enc=enc) == PLAINTEXT
    compressed = mint(key, {"alg": alg, "enc": enc, "zip": "DEF"}, PLAINTEXT * 50)
    assert opened(compressed, key, alg=alg, enc=enc) == PLAINTEXT * 50


def test_all_pairs_are_there() -> None:
    assert len(PAIRS) == 6 * (2 + 4 * 4 + 3 + 3 + 1)


@pytest.mark.parametrize("mint", [by_joserfc, by_jwcrypto], ids=["joserfc", "jwcrypto"])
def test_parties_are_part_of_the_agreement(mint: Any) -> None:
    members = {"apu": b64(b"Alice"), "apv": b64(b"Bob")}
    token = mint(EC, {"alg": "ECDH-ES+A256KW", "enc": "A128CBC-HS256", **members})
    assert opened(token, EC) == PLAINTEXT
    assert code(with_header(token, apu=b64(b"Mallory")), EC) == "decryption.failed"


def _by_jose(folder: Path, key: Any, header: dict[str, str]) -> str:
    (folder / "key.jwk").write_text(json.dumps(public_jwk(key)))
    (folder / "plain").write_bytes(PLAINTEXT)
    template = json.dumps({"protected": header})
    command = ["jose", "jwe", "enc", "-i", template, "-I", "plain", "-k", "key.jwk", "-c"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    if header["alg"].startswith("RSA") and "Wrapping failed" in run.stderr:
        pytest.skip("this `jose` can't encrypt by RSA-OAEP with this OpenSSL, as `jose jwe enc` alone shows")
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.skipif(shutil.which("jose") is None, reason="the command `jose` is not installed")
@pytest.mark.parametrize(
    ("alg", "enc", "curve"),
    [(alg, enc, curve) for alg, enc, curve in PAIRS if curve != "X25519" and enc in ("A256GCM", "A128CBC-HS256")],
    ids=str,
)
def test_the_command_jose(tmp_path: Path, alg: str, enc: str, curve: str | None) -> None:
    """Without `zip`: up to version 12 it writes that into the header and does not compress (latchset/jose, 161)."""
    key = private(alg, enc, curve)
    assert opened(_by_jose(tmp_path, key, {"alg": alg, "enc": enc}), key, alg=alg, enc=enc) == PLAINTEXT


@pytest.mark.parametrize("enc", CONTENT)
def test_control_by_hand(enc: str) -> None:
    """What is made by hand is what libraries write: so malformed tokens have their one fault alone."""
    cek = os.urandom(encrypting.CEK_BYTES[enc])
    for alg, key, encrypted_key in (
        ("dir", cek, b""),
        ("RSA-OAEP", RSA, to_oaep(RSA, cek, hash256=False)),
        ("RSA-OAEP-256", RSA, to_oaep(RSA, cek)),
        ("A256KW", KEK, wrapped(KEK, cek)),
    ):
        assert opened(sealed({"alg": alg, "enc": enc}, cek, encrypted_key=encrypted_key), key) == PLAINTEXT


# --- the rest of the form ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (None, "token.missing"),
        ("", "token.missing"),
        (signer("ES256").token(), "token.kind"),
        ("a", "token.segments"),
        ("a.b.c.d", "token.segments"),
        (direct() + ".", "token.segments"),
        (direct() + ".x", "token.segments"),
        ("." + direct(), "token.segments"),
        (direct() + "\n", "token.base64"),
        (" " + direct(), "token.base64"),
        ("Bearer " + direct(), "token.base64"),
        (direct() + "=", "token.base64"),
        (direct()[:-1] + "é", "token.base64"),
        (direct().replace(".", ".+", 1), "token.base64"),
        ("x" * (MAX_TOKEN_CHARACTERS + 1), "token.size"),
        (sealed(b"[]", DIRECT), "token.json"),
        (sealed(b"", DIRECT), "token.json"),
        (sealed(b"\xff", DIRECT), "token.utf8"),
        (sealed(b'\xef\xbb\xbf{"alg":"dir","enc":"A256GCM"}', DIRECT), "token.utf8"),
        (sealed(b'{"alg":"none","alg":"dir","enc":"A256GCM"}', DIRECT), "token.duplicate"),
        (sealed(b'{"alg":"dir","enc":"A256GCM","x":{"a":1,"\\u0061":2}}', DIRECT), "token.duplicate"),
        (sealed(b'{"alg":"dir","enc":"A256GCM","x":NaN}', DIRECT), "token.json"),
        (sealed(b'{"alg":"dir","enc":"A256GCM","x":1e999}', DIRECT), "token.number"),
        (sealed(b'{"alg":"dir","enc":"A256GCM","x":' + b"[" * 40 + b"]" * 40 + b"}", DIRECT), "token.depth"),
    ],
    ids=lambda part: part if isinstance(part, str) and part.startswith("token.") else "",
)
def test_form(token: str | None, expected: str) -> None:
    assert code(token, DIRECT) == expected


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "b64", "crit"])
@pytest.mark.parametrize("value", [None, [], ["exp"], "x", {}, False], ids=repr)
def test_k06_nothing_comes_from_the_header(name: str, value: object) -> None:
    assert code(direct(**{name: value}), DIRECT) == "decryption.header"


@pytest.mark.parametrize("kid", [1, True, None, [], {}], ids=repr)
def test_k09_kid_is_a_string(kid: object) -> None:
    assert code(direct(kid=kid), DIRECT) == "decryption.header"


def test_control_other_members_are_ignored() -> None:
    token = direct(foo=1, typ="JWT", x5t="AA", p2c=10**9, p2s="x", epk="x", iv=1, tag=[])
    assert opened(token, DIRECT) == PLAINTEXT


def test_control_the_longest_token() -> None:
    token = sealed({"alg": "dir", "enc": "A256GCM"}, DIRECT, plaintext=b"")
    room = (MAX_TOKEN_CHARACTERS - len(token)) * 3 // 4
    longest = sealed({"alg": "dir", "enc": "A256GCM"}, DIRECT, plaintext=bytes(room))
    assert len(longest) == MAX_TOKEN_CHARACTERS
    assert opened(longest, DIRECT) == bytes(room)
    longer = sealed({"alg": "dir", "enc": "A256GCM"}, DIRECT, plaintext=bytes(room + 1))
    assert code(longer, DIRECT) == "token.size"


# --- claims outside and inside ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "claims", "expected"),
    [
        ({}, {"iss": "a"}, None),
        ({"alg": "dir", "foo": 1}, {"foo": 2}, None),
        ({"iss": "a", "sub": "s", "aud": ["x", "y"]}, {"iss": "a", "sub": "s", "aud": ["x", "y"], "exp": 1}, None),
        ({"iss": "a"}, {"iss": "b"}, "`iss` of the header is not that of the claims inside"),
        ({"iss": "a"}, {}, "`iss` of the header is not that of the claims inside"),
        ({"aud": "x"}, {"aud": ["x"]}, "`aud` of the header is not that of the claims inside"),
        ({"aud": ["x", "y"]}, {"aud": ["y", "x"]}, "`aud` of the header is not that of the claims inside"),
        ({"exp": 1}, {"exp": True}, "`exp` of the header is not that of the claims inside"),
        ({"exp": 1}, {"exp": 1.0}, "`exp` of the header is not that of the claims inside"),
        ({"sub": None}, {}, "`sub` of the header is not that of the claims inside"),
        ({"jti": "1"}, {"jti": "2"}, "`jti` of the header is not that of the claims inside"),
    ],
    ids=repr,
)
def test_h21_replicated_claims(header: dict[str, object], claims: dict[str, object], expected: str | None) -> None:
    if expected is None:
        check_replicated(header, claims)
        return
    with pytest.raises(TokenRefused) as caught:
        check_replicated(header, claims)
    assert (caught.value.code, caught.value.actual) == ("decryption.claim_mismatch", expected)


# --- the interface ----------------------------------------------------------------------------------------


def test_a_decrypted_token_is_made_here_alone() -> None:
    made = decrypt(direct(kid="1"), keys(DIRECT), ["dir"], ["A256GCM"])
    assert made.plaintext == PLAINTEXT
    assert made.header == {"alg": "dir", "enc": "A256GCM", "kid": "1"}
    assert repr(made) == "<DecryptedToken>"
    for wrong in (
        DecryptedToken,
        lambda: bool(made),
        lambda: copy.copy(made),
        lambda: copy.deepcopy(made),
        lambda: pickle.dumps(made),
        lambda: operator.setitem(cast("dict[str, object]", made.header), "kid", "2"),
        lambda: type("Another", (DecryptedToken,), {}),
        lambda: bool(read(direct())),
    ):
        with pytest.raises((TypeError, AttributeError)):
            wrong()
    with pytest.raises(AttributeError, match="can't be changed"):
        made.plaintext = b""
    with pytest.raises(AttributeError, match="can't be changed"):
        del made.header


@pytest.mark.parametrize(
    ("algorithms", "content", "error"),
    [
        ([], ["A256GCM"], ValueError),
        (["dir"], [], ValueError),
        (["RSA1_5"], ["A256GCM"], ValueError),
        (["PBES2-HS256+A128KW"], ["A256GCM"], ValueError),
        (["none"], ["A256GCM"], ValueError),
        (["dir"], ["dir"], ValueError),
        (["ES256"], ["A256GCM"], ValueError),
        ("dir", ["A256GCM"], TypeError),
        (["dir"], "A256GCM", TypeError),
        (["dir"], b"A256GCM", TypeError),
        ([1], ["A256GCM"], TypeError),
        ([["dir"]], ["A256GCM"], TypeError),
        (None, ["A256GCM"], TypeError),
        (["dir"], 1, TypeError),
    ],
    ids=repr,
)
def test_lists_of_algorithms(algorithms: Any, content: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        decrypt(direct(), keys(DIRECT), algorithms, content)


class Text(str):
    """Could answer differently each time it is asked."""


@pytest.mark.parametrize(
    "token",
    [b"a.b.c.d.e", bytearray(5), 1, ["a"], Text(direct())],
    ids=["bytes", "bytearray", "number", "list", "subclass"],
)
def test_a_token_is_a_str(token: Any) -> None:
    with pytest.raises(TypeError):
        read(token)


def test_threads_share_a_key() -> None:
    held = keys(loaded(private("RSA-OAEP"), kid="r"), loaded(private("ECDH-ES"), kid="e"))
    made = [(f"{n}".encode(), "re"[n % 2], ("RSA-OAEP", "ECDH-ES")[n % 2]) for n in range(40)]
    tokens = [by_joserfc(private(alg), {"alg": alg, "enc": "A256GCM", "kid": kid}, text) for text, kid, alg in made]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda token: opened(token, held), tokens * 3))
    assert found == [text for text, _, _ in made] * 3


def test_keys_are_a_key_set() -> None:
    with pytest.raises(TypeError):
        decrypt(direct(), loaded(DIRECT), ["dir"], ["A256GCM"])  # type: ignore[arg-type]


def test_the_tables() -> None:
    assert len(KEY_MANAGEMENT) == 13
    assert {name: row.key_bytes for name, row in CONTENT.items()} == encrypting.CEK_BYTES
    assert {name: (row.iv_bytes, row.tag_bytes) for name, row in CONTENT.items()} == {
        **dict.fromkeys(("A128GCM", "A192GCM", "A256GCM"), (12, 16)),
        **{"A128CBC-HS256": (16, 16), "A192CBC-HS384": (16, 24), "A256CBC-HS512": (16, 32)},
    }
    assert algorithm_list(KEY_MANAGEMENT) == set(KEY_MANAGEMENT)
    assert content_list(CONTENT) == set(CONTENT)
    assert fitting("OKP") == fitting("EC") == {"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"}
    assert fitting("oct", secret_bytes=24) == {"A192KW", "A192GCMKW", "dir"}


def test_the_tables_are_those_of_the_language() -> None:
    assert tuple(KEY_MANAGEMENT) == names.KEY_MANAGEMENT
    assert tuple(CONTENT) == names.CONTENT
