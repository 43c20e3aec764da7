"""Which policies are of one issuer. Input: merged policies, one by one. Output: the earlier ones of the same.

An index by issuer, so that a thousand policies are not compared each with each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from policyjwt.language.model import Block, IssuerFrom, IssuerNames
from policyjwt.requirements.issuer import Template, template_of

_MOST_STATES = 1_000_000
"""Beyond this, two patterns are taken to have a value in common."""

_Bucket: TypeAlias = "tuple[str, int, tuple[str, ...]]"
_Place: TypeAlias = "tuple[str, str]"


@dataclass(slots=True)
class Issuers:
    """The issuers of the policies so far, by their number. Policies of two uses never meet."""

    exact: dict[_Place, list[int]] = field(default_factory=lambda: defaultdict(list))
    names: dict[_Bucket, list[tuple[Template, int]]] = field(default_factory=lambda: defaultdict(list))
    templates: dict[_Bucket, list[tuple[Template, int]]] = field(default_factory=lambda: defaultdict(list))
    patterns: dict[str, list[tuple[IssuerFrom, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, block: Block, number: int) -> None:
        """Make a policy known."""
        use = block.use.value if block.use is not None else ""
        if isinstance(block.issuer, IssuerFrom):
            self.patterns[use].append((block.issuer, number))
        if not isinstance(block.issuer, IssuerNames):
            return
        for name in block.issuer.names:
            template = template_of(name)
            known = self.templates if name.placeholders else self.names
            known[_bucket(use, template)].append((template, number))
            if not name.placeholders:
                self.exact[use, name.text].append(number)

    def meeting(self, block: Block) -> Iterator[int]:
        """The known policies that have an issuer in common with `block`; one may come more than once."""
        use = block.use.value if block.use is not None else ""
        if isinstance(block.issuer, IssuerFrom):
            for pattern, number in self.patterns[use]:
                if patterns_meet(pattern, block.issuer):
                    yield number
        if not isinstance(block.issuer, IssuerNames):
            return
        for name in block.issuer.names:
            template = template_of(name)
            bucket = _bucket(use, template)
            if name.placeholders:
                yield from _fitting(template, self.names[bucket])
            else:
                yield from self.exact[use, name.text]
            yield from _fitting(template, self.templates[bucket])


def _bucket(use: str, template: Template) -> _Bucket:
    """Issuers that may be alike: no placeholder stands in a scheme or host, and none spans a `/`."""
    return use, len(template.segments), template.segments[:3]


def _fitting(template: Template, known: list[tuple[Template, int]]) -> Iterator[int]:
    return (number for other, number in known if templates_meet(template, other))


def templates_meet(one: Template, other: Template) -> bool:
    """Whether an issuer fits both. A name without placeholders is a template of one issuer."""
    if len(one.segments) != len(other.segments):
        return False
    return all(not _allowed(one, at).isdisjoint(_allowed(other, at)) for at in range(len(one.segments)))


def _allowed(template: Template, at: int) -> frozenset[str]:
    return template.placeholders[at][1] if at in template.placeholders else frozenset({template.segments[at]})


# ------------------------------------------------------------------------------------ issuer from


def patterns_meet(one: IssuerFrom, other: IssuerFrom) -> bool:
    """Whether a token can fit both: other claims may always stand together in one token."""
    return one.claim.members != other.claim.members or globs_meet(one.glob, other.glob)


def globs_meet(one: str, other: str) -> bool:
    """Whether a value fits both globs: a walk over the pairs of places that both can reach with one value."""
    left, right = _steps(one), _steps(other)
    if len(left) * len(right) > _MOST_STATES:
        return True
    ahead, seen = [(0, 0)], {(0, 0)}
    while ahead:
        at, there = ahead.pop()
        if (at, there) == (len(left), len(right)):
            return True
        for pair in _next(left, right, at, there):
            if pair not in seen:
                seen.add(pair)
                ahead.append(pair)
    return False


def _steps(glob: str) -> tuple[str, ...]:
    """The glob as single characters, `*` and `**` as steps of two and three characters that no character is."""
    steps, at = [], 0
    while at < len(glob):
        if glob.startswith("\\", at):
            steps.append(glob[at + 1 : at + 2])
            at += 2
        elif glob.startswith("**", at):
            steps.append(_ANY)
            at += 2
        else:
            steps.append(_RUN if glob[at] == "*" else glob[at])
            at += 1
    return tuple(steps)


_RUN, _ANY = "run", "any"
_STOPS = frozenset("/:@")


def _next(left: tuple[str, ...], right: tuple[str, ...], at: int, there: int) -> Iterator[tuple[int, int]]:
    mine = left[at] if at < len(left) else None
    theirs = right[there] if there < len(right) else None
    if mine in {_RUN, _ANY}:
        yield at + 1, there
        if theirs is not None and len(theirs) == 1 and (mine == _ANY or theirs not in _STOPS):
            yield at, there + 1
    if theirs in {_RUN, _ANY}:
        yield at, there + 1
        if mine is not None and len(mine) == 1 and (theirs == _ANY or mine not in _STOPS):
            yield at + 1, there
    if mine is not None and mine == theirs and len(mine) == 1:
        yield at + 1, there + 1
