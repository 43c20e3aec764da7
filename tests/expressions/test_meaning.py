"""What tests mean: a table for what the cases of the language leave out. Both evaluators must say the same."""

from __future__ import annotations

from typing import Any

import pytest

from policyjwt.expressions.reference import Truth, evaluate
from policyjwt.expressions.scope import Scope
from policyjwt.language.model import Compare, Literal, Path, Presence
from tests.expressions.evaluators import NOW, Values, both, demand, scope

Row = tuple[str, Values, bool | None]

EQUAL: list[Row] = [
    ("x == 1", {"x": True}, None),
    ("x == 0", {"x": False}, None),
    ("x == true", {"x": 1}, None),
    ("x == true", {"x": 1.0}, None),
    ("x != true", {"x": "true"}, None),
    ("x == 0", {"x": -0.0}, True),
    ("x == 0.1", {"x": 0.1}, True),
    ("x == 9007199254740993", {"x": 9007199254740992.0}, False),
    ("x == 10000000000000000000000", {"x": 1e22}, True),
    ("x != 1", {"x": None}, None),
    ("x == 1", {"x": {}}, None),
    ("x == claim.y", {"x": [], "y": []}, None),
    ("x == claim.y", {"x": {}, "y": {}}, None),
    ("x != claim.y", {"x": [1], "y": [1]}, None),
    ("x == claim.y", {"x": None, "y": None}, None),
    ("x == claim.y", {}, None),
    ("x == claim.y", {"x": 1, "y": 1.0}, True),
    ("x == claim.y", {"x": False, "y": 0}, None),
    ("x != claim.y", {"x": "1", "y": 1}, None),
    ("x == claim.x", {"x": "a"}, True),
    ('"a" == claim.x', {"x": "a"}, True),
    ("3 > claim.x", {"x": 2}, True),
    ("3 > claim.x", {"x": 3}, False),
    ("3 >= claim.x", {"x": "2"}, None),
    ("1 < 2", {}, True),
    ('x == ""', {"x": ""}, True),
    ('x == ""', {}, None),
    ("x < claim.y", {"x": 1, "y": 1.5}, True),
    ("x <= claim.y", {"x": True, "y": 2}, None),
    ("x > claim.y", {"x": 2, "y": False}, None),
    ("x >= claim.y", {"x": 2}, None),
    ("x > 9007199254740992", {"x": 9007199254740993}, True),
    ("x > 9007199254740993", {"x": 9007199254740992.0}, False),
]

LISTS: list[Row] = [
    ("x in claim.l", {"x": "a", "l": []}, False),
    ("x not in claim.l", {"x": "a", "l": []}, True),
    ("x in claim.l", {"x": ["a"], "l": []}, None),
    ("x not in claim.l", {"x": ["a"], "l": []}, None),
    ("x not in claim.l", {"x": {}, "l": []}, None),
    ("x in claim.l", {"l": []}, None),
    ("x not in claim.l", {"x": None, "l": []}, None),
    ("x in claim.l", {"x": None, "l": [None]}, None),
    ("x in claim.l", {"x": "a"}, None),
    ("x not in claim.l", {"x": "a", "l": "abc"}, None),
    ("x not in claim.l", {"x": "a", "l": {"a": 1}}, None),
    ("x in claim.l", {"x": "a", "l": [["a"], "a"]}, True),
    ("x in claim.l", {"x": 1, "l": [True]}, None),
    ("x in claim.l", {"x": True, "l": [1, True]}, True),
    ("x not in claim.l", {"x": "b", "l": ["a", None]}, None),
    ("x in [1]", {"x": "a"}, None),
    ("x in [1, 2.5]", {"x": 2.5}, True),
    ("x in [1, 2.5]", {"x": 1.0}, True),
    ("x in [true]", {"x": 1}, None),
    ("x in [true, 1]", {"x": 0}, None),
    ("x in [true, 1]", {"x": True}, True),
    ("x not in [true, 1]", {"x": 1}, False),
    ('x not in ["a", 1]', {"x": "b"}, None),
    ('"a" in claim.roles', {"roles": ["a"]}, True),
    ('"a" not in claim.roles', {"roles": ["b"]}, True),
    ('"a" not in claim.roles', {"roles": ["b", 1]}, None),
    ('"a" not in claim.roles', {"roles": ["a", 1]}, False),
    ('"a" not in claim.roles', {}, None),
    ("1 in claim.roles", {"roles": [True, 2]}, None),
    ('roles contains ""', {"roles": [""]}, True),
    ('words(scope) contains ""', {"scope": "a  b"}, False),
    ('words(scope) contains "a b"', {"scope": "a b"}, False),
    ('words(scope) contains "a"', {"scope": ["a"]}, None),
    ('words(scope) contains "a"', {"scope": None}, None),
    ('"a" not in words(claim.scope)', {"scope": "b c"}, True),
    ('"a" not in words(claim.scope)', {}, None),
    ('words(scope) contains any of ["a", "b"]', {"scope": " "}, False),
    ('words(scope) contains only ["a", "b"]', {"scope": ""}, None),
    ('words(scope) contains all of ["a", "b"]', {"scope": "b x a"}, True),
    ("roles contains any of [1, 2]", {"roles": [True, 3]}, None),
    ("roles contains any of [1, 2]", {"roles": [2.0]}, True),
    ('roles contains any of ["a", 1]', {"roles": ["b"]}, None),
    ('roles contains any of ["a", 1]', {"roles": [1]}, True),
    ('roles contains any of ["a", 1]', {"roles": []}, False),
    ('roles contains all of ["a", 1]', {"roles": ["a", 1]}, True),
    ('roles contains all of ["a", 1]', {"roles": ["a"]}, None),
    ('roles contains all of ["a", 1]', {"roles": []}, False),
    ('roles contains all of ["a", "b"]', {"roles": ["a", "b", None]}, True),
    ('roles contains all of ["a", "b"]', {"roles": ["a", None]}, None),
    ('roles contains all of ["a", "b"]', {"roles": "ab"}, None),
    ('roles contains only ["a", 1]', {"roles": ["a", 1]}, True),
    ('roles contains only ["a", 1]', {"roles": ["b"]}, None),
    ('roles contains only ["a"]', {"roles": ["a", None]}, None),
    ('roles contains only ["a"]', {"roles": ["b", None]}, False),
    ('roles contains only ["a"]', {"roles": [["a"]]}, None),
    ('roles contains only ["a"]', {"roles": None}, None),
    ('["a", "b"] contains claim.x', {"x": "b"}, True),
    ('["a", "b"] contains claim.x', {"x": 1}, None),
    ("count(roles) == 0", {"roles": []}, True),
    ("count(roles) == 0", {"roles": ""}, None),
    ("count(roles) == 0", {"roles": None}, None),
    ("count(words(scope)) == 2", {"scope": " a  b "}, True),
]

QUANTIFIED: list[Row] = [
    ("every r in roles satisfies r is present", {"roles": [None]}, False),
    ("every r in roles satisfies r is absent", {"roles": [None]}, True),
    ("every r in roles satisfies r is string", {"roles": [None]}, None),
    ("every r in roles satisfies r.a is present", {"roles": [{"a": 1}, {"a": None}]}, False),
    ("every r in roles satisfies r.a.b is absent", {"roles": [{"a": 1}]}, None),
    ("some r in roles satisfies r.a.b == 1", {"roles": [3, {"a": {"b": 1.0}}]}, True),
    ('every r in words(scope) satisfies r == "a"', {"scope": "  "}, None),
    ('some r in words(scope) satisfies r == "a"', {"scope": "  "}, False),
    ('every r in roles satisfies r in ["a"]', {"roles": {"a": 1}}, None),
    ("every r in roles satisfies not (r == 1)", {"roles": [2, "x"]}, None),
    ("not (some r in roles satisfies r == 1)", {"roles": [2, "x"]}, None),
    (
        "every a in l satisfies (some b in claim.m satisfies a == b)",
        {"l": [1, 2], "m": [2, 1.0]},
        True,
    ),
    ("every a in l satisfies (some b in claim.m satisfies a == b)", {"l": [1, 2], "m": []}, False),
    ("every a in l satisfies (some b in claim.m satisfies a == b)", {"l": [1, 2]}, None),
    ("some a in l satisfies (every b in a satisfies b > claim.n)", {"l": [[], [1, 3], [4]], "n": 2}, True),
    ("some a in l satisfies words(claim.s) contains a", {"l": ["x", "y"], "s": "q y"}, True),
    ("every a in l satisfies a starts with claim.p", {"l": ["ab", "ac"], "p": "a"}, True),
    ("every a in l satisfies a starts with claim.p", {"l": ["ab", "ac"], "p": ""}, None),
]

PLACES: list[Row] = [
    ("a is absent", {"a": False}, False),
    ("a is present", {"a": ""}, True),
    ("a.b is absent", {"a": False}, None),
    ("a.b is absent", {"a": ""}, None),
    ("a.b is present", {"a": None}, False),
    ("a.b.c is present", {"a": {"b": 1}}, None),
    ("a.b.c is absent", {"a": {"b": [{"c": 1}]}}, None),
    ("a.b.c is present", {"a": {"b": {"c": 0}}}, True),
    ("a.b is object", {"a": {"b": {}}}, True),
    ("a is number", {"a": False}, False),
    ("a is integer", {"a": 2.0}, True),
    ("a is integer", {"a": True}, False),
    ("a is integer", {"a": "2"}, False),
    ("a is integer", {"a": 10**40}, True),
    ("a is boolean", {"a": 0}, False),
    ("a is object", {"a": None}, None),
    ("`a.b` == 1", {"a.b": 1, "a": {"b": 2}}, True),
    ("`` == 1".replace("``", "`__class__`"), {}, None),
    ("a.__class__ is present", {"a": {}}, False),
    ("a.keys is present", {"a": {}}, False),
]

TEXTS: list[Row] = [
    ('x starts with "a"', {"x": None}, None),
    ('x starts with "a"', {"x": {"a": 1}}, None),
    ('x ends with "/"', {"x": "a/\n"}, False),
    ("x ends with claim.y", {"x": "abc", "y": "bc"}, True),
    ("x ends with claim.y", {"x": "abc", "y": ""}, None),
    ("x ends with claim.y", {"x": "", "y": ""}, None),
    ("x ends with claim.y", {"x": "abc", "y": ["c"]}, None),
    ("x starts with lower(claim.y)", {"x": "abc", "y": "AB"}, True),
    ('x like "*"', {"x": ""}, True),
    ('x like "*"', {"x": "a/b"}, False),
    ('x like "**"', {"x": "a/b\n"}, True),
    ('x like "https://*.example"', {"x": "https://a/b.example"}, False),
    ('x like "https://*.example"', {"x": "https://a.example\n"}, False),
    ('x like "https://*.example"', {"x": None}, None),
    ('not (x like "a*")', {"x": ["ab"]}, None),
    ("x matches /a.c/", {"x": "a\nc"}, False),
    ("x matches /[^a]/", {"x": "\n"}, True),
    (r"x matches /\d+/", {"x": "1\u0662"}, False),
    ("not (x matches /a/)", {"x": 1}, None),
    ('lower(x) == "k"', {"x": "\u212a"}, False),
    ('lower(x) == "\u212a"', {"x": "\u212a"}, True),
    ('lower(x) == "straße"', {"x": "STRAßE"}, True),
    ('lower(x) == "É"', {"x": "É"}, True),
    ('lower(x) == "a"', {"x": ["A"]}, None),
    ('lower(x) != "a"', {"x": None}, None),
    ('lower(x) in ["a"]', {}, None),
    ('host(x) == "corp.example"', {"x": "https://corp.example."}, True),
    ('host(x) == "corp.example"', {"x": "https://corp.example:443"}, True),
    ('host(x) == "corp.example"', {"x": "https://corp.example:65536"}, None),
    ('host(x) == "corp.example"', {"x": "https://@corp.example/"}, None),
    ('host(x) == "corp.example"', {"x": "https://corp..example/"}, None),
    ('host(x) == "corp.example"', {"x": "https://corp%2eexample/"}, None),
    ('host(x) != "corp.example"', {"x": "https://[::1]/"}, None),
    ('host(x) != "corp.example"', {"x": 1}, None),
    ('host(x) under "corp.example"', {"x": "https://API.Corp.Example/x"}, True),
    ('x under "corp.example"', {"x": "A.CORP.EXAMPLE"}, True),
    ('x under "corp.example"', {"x": "a.corp.example."}, None),
    ('x under "corp.example"', {"x": ".corp.example"}, None),
    ('x under "corp.example"', {"x": "acorp.example"}, False),
    ('x under "corp.example"', {"x": ""}, None),
    ("x under claim.y", {"x": "a.b", "y": "b"}, True),
    ("x under claim.y", {"x": "a.b", "y": ""}, None),
    ("x under claim.y", {"x": "a.b", "y": 1}, None),
    ('not (x under "corp.example")', {"x": ["a"]}, None),
]

TIMES: list[Row] = [
    ("t within 1h", {"t": NOW - 3600}, True),
    ("t within 1h", {"t": NOW - 3600.5}, False),
    ("t within 1h", {"t": NOW}, True),
    ("t within 1h", {"t": NOW + 0.5}, False),
    ("t within 1h", {"t": str(NOW)}, None),
    ("t within 1h", {"t": True}, None),
    ("t within 1h", {"t": None}, None),
    ("t within 1h", {"t": 10**100}, False),
    ("t within 1h", {"t": -(10**100)}, False),
    ("t within 1h", {"t": 1e308}, False),
    ("t before 2023-11-14", {"t": 1699920000}, False),
    ("t after 2023-11-14", {"t": 1699920000}, True),
    ("t before 2023-11-14", {"t": 1699919999.999}, True),
    ("t after 2023-11-14", {"t": 10**100}, True),
    ("t before 2023-11-14", {"t": False}, None),
    ("not (t before 2023-11-14)", {}, None),
    ("count(l) within 1h", {"l": [1]}, False),
]


@pytest.mark.parametrize(
    ("text", "claims", "want"), [*EQUAL, *LISTS, *QUANTIFIED, *PLACES, *TEXTS, *TIMES], ids=lambda part: str(part)[:60]
)
def test_means(text: str, claims: Values, want: Truth) -> None:
    assert both(demand(text), scope(claims)) is want


NO_VALUE: list[Values] = [{}, {"x": None}, {"x": {}}, {"x": [[]]}, {"x": {"x": "a"}}]

NEVER_MET = [
    'x == "a"',
    'x != "a"',
    "x < 1",
    'x in ["a", "b"]',
    'x not in ["a", "b"]',
    'x starts with "a"',
    'x ends with "a"',
    'x like "**"',
    "x matches /.*/",
    'x under "corp.example"',
    "x within 1h",
    "x before 2030-01-01",
    "x after 1970-01-01",
    'lower(x) != "a"',
    'host(x) != "a"',
    "count(words(x)) >= 0",
    'words(x) contains "a"',
]


@pytest.mark.parametrize("text", NEVER_MET)
@pytest.mark.parametrize("claims", NO_VALUE, ids=str)
def test_nothing_and_wrong_types_pass_no_test_and_no_negation(text: str, claims: Values) -> None:
    at = scope(claims)
    assert both(demand(text), at) is None
    assert both(demand(f"not ({text})"), at) is None


EMPTY: list[tuple[str, bool | None]] = [
    ("x in claim.l", False),
    ("x not in claim.l", True),
    ('l contains "a"', False),
    ('l contains any of ["a"]', False),
    ('l contains all of ["a"]', False),
    ('l contains only ["a"]', None),
    ('some v in l satisfies v == "a"', False),
    ('every v in l satisfies v == "a"', None),
]


@pytest.mark.parametrize(("text", "want"), EMPTY)
def test_over_an_empty_list(text: str, want: Truth) -> None:
    assert both(demand(text), scope({"x": "a", "l": []})) is want


@pytest.mark.parametrize(("text", "want"), EMPTY)
@pytest.mark.parametrize("nothing", [{"x": "a"}, {"x": "a", "l": None}, {"x": "a", "l": "a"}], ids=str)
def test_operands_are_tested_before_the_list_is_found_empty(text: str, want: Truth, nothing: Values) -> None:
    assert want in {True, False, None}
    assert both(demand(text), scope(nothing)) is None


def test_skew_widens_within_on_both_sides() -> None:
    test = demand("t within 1h")
    for value, want in ((NOW - 3630, True), (NOW - 3631, False), (NOW + 30, True), (NOW + 31, False)):
        assert both(test, scope({"t": value}, skew=30)) is want


def test_roots_are_told_apart() -> None:
    at = scope({"kid": "claim", "method": "claim"}, {"kid": "header"}, {"method": "context"})
    for text in ('kid == "claim"', 'header.kid == "header"', 'method == "claim"', 'context.method == "context"'):
        assert both(demand(text), at) is True


def test_a_root_that_is_not_given_is_unknown_not_absent() -> None:
    span = demand("x == 1").span
    at = Scope(roots={"claim": {"serial": "a"}}, now=NOW, skew=0, variables={})
    for present in (True, False):
        test = Presence(span, Path(span, "client", ("serial",), "client.serial"), present)
        assert evaluate(test, at) is None


@pytest.mark.parametrize("root", ["certificate", "client"])
def test_certificates_are_roots(root: Any) -> None:
    span = demand("x == 1").span
    serial = Path(span, root, ("serial",), f"{root}.serial")
    given: dict[str, Any] = {root: {"serial": "0a"}}
    at = scope({"serial": "claimed"}, **given)
    assert both(Compare(span, "==", serial, Literal(span, "0a")), at) is True
    assert both(Compare(span, "==", serial, Literal(span, "claimed")), at) is False
    assert both(Presence(span, serial, True), at) is True
    assert both(Presence(span, serial, True), scope({"serial": "claimed"})) is False


def test_a_text_that_only_looks_like_one_is_none() -> None:
    class Text(str):
        """What a caller may hand over: an enumeration of methods, for one."""

        __slots__ = ()

    at = scope({}, context={"method": Text("GET")})
    for text in ('context.method == "GET"', 'context.method in ["GET"]', 'context.method starts with "G"'):
        assert both(demand(text), at) is None


def test_variables_hide_nothing() -> None:
    at = scope({"roles": ["a"], "role": "b"})
    assert both(demand('every role in roles satisfies (role == "a" and claim.role == "b")'), at) is True


def test_a_variable_ends_with_its_quantifier() -> None:
    text = '(some v in l satisfies v == "a") and v == "b"'
    assert both(demand(text), scope({"l": ["a"], "v": "b"})) is True


def test_the_scope_shows_no_claims() -> None:
    assert "secret" not in repr(scope({"sub": "secret"}))
    assert "secret" not in repr(scope({"sub": "secret"}).bind("v", "secret"))


def test_evaluation_changes_nothing() -> None:
    claims: dict[str, Any] = {"l": [{"a": 1}, {"a": 2}], "s": "b a"}
    at: Scope = scope(claims)
    evaluate(demand("every v in l satisfies (v.a == 1 or words(claim.s) contains v.b)"), at)
    assert claims == {"l": [{"a": 1}, {"a": 2}], "s": "b a"}
    assert at.variables == {}
