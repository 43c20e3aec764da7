"""The tables of encryption algorithms, as data. What is not in them does not exist here.

RFC 7518, sections 4.1 and 5.1, without RSA1_5 (RFC 7516, section 11.5: an oracle for whoever can ask often) and
without PBES2, whose count of iterations the sender chooses (CVE-2022-36083). Names match exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from policyjwt.tokens.limits import MAX_TOKEN_CHARACTERS

DecryptionKind: TypeAlias = Literal["RSA", "EC", "OKP", "oct"]
Mode: TypeAlias = Literal["oaep", "agreement", "wrap", "gcm-wrap", "direct"]

MAX_PLAINTEXT_BYTES: Final = MAX_TOKEN_CHARACTERS
"""What a compressed plaintext may grow to: inside is a token, and a longer one is refused anyway."""

MAX_PARTY_BYTES: Final = 1024
"""`apu` and `apv`, decoded: they name parties, and are hashed for each token."""

GCM_WRAP_IV_BYTES: Final = 12
GCM_WRAP_TAG_BYTES: Final = 16
"""RFC 7518, section 4.7.1."""

WRAP_OVERHEAD: Final = 8
"""RFC 3394: a wrapped key is this much longer than the key."""

CURVES: Final[Mapping[str, int]] = MappingProxyType({"P-256": 32, "P-384": 48, "P-521": 66, "X25519": 32})
"""Of key agreement: by the name in JWKs, the bytes of a coordinate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyManagement:
    """One row. `kind` is that of the key ("EC" stands for X25519 too), `secret_bytes` the length of a shared one.

    `mode` says how the content key is found; `operations` are the `key_ops` of which a JWK must allow one.
    """

    name: str
    kind: Literal["RSA", "EC", "oct"]
    mode: Mode
    secret_bytes: int | None = None
    operations: frozenset[str]

    @property
    def direct(self) -> bool:
        """Whether there is no encrypted key: the content key is agreed upon, or shared (RFC 7516, section 2)."""
        return self.name in ("dir", "ECDH-ES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One row: how long key, initialization vector and tag are."""

    name: str
    key_bytes: int
    iv_bytes: int
    tag_bytes: int


_DECRYPT: Final = frozenset({"decrypt"})
_UNWRAP: Final = frozenset({"unwrapKey"})
_OAEP: Final = _DECRYPT | _UNWRAP  # RFC 7517, section 4.3 means the second; many libraries write the first
_AGREE: Final = frozenset({"deriveKey", "deriveBits"})

_MANAGEMENT: Final = (
    KeyManagement(name="RSA-OAEP", kind="RSA", mode="oaep", operations=_OAEP),
    KeyManagement(name="RSA-OAEP-256", kind="RSA", mode="oaep", operations=_OAEP),
    KeyManagement(name="ECDH-ES", kind="EC", mode="agreement", operations=_AGREE),
    *(KeyManagement(name=f"ECDH-ES+A{n}KW", kind="EC", mode="agreement", operations=_AGREE) for n in (128, 192, 256)),
    *(
        KeyManagement(name=f"A{n}KW", kind="oct", mode="wrap", secret_bytes=n // 8, operations=_UNWRAP)
        for n in (128, 192, 256)
    ),
    *(
        KeyManagement(name=f"A{n}GCMKW", kind="oct", mode="gcm-wrap", secret_bytes=n // 8, operations=_UNWRAP)
        for n in (128, 192, 256)
    ),
    KeyManagement(name="dir", kind="oct", mode="direct", operations=_DECRYPT),
)

KEY_MANAGEMENT: Final[Mapping[str, KeyManagement]] = MappingProxyType({row.name: row for row in _MANAGEMENT})
"""By name, in the order of the documentation."""

CONTENT: Final[Mapping[str, Content]] = MappingProxyType(
    {
        **{
            f"A{n}GCM": Content(name=f"A{n}GCM", key_bytes=n // 8, iv_bytes=12, tag_bytes=16)  # RFC 7518, section 5.3
            for n in (128, 192, 256)
        },
        **{
            f"A{n}CBC-HS{2 * n}": Content(
                name=f"A{n}CBC-HS{2 * n}", key_bytes=n // 4, iv_bytes=16, tag_bytes=n // 8
            )  # RFC 7518, section 5.2
            for n in (128, 192, 256)
        },
    }
)
"""By name, in the order of the documentation."""

SECRET_BYTES: Final = frozenset(
    {row.secret_bytes for row in _MANAGEMENT if row.secret_bytes} | {row.key_bytes for row in CONTENT.values()}
)
"""The lengths that a shared key may have: 16, 24, 32, 48 and 64."""


def fitting(kind: DecryptionKind, *, secret_bytes: int | None = None) -> frozenset[str]:
    """The key management for such a key."""
    wanted = "EC" if kind == "OKP" else kind
    return frozenset(row.name for row in _MANAGEMENT if row.kind == wanted and row.secret_bytes in (None, secret_bytes))


def contents_of(secret_bytes: int) -> frozenset[str]:
    """The content encryption for which a shared key of this length is the content key (`dir`)."""
    return frozenset(row.name for row in CONTENT.values() if row.key_bytes == secret_bytes)


def algorithm_list(names: Collection[str]) -> frozenset[str]:
    """Names of key management as a set. ValueError for none or one outside the table, TypeError for no names."""
    return _listed(names, KEY_MANAGEMENT, "algorithms", "['RSA-OAEP-256']")


def content_list(names: Collection[str]) -> frozenset[str]:
    """The same for content encryption."""
    return _listed(names, CONTENT, "content", "['A256GCM']")


def _listed(names: Collection[str], table: Mapping[str, object], what: str, example: str) -> frozenset[str]:
    try:
        if not isinstance(names, str | bytes):
            found = frozenset(names)
            if all(isinstance(name, str) for name in found):
                return _known(found, what, frozenset(table))
    except TypeError:  # not iterable, or not hashable
        pass
    raise TypeError(f"{what} is a collection of names, such as {example}")


@lru_cache(maxsize=64)  # a service asks with the same few lists for each token
def _known(names: frozenset[str], what: str, table: frozenset[str]) -> frozenset[str]:
    unknown = sorted(names - table)
    if unknown:
        raise ValueError(f"no such encryption algorithm in {what}: {', '.join(map(repr, unknown))}")
    if not names:
        raise ValueError(f"{what} names at least one algorithm")
    return names
