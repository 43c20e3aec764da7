"""What each provider sends: its key set and a token in the shape that its documentation shows, and tokens to refuse.

`header` adds to `alg`, `typ` and `kid`; `key` to the public key. A member that is `...` is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.issuer import NOW

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A token that differs from the trusted one, and the codes of all findings that fail on it."""

    what: str
    codes: tuple[str, ...]
    claims: Members = field(default_factory=dict)
    header: Members = field(default_factory=dict)
    nonce: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A ready-made policy by its name, with the tokens that it is for."""

    policy: str
    keys: str
    claims: Members
    refused: tuple[Refused, ...]
    alg: str = "RS256"
    header: Members = field(default_factory=dict)
    key: Members = field(default_factory=dict)
    more_keys: tuple[Members, ...] = ()
    """What else stands in the key set: for each, what is said of another RSA key."""
    nonce: str | None = None


GITHUB = Provider(
    policy="github-actions",
    keys="https://token.actions.githubusercontent.com/.well-known/jwks",
    header={"x5t": "ykNaY4qM_ta4k2TgZOCEYLkcYlA"},
    key={"use": "sig", "alg": "RS256", "x5t": "ykNaY4qM_ta4k2TgZOCEYLkcYlA", "x5c": ["MIIDrDCCApSgAwIBAgIQ"]},
    claims={
        "jti": "2d4a5f6e-4d7c-4d0f-9c3a-7c1b2b7a8f11",
        "sub": "repo:acme@987654/shop@123456789:environment:production",
        "aud": "https://deploy.corp.example",
        "ref": "refs/heads/main",
        "sha": "5d92aa8ec38679dbd7b90eee4ea8dfa342e2c6e3",
        "repository": "acme/shop",
        "repository_owner": "acme",
        "repository_owner_id": "987654",
        "run_id": "8414792498",
        "run_number": "2",
        "run_attempt": "1",
        "repository_visibility": "private",
        "repository_id": "123456789",
        "actor_id": "692970",
        "actor": "octocat",
        "workflow": "deploy",
        "head_ref": "",
        "base_ref": "",
        "event_name": "push",
        "ref_protected": "true",
        "ref_type": "branch",
        "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "workflow_sha": "5d92aa8ec38679dbd7b90eee4ea8dfa342e2c6e3",
        "job_workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_sha": "5d92aa8ec38679dbd7b90eee4ea8dfa342e2c6e3",
        "check_run_id": "23087712345",
        "environment": "production",
        "runner_environment": "github-hosted",
        "iss": "https://token.actions.githubusercontent.com",
        "nbf": NOW - 600,
        "exp": NOW + 290,
        "iat": NOW - 10,
    },
    refused=(
        Refused(
            what="a fork, in which everything else has the same name",
            claims={"repository_id": "555", "repository_owner_id": "777", "repository": "evil/shop"},
            codes=("claim.repository_id", "claim.repository_owner_id"),
        ),
        Refused(
            what="the repository after it was transferred",
            claims={"repository_owner_id": "777", "repository_owner": "globex"},
            codes=("claim.repository_owner_id",),
        ),
        Refused(
            what="a stranger's pull request on the protected base branch",
            claims={"event_name": "pull_request_target"},
            codes=("claim.event_name",),
        ),
        Refused(
            what="a pull request",
            claims={
                "event_name": "pull_request",
                "ref": "refs/pull/12/merge",
                "ref_protected": "false",
                "environment": ...,
                "sub": "repo:acme@987654/shop@123456789:pull_request",
            },
            codes=("claim.event_name", "claim.protected-main", "claim.environment"),
        ),
        Refused(
            what="main while it is not protected",
            claims={"ref_protected": "false"},
            codes=("claim.protected-main",),
        ),
        Refused(
            what="the default audience",
            claims={"aud": "https://github.com/acme"},
            codes=("audience.mismatch",),
        ),
        Refused(
            what="a self-hosted runner",
            claims={"runner_environment": "self-hosted"},
            codes=("claim.runner_environment",),
        ),
        Refused(what="no jti", claims={"jti": ...}, codes=("replay.nonce_missing",)),
    ),
)

GOOGLE = Provider(
    policy="google",
    keys="https://www.googleapis.com/oauth2/v3/certs",
    key={"use": "sig", "alg": "RS256"},
    nonce="0394852-3190485-2490358",
    claims={
        "iss": "https://accounts.google.com",
        "azp": "1234567890-abcdef.apps.googleusercontent.com",
        "aud": "1234567890-abcdef.apps.googleusercontent.com",
        "sub": "10769150350006150715113082367",
        "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
        "hd": "corp.example",
        "email": "jsmith@corp.example",
        "email_verified": True,
        "iat": NOW - 300,
        "exp": NOW + 3600,
        "nonce": "0394852-3190485-2490358",
        "name": "John Smith",
        "picture": "https://lh3.googleusercontent.com/a-/AOh14Gh",
    },
    refused=(
        Refused(
            what="an account of no organisation, with an address that looks like one",
            claims={"hd": ...},
            codes=("claim.hd",),
        ),
        Refused(what="another organisation", claims={"hd": "globex.example"}, codes=("claim.hd",)),
        Refused(what="mail that is not verified", claims={"email_verified": False}, codes=("claim.email_verified",)),
        Refused(
            what="a truth value as text, as other providers write it",
            claims={"email_verified": "true"},
            codes=("claim.email_verified",),
        ),
        Refused(
            what="a token for another application",
            claims={"aud": "999-evil.apps.googleusercontent.com", "azp": "999-evil.apps.googleusercontent.com"},
            codes=("audience.mismatch",),
        ),
        Refused(what="a token from another sign-in", nonce="another", codes=("replay.nonce_mismatch",)),
        Refused(what="no scope `email`", claims={"email": ...}, codes=("claim.provides-email",)),
    ),
)

_CUSTOMER = "11111111-2222-3333-4444-555555555555"
_STRANGER = "99999999-2222-3333-4444-555555555555"
_LOGIN = "https://login.microsoftonline.com/"

ENTRA = Provider(
    policy="entra",
    keys=f"{_LOGIN}common/discovery/v2.0/keys",
    key={"use": "sig", "x5t": "jS1Xo1OWDj_52vbwGNgvQO2VzMc", "x5c": ["MIID"], "issuer": f"{_LOGIN}{{tenantid}}/v2.0"},
    claims={
        "aud": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "iss": f"{_LOGIN}{_CUSTOMER}/v2.0",
        "iat": NOW - 300,
        "nbf": NOW - 300,
        "exp": NOW + 5390,
        "aio": "AXQAi/8IAAAAtAaZLo3ChMif6KOnttRB7eBq4",
        "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
        "azpacr": "1",
        "name": "Abe Lincoln",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "preferred_username": "abeli@corp.example",
        "rh": "I",
        "scp": "orders.read access_as_user",
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "tid": _CUSTOMER,
        "uti": "fqiBqXLPj0eQa82S-IYFAA",
        "ver": "2.0",
    },
    refused=(
        Refused(
            what="a tenant that is no customer",
            claims={"iss": f"{_LOGIN}{_STRANGER}/v2.0", "tid": _STRANGER},
            codes=("policy.issuer_unknown",),
        ),
        Refused(
            what="a tenant that claims to be another one",
            claims={"tid": _STRANGER},
            codes=("issuer.mismatch",),
        ),
        Refused(
            what="an ID token of the same application",
            claims={"scp": ..., "azp": ..., "azpacr": ..., "nonce": "n"},
            codes=("claim.provides-scp", "claim.provides-azp", "claim.scope", "claim.azpacr"),
        ),
        Refused(
            what="an application on its own",
            claims={"scp": ..., "roles": ["orders.read"], "idtyp": "app"},
            codes=("claim.provides-scp", "claim.scope"),
        ),
        Refused(
            what="version 1.0",
            claims={"iss": f"https://sts.windows.net/{_CUSTOMER}/", "ver": "1.0"},
            codes=("policy.issuer_unknown",),
        ),
        Refused(what="a public client", claims={"azpacr": "0"}, codes=("claim.azpacr",)),
        Refused(what="a version to come", claims={"ver": "3.0"}, codes=("claim.ver",)),
        Refused(what="another scope, of a longer name", claims={"scp": "orders.readwrite"}, codes=("claim.scope",)),
        Refused(
            what="a token that lives for a day", claims={"exp": NOW + 86400}, codes=("freshness.lifetime_too_long",)
        ),
    ),
)

AUTH0 = Provider(
    policy="auth0",
    keys="https://corp.eu.auth0.com/.well-known/jwks.json",
    header={"typ": "at+jwt"},
    key={"use": "sig", "alg": "RS256", "x5t": "abc", "x5c": ["MIID"]},
    claims={
        "iss": "https://corp.eu.auth0.com/",
        "sub": "auth0|123456",
        "aud": ["https://orders.corp.example", "https://corp.eu.auth0.com/userinfo"],
        "client_id": "my_client_id",
        "exp": NOW + 7000,
        "iat": NOW - 100,
        "jti": "73WakrfVbNJBaAmhQtEeDv",
        "scope": "openid profile read:orders",
        "org_id": "org_0123456789abcdef",
    },
    refused=(
        Refused(
            what="an ID token",
            header={"typ": "JWT"},
            claims={"aud": "my_client_id", "client_id": ..., "scope": ..., "nonce": "n"},
            codes=(
                "audience.mismatch",
                "type.mismatch",
                "claim.provides-client_id",
                "claim.provides-scope",
                "claim.scope",
            ),
        ),
        Refused(
            what="Auth0's own profile",
            header={"typ": "JWT"},
            claims={"client_id": ..., "azp": "my_client_id"},
            codes=("type.mismatch", "claim.provides-client_id"),
        ),
        Refused(what="another organisation", claims={"org_id": "org_fedcba9876543210"}, codes=("claim.org_id",)),
        Refused(what="no organisation", claims={"org_id": ...}, codes=("claim.org_id",)),
        Refused(
            what="another API of the tenant",
            claims={"aud": ["https://ledger.corp.example", "https://corp.eu.auth0.com/userinfo"]},
            codes=("audience.mismatch",),
        ),
        Refused(
            what="another tenant of Auth0",
            claims={"iss": "https://evil.eu.auth0.com/"},
            codes=("policy.issuer_unknown",),
        ),
        Refused(what="another scope", claims={"scope": "openid write:orders"}, codes=("claim.scope",)),
    ),
)

OKTA = Provider(
    policy="okta",
    keys="https://corp.okta.com/oauth2/aus0123456789abcdef0/v1/keys",
    header={"typ": ...},
    key={"use": "sig", "alg": "RS256"},
    claims={
        "ver": 1,
        "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
        "iss": "https://corp.okta.com/oauth2/aus0123456789abcdef0",
        "aud": "api://orders",
        "sub": "jsmith@corp.example",
        "iat": NOW - 100,
        "exp": NOW + 3500,
        "cid": "0oa0123456789abcdef0",
        "uid": "00u0123456789abcdef0",
        "scp": ["openid", "orders.read"],
        "auth_time": NOW - 500,
    },
    refused=(
        Refused(
            what="an ID token",
            claims={"aud": "0oa0123456789abcdef0", "cid": ..., "uid": ..., "scp": ..., "amr": ["pwd"], "nonce": "n"},
            codes=("audience.mismatch", "claim.provides-cid", "claim.provides-scp", "claim.scope"),
        ),
        Refused(
            what="the organisation's own server",
            claims={"iss": "https://corp.okta.com", "aud": "https://corp.okta.com"},
            codes=("policy.issuer_unknown",),
        ),
        Refused(
            what="another authorisation server of the organisation",
            claims={"iss": "https://corp.okta.com/oauth2/default", "aud": "api://default"},
            codes=("policy.issuer_unknown",),
        ),
        Refused(
            what="scopes as text",
            claims={"scp": "openid orders.read"},
            codes=("claim.provides-scp", "claim.scope"),
        ),
        Refused(what="another scope", claims={"scp": ["orders.write"]}, codes=("claim.scope",)),
    ),
)

KEYCLOAK = Provider(
    policy="keycloak",
    keys="https://sso.corp.example/realms/corp/protocol/openid-connect/certs",
    key={"use": "sig", "alg": "RS256", "x5t": "abc", "x5t#S256": "abc", "x5c": ["MIICmzCC"]},
    more_keys=({"use": "enc", "alg": "RSA-OAEP", "kid": "for-encryption", "x5c": ["MIICmzCC"]},),
    claims={
        "exp": NOW + 290,
        "iat": NOW - 10,
        "jti": "onrtac:6d9d2f1e-58a1-4a5c-a9cb-0b1c7d3a2a10",
        "iss": "https://sso.corp.example/realms/corp",
        "aud": ["orders-api", "account"],
        "sub": "b7a5ce3c-2f5e-4a62-9d1c-1a4c7c6f6f1d",
        "typ": "Bearer",
        "azp": "orders-web",
        "sid": "0c4a6ad1-2df1-4a10-a6e2-d5b46a3a3f21",
        "acr": "1",
        "allowed-origins": ["https://shop.corp.example"],
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "resource_access": {"orders-api": {"roles": ["reader"]}, "account": {"roles": ["manage-account"]}},
        "scope": "openid email profile",
        "email_verified": False,
        "preferred_username": "jsmith",
    },
    refused=(
        Refused(
            what="an ID token",
            claims={"typ": "ID", "aud": "orders-web", "scope": ..., "resource_access": ..., "nonce": "n"},
            codes=("audience.mismatch", "type.mismatch", "claim.provides-scope", "claim.role"),
        ),
        Refused(
            what="a refresh token",
            claims={"typ": "Refresh", "aud": "https://sso.corp.example/realms/corp", "resource_access": ...},
            codes=("audience.mismatch", "type.mismatch", "claim.role"),
        ),
        Refused(
            what="another realm of the same server",
            claims={"iss": "https://sso.corp.example/realms/partners"},
            codes=("policy.issuer_unknown",),
        ),
        Refused(
            what="the role in the realm, not of this client",
            claims={"realm_access": {"roles": ["reader"]}, "resource_access": {"account": {"roles": ["reader"]}}},
            codes=("claim.role",),
        ),
        Refused(what="another client of the realm", claims={"azp": "newsletter"}, codes=("claim.azp",)),
        Refused(
            what="the key that is for encryption",
            header={"kid": "for-encryption"},
            codes=("key.unknown_kid",),
        ),
    ),
)

KUBERNETES = Provider(
    policy="kubernetes",
    keys="https://kubernetes.default.svc.cluster.local/openid/v1/jwks",
    header={"typ": ...},
    key={"use": "sig", "alg": "RS256"},
    claims={
        "aud": ["orders-api"],
        "exp": NOW + 3500,
        "iat": NOW - 100,
        "iss": "https://kubernetes.default.svc.cluster.local",
        "jti": "e51f1fbc-4733-4b85-a59f-ba80c0523874",
        "kubernetes.io": {
            "namespace": "shop",
            "node": {"name": "worker-1", "uid": "517eb86e-b863-451b-bf70-86cb61439a3a"},
            "pod": {"name": "web-7d4b9c6f5-x2x7p", "uid": "0d8b260e-ef0e-45fb-be8e-ff44f97722e8"},
            "serviceaccount": {"name": "web", "uid": "e6a8680e-d103-4cce-80ea-03acbbeacf7d"},
        },
        "nbf": NOW - 100,
        "sub": "system:serviceaccount:shop:web",
    },
    refused=(
        Refused(
            what="the token that a pod has for the API server, extended to a year",
            claims={"aud": ["https://kubernetes.default.svc.cluster.local"], "exp": NOW - 100 + 31_536_000},
            codes=("audience.mismatch", "freshness.lifetime_too_long"),
        ),
        Refused(
            what="a token that the API server would take too",
            claims={"aud": ["orders-api", "https://kubernetes.default.svc.cluster.local"]},
            codes=("audience.mismatch",),
        ),
        Refused(
            what="a service account of the same name in another namespace",
            claims={"sub": "system:serviceaccount:test:web"},
            codes=("claim.sub",),
        ),
        Refused(
            what="`kubectl create token`, bound to no pod",
            claims={"kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "web", "uid": "e6a8680e"}}},
            codes=("claim.kubernetes-io-pod-name",),
        ),
        Refused(
            what="a token out of a secret, as clusters made them before 1.24",
            claims={"iss": "kubernetes/serviceaccount", "aud": ..., "exp": ..., "iat": ..., "nbf": ..., "jti": ...},
            codes=("policy.issuer_unknown",),
        ),
    ),
)

SPIFFE = Provider(
    policy="spiffe",
    keys="https://oidc.prod.corp.example/keys",
    alg="ES256",
    claims={
        "aud": ["spiffe://prod.corp.example/orders-api"],
        "exp": NOW + 290,
        "iat": NOW - 10,
        "sub": "spiffe://prod.corp.example/ns/shop/sa/web",
    },
    refused=(
        Refused(
            what="another trust domain",
            claims={"sub": "spiffe://test.corp.example/ns/shop/sa/web"},
            codes=("policy.issuer_unknown",),
        ),
        Refused(
            what="a trust domain that begins alike",
            claims={"sub": "spiffe://prod.corp.example.evil.example/ns/shop/sa/web"},
            codes=("policy.issuer_unknown",),
        ),
        Refused(
            what="another workload of the trust domain",
            claims={"sub": "spiffe://prod.corp.example/ns/billing/sa/web"},
            codes=("claim.sub",),
        ),
        Refused(
            what="a path below a workload's",
            claims={"sub": "spiffe://prod.corp.example/ns/shop/sa/web/../admin"},
            codes=("claim.sub",),
        ),
        Refused(
            what="a token for somebody else too",
            claims={"aud": ["spiffe://prod.corp.example/orders-api", "spiffe://prod.corp.example/ledger"]},
            codes=("audience.mismatch",),
        ),
        Refused(what="no end", claims={"exp": ...}, codes=("freshness.missing",)),
        Refused(what="an end that is far away", claims={"exp": NOW + 3600}, codes=("freshness.expires_too_late",)),
        Refused(what="no typ", header={"typ": ...}, codes=("type.missing",)),
    ),
)

OAUTH = Provider(
    policy="oauth-access-token",
    keys="https://idp.corp.example/jwks",
    alg="ES256",
    header={"typ": "at+jwt"},
    key={"use": "sig", "alg": "ES256"},
    claims={
        "iss": "https://idp.corp.example",
        "sub": "5ba552d67",
        "aud": "https://orders.corp.example",
        "exp": NOW + 3500,
        "iat": NOW - 100,
        "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
        "client_id": "s6BhdRkqt3",
        "scope": "openid profile orders:read",
    },
    refused=(
        Refused(
            what="an ID token",
            header={"typ": "JWT"},
            claims={"aud": "s6BhdRkqt3", "client_id": ..., "scope": ..., "jti": ..., "nonce": "n"},
            codes=(
                "audience.mismatch",
                "type.mismatch",
                "claim.provides-client_id",
                "claim.provides-jti",
                "claim.scope",
            ),
        ),
        Refused(what="another API", claims={"aud": "https://ledger.corp.example"}, codes=("audience.mismatch",)),
        Refused(what="no scope", claims={"scope": ...}, codes=("claim.scope",)),
        Refused(what="a scope of a longer name", claims={"scope": "orders:readall"}, codes=("claim.scope",)),
        Refused(what="too old", claims={"exp": NOW - 31, "iat": NOW - 3600}, codes=("freshness.expired",)),
    ),
)

OPENID = Provider(
    policy="openid-id-token",
    keys="https://login.corp.example/jwks",
    key={"use": "sig"},
    nonce="n-0S6_WzA2Mj",
    claims={
        "iss": "https://login.corp.example",
        "sub": "24400320",
        "aud": "shop-web",
        "nonce": "n-0S6_WzA2Mj",
        "exp": NOW + 3500,
        "iat": NOW - 100,
        "auth_time": NOW - 110,
        "acr": "aal2",
        "email": "janedoe@example.com",
        "email_verified": True,
    },
    refused=(
        Refused(
            what="an access token",
            header={"typ": "at+jwt"},
            claims={"aud": "https://orders.corp.example", "nonce": ...},
            codes=("audience.mismatch", "type.mismatch", "replay.nonce_missing"),
        ),
        Refused(
            what="an audience that the client does not know",
            claims={"aud": ["shop-web", "newsletter"]},
            codes=("audience.mismatch",),
        ),
        Refused(what="issued to another client", claims={"azp": "newsletter"}, codes=("claim.azp",)),
        Refused(what="one factor", claims={"acr": "aal1"}, codes=("claim.acr",)),
        Refused(what="signed in yesterday", claims={"auth_time": NOW - 86400}, codes=("claim.auth_time",)),
        Refused(what="mail that is not verified", claims={"email_verified": False}, codes=("claim.email_verified",)),
        Refused(what="mail that nobody speaks for", claims={"email_verified": ...}, codes=("claim.email_verified",)),
        Refused(what="a token from another sign-in", nonce="another", codes=("replay.nonce_mismatch",)),
    ),
)

PROVIDERS = (GITHUB, GOOGLE, ENTRA, AUTH0, OKTA, KEYCLOAK, KUBERNETES, SPIFFE, OAUTH, OPENID)
