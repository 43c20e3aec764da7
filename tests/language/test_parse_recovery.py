"""Many faults in one file: how many are found where they are, and how few are reported that are none."""

from __future__ import annotations

import pytest

from policyjwt.language import limits, slips
from policyjwt.language.parse import parse
from policyjwt.language.trouble import Answer, Trouble
from policyjwt.source import Source
from tests.language.faulty import corpus, missed_and_false
from tests.language.texts import EVERYTHING, codes_of, diagnostics_of, in_policy
from tests.shared import ROOT

POLICIES = [
    EVERYTHING,
    *(file.read_text(encoding="utf-8") for file in sorted((ROOT / "policies" / "examples").glob("*.policy"))),
]


@pytest.mark.parametrize(
    ("faults", "count", "found", "false"),
    [(1, 120, 0.98, 0.05), (3, 40, 0.96, 0.06), (10, 12, 0.93, 0.12)],
    ids=["one fault", "three faults", "ten faults"],
)
def test_faults_are_found_and_little_else(faults: int, count: int, found: float, false: float) -> None:
    policies = [text for text in POLICIES if faults < 10 or text.count("\n") > 60]
    results = [missed_and_false(case) for case in corpus(policies, faults=faults, count=count)]
    total = faults * count
    assert 1 - sum(missed for missed, _ in results) / total >= found
    assert sum(wrong for _, wrong in results) / total <= false


def test_ten_faults_give_ten_diagnostics() -> None:
    text = in_policy(
        "  use      payments-api",
        "  issuer   'https://idp.corp.example'",
        '  audiance "payments-api"',
        "  signature {",
        '    algorithms "ES256"',
        '    keys jwks url "https://idp.corp.example/jwks" { stale 24h }',
        "  }",
        "  freshness { lifetime at most 1 hour }",
        "  replay { reusable }",
        "  provides sub string",
        "  require email_verified",
        '  require roles does not contain "admin"',
    )
    assert [(one.span.line, one.code) for one in diagnostics_of(text)] == [
        (3, "PJ161"),
        (4, "PJ121"),
        (5, "PJ158"),
        (7, "PJ162"),
        (8, "PJ151"),
        (10, "PJ123"),
        (11, "PJ150"),
        (12, "PJ152"),
        (13, "PJ130"),
        (14, "PJ132"),
    ]


def test_a_fault_in_one_policy_does_not_hide_those_in_the_next() -> None:
    policy = 'policy "{}" {{\n  require a\n  signature {{\n    algorithms "ES256"\n'
    text = "policyjwt 1\n" + policy.format("a") + policy.format("b") + "  }\n}\n"
    assert [(one.span.line, one.code) for one in diagnostics_of(text)] == [
        (3, "PJ130"),
        (5, "PJ162"),
        (6, "PJ155"),
        (7, "PJ130"),
        (9, "PJ162"),
    ]


def test_layout_is_checked_in_a_faulty_text_too() -> None:
    assert codes_of(in_policy("  require a", '  require b == "x"', '    unless c == "y"')) == ["PJ130", "PJ115"]


def test_a_text_with_a_fault_has_no_tree() -> None:
    for case in corpus([EVERYTHING], faults=1, count=10):
        assert parse(Source("p", case.text))[0] is None


HUGE = {
    "parentheses": "  require " + "(" * 20000,
    "braces": "{ " * 20000,
    "closing braces": "} " * 20000,
    "words": "foo " * 20000,
    "lines": "foo {\n" * 20000,
    "mixed": '  require a == "x" and b or ' * 4000,
    "allows": 'allow A because "x"\n' * 5000,
    "orphans": "and b\n" * 20000,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE.keys())
def test_a_large_faulty_text_takes_bounded_work(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in faults that are looked at: reading on is tried only so often."""
    looked = 0
    answer = slips.answer

    def counted(trouble: Trouble) -> Answer:
        nonlocal looked
        looked += 1
        return answer(trouble)

    monkeypatch.setattr(slips, "answer", counted)
    diagnostics = diagnostics_of(in_policy(text))
    assert diagnostics
    assert len(diagnostics) <= limits.FAULTS + 1
    assert looked <= limits.ATTEMPTS + 1
