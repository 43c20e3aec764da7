"""Checks of the header. Input: a decoded header. Output: nothing, or TokenRefused (`header.…`, `token.kind`).

RFC 7515, section 4; RFC 8725, section 3. Unknown members that nobody calls critical are ignored (RFC 7515,
section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policyjwt.errors import TokenRefused
from policyjwt.tokens import messages
from policyjwt.tokens.algorithms import ALGORITHMS

_HARMLESS: Final = frozenset({"alg", "typ", "kid"})
_ONLY_IN_ENCRYPTION: Final = frozenset({"enc", "epk", "apu", "apv", "p2s", "p2c", "iv", "tag"})
_CHANGES_DECODING: Final = _ONLY_IN_ENCRYPTION | {"b64"}
_EMBEDDED_KEYS: Final = ("jwk", "jku", "x5u")
REPLICABLE: Final = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti")


def check_decoding(header: Mapping[str, object]) -> None:
    """Refuses a header by which the rest of the token would be read otherwise. `decode` asks before it reads on."""
    if _CHANGES_DECODING.isdisjoint(header):
        return
    if "b64" in header:  # RFC 7797, section 7
        raise messages.b64()
    # CVE-2022-3102, CVE-2023-51774: the header says encrypted, the form says signed.
    raise messages.kind(actual="the header is that of an encrypted token")


def check(
    header: Mapping[str, object],
    *,
    x5c_allowed: bool = False,
    understood: str | None = None,
    claims: Mapping[str, object] | None = None,
) -> None:
    """Refuses what must not be in a header. `claims` are those of the same token, to compare what both hold.

    `understood` is the one extension that `crit` may name. `alg` is judged by `check_algorithm`, `typ` by the policy's
    type.
    """
    if type(header.get("kid", "")) is not str:
        raise messages.kid()
    if header.keys() <= _HARMLESS:
        return
    check_decoding(header)  # 1. again, for a header that `decode` did not make
    # 2. CVE-2025-59420, CVE-2026-32597
    if "crit" in header and not _is_understood(header, understood):  # check: J4
        raise _crit(header["crit"])
    if "zip" in header:  # 3. RFC 7516, section 4.1.3
        raise messages.zipped()
    for name in _EMBEDDED_KEYS:  # 4. RFC 8725, section 3.10; CVE-2018-0114
        if name in header:
            raise messages.embedded_key(name=name)
    if "x5c" in header and not x5c_allowed:  # 5. only under `keys x5c`
        raise messages.x5c_not_allowed()
    if "cty" in header:  # 6. RFC 7519, section 5.2
        raise messages.cty()
    if claims is not None:  # 7. RFC 7519, section 5.3
        for name in REPLICABLE:
            if name in header and name in claims and not same_value(header[name], claims[name]):
                raise messages.claim_mismatch(name=name)


def check_algorithm(header: Mapping[str, object], allowed: frozenset[str]) -> str:
    """The algorithm, if it is one of `allowed`. RFC 8725, section 3.1; CVE-2015-9235, CVE-2026-23993."""
    alg = header.get("alg")
    if type(alg) is not str or alg not in allowed:  # check: J3
        names = ", ".join(name for name in ALGORITHMS if name in allowed)
        raise messages.algorithm_refused(actual=_alg_found(header), allowed=names or "none that is known")
    return alg


def _alg_found(header: Mapping[str, object]) -> str:
    if "alg" not in header:
        return "`alg` is absent"
    alg = header["alg"]
    return f"`alg` is {messages.shown(alg)}" if isinstance(alg, str) else "`alg` is no string"


def _is_understood(header: Mapping[str, object], understood: str | None) -> bool:
    """RFC 7515, section 4.1.11: a list of extensions, each there, none twice; here of the one that is understood."""
    return understood is not None and header["crit"] == [understood] and understood in header


def _crit(crit: object) -> TokenRefused:
    if not isinstance(crit, list) or not all(isinstance(name, str) for name in crit):
        return messages.crit(actual="`crit` is no list of names")
    if not crit:
        return messages.crit(actual="`crit` is empty")
    if "b64" in crit:
        return messages.crit(actual="`crit` names `b64`, an encoding that JWTs do not have")
    names = "1 extension" if len(crit) == 1 else f"{len(crit)} names"
    return messages.crit(actual=f"`crit` demands {names} that nothing here understands")


def same_value(one: object, other: object) -> bool:
    """Equal in type and value: `True` is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same_value(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other
