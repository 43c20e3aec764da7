"""The schemas that policies name: what `validate` says of them, and what it never shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checker.findings import checked, codes
from tests.checker.policy_text import policy

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT = policy('schema "claims.json"')


def write(root: Path, schema: object) -> None:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    (root / "claims.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"$schema": DIALECT, "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, []),
        ({"$schema": DIALECT, "type": "object", "properties": {"a": {"type": "string"}}}, ["13 PJ382"]),
        ({"$schema": DIALECT, "typ": "object"}, ["13 PJ381"]),
        ({"typ": "object"}, ["13 PJ384"]),
        ("[", ["13 PJ384"]),
    ],
)
def test_what_is_found(schema: object, wanted: list[str], tmp_path: Path) -> None:
    write(tmp_path, schema)
    assert codes(TEXT, tmp_path) == wanted


def test_a_schema_that_is_not_there(tmp_path: Path) -> None:
    assert codes(TEXT, tmp_path) == ["13 PJ380"]
    (tmp_path / "claims.json").write_bytes(b"\xff")
    assert codes(TEXT, tmp_path) == ["13 PJ380"]


def test_the_place_in_the_schema_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"$schema": DIALECT, "properties": {"a": {"format": "email"}}, "required": ["a"]})
    (found,) = checked(TEXT, tmp_path).diagnostics
    assert found.message.startswith("`claims.json` at `/properties/a/format`: ")


def test_many_faults_are_counted(tmp_path: Path) -> None:
    write(tmp_path, {"$schema": DIALECT, **{f"unknown{n}": 1 for n in range(30)}})
    found = checked(TEXT, tmp_path).diagnostics
    assert len(found) == 21
    assert [d.message for d in found if d.code == "PJ385"] == ["`claims.json` has 10 more faults"]


def test_a_file_that_is_no_schema_is_never_quoted(tmp_path: Path) -> None:
    write(tmp_path, {"private_key_id": "do-not-show", "client_secret": "nor-this"})
    (found,) = checked(TEXT, tmp_path).diagnostics
    assert "private" not in f"{found.message}{found.help}"
    assert "show-" not in f"{found.message}{found.help}"


def test_a_schema_may_need_the_extra(tmp_path: Path) -> None:
    pattern = "^([a-z]+)+x?[a-z]+$"
    schema = {"$schema": DIALECT, "properties": {"a": {"type": "string", "pattern": pattern}}, "required": ["a"]}
    write(tmp_path, schema)
    assert checked(TEXT, tmp_path).extras == {"regex": 1}
