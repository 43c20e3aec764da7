"""The keywords that hold schemas for what is inside an object or a list. Input: a schema. Output: checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from policyjwt.patterns.json_schema_here import Here, Maker
from policyjwt.patterns.json_schema_nodes import Check, Run, Seen, every, length_in_steps


def _properties(here: Here) -> Check:
    nodes = here.named("properties")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not dict:
            return True
        run.spend(len(nodes))
        found = [(name, node) for name, node in nodes.items() if name in value]
        seen.names.update(name for name, _ in found)
        return every(run, (node.judge(run, value[name]) is not None for name, node in found))

    return check


def _pattern_properties(here: Here) -> Check:
    patterns = here.patterns()

    def check(run: Run, value: object, seen: Seen) -> bool:
        sound = True
        for name, held in value.items() if type(value) is dict else ():
            run.spend(len(patterns) * length_in_steps(name))
            for fits, node in patterns:
                if fits(name):
                    seen.names.add(name)
                    sound = node.judge(run, held) is not None and sound
        return sound

    return check


def _additional_properties(here: Here) -> Check:
    node = here.at("additionalProperties")
    known = frozenset(cast("dict[str, object]", here.raw.get("properties", {})))
    patterns = [fits for fits, _ in here.patterns()]

    def check(run: Run, value: object, seen: Seen) -> bool:
        sound = True
        for name, held in value.items() if type(value) is dict else ():
            run.spend(1 + len(patterns) * length_in_steps(name))
            if name not in known and not any(fits(name) for fits in patterns):
                seen.names.add(name)
                sound = node.judge(run, held) is not None and sound
        return sound

    return check


def _property_names(here: Here) -> Check:
    node = here.at("propertyNames")

    def check(run: Run, value: object, seen: Seen) -> bool:
        return type(value) is not dict or every(run, (node.judge(run, name) is not None for name in value))

    return check


def _unevaluated_properties(here: Here) -> Check:
    node = here.at("unevaluatedProperties")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not dict:
            return True
        rest = [name for name in value if name not in seen.names]
        seen.names.update(rest)
        return every(run, (node.judge(run, value[name]) is not None for name in rest))

    return check


# ------------------------------------------------------------------------------------------------ inside a list


def _prefix_items(here: Here) -> Check:
    nodes = here.listed("prefixItems")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not list:
            return True
        pairs = list(zip(nodes, value, strict=False))  # a shorter list is for `minItems` to refuse
        seen.items.update(range(len(pairs)))
        return every(run, (node.judge(run, item) is not None for node, item in pairs))

    return check


def _items(here: Here) -> Check:
    node, start = here.at("items"), len(here.listed("prefixItems"))

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not list:
            return True
        seen.items.update(range(start, len(value)))
        return every(run, (node.judge(run, item) is not None for item in value[start:]))

    return check


def _contains(here: Here) -> Check:
    node = here.at("contains")
    least, most = cast("float", here.raw.get("minContains", 1)), cast("float | None", here.raw.get("maxContains"))
    too_few = here.place("minContains" if "minContains" in here.raw else "contains")
    too_many = here.place("maxContains")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not list:
            return True
        found = [at for at, item in enumerate(value) if node.holds(run, item) is not None]
        seen.items.update(found)
        enough = len(found) >= least or run.fault(too_few)
        return (most is None or len(found) <= most or run.fault(too_many)) and enough

    return check


def _unevaluated_items(here: Here) -> Check:
    node = here.at("unevaluatedItems")

    def check(run: Run, value: object, seen: Seen) -> bool:
        if type(value) is not list:
            return True
        rest = [at for at in range(len(value)) if at not in seen.items]
        seen.items.update(rest)
        return every(run, (node.judge(run, value[at]) is not None for at in rest))

    return check


INSIDE: Final[Mapping[str, Maker]] = {
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "prefixItems": _prefix_items,
    "items": _items,
    "contains": _contains,
}
"""`minContains` and `maxContains` belong to the check of `contains`."""

LAST: Final[Mapping[str, Maker]] = {
    "unevaluatedProperties": _unevaluated_properties,
    "unevaluatedItems": _unevaluated_items,
}
"""They come after all others, which tell them what was judged."""
