"""From the tree of a policy file to what it says.

Input: tree, source, environment. Output: a `Document` and diagnostics.

All faults of a file are found in one go. What could not be read is left out, and the block that it belongs to
says so in `broken`: such a block is good for finding more faults, never for judging a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from policyjwt.diagnostics import Diagnostic, Level, in_order
from policyjwt.language import messages
from policyjwt.language.build_clauses import block
from policyjwt.language.build_items import Item, read_items
from policyjwt.language.build_keys import path
from policyjwt.language.build_lets import Lets, read_lets
from policyjwt.language.build_reader import Reader, only_token, trees_of
from policyjwt.language.model import LANGUAGE_VERSION, Block, Document, Import, Let
from policyjwt.language.syntax_messages import no_version, other_version
from policyjwt.source import Source, Span

if TYPE_CHECKING:
    from lark import Token, Tree


@dataclass(frozen=True, slots=True)
class Environment:
    """What a file gets from elsewhere.

    `own` are its own lets, where they were read before. `imported` holds the lets of each import by its path
    as written. `incomplete` says that an import could not be read, so that an unknown name proves nothing.
    """

    own: Lets | None = None
    imported: Mapping[str, Mapping[str, Let]] = field(default_factory=dict)
    incomplete: bool = False


def build(
    tree: Tree[Token], source: Source, environment: Environment | None = None
) -> tuple[Document, tuple[Diagnostic, ...]]:
    """The document that `tree` writes, and every fault in it, sorted.

    A document with errors has broken blocks.
    """
    given = environment or Environment()
    own = read_lets(tree, source) if given.own is None else given.own
    reader = Reader(source, broken_lets=set(own.broken), incomplete=given.incomplete)
    reader.report(*own.diagnostics)
    _check_version(reader, tree)
    statements = [node for node in trees_of(tree) if node.data != "version"]
    imports = _imports(reader, statements)
    origins = _visible_lets(reader, own, imports, given)
    found = read_items(reader, statements, _STATEMENTS, where="this file")
    _check_against_claims(reader, origins)
    blocks = found.all("blocks", Block)
    if given.incomplete or _has_errors_outside(reader, blocks):
        blocks = tuple(replace(one, broken=one.broken | {"file"}) for one in blocks)
    document = Document(
        file=source.name,
        imports=imports,
        lets=own.lets,
        blocks=blocks,
        digest=hashlib.sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest(),
        used=own.used,
        allows=(*reader.allows_outside, *reader.take_allows()),
    )
    return document, in_order(reader.diagnostics)


def imports_of(tree: Tree[Token], source: Source) -> tuple[Import, ...]:
    """The imports of a file whose paths can be read; what is wrong with the others, `build` says."""
    return _imports(Reader(source), trees_of(tree))


def _check_version(reader: Reader, tree: Tree[Token]) -> None:
    """The parser looks at it first; this holds for trees from anywhere."""
    version = next((node for node in trees_of(tree) if node.data == "version"), None)
    if version is None:
        reader.report(no_version(reader.source.span(0, 0)))
    elif only_token(version) != str(LANGUAGE_VERSION):
        reader.report(other_version(reader.span(only_token(version)), str(only_token(version))))


def _imports(reader: Reader, statements: list[Tree[Token]]) -> tuple[Import, ...]:
    kept: dict[str, Import] = {}
    for node in statements:
        named = path(reader, only_token(node)) if node.data == "import_" else None
        if named is None:
            continue
        if named.value in kept:
            reader.report(messages.import_twice(named.span, named.value, kept[named.value].place.span))
        else:
            kept[named.value] = Import(reader.place(node), named)
    return tuple(kept.values())


def _visible_lets(reader: Reader, own: Lets, imports: tuple[Import, ...], given: Environment) -> dict[str, Span]:
    """Make the lets of this file and of its imports known, and say for each name where it comes from."""
    named = [(let, let.name.span) for let in own.lets]
    for item in imports:
        named.extend((let, item.path.span) for let in given.imported.get(item.path.value, {}).values())
    origins: dict[str, Span] = {}
    for let, span in sorted(named, key=lambda pair: pair[1]):
        name = let.name.value
        if name in origins:
            reader.report(messages.let_twice(span, name, origins[name]))
        else:
            reader.lets[name] = let
            origins[name] = span
    return origins


def _check_against_claims(reader: Reader, origins: Mapping[str, Span]) -> None:
    """A `let` named like a claim that is used here would be read as that claim by people."""
    for name, span in origins.items():
        if name in reader.claims_of_file:
            reader.report(messages.like_a_claim(span, name, "let", reader.claims_of_file[name]))


def _has_errors_outside(reader: Reader, blocks: tuple[Block, ...]) -> bool:
    """Whether an error stands outside every block: then none of them can be relied on."""
    errors = [diagnostic for diagnostic in reader.diagnostics if diagnostic.level is Level.ERROR]
    return any(not any(one.extent.contains(error.span) for one in blocks) for error in errors)


def _let_or_import(reader: Reader, node: Tree[Token]) -> None:
    """Both were read before; what stands here are the `allow`s above them."""
    reader.allows_outside.extend(reader.take_allows())


_STATEMENTS = {
    "import_": Item("imports", _let_or_import, once=False),
    "let": Item("lets", _let_or_import, once=False),
    "let_from": Item("lets", _let_or_import, once=False),
    "baseline": Item("blocks", block, once=False),
    "policy": Item("blocks", block, once=False),
}
