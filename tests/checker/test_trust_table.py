"""Policies that trust too much, and policies that do not: exact codes and lines."""

from __future__ import annotations

import pytest

from tests.checker.policy_text import places, policy, trust_faults

GITHUB = {
    "issuer": 'issuer "https://token.actions.githubusercontent.com"',
    "audience": 'audience "https://deploy.example.com"',
    "type": 'type "JWT"',
    "signature": 'signature { algorithms RS256 keys jwks url "https://token.actions.githubusercontent.com/jwks" }',
}
ES = 'signature { algorithms ES256 keys jwks url "https://idp.corp.example/jwks" }'
RS = 'signature { algorithms RS256 keys jwks url "https://idp.corp.example/jwks" }'


def at(issuer: str, **items: str) -> dict[str, str]:
    """The items of a policy for `issuer`."""
    return {"issuer": f'issuer "{issuer}"', "type": 'type "JWT"', "signature": RS, **items}


GITLAB = at("https://gitlab.com")
GOOGLE = at("https://accounts.google.com")
ENTRA = at("https://login.microsoftonline.com/7a1c0000-0000-4000-8000-000000000001/v2.0")
TEMPLATE = at("x") | {"issuer": 'issuer "https://login.microsoftonline.com/{tid}/v2.0" where tid in ["7a1c-1"]'}
PERSONAL = at("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")
AUTH0 = at("https://acme.eu.auth0.com/")
OKTA = at("https://acme.okta.com/oauth2/default")
COGNITO = at("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI")
KEYCLOAK = at("https://sso.corp.example/realms/main")
KUBERNETES = at("https://kubernetes.default.svc.cluster.local")
BUILDKITE = at("https://agent.buildkite.com")
TERRAFORM = at("https://app.terraform.io")
OWN: dict[str, str] = {}

# The line of the policy's name is -10, of the issuer -7, of the type -5, of the algorithms -4, of `provides` 0.
LOUD: list[tuple[str, dict[str, str], tuple[str, ...], list[str]]] = [
    ("github, nobody named", GITHUB, ('require event_name == "push"',), ["PJ500@-10"]),
    ("github, a presence is no condition", GITHUB, ("require repository_id is present",), ["PJ500@-10"]),
    ("github, a negation is no condition", GITHUB, ('require repository_id != "1"',), ["PJ500@-10"]),
    ("github, half of an or", GITHUB, ('require repository_id == "1" or event_name == "push"',), ["PJ500@-10"]),
    ("github, observed only", GITHUB, ('observe repository_id == "1" until 2027-01-01',), ["PJ500@-10"]),
    ("github, under a guard", GITHUB, ('require repository_id == "1" when event_name == "push"',), ["PJ500@-10"]),
    ("github, compared with itself", GITHUB, ("require repository_id == claim.actor_id",), ["PJ500@-10", "PJ506@1"]),
    ("github, name", GITHUB, ('require repository == "acme/shop"',), ["PJ502@1"]),
    ("github, owner", GITHUB, ('require repository_owner == "acme"',), ["PJ502@1"]),
    ("github, name in a list", GITHUB, ('require repository in ["acme/shop"]',), ["PJ502@1"]),
    ("github, name forbidden to differ", GITHUB, ('forbid repository != "acme/shop"',), ["PJ502@1"]),
    ("github, sub by name", GITHUB, ('require sub == "repo:acme/shop:pull_request"',), ["PJ502@1"]),
    (
        "github, sub by name with ref",
        GITHUB,
        ('require sub == "repo:acme/shop:ref:refs/heads/main"',),
        ["PJ502@1", "PJ503@1"],
    ),
    (
        "github, actor",
        GITHUB,
        ('require repository_id == "1"', 'require actor == "alice"'),
        ["PJ502@2"],
    ),
    ("github, ref", GITHUB, ('require repository_id == "1"', 'require ref == "refs/heads/main"'), ["PJ503@2"]),
    (
        "github, protected",
        GITHUB,
        ('require repository_id == "1"', 'require ref_protected == "true"'),
        ["PJ503@2"],
    ),
    (
        "github, environment",
        GITHUB,
        ('require repository_id == "1" and environment == "production"',),
        ["PJ503@1"],
    ),
    (
        "github, pull_request_target let in",
        GITHUB,
        ('require repository_id == "1"', 'require event_name in ["push", "pull_request_target"]'),
        ["PJ509@2"],
    ),
    ("github, algorithm", GITHUB | {"signature": ES}, ('require repository_id == "1"',), ["PJ510@-4"]),
    (
        "github, slash",
        at("https://token.actions.githubusercontent.com/"),
        ('require repository_id == "1"',),
        ["PJ508@-7"],
    ),
    ("github, name by select", GITHUB | {"provides": 'select repository "acme/shop"'}, (), ["PJ502@0"]),
    ("gitlab, nobody named", GITLAB, (), ["PJ500@-10"]),
    ("gitlab, path", GITLAB, ('require project_path == "acme/shop"',), ["PJ502@1"]),
    (
        "gitlab, ref",
        GITLAB,
        ('require project_id == "1"', 'require ref == "main"'),
        ["PJ511@2"],
    ),
    ("google, nobody named", GOOGLE, (), ["PJ500@-10"]),
    (
        "google, a domain of addresses",
        GOOGLE,
        ('require email ends with "@corp.example" and email_verified == true',),
        ["PJ500@-10"],
    ),
    ("google, email alone", GOOGLE, ('require email == "a@corp.example"',), ["PJ501@1"]),
    ("entra, common", at("https://login.microsoftonline.com/common/v2.0"), ("require scp is string",), ["PJ508@-7"]),
    ("entra, kinds", ENTRA, (), ["PJ504@-5"]),
    ("entra, kinds, type waived", ENTRA | {"type": 'waive type because "x"'}, (), ["PJ504@-5"]),
    ("entra, template, kinds", TEMPLATE, (), ["PJ504@-5"]),
    ("entra, upn", ENTRA, ('require upn == "a@corp.example" and scp is string',), ["PJ502@1"]),
    (
        "entra, email",
        ENTRA,
        ("require scp is string", 'require email == "a@corp.example"'),
        ["PJ501@2", "PJ502@2"],
    ),
    ("entra, personal accounts", PERSONAL, ("require scp is string",), ["PJ500@-10"]),
    ("auth0, nobody named", AUTH0, ("require scope is string",), ["PJ500@-10"]),
    ("auth0, kinds", AUTH0, ('require org_id == "org_1"',), ["PJ504@-5"]),
    ("auth0, slash", at("https://acme.eu.auth0.com"), ('require org_id == "o" and scope is string',), ["PJ508@-7"]),
    ("okta, kinds", OKTA, (), ["PJ504@-5"]),
    ("cognito, nobody named", COGNITO, ('require token_use == "access"',), ["PJ500@-10"]),
    ("cognito, kinds", COGNITO, ('require sub == "1"',), ["PJ504@-5"]),
    ("keycloak, kinds", KEYCLOAK, (), ["PJ504@-5"]),
    ("kubernetes, nobody named", KUBERNETES, (), ["PJ500@-10"]),
    ("buildkite, slug", BUILDKITE, ('require organization_slug == "acme"',), ["PJ502@1"]),
    ("terraform, nobody named", TERRAFORM, (), ["PJ500@-10"]),
    ("own, email", OWN, ('require email ends with "@corp.example"',), ["PJ501@1"]),
    ("own, email in lower case", OWN, ('require lower(email) == "a@corp.example"',), ["PJ501@1"]),
    ("own, email, verified elsewhere", OWN, ('require email == "a" or email_verified == true',), ["PJ501@1"]),
    ("own, email, verified is false", OWN, ('require email == "a" and email_verified == false',), ["PJ501@1"]),
    (
        "own, email, verified sometimes",
        OWN,
        ("require email_verified == true when a is present", 'require email == "a"'),
        ["PJ501@2"],
    ),
    ("own, phone", OWN, ('require phone_number == "+1"',), ["PJ501@1"]),
    ("own, email handed on", OWN | {"provides": "provides email is string"}, (), ["PJ501@0"]),
    ("own, user name", OWN, ('require preferred_username == "alice"',), ["PJ502@1"]),
    ("guard over path", OWN, ('require a == "x" unless context.path == "/health"',), ["PJ505@1"]),
    ("guard over header", OWN, ('require a == "x" when context.headers.origin contains "y"',), ["PJ505@1"]),
    ("guard over uri", OWN, ('forbid a == "x" unless context.uri starts with "https://a/"',), ["PJ505@1"]),
    ("guard in other words", OWN, ('require a == "x" or context.path == "/health"',), ["PJ505@1"]),
    ("both sides", OWN, ("require hd == claim.azp",), ["PJ506@1"]),
    ("both sides, header", OWN, ("require header.kid == claim.kid",), ["PJ506@1"]),
    ("both sides, function", OWN, ("require email_domain == lower(claim.hd)",), ["PJ506@1"]),
    ("both sides, element", OWN, ("require some p in parties satisfies claim.azp == p",), ["PJ506@1"]),
    ("both sides, list", OWN, ("require azp in claim.parties",), ["PJ506@1"]),
    ("spiffe, open domain", OWN | {"issuer": 'issuer from sub like "spiffe://prod**"'}, (), ["PJ507@-7"]),
    ("spiffe, any domain", OWN | {"issuer": 'issuer from sub like "spiffe://*/api"'}, (), ["PJ507@-7"]),
]  # fmt: skip

QUIET: list[tuple[str, dict[str, str], tuple[str, ...]]] = [
    (
        "github, all said",
        GITHUB,
        (
            'require repository_id == "123456"',
            'require event_name in ["push", "workflow_dispatch"]',
            'require ref == "refs/heads/main" and ref_protected == "true"',
            'require workflow_ref starts with "acme/shop/.github/workflows/deploy.yml@"',
            'require environment == "production"',
        ),
    ),
    ("github, id and name", GITHUB, ('require repository_id == "1"', 'require repository == "acme/shop"')),
    (
        "github, pairs",
        GITHUB,
        ('require (repository == "a/b" and repository_id == "1") or (repository == "a/c" and repository_id == "2")',),
    ),
    ("github, by select", GITHUB | {"provides": 'provides sub is string select repository_id "1"'}, ()),
    ("github, immutable sub", GITHUB, ('require sub == "repo:acme@1/shop@2:pull_request"',)),
    ("github, caller's id", GITHUB, ("require repository_id == context.values.repository",)),
    (
        "github, pull_request_target kept out",
        GITHUB,
        ('require repository_id == "1"', 'forbid event_name == "pull_request_target"'),
    ),
    ("github, name in forbid", GITHUB, ('require repository_id == "1"', 'forbid repository == "acme/old"')),
    ("github, enterprise", at("https://token.actions.githubusercontent.com/acme"), ('require event_name == "push"',)),
    ("gitlab, ids", GITLAB, ('require project_id == "1"', 'require ref == "main" and ref_type == "branch"')),
    ("gitlab, own instance", at("https://gitlab.corp.example"), ()),
    ("google, hd", GOOGLE, ('require hd == "corp.example"',)),
    ("google, hd in a list", GOOGLE, ('require hd in ["corp.example", "corp.test"]',)),
    ("google, one account", GOOGLE, ('require email in ["a@corp.example"] and email_verified == true',)),
    ("google, subject", GOOGLE, ('require sub == "1"',)),
    ("entra, access", ENTRA, ('require words(scp) contains "read"',)),
    ("entra, template", TEMPLATE, ('require words(scp) contains "read"',)),
    ("entra, access provided", ENTRA | {"provides": "provides scp is string"}, ()),
    ("entra, ID tokens", ENTRA | {"replay": "replay { nonce nonce equals context.nonce }"}, ()),
    ("entra, upn with oid", ENTRA, ('require scp is string', 'require upn == "a" and oid == "1"')),
    ("auth0", AUTH0, ('require org_id == "org_1"', "require scope is string")),
    ("auth0, own claim", AUTH0, ('require `https://acme.example/tenant` == "t"', "require scope is string")),
    ("auth0, at+jwt", AUTH0 | {"type": 'type "at+jwt"'}, ('require org_id == "org_1"',)),
    ("okta", OKTA, ('require scp contains "read"',)),
    (
        "cognito, access",
        COGNITO | {"type": 'type from token_use "access"', "audience": 'audience from client_id "abc"'},
        (),
    ),
    ("cognito, ID", COGNITO | {"audience": 'audience "1h57kf5cpq17m0eml12x"'}, ('require token_use == "id"',)),
    ("keycloak", KEYCLOAK | {"type": 'type from typ "Bearer"'}, ()),
    ("kubernetes, account", KUBERNETES, ('require sub == "system:serviceaccount:shop:api"',)),
    ("kubernetes, namespace", KUBERNETES, ('require `kubernetes.io`.namespace == "shop"',)),
    ("terraform", TERRAFORM, ('require terraform_organization_id == "org-1"',)),
    ("own", OWN, ()),
    ("own, verified", OWN, ("require email_verified == true", 'require email ends with "@corp.example" or d in ["x"]')),
    ("own, verified in the same line", OWN, ('require (email == "a" and email_verified == true) or sub == "b"',)),
    ("own, verified by forbid", OWN, ("forbid email_verified != true", 'require email == "a"')),
    (
        "own, verified where there is one",
        OWN | {"provides": "provides email is string if present"},
        ("require email_verified == true when email is present", 'require email == "a" or sub == "b"'),
    ),
    ("own, email forbidden", OWN, ('forbid email == "a@evil.example" when email is present',)),
    (
        "own, email and verified handed on",
        OWN | {"provides": "provides email is string, email_verified is boolean"},
        (),
    ),
    ("own, user name with sub", OWN, ('require preferred_username == "a" and sub == "1"',)),
    ("guard over method", OWN, ('require a == "x" unless context.method == "GET"',)),
    ("guard over values", OWN, ('require a == "x" when context.values.tier == "gold"',)),
    ("guard over a claim", OWN, ('require a == "x" when b is present',)),
    ("a demand on the path", OWN, ('require context.path == "/a" or context.path == "/b"',)),
    ("claims of the caller", OWN, ("require tenant == context.values.tenant",)),
    ("a list of the policy", OWN, ('require every r in roles satisfies r in ["a"]',)),
    ("spiffe", OWN | {"issuer": 'issuer from sub like "spiffe://prod.corp.example/**"'}, ()),
    ("spiffe, one", OWN | {"issuer": 'issuer from sub like "spiffe://prod.corp.example/api"'}, ()),
]  # fmt: skip


@pytest.mark.parametrize(("items", "rules", "wanted"), [case[1:] for case in LOUD], ids=[case[0] for case in LOUD])
def test_loud(items: dict[str, str], rules: tuple[str, ...], wanted: list[str]) -> None:
    assert places(trust_faults(policy(*rules, **items))) == wanted


@pytest.mark.parametrize(("items", "rules"), [case[1:] for case in QUIET], ids=[case[0] for case in QUIET])
def test_quiet(items: dict[str, str], rules: tuple[str, ...]) -> None:
    assert places(trust_faults(policy(*rules, **items))) == []


def test_a_baseline_may_leave_to_its_policies_what_it_does_not_say() -> None:
    text = policy('require email ends with "@corp.example"', **GITHUB).replace('policy "p"', 'baseline "p"')
    assert places(trust_faults(text)) == []
