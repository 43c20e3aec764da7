"""Sections of a policy. Input: the trees of `signature { … }` and its kin. Output: sections of the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from policyjwt.language import messages
from policyjwt.language.build_items import Found, Item, read_items, spoken
from policyjwt.language.build_keys import (
    SOURCES,
    check_kids,
    except_key,
    path_item,
    path_list,
    secret,
    section_begin,
)
from policyjwt.language.build_names import because_of, claim_path, left_path, word
from policyjwt.language.build_reader import Reader, only_token, tokens_of, trees_of
from policyjwt.language.model import (
    Discovery,
    Encryption,
    ExceptKey,
    Excused,
    Freshness,
    Holder,
    IssuedAfter,
    JwksFile,
    JwksUrl,
    KeySource,
    Limit,
    Marker,
    Named,
    Names,
    Nonce,
    PemFile,
    Replay,
    Revocation,
    Secret,
    Signature,
    Staple,
    Status,
    TextItem,
    X5c,
)
from policyjwt.language.names import (
    ALGORITHMS,
    CARRIERS,
    CONTENT,
    COVER,
    HOLDERS,
    KEY_MANAGEMENT,
    NEEDS,
    REACHES,
    UNIQUE_WITHIN,
)

if TYPE_CHECKING:
    from lark import Token, Tree


# ------------------------------------------------------------------------------ items of several sections


def _words(known: tuple[str, ...], what: str) -> Callable[[Reader, Tree[Token]], Names]:
    """A reader of `NAME, NAME, …`, all of one fixed table."""

    def read(reader: Reader, node: Tree[Token]) -> Names:
        named = [word(reader, token, known, what) for token in tokens_of(node)]
        return Names(reader.place(node), reader.each_once(named, str(node.data)))

    return read


def _one_word(known: tuple[str, ...], what: str) -> Callable[[Reader, Tree[Token]], TextItem | None]:
    """A reader of an item of one fixed word."""

    def read(reader: Reader, node: Tree[Token]) -> TextItem | None:
        named = word(reader, only_token(node), known, what)
        return None if named is None else TextItem(reader.place(node), named.value)

    return read


def _algorithms(reader: Reader, node: Tree[Token]) -> Names:
    named = [_algorithm(reader, token) for token in tokens_of(node)]
    return Names(reader.place(node), reader.each_once(named, "algorithms"))


def _algorithm(reader: Reader, token: Token) -> Named | None:
    if token.lower() == "none":
        reader.report(messages.algorithm_none(reader.span(token), str(token)))
        return None
    return word(reader, token, ALGORITHMS, "algorithm")


def _marker(reader: Reader, node: Tree[Token]) -> Marker:
    return Marker(reader.place(node))


def excused(reader: Reader, node: Tree[Token]) -> Excused | None:
    """An exception with its reason."""
    because = because_of(reader, node)
    return None if because is None else Excused(reader.place(node), because)


# ------------------------------------------------------------------------------ signature, encryption


def signature(reader: Reader, node: Tree[Token]) -> Signature:
    """`signature { … }`."""
    section_begin(reader, node)
    found = read_items(reader, trees_of(node), _SIGNATURE, where="`signature`")
    secrets = found.all("secrets", Secret)
    if "secrets" not in found.broken:
        check_kids(reader, secrets)
    keys = _key_source(found)
    if keys is not None and secrets:
        earlier, later = sorted((keys.place.span, secrets[0].place.span))
        reader.report(messages.second_key_source(later, earlier))
    return Signature(
        reader.place(node),
        algorithms=found.one("algorithms", Names),
        keys=keys,
        secrets=secrets,
        held_by_several=found.one("held_by_several", Excused),
        except_keys=found.all("except_keys", ExceptKey),
    )


def _key_source(found: Found) -> KeySource | None:
    return (
        found.one("keys", JwksFile)
        or found.one("keys", JwksUrl)
        or found.one("keys", Discovery)
        or found.one("keys", PemFile)
        or found.one("keys", X5c)
    )


def encryption(reader: Reader, node: Tree[Token]) -> Encryption:
    """`encryption { … }`."""
    section_begin(reader, node)
    found = read_items(reader, trees_of(node), _ENCRYPTION, where="`encryption`")
    keys = found.all("keys", Secret)
    reader.each_once([key.kid for key in keys], "kid")
    return Encryption(
        reader.place(node),
        algorithms=found.one("algorithms", Names),
        content=found.one("content", Names),
        keys=keys,
    )


def _decryption_key(reader: Reader, node: Tree[Token]) -> Secret | None:
    return secret(reader, trees_of(node)[0])


_SECRETS = {
    name: Item("secrets", secret, once=False) for name in ("from_keyring", "from_env", "from_file", "literal_secret")
}
_SIGNATURE = {
    **SOURCES,
    **_SECRETS,
    "algorithms": Item("algorithms", _algorithms),
    "held": Item("held_by_several", excused),
    "except": Item("except_keys", except_key, once=False),
}
_ENCRYPTION = {
    "key": Item("keys", _decryption_key, once=False),
    "algorithms": Item("algorithms", _words(KEY_MANAGEMENT, "key management algorithm")),
    "content": Item("content", _words(CONTENT, "content algorithm")),
}


# ------------------------------------------------------------------------------ freshness


def freshness(reader: Reader, node: Tree[Token]) -> Freshness:
    """`freshness { … }`."""
    found = read_items(reader, trees_of(node), _FRESHNESS, where="`freshness`")
    needs = found.all("needs", Names)
    if len(needs) > 1:
        reader.each_once([name for item in needs for name in item.names], "needs")
    return Freshness(
        reader.place(node),
        lifetime=found.one("lifetime", Limit),
        age=found.one("age", Limit),
        expires=found.one("expires", Limit),
        skew=found.one("skew", Limit),
        needs=needs,
        issued_after=found.one("issued_after", IssuedAfter),
    )


def _issued_after(reader: Reader, node: Tree[Token]) -> IssuedAfter | None:
    date, because = reader.date(only_token(node)), because_of(reader, node)
    return None if date is None or because is None else IssuedAfter(reader.place(node), date, because)


_FRESHNESS = {
    "lifetime": Item("lifetime", Reader.limit),
    "age": Item("age", Reader.limit),
    "expires": Item("expires", Reader.limit),
    "skew": Item("skew", Reader.limit),
    "needs": Item("needs", _words(NEEDS, "word after `needs`"), once=False),
    "issued_after": Item("issued_after", _issued_after),
}


# ------------------------------------------------------------------------------ replay


def replay(reader: Reader, node: Tree[Token]) -> Replay:
    """`replay { … }`."""
    found = read_items(reader, trees_of(node), _REPLAY, where="`replay`")
    return Replay(
        reader.place(node),
        nonce=found.one("nonce", Nonce),
        unique=found.one("unique", TextItem),
        reaches=found.one("reaches", TextItem),
        hold=found.one("hold", Limit),
        proof_once=found.one("proof_once", Marker),
        by_holder=found.one("by_holder", Marker),
        reusable=found.one("reusable", Excused),
    )


def _nonce(reader: Reader, node: Tree[Token]) -> Nonce | None:
    first, *rest = trees_of(node)
    claim = claim_path(reader, only_token(first), "nonce")
    equals = left_path(reader, only_token(rest[0]), ()) if rest else None
    if equals is not None and (equals.root, equals.members) != ("context", ("nonce",)):
        reader.report(messages.nonce_equals(equals.span, equals.text))
        return None
    return None if claim is None or (rest and equals is None) else Nonce(reader.place(node), claim, equals)


_REPLAY = {
    "nonce": Item("nonce", _nonce),
    "unique": Item("unique", _one_word(UNIQUE_WITHIN, "word after `unique within`")),
    "reaches": Item("reaches", _one_word(REACHES, "word after `store reaches`")),
    "hold": Item("hold", Reader.limit),
    "proof": Item("proof_once", _marker),
    "by_holder": Item("by_holder", _marker),
    "reusable": Item("reusable", excused),
}


# ------------------------------------------------------------------------------ revocation, status


def revocation(reader: Reader, node: Tree[Token]) -> Revocation:
    """`revocation { … }`."""
    found = read_items(reader, trees_of(node), _REVOCATION, where="`revocation`")
    return Revocation(
        reader.place(node),
        staple=found.one("staple", Staple),
        crl=found.one("crl", TextItem),
        short_lived=found.one("short_lived", Limit),
        key_removal=found.one("key_removal", Limit),
        redeployment=found.one("redeployment", Excused),
        age=found.one("age", Limit),
        window=found.one("window", Limit),
        cover=found.one("cover", TextItem),
        responder=found.one("responder", TextItem),
        without_nocheck=found.one("without_nocheck", Excused),
        without_next_update=found.one("without_next_update", Excused),
        after_token=found.one("after_token", Marker),
    )


def _staple(reader: Reader, node: Tree[Token]) -> Staple | None:
    token = only_token(node)
    if node.data == "staple_header":
        header = reader.text(token, "the name of a header parameter")
        return None if header is None else Staple(reader.place(node), "header", header)
    carriers: dict[str, OneOf["jades", "caller"]] = {"jades": "jades", "caller": "caller"}
    if token in carriers:
        return Staple(reader.place(node), carriers[token], None)
    reader.report(messages.unknown_word(reader.span(token), str(token), "word after `staple ocsp from`", CARRIERS))
    return None


_REVOCATION = {
    "staple_header": Item("staple", _staple),
    "staple_from": Item("staple", _staple),
    "crl": Item("crl", path_item),
    "short_lived": Item("short_lived", Reader.limit),
    "key_removal": Item("key_removal", Reader.limit),
    "redeployment": Item("redeployment", excused),
    "age": Item("age", Reader.limit),
    "window": Item("window", Reader.limit),
    "cover": Item("cover", _one_word(COVER, "word after `cover`")),
    "responder": Item("responder", path_item),
    "no_nocheck": Item("without_nocheck", excused),
    "no_next_update": Item("without_next_update", excused),
    "after_token": Item("after_token", _marker),
}


def status(reader: Reader, node: Tree[Token]) -> Status:
    """`status { … }`."""
    found = read_items(reader, trees_of(node), _STATUS, where="`status`")
    return Status(
        reader.place(node),
        list_from=found.one("list_from", TextItem),
        keys=_key_source(found),
        uri=found.one("uri", TextItem),
        age=found.one("age", Limit),
    )


_STATUS = {
    **SOURCES,
    "list_from": Item("list_from", _one_word(("caller",), "word after `list from`")),
    "uri": Item("uri", Reader.text_item),
    "age": Item("age", Reader.limit),
}


# ------------------------------------------------------------------------------ holder


def holder(reader: Reader, node: Tree[Token]) -> Holder | None:
    """`holder dpop { … }`, `holder mtls { … }`."""
    kind = word(reader, only_token(node), HOLDERS, "word after `holder`")
    found = read_items(reader, trees_of(node), _HOLDER, where="`holder`")
    if kind is None:
        return None
    for tree in trees_of(node):
        if tree.data != "allow" and tree.data not in _HOLDER_ITEMS[kind.value]:
            reader.report(messages.not_of_this_holder(reader.span(tree), spoken(tree), kind.value))
    return Holder(
        reader.place(node),
        "dpop" if kind.value == "dpop" else "mtls",
        age=found.one("age", Limit),
        algorithms=found.one("algorithms", Names),
        nonce_required=found.one("nonce_required", Marker),
        anchors=found.one("anchors", Names),
    )


_HOLDER = {
    "age": Item("age", Reader.limit),
    "algorithms": Item("algorithms", _algorithms),
    "nonce_required": Item("nonce_required", _marker),
    "anchors": Item("anchors", path_list),
}
_HOLDER_ITEMS = {"dpop": {"age", "algorithms", "nonce_required"}, "mtls": {"anchors"}}
