"""What a policy says, as data: places, names, sections, rules."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.language import names
from policyjwt.language.build_reader import folded
from policyjwt.language.load import load_text
from policyjwt.language.model import (
    Block,
    Call,
    Compare,
    Contains,
    Document,
    In,
    Like,
    Literal,
    Matches,
    Path,
    Quantified,
    Test,
)
from policyjwt.source import Span

HEAD = "policyjwt 1\n"


def document(text: str) -> Document:
    loaded = load_text(text if text.startswith("policyjwt") else HEAD + text)
    assert loaded.diagnostics == ()
    return loaded.documents[0]


def block(inside: str, before: str = "") -> Block:
    return document(f'{before}\npolicy "p" {{\n{inside}\n}}\n').blocks[0]


def demand(rule: str, before: str = "") -> Test:
    return block(f"require {rule}", before).rules[0].test


# ------------------------------------------------------------------------------ places


def test_places_are_where_the_text_stands() -> None:
    text = (
        HEAD
        + 'policy "p" extends "a",\n  "b" { # why\n  audience  "x",  # first\n    "y"\n'
        + "  freshness { age\n at most 5m }\n}\n"
    )
    loaded = load_text(text)
    found = loaded.documents[0].blocks[0]
    assert found.place.text == 'policy "p" extends "a", "b"'
    assert text[found.extent.start : found.extent.end] == text[len(HEAD) :].rstrip()
    assert text[found.name_span.start : found.name_span.end] == '"p"'
    assert found.audience is not None
    assert found.audience.place.text == 'audience "x", "y"'
    assert (found.audience.place.span.line, found.audience.place.span.column) == (4, 3)
    assert found.freshness is not None
    assert found.freshness.place.text == "freshness { age at most 5m }"
    assert found.freshness.age is not None
    assert found.freshness.age.place.text == "age at most 5m"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a  "b  # c"\t# d\n\n  e', 'a "b  # c" e'),
        ("x matches /a  #b/ # c", "x matches /a  #b/"),
        ("`a  #b`   == 1", "`a  #b` == 1"),
        (r'"a\"  #" # b', r'"a\"  #"'),
        ("a\r\n\tb", "a b"),
    ],
)
def test_folding_leaves_strings_patterns_and_names(text: str, expected: str) -> None:
    assert folded(text) == expected


def test_a_reason_is_no_part_of_the_text_of_a_place() -> None:
    found = block(
        'require a == "x" as one because "it is"\nwaive type because "no"\nreplay { reusable because "read only" }'
    )
    assert found.rules[0].place.text == 'require a == "x" as one'
    assert found.rules[0].because is not None
    assert found.rules[0].because.value == "it is"
    assert found.waivers[0].place.text == "waive type"
    assert found.replay is not None
    assert found.replay.reusable is not None
    assert found.replay.reusable.place.text == "reusable"


def test_the_place_of_a_secret_begins_with_its_keyword() -> None:
    found = block('signature { algorithms HS256  secret # here\n env "A" as hex }')
    assert found.signature is not None
    assert found.signature.secrets[0].place.text == 'secret env "A" as hex'


def test_each_part_of_a_list_has_its_place() -> None:
    found = block("provides sub is string, tenant is string if present\nassures integrity, freshness")
    assert [item.place.text for item in found.provides] == ["sub is string", "tenant is string if present"]
    assert [item.if_present for item in found.provides] == [False, True]
    assert [item.place.text for item in found.assures] == ["integrity", "freshness"]


def test_every_span_lies_in_its_block() -> None:
    found = block(
        'issuer "https://a.example/{t}" where t in ["x"]\n'
        'signature { algorithms ES256 keys x5c { leaf any because "b" } }\n'
        'require (every r in roles satisfies (words(r) contains "a" or not r is string))'
        ' when a == "b" as c because "d"'
    )
    spans = list(_spans(found))
    assert len(spans) > 25
    assert all(found.extent.contains(span) for span in spans)


def _spans(node: object) -> list[Span]:
    if isinstance(node, Span):
        return [node]
    if isinstance(node, tuple):
        return [span for part in node for span in _spans(part)]
    if is_dataclass(node):
        return [span for part in fields(node) for span in _spans(getattr(node, part.name))]
    return []


# ------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("written", "root", "members"),
    [
        ("a", "claim", ("a",)),
        ("a.b.c", "claim", ("a", "b", "c")),
        ("claim.a", "claim", ("a",)),
        ("claim.claim", "claim", ("claim",)),
        ("`claim`.x", "claim", ("claim", "x")),
        ("`context`.method", "claim", ("context", "method")),
        ("`https://a.example/t.x`.`a.b`", "claim", ("https://a.example/t.x", "a.b")),
        ("claim.`a b`", "claim", ("a b",)),
        ("`true`", "claim", ("true",)),
        ("every.x", "claim", ("every", "x")),
        ("words", "claim", ("words",)),
        ("header.kid", "header", ("kid",)),
        ("context.method", "context", ("method",)),
        ("context.values.a", "context", ("values", "a")),
        ("context.headers.`X-Name`", "context", ("headers", "x-name")),
        ("certificate.subject.cn", "certificate", ("subject", "cn")),
        ("client.san.uri", "client", ("san", "uri")),
    ],
)
def test_paths(written: str, root: str, members: tuple[str, ...]) -> None:
    for text in (
        f"{written} is present",
        f"x == {written}" if root != "claim" or "." in written else f"{written} is present",
    ):
        test = demand(text) if "==" not in text or root != "claim" else demand(f"{written} is present")
        path = test.right if isinstance(test, Compare) else getattr(test, "path")  # noqa: B009 - Presence has one
        assert isinstance(path, Path)
        assert (path.root, path.members, path.text) == (root, members, written)


def test_a_bare_name_on_the_right_is_a_let_and_on_the_left_a_claim() -> None:
    test = demand("hd in corp", 'let corp = ["a", 1, 1.5, true]')
    assert isinstance(test, In)
    assert isinstance(test.right, Literal)
    assert (test.right.value, test.right.name) == (("a", 1, 1.5, True), "corp")
    assert isinstance(test.left, Path)
    assert test.left.root == "claim"


def test_a_variable_is_one_in_its_test_only_on_both_sides() -> None:
    test = demand("every r in roles satisfies (r.a == r.b or x == r)")
    assert isinstance(test, Quantified)
    paths = [path for path in _paths(test) if path.members[0] == "r"]
    assert [path.root for path in paths] == ["variable"] * 3
    assert load_text(HEAD + 'policy "p" {\nrequire (every r in l satisfies r == "a") and x == r\n}\n').diagnostics


def _paths(node: object) -> list[Path]:
    if isinstance(node, Path):
        return [node]
    if isinstance(node, tuple):
        return [path for part in node for path in _paths(part)]
    if is_dataclass(node) and not isinstance(node, Span):
        return [path for part in fields(node) for path in _paths(getattr(node, part.name))]
    return []


RIGHT_OPERANDS = [
    "x == {}",
    "x != {}",
    "x < {}",
    "x <= {}",
    "x > {}",
    "x >= {}",
    "x in {}",
    "x not in {}",
    "x contains {}",
    "x contains any of {}",
    "x contains all of {}",
    "x contains only {}",
    "x starts with {}",
    "x ends with {}",
    "x under {}",
    "x == lower({})",
    "x == lower(host({}))",
]


@pytest.mark.parametrize("form", RIGHT_OPERANDS)
def test_a_misspelt_name_never_hands_the_list_to_the_token(form: str) -> None:
    text = HEAD + f'let corp_domains = ["a"]\npolicy "p" {{\nrequire {form.format("corp_domain")}\n}}\n'
    loaded = load_text(text)
    assert [diagnostic.code for diagnostic in loaded.diagnostics] == ["PJ210"]
    assert loaded.diagnostics[0].help == (
        "did you mean `corp_domains`? to compare with a claim write `claim.corp_domain`"
    )
    assert loaded.documents[0].blocks[0].rules == ()
    assert loaded.documents[0].blocks[0].broken == {"rules"}


def test_a_let_stands_in_rules_in_where_and_after_because() -> None:
    found = block(
        'issuer "https://a.example/{t}" where t in tenants\nrequire hd in tenants because reason',
        'let tenants = ["x", "y"]\nlet reason = "so it is"',
    )
    assert found.rules[0].because is not None
    assert found.rules[0].because.value == "so it is"
    assert found.issuer is not None
    assert [one.values for name in getattr(found.issuer, "names") for one in name.placeholders] == [("x", "y")]  # noqa: B009


# ------------------------------------------------------------------------------ rules and sections


def test_operators() -> None:
    assert isinstance(demand('words(scope) contains "a"'), Contains)
    assert [getattr(demand(f'x contains {word} ["a"]'), "quantity") for word in ("any of", "all of", "only")] == [  # noqa: B009
        "any",
        "all",
        "only",
    ]
    call = demand('lower(host(x)) == "a"')
    assert isinstance(call, Compare)
    assert isinstance(call.left, Call)
    assert isinstance(call.left.argument, Call)
    matches = demand(r"x matches /a\/b\d/")
    assert isinstance(matches, Matches)
    assert matches.pattern == r"a/b\d"
    like = demand(r'x like "a\\*c"')
    assert isinstance(like, Like)
    assert like.glob == r"a\*c"


def test_allows_cover_the_statement_below() -> None:
    text = HEAD + (
        'allow PJ501 because "a"\npolicy "p" {\n'
        '  allow PJ502 because "b"\n  allow PJ503 because "c"\n  require a == "x"\n'
        '  signature {\n    allow PJ504 because "d"\n    algorithms ES256\n  }\n}\nallow PJ505 because "e"\nlet l = 1\n'
    )
    loaded = load_text(text)
    found = loaded.documents[0]
    covered = {one.code.value: text[one.covers.start : one.covers.end] for one in found.blocks[0].allows}
    assert covered == {
        "PJ501": 'policy "p"',
        "PJ502": 'require a == "x"',
        "PJ503": 'require a == "x"',
        "PJ504": "algorithms ES256",
    }
    assert [one.code.value for one in found.allows] == ["PJ505"]


def test_what_is_broken_is_marked() -> None:
    text = (
        HEAD
        + 'policy "p" {\n  signature { algorithms ES257 }\n  freshness { age at most 5m }\n  require a == b\n}\n'
        + 'policy "q" { use "x" }\n'
    )
    loaded = load_text(text)
    first, second = loaded.documents[0].blocks
    assert first.broken == {"signature", "rules"}
    assert first.freshness is not None
    assert second.broken == frozenset()


def test_an_error_outside_the_blocks_breaks_them_all() -> None:
    loaded = load_text(HEAD + 'let a = 2027-02-30\npolicy "p" { use "x" }\n')
    assert [found.broken for found in loaded.documents[0].blocks] == [{"file"}]


def test_a_rule_with_a_broken_let_is_left_out_without_a_word() -> None:
    loaded = load_text(HEAD + 'let a = [["x"]]\npolicy "p" {\n  require x in a\n  require y == 1\n}\n')
    assert [diagnostic.code for diagnostic in loaded.diagnostics] == ["PJ206"]
    found = loaded.documents[0].blocks[0]
    assert len(found.rules) == 1
    assert found.broken == {"rules", "file"}


def test_the_tables_of_algorithms_are_those_of_the_token_side() -> None:
    from policyjwt.tokens.algorithms import ALGORITHMS

    assert set(names.ALGORITHMS) == set(ALGORITHMS)


def test_deep_nesting_is_a_diagnostic() -> None:
    for text in (
        f"require {'not ' * 5000}a == 1",
        f"require {'(' * 5000}a == 1{')' * 5000}",
        f"require {'lower(' * 5000}a{')' * 5000} == 1",
        f"require x in {'[' * 5000}1{']' * 5000}",
    ):
        loaded = load_text(f'{HEAD}policy "p" {{\n{text}\n}}\n')
        assert any(diagnostic.stops_loading for diagnostic in loaded.diagnostics)


# ------------------------------------------------------------------------------ secrets


SECRET = "hunter2-is-no-secret"


@pytest.mark.parametrize(
    "item",
    [
        f'secret "{SECRET}"',
        f'secret "{SECRET}" as utf8',
        f'secret # kept here\n    "{SECRET}"',
        f"secret '{SECRET}'",
        f'secret "{SECRET}',
        f'secret utf8 "{SECRET}"',
        f'secret = "{SECRET}"',
        f'secret "kid" "{SECRET}"',
        f"secret “{SECRET}”",
    ],
)
def test_a_literal_secret_is_never_told(item: str) -> None:
    text = f'{HEAD}policy "p" {{\n  signature {{\n    algorithms HS256\n    {item}\n  }}\n}}\n'
    loaded = load_text(text)
    assert any(diagnostic.stops_loading for diagnostic in loaded.diagnostics)
    assert SECRET not in repr(loaded)
    for diagnostic in loaded.diagnostics:
        source = loaded.sources[diagnostic.span.file]
        assert SECRET not in source.text
        assert len(source.text) == len(text)


def test_a_claim_named_secret_is_a_claim() -> None:
    found = block('select secret "a"\naudience from key "b"\nrequire secret == "c" and key like "d"')
    assert found.select[0].values[0].value == "a"
    assert found.audience is not None
    assert found.audience.values[0].value == "b"
    assert len(found.rules) == 1


# ------------------------------------------------------------------------------ laws

WORDS = """
policy baseline let import "p" "a" { } ( ) [ ] , = == != < in not and or every some satisfies contains any all of only
starts ends with under like matches /a/ within before after is present absent string true false 1 -1.5 5m 2027-01-31
2027-02-30 require forbid observe when unless until as because allow PJ501 issuer audience type select signature
algorithms ES256 none keys jwks file url secret env freshness age lifetime at most replay nonce jti unique revocation
holder dpop provides confidential assures waive a a.b `a b` a-b context.method context claim words(x) lower(a) roles.0
extends from "{a}" where same party "../x" "x.policy" use about owner review by name
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=60))
def test_no_text_raises(words: list[str]) -> None:
    load_text(f"policyjwt 1\n{' '.join(words)}\n")


CLAUSES = st.sampled_from(
    [
        'require a == "x"',
        "require a.b in l",
        "forbid not (a is present) when b == m",
        "require every r in x satisfies r == r",
        'signature { algorithms ES256, none  secret "x"  keys jwks file "/a" }',
        'signature { secret env "" as hex  secret file "a" kid "" }',
        'issuer "https://a/{b}/{b}" where b in l where c in ["/"]',
        "provides a is b, c.d is string",
        "freshness { age at most 9999999999999999999d  needs nbf, nbf, x }",
        "replay { nonce jti equals jti  unique within x }",
        'audience "", "a", "a"',
        "observe a == 1 until 2027-02-30 until 2027-01-01",
        'allow x because l\n  use "\\ud800"',
        'waive x because ""',
        "holder mtls { nonce required }",
        "review by 2027-13-13",
        'require n == 99999999999999999999.5 or x like "***" or x matches /(/',
    ]
)


@given(st.lists(CLAUSES, max_size=12), st.sampled_from(["", 'let l = ["a"]\n', "let l = 5m\n", 'import "x.policy"\n']))
def test_every_fault_of_a_block_marks_it(clauses: list[str], before: str) -> None:
    text = "\n  ".join(clauses)
    loaded = load_text(f'{HEAD}{before}policy "p" {{\n  {text}\n}}\n')
    if loaded.documents and any(diagnostic.stops_loading for diagnostic in loaded.diagnostics):
        assert all(found.broken for found in loaded.documents[0].blocks)
    else:
        assert not any(found.broken for document in loaded.documents for found in document.blocks)
