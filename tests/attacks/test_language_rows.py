"""Policies that must not load, and rules that must not pass by accident.

A row of the first table: id, the text that is put into a sound policy, the part that it takes the place of. A sound
policy with that text never loads, and the first error stands at that text.
"""

from __future__ import annotations

import hashlib
import hmac
from itertools import permutations
from typing import Any

import pytest

from policyjwt import Context, PolicyError
from policyjwt.expressions.scope import MAX_WORK
from tests.attacks.flow import ISSUER, REUSABLE, codes, engine, everything_shown, everything_told, rules
from tests.issuer import NOW, URL, Issuer, claims, policy

BAD: list[tuple[str, str, str]] = [
    *[
        (f"L01-{at}", text, part)
        for at, (text, part) in enumerate(
            [
                ('audiance "api"', "audience"),
                ('Audience "api"', "audience"),
                ('aud "api"', "audience"),
                ("algs ES256", "algorithms_line"),
                ("provide sub is string", "rest"),
                ('requires sub == "s"', "rest"),
                ('require sub === "s"', "rest"),
                ('require subb(sub) == "s"', "rest"),
                ('require sub equals "s"', "rest"),
                ("freshness { lifetime at most 1h  leeway at most 5s }", "freshness"),
                ("freshness { lifetime max 1h }", "freshness"),
                ("replay { jti }", "replay"),
                ("replay { nonce jti  unique in issuer }", "replay"),
                ('type "JWT" or "at+jwt"', "type"),
                ("strict", "rest"),
            ]
        )
    ],
    *[
        (f"L02-{at}", text, part)
        for at, (text, part) in enumerate(
            [
                ('issuer "https://issuer.example"\n  issuer "https://evil.example"', "issuer"),
                ('issuer "https://issuer.example", "https://evil.example"', "issuer"),
                ('audience "api"\n  audience "web"', "audience"),
                ("freshness { lifetime at most 1h }\n  freshness { lifetime at most 9h }", "freshness"),
                ("freshness { lifetime at most 1h  lifetime at most 9h }", "freshness"),
                ("provides sub is string\n  require a == 1 as x\n  require b == 1 as x", "rest"),
                ("provides sub is string, sub is number", "rest"),
                ('audience "api"\n  waive audience because "both"', "audience"),
            ]
        )
    ],
    *[
        (f"L03-{at}", text, part)
        for at, (text, part) in enumerate(
            [
                ("", "issuer"),
                ("", "audience"),
                ("", "type"),
                ("", "algorithms_line"),
                ("", "freshness"),
                ("", "replay"),
                ("", "revocation"),
                ('issuer ""', "issuer"),
                ("issuer", "issuer"),
                ('audience ""', "audience"),
                ("audience []", "audience"),
                ("freshness { }", "freshness"),
                ("freshness { skew at most 5s }", "freshness"),
                ("replay { }", "replay"),
                ("require x in []", "rest"),
                ("algorithms", "algorithms_line"),
            ]
        )
    ],
    *[
        (f"L04-{at}", text, part)
        for at, (text, part) in enumerate(
            [
                ('algorithms "ES256"', "algorithms_line"),
                ("algorithms none", "algorithms_line"),
                ("algorithms E, S, 2, 5, 6", "algorithms_line"),
                ("algorithms ES256, HS256", "algorithms_line"),
                ("algorithms es256", "algorithms_line"),
                ("audience null", "audience"),
                ("audience api", "audience"),
                ("audience 'api'", "audience"),
                ("audience 5", "audience"),
                ("audience no", "audience"),
                ("freshness { lifetime at most 3600 }", "freshness"),
                ('freshness { lifetime at most "1h" }', "freshness"),
                ("freshness { lifetime at most 1e3s }", "freshness"),
                ("freshness { lifetime at most 010s }", "freshness"),
                ("freshness { lifetime at most yes }", "freshness"),
                ("require level >= 010", "rest"),
                ("require level >= 1e3", "rest"),
                ("require level >= 0x10", "rest"),
                ('require level >= "3"', "rest"),
                ("require flag == yes", "rest"),
                ("require flag == True", "rest"),
                ("require flag == null", "rest"),
                ('require "a"', "rest"),
                ('require sub == {"a": 1}', "rest"),
            ]
        )
    ],
    *[
        (f"L10-{at}", text, "rest")
        for at, text in enumerate(
            [
                "require __import__('os')",
                'require __import__("os") == "x"',
                'require eval("1") == 1',
                "require sub.__class__() == 1",
                "require roles[0] == 1",
                "require (lambda: 1) == 1",
                'require f"{sub}" == 1',
                "require a if b else c == 1",
                "require sub == `s` as {x}",
                "require sub matches /(?P<x>a)/",
                "require sub matches /(?{print})/",
                "require exec(sub) is string",
                "require sub == 1; require x == 2",
                'require sub == "a" + "b"',
                "require sub := 1",
            ]
        )
    ],
    *[
        (f"L15-{at}", text, part)
        for at, (text, part) in enumerate(
            [
                ("require clаims == 1", "rest"),  # Cyrillic а
                ("rеquire sub == 1", "rest"),  # Cyrillic е
                ('require sub == "a\u202eb"', "rest"),
                ("# \u2066 hidden\n  provides sub is string", "rest"),
                ("provides sub is string # \u2028 require x == 1", "rest"),
                ("provides\u00a0sub is string", "rest"),
                ("provides sub is string\u0085", "rest"),
                ("provides sub is string\r  # \n", "rest"),
                ('ａudience "api"', "audience"),  # full-width a
                ("freshness { lifetime at most １h }", "freshness"),  # full-width 1
                ("algorithms ES２56", "algorithms_line"),
            ]
        )
    ],
]


def with_part(text: str, part: str) -> str:
    """A sound policy in which `text` stands in the place of `part`."""
    if part == "algorithms_line":
        return policy().replace("algorithms ES256", text)
    return policy(**{part: text})


@pytest.mark.parametrize(("text", "part"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_policy_with_this_does_not_load(text: str, part: str) -> None:
    with pytest.raises(PolicyError) as caught:
        engine(with_part(text, part))
    assert any(diagnostic.stops_loading for diagnostic in caught.value.diagnostics)
    if text:  # what is missing is told at the policy's first line
        begins = with_part("\x00", part).index("\x00")
        first = min(d.span.start for d in caught.value.diagnostics if d.stops_loading)
        later = text.count("issuer ") > 1 or part == "audience" or "as x" in text
        assert first <= begins + len(text) + 1
        assert first >= begins or later


def test_no_policy_at_all_does_not_load() -> None:
    """L03: neither nothing, nor a head, nor a baseline alone is a policy."""
    for text in ("", "\n", "policyjwt 1\n", 'policyjwt 1\nbaseline "b" {\n  owner "x"\n}\n', "# policyjwt 1\n"):
        with pytest.raises((PolicyError, ValueError)):
            engine(text, keys={})


# ------------------------------------------------------------------------------------------------ L07, L08, L12

THREE: dict[str, str] = {
    "true": 'yes == "y"',
    "false": 'yes == "n"',
    "missing": 'nothing == "y"',
    "wrong type": 'number == "y"',
    "null": 'null == "y"',
    "empty": 'every v in none satisfies v == "y"',
}
CLAIMS: dict[str, Any] = {"yes": "y", "number": 5, "null": None, "none": [], "level": ...}

NUMBERS_IN_DISGUISE: list[Any] = [..., None, "3", True, [3], {"level": 3}]
NO_LISTS: list[Any] = [..., None, "user", {}, [1], [None], ["banned"]]
L07: list[tuple[str, dict[str, Any], bool]] = [
    ("level >= 3", {"level": 3}, True),
    ("level >= 3", {"level": 2.9}, False),
    *[("level >= 3", {"level": level}, False) for level in NUMBERS_IN_DISGUISE],
    *[("not level >= 3", {"level": level}, False) for level in [*NUMBERS_IN_DISGUISE, 3]],
    ("not level >= 3", {"level": 2}, True),
    *[("not (level >= 3 or level < 3)", {"level": level}, False) for level in [*NUMBERS_IN_DISGUISE, 1]],
    *[("not (level is present and level >= 3)", {"level": level}, False) for level in ("3", True, [3])],
    # L08
    ('not (roles contains "banned")', {"roles": ["user"]}, True),
    ('not (roles contains "banned")', {"roles": []}, True),
    *[('not (roles contains "banned")', {"roles": r}, False) for r in NO_LISTS],
    *[('(every r in roles satisfies r != "banned")', {"roles": roles}, False) for roles in (..., "user", [1], [])],
    *[('sub not in ["banned"]', {"sub": sub}, False) for sub in ("banned",)],
    *[('name not in ["banned"]', {"name": name}, False) for name in (..., None, 5, ["x"])],
]


@pytest.mark.parametrize(("test", "claimed", "trusted"), L07)
def test_l07_l08_what_is_missing_or_of_another_type_is_neither_true_nor_false(
    test: str,
    claimed: dict[str, Any],
    trusted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    for line in (f"require {test}", f"forbid not ({test})"):
        assert bool(engine(rules(line)).evaluate(ISSUER.token(claims(**claimed)))) is trusted


def test_l07_forbid_of_what_is_missing_refuses() -> None:
    token = ISSUER.token(claims())
    for name in ("azp", "a.b", "`x y`"):
        assert not engine(rules(f'forbid {name} == "legacy" as f')).evaluate(token)
        assert engine(rules(f'forbid {name} == "legacy" as f when {name} is present')).evaluate(token)


@pytest.mark.parametrize("word", ["and", "or"])
def test_l12_the_order_of_operands_changes_no_verdict(word: str) -> None:
    token = ISSUER.token(claims(**CLAIMS))
    terms = {name: f"({test})" for name, test in THREE.items()}
    for one, other in permutations(terms, 2):
        found = [
            [(f.code, f.outcome) for f in engine(rules(f"require {a} {word} {b} as both")).evaluate(token).findings]
            for a, b in ((terms[one], terms[other]), (terms[other], terms[one]))
        ]
        assert found[0] == found[1], (one, other)
        trusted = not any(outcome.value in {"violated", "unknown"} for _, outcome in found[0])
        assert trusted is (word == "or" and "true" in (one, other)), (one, other)


def test_l13_the_order_of_rules_changes_no_verdict() -> None:
    lines = [f"require {test} as {name.replace(' ', '-')}-x" for name, test in list(THREE.items())[:5]]
    lines[4] = 'forbid nothing == "y" as forbidden'
    token = ISSUER.token(claims(**CLAIMS, aud="other", exp=NOW))
    expected: set[str] | None = None
    for order in list(permutations(lines))[::7]:
        verdict = engine(rules(*order)).evaluate(token)
        expected = codes(verdict) if expected is None else expected
        assert codes(verdict) == expected
        places = [finding.location.line for finding in verdict.findings if finding.location]
        assert places == sorted(places)
    assert expected is not None
    assert len(expected) == 6


# ------------------------------------------------------------------------------------------------ L05, L09


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("x matches /(a+)+/", "a" * 20_000 + "!"),
        ("x matches /(a|a)*b/", "a" * 20_000),
        ("x matches /.*a.*a.*a.*b/", "a" * 20_000),
        ("x matches /([a-z]{1,30}){1,30}/", "a" * 20_000),
        ("x matches /(a|b|ab)*c/", "ab" * 10_000),
        ('x like "*a*a*a*a*a*b"', "a" * 20_000),
        ('x like "**a**a**a**a**a**b"', "a" * 20_000),
        ('host(x) under "corp.example"', "https://" + "a." * 10_000),
        ('words(x) contains "b"', "a " * 10_000),
        ('(every r in words(x) satisfies (some s in words(x) satisfies (r == s and s == "b")))', "a " * 10_000),
        ("(every r in l satisfies (every s in l satisfies (every t in l satisfies x within 5m)))", ""),
    ],
)
def test_l05_no_claim_makes_a_rule_run_for_long(test: str, value: str) -> None:
    """Exponential or cubic work would not end within the life of this test; the limit of the meter ends the rest."""
    judge = engine(rules(f"require {test} as x"))
    verdict = judge.evaluate(ISSUER.token(claims(x=value, l=[1] * 300)))
    assert codes(verdict) <= {"claim.x", "internal.limit"}
    assert not verdict
    everything_shown(verdict)
    assert MAX_WORK <= 1_000_000


HEAD = "policyjwt 1\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("parentheses", policy(rest="require " + "(" * 5_000 + "a == 1" + ")" * 5_000)),
        ("unclosed", policy(rest="require " + "(" * 5_000)),
        ("not", policy(rest="require " + "not " * 5_000 + "a == 1")),
        ("brackets", HEAD + "let a = " + "[" * 5_000 + "\n"),
        ("braces", HEAD + "signature {" * 5_000 + "\n"),
        ("quantifiers", policy(rest="require " + "(some a in b satisfies " * 500 + "c == 1" + ")" * 500)),
        ("functions", policy(rest="require " + "lower(" * 5_000 + "a" + ")" * 5_000 + ' == "x"')),
        ("large", HEAD + "#" * (1 << 20) + "\n"),
        ("long pattern", policy(rest="require a matches /" + "a?" * 5_000 + "/")),
        ("counted pattern", policy(rest="require a matches /((a{100}){100}){100}/")),
    ],
)
def test_l09_a_policy_without_measure_does_not_load(name: str, text: str) -> None:
    with pytest.raises(PolicyError):
        engine(text, keys={})


def test_l09_a_circle_of_baselines_does_not_load() -> None:
    text = policy() + 'baseline "a" extends "b" {\n}\nbaseline "b" extends "a" {\n}\n'
    with pytest.raises(PolicyError, match="circle"):
        engine(text.replace('policy "p"', 'policy "p" extends "a"'))


# ------------------------------------------------------------------------------------------------ L11, L18, L19

TEMPLATES = ["{policy.secret}", "{0.__class__}", "{}", "%s %(x)s %n", "${jndi:ldap://x}", "{{7*7}}", "$x", "\\u0041"]


@pytest.mark.parametrize("text", TEMPLATES)
def test_l11_a_claim_is_no_template(text: str) -> None:
    token = ISSUER.token(
        claims(sub=text, role=text, aud=["api", text], **{"x" + text: text}), {"kid": "k1", text: text}
    )
    verdict = engine(rules('require role == "admin"')).evaluate(token)
    assert codes(verdict) == {"claim.role"}
    shown = verdict.explain(values=True, everything=True)
    assert text.replace("\\", "\\\\") in shown
    assert text not in everything_told(verdict)
    trusted = engine(rules("require role is present as there")).evaluate(token)
    assert trusted.claims["sub"] == text
    assert trusted.unjudged["role"] == text


@pytest.mark.parametrize("text", TEMPLATES)
def test_l11_a_text_of_the_policy_is_no_template(text: str) -> None:
    written = text.replace("\\", "\\\\")
    line = f'require role == "{written}" as role because "{written}"'
    verdict = engine(rules(line)).evaluate(ISSUER.token(claims(role="x")))
    assert text in verdict.findings[[f.code for f in verdict.findings].index("claim.role")].because  # type: ignore[operator]
    everything_shown(verdict)
    assert engine(rules(line)).evaluate(ISSUER.token(claims(role=text)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('issuer "https://issuer.example"', 'issuer "https://issuer.example"'),
        (
            'issuer "https://issuer.example/{t}/v2" where t in ["a", "b"]',
            'issuer "https://issuer.example/a/v2"',
        ),
        (
            'issuer "https://issuer.example/{t}/v2" where t in ["a", "b"]',
            'issuer "https://issuer.example/{u}/v2" where u in ["b", "c"]',
        ),
        ('issuer from sub like "spiffe://a/**"', 'issuer from sub like "spiffe://a/b/*"'),
    ],
)
def test_l18_two_policies_that_one_token_could_fit_do_not_load(one: str, other: str) -> None:
    text = (
        policy(name="one", issuer=one, replay=REUSABLE) + policy(name="two", issuer=other, replay=REUSABLE)[len(HEAD) :]
    )
    with pytest.raises(PolicyError) as caught:
        engine(text)
    assert any("policy" in diagnostic.message or "fit" in diagnostic.message for diagnostic in caught.value.diagnostics)


def test_l18_by_name_only_is_judged_by_its_name_alone() -> None:
    lax = policy(name="lax", replay=REUSABLE, rest="by name only\n  provides sub is string")
    judge = engine(rules('require role == "admin"') + lax[len(HEAD) :])
    token = ISSUER.token(claims())
    assert codes(judge.evaluate(token)) == {"claim.role"}
    assert judge.evaluate(token, policy="lax")


def test_l19_no_secret_and_no_token_shows_anywhere() -> None:
    secret = b"zqxj" + bytes(range(60, 120))
    text = policy(
        algorithms="HS256",
        keys='secret env "SECRET" as utf8',
        revocation='revocation { by redeployment because "a test" }',
        replay=REUSABLE,
    )
    judge = engine(text, keys={"env:SECRET": secret})
    signer = Issuer("HS256", kid=None)
    signer.private = secret
    for token in (signer.token(claims()), signer.token(claims(aud="x")), ISSUER.token(claims()), "zqxj"):
        verdict = judge.evaluate(token, Context(values={"x": "zqxj"}))
        told = everything_shown(verdict) + repr(judge) + str(judge.status())
        assert "zqxj" not in told
        assert secret.decode() not in told
        assert token.split(".")[-1] not in told
        assert token not in told
        assert hashlib.sha256(secret).hexdigest() not in told
        if token.count(".") == 2:
            right = hmac.new(secret, token.rpartition(".")[0].encode(), "sha256").hexdigest()
            assert right not in told
    assert judge.evaluate(signer.token(claims())).key is not None


def test_l19_a_key_given_by_a_resolver_that_fails_shows_nothing() -> None:
    def resolver() -> Any:
        raise RuntimeError("zqxj the secret")

    with pytest.raises(PolicyError) as caught:
        engine(keys={f"url:{URL}": resolver})
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "zqxj" not in str(seen)
        seen = seen.__cause__
