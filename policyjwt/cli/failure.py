"""How a command ends without an answer: one line and an exit status."""

from __future__ import annotations

from policyjwt.cli.exit_codes import Exit


class Failure(Exception):  # noqa: N818 - it is an end, foreseen, and no error of ours
    """Ends the command with `message` on stderr. `message` is one line that never quotes a token."""

    def __init__(self, message: str, *, help: str | None = None, status: Exit = Exit.USAGE) -> None:
        self.message, self.help, self.status = message, help, status
        super().__init__(message)
