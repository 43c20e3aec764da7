"""Whether a token was withdrawn. Input: verified claims, the lists that the caller gave. Output: what became of it.

OAuth Token Status List. The lists are about tokens, never about the signer's key; each is a token itself, verified
under keys of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from policyjwt.evidence.status_list import StatusDemand, StatusLists, find_list, judge_status, reference
from policyjwt.expressions.explanation import Explanation
from policyjwt.key_age import check_age
from policyjwt.requirements.evidence import told
from policyjwt.requirements.line import MET, EvidenceResult
from policyjwt.spans import duration, skew_text
from policyjwt.tokens.keyset import KeySet
from policyjwt.tokens.messages import key_withdrawn


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Statuses:
    """The `status` of one policy. Thread-safe.

    Past `stale_after` the keys of the list are no longer believed; `keys` is None where their issuer withdrew them all.
    """

    demand: StatusDemand
    keys: KeySet | None
    loaded_at: float
    stale_after: float | None
    _remembered: StatusLists = field(default_factory=StatusLists)

    def judge(
        self, claims: Mapping[str, object], lists: Sequence[str], *, now: float, by_clock: bool
    ) -> EvidenceResult:
        """What became of the token's status; `by_clock` where `now` is the engine's clock's."""
        return told(lambda: self._judge(claims, lists, now=now, by_clock=by_clock))

    def _judge(
        self, claims: Mapping[str, object], lists: Sequence[str], *, now: float, by_clock: bool
    ) -> EvidenceResult:
        if self.keys is None:
            raise key_withdrawn()
        if self.stale_after is not None:
            whose = "the keys of the status list"
            check_age(whose, came=self.loaded_at, until=self.stale_after, now=now, by_clock=by_clock)
        issuer = claims.get("iss")
        uri, index = reference(claims, self.demand)
        found = find_list(lists, uri, self._remembered, self.keys, issuer=issuer if isinstance(issuer, str) else "")
        until = judge_status(found, index, self.demand, now=now)
        if self.stale_after is not None:
            until = min(until, self.stale_after)
        return EvidenceResult(MET, self._words, until)

    def _words(self) -> Explanation:
        allowed = f"a list at most {duration(self.demand.max_age)} old{skew_text(self.demand.skew)}"
        return Explanation("the status list says that the token is valid", allowed)
