"""Rules that are loud, and rules that are quiet: exact codes and lines."""

from __future__ import annotations

import pytest

from tests.checker.policy_text import places, policy, rule_faults

LOUD: list[tuple[tuple[str, ...], list[str]]] = [
    # types that are fixed
    (('require words(scope) == "read"',), ["PJ280@1"]),
    (('require count(roles) == "2"',), ["PJ280@1"]),
    (('require count(aud) == 1 or words(roles) contains "x"',), ["PJ284@1", "PJ281@1"]),
    (("require sub == 5",), ["PJ280@1"]),
    (('require cnf == "x"',), ["PJ280@1"]),
    (('require context.headers.origin == "https://a.example"',), ["PJ280@1"]),
    (('require lower(words(scope)) == "a"',), ["PJ280@1"]),
    (("require context.method > 3",), ["PJ280@1"]),
    (('require "x" in claim.sub',), ["PJ280@1"]),
    (("require every x in sub satisfies x == 1",), ["PJ280@1"]),
    # types that are documented
    (("require email == 5",), ["PJ281@1"]),
    (('require email_verified == "true"',), ["PJ281@1"]),
    (('require auth_time == "1700000000"',), ["PJ281@1"]),
    (('require roles matches /[a-z]+/',), ["PJ283@1"]),
    (("require tenant == 5", "require tenant is string"), ["PJ281@1"]),
    (('require a is number and a == "x"',), ["PJ281@1"]),
    (('require email is list', 'require email == "x"'), ["PJ283@2"]),
    (("forbid email is list when email is present",), ["PJ281@1"]),
    (('require acr in [1, 2]',), ["PJ281@1"]),
    # slips
    (('require scope == "read"',), ["PJ282@1"]),
    (('require scope contains "read"',), ["PJ282@1"]),
    (('require scope in ["read", "write"]',), ["PJ282@1"]),
    (('require "read" in claim.scope',), ["PJ282@1"]),
    (('forbid scope == "admin" when scope is present',), ["PJ282@1"]),
    (('require roles == "admin"',), ["PJ283@1"]),
    (('require groups in ["a", "b"]',), ["PJ283@1"]),
    (('require amr == "mfa"',), ["PJ283@1"]),
    (('require aud contains "api"',), ["PJ284@1"]),
    (('require aud == "api"',), ["PJ284@1"]),
    (('forbid aud contains "other"',), ["PJ284@1"]),
    (('require iss == "https://idp.corp.example"',), ["PJ285@1"]),
    (('require host(iss) == "idp.corp.example"',), ["PJ285@1"]),
    (("require exp > 1700000000",), ["PJ286@1"]),
    (("require iat within 5m",), ["PJ286@1"]),
    (("require nbf before 2027-01-01",), ["PJ286@1"]),
    (('require header.typ == "at+jwt"',), ["PJ287@1"]),
    (('require header.alg in ["ES256"]',), ["PJ287@1"]),
    # never met
    (('require a == "x" and a == "y"',), ["PJ960@1"]),
    (('require a in ["x", "y"] and a in ["z"]',), ["PJ960@1"]),
    (("require n > 5 and n < 3",), ["PJ960@1"]),
    (("require n > 5 and n < 6 and n is integer",), ["PJ960@1"]),
    (('require a == "x" and a is absent',), ["PJ960@1"]),
    (('require a starts with "ab-" and a == "cd"',), ["PJ960@1"]),
    (('require a starts with "ab-" and a starts with "cd-"',), ["PJ960@1"]),
    (('require a like "ab-*" and a like "cd-*"',), ["PJ960@1"]),
    (('require host(u) under "a.example" and host(u) under "b.example"',), ["PJ960@1"]),
    (('require lower(a) == "Admin"',), ["PJ960@1"]),
    (('require words(scope) contains "pay write"',), ["PJ960@1"]),
    (("require count(list1) == 1.5",), ["PJ960@1"]),
    (('require host(u) == "https://a.example"',), ["PJ960@1"]),
    (('require l contains "x" and not (l contains "x")',), ["PJ960@1"]),
    (('require l contains all of ["x", "y"] and l contains only ["x"]',), ["PJ960@1"]),
    (('require every r in l satisfies (r == "a" and r == "b")',), ["PJ960@1"]),
    (('forbid a is present or a is absent',), ["PJ960@1"]),
    (('require 1 == 2',), ["PJ960@1"]),
    # always met
    (("require a is present or a is absent",), ["PJ961@1"]),
    (("require 1 == 1",), ["PJ961@1"]),
    # twice, implied, contradictory
    (('require a == "x"', 'require a == "x"'), ["PJ962@2"]),
    (('require a == "x"', 'require a == "x" as again'), ["PJ962@2"]),
    (('require a in ["x", "y"]', 'require a == "x"'), ["PJ963@1"]),
    (('require a == "x"', "require a is string"), ["PJ963@2"]),
    (('require a == "x"', "require a is present"), ["PJ963@2"]),
    (("require sub is string",), ["PJ963@1"]),
    (("require exp is present",), ["PJ963@1"]),
    (("require jti is string",), ["PJ963@1"]),
    (('require a == "x"', 'require a == "y"'), ["PJ964@2"]),
    (('require a == "x"', 'forbid a == "x"'), ["PJ964@2"]),
    (("require sub is absent",), ["PJ964@1"]),
    (("require not (sub is present)",), ["PJ964@1"]),
    # guards and alternatives
    (('require b == "x" when a == "1" and a == "2"',), ["PJ965@1"]),
    (('require b == "x" unless a is present or a is absent',), ["PJ961@1", "PJ965@1"]),
    (('require b == "x" or (a == "1" and a == "2")',), ["PJ966@1"]),
    # forbid on what may be missing
    (('forbid azp == "legacy"',), ["PJ967@1"]),
    (('forbid azp == "legacy" when tier == "gold"',), ["PJ967@1"]),
    (('forbid azp == "legacy" unless tier == "gold"',), ["PJ967@1"]),
    (('forbid a.b == "x"',), ["PJ967@1"]),
    (('forbid banned contains "x"',), ["PJ967@1"]),
    (('forbid some r in l satisfies r == "x"',), ["PJ967@1"]),
    (('forbid azp == "legacy" and sub == "root"',), ["PJ967@1"]),
    # edges
    (('require a starts with "repo:acme"',), ["PJ968@1"]),
    (('require a ends with "corp.example"',), ["PJ968@1"]),
    (('require every r in l satisfies r starts with "ops"',), ["PJ968@1"]),
    (('require b == "x" unless a starts with "admin"',), ["PJ968@1"]),
    (('require a like "repo:acme*"',), ["PJ971@1"]),
    # names
    (('require `cl\u0430ims` == "x"',), ["PJ969@1"]),
    (('require a == "\u0440aypal"',), ["PJ969@1"]),
    (('require a == "x\u200by"',), ["PJ970@1"]),
]  # fmt: skip

QUIET: list[tuple[str, ...]] = [
    ('require words(scope) contains "pay:write" as pay-scope',),
    ("require email_verified == true",),
    ('require roles contains "admin"',),
    ('require amr contains any of ["hwk", "fido"] unless context.method == "GET"',),
    ('require every role in realm_access.roles satisfies (role == "ops" or role starts with "ops-")',),
    ("require `https://corp.example/tenant` matches /[a-z]{3,12}/",),
    ("require auth_time within 12h",),
    ('forbid azp == "legacy-batch" when azp is present',),
    ("observe acr in [\"aal2\", \"aal3\"] until 2027-01-31",),
    ('require a == "x" or a == "y"',),
    ('require a == "x" or b == "x"',),
    ("require n > 5 and n < 7 and n is integer",),
    ("require n >= 5 and n <= 5",),
    ('require a starts with "ab-" and a starts with "ab-c-"',),
    ('require a starts with "ab-" and a ends with "-z"',),
    ('require l contains "x" and l contains "y"',),
    ('require l contains all of ["x", "y"] and l contains only ["x", "y"]',),
    ('require l contains "x" and not (l contains "y")',),
    ('require a is absent or a == "x"',),
    ('require a != "x"', 'require a != "y"'),
    ('require a == "x" when b == "1"', 'require a == "y" when b == "2"'),
    ('forbid azp is present',),
    ('forbid azp == "x" or azp is absent',),
    ('forbid sub == "root"',),
    ('forbid azp == "legacy"', "require azp is present"),
    ('forbid azp == "legacy" and azp is present',),
    ('forbid context.method == "DELETE"',),
    ('forbid sub starts with "test"',),
    ('require a starts with "repo:acme/"',),
    ('require a ends with "@corp.example"',),
    ('require a like "refs/tags/v*"',),
    ('require a like "repo:acme/*"',),
    ('require a like "*.corp.example"',),
    ('require lower(a) == "admin"',),
    ('require host(u) == "a.example"',),
    ("require count(l) == 2",),
    ('require tenant == context.values.tenant',),
    ('require context.headers.origin contains "https://a.example"',),
    ('require name == "Jürgen"', 'require city == "Москва"'),
    ('require a == "рост"',),
    ("require cnf.jkt is string",),
    ("require scope is string",),
    ("require aud is list",),
    ('require ver in ["1.0", 2]',),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "wanted"), LOUD, ids=lambda case: " | ".join(case) if case else "")
def test_loud(rules: tuple[str, ...], wanted: list[str]) -> None:
    assert places(rule_faults(policy(*rules))) == wanted


@pytest.mark.parametrize("rules", QUIET, ids=" | ".join)
def test_quiet(rules: tuple[str, ...]) -> None:
    assert places(rule_faults(policy(*rules))) == []
