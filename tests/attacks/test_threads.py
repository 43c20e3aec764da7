"""Many threads at once: L16 (reloads meanwhile), V08 (nobody gets another's verdict), V13 (bounded caches)."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

from policyjwt import Engine, Verdict
from policyjwt.replay import MemoryReplayStore
from policyjwt.tokens import KeySet, decode
from policyjwt.tokens.limits import MAX_CACHED_HEADERS
from tests.attacks.flow import ISSUER, codes, engine, rules
from tests.issuer import NOW, URL, Issuer, b64, claims

HANG = 120
"""Seconds after which a thread counts as hanging: a hundred times what it takes."""


def test_l16_every_verdict_is_from_one_whole_version(tmp_path: Path) -> None:
    """Two versions: each trusts its own tokens alone, and both lines of a version change together."""
    (tmp_path / "policyjwt.toml").touch()
    versions = {name: rules(f'require tenant == "{name}"', f'require role == "{name}"') for name in ("a", "b")}
    file, fresh = tmp_path / "p.policy", tmp_path / "p.new"

    def put(name: str) -> None:
        fresh.write_text(versions[name])
        os.replace(fresh, file)

    put("a")
    judge = Engine.load(tmp_path, keys={f"url:{URL}": ISSUER.keys()}, clock=lambda: float(NOW))
    tokens = {
        (tenant, role): ISSUER.token(claims(tenant=tenant, role=role, sub=f"{tenant}{role}"))
        for tenant in "ab"
        for role in "ab"
    }
    digests = {}
    for name in "ba":
        put(name)
        judge.reload()
        digests[judge.evaluate(None, policy="p").policy_digest or judge.inspect(tokens["a", "a"]).policy_digest] = name
    assert sorted(digests.values()) == ["a", "b"]
    stop, start = Event(), Barrier(9)

    def evaluate() -> list[tuple[tuple[str, str], Verdict]]:
        start.wait(HANG)
        found = []
        while not stop.is_set():
            found += [(who, judge.evaluate(token)) for who, token in tokens.items()]
        return found

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(evaluate) for _ in range(8)]
        try:
            start.wait(HANG)
            for turn in range(12):
                put("ab"[turn % 2])
                judge.reload()
        finally:
            stop.set()
        verdicts = [each for job in running for each in job.result(HANG)]
    seen = set()
    for (tenant, role), verdict in verdicts:
        version = digests[verdict.policy_digest]
        seen.add(version)
        wrong = (tenant != version) + (role != version)
        assert bool(verdict) is (wrong == 0)
        assert len(codes(verdict)) == wrong
        if verdict:
            assert verdict.claims["sub"] == tenant + role
    assert seen == {"a", "b"}


def test_v08_no_thread_gets_the_verdict_of_another() -> None:
    judge = engine(rules('require role == "admin"', replay="replay { nonce jti }"))
    forger = Issuer()
    kinds: dict[str, tuple[Callable[[int], str], set[str]]] = {
        "good": (lambda n: ISSUER.token(claims(role="admin", sub=str(n))), set()),
        "role": (lambda n: ISSUER.token(claims(role="user", sub=str(n))), {"claim.role"}),
        "expired": (lambda n: ISSUER.token(claims(role="admin", exp=NOW, sub=str(n))), {"freshness.expired"}),
        "forged": (lambda n: forger.token(claims(role="admin", sub=str(n))), {"signature.invalid"}),
        "broken": (lambda n: f"{n}.{n}.{n}", {"token.base64"}),
        "none": (lambda n: ISSUER.token(claims(sub=str(n)), {"alg": "none"}), {"header.algorithm_refused"}),
    }
    jobs = [(kind, n, made(n)) for n in range(10, 90) for kind, (made, _) in kinds.items()]
    start = Barrier(64)

    def work(at: int) -> list[tuple[str, int, Verdict]]:
        start.wait(HANG)
        # Two threads judge each token: of the good ones exactly one may be trusted.
        mine = jobs[at % 32 :: 32]
        return [(kind, n, judge.evaluate(token)) for kind, n, token in (mine if at < 32 else reversed(mine))]

    with ThreadPoolExecutor(64) as pool:
        found = [each for job in [pool.submit(work, at) for at in range(64)] for each in job.result(HANG)]
    assert len(found) == 2 * len(jobs)
    first: dict[int, int] = {}
    for kind, n, verdict in found:
        if kind == "good":
            first[n] = first.get(n, 0) + bool(verdict)
            assert codes(verdict) in (set(), {"replay.seen"})
            if verdict:
                assert verdict.subject == ("https://issuer.example", str(n))
        else:
            assert codes(verdict) == kinds[kind][1]
            assert not verdict
    assert set(first.values()) == {1}


def test_v13_what_is_refused_leaves_nothing_behind() -> None:
    """Caches grow by what was signed with the right key, and not beyond their bound."""
    store = MemoryReplayStore(10_000, single_process=True)
    judge = engine(replay=store)
    known = decode._known_headers  # the one cache that tokens fill
    known.clear()
    forger = Issuer()
    for n in range(400):
        judge.evaluate(forger.token(claims(), {"kid": "k1", "x": n}))
        judge.evaluate(ISSUER.token(claims(), {"kid": f"other{n}"}))
        judge.evaluate(f"{b64(b'{%d}' % n)}.e30.AA")
        judge.evaluate(ISSUER.token(claims(iss=f"https://{n}.example")))
    assert len(known) == 0
    assert len(store) == 0
    for n in range(MAX_CACHED_HEADERS + 50):
        assert judge.evaluate(ISSUER.token(claims(), {"x": n}))
    assert len(known) == MAX_CACHED_HEADERS
    assert len(store) == MAX_CACHED_HEADERS + 50
    known.clear()


def test_l16_a_slow_reload_never_brings_back_what_a_later_one_replaced() -> None:
    """A key is removed and the engine reloaded; a reload that began before must not put the key back."""
    removed, current = ISSUER, Issuer(kid="k2")
    begun, done = Event(), Event()
    answers = [removed.keys(), removed.keys(), current.keys()]

    def resolver() -> KeySet:
        keys = answers.pop(0)
        if len(answers) == 1:  # the first reload has read the old keys, and is slow
            begun.set()
            done.wait(2)  # where reloads wait for each other, the second comes only after this
        return keys

    judge = engine(rules(), keys={f"url:{URL}": resolver})
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(judge.reload)
        assert begun.wait(HANG)
        later = pool.submit(judge.reload)
        later.add_done_callback(lambda _: done.set())
        slow.result(HANG)
        later.result(HANG)
    assert judge.evaluate(current.token(claims()))
    assert not judge.evaluate(removed.token(claims()))
