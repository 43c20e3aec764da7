"""The nonce, consumed: the last step, taken only if all else is met. Input: an evaluation and a store."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from contextlib import suppress

from policyjwt.evaluation import Evaluation, nonce_answered, nonce_request
from policyjwt.expressions.words import is_a_phrase, quoted
from policyjwt.replay import InspectOnly, ReplayStore, StoreFull, StoreNotDurable, StoreUnavailable
from policyjwt.requirements.line import MET

_NO_STORE = "the engine has no replay store to consume the {} in"
_NO_ANSWER = "the replay store did not answer"
_CANT_TELL = "the replay store can't tell: "
_ASYNCHRONOUS = "the replay store is asynchronous: only `evaluate_async` can ask it"
_FULL = "the replay store is full of what is still alive"
_NOT_DURABLE = "the {} was consumed, and too few replicas of the store have acknowledged it"
_FIRST = "this is the first use of the {}"
_SEEN = "the {} was used before"
_MOST_NOTE = 4096


def consume(going: Evaluation, store: ReplayStore | None) -> None:
    """Consume the nonce. Only `True` is a first use and only `False` a second; anything else is no answer."""
    if store is None or isinstance(store, InspectOnly):
        _note(going, "not_configured", _NO_STORE)
        return
    try:
        if inspect.iscoroutinefunction(store.consume):
            nonce_answered(going, "store_unavailable", _ASYNCHRONOUS)
            return
        key, ttl, note = nonce_request(going)
        answer: object = store.consume(key, ttl, note)
        _close(answer)
    except Exception as error:  # noqa: BLE001 - the fail-closed border to the store: no answer is no first use
        _failed(going, store, error)
        return
    first: object = None
    if answer is False:
        with suppress(Exception):  # the border to the store: the note is for the report alone
            first = store.first(key)
            _close(first)
    _answered(going, answer, first)
    going.durability = _durability(store)


async def consume_async(going: Evaluation, store: ReplayStore | None) -> None:
    """As `consume`, without blocking the event loop: asynchronous stores are awaited, others run in a thread."""
    if store is None or isinstance(store, InspectOnly):
        _note(going, "not_configured", _NO_STORE)
        return
    try:
        key, ttl, note = nonce_request(going)
        answer = await _called(store.consume, key, ttl, note)
    except Exception as error:  # noqa: BLE001 - the fail-closed border to the store: no answer is no first use
        _failed(going, store, error)
        return
    first: object = None
    if answer is False:
        with suppress(Exception):  # the border to the store: the note is for the report alone
            first = await _called(store.first, key)
    _answered(going, answer, first)
    going.durability = _durability(store)


def _close(answer: object) -> None:
    """An asynchronous store, which `evaluate` can't ask, gives a coroutine: no answer, and nothing to leave behind."""
    if inspect.iscoroutine(answer):
        answer.close()


async def _called(function: Callable[..., object], *arguments: object) -> object:
    if inspect.iscoroutinefunction(function):
        return await function(*arguments)
    answer, error = await asyncio.to_thread(_caught, function, *arguments)
    if error is not None:
        raise error
    return await answer if inspect.isawaitable(answer) else answer  # a wrapped coroutine function


def _caught(function: Callable[..., object], *arguments: object) -> tuple[object, Exception | None]:
    """The answer or the failure, as values: a StopIteration would never come out of the thread."""
    try:
        return function(*arguments), None
    except StopIteration:
        return None, StoreUnavailable()
    except Exception as error:  # noqa: BLE001 - handed on to the border of the caller
        return None, error


def _failed(going: Evaluation, store: ReplayStore, error: Exception) -> None:
    match error:
        case StoreFull():
            _note(going, "store_full", _FULL)
        case StoreNotDurable():
            _note(going, "not_durable", _NOT_DURABLE)
        case _:
            nonce_answered(going, "store_unavailable", _why(store, error))


def _why(store: ReplayStore, error: Exception) -> str:
    """Why there was no answer. Of our own stores alone: their words are known to quote nothing."""
    try:
        ours = type(store).__module__.startswith("policyjwt.replay.") and type(error) is StoreUnavailable
        said = str(error) if ours else ""
    except Exception:  # noqa: BLE001 - the border to the store: words for the report alone
        return _NO_ANSWER
    if not is_a_phrase(said):
        return _NO_ANSWER
    return said if said.startswith("the replay store") else f"{_CANT_TELL}{said}"


def _durability(store: ReplayStore) -> str | None:
    """What the store says of how long it remembers; a store need not say it."""
    try:
        words = getattr(store, "durability", None)  # beyond the contract: stores of others have no such member
    except Exception:  # noqa: BLE001 - the border to the store: words for the report alone
        return None
    return words if type(words) is str and is_a_phrase(words) else None


def _answered(going: Evaluation, answer: object, first: object) -> None:
    if answer is True:
        _note(going, MET, _FIRST)
    elif answer is False:
        _note(going, "seen", _SEEN, _when(first))
    else:
        _note(going, "store_unavailable", _NO_ANSWER)


def _note(going: Evaluation, result: str, said: str, more: str = "") -> None:
    """`said` with the name of what is consumed, and as it is what the store told."""
    assert going.candidate is not None
    line = going.candidate.validator.nonce
    assert line is not None
    nonce_answered(going, result, said.format(line.noun) + more)


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
