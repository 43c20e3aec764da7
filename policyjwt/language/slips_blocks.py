"""Faults of blocks: braces, and words that begin nothing here. Input: a trouble. Output: an answer, or None."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from policyjwt.diagnostics import Related
from policyjwt.language import syntax_messages as say
from policyjwt.language.automaton import Automaton, begins
from policyjwt.language.grammar import language
from policyjwt.language.suggest import closest, quoted
from policyjwt.language.trouble import TOP, Answer, Repair, Trouble

_POLICY = ("POLICY", "STRING", "LBRACE")
_SECTIONS = {
    "a policy or a baseline": (),
    "`signature`": ("SIGNATURE", "LBRACE"),
    "`freshness`": ("FRESHNESS", "LBRACE"),
    "`replay`": ("REPLAY", "LBRACE"),
    "`revocation`": ("REVOCATION", "LBRACE"),
    "`encryption`": ("ENCRYPTION", "LBRACE"),
    "`status`": ("STATUS", "LBRACE"),
    "`holder`": ("HOLDER", "NAME", "LBRACE"),
    "`keys x5c`": ("SIGNATURE", "LBRACE", "KEYS", "X5C", "LBRACE"),
    "`keys jwks url`": ("SIGNATURE", "LBRACE", "KEYS", "JWKS", "URL", "STRING", "LBRACE"),
}
_MEANT = {
    "aud": "audience",
    "iss": "issuer",
    "typ": "type",
    "alg": "algorithms",
    "algs": "algorithms",
    "algorithm": "algorithms",
    "description": "about",
    "title": "about",
    "deny": "forbid",
    "reject": "forbid",
    "disallow": "forbid",
    "refuse": "forbid",
    "must": "require",
    "assert": "require",
    "expect": "require",
    "ensure": "require",
    "check": "require",
    "demand": "require",
    "exp": "expires",
    "ttl": "lifetime",
    "max_age": "age",
    "leeway": "skew",
    "clock_skew": "skew",
    "jti": "nonce",
    "include": "import",
    "const": "let",
    "var": "let",
    "set": "let",
    "rule": "require",
    "exempt": "waive",
    "skip": "waive",
    "jwks": "keys",
    "warn": "observe",
    "audit": "observe",
}
_LISTED = 8


def stray_brace(trouble: Trouble) -> Answer | None:
    """A brace that closes or opens nothing: there is one too many, and it can't stand here."""
    balance = trouble.balance()
    if trouble.token.value == "}" and (not trouble.blocks or (balance > 0 and not trouble.first(trouble.at))):
        return Answer(say.closes_nothing(trouble.span(), "}"), Repair(trouble.at + 1))
    if trouble.token.value == "{" and (balance < 0 or "ALLOW" in trouble.accepted):
        said = say.opens_nothing(trouble.span())
        return Answer(said, Repair(trouble.at + 1 if balance < 0 else trouble.matching(trouble.at) + 1))
    return None


def no_brace(trouble: Trouble) -> Answer | None:
    """A block without its opening brace."""
    if "LBRACE" not in trouble.accepted or "ALLOW" in trouble.accepted:
        return None
    if "STRING" in trouble.accepted or trouble.token.value == "{":
        return None
    said = say.word_missing(
        trouble.span(trouble.item, trouble.at - 1),
        "{",
        str(trouble.tokens[trouble.item]),
        "a block stands in braces",
    )
    if trouble.balance() > 0 or trouble.token.value == "}" or trouble.first(trouble.at):
        fits = trouble.first(trouble.at) or trouble.automaton.takes("LBRACE", trouble.kind_after("LBRACE"))
        return Answer(said, Repair(trouble.at if fits else trouble.at + 1, feed=("LBRACE",)))
    at = trouble.at
    while not trouble.first(at) and trouble.tokens[at] not in {"{", "}"}:
        at += 1
    return Answer(said, Repair(at, feed=("LBRACE", "RBRACE")))


def text_ended(trouble: Trouble) -> Answer | None:
    """The text ends, and blocks are open."""
    if trouble.at < len(trouble.tokens) or not trouble.blocks:
        return None
    related = tuple(
        Related(trouble.span(block.brace), f"the block of `{trouble.tokens[block.word]}`") for block in trouble.blocks
    )
    word = trouble.tokens[trouble.blocks[-1].word]
    said = say.block_open(trouble.span(trouble.at - 1), str(word), word.line or 0, before=None, related=related)
    return Answer(said, None)


def closes_outer(trouble: Trouble) -> Answer:
    """A brace that could close the block at hand, but by its column closes the one around it."""
    word = trouble.tokens[trouble.blocks[-1].word]
    said = say.block_open(trouble.span(), str(word), word.line or 0, before="}")
    return Answer(said, Repair(trouble.at, feed=("RBRACE",)))


def elsewhere(trouble: Trouble) -> Answer | None:
    """A word that begins an item, but of another block: either it is misplaced, or a brace is missing or too much."""
    word = str(trouble.token)
    terminal = language().keywords.get(word)
    if terminal is None or not _item_position(trouble):
        return None
    homes = [name for name, items in _items().items() if terminal in items]
    if word not in TOP and not homes:
        return None
    balance = trouble.balance()
    open_before = balance < 0 or trouble.outdented(trouble.at)
    if trouble.blocks and open_before and _begins_outside(trouble, terminal):
        return _not_closed(trouble, terminal)
    if word in TOP:
        return (
            None
            if trouble.blocks == ()
            else Answer(say.misplaced(trouble.span(), word, _where(trouble), "no block"), None)
        )
    before = trouble.before
    if before.type == "RBRACE" and (balance > 0 or not trouble.blocks):
        said = say.misplaced(
            trouble.span(), word, _where(trouble), f"{homes[0]}; the brace before it closes that too early"
        )
        feed = _reopening(trouble, homes)
        return Answer(said, Repair(trouble.at, feed=feed))
    return Answer(say.misplaced(trouble.span(), word, _where(trouble), " or ".join(homes[:3])), None)


def unknown_item(trouble: Trouble) -> Answer | None:
    """A word that begins nothing here."""
    if not trouble.is_word or not _item_position(trouble):
        return None
    word = str(trouble.token)
    items = [language().written[terminal] for terminal in sorted(trouble.items())]
    meant = _MEANT.get(word.lower())
    meant = meant if meant in items else closest(word, items)
    if meant is not None:
        said = say.unknown_item(trouble.span(), word, _where(trouble), f"did you mean `{meant}`?")
        return Answer(said, Repair(trouble.at + 1, feed=(language().keywords[meant],)))
    help_ = f"it holds {', '.join(f'`{item}`' for item in items)}" if len(items) <= _LISTED else None
    brace = trouble.brace_instead()
    repair = Repair(trouble.at + 1, feed=brace) if brace else _headless(trouble)
    return Answer(say.unknown_item(trouble.span(), word, _where(trouble), help_), repair)


def no_word(trouble: Trouble) -> Answer | None:
    """`"payments" {` outside all blocks: the word of the block is missing."""
    repair = _headless(trouble)
    if repair is None:
        return None
    return Answer(say.unexpected(trouble.span(), "`policy` or `baseline`", quoted(str(trouble.token))), repair)


# ------------------------------------------------------------------------------------ what the rules ask


def _headless(trouble: Trouble) -> Repair | None:
    """How to read on in a block whose head is not understood, where it can only be a policy: outside all blocks."""
    if trouble.blocks or "ALLOW" not in trouble.accepted or not trouble.first(trouble.at):
        return None
    at = trouble.at
    while not trouble.first(at + 1):
        at += 1
    return Repair(at + 1, feed=_POLICY) if trouble.look(at - trouble.at).type == "LBRACE" else None


def _item_position(trouble: Trouble) -> bool:
    """Whether an item may begin here, and nothing else is likelier."""
    if "ALLOW" not in trouble.accepted:
        return False
    return trouble.first(trouble.at) or trouble.before.type in {"LBRACE", "RBRACE"} or "REQUIRE" not in trouble.items()


def _where(trouble: Trouble) -> str:
    block = trouble.block()
    if not block:
        return "a policy file outside its blocks"
    return f"a {block}" if block in {"policy", "baseline"} else f"`{block}`"


def _begins_outside(trouble: Trouble, terminal: str) -> bool:
    """Whether `terminal` begins an item of a block around the one at hand."""
    return any(terminal in begins(level) for level in list(trouble.automaton.levels())[1:])


def _not_closed(trouble: Trouble, terminal: str) -> Answer:
    """The block at hand lacks its closing brace before this item of an outer one."""
    trial = Automaton(trouble.automaton.stack)
    feed: list[str] = []
    while not trial.takes(terminal) and trial.shift("RBRACE"):
        feed.append("RBRACE")
    word = trouble.tokens[trouble.blocks[-1].word]
    said = say.block_open(trouble.span(), str(word), word.line or 0, before=str(trouble.token))
    return Answer(said, Repair(trouble.at, feed=tuple(feed)))


def _reopening(trouble: Trouble, homes: list[str]) -> tuple[str, ...]:
    """What opens a block again in which the item at hand may stand."""
    lead = () if trouble.blocks else _POLICY
    trial = Automaton(trouble.automaton.stack)
    for home in homes:
        feed = (*lead, *_SECTIONS[home])
        if feed and trial.takes(*feed):
            return feed
    return ()


@cache
def _items() -> Mapping[str, frozenset[str]]:
    """The terminals that begin items, by the block that they stand in."""
    found = {}
    for name, section in _SECTIONS.items():
        automaton = Automaton()
        automaton.feed(("POLICYJWT", "NUMBER", *_POLICY, *section))
        found[name] = automaton.items()
    return found
