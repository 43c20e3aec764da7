"""What a policy demands of stapled OCSP, what is known of a response, and how one is judged. Plain data; RFC 6960."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, NoReturn, TypeAlias

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Authorised: TypeAlias = Literal["issuer", "delegated", "pinned"]
"""By what a responder may speak: it is the certificate's issuer, the issuer delegated it, or the policy pins it."""

MAX_RESPONSES: Final = 4
"""Responses that come with one token: whoever sends them chooses how many signatures are checked."""

MAX_RESPONSE_BYTES: Final = 16 * 1024
"""One response; real ones have 300 to 5000 bytes."""

MAX_ENCLOSED: Final = 4
"""Certificates inside one response."""

DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class StapleDemand:
    """What a policy demands. Times are in seconds; `max_age` is the latency of revocation and has no default.

    `pinned` are responders that are believed beside the certificate's issuer. `after_token`: the evidence must not be
    older than the token.
    """

    max_age: float
    skew: float = 0
    max_window: float = 10 * DAY
    next_update_needed: bool = True
    nocheck_needed: bool = True
    pinned: tuple[Certificate, ...] = ()
    after_token: bool = False

    def __post_init__(self) -> None:
        limits = {"max_age": self.max_age, "skew": self.skew, "max_window": self.max_window}
        for name, value in limits.items():
            check_number(value, name=name)
            if value < 0:
                raise ValueError(f"{name} is negative")


class Delegation(NamedTuple):
    """That `issuer` has made `delegate` its responder, and with `nocheck`, that it need not be asked about itself.

    Certificates are equal where all is equal that is in them. No clock: `delegate` has a time of its own.
    """

    delegate: Certificate
    issuer: Certificate
    nocheck: bool

    def __repr__(self) -> str:
        return "<Delegation>"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class AuthenticResponse:
    """An authentic answer "good" about one certificate. What the clock says of it is still to be judged.

    `position` is the certificate's place on the path, the leaf's is 0. `responder` has signed; its validity is None
    where it is the certificate's issuer: that is judged with the path. `delegation` is what was found of a delegate,
    None where that was known.
    """

    position: int
    this_update: float
    next_update: float | None
    produced_at: float
    authorised: Authorised
    responder: Certificate
    responder_not_before: float | None
    responder_not_after: float | None
    delegation: Delegation | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StapleResult:
    """How one response about one certificate is judged: `good`, and by which `code`.

    The times are those of an authentic response that says "good", else None.
    """

    good: bool
    code: str
    good_until: float | None
    actual: str
    expected: str
    help: str | None
    this_update: float | None
    next_update: float | None
    produced_at: float | None

    def __bool__(self) -> NoReturn:
        raise TypeError("a StapleResult has no truth value: ask .good")

    def __repr__(self) -> str:
        """The code alone."""
        return f"<StapleResult {self.code}>"


def check_number(value: object, *, name: str) -> None:
    """Refuses, as a bad call, what is no finite number: every comparison with NaN would pass or fail by chance."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds")
    if not math.isfinite(value):
        raise ValueError(f"{name} is not finite")
