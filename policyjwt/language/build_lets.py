"""`let`s.

Input: the trees of a file's `let` statements. Output: the lets by name, those that can't be read, and the
faults.

They are read before anything else, since other files that import this one need them too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policyjwt.diagnostics import Diagnostic
from policyjwt.language import messages
from policyjwt.language.build_keys import path
from policyjwt.language.build_names import plain_name
from policyjwt.language.build_operands import literal
from policyjwt.language.build_reader import Reader, tokens_of, trees_of
from policyjwt.language.files import FileFault, ReadStrings, no_files
from policyjwt.language.model import Let, Named, Value
from policyjwt.language.names import TAKEN
from policyjwt.source import Source

if TYPE_CHECKING:
    from lark import Token, Tree


@dataclass(frozen=True, slots=True)
class Lets:
    """The lets of one file.

    `broken` names those that could not be read; `used` are digests of files by their path.
    """

    lets: tuple[Let, ...] = ()
    broken: frozenset[str] = frozenset()
    used: tuple[tuple[str, str], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = field(default=())


def read_lets(tree: Tree[Token], source: Source, strings_in: ReadStrings = no_files) -> Lets:
    """The lets of the file that `tree` writes. `strings_in` reads the arrays that `let … from` names."""
    reader = Reader(source)
    kept: dict[str, Let] = {}
    broken: set[str] = set()
    used: dict[str, str] = {}
    for node in trees_of(tree):
        if node.data not in {"let", "let_from"}:
            continue
        name = _name(reader, tokens_of(node)[0], kept)
        value = _from_file(reader, node, strings_in, used) if node.data == "let_from" else _literal(reader, node)
        if name is None or value is None:
            broken.add(str(tokens_of(node)[0]))
        else:
            kept[name.value] = Let(reader.place(node), name, value)
    return Lets(tuple(kept.values()), frozenset(broken), tuple(sorted(used.items())), tuple(reader.diagnostics))


def _name(reader: Reader, token: Token, kept: dict[str, Let]) -> Named | None:
    name = plain_name(reader, token, "let")
    if name is None:
        return None
    if name.value in TAKEN:
        reader.report(messages.name_taken(name.span, name.value, "let", TAKEN[name.value]))
        return None
    if name.value in kept:
        reader.report(messages.let_twice(name.span, name.value, kept[name.value].name.span))
        return None
    return name


def _literal(reader: Reader, node: Tree[Token]) -> Value | None:
    read = literal(reader, node.children[1])
    return None if read is None else read.value


def _from_file(
    reader: Reader, node: Tree[Token], strings_in: ReadStrings, used: dict[str, str]
) -> tuple[str, ...] | None:
    named = path(reader, tokens_of(node)[1])
    if named is None:
        return None
    try:
        strings, used[named.value] = strings_in(named.value)
    except FileFault as fault:
        reader.report(messages.file_fault(named.span, named.value, fault))
        return None
    return strings
