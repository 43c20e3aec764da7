"""The engine as services use it: what can be taken for trust, what can't, and who judges what."""

from __future__ import annotations

import asyncio
import base64
import itertools
import math
import pickle
from pathlib import Path
from typing import Any

import pytest

from policyjwt import Context, Engine, LoadError, PolicyError, UntrustedTokenError, Verdict
from policyjwt.replay import InspectOnly, MemoryReplayStore
from policyjwt.tokens import KeySet, verify
from tests.issuer import NOW, URL, Issuer, claims, policy

ONE, TWO = Issuer(), Issuer()
REUSABLE = 'replay { reusable because "measured by a test" }'


def store() -> MemoryReplayStore:
    return MemoryReplayStore(1000, single_process=True)


def engine(text: str | None = None, **settings: Any) -> Engine:
    given: dict[str, Any] = {
        "keys": {f"url:{URL}": ONE.keys()},
        "replay": store(),
        "clock": lambda: float(NOW),
    } | settings
    return Engine.from_text(text or policy(), **given)


def codes(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.failing}


# ------------------------------------------------------------------------------------------------ what is no trust


def test_a_forgotten_await_is_no_trust() -> None:
    pending = engine().evaluate_async(ONE.token(claims()))
    with pytest.raises(TypeError, match="await"):
        bool(pending)


def test_nothing_but_a_verdict_has_a_truth_value() -> None:
    judge = engine()
    verdict = judge.evaluate(ONE.token(claims()))
    verified = verify(ONE.token(claims()), ONE.keys(), ["ES256"])
    others = [
        judge.inspect(ONE.token(claims())),
        verdict.public(),
        verdict.findings[0],
        verdict.assurances[0],
        verified,
    ]
    for other in others:
        with pytest.raises(TypeError):
            bool(other)


def test_an_inspection_has_no_trust_and_no_claims() -> None:
    inspection = engine().inspect(ONE.token(claims()))
    assert inspection.would_trust
    assert not hasattr(inspection, "trusted")
    assert not hasattr(inspection, "claims")


def test_inspecting_consumes_nothing() -> None:
    judge, token = engine(), ONE.token(claims())
    for _ in range(3):
        assert judge.inspect(token).would_trust
    assert judge.evaluate(token)
    assert codes(judge.evaluate(token)) == {"replay.seen"}


def test_a_refused_verdict_gives_no_claims() -> None:
    verdict = engine().evaluate(ONE.token(claims(aud="other")))
    for name in ("claims", "unjudged", "subject"):
        with pytest.raises(UntrustedTokenError):
            getattr(verdict, name)


def test_claims_are_those_that_the_policy_provides() -> None:
    verdict = engine(policy(rest="provides sub is string, roles is list")).evaluate(
        ONE.token(claims(roles=["a", {"b": ["c"]}], extra={"x": 1}))
    )
    assert verdict.claims["sub"] == "s"
    assert verdict.subject == ("https://issuer.example", "s")
    with pytest.raises(KeyError, match="does not provide `extra`"):
        verdict.claims["extra"]
    assert verdict.unjudged["extra"]["x"] == 1
    assert "sub" not in verdict.unjudged


def test_claims_are_read_only_at_every_depth() -> None:
    verdict: Any = engine(policy(rest="provides deep is object")).evaluate(ONE.token(claims(deep={"a": [{"b": 1}]})))
    for broken in (
        lambda: verdict.claims.__setitem__("deep", 1),
        lambda: verdict.claims["deep"].__setitem__("a", 1),
        lambda: verdict.claims["deep"]["a"].append(1),
        lambda: verdict.claims["deep"]["a"][0].__setitem__("b", 2),
        lambda: setattr(verdict, "trusted", True),
    ):
        with pytest.raises((AttributeError, TypeError)):
            broken()
    assert verdict.claims["deep"]["a"][0]["b"] == 1


def test_a_verdict_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(engine().evaluate(None))


# ------------------------------------------------------------------------------------ bad calls, bad moments


@pytest.mark.parametrize("token", [b"x", bytearray(b"x"), 1, ["x"], {}, True])
def test_a_token_that_is_no_text_is_a_bad_call(token: Any) -> None:
    with pytest.raises(TypeError):
        engine().evaluate(token)


def test_a_subclass_of_text_is_a_bad_call() -> None:
    class Text(str):
        __slots__ = ()

    with pytest.raises(TypeError):
        engine().evaluate(Text(ONE.token(claims())))


def test_no_token_is_a_verdict() -> None:
    verdict = engine().evaluate(None)
    assert codes(verdict) == {"token.missing"}
    assert verdict.public().status == 401
    assert verdict.public().headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf])
def test_a_clock_that_gives_no_time_refuses(time: float) -> None:
    times = iter([float(NOW), time])
    verdict = engine(clock=lambda: next(times)).evaluate(ONE.token(claims()))
    assert codes(verdict) == {"internal.clock"}


def test_a_clock_that_raises_refuses() -> None:
    times = iter([float(NOW)])
    assert codes(engine(clock=lambda: next(times)).evaluate(ONE.token(claims()))) == {"internal.clock"}


def test_a_defect_anywhere_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    for target, error in (
        ("policyjwt.judging.decode", RuntimeError),
        ("policyjwt.judging._verify", MemoryError),
        ("policyjwt.judging._validate", RecursionError),
        ("policyjwt.selection.Selection.choose", KeyError),
    ):
        judge = engine()
        with monkeypatch.context() as patched:

            def broken(*_: object, error: type[Exception] = error, **__: object) -> None:
                raise error("a secret")

            patched.setattr(target, broken)
            verdict = judge.evaluate(ONE.token(claims()))
        assert codes(verdict) == {"internal.defect"}
        assert not verdict
        assert "a secret" not in f"{verdict}{verdict!r}{verdict.to_dict()}"


def test_a_log_that_fails_changes_no_verdict() -> None:
    heard: list[Verdict] = []

    def log(verdict: Verdict) -> None:
        heard.append(verdict)
        raise RuntimeError

    judge = engine(on_verdict=log)
    verdict = judge.evaluate(ONE.token(claims()))
    assert verdict
    assert heard == [verdict]


def test_now_is_refused_with_a_shared_store(tmp_path: Path) -> None:
    from policyjwt.replay import SqliteReplayStore

    shared = SqliteReplayStore(tmp_path / "replay.db", single_host=True)
    with pytest.raises(ValueError, match="now="):
        engine(replay=shared).evaluate(ONE.token(claims()), now=NOW)
    shared.close()
    assert engine().evaluate(ONE.token(claims()), now=NOW)
    for bad in ("1", True, None.__class__):
        with pytest.raises(TypeError):
            engine().evaluate(ONE.token(claims()), now=bad)  # type: ignore[arg-type]  # the bad call itself


# ------------------------------------------------------------------------------------------------ who judges what

TWO_ISSUERS = (
    policy(
        name="one",
        keys='keys jwks url "https://one.example/jwks"',
        issuer='issuer "https://one.example"',
        replay=REUSABLE,
    )
    + policy(
        name="two",
        keys='keys jwks url "https://two.example/jwks"',
        issuer='issuer "https://two.example"',
        audience='audience "other"',
        replay=REUSABLE,
    ).split("\n", 1)[1]
)
TWO_KEYS = {"url:https://one.example/jwks": ONE.keys(), "url:https://two.example/jwks": TWO.keys()}


def test_an_issuer_is_never_trusted_for_anothers_audience_or_by_anothers_key() -> None:
    judge = engine(TWO_ISSUERS, keys=TWO_KEYS)
    own = {("https://one.example", "api", 0), ("https://two.example", "other", 1)}
    for at, signer in enumerate((ONE, TWO)):
        for iss in ("https://one.example", "https://two.example"):
            for aud in ("api", "other"):
                verdict = judge.evaluate(signer.token(claims(iss=iss, aud=aud)))
                assert bool(verdict) is ((iss, aud, at) in own), (at, iss, aud)


def test_an_engine_answers_for_one_use() -> None:
    text = policy(name="one") + policy(name="two", audience='audience "two"').split("\n", 1)[1].replace(
        'use      "api"', 'use      "hooks"'
    )
    with pytest.raises(ValueError, match="one use"):
        engine(text)
    token = ONE.token(claims(aud="two"))
    assert engine(text, use="hooks").evaluate(token)
    assert codes(engine(text, use="api").evaluate(token)) == {"audience.mismatch"}
    with pytest.raises(ValueError, match="no policy is for the use"):
        engine(text, use="nothing")
    with pytest.raises(ValueError, match="among"):
        engine(text, use="api").evaluate(token, policy="two")


@pytest.mark.parametrize("alg", ["HS256", "HS512", "RS256", "PS384", "ES256", "ES512", "EdDSA", "Ed448"])
def test_every_algorithm_judges_its_own_and_refuses_anothers(alg: str) -> None:
    issuer, other = Issuer(alg), Issuer(alg)
    if alg.startswith("HS"):
        kid_less = Issuer(alg, kid=None)
        kid_less.private, issuer = issuer.private, Issuer(alg, kid=None)
        issuer.private = kid_less.private
        changes = {
            "keys": 'secret env "SECRET" as base64url',
            "revocation": 'revocation { by redeployment because "a test" }',
        }
        given: Any = {"env:SECRET": issuer.private}
    else:
        changes, given = {}, {f"url:{URL}": issuer.keys()}
    judge = engine(policy(algorithms=alg, **changes), keys=given)
    assert judge.evaluate(issuer.token(claims()))
    assert codes(judge.evaluate(other.token(claims()))) == {"signature.invalid"}
    refused = judge.evaluate(issuer.token(claims(), {"alg": "none"}).rsplit(".", 1)[0] + ".")
    assert codes(refused) <= {"header.algorithm_refused"}
    assert not refused


# ------------------------------------------------------------------------------------------------ validate


def test_a_verified_token_is_validated() -> None:
    judge = engine()
    verified = verify(ONE.token(claims()), ONE.keys(), ["ES256"])
    assert judge.validate(verified)
    assert codes(judge.validate(verified)) == {"replay.seen"}


def test_a_key_of_another_issuer_validates_nothing() -> None:
    stranger = Issuer()
    verified = verify(stranger.token(claims()), stranger.keys(), ["ES256"])
    assert codes(engine().validate(verified)) == {"key.not_of_this_issuer"}


def test_an_algorithm_outside_the_policy_validates_nothing() -> None:
    other = Issuer("ES384")
    verified = verify(other.token(claims()), other.keys(), ["ES384"])
    assert codes(engine().validate(verified)) == {"header.algorithm_refused"}


def test_only_a_verified_token_is_validated() -> None:
    for fake in (None, ONE.token(claims()), object()):
        with pytest.raises(TypeError):
            engine().validate(fake)  # type: ignore[arg-type]  # the bad call itself


# ------------------------------------------------------------------------------------------------ replay


def test_awaiting_gives_the_same_verdict() -> None:
    judge, token = engine(), ONE.token(claims())

    async def twice() -> tuple[Verdict, Verdict]:
        return await judge.evaluate_async(token), await judge.evaluate_async(token)

    first, second = asyncio.run(twice())
    assert first
    assert codes(second) == {"replay.seen"}


class Answers:
    """A store that answers as it is told."""

    reach, word = "nodes", None

    def __init__(self, answer: object) -> None:
        self.answer, self.asked = answer, 0

    def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
        self.asked += 1
        assert len(key) == 32
        assert ttl >= 60
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def first(self, key: bytes) -> bytes | None:
        return b"\xff not json"


@pytest.mark.parametrize("answer", [None, 0, 1, "yes", [], RuntimeError("down"), OSError("down")])
def test_only_true_is_a_first_use(answer: object) -> None:
    verdict = engine(replay=Answers(answer)).evaluate(ONE.token(claims()))
    assert codes(verdict) == {"replay.store_unavailable"}
    assert verdict.public().status == 503


def test_a_second_use_is_told_even_where_the_note_is_broken() -> None:
    verdict = engine(replay=Answers(False)).evaluate(ONE.token(claims()))
    assert codes(verdict) == {"replay.seen"}
    assert verdict.public().status == 401


def test_a_refused_token_burns_no_nonce() -> None:
    counting = Answers(True)
    judge = engine(replay=counting)
    judge.evaluate(ONE.token(claims(exp=NOW)))
    judge.evaluate(Issuer().token(claims()))
    assert counting.asked == 0


def test_no_store_inspects_only() -> None:
    judge = engine(replay=InspectOnly())
    assert judge.inspect(ONE.token(claims())).would_trust
    assert codes(judge.evaluate(ONE.token(claims()))) == {"replay.not_configured"}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"replay": None}, "PJ453"),
        ({"replay": MemoryReplayStore(10)}, "PJ454"),
        ({"keys": {}}, "PJ451"),
        ({"keys": {f"url:{URL}": Issuer("RS256").keys()}}, "PJ458"),
    ],
)
def test_what_a_candidate_lacks_is_a_diagnostic_at_its_line(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        engine(**settings)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics if diagnostic.stops_loading] == [code]


def test_a_key_reference_that_nobody_uses_is_a_bad_call() -> None:
    with pytest.raises(ValueError, match="https://typo"):
        engine(keys={f"url:{URL}": ONE.keys(), "url:https://typo": ONE.keys()})


@pytest.mark.parametrize("nothing", [None, "text", {}, 7])
def test_a_resolver_that_gives_nothing_does_not_lead_elsewhere(nothing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault says None for what it does not have: the variable of the same name must not take its place."""
    old, new = Issuer("HS256", None), Issuer("HS256", None)
    monkeypatch.setenv("SECRET", base64.urlsafe_b64encode(old.private).decode())
    text = policy(
        algorithms="HS256",
        keys='secret env "SECRET" as base64url',
        replay=REUSABLE,
        revocation='revocation { by redeployment because "a test" }',
    )
    given: list[Any] = [new.private]
    with engine(text, keys={"env:SECRET": lambda: given[0]}) as judge:
        given[0] = nothing
        judge.reload()
        assert judge.evaluate(new.token(claims()))
        assert not judge.evaluate(old.token(claims()))
        (told,) = judge.status()["keys"]
        assert "gave neither keys nor bytes" in told["last_error"]
    with pytest.raises(PolicyError):
        engine(text, keys={"env:SECRET": lambda: nothing})
    with pytest.raises(TypeError, match="handed in for 'env:SECRET'"):
        engine(text, keys={"env:SECRET": nothing})


def test_an_engine_that_was_not_loaded_can_be_shown() -> None:
    made = object.__new__(Engine)
    assert repr(made) == "<Engine>"


def test_keys_past_their_time_are_not_believed() -> None:
    now = [float(NOW)]
    text = policy(keys=f'keys jwks url "{URL}" {{ stale at most 1h }}', replay=REUSABLE)
    judge = engine(text, clock=lambda: now[0])
    asked = engine(text, clock=lambda: now[0], keys={f"url:{URL}": ONE.keys})
    now[0] += 3600
    fresh = {"iat": NOW + 3600, "nbf": ..., "exp": NOW + 3700}
    assert judge.evaluate(ONE.token(claims(**fresh)))
    now[0] += 1
    assert codes(judge.evaluate(ONE.token(claims(**fresh)))) == {"key.set_stale"}
    judge.reload()
    assert codes(judge.evaluate(ONE.token(claims(**fresh)))) == {"key.set_stale"}, "a KeySet grows no younger"
    asked.reload()
    assert asked.evaluate(ONE.token(claims(**fresh))), "a resolver was asked again"


def test_a_reload_that_fails_leaves_the_engine_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.policy"
    path.write_text(policy(replay=REUSABLE))
    judge = Engine.load(path, keys={f"url:{URL}": ONE.keys()}, clock=lambda: float(NOW))
    path.rename(tmp_path / "gone")
    with pytest.raises(LoadError):
        judge.reload()
    path.write_text(policy(replay=REUSABLE, audience="audience 7"))
    with pytest.raises(PolicyError):
        judge.reload()
    assert judge.evaluate(ONE.token(claims()))


def test_a_reload_takes_new_policies_though_the_keys_can_not_be_had(tmp_path: Path) -> None:
    """During an outage of the issuer a stricter policy must come into force; the keys go on, and grow no younger."""
    now = [float(NOW)]
    given: list[KeySet] = [ONE.keys()]
    path = tmp_path / "a.policy"
    path.write_text(policy(replay=REUSABLE))
    with Engine.load(path, keys={f"url:{URL}": given.pop}, clock=lambda: now[0]) as judge:
        now[0] += 30
        path.write_text(policy(replay=REUSABLE, audience='audience "closed"'))
        judge.reload()
        assert codes(judge.evaluate(ONE.token(claims()))) == {"audience.mismatch"}
        (told,) = judge.status()["keys"]
        assert told["age"] == 30
        assert told["last_error"] == "key.not_found: the resolver that was handed in failed"


def test_context_values_reach_rules() -> None:
    judge = engine(policy(rest="provides sub is string\n  require sub == context.values.user", replay=REUSABLE))
    token = ONE.token(claims())
    assert judge.evaluate(token, Context(values={"user": "s"}))
    assert not judge.evaluate(token, Context(values={"user": "t"}))
    assert not judge.evaluate(token)


def test_only_the_policies_that_were_asked_for_judge(tmp_path: Path) -> None:
    (tmp_path / "policyjwt.toml").touch()
    (tmp_path / "a.policy").write_text(policy(name="a"))
    (tmp_path / "b.policy").write_text(policy(name="b", issuer='issuer "https://other.example"'))
    settings: dict[str, Any] = {"keys": {f"url:{URL}": ONE.keys()}, "replay": store(), "clock": lambda: float(NOW)}
    assert Engine.load(tmp_path / "a.policy", **settings).status()["policies"] == ["a"]
    assert Engine.load(tmp_path, **settings).status()["policies"] == ["a", "b"]


class AsyncStore:
    """An asynchronous store."""

    reach, word = "nodes", None

    def __init__(self) -> None:
        self.seen: dict[bytes, bytes] = {}

    async def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        await asyncio.sleep(0)
        return self.seen.setdefault(key, note) is note

    async def first(self, key: bytes) -> bytes | None:
        return self.seen.get(key)


def test_an_asynchronous_store_is_awaited() -> None:
    judge, token = engine(replay=AsyncStore()), ONE.token(claims())

    async def run() -> tuple[Verdict, Verdict]:
        return await judge.evaluate_async(token), await judge.evaluate_async(token)

    first, second = asyncio.run(run())
    assert first
    assert codes(second) == {"replay.seen"}
    assert "first at" in str(second)


class Exhausted:
    """A store whose answers have run out: StopIteration can't be put into a future."""

    reach, word = "nodes", None

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        return next(iter(()))

    def first(self, key: bytes) -> bytes | None:
        return next(iter(()))


def test_a_store_whose_answers_have_run_out_hangs_nobody() -> None:
    judge = engine(replay=Exhausted())

    async def run() -> Verdict:
        return await asyncio.wait_for(judge.evaluate_async(ONE.token(claims())), 60)

    for verdict in (judge.evaluate(ONE.token(claims())), asyncio.run(run())):
        assert codes(verdict) == {"replay.store_unavailable"}


def test_an_asynchronous_store_that_is_not_awaited_is_no_answer() -> None:
    verdict = engine(replay=AsyncStore()).evaluate(ONE.token(claims()))
    assert [(finding.code, finding.actual) for finding in verdict.failing] == [
        ("replay.store_unavailable", "the replay store is asynchronous: only `evaluate_async` can ask it")
    ]


def test_a_store_that_does_not_say_how_far_it_reaches_is_a_bad_call() -> None:
    with pytest.raises(TypeError, match="reach"):
        engine(replay=object())


def test_the_callers_word_stands_in_the_verdict() -> None:
    assurances = {a.name: a for a in engine().evaluate(ONE.token(claims())).assurances}
    assert "one process alone accepts these tokens" in (assurances["replay-protection"].by or "")


def test_a_judgement_ends_when_the_first_of_its_grounds_does() -> None:
    rest = "provides sub is string\n  require auth_time within 5m"
    judge = engine(policy(rest=rest, freshness="freshness { lifetime at most 1h  age at most 10m  skew at most 30s }"))

    def until(**changes: Any) -> float | None:
        return judge.evaluate(ONE.token(claims(auth_time=NOW - 10) | changes)).good_until

    assert until() == NOW + 60 + 30
    assert until(exp=NOW + 3000) == NOW - 10 + 300 + 30
    assert until(exp=NOW + 3000, auth_time=NOW, iat=NOW - 590) == NOW - 590 + 600 + 30
    assert until(aud="other") is None


# ------------------------------------------------------------------------------------ what nobody may lose


def other_use(text: str, **changes: str) -> str:
    """A second policy for another use, behind the first."""
    second = policy(name="other", issuer='issuer "https://other.example"', **changes)
    return text + second.split("\n", 1)[1].replace('use      "api"', 'use      "hooks"')


def test_a_key_of_an_issuer_trusted_at_another_door_authenticates_nobody() -> None:
    url = "https://other.example/jwks"
    text = other_use(policy(), keys=f'keys jwks url "{url}"')
    for keys, assured in ((ONE.keys(), False), (TWO.keys(), True)):
        judge = engine(text, use="api", keys={f"url:{URL}": ONE.keys(), f"url:{url}": keys})
        found = {a.name: a.assured for a in judge.evaluate(ONE.token(claims())).assurances}
        assert found["issuer-authentication"] is assured


def test_a_secret_of_an_issuer_trusted_at_another_door_does_not_load() -> None:
    by = {"algorithms": "HS256", "revocation": 'revocation { by redeployment because "a test" }'}
    text = other_use(policy(keys='secret env "A" as base64url', **by), keys='secret env "B" as base64url', **by)
    secret = Issuer("HS256").private
    with pytest.raises(PolicyError, match="PJ456"):
        engine(text, use="api", keys={"env:A": secret, "env:B": bytes(secret)})


def test_a_template_and_its_fits_are_one_issuer() -> None:
    text = (
        policy(
            name="all",
            issuer='issuer "https://l.example/{tid}" where tid in ["t1", "t2"]',
            rest="provides sub is string\n  assures issuer-authentication",
        )
        + policy(name="one", issuer='issuer "https://l.example/t1"', audience='audience "web"').split("\n", 1)[1]
    )
    verdict = engine(text).evaluate(ONE.token(claims(iss="https://l.example/t2", tid="t2")))
    assert verdict


def test_no_view_raises_whatever_the_times_are() -> None:
    for times in ({"exp": 1e308, "iat": -1e308}, {"exp": 10**100}, {"iat": -(10**100), "exp": 1e300}):
        verdict = engine().evaluate(ONE.token(claims(**times, nbf=...)))
        assert not verdict
        assert str(verdict)
        assert verdict.to_dict(values=True)
        assert verdict.public().status == 401


class Forgetful(Answers):
    """A store that knows a second use, and can't say when the first was."""

    def __init__(self, note: object) -> None:
        super().__init__(False)
        self.note = note

    def first(self, key: bytes) -> Any:
        if isinstance(self.note, Exception):
            raise self.note
        return self.note


@pytest.mark.parametrize("note", [OSError("down"), b"[" * 100_000, b'{"at": 1}', b"{}", 5, None])
def test_a_second_use_is_a_second_use_whatever_the_report_lacks(note: object) -> None:
    verdict = engine(replay=Forgetful(note)).evaluate(ONE.token(claims()))
    assert codes(verdict) == {"replay.seen"}
    assert verdict.public().status == 401


def test_nobody_is_no_subject() -> None:
    judge = engine(policy(rest="provides sub is string if present"))
    for given in ({"sub": None}, {"sub": ...}):
        verdict = judge.evaluate(ONE.token(claims(**given)))
        with pytest.raises(KeyError, match="does not name it"):
            _ = verdict.subject


@pytest.mark.parametrize("name", ["p{x}", "p{", "{}", "{0.__class__}"])
def test_a_policys_name_is_only_a_name(name: str) -> None:
    verdict = engine(policy().replace('policy "p"', f'policy "{name}"')).evaluate(ONE.token(claims()))
    assert verdict.claims.get("nothing") is None
    with pytest.raises(KeyError, match="does not provide `nothing`"):
        verdict.claims["nothing"]


def test_a_schema_is_judged_as_it_was_checked(tmp_path: Path) -> None:
    (tmp_path / "policyjwt.toml").touch()
    (tmp_path / "a.policy").write_text(policy(rest='provides sub is string\n  schema "s.json"', replay=REUSABLE))
    strict = '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["tenant"]}'
    (tmp_path / "s.json").write_text(strict)
    judge = Engine.load(tmp_path, keys={f"url:{URL}": ONE.keys()}, clock=lambda: float(NOW))
    first = judge.evaluate(ONE.token(claims()))
    assert codes(first) == {"schema.mismatch"}
    (tmp_path / "s.json").write_text(strict.replace("tenant", "sub"))
    assert codes(judge.evaluate(ONE.token(claims()))) == {"schema.mismatch"}
    judge.reload()
    second = judge.evaluate(ONE.token(claims()))
    assert second
    assert first.policy_digest != second.policy_digest


def test_a_refusal_keeps_no_frames() -> None:
    import gc

    judge, forged = engine(), Issuer().token(claims())
    judge.evaluate(forged)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            judge.evaluate(forged)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_key_of_the_source_validates_even_where_the_token_names_none() -> None:
    both = KeySet.from_jwks({"keys": [ONE.jwk(), TWO.jwk() | {"kid": "k2"}]})
    judge = engine(keys={f"url:{URL}": both})
    token = ONE.token(claims(), {"kid": ...})
    assert codes(judge.evaluate(token)) == {"key.ambiguous"}
    assert judge.validate(verify(token, ONE.keys(), ["ES256"]))


def test_an_inspection_tells_until_when() -> None:
    assert engine().inspect(ONE.token(claims())).good_until == NOW + 60


def test_a_pending_verdict_is_awaited_once() -> None:
    pending = engine().evaluate_async(ONE.token(claims()))

    async def twice() -> None:
        assert await pending
        await pending

    with pytest.raises(RuntimeError, match="once"):
        asyncio.run(twice())


def test_a_wrapped_asynchronous_store_is_awaited() -> None:
    inner = AsyncStore()

    class Wrapped(AsyncStore):
        def consume(self, key: bytes, ttl: int, note: bytes) -> Any:
            return inner.consume(key, ttl, note)

    async def once() -> Verdict:
        return await engine(replay=Wrapped()).evaluate_async(ONE.token(claims()))

    assert asyncio.run(once())


def test_a_word_that_says_nothing_widens_nothing() -> None:
    class Silent(Answers):
        reach, word = "process", ""  # type: ignore[assignment]  # the fault itself

    with pytest.raises(TypeError, match="word"):
        engine(replay=Silent(True))


def test_a_time_that_no_clock_shows_is_a_bad_call() -> None:
    with pytest.raises(ValueError, match="clock"):
        engine().evaluate(None, now=10**400)


def test_a_nonce_that_never_ends_is_refused_as_what_it_is() -> None:
    judge = engine(policy(freshness="freshness { age at most 10m  skew at most 0s }"))
    verdict = judge.evaluate(ONE.token(claims(exp=1e300)))
    assert codes(verdict) == {"replay.lifetime_too_long"}
    assert verdict.public().status == 401


def test_a_key_set_for_a_secret_has_the_policys_kid() -> None:
    issuer = Issuer("HS256", kid="k1")
    text = policy(
        algorithms="HS256",
        keys='secret env "A" as base64url kid "k1"\n    secret env "B" as base64url kid "k2"',
        revocation='revocation { by redeployment because "a test" }',
    )
    other = Issuer("HS256").private
    good = {"env:A": KeySet.from_secret(issuer.private, kid="k1"), "env:B": other}
    assert engine(text, keys=good).evaluate(issuer.token(claims()))
    with pytest.raises(PolicyError, match="PJ450"):
        engine(text, keys=good | {"env:A": KeySet.from_secret(issuer.private)})


def test_a_defect_says_where_it_arose(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a secret")

    judge = engine()
    monkeypatch.setattr("policyjwt.selection.Selection.choose", broken)
    (finding,) = judge.evaluate(ONE.token(claims())).findings
    assert finding.help is not None
    assert finding.help.startswith("please report it: tests.test_engine, line ")
    assert "a secret" not in finding.help


def test_reloads_take_turns(tmp_path: Path) -> None:
    import threading

    reading, going_on = threading.Event(), threading.Event()
    path = tmp_path / "a.policy"
    path.write_text(policy(replay=REUSABLE))
    calls = itertools.count(1)

    def resolver() -> KeySet:
        if next(calls) == 2:  # the first reload; the second must wait for it
            reading.set()
            assert going_on.wait(60)
        return ONE.keys()

    judge = Engine.load(path, keys={f"url:{URL}": resolver}, clock=lambda: float(NOW))

    old = threading.Thread(target=judge.reload)
    old.start()
    assert reading.wait(60)
    path.write_text(policy(replay=REUSABLE, audience='audience "closed"'))
    new = threading.Thread(target=judge.reload)
    new.start()
    going_on.set()
    old.join(60)
    new.join(60)
    assert codes(judge.evaluate(ONE.token(claims()))) == {"audience.mismatch"}
