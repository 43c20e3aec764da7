"""Times as people write them on a command line. Input: text. Output: seconds since the epoch."""

from __future__ import annotations

import re
from datetime import datetime

from policyjwt.cli.failure import Failure

_SECONDS = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def instant(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time, a date (00:00 UTC of it) or a number of seconds."""
    if _SECONDS.fullmatch(text):
        return float(text)
    written = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text
    try:
        if _RFC3339.fullmatch(written):
            return datetime.fromisoformat(_micro(written).upper()).timestamp()
    except ValueError:
        pass  # no such day or hour: the same answer as for any other text that is no time
    raise Failure(
        "`--now` is no time",
        help="write an RFC 3339 time such as `2026-11-23T12:00:00Z`, or seconds since the epoch",
    )


def _micro(written: str) -> str:
    """Python reads microseconds at most; what is finer is cut off."""
    return re.sub(r"(\.\d{6})\d+", r"\1", written)
