"""What explanations say, word for word; what they never say; and that what they advise is right."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.expressions import explain, explain_tests
from policyjwt.expressions.explain import why
from policyjwt.expressions.reference import Truth, evaluate
from policyjwt.expressions.text import text_of
from policyjwt.language.model import And, Compare, Literal, Not, Or, Presence, Quantified, Rule, Test
from tests.expressions.evaluators import NOW, Values, demand, rule, scope
from tests.expressions.strategies import SPAN, objects, path, random_tests

Row = tuple[str, Values, str]

NOT_TRUE: list[Row] = [
    # absent, null, out of reach
    ('azp == "x"', {}, "`azp` is absent"),
    ('azp == "x"', {"azp": None}, "`azp` is null"),
    ('a.b == "x"', {"a": {}}, "`a.b` is absent"),
    ('a.b == "x"', {"a": "s"}, "`a.b` can't be read: above it stands a string of 1 character, not an object"),
    (
        'a.b.c == "x"',
        {"a": {"b": [1, 2]}},
        "`a.b.c` can't be read: above it stands a list of 2 elements, not an object",
    ),
    ('`https://corp.example/t` == "x"', {}, "`https://corp.example/t` is absent"),
    ('words(scope) contains "x"', {}, "`scope` is absent"),
    ("a < claim.b", {"a": 1}, "`claim.b` is absent"),
    # types
    (
        "email_verified == true",
        {"email_verified": "true"},
        "`email_verified` is a string of 4 characters, not a boolean",
    ),
    ("level >= 3", {"level": "2"}, "`level` is a string of 1 character, not a number"),
    ('x in ["a", "b"]', {"x": 1}, "`x` is a number, not a string"),
    ('x in ["a", 1]', {"x": True}, "`x` is a boolean, not a string or a number"),
    ('x in ["a", 1]', {"x": "b"}, "`x` is a string of 1 character, and not all of `a` and `1` are of that type"),
    ('x == "a"', {"x": ["a"]}, "`x` is a list of 1 element, not a string"),
    ('x starts with "a"', {"x": {"a": 1, "b": 2}}, "`x` is an object of 2 members, not a string"),
    (
        "a == claim.b",
        {"a": "x", "b": True},
        "`a` is a string of 1 character and `claim.b` is a boolean: two types are never compared",
    ),
    ("count(roles) < 3", {"roles": "x"}, "`roles` is a string of 1 character, not a list"),
    ('roles contains "a"', {"roles": "a b"}, "`roles` is a string of 3 characters, not a list"),
    ("every r in roles satisfies r == 1", {"roles": {}}, "`roles` is an object of 0 members, not a list"),
    ('host(iss) == "a"', {"iss": "ftp://x"}, "`iss` is a string of 7 characters, from which no host can be read"),
    ('lower(x) == "a"', {"x": 1}, "`x` is a number, not a string"),
    # comparisons
    ("email_verified == true", {"email_verified": False}, "`email_verified` is a boolean that is not `true`"),
    ('azp == "app"', {"azp": "0123456789"}, "`azp` is a string of 10 characters that is not `app`"),
    ('azp != "app"', {"azp": "app"}, "`azp` is `app`"),
    ('azp == ""', {"azp": "a"}, '`azp` is a string of 1 character that is not `""`'),
    ("level >= 3", {"level": 2}, "`level` is a number that is not at least `3`"),
    ("level < 3", {"level": 3}, "`level` is a number that is not less than `3`"),
    ("3 > claim.level", {"level": 3}, "`claim.level` is a number that is not less than `3`"),
    ("count(roles) <= 2", {"roles": [1, 2, 3]}, "`count(roles)` is `3`, which is not at most `2`"),
    ("a == claim.b", {"a": "x", "b": "yy"}, "`a` is a string of 1 character that is not the value of `claim.b`"),
    # lists
    ('x in ["a", "b"]', {"x": "c"}, "`x` is a string of 1 character that is none of `a` or `b`"),
    ('x in ["a"]', {"x": "c"}, "`x` is a string of 1 character that is not `a`"),
    ('x not in ["a", "b"]', {"x": "a"}, "`x` is one of `a` or `b`"),
    ("x in claim.l", {"x": "a", "l": ["b"]}, "`claim.l` lacks the value of `x`"),
    ("x in claim.l", {"x": "a", "l": [1]}, "`claim.l` lacks the value of `x`, and not all of its elements are strings"),
    ('words(scope) contains "pay:write"', {"scope": "a"}, "`words(scope)` lacks `pay:write`"),
    ('roles contains "a"', {"roles": ["b", 1]}, "`roles` lacks `a`, and not all of its elements are strings"),
    ('roles contains any of ["a", "b"]', {"roles": []}, "`roles` has none of `a` or `b`"),
    ('roles contains any of ["a"]', {"roles": [1]}, "`roles` lacks `a`, and not all of its elements are of that type"),
    ('roles contains all of ["a", "b", "c"]', {"roles": ["b"]}, "`roles` lacks `a` and `c`"),
    (
        'roles contains only ["a", "b"]',
        {"roles": ["a", "zz", "y"]},
        "2 of the 3 elements of `roles` are not among `a` and `b`",
    ),
    ('roles contains only ["a", "b"]', {"roles": ["a", 1]}, "`roles` has elements of another type than `a` or `b`"),
    ('roles contains only ["a", "b"]', {"roles": []}, "`roles` is an empty list"),
    # texts
    (
        'email ends with "@corp.example"',
        {"email": "a@b.c"},
        "`email` is a string of 5 characters that does not end with `@corp.example`",
    ),
    ("x starts with claim.p", {"x": "a", "p": ""}, "`claim.p` is empty, and every string starts with that"),
    ('d like "repo:*"', {"d": "x"}, "`d` is a string of 1 character that does not fit `repo:*`"),
    ("t matches /[a-z]{3,12}/", {"t": "A"}, "`t` is a string of 1 character that does not fit `/[a-z]{3,12}/`"),
    (
        'h under "corp.example"',
        {"h": "evil.test"},
        "`h` is a string of 9 characters that is neither `corp.example` nor below it",
    ),
    ('h under "corp.example"', {"h": "a b"}, "`h` is a string of 3 characters that is no host"),
    # times
    ("t within 12h", {"t": NOW - 50_000}, "`t` was 13h 53m ago; at most 12h, with 30s for clock skew"),
    ("t within 12h", {"t": NOW + 300.5}, "`t` is 5m in the future; 30s are allowed for clock skew"),
    ("t within 12h", {"t": 10**30}, "`t` is a number that is no time of this age"),
    ("t before 2023-11-14", {"t": NOW}, "`t` is 2023-11-14T22:13:20Z, not before 2023-11-14"),
    ("t after 2023-11-15", {"t": NOW}, "`t` is 2023-11-14T22:13:20Z, not on or after 2023-11-15"),
    ("t after 2023-11-15", {"t": -1e30}, "`t` is a number far from any date, not on or after 2023-11-15"),
    # there, and of a type
    ("x is present", {}, "`x` is absent"),
    ("x is absent", {"x": "abc"}, "`x` is present, a string of 3 characters"),
    ("x is integer", {"x": 1.5}, "`x` is a number, not an integer"),
    ("x is string", {}, "`x` is absent"),
    # made of tests
    (
        'a == "1" and b == 2 and c is present',
        {"a": "x"},
        "`a` is a string of 1 character that is not `1`, and `b` is absent, and `c` is absent",
    ),
    ('a == "1" and b == 2', {"a": "1", "b": 3}, "`b` is a number that is not `2`"),
    ('a == "1" or b == 2', {"a": "x"}, "`a` is a string of 1 character that is not `1`, and `b` is absent"),
    ('not (a == "1" or b == 2)', {"a": "1"}, "`a` is `1`"),
    ('not (a == "1" and b == 2)', {"a": "1", "b": 2}, "`a` is `1`, and `b` is `2`"),
    (
        'a == "x" or a starts with "y"',
        {"a": "z"},
        "`a` is a string of 1 character that is not `x` and does not start with `y`",
    ),
    ('every r in roles satisfies r == "a"', {"roles": []}, "`roles` is an empty list"),
    (
        'every r in roles satisfies r == "a"',
        {"roles": ["b"]},
        "the only element of `roles` fails: `r` is a string of 1 character that is not `a`",
    ),
    (
        'every r in roles satisfies r == "a"',
        {"roles": ["a", "bb"]},
        "element 2 of the 2 of `roles` fails: `r` is a string of 2 characters that is not `a`",
    ),
    (
        'every r in roles satisfies r == "a"',
        {"roles": ["a", "bb", "c"]},
        "2 of the 3 elements of `roles` fail, number 2 first: `r` is a string of 2 characters that is not `a`",
    ),
    (
        'every r in roles satisfies r == "a"',
        {"roles": ["a", 1]},
        "element 2 of the 2 of `roles` is undecided: `r` is a number, not a string",
    ),
    (
        'every r in roles satisfies r.n == "a"',
        {"roles": [{"n": "a"}, {}]},
        "element 2 of the 2 of `roles` is undecided: `r.n` is absent",
    ),
    ('some r in roles satisfies r == "a"', {"roles": []}, "`roles` is an empty list"),
    (
        'some r in roles satisfies r == "a"',
        {"roles": ["b", "c"]},
        "2 of the 2 elements of `roles` fail, number 1 first: `r` is a string of 1 character that is not `a`",
    ),
]

TRUE: list[Row] = [
    ('a == "1"', {"a": "1"}, "`a` is `1`"),
    ('a != "1"', {"a": "2"}, "`a` is a string of 1 character that is not `1`"),
    ("level >= 3", {"level": 3}, "`level` is at least `3`"),
    ('x in ["a", "b"]', {"x": "a"}, "`x` is one of `a` or `b`"),
    ('words(scope) contains "a"', {"scope": "a"}, "`words(scope)` contains `a`"),
    ('roles contains any of ["a", "b"]', {"roles": ["b"]}, "`roles` contains `b`"),
    ('roles contains only ["a", "b"]', {"roles": ["b"]}, "`roles` contains only `a` and `b`"),
    ('email ends with "@x"', {"email": "a@x"}, "`email` ends with `@x`"),
    ('d like "repo:*"', {"d": "repo:a"}, "`d` fits `repo:*`"),
    ('h under "corp.example"', {"h": "a.corp.example"}, "`h` is `corp.example` or below it"),
    ("t within 12h", {"t": NOW - 60}, "`t` was 1m ago"),
    ("t within 12h", {"t": NOW}, "`t` was less than 1s ago"),
    ("t before 2023-11-15", {"t": NOW}, "`t` is 2023-11-14T22:13:20Z, before 2023-11-15"),
    ("x is absent", {}, "`x` is absent"),
    ("x is integer", {"x": 1}, "`x` is an integer"),
    ('every r in roles satisfies r == "a"', {"roles": ["a", "a"]}, 'all 2 elements of `roles` satisfy `r == "a"`'),
    ('some r in roles satisfies r == "a"', {"roles": ["b", "a"]}, "element 2 of the 2 of `roles` passes: `r` is `a`"),
    ('a == "1" or b == 2', {"a": "x", "b": 2}, "`b` is `2`"),
    ("not (a == 1)", {"a": 2}, "`a` is a number that is not `1`"),
]


@pytest.mark.parametrize(("text", "claims", "phrase"), NOT_TRUE)
def test_why_not(text: str, claims: Values, phrase: str) -> None:
    at = scope(claims, skew=30)
    assert evaluate(demand(text), at) is not True
    assert why(demand(text), at, values=False) == phrase


@pytest.mark.parametrize(("text", "claims", "phrase"), TRUE)
def test_why(text: str, claims: Values, phrase: str) -> None:
    at = scope(claims, skew=30)
    assert evaluate(demand(text), at) is True
    assert why(demand(text), at, values=False) == phrase


VALUES: list[Row] = [
    ('azp == "app"', {"azp": "other"}, "`azp` is `other`, which is not `app`"),
    (
        "email_verified == true",
        {"email_verified": "true"},
        "`email_verified` is `true`, a string of 4 characters and not a boolean",
    ),
    ("a == claim.b", {"a": "x", "b": "y"}, "`a` is `x`, which is not the value of `claim.b`, `y`"),
    ("level >= 3", {"level": 2.5}, "`level` is `2.5`, which is not at least `3`"),
    (
        'roles contains only ["a"]',
        {"roles": ["x", "a", "y"]},
        "2 of the 3 elements of `roles` are not among `a`: `x` and `y`",
    ),
    ("x is absent", {"x": ["a", "b"]}, "`x` is present, `a` and `b`"),
    ('x == "a"', {"x": "\u202eb`\n\x00\\"}, r"`x` is `\u202eb\u0060\n\u0000\\`, which is not `a`"),
    ('x == "a"', {"x": "q" * 100}, f"`x` is `{'q' * 79}…`, which is not `a`"),
    ("x == 1", {"x": 10**100}, f"`x` is `1{'0' * 78}…`, which is not `1`"),
]


@pytest.mark.parametrize(("text", "claims", "phrase"), VALUES)
def test_values_are_quoted_escaped_and_cut(text: str, claims: Values, phrase: str) -> None:
    assert why(demand(text), scope(claims), values=True) == phrase


# ------------------------------------------------------------------------------------ rules

RULES: list[tuple[str, Values, str, str, str, str | None]] = [
    (
        'forbid azp == "legacy-batch"',
        {},
        "unknown",
        "unknown, because `azp` is absent, and this line refuses tokens without it",
        'not `azp == "legacy-batch"`',
        'to let them pass: `forbid azp == "legacy-batch" when azp is present`',
    ),
    (
        'forbid azp == "legacy-batch"',
        {"azp": 4},
        "unknown",
        "unknown, because `azp` is a number, not a string",
        'not `azp == "legacy-batch"`',
        None,
    ),
    (
        'forbid azp == "a" or sub == "b"',
        {"azp": "x"},
        "unknown",
        "unknown, because `azp` is a string of 1 character that is not `a`, and `sub` is absent, "
        "and this line refuses tokens without it",
        'not `azp == "a" or sub == "b"`',
        'to let them pass: write `(sub is present and sub == "b")` for `sub == "b"`',
    ),
    (
        'forbid azp == "a" or sub == "b"',
        {},
        "unknown",
        "unknown, because `azp` is absent, and `sub` is absent, and this line refuses tokens without them",
        'not `azp == "a" or sub == "b"`',
        'to let them pass: write `(azp is present and azp == "a")` for `azp == "a"`',
    ),
    (
        'forbid azp == "x" and not (sub == "root")',
        {"azp": "x"},
        "unknown",
        "unknown, because `sub` is absent, and this line refuses tokens without it",
        'not `azp == "x" and not sub == "root"`',
        'to let them pass: write `(sub is absent or sub == "root")` for `sub == "root"`',
    ),
    (
        'forbid azp == "a"',
        {"azp": "a"},
        "violated",
        "`azp` is `a`",
        'not `azp == "a"`',
        None,
    ),
    (
        'forbid azp == "a" when azp is present',
        {},
        "not_applicable",
        "`when azp is present` switches this off: `azp` is absent",
        'not `azp == "a"`',
        None,
    ),
    (
        'require acr == "aal2" unless tier == "free"',
        {"acr": "aal1"},
        "unknown",
        "`acr` is a string of 4 characters that is not `aal2`; "
        'whether `unless tier == "free"` switches this off is unknown, because `tier` is absent',
        '`acr == "aal2"`',
        None,
    ),
    ("require level >= 3", {"level": 4}, "met", "`level` is at least `3`", "`level >= 3`", None),
    (
        'require every r in roles satisfies r == "a"',
        {"roles": []},
        "unknown",
        "`roles` is an empty list",
        '`every r in roles satisfies r == "a"`',
        "over an empty list `every` is unknown, for nothing was shown to pass; to let such tokens pass: "
        '`require (every r in roles satisfies r == "a") unless count(roles) == 0`',
    ),
    (
        'require x == 1 and words(scope) contains only ["a"]',
        {"x": 1, "scope": ""},
        "unknown",
        "`words(scope)` is an empty list",
        '`x == 1 and words(scope) contains only ["a"]`',
        "over an empty list `only` is unknown, for nothing was shown to pass; "
        "test `count(words(scope)) == 0` too, if such tokens are meant",
    ),
]


@pytest.mark.parametrize(("text", "claims", "result", "told"), [(*row[:3], row[3:]) for row in RULES])
def test_rule(text: str, claims: Values, result: str, told: tuple[str, str, str | None]) -> None:
    found = explain.rule(rule(text), scope(claims), result, values=False)
    assert (found.actual, found.expected, found.help) == told


# ------------------------------------------------------------------------------------ advice is right


def _outcome(found: Rule, claims: Values) -> Truth:
    """What a `forbid` with or without a `when` comes to."""
    demanded = evaluate(found.test, scope(claims))
    if found.guard is not None and demanded is not False:
        guard = evaluate(found.guard.test, scope(claims))
        switched_off = guard is (found.guard.kind == "unless")
        return True if switched_off else None if guard is None else _not(demanded)
    return _not(demanded)


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


FORBIDDEN = [
    'azp == "a"',
    'azp != "a"',
    'not (azp == "a")',
    'azp == "a" or sub == "b"',
    'azp == "a" and sub == "b"',
    'azp == "a" and not (sub == "b" or x.y == 1)',
    'roles contains "admin"',
    'some r in roles satisfies r == "admin"',
    'not (every r in roles satisfies r != "admin")',
    'words(scope) contains any of ["a", "b"]',
    "azp == claim.sub",
]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_what_help_advises_lets_in_tokens_without_the_claim_and_no_others(text: str) -> None:
    found = rule(f"forbid {text}")
    given_claims: list[dict[str, Any]] = [
        {name: value for name, value in {"azp": azp, "sub": sub, "x": {"y": y}, "roles": roles}.items() if value != "-"}
        for azp in ("a", "c", "-")
        for sub in ("b", "a", "-")
        for y in (1, 2)
        for roles in (["admin"], ["x"], "-")
    ]
    for claims in given_claims:
        before = _outcome(found, claims)
        mended = found
        for _ in range(4):  # one part at a time
            if _outcome(mended, claims) is not None:
                break
            mended = _as_advised(mended, claims)
        if before is None:
            assert _outcome(mended, claims) is not None
        for others in given_claims:
            if _outcome(found, others) is False:
                assert _outcome(mended, others) is False


def _as_advised(found: Rule, claims: Values) -> Rule:
    advice = explain.rule(found, scope(claims), "unknown", values=False).help
    assert advice is not None
    if guarded := re.fullmatch(r"to let them pass: `(forbid .*)`", advice):
        return rule(guarded[1])
    written = re.fullmatch(r"to let them pass: write `(.*)` for `(.*)`", advice)
    assert written is not None
    assert found.place.text.count(written[2]) == 1
    return rule(found.place.text.replace(written[2], written[1]))


def test_what_help_advises_about_empty_lists_lets_in_no_other_token() -> None:
    found = rule('require every r in roles satisfies r == "a"')
    advice = explain.rule(found, scope({"roles": []}), "unknown", values=False).help
    assert advice is not None
    mended = rule(advice.split("`")[-2])
    assert mended.guard is not None
    assert text_of(mended.test) == text_of(found.test)
    for roles, off in (([], True), (["a"], False), (["b"], False), ("x", None), (None, None)):
        assert evaluate(mended.guard.test, scope({"roles": roles})) is off


# ------------------------------------------------------------------------------------ what is never said

SECRET = "zqxj"
SECRET_NUMBER = "77777777777777777777"
secrets = st.text(alphabet="zqxj", min_size=4, max_size=12).map(lambda text: SECRET + text)
secret_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        secrets, st.integers(0, 10**6).map(lambda number: int(f"{SECRET_NUMBER}{number}")), st.booleans(), st.none()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from("abc"), secrets), inner, max_size=3),
    ),
    max_leaves=6,
)
secret_claims = st.dictionaries(st.sampled_from("abc"), secret_values, max_size=3)


@given(random_tests(), secret_claims, secret_claims)
def test_no_value_of_the_token_is_told(test: Test, claims: dict[str, Any], context: dict[str, Any]) -> None:
    said = why(test, scope(claims, claims, {"values": context}), values=False)
    assert SECRET not in said
    assert SECRET_NUMBER not in said
    assert said.isprintable()


@given(random_tests(), secret_claims, st.sampled_from(("met", "violated", "unknown", "not_applicable")))
def test_no_rule_tells_one(test: Test, claims: dict[str, Any], result: str) -> None:
    found = rule('forbid x == "y"')
    for kind in ("forbid", "require"):
        told = explain.rule(
            Rule(found.place, kind, test), scope(claims, claims, {"values": claims}), result, values=False
        )
        assert SECRET not in json.dumps([told.actual, told.expected, told.help])


@given(random_tests(), secret_claims)
def test_what_is_told_with_values_is_one_safe_line(test: Test, claims: dict[str, Any]) -> None:
    evil = {name: [value, "\n\u202e\x1b[31m`", f"{value}\u2028"] for name, value in claims.items()}
    for given_claims in (claims, evil, dict.fromkeys(claims, "\r\n\u202e")):
        assert why(test, scope(given_claims), values=True).isprintable()


@given(random_tests(), secret_claims)
def test_nothing_is_told_by_an_accident(test: Test, claims: dict[str, Any]) -> None:
    said = why(test, scope(claims, claims, {"values": claims}), values=False)
    assert "defect" not in said
    assert "nothing can be said" not in said
    assert said


def test_a_defect_of_ours_keeps_no_verdict_from_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("zqxj")

    monkeypatch.setattr(explain, "phrase", broken)
    assert why(demand("x == 1"), scope({"x": 2}), values=True) == "it can't be told why, which is a defect of policyjwt"


# ------------------------------------------------------------------------------------ what is told is the cause


def _without_quantifiers(test: Test) -> Test:
    if isinstance(test, And | Or):
        return replace(test, tests=tuple(map(_without_quantifiers, test.tests)))
    if isinstance(test, Not):
        return replace(test, test=_without_quantifiers(test.test))
    return Presence(SPAN, path("claim", "a"), present=True) if isinstance(test, Quantified) else test


def _mended(test: Test, told: set[int], *, wanted: bool) -> Test:
    """The same with a constant for every part that was told of: the one that brings it closest to `wanted`."""
    if isinstance(test, And | Or):
        return replace(test, tests=tuple(_mended(part, told, wanted=wanted) for part in test.tests))
    if isinstance(test, Not):
        return replace(test, test=_mended(test.test, told, wanted=not wanted))
    return Compare(SPAN, "==", Literal(SPAN, 1), Literal(SPAN, int(wanted))) if id(test) in told else test


@given(random_tests(depth=4).map(_without_quantifiers), objects)
def test_nothing_would_have_come_out_so_but_for_what_is_told(test: Test, claims: dict[str, Any]) -> None:
    at = scope(claims, claims, {"values": claims})
    told: set[int] = set()
    original = explain_tests.phrase

    def noted(part: Test, truth: Truth, teller: Any) -> str:
        told.add(id(part))
        return original(part, truth, teller)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(explain, "phrase", noted)
        why(test, at, values=False)
    outcome = evaluate(test, at)
    mended = evaluate(_mended(test, told, wanted=outcome is not True), at)
    assert mended is not True if outcome is True else mended is True
