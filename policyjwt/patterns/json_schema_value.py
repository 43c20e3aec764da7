"""The keywords that judge the value itself, or hold schemas for the same value. Input: a schema. Output: checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from policyjwt.patterns.json_schema_assertions import ASSERTIONS, TYPES
from policyjwt.patterns.json_schema_here import Here, Maker
from policyjwt.patterns.json_schema_nodes import Check, Node, Run, Seen, canonical, every, length_in_steps
from policyjwt.patterns.json_schema_read import framed
from policyjwt.patterns.matcher import matcher


def assertion(keyword: str) -> Maker:
    """A keyword that judges the value by a table."""
    kind, judge = ASSERTIONS[keyword]
    applies = TYPES[kind]

    def make(here: Here) -> Check:
        held, place = here.raw[keyword], here.place(keyword)
        return lambda run, value, seen: not applies(value) or judge(held, value) or run.fault(place)

    return make


def _type(here: Here) -> Check:
    held = here.raw["type"]
    fits = tuple(TYPES[name] for name in (cast("list[str]", held) if isinstance(held, list) else [str(held)]))
    place = here.place("type")
    return lambda run, value, seen: any(fit(value) for fit in fits) or run.fault(place)


def _values(keyword: str) -> Maker:
    """`enum` and `const`."""

    def make(here: Here) -> Check:
        held = cast("list[object]", here.raw["enum"]) if keyword == "enum" else [here.raw["const"]]
        wanted = frozenset(canonical(value, Run(collects=False)) for value in held)
        place = here.place(keyword)
        return lambda run, value, seen: canonical(value, run) in wanted or run.fault(place)

    return make


def _unique(here: Here) -> Check:
    place = here.place("uniqueItems")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not list or here.raw["uniqueItems"] is False:
            return True
        return len({canonical(item, run) for item in value}) == len(value) or run.fault(place)

    return check


def _pattern(here: Here) -> Check:
    fits = matcher(framed(str(here.raw["pattern"])))
    place = here.place("pattern")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not str:
            return True
        run.spend(length_in_steps(value))
        return fits(value) or run.fault(place)

    return check


def _required(here: Here) -> Check:
    names = [(name, here.place("required", at)) for at, name in enumerate(cast("list[str]", here.raw["required"]))]

    def check(run: Run, value: object, seen: Seen) -> bool:
        return type(value) is not dict or every(run, (name in value or run.fault(place) for name, place in names))

    return check


def _dependent_required(here: Here) -> Check:
    demands = [
        (name, needed, here.place("dependentRequired", name, at))
        for name, held in cast("dict[str, list[str]]", here.raw["dependentRequired"]).items()
        for at, needed in enumerate(held)
    ]

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not dict:
            return True
        run.spend(len(demands))
        return every(run, (name not in value or needed in value or run.fault(place) for name, needed, place in demands))

    return check


# ------------------------------------------------------------------------------------------------ the same value again


def _also(node: Node, run: Run, value: object, seen: Seen) -> bool:
    inner = node.judge(run, value)
    if inner is None:
        return False
    if run.collects:
        seen.add(inner)
    return True


def _reference(here: Here) -> Check:
    node = here.target()
    return lambda run, value, seen: _also(node, run, value, seen)


def _all_of(here: Here) -> Check:
    nodes = here.listed("allOf")

    def check(run: Run, value: object, seen: Seen) -> bool:
        return every(run, (_also(node, run, value, seen) for node in nodes))

    return check


def _some_of(keyword: str) -> Maker:
    """`anyOf` and `oneOf`."""
    most = 1 if keyword == "oneOf" else None

    def make(here: Here) -> Check:
        nodes = here.listed(keyword)
        place = here.place(keyword)

        def check(run: Run, value: object, seen: Seen) -> bool:
            found: list[Seen] = []
            for node in nodes:
                inner = node.holds(run, value)
                if inner is not None:
                    found.append(inner)
                    if most is None and not run.collects:
                        return True
            if not found or (most is not None and len(found) > most):
                return run.fault(place)
            for inner in found:
                seen.add(inner)
            return True

        return check

    return make


def _not(here: Here) -> Check:
    node, place = here.at("not"), here.place("not")
    return lambda run, value, seen: node.holds(run, value) is None or run.fault(place)


def _if(here: Here) -> Check:
    condition = here.at("if")
    then = here.at("then") if "then" in here.raw else None
    otherwise = here.at("else") if "else" in here.raw else None

    def check(run: Run, value: object, seen: Seen) -> bool:
        inner = condition.holds(run, value)
        if inner is not None:
            seen.add(inner)
        node = otherwise if inner is None else then
        return node is None or _also(node, run, value, seen)

    return check


def _dependent_schemas(here: Here) -> Check:
    nodes = here.named("dependentSchemas")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not dict:
            return True
        return every(run, (_also(node, run, value, seen) for name, node in nodes.items() if name in value))

    return check


VALUE: Final[Mapping[str, Maker]] = {
    **{keyword: assertion(keyword) for keyword in ASSERTIONS},
    "type": _type,
    "enum": _values("enum"),
    "const": _values("const"),
    "uniqueItems": _unique,
    "pattern": _pattern,
    "required": _required,
    "dependentRequired": _dependent_required,
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _some_of("anyOf"),
    "oneOf": _some_of("oneOf"),
    "not": _not,
    "if": _if,
    "dependentSchemas": _dependent_schemas,
}
"""`then` and `else` belong to the check of `if`."""
