"""The generated evaluator of a whole policy: one Python function that judges every line.

The text of the function holds only words of ours: whatever comes from a policy is a constant bound by a made-up name.
Policies of one shape share one text, and so one compilation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias, cast

from policyjwt.expressions.emitter import Emitter
from policyjwt.expressions.scope import LimitReached
from policyjwt.requirements.line import DEFECT, LIMIT, OBSERVED, EvidenceResult, Line
from policyjwt.requirements.rules import RuleLine

Claims: TypeAlias = Mapping[str, object]
Judge: TypeAlias = Callable[
    [Claims, Claims, Claims, float, Claims, Claims, Mapping[str, EvidenceResult]], tuple[str, ...]
]
"""claims, header, context, now, certificate, client, evidence → the result of every line."""


def generate(lines: Iterable[Line]) -> Judge:
    """The function that judges these lines."""
    out = Emitter()
    out.line("def judge(claims, header, context, now, certificate, client, evidence):")
    targets = []
    with out.indent():
        out.prologue()
        for line in lines:
            target = out.fresh("r")
            targets.append(target)
            _emit_guarded(line, out, target)
        out.line(f"return ({''.join(f'{target}, ' for target in targets)})")
    return _bind(out.source(), out.constants)


def _emit_guarded(line: Line, out: Emitter, target: str) -> None:
    """The line inside its fail-closed border: a defect of ours is unknown, never met."""
    observed = OBSERVED if line.about.observed else ""
    out.line("try:")
    with out.indent():
        line.emit(out, target)
    if isinstance(line, RuleLine):
        out.line(f"except {out.const(LimitReached)}:")
        with out.indent():
            out.line(f"{target} = {observed + LIMIT!r}")
    out.line("except Exception:")
    with out.indent():
        out.line(f"{target} = {observed + DEFECT!r}")


@lru_cache(maxsize=1024)
def _maker(source: str, names: tuple[str, ...]) -> Callable[..., Judge]:
    """A function that takes the constants and gives the function that uses them.

    The constants are bound in a closure: functions that share one code over different globals would take turns in
    spoiling each other's inline caches.
    """
    inner = "".join(f"    {line}\n" for line in source.splitlines())
    text = f"def make({', '.join(names)}):\n{inner}    return judge\n"
    scope: dict[str, Any] = {"__builtins__": _BUILTINS}
    exec(compile(text, "<policy>", "exec"), scope)  # noqa: S102 - words of ours alone, see the module's docstring
    return cast("Callable[..., Judge]", scope["make"])


def _bind(source: str, constants: Mapping[str, object]) -> Judge:
    return _maker(source, tuple(constants))(*constants.values())


_BUILTINS = {
    each.__name__: each
    for each in (
        type,
        len,
        str,
        int,
        float,
        bool,
        list,
        dict,
        tuple,
        frozenset,
        any,
        all,
        range,
        enumerate,
        Exception,
    )
}
"""What generated code may call of Python's own: nothing that reaches outside."""
