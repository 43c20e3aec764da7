"""When the clock alone changes what a test says of a token. Input: a test and a scope. Output: instants."""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.expressions.reference import is_number, value_of
from policyjwt.expressions.scope import LimitReached, Scope
from policyjwt.expressions.work import Meter
from policyjwt.language.model import And, Not, Or, Quantified, Test, Within

_FAR = 10**15
"""Seconds. No clock gets there, and no calculation with it overflows."""


def instants(test: Test, scope: Scope) -> Iterator[float]:
    """The instants (seconds since the epoch) at which a `within` in the test begins or ceases to be true.

    Where telling them takes too much work it stops: such a test is unknown, now and later.
    """
    try:
        yield from _instants(test, scope, Meter())
    except LimitReached:
        return


def _instants(test: Test, scope: Scope, meter: Meter) -> Iterator[float]:
    match test:
        case Within():
            value = value_of(test.left, scope)
            if is_number(value) and abs(value) < _FAR:
                yield float(value - scope.skew)
                yield float(value + test.seconds + scope.skew)
        case Not():
            yield from _instants(test.test, scope, meter)
        case And() | Or():
            for part in test.tests:
                yield from _instants(part, scope, meter)
        case Quantified():
            items = value_of(test.items, scope)
            meter.enter(test)
            for item in items if type(items) is list else ():
                meter.spend(1)
                yield from _instants(test.test, scope.bind(test.variable, item), meter)
            meter.leave()
        case _:
            return
