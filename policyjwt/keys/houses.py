"""Whether two hosts belong to one house. Input: two host names. Output: yes or no.

Near enough to notice keys that lie elsewhere; it is no proof: the list of public suffixes is longer than any
program's.
"""

from __future__ import annotations

from typing import Final

_PUBLISH_EACH_OTHER: Final = (
    frozenset({"accounts.google.com", "www.googleapis.com"}),
    frozenset({"sts.windows.net", "login.windows.net", "login.microsoftonline.com"}),
)
"""Hosts that publish each other's keys, as their discovery documents say."""

_SECOND_LEVEL: Final = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "mil", "ne", "net", "or", "org"}
)
"""Second labels below a country under which strangers register: `co.uk`, `com.au`."""


def same_house(one: str, other: str) -> bool:
    """Whether `one` and `other` are the same host, or of one domain, or known to publish each other's keys."""
    one, other = one.lower().removesuffix("."), other.lower().removesuffix(".")
    if one == other:
        return True
    if any({one, other} <= house for house in _PUBLISH_EACH_OTHER):
        return True
    ours = _domain(one)
    return ours is not None and ours == _domain(other)


def _domain(host: str) -> str | None:
    """The part that one party registers, as far as its form tells; None for addresses and single labels."""
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit() or "" in labels:
        return None
    shared = len(labels) > 1 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    length = 3 if shared else 2
    return ".".join(labels[-length:]) if len(labels) >= length else None
