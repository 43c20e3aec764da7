"""The two evaluators of one semantics agree: for random policies and random claims, every line has the same result."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policyjwt.checker.check import check
from policyjwt.compiler import reference
from policyjwt.compiler.validator import Validator, compile_policy
from policyjwt.expressions.explanation import Explanation
from policyjwt.language.load import load_text
from policyjwt.requirements.line import DEFECT, MET, EvidenceResult, Facts
from tests.issuer import NOW, policy

ISSUERS = [
    'issuer "https://issuer.example"',
    'issuer "https://issuer.example", "other" same party because "renamed"',
    'issuer "https://issuer.example/{tid}/v2" where tid in ["t1", "t2"]',
    'issuer from sub like "spiffe://prod/**"',
]
AUDIENCES = [
    'audience "api"',
    'audience "api", "web"',
    'audience only "api"',
    'audience from client_id "c"',
    'waive audience because "a test"',
]
TYPES = ['type "JWT"', 'type "at+jwt", "JWT"', 'type from token_use "access"', 'waive type because "a test"']
FRESHNESS = [
    "freshness { lifetime at most 1h  skew at most 0s }",
    "freshness { age at most 10m  skew at most 30s }",
    "freshness { expires within 10m  skew at most 1s  needs nbf }",
    'freshness { lifetime at most 1h  age at most 10m  skew at most 30s  issued after 2023-11-14 because "rotation" }',
]
REPLAYS = [
    "replay { nonce jti }",
    "replay { nonce nonce equals context.nonce }",
    "replay { nonce jti  unique within subject  hold at most 5m }",
    "replay { nonce deep.jti  unique within policy }",
    'replay { reusable because "a test" }',
    'replay { nonce jti }\n  waive holder because "a test"',
    "replay { nonce jti }\n  holder dpop { age at most 60s  algorithms ES256  nonce required }",
    "replay { proof once  store reaches host }\n  holder dpop",
    "replay { by holder }\n  holder mtls",
    'replay { by holder }\n  holder mtls\n  require client.thumbprint == "a"',
    'replay { nonce nonce equals context.nonce }\n  holder mtls\n  forbid client.thumbprint == "a"',
    'replay { reusable because "a test" }\n  holder dpop',
]
RULES = [
    "provides sub is string",
    "provides sub is string, n is integer, o is object if present",
    'select tenant "a", "b"\n  provides sub is string if present',
    'provides sub is string\n  require tenant == "a"\n'
    '  forbid azp == "x" when azp is present\n  observe n > 1 until 2027-01-31',
    "provides sub is string\n"
    '  require (every r in roles satisfies (r == "ops" or r starts with "o-")) unless context.method == "GET"',
    "provides sub is string\n"
    '  require some g in roles satisfies (some m in g satisfies m == "x")\n  require auth_time within 5m',
    'provides sub is string\n  require words(scope) contains only ["a", "b"] as scope',
    'provides sub is string\n  require header.kid == "k1"\n  require host(url) under "corp.example"',
]

TIMES = st.sampled_from(
    [NOW, NOW - 1, NOW + 1, NOW - 600, NOW + 600, NOW - 3600, NOW + 59.5, -5, "1", True, None, 10**60]
)
STRINGS = st.sampled_from(
    [
        "",
        "a",
        "api",
        "web",
        "x",
        "https://issuer.example",
        "other",
        "c",
        "access",
        "ops",
        "o-1",
        "spiffe://prod/a",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(-2, 3) | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["jti", "a"]), inner, max_size=2),
    max_leaves=6,
)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.sampled_from(
            [
                "https://issuer.example",
                "https://issuer.example/t1/v2",
                "https://issuer.example/../v2",
                5,
                None,
            ]
        ),
        "aud": st.sampled_from(["api", ["api"], ["web", "api"], ["x"], [], ["api", 1], None, 7]) | VALUES,
        "sub": STRINGS | VALUES,
        "exp": TIMES,
        "nbf": TIMES,
        "iat": TIMES,
        "auth_time": TIMES,
        "jti": st.sampled_from(["j", "", "j" * 300, "é" * 129, None, 4]),
        "nonce": st.sampled_from(["n", "m", None]),
        "deep": VALUES | st.just({"jti": "j"}),
        "tid": st.sampled_from(["t1", "t2", 1]),
        "client_id": STRINGS,
        "token_use": STRINGS,
        "tenant": STRINGS | VALUES,
        "azp": STRINGS | VALUES,
        "roles": st.lists(STRINGS | st.lists(STRINGS, max_size=2), max_size=3) | VALUES,
        "scope": st.sampled_from(["a b", "a", "", "a c", "a  b "]) | VALUES,
        "url": st.sampled_from(["https://corp.example/", "https://x.corp.example", "http://evil", "x"]) | VALUES,
        "n": VALUES,
        "o": VALUES,
        "cnf": VALUES,
    },
)
RESULTS = [MET, "holder.missing", "holder.mismatch", "holder.dpop_stale", "internal.verification"]
"""What may have become of the holder's proof."""

EVIDENCE = st.sampled_from(RESULTS).map(
    lambda result: {"holder": EvidenceResult(result, lambda: Explanation("came", "expected"), None)}
)
CLIENTS: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{}, {"thumbprint": "a"}, {"thumbprint": "b"}])
CHOICE = st.tuples(*[st.sampled_from(each) for each in (ISSUERS, AUDIENCES, TYPES, FRESHNESS, REPLAYS, RULES)])


@lru_cache(maxsize=4096)
def validator(choice: tuple[str, ...]) -> Validator:
    parts = dict(zip(("issuer", "audience", "type", "freshness", "replay", "rest"), choice, strict=True))
    checked = check(load_text(policy(**parts), "t.policy", None), now=float(NOW))
    errors = [diagnostic for diagnostic in checked.diagnostics if diagnostic.stops_loading]
    assert not errors, errors
    return compile_policy(checked.policies[0])


@given(
    choice=CHOICE,
    claims=CLAIMS,
    header=st.fixed_dictionaries(
        {}, optional={"typ": STRINGS | st.sampled_from(["JWT", "application/at+JWT", 1]), "kid": VALUES}
    ),
    context=st.sampled_from([{}, {"nonce": "n", "method": "GET"}, {"nonce": "m", "method": "POST"}, {"nonce": None}]),
    now=st.sampled_from([float(NOW), NOW + 0.5, NOW + 630.0]),
    client=CLIENTS,
    evidence=EVIDENCE,
)
def test_every_line_has_the_same_result(
    *,
    choice: tuple[str, ...],
    claims: dict[str, Any],
    header: dict[str, Any],
    context: dict[str, Any],
    now: float,
    client: dict[str, Any],
    evidence: dict[str, EvidenceResult],
) -> None:
    compiled = validator(choice)
    facts = Facts(claims=claims, header=header, context=context, now=now, client=client, evidence=evidence)
    expected = reference.judge(compiled.lines, facts)
    assert compiled.judge(claims, header, context, now, {}, client, evidence) == expected
    assert "requirement" not in expected, "a defect, not a judgement"


@given(choice=CHOICE, claims=CLAIMS)
def test_without_evidence_both_find_the_defect(choice: tuple[str, ...], claims: dict[str, Any]) -> None:
    compiled = validator(choice)
    expected = reference.judge(compiled.lines, Facts(claims=claims, header={}, context={}, now=float(NOW)))
    assert compiled.judge(claims, {}, {}, float(NOW), {}, {}, {}) == expected
    asks = any("  holder " in part for part in choice)
    assert (DEFECT in expected) is asks
    assert not (asks and compiled.passes(expected))


@given(choice=CHOICE, claims=CLAIMS, values=st.booleans(), evidence=EVIDENCE)
def test_every_result_can_be_told(
    choice: tuple[str, ...], claims: dict[str, Any], values: Any, evidence: dict[str, EvidenceResult]
) -> None:
    compiled = validator(choice)
    facts = Facts(claims=claims, header={}, context={}, now=float(NOW), evidence=evidence)
    for line, result in zip(compiled.lines, reference.judge(compiled.lines, facts), strict=True):
        told = line.explain(facts, result, values=values)
        assert told.actual
        assert "\n" not in told.actual + told.expected
        list(line.instants(facts))
