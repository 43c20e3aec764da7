"""What a policy demands, assures and waives, in sentences for auditors.

Input: a checked policy. Output: an account, whose sentences know the lines that they speak of. The sentences
of the sections stand in `explain_sections.py`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from policyjwt.assurance import standings
from policyjwt.language.model import CheckedPolicy, Excused, Rule, Waiver, X5c
from policyjwt.reports import words
from policyjwt.reports.explain_sections import Sentence, demands
from policyjwt.reports.terminal import PLAIN, Style, visible
from policyjwt.source import Place, Span


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and its sentences."""

    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """All that is said of one policy."""

    name: str
    span: Span
    parts: tuple[Part, ...]


WIDTH = 100
"""Columns of the text for terminals."""

DEMANDS = "What it demands"
UNCLEAR = (
    "A value that is missing, null or of the wrong type never passes: a demand that can't be told to hold is "
    "not met, and a condition that can't be told to hold excuses nothing."
)


def account(policy: CheckedPolicy) -> Account:
    """The account of `policy`; parts with nothing to say are left out."""
    parts = (
        Part("What it is for", tuple(_purpose(policy))),
        Part(DEMANDS, (*demands(policy), *_rules(policy))),
        Part("What it hands to the service", tuple(_provides(policy))),
        Part("What a trusted token is worth", tuple(_assurances(policy))),
        Part("What it waives or excuses", tuple(_waived(policy))),
        Part("What it only observes", tuple(_observed(policy))),
        Part("Warnings that it accepts", tuple(_allowed(policy))),
    )
    return Account(policy.name, policy.block.name_span, tuple(part for part in parts if part.sentences))


def _purpose(policy: CheckedPolicy) -> Iterator[Sentence]:
    block = policy.block
    if block.about:
        yield Sentence(f"{block.about.value.rstrip('.')}.", block.about.place)
    yield Sentence(f"It guards the use {words.quoted(policy.use)}.", block.use.place if block.use else None)
    if block.by_name_only:
        yield Sentence("It judges only where the caller names it.", block.by_name_only.place)
    if block.owner:
        yield Sentence(f"{block.owner.value} answers for it.", block.owner.place)
    else:
        yield Sentence("Nobody is named who answers for it.", None)
    if block.review:
        yield Sentence(f"It is to be reviewed by {block.review.date.iso}.", block.review.place)
    if block.extends:
        parents = words.names(tuple(parent.value for parent in block.extends))
        yield Sentence(f"It is built on {parents}, whose demands are included below.", None)


def _rules(policy: CheckedPolicy) -> Iterator[Sentence]:
    for rule in policy.block.rules:
        if rule.kind != "observe":
            yield Sentence(_rule(rule), rule.place)


def _rule(rule: Rule) -> str:
    demand = "it must hold that" if rule.kind == "require" else "it must not be that"
    said = f"{_condition(rule)}{demand} {words.clause(rule.test)}."
    return words.begun(said) + _reason(rule.because.value if rule.because else None)


def _condition(rule: Rule) -> str:
    if rule.guard is None:
        return ""
    return f"{'if' if rule.guard.kind == 'when' else 'unless'} {words.clause(rule.guard.test)}, "


def _reason(because: str | None) -> str:
    return f" Reason given: {because.rstrip('. ')}." if because else ""


def _provides(policy: CheckedPolicy) -> Iterator[Sentence]:
    if not policy.block.provides:
        yield Sentence("It provides no claims: nothing of the token is handed on as judged.", None)
    for provided in policy.block.provides:
        when = ", if the token has it" if provided.if_present else ""
        yield Sentence(f"The claim `{provided.claim}`, {words.a_type(provided.type)}{when}.", provided.place)


def _assurances(policy: CheckedPolicy) -> Iterator[Sentence]:
    promised = {promise.assurance: promise.place for promise in policy.block.assures}
    for standing in standings(policy):
        name, phrase = standing.name, standing.phrase
        if not standing.given:
            yield Sentence(f"Not assured: {name}: {phrase}.", None)
        elif name in promised:
            yield Sentence(f"Promised: {name}, by {phrase}; without it no token is trusted.", promised[name])
        else:
            yield Sentence(f"Assured: {name}, by {phrase}.", None)


def _waived(policy: CheckedPolicy) -> Iterator[Sentence]:
    for waiver in policy.block.waivers:
        yield Sentence(_waiver(waiver), waiver.place)
    for excused, said in _excuses(policy):
        yield Sentence(f"{said}{_reason(excused.because.value)}", excused.place)
    removal = None if isinstance(policy.revocation, Waiver) else policy.revocation.key_removal
    if removal is not None:
        yield Sentence(
            "No evidence of revocation is asked for: a stolen key is believed until its issuer removes it, "
            f"and up to {words.duration(removal.amount)} longer.",
            removal.place,
        )


def _waiver(waiver: Waiver) -> str:
    until = f" This ends on {waiver.until.iso}." if waiver.until else " No end is set."
    what = {
        "audience": "It does not ask for whom the token is meant: one for another service is accepted here.",
        "type": "It does not ask which kind of token this is.",
        "revocation": "It does not ask whether the signer's key has been withdrawn.",
        "holder": "It does not ask whether the presenter holds the key that the token is bound to.",
    }.get(waiver.matter.value, f"It does not decide `{waiver.matter.value}`.")
    return f"{what}{until}{_reason(waiver.because.value)}"


def _excuses(policy: CheckedPolicy) -> Iterator[tuple[Excused, str]]:
    """Every exception with a reason, and what it means."""
    replay, revocation = policy.replay, policy.revocation
    if not isinstance(replay, Waiver) and replay.reusable:
        yield replay.reusable, "The same token is accepted again and again until it expires."
    if not isinstance(revocation, Waiver):
        if revocation.redeployment:
            yield (
                revocation.redeployment,
                "A stolen key is believed until the service is deployed with another.",
            )
        if revocation.without_nocheck:
            yield (
                revocation.without_nocheck,
                "A responder's certificate need not say that it is never revoked itself.",
            )
        if revocation.without_next_update:
            yield revocation.without_next_update, "Evidence need not say when newer evidence is due."
    if policy.signature.held_by_several:
        yield policy.signature.held_by_several, "The private key is known to more than one party."
    source = policy.signature.keys
    if isinstance(source, X5c) and source.leaf and source.leaf.because:
        excused = Excused(source.leaf.place, source.leaf.because)
        yield excused, "Any certificate below the anchors may speak for the issuer."


def _observed(policy: CheckedPolicy) -> Iterator[Sentence]:
    for rule in policy.block.rules:
        if rule.kind == "observe":
            until = f" until {rule.until.iso}" if rule.until else ""
            what = f"{_condition(rule)}whether {words.clause(rule.test)}"
            reason = _reason(rule.because.value if rule.because else None)
            yield Sentence(f"Reported{until}, but no reason to refuse: {what}.{reason}", rule.place)


def _allowed(policy: CheckedPolicy) -> Iterator[Sentence]:
    for allow in policy.block.allows:
        yield Sentence(f"{allow.code.value}.{_reason(allow.because.value)}", allow.place)


# ------------------------------------------------------------------------------------------------ as text


def as_text(told: Account, style: Style = PLAIN) -> str:
    """For a terminal."""
    span = told.span
    lines = [f"{style.paint(visible(told.name), 'bold')}   {visible(span.file)}:{span.line}"]
    for part in told.parts:
        lines.extend(["", style.paint(part.title, "bold")])
        for sentence in part.sentences:
            lines.extend(_wrapped(f"{visible(sentence.text)}{_where(sentence.place, told)}", "  - "))
        if part.title == DEMANDS:
            lines.extend(_wrapped(UNCLEAR, "  "))
    return "\n".join(lines)


def _wrapped(text: str, first: str) -> list[str]:
    glued = re.sub(r"\(line (?=[0-9])", "(line\u00a0", text)  # the number of a line stays beside its word
    wrapper = textwrap.TextWrapper(WIDTH, initial_indent=first, subsequent_indent=" " * len(first))
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return [line.replace("\u00a0", " ") for line in wrapper.wrap(glued)]


def _where(place: Place | None, told: Account) -> str:
    """The line that a sentence speaks of, and its file where that is another one."""
    if place is None:
        return ""
    other = f" of {visible(place.span.file)}" if place.span.file != told.span.file else ""
    return f" (line {place.span.line}{other})"


def as_markdown(told: Account) -> str:
    """For a document or a review."""
    lines = [f"# {_plain(told.name)}", "", f"`{visible(told.span.file)}`, line {told.span.line}"]
    for part in told.parts:
        lines.extend(["", f"## {part.title}", ""])
        for sentence in part.sentences:
            lines.append(f"- {_plain(sentence.text + _where(sentence.place, told))}")
        if part.title == DEMANDS:
            lines.extend(["", UNCLEAR])
    return "\n".join(lines)


def _plain(text: str) -> str:
    """`text` with what Markdown or HTML would read as markup escaped; code in backquotes stays code."""
    pieces = visible(text).split("`")
    if len(pieces) % 2 == 0:  # an odd backquote: no code at all
        return _escape("`".join(pieces)).replace("`", "\\`")
    return "".join(f"`{piece}`" if at % 2 else _escape(piece) for at, piece in enumerate(pieces))


def _escape(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\*_[]<>#|~!" else "&amp;" if c == "&" else c for c in text)
