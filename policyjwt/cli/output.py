"""Where results and remarks go. Results: stdout, or a file. Everything else: stderr, in one line each."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from policyjwt.cli.arguments import without_tokens
from policyjwt.cli.failure import Failure
from policyjwt.reports.terminal import Style, visible


def style_for(color: str, stream: TextIO, *, file: str | None = None) -> Style:
    """Whether to colour what goes to `stream`. NO_COLOR and FORCE_COLOR count where `color` is `auto`."""
    if file is not None:
        return Style(colour=color == "always")
    if color != "auto":
        return Style(colour=color == "always")
    if os.environ.get("NO_COLOR"):
        return Style()
    if os.environ.get("FORCE_COLOR"):
        return Style(colour=True)
    return Style(colour=stream.isatty() and os.environ.get("TERM") != "dumb")


def result(text: str, *, file: str | None = None) -> None:
    """Write a result, with a final line feed, to stdout or to `file`."""
    whole = text if text.endswith("\n") else text + "\n"
    if file is None or file == "-":
        sys.stdout.write(whole)
        return
    try:
        Path(file).write_text(whole, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as fault:
        raise Failure(f"`{visible(file)}` can't be written: {fault.strerror}") from None


def remark(text: str) -> None:
    """One line on stderr that is no result."""
    sys.stderr.write(f"{without_tokens(visible(text))}\n")


def remarks(text: str) -> None:
    """A text of several lines on stderr, already made visible, line by line."""
    for line in text.split("\n"):
        sys.stderr.write(f"{without_tokens(line)}\n")


def prepare_streams() -> None:
    """Let no character end the program: what a terminal's encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # replaced streams may lack it
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
