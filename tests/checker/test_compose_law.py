"""The law of composition: whatever a policy trusts meets every requirement that one of its baselines writes.

Each baseline is also made a policy of its own, which decides nothing beyond what the baseline writes; every token that
the extending policy trusts must be trusted by that one too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policyjwt.checker.check import Checked, check
from policyjwt.engine import Engine
from policyjwt.language.load import load_text
from policyjwt.language.model import Audience, CheckedPolicy, IssuerNames, TokenType
from policyjwt.replay import InspectOnly

NOW = 1_795_392_000
SECRET = b"a secret for this test that is of no use to anybody at all, 64 b"
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
ISSUERS = [f"https://{name}.example" for name in "abc"]
SECRET_LINE = 'secret env "A" as base64url'


# ------------------------------------------------------------------------------------ what blocks may say


def _some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, min_size=1)


def _listed(values: list[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _issuer(names: list[str]) -> str:
    return f"issuer {_listed(names)}" + (' same party because "renamed"' if len(names) > 1 else "")


def _perhaps(*lines: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", *lines])


AUDIENCES = st.builds(
    lambda only, names: f"audience {only}{_listed(names)}", st.sampled_from(["", "only "]), _some("x", "y", "z")
)
FRESHNESS = st.tuples(
    _perhaps("lifetime at most 5m", "lifetime at most 1m"),
    _perhaps("age at most 2m", "age at most 30s"),
    _perhaps("expires within 10m", "expires within 1m"),
    _perhaps("skew at most 0s", "skew at most 30s", "skew at most 5m"),
    _perhaps("needs nbf", "needs iat, nbf"),
    _perhaps('issued after 2026-01-01 because "x"', 'issued after 2026-11-22 because "x"'),
).map(lambda parts: " ".join(filter(None, parts)))
REPLAY = st.tuples(
    st.sampled_from(["nonce jti", "nonce jti unique within policy"]), _perhaps("hold at most 1m", "hold at most 5m")
).map(" ".join)
CLAIMS = [
    'require r1 == "v1"',
    'require r2 in ["v2", "w2"]',
    'forbid r3 == "bad"',
    'require r4 == "v4" when r1 == "v1"',
    'observe r5 == "v5" until 2027-01-01',
    "require count(r6) < 3",
    'select r1 "v1"',
    'select r2 "v2", "w2"',
    "provides r1 is string if present",
    "provides n is number",
    "provides n is integer if present",
    "provides gone is string if present",
]
MATTERS: dict[str, st.SearchStrategy[str]] = {
    "issuer": _some(*ISSUERS).map(_issuer),
    "audience": AUDIENCES,
    "type": _some("at+jwt", "JWT").map(lambda names: f"type {_listed(names)}"),
    "signature": _some(*HASHES).map(lambda names: f"signature {{ algorithms {', '.join(names)} {SECRET_LINE} }}"),
    "freshness": FRESHNESS.map(lambda body: f"freshness {{ {body} }}"),
    "replay": REPLAY.map(lambda body: f"replay {{ {body} }}"),
}
LAXEST = {
    "issuer": _issuer(ISSUERS),
    "audience": 'waive audience because "x"',
    "type": 'waive type because "x"',
    "signature": f"signature {{ algorithms {', '.join(HASHES)} {SECRET_LINE} }}",
    "replay": 'replay { reusable because "x" }',
    "revocation": 'revocation { by redeployment because "x" }',
}
ALWAYS = ['use "api"', 'owner "o"', LAXEST["revocation"]]

Body = dict[str, str]
BASELINES = st.lists(
    st.fixed_dictionaries(
        {"rules": st.lists(st.sampled_from(CLAIMS), unique=True, max_size=6).map("\n  ".join)}, optional=MATTERS
    ),
    min_size=1,
    max_size=3,
)
POLICIES = st.fixed_dictionaries(
    {"rules": st.lists(st.sampled_from(CLAIMS), unique=True, max_size=6).map("\n  ".join)}, optional=MATTERS
)


def _text(policy: Body, baselines: list[Body], *, chain: bool) -> str:
    """The baselines, each extending the one before it where `chain`, and a policy that extends all."""
    lines = ["policyjwt 1"]
    for number, body in enumerate(baselines):
        parent = f'extends "b{number - 1}" ' if chain and number else ""
        lines += [f'baseline "b{number}" {parent}{{', *_indented(body.values()), "}"]
    decided = {matter for body in baselines for matter in body}
    filled = {matter: line for matter, line in LAXEST.items() if matter not in decided | policy.keys()}
    filled.pop("revocation", None)
    if "freshness" not in decided | policy.keys():
        filled["freshness"] = "freshness { lifetime at most 5m  skew at most 5m }"
    names = range(len(baselines) - 1, len(baselines)) if chain else range(len(baselines))
    extended = ", ".join(f'"b{number}"' for number in names)
    return "\n".join(
        [
            *lines,
            f'policy "p" extends {extended} {{',
            *_indented([*ALWAYS, *policy.values(), *filled.values()]),
            "}",
            "",
        ]
    )


def _indented(lines: Any) -> Iterator[str]:
    return (f"  {line}" for line in lines if line)


def _alone(baseline: Body, merged: CheckedPolicy) -> str:
    """A policy that demands what the baseline writes and nothing else.

    Each policy needs a limit of time: where the baseline has none, those of the policy that trusts.
    """
    filled = {matter: line for matter, line in LAXEST.items() if matter not in baseline}
    body = dict(baseline)
    written = body.pop("freshness", "freshness { }")
    parts = [written.removeprefix("freshness {").removesuffix("}").strip()]
    if "skew" not in parts[0]:
        parts.append("skew at most 5m")
    if not any(word in parts[0] for word in ("lifetime", "age", "expires")):
        freshness = merged.freshness
        limits = (
            ("lifetime at most", freshness.lifetime),
            ("age at most", freshness.age),
            ("expires within", freshness.expires),
        )
        parts += [f"{words} {limit.amount}s" for words, limit in limits if limit is not None]
    filled["freshness"] = f"freshness {{ {' '.join(parts)} }}"
    lines = [*ALWAYS[:2], *body.values(), *filled.values()]
    return "\n".join(["policyjwt 1", 'policy "p" {', *_indented(lines), "}", ""])


# ------------------------------------------------------------------------------------ tokens


def _token(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    signature = hmac.new(SECRET, signed, HASHES[header["alg"]]).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _fitting(policy: CheckedPolicy) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token that the policy trusts."""
    assert isinstance(policy.issuer, IssuerNames)
    claims: dict[str, Any] = {
        "iss": policy.issuer.names[0].text,
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 20,
        "jti": "j1",
        "r1": "v1",
        "r2": "v2",
        "r3": "good",
        "r4": "v4",
        "r6": [],
        "n": 1,
    }
    header = {"alg": policy.algorithms[0], "typ": "JWT"}
    if isinstance(policy.audience, Audience):
        claims["aud"] = policy.audience.values[0].value
    if isinstance(policy.type, TokenType):
        header["typ"] = policy.type.values[0].value
    return header, claims


def _changes() -> Iterator[tuple[str, str, Any]]:
    """Single changes of a token: where, which member, to what. None takes it away."""
    for name in ISSUERS:
        yield "claims", "iss", name
    for audience in ("x", "y", "z", "w", ["x", "y"], ["x", "w"], ["y", "z"], None):
        yield "claims", "aud", audience
    for typ in ("at+jwt", "JWT", "application/at+jwt", "other", None):
        yield "header", "typ", typ
    for alg in HASHES:
        yield "header", "alg", alg
    for seconds in (-90_000, -400, -301, -250, -100, -31, -20, 31, 100):
        yield "claims", "iat", NOW + seconds
        yield "claims", "nbf", NOW + seconds
    for seconds in (-301, -29, 0, 59, 61, 200, 400, 900):
        yield "claims", "exp", NOW + seconds
    for claim in ("iat", "nbf", "exp", "jti", "r1", "r2", "r3", "r4", "r6", "n"):
        yield "claims", claim, None
    yield "claims", "iat", 1_767_225_599  # a second before 2026
    for claim, value in (
        ("r1", "other"),
        ("r2", "w2"),
        ("r3", "bad"),
        ("r6", [1, 2, 3]),
        ("n", 1.5),
        ("n", "1"),
        ("gone", 1),
    ):
        yield "claims", claim, value


def _changed(base: tuple[dict[str, Any], dict[str, Any]], *changes: tuple[str, str, Any]) -> str:
    parts = {"header": dict(base[0]), "claims": dict(base[1])}
    for where, member, value in changes:
        if value is None:
            parts[where].pop(member, None)
        else:
            parts[where][member] = value
    return _token(parts["header"], parts["claims"])


def _engine(text: str) -> Engine:
    return Engine.from_text(text, keys={"env:A": SECRET}, replay=InspectOnly(), clock=lambda: float(NOW))


# ------------------------------------------------------------------------------------ the law


@settings(max_examples=settings().max_examples // 2)  # each example loads up to four engines
@given(POLICIES, BASELINES, st.booleans(), st.lists(st.tuples(*[st.sampled_from([*_changes()])] * 2), max_size=10))
def test_what_a_policy_trusts_meets_all_that_its_baselines_write(
    policy: Body,
    baselines: list[Body],
    chain: bool,  # noqa: FBT001 - drawn, not passed
    pairs: list[Any],
) -> None:
    text = _text(policy, baselines, chain=chain)
    checked = _checked(text)
    assume(checked.policies)
    judge, base = _engine(text), _fitting(checked.policies[0])
    assert judge.inspect(_changed(base)).would_trust, str(judge.inspect(_changed(base)))  # so the law is not empty
    tokens = [_changed(base, *changes) for changes in (*([change] for change in _changes()), *pairs)]
    trusted = [token for token in tokens if judge.inspect(token).would_trust]
    for baseline in baselines:
        other = _engine(_alone(baseline, checked.policies[0]))
        for token in trusted:
            inspection = other.inspect(token)
            assert inspection.would_trust, f"{text}\ntrusts what {baseline} refuses:\n{inspection}"


def _checked(text: str) -> Checked:
    return check(load_text(text), now=float(NOW))
