"""The nonce, consumed: the last step, taken only if all else is met. Input: an evaluation and a store."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from contextlib import suppress

from policyjwt.evaluation import Evaluation, nonce_answered, nonce_request
from policyjwt.expressions.words import quoted
from policyjwt.replay import InspectOnly, ReplayStore, StoreFull
from policyjwt.requirements.line import MET

_NO_STORE = "the engine has no replay store to consume the nonce in"
_NO_ANSWER = "the replay store did not answer"
_FULL = "the replay store is full of nonces that are still alive"
_SEEN = "the nonce was used before"
_MOST_NOTE = 4096


def consume(going: Evaluation, store: ReplayStore | None) -> None:
    """Consume the nonce. Only `True` is a first use and only `False` a second; anything else is no answer."""
    if store is None or isinstance(store, InspectOnly):
        nonce_answered(going, "not_configured", _NO_STORE)
        return
    try:
        key, ttl, note = nonce_request(going)
        answer: object = store.consume(key, ttl, note)
        _close(answer)
    except Exception as error:  # noqa: BLE001 - the fail-closed border to the store: no answer is no first use
        _failed(going, error)
        return
    first: object = None
    if answer is False:
        with suppress(Exception):  # the border to the store: the note is for the report alone
            first = store.first(key)
            _close(first)
    _answered(going, answer, first)


async def consume_async(going: Evaluation, store: ReplayStore | None) -> None:
    """As `consume`, without blocking the event loop: asynchronous stores are awaited, others run in a thread."""
    if store is None or isinstance(store, InspectOnly):
        nonce_answered(going, "not_configured", _NO_STORE)
        return
    try:
        key, ttl, note = nonce_request(going)
        answer = await _called(store.consume, key, ttl, note)
    except Exception as error:  # noqa: BLE001 - the fail-closed border to the store: no answer is no first use
        _failed(going, error)
        return
    first: object = None
    if answer is False:
        with suppress(Exception):  # the border to the store: the note is for the report alone
            first = await _called(store.first, key)
    _answered(going, answer, first)


def _close(answer: object) -> None:
    """An asynchronous store, which `evaluate` can't ask, gives a coroutine: no answer, and nothing to leave behind."""
    if inspect.iscoroutine(answer):
        answer.close()


async def _called(function: Callable[..., object], *arguments: object) -> object:
    if inspect.iscoroutinefunction(function):
        return await function(*arguments)
    answer = await asyncio.to_thread(function, *arguments)
    return await answer if inspect.isawaitable(answer) else answer  # a wrapped coroutine function


def _failed(going: Evaluation, error: Exception) -> None:
    full = isinstance(error, StoreFull)
    nonce_answered(going, "store_full" if full else "store_unavailable", _FULL if full else _NO_ANSWER)


def _answered(going: Evaluation, answer: object, first: object) -> None:
    if answer is True:
        nonce_answered(going, MET, "this is the first use of the nonce")
    elif answer is False:
        nonce_answered(going, "seen", _SEEN + _when(first))
    else:
        nonce_answered(going, "store_unavailable", _NO_ANSWER)


def _when(note: object) -> str:
    """When, and by which policy and node, the nonce was first used, as far as the note can be read."""
    if not isinstance(note, bytes) or len(note) > _MOST_NOTE:
        return ""
    try:
        told = json.loads(note)
        parts = [told[name] for name in ("at", "policy", "node")]
    except Exception:  # noqa: BLE001 - the border to what somebody else may have written into the store
        return ""
    if not all(isinstance(part, str) for part in parts):
        return ""
    return ", first at {} by {} on {}".format(*(quoted(part) for part in parts))
