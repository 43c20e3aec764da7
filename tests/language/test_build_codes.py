"""The pages of the builder's and the loader's codes say what the catalogue says."""

from __future__ import annotations

import re
from pathlib import Path

from policyjwt import codes
from policyjwt.language import messages

TEXT = Path(messages.__file__).read_text(encoding="utf-8")


def test_every_code_has_its_page_and_every_page_its_code() -> None:
    used = set(re.findall(r'"(PJ[0-9]{3})"', TEXT))
    assert used == {code for code, page in codes.pages().items() if page.family in {"names", "files"}}


def test_levels_are_those_of_the_pages() -> None:
    warnings = set(re.findall(r'Diagnostic\(\s*"(PJ[0-9]{3})", Level.WARNING', TEXT))
    pages = {code: page for code, page in codes.pages().items() if page.family in {"names", "files"}}
    assert warnings == {
        code for code, page in pages.items() if page.level is not None and page.level.value == "warning"
    }
