"""The exit statuses of every command, in one table."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status says."""

    YES = 0
    """Sound, trusted, passed."""

    NO = 1
    """Findings, refused, failed."""

    USAGE = 2
    """Usage, configuration or I/O: an unknown option, a file that the command line names, no policy found."""

    POLICY = 3
    """The policy that a command needs does not compile; also where a file that it names is missing."""

    DEFECT = 70
    """A defect of policyjwt itself (EX_SOFTWARE of sysexits.h)."""
