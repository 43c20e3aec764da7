"""The engine: where the flow of policies and the flow of tokens meet. Input: a token. Output: an explained verdict."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NoReturn

from policyjwt import consuming
from policyjwt.checker.check import check
from policyjwt.errors import PolicyError, TokenRefused
from policyjwt.evaluation import Evaluation, judge, judge_verified
from policyjwt.key_sources import Given, references
from policyjwt.language.load import Loaded, load_paths, load_text
from policyjwt.language.model import CheckedPolicy
from policyjwt.language.names import REACHES
from policyjwt.loading import candidates
from policyjwt.replay import InspectOnly, MemoryReplayStore, ReplayStore
from policyjwt.request import Context, PresentedTwice
from policyjwt.selection import Selection
from policyjwt.tokens import VerifiedToken
from policyjwt.tokens.messages import presented_twice
from policyjwt.verdict import Inspection, Verdict

if TYPE_CHECKING:
    from policyjwt.evidence.crl import CrlSnapshot

_NO_CONTEXT = Context()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Settings:
    """What the caller of `Engine.load` decided, and what outlives a reload.

    `since` is when a KeySet was first handed in, by its reference; `held` are the revocation lists in force, by file.
    """

    use: str | None
    policies: frozenset[str] | None
    keys: Mapping[str, Given]
    replay: ReplayStore | None
    clock: Callable[[], float]
    on_verdict: Callable[[Verdict], object] | None
    since: dict[str, float]
    held: dict[str, CrlSnapshot]

    def time(self) -> float:
        """Now, in seconds since the epoch; not a number where the clock fails."""
        try:
            return float(self.clock())
        except Exception:  # noqa: BLE001 - the border to a caller's clock; NaN is refused as `internal.clock`
            return math.nan


@dataclass(frozen=True, slots=True)
class _InForce:
    """The policies in force. Replaced as a whole, so that each verdict is from one version."""

    selection: Selection
    use: str


class Engine:
    """Judges tokens for one use by the policies of a root. Thread-safe; nothing blocks but the replay store.

    Made by `Engine.load` (files and folders) or `Engine.from_text`.
    """

    def __init__(self, read: Callable[[], Loaded], settings: _Settings) -> None:
        self._read = read
        self._settings = settings
        self._reloading = Lock()
        self._loaded = _load(read, settings)

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
        ValueError for a use, name or reference that fits nothing.
        """
        roots = [Path(path) for path in paths] or [Path("policies")]
        settings = _settings(use=use, policies=policies, keys=keys, replay=replay, clock=clock, on_verdict=on_verdict)
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
        settings = _settings(use=use, policies=policies, keys=keys, replay=replay, clock=clock, on_verdict=on_verdict)
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

        Raises what `load` raises; the engine then goes on as it was. A KeySet that was handed in does not grow younger
        by it: newer keys come from a resolver, from a file, or with a new engine.
        """
        with self._reloading:  # so that what was read earlier never replaces what was read later
            self._loaded = _load(self._read, self._settings)

    def status(self) -> Mapping[str, object]:
        """What is loaded, for health checks: the use and the names of the policies."""
        return {"use": self._loaded.use, "policies": sorted(self._loaded.selection.names)}

    def close(self) -> None:
        """Let go of what the engine holds. The store is its owner's to close."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Engine for {self._loaded.use!r}, {len(self._loaded.selection.names)} policies>"

    # -------------------------------------------------------------------------------------------- the steps

    def _judge(self, token: str | None, context: Context, policy: str | None, now: float | None) -> Evaluation:
        twice = isinstance(token, PresentedTwice)
        if token is not None and type(token) is not str and not twice:
            raise TypeError("a token is text, or None where there is none")
        going, selection = self._begin(context, policy, now)
        if twice:
            going.refused = presented_twice()
        if going.refused is None:
            judge(going, selection, token, context, policy)
        return going

    def _judge_verified(
        self, verified: VerifiedToken, context: Context, policy: str | None, now: float | None
    ) -> Evaluation:
        if not isinstance(verified, VerifiedToken):
            raise TypeError("validate takes a VerifiedToken, as policyjwt.tokens.verify and the adapters make it")
        going, selection = self._begin(context, policy, now)
        if going.refused is None:
            judge_verified(going, selection, verified, context, policy)
        return going

    def _begin(self, context: Context, policy: str | None, now: float | None) -> tuple[Evaluation, Selection]:
        """A bad call is refused before any token is looked at; a clock that fails refuses every token."""
        selection = self._loaded.selection
        if not isinstance(context, Context):
            raise TypeError("context is a policyjwt.Context")
        if policy is not None and policy not in selection.names:
            raise ValueError(f"no policy named {policy!r} is among those that this engine judges by")
        at = self._settings.time() if now is None else self._given_time(now)
        going = Evaluation(now=at, schemes=selection.schemes)
        if not math.isfinite(going.now):
            going.now = 0.0
            going.refused = TokenRefused(
                "internal.clock",
                actual="the clock gives no time",
                expected="a finite number of seconds since the epoch",
            )
        return going, selection

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


# ------------------------------------------------------------------------------------------------ loading


def _settings(
    *,
    use: str | None,
    policies: Iterable[str] | None,
    keys: Mapping[str, Given] | None,
    replay: ReplayStore | None,
    clock: Callable[[], float] | None,
    on_verdict: Callable[[Verdict], object] | None,
) -> _Settings:
    if isinstance(policies, str):
        raise TypeError("policies is a list of names")
    if on_verdict is not None and not callable(on_verdict):
        raise TypeError("on_verdict is called with every verdict")
    if replay is not None and not (isinstance(replay, ReplayStore) and _is_whole(replay)):
        raise TypeError(f"a replay store has consume, first, word, and a reach: {', '.join(REACHES)}")
    return _Settings(
        use=use,
        policies=None if policies is None else frozenset(policies),
        keys=dict(keys or {}),
        replay=replay,
        clock=clock or time.time,
        on_verdict=on_verdict,
        since={},
        held={},
    )


def _is_whole(replay: ReplayStore) -> bool:
    """Whether the store says how far it reaches, and gives its caller's word as text or not at all."""
    word: object = replay.word
    return replay.reach in REACHES and (word is None or (isinstance(word, str) and bool(word)))


def _load(read: Callable[[], Loaded], settings: _Settings) -> _InForce:
    """The policies in force, all of them sound and each with what it needs.

    Everything of the root is checked; only the policies of the files that were asked for judge.
    """
    now = settings.time()
    if not math.isfinite(now):
        raise ValueError("the clock gives no time: no policy can be checked")
    loaded = read()
    checked = check(loaded, now=now)
    if any(diagnostic.stops_loading for diagnostic in checked.diagnostics):
        raise PolicyError(checked.diagnostics)
    unknown = settings.keys.keys() - references(checked.policies)
    if unknown:
        raise ValueError(f"no policy refers to the keys {', '.join(sorted(map(repr, unknown)))}")
    asked = [policy for policy in checked.policies if policy.block.place.span.file in loaded.asked]
    use, chosen = _for_one_use(asked, settings)
    found, faults = candidates(
        chosen,
        among=checked.policies,
        keys=settings.keys,
        replay=settings.replay,
        now=now,
        since=settings.since,
        held=settings.held,
        loaded=loaded,
    )
    if faults:
        raise PolicyError(faults)
    for candidate in found:
        if candidate.signers is not None and candidate.signers.crl is not None:
            settings.held[candidate.signers.crl.reference] = candidate.signers.crl.snapshot
    return _InForce(Selection(found), use)


def _for_one_use(policies: list[CheckedPolicy], settings: _Settings) -> tuple[str, list[CheckedPolicy]]:
    chosen = list(policies)
    if settings.policies is not None:
        unknown = settings.policies - {policy.name for policy in chosen}
        if unknown:
            raise ValueError(f"no policy is named {', '.join(sorted(map(repr, unknown)))}")
        chosen = [policy for policy in chosen if policy.name in settings.policies]
    uses = sorted({policy.use for policy in chosen})
    if settings.use is None and len(uses) != 1:
        raise ValueError(f"an engine answers for one use; these policies have {', '.join(map(repr, uses)) or 'none'}")
    use = settings.use if settings.use is not None else uses[0]
    if use not in uses:
        raise ValueError(f"no policy is for the use {use!r}; there are {', '.join(map(repr, uses)) or 'none'}")
    return use, [policy for policy in chosen if policy.use == use]
