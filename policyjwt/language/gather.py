"""Reading files and joining them by their imports.

Input: files with their roots. Output: documents, digests, faults.

Works in three steps, since files may import each other: read and parse all, then all lets, then build all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from policyjwt.diagnostics import Diagnostic, Level, in_order
from policyjwt.language import messages
from policyjwt.language.build import Environment, build, imports_of
from policyjwt.language.build_lets import Lets, read_lets
from policyjwt.language.discover import SUFFIX, Named, has_root_file, root_of, shown
from policyjwt.language.files import FileFault, no_files, read_file, strings_below, too_large
from policyjwt.language.hide import hide_secrets
from policyjwt.language.limits import POLICY_BYTES
from policyjwt.language.model import Block, Document, Import, Let
from policyjwt.language.syntax_messages import no_version
from policyjwt.source import Source, Span

if TYPE_CHECKING:
    from lark import Token, Tree

# What a policy begins with: white space, comments, the word. A byte order mark has its own diagnostic.
_BEGINS = re.compile(r"\ufeff?(?:\s|#[^\n]*(?:\n|\Z))*policyjwt\b")


_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class _File:
    """One file on its way from bytes to a document. `real` and `root` are None for a text from elsewhere."""

    name: str
    real: Path | None
    root: Path | None
    source: Source
    own_digest: str
    tree: Tree[Token] | None = None
    lets: Lets = field(default_factory=Lets)
    imports: dict[str, _File | None] = field(default_factory=dict)
    document: Document | None = None
    faults: list[Diagnostic] = field(default_factory=list)
    broken: bool = False
    blotted_at: tuple[int, int] | None = None

    def break_all(self) -> None:
        """Mark every block, once: none of them may judge a token."""
        if self.document is not None and not self.broken:
            self.broken = True
            blocks = tuple(replace(block, broken=block.broken | {"file"}) for block in self.document.blocks)
            self.document = replace(self.document, blocks=blocks)

    @property
    def sound(self) -> bool:
        """Whether everything in it could be read."""
        return not any(fault.level is Level.ERROR for fault in self.faults)


class Gathering:
    """The files at hand, each once."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._by_real: dict[Path, _File] = {}

    # ------------------------------------------------------------------------------------ read and parse

    def add_file(self, named: Named) -> None:
        """Read and parse a file."""
        if named.real not in self._by_real:
            self._by_real[named.real] = self._keep(_read(named))

    def add_text(self, text: str, name: str, root: Path | None) -> None:
        """Parse a text."""
        real_root = None if root is None else Path(root).resolve()
        self._keep(
            _parsed(name, text, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), None, real_root)
        )

    def _keep(self, file: _File) -> _File:
        """Keep a file under its name, which is its own: a text may go by the name of a file."""
        if file.name in self._files:
            name = f"{file.name} (imported)" if file.real is None else str(file.real)
            file.source = Source(name, file.source.text)
            file.name = name
        return self._files.setdefault(file.name, file)

    def read_imports(self) -> None:
        """Read every file that a file imports, and those that they import, until all are there."""
        waiting = list(self._files.values())
        while waiting:
            file = waiting.pop()
            if file.tree is None:
                continue
            for item in imports_of(file.tree, file.source):
                known = len(self._files)
                file.imports[item.path.value] = self._imported(file, item)
                if len(self._files) > known:
                    waiting.append(next(reversed(self._files.values())))

    def _imported(self, file: _File, item: Import) -> _File | None:
        path = item.path.value
        if not path.endswith(SUFFIX):
            file.faults.append(messages.import_of_no_policy(item.path.span, path))
            return None
        try:
            return self._at(file, path)
        except FileFault as fault:
            file.faults.append(messages.file_fault(item.path.span, path, fault))
            return None

    def _at(self, file: _File, path: str) -> _File:
        """The file that `path` names in `file`: a known one, or read now."""
        if file.root is None:
            no_files(path)
            raise AssertionError("a text without a root names no file")
        real = (file.root / path).resolve()
        known = self._by_real.get(real)
        if known is not None and real.is_relative_to(file.root):
            return known
        content = read_file(file.root, path, limit=POLICY_BYTES)
        named = Named(
            real=real,
            shown=_beside(file, path, real),
            root=root_of(real, within=file.root if file.real is None else None),
            asked=False,
        )
        self._by_real[real] = self._keep(_decoded(named, content))
        return self._by_real[real]

    # ------------------------------------------------------------------------------------ build

    def build(self) -> None:
        """Build every file that could be parsed: first all lets, since files may import each other."""
        parsed = [file for file in self._files.values() if file.tree is not None]
        for file in parsed:
            assert file.tree is not None
            strings_in = no_files if file.root is None else strings_below(file.root)
            file.lets = read_lets(file.tree, file.source, strings_in)
        for file in parsed:
            self._build(file)
        _check_baselines(parsed)
        self._check_imports(parsed)
        _check_policies(parsed)

    def _build(self, file: _File) -> None:
        assert file.tree is not None
        others = {path: other for path, other in file.imports.items() if other is not file}
        environment = Environment(
            own=file.lets,
            imported={path: _by_name(other.lets) for path, other in others.items() if other is not None},
            incomplete=any(other is None or other.tree is None or other.lets.broken for other in others.values()),
        )
        document, faults = build(file.tree, file.source, environment)
        file.document = replace(document, digest=file.own_digest)
        file.faults.extend(faults)
        if file.blotted_at is not None and file.sound:
            # Something was hidden, and nothing was found wrong with it: what stands there now is not what was written.
            file.faults.append(messages.literal_secret(file.source.span(*file.blotted_at), "secret"))
            file.break_all()

    def _check_imports(self, parsed: list[_File]) -> None:
        """What comes from a file with errors, or by way of one, can't be relied on."""
        unsound = {file.name for file in self._files.values() if not file.sound}
        for file in parsed:
            assert file.document is not None
            for item in file.document.imports:
                other = file.imports.get(item.path.value)
                reached = {one.name for one in _reached(other)} - {file.name} if other is not None else set()
                if reached & unsound:
                    file.faults.append(messages.import_with_errors(item.path.span, item.path.value))
                    file.break_all()

    # ------------------------------------------------------------------------------------ results

    def documents(self) -> tuple[Document, ...]:
        """Every file that could be parsed, by name."""
        return tuple(file.document for _, file in sorted(self._files.items()) if file.document is not None)

    def baselines(self) -> dict[str, dict[str, Block]]:
        """The baselines that each file sees: its own, and those of its imports."""
        return {
            name: {block.name: block for _, block in reversed(_visible_baselines(file))}
            for name, file in self._files.items()
        }

    def roots(self) -> dict[str, str]:
        """The root of each file that has one."""
        return {name: str(file.root) for name, file in self._files.items() if file.root is not None}

    def sources(self) -> dict[str, Source]:
        """The text of each file, as it may be shown."""
        return {name: file.source for name, file in self._files.items()}

    def digests(self) -> dict[str, str]:
        """For each file the SHA-256 of its text, of all that it imports, and of the files that lets read."""
        return {name: _digest(file) for name, file in self._files.items()}

    def faults(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong."""
        return in_order(fault for file in self._files.values() for fault in file.faults)

    def incomplete(self) -> frozenset[str]:
        """Files of which something is not known: they, or what they import, could not all be read."""
        return frozenset(
            name
            for name, file in self._files.items()
            if any(one.tree is None or None in one.imports.values() for one in _reached(file))
        )


# ------------------------------------------------------------------------------ from bytes to trees


def _read(named: Named) -> _File:
    try:
        content = read_file(named.root, named.real.relative_to(named.root).as_posix(), limit=POLICY_BYTES)
    except FileFault as fault:
        file = _empty(named.shown, "", named.real, named.root)
        file.faults.append(messages.policy_fault(file.source.span(0, 0), fault))
        return file
    return _decoded(named, content)


def _decoded(named: Named, content: bytes) -> _File:
    digest = hashlib.sha256(content).hexdigest()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as fault:
        # The text before is shown only if it is a policy's.
        before = content[: fault.start].decode("utf-8")
        known = hide_secrets(before) if _BEGINS.match(before) else ""
        file = _empty(named.shown, known, named.real, named.root)
        file.faults.append(messages.not_utf8(file.source.span(len(known), len(known)), content[fault.start]))
        return file
    return _parsed(named.shown, text, digest, named.real, named.root)


def _empty(name: str, text: str, real: Path | None, root: Path | None) -> _File:
    return _File(name, real, root, Source(name, text), own_digest=hashlib.sha256(b"").hexdigest())


def _parsed(name: str, text: str, digest: str, real: Path | None, root: Path | None) -> _File:
    from policyjwt.language.parse import parse  # builds the grammar, so only where a policy is read

    file = _File(name, real, root, Source(name, ""), own_digest=digest)
    start = file.source.span(0, 0)
    if len(text.encode("utf-8", "surrogatepass")) > POLICY_BYTES:
        file.faults.append(messages.policy_fault(start, too_large(POLICY_BYTES)))
    elif _SURROGATE.search(text):
        file.faults.append(messages.surrogate(start))
    elif not _BEGINS.match(text):
        file.faults.append(no_version(start))
    else:
        hidden = hide_secrets(text)
        if hidden != text:
            first = next(at for at, (was, now) in enumerate(zip(text, hidden, strict=True)) if was != now)
            file.blotted_at = (first, first)
        file.source = Source(name, hidden)
        file.tree, faults = parse(file.source)
        file.faults.extend(faults)
    return file


def _beside(file: _File, path: str, real: Path) -> str:
    """How people know an imported file: like the file that imports it."""
    assert file.root is not None
    if file.real is None:
        return path
    return shown(real, like=Path(file.name))


# ------------------------------------------------------------------------------ names across files


def _by_name(lets: Lets) -> Mapping[str, Let]:
    return {let.name.value: let for let in lets.lets}


def _reached(file: _File | None) -> tuple[_File, ...]:
    """A file and all that it imports, directly or not."""
    seen: dict[str, _File] = {}
    waiting = [file] if file is not None else []
    while waiting:
        one = waiting.pop()
        if one.name not in seen:
            seen[one.name] = one
            waiting.extend(other for other in one.imports.values() if other is not None)
    return tuple(seen.values())


def _digest(file: _File) -> str:
    """Of the file, and of all that it reaches in the order of their digests: names do not matter."""
    own, *others = (_digest_of_one(one) for one in _reached(file))
    return hashlib.sha256("\n".join(["policyjwt", own, *sorted(others)]).encode()).hexdigest()


def _digest_of_one(file: _File) -> str:
    used = [f"{digest} {path}" for path, digest in file.lets.used]
    return hashlib.sha256("\n".join([file.own_digest, *used]).encode()).hexdigest()


def _visible_baselines(file: _File) -> list[tuple[Span, Block]]:
    """The baselines that a file sees, each with the place in this file that brings it, in that order."""
    if file.document is None:
        return []
    found = [(block.name_span, block) for block in file.document.blocks if block.kind == "baseline"]
    for item in file.document.imports:
        other = file.imports.get(item.path.value)
        if other is not None and other is not file and other.document is not None:
            found.extend((item.path.span, block) for block in other.document.blocks if block.kind == "baseline")
    return sorted(found, key=lambda pair: pair[0])


def _check_baselines(files: list[_File]) -> None:
    for file in files:
        first: dict[str, Span] = {}
        for span, block in _visible_baselines(file):
            if block.name in first:
                file.faults.append(messages.baseline_twice(span, block.name, first[block.name]))
                file.break_all()
            first.setdefault(block.name, span)


def _check_policies(files: list[_File]) -> None:
    """The names of the policies of a root are unique, whichever of its files they stand in."""
    for root in dict.fromkeys(file.root for file in files):
        first: dict[str, Span] = {}
        for file in sorted(files, key=lambda file: file.name):
            if not _belongs(file, root):
                continue
            assert file.document is not None
            for block in file.document.blocks:
                if block.kind == "policy" and block.name in first:
                    file.faults.append(messages.policy_twice(block.name_span, block.name, first[block.name]))
                    file.break_all()
                elif block.kind == "policy":
                    first[block.name] = block.name_span


def _belongs(file: _File, root: Path | None) -> bool:
    """Whether a file is of a root: by its own root, or by standing below a folder that has no root file."""
    if file.root == root or root is None or file.real is None or file.root is None:
        return file.root == root
    return root in file.real.parents and not has_root_file(file.root)
