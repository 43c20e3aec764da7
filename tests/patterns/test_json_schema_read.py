"""JSON Schema read strictly: what is refused, in which words, at which place."""

from __future__ import annotations

import inspect
import json
import pickle
import socket
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.diagnostics import Level
from policyjwt.patterns.json_schema import SchemaFaults, examine, read_schema
from policyjwt.patterns.matcher import NeedsRe2


def told(schema: object) -> list[tuple[str, str, str]]:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return [(fault.level.value, fault.pointer, fault.message) for fault in examine(text).faults]


def errors(schema: object) -> list[tuple[str, str]]:
    return [(pointer, message) for level, pointer, message in told(schema) if level == "error"]


IN = {"type": "object", "required": ["a"]}
LEADS_BACK = "this schema leads back to itself without end"

REFUSED: list[tuple[object, str, str]] = [
    ("", "", "the schema is no strict JSON: it is no JSON, line 1"),
    ('{\n"type": object}', "", "the schema is no strict JSON: it is no JSON, line 2"),
    ("{} {}", "", "the schema is no strict JSON: it is no JSON, line 1"),
    ("\ufeff{}", "", "the schema is no strict JSON: it is no JSON, line 1"),
    ('{"a": 1, "\\u0061": 2}', "", "the schema is no strict JSON: a name stands twice in one object"),
    ('{"const": {"a": [{"b": 1, "b": 1}]}}', "", "the schema is no strict JSON: a name stands twice in one object"),
    ('{"const": NaN}', "", "the schema is no strict JSON: NaN and Infinity are no JSON"),
    ('{"const": 1e999}', "", "the schema is no strict JSON: a number overflows"),
    ('{"const": ' + "1" * 129 + "}", "", "the schema is no strict JSON: an integer has more than 128 digits"),
    (
        '{"const": "\\ud800"}',
        "",
        "the schema is no strict JSON: it holds half of a surrogate pair, which is no character",
    ),
    ("[" * 100_000, "", "the schema is no strict JSON: more than 64 objects or lists inside each other"),
    (" " * 262_145, "", "the schema is no strict JSON: more than 262144 characters"),
    ("[]", "", "a schema is an object"),
    ("true", "", "a schema is an object"),
    ("false", "", "a schema is an object"),
    ({"requird": []}, "/requird", "`requird` is no keyword of JSON Schema 2020-12"),
    ({"x-note": 1}, "/x-note", "`x-note` is no keyword of JSON Schema 2020-12"),
    ({"a\n`b": 1}, "/a\n`b", r"`a\n\x60b` is no keyword of JSON Schema 2020-12"),
    ({"$defs": {"a/~b": {"Type": 1}}}, "/$defs/a~1~0b/Type", "`Type` is no keyword of JSON Schema 2020-12"),
    ({"format": "email"}, "/format", "`format` is not read"),
    ({"contentEncoding": "base64"}, "/contentEncoding", "`contentEncoding` is not read"),
    ({"contentMediaType": "text/plain"}, "/contentMediaType", "`contentMediaType` is not read"),
    ({"contentSchema": {}}, "/contentSchema", "`contentSchema` is not read"),
    ({"$dynamicRef": "#a"}, "/$dynamicRef", "`$dynamicRef` is not read"),
    ({"$dynamicAnchor": "a"}, "/$dynamicAnchor", "`$dynamicAnchor` is not read"),
    ({"$recursiveRef": "#"}, "/$recursiveRef", "`$recursiveRef` is not read"),
    ({"$recursiveAnchor": True}, "/$recursiveAnchor", "`$recursiveAnchor` is not read"),
    ({"$vocabulary": {}}, "/$vocabulary", "`$vocabulary` is not read"),
    ({"definitions": {}}, "/definitions", "`definitions` is not read"),
    ({"dependencies": {}}, "/dependencies", "`dependencies` is not read"),
    ({"additionalItems": False}, "/additionalItems", "`additionalItems` is not read"),
    (
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        "/$schema",
        "expected the dialect 2020-12, `http://json-schema.org/draft-07/schema#` came",
    ),
    ({"allOf": [{"$id": "https://a.example"}]}, "/allOf/0/$id", "`$id` stands at the top only"),
    (
        {"$defs": {"a": {"$schema": "https://json-schema.org/draft/2020-12/schema"}}},
        "/$defs/a/$schema",
        "`$schema` stands at the top only",
    ),
    ({"$ref": "https://a.example/x.json"}, "/$ref", "`https://a.example/x.json` leads out of this schema"),
    ({"$ref": "x.json#/$defs/a"}, "/$ref", "`x.json#/$defs/a` leads out of this schema"),
    ({"$ref": "file:///etc/passwd"}, "/$ref", "`file:///etc/passwd` leads out of this schema"),
    ({"$ref": ""}, "/$ref", "`` leads out of this schema"),
    ({"$ref": "#/$defs/a"}, "/$ref", "`#/$defs/a` leads to no schema"),
    ({"$ref": "#/properties", "properties": {}}, "/$ref", "`#/properties` leads to no schema"),
    ({"$ref": "#a"}, "/$ref", "`#a` leads to no schema"),
    ({"const": {"a": {}}, "$ref": "#/const/a"}, "/$ref", "`#/const/a` leads to no schema"),
    ({"$ref": "#"}, "/$ref", LEADS_BACK),
    ({"allOf": [{"$ref": "#"}]}, "/allOf/0/$ref", LEADS_BACK),
    ({"not": {"if": {"anyOf": [{"$ref": "#/not"}]}}}, "/not/if/anyOf/0/$ref", LEADS_BACK),
    ({"dependentSchemas": {"a": {"$ref": "#"}}}, "/dependentSchemas/a/$ref", LEADS_BACK),
    (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        "/$defs/b/$ref",
        LEADS_BACK,
    ),
    (
        {"$defs": {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(70)} | {"70": {}}},
        "/$defs/0",
        "more than 64 schemas of one value inside each other",
    ),
    (
        {"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}},
        "/$defs/b/$anchor",
        "the anchor `x` stands twice",
    ),
    ({"then": {}}, "/then", "`then` says nothing without `if`"),
    ({"else": {}}, "/else", "`else` says nothing without `if`"),
    ({"minContains": 1}, "/minContains", "`minContains` says nothing without `contains`"),
    ({"maxContains": 1}, "/maxContains", "`maxContains` says nothing without `contains`"),
    ({"type": "strin"}, "/type", "JSON Schema 2020-12 does not let `type` hold this"),
    ({"type": []}, "/type", "JSON Schema 2020-12 does not let `type` hold this"),
    ({"minLength": -1}, "/minLength", "JSON Schema 2020-12 does not let `minLength` hold this"),
    ({"minLength": True}, "/minLength", "JSON Schema 2020-12 does not let `minLength` hold this"),
    ({"minLength": "1"}, "/minLength", "JSON Schema 2020-12 does not let `minLength` hold this"),
    ({"required": "a"}, "/required", "JSON Schema 2020-12 does not let `required` hold this"),
    ({"required": ["a", "a"]}, "/required", "JSON Schema 2020-12 does not let `required` hold this"),
    ({"required": [1]}, "/required/0", "JSON Schema 2020-12 does not let `required` hold this"),
    ({"properties": []}, "/properties", "JSON Schema 2020-12 does not let `properties` hold this"),
    ({"properties": {"a": 1}}, "/properties/a", "JSON Schema 2020-12 does not let `properties` hold this"),
    ({"allOf": []}, "/allOf", "JSON Schema 2020-12 does not let `allOf` hold this"),
    ({"items": [{}]}, "/items", "JSON Schema 2020-12 does not let `items` hold this"),
    ({"multipleOf": 0}, "/multipleOf", "JSON Schema 2020-12 does not let `multipleOf` hold this"),
    ({"enum": "a"}, "/enum", "JSON Schema 2020-12 does not let `enum` hold this"),
    ({"$ref": 1}, "/$ref", "JSON Schema 2020-12 does not let `$ref` hold this"),
    ({"pattern": "a"}, "/pattern", "a pattern of a schema is written `^…$`; this one has no `^`"),
    ({"pattern": "^a"}, "/pattern", "a pattern of a schema is written `^…$`; this one has no `$`"),
    ({"pattern": r"^a\$"}, "/pattern", "a pattern of a schema is written `^…$`; this one has no `$`"),
    ({"pattern": "^"}, "/pattern", "a pattern of a schema is written `^…$`; this one has no `$`"),
    ({"pattern": ""}, "/pattern", "a pattern of a schema is written `^…$`; this one has no `^`"),
    ({"pattern": "^a|b$"}, "/pattern", "between `^` and `$` a `|` stands in a group"),
    ({"pattern": "^(?=a)b$"}, "/pattern", "patterns have no look-around"),
    ({"pattern": r"^(a)\1$"}, "/pattern", "patterns have no back-references"),
    ({"pattern": "^a$|^b$"}, "/pattern", "`$` is no part of patterns"),
    (
        {"patternProperties": {"^x-": {}}},
        "/patternProperties/^x-",
        "a pattern of a schema is written `^…$`; this one has no `$`",
    ),
    ({"patternProperties": {r"^\p{L}$": {}}}, r"/patternProperties/^\p{L}$", r"`\p` is no part of patterns"),
]


@pytest.mark.parametrize(("schema", "pointer", "message"), REFUSED)
def test_refuses_in_words(schema: object, pointer: str, message: str) -> None:
    assert (pointer, message) in errors(schema)
    text = schema if isinstance(schema, str) else json.dumps(schema)
    with pytest.raises(SchemaFaults) as caught:
        read_schema(text)
    assert caught.value.faults == examine(text).faults
    assert "\n" not in message


def _in_every_place(inner: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each place of a schema that holds schemas."""
    single = ["not", "items", "contains", "additionalProperties", "propertyNames", "if"]
    single += ["unevaluatedItems", "unevaluatedProperties"]
    return [
        *((f"/{keyword}", {keyword: inner}) for keyword in single),
        *((f"/{keyword}", {"if": {}, keyword: inner}) for keyword in ("then", "else")),
        *((f"/{keyword}/1", {keyword: [{}, inner]}) for keyword in ("allOf", "anyOf", "oneOf", "prefixItems")),
        *((f"/{keyword}/a", {keyword: {"a": inner}}) for keyword in ("properties", "$defs", "dependentSchemas")),
        ("/patternProperties/^a$", {"patternProperties": {"^a$": inner}}),
    ]


@pytest.mark.parametrize(("pointer", "schema"), _in_every_place({"format": "email", "type": "string"}))
def test_no_place_is_read_less_strictly(pointer: str, schema: dict[str, Any]) -> None:
    assert errors(schema) == [(f"{pointer}/format", "`format` is not read")]


def test_what_is_data_is_not_read_as_schema() -> None:
    data = {"format": "x", "$ref": "http://a.example", "nonsense": True}
    assert errors({"const": data, "enum": [data], "default": data, "examples": [data]}) == []
    assert (
        errors({"type": "object", "properties": {"format": True, "$ref": True}, "required": ["format", "$ref"]}) == []
    )


def test_all_faults_come_at_once_sorted_each_once() -> None:
    schema = {
        "type": "object",
        "properties": {"b": {"format": "x"}, "a": {"minLenght": 1, "pattern": "x"}},
        "$ref": "http://a.example",
    }
    assert told(schema) == [
        ("error", "/$ref", "`http://a.example` leads out of this schema"),
        ("warning", "/properties/a", "the property `a` is not `required`: a token without it fits"),
        ("error", "/properties/a/minLenght", "`minLenght` is no keyword of JSON Schema 2020-12"),
        ("error", "/properties/a/pattern", "a pattern of a schema is written `^…$`; this one has no `^`"),
        ("warning", "/properties/a/pattern", "`pattern` judges strings alone: a value of any other type fits"),
        ("warning", "/properties/b", "the property `b` is not `required`: a token without it fits"),
        ("error", "/properties/b/format", "`format` is not read"),
    ]


def test_helps() -> None:
    helps = {
        fault.pointer: fault.help for fault in examine('{"minLenght": 1, "format": "x", "definitions": {}}').faults
    }
    assert helps == {
        "/minLenght": "did you mean `minLength`?",
        "/format": "most readers check nothing here; say it with `pattern` or with a rule of the policy",
        "/definitions": "it is of an older dialect; write `$defs`",
    }


WARNED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"properties": {"a": {}}, "required": ["a"]}, []),
    (
        {"properties": {"a": {}, "b": {}}, "required": ["a"]},
        [("/properties/b", "the property `b` is not `required`: a token without it fits")],
    ),
    ({"properties": {"a": False}}, []),
    ({"required": ["a"], "anyOf": [{"properties": {"a": {"const": 1}}}]}, []),
    (
        {"if": {"properties": {"a": {"const": 1}}}, "then": False},
        [("/if/properties/a", "the property `a` is not `required`: a token without it fits")],
    ),
    (
        {"properties": {"a": {"type": "object", "properties": {"b": True}}}, "required": ["a", "b"]},
        [("/properties/a/properties/b", "the property `b` is not `required`: a token without it fits")],
    ),
    (
        {"properties": {"a": {"minLength": 1, "maxLength": 2}}, "required": ["a"]},
        [("/properties/a/minLength", "`minLength` judges strings alone: a value of any other type fits")],
    ),
    (
        {"properties": {"a": {"minimum": 1, "items": {}}}, "required": ["a"]},
        [
            ("/properties/a/items", "`items` judges lists alone: a value of any other type fits"),
            ("/properties/a/minimum", "`minimum` judges numbers alone: a value of any other type fits"),
        ],
    ),
    ({"properties": {"a": {"type": "string", "anyOf": [{"minLength": 1}]}}, "required": ["a"]}, []),
    ({"properties": {"a": {"enum": ["x", "y"], "minLength": 1}}, "required": ["a"]}, []),
]


@pytest.mark.parametrize(("schema", "expected"), WARNED)
def test_warns(schema: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(pointer, message) for _, pointer, message in told(schema)] == expected
    read = read_schema(json.dumps(schema))
    assert {fault.level for fault in read.warnings} <= {Level.WARNING}
    assert len(read.warnings) == len(expected)


ACCEPTED: list[dict[str, Any]] = [
    {},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://a.example/s", "title": "t"},
    {"$comment": "c", "description": "d", "deprecated": True, "readOnly": True, "writeOnly": False},
    {"$defs": {"a": {"$anchor": "x"}}, "$ref": "#x"},
    {"$defs": {"a/b": {}, "ä": {}}, "allOf": [{"$ref": "#/$defs/a~1b"}, {"$ref": "#/$defs/%C3%A4"}]},
    {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    {"items": {"$ref": "#"}},
    {"pattern": "^(a|b)$"},
    {"pattern": r"^a\\$"},
    {"pattern": "^$"},
]


@pytest.mark.parametrize("schema", ACCEPTED)
def test_accepts(schema: dict[str, Any]) -> None:
    assert errors(schema) == []
    read_schema(json.dumps(schema))


_SOME_KEYWORDS = [
    *("type", "$ref", "$defs", "a", "properties", "required", "allOf", "not", "if", "then", "pattern"),
    *("patternProperties", "enum", "const", "items", "prefixItems", "$id", "$schema", "$anchor"),
    *("dependentRequired", "dependentSchemas", "contains", "minContains", "unevaluatedProperties"),
]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["object", "#", "^a$", "#/$defs/a"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(_SOME_KEYWORDS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    refused = False
    try:
        schema = read_schema(json.dumps(value))
        assert isinstance(schema.faults({"a": [1, "x", {"a": None}]}), tuple)
    except SchemaFaults:
        refused = True
    assert refused is bool(errors(value))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    examine(text)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for reference in ("http://127.0.0.1:1/x", "https://json-schema.org/draft/2020-12/schema", "ftp://a.example/"):
        assert errors({"$ref": reference})
        assert errors({"$schema": reference if "json-schema" not in reference else "http://127.0.0.1:1/x"})


def test_a_pattern_that_is_not_proved_needs_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"patternProperties": {"^(a+)+-schema$": True}})
    assert examine(text).needs_re2
    assert not examine('{"pattern": "^a+$"}').needs_re2
    assert read_schema(text).needs_re2
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(NeedsRe2):
        read_schema(json.dumps({"pattern": "^(a+)+-other$"}))
    assert read_schema('{"pattern": "^a+-plain$"}').faults({}) == ()


def test_faults_survive_pickling() -> None:
    error = SchemaFaults(examine('{"format": "x"}').faults)
    assert pickle.loads(pickle.dumps(error)).faults == error.faults
    assert str(error) == "/format: `format` is not read"


def test_deep_schemas_are_read_or_refused_on_a_nearly_full_stack() -> None:
    schema: dict[str, Any] = {}
    for _ in range(30):
        schema = {"allOf": [schema]}
    text = json.dumps(schema)

    assert errors(text) == []
    limit = sys.getrecursionlimit()
    depth = len(inspect.stack())
    seen: set[str] = set()
    try:
        for left in range(100, 1000, 20):
            sys.setrecursionlimit(depth + left)
            seen.update(message for _, _, message in told(text))
    finally:
        sys.setrecursionlimit(limit)
    assert seen == {"the schema is too deep for the stack that is left"}
