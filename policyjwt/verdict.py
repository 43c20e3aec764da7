"""Verdicts: what an evaluation found. Input: an account given by the engine. Output: what services read, log and show.

Only `Verdict` has a truth value; everything else that an evaluation returns refuses to be taken for trust.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NoReturn, Protocol

from policyjwt.errors import UntrustedTokenError


class Outcome(StrEnum):
    """What became of one requirement."""

    MET = "met"
    NOT_APPLICABLE = "not_applicable"
    VIOLATED = "violated"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    OBSERVED = "observed"
    NOT_REACHED = "not_reached"


FAILING = frozenset({Outcome.VIOLATED, Outcome.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a policy file; lines and columns count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one requirement.

    `actual` says what came and `expected` what the policy demands, as phrases. `would_be` is what an observed rule
    would have been. `requirement` and `location` are None where no line of a policy asked.
    """

    code: str
    outcome: Outcome
    expected: str
    actual: str
    requirement: str | None = None
    location: Location | None = None
    because: str | None = None
    help: str | None = None
    reference: str | None = None
    would_be: Outcome | None = None

    @property
    def fails(self) -> bool:
        """Whether this finding alone is reason enough not to trust the token."""
        return self.outcome in FAILING

    def __bool__(self) -> NoReturn:
        raise TypeError("a finding is no yes or no: ask `.fails` or `.outcome`")


@dataclass(frozen=True, slots=True)
class Assurance:
    """A security characteristic of this token: `by` what it is given, or `why_not`."""

    name: str
    assured: bool
    by: str | None = None
    why_not: str | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("an assurance is no yes or no: ask `.assured`")


@dataclass(frozen=True, slots=True)
class KeyUsed:
    """Which key verified the signature. `thumbprint` (RFC 7638) is None for a secret, which has only a `reference`."""

    kid: str | None
    thumbprint: str | None
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is known of the judged token and policy; None where it was not reached."""

    evaluated_at: float
    policy: str | None = None
    policy_digest: str | None = None
    policy_location: Location | None = None
    token_digest: str | None = None
    key: KeyUsed | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Released:
    """What a trusted verdict hands to the service: the claims, and how the policy splits them."""

    claims: Mapping[str, object]
    provided: frozenset[str]
    issuer: str
    policy: str

    def why_not_provided(self, name: str) -> str:
        """Why `verdict.claims` has no such claim."""
        if name in self.provided:
            return f"`{self.policy}` provides `{name}` if present, and this token does not name it"
        return f"`{self.policy}` does not provide `{name}`; let the policy judge it with `provides {name} is …`"


class Account(Protocol):
    """What an evaluation can tell about itself. Built only when somebody reads it."""

    def judged(self) -> Judged:
        """What is known of the judged token and policy."""

    def released(self) -> Released:
        """The claims of a trusted token."""

    def findings(self, *, values: bool) -> tuple[Finding, ...]:
        """All findings; with `values`, `actual` quotes the token (never a confidential claim)."""

    def assurances(self) -> tuple[Assurance, ...]:
        """Every characteristic, assured or not."""

    def good_until(self) -> float | None:
        """The earliest instant (seconds since the epoch) at which a judgement of the same evidence would differ."""

    def record(self, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """All that the evaluation was made of, beside `verdict` (as data, with values)."""

    def came_encrypted(self) -> bool:
        """Whether the token came as the policy's `encryption` demands: what it says is not written down."""

    def missing(self) -> bool:
        """Whether there was no token at all."""

    def dependency_down(self) -> bool:
        """Whether the refusal came from something of ours that does not answer, not from the token."""

    def insufficient_scope(self) -> bool:
        """Whether all that failed are rules on scope."""

    def challenge(self) -> str:
        """How the client is told to authenticate (`WWW-Authenticate`), with an error where it came with a token."""


class PublicVerdict:
    """The answer for the client: an HTTP status and headers (RFC 6750), nothing of claims or policy.

    Where the error is `use_dpop_nonce`, the service adds its nonce in the header `DPoP-Nonce` (RFC 9449, section 9).
    """

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers: Mapping[str, str] = MappingProxyType(dict(headers))

    def __bool__(self) -> NoReturn:
        raise TypeError("a public answer is no yes or no: ask the verdict itself")

    def __repr__(self) -> str:
        return f"PublicVerdict(status={self.status})"


class Claims(Mapping[str, Any]):
    """Claims, read-only at every depth: objects are read-only mappings, lists are tuples.

    A claim that is not among them raises a KeyError that says why.
    """

    __slots__ = ("_claims", "_missing")

    def __init__(self, claims: Mapping[str, object], *, missing: Callable[[str], str]) -> None:
        self._claims = {name: _frozen(value) for name, value in claims.items()}
        self._missing = missing

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a claim is any JSON value
        try:
            return self._claims[name]
        except KeyError:
            raise KeyError(self._missing(name)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __repr__(self) -> str:
        return f"<{len(self._claims)} claims>"


def _frozen(value: object) -> object:
    if isinstance(value, dict):
        return _FrozenObject(value)
    if isinstance(value, list):
        return tuple(_frozen(element) for element in value)
    return value


class _FrozenObject(Mapping[str, Any]):
    """A JSON object of a claim: read-only, and silent in `repr`."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = {name: _frozen(value) for name, value in members.items()}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a member is any JSON value
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<an object of {len(self._members)}>"


class _Told:
    """What `Verdict` and `Inspection` share: the account and its views."""

    __slots__ = ("_assurances", "_findings", "_known", "_tell")

    def __init__(self, tell: Callable[[], Account]) -> None:
        self._tell = tell
        self._known: Account | None = None
        self._findings: tuple[Finding, ...] | None = None
        self._assurances: tuple[Assurance, ...] | None = None

    @property
    def _account(self) -> Account:
        """The account, made when first read: most verdicts are only asked for yes or no."""
        if self._known is None:
            self._known = self._tell()
        return self._known

    @property
    def _judged(self) -> Judged:
        return self._account.judged()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One finding for each requirement, in the order of the policy."""
        if self._findings is None:
            self._findings = self._account.findings(values=False)
        return self._findings

    @property
    def assurances(self) -> tuple[Assurance, ...]:
        """What is assured, by what; and what is not, and why."""
        if self._assurances is None:
            self._assurances = self._account.assurances()
        return self._assurances

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that alone are reason enough to refuse."""
        return tuple(finding for finding in self.findings if finding.fails)

    @property
    def policy(self) -> str | None:
        """The name of the policy that judged, None before one was selected."""
        return self._judged.policy

    @property
    def policy_digest(self) -> str | None:
        """SHA-256 (hex) of all the text that the policy was made from."""
        return self._judged.policy_digest

    @property
    def policy_location(self) -> Location | None:
        """Where the policy stands."""
        return self._judged.policy_location

    @property
    def token_digest(self) -> str | None:
        """SHA-256 (hex) of the token, to find the same token again in logs."""
        return self._judged.token_digest

    @property
    def key(self) -> KeyUsed | None:
        """The key that verified the signature, None if none did."""
        return self._judged.key

    @property
    def evaluated_at(self) -> float:
        """When this was judged, in seconds since the epoch."""
        return self._judged.evaluated_at

    @property
    def good_until(self) -> float | None:
        """The earliest instant (seconds since the epoch) at which a judgement of the same evidence would differ.

        For how long *this use* may last; never a licence to accept the token again. None where nothing is trusted, or
        nothing ends it.
        """
        return self._account.good_until()

    def explain(self, *, values: bool = False, everything: bool = False) -> str:
        """The account as text. With `values` it quotes the token and belongs before a person's eyes, not into a log."""
        from policyjwt import views

        return views.text(self, self._told(values), everything=everything)

    def __str__(self) -> str:
        return self.explain()

    def to_dict(self, *, values: bool = False) -> dict[str, Any]:
        """The account as JSON-ready data, following the published schema; redacted unless `values`."""
        from policyjwt import views

        return views.as_dict(self, self._told(values))

    def _told(self, values: bool) -> tuple[Finding, ...]:  # noqa: FBT001 - private, one argument
        return self._account.findings(values=True) if values else self.findings

    def __reduce__(self) -> NoReturn:
        raise TypeError("a verdict is of this moment and can't be pickled: keep `to_dict()`")


class Verdict(_Told):
    """The answer of an evaluation. True only if the token is trusted by this policy, for this use, at this moment."""

    __slots__ = ("_claims", "_trusted", "_unjudged")

    def __init__(self, tell: Callable[[], Account], *, trusted: bool) -> None:
        super().__init__(tell)
        self._trusted = trusted is True
        self._claims: Claims | None = None
        self._unjudged: Claims | None = None

    @property
    def trusted(self) -> bool:
        """Whether the token is trusted."""
        return self._trusted

    def __bool__(self) -> bool:
        return self._trusted

    def __repr__(self) -> str:
        by = f" by {self.policy}" if self.policy else ""
        codes = "".join(f" {finding.code}" for finding in self.failing)
        return f"<Verdict {'trusted' if self._trusted else 'refused'}{by}{codes}>"

    @property
    def claims(self) -> Claims:
        """The claims that the policy `provides`, read-only at every depth.

        Raises UntrustedTokenError on a verdict that is not trusted, KeyError for a claim that is not provided.
        """
        released = self._release()
        if self._claims is None:
            provided = {name: value for name, value in released.claims.items() if name in released.provided}
            self._claims = Claims(provided, missing=released.why_not_provided)
        return self._claims

    @property
    def unjudged(self) -> Claims:
        """The claims that no `provides` names: data that nobody judged. Raises UntrustedTokenError like `claims`."""
        released = self._release()
        if self._unjudged is None:
            rest = {name: value for name, value in released.claims.items() if name not in released.provided}
            self._unjudged = Claims(rest, missing=lambda name: f"`{name}` is not among the claims that nobody judged")
        return self._unjudged

    @property
    def subject(self) -> tuple[str, str]:
        """Issuer and `sub` together: only the pair names somebody. KeyError where `sub` is not provided, or nobody."""
        released = self._release()
        sub = released.claims.get("sub") if "sub" in released.provided else None
        if not isinstance(sub, str):
            raise KeyError(released.why_not_provided("sub"))
        return released.issuer, sub

    def public(self) -> PublicVerdict:
        """The answer for the client."""
        from policyjwt import views

        return views.public(self, self._account)

    def record(self) -> dict[str, Any]:
        """A self-contained account, ready for JSON: `policyjwt.recheck` judges it again, offline, years later.

        It holds the token, the request as the policy sees it, certificates and staples, the text of the policy, public
        keys and all findings with values: **personal data**, to be kept like the token itself. Keys and secrets of the
        service are not in it, nor are headers of the request that no rule reads. Of a token that came encrypted no
        value is in it, and the token stands in it as it came.
        """
        return self._account.record(self.to_dict(values=not self._account.came_encrypted()))

    def _release(self) -> Released:
        if not self._trusted:
            raise UntrustedTokenError("this token is not trusted: its claims are not available; see `findings`")
        return self._account.released()


class Inspection(_Told):
    """What an evaluation would find, with nothing consumed. It has no `trusted`, no claims and no truth value."""

    __slots__ = ("_would_trust",)

    def __init__(self, tell: Callable[[], Account], *, would_trust: bool) -> None:
        super().__init__(tell)
        self._would_trust = would_trust

    @property
    def would_trust(self) -> bool:
        """Whether the token would be trusted, its nonce (if one is demanded) being used for the first time."""
        return self._would_trust

    def __bool__(self) -> NoReturn:
        raise TypeError("an inspection is no trust: ask `.would_trust`, or `evaluate` the token")

    def __repr__(self) -> str:
        return f"<Inspection {'would be trusted' if self._would_trust else 'would be refused'}>"
