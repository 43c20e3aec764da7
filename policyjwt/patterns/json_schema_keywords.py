"""The keywords of JSON Schema 2020-12, as a table: what each holds, and which are not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

IN_PLACE: Final = frozenset({"not", "if", "then", "else"})
"""Hold one schema, for the same value."""
IN_PLACE_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf"})
"""Hold a list of schemas, for the same value."""
IN_PLACE_MAPS: Final = frozenset({"dependentSchemas"})
"""Hold schemas by name, for the same value."""
INSIDE: Final = frozenset(
    {"items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
"""Hold one schema, for what is inside the value."""
INSIDE_LISTS: Final = frozenset({"prefixItems"})
INSIDE_MAPS: Final = frozenset({"properties", "patternProperties"})
DEFINITIONS: Final = "$defs"

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"minLength", "maxLength", "pattern"}),
    "number": frozenset({"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "array": frozenset(
        {"prefixItems", "items", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems"}
        | {"unevaluatedItems"}
    ),
    "object": frozenset(
        {"properties", "patternProperties", "additionalProperties", "propertyNames", "required", "minProperties"}
        | {"maxProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties"}
    ),
}
"""Keywords that judge one type and let every other pass."""

KIND_NAMES: Final = {"string": "strings", "number": "numbers", "array": "lists", "object": "objects"}

NEEDS: Final = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
"""Keywords that say nothing without another."""

ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"}
)
"""For readers; they judge nothing."""

TOP_ONLY: Final = frozenset({"$schema", "$id"})

ALLOWED: Final = (
    frozenset({"type", "enum", "const", "$ref", "$anchor", DEFINITIONS})
    | IN_PLACE
    | IN_PLACE_LISTS
    | ANNOTATIONS
    | TOP_ONLY
    | frozenset[str]().union(*KINDS.values())
)

_NOTHING_CHECKED: Final = "most readers check nothing here; say it with `pattern` or with a rule of the policy"
_OLD: Final = "it is of an older dialect; write `{}`"
_DYNAMIC: Final = "write `$ref` to a schema in `$defs`"
REFUSED: Final[Mapping[str, str]] = {
    "format": _NOTHING_CHECKED,
    "contentEncoding": _NOTHING_CHECKED,
    "contentMediaType": _NOTHING_CHECKED,
    "contentSchema": _NOTHING_CHECKED,
    "$dynamicRef": _DYNAMIC,
    "$dynamicAnchor": _DYNAMIC,
    "$recursiveRef": _DYNAMIC,
    "$recursiveAnchor": _DYNAMIC,
    "$vocabulary": "it is for meta-schemas",
    "definitions": _OLD.format("$defs"),
    "dependencies": _OLD.format("dependentRequired` or `dependentSchemas"),
    "additionalItems": _OLD.format("items"),
    "id": _OLD.format("$id"),
}
"""Why each is not read, or what to write instead."""
