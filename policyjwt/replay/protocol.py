"""What a replay store is, and what it is asked: keys, and how long they are held. Input: verified values of a token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from policyjwt.errors import StoreUnavailable

Reach: TypeAlias = Literal["process", "host", "nodes"]
"""Who shares a store: the threads of one process, the processes of one host, or all nodes."""

Scope: TypeAlias = Literal["issuer", "policy", "subject"]
"""What a nonce is unique within. `policy` and `subject` are within the issuer."""

MAX_SKEW: Final = 300
"""Seconds: the largest skew that the language allows, in any policy, now or after a reload."""

MAX_AGE: Final = 24 * 3600
"""Seconds: the largest `age` that the language allows beside a nonce."""

MAX_PROOF_AGE: Final = 3600
"""Seconds: the largest age of a holder's proof that the language allows."""

MAX_DELAY: Final = 60
"""Seconds: a store may look at its clock so much later than its token was judged. What it holds for exactly the time
that it is asked to is then never forgotten while the token, judged before, is still accepted."""

MAX_TTL: Final = 1 << 53
"""Seconds: no store holds a key for longer, and asked for more it refuses. It never shortens."""

_VERSION: Final = "1"


class StoreFull(StoreUnavailable):
    """A bounded store is full of keys that are still alive. It never forgets one to make room."""


class StoreNotDurable(StoreUnavailable):
    """Too few replicas have acknowledged the key. It counts as used all the same: what is written stays written."""


@runtime_checkable
class ReplayStore(Protocol):
    """Where nonces are consumed, each once. Stores of your own need these four members and no base class."""

    @property
    def reach(self) -> Reach:
        """Who shares the store."""
        ...

    @property
    def word(self) -> str | None:
        """The caller's word that nothing beyond `reach` accepts the same tokens, repeated by verdicts; None without."""
        ...

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """Consume `key` in one atomic step: True the first time, False ever after, for at least `ttl` seconds.

        Only `True` is a first use and only `False` a second; any other answer and any exception count as no answer, so
        that nothing is trusted. `note` is kept for `first`. Raises StoreUnavailable where the store can't tell. Called
        from many threads at once.
        """
        ...

    def first(self, key: bytes) -> bytes | None:
        """The note of the first use, for the report of a later one and never for a decision; None if it isn't known."""
        ...


class InspectOnly:
    """No store at all: every policy loads, `inspect` works, and no nonce is ever consumed."""

    reach: Final = "process"
    word: Final = None

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        """Raises StoreUnavailable."""
        raise StoreUnavailable("this engine only inspects: it has no replay store")

    def first(self, key: bytes) -> bytes | None:
        """None: nothing was ever consumed."""
        return None


def store_key(*, scope: Scope, issuer: str, within: str | None, path: Sequence[str], nonce: str) -> bytes:
    """The 32 bytes under which a nonce is consumed: SHA-256 over the values, each with its length before it.

    Without the lengths two issuers could be read as one: `a` with `b:c`, `a:b` with `c`. `issuer` is the token's own
    `iss`, or the pattern that stands for it; `within` is the policy's name or the subject, None for the scope `issuer`;
    `path` are the members of the nonce's claim.
    """
    if (within is None) is not (scope == "issuer") or scope not in ("issuer", "policy", "subject"):
        raise ValueError("`within` names the policy or the subject, and nothing within an issuer")
    values = (_VERSION, scope, issuer, *(() if within is None else (within,)), str(len(path)), *path, nonce)
    # Strict decoding lets no half of a surrogate pair in; the caller's own values must not raise either.
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    return sha256(b"".join([b"%d:%b" % (len(value), value) for value in encoded])).digest()


def time_to_live(*, exp: float | None, iat: float | None, now: float) -> int:
    """For how many seconds a nonce is held: beyond the last instant at which any policy could accept the token.

    That is `exp` and the largest skew; without `exp`, `iat` with the largest age and skew; and MAX_DELAY. Never this
    policy's own skew: another policy, or this one after a reload, may be wider. At least 1, never shortened. Raises
    ValueError where there is neither time, or one that is not finite.
    """
    if exp is not None:
        ends, extra = exp, MAX_SKEW + MAX_DELAY
    elif iat is not None:
        ends, extra = iat, MAX_AGE + MAX_SKEW + MAX_DELAY
    else:
        raise ValueError("without `exp` and `iat` there is no end to how long a nonce is held")
    if not (_is_finite(ends) and _is_finite(now)):
        raise ValueError("a time is not finite")
    if type(ends) is int:
        return max(1, ends + extra - math.floor(now))
    # Fractions are exact and never overflow, whatever a token says.
    return max(1, math.ceil(Fraction(ends) + extra - Fraction(now)))


def proof_key(*, thumbprint: str, jti: str) -> bytes:
    """The 32 bytes under which a holder's proof is consumed. They are the holder's own: no client spends another's."""
    values = [value.encode("utf-8", "surrogatepass") for value in (_VERSION, "proof", thumbprint, jti)]
    return sha256(b"".join([b"%d:%b" % (len(value), value) for value in values])).digest()


def proof_time_to_live(*, iat: float, now: float) -> int:
    """For how many seconds a proof is held: beyond the last instant at which any policy could accept it."""
    if not (_is_finite(iat) and _is_finite(now)):
        raise ValueError("a time is not finite")
    return max(1, math.ceil(Fraction(iat) + MAX_PROOF_AGE + MAX_SKEW + MAX_DELAY - Fraction(now)))


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def check_request(key: bytes, ttl: int, note: bytes) -> None:
    """What every store demands of its caller. Raises TypeError or ValueError, and StoreUnavailable beyond MAX_TTL."""
    if not isinstance(key, bytes) or not isinstance(note, bytes):
        raise TypeError("a key and a note are bytes")
    if type(ttl) is not int:
        raise TypeError("the time to live is a whole number of seconds")
    if not key or ttl < 1:
        raise ValueError("a key is not empty, and is held for at least 1 second")
    if ttl > MAX_TTL:
        raise StoreUnavailable("the nonce would have to be held for longer than the store can")
