"""Where a fault of a merged policy is shown: in the policy itself. Input: its block and spans. Output: a span."""

from __future__ import annotations

from policyjwt.language.model import Block
from policyjwt.source import Place, Span


def in_policy(block: Block, *spans: Span) -> Span:
    """The latest of `spans` that the policy itself wrote, else its first line.

    A baseline's line is sound by itself, and many policies may share it: what goes wrong with it in one policy is that
    policy's to mend.
    """
    own = [span for span in spans if block.extent.contains(span)]
    return max(own, key=lambda span: span.start, default=block.place.span)


def keyword(place: Place) -> Span:
    """The first word of what stands at `place`: a section is underlined there, not in full."""
    span, word = place.span, place.text.split(" ", 1)[0].rstrip("{")
    return Span(
        file=span.file,
        start=span.start,
        end=span.start + len(word),
        line=span.line,
        column=span.column,
        end_line=span.line,
        end_column=span.column + len(word),
    )
