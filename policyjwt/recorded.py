"""A record, read. Input: JSON from anywhere. Output: `Record`, every part of its type; or ValueError.

The form is judged by the published schema, what a schema can't say by the code below it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any

from policyjwt.expressions.words import is_a_phrase
from policyjwt.language.files import path_fault
from policyjwt.replay.protocol import Reach
from policyjwt.request import Context

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


MAX_FILES = 1000
"""Files of one policy, with its imports and all that these name."""

_MOST_CHARACTERS, _MOST_FOLDERS = 1024, 32
_LATEST = 253_402_300_799
"""9999-12-31T23:59:59Z, the end of the calendar."""


@dataclass(frozen=True, slots=True, repr=False)
class RecordedKey:
    """A key of a record. `jwk` is None for a secret; `withdrawn` says that its issuer had taken it out."""

    kid: str | None
    reference: str | None
    algorithms: frozenset[str]
    jwk: Mapping[str, Any] | None
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Record:
    """What `recording.record` wrote. `text` is None where the policy is one of `files`."""

    verdict: Mapping[str, Any]
    token: str
    context: Context
    name: str
    text: str | None
    files: Mapping[str, bytes]
    keys: tuple[RecordedKey, ...] | None
    status_keys: tuple[RecordedKey, ...] | None
    verified_key: RecordedKey | None
    loaded_at: float
    status_loaded_at: float | None
    evaluated_at: float
    by_clock: bool
    shared_key: bool
    role_reuse: str | None
    store: tuple[Reach, str | None] | None
    nonce: tuple[str, str | None, str | None] | None


def read(record: Mapping[str, Any]) -> Record:
    """The record. TypeError for what is no mapping, ValueError for one that is no record."""
    if not isinstance(record, Mapping):
        raise TypeError("a record is a mapping, as Verdict.record() gives it")
    _must_fit(record)
    policy, token = record["policy"], record["token"]
    if policy is None or token is None:
        raise ValueError("no policy judged this token: there is nothing to judge again")
    if len(policy["files"]) > MAX_FILES:
        raise ValueError(f"the record has more than {MAX_FILES} files")
    contents = {_path(path): _bytes(content) for path, content in policy["files"].items()}
    text = None if policy["text"] is None else _bytes(policy["text"])
    if text is None and policy["name"] not in contents:
        raise ValueError("the file of the record's policy is not among its files")
    store, nonce = record["store"], record["nonce"]
    return Record(
        verdict=record["verdict"],
        token=token,
        context=_context(record["context"]),
        name=policy["name"],
        text=None if text is None else _utf8(text),
        files=contents,
        keys=_keys(record["keys"]),
        status_keys=_keys(record["status_keys"]),
        verified_key=None if record["verified_key"] is None else _key(record["verified_key"]),
        loaded_at=_finite(record["keys_loaded_at"]),
        status_loaded_at=None if record["status_keys_loaded_at"] is None else _finite(record["status_keys_loaded_at"]),
        evaluated_at=_finite(record["evaluated_at"]),
        by_clock=record["by_clock"],
        shared_key=record["key_of_two_issuers"],
        role_reuse=record["key_of_two_roles"],
        store=None if store is None else (store["reach"], store["word"]),
        nonce=None if nonce is None else (nonce["result"], nonce["said"], _phrase(nonce["durability"])),
    )


def _must_fit(record: Mapping[str, Any]) -> None:
    """The published schemas, of the record and of the verdict in it."""
    if record.get("record_version") != "1":
        raise ValueError("this is no record of version 1")
    try:
        fits = _schema("record").is_valid(record) and _schema("evaluate").is_valid(record["verdict"])
    except RecursionError:
        fits = False
    if not fits:
        raise ValueError("this is no record: a part is missing or of another type (see record.schema.json)")


@cache
def _schema(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    text = resources("policyjwt").joinpath("schemas", f"{name}.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text), registry=Registry())


def _path(path: str) -> str:
    """A path that stays below the folder that it is written to."""
    if path_fault(path) is not None or len(path) > _MOST_CHARACTERS or path.count("/") > _MOST_FOLDERS:
        raise ValueError("the record names a file outside its policies' root")
    return path


def _phrase(text: str | None) -> str | None:
    if text is not None and not is_a_phrase(text):
        raise ValueError("what the store said of itself in the record is no phrase")
    return text


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a part of the record is no base64") from None


def _utf8(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the policy of the record is no UTF-8") from None


def _finite(value: float | None) -> float:
    """A time. Whole numbers may be larger than any clock."""
    try:
        found = math.nan if value is None else float(value)
    except OverflowError:
        found = math.nan
    if not 0 <= found <= _LATEST:  # and so no NaN
        raise ValueError("the record has a time that no clock shows")
    return found


def _keys(given: list[Mapping[str, Any]] | None) -> tuple[RecordedKey, ...] | None:
    return None if given is None else tuple(map(_key, given))


def _key(given: Mapping[str, Any]) -> RecordedKey:
    algorithms = frozenset(given["algorithms"])
    return RecordedKey(given["kid"], given["reference"], algorithms, given["jwk"], given["withdrawn"])


def _context(given: Mapping[str, Any]) -> Context:
    members = {name: given[name] for name in ("method", "path", "uri", "scheme", "nonce", "values")}
    certificate = given["client_certificate"]
    try:
        return Context(
            **members,
            headers=[tuple(pair) for pair in given["headers"]],
            dpop=tuple(given["dpop"]),
            staples=tuple(map(_bytes, given["staples"])),
            status_lists=tuple(given["status_lists"]),
            client_certificate=None if certificate is None else _bytes(certificate),
            from_trusted_proxy=given["from_trusted_proxy"],
        )
    except TypeError:
        raise ValueError("the request of the record has a value of another type") from None
