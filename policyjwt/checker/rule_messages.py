"""The messages about rules: types and operators (PJ280 to PJ299), hygiene (PJ960 to PJ979).

One function per code.
"""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.language.suggest import quoted
from policyjwt.source import Span

_ARTICLE = {"object": "an object"}


def a_kind(kinds: frozenset[str]) -> str:
    """Types in words: "a string or a list"."""
    return " or ".join(_ARTICLE.get(kind, f"a {kind}") for kind in sorted(kinds, reverse=True))


def _where(span: Span, place: Span | None) -> str:
    if place is None:
        return ""
    return f" on line {place.line}" + ("" if place.file == span.file else f" of {quoted(place.file)}")


# ------------------------------------------------------------------------------ types and operators


def certain_type(span: Span, *, operand: str, is_a: str, says: str, needs: str, help: str) -> Diagnostic:
    """A value whose type is fixed, where another type is needed."""
    message = f"{quoted(operand)} is {is_a} {says}; {needs}, so this is never true"
    return Diagnostic("PJ280", Level.ERROR, message, span, help)


def documented_type(span: Span, *, operand: str, is_a: str, says: str, needs: str, help: str) -> Diagnostic:
    """A claim that has another type by its provider, by a standard, or by another line of the policy."""
    message = f"{quoted(operand)} is {is_a} {says}; {needs}, so this is never true of such a token"
    return Diagnostic("PJ281", Level.WARNING, message, span, help)


def scope_as_one(span: Span, *, operand: str, help: str) -> Diagnostic:
    """`scope` taken for one word, or for a list."""
    message = f"{quoted(operand)} is one string of words; this does not test for a word in it"
    return Diagnostic("PJ282", Level.WARNING, message, span, help)


def list_as_one(span: Span, *, operand: str, says: str, help: str) -> Diagnostic:
    """A claim that is a list, compared like one value."""
    message = f"{quoted(operand)} is a list {says}; a list equals nothing, so this is never true of such a token"
    return Diagnostic("PJ283", Level.WARNING, message, span, help)


def audience_in_rule(span: Span, *, help: str) -> Diagnostic:
    """A rule on `aud`."""
    message = "`aud` is a string or a list, and this is unknown for one of them; `audience` reads both"
    return Diagnostic("PJ284", Level.WARNING, message, span, help)


def issuer_in_rule(span: Span, *, help: str) -> Diagnostic:
    """A rule on `iss`."""
    message = "`iss` chooses the policy and its keys; a rule comes too late for that"
    return Diagnostic("PJ285", Level.WARNING, message, span, help)


def time_in_rule(span: Span, *, claim: str, help: str) -> Diagnostic:
    """A rule that compares `exp`, `iat` or `nbf`."""
    message = f"{quoted(claim)} is judged by `freshness`, against the clock and with its skew; a rule on it is not"
    return Diagnostic("PJ286", Level.WARNING, message, span, help)


def header_in_rule(span: Span, *, member: str, help: str) -> Diagnostic:
    """A rule on `header.typ` or `header.alg`."""
    message = f"{quoted(member)} has an item of its own, which reads it as the standards say"
    return Diagnostic("PJ287", Level.WARNING, message, span, help)


# ------------------------------------------------------------------------------ hygiene


def never_met(span: Span, *, why: str, help: str, related: tuple[Related, ...] = ()) -> Diagnostic:
    """A rule that no token meets."""
    return Diagnostic("PJ960", Level.WARNING, f"this rule is never met: {why}", span, help, related)


def always_met(span: Span, *, why: str) -> Diagnostic:
    """A rule that every token meets."""
    advice = "take it out, or write the value that is wanted"
    return Diagnostic("PJ961", Level.WARNING, f"this rule is always met: {why}", span, advice)


def duplicate(span: Span, *, first: Span) -> Diagnostic:
    """A rule that stands twice."""
    related = (Related(first, "it stands here already"),)
    return Diagnostic(
        "PJ962",
        Level.WARNING,
        f"this rule stands already{_where(span, first)}",
        span,
        "take one of them out",
        related,
    )


def implied(span: Span, *, by: str, place: Span | None) -> Diagnostic:
    """A rule that holds wherever another line of the policy holds."""
    related = (Related(place, "this line demands it"),) if place is not None else ()
    advice = "it may stay as a second lock; nothing is refused by this rule alone"
    return Diagnostic("PJ963", Level.NOTE, f"this rule is implied by {by}{_where(span, place)}", span, advice, related)


def contradiction(span: Span, *, by: str, place: Span | None) -> Diagnostic:
    """Two lines that no token meets together."""
    related = (Related(place, "no token meets this line and the other"),) if place is not None else ()
    message = f"no token meets this rule and {by}{_where(span, place)}: the policy trusts nothing"
    advice = "if either may hold, join them with `or` in one rule, or write two policies"
    return Diagnostic("PJ964", Level.WARNING, message, span, advice, related)


def idle_guard(span: Span, *, kind: str, why: str, help: str) -> Diagnostic:
    """A guard that never, or always, switches its rule off."""
    return Diagnostic("PJ965", Level.WARNING, f"this `{kind}` {why}", span, help)


def dead_alternative(span: Span, *, text: str) -> Diagnostic:
    """A term of an `or` that is never true."""
    message = f"this alternative is never true: {quoted(text)}"
    return Diagnostic("PJ966", Level.WARNING, message, span, "take it out, or write what is meant")


def silent_on_missing(span: Span, *, claim: str, help: str) -> Diagnostic:
    """A `forbid` that refuses tokens without the claim and does not say so."""
    message = f"what if {quoted(claim)} is missing? this line then is unknown, and refuses the token"
    return Diagnostic("PJ967", Level.WARNING, message, span, help)


def open_affix(span: Span, *, where: str, text: str, also: str, help: str) -> Diagnostic:
    """`starts with` or `ends with` a literal whose edge is a letter or a digit."""
    message = f"`{where} with` {quoted(text)} also fits {quoted(also)}"
    return Diagnostic("PJ968", Level.WARNING, message, span, help)


def lookalike(span: Span, *, what: str, text: str, letters: str, means: str) -> Diagnostic:
    """A name with letters of another script that look like those of its own."""
    message = f"{what} {quoted(text)} has letters of another script: {letters}"
    advice = f"if {quoted(means)} is meant, type it again; text is compared by code point, not by its look"
    return Diagnostic("PJ969", Level.WARNING, message, span, advice)


def invisible(span: Span, *, what: str, text: str, character: str) -> Diagnostic:
    """A name with a character that nobody sees."""
    message = f"{what} {quoted(text)} holds a character that is not seen: {character}"
    return Diagnostic("PJ970", Level.WARNING, message, span, "take it out, or write it as a `\\u` escape in a string")


def open_glob(span: Span, *, glob: str, also: str, help: str) -> Diagnostic:
    """`like` with a wildcard directly behind a word."""
    return Diagnostic("PJ971", Level.WARNING, f"`like` {quoted(glob)} also fits {quoted(also)}", span, help)


def denying_thumbprint(span: Span) -> Diagnostic:
    """A thumbprint that is to exclude a certificate."""
    message = "a thumbprint excludes no certificate: its holder can write the same certificate with another one"
    advice = 'distrust its key with `except key sha256 "…"`, or test `certificate.serial` and the issuer'
    return Diagnostic("PJ972", Level.WARNING, message, span, advice)
