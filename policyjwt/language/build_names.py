"""What names mean.

Input: NAME tokens. Output: paths into the token and the request, literals of `let`s, fixed words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from policyjwt.language import messages
from policyjwt.language.build_reader import Reader, part, tokens_of
from policyjwt.language.model import ROOTS, Literal, Named, Path, Root
from policyjwt.language.names import MEMBERS, NULLS, OPEN_MEMBERS, PLAIN, RESERVED, Part, in_backquotes, parts

if TYPE_CHECKING:
    from lark import Token, Tree

Variables = tuple[str, ...]
"""The variables of the `every` and `some` around a test, the outermost first."""


def left_path(reader: Reader, token: Token, variables: Variables) -> Path | None:
    """A name where a bare one is a variable in scope, else a claim."""
    name = _well_formed(reader, token)
    if name is None:
        return None
    first = name[0]
    if not first.quoted and first.name in variables:
        return _path(reader, token, "variable", name)
    if not first.quoted and first.name in ROOTS:
        return _rooted(reader, token, name)
    return _claim(reader, token, name)


def right_value(
    reader: Reader, token: Token, variables: Variables, *, left: str | None = None
) -> Path | Literal | None:
    """A name where a bare one is a variable or a `let`, never a claim.

    A misspelling must not hand the answer to the token.

    `left` is the other operand as written, for the help about `null`.
    """
    name = _well_formed(reader, token)
    if name is None:
        return None
    first = name[0]
    if first.quoted:
        return _claim(reader, token, name)
    if first.name in variables:
        return _path(reader, token, "variable", name)
    if first.name in ROOTS:
        return _rooted(reader, token, name)
    if first.name in reader.lets:
        return _let(reader, token, name)
    _unknown(reader, token, variables, left)
    return None


def claim_path(reader: Reader, token: Token, what: str) -> Path | None:
    """A name that must be of a claim: `nonce jti`, `select repository_id`, `confidential phone`."""
    path = left_path(reader, token, ())
    if path is not None and path.root != "claim":
        reader.report(messages.not_a_claim(path.span, path.text, what))
        return None
    return path


def let_literal(reader: Reader, token: Token) -> Literal | None:
    """A name that must be of a `let`."""
    value = right_value(reader, token, ())
    if isinstance(value, Path):
        reader.report(messages.not_a_let(value.span, value.text))
        return None
    return value


def because_of(reader: Reader, node: Tree[Token]) -> Named | None:
    """The reason that `node` gives: a string, or a `let` that is one."""
    because = part(node, "because")
    if because is None:
        return None
    token = tokens_of(because)[0]
    if token.type == "STRING":
        return reader.text(token, "a reason")
    literal = let_literal(reader, token)
    if literal is None:
        return None
    if not isinstance(literal.value, str) or not literal.value.strip():
        reader.report(messages.reason_is_no_text(literal.span, str(token)))
        return None
    return Named(literal.span, literal.value)


def word(reader: Reader, token: Token, known: Iterable[str], what: str) -> Named | None:
    """One of the fixed words `known`; `what` says what kind of word it is."""
    known = tuple(known)
    if str(token) in known:
        return Named(reader.span(token), str(token))
    reader.report(messages.unknown_word(reader.span(token), str(token), what, known))
    return None


def plain_name(reader: Reader, token: Token, what: str) -> Named | None:
    """A name of the author's own that must be plain: a `let`, a variable, a placeholder."""
    if PLAIN.fullmatch(token):
        return Named(reader.span(token), str(token))
    reader.report(messages.not_plain(reader.span(token), str(token), what))
    return None


# ------------------------------------------------------------------------------ the parts of a name


def _well_formed(reader: Reader, token: Token) -> tuple[Part, ...] | None:
    """The parts of a name, if each is plain or in backquotes."""
    name = parts(token)
    span = reader.span(token)
    index = next(
        (at for at, part in enumerate(name) if part.joint == "." and not part.quoted and part.name.isdecimal()),
        None,
    )
    if index is not None:
        reader.report(messages.list_index(span, str(token), str(token)[: name[index].start]))
    elif any(part.joint in {"-", "+"} or not (part.quoted or PLAIN.fullmatch(part.name)) for part in name):
        reader.report(messages.needs_backquotes(span, str(token), in_backquotes(name)))
    elif len(name) == 1 and not name[0].quoted and name[0].name in RESERVED:
        reader.report(messages.needs_backquotes(span, str(token), f"`{token}`"))
    else:
        return name
    return None


def _path(reader: Reader, token: Token, root: Root, name: tuple[Part, ...]) -> Path:
    return Path(reader.span(token), root, tuple(part.name for part in name), str(token))


def _claim(reader: Reader, token: Token, name: tuple[Part, ...]) -> Path:
    reader.claims.setdefault(name[0].name, reader.span(token))
    return _path(reader, token, "claim", name)


def _rooted(reader: Reader, token: Token, name: tuple[Part, ...]) -> Path | None:
    """The path below the root that the name begins with."""
    root = cast("Root", name[0].name)
    below = name[1:]
    if not below:
        reader.report(messages.root_alone(reader.span(token), root))
        return None
    if root == "claim":
        return _claim(reader, token, below)
    if root in MEMBERS and not _has_member(reader, token, root, below):
        return None
    path = _path(reader, token, root, below)
    if root == "context" and below[0].name == "headers":
        return Path(path.span, root, tuple(member.lower() for member in path.members), path.text)
    return path


def _has_member(reader: Reader, token: Token, root: str, below: tuple[Part, ...]) -> bool:
    """Whether the root has that member. Below `context.headers` and `.values` stands one free name."""
    span, written = reader.span(token), ".".join(part.name for part in below)
    if root == "context" and below[0].name in OPEN_MEMBERS:
        if len(below) == 2:
            return True
        reader.report(messages.open_member(span, str(token), f"{root}.{below[0].name}"))
        return False
    if written in MEMBERS[root]:
        return True
    reader.report(messages.unknown_member(span, root, written, MEMBERS[root]))
    return False


def _let(reader: Reader, token: Token, name: tuple[Part, ...]) -> Literal | None:
    let = reader.lets[name[0].name]
    if len(name) > 1:
        reader.report(messages.let_has_no_members(reader.span(token), name[0].name))
        return None
    return Literal(reader.span(token), let.value, let.name.value)


def _unknown(reader: Reader, token: Token, variables: Variables, left: str | None) -> None:
    first = parts(token)[0].name
    if reader.incomplete or first in reader.broken_lets:
        reader.give_up()
    elif token in NULLS:
        reader.report(messages.no_null(reader.span(token), str(token), left))
    else:
        known = (*variables, *reader.lets, "true", "false")
        reader.report(messages.unknown_name(reader.span(token), str(token), known))
