"""Policies in plain words: every kind of test and of section has its sentence, and every line is spoken of."""

from __future__ import annotations

import pytest

from policyjwt.checker.check import check
from policyjwt.language.load import load_paths, load_text
from policyjwt.language.model import CheckedPolicy
from policyjwt.reports import words
from policyjwt.reports.explain import UNCLEAR, account, as_markdown, as_text
from policyjwt.reports.inventory import as_json, rows
from policyjwt.reports.inventory import as_text as listed
from tests.issuer import NOW, policy
from tests.shared import ROOT

STATUS = 'status { list from caller  keys jwks url "https://s.example/k"  uri "https://s.example"  age at most 1h }'


def checked(text: str) -> CheckedPolicy:
    found = check(load_text(text, "p.policy"), now=NOW)
    assert [d for d in found.diagnostics if d.stops_loading] == []
    (one,) = found.policies
    return one


def sentences(text: str) -> list[str]:
    return [sentence.text for part in account(checked(text)).parts for sentence in part.sentences]


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("a == 1", "the claim `a` is 1"),
        ("a != true", "the claim `a` is not true"),
        ("a < 1", "the claim `a` is less than 1"),
        ("a <= 1.5", "the claim `a` is at most 1.5"),
        ("a > 1", "the claim `a` is more than 1"),
        ("a >= 1", "the claim `a` is at least 1"),
        ('a.b in ["x", 1]', 'the claim `a.b` is one of "x" or 1'),
        ('a not in ["x", "y", "z"]', 'the claim `a` is none of "x", "y" or "z"'),
        ('lower(a) == "x"', 'the claim `a` in lower case is "x"'),
        ('a contains "x"', 'the claim `a` contains "x"'),
        ('a contains any of ["x", "y"]', 'the claim `a` contains at least one of "x" or "y"'),
        ('a contains all of ["x", "y"]', 'the claim `a` contains all of "x" and "y"'),
        ('a contains only ["x", "y"]', 'the claim `a` contains nothing but "x" or "y"'),
        ('a starts with "x:"', 'the claim `a` starts with "x:"'),
        ('a ends with "@x"', 'the claim `a` ends with "@x"'),
        ('a like "repo:*"', 'the claim `a` has the form "repo:*"'),
        ("a matches /[a-z]{3}/", "the whole of the claim `a` fits the pattern `/[a-z]{3}/`"),
        ('host(a) under "corp.example"', 'the host of the claim `a` is the host "corp.example" or one below it'),
        ("a within 90m", "the claim `a` is a time of the last 90 minutes"),
        ("a before 2026-01-31", "the claim `a` is a time before 2026-01-31"),
        ("a after 2026-01-31", "the claim `a` is a time on or after 2026-01-31"),
        ("a is present", "the claim `a` is present"),
        ("a is absent", "the claim `a` is absent"),
        ("a is integer", "the claim `a` is an integer"),
        ("not a == 1", "it is not so that the claim `a` is 1"),
        ("a == 1 and b == 2", "the claim `a` is 1, and the claim `b` is 2"),
        ("a == 1 or (b == 2 and c == 3)", "the claim `a` is 1, or (the claim `b` is 2, and the claim `c` is 3)"),
        (
            'every v in a satisfies (v == "x" or v == "y")',
            'for every element `v` of the claim `a`: (`v` is "x", or `v` is "y")',
        ),
        ("some v in a satisfies v == 1", "for at least one element `v` of the claim `a`: `v` is 1"),
        ("count(a) == 2", "the number of elements of the claim `a` is 2"),
        ('words(a) contains "x"', 'the list of words in the claim `a` contains "x"'),
        ('context.method == "GET"', '`method` of the request is "GET"'),
        ('header.kid == "k"', 'the header parameter `kid` is "k"'),
    ],
)
def test_a_test_in_words(test: str, said: str) -> None:
    rule = checked(policy(rest=f"provides sub is string\n  require {test} as label")).block.rules[0]
    assert words.clause(rule.test) == said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("require aa == 1", "It must hold that the claim `aa` is 1."),
        ('require aa == 1 because "b. "', "It must hold that the claim `aa` is 1. Reason given: b."),
        ("require aa == 1 when bb is present", "If the claim `bb` is present, it must hold that the claim `aa` is 1."),
        ("require aa == 1 unless bb == 2", "Unless the claim `bb` is 2, it must hold that the claim `aa` is 1."),
        ("forbid aa == 1", "It must not be that the claim `aa` is 1."),
        (
            'observe aa == 1 when bb is present until 2030-01-31 because "c"',
            "Reported until 2030-01-31, but no reason to refuse: if the claim `bb` is present, "
            "whether the claim `aa` is 1. Reason given: c.",
        ),
    ],
)
def test_a_rule_in_words(rule: str, said: str) -> None:
    assert said in sentences(policy(rest=f"provides sub is string\n  {rule}"))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"issuer": 'issuer "https://a.example", "https://b.example" same party because "one company"'},
         'The token must be issued by "https://a.example" or "https://b.example". They are one party: one company.'),
        ({"issuer": 'issuer "https://l.example/{tid}/v2" where tid in ["x", "y"]'},
         'The token must be issued by "https://l.example/{tid}/v2", where `tid` is "x" or "y".'),
        ({"issuer": 'issuer from sub like "spiffe://p.example/**"'},
         'The token has no `iss`; the claim `sub` stands for it and must have the form "spiffe://p.example/**".'),
        ({"audience": 'audience only "a"'}, 'The token must be meant for "a" and for nobody else.'),
        ({"audience": 'audience from client_id "a"'}, 'The token has no `aud`; the claim `client_id` must be "a".'),
        ({"type": 'type from token_use "access"'}, 'The claim `token_use` must be "access".'),
        ({"rest": 'select repository_id "1", "2"'}, 'The claim `repository_id` must be "1" or "2".'),
        ({"audience": 'waive audience until 2030-01-31 because "it has none"'},
         "It does not ask for whom the token is meant: one for another service is accepted here. "
         "This ends on 2030-01-31. Reason given: it has none."),
        ({"type": 'waive type because "old"'},
         "It does not ask which kind of token this is. No end is set. Reason given: old."),
        ({"keys": 'keys discovery "https://issuer.example" { stale at most 2h }'},
         "The key must stand in the key set that `https://issuer.example` publishes, not older than 2 hours."),
        ({"freshness": "freshness { expires within 5m  skew at most 10s }"},
         "It must expire within 5 minutes (`exp` must be there)."),
        ({"freshness": "freshness { age at most 5m  skew at most 1s  needs nbf }"}, "It must have `nbf`."),
        ({"freshness": 'freshness { age at most 5m  skew at most 1s  issued after 2020-01-31 because "leak" }'},
         "It must have been issued on 2020-01-31 or later: leak."),
        ({"replay": 'replay { reusable because "read only" }'},
         "The same token is accepted again and again until it expires. Reason given: read only."),
        ({"replay": "replay { nonce jti  unique within subject  store reaches host  hold at most 1h }"},
         "It is accepted once: the claim `jti` must be new among the tokens of one subject, "
         "which all processes of this host remember together."),
        ({"replay": "replay { nonce jti equals context.nonce }"}, "The claim `jti` must be `nonce` of the request."),
        ({"revocation": 'waive revocation because "no way"'},
         "It does not ask whether the signer's key has been withdrawn. No end is set. Reason given: no way."),
        ({"rest": "holder dpop { age at most 1m }"},
         "The presenter must prove, with a DPoP proof, that it holds the key in `cnf`."),
        ({"rest": STATUS},
         "A status list, at most 1 hour old, must say that this token has not been withdrawn."),
    ],
)  # fmt: skip
def test_a_section_in_words(part: dict[str, str], said: str) -> None:
    assert said in sentences(policy(**part))


def test_secrets_are_named_and_not_told() -> None:
    text = policy(
        algorithms="HS256",
        keys='secret keyring "hook" "2026" as hex kid "a"\n    secret env "NAME" as hex kid "b"',
        revocation='revocation { by redeployment because "both sides" }',
    )
    found = sentences(text)
    assert "It must be authenticated with a shared secret, by `HS256`." in found
    assert (
        'The secret comes from the entry `2026` of the keyring\'s service `hook`, for tokens whose `kid` is "a".'
        in found
    )
    assert 'The secret comes from the environment variable `NAME`, for tokens whose `kid` is "b".' in found
    assert "A stolen key is believed until the service is deployed with another. Reason given: both sides." in found


def test_every_line_of_the_policy_is_spoken_of() -> None:
    """Each item of a whole policy is the place of at least one sentence."""
    rest = "provides sub is string\n  require aa == 1\n  observe bb == 1 until 2030-01-31"
    one = checked(policy(rest=rest))
    spoken = {s.place.span.line for part in account(one).parts for s in part.sentences if s.place}
    lines = policy(rest=rest).splitlines()
    items = {
        number
        for number, line in enumerate(lines, start=1)
        if line.startswith("  ") and line.strip() not in ("signature {", "}")
    }
    assert items - spoken == set()


def test_the_note_on_what_is_unclear_stands_with_the_demands() -> None:
    text = as_text(account(checked(policy())))
    assert " ".join(UNCLEAR.split()) in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100


def test_markdown_shows_markup_as_text() -> None:
    text = as_markdown(account(checked(policy(rest='require aa == "<b>*x*" as a because "[x](y) & z"'))))
    assert '"\\<b\\>\\*x\\*"' in text
    assert "\\[x\\](y) &amp; z" in text
    assert "the claim `aa`" in text


def test_an_escape_in_a_policy_does_not_reach_the_terminal() -> None:
    one = checked(policy(rest='require aa == "\\u001b[2J" as a because "\\u202etxt"'))
    for shown in (as_text(account(one)), as_markdown(account(one)), listed(rows([one])), as_json(rows([one]))):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_the_inventory_of_a_policy() -> None:
    text = policy(
        replay='replay { reusable because "x" }',
        audience='waive audience until 2030-01-31 because "x"',
        rest="provides sub is string\n  by name only\n  review by 2030-01-31\n  assures integrity",
    )
    (row,) = rows([checked(text)])
    assert row.audiences == ()
    assert row.waivers == ("audience until 2030-01-31", "reusable", "by key removal within 1 day")
    assert (row.by_name_only, row.review, row.promised) == (True, "2030-01-31", ("integrity",))
    shown = listed([row])
    assert "    audience    any (waived)" in shown
    assert "p.policy:3   by name only" in shown


# ------------------------------------------------------------------------------------------------ all examples

SHIPPED = check(load_paths([ROOT / "policies", ROOT / "policies" / "examples"]), now=1_795_392_000).policies


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.name)
def test_every_shipped_policy_is_explained(one: CheckedPolicy) -> None:
    told = account(one)
    spoken = {(s.place.span.file, s.place.span.line) for part in told.parts for s in part.sentences if s.place}
    block = one.block
    places = [
        *(rule.place for rule in block.rules),
        *(provided.place for provided in block.provides),
        *(promise.place for promise in block.assures),
        *(waiver.place for waiver in block.waivers),
        *(confidential.place for confidential in block.confidential),
        *(select.place for select in block.select),
    ]
    assert {(place.span.file, place.span.line) for place in places} <= spoken
    for text in (as_text(told), as_markdown(told), listed(rows([one]))):
        assert one.name in text
        assert "None" not in text
        assert "Span(" not in text


def test_the_whole_language_is_explained() -> None:
    said = {s.text for one in SHIPPED for part in account(one).parts for s in part.sentences}
    for sentence in (
        "The key must be that of a certificate that comes with the token (`x5c`).",
        "Its certificate path must end in an anchor of `anchors/corp-ca.pem`.",
        "The certificate speaks for the issuer if the URI in its subject alternative names is "
        "`https://idp.corp.example`.",
        "At most 2 certificates may stand between it and the anchor.",
        "OCSP evidence must come in the header parameter `x5ocsp` and say that the leaf is not revoked.",
        "Evidence about revocation must be at most 1 hour old.",
        "It must be encrypted, its key by `RSA-OAEP-256` and its content by `A256GCM`, with the signed token inside.",
        "A token that is not encrypted must not carry `phone` and `address`.",
    ):
        assert sentence in said


def test_the_inventory_of_all() -> None:
    table = rows(SHIPPED)
    assert [row.policy for row in table] == [
        row.policy for row in sorted(table, key=lambda row: (row.use, row.issuers, row.policy))
    ]
    keys = {key for row in table for key in row.keys}
    assert "x5c below anchors/corp-ca.pem" in keys
    assert "keyring:partner-hook/2026-09" in keys
