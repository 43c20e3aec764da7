"""Who a leaf belongs to. Input: kind and values of a policy. Output: LeafBinding, or KeyRefused.

RFC 5280, sections 4.1.2.6 and 4.2.1.6; RFC 4514; RFC 7638.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from cryptography.x509 import Certificate, Name

from policyjwt.tokens import certificate_facts, x5c_messages
from policyjwt.tokens.key import Key

BindingKind: TypeAlias = Literal["san uri", "san dns", "dn", "key sha256", "any"]
_KIND_WORDS: Final = {
    "san uri": "URI (subject alternative name)",
    "san dns": "DNS name (subject alternative name)",
    "dn": "distinguished name",
    "key sha256": "key",
}


@dataclass(frozen=True, slots=True)
class LeafBinding:
    """Which certificate, of all that the anchors stand for, is the signer's. Compared whole, and with case.

    `values` of `key sha256` are RFC 7638 thumbprints in base64url; those of `dn` are RFC 4514 names, parsed by `make`.
    """

    kind: BindingKind
    values: frozenset[str]
    _names: frozenset[Name] = field(default=frozenset(), repr=False)

    @classmethod
    def make(cls, kind: BindingKind, values: frozenset[str]) -> LeafBinding:
        """A binding that is ready for use. KeyRefused `key.malformed` for a name that is none."""
        names = frozenset(_parsed_name(value) for value in values) if kind == "dn" else frozenset()
        return cls(kind, frozenset(values), names)

    @property
    def words(self) -> str:
        """What is compared, for a message."""
        return _KIND_WORDS.get(self.kind, "name")

    def fits(self, leaf: Certificate, key: Key) -> bool:
        """Whether the leaf is one that the policy named. What is not known here fits nothing."""
        match self.kind:
            case "san uri":
                return not self.values.isdisjoint(certificate_facts.uris(leaf))
            case "san dns":
                return not self.values.isdisjoint(certificate_facts.dns_names(leaf))
            case "dn":
                return leaf.subject in self._names
            case "key sha256":
                return key.thumbprint in self.values
        return self.kind == "any"


def _parsed_name(text: str) -> Name:
    try:
        name = Name.from_rfc4514_string(text)
    except Exception:  # noqa: BLE001 - fail-closed border: ValueError and others by what is wrong
        raise x5c_messages.leaf_name_malformed("a text that is no distinguished name") from None
    if not list(name):
        raise x5c_messages.leaf_name_malformed("an empty distinguished name, which names nobody")
    return name
