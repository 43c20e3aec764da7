"""Who may import whom: one table. Imports inside functions and for type checkers count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

PACKAGE = ROOT / "policyjwt"

_TEXT = ("source", "diagnostics", "errors")
_MODEL = ("language.model", "language.suggest")
_LANGUAGE = (*_TEXT, *_MODEL, "patterns", "language")
_JUDGING = ("errors", "replay", "verdict", "language.model", "requirements", "loading")

LAYERS: dict[str, tuple[str, ...]] = {
    # leaves
    "source": (),
    "spans": (),
    "connection": (),
    "http_body": (),
    "request": (),
    "diagnostics": ("source",),
    "errors": ("diagnostics",),
    # tokens know nothing of policies
    "tokens": ("errors", "spans"),
    "keys": ("connection", "http_body", "tokens", "errors", "spans"),
    "evidence": ("connection", "http_body", "tokens", "errors", "spans"),
    "replay": ("errors",),
    "issuing": ("evidence", "tokens", "errors", "spans"),
    "nonces": ("tokens", "errors", "evidence"),
    "integrations": ("tokens", "errors"),
    # verdicts and their views
    "verdict": ("errors",),
    # the language
    "language.model": ("source",),
    "language.suggest": (),
    "patterns": ("diagnostics", "errors", "language.suggest"),
    "expressions": ("source", "spans", *_MODEL, "patterns"),
    "language": (*_TEXT, *_MODEL, "patterns"),
    "codes": ("diagnostics", "language.suggest"),
    # what a policy demands, whether it is sound, and how it runs
    "assurance": ("language.model",),
    "requirements": (*_LANGUAGE, "spans", "verdict", "replay", "evidence", "expressions"),
    "checker": (
        *_LANGUAGE,
        "spans",
        "tokens",
        "keys",
        "evidence",
        "verdict",
        "codes",
        "expressions",
        "assurance",
        "requirements",
    ),
    "compiler": ("source", *_MODEL, "patterns", "expressions", "requirements"),
    # where the two flows meet
    "loading_messages": (*_TEXT, "language.suggest"),
    "key_age": ("errors", "spans"),
    "key_sources": (*_LANGUAGE, "tokens", "keys", "loading_messages"),
    "key_renewal": (*_LANGUAGE, "checker", "keys", "key_sources"),
    "holders": ("errors", "request", "spans", "tokens", "evidence", "expressions", "requirements"),
    "signers": ("errors", "spans", "tokens", "evidence", "expressions", "requirements"),
    "statuses": ("errors", "key_age", "spans", "tokens", "evidence", "expressions", "requirements"),
    "evidence_sources": (
        *_LANGUAGE,
        "loading_messages",
        "tokens",
        "evidence",
        "checker",
        "holders",
        "signers",
        "statuses",
    ),
    "recording": (*_LANGUAGE, "checker", "evidence", "request", "requirements", "tokens"),
    "recipients": ("errors", "expressions", "requirements", "tokens"),
    "candidate": (
        "assurance",
        "compiler",
        "evidence_sources",
        "holders",
        "key_sources",
        "recipients",
        "recording",
        "signers",
        "statuses",
        "tokens",
    ),
    "key_separation": (
        *_LANGUAGE,
        "candidate",
        "checker",
        "evidence_sources",
        "holders",
        "key_sources",
        "loading_messages",
        "tokens",
    ),
    "key_status": ("candidate", "key_sources", "keys", "tokens"),
    "loading": (
        *_LANGUAGE,
        "candidate",
        "key_separation",
        "key_sources",
        "recipients",
        "evidence",
        "evidence_sources",
        "recording",
        "holders",
        "signers",
        "statuses",
        "loading_messages",
        "tokens",
        "replay",
        "patterns",
        "assurance",
        "requirements",
        "checker",
        "compiler",
    ),
    "challenges": ("language.model", "tokens"),
    "selection": ("candidate", "challenges", "errors", "recipients", "tokens", "language.model", "requirements"),
    "views": ("verdict", "expressions"),
    "account": (
        "challenges",
        *("expressions", "source", "errors", "verdict", *_MODEL),
        *("codes", "assurance", "requirements", "compiler"),
    ),
    "evaluation": (
        "candidate",
        "key_sources",
        "challenges",
        "recipients",
        *_JUDGING,
        "views",
        "tokens",
        "evidence",
        "holders",
        "request",
        "assurance",
        "recording",
        "account",
    ),
    "judging": (
        "candidate",
        "errors",
        "evaluation",
        "holders",
        "key_age",
        "recipients",
        "request",
        "requirements",
        "selection",
        "tokens",
    ),
    "consuming": (*_JUDGING, "expressions", "evaluation"),
    "in_force": (
        *_JUDGING,
        "key_renewal",
        "key_separation",
        "key_sources",
        "keys",
        "language",
        "checker",
        "selection",
        "evidence",
        "tokens",
    ),
    "engine": (
        *_JUDGING,
        "key_renewal",
        "key_sources",
        "key_status",
        "tokens",
        "request",
        "language",
        "evaluation",
        "judging",
        "in_force",
        "consuming",
    ),
    "recorded": (*_LANGUAGE, "expressions", "replay", "request"),
    "rechecking": (
        "recorded",
        *_JUDGING,
        "candidate",
        "key_separation",
        "key_sources",
        "judging",
        "tokens",
        "request",
        "language",
        "checker",
        "recording",
        "selection",
        "evaluation",
    ),
    # what people see
    "reports": (*_TEXT, "spans", "evidence", "verdict", "views", "language.model", "codes", "assurance"),
    "cli": (
        *_LANGUAGE,
        "spans",
        "tokens",
        "keys",
        "evidence",
        "replay",
        "request",
        "verdict",
        "checker",
        "engine",
        "codes",
        "reports",
    ),
    "__main__": ("cli",),
}
"""Each unit and all that it may import, besides itself. A unit imports only from above its own line."""

MEMBERS = {
    "loading_messages": "loading",
}
"""Modules that belong to the unit of another."""

UPWARDS = {"verdict": "views"}
"""The one exception: a verdict shows itself. The import stands inside the functions that need it."""

PUBLIC = {"__version__", "LANGUAGE_VERSION"}
"""What any module may import from the package itself."""


def unit(module: str) -> str:
    """The unit that `policyjwt.…` belongs to."""
    _, *parts = module.split(".")
    if not parts:
        return "policyjwt"
    if ".".join(parts[:2]) in LAYERS:
        return ".".join(parts[:2])
    return MEMBERS.get(parts[0], parts[0])


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(module: str, path: Path) -> Iterator[str]:
    """The modules of this package that a module imports, wherever in the text."""
    known = {name for name, _ in modules()}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "policyjwt")
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "policyjwt":
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in known:
                    yield inner
                elif not (node.module == "policyjwt" and alias.name in PUBLIC):
                    yield node.module
        else:
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{module} imports relatively"


@pytest.mark.parametrize(("module", "path"), [each for each in modules() if each[0] != "policyjwt"])
def test_a_module_imports_only_from_below(module: str, path: Path) -> None:
    own = unit(module)
    assert own in LAYERS, f"{own} has no line in the table of layers"
    allowed = {own, UPWARDS.get(own), *LAYERS[own]}
    wrong = sorted({other for other in imported(module, path) if unit(other) not in allowed})
    assert not wrong


def test_the_table_has_no_cycle() -> None:
    seen: set[str] = set()
    for name, below in LAYERS.items():
        assert set(below) <= seen, f"{name} may import {sorted(set(below) - seen)}, which stand below it in the table"
        seen.add(name)


def test_the_table_has_no_idle_line() -> None:
    assert set(LAYERS) == {unit(module) for module, _ in modules()} - {"policyjwt"}
