"""The rows of the catalogue of attacks that are about status lists. Each is a token and a list, judged as a whole."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from policyjwt.errors import TokenRefused
from policyjwt.evidence.status_list import (
    MAX_INFLATED_BYTES,
    StatusDemand,
    StatusLists,
    find_list,
    judge_status,
    reference,
)
from tests.evidence.test_status_list import OTHER_URI, lister
from tests.issuer import NOW, STATUS_URI, Issuer, b64, claims, status_list
from tests.shared import vectors

DEMAND = StatusDemand(uri=STATUS_URI, max_age=3600)
SIZE = 16


def status_of(text: str, named: Any) -> str:
    """The code for a token with this `status_list`, and this list beside it; "" where it is valid."""
    token = claims(status={"status_list": named})
    try:
        uri, index = reference(token, DEMAND)
        found = find_list([text], uri, StatusLists(), lister().keys(), issuer=token["iss"])
        assert judge_status(found, index, DEMAND, now=NOW) > NOW
    except TokenRefused as refused:
        return refused.code
    return ""


def at(index: object, uri: object = STATUS_URI) -> dict[str, object]:
    return {"idx": index, "uri": uri}


def good(**changes: Any) -> str:
    return status_list(lister(), [0] * SIZE, **changes)


BOMB = b64(zlib.compress(bytes(200_000_000), 9))
ROWS: dict[str, tuple[str, Any, str]] = {
    "control": (good(), at(0), ""),
    "control, last": (good(), at(SIZE - 1), ""),
    "idx -1": (good(), at(-1), "status.bad_reference"),
    "idx at the size": (good(), at(SIZE), "status.index_out_of_range"),
    "idx 2³¹": (good(), at(2**31), "status.index_out_of_range"),
    "idx 2⁶⁴": (good(), at(2**64), "status.index_out_of_range"),
    "idx a text": (good(), at("0"), "status.bad_reference"),
    "idx a fraction": (good(), at(1.0), "status.bad_reference"),
    "idx true": (good(), at(True), "status.bad_reference"),
    "uri missing": (good(), {"idx": 0}, "status.bad_reference"),
    "uri of the presenter": (good(), at(0, "https://evil.example/status"), "status.bad_reference"),
    "no reference": (good(), None, "status.missing"),
    "zlib bomb": (
        status_list(lister(), status_list={"bits": 1, "lst": BOMB}),
        at(0),
        "status.malformed",
    ),
    "one byte too many": (
        status_list(lister(), status_list={"bits": 8, "lst": b64(zlib.compress(bytes(MAX_INFLATED_BYTES + 1)))}),
        at(0),
        "status.malformed",
    ),
    "bits 3": (good(status_list={"bits": 3, "lst": b64(zlib.compress(bytes(3)))}), at(0), "status.malformed"),
    "status 1": (status_list(lister(), [0, 1]), at(1), "status.revoked"),
    "status 2": (status_list(lister(), [0, 2], bits=2), at(1), "status.suspended"),
    "status 3": (status_list(lister(), [0, 3], bits=2), at(1), "status.unknown"),
    "sub is another uri": (good(sub=OTHER_URI), at(0), "status.wrong_list"),
    "expired": (good(exp=NOW), at(0), "status.stale"),
    "not yet expired": (good(exp=NOW + 1), at(0), ""),
    "typ missing": (good(header={"typ": ...}), at(0), "status.list_invalid"),
    "typ of the token itself": (good(header={"typ": "JWT"}), at(0), "status.list_invalid"),
    "alg none": (good(header={"alg": "none"}), at(0), "status.list_invalid"),
    "signed by another": (status_list(Issuer(kid="list"), [0] * SIZE), at(0), "status.list_invalid"),
    "issued by another": (good(iss="https://other.example"), at(0), "status.list_invalid"),
}


@pytest.mark.parametrize("row", ROWS)
def test_c26_status_list(row: str) -> None:
    text, named, expected = ROWS[row]
    assert status_of(text, named) == expected


@pytest.mark.parametrize("name", ["1-bit", "2-bit", "4-bit", "8-bit"])
def test_c27_the_first_token_has_the_lowest_bits(name: str) -> None:
    import json

    file = json.loads(vectors("token_status_list/vectors.json").read_text(encoding="utf-8"))
    (vector,) = (each for each in file["vectors"] if each["name"] == name)
    text = status_list(lister(), status_list={"bits": vector["bits"], "lst": vector["lst"]})
    named = {entry["index"]: entry["value"] for entry in vector["entries"]}
    codes = {0: "", 1: "status.revoked", 2: "status.suspended"}
    some = list(named)[:40]
    assert {index: status_of(text, at(index)) for index in some} == {
        index: codes.get(named[index], "status.unknown") for index in some
    }
    for index in some:
        for beside in {index - 1, index + 1} - named.keys() - {-1, vector["size"]}:
            assert status_of(text, at(beside)) == ""
