"""Nonces that a service gives out and knows again without a store. Input: a secret and a clock. Output: texts.

For DPoP (RFC 9449, section 8) and for `nonce` of OpenID Connect. Every node with the same secret and period knows them.
"""

from __future__ import annotations

import hmac
import math
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from policyjwt.errors import TokenRefused
from policyjwt.evidence.dpop import MAX_PROOF_CHARACTERS
from policyjwt.tokens import base64url
from policyjwt.tokens.decode import decode
from policyjwt.tokens.key_checks import check_secret

_PURPOSE: Final = "policyjwt nonce 1"
"""Keeps a tag of ours from being one of another use of the secret."""

_SALT_BYTES: Final = 16
_TAG_BYTES: Final = 32
_CHARACTERS: Final = (_SALT_BYTES + _TAG_BYTES) * 4 // 3


class RollingNonces:
    """Nonces that are good for the period in which they were issued and for the next one. Immutable, thread-safe.

    A nonce says when it was issued, not that it was not used before: one use is the replay store's matter. With a
    `binding` (a session, a thumbprint) it is good for that binding alone. KeyRefused for a weak secret; ValueError for
    a period that is none.
    """

    __slots__ = ("_clock", "_keyed", "_period")
    _clock: Callable[[], float]
    _keyed: hmac.HMAC
    _period: int

    def __init__(self, secret: bytes, *, period: int = 300, clock: Callable[[], float] = time.time) -> None:
        if not isinstance(secret, bytes):
            raise TypeError("a secret is bytes")
        if type(period) is not int or period < 1:
            raise ValueError("the period is a whole number of seconds, at least 1")
        check_secret(secret)
        keyed = hmac.new(secret, digestmod="sha256")
        object.__setattr__(self, "_keyed", keyed)
        object.__setattr__(self, "_period", period)
        object.__setattr__(self, "_clock", clock)

    def issue(self, binding: str = "") -> str:
        """A nonce: 64 characters of base64url, each time another. ValueError where the clock gives no time."""
        salt = secrets.token_bytes(_SALT_BYTES)
        return base64url.encode(salt + self._tag(self._now(), salt, binding))

    def accepts(self, nonce: str, binding: str = "") -> bool:
        """Whether it was issued for this binding in the current period or in the one before. Never raises."""
        if not isinstance(nonce, str) or not isinstance(binding, str) or len(nonce) != _CHARACTERS:
            return False
        try:
            whole, current = base64url.decode(nonce), self._now()
        except Exception:  # noqa: BLE001 - fail-closed border to the service's clock; ValueError for what is no base64url
            return False
        salt, tag = whole[:_SALT_BYTES], whole[_SALT_BYTES:]
        # Both are always compared, so that the time does not tell which one it was.
        fits = [hmac.compare_digest(tag, self._tag(period, salt, binding)) for period in (current, current - 1)]
        return any(fits)

    def expected(self, proofs: Sequence[str], binding: str = "") -> str:
        """What to hand over as `Context(nonce=…)`: the nonce of the one DPoP proof if it is ours, else a new one.

        A new one fits no proof, so that the token is refused and the client told to try again with the next nonce. The
        proof is not verified here: the engine does that, with the nonce. ValueError where the clock gives no time.
        """
        if len(proofs) == 1 and isinstance(proofs[0], str):
            with suppress(TokenRefused):
                nonce = decode(str.__str__(proofs[0]), limit=MAX_PROOF_CHARACTERS).claims.get("nonce")
                if isinstance(nonce, str) and self.accepts(nonce, binding):
                    return nonce
        return self.issue(binding)

    def _now(self) -> int:
        """The number of the current period."""
        try:
            now = self._clock()
            finite = math.isfinite(now)
        except Exception:  # noqa: BLE001 - border to the service's clock
            raise ValueError("the clock gave no time") from None
        if not finite:
            raise ValueError("the clock gave no time")
        return math.floor(now / self._period)

    def _tag(self, period: int, salt: bytes, binding: str) -> bytes:
        """Everything of free length stands at the end, after what has a fixed length or an end of its own."""
        keyed = self._keyed.copy()
        keyed.update(f"{_PURPOSE}\n{self._period}\n{period}\n".encode())
        keyed.update(salt + binding.encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("nonces do not change: make new ones")

    def __repr__(self) -> str:
        return "<RollingNonces>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("nonces can't be pickled or copied: their secret would leave the process")
