"""What a policy must decide, line by line: items and rules that stand for a whole policy, and what is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checker.findings import checked, codes, messages
from tests.checker.policy_text import policy

NOTHING = dict.fromkeys(
    ("use", "issuer", "audience", "type", "signature", "freshness", "replay", "revocation", "owner", "provides"), ""
)
X5C = 'signature { algorithms ES256 keys x5c { anchors "a.pem" leaf san uri "https://idp.corp.example" } }'
HMAC = 'signature { algorithms HS256 secret env "A" as base64url }'
STAPLE = "revocation { staple ocsp from caller age at most 1h }"
DEPLOYED = 'revocation { by redeployment because "keys ship with the service" }'
DPOP = "holder dpop"

# Lines: 2 the policy, 3 use, 4 owner, 5 issuer, 6 audience, 7 type, 8 signature, 9 freshness, 10 replay, 11 revocation,
# 12 provides, 13 the first rule.
TABLE: dict[str, tuple[str, list[str]]] = {
    "a sound policy": (policy(), []),
    "nothing decided": (
        policy(**NOTHING),
        [f"2 PJ30{number}" for number in range(8)] + ["2 PJ903", "2 PJ904"],
    ),
    "sections without answers": (
        policy(signature="signature { }", freshness="freshness { }", replay="replay { }", revocation="revocation { }"),
        ["8 PJ308", "8 PJ309", "9 PJ310", "9 PJ905", "10 PJ311", "11 PJ312"],
    ),
    # waivers
    "what may be waived": (
        policy(
            'waive holder because "cnf is of another service"',
            audience='waive audience because "none"',
            type='waive type because "none"',
            revocation='waive revocation because "keys live for a day"',
        ),
        [],
    ),
    "what may not": (
        policy(
            use='waive use because "x"',
            issuer='waive issuer because "x"',
            signature='waive signature because "x"',
            freshness='waive freshness because "x"',
            replay='waive replay because "x"',
        ),
        ["3 PJ315", "5 PJ315", "8 PJ315", "9 PJ315", "10 PJ315"],
    ),
    "waived and decided": (policy('waive audience because "x"'), ["13 PJ316"]),
    "decided and waived before": (
        policy('audience "api"', audience='waive audience because "x"'),
        ["13 PJ316"],
    ),
    # signature
    "symmetric with asymmetric": (
        policy(signature='signature { algorithms HS256, ES256 secret env "A" as base64url }', revocation=DEPLOYED),
        ["8 PJ317"],
    ),
    "hmac without a secret": (policy(signature="signature { algorithms HS256 }"), ["8 PJ309"]),
    "x5c without parts": (
        policy(signature="signature { algorithms ES256 keys x5c { } }", revocation=STAPLE),
        ["8 PJ313", "8 PJ313"],
    ),
    # encryption, status, confidential
    "empty encryption": (policy("encryption { }"), ["13 PJ313"] * 3),
    "empty status": (policy("status { }"), ["13 PJ313"] * 4),
    "confidential without encryption": (policy("confidential phone"), ["13 PJ320"]),
    # freshness
    "skew of five minutes": (policy(freshness="freshness { lifetime at most 1h skew at most 5m }"), []),
    "skew over five minutes": (policy(freshness="freshness { lifetime at most 1h skew at most 301s }"), ["9 PJ321"]),
    "no skew": (policy(freshness="freshness { lifetime at most 1h }"), ["9 PJ905"]),
    "a skew of nothing is said": (policy(freshness="freshness { lifetime at most 1h skew at most 0s }"), []),
    "a lifetime of a day": (policy(freshness="freshness { lifetime at most 24h skew at most 0s }"), []),
    "a lifetime over a day": (
        policy(freshness="freshness { lifetime at most 86401s skew at most 0s }"),
        ["9 PJ906"],
    ),
    "expires within days": (policy(freshness="freshness { expires within 2d skew at most 0s }"), ["9 PJ906"]),
    "an age over a day with a nonce": (
        policy(freshness="freshness { age at most 86401s skew at most 0s }"),
        ["9 PJ322"],
    ),
    "an age over a day without": (
        policy(freshness="freshness { age at most 2d skew at most 0s }", replay='replay { reusable because "x" }'),
        [],
    ),
    "issued after a date to come": (
        policy(freshness='freshness { lifetime at most 1h skew at most 0s issued after 2027-01-01 because "x" }'),
        ["9 PJ953"],
    ),
    # replay
    "proof once without dpop": (policy(replay="replay { proof once }"), ["10 PJ323"]),
    "proof once with mtls": (policy("holder mtls", replay="replay { proof once }"), ["10 PJ323"]),
    "proof once with dpop": (policy(DPOP, replay="replay { proof once }"), []),
    "by holder with dpop": (policy(DPOP, replay="replay { by holder }"), ["10 PJ323"]),
    "by holder with mtls": (policy("holder mtls", replay="replay { by holder }"), []),
    "reusable and a nonce": (policy(replay='replay { nonce jti reusable because "x" }'), ["10 PJ324"]),
    "reusable with parts of a nonce": (
        policy(replay='replay { reusable because "x" unique within policy store reaches host hold at most 1h }'),
        ["10 PJ325"] * 3,
    ),
    # revocation
    "key removal sooner than stale": (policy(revocation="revocation { by key removal within 23h }"), ["11 PJ328"]),
    "key removal within stale": (
        policy(
            signature='signature { algorithms ES256 keys jwks url "https://idp.corp.example/j" { stale at most 1h } }',
            revocation="revocation { by key removal within 1h }",
        ),
        [],
    ),
    "key removal of secrets": (policy(signature=HMAC), ["11 PJ327"]),
    "redeployment of a url": (policy(revocation=DEPLOYED), ["11 PJ329"]),
    "redeployment of secrets": (policy(signature=HMAC, revocation=DEPLOYED), []),
    "evidence without x5c": (policy(revocation=STAPLE), ["11 PJ326"]),
    "short life without x5c": (
        policy(revocation="revocation { short-lived certificate at most 1h }"),
        ["11 PJ326"],
    ),
    "parts of evidence without evidence": (
        policy(
            revocation="revocation { by key removal within 24h age at most 1h cover leaf window at most 1h "
            'issued after token responder without nocheck allowed because "x" '
            'without next update allowed because "x" }'
        ),
        ["11 PJ325"] * 6,
    ),
    "a staple in a parameter of another meaning": (
        policy(signature=X5C, revocation='revocation { staple ocsp from header "x5t#S256" age at most 24h }'),
        ["11 PJ335"],
    ),
    "a staple in a parameter of its own": (
        policy(
            signature=X5C, revocation='revocation { staple ocsp from header "https://a.example/o" age at most 24h }'
        ),
        [],
    ),
    "a proof by a shared secret": (policy("holder dpop { algorithms ES256, HS256 }"), ["13 PJ338"]),
    "a rule on the nonce of proofs": (
        policy("require n == context.nonce", "holder dpop { nonce required }"),
        ["13 PJ339"],
    ),
    "a rule on a nonce, of no proof": (policy("require n == context.nonce", "holder dpop"), []),
    "a claim that is the nonce of proofs": (
        policy("holder dpop { nonce required }", replay="replay { nonce nonce equals context.nonce }"),
        ["10 PJ339"],
    ),
    "a proof of no age": (policy("holder dpop { age at most 0s }"), ["13 PJ337"]),
    # rules
    "a certificate that is not there": (policy('require certificate.subject.cn == "x"'), ["13 PJ331"]),
    "a client that is not there": (policy('require a == "x" when client.serial == "y"'), ["13 PJ331"]),
    "a client that is there": (policy('require client.serial == "y"', 'holder mtls { anchors "a.pem" }'), []),
    "a client that nobody issued": (policy('require client.serial == "y"', "holder mtls"), ["13 PJ336"]),
    "the thumbprint of any client": (policy('require client.thumbprint == "y"', "holder mtls"), []),
    "a reason that is an outcome": (policy('require waived == "x"'), ["13 PJ332"]),
    "a label that is an outcome": (policy('require a == "x" as not_applicable'), ["13 PJ332"]),
    "a label saves the reason": (policy('require waived == "x" as waived-claim'), []),
    "two equal reasons": (policy('require b != "x"', 'require b != "y"'), ["14 PJ908"]),
    "a label saves them": (policy('require b != "x"', 'require b != "y" as b-not-y'), []),
    "one label twice": (policy('require a == "x" as one', 'require b == "x" as one'), ["14 PJ367"]),
    "two provided claims of one code": (policy(provides="provides Foo is string, foo is string"), ["12 PJ908"]),
    "provided claims of two codes": (policy(provides="provides sub is string, fo_o is string, foo is string"), []),
    "the reason of a subject that is no string": (
        policy('require sub == "s"', provides="provides tenant is string"),
        ["13 PJ908"],
    ),
    "the label of a subject that is no string": (
        policy('require tenant == "t" as sub', provides="provides tenant is string"),
        ["13 PJ908"],
    ),
    "a label saves a rule about the subject": (
        policy('require sub == "s" as one-subject', provides="provides tenant is string"),
        [],
    ),
    "a subject that is provided": (policy('require sub == "s"'), []),
    "a subject that is provided if present": (
        policy('require sub == "s"', provides="provides sub is string if present"),
        [],
    ),
    "two rules about the subject": (
        policy('require sub != "s"', 'require sub != "t"', provides="provides tenant is string"),
        ["13 PJ908", "14 PJ908"],
    ),
    "the reason of a provided claim": (policy('require a == "x" as provides-sub'), ["13 PJ908"]),
    # dates
    "a review to come": (policy("review by 2026-11-24"), []),
    "a review that is due today": (policy("review by 2026-11-23"), ["13 PJ952"]),
    "a waiver that has passed": (policy(type='waive type until 2026-11-23 because "x"'), ["7 PJ950"]),
    "a rule that was to be observed": (policy('observe a == "x" until 2026-11-23'), ["13 PJ951"]),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_found(name: str, tmp_path: Path) -> None:
    text, wanted = TABLE[name]
    found = checked(text, tmp_path)
    assert [f"{d.span.line} {d.code}" for d in found.diagnostics if not d.code.startswith("PJ4")] == wanted
    stops = any(d.stops_loading for d in found.diagnostics)
    assert len(found.policies) == (not stops)


@pytest.mark.parametrize(
    ("section", "age", "wanted"),
    [
        ("24h", "24h", []),
        ("24h1", "86401s", ["11 PJ907"]),
        ("10d", "10d", ["11 PJ907"]),
        ("over", "864001s", ["11 PJ330"]),
    ],
)
def test_the_age_of_evidence(section: str, age: str, wanted: list[str], tmp_path: Path) -> None:
    text = policy(signature=X5C, revocation=f"revocation {{ staple ocsp from caller age at most {age} }}")
    assert [line for line in codes(text, tmp_path) if "PJ400" not in line] == wanted


def test_what_is_missing_is_said_at_the_first_line_and_shows_the_line_to_add() -> None:
    (found,) = checked(policy(audience="")).diagnostics
    assert (found.span.line, found.message) == (2, "policy `p` does not say for whom a token must be")
    assert found.help == 'add `audience "payments-api"`, or `waive audience because "…"`'


def test_what_could_not_be_read_is_not_called_missing() -> None:
    text = policy(signature="signature { algorithms none }", audience="audience from sub.x.y.z.z", type='type "a", "a"')
    assert not any(line.startswith("2 PJ30") for line in codes(text))


def test_a_stale_set_that_outlives_the_promise() -> None:
    assert messages(policy(revocation="revocation { by key removal within 30m }")) == [
        "PJ328 'by key removal within 30m' a removed key may be believed for longer than 30m:"
        " without `stale at most` it is 1d"
    ]


def test_a_checked_policy_holds_every_decision() -> None:
    items: dict[str, Any] = {"type": 'waive type because "x"', "freshness": "freshness { lifetime at most 1h }"}
    (found,) = checked(policy('waive holder because "y"', **items)).policies
    assert (found.name, found.use, found.algorithms, found.skew) == ("p", "api", ("ES256",), 0)
    assert found.block.waivers == (found.type, found.holder)
    assert found.extents == (found.block.extent,)


def test_a_text_without_a_root_names_no_file() -> None:
    text = policy(signature='signature { algorithms ES256 keys jwks file "k.json" }', revocation=DEPLOYED)
    assert codes(text) == ["8 PJ256"]
    assert codes(text.replace("ES256 keys jwks file", "HS256 secret file").replace('json" }', 'json" as hex }')) == [
        "8 PJ256"
    ]


def test_what_was_not_checked_is_counted() -> None:
    two = policy(name="a") + policy(
        name="b", use='use "web"', issuer='issuer "https://b.example"', signature=HMAC, revocation=DEPLOYED
    ).removeprefix("policyjwt 1\n")
    assert checked(two).unchecked == {"key sets fetched at run time": 1, "secrets": 1}


def test_extras_that_policies_need_are_counted() -> None:
    assert checked(policy("require a matches /[a-z]{1,12}/")).extras == {}
    assert checked(policy("require a matches /([a-z]+)+x?[a-z]+/")).extras == {"regex": 1}
