"""The catalogue of refusals by revocation lists: one function per code. No text quotes a certificate or a list.

Input: what was found, as counts and times. Output: a TokenRefused, to be raised by the caller.
"""

from __future__ import annotations

from policyjwt.errors import TokenRefused
from policyjwt.spans import duration, skew_text, span


def missing(*, actual: str) -> TokenRefused:
    """RFC 5280, section 6.3.3: without the list the status of the certificate can't be determined."""
    return TokenRefused(
        "crl.missing",
        actual=actual,
        expected="the snapshot holds the revocation list of each issuer that it must cover",
        help="put the list of that issuer into the file of `crl snapshot`; `cover` says how far up the path it counts",
    )


def bad_signature(*, actual: str) -> TokenRefused:
    """RFC 5280, section 6.3.3, (f) and (g)."""
    return TokenRefused(
        "crl.bad_signature",
        actual=actual,
        expected="a list that the issuer of the certificate signed, with a key that may sign lists",
    )


def unsupported(*, actual: str) -> TokenRefused:
    """RFC 5280, section 5.2: a list that is not understood in full must not decide."""
    return TokenRefused(
        "crl.unsupported",
        actual=actual,
        expected="a complete list about this certificate, without extensions that are not understood",
    )


def revoked(*, leaf: bool) -> TokenRefused:
    """RFC 5280, section 5.3.1: whatever the reason, on hold included, and whenever it was."""
    whose = "the certificate of the signer" if leaf else "the certificate of an authority above the signer"
    return TokenRefused(
        "crl.revoked",
        actual=f"{whose} is on the revocation list of its issuer",
        expected="a certificate that its issuer has not revoked",
    )


def rollback(*, actual: str) -> TokenRefused:
    """RFC 5280, section 5.2.3: numbers only grow; an older list forgets who was revoked since."""
    return TokenRefused(
        "crl.rollback",
        actual=actual,
        expected="lists at least as new as those that were held before",
        help="an issuer is taken out of a snapshot, or a list set back, only by starting the service anew",
    )


def not_yet_valid(*, ahead: float, skew: float) -> TokenRefused:
    """RFC 5280, section 5.1.2.4: a list from the future would stay fresh for too long."""
    return TokenRefused(
        "crl.not_yet_valid",
        actual=f"the revocation list was made {span(ahead)} from now",
        expected=f"a list is made before it is used{skew_text(skew)}",
    )


def no_next_update() -> TokenRefused:
    """RFC 5280, section 5.1.2.5: issuers must say when the next list comes."""
    return TokenRefused(
        "crl.no_next_update",
        actual="the revocation list does not say when the next one comes",
        expected="a list with nextUpdate",
        help="a policy can allow it: `without next update allowed because …`",
    )


def expired(*, late: float, skew: float) -> TokenRefused:
    """RFC 5280, section 6.3.3, (a): past nextUpdate another list is in force."""
    return TokenRefused(
        "crl.expired",
        actual=f"the next revocation list was due {span(late)} ago",
        expected=f"a list is used until its nextUpdate{skew_text(skew)}",
        help="refresh the file of `crl snapshot` and reload",
    )


def stale(*, age: float, most: float, skew: float) -> TokenRefused:
    """The policy's own limit: the age of the list is the latency of revocation."""
    return TokenRefused(
        "crl.stale",
        actual=f"the revocation list is {span(age)} old",
        expected=f"at most {duration(most)}{skew_text(skew)}",
        help="refresh the file of `crl snapshot` and reload",
    )
