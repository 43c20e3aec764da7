"""The steps of one evaluation, in their order: open, decode, select the policy, verify, look at evidence, validate.

Input: a token and what the caller said. Output: what each step leaves behind in an `Evaluation`, or why it refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policyjwt.candidate import OF_THE_ISSUER, Candidate
from policyjwt.errors import TokenRefused
from policyjwt.evaluation import NO_CLAIMS, Evaluation, with_nonce
from policyjwt.holders import Shown
from policyjwt.key_age import check_age
from policyjwt.recipients import came, check_recipient, forbidden
from policyjwt.requirements.encryption import KIND as ENCRYPTION
from policyjwt.requirements.holder import KIND as HOLDER
from policyjwt.requirements.line import MET, NOT_REACHED
from policyjwt.requirements.promises import NOT_ESTABLISHED
from policyjwt.tokens.decode import UnverifiedToken, decode, remember_header
from policyjwt.tokens.headers import check as check_header
from policyjwt.tokens.headers import check_algorithm
from policyjwt.tokens.key import Key
from policyjwt.tokens.messages import form, key_withdrawn, missing, signs_and_decrypts
from policyjwt.tokens.signature import check_signature, kid_of

if TYPE_CHECKING:
    from policyjwt.request import Context
    from policyjwt.selection import Selection
    from policyjwt.tokens import VerifiedToken

_SEGMENTS_OF_ENCRYPTION = 5
_OF_OLD_KEYS = frozenset({"key.set_stale", "status.list_invalid"})
"""What becomes of a status list whose keys are too old, or do not have the one that signed it yet."""


def judge(going: Evaluation, selection: Selection, token: str | None, context: Context, policy: str | None) -> None:
    """Decode, select the policy, verify, validate: everything but the nonce."""
    going.request = context
    try:
        if token is None:
            raise missing()
        going.text = token
        unverified = _opened(going, selection, token)
        going.candidate = selection.choose(unverified, policy)
        if going.envelope is not None or going.candidate.recipient is not None:
            _judge_envelope(going, going.candidate)
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
        going.key = _judge_key_again(going, verified.key, unverified, going.candidate)
        _judge_evidence(going, going.candidate, unverified, context)
        _validate(going, going.candidate, unverified, context)
    except TokenRefused as refused:
        going.refused = _alone(refused)
    except Exception as error:  # noqa: BLE001 - the fail-closed border of an evaluation: a defect of ours refuses
        _defect(going, error)


def _opened(going: Evaluation, selection: Selection, token: str) -> UnverifiedToken:
    """The signed token, out of the encrypted one where it came in one (RFC 7519, section 7.2, step 7)."""
    recipients = selection.recipients
    if recipients is None or not _is_encrypted(token):
        try:
            return decode(token, json_form=selection.reads_json)
        except TokenRefused as refused:
            raise (forbidden(token) if _is_encrypted(token) else refused) from None
    encrypted = recipients.read(token)
    try:
        going.envelope, unverified = recipients.open(encrypted)
    except TokenRefused as refused:
        if refused.code == "key.unknown_kid" and encrypted.kid is not None:
            going.wanted = recipients.renewals, encrypted.kid
        raise
    return unverified


def _is_encrypted(token: str) -> bool:
    return token.count(".") == _SEGMENTS_OF_ENCRYPTION - 1 and token[:1] != "{"


def _judge_envelope(going: Evaluation, candidate: Candidate) -> None:
    """An envelope must be for the policy that the claims chose; one that asks for an envelope tells what came."""
    if going.envelope is not None:
        check_recipient(candidate.recipient, going.envelope)
    if candidate.recipient is not None:
        going.evidence = {ENCRYPTION: came(going.envelope)}


def _verify(going: Evaluation, candidate: Candidate, token: UnverifiedToken) -> None:
    """Header, key or certificate path, and signature, in this order (RFC 7515, section 5.2)."""
    algorithm = _checked_header(going, token, candidate)
    signers, found = candidate.signers, None
    if signers is not None:
        found = signers.find(token.header, alg=algorithm, now=going.now)
        key = _believed(found.path.key, candidate)
        if candidate.roles("signer").forbid(found.path.certificates):  # check: K7
            raise signs_and_decrypts("the token")
    else:
        key = _believed(_named_key(going, candidate, kid_of(token.header), algorithm), candidate)
    check_signature(token, key, algorithm)
    going.key = key
    if found is not None:
        going.path = found.path
    if going.envelope is not None:  # nothing of what came encrypted is kept
        return
    remember_header(token)
    if signers is not None and found is not None:
        signers.remember(found)


def _named_key(going: Evaluation, candidate: Candidate, kid: str | None, algorithm: str) -> Key:
    """The key that the token names. One that is not known may be there after the next renewal."""
    assert candidate.keys is not None
    try:
        return candidate.keys.select(kid, algorithm)
    except TokenRefused as refused:
        if refused.code == "key.unknown_kid" and kid is not None:
            going.wanted = _renewals(candidate), kid
        raise


def _renewals(candidate: Candidate) -> tuple[str, ...]:
    return tuple(each.source.renewal for each in candidate.sources.signature)


def _checked_header(going: Evaluation, token: UnverifiedToken, candidate: Candidate) -> str:
    """The algorithm, where the header is in order and the keys are not too old."""
    if token.unprotected is not None and not candidate.reads_json:
        raise form()
    signers = candidate.signers
    understood = signers.staple.name if signers is not None and signers.staple is not None else None
    check_header(token.header, x5c_allowed=signers is not None, understood=understood, claims=token.claims)
    algorithm = check_algorithm(token.header, candidate.algorithms)
    if candidate.stale_after is not None:
        try:
            check_age(
                "the keys",
                came=candidate.loaded_at,
                until=candidate.stale_after,
                now=going.now,
                by_clock=going.by_clock,
            )
        except TokenRefused:
            going.wanted = _renewals(candidate), None
            raise
    return algorithm


def _believed(key: Key, candidate: Candidate) -> Key:
    if candidate.distrusted and key.thumbprint in candidate.distrusted:
        raise TokenRefused(
            "key.distrusted",
            actual="the policy no longer believes this key",
            expected="a key that is not excepted",
        )
    if candidate.withdrawn and key.material_id in candidate.withdrawn:
        raise key_withdrawn()
    return key


def _judge_key_again(going: Evaluation, key: Key, token: UnverifiedToken, candidate: Candidate) -> Key:
    """The key that another library used must be in the policy's own source now, for an algorithm of its list."""
    if candidate.keys is None or candidate.holders is not None or candidate.recipient is not None:
        raise TokenRefused(
            "policy.needs_evaluate",
            actual="this policy judges more than a signature: certificates, encryption, or the proof of a holder",
            expected="the token itself: call `Engine.evaluate`",
        )
    algorithm = _checked_header(going, token, candidate)
    for own in candidate.keys.keys:
        if own.material_id == key.material_id and algorithm in own.algorithms:
            return _believed(own, candidate)
    if key.kid is not None:  # the other library may know the issuer's newest key sooner than this engine
        going.wanted = _renewals(candidate), key.kid
    raise TokenRefused(
        "key.not_of_this_issuer",
        actual="the signature was verified with a key that is not in the policy's own source for this algorithm",
        expected="a key of this issuer's own source",
    )


def _judge_evidence(going: Evaluation, candidate: Candidate, token: UnverifiedToken, context: Context) -> None:
    """What became of the evidence about the signer and the token, now that the signature is verified."""
    found = dict(going.evidence)
    if candidate.signers is not None and going.path is not None:
        judged = candidate.signers.judge(
            going.path,
            token,
            context.staples,
            now=going.now,
            keep=going.envelope is None,
            roles=candidate.roles("responder"),
        )
        found.update(judged)
    if candidate.holders is not None:
        shown = Shown()
        found[HOLDER] = candidate.holders.judge(going.text or "", token.claims, context, shown, now=going.now)
        going.proof, going.client = shown.proof, shown.client or NO_CLAIMS
    if candidate.statuses is not None:
        found["status"] = candidate.statuses.judge(
            token.claims, context.status_lists, now=going.now, by_clock=going.by_clock
        )
        if found["status"].result in _OF_OLD_KEYS:
            going.wanted = tuple(each.source.renewal for each in candidate.sources.status), None
    going.evidence = found


def _validate(going: Evaluation, candidate: Candidate, token: UnverifiedToken, context: Context) -> None:
    """Judge every requirement on verified claims, then the promises that need no store."""
    validator = candidate.validator
    going.claims, going.header = token.claims, token.header
    going.context = context.facts() if validator.reads_context else NO_CLAIMS
    path = going.path
    certificate = path.facts if path is not None and validator.reads_certificate else NO_CLAIMS
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
        results = with_nonce(candidate, results, NOT_REACHED)
    going.results, going.passes = results, passes


def _promise(candidate: Candidate, name: str, established: frozenset[str]) -> str:
    if name not in established:
        return NOT_ESTABLISHED
    waits = name == "replay-protection" and candidate.validator.nonce is not None
    return NOT_REACHED if waits else MET


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
