"""What stands twice, because the layers may not see each other, is equal: each pair is safe only so."""

from __future__ import annotations

from typing import get_args

from policyjwt import loading
from policyjwt.checker import decisions_limits
from policyjwt.language import names
from policyjwt.replay import protocol


def test_a_nonce_is_held_for_the_widest_skew_that_a_policy_may_write() -> None:
    assert protocol.MAX_SKEW == decisions_limits.MOST_SKEW


def test_a_nonce_is_held_for_the_longest_age_that_a_policy_with_a_nonce_may_write() -> None:
    assert protocol.MAX_AGE == decisions_limits.DAY


def test_what_a_store_says_of_its_reach_is_what_a_policy_demands_from_the_least_to_the_most() -> None:
    assert get_args(protocol.Reach) == names.REACHES
    assert vars(loading)["REACHES"] == names.REACHES  # the order by which a store is found to reach too little


def test_a_proof_is_held_for_the_longest_age_that_a_policy_may_write() -> None:
    assert protocol.MAX_PROOF_AGE == decisions_limits.MOST_PROOF_AGE
