"""What rules may read of a certificate. Input: a validated path, leaf first. Output: the members of `certificate`.

RFC 5280, sections 4.1.2 and 4.2.1. A member that the certificate does not have, or has twice where one is
meant, is absent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, CertificatePolicies, ExtensionType, Name, ObjectIdentifier
from cryptography.x509.oid import ExtensionOID, NameOID

from policyjwt.errors import KeyRefused
from policyjwt.tokens import base64url
from policyjwt.tokens.key import from_public_key

_ANY_POLICY: Final = "2.5.29.32.0"
_Extension = TypeVar("_Extension", bound="ExtensionType")


def key_material(certificate: Certificate) -> str | None:
    """The `material_id` of its key; None for a kind of key that nothing here verifies with."""
    try:
        return from_public_key(certificate.public_key()).material_id
    except (KeyRefused, ValueError, UnsupportedAlgorithm):
        return None


def facts(path: Sequence[Certificate]) -> Mapping[str, object]:
    """The members of `certificate`, nested as their names are: `subject.cn`, `san.uri`, `serial`."""
    leaf = path[0]
    return MappingProxyType(
        {
            "subject": _only(leaf.subject, "cn", NameOID.COMMON_NAME)
            | {
                "o": _values(leaf.subject, NameOID.ORGANIZATION_NAME),
                "organization_id": _values(leaf.subject, NameOID.ORGANIZATION_IDENTIFIER),
            },
            "issuer": _only(leaf.issuer, "cn", NameOID.COMMON_NAME),
            "san": {"uri": uris(leaf), "dns": dns_names(leaf)},
            "policies": policies(path),
            "serial": f"{leaf.serial_number:x}",
            "thumbprint": thumbprint(leaf),
        }
    )


def extension(certificate: Certificate, kind: type[_Extension]) -> _Extension | None:
    """The extension of this class, None where there is none."""
    for each in certificate.extensions:
        if type(each.value) is kind:  # isinstance asks the abstract base each time, and there are no subclasses
            return each.value
    return None


def uris(certificate: Certificate) -> list[str]:
    """The URIs of the subject alternative name, as they stand."""
    names = extension(certificate, x509.SubjectAlternativeName)
    return names.get_values_for_type(x509.UniformResourceIdentifier) if names else []


def dns_names(certificate: Certificate) -> list[str]:
    """The DNS names of the subject alternative name, as they stand."""
    names = extension(certificate, x509.SubjectAlternativeName)
    return names.get_values_for_type(x509.DNSName) if names else []


def thumbprint(certificate: Certificate) -> str:
    """As `x5t#S256` has it (RFC 7515, section 4.1.8)."""
    return base64url.encode(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())


def policies(path: Sequence[Certificate]) -> list[str]:
    """The policies of the leaf that each authority below the anchor may give (RFC 5280, section 6.1.3, d).

    An authority that is not allowed a policy can still write it into what it issues. Where one maps policies
    or restricts them in ways that are not followed here, none is left.
    """
    leaf, *authorities = path[:-1]
    asserted = _asserted(leaf)
    for authority in authorities:
        allowed = frozenset() if _maps_policies(authority) else frozenset(_asserted(authority))
        if _ANY_POLICY not in allowed:
            asserted = [policy for policy in asserted if policy in allowed]
    return asserted


def _asserted(certificate: Certificate) -> list[str]:
    found = extension(certificate, CertificatePolicies)
    return [policy.policy_identifier.dotted_string for policy in found or ()]


def _maps_policies(certificate: Certificate) -> bool:
    ours = {ExtensionOID.POLICY_MAPPINGS, ExtensionOID.POLICY_CONSTRAINTS, ExtensionOID.INHIBIT_ANY_POLICY}
    return any(each.oid in ours for each in certificate.extensions)


def _values(name: Name, oid: ObjectIdentifier) -> list[str]:
    return [each.value for each in name.get_attributes_for_oid(oid) if isinstance(each.value, str)]


def _only(name: Name, member: str, oid: ObjectIdentifier) -> dict[str, object]:
    values = _values(name, oid)
    return {member: values[0]} if len(values) == 1 else {}
