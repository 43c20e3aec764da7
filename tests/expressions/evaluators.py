"""Both evaluators at work on a rule or a test, and rules from their text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import CodeType, FunctionType
from typing import Any, Literal, TypeAlias

from policyjwt.expressions.emitter import Emitter
from policyjwt.expressions.generate import emit_test
from policyjwt.expressions.reference import evaluate
from policyjwt.expressions.scope import LimitReached, Scope
from policyjwt.language.load import load_text
from policyjwt.language.model import Rule, Test

Outcome: TypeAlias = bool | Literal["limit"] | None
Values: TypeAlias = Mapping[str, Any]

NOW = 1_700_000_000
_NAMES = (type, len, str, int, float, bool, list, dict)


@cache
def rule(text: str) -> Rule:
    """The rule that `text` writes."""
    loaded = load_text(f'policyjwt 1\npolicy "p" {{\n  {text}\n}}\n')
    assert loaded.documents, loaded.diagnostics
    [found] = loaded.documents[0].blocks[0].rules
    return found


def demand(text: str) -> Test:
    """The test that `text` writes."""
    return rule(f"require {text}").test


def scope(
    claims: Values,
    header: Values | None = None,
    context: Values | None = None,
    *,
    certificate: Values | None = None,
    client: Values | None = None,
    now: float = NOW,
    skew: int = 0,
) -> Scope:
    """A scope of these values."""
    roots: dict[str, Values] = {
        "claim": claims,
        "header": header or {},
        "context": context or {},
        "certificate": certificate or {},
        "client": client or {},
    }
    return Scope(roots=roots, now=now, skew=skew, variables={})


def by_reference(test: Test, at: Scope) -> Outcome:
    """The outcome of the reference evaluator."""
    try:
        return evaluate(test, at)
    except LimitReached:
        return "limit"


def by_generated(test: Test, at: Scope, *, prologue: bool = True) -> Outcome:
    """The outcome of generated code."""
    judge = function(test, skew=at.skew, prologue=prologue)
    try:
        roots = [at.roots[name] for name in ("claim", "header", "context")]
        outcome: bool | None = judge(*roots, at.now, at.roots["certificate"], at.roots["client"])
    except LimitReached:
        return "limit"
    return outcome


def function(test: Test, *, skew: int = 0, prologue: bool = True) -> Any:
    """The generated function of a test."""
    out = written(test, skew=skew, prologue=prologue)
    module = compile(out.source(), "<test>", "exec")
    code = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    names = {each.__name__: each for each in _NAMES}
    return FunctionType(code, {**out.constants, "__builtins__": names}, "judge")


def written(test: Test, *, skew: int = 0, prologue: bool = True) -> Emitter:
    """The generated code of a test, as one function."""
    out = Emitter()
    out.line("def judge(claims, header, context, now, certificate, client):")
    with out.indent():
        if prologue:
            out.prologue()
        emit_test(test, out, "result", skew=skew)
        out.line("return result")
    return out


def both(test: Test, at: Scope) -> Outcome:
    """The outcome that both evaluators agree on."""
    expected = by_reference(test, at)
    assert by_generated(test, at) is expected
    assert by_generated(test, at, prologue=False) is expected
    return expected


def of_rule(found: Rule, at: Scope) -> bool | None:
    """What a rule with its guard comes to: `E or not C`, `E or C`, E being the whole demand."""

    def negated(outcome: Outcome) -> bool | None:
        assert outcome != "limit"
        return None if outcome is None else not outcome

    first = both(found.test, at)
    whole = negated(first) if found.kind == "forbid" else negated(negated(first))
    if found.guard is None:
        return whole
    guard = both(found.guard.test, at)
    off = negated(guard) if found.guard.kind == "when" else negated(negated(guard))
    return True if True in {whole, off} else None if None in {whole, off} else False
