"""Chains of others: x509-limbo (offline) and BoringSSL, all through `find_path`, with `leaf any` and no usage.

Both judge servers of the web. Where we decide otherwise, `chain_differences.toml` says why, by id; a difference
that is not listed there fails, and a listed one that is none any more too.
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens.certificate_path import Anchors, LeafBinding, PathDemand, find_path
from policyjwt.tokens.path_faults import has_issued
from tests.issuer import NOW
from tests.pki import pki
from tests.shared import vectors

ANY = LeafBinding.make("any", frozenset())
ALGORITHMS = ("ES256", "RS256", "ES384", "ES512", "EdDSA")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
USAGES = {"SERVER_AUTH": "1.3.6.1.5.5.7.3.1", "CLIENT_AUTH": "1.3.6.1.5.5.7.3.2"}


@dataclass(frozen=True)
class Vector:
    """One chain, leaf first, and whether its authors accept it."""

    name: str
    good: bool
    chain: Sequence[str]
    anchors: Sequence[str]
    now: float
    depth: int | None = None
    purpose: str = ""
    errors: Sequence[str] = field(default=())


def accepts(vector: Vector, usage: str | None = None) -> bool:
    """Whether we do. Which algorithm the leaf's key is for is not what these vectors are about."""
    try:
        anchors = Anchors.from_pem(*(each.encode() for each in vector.anchors))
    except KeyRefused:
        return False
    demand = PathDemand(anchors=anchors, leaf=ANY, usage=usage, depth=vector.depth)
    codes = {_code(vector, demand, alg) for alg in ALGORITHMS}
    assert codes <= {"", "x5c.key_alg_mismatch"} or codes.isdisjoint({""})
    return "" in codes


def _code(vector: Vector, demand: PathDemand, alg: str) -> str:
    try:
        find_path({"x5c": list(vector.chain)}, demand, alg=alg, now=vector.now)
    except TokenRefused as refused:
        return refused.code
    return ""


def base64_of(pem: str) -> str:
    """A PEM block as an element of `x5c`."""
    found = PEM.search(pem)
    assert found is not None
    return "".join(found[1].split())


# --- x509-limbo -------------------------------------------------------------------------------------------


def limbo() -> Iterator[Vector]:
    document = json.loads(vectors("x509-limbo/limbo_offline.json").read_text(encoding="utf-8"))
    for case in document["testcases"]:
        when = case.get("validation_time")
        yield Vector(
            name=case["id"],
            good=case["expected_result"] == "SUCCESS",
            chain=ordered([base64_of(case["peer_certificate"]), *map(base64_of, case["untrusted_intermediates"])]),
            anchors=case["trusted_certs"],
            now=datetime.fromisoformat(when).timestamp() if when else NOW,
            depth=case.get("max_chain_depth"),
        )


def ordered(chain: list[str]) -> list[str]:
    """The intermediates in the order that `x5c` needs, as far as there is one; there they are a set."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of a serial number that is negative
            leaf, *rest = (x509.load_der_x509_certificate(base64.b64decode(each)) for each in chain)
    except ValueError:
        return chain
    found = [leaf]
    while above := [each for each in rest if each.subject == found[-1].issuer]:
        above.sort(key=lambda each: not has_issued(each, found[-1]))
        found.append(above[0])
        rest.remove(above[0])
    return [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in (*found, *rest)]


# --- BoringSSL --------------------------------------------------------------------------------------------

_FIELD = re.compile(r"([a-z_]+): *(.*)")
DEFAULT_TIME = "211005120000Z"
"""What the runner of these files takes for `DEFAULT`."""


def boringssl() -> Iterator[Vector]:
    root = vectors("boringssl/verify_certificate_chain_unittest")
    for path in sorted(root.rglob("*.test")):
        yield _boringssl(path, path.relative_to(root).with_suffix("").as_posix())


def _boringssl(path: Path, name: str) -> Vector:
    head, _, expected = path.read_text(encoding="utf-8").partition("expected_errors:")
    fields: dict[str, str] = {found[1]: found[2] for line in head.splitlines() if (found := _FIELD.fullmatch(line))}
    blocks = PEM.findall((path.parent / fields["chain"]).read_text(encoding="utf-8"))
    chain = ["".join(each.split()) for each in blocks]
    last = f"-----BEGIN CERTIFICATE-----{blocks[-1]}-----END CERTIFICATE-----\n"
    trusted = fields["last_cert_trust"].startswith("TRUSTED_ANCHOR")
    when = fields["utc_time"].replace("DEFAULT", DEFAULT_TIME)
    return Vector(
        name=name,
        good="ERROR" not in expected,
        chain=chain[:-1] or chain if trusted else chain,
        anchors=[last if trusted else pki().root.pem.decode()],
        now=datetime.strptime(when, "%y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp(),
        purpose=fields["key_purpose"],
        errors=re.findall("ERROR: (.*)", expected),
    )


# --- the comparison ---------------------------------------------------------------------------------------

DIFFERENCES: dict[str, list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_name("chain_differences.toml").read_text(encoding="utf-8")
)
VECTORS = {"limbo": {each.name: each for each in limbo()}, "boringssl": {each.name: each for each in boringssl()}}
ALL = [(source, each) for source, found in VECTORS.items() for each in found.values()]


def listed(source: str, ours: str) -> set[str]:
    return {name for group in DIFFERENCES[source] if group["ours"] == ours for name in group["ids"]}


@pytest.mark.parametrize(("source", "vector"), [pytest.param(*each, id=f"{each[0]}-{each[1].name}") for each in ALL])
@pytest.mark.filterwarnings("ignore")
def test_a_chain_of_others(source: str, vector: Vector) -> None:
    ours = "accepts" if accepts(vector) else "refuses"
    theirs = "accepts" if vector.good else "refuses"
    assert (ours != theirs) is (vector.name in listed(source, ours)), f"{ours}, they {theirs.removesuffix('s')}"


@pytest.mark.parametrize("source", VECTORS)
def test_the_list_of_differences_is_well_kept(source: str) -> None:
    names = [name for group in DIFFERENCES[source] for name in group["ids"]]
    assert len(set(names)) == len(names)
    assert set(names) <= set(VECTORS[source])
    for group in DIFFERENCES[source]:
        assert group["ours"] in ("accepts", "refuses")
        assert group["reason"].endswith(".")
        assert len(group["reason"]) > 40


def test_all_are_there() -> None:
    assert {source: len(found) for source, found in VECTORS.items()} == {"limbo": 194, "boringssl": 197}
    assert sum(each.good for each in VECTORS["limbo"].values()) == 49
    assert sum(not each.errors for each in VECTORS["boringssl"].values()) == 97


USAGE_ALONE = [
    each
    for group in DIFFERENCES["boringssl"]
    for each in map(VECTORS["boringssl"].__getitem__, group["ids"])
    if group.get("with_usage") == "refuses"
]


@pytest.mark.parametrize("vector", USAGE_ALONE, ids=lambda vector: vector.name)
def test_what_we_accept_for_want_of_a_usage_is_refused_with_one(vector: Vector) -> None:
    assert accepts(vector)
    assert not accepts(vector, USAGES[vector.purpose.partition("_STRICT")[0]])
