"""The messages of composition: baselines and what they decide (PJ360 to PJ379). One function per code."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.language.suggest import quoted
from policyjwt.source import Place, Span


def _earlier(place: Place, *, by: str) -> tuple[Related, ...]:
    return (Related(place.span, f"baseline {quoted(by)} says it here"),)


def unknown_baseline(span: Span, *, name: str, meant: str | None) -> Diagnostic:
    """`extends` a name that no baseline has."""
    help_ = f"did you mean {quoted(meant)}?" if meant else "`import` the file that it stands in, or write it here"
    message = f"there is no baseline {quoted(name)} in this file or its imports"
    return Diagnostic("PJ360", Level.ERROR, message, span, help_)


def extends_a_policy(span: Span, *, name: str, policy: Span) -> Diagnostic:
    """`extends` a policy."""
    help_ = "move what both have in common into a `baseline` that both extend"
    related = (Related(policy, "the policy of this name"),)
    message = f"{quoted(name)} is a policy; only a baseline can be extended"
    return Diagnostic("PJ361", Level.ERROR, message, span, help_, related)


def cycle(span: Span, *, names: tuple[str, ...]) -> Diagnostic:
    """Baselines that extend each other."""
    way = ", which extends ".join(quoted(name) for name in names)
    return Diagnostic(
        "PJ362",
        Level.ERROR,
        f"baselines extend each other in a circle: {way}",
        span,
        "take one `extends` out",
    )


def exception_in_baseline(place: Place, *, what: str) -> Diagnostic:
    """A baseline that excuses something."""
    message = f"{quoted(what)} is an exception, and a baseline makes none"
    help_ = "write it in each policy that needs it, where people see it"
    return Diagnostic("PJ363", Level.ERROR, message, place.span, help_)


def parent_decides(place: Place, *, what: str, matter: str, parent: Place, by: str) -> Diagnostic:
    """A policy that excuses itself from what its baseline decides."""
    message = f"{quoted(what)} is not this policy's to say: baseline {quoted(by)} decides the {matter}"
    help_ = "take it out, or extend a baseline that leaves this open"
    return Diagnostic("PJ364", Level.ERROR, message, place.span, help_, _earlier(parent, by=by))


def nothing_in_common(
    place: Place, *, what: str, child: str, parent: str, earlier: Place, by: str, two_names: bool = False
) -> Diagnostic:
    """Lists of which only what both name holds, and they name nothing together."""
    message = f"no {what} is left: {child} here, and baseline {quoted(by)} has {parent}"
    help_ = f"only the {what} that both name holds: name one of the baseline's"
    if two_names:
        help_ = (
            "`EdDSA` and `Ed25519` are two names, and tokens carry one of them: write the one that the issuer writes"
        )
    return Diagnostic("PJ365", Level.ERROR, message, place.span, help_, _earlier(earlier, by=by))


def differs(place: Place, *, what: str, earlier: Place, by: str) -> Diagnostic:
    """What must be equal in a policy and its baseline, and is not."""
    message = f"{quoted(what)} differs from baseline {quoted(by)}, which says {quoted(earlier.text)}"
    help_ = "both must say the same: take this line out, or extend another baseline"
    return Diagnostic("PJ366", Level.ERROR, message, place.span, help_, _earlier(earlier, by=by))


def label_twice(span: Span, *, label: str, earlier: Span) -> Diagnostic:
    """Two rules of one label."""
    message = f"the label {quoted(label)} is taken: line {earlier.line} has it"
    if earlier.file != span.file:
        message = f"the label {quoted(label)} is taken: line {earlier.line} of {quoted(earlier.file)} has it"
    related = (Related(earlier, "the other rule of this label"),)
    return Diagnostic("PJ367", Level.ERROR, message, span, "a label names one rule: choose another", related)


def types_differ(place: Place, *, claim: str, child: str, parent: str, earlier: Place, by: str) -> Diagnostic:
    """A claim that is provided with two types."""
    message = f"{quoted(claim)} is provided as {child} here and as {parent} by baseline {quoted(by)}: no value is both"
    return Diagnostic("PJ368", Level.ERROR, message, place.span, "write the baseline's type", _earlier(earlier, by=by))


def which_binds(place: Place, *, what: str, child: str, parent: str, earlier: Place, by: str, mine: bool) -> Diagnostic:
    """Two limits, of which the smaller binds."""
    if mine:
        message = f"{quoted(what)} binds with {child}: baseline {quoted(by)} allows {parent}"
    else:
        message = f"{quoted(what)} does not bind with {child}: baseline {quoted(by)} says {parent}"
    return Diagnostic("PJ369", Level.NOTE, message, place.span, None, _earlier(earlier, by=by))


def lineage_too_long(span: Span, *, most: int) -> Diagnostic:
    """More baselines than anybody can follow."""
    message = f"this extends more than {most - 1} baselines, one through another"
    return Diagnostic("PJ370", Level.ERROR, message, span, "merge some of them")
