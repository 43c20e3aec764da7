"""From paths to documents. Input: files and folders as people name them, or one text. Output: `Loaded`.

Finds roots, files and imports, reads them within their root, parses and builds each once. Faults in policies
are diagnostics; only what a caller named and is not there is a `LoadError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import LoadError
from policyjwt.language.discover import Named, find
from policyjwt.language.gather import Gathering
from policyjwt.language.model import Block, Document
from policyjwt.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was read: every policy file of the roots at hand, and their imports.

    All mappings have the files' names as keys, which are their paths as people gave them. `baselines` are
    those that a file sees: its own and those of its imports. `digests` are of a file with all that it imports
    or reads. `asked` are the files that were named or found under a named folder. Of the files in
    `incomplete` something is not known, so that a baseline that can't be found there proves nothing; none of
    their policies may judge a token.
    """

    documents: tuple[Document, ...]
    baselines: Mapping[str, Mapping[str, Block]]
    roots: Mapping[str, str]
    sources: Mapping[str, Source]
    digests: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]
    asked: frozenset[str]
    incomplete: frozenset[str] = field(default=frozenset())


def load_paths(paths: Iterable[str | Path]) -> Loaded:
    """The policies at `paths`, each file together with its root.

    Raises `LoadError` for a path that can't be read.
    """
    named: dict[Path, Named] = {}
    for path in paths:
        for each in _found(Path(path)):
            known = named.get(each.real)
            if known is None or (each.asked and not known.asked):
                named[each.real] = each
    if not any(each.asked for each in named.values()):
        raise LoadError("no policy found: policies are files whose names end in `.policy`")
    gathering = Gathering()
    for each in named.values():
        gathering.add_file(each)
    return _loaded(gathering, frozenset(each.shown for each in named.values() if each.asked))


def load_text(text: str, name: str = "<policy>", root: str | Path | None = None) -> Loaded:
    """One text, known as `name`. Files that it names are read below `root`; without one it can name none."""
    gathering = Gathering()
    gathering.add_text(text, name, None if root is None else Path(root))
    return _loaded(gathering, frozenset({name}))


def _found(path: Path) -> Iterable[Named]:
    from policyjwt.language.suggest import quoted

    try:
        return find(path)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        what = error.filename if isinstance(error.filename, str) else str(path)  # it may be a folder of the same root
        raise LoadError(f"{quoted(what)} can't be read: {reason}") from None
    except ValueError:
        raise LoadError(f"{quoted(str(path))} is no path") from None


def _loaded(gathering: Gathering, asked: frozenset[str]) -> Loaded:
    gathering.read_imports()
    gathering.build()
    return Loaded(
        documents=gathering.documents(),
        baselines=gathering.baselines(),
        roots=gathering.roots(),
        sources=gathering.sources(),
        digests=gathering.digests(),
        diagnostics=gathering.faults(),
        asked=asked,
        incomplete=gathering.incomplete(),
    )
