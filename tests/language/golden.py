"""Diagnostics as text, for the golden files beside the policies that they are about.

`python -m tests.language.golden FOLDER` writes the files of a folder anew: read what changed before you keep it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from policyjwt.language.load import Loaded, load_text

FOLDER = Path(__file__).resolve().parent.parent / "diagnostics" / "build"


def told(loaded: Loaded) -> str:
    """Each diagnostic: place, code, level and message; what is underlined; the related place; the help."""
    lines: list[str] = []
    for diagnostic in loaded.diagnostics:
        span = diagnostic.span
        place = f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"
        lines.append(f"{place} {diagnostic.level.value} {diagnostic.code} {diagnostic.message}")
        lines.append(f"    underlined: {loaded.sources[span.file].text[span.start : span.end]}")
        lines.extend(f"    {other.message}: {other.span.line}:{other.span.column}" for other in diagnostic.related)
        if diagnostic.help:
            lines.append(f"    help: {diagnostic.help}")
    return "\n".join(lines) + "\n"


def of_file(policy: Path) -> str:
    """What is to be said about a policy file."""
    return told(load_text(policy.read_text(encoding="utf-8"), policy.name, policy.parent))


if __name__ == "__main__":
    for file in sorted(Path(sys.argv[1]).glob("*.policy")):
        file.with_suffix(".txt").write_text(of_file(file), encoding="utf-8")
