"""What a rule is about, for its code. Input: the demand. Output: names of claims, in order, each once."""

from __future__ import annotations

from policyjwt.expressions.work import paths_read, subtests
from policyjwt.language.model import Test


def subject_of(test: Test) -> tuple[str, ...]:
    """The claims that a demand reads, members joined by dots. Where there is none, what else it reads."""
    paths = [path for part in subtests(test) for path in paths_read(part) if path.root != "variable"]
    claims = [".".join(path.members) for path in paths if path.root == "claim"]
    others = [".".join((path.root, *path.members)) for path in paths]
    return tuple(dict.fromkeys(claims or others)) or ("rule",)
