"""OAuth Token Status List. Input: claims, lists from the caller, keys, the moment. Output: until when a token is valid.

TokenRefused `status.…` where it is not, or where nobody knows. draft-ietf-oauth-status-list, sections 4, 5.1, 6.2, 8.3.
The list is about the token, never about the signer's key.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

from policyjwt.errors import TokenRefused
from policyjwt.evidence import status_messages as say
from policyjwt.tokens import base64url, headers
from policyjwt.tokens.algorithms import ASYMMETRIC
from policyjwt.tokens.decode import UnverifiedToken, decode
from policyjwt.tokens.limits import MAX_STATUS_LIST_CHARACTERS
from policyjwt.tokens.signature import check_signature, kid_of

if TYPE_CHECKING:
    from policyjwt.tokens.keyset import KeySet

MAX_INFLATED_BYTES: Final = 4 * 1024 * 1024
"""Places for 33 million tokens of one bit. A small stream inflates to a thousand times its size."""

MAX_LISTS: Final = 16
"""Lists that are looked at for one token, and verified lists that are kept."""

MAX_CLAIMS: Final = 2 * MAX_LISTS
"""Texts of which the claimed `sub` is kept: all that a caller hands over, and all that come in their place."""

_TYPE: Final = "statuslist+jwt"
_VALID, _INVALID, _SUSPENDED = 0x00, 0x01, 0x02

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusDemand:
    """What a policy demands. `uri` is the one list that tokens may name, `max_age` the latency of a withdrawal."""

    uri: str
    max_age: float
    skew: float = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StatusList:
    """A list whose signature has verified. `issuer` is its own word, `data` the inflated bytes."""

    issuer: str | None
    issued_at: float
    expires_at: float | None
    not_before: float | None
    ttl: float | None
    bits: int
    data: bytes

    def __repr__(self) -> str:
        return "<StatusList>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StatusLists:
    """What is known of texts that the caller handed over, by the text itself. Thread-safe.

    The `sub` that a text claims is a lookup key and nothing more. A list is kept with the keys that verified it,
    whichever issuer's token asked; only what verified gets in, so that nothing else can push one out.
    """

    _claimed: dict[str, str | None] = field(default_factory=dict)
    _verified: dict[tuple[str, KeySet], StatusList] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def claimed_uri(self, text: str) -> str | None:
        """Its `sub`, None where that is no text. TokenRefused `status.list_invalid` for what is no token."""
        with self._lock:
            if text in self._claimed:
                return self._claimed[text]
        sub = _apart(text).claims.get("sub")
        uri = sub if isinstance(sub, str) else None
        self._keep(self._claimed, text, uri, most=MAX_CLAIMS)
        return uri

    def verified(self, text: str, keys: KeySet) -> StatusList:
        """The list of exactly this text, verified with exactly these keys. TokenRefused as `verify_list`."""
        with self._lock:
            found = self._verified.get((text, keys))
        if found is None:
            found = verify_list(text, keys)
            self._keep(self._verified, (text, keys), found, most=MAX_LISTS)
        return found

    def _keep(self, memory: dict[_Key, _Value], key: _Key, value: _Value, *, most: int) -> None:
        """The oldest one makes room."""
        with self._lock:
            memory.pop(key, None)  # another thread may have been first
            while len(memory) >= most:
                del memory[next(iter(memory))]
            memory[key] = value

    def __repr__(self) -> str:
        return f"<StatusLists of {len(self._verified)}>"


# --- where the token stands -------------------------------------------------------------------------------


def reference(claims: Mapping[str, object], demand: StatusDemand) -> tuple[str, int]:
    """The list and the place on it that a verified token names: (uri, idx).

    TokenRefused `status.missing`, `status.bad_reference`. Types are exact: 1.0 and true are no places.
    """
    status = claims.get("status")
    if status is None:  # check: T1
        raise say.missing(actual="the token has no `status`")
    if not isinstance(status, Mapping):  # check: T1
        raise say.bad_reference(actual="`status` is no object")
    place = status.get("status_list")
    if place is None:  # check: T1
        raise say.missing(actual="`status` of the token names no status list")
    if not isinstance(place, Mapping):  # check: T1
        raise say.bad_reference(actual="`status_list` is no object")
    index, uri = place.get("idx"), place.get("uri")
    if not (type(index) is int and index >= 0):  # check: T1
        raise say.bad_reference(actual="`idx` is absent, or no integer from 0 on")
    if uri != demand.uri:  # check: T1
        raise say.bad_reference(actual="`uri` is absent, or not the list that the policy names")
    return demand.uri, index


# --- a list, verified -------------------------------------------------------------------------------------


def find_list(texts: Sequence[str], uri: str, remembered: StatusLists, keys: KeySet, *, issuer: str) -> StatusList:
    """The verified list for `uri`, by the issuer of the token, among those that the caller gave.

    Lists for other tokens may be among them, but each must be a token, and only one may be for `uri`: which of two
    counts must not depend on their order. A text that claims another `uri` is never verified. No text is read again.
    TokenRefused `status.list_missing`, `list_invalid`, `malformed`, `wrong_list`.
    """
    if not all(type(text) is str for text in texts):
        raise TypeError("a status list is a `str`")
    if not texts:  # check: T3
        raise say.list_missing()
    if len(texts) > MAX_LISTS:  # check: T2
        raise say.list_invalid(actual=f"{len(texts)} were given", expected=f"at most {MAX_LISTS}")
    claimed = {text: remembered.claimed_uri(text) for text in texts}
    matching = [text for text, sub in claimed.items() if sub == uri]
    if not matching:  # check: T3
        raise say.wrong_list(count=len(texts))
    if len(matching) > 1:  # check: T2
        raise say.list_invalid(actual=f"{len(matching)} were given for one `uri`", expected="one list for each `uri`")
    found = remembered.verified(matching[0], keys)
    if found.issuer is not None and found.issuer != issuer:  # check: T2
        raise say.list_invalid(actual="`iss` is not the issuer of the token", expected="one issuer of token and list")
    return found


def verify_list(text: str, keys: KeySet) -> StatusList:
    """A status list JWT, verified with `keys` by an asymmetric algorithm. For which `uri` it is, is not asked here.

    TokenRefused `status.list_invalid`, `status.malformed`. Nothing of it gets into the memory of headers.
    """
    token = _apart(text)
    if not _is_status_list(token.header.get("typ")):  # check: T2
        raise say.list_invalid(actual=f"`typ` is absent, or not `{_TYPE}`", expected=f"`typ` is `{_TYPE}`")
    try:
        headers.check(token.header, claims=token.claims)  # check: T2
        alg = headers.check_algorithm(token.header, ASYMMETRIC)  # check: T2
        check_signature(token, keys.select(kid_of(token.header), alg), alg)  # check: T2
    except TokenRefused as refused:
        raise say.list_invalid(actual=refused.actual, expected=refused.expected) from None
    return _read(token.claims)


def _apart(text: str) -> UnverifiedToken:
    try:
        return decode(text, limit=MAX_STATUS_LIST_CHARACTERS)
    except TokenRefused as refused:
        raise say.list_invalid(actual=refused.actual, expected=refused.expected) from None


def _is_status_list(typ: object) -> bool:
    """RFC 7515, section 4.1.9: media types compare without case, and `application/` may be left out."""
    return isinstance(typ, str) and typ.isascii() and typ.lower().removeprefix("application/") == _TYPE


def _read(claims: Mapping[str, object]) -> StatusList:
    """Token Status List, section 5.1, of claims that are verified."""
    issuer = claims.get("iss")
    if "iss" in claims and not isinstance(issuer, str):  # check: T2
        raise say.list_invalid(actual="`iss` is no string", expected="`iss`, where present, is the issuer of the token")
    if "aud" in claims:  # check: T2
        # RFC 7519, section 4.1.3: who is not among the audience must not use it, and a list's reader has no name.
        raise say.list_invalid(actual="it has `aud`", expected="a list for whoever reads it")
    times = {name: _number(claims, name) for name in ("iat", "exp", "nbf", "ttl") if name in claims}
    if "iat" not in times:  # check: T2
        raise say.list_invalid(actual="`iat` is absent", expected="`iat`, from which its age counts")
    if "ttl" in times and not times["ttl"] > 0:  # check: T2
        raise say.list_invalid(actual="`ttl` is not positive", expected="`ttl`, where present, is positive")
    bits, data = _entries(claims.get("status_list"))
    return StatusList(
        issuer=issuer if isinstance(issuer, str) else None,
        issued_at=times["iat"],
        expires_at=times.get("exp"),
        not_before=times.get("nbf"),
        ttl=times.get("ttl"),
        bits=bits,
        data=data,
    )


def _number(claims: Mapping[str, object], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):  # check: T2
        raise say.list_invalid(actual=f"`{name}` is no number", expected="times in seconds")
    return float(value)


def _entries(listed: object) -> tuple[int, bytes]:
    """Token Status List, section 4.2: bits for each token, and the bytes."""
    if not isinstance(listed, Mapping):  # check: T5
        raise say.malformed(actual="`status_list` is absent, or no object")
    bits, lst = listed.get("bits"), listed.get("lst")
    if type(bits) is not int or bits not in (1, 2, 4, 8):  # check: T5
        raise say.malformed(actual="`bits` is none of 1, 2, 4, 8")
    if not isinstance(lst, str):  # check: T5
        raise say.malformed(actual="`lst` is absent, or no string")
    try:
        compressed = base64url.decode(lst)
    except ValueError as fault:
        raise say.malformed(actual=f"`lst` {fault}") from None
    return bits, _inflated(compressed)


def _inflated(compressed: bytes) -> bytes:
    """One zlib stream (RFC 1950), whole and alone. Never more memory than the limit, whatever it would inflate to."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, MAX_INFLATED_BYTES + 1)
    except zlib.error:
        raise say.malformed(actual="`lst` is no zlib stream") from None
    if len(data) > MAX_INFLATED_BYTES:  # check: T5
        raise say.malformed(actual=f"`lst` inflates to more than {MAX_INFLATED_BYTES} bytes")
    if not stream.eof:  # check: T5
        raise say.malformed(actual="the zlib stream of `lst` is cut short")
    if stream.unused_data:  # check: T5
        raise say.malformed(actual="something follows the zlib stream of `lst`")
    return data


# --- what it says of the token ----------------------------------------------------------------------------


def judge_status(found: StatusList, index: int, demand: StatusDemand, *, now: float) -> float:
    """The instant at which "valid" turns.

    TokenRefused `status.index_out_of_range`, `revoked`, `not_yet_valid`, `stale`, `suspended`, `unknown`. Withdrawn
    is for ever, and so told even by a list that is too old for anything else.
    """
    entries = len(found.data) * 8 // found.bits
    if not 0 <= index < entries:  # check: T6
        raise say.index_out_of_range(entries=entries)
    value = _value(found, index)
    if value == _INVALID:  # check: T7
        raise say.revoked()
    until = _fresh_until(found, demand, now=now)
    if value == _SUSPENDED:  # check: T7
        raise say.suspended()
    if value != _VALID:  # check: T7
        raise say.unknown(value=value)
    return until


def _value(found: StatusList, index: int) -> int:
    """Token Status List, section 4.1: the first token has the lowest bits of the first byte."""
    byte, place = divmod(index * found.bits, 8)
    return found.data[byte] >> place & (1 << found.bits) - 1


def _fresh_until(found: StatusList, demand: StatusDemand, *, now: float) -> float:
    """Each comparison is written so that no number at all, a NaN, refuses."""
    skew, begins, age = demand.skew, found.issued_at, now - found.issued_at
    if not begins <= now + skew:  # check: T4
        raise say.not_yet_valid(ahead=-age, name="iat", skew=skew)
    if found.not_before is not None and not found.not_before <= now + skew:  # check: T4
        raise say.not_yet_valid(ahead=found.not_before - now, name="nbf", skew=skew)
    if found.expires_at is not None and not now < found.expires_at + skew:  # check: T4
        raise say.expired(late=now - found.expires_at, skew=skew)
    if found.ttl is not None and not age <= found.ttl + skew:  # check: T4
        raise say.past_ttl(age=age, ttl=found.ttl, skew=skew)
    if not age <= demand.max_age + skew:  # check: T4
        raise say.too_old(age=age, most=demand.max_age, skew=skew)
    ends = [begins + demand.max_age]
    ends += [begins + found.ttl] if found.ttl is not None else []
    ends += [found.expires_at] if found.expires_at is not None else []
    return min(ends) + skew
