"""The claim `cnf`. Input: its value in a verified token. Output: the thumbprint by the method that the policy demands.

TokenRefused `holder.missing`, `holder.unsupported`. RFC 7800, section 3.1.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from policyjwt.evidence import holder_messages as say

Method: TypeAlias = Literal["jkt", "x5t#S256"]
"""RFC 9449, section 6.1; RFC 8705, section 3.1."""

_METHODS: Final = frozenset({"jwk", "jwe", "jku", "x5t#S256", "osc", "jkt"})
"""Members by which the registry of RFC 7800 lets `cnf` name a key. `kid` is a name beside one of them."""


def confirmed(confirmation: object, method: Method) -> str:
    """The thumbprint that `cnf` names by `method`. Members that are not understood are ignored and confirm nothing.

    A second way to name a key refuses: RFC 7800 has one key in a token, and only one of two would be proved.
    """
    if not isinstance(confirmation, Mapping) or not confirmation:  # check: M3
        raise say.missing(method=method)
    ways = _METHODS & confirmation.keys()
    if ways != {method}:  # check: M6
        raise say.unsupported(method=method, count=len(ways))
    value = confirmation[method]
    if not isinstance(value, str) or not value:  # check: M3
        raise say.missing(method=method)
    return value


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
