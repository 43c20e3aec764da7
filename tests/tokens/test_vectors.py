"""Published examples that lie beside the checkout: RFC 7520, 8037, 7797, and Wycheproof's file of signatures."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens import KeySet
from policyjwt.tokens.key import _secret_key
from tests.shared import vectors
from tests.tokens.minting import take_apart, verify_any_payload

_PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}

# --- Wycheproof ----------------------------------------------------------------------------------------

SAME_AS_A_VALID_ONE = {367, 370}
"""Labelled invalid, and byte for byte 357, which is labelled valid: they say nothing."""

KEY_OF_ANOTHER_ALGORITHM = {346, 347, 350, 351}
"""Labelled valid with a JWK whose `alg` is another one (PS256 for PS384) or none at all (`ES521`)."""

LEFT_OUT = SAME_AS_A_VALID_ONE | KEY_OF_ANOTHER_ALGORITHM

HOLDS_A_QUESTION_MARK = {372, 373}
"""Labelled valid with a `?` in a segment, which is no base64url."""


def _wycheproof() -> Iterator[Any]:
    document = json.loads(vectors("wycheproof/json_web_signature_test.json").read_text(encoding="utf-8"))
    for group in document["testGroups"]:
        for test in group["tests"]:
            if test["tcId"] in LEFT_OUT:
                continue
            yield pytest.param(group, test, id=f"{test['tcId']}-{test['comment']}")


def _keys_of(group: Any) -> tuple[KeySet, frozenset[str]]:
    jwk = group.get("public") or group["private"]
    jwk = {name: value for name, value in jwk.items() if name not in _PRIVATE}
    algorithms = frozenset({jwk["alg"]} if "alg" in jwk else {"RS256", "ES256"})
    if jwk.get("k", "").strip("A") == "" and jwk["kty"] == "oct":
        # 32 zero bytes: refused when loaded, so the key is made behind that door.
        secret = base64.urlsafe_b64decode(jwk["k"] + "=")
        return KeySet((_secret_key(secret, kid=jwk["kid"], reference=None, algorithm="HS256"),)), algorithms
    return KeySet.from_jwks(jwk), algorithms


@pytest.mark.parametrize(("group", "test"), [*_wycheproof()])
def test_wycheproof(group: Any, test: Any) -> None:
    number, valid = test["tcId"], test["result"] == "valid"
    try:
        keys, algorithms = _keys_of(group)
        verify_any_payload(test["jws"], keys, algorithms)
    except (TokenRefused, KeyRefused):
        accepted = False
    else:
        accepted = True
    assert accepted is (valid and number not in HOLDS_A_QUESTION_MARK)


def test_wycheproof_is_complete() -> None:
    numbers = {case.values[1]["tcId"] for case in _wycheproof()}
    assert len(numbers) == 395
    assert numbers | LEFT_OUT == set(range(1, 402))


def test_the_zero_secret_of_wycheproof_is_refused_when_loaded() -> None:
    with pytest.raises(KeyRefused, match=r"key\.weak"):
        KeySet.from_jwks({"kty": "oct", "k": "A" * 43})


# --- RFC 7520 ------------------------------------------------------------------------------------------


def _public(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in _PRIVATE}


def _cookbook(folder: str, *, but: str = "") -> Iterator[Any]:
    for path in sorted(vectors(folder).glob("*.json")):
        if path.stem != but:
            yield pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem)


@pytest.mark.parametrize("example", [*_cookbook("rfc7520/jws"), *_cookbook("rfc7520/curve25519", but="ecdh-es")])
def test_rfc_7520_and_8037(example: Any) -> None:
    compact = example["output"].get("compact")
    if compact is None:
        flat = example["output"].get("json_flat") or example["output"]["json"]
        with pytest.raises(TokenRefused, match=r"token\.form"):
            take_apart(json.dumps(flat))
        return
    keys = KeySet.from_jwks(_public(example["input"]["key"]))
    alg = example["signing"].get("protected", example["signing"].get("header"))["alg"]
    if compact.split(".")[1] == "":  # detached: the payload is put back in
        payload = base64.urlsafe_b64encode(example["input"]["payload"].encode()).rstrip(b"=").decode()
        compact = compact.replace("..", f".{payload}.")
    assert verify_any_payload(compact, keys, frozenset({alg})) == example["input"]["payload"].encode()


@pytest.mark.parametrize("example", [*_cookbook("rfc7520/rfc7797")])
def test_rfc_7797_is_not_for_jwts(example: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        take_apart(f"{example['signing']['sig-input']}.{example['signing']['sig']}")
    assert caught.value.code in ("header.b64", "token.segments")


@pytest.mark.parametrize("example", [*_cookbook("rfc7520/jwe")])
def test_encrypted_examples_are_another_kind(example: Any) -> None:
    compact, flat = (example["output"].get(form) for form in ("compact", "json"))
    with pytest.raises(TokenRefused, match=r"token\.form"):
        take_apart(json.dumps(flat))
    if compact is None:
        return
    with pytest.raises(TokenRefused, match=r"token\.kind"):
        take_apart(compact)
