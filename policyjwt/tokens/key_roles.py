"""Keys that must not vouch for anything, because they decrypt. RFC 8725, section 3.5.

Input: certificates. Output: yes or no.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Roles:
    """Keys that have another role here: the material of those that decrypt. `reused` says of a record that one did."""

    decrypting: frozenset[str] = frozenset()
    reused: bool = False

    def forbid(self, certificates: Iterable[Certificate]) -> bool:
        """Whether any of these has such a key."""
        if self.reused or not self.decrypting:
            return self.reused
        from policyjwt.tokens.certificate_facts import key_material  # heavy, and only where something decrypts

        return any(key_material(certificate) in self.decrypting for certificate in certificates)
