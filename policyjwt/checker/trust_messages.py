"""The messages about trust (PJ500 to PJ599): policies that trust more than their author thinks."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.language.suggest import quoted
from policyjwt.source import Span


def no_tenant(span: Span, *, provider: str, who: str, line: str) -> Diagnostic:
    """A provider with many customers under one issuer, and no rule that says which."""
    message = f"{who} can get a token from this issuer, and no rule says which is meant ({provider})"
    return Diagnostic("PJ500", Level.WARNING, message, span, f"add a rule such as `{line}`")


def email_unverified(span: Span, *, claim: str, help: str) -> Diagnostic:
    """Trust in an address that its bearer may only have typed in."""
    message = f"{quoted(claim)} is trusted without a word on whether it was verified"
    return Diagnostic("PJ501", Level.WARNING, message, span, help)


def mutable_name(span: Span, *, claim: str, provider: str, help: str) -> Diagnostic:
    """Trust in a name that somebody else can have tomorrow."""
    what = "spells out names" if claim == "sub" else "is a name"
    message = f"{quoted(claim)} {what} ({provider}); names change hands, and a new owner would be trusted"
    return Diagnostic("PJ502", Level.WARNING, message, span, help)


def without_event(span: Span, *, claim: str) -> Diagnostic:
    """GitHub: a branch or an environment without the event that started the run."""
    message = f"{quoted(claim)} says nothing without `event_name`: `pull_request_target` runs on the protected base"
    advice = 'add `require event_name in ["push", "workflow_dispatch"]`'
    return Diagnostic("PJ503", Level.WARNING, message, span, advice)


def kinds_mixed(span: Span, *, provider: str, line: str) -> Diagnostic:
    """ID tokens and access tokens of one provider under one type."""
    message = f"{provider} issues ID tokens and access tokens under one `typ`, and nothing here tells them apart"
    advice = f"test a claim that only one kind has: `{line}`"
    return Diagnostic("PJ504", Level.WARNING, message, span, advice)


def presenter_chooses(span: Span, *, path: str) -> Diagnostic:
    """A rule that is switched off by what the presenter of the token sends."""
    message = f"the presenter chooses {quoted(path)}, and with it whether this rule applies"
    advice = "guard by a claim or by `context.values`, which the service sets; or write a policy for that path"
    return Diagnostic("PJ505", Level.WARNING, message, span, advice)


def both_from_token(span: Span, *, left: str, right: str) -> Diagnostic:
    """A comparison of the token with itself."""
    message = f"{quoted(left)} and {quoted(right)} both come from the token: it only agrees with itself"
    advice = "compare with a literal, a `let`, or `context.values.…`, which the service sets"
    return Diagnostic("PJ506", Level.WARNING, message, span, advice)


def open_trust_domain(span: Span, *, glob: str) -> Diagnostic:
    """`issuer from` with a wildcard in the name of the trust domain."""
    message = f"the wildcard in {quoted(glob)} begins before the trust domain ends: it fits other domains too"
    advice = 'write the whole domain before the first wildcard: `"spiffe://prod.corp.example/**"`'
    return Diagnostic("PJ507", Level.WARNING, message, span, advice)


def issuer_spelling(span: Span, *, issuer: str, right: str) -> Diagnostic:
    """An issuer that its provider writes otherwise."""
    message = f"no token says {quoted(issuer)}: issuers are compared character by character"
    tail = ' where tid in ["…"]' if "{tid}" in right and "{tid}" not in issuer else ""
    return Diagnostic("PJ508", Level.WARNING, message, span, f'this provider writes `issuer "{right}"{tail}`')


def base_event_allowed(span: Span) -> Diagnostic:
    """GitHub: `pull_request_target` among the events that are let in."""
    message = "`pull_request_target` runs for pull requests of strangers, on the protected base and with its rights"
    advice = "take it out of the list, or give such runs a policy of their own"
    return Diagnostic("PJ509", Level.WARNING, message, span, advice)


def algorithm_not_offered(span: Span, *, provider: str, offered: str) -> Diagnostic:
    """Algorithms none of which the provider signs with."""
    message = f"{provider} does not sign with any of these algorithms, so no token will pass"
    return Diagnostic("PJ510", Level.WARNING, message, span, f"write `algorithms {offered}`")


def ref_without_type(span: Span, *, provider: str) -> Diagnostic:
    """GitLab: a ref that may be a tag of the same name."""
    message = f"`ref` alone may be a branch or a tag of that name ({provider})"
    advice = 'add `require ref_type == "branch" and ref_protected == "true"`, or test `ref_path`'
    return Diagnostic("PJ511", Level.WARNING, message, span, advice)
