"""Faults of public keys, listed without raising: all of them, in order, and nothing of the file quoted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused
from policyjwt.keys.quality import Fault, jwks_faults, pem_faults
from policyjwt.tokens import KeySet
from tests.tokens.minting import Signer, b64, rsa_private, signer

E1, E2, R1 = signer("ES256"), signer("ES256", other=2), signer("RS256")
WEAK = Signer("RS256", rsa_private(bits=1024))


def text(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


TABLE: list[tuple[str, str, list[Fault]]] = [
    ("sound", text(E1.jwk(), E2.jwk(kid="e2")), []),
    ("foreign", text(E1.jwk(), R1.jwk(use="enc")), [("note", "a key is passed over: its `use` is not `sig`")]),
    (
        "only foreign",
        text(R1.jwk(alg="RSA-OAEP")),
        [
            ("error", "a key set without a key for signatures: all 1 are for other things, or of unknown kinds"),
            ("note", "a key is passed over: its `alg` is no signature algorithm of the table"),
        ],
    ),
    ("one kid", text(E1.jwk(), E2.jwk()), [("error", "two keys with one `kid`")]),
    ("empty", text(), [("error", "a key set without a key for signatures")]),
    ("no JSON", "geheim", [("error", "a key set that is not strict JSON: not JSON")]),
    (
        "all at once",
        text(WEAK.jwk(), E1.jwk(d="geheim"), E1.jwk(x="AA"), E1.jwk(), E2.jwk()),
        [
            ("error", "key 1 of 5: an RSA key of 1024 bits, where at least 2048 are needed"),
            ("error", "key 2 of 5: a private key where a public one belongs"),
            ("error", "key 3 of 5: `x` of 1 bytes, where the curve has 32"),
            ("error", "two keys with one `kid`"),
        ],
    ),
    (
        "a shared secret",
        text(signer("HS256").jwk()),
        [("error", "a shared secret in a file of public keys")],
    ),
    (
        "mixed",
        text(E1.jwk(), signer("HS256").jwk(kid="m")),
        [
            ("error", "shared secrets and public keys in one set"),
            ("error", "a shared secret in a file of public keys"),
        ],
    ),
    (
        "exponent 1",
        text(R1.jwk(e=b64(b"\1"))),
        [("error", "an RSA exponent that is even or less than 3")],
    ),
]


@pytest.mark.parametrize(("source", "faults"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_jwks(source: str, faults: list[Fault]) -> None:
    assert jwks_faults(source) == jwks_faults(source.encode()) == faults
    loads = not any(level == "error" for level, _ in faults)
    try:
        keys = KeySet.from_jwks(source)
    except KeyRefused:
        assert not loads
    else:
        assert loads or keys.keys[0].symmetric


def test_pem() -> None:
    assert pem_faults(E1.pem()) == pem_faults(E1.pem() + E2.pem()) == []
    assert pem_faults(WEAK.pem() + E1.pem()) == [
        ("error", "block 1 of 2: an RSA key of 1024 bits, where at least 2048 are needed")
    ]
    assert pem_faults(b"-----BEGIN EC PRIVATE KEY-----") == [
        ("error", "a PEM file with a private key where public ones belong")
    ]
    assert pem_faults(b"-----BEGIN X") == [("error", "a file without any PEM block")]


@given(st.text() | st.binary())
def test_nothing_raises(source: str | bytes) -> None:
    faults = jwks_faults(source) + pem_faults(source.encode("utf-8", "replace") if isinstance(source, str) else source)
    assert all(level in ("error", "warning", "note") for level, _ in faults)
