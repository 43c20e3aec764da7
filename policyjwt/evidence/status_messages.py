"""The catalogue of refusals by status lists: one function per code. No text quotes a claim, a list or its address.

Input: what was found, as counts and times. Output: a TokenRefused, to be raised by the caller.
"""

from __future__ import annotations

from policyjwt.errors import TokenRefused
from policyjwt.spans import duration, skew_text, span


def missing(*, actual: str) -> TokenRefused:
    """Without a place on a list, nothing is known of this token. The issuer's matter."""
    return TokenRefused("status.missing", actual=actual, expected="a token with `status.status_list`")


def list_missing() -> TokenRefused:
    """Without the list, nothing is known of any token. The service's matter, and for a moment."""
    return TokenRefused(
        "status.list_missing",
        actual="no status list was given",
        expected="the list that the token names",
        help="fetch the list that the token names, and hand it over as `Context(status_lists=…)`",
    )


def bad_reference(*, actual: str) -> TokenRefused:
    """Token Status List, section 6.2; the list is the policy's choice, never the token's."""
    return TokenRefused(
        "status.bad_reference",
        actual=actual,
        expected="`idx`, an integer from 0 on, and `uri`, the list that the policy names",
    )


def list_invalid(*, actual: str, expected: str) -> TokenRefused:
    """Token Status List, sections 5.1 and 8.3: an unsound list says nothing."""
    return TokenRefused("status.list_invalid", actual=f"the status list: {actual}", expected=expected)


def malformed(*, actual: str) -> TokenRefused:
    """Token Status List, section 4.2; the limit is ours: 194 kB inflate to 200 MB."""
    return TokenRefused(
        "status.malformed",
        actual=f"the status list: {actual}",
        expected="`bits` of 1, 2, 4 or 8, and `lst`, one zlib stream of a sensible size in base64url",
    )


def wrong_list(*, count: int) -> TokenRefused:
    """Token Status List, section 8.3: `sub` of the list is `uri` of the token."""
    none = "is not the one" if count == 1 else "are all other ones than that"
    lists = "status list that was given" if count == 1 else f"{count} status lists that were given"
    return TokenRefused(
        "status.wrong_list",
        actual=f"the {lists} {none} which the token names",
        expected="the list whose `sub` is the `uri` of the token",
    )


def not_yet_valid(*, ahead: float, name: str, skew: float) -> TokenRefused:
    """RFC 7519, section 4.1.5; a list issued in the future would stay fresh for too long. `name` is iat or nbf."""
    return TokenRefused(
        "status.not_yet_valid",
        actual=f"`{name}` of the status list is {span(ahead)} from now",
        expected=f"a list is issued before it is used{skew_text(skew)}",
    )


def stale(*, actual: str, expected: str) -> TokenRefused:
    """Token Status List, sections 8.3 and 11.5: an old list forgets who was withdrawn since."""
    return TokenRefused(
        "status.stale",
        actual=actual,
        expected=expected,
        help="fetch the list again, and hand over the fresh one as `Context(status_lists=…)`",
    )


def expired(*, late: float, skew: float) -> TokenRefused:
    """The issuer's own end of the list."""
    return stale(
        actual=f"the status list expired {duration(late)} ago",
        expected=f"a list is refused from its `exp` on{skew_text(skew)}",
    )


def past_ttl(*, age: float, ttl: float, skew: float) -> TokenRefused:
    """The issuer's advice when to fetch it again. When a list was fetched is not known: it counts from `iat`."""
    return stale(
        actual=f"the status list is {span(age)} old",
        expected=f"a list is used for its `ttl` of {duration(ttl)} from `iat` on{skew_text(skew)}",
    )


def too_old(*, age: float, most: float, skew: float) -> TokenRefused:
    """The policy's own limit."""
    return stale(actual=f"the status list is {span(age)} old", expected=f"at most {duration(most)}{skew_text(skew)}")


def index_out_of_range(*, entries: int) -> TokenRefused:
    """Token Status List, section 8.3: what is not on the list has no status."""
    return TokenRefused(
        "status.index_out_of_range",
        actual=f"the place that the token names is beyond the {entries} of the status list",
        expected="a place on the list",
    )


def revoked() -> TokenRefused:
    """Token Status List, section 7.1: 0x01, and for ever."""
    return TokenRefused(
        "status.revoked",
        actual="the status list says that the token is withdrawn",
        expected="a token whose status is valid",
    )


def suspended() -> TokenRefused:
    """Token Status List, section 7.1: 0x02, for now."""
    return TokenRefused(
        "status.suspended",
        actual="the status list says that the token is suspended",
        expected="a token whose status is valid",
    )


def unknown(*, value: int) -> TokenRefused:
    """Token Status List, section 7.1: other values are the application's; none of them is valid."""
    return TokenRefused(
        "status.unknown",
        actual=f"the status list gives the token the status {value}, which has no meaning here",
        expected="a token whose status is valid, 0",
    )
