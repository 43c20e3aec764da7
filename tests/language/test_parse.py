"""What parses, what the text of a policy may hold, and that our lexer and Lark's own agree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from policyjwt.language import limits
from policyjwt.language.grammar import language, text_of_grammar
from policyjwt.language.parse import parse
from policyjwt.source import Source
from tests import shared
from tests.language.texts import EVERYTHING, accepted, codes_of, diagnostics_of, in_policy

KEYWORD_CLAIMS = 'require when == "x" and unless == "y" when is is present'


class WholeWords:
    """Lets Lark's contextual lexer read a word as a name wherever it is no keyword."""

    always_accept = ("NAME",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


@pytest.fixture(scope="module")
def contextual() -> Lark:
    """The grammar in Lark's own hands, strict: a conflict in it, or two terminals that overlap, raises here."""
    postlex: Any = WholeWords()
    return Lark(
        text_of_grammar(),
        parser="lalr",
        postlex=postlex,
        propagate_positions=True,
        maybe_placeholders=False,
        strict=True,
    )


def shape(node: Tree[Token] | Token) -> object:
    """A tree with all that its readers may look at."""
    if isinstance(node, Token):
        return (
            node.type,
            str(node),
            node.start_pos,
            node.end_pos,
            node.line,
            node.column,
            node.end_line,
            node.end_column,
        )
    meta = None if node.meta.empty else (node.meta.start_pos, node.meta.end_pos, node.meta.line, node.meta.end_column)
    return (str(node.data), meta, [shape(child) for child in node.children])


def test_everything_parses_as_larks_own_lexer_would_have_it(contextual: Lark) -> None:
    tree, diagnostics = parse(Source("p.policy", EVERYTHING))
    assert diagnostics == ()
    assert tree is not None
    assert shape(tree) == shape(contextual.parse(EVERYTHING))


def test_every_rule_of_the_grammar_is_in_the_text_that_shows_everything() -> None:
    tree, _ = parse(Source("p.policy", EVERYTHING))
    assert tree is not None
    names = {str(rule.alias or rule.origin.name) for rule in language().lark.rules}
    assert {name for name in names if not name.startswith("_")} - {
        str(node.data) for node in tree.iter_subtrees()
    } == UNSEEN


UNSEEN = {"literal_secret", "expr", "value", "literal"}
"""`literal_secret` is refused by name later; the others are only ever seen as what they stand for."""


def test_the_contextual_lexer_refuses_what_we_refuse(contextual: Lark) -> None:
    tokens = EVERYTHING.split(" ")
    for at in range(0, len(tokens), 7):
        text = " ".join(tokens[:at] + tokens[at + 1 :])
        try:
            theirs = shape(contextual.parse(text))
        except UnexpectedInput:
            assert not accepted(text)
        else:
            tree, _ = parse(Source("p.policy", text))
            assert tree is None or shape(tree) == theirs  # None: a line begins where it must not


@pytest.mark.parametrize("case", shared.cases("expressions.json"), ids=lambda case: case["id"])
def test_an_expression_of_the_cases_parses(case: dict[str, str]) -> None:
    assert accepted(in_policy(f"  require {case['expr']}"))


def test_keywords_are_names_of_claims_too() -> None:
    tree, _ = parse(Source("p.policy", in_policy(KEYWORD_CLAIMS)))
    assert tree is not None
    assert [str(node.children[0]) for node in tree.find_data("path")] == [
        "when",
        "unless",
        "is",
    ]


SYNTAX_IN_CASES = [
    "waive-04",
    "waive-12",
    "x5c-03",
    "fresh-05",
    "fresh-07",
    "text-01",
    "text-02",
    "text-07",
    "text-08",
    "text-09",
    "text-12",
    "text-13",
    "text-14",
    "layout-04",
    "layout-05",
    "layout-06",
    "layout-07",
    "layout-13",
    "expr-02",
    "expr-03",
    "expr-06",
    "expr-08",
    "expr-14",
    "expr-15",
    "slip-01",
    "slip-03",
    "slip-09",
    "extends-15",
    "keyword-02",
]


@pytest.mark.parametrize("case", shared.cases("diagnostics.json"), ids=lambda case: case["id"])
def test_a_case_with_a_fault_of_syntax_is_found_at_its_line(case: dict[str, Any]) -> None:
    lines = [diagnostic.span.line for diagnostic in diagnostics_of(case["policy"])]
    assert lines == ([case["want"][0]["line"]] if case["id"] in SYNTAX_IN_CASES else [])


# ------------------------------------------------------------------------------------ the version


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", ["PJ110"]),
        ("# only a comment\n", ["PJ110"]),
        ("policyjwt 1\n", []),
        ("# first a comment\n\npolicyjwt 1\n", []),
        ("policyjwt 2\n", ["PJ111"]),
        ("policyjwt 1.0\n", ["PJ111"]),
        ("policyjwt 01\n", ["PJ111"]),
        ("policyjwt\n1\n", []),
        ("policyjwt\n", ["PJ111"]),
        ('let a = "b"\n', ["PJ110"]),
        ('let a = "b"\npolicyjwt 1\n', ["PJ110", "PJ112"]),
        ("policyjwt 1\npolicyjwt 1\n", ["PJ112"]),
        ("`policyjwt` 1\n", ["PJ110"]),
        ("<html>\n", ["PJ110"]),
    ],
)
def test_the_first_statement_is_the_version(text: str, codes: list[str]) -> None:
    assert codes_of(text) == codes


def test_a_file_that_is_no_policy_is_not_quoted() -> None:
    (fault,) = diagnostics_of("AWS_SECRET=wJalrXUtnFEMI/K7MDENG\n")
    assert "wJal" not in f"{fault}"
    assert "AWS" not in f"{fault}"


# ------------------------------------------------------------------------------------ characters

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROL = (
    "".join(map(chr, range(32))).translate({9: None, 10: None, 13: None}) + "\x7f" + "".join(map(chr, range(128, 160)))
)
PLACES = ["  # a comment {} here", '  about "a string {} here"', "  require a{} == b.c", "  require a matches /x{}y/"]


@pytest.mark.parametrize("place", PLACES, ids=["comment", "string", "words", "pattern"])
@pytest.mark.parametrize("character", [*BIDIRECTIONAL, *CONTROL, *"\u2028\u2029\ufeff", "\ud800"], ids=ascii)
def test_a_character_that_cannot_be_seen_is_refused_anywhere(place: str, character: str) -> None:
    text = in_policy(place.format(character))
    (fault,) = diagnostics_of(text)
    assert fault.code == "PJ103"
    assert text[fault.span.start : fault.span.end] == character
    assert character not in fault.message + (fault.help or "")


@pytest.mark.parametrize("place", PLACES, ids=["comment", "string", "words", "pattern"])
def test_a_carriage_return_alone_is_refused_anywhere(place: str) -> None:
    assert "PJ104" in codes_of(in_policy(place.format("\r")))


def test_lines_may_end_with_cr_lf() -> None:
    assert accepted(EVERYTHING.replace("\n", "\r\n"))
    assert codes_of("policyjwt 1\r\n\r") == ["PJ104", "PJ105"]


def test_a_byte_order_mark_has_its_own_help() -> None:
    (fault,) = diagnostics_of("\ufeffpolicyjwt 1\n")
    assert (fault.code, fault.help) == ("PJ103", "save the file as UTF-8 without BOM")


def test_the_last_line_ends() -> None:
    assert codes_of("policyjwt 1") == ["PJ105"]
    assert codes_of("policyjwt 1\n# a comment") == ["PJ105"]
    assert codes_of("policyjwt 1\n ") == ["PJ105"]


# ------------------------------------------------------------------------------------ limits


def test_a_text_has_at_most_so_many_bytes() -> None:
    filler = "#" + "x" * (limits.POLICY_BYTES - len("policyjwt 1\n#\n")) + "\n"
    assert accepted("policyjwt 1\n" + filler)
    assert codes_of("policyjwt 1\n\n" + filler) == ["PJ102"]
    wide = "#" + "é" * (limits.POLICY_BYTES // 2) + "\n"
    assert codes_of("policyjwt 1\n" + wide) == ["PJ102"]


@pytest.mark.parametrize(
    ("lead", "close"),
    [("(", ")"), ("not (", ")"), ("not ", "")],
    ids=["brackets", "not and brackets", "not"],
)
def test_brackets_and_not_nest_only_so_deep(lead: str, close: str) -> None:
    inside = limits.NESTING - 1  # the block counts as one
    most = inside // (lead.count("(") + lead.count("not"))
    assert accepted(in_policy(f'  require {lead * most}a == "x"{close * most}'))
    assert codes_of(in_policy(f'  require {lead * (most + 1)}a == "x"{close * (most + 1)}')) == ["PJ106"]


def test_calls_lists_and_allows_nest_only_so_deep() -> None:
    assert codes_of(in_policy(f'  require {"lower(" * 70}a{")" * 70} == "x"')) == ["PJ106"]
    assert codes_of(in_policy(f'  require a in {"[" * 70}"x"{"]" * 70}')) == ["PJ106"]
    allow = '  allow PJ501 because "x"\n'
    assert accepted(in_policy(allow * limits.NESTING + "  require a is present"))
    assert codes_of(in_policy(allow * (limits.NESTING + 1) + "  require a is present")) == ["PJ106"]
    assert accepted(in_policy('  require allow == "x"\n' * 100))


def test_a_flat_text_of_any_length_is_not_deep() -> None:
    assert accepted(in_policy(*['  require a not in ["x"] and not (b == "y")'] * 500))


def test_no_more_faults_than_the_limit_are_reported() -> None:
    codes = codes_of(in_policy(*["  require a"] * 500))
    assert codes == ["PJ130"] * limits.FAULTS + ["PJ107"]
    assert codes_of("policyjwt 1\n" + "\x07\n" * 500) == ["PJ103"] * limits.FAULTS + ["PJ107"]


# ------------------------------------------------------------------------------------ the grammar and its loader


def test_the_installed_grammar_comes_before_the_one_beside_the_package() -> None:
    assert text_of_grammar().startswith("// The policy language of policyjwt, version 1.")


def test_importing_the_parser_does_not_import_lark() -> None:
    code = "import sys, policyjwt.language.parse, policyjwt.language.suggest; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_tree_knows_its_places() -> None:
    tree, _ = parse(Source("p.policy", 'policyjwt 1\npolicy "p" {\n  require a == "x"\n}\n'))
    assert tree is not None
    compare = next(tree.find_data("compare"))
    assert (compare.meta.start_pos, compare.meta.end_pos, compare.meta.line, compare.meta.column) == (35, 43, 3, 11)
