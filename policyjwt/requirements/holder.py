"""Holder: who may present the token. A line from `holder dpop { … }` or `holder mtls { … }`.

The proof itself is mathematics over bytes and stands in `policyjwt.evidence`; see `requirements.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.language.model import CheckedPolicy, Holder
from policyjwt.requirements.evidence import EvidenceLine
from policyjwt.requirements.line import About, Line

KIND = "holder"
"""The name of the proof among the results of evidence."""

_REFERENCES = {"dpop": "RFC 9449, section 4.3", "mtls": "RFC 8705, section 3"}


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The line of the proof. A waiver has its own, and so has a token that is bound where nobody asks."""
    holder = policy.holder
    if isinstance(holder, Holder):
        yield EvidenceLine(About(stage="holder", place=holder.place, reference=_REFERENCES[holder.kind]), KIND)
