"""One evaluation on its way: what each step leaves behind, and the account that a verdict gives of it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from policyjwt.account import JudgedByPolicy, RefusedEarly
from policyjwt.assurance import Standing
from policyjwt.challenges import BEARER, Scheme
from policyjwt.errors import TokenRefused
from policyjwt.holders import Shown
from policyjwt.loading import OF_THE_ISSUER, Candidate, standings_of_a_shared_key
from policyjwt.recording import record
from policyjwt.request import Context
from policyjwt.requirements.holder import KIND as HOLDER
from policyjwt.requirements.line import MET, NOT_REACHED, EvidenceResult, Facts
from policyjwt.requirements.promises import NOT_ESTABLISHED
from policyjwt.selection import Selection
from policyjwt.spans import duration
from policyjwt.tokens import VerifiedToken
from policyjwt.tokens.decode import UnverifiedToken, decode, remember_header
from policyjwt.tokens.headers import check as check_header
from policyjwt.tokens.headers import check_algorithm
from policyjwt.tokens.key import Key
from policyjwt.tokens.messages import form, missing
from policyjwt.tokens.signature import check_signature, kid_of
from policyjwt.verdict import Account, KeyUsed
from policyjwt.views import time_text

if TYPE_CHECKING:
    from policyjwt.evidence.dpop import Proof
    from policyjwt.tokens.certificate_path import CertificatePath

NODE = platform.node()
_NO_REQUEST = Context()
_NO_CLAIMS: dict[str, object] = {}


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Evaluation:
    """What is known so far. Nobody outside the engine sees it, and nothing changes it once a verdict is made."""

    now: float
    text: str | None = None
    candidate: Candidate | None = None
    refused: TokenRefused | None = None
    key: Key | None = None
    verified_key: Key | None = None
    path: CertificatePath | None = None
    evidence: Mapping[str, EvidenceResult] = field(default_factory=dict)
    client: Mapping[str, object] = field(default_factory=dict)
    proof: Proof | None = None
    claims: dict[str, object] | None = None
    header: dict[str, object] | None = None
    context: dict[str, object] | None = None
    request: Context = _NO_REQUEST
    results: tuple[str, ...] | None = None
    promised: tuple[str, ...] = ()
    passes: bool = False
    consumed: str | None = None
    answered: str | None = None
    durability: str | None = None
    schemes: tuple[Scheme, ...] = (BEARER,)

    @property
    def consumes(self) -> bool:
        """Whether a nonce is still to be consumed."""
        return self.passes and self.candidate is not None and self.candidate.validator.nonce is not None

    def facts(self) -> Facts:
        """What the lines of the policy judged."""
        key = self.key
        used = None
        if key is not None:
            used = KeyUsed(key.kid, key.thumbprint, key.reference or "handed in")
        return Facts(
            claims=self.claims or _NO_CLAIMS,
            header=self.header or _NO_CLAIMS,
            context=self.context or _NO_CLAIMS,
            now=self.now,
            certificate=self.path.facts if self.path is not None else _NO_CLAIMS,
            client=self.client,
            evidence=self.evidence,
            proof=self.proof,
            key=used,
        )

    def account(self) -> Account:
        """What a verdict tells."""
        if self.candidate is None:
            assert self.refused is not None
            return RefusedEarly(self.refused, self.now, self.text, self._record, self.schemes)
        promises = self.candidate.validator.promises
        return JudgedByPolicy(
            validator=self.candidate.validator,
            facts=self.facts(),
            results=self.results,
            promised=self.promised or (NOT_REACHED,) * len(promises),
            standings=self._standings(self.candidate),
            text=self.text or "",
            refused=self.refused,
            consumed=self.consumed,
            durability=self.durability,
            keys_until=self.candidate.stale_after,
            passes=self.passes,
            recorded=self._record,
        )

    @property
    def shares_key(self) -> bool:
        """Whether the signer's key is another issuer's too, as loaded or as its certificate shows it."""
        candidate = self.candidate
        if candidate is None:
            return False
        return candidate.shares_key or (self.path is not None and candidate.others.share(self.path))

    def _standings(self, candidate: Candidate) -> tuple[Standing, ...]:
        """What the policy's mechanisms give, with the key that came."""
        return standings_of_a_shared_key(candidate.standings) if self.shares_key else candidate.standings

    def _record(self, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """All that this evaluation was made of."""
        candidate = self.candidate
        return record(
            verdict=verdict,
            token=self.text,
            context=self.request,
            policy=None if candidate is None else candidate.validator.policy,
            source=None if candidate is None else candidate.source,
            keys=None if candidate is None else candidate.keys,
            status_keys=None if candidate is None or candidate.statuses is None else candidate.statuses.keys,
            verified_key=self.verified_key,
            loaded_at=None if candidate is None else candidate.loaded_at,
            evaluated_at=self.now,
            shared_key=self.shares_key,
            store=None if candidate is None else candidate.store,
            nonce=None if self.answered is None else (self.answered, self.consumed, self.durability),
        )


# ------------------------------------------------------------------------------------------------ the steps


def judge(going: Evaluation, selection: Selection, token: str | None, context: Context, policy: str | None) -> None:
    """Decode, select the policy, verify, validate: everything but the nonce."""
    going.request = context
    try:
        if token is None:
            raise missing()
        going.text = token
        unverified = decode(token, json_form=selection.reads_json)
        going.candidate = selection.choose(unverified, policy)
        _verify(going, going.candidate, unverified)
        _judge_evidence(going, going.candidate, unverified, context)
        _validate(going, going.candidate, unverified, context)
    except TokenRefused as refused:
        going.refused = _alone(refused)
    except Exception as error:  # noqa: BLE001 - the fail-closed border of an evaluation: a defect of ours refuses
        _defect(going, error)


def judge_verified(
    going: Evaluation, selection: Selection, verified: VerifiedToken, context: Context, policy: str | None
) -> None:
    """As `judge`, for a token whose signature another library verified: the key is judged again."""
    going.request = context
    try:
        going.text, going.verified_key = verified.token, verified.key
        unverified = decode(verified.token)
        going.candidate = selection.choose(unverified, policy)
        going.key = _judge_key_again(verified.key, unverified, going.candidate, going.now)
        _judge_evidence(going, going.candidate, unverified, context)
        _validate(going, going.candidate, unverified, context)
    except TokenRefused as refused:
        going.refused = _alone(refused)
    except Exception as error:  # noqa: BLE001 - the fail-closed border of an evaluation: a defect of ours refuses
        _defect(going, error)


def _verify(going: Evaluation, candidate: Candidate, token: UnverifiedToken) -> None:
    """Header, key or certificate path, and signature, in this order (RFC 7515, section 5.2)."""
    algorithm = _checked_header(token, candidate, going.now)
    signers, found = candidate.signers, None
    if signers is not None:
        found = signers.find(token.header, alg=algorithm, now=going.now)
        key = _believed(found.path.key, candidate)
    else:
        assert candidate.keys is not None
        key = _believed(candidate.keys.select(kid_of(token.header), algorithm), candidate)
    check_signature(token, key, algorithm)
    going.key = key
    remember_header(token)
    if signers is not None and found is not None:
        going.path = found.path
        signers.remember(found)


def _checked_header(token: UnverifiedToken, candidate: Candidate, now: float) -> str:
    """The algorithm, where the header is in order and the keys are not too old."""
    if token.unprotected is not None and not candidate.reads_json:
        raise form()
    signers = candidate.signers
    understood = signers.staple.name if signers is not None and signers.staple is not None else None
    check_header(token.header, x5c_allowed=signers is not None, understood=understood, claims=token.claims)
    algorithm = check_algorithm(token.header, candidate.algorithms)
    if candidate.stale_after is not None and now > candidate.stale_after:
        raise TokenRefused(
            "key.set_stale",
            actual=f"the keys are {duration(now - candidate.loaded_at)} old",
            expected=f"keys of at most {duration(candidate.stale_after - candidate.loaded_at)}",
            help="hand in newer keys: a resolver is asked again at every `Engine.reload()`",
        )
    return algorithm


def _believed(key: Key, candidate: Candidate) -> Key:
    if candidate.distrusted and key.thumbprint in candidate.distrusted:
        raise TokenRefused(
            "key.distrusted",
            actual="the policy no longer believes this key",
            expected="a key that is not excepted",
        )
    return key


def _judge_key_again(key: Key, token: UnverifiedToken, candidate: Candidate, now: float) -> Key:
    """The key that another library used must be in the policy's own source now, for an algorithm of its list."""
    if candidate.keys is None or candidate.holders is not None:
        raise TokenRefused(
            "policy.needs_evaluate",
            actual="this policy judges what comes with the token: certificates, or the proof of its holder",
            expected="the token itself: call `Engine.evaluate`",
        )
    algorithm = _checked_header(token, candidate, now)
    for own in candidate.keys.keys:
        if own.material_id == key.material_id and algorithm in own.algorithms:
            return _believed(own, candidate)
    raise TokenRefused(
        "key.not_of_this_issuer",
        actual="the signature was verified with a key that is not in the policy's own source for this algorithm",
        expected="a key of this issuer's own source",
    )


def _judge_evidence(going: Evaluation, candidate: Candidate, token: UnverifiedToken, context: Context) -> None:
    """What became of the evidence about the signer and the token, now that the signature is verified."""
    found: dict[str, EvidenceResult] = {}
    if candidate.signers is not None and going.path is not None:
        found.update(candidate.signers.judge(going.path, token, context.staples, now=going.now))
    if candidate.holders is not None:
        shown = Shown()
        found[HOLDER] = candidate.holders.judge(token.text, token.claims, context, shown, now=going.now)
        going.proof, going.client = shown.proof, shown.client or _NO_CLAIMS
    if candidate.statuses is not None:
        found["status"] = candidate.statuses.judge(token.claims, context.status_lists, now=going.now)
    going.evidence = found


def _validate(going: Evaluation, candidate: Candidate, token: UnverifiedToken, context: Context) -> None:
    """Judge every requirement on verified claims, then the promises that need no store."""
    validator = candidate.validator
    going.claims, going.header = token.claims, token.header
    going.context = context.facts() if validator.reads_context else _NO_CLAIMS
    path = going.path
    certificate = path.facts if path is not None and validator.reads_certificate else _NO_CLAIMS
    results = validator.judge(
        token.claims, token.header, going.context, going.now, certificate, going.client, going.evidence
    )
    passes = validator.passes(results)
    if passes and validator.promises:
        established = candidate.established
        if going.shares_key:
            established -= OF_THE_ISSUER
        going.promised = tuple(_promise(candidate, promise.name, established) for promise in validator.promises)
        passes = NOT_ESTABLISHED not in going.promised
    if validator.nonce is not None and results[validator.nonce_at] == MET:
        results = _with_nonce(candidate, results, NOT_REACHED)
    going.results, going.passes = results, passes


def _promise(candidate: Candidate, name: str, established: frozenset[str]) -> str:
    if name not in established:
        return NOT_ESTABLISHED
    waits = name == "replay-protection" and candidate.validator.nonce is not None
    return NOT_REACHED if waits else MET


def _with_nonce(candidate: Candidate, results: tuple[str, ...], result: str) -> tuple[str, ...]:
    at = candidate.validator.nonce_at
    return (*results[:at], result, *results[at + 1 :])


def _alone(refused: TokenRefused) -> TokenRefused:
    """The refusal without the frames that it came through: they hold the token, and would hold each other."""
    refused.__context__ = None
    return refused.with_traceback(None)


def _defect(going: Evaluation, error: Exception) -> None:
    """A defect of ours: nothing of the exception is told but where it arose, for its text may quote the token."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_globals.get('__name__')}, line {frame.tb_lineno}" if frame is not None else "unknown"
    going.results, going.promised, going.passes = None, (), False
    going.refused = TokenRefused(
        "internal.defect",
        actual="judging the token failed, which is a defect of policyjwt",
        expected="a judgement",
        help=f"please report it: {where}",
    )


# ------------------------------------------------------------------------------------------------ the nonce


def nonce_request(going: Evaluation) -> tuple[bytes, int, bytes]:
    """What the store is asked: the key, how long it lives (seconds), and a note for the report of a later replay."""
    assert going.candidate is not None
    line, facts = going.candidate.validator.nonce, going.facts()
    assert line is not None
    key, ttl = line.consumed(facts)
    note = json.dumps({"at": time_text(going.now), "policy": line.policy, "node": NODE}).encode()
    return key, ttl, note


def nonce_answered(going: Evaluation, result: str, said: str | None) -> None:
    """Note what the store answered; only a first use lets the token be trusted."""
    assert going.candidate is not None
    assert going.results is not None
    going.results = _with_nonce(going.candidate, going.results, result)
    going.passes = result == MET
    going.answered, going.consumed = result, said
    if going.passes:
        going.promised = tuple(MET if promised == NOT_REACHED else promised for promised in going.promised)
