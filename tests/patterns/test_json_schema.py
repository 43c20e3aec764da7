"""JSON Schema over claims: what passes, what never passes, and where the faults are said to be."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from policyjwt.patterns import json_schema_nodes
from policyjwt.patterns.json_schema import Schema, read_schema
from tests.patterns.oracles import EFFORTS


def schema(value: dict[str, Any]) -> Schema:
    return read_schema(json.dumps(value))


def of(inner: object) -> dict[str, Any]:
    """A schema that demands a claim `x`."""
    return {"type": "object", "properties": {"x": inner}, "required": ["x"]}


STRING = of({"type": "string", "minLength": 1})
BIG = 10**120

CASES: list[tuple[dict[str, Any], object, list[str]]] = [
    # A demanded claim: missing, null or of another type never passes.
    (STRING, {"x": "a"}, []),
    (STRING, {}, ["/required/0"]),
    (STRING, {"x": None}, ["/properties/x/type"]),
    (STRING, {"x": 1}, ["/properties/x/type"]),
    (STRING, {"x": ["a"]}, ["/properties/x/type"]),
    (STRING, {"x": {"x": "a"}}, ["/properties/x/type"]),
    (STRING, {"X": "a"}, ["/required/0"]),
    (STRING, {"x": ""}, ["/properties/x/minLength"]),
    (of({"type": "string", "maxLength": 1}), {"x": "😀"}, []),
    (of({"type": "string", "maxLength": 1}), {"x": "e\u0301"}, ["/properties/x/maxLength"]),
    # Types: `true` is no number, 1.0 is an integer.
    (of({"type": "integer"}), {"x": True}, ["/properties/x/type"]),
    (of({"type": "number"}), {"x": False}, ["/properties/x/type"]),
    (of({"type": "boolean"}), {"x": 1}, ["/properties/x/type"]),
    (of({"type": "boolean"}), {"x": "true"}, ["/properties/x/type"]),
    (of({"type": "integer"}), {"x": 1.0}, []),
    (of({"type": "integer"}), {"x": 1.5}, ["/properties/x/type"]),
    (of({"type": "integer"}), {"x": "1"}, ["/properties/x/type"]),
    (of({"type": "integer"}), {"x": 1e300}, []),
    (of({"type": "null"}), {}, ["/required/0"]),
    (of({"type": "null"}), {"x": None}, []),
    (of({"type": ["string", "null"]}), {"x": None}, []),
    (of({"type": ["string", "null"]}), {"x": 0}, ["/properties/x/type"]),
    (of({"type": "array"}), {"x": {}}, ["/properties/x/type"]),
    (of({"type": "object"}), {"x": []}, ["/properties/x/type"]),
    # Equality: 1 is 1.0, and neither is true; order of members is nothing, order of items is something.
    (of({"const": 1}), {"x": 1.0}, []),
    (of({"const": 1}), {"x": True}, ["/properties/x/const"]),
    (of({"const": True}), {"x": 1}, ["/properties/x/const"]),
    (of({"const": False}), {"x": 0}, ["/properties/x/const"]),
    (of({"const": 0}), {"x": -0.0}, []),
    (of({"const": None}), {}, ["/required/0"]),
    (of({"const": "1"}), {"x": 1}, ["/properties/x/const"]),
    (of({"const": [1]}), {"x": [True]}, ["/properties/x/const"]),
    (of({"const": {"a": [0]}}), {"x": {"a": [False]}}, ["/properties/x/const"]),
    (of({"const": {"a": 1, "b": 2}}), {"x": {"b": 2, "a": 1}}, []),
    (of({"const": [1, 2]}), {"x": [2, 1]}, ["/properties/x/const"]),
    (of({"const": 9007199254740993}), {"x": 9007199254740992}, ["/properties/x/const"]),
    (of({"const": BIG}), {"x": BIG + 1}, ["/properties/x/const"]),
    (of({"const": 1e300}), {"x": int(1e300)}, []),
    (of({"const": "a,b"}), {"x": ["a", "b"]}, ["/properties/x/const"]),
    (of({"const": ["a'1", "b"]}), {"x": ["a", "1b"]}, ["/properties/x/const"]),
    (of({"enum": ["a", 1, None]}), {"x": None}, []),
    (of({"enum": ["a", 1, None]}), {"x": True}, ["/properties/x/enum"]),
    (of({"enum": ["a", 1, None]}), {"x": "A"}, ["/properties/x/enum"]),
    (of({"type": "array", "uniqueItems": True}), {"x": [1, True, "1", [1], None, 0, False]}, []),
    (of({"type": "array", "uniqueItems": True}), {"x": [1, 1.0]}, ["/properties/x/uniqueItems"]),
    (of({"type": "array", "uniqueItems": True}), {"x": [{"a": [1]}, {"a": [1.0]}]}, ["/properties/x/uniqueItems"]),
    (of({"type": "array", "uniqueItems": False}), {"x": [1, 1]}, []),
    # Numbers: exact, however large.
    (of({"type": "number", "maximum": 9007199254740992}), {"x": 9007199254740993}, ["/properties/x/maximum"]),
    (of({"type": "number", "minimum": 0.5}), {"x": BIG}, []),
    (of({"type": "number", "exclusiveMaximum": 1e300}), {"x": int(1e300)}, ["/properties/x/exclusiveMaximum"]),
    (of({"type": "number", "exclusiveMinimum": 0}), {"x": 0}, ["/properties/x/exclusiveMinimum"]),
    (of({"type": "number", "minimum": 1}), {"x": True}, ["/properties/x/type"]),
    (of({"type": "number", "multipleOf": 0.1}), {"x": 0.3}, []),
    (of({"type": "number", "multipleOf": 0.1}), {"x": 0.35}, ["/properties/x/multipleOf"]),
    (of({"type": "number", "multipleOf": 1e-300}), {"x": 1e300}, []),
    (of({"type": "number", "multipleOf": 3e-300}), {"x": 1e300}, ["/properties/x/multipleOf"]),
    (of({"type": "number", "multipleOf": 0.5}), {"x": BIG + 1}, []),
    (of({"type": "number", "multipleOf": 2}), {"x": BIG + 1}, ["/properties/x/multipleOf"]),
    (of({"type": "number", "multipleOf": 1e300}), {"x": 5e-324}, ["/properties/x/multipleOf"]),
    # Patterns: the whole value, in the language's own subset.
    (of({"type": "string", "pattern": "^[a-z]+$"}), {"x": "abc"}, []),
    (of({"type": "string", "pattern": "^[a-z]+$"}), {"x": "abc\n"}, ["/properties/x/pattern"]),
    (of({"type": "string", "pattern": "^[a-z]+$"}), {"x": "abc1"}, ["/properties/x/pattern"]),
    (of({"type": "string", "pattern": r"^\d+$"}), {"x": "\u0661"}, ["/properties/x/pattern"]),
    (of({"type": "string", "pattern": "^(a|b)$"}), {"x": "ab"}, ["/properties/x/pattern"]),
    (of({"type": "string", "pattern": "^(a+)+$"}), {"x": "a" * 30_000 + "!"}, ["/properties/x/pattern"]),
    ({"patternProperties": {"^x-[a-z]+$": {"type": "string"}}}, {"x-a": 1}, ["/patternProperties/^x-[a-z]+$/type"]),
    ({"patternProperties": {"^x-[a-z]+$": {"type": "string"}}}, {"x-a\n": 1, "ax-a": 1}, []),
    (
        {"patternProperties": {"^x-[a-z]+$": True}, "additionalProperties": False},
        {"x-a": 1},
        [],
    ),
    (
        {"patternProperties": {"^x-[a-z]+$": True}, "additionalProperties": False},
        {"x-a\n": 1, "y": 1},
        ["/additionalProperties"],
    ),
    (
        {"patternProperties": {"^x-[a-z]+$": True}, "unevaluatedProperties": False},
        {"x-a1": 1},
        ["/unevaluatedProperties"],
    ),
    # What is left over is refused however deep the schemas that know it.
    (
        {"allOf": [{"properties": {"a": True}, "required": ["a"]}], "unevaluatedProperties": False},
        {"a": 1, "b": 2},
        ["/unevaluatedProperties"],
    ),
    (
        {"anyOf": [{"required": ["a"], "properties": {"a": True}}, True], "unevaluatedProperties": False},
        {"a": 1},
        [],
    ),
    (
        {"anyOf": [{"required": ["b"], "properties": {"a": True}}, True], "unevaluatedProperties": False},
        {"a": 1},
        ["/unevaluatedProperties"],
    ),
    (of({"type": "array", "prefixItems": [{"type": "string"}], "items": False}), {"x": ["a"]}, []),
    (
        of({"type": "array", "prefixItems": [{"type": "string"}], "items": False}),
        {"x": ["a", "b"]},
        ["/properties/x/items"],
    ),
    (of({"type": "array", "items": {"type": "string"}}), {"x": []}, []),
    (of({"type": "array", "items": {"type": "string"}, "minItems": 1}), {"x": []}, ["/properties/x/minItems"]),
    (of({"type": "array", "contains": {"const": 1}}), {"x": [True, "1"]}, ["/properties/x/contains"]),
    (of({"type": "array", "contains": {"const": 1}, "maxContains": 1}), {"x": [1, 1]}, ["/properties/x/maxContains"]),
    (of({"type": "array", "contains": {"const": 1}, "minContains": 2}), {"x": [1]}, ["/properties/x/minContains"]),
    (
        of({"type": "array", "contains": {"const": 1}, "unevaluatedItems": False}),
        {"x": [1, 2]},
        ["/properties/x/unevaluatedItems"],
    ),
    (of({"type": "array", "contains": {"const": 1}, "unevaluatedItems": False}), {"x": [1, 1]}, []),
    # Schemas that ask others.
    ({"not": {"required": ["admin"]}}, {"admin": None}, ["/not"]),
    ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, ["/anyOf"]),
    ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 1}, ["/oneOf"]),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, ["/then/required/0"]),
    ({"if": {"required": ["a"]}, "else": {"required": ["b"]}}, {}, ["/else/required/0"]),
    ({"dependentRequired": {"a": ["b", "c"]}}, {"a": 1, "b": 1}, ["/dependentRequired/a/1"]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": None}, ["/dependentSchemas/a/required/0"]),
    ({"propertyNames": {"maxLength": 3}}, {"abcd": 1}, ["/propertyNames/maxLength"]),
    ({"minProperties": 1}, {}, ["/minProperties"]),
    ({"maxProperties": 1}, {"a": 1, "b": 1}, ["/maxProperties"]),
    # Faults are named where the schema says them, not along the way.
    (
        {"$defs": {"a/b~c": {"type": "string"}}, **of({"$ref": "#/$defs/a~1b~0c"})},
        {"x": 1},
        ["/$defs/a~1b~0c/type"],
    ),
    ({"$defs": {"n": {"$anchor": "n", "type": "string"}}, **of({"$ref": "#n"})}, {"x": 1}, ["/$defs/n/type"]),
    (of(False), {"x": 1}, ["/properties/x"]),
    (
        {"required": ["a", "b"], "properties": {"c": {"type": "string"}, "d": {"type": "string"}}},
        {"c": 1, "d": 2, "a": 1},
        ["/properties/c/type", "/properties/d/type", "/required/1"],
    ),
    # A name of a property is nothing but a name.
    (of({"type": "string"}), {"__class__": 1, "x": "a"}, []),
    ({"required": ["__len__"]}, {"a": 1}, ["/required/0"]),
]


@pytest.mark.parametrize(("value", "claims", "pointers"), CASES)
def test_faults(value: dict[str, Any], claims: dict[str, object], pointers: list[str]) -> None:
    assert list(schema(value).faults(claims)) == pointers


def test_every_fault_comes_sorted_each_once_and_not_without_end() -> None:
    many = schema({"type": "object", "items": {}, "patternProperties": {"^.*$": {"type": "string"}}})
    assert many.faults({str(n): n for n in range(1000)}) == ("/patternProperties/^.*$/type",)
    wide = schema({"required": [str(n) for n in range(500)]})
    found = wide.faults({})
    assert len(found) == 100
    assert list(found) == sorted(set(found))


def test_faults_hold_nothing_of_the_token() -> None:
    read = schema({"additionalProperties": {"type": "string", "pattern": "^a$"}, "propertyNames": {"maxLength": 3}})
    told = repr((read, read.faults({"secret-name": "secret-value", "b": 4711})))
    assert "secret" not in told
    assert "4711" not in told


# ------------------------------------------------------------------------------------------------ limits

TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "anyOf": [
                {"properties": {"n": {"$ref": "#/$defs/node"}}, "required": ["n"]},
                {"properties": {"n": {"$ref": "#/$defs/node"}}, "required": ["n", "m"]},
                {"properties": {"n": {"const": "end"}}, "required": ["n"]},
            ],
        }
    },
    "$ref": "#/$defs/node",
}


def _nested(depth: int, end: object) -> dict[str, object]:
    value: dict[str, object] = {"n": end}
    for _ in range(depth):
        value = {"n": value}
    return value


def test_a_hostile_token_reaches_the_limit_and_is_refused() -> None:
    assert schema(TREE).faults(_nested(3, "end")) == ()
    assert schema(TREE).faults(_nested(3, "other")) == ("/$defs/node/anyOf",)
    # Two ways at each of 30 levels: 2 to the 30 without the limit.
    assert schema(TREE).faults(_nested(30, "other")) == ("",)


def _steps(value: dict[str, Any], claims: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> int:
    spent = 0
    spend = json_schema_nodes.Run.spend

    def counted(self: json_schema_nodes.Run, steps: int) -> None:
        nonlocal spent
        spent += steps
        spend(self, steps)

    monkeypatch.setattr(json_schema_nodes.Run, "spend", counted)
    schema(value).faults(claims)
    return spent


@pytest.mark.parametrize(
    "items",
    [
        [n * (2**61 - 1) for n in range(4000)],
        [[n] for n in range(4000)],
        [{"a": n} for n in range(2000)],
        [str(n) for n in range(4000)],
    ],
)
def test_unique_items_takes_steps_in_proportion(items: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first list holds integers of one hash, which a set of them would compare pair by pair."""
    unique = of({"type": "array", "uniqueItems": True})
    assert _steps(unique, {"x": items}, monkeypatch) < 20_000
    assert schema(unique).faults({"x": items}) == ()
    assert schema(unique).faults({"x": [*items, items[0]]}) == ("/properties/x/uniqueItems",)


def test_integers_of_one_hash_are_told_apart_by_texts() -> None:
    assert isinstance(json_schema_nodes.canonical(2**61 - 1, json_schema_nodes.Run(collects=False)), str)


def test_a_deep_value_or_a_full_stack_is_refused() -> None:
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    read = schema(of({"type": "array", "items": {"$ref": "#/properties/x"}}))
    assert read.faults({"x": deep}) == ("",)
    assert schema(of({"const": 1})).faults({"x": deep}) == ("",)


def test_what_is_no_json_is_refused() -> None:
    assert schema(of({"const": 1})).faults({"x": object()}) == ("",)
    assert schema(STRING).faults({"x": ("a",)}) == ("/properties/x/type",)


def test_judging_does_not_load_the_library() -> None:
    script = "import sys, policyjwt.patterns.json_schema as m; assert 'jsonschema' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


# ------------------------------------------------------------------------------------------------ against the library

_NAMES = st.sampled_from(["a", "b", "c"])
_SCALARS = st.sampled_from([None, True, False, 0, 1, 2, 1.0, 1.5, "", "a", "b", "ab", -1])
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=8
)
_TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
_SMALL = st.integers(0, 3)


def _keywords(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    lists = st.lists(inner, min_size=1, max_size=3)
    maps = st.dictionaries(_NAMES, inner, max_size=3)
    patterns = st.sampled_from(["^a*$", "^[ab]+$", "^.$", "^(a|b)$"])
    known: dict[str, st.SearchStrategy[Any]] = {
        "type": _TYPES | st.lists(_TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(_VALUES, min_size=1, max_size=3),
        "const": _VALUES,
        "minLength": _SMALL,
        "maxLength": _SMALL,
        "minimum": st.integers(-1, 2),
        "exclusiveMaximum": st.integers(0, 3),
        "multipleOf": st.integers(1, 2),
        "pattern": patterns,
        "minItems": _SMALL,
        "uniqueItems": st.booleans(),
        "required": st.lists(_NAMES, max_size=2, unique=True),
        "dependentRequired": st.dictionaries(_NAMES, st.lists(_NAMES, max_size=2, unique=True), max_size=2),
        "maxProperties": _SMALL,
        "properties": maps,
        "patternProperties": st.dictionaries(patterns, inner, max_size=2),
        "additionalProperties": inner,
        "propertyNames": inner,
        "dependentSchemas": maps,
        "prefixItems": lists,
        "items": inner,
        "contains": inner,
        "allOf": lists,
        "anyOf": lists,
        "oneOf": lists,
        "not": inner,
        "if": inner,
        "unevaluatedProperties": inner,
        "unevaluatedItems": inner,
        "$ref": st.sampled_from(["#/$defs/a", "#/$defs/b"]),
    }
    needing = {"if": ["then", "else"], "contains": ["minContains", "maxContains"]}

    def with_needing(chosen: dict[str, object]) -> st.SearchStrategy[dict[str, object]]:
        more: dict[str, st.SearchStrategy[Any]] = {}
        for keyword, others in needing.items():
            if keyword in chosen:
                more.update(dict.fromkeys(others, inner if keyword == "if" else _SMALL))
        return st.fixed_dictionaries({}, optional=more).map(lambda extra: {**chosen, **extra})

    several = st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True)
    return several.flatmap(lambda names: st.fixed_dictionaries({name: known[name] for name in names})).flatmap(
        with_needing
    )


_LEAVES: st.SearchStrategy[object] = st.booleans() | st.builds(lambda kind: {"type": kind}, _TYPES)
_SCHEMAS = st.recursive(_LEAVES, _keywords, max_leaves=6)
_PLAIN = _keywords(_LEAVES).filter(lambda value: "$ref" not in json.dumps(value))


@EFFORTS
@given(_keywords(_SCHEMAS), _PLAIN, _PLAIN, st.lists(_VALUES, min_size=1, max_size=6))
def test_the_library_says_the_same(
    effort: str, value: dict[str, Any], one: object, two: object, values: list[object]
) -> None:
    whole = {**value, "$defs": {"a": one, "b": two}}
    read = schema(whole)
    library: Any = Draft202012Validator(whole, registry=Registry())
    for claims in values:
        run = json_schema_nodes.Run(collects=read.collects)
        assert (read.root.judge(run, claims) is not None) is library.is_valid(claims)
        assert bool(run.faults) is not library.is_valid(claims)
