"""Rules against each other.

Input: a merged block. Output: diagnostics for rules that decide nothing, or everything.

Always and never met, twice, implied, contradictory, idle guards, and `forbid` on what may be missing.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice

from policyjwt.checker import rule_messages as messages
from policyjwt.checker.nearby import in_policy
from policyjwt.checker.rules_facts import Fact, facts_of
from policyjwt.checker.rules_text import rule_text
from policyjwt.checker.rules_walk import demand_of, elementary_tests, operands, paths, subtests, test_key
from policyjwt.checker.satisfiable import FALSE, KNOWN, NOT_TRUE, TRUE, UNKNOWN, Wish, satisfiable
from policyjwt.diagnostics import Diagnostic
from policyjwt.expressions.text import inner_text, operand_text, text_of
from policyjwt.language.model import And, Block, Call, IsType, Not, Or, Path, Presence, Quantified, Rule, Test
from policyjwt.language.suggest import quoted

_MAY_ANSWER = frozenset({"file", "extends", "rules", "provides", "freshness", "replay", "select", "issuer"})
"""Parts of a policy that can demand that a claim is there. Where one could not be read, nobody is asked."""


_MOST_NEAR = 100
"""Lines about one claim that are looked at for an answer. Beyond, a question may be asked that one of them answers."""

_MOST_PAIRS = 150
"""Pairs of rules that are compared in depth: all of 17 rules about one claim. Beyond, only equal ones are found."""


@dataclass(frozen=True, slots=True)
class _Demand:
    """A rule, all that it demands as one test, and the values that it reads. `own`: no baseline wrote it."""

    rule: Rule
    test: Test
    reads: frozenset[Hashable]
    own: bool
    key: Hashable


def logic_faults(block: Block, *, faulty: Collection[Rule]) -> Iterator[Diagnostic]:
    """What the logic of the rules gives away. `faulty` rules have type faults and are left out."""
    facts = facts_of(block)
    demands = [_demand(rule, block) for rule in block.rules if rule not in faulty]
    sound: list[_Demand] = []
    for demand in demands:
        found = list(_alone(demand))
        if demand.own:  # a baseline is judged by itself as well
            yield from found
            yield from _guard(demand.rule)
        if not found and demand.rule.kind != "observe":
            found = list(_against_facts(demand, facts, block))
            yield from found
        if not found and demand.rule.kind != "observe":
            sound.append(demand)
    yield from _pairs(sound, block)
    if block.kind == "policy" and block.broken.isdisjoint(_MAY_ANSWER):
        for demand in demands:
            if demand.rule.kind == "forbid":
                yield from _missing(demand, [other for other in demands if other is not demand], facts, block)


def _demand(rule: Rule, block: Block) -> _Demand:
    test = demand_of(rule)
    return _Demand(rule, test, _test_reads(test), block.extent.contains(rule.place.span), test_key(test))


def _test_reads(test: Test) -> frozenset[Hashable]:
    return frozenset((path.root, path.members) for path in paths(test) if path.root != "variable")


# ------------------------------------------------------------------------------ one rule alone


def _alone(demand: _Demand) -> Iterator[Diagnostic]:
    rule = demand.rule
    if not satisfiable([(demand.test, TRUE)]):
        why, advice = _why_never(demand.test)
        yield messages.never_met(rule.test.span, why=why, help=advice)
        return
    if not satisfiable([(demand.test, NOT_TRUE)]):
        yield messages.always_met(rule.test.span, why="there is no token that it refuses")
        return
    for part in subtests(rule.test):
        if isinstance(part, Or):
            for term in part.tests:
                if not satisfiable([(term, TRUE)]):
                    yield messages.dead_alternative(term.span, text=text_of(term))


def _why_never(test: Test) -> tuple[str, str]:
    terms = test.tests if isinstance(test, And) else (test,)
    for term in terms:
        if not satisfiable([(term, TRUE)]):
            return _why_term(term)
    for first, second in combinations(terms, 2):
        if not satisfiable([(first, TRUE), (second, TRUE)]):
            quotes = f"{quoted(text_of(first))} and {quoted(text_of(second))}"
            return f"{quotes} exclude each other", "if either may hold, write `or`, or `in` with both values"
    return "no value fits all of its tests", "compare the tests on each claim; they exclude each other"


_RESULTS = {
    "lower": "`lower` gives no upper-case letters",
    "words": "`words` gives words without spaces",
    "host": "`host` gives a host in lower case, without scheme, port and path",
    "count": "`count` gives an integer from 0 up",
}


def _why_term(term: Test) -> tuple[str, str]:
    for operand in operands(term):
        if isinstance(operand, Call):
            return _RESULTS[operand.function], "compare with what the function can give"
    if isinstance(term, Quantified):
        return (
            f"no element satisfies {quoted(text_of(term.test))}",
            "write `or` between the values",
        )
    return f"{quoted(text_of(term))} is never true", "write the values that are wanted"


def _guard(rule: Rule) -> Iterator[Diagnostic]:
    if rule.guard is None:
        return
    kind, test = rule.guard.kind, rule.guard.test
    applies = {"when": "true", "unless": "false"}[kind]
    for outcome, wanted in (("true", TRUE), ("false", FALSE)):
        if not satisfiable([(test, wanted)]):
            effect = "so the rule never applies" if outcome == applies else "so it switches nothing off"
            advice = "write the guard that is meant, or take it out: the rule then holds for every token"
            yield messages.idle_guard(test.span, kind=kind, why=f"is never {outcome}, {effect}", help=advice)
            return


# ------------------------------------------------------------------------------ rules and other lines


def _against_facts(demand: _Demand, facts: tuple[Fact, ...], block: Block) -> Iterator[Diagnostic]:
    near = [fact for fact in facts if demand.reads & _test_reads(fact.test)]
    for fact in near if demand.own else ():
        if not satisfiable([(demand.test, NOT_TRUE), (fact.test, TRUE)]):
            yield messages.implied(demand.rule.test.span, by=fact.by, place=fact.place)
            return
    if not satisfiable([(demand.test, TRUE), *((fact.test, TRUE) for fact in near)]):
        culprits = (fact for fact in near if not satisfiable([(demand.test, TRUE), (fact.test, TRUE)]))
        culprit = next(culprits, near[0])
        span = demand.rule.test.span
        at = in_policy(block, span, *(() if demand.own or culprit.place is None else (culprit.place,)))
        yield messages.contradiction(at, by=culprit.by, place=culprit.place)


def _pairs(demands: list[_Demand], block: Block) -> Iterator[Diagnostic]:
    """Two rules beside each other. Each rule is told once that it adds nothing; a baseline's is never told so."""
    told = [not demand.own for demand in demands]
    questions = 0
    for (at, first), (also, second) in combinations(enumerate(demands), 2):
        if not first.reads & second.reads or _answers(first, second) or _answers(second, first):
            continue
        questions += 1
        if questions > _MOST_PAIRS and first.key != second.key:
            continue
        if first.key == second.key and first.own:
            weaker, found = also, messages.duplicate(second.rule.test.span, first=first.rule.test.span)
        elif _follows(first, second):
            weaker, found = also, _implied(second, by=first)
        elif _follows(second, first):
            weaker, found = at, _implied(first, by=second)
        else:
            if not satisfiable([(first.test, TRUE), (second.test, TRUE)]):
                at_span = in_policy(block, first.rule.test.span, second.rule.test.span)
                yield messages.contradiction(at_span, by="the rule", place=first.rule.test.span)
            continue
        if not told[weaker]:
            told[weaker] = True
            yield found


def _follows(first: _Demand, second: _Demand) -> bool:
    """Whether every token that meets the first meets the second."""
    return not satisfiable([(first.test, TRUE), (second.test, NOT_TRUE)])


def _answers(forbid: _Demand, presence: _Demand) -> bool:
    """`require azp is present` says in so many words what a `forbid` on `azp` does with tokens without it."""
    return forbid.rule.kind == "forbid" and all(
        isinstance(part, (And, Presence, IsType)) for part in subtests(presence.rule.test)
    )


def _implied(weaker: _Demand, *, by: _Demand) -> Diagnostic:
    return messages.implied(weaker.rule.test.span, by="the rule", place=by.rule.test.span)


# ------------------------------------------------------------------------------ forbid and missing claims


def _missing(demand: _Demand, others: list[_Demand], facts: tuple[Fact, ...], block: Block) -> Iterator[Diagnostic]:
    """Whether this `forbid` refuses tokens that only lack a claim.

    Lines that force the claim to be there answer that.
    """
    read: dict[Hashable, Path] = {}
    for path in paths(demand.rule.test):
        if path.root in ("claim", "header"):
            read.setdefault((path.root, path.members), path)
    lines: list[tuple[Test, frozenset[Hashable]]] = [(fact.test, _test_reads(fact.test)) for fact in facts]
    lines += [(other.test, other.reads) for other in others if other.rule.kind != "observe"]
    silent: list[Path] = []
    for key, path in read.items():
        near = list(islice((test for test, reads in lines if key in reads), _MOST_NEAR))
        if _refuses_without(path, demand.test, near):
            silent.append(path)
    if silent:
        names = "`, `".join(path.text for path in silent)
        yield messages.silent_on_missing(
            in_policy(block, demand.rule.test.span), claim=names, help=_missing_help(demand.rule, silent)
        )


def _refuses_without(path: Path, demand: Test, lines: list[Test]) -> bool:
    """Whether `demand` can be unknown only since `path` is missing, in a token that `lines` let pass."""
    wishes: list[Wish] = [(Presence(path.span, path, present=False), TRUE), (demand, UNKNOWN)]
    for test in elementary_tests(demand):
        if all((other.root, other.members) != (path.root, path.members) for other in paths(test)):
            wishes.append((test, KNOWN))
    wishes += [(line, TRUE) for line in lines]
    return satisfiable(wishes)


def _missing_help(rule: Rule, silent: list[Path]) -> str:
    """A line that lets tokens without the claims pass, and nothing else that the rule refuses now."""
    present = " and ".join(f"{operand_text(path)} is present" for path in silent)
    test = text_of(rule.test) if not isinstance(rule.test, Quantified) else inner_text(rule.test)
    plain = not any(isinstance(part, (Or, Not)) for part in subtests(rule.test))
    if not plain:
        line = rule_text(rule, test=_with_presence(rule.test, silent), guard=_guard_text(rule))
    elif rule.guard is None:
        line = rule_text(rule, test=test, guard=f"when {present}")
    elif rule.guard.kind == "when":
        inner = rule.guard.test
        old = text_of(inner) if isinstance(inner, And) else inner_text(inner)
        line = rule_text(rule, test=test, guard=f"when {present} and {old}")
    else:
        inside = test if isinstance(rule.test, And) else inner_text(rule.test)
        line = rule_text(rule, test=f"{present} and {inside}", guard=_guard_text(rule))
    return f"to let such tokens pass, write `{line}`; to refuse them in so many words, add `require {present}`"


def _guard_text(rule: Rule) -> str | None:
    return f"{rule.guard.kind} {text_of(rule.guard.test)}" if rule.guard is not None else None


def _with_presence(test: Test, silent: list[Path]) -> str:
    """`test` with each term about a silent claim as `(claim is present and term)`, which is false without it."""
    if isinstance(test, (And, Or)):
        word = " and " if isinstance(test, And) else " or "
        return word.join(_term(part, silent) for part in test.tests)
    return _term(test, silent)


def _term(test: Test, silent: list[Path]) -> str:
    if isinstance(test, (And, Or)):
        return f"({_with_presence(test, silent)})"
    read = {(path.root, path.members) for path in paths(test)}
    about = [path for path in silent if (path.root, path.members) in read]
    if not about:
        return inner_text(test)
    present = " and ".join(f"{operand_text(path)} is present" for path in about)
    return f"({present} and {inner_text(test)})"
