"""Natural slips in rules.

Input: the elementary tests of a rule. Output: a diagnostic that names the item made for it.

A rule on `aud`, `iss`, `exp` works only by half; the language has an item that works whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import rule_messages as messages
from policyjwt.checker.rules_walk import Occurrence, claim_of, literal_of, operands, path_of
from policyjwt.checker.types import LIST, STRING, Types
from policyjwt.diagnostics import Diagnostic
from policyjwt.expressions.text import duration_text, operand_text, text_of, value_text
from policyjwt.language.model import (
    Affix,
    And,
    Block,
    Compare,
    Contains,
    DateTest,
    In,
    IssuerNames,
    IsType,
    Like,
    Matches,
    Operand,
    Presence,
    Quantified,
    Rule,
    Test,
    Under,
    Within,
)

_SCOPES = ("scope", "scp")


def slips(rule: Rule, found: Occurrence, block: Block, types: Types) -> Iterator[Diagnostic]:
    """The slip in one elementary test, if it is one."""
    test = found.test
    if isinstance(test, (Presence, IsType)):
        return
    read = [claim for claim in map(claim_of, operands(test)) if claim]
    if ("aud",) in read:
        yield messages.audience_in_rule(test.span, help=_audience_help(found))
    elif ("iss",) in read and not found.guard and _issuer_is_settled(rule, test, block):
        yield messages.issuer_in_rule(test.span, help=_issuer_help(test))
    elif isinstance(test, (Compare, In, Within, DateTest)) and not found.guard:
        yield from _times(test)
        yield from _header(test)
    yield from _scope(test, types)


def _issuer_is_settled(rule: Rule, test: Test, block: Block) -> bool:
    """With several issuers a rule may tell them apart, `iss == "a" and …`; alone it repeats the item."""
    several = isinstance(block.issuer, IssuerNames) and (
        len(block.issuer.names) > 1 or any(name.placeholders for name in block.issuer.names)
    )
    conjuncts = rule.test.tests if isinstance(rule.test, And) else (rule.test,)
    return not several or (rule.kind == "require" and test in conjuncts)


def _strings(test: Test) -> list[str]:
    """The strings that stand in `test`, as they are written in a policy."""
    found: list[str] = []
    for operand in operands(test):
        value = literal_of(operand)
        for element in value if isinstance(value, tuple) else (value,):
            if isinstance(element, str):
                found.append(value_text(element))
    return found


def _audience_help(found: Occurrence) -> str:
    named = ", ".join(_strings(found.test)) or '"…"'
    if found.helps:
        return f"write the item `audience {named}`; for this service and nobody else, `audience only {named}`"
    return 'to refuse tokens that others could be shown too, name yourself alone: `audience only "…"`'


def _issuer_help(test: Test) -> str:
    named = ", ".join(_strings(test)) or '"…"'
    return f"write the item `issuer {named}`, and take the rule out"


def _times(test: Compare | In | Within | DateTest) -> Iterator[Diagnostic]:
    for operand in operands(test):
        claim = claim_of(operand)
        if claim in (("exp",), ("iat",), ("nbf",)):
            yield messages.time_in_rule(test.span, claim=claim[0], help=_time_help(claim[0], test))
            return


def _time_help(claim: str, test: Compare | In | Within | DateTest) -> str:
    if claim == "exp":
        return "`exp` is judged in any case; limit it with `lifetime at most 15m` or `expires within 15m`"
    if claim == "nbf":
        return "`nbf` is judged wherever it is present; to demand it, write `freshness { needs nbf }`"
    if isinstance(test, Within):
        return f"write `freshness {{ age at most {duration_text(test.seconds)} }}`"
    if isinstance(test, DateTest) and test.side == "after":
        return 'write `freshness { issued after DATE because "…" }`'
    return "write `freshness { age at most 10m }`"


def _header(test: Compare | In | Within | DateTest) -> Iterator[Diagnostic]:
    for operand in operands(test):
        path = path_of(operand)
        if path is not None and path.root == "header" and path.members in (("typ",), ("alg",)):
            item = "type" if path.members == ("typ",) else "algorithms"
            named = ", ".join(_strings(test)) or "…"
            advice = f"write `{item} {named if item == 'type' else named.replace(chr(34), '')}`"
            yield messages.header_in_rule(test.span, member=path.text, help=advice)


def _scope(test: Test, types: Types) -> Iterator[Diagnostic]:
    for operand in operands(test):
        claim = claim_of(operand)
        is_scope = claim in (("scope",), ("scp",)) and operand == path_of(operand)
        if is_scope and _is_string(operand, types):
            advice = element_help(test, operand, f"words({operand_text(operand)})")
            yield messages.scope_as_one(test.span, operand=operand_text(operand), help=advice)
            return


def _is_string(operand: Operand, types: Types) -> bool:
    typing = types.of(operand)
    return typing is not None and typing.kinds == STRING


def element_help(test: Test, operand: Operand, items: str) -> str:
    """A line that tests the elements of the list `items` as `test` tried to test `operand` itself."""
    match test:
        case Compare(operator="==" | "!="):
            other = test.right if test.left == operand else test.left
            positive = f"{items} contains {operand_text(other)}"
            return f"write `{positive}`" if test.operator == "==" else f"write `not ({positive})`"
        case In() if test.left == operand:
            positive = f"{items} contains any of {operand_text(test.right)}"
            return f"write `not ({positive})`" if test.negated else f"write `{positive}`"
        case In():
            positive = f"{items} contains {operand_text(test.left)}"
            return f"write `not ({positive})`" if test.negated else f"write `{positive}`"
        case Contains():
            quantity = "" if test.quantity == "one" else f"{test.quantity} of ".replace("only of", "only")
            return f"write `{items} contains {quantity}{operand_text(test.right)}`"
        case Affix() | Like() | Matches() | Under():
            tail = text_of(test).removeprefix(operand_text(operand))
            return f"write `some x in {items} satisfies x{tail}`"
        case Quantified():
            return f"write `{test.quantity} {test.variable} in {items} satisfies …`"
        case _:
            return f"write `{items} contains …`"


def is_list_claim(operand: Operand, types: Types) -> bool:
    """Whether `operand` is a claim that is documented as a list."""
    typing = types.of(operand)
    return typing is not None and typing.kinds == LIST and not typing.certain
