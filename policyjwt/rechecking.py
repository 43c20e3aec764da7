"""Judging a record again. Input: a record as `Verdict.record()` gives it. Output: whether it comes to the same.

Everything is judged anew, by the text and at the time of the record: nothing is fetched, no secret is looked up and no
nonce is consumed. What the store had answered stands in the record. A record proves nothing about its writer: keep it
where nobody changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from policyjwt.candidate import Candidate, without_issuer_authentication
from policyjwt.checker.check import check
from policyjwt.errors import KeyRefused, LoadError, PolicyError, StoreUnavailable, TokenRefused
from policyjwt.evaluation import Evaluation, nonce_answered
from policyjwt.judging import judge, judge_verified
from policyjwt.key_separation import compare
from policyjwt.key_sources import (
    Given,
    Obtained,
    Source,
    Supply,
    decryption_sources,
    signature_sources,
    status_sources,
)
from policyjwt.language.files import Files
from policyjwt.language.load import Loaded, load_paths, load_text
from policyjwt.language.model import CheckedPolicy, Secret
from policyjwt.loading import candidates
from policyjwt.recorded import Record, RecordedKey, read
from policyjwt.replay import InspectOnly
from policyjwt.replay.protocol import Reach
from policyjwt.selection import Selection
from policyjwt.tokens import KeySet
from policyjwt.tokens.decode import decode
from policyjwt.tokens.headers import check_algorithm
from policyjwt.tokens.key import Key
from policyjwt.tokens.signature import check_signature, seal
from policyjwt.verdict import Inspection


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

    `keys` hands in the secrets of a policy with HMAC by their references, as `Engine.load` takes them: no record holds
    them, and none is looked up. ValueError for what is no record, one of a token that no policy judged, or secrets that
    are missing; PolicyError where its policy can't be loaded.
    """
    found = read(record)
    with TemporaryDirectory(prefix="policyjwt-record-") as folder:
        candidate = _candidate(found, Path(folder), dict(keys or {}))
    going = Evaluation(now=found.evaluated_at, by_clock=found.by_clock)
    _judge(going, found, candidate)
    if going.consumes and found.nonce is not None:
        result, said, going.durability = found.nonce
        nonce_answered(going, result, said)
    inspection = Inspection(going.account, would_trust=going.passes)
    encrypted = going.envelope is not None
    differences = tuple(_differences(found.verdict, inspection, values=not encrypted))
    return Recheck(not differences, differences, inspection)


def _judge(going: Evaluation, found: Record, candidate: Candidate) -> None:
    selection, name = Selection([candidate]), candidate.validator.policy.name
    if found.verified_key is None:
        judge(going, selection, found.token, found.context, name)
        return
    key = _key(found.verified_key) if found.verified_key.jwk is not None else _secret_of(candidate, found.verified_key)
    try:
        token = decode(found.token)
        check_signature(token, key, check_algorithm(token.header, key.algorithms))  # what the other library had done
    except TokenRefused:
        raise ValueError("the token of the record does not bear the signature that was verified then") from None
    judge_verified(going, selection, seal(token, key), found.context, name)


def _secret_of(candidate: Candidate, wanted: RecordedKey) -> Key:
    for key in candidate.keys.keys if candidate.keys is not None else ():
        if key.symmetric and key.kid == wanted.kid:
            return key
    raise ValueError("the secret that verified the token is not among those that were handed in")


# ------------------------------------------------------------------------------------------------ the policy of then


class _Store:
    """The replay store of then, as far as verdicts tell of it. Nothing is consumed in it."""

    def __init__(self, reach: Reach, word: str | None) -> None:
        self.reach: Reach = reach
        self.word = word

    def consume(self, key: bytes, ttl: int, note: bytes) -> NoReturn:
        raise StoreUnavailable("a record consumes nothing")

    def first(self, key: bytes) -> None:
        return None


def _candidate(found: Record, folder: Path, given: dict[str, Given]) -> Candidate:
    """The policy of the record, with its keys of then."""
    loaded = _loaded(found, folder)
    checked = check(loaded, now=found.loaded_at)
    if any(diagnostic.stops_loading for diagnostic in checked.diagnostics):
        raise PolicyError(checked.diagnostics)
    policy = next((each for each in checked.policies if each.name == found.verdict["policy"]), None)
    if policy is None:
        raise ValueError("the policy of the record is not among its files")
    if policy.digest != found.verdict.get("policy_digest"):
        raise ValueError("the policy's text is not the one that the verdict names by its digest")
    assembly, faults = candidates(
        [policy],
        among=[policy],
        supply=_supply(policy, found, given),
        replay=InspectOnly() if found.store is None else _Store(*found.store),
        held={},
        loaded=loaded,
    )
    ready, compared = compare(assembly)
    if faults or compared:
        raise PolicyError((*faults, *compared))
    (candidate,) = ready
    candidate = _as_it_was(candidate, found)
    return without_issuer_authentication(candidate) if found.shared_key else candidate


def _loaded(found: Record, folder: Path) -> Loaded:
    try:
        for path, content in found.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (folder / "policyjwt.toml").touch()  # the root, whatever lies above the folder
        if found.text is not None:
            return load_text(found.text, found.name, folder if found.files else None)
        return load_paths([folder / found.name])
    except (OSError, LoadError):
        raise ValueError("the files of the record can't be laid out as a folder of policies") from None


def _as_it_was(candidate: Candidate, found: Record) -> Candidate:
    """With what was known of its keys then, and can't be seen of them alone."""
    keys, statuses = candidate.keys.keys if candidate.keys is not None else (), candidate.statuses
    gone = frozenset(key.material_id for key in keys if _was_withdrawn(key, found.keys))
    if statuses is not None and statuses.keys is not None:
        left = tuple(key for key in statuses.keys.keys if not _was_withdrawn(key, found.status_keys))
        statuses = replace(statuses, keys=KeySet(left) if left else None)
    return replace(candidate, recorded_role_reuse=found.role_reuse, withdrawn=gone, statuses=statuses)


def _was_withdrawn(key: Key, recorded: tuple[RecordedKey, ...] | None) -> bool:
    """Whether the record says so: of a public key by its numbers, of a secret by its name."""
    for each in recorded or ():
        same = each.kid == key.kid if each.jwk is None else key.jwk is not None and dict(key.jwk) == dict(each.jwk)
        if same and each.withdrawn:
            return True
    return False


def _supply(policy: CheckedPolicy, found: Record, given: dict[str, Given]) -> Supply:
    """The public keys of then, each as old as it was, and the secrets that were handed in."""
    mine, of_lists = list(signature_sources(policy)), list(status_sources(policy))
    secrets = {
        source.reference
        for source in (*mine, *of_lists, *decryption_sources(policy))
        if isinstance(source.item, Secret)
    }
    if given.keys() != secrets:
        missing, unknown = sorted(secrets - given.keys()), sorted(given.keys() - secrets)
        what = f"hand in {', '.join(missing)} with `keys`" if missing else f"no policy refers to {', '.join(unknown)}"
        raise ValueError(f"no record holds secrets: {what}")
    obtained = {
        **_public(mine, found.keys, at=found.loaded_at),
        **_public(of_lists, found.status_keys, at=found.status_loaded_at),
    }
    return Supply(given=given, obtained=obtained, files=Files(), since={}, now=found.loaded_at)


def _public(named: list[Source], keys: tuple[RecordedKey, ...] | None, *, at: float | None) -> dict[str, Obtained]:
    """By source: one address may be asked twice, for tokens and for lists, under two authorities."""
    wanted = [source.renewal for source in named if not isinstance(source.item, Secret)]
    public = tuple(_key(key) for key in keys or () if key.jwk is not None)
    if not public or at is None:
        return {}
    try:
        return dict.fromkeys(wanted, Obtained(KeySet(public), at=at, born=at))
    except KeyRefused:
        raise ValueError("the keys of the record are no key set") from None


def _key(recorded: RecordedKey) -> Key:
    assert recorded.jwk is not None
    jwk = dict(recorded.jwk) | ({} if recorded.kid is None else {"kid": recorded.kid})
    try:
        (key,) = KeySet.from_jwks(jwk, reference=recorded.reference).keys
    except KeyRefused:
        raise ValueError("a key of the record can't be read") from None
    return replace(key, algorithms=key.algorithms & recorded.algorithms)


# ------------------------------------------------------------------------------------------------ the comparison


def _differences(then: Mapping[str, Any], now: Inspection, *, values: bool) -> Iterator[str]:
    """What is not as it was. Files lie elsewhere by now, so places count by line and column alone."""
    again = now.to_dict(values=values)
    if then["trusted"] is not again["would_trust"]:
        yield "the decision"
    for name in ("would_trust", "policy", "policy_digest", "token_digest", "evaluated_at", "assurances", "good_until"):
        if then.get(name) != again[name]:
            yield f"`{name}`"
    before, after = (tuple(map(_without_file, told["findings"])) for told in (then, again))
    if len(before) != len(after):
        yield f"{len(after)} findings in place of {len(before)}"
        return
    for at, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        if old != new:
            yield f"finding {at} (`{new['code']}`)"


def _without_file(finding: Mapping[str, Any]) -> dict[str, Any]:
    place = finding["location"]
    plain = None if place is None else {name: place[name] for name in ("line", "column")}
    return {**finding, "location": plain}
