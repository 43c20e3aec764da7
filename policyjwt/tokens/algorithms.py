"""The table of signature algorithms, as data. What is not in it does not exist here; `none` is not in it.

RFC 7518, section 3.1; RFC 8037; RFC 9864. Names match exactly: EdDSA and Ed25519 are two names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["HMAC", "RSA", "EC", "OKP"]
Padding: TypeAlias = Literal["PKCS1v15", "PSS"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One row. `hash` is hashlib's name ("" where the algorithm fixes it), `hash_bytes` its length."""

    name: str
    kind: Kind
    hash: str = ""
    hash_bytes: int = 0
    curves: tuple[str, ...] = ()
    padding: Padding | None = None

    @property
    def symmetric(self) -> bool:
        """Whether whoever verifies can also sign."""
        return self.kind == "HMAC"

    @property
    def curve(self) -> str | None:
        """The one curve, None where there is none or a choice."""
        return self.curves[0] if len(self.curves) == 1 else None


_HASHES = (("256", "sha256", 32), ("384", "sha384", 48), ("512", "sha512", 64))
_EC_CURVES = {"256": "P-256", "384": "P-384", "512": "P-521"}

_ROWS = (
    *(Algorithm(name=f"HS{n}", kind="HMAC", hash=h, hash_bytes=b) for n, h, b in _HASHES),
    *(Algorithm(name=f"RS{n}", kind="RSA", hash=h, hash_bytes=b, padding="PKCS1v15") for n, h, b in _HASHES),
    *(Algorithm(name=f"PS{n}", kind="RSA", hash=h, hash_bytes=b, padding="PSS") for n, h, b in _HASHES),
    *(Algorithm(name=f"ES{n}", kind="EC", hash=h, hash_bytes=b, curves=(_EC_CURVES[n],)) for n, h, b in _HASHES),
    Algorithm(name="EdDSA", kind="OKP", curves=("Ed25519", "Ed448")),
    Algorithm(name="Ed25519", kind="OKP", curves=("Ed25519",)),
    Algorithm(name="Ed448", kind="OKP", curves=("Ed448",)),
)

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType({row.name: row for row in _ROWS})
"""By name, in the order of the documentation."""

ASYMMETRIC: Final = frozenset(row.name for row in _ROWS if not row.symmetric)
"""The names of those with which only one party can sign."""


def fitting(*, kind: Kind, curve: str | None = None, secret_bytes: int = 0) -> frozenset[str]:
    """The algorithms for such a key; a secret serves hashes not longer than itself (RFC 7518, 3.2)."""
    return frozenset(
        row.name
        for row in _ROWS
        if row.kind == kind
        and (not row.curves or curve in row.curves)
        and (not row.symmetric or row.hash_bytes <= secret_bytes)
    )


def allow_list(names: Collection[str]) -> frozenset[str]:
    """`names` as a set.

    ValueError for a name outside the table, an empty list, or symmetric with asymmetric.
    """
    try:
        if not isinstance(names, str | bytes):
            return _allowed(frozenset(names))
    except TypeError:  # not iterable, or not names
        pass
    raise TypeError("algorithms is a collection of names, such as ['ES256']")


@lru_cache(maxsize=64)  # a service asks with the same few lists for each token
def _allowed(names: frozenset[str]) -> frozenset[str]:
    if not all(isinstance(name, str) for name in names):
        raise TypeError
    unknown = sorted(names - ALGORITHMS.keys())
    if unknown:
        raise ValueError(f"no such signature algorithm: {', '.join(map(repr, unknown))}")
    if not names:
        raise ValueError("algorithms names at least one algorithm")
    if len({ALGORITHMS[name].symmetric for name in names}) > 1:
        # CVE-2016-10555: with both allowed, a public key may become a shared secret.
        raise ValueError("symmetric and asymmetric algorithms are never allowed together")
    return names
