"""The examples of the standard: every bit of its lists, and its signed one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policyjwt.errors import TokenRefused
from policyjwt.evidence.status_list import StatusDemand, StatusLists, find_list, judge_status, verify_list
from policyjwt.tokens import base64url, strict_json
from tests.evidence.test_status_list import lister
from tests.issuer import NOW, STATUS_URI, status_list
from tests.shared import vectors

FILE: dict[str, Any] = json.loads(vectors("token_status_list/vectors.json").read_text(encoding="utf-8"))
LISTS = {vector["name"]: vector for vector in FILE["vectors"]}
DEMAND = StatusDemand(uri=STATUS_URI, max_age=3600)
CODES = {0: "", 1: "status.revoked", 2: "status.suspended"}


def as_list(vector: dict[str, Any]) -> str:
    return status_list(lister(), status_list={"bits": vector["bits"], "lst": vector["lst"]})


def expected(vector: dict[str, Any]) -> dict[int, int]:
    """The value at each index that the example names."""
    return {entry["index"]: entry["value"] for entry in vector["entries"]}


@pytest.mark.parametrize("name", LISTS)
def test_the_lists_of_the_standard(name: str) -> None:
    vector = LISTS[name]
    named, found = expected(vector), verify_list(as_list(vector), lister().keys())
    assert len(found.data) * 8 // vector["bits"] == vector["size"]
    for index, value in named.items():
        try:
            assert judge_status(found, index, DEMAND, now=NOW) > NOW
            code = ""
        except TokenRefused as refused:
            code = refused.code
        assert code == CODES.get(value, "status.unknown")
    with pytest.raises(TokenRefused) as caught:
        judge_status(found, vector["size"], DEMAND, now=NOW)
    assert caught.value.code == "status.index_out_of_range"


@pytest.mark.parametrize("name", [name for name, vector in LISTS.items() if vector["others"] == 0])
def test_no_bit_is_set_but_those_that_the_standard_names(name: str) -> None:
    vector = LISTS[name]
    found = verify_list(as_list(vector), lister().keys())
    whole = int.from_bytes(found.data, "little")
    for index, value in expected(vector).items():
        whole ^= value << index * vector["bits"]
    assert whole == 0


def test_the_signed_list_of_the_standard() -> None:
    from policyjwt.tokens import KeySet

    text, keys = FILE["status_list_jwt"], KeySet.from_jwks({"keys": [FILE["status_list_jwt_key"]]})
    claims = strict_json.loads(base64url.decode(text.split(".")[1]))
    assert isinstance(claims, dict)
    found = verify_list(text, keys)
    assert (found.issuer, found.issued_at, found.expires_at) == (claims["iss"], claims["iat"], claims["exp"])
    uri = str(claims["sub"])
    assert find_list([text], uri, StatusLists(), keys, issuer=str(claims["iss"])).data == found.data
    demand = StatusDemand(uri=uri, max_age=10**6)
    values = expected(LISTS["1-bit-short"])
    for index, value in values.items():
        if value:
            with pytest.raises(TokenRefused) as caught:
                judge_status(found, index, demand, now=found.issued_at + 1)
            assert caught.value.code == "status.revoked"
        else:
            assert judge_status(found, index, demand, now=found.issued_at + 1) == found.issued_at + claims["ttl"]
    with pytest.raises(TokenRefused) as caught:
        find_list([text], uri, StatusLists(), keys, issuer="https://other.example")
    assert caught.value.code == "status.list_invalid"
