"""Encryption: that the token came as a signed one inside an encrypted one. A line from `encryption { … }`.

The decryption itself is mathematics over bytes and stands in `policyjwt.tokens.decryption`; see
`requirements.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.language.model import CheckedPolicy
from policyjwt.requirements.evidence import EvidenceLine
from policyjwt.requirements.line import About, Line

KIND = "encryption"
"""The name of the envelope among the results of evidence."""

REQUIRED = "policy.encryption_required"
"""The result where the token came in the open."""


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The line of the section."""
    section = policy.block.encryption
    if section is not None:
        yield EvidenceLine(About(stage="decryption", place=section.place, reference="RFC 7519, section 5.2"), KIND)
