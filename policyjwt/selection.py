"""Which policy judges a token. Input: an unverified token. Output: one candidate, or a refusal without its words.

The claimed issuer is a lookup key and nothing more: what it chooses is required again on the verified claims.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policyjwt.candidate import Candidate
from policyjwt.challenges import Scheme, scheme_of, together
from policyjwt.errors import TokenRefused
from policyjwt.recipients import Recipient, Recipients
from policyjwt.requirements.audience import audience_line
from policyjwt.requirements.issuer import IssuerLine, issuer_line
from policyjwt.requirements.line import MET, Facts, Line, walk
from policyjwt.requirements.select import select_lines
from policyjwt.requirements.string_claim import StringClaimLine
from policyjwt.requirements.token_type import type_line
from policyjwt.tokens.decode import UnverifiedToken


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A candidate with the lines that choose it."""

    candidate: Candidate
    issuer: IssuerLine | StringClaimLine
    choosers: tuple[Line, ...]

    def fits(self, facts: Facts) -> bool:
        """Whether audience, type and selection all fit."""
        return all(line.judge(facts) == MET for line in self.choosers)


class Selection:
    """The candidates of an engine, indexed by issuer."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._by_policy: dict[str, _Entry] = {}
        self._by_issuer: dict[str, tuple[_Entry, ...]] = {}
        self._templates: tuple[_Entry, ...] = ()
        self._without_issuer: tuple[_Entry, ...] = ()
        self._reads_json = False
        self._schemes: tuple[Scheme, ...] = ()
        sections: list[Recipient] = []
        for candidate in candidates:
            self._add(_entry(candidate))
            if candidate.recipient is not None:
                sections.append(candidate.recipient)
        self._recipients = Recipients(sections) if sections else None

    def _add(self, entry: _Entry) -> None:
        policy = entry.candidate.validator.policy
        self._by_policy[policy.name] = entry
        self._reads_json = self._reads_json or entry.candidate.reads_json
        self._schemes = together([*self._schemes, scheme_of(policy)])
        if policy.block.by_name_only is not None:
            return
        if isinstance(entry.issuer, StringClaimLine):
            self._without_issuer += (entry,)
            return
        for name in entry.issuer.names:
            self._by_issuer[name] = (*self._by_issuer.get(name, ()), entry)
        if entry.issuer.templates:
            self._templates += (entry,)

    @property
    def reads_json(self) -> bool:
        """Whether any candidate judges tokens in the flattened JSON form."""
        return self._reads_json

    @property
    def recipients(self) -> Recipients | None:
        """Who opens encrypted tokens; None where no candidate takes one."""
        return self._recipients

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """How clients may present tokens here."""
        return self._schemes

    @property
    def names(self) -> frozenset[str]:
        """The names of the candidates."""
        return frozenset(self._by_policy)

    def choose(self, token: UnverifiedToken, policy: str | None) -> Candidate:
        """The one candidate for this token, `policy` being one of `names` or None. TokenRefused(`policy.…`)."""
        found = self._of_issuer(token.claims, policy)
        if len(found) == 1:
            return found[0].candidate
        if not found:
            raise _refused("issuer_unknown", "no policy for this use trusts the issuer that the token names")
        facts = Facts(claims=token.claims, header=token.header, context={}, now=0.0)
        fitting = [entry for entry in found if entry.fits(facts)]
        if len(fitting) == 1:
            return fitting[0].candidate
        if not fitting:
            raise _refused("none_fits", "none of this issuer's policies fits the token's audience, type and selection")
        raise _refused("ambiguous", f"{len(fitting)} policies of this issuer fit the token")

    def _of_issuer(self, claims: dict[str, object], policy: str | None) -> tuple[_Entry, ...]:
        if policy is not None:
            entry = self._by_policy[policy]
            return (entry,) if _trusts_issuer(entry.issuer, claims) else ()
        if "iss" not in claims:
            return tuple(entry for entry in self._without_issuer if _trusts_issuer(entry.issuer, claims))
        issuer = claims["iss"]
        if not isinstance(issuer, str):
            return ()
        exact = self._by_issuer.get(issuer, ())
        if not self._templates:
            return exact
        return exact + tuple(e for e in self._templates if e not in exact and _trusts_issuer(e.issuer, claims))


def _trusts_issuer(line: IssuerLine | StringClaimLine, claims: dict[str, object]) -> bool:
    """Whether the claimed issuer leads to this policy. The placeholders' claims are no part of the look-up."""
    issuer = claims.get("iss")
    if isinstance(line, StringClaimLine):
        value = walk(claims, line.claim.members)
        return "iss" not in claims and isinstance(value, str) and line.accepts(value)
    if not isinstance(issuer, str):
        return False
    return issuer in line.names or any(template.fit(issuer) is not None for template in line.templates)


def _entry(candidate: Candidate) -> _Entry:
    policy = candidate.validator.policy
    maybe = (audience_line(policy), type_line(policy), *select_lines(policy))
    return _Entry(candidate, issuer_line(policy), tuple(line for line in maybe if line is not None))


def _refused(reason: str, actual: str) -> TokenRefused:
    return TokenRefused(f"policy.{reason}", actual=actual, expected="exactly one policy that is for this token")
