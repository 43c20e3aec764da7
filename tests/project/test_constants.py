"""Numbers that stand twice, because the layers may not see each other, are equal: each pair is safe only so."""

from policyjwt.checker import decisions_limits
from policyjwt.replay import protocol


def test_a_nonce_is_held_for_the_widest_skew_that_a_policy_may_write() -> None:
    assert protocol.MAX_SKEW == decisions_limits.MOST_SKEW


def test_a_nonce_is_held_for_the_longest_age_that_a_policy_with_a_nonce_may_write() -> None:
    assert protocol.MAX_AGE == decisions_limits.DAY
