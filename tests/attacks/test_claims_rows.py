"""Claims against rules: each token is signed with the right key, so that only the intended line can refuse.

A row: id, the lines of the policy, changes of the policy, changes of the claims, the failing codes (none: trusted).
"""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt import Context, PolicyError
from policyjwt.errors import KeyRefused
from policyjwt.tokens import KeySet
from tests.attacks.flow import ISSUER, REUSABLE, SUB, codes, engine, everything_shown, everything_told, rules
from tests.issuer import NOW, URL, Issuer, claims, policy

GLOB = {"issuer": 'issuer from sub like "spiffe://prod.example/*/api"'}
TEMPLATE = {"issuer": 'issuer "https://issuer.example/{tid}/v2" where tid in ["t1", "t2"]'}
UNKNOWN_ISSUER = {"policy.issuer_unknown"}
EXACT_INTEGER = "require level == 9007199254740993"

FRACTIONS: list[tuple[dict[str, Any], set[str]]] = [
    ({"exp": NOW + 0.5}, set()),
    ({"exp": NOW - 0.5}, {"freshness.expired"}),
    ({"exp": float(NOW)}, {"freshness.expired"}),
    ({"exp": NOW - 1e-7}, {"freshness.expired"}),
    ({"nbf": NOW + 0.5}, {"freshness.not_yet_valid"}),
    ({"iat": NOW + 0.5, "nbf": ...}, {"freshness.issued_in_future"}),
    ({"exp": NOW - 10 + 3600.5}, {"freshness.lifetime_too_long"}),
    ({"exp": 1e-9, "iat": 0, "nbf": 0}, {"freshness.expired"}),
]

Row = tuple[str, tuple[str, ...], dict[str, str], dict[str, Any], set[str]]
ROWS: list[Row] = [
    # C06: what looks like a pattern in a claim is text; a pattern of the policy fits the whole value, within a segment.
    ("C06-control", (), GLOB, {"iss": ..., "sub": "spiffe://prod.example/a/api"}, set()),
    *[
        (f"C06-glob-{at}", (), GLOB, {"iss": ..., "sub": sub}, UNKNOWN_ISSUER)
        for at, sub in enumerate(
            [
                "spiffe://prod.example/a/b/api",
                "spiffe://prod.example/a:b/api",
                "spiffe://prod.example/a@b/api",
                "spiffe://prod.example/a/api\n",
                "spiffe://prod.example/a/apix",
                "xspiffe://prod.example/a/api",
                "x\nspiffe://prod.example/a/api",
                "spiffe://prodXexample/a/api",
                "spiffe://prod.example/*/api/",
                "SPIFFE://prod.example/a/api",
            ]
        )
    ],
    ("C06-template", (), TEMPLATE, {"iss": "https://issuer.example/t1/v2", "tid": "t1"}, set()),
    ("C06-template-claim", (), TEMPLATE, {"iss": "https://issuer.example/t1/v2", "tid": "t2"}, {"issuer.mismatch"}),
    ("C06-template-no-claim", (), TEMPLATE, {"iss": "https://issuer.example/t1/v2"}, {"issuer.mismatch"}),
    ("C06-template-list", (), TEMPLATE, {"iss": "https://issuer.example/t1/v2", "tid": ["t1"]}, {"issuer.mismatch"}),
    *[
        (f"C06-template-{at}", (), TEMPLATE, {"iss": iss, "tid": "t1"}, UNKNOWN_ISSUER)
        for at, iss in enumerate(
            [
                "https://issuer.example/{tid}/v2",
                "https://issuer.example/../v2",
                "https://issuer.example/t1/../t1/v2",
                "https://issuer.example/t1/v2/",
                "https://issuer.example/t1/v2\n",
                "https://issuer.example/t1%2fx/v2",
                "https://issuer.example/.*/v2",
                "https://evil.example#/t1/v2",
                "https://issuer.example/T1/v2",
                "https://issuer.example//v2",
            ]
        )
    ],
    # C12: that the client is the right one can be said, and is judged.
    ("C12-control", ('require azp == "app"',), {}, {"azp": "app"}, set()),
    ("C12-other", ('require azp == "app"',), {}, {"azp": "evil"}, {"claim.azp"}),
    ("C12-absent", ('require azp == "app"',), {}, {}, {"claim.azp"}),
    ("C12-forbid-absent", ('forbid azp == "evil"',), {}, {}, {"claim.azp"}),
    # C14: characters that end, hide or turn a text count as they are.
    *[
        (f"C14-{at}", ('require role == "admin"',), {}, {"role": role}, {"claim.role"})
        for at, role in enumerate(
            ["admin\u0000", "admin\u0000x", "admin\n", "\u202eadmin", "admin\u200b", "\ufeffadmin", "аdmin", "ADMIN"]
        )
    ],
    # C15: words are split at the space alone, and compared whole.
    *[
        (f"C15-{at}", ('require words(scope) contains "read"',), {}, {"scope": scope}, found)
        for at, (scope, found) in enumerate(
            [
                ("read", set()),
                ("write read", set()),
                ("  read ", set()),
                ("read read", set()),
                *[
                    (scope, {"claim.scope"})
                    for scope in (
                        *(
                            "readwrite",
                            "read:all",
                            "xread",
                            "Read",
                            "read\twrite",
                            "read\nwrite",
                            "read\u00a0",
                            "",
                            " ",
                        ),
                        *("read,write", ["read"], {"read": 1}, None, 1, True),
                    )
                ],
            ]
        )
    ],
    # C16: nothing is taken for a list but a list.
    *[
        (f"C16-{at}", ('require roles contains "admin"',), {}, {"roles": roles}, {"claim.roles"})
        for at, roles in enumerate(
            ["admin", {"admin": True}, ["Admin"], [["admin"]], [], None, ["xadmin"], "xadminx", [{"admin": 1}], 1]
        )
    ],
    ("C16-control", ('require roles contains "admin"',), {}, {"roles": ["user", "admin"]}, set()),
    ("C16-space", ('require roles contains "admin"',), {}, {"roles": ["user"], "roles ": ["admin"]}, {"claim.roles"}),
    # C17: a number is no boolean and no text; 1 is 1.0.
    *[
        (f"C17-{at}", ("require level == 1",), {}, {"level": level}, {"claim.level"})
        for at, level in enumerate([True, "1", [1], {"1": 1}, None, 0, 1.0000000000000002])
    ],
    ("C17-integer", ("require level == 1",), {}, {"level": 1}, set()),
    ("C17-decimal", ("require level == 1",), {}, {"level": 1.0}, set()),
    ("C17-true", ("require flag == true",), {}, {"flag": 1}, {"claim.flag"}),
    ("C17-true-text", ("require flag == true",), {}, {"flag": "true"}, {"claim.flag"}),
    ("C17-in", ("require level in [1, 2]",), {}, {"level": True}, {"claim.level"}),
    ("C17-only", ("require levels contains only [1]",), {}, {"levels": [True]}, {"claim.levels"}),
    ("C17-not", ("require level != 1",), {}, {"level": True}, {"claim.level"}),
    # C18: whole numbers are exact beyond 2**53.
    ("C18-equal", (EXACT_INTEGER,), {}, {"level": 9007199254740993}, set()),
    ("C18-neighbour", (EXACT_INTEGER,), {}, {"level": 9007199254740992}, {"claim.level"}),
    ("C18-decimal", (EXACT_INTEGER,), {}, {"level": 9007199254740992.0}, {"claim.level"}),
    ("C18-sum", ("require level == 0.3",), {}, {"level": 0.30000000000000004}, {"claim.level"}),
    # C20: a name with a dot is no path, and a path is no name; no name reaches Python.
    ("C20-path", ("require a.b == 1",), {}, {"a": {"b": 1}}, set()),
    ("C20-name-for-path", ("require a.b == 1",), {}, {"a.b": 1}, {"claim.a-b"}),
    ("C20-name", ("require `a.b` == 1",), {}, {"a.b": 1}, set()),
    ("C20-path-for-name", ("require `a.b` == 1",), {}, {"a": {"b": 1}}, {"claim.a-b"}),
    ("C20-url", ('require `https://x/y` == "z"',), {}, {"https://x/y": "z"}, set()),
    ("C20-url-path", ('require `https://x/y` == "z"',), {}, {"https://x": {"y": "z"}}, {"claim.https---x-y"}),
    *[
        (f"C20-{name}", (f"require {name} is present as here",), {}, {"a": {"b": 1}}, {"claim.here"})
        for name in (
            "__class__",
            "__proto__",
            "constructor",
            "a.__class__",
            "a.keys",
            "a.b.real",
            "a.items",
            "sub.upper",
        )
    ],
    ("C20-own-class", ('require __class__ == "x"',), {}, {"__class__": "x"}, set()),
    # F14: fractions of a second count, and are never rounded in the token's favour.
    *[(f"F14-{at}", (), {}, times, found) for at, (times, found) in enumerate(FRACTIONS)],
]


@pytest.mark.parametrize(("lines", "changes", "claimed", "found"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_row(lines: tuple[str, ...], changes: dict[str, str], claimed: dict[str, Any], found: set[str]) -> None:
    verdict = engine(rules(*lines, **changes)).evaluate(ISSUER.token(claims(**claimed)))
    assert codes(verdict) == found
    assert bool(verdict) is (not found)
    everything_shown(verdict)


@pytest.mark.parametrize(
    "value", ["admin\u0000x", "a\nTRUSTED by p", "\u202ereversed", "\x1b[31mred", "a\r\nb", "`x`; ✓"]
)
def test_c14_a_value_never_forges_a_line(value: str) -> None:
    verdict = engine(rules('require role == "admin"')).evaluate(ISSUER.token(claims(role=value, sub=value)))
    assert value not in everything_told(verdict)
    shown = verdict.explain(values=True, everything=True)
    assert len(shown.splitlines()) == len(verdict.explain(everything=True).splitlines())
    assert not any(sign in shown for sign in "\u0000\u202e\x1b\r")


# ------------------------------------------------------------------------------------------------ F18, F21


def test_f18_an_older_clock_revives_no_nonce() -> None:
    # Freshness is judged by the clock as it is; what was used once stays used.
    now = [float(NOW)]
    judge, token = engine(clock=lambda: now[0]), ISSUER.token(claims())
    assert judge.evaluate(token)
    now[0] = NOW + 120
    assert codes(judge.evaluate(token)) == {"freshness.expired"}
    now[0] = NOW - 5
    assert codes(judge.evaluate(token)) == {"replay.seen"}


def test_f18_a_clock_set_back_before_the_keys_came_is_no_reason_to_believe_them_longer() -> None:
    now = [float(NOW)]
    text = policy(keys=f'keys jwks url "{URL}" {{ stale at most 1h }}', replay=REUSABLE)
    judge = engine(text, clock=lambda: now[0])
    now[0] = NOW + 3601
    late = ISSUER.token(claims(iat=NOW + 3600, nbf=..., exp=NOW + 3700))
    assert codes(judge.evaluate(late)) == {"key.set_stale"}


@pytest.mark.parametrize(
    "skew",
    ["-1s", "-1", "1000000000s", "6m", '"30"', "30", "1.5s", "30 s", "true", "30ms", "PT30S", "1e3s", "0x10s", "٣s"],
)
def test_f21_a_skew_out_of_bounds_does_not_load(skew: str) -> None:
    with pytest.raises(PolicyError):
        engine(policy(freshness=f"freshness {{ lifetime at most 1h  skew at most {skew} }}"))


# ------------------------------------------------------------------------------------------------ C07, K07, K11, H06

TWO = Issuer(kid="two")


def _both(**second: str) -> str:
    one = policy(name="one", issuer='issuer "https://one.example"', keys=f'keys jwks url "{URL}"', replay=REUSABLE)
    parts = {
        "name": "two",
        "issuer": 'issuer "https://two.example"',
        "keys": 'keys jwks url "https://two.example/jwks"',
        "replay": REUSABLE,
    } | second
    return one + policy(**parts).split("\n", 1)[1]


def test_c07_k07_k11_the_issuer_and_the_key_must_be_of_one_party() -> None:
    """`iss` of A, `kid` and signature of B; and with the `kid` of A forged on it, and with none."""
    judge = engine(_both(), keys={f"url:{URL}": ISSUER.keys(), "url:https://two.example/jwks": TWO.keys()})
    for kid, code in (("two", "key.unknown_kid"), ("k1", "signature.invalid"), (..., "signature.invalid")):
        verdict = judge.evaluate(TWO.token(claims(iss="https://one.example"), {"kid": kid}))
        assert codes(verdict) == {code}
    assert judge.evaluate(TWO.token(claims(iss="https://two.example")))


def test_h06_an_algorithm_of_another_issuer_is_not_accepted() -> None:
    rsa = Issuer("RS256", kid="two")
    judge = engine(
        _both(algorithms="RS256"), keys={f"url:{URL}": ISSUER.keys(), "url:https://two.example/jwks": rsa.keys()}
    )
    assert judge.evaluate(rsa.token(claims(iss="https://two.example")))
    assert codes(judge.evaluate(rsa.token(claims(iss="https://one.example")))) == {"header.algorithm_refused"}
    assert codes(judge.evaluate(ISSUER.token(claims(iss="https://two.example")))) == {"header.algorithm_refused"}


def test_k26_a_shared_secret_among_public_keys_does_not_load() -> None:
    secret = Issuer("HS256", kid="s")
    with pytest.raises(PolicyError) as alone:
        engine(keys={f"url:{URL}": KeySet.from_jwks({"keys": [secret.jwk()]})})
    assert [each.code for each in alone.value.diagnostics if each.stops_loading] == ["PJ458"]
    with pytest.raises(KeyRefused) as beside:
        KeySet.from_jwks({"keys": [ISSUER.jwk(), secret.jwk()]})
    assert beside.value.code == "key.type_confusion"
    for caught in (alone, beside):
        assert secret.jwk()["k"] not in str(caught.value)


# ------------------------------------------------------------------------------------------------ S19, V04


def test_s19_before_the_signature_nothing_of_the_claims_is_judged_or_told() -> None:
    text = rules('require tenant == "acme" as tenant', "require level > 3 as level")
    forged = Issuer().token(claims(tenant="acme", level=9, sub="zqxj"))
    verdict = engine(text).evaluate(forged)
    assert codes(verdict) == {"signature.invalid"}
    outcomes = {finding.code: finding.outcome.value for finding in verdict.findings}
    assert outcomes["claim.not_reached"] == "not_reached"
    assert not {"claim.met", "issuer.met", "audience.met", "freshness.met"} & outcomes.keys()
    assert "zqxj" not in everything_shown(verdict)
    assert "acme" not in everything_told(verdict).replace('tenant == "acme"', "")


@pytest.mark.parametrize(
    "extra",
    [
        {"now": 0, "policy": "lax", "use": "other", "context": {"method": "GET"}, "clock": 0},
        {"header": {"alg": "none"}, "claim": {"aud": "api"}, "values": {"user": "s"}},
        {"keys": [TWO.jwk()], "jwks_uri": "https://evil.example", "algorithms": ["none"]},
    ],
)
def test_v04_nothing_of_a_token_chooses_the_policy_the_clock_or_the_request(extra: dict[str, Any]) -> None:
    lax = policy(name="lax", audience='audience "lax"', rest=f"by name only\n  {SUB}", replay=REUSABLE)
    text = rules("require sub == context.values.user", 'require context.method == "POST"') + lax.split("\n", 1)[1]
    judge = engine(text)
    asked = Context(method="POST", values={"user": "somebody"})
    for header in ({}, extra | {"kid": "k1"}):
        verdict = judge.evaluate(ISSUER.token(claims(**extra), header), asked)
        assert codes(verdict) == {"claim.sub"}
        assert verdict.policy == "p"
        assert verdict.evaluated_at == NOW
        assert codes(judge.evaluate(ISSUER.token(claims(exp=NOW - 1, sub="somebody", **extra), header), asked)) == {
            "freshness.expired"
        }


def test_f15_no_arithmetic_makes_a_time_that_is_no_number() -> None:
    """The largest numbers that JSON holds overflow in no sum: they are refused as what they are."""
    for times in ({"exp": 1.7e308}, {"exp": 1.7e308, "iat": 1.7e308}, {"exp": 10**127}, {"iat": -1.7e308}):
        assert not engine().evaluate(ISSUER.token(claims(**times)))
    for text in ('{"exp":1e400}', '{"exp":-1e400}', '{"exp":NaN}', '{"exp":Infinity}'):
        assert codes(engine().evaluate(ISSUER.token(text))) <= {"token.json", "token.number"}
