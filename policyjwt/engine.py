"""The engine: where the flow of policies and the flow of tokens meet. Input: a token. Output: an explained verdict."""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from threading import RLock
from typing import Any, NoReturn
from weakref import WeakSet

from policyjwt import consuming
from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.evaluation import Evaluation
from policyjwt.in_force import InForce, Settings, load, settings_of
from policyjwt.judging import judge, judge_verified
from policyjwt.key_renewal import KeyRenewal
from policyjwt.key_sources import Given, Listed, Obtained
from policyjwt.key_status import key_status
from policyjwt.language.load import Loaded, load_paths, load_text
from policyjwt.replay import InspectOnly, MemoryReplayStore, ReplayStore
from policyjwt.request import Context, PresentedTwice
from policyjwt.tokens import VerifiedToken
from policyjwt.tokens.messages import presented_twice
from policyjwt.verdict import Inspection, Verdict

_NO_CONTEXT = Context()
_PATIENCE = 60.0
"""Seconds that renewed keys wait for a reload. They come again."""


class Engine:
    """Judges tokens for one use by the policies of a root. Thread-safe; nothing blocks but the replay store.

    Made by `Engine.load` (files and folders) or `Engine.from_text`.
    """

    def __init__(self, read: Callable[[], Loaded], settings: Settings) -> None:
        self._read = read
        self._settings = settings
        self._reloading = RLock()
        self._closed = self._reloads = self._again = False
        _living.add(self)
        self._loaded = load(read, settings, self._renew, None)
        self._loaded.renewal.start()

    @classmethod
    def load(
        cls,
        *paths: str | PathLike[str],
        use: str | None = None,
        policies: Iterable[str] | None = None,
        keys: Mapping[str, Given] | None = None,
        replay: ReplayStore | None = None,
        clock: Callable[[], float] | None = None,
        on_verdict: Callable[[Verdict], object] | None = None,
    ) -> Engine:
        """The engine for the policies under `paths` (`policies/` where none is given).

        `use` names the door that this engine guards; it may be left out where the policies have only one. `policies`
        narrows to names first. `keys` hands in keys by reference (`"url:https://…"`): a KeySet, the secret's bytes, or
        a resolver. `replay` is the store in which nonces are consumed. `clock` gives seconds since the epoch.
        `on_verdict` hears of every verdict; its failure changes none.

        PolicyError with diagnostics for a policy that can't be used; LoadError for a path under which there is none;
        ValueError for a use, name or reference that fits nothing; KeyRefused where the system has no thread left to
        renew keys with.
        """
        roots = [Path(path) for path in paths] or [Path("policies")]
        settings = settings_of(use=use, policies=policies, keys=keys, replay=replay, clock=clock, on_verdict=on_verdict)
        return cls(lambda: load_paths(roots), settings)

    @classmethod
    def from_text(
        cls,
        text: str,
        name: str = "<policy>",
        root: str | PathLike[str] | None = None,
        *,
        use: str | None = None,
        policies: Iterable[str] | None = None,
        keys: Mapping[str, Given] | None = None,
        replay: ReplayStore | None = None,
        clock: Callable[[], float] | None = None,
        on_verdict: Callable[[Verdict], object] | None = None,
    ) -> Engine:
        """The engine for one text; `root` is the folder that its paths are relative to. Otherwise as `load`."""
        if not isinstance(text, str) or not isinstance(name, str):
            raise TypeError("a policy and its name are text")
        where = Path(root) if root is not None else None
        settings = settings_of(use=use, policies=policies, keys=keys, replay=replay, clock=clock, on_verdict=on_verdict)
        return cls(lambda: load_text(text, name, where), settings)

    def evaluate(
        self,
        token: str | None,
        context: Context = _NO_CONTEXT,
        *,
        policy: str | None = None,
        now: float | None = None,
    ) -> Verdict:
        """The verdict on a token. A bad token never raises; a bad call raises TypeError or ValueError.

        `policy` narrows to one candidate by name. `now` is for tests and tools, with a store of memory or none.
        """
        return self._answer(self._judge(token, context, policy, now))

    def evaluate_async(
        self,
        token: str | None,
        context: Context = _NO_CONTEXT,
        *,
        policy: str | None = None,
        now: float | None = None,
    ) -> PendingVerdict:
        """As `evaluate`, for `await`: the store is asked without blocking the event loop.

        Where the wait is cancelled while the store is asked, the nonce may be consumed, and `on_verdict` hears nothing.
        """
        return PendingVerdict(lambda: self._answer_async(self._judge(token, context, policy, now)))

    def inspect(
        self,
        token: str | None,
        context: Context = _NO_CONTEXT,
        *,
        policy: str | None = None,
        now: float | None = None,
    ) -> Inspection:
        """What `evaluate` would find. Consumes nothing, and is no trust."""
        going = self._judge(token, context, policy, now)
        return Inspection(going.account, would_trust=going.passes)

    def validate(
        self,
        verified: VerifiedToken,
        context: Context = _NO_CONTEXT,
        *,
        policy: str | None = None,
        now: float | None = None,
    ) -> Verdict:
        """The verdict on a token that another library verified, through an adapter or `policyjwt.tokens.verify`.

        Header and payload are decoded again by our rules; the key is judged again: it must be the policy's own.
        """
        return self._answer(self._judge_verified(verified, context, policy, now))

    def validate_async(
        self,
        verified: VerifiedToken,
        context: Context = _NO_CONTEXT,
        *,
        policy: str | None = None,
        now: float | None = None,
    ) -> PendingVerdict:
        """As `validate`, for `await`."""
        return PendingVerdict(lambda: self._answer_async(self._judge_verified(verified, context, policy, now)))

    def reload(self) -> None:
        """Read policies and keys again, and judge by them from then on.

        Keys that are fetched, or come from a resolver, are asked for anew; where that fails, those in force go on and
        keep their age. Raises what `load` raises; the engine then goes on as it was. A KeySet that was handed in does
        not grow younger by it: newer keys come from a resolver, from a file, or with a new engine.
        """
        with self._reloading:  # so that what was read earlier never replaces what was read later
            if self._reloads:  # a signal while this very thread reloads: once more, then
                self._again = True
                return
            self._reloads = True
            try:
                self._reload_while_asked()
            finally:
                self._reloads = False

    def _reload_while_asked(self) -> None:
        while True:
            self._again = False
            try:
                self._reload()
            except Exception:
                if not self._again:
                    raise
            else:
                if not self._again:
                    return

    def _reload(self) -> None:
        before, heard = self._loaded, dict[str, Obtained | Listed]()
        found: InForce | None = None
        try:
            found = load(self._read, self._settings, self._renew, before, heard)
            found.renewal.start()  # it renews before anything is judged by it, and before the others end
        except BaseException:
            if found is not None:
                found.renewal.close()
            with suppress(Exception):  # the news of issuers is heard all the same, and what went wrong is told
                for name, news in heard.items():
                    self._loaded, _ = self._loaded.renewed(name, news)
            raise
        self._loaded = found
        before.renewal.close()
        if self._closed:  # while this was loading, or long ago
            self._loaded.renewal.close()

    def status(self) -> Mapping[str, Any]:
        """What is loaded, for health checks: the use, the names of the policies, and every source of their keys.

        Of a source: `reference`, the `policies` that it serves, how many `keys` it has, `loaded_at`, their `age`,
        `stale_at` (past it no token is trusted by them; None where they do not age), and, where it is renewed, the
        `last_error` (None where the last attempt went well), `failed_at` and `next_refresh`. Instants are seconds since
        the epoch, by the engine's clock.
        """
        loaded = self._loaded
        told = key_status(loaded.assembly.candidates, loaded.renewal.status(), now=self._settings.time())
        return {"use": loaded.use, "policies": sorted(loaded.selection.names), "keys": told}

    def close(self) -> None:
        """Let go of what the engine holds: keys are renewed no more, whatever is reloaded later.

        The engine goes on with the keys that it has until they are stale. The store is its owner's to close.
        """
        self._closed = True
        self._loaded.renewal.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        loaded: InForce | None = vars(self).get("_loaded")  # none yet, where loading failed
        return "<Engine>" if loaded is None else f"<Engine for {loaded.use!r}, {len(loaded.selection.names)} policies>"

    # -------------------------------------------------------------------------------------------- the steps

    def _judge(self, token: str | None, context: Context, policy: str | None, now: float | None) -> Evaluation:
        twice = isinstance(token, PresentedTwice)
        if token is not None and type(token) is not str and not twice:
            raise TypeError("a token is text, or None where there is none")
        going, loaded = self._begin(context, policy, now)
        if twice:
            going.refused = presented_twice()
        if going.refused is None:
            judge(going, loaded.selection, token, context, policy)
            if going.wanted is not None:
                loaded.renewal.want(*going.wanted)
        return going

    def _judge_verified(
        self, verified: VerifiedToken, context: Context, policy: str | None, now: float | None
    ) -> Evaluation:
        if not isinstance(verified, VerifiedToken):
            raise TypeError("validate takes a VerifiedToken, as policyjwt.tokens.verify and the adapters make it")
        going, loaded = self._begin(context, policy, now)
        if going.refused is None:
            judge_verified(going, loaded.selection, verified, context, policy)
            if going.wanted is not None:
                loaded.renewal.want(*going.wanted)
        return going

    def _begin(self, context: Context, policy: str | None, now: float | None) -> tuple[Evaluation, InForce]:
        """A bad call is refused before any token is looked at; a clock that fails refuses every token."""
        loaded = self._loaded
        if not isinstance(context, Context):
            raise TypeError("context is a policyjwt.Context")
        if policy is not None and policy not in loaded.selection.names:
            raise ValueError(f"no policy named {policy!r} is among those that this engine judges by")
        at = self._settings.time() if now is None else self._given_time(now)
        going = Evaluation(now=at, by_clock=now is None, schemes=loaded.selection.schemes)
        if not math.isfinite(going.now):
            going.now = 0.0
            going.refused = TokenRefused(
                "internal.clock",
                actual="the clock gives no time",
                expected="a finite number of seconds since the epoch",
            )
        return going, loaded

    def _renew(self, renewal: KeyRenewal, name: str, obtained: Obtained | Listed) -> None:
        """Judge by newer keys of one source from here on. Called in its thread; KeyRefused where not all can do so."""
        reloading = self._reloading
        if not reloading.acquire(timeout=_PATIENCE):
            raise KeyRefused("key.set_refused", "the policies are being loaded anew")
        try:
            current = self._loaded.renewal
            if current is not renewal and not current.obtains_as(renewal, name):  # the policies were loaded anew
                raise KeyRefused("key.set_refused", "the policies that were loaded meanwhile have these keys no more")
            self._loaded, refused = self._loaded.renewed(name, obtained)
        finally:
            reloading.release()
        if refused is not None:
            raise refused

    def _given_time(self, now: float) -> float:
        if isinstance(now, bool) or not isinstance(now, (int, float)):
            raise TypeError("now is a number of seconds since the epoch")
        if not isinstance(self._settings.replay, (MemoryReplayStore, InspectOnly, type(None))):
            raise ValueError("now= is for tests and tools: not with a store that others share")
        try:
            return float(now)
        except OverflowError:
            raise ValueError("now is a time that a clock can show") from None

    def _answer(self, going: Evaluation) -> Verdict:
        if going.consumes:
            consuming.consume(going, self._settings.replay)
        return self._verdict(going)

    async def _answer_async(self, going: Evaluation) -> Verdict:
        if going.consumes:
            await consuming.consume_async(going, self._settings.replay)
        return self._verdict(going)

    def _verdict(self, going: Evaluation) -> Verdict:
        verdict = Verdict(going.account, trusted=going.passes)
        if self._settings.on_verdict is not None:
            with suppress(Exception):  # the border to a caller's log: its failure changes no verdict
                self._settings.on_verdict(verdict)
        return verdict


class PendingVerdict(Awaitable[Verdict]):
    """A verdict that must be awaited. It has no truth value, so that a forgotten `await` can't be taken for trust."""

    __slots__ = ("_start",)

    def __init__(self, start: Callable[[], Awaitable[Verdict]]) -> None:
        self._start: Callable[[], Awaitable[Verdict]] | None = start

    def __await__(self) -> Generator[object, None, Verdict]:
        start, self._start = self._start, None
        if start is None:
            raise RuntimeError("a verdict is awaited once: a second time would be a second use of the token")
        return start().__await__()

    def __bool__(self) -> NoReturn:
        raise TypeError("this is no verdict yet: await it")

    def __repr__(self) -> str:
        return "<a verdict to be awaited>"


_living: WeakSet[Engine] = WeakSet()


def _after_fork() -> None:
    """In the child nobody is left who would release what was held when its parent forked."""
    for engine in list(_living):
        engine._reloading, engine._reloads = RLock(), False


if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_after_fork)
