"""Published encrypted tokens that lie beside the checkout: Wycheproof's file, RFC 7520 sections 5 and 6, RFC 8037."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens import KeySet, verify
from policyjwt.tokens.decryption import check_nested, decrypt, read
from policyjwt.tokens.decryption_key import from_jwk
from policyjwt.tokens.decryption_keyset import DecryptionKeySet
from policyjwt.tokens.encryption import CONTENT, KEY_MANAGEMENT
from tests.shared import vectors
from tests.tokens.minting import unb64

CANNOT_BE_WRITTEN = frozenset({*range(100, 106), 112, 128})
"""Labelled valid, and encrypted by RSA1_5."""


def _wycheproof() -> Iterator[Any]:
    document = json.loads(vectors("wycheproof/json_web_encryption_test.json").read_text(encoding="utf-8"))
    for group in document["testGroups"]:
        for test in group["tests"]:
            yield pytest.param(group["private"], test, id=f"{test['tcId']}-{test['comment']}")


def _plaintext(jwk: Any, token: str) -> bytes:
    keys = DecryptionKeySet((from_jwk(jwk),))
    return decrypt(token, keys, list(KEY_MANAGEMENT), list(CONTENT)).plaintext


@pytest.mark.parametrize(("jwk", "test"), [*_wycheproof()])
def test_d27_wycheproof(jwk: Any, test: Any) -> None:
    wanted = bytes.fromhex(test["pt"]) if test["result"] == "valid" else None
    try:
        found = _plaintext(jwk, test["jwe"])
    except (TokenRefused, KeyRefused):
        found = None
    assert found == (None if test["tcId"] in CANNOT_BE_WRITTEN else wanted)


def test_wycheproof_is_complete() -> None:
    tests = [case.values[1] for case in _wycheproof()]
    assert {test["tcId"] for test in tests} == set(range(1, 140))
    valid = {test["tcId"] for test in tests if test["result"] == "valid"}
    assert len(valid) == 65
    for test in tests:
        header = test["jwe"].split(".")[0]
        of_rsa15 = b'"RSA1_5"' in unb64(header) if test["tcId"] in valid else False
        assert of_rsa15 is (test["tcId"] in CANNOT_BE_WRITTEN)
        assert test["tcId"] not in valid or b"PBES2" not in unb64(header)


def test_d10_invalid_curve_point_of_wycheproof() -> None:
    jwk, test = next(case.values for case in _wycheproof() if case.values[1]["tcId"] == 51)
    assert test["comment"] == "rejectsInvalidCurvePoint"
    with pytest.raises(TokenRefused) as caught:
        _plaintext(jwk, test["jwe"])
    assert caught.value.code == "decryption.failed"


# --- RFC 7520 and RFC 8037 --------------------------------------------------------------------------------


def _cookbook() -> Iterator[Any]:
    paths = [*sorted(vectors("rfc7520/jwe").glob("*.json")), vectors("rfc7520/curve25519/ecdh-es.json")]
    for path in paths:
        yield pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem[:40])


REFUSED = {"RSA1_5", "PBES2-HS512+A256KW"}


@pytest.mark.parametrize("example", [*_cookbook()])
def test_d27_rfc_7520_section_5_and_8037(example: Any) -> None:
    given, output = example["input"], example["output"]
    for form in ("json", "json_flat"):
        if form in output:
            with pytest.raises(TokenRefused, match=r"token\.form"):
                read(json.dumps(output[form]))
    if "compact" not in output:
        assert set(output) <= {"json", "json_flat"}
        return
    if given["alg"] in REFUSED:
        with pytest.raises(TokenRefused, match=r"decryption\.algorithm_refused"):
            read(output["compact"])
        return
    assert _plaintext(given["key"], output["compact"]) == given["plaintext"].encode()


def test_rfc_7520_section_5_is_complete() -> None:
    found = [case.values[0] for case in _cookbook()]
    compact = [example for example in found if "compact" in example["output"]]
    assert (len(found), len(compact)) == (14, 10)
    assert sum(example["input"]["alg"] in REFUSED for example in compact) == 2


def test_d27_rfc_7520_section_6() -> None:
    path = vectors("rfc7520/6.nesting_signatures_and_encryption.json")
    example = json.loads(path.read_text(encoding="utf-8"))
    token = example["encrypt"]["output"]["compact"]
    plaintext = _plaintext(example["encrypt"]["input"]["key"], token)
    inner = check_nested(read(token), plaintext)
    assert inner == example["sign"]["output"]["compact"]
    public = {name: example["sign"]["input"]["key"][name] for name in ("kty", "kid", "use", "n", "e")}
    verified = verify(inner, KeySet.from_jwks(public), ["PS256"])
    assert verified.payload == example["sign"]["input"]["payload"].encode()
