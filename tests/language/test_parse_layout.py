"""Texts that would be a laxer policy if they parsed: glued words, guards without rules, hidden line breaks."""

from __future__ import annotations

import pytest
from lark import Token, Tree

from policyjwt.language.grammar import language
from policyjwt.language.layout import CONTINUES
from policyjwt.language.parse import parse
from policyjwt.language.tokens import lex
from policyjwt.source import Source
from tests.language.texts import EVERYTHING, accepted, codes_of, in_policy

RULES = [
    'require a == "x" and b == "y" as label-1 because "why"',
    'require a in ["x", "y"] or not b contains "z" unless c is present',
    'require a not in ["x"] when b starts with "y" or c ends with "z"',
    "require every role in roles satisfies (role == 'x' or role like 'y*')".replace("'", '"'),
    'forbid (some r in words(scope) satisfies r matches /x/) when host(iss) under "corp.example"',
    "require auth_time within 12h and t before 2027-01-31 and u after 2026-01-31",
    'observe acr contains any of ["aal2"] until 2027-01-31 because "why"',
    "require acr contains only tenants when x is string",
    "provides sub is string, tenant is string if present",
    'issuer "https://a.example/{t}" where t in tenants, "b" same party because "renamed"',
    'issuer from sub like "spiffe://x/**"',
    'audience only "a", "b"',
    'waive type until 2027-01-31 because "why"',
    "assures integrity, freshness",
    "confidential phone, address",
    'select tenant "a", "b"',
    "replay { nonce jti equals context.nonce unique within issuer store reaches nodes hold at most 5m }",
    'signature { algorithms ES256, ES384 secret env "A" as hex kid "1" except key sha256 "x" because "y" }',
    "freshness { age at most 5m expires within 5m needs nbf, iat issued after 2024-01-01 because why }",
]
BEFORE = "require email_verified == true"


def statements(text: str) -> list[str] | None:
    """The statements of the only policy in `text`, without their places; None where it does not parse."""
    tree, _ = parse(Source("p.policy", text))
    if tree is None:
        return None
    return [_plain(node) for node in next(tree.find_data("policy")).children[1:] if isinstance(node, Tree)]


def _plain(node: Tree[Token] | Token) -> str:
    if isinstance(node, Token):
        return f"{node.type} {node}"
    return f"{node.data}({', '.join(_plain(child) for child in node.children)})"


def breaks(rule: str) -> list[tuple[str, str]]:
    """The rule, parted before each of its words and signs but the first."""
    tokens = lex(Source("p", rule)).tokens
    return [(rule[: token.start_pos].rstrip(), rule[token.start_pos :]) for token in tokens[1:]]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_parses_in_one_line(rule: str) -> None:
    assert statements(in_policy(f"  {BEFORE}", f"  {rule}")) is not None


@pytest.mark.parametrize("rule", RULES)
def test_a_line_break_never_makes_another_policy(rule: str) -> None:
    whole = statements(in_policy(f"  {BEFORE}", f"  {rule}"))
    for first, rest in breaks(rule):
        broken = statements(in_policy(f"  {BEFORE}", f"  {first}", f"    {rest}"))
        assert broken in (None, whole), (first, rest)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("comment", ["# ", ""], ids=["commented out", "deleted"])
def test_a_first_line_that_is_gone_leaves_nothing_that_parses(rule: str, comment: str) -> None:
    for first, rest in breaks(rule):
        if rest.startswith("because") and not comment:
            continue  # deleted without a trace: the reason stands directly below another rule, and gives its reason
        gone = [f"  {comment}{first}"] if comment else []
        left = statements(in_policy(f"  {BEFORE}", *gone, f"    {rest}"))
        if left is not None:
            # What is left is a statement of its own, as in a section of one line: nothing before it has changed.
            assert left[0] == statements(in_policy(f"  {BEFORE}"))[0]  # type: ignore[index]
            assert not first.startswith(("require", "forbid", "observe", "provides", "issuer", "waive")), (first, rest)


@pytest.mark.parametrize("word", ["require", "forbid", "observe", "use", "owner", "type", "by", "allow", "review", "}"])
@pytest.mark.parametrize("rule", RULES)
def test_a_line_that_lost_its_end_never_swallows_the_next(rule: str, word: str) -> None:
    following = {
        "require": 'require z == "z"',
        "forbid": "forbid z is present",
        "observe": "observe z is present until 2027-01-31",
        "use": 'use "x"',
        "owner": 'owner "x"',
        "type": 'type "x"',
        "by": "by name only",
        "allow": 'allow PJ501 because "x"\n  require z is absent',
        "review": "review by 2027-01-01",
        "}": "",
    }[word]
    last = statements(in_policy(f"  {following}")) if following else []
    assert last is not None
    for first, _ in breaks(rule):
        found = statements(in_policy(f"  {first}", f"  {following}"))
        assert found is None or found[len(found) - len(last) :] == last, first


GLUED = [
    ['require a == "x"', 'organisation == "acme"'],
    ['require a == "x"', 'andy == "acme"'],
    ['require a == "x" organisation == "acme"'],
    ["requirement == 1"],
    ["requirea == 1"],
    ['forbidden == "x"'],
    ["require not_a == 1 and notb"],
    ["require a inb"],
    ['require a in["x"]b'],
    ['require a == "x"whenb == "y"'],
    ['require a == "x" whenever b == "y"'],
    ['require a == "x" unlessb is present'],
    ["require a ispresent"],
    ["require a is presentand b is present"],
    ['require a containsany of ["x"]'],
    ['require a contains anyof ["x"]'],
    ['require a startswith "x"'],
    ['require everyr in roles satisfies r == "x"'],
    ['require every r inroles satisfies r == "x"'],
    ["require t within5m"],
    ["require t within 5mand b is present"],
    ["require t before 2027-01-31and b is present"],
    ["require n == 1and b is present"],
    ["require n == 1or b is present"],
    ["require n == trueor b is present"],
    ['require a == "x"`b`'],
    ["require a == 1 0"],
    ["require a == 1 .5"],
    ["require a. b == 1"],
    ["require a .b == 1"],
    ["require a == b .c"],
    ["lifetimeat most 1h"],
    ["freshness { lifetime at most1h }"],
    ["freshness { lifetime at most 1 h }"],
    ["freshness { lifetime at most 1hskew at most 1m }"],
    ["audienceonly2"],
    ['audience onlya "x"'],
    ["bynameonly"],
    ["by_name_only"],
    ["by name only2"],
    ["signature { algorithms ES256 ES384 }"],
    ["provides sub isstring"],
    ["provides sub is string ifpresent"],
    ['waive audiencebecause "x"'],
    ['waive audience becauseof "x"'],
]


@pytest.mark.parametrize("lines", GLUED, ids=" / ".join)
def test_glued_words_are_no_keywords(lines: list[str]) -> None:
    assert not accepted(in_policy(*(f"  {line}" for line in lines)))


HIDDEN = [
    ("provides a", "is string"),
    ("require auth_time", "within 5m"),
    ("require a", "is present"),
    ('require a == "x"', ', b == "y"'),
    ('require a == "x"', 'or b == "y"'),
    ('require a == "x"', "unless b is present"),
    ('require a == "x"', "# between", 'unless b == "y"'),
    ('require a == "x"', "", 'and b == "y"'),
    ("require every r", 'in roles satisfies r == "x"'),
    ("require every r in roles", 'satisfies r == "x"'),
    ('issuer "https://a.example/{t}"', 'where t in ["x"]'),
    ('issuer "a", "b"', 'same party because "c"'),
    ('audience "a"', ', "b"'),
    ("assures integrity", ", freshness"),
    ("provides a is string", "if present"),
    ('observe a == "x"', "until 2027-01-31"),
    ("waive type", 'until 2027-01-31 because "x"'),
    ("replay { nonce jti", "equals context.nonce }"),
    ('signature { secret env "A"', "as hex }"),
    ("require a in words", "(scope)"),
    ('signature { secret env "A" as hex', 'kid "1" }'),
]


@pytest.mark.parametrize("lines", HIDDEN, ids=" / ".join)
def test_no_line_begins_with_what_continues_the_one_above(lines: tuple[str, ...]) -> None:
    assert set(codes_of(in_policy(*(f"  {line}" for line in lines)))) <= {"PJ115"}
    assert not accepted(in_policy(*(f"  {line}" for line in lines)))


FREE = [
    ("require a in", '["x", "y"]'),
    ('require a in ["x"', ', "y"', "]"),
    ("require (", 'a == "x"', "or b is present", ")"),
    ("require a ==", '"x"'),
    ("require", "a is present"),
    ("provides", "a is string,", "b is string"),
    ('audience "a",', '"b"'),
    ("signature", "{", "algorithms", "ES256", "}"),
    ("require words(", "scope", ') contains "x"'),
    ('require a == "x" as', "label"),
    ('require a == "x" because', '"why"'),
    ('require a == "x" as label', 'because "why"'),
    ("require a in [", '"x"', "]", 'because "why"'),
    ("waive type", 'because "why"'),
]


@pytest.mark.parametrize("lines", FREE, ids=" / ".join)
def test_layout_is_free_otherwise(lines: tuple[str, ...]) -> None:
    assert accepted(in_policy(*(f"    {line}" for line in lines)))


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        (['require a == "x"', "", 'because "y"'], ["PJ116"]),
        (['require a == "x"', "# note", 'because "y"'], ["PJ116"]),
        (['require a == "x"  # note', 'because "y"'], ["PJ116"]),
        (['require a == "x"', 'because "y"  # note'], []),
        (['allow PJ501 because "x"', 'require a == "x"'], []),
        (["allow PJ501", 'because "x"', 'require a == "x"'], []),
        (['allow PJ501 because "x"  # note', 'require a == "x"'], []),
        (['allow PJ501 because "x"', 'allow PJ502 because "y"', 'require a == "x"'], []),
        (['allow PJ501 because "x"', "", 'require a == "x"'], ["PJ117"]),
        (['allow PJ501 because "x"', '# require b == "y"', 'require a == "x"'], ["PJ117"]),
        (['allow PJ501 because "x" require a == "x"'], ["PJ117"]),
        (['allow PJ501 because "x"'], ["PJ118"]),
    ],
)
def test_because_and_allow_stand_beside_what_they_are_about(lines: list[str], codes: list[str]) -> None:
    assert codes_of(in_policy(*(f"  {line}" for line in lines))) == codes


def test_whatever_can_continue_a_whole_item_begins_no_line() -> None:
    """From the parser's own tables: what may follow where an item may also begin, and begins none itself."""
    states = language().states
    starters = {
        symbol
        for actions in states.values()
        if "ALLOW" in actions and actions["ALLOW"][0].name == "Shift"
        for symbol, (action, _) in actions.items()
        if action.name == "Shift" and symbol.isupper()
    }
    follows = {symbol for actions in states.values() if "ALLOW" in actions for symbol in actions if symbol.isupper()}
    # The parser joins states, so that also what follows a name or a value within an item is among them: `select` NAME
    # STRING, a call, brackets, `not in`. These have tests of their own.
    inside = {"LPAR", "RPAR", "RSQB", "NOT", "STRING"}
    assert follows - starters - {"BECAUSE", "LBRACE", "RBRACE", "$END"} - inside <= CONTINUES


def test_a_brace_that_moves_never_makes_another_policy() -> None:
    """Each brace outside strings and patterns, moved by one token to either side."""
    tokens = lex(Source("p", EVERYTHING)).tokens
    for at, token in enumerate(tokens):
        if token not in {"{", "}"}:
            continue
        for other in (at - 1, at + 1):
            if not 0 <= other < len(tokens) or tokens[other] in {"{", "}"}:
                continue
            words = [str(each) for each in tokens]
            words.insert(other, words.pop(at))
            assert not accepted(" ".join(words).replace('because "known"', 'because "known"\n') + "\n"), words[
                at - 3 : at + 4
            ]
