"""Who holds the key of a token. Input: a verified token, the request. Output: what became of the proof, and its facts.

DPoP (RFC 9449) and mutual TLS (RFC 8705). A token that is bound to a key is no bearer token: without the proof it is
refused, whoever presents it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from policyjwt.evidence import dpop, mtls
from policyjwt.expressions.explanation import Explanation
from policyjwt.requirements.evidence import told
from policyjwt.requirements.line import MET, MISSING, EvidenceResult
from policyjwt.spans import duration, skew_text

if TYPE_CHECKING:
    from policyjwt.request import Context
    from policyjwt.tokens.anchors import Anchors


@dataclass(slots=True)
class Shown:
    """What the holder showed: the proof that is consumed, and what rules may read of its certificate."""

    proof: dpop.Proof | None = None
    client: Mapping[str, object] | None = None


class Holders(Protocol):
    """The `holder` of one policy. Thread-safe."""

    def judge(
        self, token: str, claims: Mapping[str, object], request: Context, shown: Shown, *, now: float
    ) -> EvidenceResult:
        """What became of the proof; what it showed is noted in `shown`."""


@dataclass(frozen=True, slots=True)
class DpopHolders:
    """`holder dpop { … }`."""

    demand: dpop.ProofDemand

    def judge(
        self, token: str, claims: Mapping[str, object], request: Context, shown: Shown, *, now: float
    ) -> EvidenceResult:
        """See `Holders`."""

        def checked() -> EvidenceResult:
            proof = dpop.check_proof(
                request.dpop,
                demand=self.demand,
                token=token,
                confirmation=claims.get("cnf", MISSING),
                method=request.method,
                uri=request.uri,
                # Any nonce that is given is demanded; the request's may be there for a claim.
                nonce=request.nonce if self.demand.nonce_required else None,
                now=now,
                scheme=request.scheme,
            )
            shown.proof = proof
            return EvidenceResult(MET, self._words, dpop.good_until(proof, self.demand))

        return told(checked)

    def _words(self) -> Explanation:
        allowed = f"a proof of at most {duration(self.demand.max_age)}{skew_text(self.demand.skew)}"
        return Explanation("the holder of the token's key made a proof for this request", allowed)


@dataclass(frozen=True, slots=True)
class MtlsHolders:
    """`holder mtls { … }`; without anchors the thumbprint alone is compared."""

    anchors: Anchors | None

    def judge(
        self, token: str, claims: Mapping[str, object], request: Context, shown: Shown, *, now: float
    ) -> EvidenceResult:
        """See `Holders`."""

        def checked() -> EvidenceResult:
            found = mtls.check_certificate(
                request.client_certificate,
                from_header=not request.from_trusted_proxy
                and mtls.came_by_header(request.client_certificate, request.header_pairs),
                from_trusted_proxy=request.from_trusted_proxy,
                confirmation=claims.get("cnf", MISSING),
                anchors=self.anchors,
                now=now,
            )
            shown.client = found.facts
            return EvidenceResult(MET, _certified, found.until)

        return told(checked)


def _certified() -> Explanation:
    return Explanation("the client's certificate is the one that the token names", "that certificate, within its time")
