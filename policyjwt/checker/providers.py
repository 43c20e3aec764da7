"""What is known of identity providers.

Input: an issuer as a policy writes it. Output: the provider behind it.

Every entry is a fact that the provider documents: the types of its claims, which claims are names that can
change hands, who else can get a token from the same issuer. The table is for diagnostics only: no decision
about a token ever depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

Claim: TypeAlias = tuple[str, ...]
"""A claim by its members: `("realm_access", "roles")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenants:
    """One issuer for many customers. `who` can get a token; a rule on one of `claims` narrows that down.

    `exact` claims do so only where whole values are compared; `line` is a rule that narrows, ready to paste.
    """

    who: str
    claims: frozenset[Claim]
    exact: frozenset[Claim]
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider. `names` are claims that can change hands, each with the claims that tell one for good.

    `access_only` and `id_only` tell access from ID tokens where both come under one `typ`; `tell_apart` is
    a line that does. `events` are claims that mean nothing without `event_name`.
    """

    name: str
    types: Mapping[Claim, str] = field(default_factory=dict)
    tenants: Tenants | None = None
    names: Mapping[Claim, tuple[Claim, ...]] = field(default_factory=dict)
    access_only: frozenset[Claim] = frozenset()
    id_only: frozenset[Claim] = frozenset()
    tell_apart: str = ""
    events: frozenset[Claim] = frozenset()
    algorithms: tuple[str, ...] = ()
    verifies_email: bool = True


def _claims(words: str) -> frozenset[Claim]:
    return frozenset((word,) for word in words.split())


def _types(**claims: str) -> Mapping[Claim, str]:
    """Claims by their type: `string="a b.c"`. Members of an object follow a dot."""
    found = {tuple(word.split(".")): kind for kind, words in claims.items() for word in words.split()}
    return MappingProxyType(found)


def _names(ids: Mapping[str, str]) -> Mapping[Claim, tuple[Claim, ...]]:
    return MappingProxyType({(name,): tuple((word,) for word in words.split()) for name, words in ids.items()})


_GITHUB = Provider(
    name="GitHub Actions",
    types=_types(
        string="actor actor_id base_ref check_run_id enterprise enterprise_id environment environment_node_id"
        " event_name head_ref job_workflow_ref job_workflow_sha ref ref_protected ref_type repository"
        " repository_id repository_owner repository_owner_id repository_visibility run_attempt run_id"
        " run_number runner_environment sha workflow workflow_ref workflow_sha"
    ),
    tenants=Tenants(
        who="every repository on GitHub",
        claims=_claims(
            "repository_id repository_owner_id repository repository_owner enterprise_id enterprise sub"
            " workflow_ref job_workflow_ref"
        ),
        exact=frozenset(),
        line='require repository_id == "…"',
    ),
    names=_names(
        {
            "repository": "repository_id repository_owner_id",
            "repository_owner": "repository_owner_id repository_id",
            "enterprise": "enterprise_id repository_id repository_owner_id",
            "actor": "actor_id",
            "sub": "repository_id repository_owner_id",
            "workflow_ref": "repository_id repository_owner_id",
            "job_workflow_ref": "repository_id repository_owner_id",
        }
    ),
    events=_claims("ref ref_protected environment"),
    algorithms=("RS256",),
)

_GITLAB = Provider(
    name="GitLab",
    types=_types(
        string="ci_config_ref_uri ci_config_sha deployment_action deployment_tier environment"
        " environment_protected job_id job_namespace_id job_namespace_path job_project_id job_project_path"
        " job_source namespace_id namespace_path pipeline_id pipeline_source project_id project_path"
        " project_visibility ref ref_path ref_protected ref_type runner_environment sha user_access_level"
        " user_email user_id user_login",
        integer="runner_id",
        list="groups_direct user_identities",
    ),
    tenants=Tenants(
        who="every project on gitlab.com",
        claims=_claims("namespace_id project_id namespace_path project_path job_project_id job_namespace_id sub"),
        exact=frozenset(),
        line='require project_id == "…"',
    ),
    names=_names(
        {
            "namespace_path": "namespace_id project_id",
            "project_path": "project_id namespace_id",
            "user_login": "user_id",
            "user_email": "user_id",
            "sub": "project_id namespace_id",
        }
    ),
    algorithms=("RS256",),
)

_GOOGLE = Provider(
    name="Google",
    types=_types(
        string="at_hash azp email family_name given_name hd locale name nonce picture profile",
        boolean="email_verified",
    ),
    tenants=Tenants(
        who="every Google account and every service account of any project",
        claims=_claims("hd sub"),
        exact=_claims("email"),
        line='require hd == "corp.example"',
    ),
    algorithms=("RS256",),
)

_ENTRA = Provider(
    name="Microsoft Entra",
    types=_types(
        string="acr appid appidacr azp azpacr email idp idtyp ipaddr name nonce oid preferred_username rh scp"
        " sid tid unique_name upn uti ver",
        list="acrs amr groups roles wids xms_cc",
        boolean="hasgroups",
    ),
    names=_names({"preferred_username": "oid sub", "upn": "oid sub", "unique_name": "oid sub", "email": "oid sub"}),
    access_only=_claims("scp appid appidacr azp azpacr idtyp xms_cc"),
    id_only=_claims("nonce at_hash c_hash"),
    tell_apart="require scp is string",
    algorithms=("RS256",),
    verifies_email=False,
)

_PERSONAL = replace(
    _ENTRA,
    tenants=Tenants(
        who="everybody with a personal Microsoft account",
        claims=_claims("oid sub"),
        exact=frozenset(),
        line='require oid in ["…"]',
    ),
)

_AUTH0 = Provider(
    name="Auth0",
    types=_types(
        string="azp email gty name nickname nonce org_id org_name picture scope sid updated_at",
        boolean="email_verified",
        list="permissions amr",
    ),
    tenants=Tenants(
        who="every user and application of all organizations of the tenant",
        claims=_claims("org_id org_name azp client_id sub"),
        exact=_claims("email"),
        line='require org_id == "org_…"',
    ),
    names=_names({"org_name": "org_id", "nickname": "sub", "preferred_username": "sub"}),
    access_only=_claims("scope permissions gty azp client_id"),
    id_only=_claims("nonce at_hash c_hash nickname picture updated_at"),
    tell_apart="require scope is string",
)

_OKTA = Provider(
    name="Okta",
    types=_types(
        string="at_hash cid email idp name nonce preferred_username uid",
        list="amr groups scp",
        integer="ver auth_time",
        boolean="email_verified",
    ),
    names=_names({"preferred_username": "sub uid"}),
    access_only=_claims("scp cid uid"),
    id_only=_claims("nonce at_hash c_hash idp amr"),
    tell_apart="require scp is list",
    algorithms=("RS256", "ES256"),
)

_COGNITO = Provider(
    name="Amazon Cognito",
    types=_types(
        string="at_hash client_id cognito:username device_key email event_id nonce origin_jti phone_number"
        " scope token_use username",
        list="cognito:groups cognito:roles identities",
        boolean="email_verified phone_number_verified",
        integer="auth_time version",
    ),
    tenants=Tenants(
        who="every app client of the user pool",
        claims=_claims("client_id sub username cognito:username cognito:groups"),
        exact=_claims("email"),
        line='require client_id == "…"',
    ),
    names=_names({"preferred_username": "sub"}),
    access_only=_claims("token_use scope client_id version username"),
    id_only=_claims("at_hash nonce cognito:username cognito:roles"),
    tell_apart='type from token_use "access"',
    algorithms=("RS256",),
)

_KEYCLOAK = Provider(
    name="Keycloak",
    types=_types(
        string="acr azp email preferred_username scope session_state sid typ",
        list="allowed-origins groups realm_access.roles",
        object="realm_access resource_access",
        boolean="email_verified",
    ),
    names=_names({"preferred_username": "sub"}),
    access_only=_claims("typ scope realm_access resource_access allowed-origins"),
    id_only=_claims("at_hash c_hash s_hash nonce"),
    tell_apart='type from typ "Bearer"',
)

_KUBERNETES = Provider(
    name="Kubernetes",
    types={
        ("kubernetes.io",): "object",
        ("kubernetes.io", "namespace"): "string",
        ("kubernetes.io", "serviceaccount"): "object",
        ("kubernetes.io", "serviceaccount", "name"): "string",
        ("kubernetes.io", "serviceaccount", "uid"): "string",
        ("kubernetes.io", "pod"): "object",
        ("kubernetes.io", "pod", "name"): "string",
        ("kubernetes.io", "pod", "uid"): "string",
        ("kubernetes.io", "node"): "object",
    },
    tenants=Tenants(
        who="every service account of the cluster",
        claims=frozenset(
            {
                ("sub",),
                ("kubernetes.io", "namespace"),
                ("kubernetes.io", "serviceaccount", "name"),
                ("kubernetes.io", "serviceaccount", "uid"),
            }
        ),
        exact=frozenset(),
        line='require sub == "system:serviceaccount:NAMESPACE:NAME"',
    ),
)

_APPLE = Provider(
    name="Apple",
    types=_types(string="at_hash nonce email", integer="real_user_status"),
    algorithms=("RS256",),
)

_BUILDKITE = Provider(
    name="Buildkite",
    types=_types(string="organization_slug pipeline_slug build_branch build_commit step_key job_id agent_id"),
    tenants=Tenants(
        who="every organization on Buildkite",
        claims=_claims("organization_id organization_slug pipeline_id pipeline_slug sub"),
        exact=frozenset(),
        line='require organization_id == "…"',
    ),
    names=_names(
        {
            "organization_slug": "organization_id pipeline_id",
            "pipeline_slug": "pipeline_id organization_id",
            "sub": "organization_id pipeline_id",
        }
    ),
    algorithms=("RS256",),
)

_TERRAFORM = Provider(
    name="HCP Terraform",
    types=_types(
        string="terraform_full_workspace terraform_organization_id terraform_organization_name"
        " terraform_project_id terraform_project_name terraform_run_id terraform_run_phase"
        " terraform_workspace_id terraform_workspace_name"
    ),
    tenants=Tenants(
        who="every organization on HCP Terraform",
        claims=_claims(
            "terraform_organization_id terraform_organization_name terraform_project_id"
            " terraform_workspace_id terraform_full_workspace sub"
        ),
        exact=frozenset(),
        line='require terraform_organization_id == "org-…"',
    ),
    names=_names(
        {
            "terraform_organization_name": "terraform_organization_id",
            "terraform_workspace_name": "terraform_workspace_id",
            "terraform_project_name": "terraform_project_id",
            "terraform_full_workspace": "terraform_organization_id terraform_workspace_id",
            "sub": "terraform_organization_id terraform_workspace_id",
        }
    ),
    algorithms=("RS256",),
)

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_LOGIN = r"login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn|chinacloudapi\.cn)"

_ISSUERS: tuple[tuple[re.Pattern[str], Provider], ...] = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"https://token\.actions\.githubusercontent\.com/?", _GITHUB),
        (r"https://token\.actions\.githubusercontent\.com/.+", replace(_GITHUB, tenants=None)),
        (r"https://token\.actions\.[^/.]+\.ghe\.com/?", replace(_GITHUB, tenants=None)),
        (r"https://[^/]+/_services/token/?", replace(_GITHUB, tenants=None)),
        (r"(?:https://)?gitlab\.com/?", _GITLAB),
        (r"https://gitlab\.[^/]+/?", replace(_GITLAB, tenants=None)),
        (r"(?:https://)?accounts\.google\.com/?", _GOOGLE),
        (rf"https://{_LOGIN}/9188040d-6c67-4c5b-b112-36a304b66dad(?:/.*)?", _PERSONAL),
        (rf"https://{_LOGIN}/.*", _ENTRA),
        (r"https://sts\.(?:windows\.net|chinacloudapi\.cn)/.*", _ENTRA),
        (r"https://[^/]+\.(?:ciamlogin|b2clogin)\.com/.*", _ENTRA),
        (r"https://[^/]+\.auth0\.com/?", _AUTH0),
        (r"https://[^/]+\.(?:okta|oktapreview|okta-emea)\.com(?:/.*)?", _OKTA),
        (r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/.*", _COGNITO),
        (r"https?://[^/]+(?:/auth)?/realms/[^/]+/?", _KEYCLOAK),
        (r"https://kubernetes\.default\.svc(?:\.[a-z0-9.-]+)?/?", _KUBERNETES),
        (r"https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/id/.*", _KUBERNETES),
        (r"https://container\.googleapis\.com/v1/projects/.*", _KUBERNETES),
        (r"https://[a-z0-9-]+\.oic\.prod-aks\.azure\.com/.*", _KUBERNETES),
        (r"https://appleid\.apple\.com/?", _APPLE),
        (r"https://agent\.buildkite\.com/?", _BUILDKITE),
        (r"https://app\.terraform\.io/?", _TERRAFORM),
    )
)

_MISSPELT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), right)
    for pattern, right in (
        (r"(https://token\.actions\.githubusercontent\.com)/", r"\1"),
        (r"gitlab\.com/?|https://gitlab\.com/", "https://gitlab.com"),
        (r"(?:https://)?accounts\.google\.com/", "https://accounts.google.com"),
        (rf"(https://{_LOGIN})/(?:common|organizations|consumers)(?:/.*)?", r"\1/{tid}/v2.0"),
        (rf"(https://{_LOGIN}/(?:{_GUID}|\{{[^}}]*\}}))/?", r"\1/v2.0"),
        (rf"(https://{_LOGIN}/(?:{_GUID}|\{{[^}}]*\}})/v2\.0)/", r"\1"),
        (rf"(https://sts\.windows\.net/(?:{_GUID}|\{{[^}}]*\}}))", r"\1/"),
        (r"(https://[^/]+\.auth0\.com)", r"\1/"),
        (r"(https://[^/]+\.(?:okta|oktapreview|okta-emea)\.com(?:/oauth2/[^/]+)?)/", r"\1"),
        (r"(https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[^/]+)/", r"\1"),
        (r"(https?://[^/]+(?:/auth)?/realms/[^/]+)/", r"\1"),
        (r"(https://appleid\.apple\.com)/", r"\1"),
    )
)


def provider_of(issuer: str) -> Provider | None:
    """The provider that issues under `issuer` (a template as it is written), None if it is not known."""
    for pattern, provider in _ISSUERS:
        if pattern.fullmatch(issuer):
            return provider
    return None


def providers_of(issuers: Iterable[str]) -> tuple[Provider, ...]:
    """The known providers behind `issuers`, each once, in their order."""
    found: list[Provider] = []
    for issuer in issuers:
        provider = provider_of(issuer)
        if provider is not None and provider not in found:
            found.append(provider)
    return tuple(found)


def right_spelling(issuer: str) -> str | None:
    """How the provider itself writes this issuer in its tokens, None if it is written so or is not known."""
    for pattern, right in _MISSPELT:
        match = pattern.fullmatch(issuer)
        if match is not None:
            return match.expand(right)
    return None
