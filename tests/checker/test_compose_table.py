"""How policies and baselines meet: what each says, what is found, and what the merged policy holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyjwt.checker.compose import Composed, compose, family_of
from policyjwt.language.load import load_paths, load_text
from policyjwt.language.model import Block, IssuerNames, JwksUrl, X5c
from tests.checker.findings import checked, codes, messages
from tests.checker.policy_text import policy

URL = "https://idp.corp.example/jwks"
X5C = 'signature { algorithms ES256 keys x5c { anchors "a.pem" leaf san uri "https://i.example" } }'
STAPLE = "revocation { staple ocsp from caller age at most 1h }"


def extending(*baselines: str, rules: tuple[str, ...] = (), **items: str) -> str:
    """A policy that extends `b0`, `b1` … with these bodies. Lines: a baseline each from 2, then the policy."""
    text = policy(*rules, **items)
    names = ", ".join(f'"b{number}"' for number in range(len(baselines)))
    before = "".join(f'\nbaseline "b{number}" {{ {body} }}' for number, body in enumerate(baselines))
    return text.replace("policyjwt 1", f"policyjwt 1{before}", 1).replace('policy "p"', f'policy "p" extends {names}')


def merged(text: str, name: str = "p") -> Block:
    return composed(text, name).block


def composed(text: str, name: str = "p") -> Composed:
    loaded = load_text(text, "p.policy", Path("/"))
    assert not loaded.diagnostics, loaded.diagnostics
    family = family_of(loaded)
    blocks = [block for document in loaded.documents for block in document.blocks]
    return next(compose(block, family) for block in blocks if block.name == name)


# With one baseline, the policy's own lines are one further down: 3 the policy, 4 use, … 7 audience, 8 type,
# 9 signature, 10 freshness, 11 replay, 12 revocation, 13 provides, 14 the first rule.
TABLE: dict[str, tuple[str, list[str]]] = {
    "a baseline that says nothing": (extending('about "x"'), []),
    # the smaller
    "a smaller lifetime in the policy": (extending("freshness { lifetime at most 1h }"), ["10 PJ369"]),
    "a smaller lifetime in the baseline": (extending("freshness { lifetime at most 1m }"), ["10 PJ369"]),
    "the same lifetime": (extending("freshness { lifetime at most 900s }"), []),
    # what both name
    "algorithms in common": (
        extending("signature { algorithms ES384, ES256 }"),
        [],
    ),
    "no algorithm in common": (extending("signature { algorithms EdDSA }"), ["9 PJ365"]),
    "no audience in common": (extending('audience "x", "y"'), ["7 PJ365"]),
    "audience from another claim": (extending('audience from client_id "api"'), ["7 PJ366"]),
    "types alike but for their case": (extending('type "application/AT+JWT"'), []),
    "no type in common": (extending('type "JWT"'), ["8 PJ365"]),
    "no issuer in common": (extending('issuer "https://other.example"'), ["6 PJ365"]),
    "an issuer from a claim": (extending('issuer from sub like "x**"'), ["6 PJ366"]),
    # the same
    "another use": (extending('use "web"'), ["4 PJ366"]),
    "another nonce": (extending("replay { nonce nonce }"), ["11 PJ366"]),
    "a nonce that must equal": (extending("replay { nonce jti equals context.nonce }"), ["11 PJ366"]),
    "another scope of the nonce": (
        extending("replay { nonce jti unique within issuer }", replay="replay { nonce jti unique within policy }"),
        ["11 PJ366"],
    ),
    "a scope that the baseline means": (
        extending("replay { nonce jti }", replay="replay { nonce jti unique within subject }"),
        ["11 PJ366"],
    ),
    "another key set": (
        extending('signature { keys jwks url "https://other.example/jwks" }'),
        ["9 PJ366"],
    ),
    "another kind of keys": (extending('signature { keys discovery "https://idp.corp.example" }'), ["9 PJ366"]),
    "an authority of its own for the URL": (
        extending(
            f'signature {{ keys jwks url "{URL}" }}',
            signature=f'signature {{ algorithms ES256 keys jwks url "{URL}" {{ ca "ca.pem" }} }}',
        ),
        ["9 PJ366"],
    ),
    "a selection of its own": (extending('select tenant "a"', rules=('select role "x"',)), []),
    "another selection": (extending('select tenant "a"', rules=('select tenant "b"',)), ["14 PJ366"]),
    "the same selection in another order": (
        extending('select tenant "a", "b"', rules=('select tenant "b", "a"',)),
        [],
    ),
    "another holder": (
        extending("holder dpop", rules=("holder mtls",)),
        ["14 PJ366"],
    ),
    "a responder of its own": (
        extending(STAPLE, signature=X5C, revocation='revocation { responder pinned "r.pem" }'),
        ["12 PJ366"],
    ),
    "another staple": (
        extending(STAPLE, signature=X5C, revocation='revocation { staple ocsp from header "x5ocsp" }'),
        ["12 PJ366"],
    ),
    # all
    "a label twice": (
        extending('require a == "x" as one', rules=('require b == "x" as one',)),
        ["14 PJ367"],
    ),
    "a label twice in two baselines": (
        extending('require a == "x" as one', 'require b == "x" as one'),
        ["4 PJ367"],
    ),
    "a label twice in one baseline": (
        extending('require a == "x" as one  require b == "x" as one'),
        ["2 PJ367"],
    ),
    "a reason twice in two baselines": (
        extending('require a != "x"', 'require a != "y"'),
        ["4 PJ908"],
    ),
    "two baselines that differ": (
        extending('use "web"', 'use "api"', use=""),
        ["4 PJ366"],
    ),
    "two baselines with nothing in common": (
        extending('audience "a"', 'audience "b"', audience=""),
        ["4 PJ365"],
    ),
    "a claim of two types": (extending("provides sub is list"), ["13 PJ368"]),
    # exceptions
    "exceptions in a baseline": (
        extending(
            'waive audience because "x" replay { reusable because "x" } revocation { by key removal within 1h }'
            ' signature { held by several because "x" }'
        ),
        ["2 PJ363"] * 4,
    ),
    "more exceptions in a baseline": (
        extending(
            'revocation { by redeployment because "x" responder without nocheck allowed because "x"'
            ' without next update allowed because "x" } signature { keys x5c { leaf any because "x" } }',
            signature=X5C,
            revocation=STAPLE,
        ),
        ["2 PJ363"] * 4,
    ),
    "an allow in a baseline": (
        'policyjwt 1\nbaseline "b" {\n  allow PJ968 because "x"\n  require a starts with "ab"\n}\n',
        ["3 PJ363", "4 PJ968"],
    ),
    "waiving what the baseline decides": (
        extending('audience "api"', audience='waive audience because "x"'),
        ["7 PJ364"],
    ),
    "waiving the revocation that it decides": (
        extending(STAPLE, signature=X5C, revocation='waive revocation because "x"'),
        ["12 PJ364"],
    ),
    "excusing the replay that it decides": (
        extending("replay { nonce jti }", replay='replay { reusable because "x" }'),
        ["11 PJ364"],
    ),
    "excusing parts of its staple": (
        extending(STAPLE, signature=X5C, revocation='revocation { without next update allowed because "x" }'),
        ["12 PJ364"],
    ),
    "any leaf below its anchors": (
        extending(
            'signature { keys x5c { anchors "a.pem" leaf san uri "x" } }',
            signature='signature { algorithms ES256 keys x5c { leaf any because "x" } }',
            revocation=STAPLE,
        ),
        ["9 PJ364"],
    ),
    "keys held by several": (
        extending(
            f'signature {{ keys jwks url "{URL}" }}',
            signature='signature { algorithms ES256 held by several because "x" }',
        ),
        ["9 PJ364"],
    ),
    "what it leaves open may be waived": (extending('type "at+jwt"', audience='waive audience because "x"'), []),
    # names
    "an unknown baseline": (extending("").replace('extends "b0"', 'extends "b1"'), ["3 PJ360"]),
    "a policy is no baseline": (
        'policyjwt 1\npolicy "q" {}\nbaseline "b" extends "q" {}\n',
        [*(f"2 PJ30{number}" for number in range(8)), "2 PJ903", "2 PJ904", "3 PJ361"],
    ),
    "a baseline that extends itself": ('policyjwt 1\nbaseline "a" extends "a" {}\n', ["2 PJ362"]),
    "a circle": (
        'policyjwt 1\nbaseline "a" extends "b" {}\nbaseline "b" extends "c" {}\nbaseline "c" extends "a" {}\n',
        ["4 PJ362"],
    ),
    # a fault of a baseline is told once, however many policies extend it
    "a fault of a baseline": (
        'policyjwt 1\nbaseline "b" { freshness { skew at most 6m } audience "x" }\n'
        + "".join(
            policy(name=name, use=f'use "{name}"', freshness="freshness { lifetime at most 1h }", audience="")
            .replace(" {", ' extends "b" {', 1)
            .removeprefix("policyjwt 1\n")
            for name in "pqr"
        ),
        ["2 PJ321"],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_found(name: str, tmp_path: Path) -> None:
    text, wanted = TABLE[name]
    found = checked(text, tmp_path)
    assert [f"{d.span.line} {d.code}" for d in found.diagnostics if not d.code.startswith("PJ4")] == wanted
    if any(d.stops_loading for d in found.diagnostics):
        assert not found.policies


def test_messages_name_the_baseline_and_both_sides() -> None:
    assert messages(extending("signature { algorithms EdDSA }")) == [
        "PJ365 'algorithms ES256' no algorithm is left: `ES256` here, and baseline `b0` has `EdDSA`"
    ]
    assert messages(extending("freshness { lifetime at most 10m }")) == [
        "PJ369 'lifetime at most 15m' `lifetime at most` does not bind with 15m: baseline `b0` says 10m"
    ]
    assert messages(extending('type "at+jwt"', type='waive type because "x"')) == [
        """PJ364 'waive type because "x"' `waive type` is not this policy's to say: baseline `b0` decides the type"""
    ]
    assert messages('policyjwt 1\nbaseline "a" extends "b" {}\nbaseline "b" extends "a" {}\n') == [
        """PJ362 '"a"' baselines extend each other in a circle: `a`, which extends `b`, which extends `a`"""
    ]


def test_eddsa_and_ed25519_are_two_names() -> None:
    text = extending(
        "signature { algorithms EdDSA }", signature=f'signature {{ algorithms Ed25519 keys jwks url "{URL}" }}'
    )
    (found,) = checked(text).diagnostics
    assert found.help == (
        "`EdDSA` and `Ed25519` are two names, and tokens carry one of them: write the one that the issuer writes"
    )
    assert [related.span.line for related in found.related] == [2]


def test_an_unknown_baseline_may_be_a_misspelling() -> None:
    text = 'policyjwt 1\nbaseline "organisation" {}\nbaseline "b" extends "organization" {}\n'
    (found,) = checked(text).diagnostics
    assert found.help == "did you mean `organisation`?"


# ------------------------------------------------------------------------------------ what the merged policy holds


def test_the_smaller_limit_binds_with_its_own_place() -> None:
    block = merged(extending("freshness { lifetime at most 1m  age at most 2m  skew at most 10s }"))
    assert block.freshness is not None
    limits = (block.freshness.lifetime, block.freshness.age, block.freshness.skew)
    assert [(limit.amount, limit.place.span.line) for limit in limits if limit] == [(60, 2), (120, 2), (10, 2)]


def test_an_equal_line_is_the_policys() -> None:
    block = merged(extending('audience "api"  use "api"  freshness { lifetime at most 15m }'))
    assert block.audience is not None
    assert block.use is not None
    assert block.freshness is not None
    assert block.freshness.lifetime is not None
    assert [item.place.span.line for item in (block.audience, block.use, block.freshness.lifetime)] == [7, 4, 10]


@pytest.mark.parametrize(
    ("baseline", "own", "holds", "line"),
    [
        ('"api", "web"', '"api", "mobile"', ("api",), 7),
        ('"api", "web"', '"api"', ("api",), 7),
        ('"api"', '"api", "web"', ("api",), 2),
    ],
)
def test_lists_hold_what_both_name(baseline: str, own: str, holds: tuple[str, ...], line: int) -> None:
    block = merged(extending(f"audience {baseline}", audience=f"audience {own}"))
    assert block.audience is not None
    assert tuple(value.value for value in block.audience.values) == holds
    assert block.audience.place.span.line == line


def test_only_this_audience_is_the_stricter() -> None:
    for baseline, own in (('audience only "api"', 'audience "api"'), ('audience "api"', 'audience only "api"')):
        block = merged(extending(baseline, audience=own))
        assert block.audience is not None
        assert block.audience.only


def test_a_template_holds_the_values_that_both_name() -> None:
    template = 'issuer "https://l.example/{t}" where t in '
    block = merged(extending(template + '["a", "b"]', issuer=template + '["b", "c"]'))
    assert isinstance(block.issuer, IssuerNames)
    assert [placeholder.values for placeholder in block.issuer.names[0].placeholders] == [("b",)]
    assert "6 PJ365" in codes(extending(template + '["a"]', issuer=template + '["c"]'))


@pytest.mark.parametrize(
    ("baseline", "own", "stale"),
    [
        ("{ stale at most 1h }", "{ stale at most 2h }", 3600),
        ("{ stale at most 1h }", "", 3600),
        ("", "{ stale at most 1h }", 3600),
        ("", "{ stale at most 48h }", None),  # the baseline's silence means 24h
    ],
)
def test_key_sets_grow_no_staler_than_either_says(baseline: str, own: str, stale: int | None) -> None:
    source = f'keys jwks url "{URL}"'
    text = extending(
        f"signature {{ {source} {baseline} }}", signature=f"signature {{ algorithms ES256 {source} {own} }}"
    )
    keys = merged(text).signature
    assert keys is not None
    assert isinstance(keys.keys, JwksUrl)
    assert (keys.keys.stale.amount if keys.keys.stale else None) == stale


def test_x5c_is_merged_item_by_item() -> None:
    baseline = 'signature { keys x5c { anchors "a.pem" depth at most 2 } }'
    own = 'signature { algorithms ES256 keys x5c { anchors "a.pem" leaf dn "CN=x" depth at most 3 } }'
    block = merged(extending(baseline, signature=own, revocation=STAPLE))
    assert block.signature is not None
    keys = block.signature.keys
    assert isinstance(keys, X5c)
    assert keys.leaf is not None
    assert (keys.leaf.kind, keys.depth.amount if keys.depth else None) == ("dn", 2)


@pytest.mark.parametrize(
    ("baseline", "own", "reaches"),
    [
        ("store reaches host", "store reaches process", "host"),
        ("store reaches host", "store reaches nodes", "nodes"),
        ("nonce jti", "store reaches process", None),  # the baseline's silence means nodes
        ("hold at most 1h", "store reaches process", "process"),
    ],
)
def test_the_store_reaches_the_farther(baseline: str, own: str, reaches: str | None) -> None:
    block = merged(extending(f"replay {{ {baseline} }}", replay=f"replay {{ nonce jti {own} }}"))
    assert block.replay is not None
    assert (block.replay.reaches.value if block.replay.reaches else None) == reaches


def test_everything_of_both_holds() -> None:
    block = merged(
        extending(
            'require a == "x"  provides email is string, sub is string if present, n is number  confidential phone'
            "  assures integrity, freshness  freshness { needs nbf, exp }",
            rules=('require b == "y"', "confidential phone, address", "assures integrity"),
            provides="provides sub is string if present, n is integer",
            freshness="freshness { lifetime at most 1h needs exp }",
        )
    )
    assert [rule.place.text for rule in block.rules] == ['require a == "x"', 'require b == "y"']
    provided = [(item.claim, item.type, item.if_present) for item in block.provides]
    assert provided == [("email", "string", False), ("sub", "string", True), ("n", "integer", False)]
    assert [[path.text for path in item.claims] for item in block.confidential] == [["phone", "address"]]
    assert [promise.assurance for promise in block.assures] == ["freshness", "integrity"]
    assert block.freshness is not None
    assert [names.values for names in block.freshness.needs] == [("nbf",), ("exp",)]


@pytest.mark.parametrize(
    ("baseline", "own", "type", "if_present"),
    [
        ("integer if present", "number", "integer", False),
        ("number", "integer if present", "integer", False),
        ("string if present", "string if present", "string", True),
    ],
)
def test_a_claim_that_both_provide_is_of_the_narrower_type(
    baseline: str,
    own: str,
    type: str,
    if_present: bool,  # noqa: FBT001 - a table's column
) -> None:
    (item,) = merged(extending(f"provides n is {baseline}", provides=f"provides n is {own}")).provides
    assert (item.type, item.if_present) == (type, if_present)


@pytest.mark.parametrize(("baseline", "own"), [("2026-01-01", "2026-02-02"), ("2026-02-02", "2026-01-01")])
def test_the_later_date_holds(baseline: str, own: str) -> None:
    text = extending(
        f'freshness {{ issued after {baseline} because "x" }}',
        freshness=f'freshness {{ lifetime at most 1h issued after {own} because "y" }}',
    )
    freshness = merged(text).freshness
    assert freshness is not None
    assert freshness.issued_after is not None
    assert freshness.issued_after.date.iso == "2026-02-02"


def test_the_wider_cover_holds() -> None:
    staple = "revocation { staple ocsp from caller age at most 1h }"
    for baseline, own, cover in (
        ("cover leaf", "", "leaf"),
        ("cover leaf", "cover chain", "chain"),
        ("", "cover leaf", None),
    ):
        text = extending(
            staple.replace("}", f"{baseline} }}"), signature=X5C, revocation=staple.replace("}", f"{own} }}")
        )
        revocation = merged(text).revocation
        assert revocation is not None
        assert (revocation.cover.value if revocation.cover else None) == cover


def test_the_order_of_a_family_is_that_of_extends_and_each_counts_once() -> None:
    text = (
        'policyjwt 1\nbaseline "top" { require t == 1 }\nbaseline "left" extends "top" { require l == 1 }\n'
        'baseline "right" extends "top" { require r == 1 }\n'
        + policy("require p == 1")
        .replace('policy "p"', 'policy "p" extends "right", "left"')
        .removeprefix("policyjwt 1\n")
    )
    found = composed(text)
    assert [block.name for block in found.lineage] == ["top", "right", "left", "p"]
    assert [rule.place.text for rule in found.block.rules] == [
        "require t == 1",
        "require r == 1",
        "require l == 1",
        "require p == 1",
    ]
    assert not found.diagnostics


def test_a_baseline_of_another_file_extends_what_its_own_file_sees(tmp_path: Path) -> None:
    (tmp_path / "policyjwt.toml").write_text("")
    (tmp_path / "top.policy").write_text('policyjwt 1\nbaseline "top" { audience "x" }\n')
    (tmp_path / "mid.policy").write_text(
        'policyjwt 1\nimport "top.policy"\nbaseline "mid" extends "top" { type "JWT" }\n'
    )
    text = policy(audience="", type="").replace("policyjwt 1", 'policyjwt 1\nimport "mid.policy"', 1)
    (tmp_path / "p.policy").write_text(text.replace('policy "p"', 'policy "p" extends "mid"'))
    loaded = load_paths([tmp_path / "p.policy"])
    (block,) = [block for document in loaded.documents for block in document.blocks if block.name == "p"]
    found = compose(block, family_of(loaded))
    assert [each.name for each in found.lineage] == ["top", "mid", "p"]
    assert found.block.audience is not None
    # what an import imports is not seen
    (tmp_path / "p.policy").write_text(text.replace('policy "p"', 'policy "p" extends "top"'))
    loaded = load_paths([tmp_path / "p.policy"])
    (block,) = [block for document in loaded.documents for block in document.blocks if block.name == "p"]
    assert [fault.code for fault in compose(block, family_of(loaded)).diagnostics] == ["PJ360"]


def test_a_chain_that_nobody_can_follow_is_refused_and_not_walked_deep() -> None:
    links = "".join(f'baseline "b{n}" extends "b{n - 1}" {{}}\n' for n in range(1, 3000))
    text = 'policyjwt 1\nbaseline "b0" {}\n' + links + policy().replace('"p"', '"p" extends "b2999"').split("\n", 1)[1]
    found = checked(text)
    assert {fault.code for fault in found.diagnostics} == {"PJ370"}
    assert not found.policies
