"""Engines whose keys change while they judge: a real host with HTTPS, resolvers, threads, an event loop."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from policyjwt import Context, Engine, PolicyError, recheck
from policyjwt.errors import KeyRefused
from policyjwt.key_renewal import KeyRenewal
from policyjwt.key_sources import Obtained
from policyjwt.keys import pace
from policyjwt.keys.feed import Message
from policyjwt.replay import MemoryReplayStore
from policyjwt.tokens import DecryptionKeySet, KeySet, verify
from policyjwt.tokens.decryption_key import from_private_key
from tests.encryption.flow import codes, nested, pem, section
from tests.issuer import NOW, STATUS_URI, Issuer, claims, policy, status_list
from tests.keys.https_server import (
    BEGINS,
    ENDS,
    GUARD,
    KeyHost,
    Reply,
    answer,
    host_certificate,
    jwks,
    localhost,
    own_authority,
    sends,
    server_context,
    serving,
    silent,
)
from tests.pki import authority
from tests.shared import ROOT

A, B, C = (Issuer(kid=kid) for kid in "abc")
REUSABLE = 'replay { reusable because "measured by a test" }'
BY_REDEPLOYMENT = 'revocation { by redeployment because "a test" }'
THREADS, EVALUATIONS = 8, 10_000


class Clock:
    """A clock that tests set. `steady` is one that they only let go on."""

    steady: Clock

    def __init__(self) -> None:
        self.now = float(NOW)

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds
        self.steady.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the day, and the one that is never set: what a test does to the one, the other has not noticed."""
    day, steady = Clock(), Clock()
    day.steady = steady
    monkeypatch.setattr("policyjwt.key_renewal.monotonic", steady)
    return day


@pytest.fixture
def host() -> Iterator[KeyHost]:
    with serving(sends(answer(jwks(A))), tls=server_context(localhost())) as found:
        yield found


def text(host: KeyHost, *rest: str, source: str | None = None, stale: str = "1h", **changes: str) -> str:
    source = source or f'jwks url "{host.url}"'
    keys = f'keys {source} {{ stale at most {stale}  ca "ca.pem" }}'
    more = "\n  ".join(["provides sub is string", *rest])
    return policy(**({"keys": keys, "replay": REUSABLE, "rest": more} | changes))


def engine(folder: Path, policy_text: str, **settings: Any) -> Engine:
    (folder / "ca.pem").write_bytes(own_authority().pem)
    given: dict[str, Any] = {"replay": MemoryReplayStore(100, single_process=True), "clock": Clock()}
    return Engine.from_text(policy_text, root=folder, **(given | settings))


def renew(judge: Engine) -> None:
    """What the threads of the engine do when it is time; it ends when that is done."""
    judge._loaded.renewal._feeds.refresh(timeout=GUARD)


def until(done: Callable[[], object]) -> None:
    """Wait for a thread of the engine."""
    end = time.monotonic() + GUARD
    while not done():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def _threads() -> set[threading.Thread]:
    """Those that renew keys, of engines that are still there."""
    gc.collect()
    return {each for each in threading.enumerate() if each.name == "policyjwt-keys"}


def told(judge: Engine) -> dict[str, Any]:
    (entry,) = judge.status()["keys"]
    found: dict[str, Any] = entry
    return found


@contextmanager
def load(work: Callable[[int], None]) -> Iterator[None]:
    """Many threads that do the work until the block ends; what one of them raises, the test raises."""
    over, faults = threading.Event(), list[BaseException]()

    def run(number: int) -> None:
        try:
            while not over.is_set():
                work(number)
        except BaseException as fault:  # noqa: BLE001 - told below
            faults.append(fault)
            over.set()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(GUARD)
    if faults:
        raise faults[0]


# ------------------------------------------------------------------------------------------------ fetched


def test_keys_are_fetched_when_the_policy_is_loaded(host: KeyHost, tmp_path: Path) -> None:
    with engine(tmp_path, text(host)) as judge:
        assert judge.evaluate(A.token(claims()))
        entry = told(judge)
        assert codes(judge.evaluate(B.token(claims()))) == {"key.unknown_kid"}
    assert host.connections == 1
    assert entry == {
        "reference": f"url:{host.url}",
        "root": str(tmp_path),
        "policies": ["p"],
        "keys": 1,
        "loaded_at": NOW,
        "age": 0,
        "stale_at": NOW + 3600,
        "last_error": None,
        "failed_at": None,
        "next_refresh": pytest.approx(NOW + 285, abs=20),
    }


def test_discovery(host: KeyHost, tmp_path: Path) -> None:
    """The document's issuer must be ours; the keys are where it says."""
    issuer = host.issuer
    document = {"issuer": issuer, "jwks_uri": host.url}

    def reply(connection: socket.socket, over: threading.Event) -> None:
        found = jwks(A) if " /keys " in host.asked[-1] else json.dumps(document).encode()
        sends(answer(found))(connection, over)

    host.reply = reply
    discovered = {"source": f'discovery "{issuer}"', "issuer": f'issuer "{issuer}"'}
    with engine(tmp_path, text(host, **discovered)) as judge:
        assert judge.evaluate(A.token(claims(iss=issuer)))
        assert told(judge)["reference"] == f"discovery:{issuer}"
    document["issuer"] = "https://evil.example"
    with pytest.raises(PolicyError) as caught:
        engine(tmp_path, text(host, **discovered))
    assert [each.code for each in caught.value.diagnostics if each.stops_loading] == ["PJ451"]


def test_what_can_not_be_fetched_is_a_diagnostic_at_its_line(host: KeyHost, tmp_path: Path) -> None:
    before = _threads()
    (tmp_path / "ca.pem").write_bytes(own_authority().pem)
    bare = policy(keys=f'keys jwks url "{host.url}"', replay=REUSABLE)
    for policy_text in (bare, text(host, source='jwks url "https://localhost:1/keys"')):
        with pytest.raises(PolicyError) as caught:
            Engine.from_text(policy_text, root=tmp_path)
        (fault,) = [each for each in caught.value.diagnostics if each.stops_loading]
        assert (fault.code, fault.span.line) == ("PJ451", 12)
        assert "could not be fetched: " in fault.message
        assert "Engine.load(keys=" in (fault.help or "")
    assert _threads() == before, "nothing goes on"


def test_keys_rotate_under_load(host: KeyHost, tmp_path: Path) -> None:
    """A; A and B; B: no good token is refused, and none of A is trusted once the set without it has come."""
    tokens = {issuer: issuer.token(claims()) for issuer in (A, B)}
    good: tuple[Issuer, ...] = (A,)
    withdrawn: tuple[Issuer, ...] = ()
    counts, lock = {"trusted": 0, "refused": 0}, threading.Lock()
    with engine(tmp_path, text(host)) as judge:

        def work(number: int) -> None:
            sound, gone = good, withdrawn  # what was true before the evaluation began
            trusted = refused = 0
            for issuer in sound:
                verdict = judge.evaluate(tokens[issuer])
                assert verdict.trusted or issuer not in good, str(verdict)
                trusted += verdict.trusted
            for issuer in gone:
                assert codes(judge.evaluate(tokens[issuer])) == {"key.unknown_kid"}
                refused += 1
            with lock:
                counts["trusted"] += trusted
                counts["refused"] += refused

        with load(work):
            until(lambda: counts["trusted"] > EVALUATIONS * 0.3)
            host.publish(A, B)
            renew(judge)
            good = (A, B)
            until(lambda: counts["trusted"] > EVALUATIONS * 0.6)
            good = (B,)  # the issuer signs with B alone, and withdraws A
            host.publish(B)
            renew(judge)
            withdrawn = (A,)
            until(lambda: counts["trusted"] + counts["refused"] > EVALUATIONS and counts["refused"] > 1000)
    assert host.connections == 3


def test_the_host_is_gone_and_service_goes_on_until_the_keys_are_stale(host: KeyHost, tmp_path: Path) -> None:
    clock = Clock()
    with engine(tmp_path, text(host), clock=clock) as judge:
        host.reply = sends(answer(status="503 Service Unavailable"))
        clock.now += 3600
        renew(judge)
        fresh = {"iat": clock.now, "nbf": clock.now, "exp": clock.now + 60}
        assert judge.evaluate(A.token(claims(**fresh)))
        assert "503" in told(judge)["last_error"]
        assert told(judge)["age"] == 3600
        clock.now += 1
        verdict = judge.evaluate(A.token(claims(**fresh)))
        assert codes(verdict) == {"key.set_stale"}
        assert verdict.public().status == 503
        (finding,) = verdict.failing
        assert (finding.actual, finding.expected) == ("the keys are 1h 1s old", "keys of at most 1h")
        host.publish(A)
        renew(judge)
        assert judge.evaluate(A.token(claims(**fresh)))
        assert told(judge)["last_error"] is None
        assert told(judge)["age"] == 0


def test_a_key_that_is_not_known_is_asked_for_and_answered_later(
    host: KeyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "COOL_DOWN", 0.0)
    with engine(tmp_path, text(host)) as judge:
        host.publish(A, B)
        assert codes(judge.evaluate(B.token(claims()))) == {"key.unknown_kid"}, "it waits for nothing"
        until(lambda: judge.evaluate(B.token(claims())))
        # A token that another library verified, by a key that it knew sooner.
        verified = verify(C.token(claims()), C.keys(), ["ES256"])
        host.publish(A, B, C)
        assert codes(judge.validate(verified)) == {"key.not_of_this_issuer"}
        until(lambda: judge.validate(verified))


def test_unknown_kids_cause_at_most_one_fetch_in_a_cool_down(host: KeyHost, tmp_path: Path) -> None:
    """10,000 forged tokens, each with a kid of its own, over three cool-downs of a clock that the test turns."""
    passed = [0.0]
    with engine(tmp_path, text(host)) as judge:
        (feed,) = judge._loaded.renewal._feeds._feeds.values()
        began = feed.timer()
        feed.timer = lambda: began + passed[0]
        for turn in range(3):
            for number in range(EVALUATIONS // 3 + 1):
                assert codes(judge.evaluate(_renamed(turn * EVALUATIONS + number))) == {"key.unknown_kid"}
            passed[0] += pace.COOL_DOWN - 1
            feed.wake.put(Message())
            assert host.connections == 1 + turn, "not within the cool-down"
            passed[0] += 1
            feed.wake.put(Message())
            until(lambda: feed.status().fetches == 2 + turn)  # noqa: B023 - asked at once
            assert host.connections == 2 + turn


def _renamed(number: int) -> str:
    """A token that nobody signed, with another kid."""
    from tests.issuer import b64

    head = b64(json.dumps({"alg": "ES256", "typ": "JWT", "kid": f"x{number}"}).encode())
    return f"{head}.{b64(json.dumps(claims()).encode())}.{b64(bytes(64))}"


def test_an_event_loop_is_never_blocked_by_a_refresh(
    host: KeyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host hangs; the loop goes on, and no call of its thread opens a socket."""
    monkeypatch.setattr(pace, "COOL_DOWN", 0.0)
    opened: list[int] = []
    connect = socket.socket.connect

    def noting(self: socket.socket, *rest: Any) -> Any:
        opened.append(threading.get_ident())
        return connect(self, *rest)

    with engine(tmp_path, text(host)) as judge:
        host.reply = silent
        monkeypatch.setattr(socket.socket, "connect", noting)
        loop_thread: list[int] = []

        async def serve() -> None:
            loop_thread.append(threading.get_ident())
            unknown = judge.evaluate_async(B.token(claims()))
            assert codes(await unknown) == {"key.unknown_kid"}
            while not opened:  # until the refresh is under way
                await asyncio.sleep(0.01)
            for _ in range(200):
                assert await judge.evaluate_async(A.token(claims()))
                assert codes(await judge.evaluate_async(B.token(claims()))) == {"key.unknown_kid"}

        asyncio.run(asyncio.wait_for(serve(), GUARD))
        assert opened
        assert loop_thread[0] not in opened
        host.over.set()


# ------------------------------------------------------------------------------------------------ what is not taken


def test_a_set_that_can_not_be_used_leaves_the_old_one(host: KeyHost, tmp_path: Path) -> None:
    decrypts = ec.generate_private_key(ec.SECP256R1())
    leaks = Issuer(kid="z")
    leaks.private = decrypts
    with engine(
        tmp_path,
        text(host, section(alg="ECDH-ES")),
        keys={"env:DECRYPTS": pem(decrypts)},
    ) as judge:
        (of_signer,) = [e for e in judge.status()["keys"] if e["reference"].startswith("url:")]
        assert of_signer["last_error"] is None
        cases = {
            "also verifies": jwks(A, leaks),
            "no key of this policy fits": jwks(Issuer("RS256")),
            "two keys with one `kid`": jwks(A, Issuer(kid="a")),
        }
        for why, published in cases.items():
            host.reply = sends(answer(published))
            renew(judge)
            (entry,) = [e for e in judge.status()["keys"] if e["reference"].startswith("url:")]
            assert why in entry["last_error"]
            still = codes(judge.evaluate(nested(A, decrypts, alg="ECDH-ES")))
            assert still == ({"key.withdrawn"} if "fits" in why else set()), "the old set stays, as far as it is listed"
            assert codes(judge.evaluate(nested(leaks, decrypts, alg="ECDH-ES"))) == {"key.unknown_kid"}


def test_a_renewed_key_of_another_issuer_takes_issuer_authentication_away(host: KeyHost, tmp_path: Path) -> None:
    other = policy(
        name="other",
        issuer='issuer "https://other.example"',
        keys='keys jwks url "https://other.example/jwks"',
        replay=REUSABLE,
    ).removeprefix("policyjwt 1\n")
    given = {"url:https://other.example/jwks": KeySet.from_jwks({"keys": [B.jwk()]})}

    def assured(judge: Engine) -> bool:
        verdict = judge.evaluate(A.token(claims()))
        assert verdict
        return next(each.assured for each in verdict.assurances if each.name == "issuer-authentication")

    with engine(tmp_path, text(host) + other, keys=given) as judge:
        assert assured(judge)
        host.publish(A, B)
        renew(judge)
        assert not assured(judge)
        host.publish(A)
        renew(judge)
        assert assured(judge)
    with engine(tmp_path, text(host, "assures issuer-authentication") + other, keys=given) as judge:
        host.publish(A, B)
        renew(judge)
        entries = {entry["reference"]: entry for entry in judge.status()["keys"]}
        assert "issuer-authentication can't be assured" in entries[f"url:{host.url}"]["last_error"]
        assert assured(judge)


# ------------------------------------------------------------------------------------------------ resolvers


def test_secrets_rotate_side_by_side_under_load(tmp_path: Path) -> None:
    """Old and new by kid, each from a resolver, as a vault gives them."""
    old, new, newest = (Issuer("HS256", kid) for kid in ("old", "new", "new"))
    vault = {"old": old.private, "new": new.private}
    lines = ('secret env "OLD" as base64url kid "old"', 'secret env "NEW" as base64url kid "new"')
    policy_text = policy(
        algorithms="HS256",
        keys="\n    ".join(lines),
        replay=REUSABLE,
        revocation='revocation { by redeployment because "a test" }',
    )
    keys = {"env:OLD": lambda: vault["old"], "env:NEW": lambda: vault["new"]}
    tokens = {each: each.token(claims()) for each in (old, new, newest)}
    good: tuple[Issuer, ...] = (old, new)
    gone: tuple[Issuer, ...] = ()
    done = [0]
    with engine(tmp_path, policy_text, keys=keys) as judge:

        def work(number: int) -> None:
            sound, withdrawn = good, gone
            for each in sound:
                verdict = judge.evaluate(tokens[each])
                assert verdict.trusted or each not in good, str(verdict)
            for each in withdrawn:
                assert codes(judge.evaluate(tokens[each])) == {"signature.invalid"}
            done[0] += 1

        with load(work):
            until(lambda: done[0] > 300)
            good = (old,)
            vault["new"] = newest.private
            renew(judge)
            good, gone = (old, newest), (new,)
            until(lambda: done[0] > 900)
        told_of = {entry["reference"]: entry["keys"] for entry in judge.status()["keys"]}
    assert told_of == {"env:OLD": 1, "env:NEW": 1}


def test_keys_that_decrypt_rotate_side_by_side_under_load(host: KeyHost, tmp_path: Path) -> None:
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    vault = {"one": pem(first), "two": pem(second)}
    lines = ('key env "ONE" as pem kid "1"', 'key env "TWO" as pem kid "2"')
    keys = {"env:ONE": lambda: vault["one"], "env:TWO": lambda: vault["two"]}
    third = ec.generate_private_key(ec.SECP256R1())
    tokens = {
        key: nested(A, key, alg="ECDH-ES", header={"kid": kid})
        for key, kid in ((first, "1"), (second, "2"), (third, "1"))
    }
    good: tuple[Any, ...] = (first, second)
    gone: tuple[Any, ...] = ()
    done = [0]
    with engine(tmp_path, text(host, section(*lines, alg="ECDH-ES")), keys=keys) as judge:

        def work(number: int) -> None:
            sound, withdrawn = good, gone
            for each in sound:
                verdict = judge.evaluate(tokens[each])
                assert verdict.trusted or each not in good, str(verdict)
            for each in withdrawn:
                assert codes(judge.evaluate(tokens[each])) == {"decryption.failed"}
            done[0] += 1

        with load(work):
            until(lambda: done[0] > 200)
            good = (second,)
            vault["one"] = pem(third)
            renew(judge)
            good, gone = (second, third), (first,)
            until(lambda: done[0] > 600)


def test_the_keys_of_status_lists_are_renewed(host: KeyHost, tmp_path: Path) -> None:
    status = (
        f'status {{ list from caller  keys jwks url "{host.url}" {{ ca "ca.pem"  stale at most 1h }}  '
        f'uri "{STATUS_URI}"  age at most 1h }}'
    )
    policy_text = policy(
        keys='keys jwks url "https://issuer.example/jwks"', replay=REUSABLE, rest=f"provides sub is string\n  {status}"
    )
    clock = Clock()
    given = {"url:https://issuer.example/jwks": C.keys()}
    token = C.token(claims(status={"status_list": {"idx": 0, "uri": STATUS_URI}}))

    def outcome(by: Issuer) -> set[str]:
        return codes(judge.evaluate(token, Context(status_lists=(status_list(by, [0]),))))

    with engine(tmp_path, policy_text, keys=given, clock=clock) as judge:
        assert outcome(A) == set()
        assert outcome(B) == {"status.list_invalid"}
        host.publish(B)
        renew(judge)
        assert outcome(B) == set()
        assert outcome(A) == {"status.list_invalid"}, "a list that was verified by a key that is gone counts no more"


# ------------------------------------------------------------------------------------------------ reload, close


def test_a_reload_during_an_outage_keeps_the_keys_and_their_age(host: KeyHost, tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "p.policy"
    file.write_text(text(host))
    (tmp_path / "ca.pem").write_bytes(own_authority().pem)
    with Engine.load(file, replay=MemoryReplayStore(10, single_process=True), clock=clock) as judge:
        host.reply = sends(answer(status="500 Oops"))
        clock.now += 10
        file.write_text(text(host, 'require sub == "t" as only-t'))
        judge.reload()
        assert codes(judge.evaluate(A.token(claims()))) == {"claim.only-t"}
        assert told(judge)["age"] == 10
        assert "500" in told(judge)["last_error"]
        # What another authority vouched for is not what this one would have vouched for.
        (tmp_path / "ca.pem").write_bytes(host_certificate("x").pem + own_authority().pem)
        with pytest.raises(PolicyError):
            judge.reload()
        assert codes(judge.evaluate(A.token(claims()))) == {"claim.only-t"}


def test_a_reload_that_fails_tells_why_whatever_its_news_do(
    host: KeyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.policy"
    file.write_text(text(host))
    (tmp_path / "ca.pem").write_bytes(own_authority().pem)

    def fails(*_: object) -> None:
        raise ValueError("a defect")

    with Engine.load(file, replay=MemoryReplayStore(10, single_process=True), clock=Clock()) as judge:
        file.write_text(text(host, section('key env "NOBODY_HAS_THIS" as pem')))
        with monkeypatch.context() as patched:
            patched.setattr("policyjwt.in_force.InForce.renewed", fails)
            with pytest.raises(PolicyError):
                judge.reload()
        assert judge.evaluate(A.token(claims()))


def test_threads_end_with_the_engine(host: KeyHost, tmp_path: Path) -> None:
    before = _threads()
    judge = engine(tmp_path, text(host))
    assert len(_threads() - before) == 1
    judge.close()
    until(lambda: not _threads() - before)
    assert judge.evaluate(A.token(claims())), "closed: it judges by what it has, until that is stale"
    dropped = engine(tmp_path, text(host))
    seen = weakref.ref(dropped)
    del dropped
    gc.collect()
    assert seen() is None
    until(lambda: not _threads() - before)


def test_a_reload_leaves_one_thread_for_each_source(host: KeyHost, tmp_path: Path) -> None:
    before = _threads()
    with engine(tmp_path, text(host)) as judge:
        for _ in range(3):
            judge.reload()
        until(lambda: len(_threads() - before) == 1)
        host.publish(B)
        renew(judge)
        assert judge.evaluate(B.token(claims()))


def test_a_reload_whose_threads_do_not_start_leaves_the_engine_as_it_was(
    host: KeyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.policy"
    file.write_text(text(host))
    (tmp_path / "ca.pem").write_bytes(own_authority().pem)
    with Engine.load(file, replay=MemoryReplayStore(10, single_process=True), clock=Clock()) as judge:
        file.write_text(text(host, 'require sub == "t" as only-t'))

        def no_thread(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            with pytest.raises(KeyRefused, match="no thread left"):
                judge.reload()
        assert judge.evaluate(A.token(claims()))
        running = _threads()
        host.publish(B)

        def fails(renewal: KeyRenewal) -> None:
            started(renewal)
            raise KeyRefused("key.fetch_failed", "no thread left for the second source")

        with monkeypatch.context() as patched:
            started = KeyRenewal.start
            patched.setattr(KeyRenewal, "start", fails)
            with pytest.raises(KeyRefused, match="the second source"):
                judge.reload()
        assert codes(judge.evaluate(A.token(claims()))) == {"key.unknown_kid"}, "withdrawn: that was heard"
        until(lambda: _threads() == running)
        host.publish(C)
        renew(judge)
        assert judge.evaluate(C.token(claims())), "the keys in force are still renewed"
        host.publish(B)
        judge.reload()
        assert codes(judge.evaluate(B.token(claims()))) == {"claim.only-t"}


def test_keys_that_were_handed_in_are_fetched_from_nowhere(host: KeyHost, tmp_path: Path) -> None:
    with engine(tmp_path, text(host), keys={f"url:{host.url}": B.keys()}) as judge:
        assert judge.evaluate(B.token(claims()))
        assert told(judge)["next_refresh"] is None
    assert host.connections == 0


def test_a_fork_in_the_middle_of_a_reload(tmp_path: Path) -> None:
    """The child has the lock that its parent's thread held, and nobody who would release it."""
    script = f"""
import os, threading
from policyjwt import Engine
from policyjwt.tokens import KeySet
from tests.issuer import NOW, Issuer, claims, policy
A, B = Issuer(), Issuer()
keys = [A.keys(), B.keys()]
judge = Engine.from_text(policy(replay={REUSABLE!r}), keys={{"url:https://issuer.example/jwks": lambda: keys[0]}},
                         clock=lambda: float(NOW))
with judge._reloading:
    child = os.fork()
    if not child:
        keys.pop(0)
        judge.reload()
        judge._loaded.renewal._feeds.refresh(timeout=20)
        os._exit(0 if judge.evaluate(B.token(claims())).trusted else 3)
assert os.waitpid(child, 0)[1] == 0
assert judge.evaluate(A.token(claims()))
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120, check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()


# ------------------------------------------------------------------------------------------------ clocks


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), "raises"])
@pytest.mark.parametrize("when", range(1, 6))
def test_a_clock_that_fails_while_keys_come_makes_them_no_younger(
    host: KeyHost, tmp_path: Path, broken: float | str, when: int
) -> None:
    """Whichever call it is: nothing is loaded, or the age of the keys is known."""
    calls: list[float] = []
    clock = Clock()

    def unsound() -> float:
        calls.append(clock.now)
        if len(calls) != when:
            return clock.now
        if isinstance(broken, str):
            raise OSError(broken)
        return broken

    try:
        judge = engine(tmp_path, text(host), clock=unsound)
    except (PolicyError, ValueError):
        return
    with judge:
        calls += [0.0] * when  # it fails no more
        assert told(judge)["loaded_at"] == NOW
        host.reply = sends(answer(status="503 Service Unavailable"))
        clock.now += 3601
        assert codes(judge.evaluate(A.token(claims(exp=NOW + 9999)))) >= {"key.set_stale"}


def test_keys_that_came_while_the_clock_was_ahead_are_not_believed(host: KeyHost, tmp_path: Path) -> None:
    """How old they are, nobody knows; they are asked for anew, and then all is well."""
    clock = Clock()
    clock.now += 365 * 86_400
    with engine(tmp_path, text(host), clock=clock) as judge:
        clock.now = float(NOW)
        verdict = judge.evaluate(A.token(claims()))
        assert codes(verdict) == {"key.set_stale"}
        assert recheck(json.loads(json.dumps(verdict.record()))).same
        verdict = judge.evaluate(A.token(claims()), now=NOW)
        assert verdict, "a tool that says another time means it"
        assert recheck(json.loads(json.dumps(verdict.record()))).same
        renew(judge)
        assert judge.evaluate(A.token(claims()))


def test_a_clock_that_is_set_back_a_little_is_no_matter(host: KeyHost, tmp_path: Path) -> None:
    clock = Clock()
    with engine(tmp_path, text(host), clock=clock) as judge:
        clock.now -= 600
        token = A.token(claims(iat=NOW - 900, nbf=...))
        assert judge.evaluate(token)
        clock.now -= 1
        verdict = judge.evaluate(token)
        assert codes(verdict) == {"key.set_stale"}
        (finding,) = verdict.failing
        assert finding.actual == "the keys came at a time that the clock does not show yet"


def test_the_clock_counts_for_the_keys_of_status_lists_too(host: KeyHost, tmp_path: Path) -> None:
    source = f'keys jwks url "{host.url}" {{ ca "ca.pem"  stale at most 1h }}'
    status = f'status {{ list from caller  {source}  uri "{STATUS_URI}"  age at most 1h }}'
    rest = f"provides sub is string\n  {status}"
    policy_text = policy(keys='keys jwks file "c.json"', replay=REUSABLE, rest=rest, revocation=BY_REDEPLOYMENT)
    (tmp_path / "c.json").write_bytes(jwks(C))
    token = C.token(claims(status={"status_list": {"idx": 0, "uri": STATUS_URI}}))
    listed = Context(status_lists=(status_list(A, [0]),))
    clock = Clock()
    clock.now += 365 * 86_400
    with engine(tmp_path, policy_text, clock=clock) as judge:
        clock.now = float(NOW)
        assert codes(judge.evaluate(token, listed)) == {"key.set_stale"}
        renew(judge)
        assert judge.evaluate(token, listed)


def test_keys_that_are_stale_are_asked_for(host: KeyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a suspend the clock of the day has gone on, and that of the pauses has not."""
    monkeypatch.setattr(pace, "COOL_DOWN", 0.0)
    clock = Clock()
    with engine(tmp_path, text(host), clock=clock) as judge:
        clock.now += 7200
        fresh = {"iat": clock.now, "nbf": clock.now, "exp": clock.now + 60}
        assert codes(judge.evaluate(A.token(claims(**fresh)))) == {"key.set_stale"}
        until(lambda: judge.evaluate(A.token(claims(**fresh))))


# ------------------------------------------------------------------------------------------------ withdrawn


WEAK = {"kty": "RSA", "n": "0Q" * 43, "e": "AQAB", "kid": "weak"}


def withdrawals() -> dict[str, bytes]:
    foreign = {**B.jwk(), "use": "enc"}
    return {
        "nothing is left": json.dumps({"keys": []}).encode(),
        "only a key for encryption": json.dumps({"keys": [foreign]}).encode(),
        "it is for encryption from now on": json.dumps({"keys": [{**A.jwk(), "use": "enc"}]}).encode(),
        "it may sign no more": json.dumps({"keys": [{**A.jwk(), "key_ops": ["deriveKey"]}]}).encode(),
        "a new key beside a weak one": json.dumps({"keys": [B.jwk(), WEAK]}).encode(),
        "a new key beside a private one": json.dumps({"keys": [B.jwk(), {**C.jwk(), "d": "AA"}]}).encode(),
    }


@pytest.mark.parametrize("how", withdrawals())
def test_a_key_is_withdrawn_also_by_a_set_that_can_not_be_used(host: KeyHost, tmp_path: Path, how: str) -> None:
    """An issuer whose only key was stolen empties its set: that is heard, whatever else is wrong with it."""
    with engine(tmp_path, text(host)) as judge:
        host.reply = sends(answer(withdrawals()[how]))
        renew(judge)
        verdict = judge.evaluate(A.token(claims()))
        assert codes(verdict) == {"key.withdrawn"}
        assert codes(judge.validate(verify(A.token(claims()), A.keys(), ["ES256"]))) == {"key.withdrawn"}
        assert told(judge)["last_error"] is not None
        record = json.loads(json.dumps(verdict.record()))
        assert recheck(record).same
        judge.reload()
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}, "a reload forgets nothing"
        host.publish(A)
        renew(judge)
        assert judge.evaluate(A.token(claims())), "the issuer's word again"


def test_of_a_set_that_can_not_be_used_the_keys_that_it_lists_go_on(host: KeyHost, tmp_path: Path) -> None:
    host.publish(A, B)
    with engine(tmp_path, text(host)) as judge:
        host.reply = sends(answer(json.dumps({"keys": [B.jwk(), WEAK]}).encode()))
        judge.reload()
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}
        assert judge.evaluate(B.token(claims()))
        host.reply = sends(answer(b"no JSON at all"))
        renew(judge)
        assert judge.evaluate(B.token(claims())), "what is no key set says nothing of keys"


def test_a_key_that_was_replaced_under_its_name_is_withdrawn(host: KeyHost, tmp_path: Path) -> None:
    """The name stays, the key is another: the old one is not the issuer's any more."""
    with engine(tmp_path, text(host)) as judge:
        successor = Issuer(kid="a")
        host.reply = sends(answer(json.dumps({"keys": [successor.jwk(), WEAK]}).encode()))
        renew(judge)
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}
        host.publish(A)
        renew(judge)
        assert judge.evaluate(A.token(claims()))
        nameless = {name: value for name, value in A.jwk().items() if name != "x"}
        host.reply = sends(answer(json.dumps({"keys": [nameless]}).encode()))
        renew(judge)
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}, "a name is no key"


def test_a_policy_that_can_not_use_a_set_keeps_no_other_from_it(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    """One source, two policies: the issuer has only ES256 keys left, and the stolen one is gone."""
    rsa = Issuer("RS256", "r")
    host.publish(A, rsa)
    second = text(host, name="q", algorithms="RS256", audience='audience "other"').removeprefix("policyjwt 1\n")
    with engine(tmp_path, text(host) + second, clock=clock) as judge:
        of_q = rsa.token(claims(aud="other"))
        assert judge.evaluate(A.token(claims()))
        assert judge.evaluate(of_q)
        host.publish(B)
        clock.pass_by(10)
        renew(judge)
        assert "no key of this policy fits `RS256`" in told(judge)["last_error"]
        assert judge.evaluate(B.token(claims())), "who can use the set does"
        assert codes(judge.evaluate(A.token(claims()))) == {"key.unknown_kid"}
        assert codes(judge.evaluate(of_q)) == {"key.withdrawn"}
        entry = told(judge)
        assert entry["policies"] == ["p", "q"]
        assert (entry["keys"], entry["loaded_at"], entry["age"]) == (0, NOW, 10), "of the policy that is worst off"
        host.reply = sends(answer(status="500 Oops"))
        with pytest.raises(PolicyError) as caught:
            judge.reload()
        assert [each.code for each in caught.value.diagnostics if each.stops_loading] == ["PJ458"]
        assert judge.evaluate(B.token(claims()))


def test_a_set_that_the_policies_refuse_withdraws_too(host: KeyHost, tmp_path: Path) -> None:
    """One of its keys decrypts here; A is not among them any more."""
    decrypts = ec.generate_private_key(ec.SECP256R1())
    leaks = Issuer(kid="z")
    leaks.private = decrypts
    host.publish(A, B)
    with engine(tmp_path, text(host, section(alg="ECDH-ES")), keys={"env:DECRYPTS": pem(decrypts)}) as judge:
        host.publish(B, leaks)
        renew(judge)
        assert codes(judge.evaluate(nested(A, decrypts, alg="ECDH-ES"))) == {"key.withdrawn"}
        assert judge.evaluate(nested(B, decrypts, alg="ECDH-ES"))
        assert codes(judge.evaluate(nested(leaks, decrypts, alg="ECDH-ES"))) == {"key.unknown_kid"}


def test_a_reload_that_fails_hears_the_issuer_all_the_same(host: KeyHost, tmp_path: Path) -> None:
    for published, code in ((json.dumps({"keys": []}).encode(), "key.withdrawn"), (jwks(B), "key.unknown_kid")):
        file = tmp_path / "p.policy"
        file.write_text(text(host))
        (tmp_path / "ca.pem").write_bytes(own_authority().pem)
        host.publish(A)
        with Engine.load(file, replay=MemoryReplayStore(10, single_process=True), clock=Clock()) as judge:
            host.reply = sends(answer(published))
            # A store that is missing is found only after the keys have come.
            file.write_text(text(host, section('key env "NOBODY_HAS_THIS" as pem')))
            with pytest.raises(PolicyError):
                judge.reload()
            assert codes(judge.evaluate(A.token(claims()))) == {code}
            assert bool(judge.evaluate(B.token(claims()))) is (code == "key.unknown_kid"), "what is new, too"


@pytest.mark.parametrize(
    "fault",
    [
        {"kid": 1},
        {"alg": "ES384"},
        {"alg": None},
        {"key_ops": ["verify", "verify"]},
        {"use": None},
        {"x": "padded"},
        {"y": "AA", "kid": "a"},
    ],
)
def test_a_key_whose_entry_is_not_in_order_is_still_the_issuers(
    host: KeyHost, tmp_path: Path, fault: dict[str, Any]
) -> None:
    """A fault in a set is bridged until `stale at most`, as before; only what is not named is withdrawn."""
    told_again = A.jwk()
    if fault.get("x") == "padded":
        fault = {"x": told_again["x"] + "="}
    with engine(tmp_path, text(host)) as judge:
        host.reply = sends(answer(json.dumps({"keys": [told_again | fault]}).encode()))
        renew(judge)
        assert told(judge)["last_error"] is not None
        assert judge.evaluate(A.token(claims()))
        private = told_again | {"d": "AA"}
        host.reply = sends(answer(json.dumps({"keys": [private]}).encode()))
        renew(judge)
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}, "shown to everybody"
        assert told(judge)["keys"] == 0
        host.reply = sends(answer(json.dumps({"keys": [told_again, WEAK]}).encode()))
        renew(judge)
        assert judge.evaluate(A.token(claims())), "listed again, beside a weak one"


def test_the_keys_of_a_status_list_are_withdrawn(host: KeyHost, tmp_path: Path) -> None:
    source = f'keys jwks url "{host.url}" {{ ca "ca.pem" }}'
    status = f'status {{ list from caller  {source}  uri "{STATUS_URI}"  age at most 1h }}'
    rest = f"provides sub is string\n  {status}"
    given = {"url:https://issuer.example/jwks": C.keys()}
    policy_text = policy(keys='keys jwks url "https://issuer.example/jwks"', replay=REUSABLE, rest=rest)
    token = C.token(claims(status={"status_list": {"idx": 0, "uri": STATUS_URI}}))
    listed = Context(status_lists=(status_list(A, [0]),))
    with engine(tmp_path, policy_text, keys=given) as judge:
        assert judge.evaluate(token, listed)
        host.reply = sends(answer(json.dumps({"keys": []}).encode()))
        renew(judge)
        verdict = judge.evaluate(token, listed)
        assert codes(verdict) == {"key.withdrawn"}
        assert recheck(json.loads(json.dumps(verdict.record()))).same


def test_one_key_for_tokens_and_lists_is_withdrawn_where_its_source_says_so(host: KeyHost, tmp_path: Path) -> None:
    """The source of the lists' keys has it no more, the one of the tokens' keys has: so the record says it too."""
    source = f'keys jwks url "{host.url}" {{ ca "ca.pem" }}'
    status = f'status {{ list from caller  {source}  uri "{STATUS_URI}"  age at most 1h }}'
    policy_text = policy(
        keys='keys jwks file "a.json"',
        replay=REUSABLE,
        rest=f"provides sub is string\n  {status}",
        revocation=BY_REDEPLOYMENT,
    )
    (tmp_path / "a.json").write_bytes(jwks(A))
    token = A.token(claims(status={"status_list": {"idx": 0, "uri": STATUS_URI}}))
    with engine(tmp_path, policy_text) as judge:
        host.reply = sends(answer(json.dumps({"keys": []}).encode()))
        renew(judge)
        verdict = judge.evaluate(token, Context(status_lists=(status_list(A, [0]),)))
        assert codes(verdict) == {"key.withdrawn"}
        record = json.loads(json.dumps(verdict.record()))
        assert [key["withdrawn"] for key in record["keys"]] == [False]
        assert [key["withdrawn"] for key in record["status_keys"]] == [True]
        assert recheck(record).same


def test_one_address_by_two_authorities_is_judged_again_as_two(host: KeyHost, tmp_path: Path) -> None:
    """For tokens by the one, for lists by the other, and by now they have brought different keys."""
    source = f'keys jwks url "{host.url}" {{ ca "again.pem" }}'
    status = f'status {{ list from caller  {source}  uri "{STATUS_URI}"  age at most 1h }}'
    (tmp_path / "again.pem").write_bytes(own_authority().pem)
    token = A.token(claims(status={"status_list": {"idx": 0, "uri": STATUS_URI}}))
    with engine(tmp_path, text(host, status)) as judge:
        host.publish(C)
        (of_lists,) = (name for name in judge._loaded.renewal.origins if name.endswith("again.pem"))
        judge._loaded.renewal._feeds.refresh(of_lists, timeout=GUARD)
        verdict = judge.evaluate(token, Context(status_lists=(status_list(C, [0]),)))
        assert verdict
        assert recheck(json.loads(json.dumps(verdict.record()))).differences == ()


def test_who_withdraws_a_shared_key_takes_down_nobody_else(host: KeyHost, tmp_path: Path) -> None:
    """Two issuers, one key: neither is authenticated. Then one of them has it no more, and the other is."""
    other = policy(
        name="other",
        issuer='issuer "https://other.example"',
        keys='keys jwks url "https://other.example/jwks"',
        replay=REUSABLE,
    ).removeprefix("policyjwt 1\n")
    token = A.token(claims(iss="https://other.example"))

    def assured(judge: Engine) -> bool:
        verdict = judge.evaluate(token)
        assert verdict
        return next(each.assured for each in verdict.assurances if each.name == "issuer-authentication")

    with engine(tmp_path, text(host) + other, keys={"url:https://other.example/jwks": A.keys()}) as judge:
        assert not assured(judge)
        host.reply = sends(answer(json.dumps({"keys": []}).encode()))
        renew(judge)
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}
        assert assured(judge)


def test_a_withdrawn_key_that_is_anothers_by_now_stays_withdrawn(host: KeyHost, tmp_path: Path) -> None:
    """A is withdrawn; another issuer has it by now and promises that it is known by it; then A is listed again."""
    second = "https://other.example/jwks"
    other = policy(
        name="other",
        issuer='issuer "https://other.example"',
        keys=f'keys jwks url "{second}"',
        replay=REUSABLE,
        rest="provides sub is string\n  assures issuer-authentication",
    ).removeprefix("policyjwt 1\n")
    of_other = A.token(claims(iss="https://other.example"))
    host.publish(A, B)
    current = [C]

    def newest() -> KeySet:
        return current[0].keys()

    with engine(tmp_path, text(host) + other, keys={f"url:{second}": newest}) as judge:
        host.reply = sends(answer(json.dumps({"keys": [B.jwk(), WEAK]}).encode()))
        renew(judge)
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}
        current[0] = A
        renew(judge)
        assert judge.evaluate(of_other)
        host.reply = sends(answer(json.dumps({"keys": [A.jwk(), C.jwk(), WEAK]}).encode()))
        renew(judge)
        assert codes(judge.evaluate(A.token(claims()))) == {"key.withdrawn"}
        assert codes(judge.evaluate(B.token(claims()))) == {"key.withdrawn"}, "what that set says of others is heard"
        assert judge.evaluate(of_other)


def test_who_lists_our_key_keeps_nobody_from_decrypting_by_it(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    """To list a key takes no private key. The vault brings the next one when another issuer has listed it already."""
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    claimed = Issuer(kid="z")
    claimed.private = second
    vault = [first]
    lines = 'key env "VAULT" as pem'
    ours = policy(replay=REUSABLE, rest=f"provides sub is string\n  {section(lines, alg='ECDH-ES')}")
    other = text(host, name="other", issuer='issuer "https://other.example"').removeprefix("policyjwt 1\n")
    given = {"url:https://issuer.example/jwks": C.keys(), "env:VAULT": lambda: pem(vault[0])}
    token = {"iss": "https://other.example"}
    host.publish(A, claimed)
    with engine(tmp_path, ours + other, keys=given, clock=clock) as judge:
        assert judge.evaluate(nested(C, first, alg="ECDH-ES"))
        assert judge.evaluate(claimed.token(claims(**token)))
        vault[0] = second
        clock.pass_by(10)
        renew(judge)
        for _ in range(2):
            assert judge.evaluate(nested(C, second, alg="ECDH-ES"))
            assert judge.evaluate(A.token(claims(**token)))
            assert codes(judge.evaluate(claimed.token(claims(**token)))) == {"key.withdrawn"}
            clock.pass_by(10)
            renew(judge)
            by_reference = {entry["reference"]: entry for entry in judge.status()["keys"]}
            assert "decrypts" in by_reference[f"url:{host.url}"]["last_error"], "it lists the key still"
            assert by_reference[f"url:{host.url}"]["keys"] == 1
        host.reply = sends(answer(status="500 Oops"))
        judge.reload()
        assert judge.evaluate(nested(C, second, alg="ECDH-ES")), "a reload forgets nothing"
        host.publish(A, B)
        renew(judge)
        assert judge.evaluate(B.token(claims(**token)))


# ------------------------------------------------------------------------------------------------ copies in caches


def aged(seconds: int, *issuers: Issuer, weak: bool = False) -> Reply:
    """What a cache on the way answers, which has had it for so long. `weak` makes it a set that can't be used."""
    keys = [each.jwk() for each in issuers] + ([WEAK] if weak else [])
    return sends(answer(json.dumps({"keys": keys}).encode(), more=f"Age: {seconds}\r\n"))


def test_keys_are_as_old_as_the_copy_that_came(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    """`stale at most` is how long a withdrawn key can be believed, caches or not."""
    host.reply = aged(2999, A)
    with engine(tmp_path, text(host), clock=clock) as judge:
        assert (told(judge)["age"], told(judge)["stale_at"]) == (3000, NOW + 600)
        clock.pass_by(601)
        assert codes(judge.evaluate(A.token(claims(exp=NOW + 999)))) == {"key.set_stale"}
        host.reply = aged(3600, A)
        renew(judge)
        assert "a cache has kept for up to 1h 1s; 1h are allowed" in told(judge)["last_error"]
        assert codes(judge.evaluate(A.token(claims(exp=NOW + 999)))) == {"key.set_stale"}
    with pytest.raises(PolicyError, match="a copy that a cache has kept"):
        engine(tmp_path, text(host), clock=clock)


def test_an_old_copy_is_asked_for_again_before_it_is_stale(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    host.reply = aged(3499, A)
    with engine(tmp_path, text(host), clock=clock) as judge:
        renew(judge)
        assert told(judge)["next_refresh"] <= NOW + 50 < told(judge)["stale_at"] == NOW + 100


def test_who_allows_more_hears_of_withdrawals_that_are_too_old_for_others(
    host: KeyHost, tmp_path: Path, clock: Clock
) -> None:
    """Two policies, one source: the one with two minutes must not keep news from the one with an hour."""
    second = text(host, stale="2m", name="q", audience='audience "other"').removeprefix("policyjwt 1\n")
    with engine(tmp_path, text(host) + second, clock=clock) as judge:
        clock.pass_by(300)
        host.reply = aged(130, B)
        renew(judge)
        lasting = claims(exp=NOW + 999)
        assert codes(judge.evaluate(A.token(lasting))) == {"key.unknown_kid"}
        assert judge.evaluate(B.token(lasting))
        assert codes(judge.evaluate(B.token(lasting | {"aud": "other"}))) == {"key.set_stale"}


@pytest.mark.parametrize("weak", [False, True])
@pytest.mark.parametrize("reload", [False, True])
def test_an_older_copy_brings_no_withdrawn_key_back(
    host: KeyHost, tmp_path: Path, clock: Clock, *, weak: bool, reload: bool
) -> None:
    """Of two caches in front of an issuer, one has not heard of a withdrawal that the other has passed on."""
    file = tmp_path / "p.policy"
    file.write_text(text(host))
    (tmp_path / "ca.pem").write_bytes(own_authority().pem)
    host.publish(A, B)
    lasting = claims(exp=NOW + 999)
    with Engine.load(file, replay=MemoryReplayStore(10, single_process=True), clock=clock) as judge:
        again = judge.reload if reload else partial(renew, judge)
        clock.pass_by(100)
        host.reply = aged(0, B, weak=weak)
        again()
        gone = codes(judge.evaluate(A.token(lasting)))
        assert gone == ({"key.withdrawn"} if weak else {"key.unknown_kid"})
        for older in (aged(30, A, B), aged(30, A, B, weak=True), aged(30, A), aged(30, weak=True)):
            clock.pass_by(10)
            clock.now -= 7  # and somebody sets the clock of the day: it is not asked
            host.reply = older
            again()
            assert codes(judge.evaluate(A.token(lasting))) == gone
            assert judge.evaluate(B.token(lasting))
            clock.pass_by(10)
            host.reply = aged(18, B, weak=weak)  # and this one is newer than all
            again()
        host.reply = aged(0, A, B)
        again()
        assert judge.evaluate(A.token(lasting)), "the issuer's word again"


def test_an_older_copy_is_told_and_asked_no_kid_is_forgotten(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    with engine(tmp_path, text(host), clock=clock) as judge:
        clock.pass_by(100)
        host.publish(B)
        renew(judge)
        clock.pass_by(10)
        host.reply = aged(30, A)
        renew(judge)
        assert "an older copy, from a cache, of what is known already" in told(judge)["last_error"]
        host.reply = aged(30, B)
        renew(judge)
        assert told(judge)["last_error"] is None, "older, and the same"
        assert told(judge)["loaded_at"] == NOW + 100


def test_a_copy_of_the_second_before_is_older(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    """Caches leave out what is less than a second."""
    with engine(tmp_path, text(host), clock=clock) as judge:
        clock.pass_by(100)
        host.publish(B)
        renew(judge)
        clock.pass_by(30)
        host.reply = aged(30, A, B)
        renew(judge)
        assert codes(judge.evaluate(A.token(claims(exp=NOW + 999)))) == {"key.unknown_kid"}


def test_a_clock_that_was_set_back_makes_no_copy_older(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    clock.now += 365 * 86_400
    host.reply = aged(5, A)
    with engine(tmp_path, text(host), clock=clock) as judge:
        clock.now = float(NOW)
        clock.steady.now += 20
        renew(judge)
        assert judge.evaluate(A.token(claims()))


# ------------------------------------------------------------------------------------------------ what else changes


def test_one_address_by_two_authorities_is_asked_twice_and_believed_apart(tmp_path: Path) -> None:
    """A man in the middle with a certificate of the one authority must not speak for who trusts the other."""
    other = authority("Other", begins=BEGINS, ends=ENDS)
    with serving(sends(answer(jwks(A))), tls=server_context(localhost())) as host:
        (tmp_path / "other.pem").write_bytes(other.pem)
        second = text(host).replace("ca.pem", "other.pem").replace('policy "p"', 'policy "q"')
        second = second.replace("https://issuer.example", "https://q.example").removeprefix("policyjwt 1\n")
        with pytest.raises(PolicyError) as caught:
            engine(tmp_path, text(host) + second)
        faults = [each for each in caught.value.diagnostics if each.stops_loading]
        assert [each.code for each in faults] == ["PJ451"]
        assert host.connections == 2


def test_the_shortest_limit_sets_the_pace_of_a_source_that_two_policies_have(host: KeyHost, tmp_path: Path) -> None:
    second = text(host, stale="2m").replace('policy "p"', 'policy "q"').removeprefix("policyjwt 1\n")
    both = text(host) + second.replace('audience "api"', 'audience "other"')
    with engine(tmp_path, both) as judge:
        entry = told(judge)
        assert host.connections == 1
        assert entry["policies"] == ["p", "q"]
        assert entry["next_refresh"] <= NOW + 60
        assert entry["stale_at"] == NOW + 120


def test_what_comes_during_a_reload_is_put_in_force_after_it(host: KeyHost, tmp_path: Path, clock: Clock) -> None:
    """If the policies of then have the same source; else it is another's word."""
    name = f"url:{host.url} by {tmp_path}/ca.pem"
    with engine(tmp_path, text(host), clock=clock) as judge:
        before = judge._loaded.renewal
        clock.pass_by(10)
        asked = clock.steady.now
        clock.pass_by(10)
        host.publish(A, B)
        judge.reload()
        with pytest.raises(KeyRefused, match="an older copy"):
            judge._renew(before, name, Obtained(A.keys(), at=asked, born=asked))
        clock.pass_by(10)
        judge._renew(before, name, Obtained(B.keys(), at=clock.now, born=clock.steady.now))
        assert judge.evaluate(B.token(claims()))
        assert codes(judge.evaluate(A.token(claims()))) == {"key.unknown_kid"}
        (tmp_path / "ca.pem").write_bytes(host_certificate("x").pem + own_authority().pem)
        host.publish(A)
        judge.reload()
        with pytest.raises(KeyRefused, match="have these keys no more"):
            judge._renew(before, name, Obtained(B.keys(), at=clock.now + 10, born=clock.steady.now + 10))
        assert judge.evaluate(A.token(claims()))


def test_an_unknown_kid_of_a_key_that_decrypts_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "COOL_DOWN", 0.0)
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    vault = [DecryptionKeySet((from_private_key(first, kid="1"),))]
    policy_text = policy(replay=REUSABLE, rest=f"provides sub is string\n  {section(alg='ECDH-ES')}")
    keys = {"url:https://issuer.example/jwks": A.keys(), "env:DECRYPTS": lambda: vault[0]}
    with engine(tmp_path, policy_text, keys=keys) as judge:
        vault[0] = DecryptionKeySet((from_private_key(first, kid="1"), from_private_key(second, kid="2")))
        token = nested(A, second, alg="ECDH-ES", header={"kid": "2"})
        assert codes(judge.evaluate(token)) == {"key.unknown_kid"}
        until(lambda: judge.evaluate(token))


def test_a_key_set_with_another_kid_than_the_policy_gives_is_refused(tmp_path: Path) -> None:
    one = ec.generate_private_key(ec.SECP256R1())
    lines = ('key env "ONE" as pem kid "1"', 'key env "TWO" as pem kid "2"')
    policy_text = policy(replay=REUSABLE, rest=f"provides sub is string\n  {section(*lines, alg='ECDH-ES')}")
    keys: dict[str, Any] = {
        "url:https://issuer.example/jwks": A.keys(),
        "env:ONE": DecryptionKeySet((from_private_key(one, kid="9"),)),
        "env:TWO": pem(ec.generate_private_key(ec.SECP256R1())),
    }
    with pytest.raises(PolicyError, match="is not the one that the policy gives"):
        engine(tmp_path, policy_text, keys=keys)


def test_files_of_two_roots_are_told_apart(tmp_path: Path) -> None:
    for name, issuers in (("one", (A,)), ("two", (A, B, C))):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "policyjwt.toml").touch()
        (folder / "k.json").write_bytes(jwks(*issuers))
        (folder / "p.policy").write_text(
            policy(
                name=name,
                issuer=f'issuer "https://{name}.example"',
                keys='keys jwks file "k.json"',
                replay=REUSABLE,
                revocation='revocation { by redeployment because "a test" }',
            )
        )
    with Engine.load(tmp_path / "one", tmp_path / "two", clock=Clock()) as judge:
        entries = judge.status()["keys"]
    assert [(entry["policies"], entry["keys"]) for entry in entries] == [(["one"], 1), (["two"], 3)]
    assert {Path(entry["root"]).name for entry in entries} == {"one", "two"}


# ------------------------------------------------------------------------------------------------ the end


def test_what_is_closed_stays_closed(host: KeyHost, tmp_path: Path) -> None:
    before = _threads()
    judge = engine(tmp_path, text(host))
    judge.close()
    host.publish(B)
    judge.reload()
    assert judge.evaluate(B.token(claims())), "a reload reads once"
    until(lambda: not _threads() - before)


def test_closed_while_it_reloads(host: KeyHost, tmp_path: Path) -> None:
    before = _threads()
    judge = engine(tmp_path, text(host))
    asked = threading.Event()

    def slow(connection: socket.socket, over: threading.Event) -> None:
        asked.set()
        assert closed.wait(GUARD)
        sends(answer(jwks(A)))(connection, over)

    closed = threading.Event()
    host.reply = slow
    reloading = threading.Thread(target=judge.reload)
    reloading.start()
    assert asked.wait(GUARD)
    judge.close()
    closed.set()
    reloading.join(GUARD)
    until(lambda: not _threads() - before)


def test_a_signal_during_a_reload_reloads_once_more(host: KeyHost, tmp_path: Path) -> None:
    """SIGHUP twice, as log rotation sends it: the second comes while the first reloads, in the same thread."""
    judge = engine(tmp_path, text(host))
    fetches: list[int] = []

    def interrupting(connection: socket.socket, over: threading.Event) -> None:
        fetches.append(1)
        if len(fetches) == 1:
            host.publish(B)
        sends(answer(jwks(A)))(connection, over)

    host.reply = interrupting
    load = judge._reload

    def interrupted() -> None:
        if not fetches:
            judge.reload()  # as a handler does that runs here
        load()

    judge._reload = interrupted  # type: ignore[method-assign]  # a signal at exactly this point can't be had
    with judge:
        judge.reload()
        assert judge.evaluate(B.token(claims())), "what was there when the second signal came"
    assert len(fetches) == 1
