"""The limits of a policy text, all of them, in one place."""

from __future__ import annotations

POLICY_BYTES = 1024 * 1024
"""The largest policy file, in bytes of UTF-8."""

NESTING = 64
"""How deep brackets and `not` may be nested."""

FAULTS = 100
"""How many faults of one file are reported; what follows is said to follow."""

ATTEMPTS = 4 * FAULTS
"""How often reading on behind a fault is tried in one file, whether or not it is reported."""

LOOK_AHEAD = 4096
"""How many tokens ahead a rule about faults looks, so that a large faulty file takes no more than a moment."""
