"""Patterns ready to use. Input: the text of a pattern. Output: a function that says whether a whole string fits.

In linear time: the standard engine for patterns proved linear, RE2 for all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from policyjwt.errors import PolicyJwtError
from policyjwt.patterns.ambiguity import is_linear
from policyjwt.patterns.syntax import Pattern, parse
from policyjwt.patterns.translate import for_re, for_re2

_RE2_MEMORY: Final = 64 << 20
"""Bytes that RE2 may use for one pattern. Beyond them it refuses to compile, never to match in linear time."""


class NeedsRe2(PolicyJwtError):  # noqa: N818 - said of a pattern, as TokenRefused of a token
    """A pattern is not proved linear and RE2 is not installed (the extra `regex`)."""

    def __init__(self) -> None:
        super().__init__("a pattern needs RE2; install policyjwt[regex]")


def needs_re2(text: str) -> bool:
    """Whether the pattern `text` runs on RE2 because it is not proved linear. Raises PatternError."""
    return not is_linear(parse(text))


@lru_cache(maxsize=1024)
def matcher(text: str) -> Callable[[str], bool]:
    """Whether a whole string fits the pattern `text`. Raises PatternError, or NeedsRe2 where RE2 is not installed.

    Half of a surrogate pair is no character: a string that holds one fits nothing.
    """
    pattern = parse(text)
    return on_re(pattern) if is_linear(pattern) else on_re2(pattern)


def on_re(pattern: Pattern) -> Callable[[str], bool]:
    """The pattern on the standard engine. Only for patterns that are proved linear."""
    fullmatch = re.compile(for_re(pattern)).fullmatch
    return lambda value: fullmatch(value) is not None


def on_re2(pattern: Pattern) -> Callable[[str], bool]:
    """The pattern on RE2. Raises NeedsRe2 where it is not installed."""
    try:
        import re2
    except ImportError:
        raise NeedsRe2 from None
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _RE2_MEMORY
    fullmatch = re2.compile(for_re2(pattern), options).fullmatch

    def fits(value: str) -> bool:
        try:
            return fullmatch(value) is not None
        except UnicodeEncodeError:  # half of a surrogate pair
            return False

    return fits
