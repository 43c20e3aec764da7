"""Type: which kind of token this is. A line from `type …`, unless it is waived.

RFC 8725, section 3.11: explicit typing keeps one kind of token from passing for another. RFC 7515, section 4.1.9: media
types compare without case, and `application/` may be left out where no other slash follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, TokenType
from policyjwt.requirements.describe import one_of, value_text
from policyjwt.requirements.line import (
    MET,
    MISSING,
    About,
    Facts,
    Line,
    emit_cases,
    no_instants,
)
from policyjwt.requirements.string_claim import StringClaimLine

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter

REFERENCE = "RFC 8725, section 3.11"
_PREFIX = "application/"


def media_type(typ: str) -> str:
    """`typ` in the one form in which it is compared. Only ASCII letters have a case here."""
    folded = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in typ)
    rest = folded.removeprefix(_PREFIX)
    return rest if "/" not in rest else folded


@dataclass(frozen=True, slots=True)
class TypeLine:
    """`type "at+jwt"`: the header's `typ` is one of these."""

    about: About
    accepted: frozenset[str]
    written: tuple[str, ...]

    def accepts(self, typ: str) -> bool:
        """Whether `typ` stands for one of the types."""
        return media_type(typ) in self.accepted

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        typ = facts.header.get("typ", MISSING)
        if typ is MISSING:
            return "missing"
        if not isinstance(typ, str):
            return "malformed"
        return MET if self.accepts(typ) else "mismatch"

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local, missing = out.fresh("v"), out.const(MISSING)
        out.line(f"{local} = header.get('typ', {missing})")
        emit_cases(
            out,
            target,
            (f"{local} is {missing}", "missing"),
            (f"type({local}) is not str", "malformed"),
            # As written is the usual case, and costs no folding.
            (f"{local} in {out.const(frozenset(self.written))} or {out.const(self.accepts)}({local})", MET),
            otherwise="mismatch",
        )

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`. `typ` may be shown: it says what the token claims to be, and nothing of anybody."""
        typ = facts.header.get("typ", MISSING)
        actual = {
            MET: "the token is of this type",
            "missing": "the header has no `typ`",
            "malformed": f"`typ` is {value_text(typ, values=values)}, not a string",
            "mismatch": f"`typ` is {value_text(typ, values=True)}",
        }[result]
        return Explanation(actual, f"this policy accepts {one_of(self.written)}")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def type_line(policy: CheckedPolicy) -> TypeLine | StringClaimLine | None:
    """The type line of a policy, None where it is waived; selection uses it too."""
    token_type = policy.type
    if not isinstance(token_type, TokenType):
        return None
    about = About(stage="type", place=token_type.place, reference=REFERENCE)
    written = tuple(value.value for value in token_type.values)
    if token_type.claim is not None:
        expected = f"this policy accepts {one_of(written)} in `{token_type.claim.text}`"
        accepts = frozenset(written).__contains__
        return StringClaimLine(about, token_type.claim, accepts=accepts, expected=expected)
    return TypeLine(about, frozenset(media_type(value) for value in written), written)


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The type line, if type is not waived."""
    line = type_line(policy)
    if line is not None:
        yield line
