"""Signature: which algorithms and keys. Three lines: the algorithm, the key or the path to it, the signature itself.

They are judged before the claims, by the engine; a claim is judged only where all three are met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.language.model import CheckedPolicy, Signature, X5c
from policyjwt.requirements.describe import one_of
from policyjwt.requirements.line import MET, About, Facts, Line, no_instants, turning

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter


@dataclass(frozen=True, slots=True)
class VerifiedLine:
    """What verification has established before any claim is judged."""

    about: About
    said: str
    expected: str

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return MET

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = 'met'")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        return Explanation(self.said, self.expected)

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


@dataclass(frozen=True, slots=True)
class PathLine(VerifiedLine):
    """The certificate path. It holds as long as every certificate of it does."""

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        path = facts.evidence.get("path")
        if path is not None and path.until is not None:
            yield turning(path.until, facts.now)


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The lines of the algorithm, the key and the signature."""
    signature = policy.signature
    algorithms = signature.algorithms
    assert algorithms is not None
    about = About(stage="header", place=algorithms.place, section="signature", reference="RFC 8725, section 3.1")
    listed = f"this policy accepts {one_of(policy.algorithms)}"
    yield VerifiedLine(about, "the algorithm is one of the policy's", listed)
    yield from _key_lines(signature)
    about = About(stage="signature", place=signature.place, reference="RFC 7515, section 5.2")
    what = "tag" if policy.algorithms[0].startswith("HS") else "signature"
    yield VerifiedLine(about, f"the {what} fits the bytes that came", f"a {what} made with that key")


def _key_lines(signature: Signature) -> Iterator[Line]:
    """Which key: of the source, or of the certificate at the end of a path that is not excepted."""
    source = signature.keys
    if not isinstance(source, X5c):
        place = source.place if source is not None else signature.secrets[0].place
        about = About(stage="key", place=place, section="signature", reference="RFC 8725, section 3.5")
        yield VerifiedLine(about, "the key is one of this issuer's", "a key of this issuer's own source")
        return
    about = About(stage="x5c", place=source.place, section="signature", reference="RFC 5280, section 6.1")
    expected = "a path to an anchor, for this issuer's certificate"
    yield PathLine(about, "the certificate path leads to an anchor", expected)
    if signature.except_keys:
        first = signature.except_keys[0]
        about = About(stage="key", place=first.place, section="signature", because=first.because.value)
        yield VerifiedLine(about, "the certificate's key is not excepted", "a key that is not excepted")
