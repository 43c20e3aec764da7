"""Judging a record again. Input: a record as `Verdict.record()` gives it. Output: whether it comes to the same.

Everything is judged anew, by the text and at the time of the record: nothing is fetched and no nonce is consumed. What
the store had answered stands in the record. A record proves nothing about its writer: keep it where nobody changes it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from policyjwt.checker.check import check
from policyjwt.errors import KeyRefused, PolicyError, StoreUnavailable
from policyjwt.evaluation import Evaluation, judge, nonce_answered
from policyjwt.key_sources import Given, sources
from policyjwt.language.files import path_fault
from policyjwt.language.load import Loaded, load_paths, load_text
from policyjwt.language.model import CheckedPolicy
from policyjwt.language.names import REACHES
from policyjwt.loading import Candidate, candidates, without_issuer_authentication
from policyjwt.recording import RECORD_VERSION
from policyjwt.replay import InspectOnly
from policyjwt.replay.protocol import Reach
from policyjwt.request import Context
from policyjwt.selection import Selection
from policyjwt.tokens import KeySet
from policyjwt.tokens.key import Key
from policyjwt.verdict import Inspection

_ANSWERS = frozenset({"met", "seen", "store_unavailable", "store_full", "not_configured"})


@dataclass(frozen=True, slots=True, repr=False)
class Recheck:
    """What judging a record again came to: `same`, or the `differences`, each in one line.

    `inspection` is the judgement itself. It is no trust: it has no claims and no truth value.
    """

    same: bool
    differences: tuple[str, ...]
    inspection: Inspection

    def __bool__(self) -> NoReturn:
        raise TypeError("a recheck is no yes or no: ask `.same`, and `.inspection` for what was found")

    def __repr__(self) -> str:
        return f"<Recheck {'the same' if self.same else f'{len(self.differences)} differences'}>"


def recheck(record: Mapping[str, Any], *, keys: Mapping[str, Given] | None = None) -> Recheck:
    """Judge the token of a record again, offline, as of the time of the record.

    `keys` hands in the secrets of a policy with HMAC, which no record holds, as `Engine.load` takes them. ValueError
    for what is no record, or one of a token that no policy judged; PolicyError where its policy can't be loaded.
    """
    if not isinstance(record, Mapping):
        raise TypeError("a record is a mapping, as Verdict.record() gives it")
    found = _read(record)
    with TemporaryDirectory(prefix="policyjwt-record-") as folder:
        candidate = _candidate(found, Path(folder), dict(keys or {}))
        going = Evaluation(now=found.evaluated_at)
        judge(going, Selection([candidate]), found.token, found.context, candidate.validator.policy.name)
        if going.consumes and found.nonce is not None:
            nonce_answered(going, *found.nonce)
        inspection = Inspection(going.account, would_trust=going.passes)
        differences = tuple(_differences(found.verdict, inspection))
    return Recheck(not differences, differences, inspection)


# ------------------------------------------------------------------------------------------------ reading


class _Store:
    """The replay store of then, as far as verdicts tell of it. Nothing is consumed in it."""

    def __init__(self, reach: Reach, word: str | None) -> None:
        self.reach: Reach = reach
        self.word = word
        if reach not in REACHES or not (word is None or isinstance(word, str)):
            raise ValueError("the record has a reach that no replay store has")

    def consume(self, key: bytes, ttl: int, note: bytes) -> NoReturn:
        raise StoreUnavailable("a record consumes nothing")

    def first(self, key: bytes) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Record:
    verdict: Mapping[str, Any]
    token: str
    context: Context
    main: str
    is_file: bool
    files: Mapping[str, bytes]
    keys: tuple[Mapping[str, Any], ...] | None
    loaded_at: float
    evaluated_at: float
    shared_key: bool
    store: _Store | None
    nonce: tuple[str, str | None] | None


def _read(record: Mapping[str, Any]) -> _Record:
    """The parts, each of its type; the record may come from anywhere."""
    try:
        if record["record_version"] != RECORD_VERSION:
            raise ValueError(f"this is no record of version {RECORD_VERSION}")
        policy, keys = record["policy"], record["keys"]
        if policy is None:
            raise ValueError("no policy judged this token: there is nothing to judge again")
        files = {_path(path): base64.b64decode(content, validate=True) for path, content in policy["files"].items()}
        return _Record(
            verdict=record["verdict"],
            token=_of_type(str, record["token"]),
            context=_context(record["context"]),
            main=_of_type(str, policy["main"]),
            is_file=_of_type(bool, policy["is_file"]),
            files=files,
            keys=None if keys is None else tuple(keys),
            loaded_at=_number(record["keys_loaded_at"]),
            evaluated_at=_number(record["evaluated_at"]),
            shared_key=_of_type(bool, record["key_of_two_issuers"]),
            store=_store(record["store"]),
            nonce=_nonce(record["nonce"]),
        )
    except (KeyError, TypeError, AttributeError, binascii.Error, UnicodeError):
        raise ValueError("this is no record: a part is missing or of another type") from None


def _of_type(kind: type, value: object) -> Any:  # noqa: ANN401 - of the type that was asked for
    if type(value) is not kind:
        raise TypeError
    return value


def _store(given: Mapping[str, Any] | None) -> _Store | None:
    return None if given is None else _Store(given["reach"], given["word"])


def _nonce(given: Mapping[str, Any] | None) -> tuple[str, str | None] | None:
    if given is None:
        return None
    result, said = given["result"], given["said"]
    if result not in _ANSWERS or not (said is None or isinstance(said, str)):
        raise ValueError("the record has an answer that no replay store gives")
    return result, said


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return float(value)


def _path(path: object) -> str:
    """A path that stays below the folder that it is written to."""
    if not isinstance(path, str) or (path_fault(path) is not None and path != "<policy>"):
        raise ValueError("the record names a file outside its policies' root")
    return path


def _context(given: Mapping[str, Any]) -> Context:
    certificate = given["client_certificate"]
    members = {name: given[name] for name in ("method", "path", "uri", "scheme", "nonce", "values")}
    return Context(
        **members,
        headers=[tuple(pair) for pair in given["headers"]],
        dpop=tuple(given["dpop"]),
        staples=tuple(base64.b64decode(staple, validate=True) for staple in given["staples"]),
        status_lists=tuple(given["status_lists"]),
        client_certificate=None if certificate is None else base64.b64decode(certificate, validate=True),
        from_trusted_proxy=given["from_trusted_proxy"],
    )


# ------------------------------------------------------------------------------------------------ judging


def _candidate(found: _Record, folder: Path, given: dict[str, Given]) -> Candidate:
    """The policy of the record, with its keys of then."""
    loaded = _loaded(found, folder)
    checked = check(loaded, now=found.loaded_at)
    if any(diagnostic.stops_loading for diagnostic in checked.diagnostics):
        raise PolicyError(checked.diagnostics)
    name = found.verdict.get("policy")
    policy = next((each for each in checked.policies if each.name == name), None)
    if policy is None:
        raise ValueError("the policy of the record is not among its files")
    if policy.digest != found.verdict.get("policy_digest"):
        raise ValueError("the policy's text is not the one that the verdict names by its digest")
    keys = {**_keys(policy, found), **given}
    ready, faults = candidates(
        [policy],
        among=[policy],
        keys=keys,
        replay=found.store or InspectOnly(),
        now=found.loaded_at,
        since={},
        held={},
        loaded=loaded,
    )
    if faults:
        raise PolicyError(faults)
    (candidate,) = ready
    if not found.shared_key:
        return candidate
    return without_issuer_authentication(candidate)


def _loaded(found: _Record, folder: Path) -> Loaded:
    for path, content in found.files.items():
        if found.is_file or path != found.main:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    (folder / "policyjwt.toml").touch()  # the root, whatever lies above the folder
    if found.is_file:
        return load_paths([folder / found.main])
    text = found.files.get(found.main)
    if text is None:
        raise ValueError("the text of the policy is not among the record's files")
    return load_text(text.decode("utf-8"), found.main, folder if len(found.files) > 1 else None)


def _keys(policy: CheckedPolicy, found: _Record) -> dict[str, Given]:
    """The public keys of then, for the source that the policy names; files speak for themselves."""
    if found.keys is None:
        return {}
    named = [source.reference for source in sources(policy) if not source.reference.startswith("file:")]
    public = tuple(_key(entry) for entry in found.keys if entry["jwk"] is not None)
    return dict.fromkeys(named, KeySet(public)) if public else {}


def _key(entry: Mapping[str, Any]) -> Key:
    jwk = dict(entry["jwk"]) | ({} if entry["kid"] is None else {"kid": entry["kid"]})
    try:
        (key,) = KeySet.from_jwks(jwk, reference=entry["reference"]).keys
    except KeyRefused:
        raise ValueError("a key of the record can't be read") from None
    return replace(key, algorithms=key.algorithms & frozenset(entry["algorithms"]))


def _differences(then: Mapping[str, Any], now: Inspection) -> list[str]:
    """What is not as it was. Files lie elsewhere by now, so places count by line and column alone."""
    again = now.to_dict(values=True)
    found = []
    if bool(then.get("trusted")) is not again["would_trust"]:
        found.append("the decision")
    for name in ("policy", "policy_digest", "token_digest", "evaluated_at", "assurances", "good_until"):
        if then.get(name) != again[name]:
            found.append(f"`{name}`")
    before, after = (tuple(map(_without_file, told.get("findings", ()))) for told in (then, again))
    if len(before) != len(after):
        return [*found, f"{len(after)} findings in place of {len(before)}"]
    pairs = zip(before, after, strict=True)
    return found + [f"finding {at} (`{new['code']}`)" for at, (old, new) in enumerate(pairs, start=1) if old != new]


def _without_file(finding: Mapping[str, Any]) -> dict[str, Any]:
    place = finding.get("location")
    plain = None if place is None else {name: place.get(name) for name in ("line", "column")}
    return {**finding, "location": plain}
