"""Policies that the tests of the parser share."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic
from policyjwt.language.parse import parse
from policyjwt.source import Source

EVERYTHING = """policyjwt 1

import "common.policy"
let corp_domains = ["corp.example", "corp.test", 3, -1.5, true]
let tenants from "tenants.json"

# what all have in common
baseline "org" {
  about "What every issuer must meet"
  owner "identity-security@corp.example"
  signature { algorithms ES256, ES384, EdDSA }
  freshness {
    lifetime at most 1h
    skew     at most 30s
  }
}

policy "payments" extends "org", "more" {
  about  "Access tokens for the payments API"
  use    "payments-api"  # the door
  review by 2027-06-30
  by name only
  issuer   "https://idp.corp.example/{tid}" where tid in tenants, "b" where x in ["a", "b"] same party because "renamed"
  audience only "payments-api", "other"
  type     "at+jwt"
  select tenant "a", "b"
  signature {
    algorithms ES256
    keys x5c {
      anchors "anchors/corp-ca.pem"
      leaf    san uri "https://idp.corp.example"
      usage   "1.3.6.1.5.5.7.3.36"
      depth   at most 2
    }
    held by several because "a reason"
    except key sha256 "abc" because "lost"
  }
  freshness { age at most 10m  expires within 1h  needs nbf  issued after 2024-01-01 because "stolen" }
  replay {
    nonce  jti equals context.nonce
    unique within issuer
    store  reaches nodes
    hold   at most 10m
  }
  revocation {
    staple ocsp from header "x5ocsp"
    age   at most 1h
    cover leaf
    window at most 7d
    issued after token
    responder without nocheck allowed because "old"
    without next update allowed because "old"
  }
  status { list from caller  keys jwks file "s.json"  uri "https://s.example"  age at most 5m }
  holder dpop { age at most 60s  algorithms ES256  nonce required }
  encryption { algorithms RSA-OAEP-256  content A256GCM  key file "k.pem" as pem kid "1" }
  schema "claims.json"
  assures integrity, issuer-authentication
  provides sub is string, tenant is string if present
  confidential phone, address
  waive type until 2027-01-01 because corp_reason

  require words(scope) contains "pay:write" as pay-scope
    because "a token without it is not meant for this API"
  allow PJ501 because "known"
  require email ends with "@corp.example" or email_domain in corp_domains
  require amr contains any of ["hwk", "fido"] unless context.method == "GET"
  require every role in realm_access.roles satisfies (role == "ops" or role starts with "ops-")
  require `https://corp.example/tenant` matches /[a-z]{3,12}\\/[/]/
  require auth_time within 12h and not (n not in [1, 2]) and (a before 2027-01-31 or a after 2026-01-01)
  require roles contains only ["a"] when x is present as label-1 because "why"
  forbid  azp == "legacy-batch" when azp is present
  forbid  (some r in roles satisfies r like "x*") and host(iss) under "corp.example"
  observe acr in ["aal2", "aal3"] until 2027-01-31
    because "step-up becomes mandatory in February"
}

policy "hooks" {
  issuer from sub like "spiffe://prod.corp.example/**"
  audience from client_id "c1"
  type from token_use "access"
  signature { algorithms HS256  secret keyring "a" "b" as base64url kid "1"  secret env "S" as hex }
  replay { proof once  by holder  reusable because "read only" }
  revocation {
    by key removal within 24h
    by redeployment because "x"
    crl snapshot "c.crl"
    short-lived certificate at most 1h
  }
  holder mtls { anchors "a.pem" }
}

policy "keys" {
  signature { keys jwks url "https://a.example" { stale at most 24h  ca "ca.pem" } }
  signature { keys discovery "https://a.example" }
  signature { keys pem file "a.pem" }
  signature { keys x5c { leaf any because "x" } }
  signature { keys x5c { leaf san dns "a.example" } }
  signature { keys x5c { leaf dn "CN=a" } }
  signature { keys x5c { leaf key sha256 "abc", "def" } }
  require amr contains all of ["hwk"] and a == false and n contains n
  revocation { staple ocsp from jades  responder pinned "r.pem" }
}
"""
"""Every statement of the language at least once."""


def in_policy(*lines: str) -> str:
    """A policy of these lines."""
    return "\n".join(["policyjwt 1", 'policy "p" {', *lines, "}", ""])


def accepted(text: str) -> bool:
    """Whether `text` parses. A tree and an error never come together, nor neither."""
    tree, diagnostics = parse(Source("p.policy", text))
    assert (tree is None) is bool(diagnostics)
    return tree is not None


def diagnostics_of(text: str) -> tuple[Diagnostic, ...]:
    """What is said about `text`."""
    return parse(Source("p.policy", text))[1]


def codes_of(text: str) -> list[str]:
    """The codes of what is said about `text`."""
    return [diagnostic.code for diagnostic in diagnostics_of(text)]
