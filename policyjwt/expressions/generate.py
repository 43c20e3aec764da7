"""Fast Python for a test. Input: a test, an emitter. Output: lines that set a local to True, False or None.

The meaning is that of `reference.py`. Types are checked in line, claims are read once, and a term is left out
only where nobody can tell: never one whose work is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from policyjwt.expressions import reference
from policyjwt.expressions.emitter import Emitter
from policyjwt.expressions.generate_tests import ROOTS, Code, expression, operand, read
from policyjwt.expressions.scope import MAX_WORK, LimitReached, Scope
from policyjwt.expressions.work import counts, may_reach_limit, paths_read, subtests
from policyjwt.language.model import And, Not, Or, Quantified, Test

__all__ = ["emit_test", "may_reach_limit"]

_MOST_LEVELS = 40
"""Levels of indentation that one test may need: Python reads at most 100 in all."""

_MOST_LOOPS = 8
"""Loops inside each other that one test may need: Python reads at most 20 blocks in all."""


def emit_test(test: Test, out: Emitter, target: str, *, skew: int = 0) -> None:
    """Write statements that set the local `target` to True, False or None. `skew` is in seconds.

    They read the locals `claims`, `header`, `context`, `certificate`, `client` (dicts) and `now`, and may raise
    LimitReached.
    """
    if _levels(test) > _MOST_LEVELS or _loops(test) > _MOST_LOOPS:
        values = ", ".join(ROOTS.values())
        out.line(f"{target} = {out.const(_by_reference(test, skew))}(({values}), now)")
        return
    code = Code(out=out, skew=skew, locals={}, inside=False, work=None)
    if may_reach_limit(test):
        code = replace(code, work=out.fresh("w"))
        out.line(f"{code.work} = 0")
    for part in subtests(test):
        for path in paths_read(part):
            if path.root != "variable":
                read(path, code)
    _emit(test, code, target)


def _emit(test: Test, code: Code, target: str) -> None:
    match test:
        case Not():
            _emit(test.test, code, target)
            code.out.line(f"if {target} is not None: {target} = not {target}")
        case And():
            _emit_terms(test.tests, code, target, neutral="True", decisive="False")
        case Or():
            _emit_terms(test.tests, code, target, neutral="False", decisive="True")
        case Quantified():
            _emit_quantified(test, code, target)
        case _:
            written = expression(test, code)
            code.out.line(f"{target} = {written}")


def _emit_terms(terms: tuple[Test, ...], code: Code, target: str, *, neutral: str, decisive: str) -> None:
    """Kleene's `and` or `or`. Terms whose work is counted come first, and always run."""
    always = [term for term in terms if code.inside or may_reach_limit(term)]
    first, *others = [*always, *(term for term in terms if not (code.inside or may_reach_limit(term)))]
    _emit(first, code, target)
    for at, term in enumerate(others, start=1):
        found = code.out.fresh("t")
        if at < len(always):
            _emit(term, code, found)
            code.out.line(f"if {found} is not {neutral} and {target} is not {decisive}: {target} = {found}")
            continue
        code.out.line(f"if {target} is not {decisive}:")
        with code.out.indent():
            _emit(term, code, found)
            code.out.line(f"if {found} is not {neutral}: {target} = {found}")


def _emit_quantified(test: Quantified, code: Code, target: str) -> None:
    out = code.out
    every = test.quantity == "every"
    neutral, decisive = ("True", "False") if every else ("False", "True")
    items = operand(test.items, code)
    counted = code.inside or counts(test)
    out.line(f"{target} = None")
    out.line(f"if type({items}) is list and {items}:" if every else f"if type({items}) is list:")
    with out.indent():
        out.line(f"{target} = {neutral}")
        item, found = out.fresh("x"), out.fresh("t")
        out.line(f"for {item} in {items}:")
        with out.indent():
            if counted:
                out.line(f"{code.work} += 1")
                _emit_limit(code)
            _emit(test.test, _body(test, code, item, counted=counted), found)
            if counted:
                out.line(f"if {found} is not {neutral} and {target} is not {decisive}: {target} = {found}")
            else:
                out.line(f"if {found} is not {neutral}:")
                with out.indent():
                    out.line(f"{target} = {found}")
                    out.line(f"if {found} is {decisive}: break")
        if counted:
            _emit_limit(code)


def _emit_limit(code: Code) -> None:
    code.out.line(f"if {code.work} > {code.out.const(MAX_WORK)}: raise {code.out.const(LimitReached)}")


def _body(test: Quantified, code: Code, item: str, *, counted: bool) -> Code:
    """What is at hand for each element: the variable, and what stands below it."""
    known = {key: local for key, local in code.locals.items() if key[1][:1] != (test.variable,) or key[0] != "variable"}
    body = replace(code, locals={**known, ("variable", (test.variable,)): item}, inside=counted)
    for part in subtests(test.test):
        for path in paths_read(part):
            if path.root == "variable" and path.members[0] == test.variable:
                read(path, body)
    return body


# ------------------------------------------------------------------------------------------- what is too deep


def _levels(test: Test) -> int:
    match test:
        case Not():
            return _levels(test.test)
        case And() | Or():
            return 1 + max(_levels(part) for part in test.tests)
        case Quantified():
            return 3 + _levels(test.test)
        case _:
            return 0


def _loops(test: Test) -> int:
    match test:
        case Not():
            return _loops(test.test)
        case And() | Or():
            return max(_loops(part) for part in test.tests)
        case Quantified():
            return 1 + _loops(test.test)
        case _:
            return 0


_Values = Mapping[str, object]


def _by_reference(test: Test, skew: int) -> Callable[[tuple[_Values, ...], float], bool | None]:
    """A test that Python can't read as one function, judged by the reference evaluator.

    It takes what is under the roots, in their order, and the time.
    """

    def judge(values: tuple[_Values, ...], now: float) -> bool | None:
        roots = dict(zip(ROOTS, values, strict=True))
        return reference.evaluate(test, Scope(roots=roots, now=now, skew=skew, variables={}))

    return judge
