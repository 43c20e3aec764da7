"""Rules.

Input: the trees of `require`, `forbid`, `observe`. Output: rules of the model, every part of the tail once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast
from typing import Literal as OneOf

from policyjwt.language import messages
from policyjwt.language.build_names import because_of
from policyjwt.language.build_reader import Reader, only_token, trees_of
from policyjwt.language.build_tests import expression
from policyjwt.language.model import Guard, Named, Rule
from policyjwt.source import Span

if TYPE_CHECKING:
    from lark import Token, Tree

_LABEL = re.compile(r"[a-z_][a-z0-9_]*(?:[+-][a-z0-9_]+)*")


def rule(reader: Reader, node: Tree[Token]) -> Rule | None:
    """A rule, None where its test or its tail can't be read."""
    demand, *tail = trees_of(node)
    before = reader.faults
    read = expression(reader, demand)
    parts = _parts(reader, tail)
    guard = _guard(reader, parts)
    label = _label(reader, parts["label"]) if "label" in parts else None
    until = reader.date(only_token(parts["until"])) if "until" in parts else None
    kind = cast("OneOf['require', 'forbid', 'observe']", str(node.data))
    if kind == "observe" and "until" not in parts:
        reader.report(messages.observe_without_until(reader.span(node)))
    if kind != "observe" and "until" in parts:
        reader.report(messages.until_without_observe(reader.span(parts["until"]), kind))
    because = because_of(reader, node)
    if read is None or reader.faults > before:
        return None
    return Rule(reader.place(node), kind, read, guard=guard, label=label, because=because, until=until)


def _parts(reader: Reader, tail: list[Tree[Token]]) -> dict[str, Tree[Token]]:
    """The parts of a tail by their name, each once. A second one is read too, for its own faults."""
    parts: dict[str, Tree[Token]] = {}
    for part in tail:
        name = str(part.data)
        if name in parts:
            written = "as" if name == "label" else name
            reader.report(messages.tail_twice(reader.span(part), written, reader.span(parts[name])))
            _read_for_faults(reader, part)
        parts.setdefault(name, part)
    return parts


def _read_for_faults(reader: Reader, part: Tree[Token]) -> None:
    if part.data in {"when", "unless"}:
        expression(reader, trees_of(part)[0])


def _guard(reader: Reader, parts: dict[str, Tree[Token]]) -> Guard | None:
    guards = list(_guards(reader, parts))
    if len(guards) < 2:
        return guards[0] if guards else None
    earlier, later = sorted((reader.span(parts["when"]), reader.span(parts["unless"])))
    reader.report(messages.when_and_unless(later, earlier))
    return None


def _guards(reader: Reader, parts: dict[str, Tree[Token]]) -> Iterator[Guard]:
    kinds: tuple[OneOf["when", "unless"], ...] = ("when", "unless")
    for kind in kinds:
        if kind in parts:
            read = expression(reader, trees_of(parts[kind])[0])
            if read is not None:
                yield Guard(kind, read)


def _label(reader: Reader, node: Tree[Token]) -> Named | None:
    token = only_token(node)
    span: Span = reader.span(token)
    if _LABEL.fullmatch(token):
        return Named(span, str(token))
    lower = token.lower()
    capitals = _LABEL.fullmatch(lower) is not None  # a code is lower case, and is searched for as it was written
    reader.report(messages.bad_label(span, str(token), lower=lower if capitals else None))
    return None
