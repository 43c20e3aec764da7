"""Issuer: whose claims these are. Lines from `issuer …`; the fit of an `iss` that selection looks up.

Names compare by code point, with no normalisation (RFC 7519, section 4.1.1; RFC 8725, section 3.8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, IssuerName, IssuerNames
from policyjwt.patterns.glob import compile_glob
from policyjwt.requirements.describe import one_of, value_text
from policyjwt.requirements.line import (
    MET,
    MISSING,
    About,
    Facts,
    Line,
    emit_cases,
    emit_read,
    no_instants,
)
from policyjwt.requirements.string_claim import StringClaimLine

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter

REFERENCE = "RFC 7519, section 4.1.1"
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")

Bindings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Template:
    """An issuer with placeholders, split at `/`; each placeholder is one whole segment with its list of values."""

    segments: tuple[str, ...]
    placeholders: Mapping[int, tuple[str, frozenset[str]]]

    def fit(self, issuer: str) -> Bindings | None:
        """The values of the placeholders with which the template is `issuer`, None if it is not."""
        found = issuer.split("/")
        if len(found) != len(self.segments):
            return None
        bindings: dict[str, str] = {}
        for at, (wanted, segment) in enumerate(zip(self.segments, found, strict=True)):
            if at not in self.placeholders:
                if segment != wanted:
                    return None
                continue
            name, values = self.placeholders[at]
            if segment not in values or segment in {".", ".."} or not _SEGMENT.fullmatch(segment):
                return None
            if bindings.setdefault(name, segment) != segment:
                return None
        return bindings


def template_of(name: IssuerName) -> Template:
    """The template that an issuer with placeholders writes."""
    values = {placeholder.name: frozenset(placeholder.values) for placeholder in name.placeholders}
    segments = tuple(name.text.split("/"))
    placeholders = {
        at: (match[1], values[match[1]])
        for at, segment in enumerate(segments)
        if (match := _PLACEHOLDER.fullmatch(segment)) is not None
    }
    return Template(segments, placeholders)


@dataclass(frozen=True, slots=True)
class IssuerLine:
    """`issuer "a", "b" …`: `iss` is one of the names, or fits a template whose placeholders are claims too."""

    about: About
    names: frozenset[str]
    templates: tuple[Template, ...]
    written: tuple[str, ...]

    def accepts(self, issuer: str, claims: Mapping[str, object]) -> bool:
        """Whether these claims come from one of the issuers."""
        if issuer in self.names:
            return True
        fits = (template.fit(issuer) for template in self.templates)
        return any(
            bindings is not None and all(claims.get(name) == value for name, value in bindings.items())
            for bindings in fits
        )

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        issuer = facts.claims.get("iss", MISSING)
        if issuer is MISSING:
            return "missing"
        if not isinstance(issuer, str):
            return "malformed"
        return MET if self.accepts(issuer, facts.claims) else "mismatch"

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        local = emit_read(out, "iss")
        fits = f"{local} in {out.const(self.names)}"
        if self.templates:
            fits = f"{out.const(self.accepts)}({local}, claims)"
        emit_cases(
            out,
            target,
            (f"{local} is {out.const(MISSING)}", "missing"),
            (f"type({local}) is not str", "malformed"),
            (fits, MET),
            otherwise="mismatch",
        )

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        came = value_text(facts.claims.get("iss", MISSING), values=values)
        expected = f"this policy trusts {one_of(self.written)}"
        actual = {
            MET: "the issuer is the one that was asked for",
            "missing": "the token names no issuer",
            "malformed": f"`iss` is {came}, not a string",
            "mismatch": f"the issuer is {came}",
        }[result]
        if result == "mismatch" and self.templates:
            expected += ", each `{…}` being the claim of that name"
        return Explanation(actual, expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def issuer_line(policy: CheckedPolicy) -> IssuerLine | StringClaimLine:
    """The one issuer line of a policy; selection uses it too."""
    issuer = policy.issuer
    if isinstance(issuer, IssuerNames):
        because = issuer.same_party.value if issuer.same_party else None
        return IssuerLine(
            About(stage="issuer", place=issuer.place, because=because, reference=REFERENCE),
            names=frozenset(name.text for name in issuer.names if not name.placeholders),
            templates=tuple(template_of(name) for name in issuer.names if name.placeholders),
            written=tuple(name.text for name in issuer.names),
        )
    about = About(stage="issuer", place=issuer.place, reference=REFERENCE)
    return StringClaimLine(
        about,
        issuer.claim,
        accepts=compile_glob(issuer.glob),
        expected=f"this policy trusts tokens without `iss` whose `{issuer.claim.text}` is like {one_of([issuer.glob])}",
        instead_of="iss",
    )


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The issuer line."""
    yield issuer_line(policy)
