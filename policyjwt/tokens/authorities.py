"""Authorities that are known. Input: a path that was valid. Output: Authorities, which the next leaf may lean on.

RFC 5280, section 6.1: where no authority constrains names, a path hands down to its last certificate a name, a key and
times, and nothing else. Name and key are mathematics and stay; times are judged at each use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from cryptography.x509.verification import Store

from policyjwt.tokens.anchors import Anchors
from policyjwt.tokens.certificate_facts import extension

_SHORTEST: Final = 3
"""Leaf, issuer, anchor. Straight below an anchor there is one signature, and it is the leaf's."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Authorities:
    """What stood above a leaf: `chain` from its issuer to the anchor, `store` the issuer alone.

    `read` are those that came in `x5c`, by their DER: they have been read already.
    """

    chain: tuple[Certificate, ...]
    not_before: float
    not_after: float
    store: Store
    read: Mapping[bytes, Certificate]

    def stand_above(self, certificates: Sequence[Certificate], anchors: Anchors, *, now: float) -> bool:
        """Whether `x5c` holds these above its leaf and none else, up to one of `anchors`, all within their times."""
        above = tuple(certificates[1:])
        return (
            above in (self.chain[:-1], self.chain)
            and self.chain[-1] in anchors.certificates
            and self.not_before <= now <= self.not_after
        )


def authorities_of(chain: Sequence[Certificate]) -> Authorities | None:
    """Those of a valid path, leaf first. None where there is nothing to gain, or where every name is to be judged.

    An authority that constrains names is never known: what it allows depends on each leaf.
    """
    if len(chain) < _SHORTEST:
        return None
    above = tuple(chain[1:])
    if any(extension(each, x509.NameConstraints) is not None for each in above):  # check: P7
        return None
    return Authorities(
        chain=above,
        not_before=max(each.not_valid_before_utc.timestamp() for each in above),
        not_after=min(each.not_valid_after_utc.timestamp() for each in above),
        store=Store([above[0]]),
        read={each.public_bytes(Encoding.DER): each for each in above[:-1]},
    )
