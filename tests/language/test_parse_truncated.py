"""A policy file that was cut short is no policy, or lacks whole statements at its end: it is never a laxer policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from lark import Token, Tree

from policyjwt.language.parse import parse
from policyjwt.source import Source
from tests.language.texts import EVERYTHING
from tests.shared import ROOT

FILES = sorted((ROOT / "policies").rglob("*.policy"))
TEXTS = [EVERYTHING, EVERYTHING.replace("\n", "\r\n"), *(file.read_text(encoding="utf-8") for file in FILES)]
NAMES = ["everything", "everything with CRLF", *(str(Path(file).relative_to(ROOT)) for file in FILES)]


def statements(text: str) -> list[Tree[Token] | Token] | None:
    """The statements of a file, None where it does not parse."""
    tree, _ = parse(Source("p.policy", text))
    return None if tree is None else tree.children


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
def test_a_text_cut_at_any_byte_loses_whole_statements_or_everything(text: str) -> None:
    whole = statements(text)
    assert whole is not None
    content = text.encode()
    ends = [line for line in range(len(content)) if content[line : line + 1] == b"\n"]
    # Only where the last character is a line feed can anything parse; around each of those every byte is tried.
    near = {at for line in ends for at in range(line - 1, line + 3) if at < len(content)}
    for end in sorted(near | set(range(0, len(content), 97))):
        left = statements(content[:end].decode("utf-8", "replace"))
        if left is not None:
            assert content[end - 1 : end] == b"\n"
            assert left == whole[: len(left)]


def test_every_byte_of_a_small_policy() -> None:
    text = 'policyjwt 1\npolicy "p" {\n  use "é"\n  require a == "x" unless b is present\n    because "y"\n}\n# end\n'
    content = text.encode()
    parsed = {end for end in range(len(content)) if statements(content[:end].decode("utf-8", "replace")) is not None}
    assert parsed == {len("policyjwt 1\n"), content.index(b"# end")}
