"""JSON Schema 2020-12, read strictly. Input: text. Output: the schemas in it by their place, and every fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from policyjwt.diagnostics import Level
from policyjwt.patterns import json_schema_messages as say
from policyjwt.patterns.ambiguity import is_linear
from policyjwt.patterns.json_schema_keywords import (
    ALLOWED,
    DEFINITIONS,
    DIALECT,
    IN_PLACE,
    IN_PLACE_LISTS,
    IN_PLACE_MAPS,
    INSIDE,
    INSIDE_LISTS,
    INSIDE_MAPS,
    KINDS,
    NEEDS,
    REFUSED,
    TOP_ONLY,
)
from policyjwt.patterns.json_schema_messages import SchemaFault
from policyjwt.patterns.json_schema_text import NotStrictError, loads
from policyjwt.patterns.messages import PatternError, no_frame, open_choice
from policyjwt.patterns.syntax import has_open_choice, parse

MAX_CHAIN: Final = 64
"""Schemas of one value inside each other, references followed."""


@dataclass(frozen=True, slots=True)
class SchemaText:
    """What was read. `places` holds every schema by its JSON Pointer, `targets` where each `$ref` leads."""

    faults: tuple[SchemaFault, ...]
    places: dict[str, object]
    targets: dict[str, str]
    needs_re2: bool


def read_text(text: str) -> SchemaText:
    """Read a schema and find all its faults, sorted by place. Never raises."""
    try:
        value = loads(text)
    except NotStrictError as error:
        return SchemaText((say.not_strict(*error.args),), {}, {}, needs_re2=False)
    if not isinstance(value, dict):
        return SchemaText((say.no_object(),), {}, {}, needs_re2=False)
    try:
        return _read(value)
    except RecursionError:
        return SchemaText((say.too_deep_now(),), {}, {}, needs_re2=False)


def _read(value: dict[str, object]) -> SchemaText:
    reader = _Reader()
    reader.schema(value, "", _Around(kinds_known=True))
    targets = reader.resolve()
    found = {*reader.faults, *_faults_of_form(value)}
    if not reader.faults:  # a graph of broken references says nothing
        found.update(reader.chains(targets))
    ordered = sorted(found, key=lambda fault: (fault.pointer, fault.level is not Level.ERROR, fault.message))
    return SchemaText(tuple(ordered), reader.places, targets, reader.needs_re2)


def framed(text: str) -> str:
    """The inside of a pattern that is written `^…$`. Raises PatternError where the frame or the inside is wrong."""
    if not text.startswith("^"):
        raise no_frame(0, "^")
    before = text[1:-1]
    if not text[1:].endswith("$") or (len(before) - len(before.rstrip("\\"))) % 2:
        raise no_frame(len(text), "$")
    parse(before)
    if has_open_choice(before):
        raise open_choice(1)
    return before


def below(pointer: str, *steps: str | int) -> str:
    """The JSON Pointer of what is inside (RFC 6901, section 3)."""
    return pointer + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


@dataclass(frozen=True, slots=True)
class _Around:
    """What the schemas around say of the same value."""

    kinds_known: bool = False
    required: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Reader:
    """Walks the schema once and collects."""

    faults: list[SchemaFault] = field(default_factory=list)
    places: dict[str, object] = field(default_factory=dict)
    in_place: dict[str, list[str]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    anchors: dict[str, str] = field(default_factory=dict)
    needs_re2: bool = False

    def schema(self, value: object, pointer: str, around: _Around) -> None:
        """Read one schema and all inside it. What is of the wrong form is left to the meta-schema."""
        if not isinstance(value, (dict, bool)):
            return
        self.places[pointer] = value
        self.in_place[pointer] = []
        if isinstance(value, bool):
            return
        self.keywords(value, pointer)
        self.identity(value, pointer)
        known = around.kinds_known or not value.keys().isdisjoint({"type", "enum", "const", "$ref", "allOf"})
        if not known:
            self.open_kinds(value, pointer)
        names = value.get("required")
        own = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        required = around.required.union(own)
        self.optional_properties(value, pointer, required)
        for inside, step in _in_place(value):
            self.in_place[pointer].append(below(pointer, *step))
            self.schema(inside, below(pointer, *step), _Around(known, required))
        for inside, step in _inside(value):
            self.schema(inside, below(pointer, *step), _Around())

    def keywords(self, value: dict[str, object], pointer: str) -> None:
        for keyword in value:
            place = below(pointer, keyword)
            if keyword in REFUSED:
                self.faults.append(say.refused_keyword(place, keyword))
            elif keyword not in ALLOWED:
                self.faults.append(say.unknown_keyword(place, keyword))
            elif keyword in NEEDS and NEEDS[keyword] not in value:
                self.faults.append(say.without(place, keyword, NEEDS[keyword]))
            elif keyword in TOP_ONLY and pointer:
                self.faults.append(say.inner_root(place, keyword))
        if not pointer and value.get("$schema", DIALECT) not in (DIALECT, DIALECT + "#"):
            self.faults.append(say.other_dialect("/$schema", value["$schema"]))
        self.pattern(value.get("pattern"), below(pointer, "pattern"))
        named = value.get("patternProperties")
        for name in named if isinstance(named, dict) else ():
            self.pattern(name, below(pointer, "patternProperties", name))

    def pattern(self, text: object, pointer: str) -> None:
        if not isinstance(text, str):
            return
        try:
            inside = framed(text)
        except PatternError as error:
            self.faults.append(say.bad_pattern(pointer, error))
            return
        self.needs_re2 = self.needs_re2 or not is_linear(parse(inside))

    def identity(self, value: dict[str, object], pointer: str) -> None:
        reference, anchor = value.get("$ref"), value.get("$anchor")
        if isinstance(reference, str):
            self.references[pointer] = reference
        if isinstance(anchor, str):
            if anchor in self.anchors:
                self.faults.append(say.anchor_twice(below(pointer, "$anchor"), anchor))
            self.anchors[anchor] = pointer

    def open_kinds(self, value: dict[str, object], pointer: str) -> None:
        for kind, keywords in KINDS.items():
            used = [keyword for keyword in value if keyword in keywords]
            if used:
                self.faults.append(say.other_types_fit(below(pointer, used[0]), used[0], kind))

    def optional_properties(self, value: dict[str, object], pointer: str, required: frozenset[str]) -> None:
        properties = value.get("properties")
        for name, inside in properties.items() if isinstance(properties, dict) else ():
            if name not in required and inside is not False:
                self.faults.append(say.not_required(below(pointer, "properties", name), name))

    def resolve(self) -> dict[str, str]:
        """Where each reference leads, within this schema alone."""
        targets: dict[str, str] = {}
        for pointer, reference in self.references.items():
            place = below(pointer, "$ref")
            if not reference.startswith("#"):
                self.faults.append(say.remote_reference(place, reference))
                continue
            fragment = unquote(reference[1:])
            target = fragment if not fragment or fragment.startswith("/") else self.anchors.get(fragment)
            if target is None or target not in self.places:
                self.faults.append(say.no_target(place, reference))
                continue
            targets[pointer] = target
            self.in_place[pointer].append(target)
        return targets

    def chains(self, targets: dict[str, str]) -> Iterator[SchemaFault]:
        """Schemas of one value that lead back to themselves would never end, and long chains exhaust the stack."""
        lengths: dict[str, int] = {}
        for start in self.in_place:
            trail: list[tuple[str, Iterator[str]]] = []
            open_now: set[str] = set()
            if start not in lengths:
                trail.append((start, iter(self.in_place[start])))
                open_now.add(start)
            while trail:
                pointer, rest = trail[-1]
                following = next(rest, None)
                if following is None:
                    lengths[pointer] = 1 + max((lengths.get(i, 0) for i in self.in_place[pointer]), default=0)
                    open_now.discard(pointer)
                    trail.pop()
                elif following in open_now:
                    at = pointer if targets.get(pointer) == following else following
                    yield say.endless(below(at, "$ref") if at in targets else at)
                elif following not in lengths and following in self.in_place:
                    trail.append((following, iter(self.in_place[following])))
                    open_now.add(following)
        too_long = [pointer for pointer, length in lengths.items() if length > MAX_CHAIN]
        if too_long:
            yield say.chain_too_long(min(too_long), MAX_CHAIN)


def _in_place(value: dict[str, object]) -> Iterator[tuple[object, tuple[str | int, ...]]]:
    """The schemas inside that judge the same value."""
    return _schemas(value, IN_PLACE, IN_PLACE_LISTS, IN_PLACE_MAPS)


def _inside(value: dict[str, object]) -> Iterator[tuple[object, tuple[str | int, ...]]]:
    """The schemas inside that judge what is in the value, and the definitions."""
    return _schemas(value, INSIDE, INSIDE_LISTS, INSIDE_MAPS | {DEFINITIONS})


def _schemas(
    value: dict[str, object], single: frozenset[str], lists: frozenset[str], maps: frozenset[str]
) -> Iterator[tuple[object, tuple[str | int, ...]]]:
    for keyword, held in value.items():
        if keyword in single:
            yield held, (keyword,)
        elif keyword in lists and isinstance(held, list):
            yield from ((inside, (keyword, at)) for at, inside in enumerate(held))
        elif keyword in maps and isinstance(held, dict):
            yield from ((inside, (keyword, name)) for name, inside in held.items())


def _faults_of_form(value: dict[str, object]) -> Iterator[SchemaFault]:
    """What the meta-schema of 2020-12 says. It and its parts come with the library; nothing is fetched."""
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(value):
        keyword = next((step for step in reversed(error.absolute_path) if step in ALLOWED), "a schema")
        yield say.not_allowed(below("", *error.absolute_path), str(keyword))
