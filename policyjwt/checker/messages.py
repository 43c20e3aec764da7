"""The messages about upkeep: allows, expected lines, wide limits, dates (PJ900 to PJ959). One function per code."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.language.suggest import quoted
from policyjwt.source import Span
from policyjwt.spans import duration


def _error(code: str, span: Span, message: str, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, Level.ERROR, message, span, help)


def _warning(code: str, span: Span, message: str, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, Level.WARNING, message, span, help)


# ------------------------------------------------------------------------------------ allow


def unknown_code(span: Span, *, code: str, meant: str | None) -> Diagnostic:
    """`allow` of a code that does not exist."""
    help_ = f"did you mean {quoted(meant)}?" if meant else "`policyjwt validate` shows the code of each warning"
    return _error("PJ900", span, f"there is no diagnostic {quoted(code)}", help_)


def not_a_warning(span: Span, *, code: str, level: str) -> Diagnostic:
    """`allow` of what can't be allowed."""
    said = f"an {level}" if level == "error" else f"a {level}"
    return _error("PJ901", span, f"{quoted(code)} is {said}; only warnings can be allowed", "take the line out")


def allows_nothing(span: Span, *, code: str) -> Diagnostic:
    """`allow` where there is nothing to allow."""
    message = f"this allows nothing: the line below has no warning {quoted(code)}"
    return _warning("PJ902", span, message, "take it out, so that a later warning is seen")


# ------------------------------------------------------------------------------------ expected lines


def no_provides(span: Span, *, policy: str) -> Diagnostic:
    """A policy of which the service may read nothing."""
    help_ = "add `provides sub is string`: `verdict.claims` holds what is named here, and nothing else"
    return _warning("PJ903", span, f"policy {quoted(policy)} provides no claims", help_)


def no_owner(span: Span, *, policy: str) -> Diagnostic:
    """A policy that nobody answers for."""
    help_ = 'add `owner "team@corp.example"`'
    return _warning("PJ904", span, f"policy {quoted(policy)} has no owner", help_)


def no_skew(span: Span) -> Diagnostic:
    """A policy that allows nothing for clocks."""
    message = "no `skew`: clocks may not differ at all"
    return Diagnostic(
        "PJ905", Level.NOTE, message, span, "add `skew at most 30s`, or `skew at most 0s` if that is meant"
    )


# ------------------------------------------------------------------------------------ wide limits


def long_life(span: Span, *, item: str, amount: int, most: int) -> Diagnostic:
    """Tokens that live for days."""
    message = f"`{item}` {duration(amount)} is long: more than {duration(most)}"
    return _warning("PJ906", span, message, "whoever takes a token has it for so long; minutes to an hour is usual")


def old_evidence(span: Span, *, age: int, most: int) -> Diagnostic:
    """Revocation that takes effect late."""
    message = f"a revoked certificate is believed for up to {duration(age)}: more than {duration(most)}"
    return _warning("PJ907", span, message, "shorten `age at most`, if the signer's evidence comes often enough")


def same_reason(span: Span, *, reason: str, earlier: Span, provided: bool = False) -> Diagnostic:
    """Two lines that a verdict would call by one code. `provided` says that both are of `provides`."""
    where = f"line {earlier.line}" if earlier.file == span.file else f"line {earlier.line} of {quoted(earlier.file)}"
    message = f"the code `claim.{reason}` of this line is also that of {where}"
    help_ = (
        "provide one of them, and test the other by a rule with a label" if provided else "label one of them: `as …`"
    )
    return Diagnostic("PJ908", Level.WARNING, message, span, help_, (Related(earlier, "the other one"),))


def reason_of_subject(span: Span, *, rule: Span) -> Diagnostic:
    """A rule that a verdict would call as it calls a `sub` that is no string."""
    message = "the code `claim.sub` of a rule is also that of a token whose `sub` is no string"
    help_ = "label the rule (`as …`), or write `provides sub is string`"
    related = (Related(rule, "the rule"),) if rule != span else ()
    return Diagnostic("PJ908", Level.WARNING, message, span, help_, related)


# ------------------------------------------------------------------------------------ dates


def waive_passed(span: Span, *, matter: str, date: str) -> Diagnostic:
    """A waiver that should have ended."""
    message = f"`waive {matter}` was to end on {date}, which has passed; it still works"
    return _error("PJ950", span, message, "decide the matter now, or give the waiver another date")


def observe_passed(span: Span, *, date: str) -> Diagnostic:
    """A rule that should have become a demand."""
    message = f"`observe` was to end on {date}, which has passed; the rule still decides nothing"
    return _error("PJ951", span, message, "write `require` instead, or give it another date")


def review_passed(span: Span, *, date: str) -> Diagnostic:
    """A policy that should have been looked at."""
    message = f"this policy was to be reviewed by {date}, which has passed"
    return _error("PJ952", span, message, "review it, and write the date of the next review")


def issued_after_future(span: Span, *, date: str) -> Diagnostic:
    """A policy that trusts no token yet."""
    message = f"no token is trusted before {date}: each must be issued after it"
    return _warning("PJ953", span, message, "write a date that has passed, unless the policy is to begin later")
