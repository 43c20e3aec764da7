"""Thumbprints as deny lists. Input: elementary tests. Output: diagnostics for one that can't keep its promise.

Whoever holds a certificate can write the ECDSA signature in it in a second valid way (s as n − s): it is as good as
before, and its thumbprint is another. So a thumbprint names a certificate that is meant, and excludes none.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import rule_messages as messages
from policyjwt.checker.rules_walk import Occurrence
from policyjwt.diagnostics import Diagnostic
from policyjwt.expressions.work import paths_read
from policyjwt.language.model import Compare, In


def denying_thumbprints(found: Occurrence) -> Iterator[Diagnostic]:
    """The fault of one elementary test, if it excludes a certificate by its thumbprint."""
    test = found.test
    if not any((path.root, path.members) == ("certificate", ("thumbprint",)) for path in paths_read(test)):
        return
    names_one = (isinstance(test, Compare) and test.operator == "==") or (isinstance(test, In) and not test.negated)
    if not (names_one and found.helps):
        yield messages.denying_thumbprint(test.span)
