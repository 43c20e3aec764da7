"""What gives which assurance, and promises that are checked against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyjwt.assurance import TABLE, standing, standings
from policyjwt.language.model import Block
from policyjwt.language.names import ASSURANCES
from tests.checker.findings import checked, codes, messages
from tests.checker.policy_text import policy
from tests.checker.test_compose_table import extending, merged

X5C = 'signature { algorithms ES256 keys x5c { anchors "a.pem" leaf san uri "https://idp.corp.example" } }'
ANY_LEAF = 'signature { algorithms ES256 keys x5c { anchors "a.pem" leaf any because "x" } }'
HMAC = 'signature { algorithms HS256, HS512 secret env "A" as base64url }'
SEVERAL = 'signature { algorithms ES256 keys jwks url "https://idp.corp.example/jwks" held by several because "x" }'
DEPLOYED = 'revocation { by redeployment because "x" }'
STAPLE = "revocation { staple ocsp from caller age at most 1h }"
CRL = 'revocation { crl snapshot "a.crl" age at most 1h }'
SHORT = "revocation { short-lived certificate at most 1h }"
ENCRYPTED = 'encryption { algorithms RSA-OAEP-256 content A256GCM key env "K" as pem }'
STATUS = 'status { list from caller keys jwks file "s.json" uri "https://s.example" age at most 1h }'
NOT_REVOKED = "use `keys x5c` with `revocation { staple ocsp … }`, `crl snapshot …` or `short-lived certificate …`"


def test_the_table_names_what_the_language_does() -> None:
    assert tuple(TABLE) == ASSURANCES
    assert [each.name for each in standings(merged(policy()))] == list(ASSURANCES)


def _given(block: Block) -> set[str]:
    return {each.name for each in standings(block) if each.given}


USUAL = {"integrity", "issuer-authentication", "freshness", "replay-protection", "intended-audience"}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (policy(), USUAL),
        (policy(signature=HMAC, revocation=DEPLOYED), USUAL - {"issuer-authentication"}),
        (policy(signature=SEVERAL), USUAL - {"issuer-authentication"}),
        (policy(signature=X5C, revocation=STAPLE), USUAL | {"revocation", "non-repudiation"}),
        (policy(signature=X5C, revocation=CRL), USUAL | {"revocation", "non-repudiation"}),
        (policy(signature=X5C, revocation=SHORT), USUAL | {"revocation"}),
        (policy(signature=ANY_LEAF, revocation=STAPLE), (USUAL - {"issuer-authentication"}) | {"revocation"}),
        (policy(signature=X5C, revocation='waive revocation because "x"'), USUAL),
        (policy(ENCRYPTED), USUAL | {"confidentiality"}),
        (policy(STATUS), USUAL | {"status"}),
        (policy("holder dpop"), USUAL | {"holder-of-key"}),
        (policy("holder dpop", replay="replay { proof once }"), USUAL | {"holder-of-key"}),
        (policy("holder mtls", replay="replay { by holder }"), (USUAL - {"replay-protection"}) | {"holder-of-key"}),
        (policy(replay='replay { reusable because "x" }'), USUAL - {"replay-protection"}),
        (policy(audience='waive audience because "x"'), USUAL - {"intended-audience"}),
        (policy(audience='audience from client_id "x"'), USUAL),
    ],
)
def test_what_a_policy_can_assure(text: str, given: set[str]) -> None:
    assert _given(merged(text)) == given


def test_phrases_say_by_what_and_why_not() -> None:
    block = merged(policy())
    told = {each.name: each.phrase for each in standings(block)}
    assert told == {
        "integrity": "a verified signature (ES256)",
        "issuer-authentication": "a signature by a key of https://idp.corp.example/jwks",
        "non-repudiation": "nothing binds the key to a person or an organisation for longer than its source lists it",
        "confidentiality": "signed only: anyone who sees the token reads its claims",
        "freshness": "exp, nbf and iat within the policy's limits (lifetime)",
        "replay-protection": "jti, consumed once, by whoever came first",
        "revocation": "there is no evidence that the signer's key is still good",
        "status": "not demanded",
        "holder-of-key": "not demanded",
        "intended-audience": "aud, required on verified claims",
        "authorisation": "a token never gives it",
    }
    assert standing(merged(policy(signature=X5C, revocation=STAPLE)), "non-repudiation").phrase == (
        "a certificate path to a.pem, leaf san uri https://idp.corp.example, with its revocation evidence,"
        " if the record is kept"
    )


def test_a_promise_that_can_be_kept() -> None:
    promised = "assures " + ", ".join(sorted(USUAL))
    assert codes(policy(promised)) == []


@pytest.mark.parametrize(
    ("promise", "items", "said", "remedy"),
    [
        (
            "non-repudiation",
            {"signature": HMAC.replace(", HS512", ""), "revocation": DEPLOYED},
            "HS256 cannot assure non-repudiation: every party that verifies can also sign",
            "use an asymmetric algorithm with `keys x5c` and `revocation { staple ocsp … }` or"
            " `revocation { crl snapshot … }`",
        ),
        (
            "issuer-authentication",
            {"signature": SEVERAL},
            "`held by several` cannot assure issuer-authentication: more than one party knows the private key",
            "use a key that the issuer alone holds",
        ),
        (
            "revocation",
            {},
            "`by key removal` cannot assure revocation: there is no evidence that the signer's key is still good",
            NOT_REVOKED,
        ),
        (
            "replay-protection",
            {"replay": 'replay { reusable because "x" }'},
            "`reusable` cannot assure replay-protection: whoever holds the token may use it again",
            "use `replay { nonce jti }`",
        ),
        (
            "holder-of-key",
            {},
            "this policy cannot assure holder-of-key: not demanded",
            "add `holder dpop` or `holder mtls`",
        ),
        (
            "confidentiality",
            {},
            "a signature cannot assure confidentiality: signed only: anyone who sees the token reads its claims",
            "add `encryption { … }`",
        ),
    ],
)
def test_a_promise_in_vain_names_what_would_keep_it(
    promise: str, items: dict[str, str], said: str, remedy: str
) -> None:
    (found,) = checked(policy(f"assures integrity, {promise}", **items)).diagnostics
    assert (found.code, found.message, found.help) == ("PJ351", said, remedy)
    assert (found.span.line, found.span.column, found.span.end_column) == (13, 20, 20 + len(promise))


def test_authorisation_is_never_assured() -> None:
    assert messages(policy("assures authorisation")) == [
        "PJ350 'authorisation' a token never gives authorisation: the service decides, with data that it holds"
    ]
    assert codes('policyjwt 1\nbaseline "b" { assures authorisation }\n') == ["2 PJ350"]


def test_what_a_baseline_promises_each_policy_must_keep() -> None:
    assert codes('policyjwt 1\nbaseline "b" { assures confidentiality }\n') == []
    assert codes(extending("assures confidentiality")) == ["3 PJ351"]
    assert codes(extending("assures confidentiality", rules=(ENCRYPTED,))) == []


def test_nothing_is_said_of_what_could_not_be_read(tmp_path: Path) -> None:
    text = policy("assures issuer-authentication", signature="signature { algorithms none }")
    assert [line for line in codes(text, tmp_path) if line.endswith("PJ351")] == []


def test_a_key_under_two_issuers_authenticates_neither() -> None:
    promise = "assures issuer-authentication"
    other = policy(
        name="q",
        issuer='issuer "https://other.example"',
        signature='signature { algorithms ES256 keys jwks url "https://idp.corp.example/jwks" }',
    ).removeprefix("policyjwt 1\n")
    text = policy(promise) + other
    assert [line for line in codes(text) if "PJ351" in line] == ["13 PJ351"]
    assert [line for line in codes(policy(promise)) if "PJ351" in line] == []
