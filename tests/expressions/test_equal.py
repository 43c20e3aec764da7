"""The two evaluators are one: random tests on random values. And the laws of the logic."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from policyjwt.expressions import generate, generate_tests, runtime, work
from policyjwt.expressions.reference import evaluate, negation
from policyjwt.language.model import And, Not, Or, Quantified, Test
from tests.expressions.evaluators import NOW, Outcome, both, by_generated, by_reference, scope
from tests.expressions.strategies import SPAN, objects, random_tests

SMALL_LIMIT = 10


def small_limit() -> AbstractContextManager[Any]:
    """A limit that small values reach."""
    return patch.multiple(work, MAX_WORK=SMALL_LIMIT)


@given(random_tests(), objects, objects, objects, st.sampled_from((0, 30)))
def test_generated_code_says_what_the_reference_says(
    test: Test, claims: dict[str, Any], header: dict[str, Any], given_values: dict[str, Any], skew: int
) -> None:
    both(test, scope(claims, header, {"values": given_values}, now=NOW + 0.25, skew=skew))


@given(random_tests(depth=4), objects)
def test_both_reach_the_limit_together(test: Test, claims: dict[str, Any]) -> None:
    with small_limit(), patch.object(generate, "MAX_WORK", SMALL_LIMIT), patch.object(work, "_CHARACTERS_A_STEP", 1):
        both(test, scope(claims, claims, {"values": claims}, certificate=claims))


@given(random_tests(depth=4), objects, st.randoms(use_true_random=False))
def test_no_order_of_terms_changes_anything(test: Test, claims: dict[str, Any], random: Any) -> None:
    at = scope(claims, claims, {"values": claims}, certificate=claims)
    with small_limit(), patch.object(generate, "MAX_WORK", SMALL_LIMIT), patch.object(work, "_CHARACTERS_A_STEP", 1):
        assert by_reference(shuffled(test, random), at) is by_reference(test, at)
        assert by_generated(shuffled(test, random), at) is by_generated(test, at)


@given(random_tests(), objects)
def test_a_test_and_its_negation_are_never_both_met(test: Test, claims: dict[str, Any]) -> None:
    at = scope(claims, claims, {"values": claims}, certificate=claims)
    assert both(Not(SPAN, test), at) is negation(evaluate(test, at))


@given(random_tests(depth=2), random_tests(depth=2), objects)
def test_de_morgan(one: Test, other: Test, claims: dict[str, Any]) -> None:
    at = scope(claims, claims, {"values": claims}, certificate=claims)
    joined = Not(SPAN, And(SPAN, (one, other)))
    assert both(joined, at) is both(Or(SPAN, (Not(SPAN, one), Not(SPAN, other))), at)


@given(random_tests(depth=2), random_tests(depth=2), objects)
def test_an_or_is_no_stricter_and_an_and_no_laxer_than_its_terms(
    one: Test, other: Test, claims: dict[str, Any]
) -> None:
    at = scope(claims, claims, {"values": claims}, certificate=claims)
    outcomes = {both(one, at), both(other, at)}
    assert (both(Or(SPAN, (one, other)), at) is True) == (True in outcomes)
    assert (both(And(SPAN, (one, other)), at) is True) == (outcomes == {True})


def shuffled(test: Test, random: Any) -> Test:
    """The same with the terms of every `and` and `or` in another order."""
    if isinstance(test, And | Or):
        terms = [shuffled(term, random) for term in test.tests]
        random.shuffle(terms)
        return replace(test, tests=tuple(terms))
    return replace(test, test=shuffled(test.test, random)) if isinstance(test, Not | Quantified) else test


# ---------------------------------------------------------------------------------- can the test fail at all?


def _number_or_boolean(name: str) -> str:
    return f"type({name}) is int or type({name}) is float or type({name}) is bool"


def _false(*_: object, **__: object) -> bool:
    return False


def _loose_contains(items: object, wanted: object) -> bool | None:
    return wanted in items if type(items) is list else None


def _loose_equal(left: object, right: object) -> bool | None:
    return None if left is None or right is None else left == right


DEFECTS = [
    (generate_tests, "_is_number", _number_or_boolean),
    pytest.param(runtime, "no_text", _false, marks=pytest.mark.long),
    (runtime, "contains", _loose_contains),
    (runtime, "equal", _loose_equal),
    (generate, "counts", _false),
    (generate_tests, "weight", lambda _: 0),
    pytest.param(generate_tests, "_is_word", lambda _: True, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("module", "name", "defect"), DEFECTS, ids=lambda part: getattr(part, "__name__", str(part)))
def test_a_defect_in_generated_code_is_noticed(module: object, name: str, defect: Callable[..., object]) -> None:
    @settings(max_examples=2000, phases=[Phase.generate], database=None)
    @given(random_tests(depth=3), objects)
    def differ(test: Test, claims: dict[str, Any]) -> None:
        at = scope(claims, claims, {"values": claims}, certificate=claims)
        with small_limit(), patch.object(work, "_CHARACTERS_A_STEP", 1):
            expected: Outcome = by_reference(test, at)
        with (
            patch.object(module, name, defect),
            patch.object(generate, "MAX_WORK", SMALL_LIMIT),
            patch.object(work, "_CHARACTERS_A_STEP", 1),
        ):
            assert by_generated(test, at) is expected

    with pytest.raises(AssertionError):
        differ()
