"""One evaluation on its way: what each step of `judging` leaves behind, and the account that a verdict gives of it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from policyjwt.account import JudgedByPolicy, RefusedEarly
from policyjwt.assurance import Standing
from policyjwt.candidate import Candidate, standings_of_a_shared_key
from policyjwt.challenges import BEARER, Scheme
from policyjwt.errors import TokenRefused
from policyjwt.key_sources import Sourced
from policyjwt.recipients import Envelope
from policyjwt.recording import record
from policyjwt.request import Context
from policyjwt.requirements.line import MET, NOT_REACHED, EvidenceResult, Facts
from policyjwt.tokens.key import Key
from policyjwt.verdict import Account, KeyUsed
from policyjwt.views import time_text

if TYPE_CHECKING:
    from policyjwt.evidence.dpop import Proof
    from policyjwt.tokens.certificate_path import CertificatePath

NODE = platform.node()
ROLE_REUSE = "key.role_reuse"
_NO_REQUEST = Context()
NO_CLAIMS: dict[str, object] = {}


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Evaluation:
    """What is known so far. Nobody outside the engine sees it, and nothing changes it once a verdict is made.

    `by_clock` says that `now` is the engine's clock's, and not a caller's. `wanted` names sources of keys that may have
    a newer one by now, and the `kid` that was not there.
    """

    now: float
    by_clock: bool = False
    text: str | None = None
    candidate: Candidate | None = None
    refused: TokenRefused | None = None
    key: Key | None = None
    verified_key: Key | None = None
    path: CertificatePath | None = None
    envelope: Envelope | None = None
    wanted: tuple[tuple[str, ...], str | None] | None = None
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
            claims=self.claims or NO_CLAIMS,
            header=self.header or NO_CLAIMS,
            context=self.context or NO_CLAIMS,
            now=self.now,
            certificate=self.path.facts if self.path is not None else NO_CLAIMS,
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

    def _role_reuse(self) -> str | None:
        """Whose key decrypts here too: the signer's, or that of who vouches for its certificate."""
        if self.refused is not None and self.refused.code == ROLE_REUSE:
            return "signer"
        return "responder" if any(each.result == ROLE_REUSE for each in self.evidence.values()) else None

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
            status_keys=() if candidate is None else _keys_of(candidate.sources.status),
            verified_key=self.verified_key,
            loaded_at=None if candidate is None else candidate.loaded_at,
            status_loaded_at=None if candidate is None or candidate.statuses is None else candidate.statuses.loaded_at,
            evaluated_at=self.now,
            shared_key=self.shares_key,
            withdrawn=frozenset() if candidate is None else candidate.withdrawn,
            status_withdrawn=frozenset() if candidate is None else _withdrawn(candidate.sources.status),
            by_clock=self.by_clock,
            role_reuse=self._role_reuse(),
            store=None if candidate is None else candidate.store,
            nonce=None if self.answered is None else (self.answered, self.consumed, self.durability),
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
    going.results = with_nonce(going.candidate, going.results, result)
    going.passes = result == MET
    going.answered, going.consumed = result, said
    if going.passes:
        going.promised = tuple(MET if promised == NOT_REACHED else promised for promised in going.promised)


def with_nonce(candidate: Candidate, results: tuple[str, ...], result: str) -> tuple[str, ...]:
    """The results, that of the nonce being `result`."""
    at = candidate.validator.nonce_at
    return (*results[:at], result, *results[at + 1 :])


def _keys_of(sourced: Sequence[Sourced[Key]]) -> tuple[Key, ...]:
    return tuple(key for each in sourced for key in each.keys)


def _withdrawn(sourced: Sequence[Sourced[Key]]) -> frozenset[str]:
    return frozenset[str]().union(*(each.withdrawn for each in sourced))
