"""What a rule is about, and when the clock changes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.expressions.deadlines import instants
from policyjwt.expressions.reference import evaluate
from policyjwt.expressions.subjects import subject_of
from policyjwt.language.model import Test
from tests.expressions.evaluators import NOW, demand, scope
from tests.expressions.strategies import objects, random_tests


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ('email ends with "@x" or email_domain in ["x"]', ("email", "email_domain")),
        ('email == "a" or email == "b"', ("email",)),
        ('words(scope) contains "a"', ("scope",)),
        ("realm_access.roles is list", ("realm_access.roles",)),
        ('every role in realm_access.roles satisfies (role == "a" or role == claim.b)', ("realm_access.roles", "b")),
        ('tenant == context.values.tenant and header.kid == "k"', ("tenant",)),
        ('context.method == "GET" and header.kid == "k"', ("context.method", "header.kid")),
        ("`https://corp.example/x` is present", ("https://corp.example/x",)),
        ("not (b == 1 and a == 2)", ("b", "a")),
        ("1 == 1", ("rule",)),
    ],
)
def test_subject(text: str, subject: tuple[str, ...]) -> None:
    assert subject_of(demand(text)) == subject


@pytest.mark.parametrize(
    ("text", "claims", "expected"),
    [
        ("t within 1h", {"t": NOW}, [NOW - 30, NOW + 3630]),
        ("t within 1h", {"t": 0.5}, [-29.5, 3630.5]),
        ("t within 1h", {}, []),
        ("t within 1h", {"t": "x"}, []),
        ("t within 1h", {"t": True}, []),
        ("t within 1h", {"t": 10**400}, []),
        ("t within 1h", {"t": 1e300}, []),
        ("t before 2030-01-01", {"t": NOW}, []),
        (
            "not (t within 1h) and (u within 1m or x == 1)",
            {"t": NOW, "u": NOW},
            [NOW - 30, NOW + 3630, NOW - 30, NOW + 90],
        ),
        ("every v in l satisfies v.t within 1m", {"l": [{"t": 1}, {"t": 2}, {}]}, [-29, 91, -28, 92]),
    ],
)
def test_instants(text: str, claims: dict[str, object], expected: list[float]) -> None:
    assert list(instants(demand(text), scope(claims, skew=30))) == expected


@given(random_tests(), objects, st.integers(0, 200))
def test_between_instants_nothing_changes(test: Test, claims: dict[str, object], later: int) -> None:
    at = scope(claims, claims, {"values": claims}, skew=30)
    ahead = sorted(instant for instant in instants(test, at) if instant > NOW)
    if not ahead or NOW + later < ahead[0]:
        then = scope(claims, claims, {"values": claims}, now=NOW + later, skew=30)
        assert evaluate(test, then) is evaluate(test, at)
