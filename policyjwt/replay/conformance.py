"""What any replay store must do, as checks for its author's own tests. Input: a function that opens the store.

With pytest, in three lines::

    @pytest.mark.parametrize("check", conformance.CHECKS)
    def test_my_store(check):
        check(lambda: MyStore("…"))
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from policyjwt.errors import StoreUnavailable
from policyjwt.replay.conformance_driver import NotConforming, driven, kind
from policyjwt.replay.protocol import MAX_AGE, MAX_SKEW, MAX_TTL, Reach, ReplayStore, StoreFull

__all__ = ["CHECKS", "AsyncReplayStore", "Check", "MakeStore", "NotConforming", "Trial", "check_all"]


class AsyncReplayStore(Protocol):
    """A store for event loops: as `ReplayStore`, but for two coroutine functions. `evaluate_async` awaits them."""

    @property
    def reach(self) -> Reach:
        """See `ReplayStore`."""
        ...

    @property
    def word(self) -> str | None:
        """See `ReplayStore`."""
        ...

    def consume(self, key: bytes, ttl: int, note: bytes) -> Awaitable[bool]:
        """See `ReplayStore`."""
        ...

    def first(self, key: bytes) -> Awaitable[bytes | None]:
        """See `ReplayStore`."""
        ...


MakeStore: TypeAlias = Callable[[], ReplayStore | AsyncReplayStore]
"""Opens the store. Called twice, a store that reaches a host or nodes gives two that hold the same keys."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How hard to try. `advance` moves the time of every opened store by seconds, where its clock can be moved.

    Without `advance`, whether keys are held for their whole time is not checked. `rounds` is how often `presentations`
    uses of one key meet; `keys` how many others a key must outlast; `hang` after how many seconds a use counts as
    hanging.
    """

    rounds: int = 50
    presentations: int = 64
    keys: int = 1000
    advance: Callable[[float], None] | None = None
    hang: float = 300.0


class Check(Protocol):
    """One check: returns where the store passes, raises NotConforming where it doesn't."""

    __name__: str

    def __call__(self, make: MakeStore, trial: Trial = ..., /) -> None:
        """Check the stores that `make` opens."""
        ...


_USUAL: Final = Trial()
_HOUR: Final = 3600
_SLOW_ROUNDS: Final = 3
_FEW: Final = 8


def check_all(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """All checks, one after the other."""
    for check in CHECKS:
        check(make, trial)


# ------------------------------------------------------------------------------------------------ the checks


def the_first_use_is_true_and_every_later_one_false(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """Exactly `True`, then exactly `False`: the engine takes nothing else for an answer."""
    with driven(make, hang=trial.hang) as store:
        key = _key()
        _is(store.consume(key, _HOUR, b"one"), True, "the first use of a key")
        for note in (b"one", b"two", b""):
            _is(store.consume(key, _HOUR, note), False, "a later use of a key")
        _is(store.consume(_key(), _HOUR, b"one"), True, "the first use of another key")


def of_uses_at_once_one_is_first(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """One atomic step: looking first and writing then trusts a token twice."""
    few = min(trial.presentations, _FEW)
    with driven(make, hang=trial.hang) as store:
        for number in range(trial.rounds):
            # In some rounds every line of the store lets others run, so that races of a few instructions show.
            times, slowly = (few, True) if number < _SLOW_ROUNDS else (trial.presentations, False)
            answers = store.consume_at_once(_key(), _HOUR, b"", times=times, slowly=slowly)
            firsts = sum(answer is True for answer in answers)
            _demand(
                firsts == 1 and sum(answer is False for answer in answers) == times - 1,
                f"of {times} uses of one key at once, 1 is first and all others are not",
                f"{firsts} firsts, {_counts(answers)}",
            )


def keys_that_are_alike_are_told_apart(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """Keys are bytes and whole: nothing is cut off, folded, padded or read as text."""
    with driven(make, hang=trial.hang) as store:
        stem = secrets.token_bytes(16)
        alike = {
            *(stem + bytes(range(at, at + 16)) for at in range(0, 256, 16)),  # every byte there is
            *(stem + b"k" * 15 + end for end in (b"k", b"K", b" ", b"\t", b"\n", b"\0", b"%", b"'", b"\xff")),
            *(stem + start + b"k" * 15 for start in (b"K", b" ", b"\0", b"\xc3")),
            *(stem + b"k" * 14 + end for end in ("é".encode(), b"\xed\xa0", b"e\xcc", b"\0\0", b"  ", b"\\0")),
            stem[::-1] + stem,
            b"\0" * 16 + stem,
            stem + b"\0" * 16,
            b"\xff" * 16 + stem,
        }
        for key in sorted(alike):
            _is(store.consume(key, _HOUR, b""), True, "the first use of a key that differs in a byte from others")
        for key in sorted(alike):
            _is(store.consume(key, _HOUR, b""), False, "a later use of such a key")
        for key in (b"\0" * 32, b"\xff" * 32, b" " * 32):
            store.consume(key, 1, b"")  # it may have been used by an earlier run
            _is(store.consume(key, 1, b""), False, "a later use of a key of one byte over and over")


def other_keys_push_none_out(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """A full store refuses with StoreFull, or StoreUnavailable: where it forgets, an attacker makes it forget."""
    with driven(make, hang=trial.hang) as store:
        used = []
        for number in range(trial.keys):
            key = _key()
            try:
                answer = store.consume(key, 2 * _HOUR - number, b"")
            except (StoreFull, StoreUnavailable):
                break
            _is(answer, True, "the first use of a key among many")
            used.append(key)
        _demand(bool(used), "a store takes a key", "it takes none")
        for key in used:
            _is(store.consume(key, _HOUR, b""), False, f"a later use of a key, with {len(used)} in the store")


def keys_are_held_for_their_time(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """At least `ttl` seconds, whatever it is: never shortened, never rounded down. Needs `Trial.advance`."""
    longest = MAX_AGE + 2 * MAX_SKEW
    with driven(make, hang=trial.hang) as store:
        day = _key()
        _is(store.consume(day, longest, b""), True, f"the first use of a key to be held for {longest} seconds")
        _is(store.consume(day, 1, b""), False, "a use right after, which asks for 1 second")
        for ttl in (10 * 366 * 24 * _HOUR, MAX_TTL):
            key = _key()
            with suppress(StoreUnavailable):  # it may refuse what it can't hold
                _is(store.consume(key, ttl, b""), True, f"the first use of a key to be held for {ttl} seconds")
                _is(store.consume(key, 1, b""), False, f"a use of a key that is held for {ttl} seconds")
        if trial.advance is None:
            return
        steps = (2, 60, 61, _HOUR)
        for ttl in steps:
            key = _key()
            _is(store.consume(key, ttl, b""), True, f"the first use of a key to be held for {ttl} seconds")
            trial.advance(ttl - 1)
            # What others do meanwhile, a clean-up for example, must not shorten it; nor must asking with less.
            _is(store.consume(_key(), 1, b""), True, "the first use of another key")
            _is(store.consume(key, 1, b""), False, f"a use 1 second before the end of {ttl} seconds")
        trial.advance(longest - 1 - sum(ttl - 1 for ttl in steps))
        _is(store.consume(day, 1, b""), False, f"a use 1 second before the end of {longest} seconds")


def the_note_is_for_the_report(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """`first` gives the bytes of the first use or None, and consumes nothing."""
    with driven(make, hang=trial.hang) as store:
        for note in (b'{"at":"now"}', b"", b"\0\xff\n'%s", bytes(range(256)) * 16):
            key = _key()
            _is(store.first(key), None, "`first` of a key that was never used")
            _is(store.consume(key, _HOUR, note), True, "the first use of a key that `first` was asked for")
            _is(store.consume(key, _HOUR, b"other"), False, "a later use with another note")
            told = store.first(key)
            _demand(
                told is None or (isinstance(told, bytes) and told == note),
                "`first` gives the note of the first use, or None",
                "another one" if isinstance(told, bytes) else kind(told),
            )


def a_bad_call_consumes_nothing(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """TypeError or ValueError, and StoreUnavailable for a time that can't be held."""
    with driven(make, hang=trial.hang) as store:
        key = _key()
        calls: list[tuple[str, tuple[object, object, object], tuple[type[Exception], ...]]] = [
            ("a key that is text", ("k" * 32, _HOUR, b""), (TypeError, ValueError)),
            ("an empty key", (b"", _HOUR, b""), (TypeError, ValueError)),
            ("a note that is text", (key, _HOUR, "note"), (TypeError, ValueError)),
            ("a time of 0 seconds", (key, 0, b""), (TypeError, ValueError)),
            ("a time of -1 seconds", (key, -1, b""), (TypeError, ValueError)),
            ("no time", (key, None, b""), (TypeError, ValueError)),
            ("half a second", (key, 0.5, b""), (TypeError, ValueError)),
            ("a time beyond MAX_TTL", (key, MAX_TTL + 1, b""), (StoreUnavailable,)),
            ("a time beyond all clocks", (key, 10**400, b""), (StoreUnavailable,)),
        ]
        for what, arguments, wanted in calls:
            _raises(lambda arguments=arguments: store.call(*arguments), wanted, what)  # type: ignore[misc] # bound now
        _is(store.consume(key, _HOUR, b""), True, "the first use of a key, after bad calls with it")


def it_says_how_far_it_reaches(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """A store that says `host` or `nodes` is one store, however often it is opened."""
    with driven(make, hang=trial.hang) as store:
        reach, word = store.store.reach, store.store.word
        _demand(reach in ("process", "host", "nodes"), "`reach` is `process`, `host` or `nodes`", kind(reach))
        _demand(
            word is None or (isinstance(word, str) and bool(word)),
            "`word` is None, or what the caller says",
            kind(word),
        )
        if reach == "process":
            return
        key = _key()
        _is(store.consume(key, _HOUR, b""), True, "the first use of a key")
        with driven(make, hang=trial.hang) as other:
            _is(
                other.consume(key, _HOUR, b""), False, f"a use in the same store, which reaches `{reach}`, opened again"
            )
            key = _key()
            _is(other.consume(key, _HOUR, b""), True, "the first use of another key")
        _is(store.consume(key, _HOUR, b""), False, "a use in the store that was opened first")


def a_closed_store_gives_no_answer(make: MakeStore, trial: Trial = _USUAL, /) -> None:
    """StoreUnavailable, of a store that has `close`, or `aclose` to be awaited."""
    with driven(make, hang=trial.hang) as store:
        _is(store.consume(_key(), _HOUR, b""), True, "the first use of a key")
        if store.close():
            _raises(lambda: store.consume(_key(), _HOUR, b""), (StoreUnavailable,), "a use of a closed store")


CHECKS: Final[tuple[Check, ...]] = (
    the_first_use_is_true_and_every_later_one_false,
    of_uses_at_once_one_is_first,
    keys_that_are_alike_are_told_apart,
    other_keys_push_none_out,
    keys_are_held_for_their_time,
    the_note_is_for_the_report,
    a_bad_call_consumes_nothing,
    it_says_how_far_it_reaches,
    a_closed_store_gives_no_answer,
)
"""All checks, in the order in which a store is best written."""


# ------------------------------------------------------------------------------------------------ what fails


def _key() -> bytes:
    return secrets.token_bytes(32)


def _demand(holds: bool, expected: str, came: str) -> None:  # noqa: FBT001 - reads as `assert`
    if not holds:
        raise NotConforming(f"expected that {expected}; came: {came}")


def _is(answer: object, wanted: object, what: str) -> None:
    _demand(answer is wanted, f"{what} gives {wanted}", kind(answer))


def _raises(call: Callable[[], object], wanted: tuple[type[Exception], ...], what: str) -> None:
    try:
        answer = call()
    except wanted:
        return
    except Exception as error:  # noqa: BLE001 - the border to the store under test
        came = type(error).__name__
    else:
        came = kind(answer)
    names = " or ".join(error.__name__ for error in wanted)
    raise NotConforming(f"expected that {what} raises {names}; came: {came}")


def _counts(answers: list[object]) -> str:
    kinds = [type(answer).__name__ if isinstance(answer, Exception) else kind(answer) for answer in answers]
    return ", ".join(f"{kinds.count(kind)} × {kind}" for kind in sorted(set(kinds)))
