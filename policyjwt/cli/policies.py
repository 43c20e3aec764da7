"""The policies that a command names. Input: paths. Output: what was read, or a Failure of one clear line."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from policyjwt.cli import output
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure
from policyjwt.reports.terminal import visible

if TYPE_CHECKING:
    from policyjwt.diagnostics import Diagnostic
    from policyjwt.language.load import Loaded
    from policyjwt.language.model import CheckedPolicy
    from policyjwt.source import Source

STDIN = "<stdin>"
"""The name of a policy that came on standard input."""


def read(paths: Sequence[str]) -> Loaded:
    """Read the policies at `paths`: files, folders, or `-` alone for standard input."""
    from policyjwt.errors import LoadError
    from policyjwt.language.load import load_paths, load_text

    if "-" in paths:
        if len(paths) > 1:
            raise Failure("`-` is standard input and stands alone")
        return load_text(standard_input(), STDIN, Path.cwd())
    for path in paths:
        must_exist(path)
    try:
        return load_paths(paths)
    except LoadError as fault:
        raise Failure(str(fault), help=f"looked at {', '.join(f'`{visible(path)}`' for path in paths)}") from None


def must_exist(path: str) -> None:
    """Failure with one line if a path of the command line can't be read."""
    try:
        if Path(path).is_dir():
            next(Path(path).iterdir(), None)
        else:
            Path(path).open("rb").close()
    except OSError as fault:
        raise Failure(f"`{visible(path)}` can't be read: {reason(fault)}") from None
    except ValueError:
        raise Failure(f"`{visible(path)}` is no path") from None


def reason(fault: OSError) -> str:
    """Why, in the operating system's words."""
    return (fault.strerror or "unknown reason").lower()


def standard_input() -> str:
    """All of standard input, which must be UTF-8."""
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Failure(f"standard input is not UTF-8: byte {fault.start + 1} can't be read") from None


@dataclass(frozen=True, slots=True)
class Asked:
    """The policies that the command line names, out of all that were checked with them.

    `policies` are the sound ones; `broken` says whether there are others.
    """

    policies: tuple[CheckedPolicy, ...]
    broken: bool
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]


def checked(path: str) -> Asked:
    """Read and check, as of now, with the root; then only what is at `path`."""
    from policyjwt.checker.check import check

    loaded = read([path])
    found = check(loaded, now=time.time())
    sound = tuple(policy for policy in found.policies if policy.block.name_span.file in loaded.asked)
    written = sum(
        block.kind == "policy"
        for document in loaded.documents
        for block in document.blocks
        if document.file in loaded.asked
    )
    unread = loaded.asked - {document.file for document in loaded.documents}
    return Asked(sound, bool(unread) or len(sound) < written, found.diagnostics, loaded.sources)


def refuse(diagnostics: Sequence[Diagnostic], sources: Mapping[str, Source], *, color: str) -> Exit:
    """Say on stderr why the policies can't be used."""
    from policyjwt.reports.diagnostics_text import block
    from policyjwt.reports.summary import Report, counted

    stopping = tuple(diagnostic for diagnostic in diagnostics if diagnostic.stops_loading)
    report = Report(diagnostics=stopping, policies=0, files=0, sources=sources)
    style = output.style_for(color, sys.stderr)
    for diagnostic in stopping:
        output.remarks("\n".join([*block(diagnostic, report, style), ""]))
    output.remark(f"policyjwt: {counted(len(stopping), 'error')} in the policies: nothing was decided")
    return Exit.POLICY
