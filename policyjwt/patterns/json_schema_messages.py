"""What can be wrong with a JSON Schema: the messages, all in one place."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from policyjwt.diagnostics import Level
from policyjwt.errors import PolicyJwtError
from policyjwt.patterns.json_schema_keywords import ALLOWED, KIND_NAMES, REFUSED
from policyjwt.patterns.messages import PatternError


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One fault of a schema. `pointer` is a JSON Pointer (RFC 6901) into it; only errors keep it from being used."""

    pointer: str
    message: str
    help: str | None
    level: Level = Level.ERROR


class SchemaFaults(PolicyJwtError):  # noqa: N818 - the faults themselves, as TokenRefused of a token
    """A schema can't be used. `faults` are all its faults, warnings among them, sorted by place."""

    def __init__(self, faults: tuple[SchemaFault, ...]) -> None:
        self.faults = faults
        errors = [fault for fault in faults if fault.level is Level.ERROR]
        super().__init__("\n".join(f"{fault.pointer or '/'}: {fault.message}" for fault in errors))

    def __reduce__(self) -> tuple[type[SchemaFaults], tuple[tuple[SchemaFault, ...]]]:
        return type(self), (self.faults,)


def shown(text: str) -> str:
    """Text of the schema's author in backquotes, escaped and shortened to 80 characters."""
    escaped = "".join(_escaped(character) for character in text[:81])
    return f"`{escaped[:79]}…`" if len(escaped) > 80 else f"`{escaped}`"


def _escaped(character: str) -> str:
    if character == "`":
        return r"\x60"
    return character if character.isprintable() else ascii(character)[1:-1]


def not_strict(reason: str, line: int) -> SchemaFault:
    """The text is no strict JSON."""
    where = f", line {line}" if line else ""
    return SchemaFault("", f"the schema is no strict JSON: {reason}{where}", None)


def no_object() -> SchemaFault:
    """The whole schema is no object."""
    return SchemaFault("", "a schema is an object", 'begin with `{"type": "object", …}`')


def unknown_keyword(pointer: str, keyword: str) -> SchemaFault:
    """A keyword that JSON Schema 2020-12 does not know, which others would skip in silence."""
    close = get_close_matches(keyword, sorted(ALLOWED), n=1)
    return SchemaFault(
        pointer,
        f"{shown(keyword)} is no keyword of JSON Schema 2020-12",
        f"did you mean `{close[0]}`?" if close else "notes for readers go in `$comment`",
    )


def refused_keyword(pointer: str, keyword: str) -> SchemaFault:
    """A keyword that is refused because readers of schemas differ on it, or do nothing about it."""
    return SchemaFault(pointer, f"`{keyword}` is not read", REFUSED[keyword])


def other_dialect(pointer: str, came: object) -> SchemaFault:
    """Another `$schema`."""
    named = shown(came) if isinstance(came, str) else "something else"
    return SchemaFault(
        pointer,
        f"expected the dialect 2020-12, {named} came",
        'write `"$schema": "https://json-schema.org/draft/2020-12/schema"`, or leave it out',
    )


def inner_root(pointer: str, keyword: str) -> SchemaFault:
    """`$id` or `$schema` below the top."""
    return SchemaFault(pointer, f"`{keyword}` stands at the top only", "put the schema into `$defs` without it")


def not_allowed(pointer: str, keyword: str) -> SchemaFault:
    """What the meta-schema refuses."""
    return SchemaFault(
        pointer, f"JSON Schema 2020-12 does not let {shown(keyword)} hold this", f"see `{keyword}` in its specification"
    )


def too_deep_now() -> SchemaFault:
    """The stack of the caller is nearly full."""
    return SchemaFault("", "the schema is too deep for the stack that is left", "read it from fewer calls deep")


def without(pointer: str, keyword: str, needed: str) -> SchemaFault:
    """A keyword that says nothing without another."""
    return SchemaFault(pointer, f"`{keyword}` says nothing without `{needed}`", f"add `{needed}` beside it")


def remote_reference(pointer: str, reference: str) -> SchemaFault:
    """A `$ref` that leaves the document."""
    return SchemaFault(
        pointer, f"{shown(reference)} leads out of this schema", "copy it to `$defs` and write `#/$defs/NAME`"
    )


def no_target(pointer: str, reference: str) -> SchemaFault:
    """A `$ref` to where no schema is."""
    return SchemaFault(pointer, f"{shown(reference)} leads to no schema", "schemas to refer to stand in `$defs`")


def endless(pointer: str) -> SchemaFault:
    """Schemas that lead to each other without going into the value."""
    return SchemaFault(pointer, "this schema leads back to itself without end", "refer to it below a property or item")


def chain_too_long(pointer: str, most: int) -> SchemaFault:
    """Too many schemas of one value inside each other."""
    return SchemaFault(pointer, f"more than {most} schemas of one value inside each other", "put them side by side")


def anchor_twice(pointer: str, anchor: str) -> SchemaFault:
    """One `$anchor` on two schemas."""
    return SchemaFault(pointer, f"the anchor {shown(anchor)} stands twice", "rename one")


def bad_pattern(pointer: str, error: PatternError) -> SchemaFault:
    """A pattern that the language does not read."""
    return SchemaFault(pointer, error.message, error.help)


def not_required(pointer: str, name: str) -> SchemaFault:
    """A property that may be left out."""
    return SchemaFault(
        pointer,
        f"the property {shown(name)} is not `required`: a token without it fits",
        f"add {shown(name)} to `required` of the same schema",
        Level.WARNING,
    )


def other_types_fit(pointer: str, keyword: str, kind: str) -> SchemaFault:
    """A keyword that judges one type, where any other would fit."""
    return SchemaFault(
        pointer,
        f"`{keyword}` judges {KIND_NAMES[kind]} alone: a value of any other type fits",
        f'add `"type": "{kind}"` beside it',
        Level.WARNING,
    )
