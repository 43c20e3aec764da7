"""What the verifier of `cryptography` leaves open. Input: a path that it found. Output: nothing, or TokenRefused.

RFC 5280, sections 4.1 and 4.2. The anchor is a name and a key (section 6.1.1, d): its profile is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.x509 import Certificate, ExtendedKeyUsage, GeneralName, NameConstraints
from cryptography.x509.oid import ExtensionOID, NameOID

from policyjwt.tokens import x5c_messages
from policyjwt.tokens.certificate_facts import extension

_RESTRICTING: Final = frozenset({ExtensionOID.POLICY_CONSTRAINTS, ExtensionOID.INHIBIT_ANY_POLICY})


def check_profile(chain: Sequence[Certificate]) -> None:
    """Sections 4.1.2.6, 4.2.1.1, 4.2.1.2, 4.2.1.11, 4.2.1.14: what a certificate below the anchor must have or not.

    Restrictions of policies are not followed here, so that a path with one can't be called valid; critical ones
    are refused by the library.
    """
    leaf, *authorities = chain[:-1]
    if not list(leaf.subject) and not any(
        each.critical and isinstance(each.value, x509.SubjectAlternativeName) for each in leaf.extensions
    ):  # check: P7
        raise x5c_messages.path_invalid(
            actual="the signer's certificate has neither a subject nor a critical alternative name"
        )
    for authority in authorities:
        if extension(authority, x509.AuthorityKeyIdentifier) is None:  # check: P6
            raise x5c_messages.path_invalid(actual="an authority lacks the authority key identifier")
        if extension(authority, x509.SubjectKeyIdentifier) is None:  # check: P6
            raise x5c_messages.path_invalid(actual="an authority lacks the subject key identifier")
        if any(each.oid in _RESTRICTING for each in authority.extensions):  # check: P7
            raise x5c_messages.path_invalid(actual="an authority restricts policies, which is not followed here")


def check_usages(chain: Sequence[Certificate], usage: str | None) -> None:
    """RFC 5280, sections 4.2.1.3 and 4.2.1.12. A leaf that says nothing of its usage was not made to sign tokens."""
    leaf, *authorities = chain
    bits = extension(leaf, x509.KeyUsage)
    if bits is None or not bits.digital_signature:  # check: P4
        raise x5c_messages.path_invalid(actual="the key usage of the signer's certificate lacks digitalSignature")
    if usage is None:
        return
    named = extension(leaf, x509.ExtendedKeyUsage)
    if usage not in _dotted(named):  # check: P5
        raise x5c_messages.path_invalid(
            actual="the signer's certificate lacks the extended key usage that the policy names"
        )
    any_usage = x509.oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string
    for authority in authorities:
        allowed = extension(authority, x509.ExtendedKeyUsage)
        if allowed is not None and {usage, any_usage}.isdisjoint(_dotted(allowed)):  # check: P5
            raise x5c_messages.path_invalid(actual="an authority may not issue for the usage that the policy names")


def _dotted(usages: ExtendedKeyUsage | None) -> list[str]:
    return [each.dotted_string for each in usages or ()]


def check_constraints(chain: Sequence[Certificate]) -> None:
    """RFC 5280, section 4.2.1.10: a constraint that is not applied to what it speaks of refuses the path.

    The library compares DNS names, addresses and e-mail addresses of alternative names, and nothing of subjects.
    """
    for position, authority in enumerate(chain):
        constraints = extension(authority, x509.NameConstraints)
        if constraints is None:
            continue
        if not compares(constraints):  # check: P7
            raise x5c_messages.path_invalid(actual="an authority has name constraints of a kind that is not compared")
        mail = any(isinstance(each, x509.RFC822Name) for each in subtrees(constraints))
        if mail and any(_has_mail(each) for each in chain[:position]):  # check: P7
            raise x5c_messages.path_invalid(actual="an e-mail address in a subject, where an authority constrains them")


def subtrees(constraints: NameConstraints) -> list[GeneralName]:
    """What is permitted and what is excluded."""
    return [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]


def compares(constraints: NameConstraints) -> bool:
    """Whether the library compares all that they speak of. Not: directory names, URIs, other names."""
    return all(isinstance(each, x509.DNSName | x509.IPAddress | x509.RFC822Name) for each in subtrees(constraints))


def _has_mail(certificate: Certificate) -> bool:
    return bool(certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS))
