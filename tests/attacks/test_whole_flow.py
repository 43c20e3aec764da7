"""Random policies against random tokens, through the whole flow, judged beside a second opinion in plain Python.

Each fragment of a policy stands beside the sentence that it means, written anew here: an engine trusts a token exactly
where every sentence holds and the right key signed it. No token and no text makes anything else escape but a verdict.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policyjwt import Context, Engine, PolicyError
from policyjwt.errors import TokenRefused
from policyjwt.replay import MemoryReplayStore
from policyjwt.tokens import verify
from tests.attacks.flow import ISSUER, REUSABLE, SUB, codes, engine, everything_shown
from tests.issuer import NOW, Issuer, b64, claims, policy

Claims = dict[str, Any]
Says = Callable[[Claims], bool]
OTHER = Issuer()


def number(value: object) -> bool:
    return type(value) in (int, float)


def text(value: object) -> bool:
    return type(value) is str


def words(value: Any) -> list[str]:
    return [word for word in value.split(" ") if word] if text(value) else []


def in_list(value: Any, element: str) -> bool:
    return type(value) is list and any(text(each) and each == element for each in value)


def all_in(value: Any, elements: set[str]) -> bool:
    return type(value) is list and bool(value) and all(text(each) and each in elements for each in value)


RULES: list[tuple[str, Says]] = [
    ('require role == "admin"', lambda c: text(c.get("role")) and c["role"] == "admin"),
    ('require role != "admin"', lambda c: text(c.get("role")) and c["role"] != "admin"),
    ('forbid role == "admin"', lambda c: text(c.get("role")) and c["role"] != "admin"),
    (
        'forbid role == "admin" when role is present',
        lambda c: c.get("role") is None or (text(c["role"]) and c["role"] != "admin"),
    ),
    ('require role in ["admin", "ops"]', lambda c: text(c.get("role")) and c["role"] in ("admin", "ops")),
    ("require level > 1", lambda c: number(c.get("level")) and c["level"] > 1),
    ("require not level > 1", lambda c: number(c.get("level")) and not c["level"] > 1),
    ("require level == 1", lambda c: number(c.get("level")) and c["level"] == 1),
    ("require flag == true", lambda c: c.get("flag") is True),
    ('require words(scope) contains "read"', lambda c: "read" in words(c.get("scope"))),
    ('require roles contains "ops"', lambda c: in_list(c.get("roles"), "ops")),
    ('require roles contains only ["ops", "dev"]', lambda c: all_in(c.get("roles"), {"ops", "dev"})),
    ('require (every r in roles satisfies r == "ops")', lambda c: all_in(c.get("roles"), {"ops"})),
    ('require (some r in roles satisfies r == "ops")', lambda c: in_list(c.get("roles"), "ops")),
    ("require role is present", lambda c: c.get("role") is not None),
    ("require role is absent", lambda c: c.get("role") is None),
    ("require auth_time within 5m", lambda c: number(c.get("auth_time")) and NOW - 300 <= c["auth_time"] <= NOW),
    (
        'require role == "admin" or level > 1',
        lambda c: (text(c.get("role")) and c["role"] == "admin") or (number(c.get("level")) and c["level"] > 1),
    ),
    (
        'require role == "admin" unless flag == true',
        lambda c: c.get("flag") is True or (text(c.get("role")) and c["role"] == "admin"),
    ),
    (
        "provides level is integer",
        lambda c: type(c.get("level")) is int or (type(c.get("level")) is float and c["level"] == int(c["level"])),
    ),
    ("provides roles is list if present", lambda c: c.get("roles") is None or type(c["roles"]) is list),
]
AUDIENCES: list[tuple[str, Says]] = [
    ('audience "api"', lambda c: c.get("aud") == "api" or in_list(c.get("aud"), "api")),
    ('audience only "api"', lambda c: c.get("aud") == "api" or all_in(c.get("aud"), {"api"})),
    ('audience "api", "web"', lambda c: any(c.get("aud") == a or in_list(c.get("aud"), a) for a in ("api", "web"))),
]


def fresh(c: Claims) -> bool:
    """The times, with no skew: lifetime at most 1h."""
    if not (number(c.get("exp")) and number(c.get("iat"))) or ("nbf" in c and not number(c["nbf"])):
        return False
    coherent = c["exp"] > c["iat"] and c.get("nbf", c["exp"]) <= c["exp"]
    return bool(coherent and NOW < c["exp"] <= c["iat"] + 3600 and c["iat"] <= NOW and c.get("nbf", NOW) <= NOW)


def well_formed(c: Claims) -> bool:
    """The types of registered claims, and no key of a holder."""
    aud = c.get("aud", "")
    return (
        c.get("iss") == "https://issuer.example"
        and text(c.get("sub"))
        and (text(aud) or (type(aud) is list and all(map(text, aud))))
        and ("jti" not in c or text(c["jti"]))
        and "cnf" not in c
    )


ATOMS: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    1.0,
    1.5,
    -1,
    "",
    "admin",
    "ops",
    "dev",
    "read",
    "api",
    "web",
    "read x",
    "1",
]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "jkt"]), inner, max_size=2),
    max_leaves=4,
)
TIMES: list[Any] = [
    NOW,
    NOW - 1,
    NOW + 1,
    NOW + 0.5,
    NOW - 300,
    NOW - 301,
    NOW + 3590,
    0,
    -1,
    1.7e308,
    -1.7e308,
    10**100,
]
TIME = st.sampled_from([*TIMES, "1", None, True])
CHANGES = st.dictionaries(
    st.sampled_from(["role", "level", "flag", "scope", "roles", "aud", "sub", "jti", "cnf", "iss"]), VALUES, max_size=6
)
TIME_CHANGES = st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "auth_time"]), TIME, max_size=2)
TYPICAL = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["admin", "ops"]),
        "level": st.sampled_from([1, 2]),
        "flag": st.booleans(),
        "scope": st.just("read"),
        "roles": st.sampled_from([["ops"], ["ops", "dev"], []]),
        "auth_time": st.just(NOW),
    },
)


@given(
    rules=st.lists(st.sampled_from(RULES), max_size=3, unique_by=lambda rule: rule[0]),
    audience=st.sampled_from(AUDIENCES),
    changes=st.builds(lambda typical, odd, times: typical | odd | times, TYPICAL, CHANGES, TIME_CHANGES),
    right=st.sampled_from([True, True, True, False]),
)
def test_trusted_is_what_the_policy_says_and_nothing_else(
    rules: list[tuple[str, Says]],
    audience: tuple[str, Says],
    changes: Claims,
    right: bool,  # noqa: FBT001 - drawn
) -> None:
    lines = [SUB, *(f"{line} as r{at}" if line[0] in "rf" else line for at, (line, _) in enumerate(rules))]
    try:
        judge = engine(policy(audience=audience[0], replay=REUSABLE, rest="\n  ".join(lines)))
    except PolicyError as error:
        # Rules that contradict each other are found when the policy is checked; all of these are well written.
        syntax = [d for d in error.diagnostics if d.stops_loading and d.code < "PJ200"]
        assert not syntax, syntax
        return
    claimed = claims(**changes)
    token = (ISSUER if right else OTHER).token(claimed)
    verdict = judge.evaluate(token)
    says = [fresh, well_formed, audience[1], *(meant for _, meant in rules)]
    assert verdict.trusted is (right and all(says_so(claimed) for says_so in says)), (lines, claimed, codes(verdict))
    everything_shown(verdict)
    assert judge.inspect(token).would_trust is verdict.trusted
    if right:
        try:
            verified = verify(token, ISSUER.keys(), ["ES256"])
        except TokenRefused:
            assert not verdict
        else:
            again = judge.validate(verified)
            assert (again.trusted, codes(again)) == (verdict.trusted, codes(verdict))


PLAIN = engine(replay=MemoryReplayStore(1_000_000, single_process=True))
GOOD = ISSUER.token(claims())


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda data: f"{b64(data)}.{b64(data)}.{b64(data)}"))
def test_no_text_is_trusted_or_escapes(token: str) -> None:
    assert not PLAIN.evaluate(token)
    everything_shown(PLAIN.evaluate(token))


@given(st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=0x2FF), st.sampled_from(["swap", "add", "drop"]))
def test_no_change_of_a_signed_token_is_trusted(at: int, sign: str, how: str) -> None:
    changed = {"swap": GOOD[:at] + sign + GOOD[at + 1 :], "add": GOOD[:at] + sign + GOOD[at:], "drop": GOOD[:at]}[how]
    if changed != GOOD:
        assert not PLAIN.evaluate(changed)
        everything_shown(PLAIN.evaluate(changed))


NAMES = ["alg", "kid", "typ", "crit", "b64", "zip", "cty", "jwk", "jku", "x5u", "x5c", "enc", "iss", "aud", "exp"]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=4), JSON)
def test_signed_headers_and_payloads_of_any_shape_give_a_verdict(header: dict[str, Any], payload: Any) -> None:
    for body in (json.dumps(payload), json.dumps(claims())):
        verdict = PLAIN.evaluate(ISSUER.token(body, header))
        everything_shown(verdict)
        if verdict:
            harmless = {"alg": "ES256", "kid": "k1"}
            assert all(header.get(name, value) == value for name, value in harmless.items())
            assert not {"crit", "b64", "zip", "cty", "jwk", "jku", "x5u", "x5c", "enc"} & header.keys()


SOUND = policy(rest=SUB + '\n  require role == "admin"\n  forbid azp == "legacy" when azp is present')
ADMIN, USER = ISSUER.token(claims(role="admin")), ISSUER.token(claims(role="user"))


@given(st.integers(0, len(SOUND)), st.integers(0, 12), st.text(max_size=12) | st.sampled_from(SOUND.split()))
def test_a_text_that_is_changed_anywhere_loads_or_is_diagnosed(at: int, cut: int, put: str) -> None:
    """Whatever stands in a policy, what comes out is an engine, diagnostics, or the word that a bad call gets."""
    changed = SOUND[:at] + put + SOUND[at + cut :]
    try:
        judge = engine(changed)
    except (PolicyError, ValueError):
        return
    for token in (ADMIN, USER, GOOD, None):
        everything_shown(judge.evaluate(token, Context(method="GET")))
    assert not judge.evaluate(OTHER.token(claims(role="admin")))


@given(st.text(max_size=20), st.text(max_size=20))
def test_texts_of_a_policy_never_break_its_verdicts(name: str, because: str) -> None:
    """Names and reasons are the author's; whatever they hold, views are made and claims are asked for."""
    written = [json.dumps(each, ensure_ascii=False) for each in (name, because)]
    line = f"require role == {written[1]} as role because {written[1]}"
    try:
        judge = engine(policy(name="p", rest=f"{SUB}\n  {line}", replay=REUSABLE).replace('"p"', written[0], 1))
    except PolicyError:
        return
    for role in (because, "x", 5):
        verdict = judge.evaluate(ISSUER.token(claims(role=role)))
        assert isinstance(judge, Engine)
        everything_shown(verdict)
        assert "\n\n" not in (verdict.findings[0].requirement or "")
