"""The pages of codes as text for a terminal, and as the Markdown files of docs/codes (`make docs`).

Input: the table of codes. Output: texts. `python -m policyjwt.reports.code_pages FOLDER` writes the files.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from policyjwt.codes import Page, pages
from policyjwt.reports.terminal import PLAIN, Style

_KINDS = {"error": "red", "violated": "red", "unknown": "red", "warning": "yellow"}


def as_text(page: Page, code: str, style: Style = PLAIN) -> str:
    """The page for a terminal. `code` is what was asked for; the page may serve others too."""
    kind = _kind(page)
    head = f"{style.paint(code, 'bold')}  {page.title}  ({style.paint(kind, _KINDS.get(kind, 'cyan'))})"
    lines = [head]
    for title, words in (("Meaning", page.meaning), ("Threat", page.threat), ("Fix", page.fix)):
        lines.extend(
            [
                "",
                style.paint(title, "bold"),
                textwrap.fill(words, 96, initial_indent="  ", subsequent_indent="  ", break_long_words=False),
            ]
        )
    if page.reference:
        lines.extend(["", f"{style.paint('Reference', 'bold')}  {page.reference}"])
    return "\n".join(lines)


def _kind(page: Page) -> str:
    return page.level.value if page.level else (page.outcome or "").replace("_", " ")


def documents() -> Mapping[str, str]:
    """Every file of docs/codes: its name and its text."""
    families: dict[str, list[Page]] = {}
    for page in pages().values():
        families.setdefault(page.family, []).append(page)
    texts = {f"{family}.md": "\n".join(_document(family, families[family])) for family in sorted(families)}
    texts["README.md"] = "\n".join(_index(families))
    return texts


def _document(family: str, members: list[Page]) -> Iterator[str]:
    yield f"# {_title(family)}"
    yield ""
    yield "<!-- Made from policyjwt/code_pages by `make docs`: change it there. -->"
    for page in members:
        yield from ("", f"## `{page.code}`: {page.title}", "", f"*{_kind(page)}*", "")
        yield from (page.meaning, "", f"**Threat.** {page.threat}", "", f"**Fix.** {page.fix}")
        if page.reference:
            yield from ("", f"**Reference.** {page.reference}")
    yield ""


def _index(families: Mapping[str, list[Page]]) -> Iterator[str]:
    yield from ("# Codes", "", "<!-- Made from policyjwt/code_pages by `make docs`: change it there. -->", "")
    yield "`policyjwt rule CODE` prints the page of a code."
    for family in sorted(families):
        yield from (
            "",
            f"## [{_title(family)}]({family}.md)",
            "",
            "| code | | what it says |",
            "|---|---|---|",
        )
        for page in families[family]:
            title = page.title.replace("|", "\\|")
            yield f"| `{page.code}` | {_kind(page)} | {title} |"
    yield ""


def _title(family: str) -> str:
    return family.replace("_", " ").capitalize()


def write(folder: Path) -> None:
    """Make `folder` hold exactly these files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = documents()
    for stale in folder.glob("*.md"):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
