"""How clients authenticate, as challenges of HTTP. Input: policies, an error. Output: a value of `WWW-Authenticate`.

RFC 6750, section 3; RFC 9449, sections 7.1 and 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from policyjwt.language.model import CheckedPolicy, Holder
from policyjwt.tokens.algorithms import ASYMMETRIC

Error: TypeAlias = Literal["invalid_token", "insufficient_scope", "invalid_dpop_proof", "use_dpop_nonce"]
"""The registered errors that a client can do something about."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme of authentication; `algorithms` are those of proofs."""

    name: Literal["Bearer", "DPoP"]
    algorithms: frozenset[str] = frozenset()

    def challenge(self, error: Error | None = None) -> str:
        """The challenge, with the error if one is to be told."""
        told = [] if error is None else [f'error="{error}"']
        if self.algorithms:
            told.append(f'algs="{" ".join(sorted(self.algorithms))}"')
        return f"{self.name} {', '.join(told)}".rstrip()


BEARER: Final = Scheme("Bearer")


def scheme_of(policy: CheckedPolicy) -> Scheme:
    """How tokens of this policy are presented."""
    holder = policy.holder
    if not (isinstance(holder, Holder) and holder.kind == "dpop"):
        return BEARER
    return Scheme("DPoP", frozenset(holder.algorithms.values if holder.algorithms is not None else ASYMMETRIC))


def together(schemes: Iterable[Scheme]) -> tuple[Scheme, ...]:
    """Each scheme once, with the algorithms of all."""
    found: dict[str, Scheme] = {}
    for scheme in schemes:
        known = found.get(scheme.name, scheme)
        found[scheme.name] = Scheme(scheme.name, known.algorithms | scheme.algorithms)
    return tuple(found[name] for name in sorted(found))
