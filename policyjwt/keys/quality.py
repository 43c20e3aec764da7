"""Faults of public keys, without raising. Input: the text of a JWKS or PEM file.

Output: (level, message) pairs.

For checks of policies that run on the pull requests of strangers: nothing of the text is quoted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from policyjwt.errors import KeyRefused
from policyjwt.tokens import jwk, pem
from policyjwt.tokens.key import Key
from policyjwt.tokens.keyset import faults

Level: TypeAlias = Literal["error", "warning", "note"]
Fault: TypeAlias = tuple[Level, str]


def jwks_faults(text: str | bytes) -> list[Fault]:
    """The faults of a JWKS file of public keys; one that has only notes loads."""
    return _faults(lambda: jwk.read_entries(text))


def pem_faults(data: bytes) -> list[Fault]:
    """The faults of a PEM file of public keys and certificates."""
    return _faults(lambda: pem.read_entries(data))


def _faults(read: Callable[[], tuple[jwk.Entry, ...]]) -> list[Fault]:
    try:
        entries = read()
    except KeyRefused as refused:
        return [("error", refused.message)]
    found: list[Fault] = []
    keys = tuple(entry for entry in entries if isinstance(entry, Key))
    foreign = [entry for entry in entries if isinstance(entry, jwk.Foreign)]
    refused_keys = [entry for entry in entries if isinstance(entry, KeyRefused)]
    found.extend(("error", refused.message) for refused in refused_keys)
    if keys or not refused_keys:
        found.extend(("error", fault.message) for fault in faults(keys, skipped=len(foreign)))
    if any(key.symmetric for key in keys):
        found.append(("error", "a shared secret in a file of public keys"))
    found.extend(("note", f"a key is passed over: {entry.why}") for entry in foreign)
    return list(dict.fromkeys(found))
