"""The sum of a run of `validate`. Input: diagnostics, what was not checked. Output: counts, one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `validate` found: everything that a format may show.

    `policies` and `files` count what was read, `sources` are the texts by their names, `unchecked` counts
    what could not be checked (`{"secrets": 3}`).
    """

    diagnostics: tuple[Diagnostic, ...]
    policies: int
    files: int
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False)
    unchecked: Mapping[str, int] = field(default_factory=dict)

    def count(self, level: Level) -> int:
        """How many diagnostics are of this level."""
        return sum(diagnostic.level is level for diagnostic in self.diagnostics)


def fails(diagnostics: Iterable[Diagnostic], *, at: Level) -> bool:
    """Whether `validate` says no: something is as grave as `at`, or graver."""
    graver = {Level.ERROR} if at is Level.ERROR else {Level.ERROR, Level.WARNING}
    return any(diagnostic.level in graver for diagnostic in diagnostics)


def sentence(report: Report) -> str:
    """The last line: `2 errors, 1 warning in 3 policies (2 files); 3 secrets not checked`."""
    counts = [counted(report.count(level), level.value) for level in Level if report.count(level)]
    where = f"{counted(report.policies, 'policy')} ({counted(report.files, 'file')})"
    said = f"{', '.join(counts)} in {where}" if counts else f"no fault in {where}"
    unchecked = [unchecked_text(what, number) for what, number in report.unchecked.items() if number]
    return "; ".join([said, *unchecked])


def unchecked_text(what: str, number: int) -> str:
    """`3 secrets not checked`; the table of the checker writes names in the plural."""
    return f"{number} {singular(what) if number == 1 else what} not checked"


def singular(phrase: str) -> str:
    """`secrets` as `secret`, `key sets fetched at run time` as `key set fetched at run time`."""
    first = phrase.split(" ")
    for at, word in enumerate(first):
        if word.endswith("s") and not word.endswith("ss"):
            first[at] = word[:-1]
            break
    return " ".join(first)


def counted(number: int, noun: str) -> str:
    """`1 policy`, `2 policies`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"
