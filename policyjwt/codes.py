"""The table of codes: what each code of a diagnostic or a finding means.

Input: code_pages/*.toml, each file one family. Output: pages. A page serves one code; `claim.*` serves every
code of its stage, and `*.met` (and its kin) every stage's code of that outcome.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from policyjwt.diagnostics import Level

DIAGNOSTIC_CODE = re.compile(r"PJ[0-9]{3}")
_PARTS = {"title", "level", "outcome", "meaning", "threat", "fix", "reference"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a code means, the threat, the fix. `level` is a diagnostic's, `outcome` a finding's."""

    code: str
    family: str
    title: str
    meaning: str
    threat: str
    fix: str
    level: Level | None = None
    outcome: str | None = None
    reference: str | None = None


@cache
def pages() -> Mapping[str, Page]:
    """All pages by their code, sorted. A defect in a page is a ValueError that names it."""
    found: dict[str, Page] = {}
    for entry in files("policyjwt").joinpath("code_pages").iterdir():
        if not entry.name.endswith(".toml"):
            continue
        family = entry.name.removesuffix(".toml")
        for code, parts in tomllib.loads(entry.read_text(encoding="utf-8")).items():
            if code in found:
                raise ValueError(f"the code `{code}` has two pages: in {found[code].family} and in {family}")
            found[code] = _page(code, family, parts)
    return {code: found[code] for code in sorted(found)}


def _page(code: str, family: str, parts: object) -> Page:
    if not isinstance(parts, dict) or not all(isinstance(part, str) and part for part in parts.values()):
        raise ValueError(f"the page of `{code}` in {family} is no table of texts")
    missing = {"title", "meaning", "threat", "fix"} - parts.keys()
    unknown = parts.keys() - _PARTS
    if missing or unknown or ("level" in parts) is ("outcome" in parts):
        raise ValueError(
            f"the page of `{code}` in {family} needs title, meaning, threat, fix, and a level or an outcome; "
            f"missing: {', '.join(sorted(missing)) or '-'}; unknown: {', '.join(sorted(unknown)) or '-'}"
        )
    level = parts.get("level")
    return Page(**{**parts, "code": code, "family": family, "level": Level(level) if level else None})


def page(code: str) -> Page | None:
    """The page that serves `code`, None where there is none."""
    table = pages()
    if code in table:
        return table[code]
    stage, _, reason = code.partition(".")
    for shared in (f"*.{reason}", f"{stage}.*"):
        if reason and shared in table:
            return table[shared]
    return None


def closest(code: str) -> str | None:
    """The code that was probably meant, for "did you mean"."""
    from policyjwt.language.suggest import closest as closest_of

    wanted = code.strip()
    by_case = {known.casefold(): known for known in pages()}
    if wanted.casefold() in by_case:
        return by_case[wanted.casefold()]
    return closest_of(wanted, [known for known in pages() if "*" not in known])
