"""One evaluation on its way: what each step leaves behind, and the account that a verdict gives of it."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass

from policyjwt.account import JudgedByPolicy, RefusedEarly
from policyjwt.errors import TokenRefused
from policyjwt.loading import Candidate
from policyjwt.replay import store_key, time_to_live
from policyjwt.request import Context
from policyjwt.requirements.describe import duration
from policyjwt.requirements.freshness import time_of
from policyjwt.requirements.line import MET, NOT_REACHED, Facts
from policyjwt.requirements.promises import NOT_ESTABLISHED
from policyjwt.selection import Selection
from policyjwt.tokens import VerifiedToken
from policyjwt.tokens.decode import UnverifiedToken, decode, remember_header
from policyjwt.tokens.headers import check as check_header
from policyjwt.tokens.headers import check_algorithm
from policyjwt.tokens.key import Key
from policyjwt.tokens.messages import missing
from policyjwt.tokens.signature import check_signature, kid_of
from policyjwt.verdict import Account, KeyUsed
from policyjwt.views import time_text

NODE = platform.node()
_NO_CLAIMS: dict[str, object] = {}


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Evaluation:
    """What is known so far. Nobody outside the engine sees it, and nothing changes it once a verdict is made."""

    now: float
    text: str | None = None
    candidate: Candidate | None = None
    refused: TokenRefused | None = None
    key: Key | None = None
    claims: dict[str, object] | None = None
    header: dict[str, object] | None = None
    context: dict[str, object] | None = None
    results: tuple[str, ...] | None = None
    promised: tuple[str, ...] = ()
    passes: bool = False
    consumed: str | None = None

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
            key=used,
        )

    def account(self) -> Account:
        """What a verdict tells."""
        if self.candidate is None:
            assert self.refused is not None
            return RefusedEarly(self.refused, self.now, self.text)
        promises = self.candidate.validator.promises
        return JudgedByPolicy(
            validator=self.candidate.validator,
            facts=self.facts(),
            results=self.results,
            promised=self.promised or (NOT_REACHED,) * len(promises),
            standings=self.candidate.standings,
            text=self.text or "",
            refused=self.refused,
            consumed=self.consumed,
            keys_until=self.candidate.stale_after,
            passes=self.passes,
        )


# ------------------------------------------------------------------------------------------------ the steps


def judge(going: Evaluation, selection: Selection, token: str | None, context: Context, policy: str | None) -> None:
    """Decode, select the policy, verify, validate: everything but the nonce."""
    try:
        if token is None:
            raise missing()
        going.text = token
        unverified = decode(token)
        going.candidate = selection.choose(unverified, policy)
        going.key = _verify(unverified, going.candidate, going.now)
        remember_header(unverified)
        _validate(going, going.candidate, unverified, context)
    except TokenRefused as refused:
        going.refused = _alone(refused)
    except Exception as error:  # noqa: BLE001 - the fail-closed border of an evaluation: a defect of ours refuses
        _defect(going, error)


def judge_verified(
    going: Evaluation, selection: Selection, verified: VerifiedToken, context: Context, policy: str | None
) -> None:
    """As `judge`, for a token whose signature another library verified: the key is judged again."""
    try:
        going.text = verified.token
        unverified = decode(verified.token)
        going.candidate = selection.choose(unverified, policy)
        going.key = _judge_key_again(verified.key, unverified, going.candidate, going.now)
        _validate(going, going.candidate, unverified, context)
    except TokenRefused as refused:
        going.refused = _alone(refused)
    except Exception as error:  # noqa: BLE001 - the fail-closed border of an evaluation: a defect of ours refuses
        _defect(going, error)


def _verify(token: UnverifiedToken, candidate: Candidate, now: float) -> Key:
    """Header, key and signature, in this order (RFC 7515, section 5.2); the key that made the signature."""
    key, algorithm = _key_for(token, candidate, now)
    check_signature(token, key, algorithm)
    return key


def _key_for(token: UnverifiedToken, candidate: Candidate, now: float) -> tuple[Key, str]:
    algorithm = _checked_header(token, candidate, now)
    return _believed(candidate.keys.select(kid_of(token.header), algorithm), candidate), algorithm


def _checked_header(token: UnverifiedToken, candidate: Candidate, now: float) -> str:
    """The algorithm, where the header is in order and the keys are not too old."""
    check_header(token.header, claims=token.claims)
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
    if key.thumbprint in candidate.distrusted:
        raise TokenRefused(
            "key.distrusted",
            actual="the policy no longer believes this key",
            expected="a key that is not excepted",
        )
    return key


def _judge_key_again(key: Key, token: UnverifiedToken, candidate: Candidate, now: float) -> Key:
    """The key that another library used must be in the policy's own source now, for an algorithm of its list."""
    algorithm = _checked_header(token, candidate, now)
    for own in candidate.keys.keys:
        if own.material_id == key.material_id and algorithm in own.algorithms:
            return _believed(own, candidate)
    raise TokenRefused(
        "key.not_of_this_issuer",
        actual="the signature was verified with a key that is not in the policy's own source for this algorithm",
        expected="a key of this issuer's own source",
    )


def _validate(going: Evaluation, candidate: Candidate, token: UnverifiedToken, context: Context) -> None:
    """Judge every requirement on verified claims, then the promises that need no store."""
    validator = candidate.validator
    going.claims, going.header = token.claims, token.header
    going.context = context.facts() if validator.reads_context else _NO_CLAIMS
    results = validator.judge(token.claims, token.header, going.context, going.now)
    passes = validator.passes(results)
    if passes and validator.promises:
        going.promised = tuple(_promise(candidate, promise.name) for promise in validator.promises)
        passes = NOT_ESTABLISHED not in going.promised
    if validator.nonce is not None and results[validator.nonce_at] == MET:
        results = _with_nonce(candidate, results, NOT_REACHED)
    going.results, going.passes = results, passes


def _promise(candidate: Candidate, name: str) -> str:
    if name not in candidate.established:
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
    assert going.claims is not None
    line, claims, facts = going.candidate.validator.nonce, going.claims, going.facts()
    assert line is not None
    key = store_key(
        scope=line.scope,
        issuer=line.issuer(claims),
        within=line.within(claims),
        path=line.nonce.claim.members,
        nonce=line.value(claims),
    )
    ttl = time_to_live(exp=time_of(facts, "exp"), iat=time_of(facts, "iat"), now=going.now)
    note = json.dumps({"at": time_text(going.now), "policy": line.policy, "node": NODE}).encode()
    return key, ttl, note


def nonce_answered(going: Evaluation, result: str, said: str | None) -> None:
    """Note what the store answered; only a first use lets the token be trusted."""
    assert going.candidate is not None
    assert going.results is not None
    going.results = _with_nonce(going.candidate, going.results, result)
    going.passes = result == MET
    going.consumed = said
    if going.passes:
        going.promised = tuple(MET if promised == NOT_REACHED else promised for promised in going.promised)
