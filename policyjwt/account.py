"""What an evaluation can tell about itself: results in; findings and assurances out, made when somebody reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from policyjwt import codes
from policyjwt.assurance import TABLE, Standing
from policyjwt.challenges import Error, Scheme, scheme_of
from policyjwt.compiler.validator import Validator
from policyjwt.errors import TokenRefused, UntrustedTokenError
from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import IssuerFrom, Revocation
from policyjwt.requirements.encryption import KIND as ENCRYPTION
from policyjwt.requirements.holder import KIND as HOLDER
from policyjwt.requirements.line import (
    DEFECT,
    LIMIT,
    MET,
    NOT_REACHED,
    OBSERVED,
    PASSING,
    Facts,
    Line,
    code_of,
    outcome_of,
)
from policyjwt.requirements.paths import claims_read
from policyjwt.requirements.rules import RuleLine
from policyjwt.source import Place
from policyjwt.verdict import FAILING, Assurance, Finding, Judged, Location, Outcome, Released

Recorded: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Makes a record of an evaluation, given its verdict as data."""

DEPENDENCY_CODES = frozenset(
    {
        "replay.store_unavailable",
        "replay.store_full",
        "replay.not_durable",
        "key.set_stale",
        "crl.bad_signature",
        "crl.expired",
        "crl.missing",
        "crl.no_next_update",
        "crl.not_yet_valid",
        "crl.stale",
        "crl.unsupported",
        "status.list_invalid",
        "status.list_missing",
        "status.malformed",
        "status.not_yet_valid",
        "status.stale",
        "status.wrong_list",
        "internal.clock",
    }
)
"""Refusals for which something of ours is to blame, or what the service handed over: the client may come again."""

_PROOF_CODES = frozenset(
    {
        "holder.dpop_alg",
        "holder.dpop_ath",
        "holder.dpop_claims",
        "holder.dpop_count",
        "holder.dpop_htm",
        "holder.dpop_htu",
        "holder.dpop_jwk",
        "holder.dpop_malformed",
        "holder.dpop_nonce",
        "holder.dpop_not_yet_valid",
        "holder.dpop_signature",
        "holder.dpop_stale",
        "holder.dpop_typ",
    }
)
"""What is wrong with a proof alone: the client makes another, for the same token."""

_OF_THE_CALLER = frozenset({"staple.expired", "staple.missing", "staple.no_next_update", "staple.stale"})
"""The same, where the policy takes staples from the caller."""


@dataclass(frozen=True, slots=True, repr=False)
class RefusedEarly:
    """A token that no policy judged: its form is broken, or no policy is for it."""

    refused: TokenRefused
    now: float
    text: str | None
    recorded: Recorded
    schemes: tuple[Scheme, ...]

    def record(self, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """See `Account`."""
        return self.recorded(verdict)

    def judged(self) -> Judged:
        """See `Account`."""
        return Judged(evaluated_at=self.now, token_digest=_digest(self.text))

    def released(self) -> Released:
        """Nothing is released."""
        raise UntrustedTokenError("this token is not trusted: its claims are not available")

    def findings(self, *, values: bool) -> tuple[Finding, ...]:
        """The one reason."""
        return (_refusal(self.refused, None),)

    def assurances(self) -> tuple[Assurance, ...]:
        """Nothing is assured."""
        return tuple(Assurance(name, False, why_not=_no_policy(name)) for name in TABLE)

    def good_until(self) -> float | None:
        """Nothing that could end."""
        return None

    def came_encrypted(self) -> bool:
        """See `Account`. Nothing of what was inside is told."""
        return False

    def missing(self) -> bool:
        """See `Account`."""
        return self.refused.code == "token.missing"

    def dependency_down(self) -> bool:
        """See `Account`."""
        return self.refused.code in DEPENDENCY_CODES

    def insufficient_scope(self) -> bool:
        """See `Account`."""
        return False

    def challenge(self) -> str:
        """See `Account`. The error stands with the first scheme that the service offers."""
        first, *others = self.schemes
        error: Error | None = None if self.missing() else "invalid_token"
        return ", ".join([first.challenge(error), *(scheme.challenge() for scheme in others)])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class JudgedByPolicy:
    """A token that a policy judged. `results` are those of the validator's lines, None where verification stopped.

    `promised` are the results of the promises, `standings` what the policy's mechanisms give as loaded, `refused` is
    why verification stopped, `consumed` a phrase about the nonce and `durability` one about its store, `keys_until` the
    instant past which the keys are no longer believed; `passes` is the decision, and `recorded` makes a record of all
    that it was made of.
    """

    validator: Validator
    facts: Facts
    results: tuple[str, ...] | None
    promised: tuple[str, ...]
    standings: tuple[Standing, ...]
    text: str
    recorded: Recorded
    refused: TokenRefused | None = None
    consumed: str | None = None
    durability: str | None = None
    keys_until: float | None = None
    passes: bool = False

    def record(self, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """See `Account`."""
        return self.recorded(verdict)

    def judged(self) -> Judged:
        """See `Account`."""
        policy, at = self.validator.policy, self.validator.policy.block.place.span
        return Judged(
            evaluated_at=self.facts.now,
            policy=policy.name,
            policy_digest=policy.digest,
            policy_location=Location(at.file, at.line, at.column),
            token_digest=_digest(self.text),
            key=self.facts.key,
        )

    def released(self) -> Released:
        """See `Account`."""
        policy, claims = self.validator.policy, self.facts.claims
        return Released(
            claims=claims,
            provided=frozenset(provided.claim for provided in policy.block.provides),
            issuer=policy.issuer.glob if isinstance(policy.issuer, IssuerFrom) else str(claims["iss"]),
            policy=policy.name,
        )

    def findings(self, *, values: bool) -> tuple[Finding, ...]:
        """See `Account`."""
        return tuple(self._findings(values=values))

    def _findings(self, *, values: bool) -> Iterator[Finding]:
        if self.refused is not None and self._line_of(self.refused.code) is None:
            yield _refusal(self.refused, self.validator.policy.block.place)
        results = self.results if self.results is not None else tuple(self._stopped())
        for line, result in zip(self.validator.lines, results, strict=True):
            if not (line.about.implicit and result in {MET, NOT_REACHED}):
                yield self._finding(line, result, values=values)
        for promise, result in zip(self.validator.promises, self.promised, strict=True):
            yield self._finding(promise, result, values=values)

    def _stopped(self) -> Iterator[str]:
        """The results where verification stopped: met up to the line that refused, not reached behind it."""
        assert self.refused is not None
        stage, reason = self.refused.code.split(".", 1)
        at = _VERIFYING.index(stage) if stage in _VERIFYING else 0
        refusing = self._line_of(self.refused.code)
        for line in self.validator.lines:
            mine = line.about.stage
            if line is refusing:
                yield reason
            elif mine == "decryption" and ENCRYPTION in self.facts.evidence:
                yield self.facts.evidence[ENCRYPTION].result
            else:
                yield MET if mine in _VERIFYING and _VERIFYING.index(mine) < at else NOT_REACHED

    def _line_of(self, code: str) -> Line | None:
        """The line that a refusal before the claims belongs to; some refuse what no line of a policy speaks of."""
        stage = code.split(".", 1)[0]
        if stage not in _VERIFYING or (stage == "header" and code != "header.algorithm_refused"):
            return None
        return next((line for line in self.validator.lines if line.about.stage == stage), None)

    def _finding(self, line: Line, result: str, *, values: bool) -> Finding:
        about = line.about
        told = self._explanation(line, result, values=values)
        observed = result.startswith(OBSERVED)
        start = about.place.span
        code = code_of(about, result)
        return Finding(
            code=code,
            outcome=_by_the_table(code) if code == result else outcome_of(result),
            would_be=outcome_of(result.removeprefix(OBSERVED)) if observed else None,
            requirement=about.text,
            location=Location(start.file, start.line, start.column),
            expected=told.expected,
            actual=told.actual,
            because=about.because,
            help=told.help,
            reference=about.reference,
        )

    def _explanation(self, line: Line, result: str, *, values: bool) -> Explanation:
        if self.refused is not None:
            if code_of(line.about, result) == self.refused.code:
                return Explanation(self.refused.actual, self.refused.expected, self.refused.help)
            if result == NOT_REACHED:
                return Explanation(_UNJUDGED if self.facts.key else _UNVERIFIED, "")
        if line is self.validator.nonce and (self.consumed is not None or result == NOT_REACHED):
            noun = self.validator.nonce.noun
            said = self.consumed or f"the {noun} was not consumed: {self._why_not_consumed()}"
            once = "each token is accepted once" if noun == "nonce" else "each proof is accepted once"
            return Explanation(said, once, _REPLAY_HELP.get(result, "").format(noun) or None)
        if result in {DEFECT, LIMIT} and not isinstance(line, RuleLine):
            return Explanation("judging this failed, which is a defect of policyjwt", "", help="please report it")
        try:
            return line.explain(self.facts, result, values=values and not self._is_confidential(line))
        except Exception:  # noqa: BLE001 - the border of a view: the result stands, and telling it never raises
            return Explanation("this can't be told, which is a defect of policyjwt", "", help="please report it")

    def _why_not_consumed(self) -> str:
        results = self.results or ()
        others = [result for at, result in enumerate(results) if at != self.validator.nonce_at]
        if self.validator.passes(tuple(others)) and "not_established" not in self.promised:
            return "this only inspects"
        return "the token is already refused"

    def _is_confidential(self, line: Line) -> bool:
        """Whether the line reads a confidential claim: no view shows the value of one."""
        hidden = {path.members[0] for item in self.validator.policy.block.confidential for path in item.claims}
        return bool(hidden) and not hidden.isdisjoint(claims_read(line))

    def assurances(self) -> tuple[Assurance, ...]:
        """See `Account`."""
        results = self.results if self.results is not None else tuple(self._stopped())
        failed: dict[str, str] = {}
        for line, result in zip(self.validator.lines, results, strict=True):
            if result == NOT_REACHED:
                failed.setdefault(line.about.stage, _NOT_REACHED)
            elif result not in PASSING and failed.get(line.about.stage, _NOT_REACHED) == _NOT_REACHED:
                failed[line.about.stage] = self._explanation(line, result, values=False).actual
                if code_of(line.about, result) in _REVOKED:
                    failed["revoked"] = failed[line.about.stage]
        return tuple(_assurance(self._as_found(standing), failed) for standing in self.standings)

    def _as_found(self, standing: Standing) -> Standing:
        """Integrity is given by one key, revocation and status by what their evidence said: the verdict names it."""
        if not standing.given:
            return standing
        key = self.facts.key
        if standing.name == "integrity" and key is not None:
            named = key.reference if key.thumbprint is None else f"sha256 {key.thumbprint[:8]}…"
            what = "key of the leaf," if "path" in self.facts.evidence else "key"
            return replace(standing, phrase=f"{self.facts.header.get('alg')}, {what} {named}")
        if standing.name == "replay-protection" and self.durability is not None:
            return replace(standing, phrase=f"{standing.phrase}; what it remembers {self.durability}")
        for kind in _EVIDENCE.get(standing.name, ()):
            told = self.facts.evidence.get(kind)
            if told is not None:
                words = told.words()
                return replace(standing, phrase=f"{words.actual}; {words.expected}")
        return standing

    def good_until(self) -> float | None:
        """See `Account`."""
        if not self.passes:
            return None  # what is refused stays refused for this use
        ahead = [
            instant
            for line in self.validator.lines
            for instant in line.instants(self.facts)
            if instant > self.facts.now
        ]
        if self.keys_until is not None:
            ahead.append(self.keys_until)
        return min(ahead, default=None)

    def came_encrypted(self) -> bool:
        """See `Account`."""
        told = self.facts.evidence.get(ENCRYPTION)
        return told is not None and told.result == MET

    def missing(self) -> bool:
        """See `Account`."""
        return False

    def dependency_down(self) -> bool:
        """See `Account`."""
        if self.refused is not None:
            return self.refused.code in DEPENDENCY_CODES
        failing = self._failing()
        return bool(failing) and failing <= (DEPENDENCY_CODES | (_OF_THE_CALLER if self._asks_caller() else set()))

    def _failing(self) -> frozenset[str]:
        """The codes of what failed."""
        results = zip(self.validator.lines, self.results or (), strict=True)
        return frozenset(code_of(line.about, result) for line, result in results if outcome_of(result) in FAILING)

    def _asks_caller(self) -> bool:
        """Whether it is the service that hands over the signer's staples."""
        revocation = self.validator.policy.revocation
        staple = revocation.staple if isinstance(revocation, Revocation) else None
        return staple is not None and staple.carrier == "caller"

    def insufficient_scope(self) -> bool:
        """See `Account`."""
        if self.results is None:
            return False
        failing = [line for line, r in zip(self.validator.lines, self.results, strict=True) if outcome_of(r) in FAILING]
        return bool(failing) and all(isinstance(line, RuleLine) and line.is_about_scope() for line in failing)

    def challenge(self) -> str:
        """See `Account`."""
        return scheme_of(self.validator.policy).challenge(self._error())

    def _error(self) -> Error:
        """What the client is told. What is wrong with a proof counts where nothing else is wrong."""
        if self.insufficient_scope():
            return "insufficient_scope"
        failing = self._failing() if self.refused is None else {self.refused.code}
        if failing == {"holder.dpop_nonce"}:
            return "use_dpop_nonce"
        nonce = self.validator.nonce
        again = {"replay.seen"} if nonce is not None and nonce.noun == "proof" else set()
        return "invalid_dpop_proof" if failing and failing <= _PROOF_CODES | again else "invalid_token"


_VERIFYING = ("header", "x5c", "key", "signature")
"""The stages before the claims, in their order; each that refuses stops all behind it."""
_EVIDENCE = {
    "confidentiality": (ENCRYPTION,),
    "revocation": ("staple", "crl", "short_lived"),
    "status": ("status",),
    "holder-of-key": (HOLDER,),
}
_REVOKED = frozenset({"staple.revoked", "crl.revoked"})
"""The authority itself says that the key no longer speaks for the issuer."""
_NOT_REACHED = "not reached"
_UNVERIFIED = "nothing of a token is judged before its signature is verified"
_UNJUDGED = "judging the token failed before this"
_REPLAY_HELP = {
    "seen": "if that was not this client, what was done then must be doubted",
    "store_unavailable": "the token may be good: see why the replay store does not answer",
    "not_durable": "the {} counts as used: the client comes with a new one; see to the replicas of the store",
    "store_full": "the store never forgets what is alive: give it more room, or shorten the life of what is consumed",
}
_STAGES = {
    "integrity": ("signature", "key", "x5c", "header"),
    "issuer-authentication": ("revoked", "issuer", "signature", "key", "x5c", "header"),
    "non-repudiation": ("revocation", "staple", "crl", "issuer", "signature", "key", "x5c", "header"),
    "confidentiality": ("decryption", "signature", "key", "x5c", "header"),
    "freshness": ("freshness",),
    "replay-protection": ("replay",),
    "revocation": ("revocation", "staple", "crl"),
    "status": ("status",),
    "holder-of-key": ("holder",),
    "intended-audience": ("audience",),
    "authorisation": (),
}
"""The stages whose findings an assurance rests on."""


def _digest(text: str | None) -> str | None:
    """SHA-256 (hex) of a token; what can't be encoded is no token."""
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _no_policy(name: str) -> str:
    return "a token never gives it" if name == "authorisation" else "no policy judged the token"


def _by_the_table(code: str) -> Outcome:
    """What a refusal by a code of its own is: violated, or not known. Either fails."""
    page = codes.page(code)
    return Outcome.UNKNOWN if page is not None and page.outcome == Outcome.UNKNOWN else Outcome.VIOLATED


def _refusal(refused: TokenRefused, place: Place | None) -> Finding:
    span = place.span if place else None
    return Finding(
        code=refused.code,
        outcome=_by_the_table(refused.code),
        requirement=place.text if place else None,
        location=Location(span.file, span.line, span.column) if span else None,
        expected=refused.expected,
        actual=refused.actual,
        help=refused.help,
    )


def _assurance(standing: Standing, failed: dict[str, str]) -> Assurance:
    if not standing.given:
        return Assurance(standing.name, False, why_not=standing.phrase)
    reasons = [failed[stage] for stage in _STAGES[standing.name] if stage in failed]
    if reasons:
        reached = [reason for reason in reasons if reason != _NOT_REACHED]
        return Assurance(standing.name, False, why_not=[*reached, _NOT_REACHED][0])
    return Assurance(standing.name, True, by=standing.phrase)
