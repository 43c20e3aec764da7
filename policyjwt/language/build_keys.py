"""Keys.

Where they come from. Input: the trees of key sources, secrets and exceptions. Output: the same as data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from policyjwt.language import messages, values
from policyjwt.language.build_items import Item, read_items
from policyjwt.language.build_names import because_of, word
from policyjwt.language.build_reader import Reader, extent, only_token, part, tokens_of, trees_of
from policyjwt.language.files import path_fault
from policyjwt.language.model import (
    Discovery,
    ExceptKey,
    JwksFile,
    JwksUrl,
    Leaf,
    Limit,
    Named,
    Names,
    PemFile,
    Secret,
    TextItem,
    X5c,
)
from policyjwt.language.names import KEY_ENCODINGS, SECRET_ENCODINGS

if TYPE_CHECKING:
    from lark import Token, Tree

MAX_DEPTH = 10
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_SECRET_WORDS = frozenset({"secret", "key"})


def path(reader: Reader, token: Token) -> Named | None:
    """A path below the root. Whether the file is there is for those who read it."""
    named = reader.text(token, "a path")
    if named is None:
        return None
    fault = path_fault(named.value)
    if fault is not None:
        reader.report(messages.outside_root(named.span, named.value, fault))
        return None
    return named


def path_item(reader: Reader, node: Tree[Token]) -> TextItem | None:
    """An item of one path."""
    named = path(reader, only_token(node))
    return None if named is None else TextItem(reader.place(node), named.value)


def path_list(reader: Reader, node: Tree[Token]) -> Names:
    """An item of one path or more."""
    named = [path(reader, token) for token in tokens_of(node)]
    return Names(reader.place(node), reader.each_once(named, str(node.data)))


# ------------------------------------------------------------------------------ key sources


def jwks_file(reader: Reader, node: Tree[Token]) -> JwksFile | None:
    """`keys jwks file "…"`."""
    named = path(reader, only_token(node))
    return None if named is None else JwksFile(reader.place(node), named)


def pem_file(reader: Reader, node: Tree[Token]) -> PemFile | None:
    """`keys pem file "…"`."""
    named = path(reader, only_token(node))
    return None if named is None else PemFile(reader.place(node), named)


def remote(reader: Reader, node: Tree[Token]) -> JwksUrl | Discovery | None:
    """`keys jwks url "…" { … }`, `keys discovery "…" { … }`."""
    found = read_items(reader, trees_of(node), _REMOTE, where="the key source")
    named = reader.text(only_token(node), "a URL")
    if named is None:
        return None
    make = JwksUrl if node.data == "jwks_url" else Discovery
    return make(reader.place(node), named, found.one("stale", Limit), found.one("ca", TextItem))


def x5c(reader: Reader, node: Tree[Token]) -> X5c:
    """`keys x5c { … }`."""
    found = read_items(reader, trees_of(node), _X5C, where="`keys x5c`")
    return X5c(
        reader.place(node),
        anchors=found.one("anchors", Names),
        leaf=found.one("leaf", Leaf),
        usage=found.one("usage", TextItem),
        depth=found.one("depth", Limit),
    )


def _leaf(reader: Reader, node: Tree[Token]) -> Leaf | None:
    how = trees_of(node)[0]
    kinds: dict[str, OneOf["san uri", "san dns", "dn", "key sha256", "any"]] = {
        "san_uri": "san uri",
        "san_dns": "san dns",
        "subject": "dn",
        "pin": "key sha256",
        "any_leaf": "any",
    }
    kind, because = kinds[how.data], because_of(reader, how)
    named = reader.texts(tokens_of(how), f"leaf {kind}")
    if kind == "any" and because is None:
        return None
    return Leaf(reader.place(node), kind, named, because)


def _usage(reader: Reader, node: Tree[Token]) -> TextItem | None:
    item = reader.text_item(node)
    if item is not None and not _OID.fullmatch(item.value):
        reader.report(messages.no_oid(reader.span(only_token(node)), item.value))
        return None
    return item


def _depth(reader: Reader, node: Tree[Token]) -> Limit | None:
    token = only_token(node)
    number = reader.attempt(token, values.number)
    if number is None:
        return None
    if not isinstance(number, int) or not 1 <= number <= MAX_DEPTH:
        reader.report(messages.no_depth(reader.span(token), str(token), MAX_DEPTH))
        return None
    return Limit(reader.place(node), number)


_REMOTE = {"stale": Item("stale", Reader.limit), "ca": Item("ca", path_item)}
_X5C = {
    "anchors": Item("anchors", path_list),
    "leaf": Item("leaf", _leaf),
    "usage": Item("usage", _usage),
    "depth": Item("depth", _depth),
}
SOURCES = {
    "jwks_file": Item("keys", jwks_file),
    "jwks_url": Item("keys", remote),
    "discovery": Item("keys", remote),
    "pem_file": Item("keys", pem_file),
    "x5c": Item("keys", x5c),
}


# ------------------------------------------------------------------------------ secrets


def secret(reader: Reader, node: Tree[Token]) -> Secret | None:
    """`secret env "NAME" as base64url kid "…"`, and `key …` of an encryption section."""
    start, end = reader.keyword_before(node, _SECRET_WORDS, since=reader.section_start)
    keyword = reader.source.text[start:end]
    if node.data == "literal_secret":
        # Neither the message nor the span holds the text.
        reader.report(messages.literal_secret(reader.source.span(start, end), keyword))
        return None
    origins: dict[str, OneOf["keyring", "env", "file"]] = {
        "from_keyring": "keyring",
        "from_env": "env",
        "from_file": "file",
    }
    origin = origins[node.data]
    read = path if origin == "file" else _name_of_secret
    parts = [read(reader, token) for token in tokens_of(node)]
    encoding, kid = _encoding(reader, node, keyword)
    named = tuple(part for part in parts if part is not None)
    if len(named) < len(parts) or encoding is None:
        return None
    return Secret(reader.place(node, start=start), origin, named, encoding, kid)


def _name_of_secret(reader: Reader, token: Token) -> Named | None:
    return reader.text(token, "the name of a secret")


def _encoding(reader: Reader, node: Tree[Token], keyword: str) -> tuple[Named | None, Named | None]:
    known = KEY_ENCODINGS if keyword == "key" else SECRET_ENCODINGS
    tree = part(node, "encoding")
    if tree is None:
        reader.report(messages.secret_without_encoding(reader.span(node), keyword, known))
        return None, None
    kid = part(tree, "kid")
    named = word(reader, only_token(tree), known, "encoding")
    return named, None if kid is None else reader.text(only_token(kid), "a kid")


def check_kids(reader: Reader, secrets: tuple[Secret, ...]) -> None:
    """Several secrets each have their kid, one has none: so a token's `kid` always means one of them."""
    if len(secrets) == 1:
        only = secrets[0]
        if only.kid is not None:
            reader.report(messages.kid_of_one(only.kid.span, only.kid.value))
        return
    for each in secrets:
        if each.kid is None:
            reader.report(messages.secret_without_kid(each.place.span, len(secrets)))
    reader.each_once([each.kid for each in secrets], "kid")


# ------------------------------------------------------------------------------ exceptions


def except_key(reader: Reader, node: Tree[Token]) -> ExceptKey | None:
    """`except key sha256 "…" because "…"`."""
    because = because_of(reader, node)
    named = reader.texts(tokens_of(node), "except key")
    wrong = [name for name in named if not _THUMBPRINT.fullmatch(name.value)]
    for name in wrong:
        reader.report(messages.no_thumbprint(name.span))
    if because is None or wrong or len(named) < len(tokens_of(node)):
        return None
    return ExceptKey(reader.place(node), named, because)


def section_begin(reader: Reader, node: Tree[Token]) -> None:
    """Remember where a section begins: the keyword of a secret is looked for from there."""
    reader.section_start = extent(node)[0]
