"""Replay: is a second use refused. A line from `replay { nonce … }`.

The line judges that the nonce is there and well formed; consuming it is the engine's last step, taken only if all else
is met, so that a forged or refused token never burns a nonce.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, IssuerFrom, Nonce, Replay
from policyjwt.replay.protocol import proof_key, proof_time_to_live, store_key, time_to_live
from policyjwt.requirements.describe import value_text
from policyjwt.requirements.freshness import time_of
from policyjwt.requirements.line import (
    MET,
    MISSING,
    NOT_REACHED,
    WAIVED,
    About,
    Facts,
    Line,
    no_instants,
    walk,
)
from policyjwt.spans import duration, moment

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter

Noun: TypeAlias = Literal["nonce", "proof"]
"""What is consumed, as verdicts call it."""

_SCOPES: dict[str, Literal["issuer", "policy", "subject"]] = {
    "issuer": "issuer",
    "policy": "policy",
    "subject": "subject",
}
MOST_SECONDS = 1 << 50
"""The longest that a nonce is held where the policy does not say; no store counts much further."""

MOST_BYTES = 256
"""The longest nonce, in bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class NonceLine:
    """`nonce jti`: a string, not empty, equal to the server's nonce if demanded, held no longer than allowed."""

    about: About
    nonce: Nonce
    scope: Literal["issuer", "policy", "subject"]
    policy: str
    pattern: str | None
    hold: int | None
    age: int | None

    noun: ClassVar[Noun] = "nonce"

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        value = walk(facts.claims, self.nonce.claim.members)
        if value is MISSING:
            return "nonce_missing"
        if not isinstance(value, str) or not value or len(value.encode()) > MOST_BYTES:
            return "nonce_invalid"
        if self.nonce.equals is not None and value != walk(facts.context, self.nonce.equals.members):
            return "nonce_mismatch"
        if self.scope == "subject" and not isinstance(facts.claims.get("sub"), str):
            return "subject_missing"
        ends = self.ends(facts)
        if ends is None:
            return NOT_REACHED
        if ends > facts.now + (MOST_SECONDS if self.hold is None else self.hold):
            return "lifetime_too_long"
        return MET

    def ends(self, facts: Facts) -> float | None:
        """When the token stops being acceptable, skew aside; None where its times are missing or malformed."""
        exp = time_of(facts, "exp")
        if exp is not None:
            return exp
        iat = time_of(facts, "iat")
        return iat + self.age if iat is not None and self.age is not None and "exp" not in facts.claims else None

    def of_claims(self, claims: Mapping[str, object], context: Mapping[str, object], now: float) -> str:
        """The result for a token that is not of the usual shape."""
        return self.judge(Facts(claims=claims, header={}, context=context, now=now))

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`. The usual nonce is a short `jti` of a token with a whole `exp`, unique within its issuer."""
        general = f"{out.const(self.of_claims)}(claims, context, now)"
        usual = self.nonce.equals is None and self.hold is None and self.scope != "subject"
        if not usual or len(self.nonce.claim.members) != 1:
            out.line(f"{target} = {general}")
            return
        value = out.fresh("v")
        out.line(f"{value} = claims.get({out.const(self.nonce.claim.members[0])})")
        out.line(
            f"{target} = 'met' if type({value}) is str and 0 < len({value}) <= {MOST_BYTES // 4} "
            f"and type(claims.get('exp')) is int and claims['exp'] < now + {MOST_SECONDS} else {general}"
        )

    def issuer(self, claims: Mapping[str, object]) -> str:
        """The issuer as a nonce counts it: the token's own `iss`, or the pattern that stands for it."""
        return self.pattern if self.pattern is not None else str(claims["iss"])

    def within(self, claims: Mapping[str, object]) -> str | None:
        """What the nonce is unique within, beside the issuer."""
        return {"issuer": None, "policy": self.policy, "subject": str(claims.get("sub"))}[self.scope]

    def value(self, claims: Mapping[str, object]) -> str:
        """The nonce of a token for which the line is met."""
        return str(walk(claims, self.nonce.claim.members))

    def consumed(self, facts: Facts) -> tuple[bytes, int]:
        """What is consumed, as a store takes it: the key, and for how many seconds it is held."""
        key = store_key(
            scope=self.scope,
            issuer=self.issuer(facts.claims),
            within=self.within(facts.claims),
            path=self.nonce.claim.members,
            nonce=self.value(facts.claims),
        )
        return key, time_to_live(exp=time_of(facts, "exp"), iat=time_of(facts, "iat"), now=facts.now)

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        path = self.nonce.claim.text
        expected = "each token is accepted once"
        came = value_text(walk(facts.claims, self.nonce.claim.members), values=values)
        if result == "lifetime_too_long":
            ends = self.ends(facts)
            left = duration((ends or facts.now) - facts.now)
            most = duration(MOST_SECONDS if self.hold is None else self.hold)
            return Explanation(f"the nonce would be held for {left}", f"at most {most}")
        actual = {
            MET: "this is the first use of the nonce",
            "nonce_missing": f"`{path}` is absent",
            "nonce_invalid": f"`{path}` is {came}",
            "nonce_mismatch": f"`{path}` is not the nonce that the service issued",
            "subject_missing": "`sub` is no string, and the nonce is unique within a subject",
            NOT_REACHED: "the nonce was not consumed",
        }.get(result, "the nonce was not consumed")
        if result == "nonce_invalid":
            expected = f"a string of 1 to {MOST_BYTES} bytes, used once"
        return Explanation(actual, expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


@dataclass(frozen=True, slots=True)
class ProofOnceLine:
    """`proof once`: the holder's proof is consumed, not the token. There is none where the proof failed."""

    about: About
    policy: str

    noun: ClassVar[Noun] = "proof"

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return MET if facts.evidence["holder"].result == MET else NOT_REACHED

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = 'met' if evidence['holder'].result == 'met' else 'not_reached'")

    def consumed(self, facts: Facts) -> tuple[bytes, int]:
        """As of a nonce: unique for the holder's key, whatever token it came with (RFC 9449, section 11.1)."""
        proof = facts.proof
        if proof is None:
            raise ValueError("there is no proof to consume")
        return proof_key(thumbprint=proof.thumbprint, jti=proof.jti), proof_time_to_live(
            iat=proof.issued_at, now=facts.now
        )

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        return Explanation("the proof was not consumed", "each proof is accepted once")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


ConsumingLine: TypeAlias = NonceLine | ProofOnceLine
"""What is consumed in a store, last of all."""


@dataclass(frozen=True, slots=True)
class ByHolderLine:
    """`by holder`: nobody but the holder of the key can present the token; the holder may do so again."""

    about: About

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return MET if facts.evidence["holder"].result == MET else NOT_REACHED

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = 'met' if evidence['holder'].result == 'met' else 'not_reached'")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        if result == NOT_REACHED:
            return Explanation("nothing shows who presents the token", "the holder of the token's key")
        return Explanation("only the holder of the token's key can use it again", "the holder of the token's key")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


@dataclass(frozen=True, slots=True)
class ReusableLine:
    """`reusable because …`: nothing is consumed, and the verdict says for how long the token is good."""

    about: About
    age: int | None
    skew: int

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return WAIVED

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = 'waived'")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        exp, iat = time_of(facts, "exp"), time_of(facts, "iat")
        ends = [] if exp is None else [exp + self.skew]
        if iat is not None and self.age is not None:
            ends.append(iat + self.age + self.skew)
        until = moment(min(ends)) if ends else None
        return Explanation(f"whoever holds the token may use it again{f' until {until}' if until else ''}", "")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The line of the nonce, or of doing without one."""
    replay = policy.replay
    if not isinstance(replay, Replay):
        return
    age = policy.freshness.age.amount if policy.freshness.age else None
    if replay.reusable is not None:
        because = replay.reusable.because.value
        about = About(stage="replay", place=replay.reusable.place, section="replay", because=because)
        yield ReusableLine(about, age, policy.skew)
    if replay.by_holder is not None:
        yield ByHolderLine(About(stage="replay", place=replay.by_holder.place, section="replay"))
    if replay.proof_once is not None:
        about = About(
            stage="replay", place=replay.proof_once.place, section="replay", reference="RFC 9449, section 11.1"
        )
        yield ProofOnceLine(about, policy.name)
    if replay.nonce is None:
        return
    yield NonceLine(
        About(stage="replay", place=replay.nonce.place, section="replay", reference="RFC 7519, section 4.1.7"),
        nonce=replay.nonce,
        scope=_SCOPES[replay.unique.value if replay.unique else "issuer"],
        policy=policy.name,
        pattern=policy.issuer.glob if isinstance(policy.issuer, IssuerFrom) else None,
        hold=replay.hold.amount if replay.hold else None,
        age=age,
    )
