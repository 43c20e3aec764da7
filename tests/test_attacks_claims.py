"""Claims and times that must be refused, each signed with the right key so that only the intended line refuses.

A row: id, changes of the claims, changes of the header, the codes of the failing findings (none: trusted).
"""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt import Engine
from policyjwt.replay import MemoryReplayStore
from tests.issuer import NOW, URL, Issuer, claims, policy

ISSUER = Issuer()
DEEP: dict[str, Any] = {}
for _ in range(100):
    DEEP = {"act": DEEP}

NO_STRINGS: list[Any] = [..., None, "", 1, [], {}, True]
NO_TYPES: list[Any] = [1, [], None, {}]
ROWS: list[tuple[str, dict[str, Any], dict[str, Any], set[str]]] = [
    ("T0", {}, {}, set()),
    *[(f"C01-{i}", {"iss": v}, {}, {"policy.issuer_unknown"}) for i, v in enumerate(NO_STRINGS)],
    ("C02", {"iss": ["https://issuer.example", "https://evil"]}, {}, {"policy.issuer_unknown"}),
    *[
        (f"C03-{i}", {"iss": v}, {}, {"policy.issuer_unknown"})
        for i, v in enumerate(
            [
                "https://issuer.example/",
                "https://issuer.example:443",
                "HTTPS://issuer.example",
                "https://ISSUER.example",
                "https://issuer.example/.",
                "https://issuer%2eexample",
                "https://issuer.example//",
            ]
        )
    ],
    ("C08-in-list", {"aud": ["x", "api"]}, {}, set()),
    ("C08-other", {"aud": ["x"]}, {}, {"audience.mismatch"}),
    ("C08-empty", {"aud": []}, {}, {"audience.mismatch"}),
    ("C08-null", {"aud": None}, {}, {"audience.malformed"}),
    ("C08-missing", {"aud": ...}, {}, {"audience.missing"}),
    ("C09-nested", {"aud": [["api"]]}, {}, {"audience.malformed"}),
    ("C09-number", {"aud": ["api", 1]}, {}, {"audience.malformed"}),
    ("C09-null", {"aud": ["api", None]}, {}, {"audience.malformed"}),
    ("C09-object", {"aud": {"api": 1}}, {}, {"audience.malformed"}),
    *[
        (f"C10-{v}", {"aud": v}, {}, {"audience.mismatch"})
        for v in ["api-admin", "ap", "x api", "api x", "api,x", "API", "*", "", "api\u0000", "api "]
    ],
    ("C13-number", {"sub": 7}, {}, {"claim.provides-sub"}),
    ("C13-null", {"sub": None}, {}, {"claim.provides-sub"}),
    ("C13-list", {"sub": ["s"]}, {}, {"claim.provides-sub"}),
    ("C13-huge", {"sub": "s" * 1_000_000}, {}, {"token.size"}),
    ("C13-empty", {"sub": ""}, {}, set()),
    ("C20-dotted", {"a.b": 1, "": 2, "__class__": 3, "__proto__": 4, "constructor": 5}, {}, set()),
    ("C21", {f"c{i}": 1 for i in range(100_000)}, {}, {"token.size"}),
    ("C22", {"id_token": "eyJhbGciOiJub25lIn0.e30."}, {}, set()),
    ("C23", {"act": DEEP}, {}, {"token.depth"}),
    ("C24-cnf", {"cnf": {"jkt": "a"}}, {}, {"holder.unsupported"}),
    ("C24-empty", {"cnf": {}}, {}, {"holder.unsupported"}),
    ("C24-list", {"cnf": []}, {}, {"holder.malformed"}),
    ("C24-null", {"cnf": None}, {}, {"holder.malformed"}),
    ("C28-logout", {}, {"typ": "logout+jwt"}, {"type.mismatch"}),
    *[(f"C29-{n}", {n: None}, {}, {"freshness.malformed"}) for n in ("exp", "iat", "nbf")],
    ("C29-jti", {"jti": None}, {}, {"replay.nonce_invalid"}),
    ("C31", {"extra": 1, "aud": ["api", "other"], "exp": NOW + 60.0}, {}, set()),
    *[
        (f"H17-{t}", {}, {"typ": t}, {"type.mismatch"})
        for t in (
            "at+jwt",
            "dpop+jwt",
            "statuslist+jwt",
            "secevent+jwt",
            "",
            "JWT ",
            "application/application/jwt",
        )
    ],
    *[(f"H18-{t}", {}, {"typ": t}, set()) for t in ("jwt", "application/jwt", "APPLICATION/JWT")],
    ("H19-missing", {}, {"typ": ...}, {"type.missing"}),
    *[(f"H19-{i}", {}, {"typ": t}, {"type.malformed"}) for i, t in enumerate(NO_TYPES)],
    ("F01", {"exp": NOW}, {}, {"freshness.expired"}),
    ("F02-before", {"exp": NOW - 1}, {}, {"freshness.expired"}),
    ("F02-after", {"exp": NOW + 1}, {}, set()),
    ("F04", {"exp": ...}, {}, {"freshness.missing"}),
    *[
        (f"F05-{n}-{i}", {n: v}, {}, {"freshness.malformed"})
        for n in ("exp", "nbf", "iat")
        for i, v in enumerate(["1e10", str(NOW + 60), True, [], {}, False])
    ],
    ("F06-zero", {"exp": 0, "iat": -10, "nbf": -10}, {}, {"freshness.expired"}),
    ("F06-negative", {"exp": -1, "iat": -10, "nbf": -10}, {}, {"freshness.expired"}),
    ("F06-int64", {"exp": -(2**63), "iat": -(2**63) - 1, "nbf": ...}, {}, {"freshness.expired"}),
    ("F08", {"exp": NOW * 1000}, {}, {"freshness.lifetime_too_long"}),
    ("F09-now", {"nbf": NOW}, {}, set()),
    ("F09-later", {"nbf": NOW + 1}, {}, {"freshness.not_yet_valid"}),
    ("F10-nbf", {"nbf": NOW + 61}, {}, {"freshness.not_yet_valid", "freshness.incoherent"}),
    ("F10-iat", {"iat": NOW + 61, "nbf": ...}, {}, {"freshness.issued_in_future", "freshness.incoherent"}),
    ("F13", {"exp": NOW + 3591}, {}, {"freshness.lifetime_too_long"}),
    ("F13-cap", {"exp": NOW + 3590}, {}, set()),
    ("F14-after", {"exp": NOW + 0.5}, {}, set()),
    ("F14-before", {"exp": NOW - 0.5}, {}, {"freshness.expired"}),
    ("R04-missing", {"jti": ...}, {}, {"replay.nonce_missing"}),
    *[(f"R04-{i}", {"jti": v}, {}, {"replay.nonce_invalid"}) for i, v in enumerate(["", 1, ["j"], True, {}])],
    ("R04-long", {"jti": "j" * 257}, {}, {"replay.nonce_invalid"}),
    ("R04-limit", {"jti": "é" * 128}, {}, set()),
]


def engine() -> Engine:
    return Engine.from_text(
        policy(),
        keys={f"url:{URL}": ISSUER.keys()},
        replay=MemoryReplayStore(1000, single_process=True),
        clock=lambda: float(NOW),
    )


@pytest.mark.parametrize(("changes", "header", "codes"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_row(changes: dict[str, Any], header: dict[str, Any], codes: set[str]) -> None:
    verdict = engine().evaluate(ISSUER.token(claims(**changes), header))
    assert {finding.code for finding in verdict.failing} == codes
    assert bool(verdict) is (not codes)


def test_three_faults_are_three_findings_each_with_its_line() -> None:
    token = ISSUER.token(claims(aud="other", exp=NOW - 1, sub=5))
    verdict = engine().evaluate(token)
    lines = policy().splitlines()
    found = {finding.code: lines[finding.location.line - 1] for finding in verdict.failing if finding.location}
    assert found.keys() == {"audience.mismatch", "freshness.expired", "claim.provides-sub"}
    assert found["audience.mismatch"].strip() == 'audience "api"'
    assert found["freshness.expired"].strip().startswith("freshness {")
    assert found["claim.provides-sub"].strip() == "provides sub is string"
