"""The characters of a policy text, looked at before anything is read. Input: a source. Output: diagnostics.

What a person can't see, or sees in another order than the parser, is refused wherever it stands, comments and strings
included (Trojan Source, CVE-2021-42574).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyjwt.diagnostics import Diagnostic
from policyjwt.language import limits
from policyjwt.language import syntax_messages as say
from policyjwt.source import Source

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab and line ends; U+0085 among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ufeff"  # line and paragraph separator, byte order mark
    "\ud800-\udfff]"  # half of a surrogate pair: no text
    "|\r(?!\n)"
)
"""A character that stands nowhere in a policy."""


def faults(source: Source) -> Iterator[Diagnostic]:
    """Every forbidden character of `source`, and whether its last line ends."""
    text = source.text
    for match in FORBIDDEN.finditer(text):
        span = source.span(match.start(), match.end())
        yield say.bare_return(span) if match.group() == "\r" else say.hidden_character(span, match.group())
    if text and not text.endswith("\n"):
        yield say.unfinished(source.span(len(text), len(text)))


def too_large(source: Source) -> Diagnostic | None:
    """A diagnostic if the text is larger than a policy may be."""
    size = len(source.text)
    if size <= limits.POLICY_BYTES and not source.text.isascii():
        size = len(source.text.encode("utf-8", "surrogatepass"))
    return say.too_large(source.span(0, 0), limits.POLICY_BYTES) if size > limits.POLICY_BYTES else None
