"""What the client is told: the scheme, and what is wrong with its proof, and no more (RFC 9449, sections 7 to 9)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from policyjwt import Context, Engine
from policyjwt.nonces import RollingNonces
from policyjwt.replay import MemoryReplayStore, StoreNotDurable, StoreUnavailable
from policyjwt.request import credentials
from tests.evidence.proofs import bound
from tests.holder import flow
from tests.issuer import NOW, URL, Issuer, claims, policy

SECRET = secrets.token_bytes(32)
ALGS = 'algs="ES256"'
NONCE = "holder dpop { age at most 60s  algorithms ES256, EdDSA  nonce required }"


def answer(verdict: Any) -> tuple[int, str | None]:
    public = verdict.public()
    return public.status, public.headers.get("WWW-Authenticate")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"htm": "GET"}, "invalid_dpop_proof"),
        ({"htu": "https://elsewhere.example/"}, "invalid_dpop_proof"),
        ({"iat": NOW - 61}, "invalid_dpop_proof"),
        ({"ath": "x"}, "invalid_dpop_proof"),
    ],
)
def test_a_proof_that_fails(change: dict[str, Any], error: str) -> None:
    token = flow.token()
    verdict = flow.door().judge(token, flow.request(flow.proof_for(token, **change)))
    assert answer(verdict) == (401, f'DPoP error="{error}", {ALGS}')


def test_no_proof_two_proofs_and_no_token() -> None:
    door, token = flow.door(), flow.token()
    one = flow.proof_for(token)
    assert answer(door.judge(token, flow.request())) == (401, f'DPoP error="invalid_dpop_proof", {ALGS}')
    assert answer(door.judge(token, flow.request(one, one))) == (401, f'DPoP error="invalid_dpop_proof", {ALGS}')
    assert answer(door.judge(None, Context())) == (401, f"DPoP {ALGS}")


def test_a_proof_is_right_and_the_token_is_not() -> None:
    door, expired = flow.door(), flow.token(exp=NOW - 3600, iat=NOW - 4000)
    assert answer(door.judge(expired, flow.request(flow.proof_for(expired)))) == (
        401,
        f'DPoP error="invalid_token", {ALGS}',
    )
    assert answer(door.judge(expired, flow.request())) == (401, f'DPoP error="invalid_token", {ALGS}')
    stranger = Issuer().token(claims(cnf=bound()))
    assert answer(door.judge(stranger, flow.request())) == (401, f'DPoP error="invalid_token", {ALGS}')
    unread = door.judge("x", flow.request())
    assert answer(unread) == (401, f'DPoP error="invalid_token", {ALGS}')


def test_a_bound_token_as_a_bearer_token() -> None:
    token = flow.token()
    verdict = flow.door().judge(token, flow.request(scheme="Bearer"))
    assert answer(verdict) == (401, f'DPoP error="invalid_token", {ALGS}')


def test_a_proof_that_was_used_leaves_the_token_good() -> None:
    door, token = flow.door(), flow.token()
    request = flow.request(flow.proof_for(token))
    assert door.judge(token, request)
    assert answer(door.judge(token, request)) == (401, f'DPoP error="invalid_dpop_proof", {ALGS}')
    once = flow.door(replay="replay { nonce jti }")
    assert once.judge(token, request)
    assert answer(once.judge(token, request)) == (401, f'DPoP error="invalid_token", {ALGS}')


def test_two_tokens_and_a_clock_that_fails() -> None:
    door, clock = flow.door(), flow.Clock()
    two = credentials([("Authorization", "DPoP a.b.c"), ("Authorization", "DPoP a.b.c")])
    assert answer(door.judge(two.token, two.context())) == (401, f'DPoP error="invalid_token", {ALGS}')
    failing = flow.door(clock=clock)
    clock.now = float("nan")
    assert failing.judge("x", Context()).public().status == 503


def test_a_policy_without_a_list_takes_every_signature() -> None:
    verdict = flow.door("holder dpop").judge(None, Context())
    assert answer(verdict)[1] == (
        'DPoP algs="ES256 ES384 ES512 Ed25519 Ed448 EdDSA PS256 PS384 PS512 RS256 RS384 RS512"'
    )


def test_a_rule_on_scope() -> None:
    door, token = flow.door(rules=['require words(scope) contains "pay"']), flow.token(scope="read")
    verdict = door.judge(token, flow.request(flow.proof_for(token)))
    assert answer(verdict) == (403, f'DPoP error="insufficient_scope", {ALGS}')


def test_a_service_that_takes_both_names_both() -> None:
    text = policy() + "\n" + flow.text(type='type "other+jwt"').split("\n", 2)[2].replace('policy "p"', 'policy "q"')
    keys = {f"url:{URL}": flow.ISSUER.keys()}
    engine = Engine.from_text(text, keys=keys, replay=flow.Counting(), clock=flow.Clock())
    assert answer(engine.evaluate(None)) == (401, f"Bearer, DPoP {ALGS}")
    assert answer(engine.evaluate("x")) == (401, f'Bearer error="invalid_token", DPoP {ALGS}')


# --- nonces of the service ----------------------------------------------------------------------------------


def test_a_nonce_and_the_second_try() -> None:
    clock, token = flow.Clock(), flow.token(exp=NOW + 600)
    door = flow.door(NONCE, clock=clock)
    nonces = RollingNonces(SECRET, period=60, clock=clock)

    def tried(**claims: Any) -> Any:
        proofs = [flow.proof_for(token, **claims)]
        return door.judge(token, flow.request(*proofs, nonce=nonces.expected(proofs)))

    first = tried()
    assert answer(first) == (401, 'DPoP error="use_dpop_nonce", algs="ES256 EdDSA"')
    assert door.asked == 0
    given = nonces.issue()
    assert tried(nonce=given, jti="a")
    clock.now = NOW + 60  # the next period
    assert tried(nonce=given, jti="b", iat=clock.now)
    clock.now = NOW + 120
    late = tried(nonce=given, jti="c", iat=clock.now)
    assert answer(late) == (401, 'DPoP error="use_dpop_nonce", algs="ES256 EdDSA"')


@pytest.mark.parametrize("proofs", [[], ["x"], ["a.b.c"], ["", ""], ["x" * 100_000]])
def test_what_is_no_proof_expects_a_nonce_that_nobody_has(proofs: list[str]) -> None:
    nonces = RollingNonces(SECRET)
    found = nonces.expected(proofs)
    assert nonces.accepts(found)
    assert nonces.expected(proofs) != found


def test_a_nonce_is_expected_for_its_binding_alone() -> None:
    nonces, token = RollingNonces(SECRET), flow.token()
    mine = nonces.issue("me")
    proofs = [flow.proof_for(token, nonce=mine)]
    assert nonces.expected(proofs, "me") == mine
    assert nonces.expected(proofs, "you") != mine
    assert nonces.expected([*proofs, *proofs], "me") != mine


# --- what a store promises ------------------------------------------------------------------------------------


class Replicated(MemoryReplayStore):
    """A store that knows more of itself, or less."""

    durability: Any = "survives a restart"
    failure: Exception | None = None

    def __init__(self) -> None:
        super().__init__(10, single_process=True, clock=flow.Clock())

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        found = super().consume(key, ttl, note)
        if self.failure is not None:
            raise self.failure
        return found


def judged(store: Any) -> Any:
    token = flow.token()
    return flow.door(store=store).judge(token, flow.request(flow.proof_for(token)))


def by(verdict: Any) -> str:
    (found,) = [each for each in verdict.assurances if each.name == "replay-protection"]
    return str(found.by or found.why_not)


def test_the_verdict_says_how_long_the_store_remembers(tmp_path: Path) -> None:
    from policyjwt.replay import SqliteReplayStore

    word = "one process alone accepts these tokens"
    assert by(judged(Replicated())) == (
        f"the holder's proof, consumed once, in a store that reaches this process; {word}; what it remembers "
        "survives a restart"
    )
    assert by(judged(flow.Counting())).endswith("; what it remembers ends with this process")
    store = SqliteReplayStore(tmp_path / "r.db", single_host=True, clock=flow.Clock())
    assert by(judged(store)).endswith("; what it remembers survives a restart of the process and of the host")


class Pretends:
    """What says that it is a text, as mocks do."""

    __class__ = str  # type: ignore[assignment]  # the lie that is meant


@pytest.mark.parametrize("words", [None, 5, "", "x" * 501, "two\nlines", pytest.param(Pretends(), id="pretends")])
def test_a_store_that_says_nothing_useful(words: Any) -> None:
    store = Replicated()
    store.durability = words
    assert by(judged(store)).endswith("one process alone accepts these tokens")


def test_a_nonce_that_replicas_do_not_know_is_told_apart() -> None:
    store = Replicated()
    store.failure = StoreNotDurable("one replica of two")
    refused = judged(store)
    assert [finding.code for finding in refused.failing] == ["replay.not_durable"]
    assert refused.public().status == 503
    assert refused.public().headers == {"Retry-After": "5"}
    store.failure = StoreUnavailable("gone")
    store.durability = "survives"
    (unknown,) = judged(store).failing
    assert (unknown.code, unknown.actual) == ("replay.store_unavailable", "the replay store did not answer")


def test_our_own_stores_say_why_they_can_not_tell() -> None:
    clock = flow.Clock()
    store = MemoryReplayStore(10, single_process=True, clock=clock)
    door = flow.door(store=store)
    clock.now = float("nan")  # the store's own clock
    token = flow.token()
    (unknown,) = door.judge(token, flow.request(flow.proof_for(token))).failing
    assert unknown.actual == "the replay store can't tell: the clock gives no time"
