"""The schemas that policies name. Input: a merged policy and its root. Output: diagnostics at the line that names it.

A file that does not say that it is a schema is never quoted: a policy could name any file below the root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from policyjwt.checker import schema_messages as say
from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.language.files import FileFault, read_file
from policyjwt.language.limits import POLICY_BYTES
from policyjwt.language.model import Block, TextItem

if TYPE_CHECKING:
    from policyjwt.patterns.json_schema import SchemaFault

MOST_SHOWN = 20
_DECLARED = '"$schema"'


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """What was found in the schema of a policy, whether it needs RE2, and the text that was judged."""

    diagnostics: tuple[Diagnostic, ...] = ()
    needs_re2: bool = False
    text: str | None = None


def check_schema(block: Block, root: str) -> SchemaCheck:
    """Judge the schema that `block` names, if it names one."""
    from policyjwt.patterns.json_schema import examine  # only few policies have a schema

    item = block.schema
    if item is None:
        return SchemaCheck()
    try:
        text = read_file(Path(root), item.value, limit=POLICY_BYTES).decode("utf-8")
    except FileFault as fault:
        return SchemaCheck((say.no_file(item.place.span, path=item.value, fault=fault.message, help=fault.help),))
    except UnicodeDecodeError:
        return SchemaCheck((say.no_file(item.place.span, path=item.value, fault="is not UTF-8", help=None),))
    read = examine(text)
    if _DECLARED not in text and any(fault.level is Level.ERROR for fault in read.faults):
        return SchemaCheck((say.no_schema(item.place.span, path=item.value),))
    return SchemaCheck(tuple(_told(item, read.faults)), read.needs_re2, text)


_BY_LEVEL: Mapping[Level, Callable[..., Diagnostic]] = {
    Level.ERROR: say.schema_error,
    Level.WARNING: say.schema_warning,
    Level.NOTE: say.schema_note,
}


def _told(item: TextItem, faults: tuple[SchemaFault, ...]) -> Iterator[Diagnostic]:
    span, path = item.place.span, item.value
    ordered = sorted(faults, key=lambda fault: fault.level is not Level.ERROR)
    for fault in ordered[:MOST_SHOWN]:
        make = _BY_LEVEL[fault.level]
        yield make(span, path=path, pointer=fault.pointer, fault=fault.message, help=fault.help)
    if any(fault.level is Level.ERROR for fault in ordered[MOST_SHOWN:]):
        yield say.more_faults(span, path=path, count=len(ordered) - MOST_SHOWN)
