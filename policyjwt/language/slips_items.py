"""Faults of items: what is missing, too much, or at the wrong place. Input: a trouble. Output: an answer, or None."""

from __future__ import annotations

from policyjwt.language import expected, limits
from policyjwt.language import syntax_messages as say
from policyjwt.language.automaton import Automaton
from policyjwt.language.grammar import END, language
from policyjwt.language.trouble import OPERATOR_WORDS, TAIL, Answer, Repair, Trouble

_LITERALS = ("STRING", "NAME", "NUMBER", "DURATION", "DATE", "REGEX")
_BRACKETS = {"RPAR": "(", "RSQB": "["}
_LIMITS = {"depth": "2", "skew": "30s", "hold": "10m", "stale": "24h", "lifetime": "1h", "window": "7d"}


def version_again(trouble: Trouble) -> Answer | None:
    """`policyjwt 1` a second time."""
    if trouble.token.value != "policyjwt":
        return None
    last = trouble.at + (trouble.look(1).type == "NUMBER")
    return Answer(say.version_again(trouble.span(trouble.at, last)), Repair(last + 1, item=True))


def allow_excuses_nothing(trouble: Trouble) -> Answer | None:
    """An `allow` that is the last of its block."""
    accepted = trouble.accepted
    if "ALLOW" not in accepted or {"RBRACE", END} & accepted or trouble.token.type not in {"RBRACE", END}:
        return None
    return Answer(say.allow_excuses_nothing(trouble.span(trouble.item)), Repair(trouble.at, item=True))


def line_unfinished(trouble: Trouble) -> Answer | None:
    """The word before begins the next item, but was read as a name, since the line above it is not finished."""
    at, before = trouble.at - 1, str(trouble.before)
    if at < 1 or trouble.before.type != "NAME" or not trouble.first(at) or trouble.item >= at:
        return None
    keyword = language().keywords.get(before, "")
    if keyword not in trouble.items() and not (
        before in {"policy", "baseline", "let", "import"} and trouble.before.column == 1
    ):
        return None
    if trouble.tokens[at - 1].type == "ONLY":
        return Answer(say.quantity_alone(trouble.span(at - 1), "only"), Repair(at, item=True))
    if trouble.tokens[at - 1].type == "COMMA":
        return Answer(say.trailing_comma(trouble.span(at - 1)), Repair(at, item=True))
    wanted = expected.phrase(Automaton(trouble.automaton.stack[:-1]).accepted(), *_context(trouble, at))
    return Answer(say.line_ended(trouble.span(at - 1), wanted, None), Repair(at, item=True))


def value_skipped(trouble: Trouble) -> Answer | None:
    """`a == when b`: a word of the tail was read as the value that is missing before it."""
    at = trouble.at - 1
    if trouble.before.type != "NAME" or trouble.before not in TAIL or trouble.item >= at - 1 or trouble.first(at):
        return None
    if trouble.automaton.kind(str(trouble.before)) == "NAME":
        return None
    wanted = expected.phrase(Automaton(trouble.automaton.stack[:-1]).accepted(), *_context(trouble, at))
    return Answer(say.line_ended(trouble.span(at - 1), wanted, None), Repair(at))


def word_twice(trouble: Trouble) -> Answer | None:
    """`require require a == "x"`, `policy policy "p"`."""
    at = trouble.at if trouble.token == trouble.before else trouble.at - 1
    if (
        at < 1
        or not str(trouble.look(at - trouble.at)).isalpha()
        or trouble.look(at - trouble.at) != trouble.tokens[at - 1]
    ):
        return None
    said = say.word_twice(trouble.span(at), str(trouble.tokens[at]))
    return Answer(said, Repair(trouble.at + 1) if at == trouble.at else Repair(trouble.test_end(trouble.at), test=True))


def line_begin(trouble: Trouble) -> Answer | None:
    """A line that begins with what continues a rule, but the line above is none or lacks something itself."""
    found = str(trouble.token)
    words = TAIL | {
        "in",
        "is",
        "satisfies",
        "where",
        ",",
        "contains",
        "starts",
        "ends",
        "like",
        "matches",
        "under",
    }
    if (
        not trouble.first(trouble.at)
        or (found not in words and trouble.token.type != "COMPARE")
        or _open_bracket(trouble) is not None
    ):
        return None
    if found == "because":
        said = say.unexpected(trouble.span(), "an item", "`because`", "a reason stands behind what it is the reason of")
    else:
        said = say.line_begins_with(trouble.span(), found)
    brace = trouble.brace_instead()
    return Answer(said, Repair(trouble.at + 1, feed=brace) if brace else Repair(_next_line(trouble), item=True))


def trailing_comma(trouble: Trouble) -> Answer | None:
    """A comma, and then nothing that it could stand before."""
    if trouble.before.type != "COMMA" or not (trouble.at_end or trouble.token in TAIL):
        return None
    feed = _filler(trouble, ("STRING",), ("NAME",), ("NAME", "IS", "NAME"))
    return Answer(say.trailing_comma(trouble.span(trouble.at - 1)), Repair(trouble.at, feed=feed))


def no_reason(trouble: Trouble) -> Answer | None:
    """What needs a reason, without one."""
    if "BECAUSE" not in trouble.accepted or {"ALLOW", "AND", "RPAR"} & trouble.accepted:
        return None
    if not (trouble.at_end or trouble.token.type == "STRING" or trouble.token in language().keywords):
        return None
    item = trouble.text(trouble.item, trouble.at - 1)
    said = say.no_reason(trouble.span(trouble.item, trouble.at - 1), item)
    feed = ("BECAUSE",) if trouble.token.type == "STRING" else ("BECAUSE", "STRING")
    return Answer(said, Repair(trouble.at, feed=feed))


def reason_without_quotes(trouble: Trouble) -> Answer | None:
    """`because the partner can't`: the first word was read as the name of a `let`."""
    at = trouble.at - 1
    if (
        trouble.look(-2).type != "BECAUSE"
        or trouble.before.type != "NAME"
        or trouble.first(trouble.at)
        or trouble.token.value == "}"
    ):
        return None
    end = trouble.at
    while not trouble.first(end) and trouble.tokens[end] != "}":
        end += 1
    said = say.quotes_missing(
        trouble.span(at, end - 1), "a reason in quotes", trouble.text(at, end - 1), 'write `because "…"`'
    )
    return Answer(said, Repair(end))


def at_most(trouble: Trouble) -> Answer | None:
    """`lifetime 15m`, `lifetime <= 15m`, `lifetime = 15m`."""
    if trouble.accepted not in ({"AT"}, {"MOST"}):
        return None
    item = str(trouble.before if trouble.accepted == {"AT"} else trouble.look(-2))
    amount = next((at for at in range(trouble.at, trouble.at + 3) if _is_amount(trouble, at)), None)
    example = str(trouble.tokens[amount]) if amount is not None else _LIMITS.get(item, "10m")
    feed = ("AT", "MOST") if trouble.accepted == {"AT"} else ("MOST",)
    said = say.no_at_most(trouble.span(trouble.item, trouble.at - 1), item, example)
    if amount is None:
        filler = "NUMBER" if item == "depth" else "DURATION"
        end = trouble.at if trouble.at_end or trouble.token in language().keywords else trouble.at + 1
        return Answer(said, Repair(end, feed=(*feed, filler)))
    return Answer(said, Repair(amount, feed=feed))


def _is_amount(trouble: Trouble, at: int) -> bool:
    if at >= len(trouble.tokens) or trouble.first(at):
        return False
    return trouble.tokens[at].type in {"DURATION", "NUMBER", "BAD_NUMBER"}


def fixed_word(trouble: Trouble) -> Answer | None:
    """One certain word belongs here, and it is missing."""
    if len(trouble.accepted) != 1:
        return None
    terminal = next(iter(trouble.accepted))
    written = language().written.get(terminal)
    if written is None or terminal == "LBRACE":
        return None
    help_ = f"write `{trouble.before} {written}`" if trouble.before.type != "STRING" else None
    said = say.word_missing(trouble.span(trouble.at - 1), written, str(trouble.before), help_)
    if trouble.at_end:
        return Answer(said, Repair(trouble.at, item=True))
    if trouble.automaton.takes(terminal, trouble.kind_after(terminal)):
        return Answer(said, Repair(trouble.at, feed=(terminal,)))
    return Answer(said, Repair(trouble.at + 1, feed=(terminal,)))


def comma_between_items(trouble: Trouble) -> Answer | None:
    """`lifetime at most 1h, skew at most 30s`."""
    following = language().keywords.get(str(trouble.look(1)), "")
    if trouble.token.type != "COMMA" or following not in trouble.items() or "ALLOW" not in trouble.accepted:
        return None
    said = say.unexpected(
        trouble.span(),
        "the next item",
        "`,`",
        "items stand side by side, or each on its line, without commas",
    )
    return Answer(said, Repair(trouble.at + 1))


def comma_missing(trouble: Trouble) -> Answer | None:
    """Two values of a list side by side."""
    if "COMMA" not in trouble.accepted or trouble.before.type not in {"STRING", "NAME", "NUMBER"}:
        return None
    if str(trouble.token) in OPERATOR_WORDS:
        return None
    same = trouble.token.type == trouble.before.type or (trouble.is_word and trouble.before.type == "NAME")
    literals = {trouble.token.type, trouble.before.type} <= {"STRING", "NUMBER"}
    in_list = "RSQB" in trouble.accepted or "RPAR" in trouble.accepted
    if not (same or literals) or (trouble.first(trouble.at) and not in_list and trouble.token.type != "STRING"):
        return None
    if not trouble.automaton.takes("COMMA", trouble.kind_after("COMMA")):
        return None
    return Answer(say.comma_missing(trouble.span(trouble.at - 1, trouble.at)), Repair(trouble.at, feed=("COMMA",)))


def bracket(trouble: Trouble) -> Answer | None:
    """A bracket that is not closed, closes nothing, or holds nothing."""
    opener = _open_bracket(trouble)
    sign = str(trouble.token)
    if sign in {")", "]"}:
        if opener is None or trouble.tokens[opener] != {")": "(", "]": "["}[sign]:
            return Answer(
                say.closes_nothing(trouble.span(), sign), Repair(trouble.at + 1, feed=trouble.brace_instead())
            )
        return None
    closers = [terminal for terminal in ("RPAR", "RSQB") if terminal in trouble.accepted]
    ends = (
        trouble.at_end
        or trouble.token in TAIL
        or trouble.token in OPERATOR_WORDS
        or trouble.token.type in {"COMPARE", "LBRACE"}
    )
    if opener is None or not closers or not ends:
        return None
    feed: list[str] = []
    trial = Automaton(trouble.automaton.stack)
    for _ in range(limits.NESTING):
        if feed and trial.takes(trial.kind(sign) if trouble.is_word else trouble.token.type):
            break  # what follows may stand in the brackets around this one
        closer = next((one for one in ("RPAR", "RSQB") if trial.shift(one)), None)
        if closer is None:
            break
        feed.append(closer)
    return Answer(
        say.bracket_open(trouble.span(opener), str(trouble.tokens[opener])),
        Repair(trouble.at, feed=tuple(feed)),
    )


def _open_bracket(trouble: Trouble) -> int | None:
    """The innermost bracket of the item at hand that is open."""
    opened: list[int] = []
    for at in range(max(trouble.item, 0), min(trouble.at, len(trouble.tokens))):
        token = trouble.tokens[at]
        if token.type in {"LPAR", "LSQB"}:
            opened.append(at)
        elif token.type in {"RPAR", "RSQB"} and opened:
            opened.pop()
    return opened[-1] if opened else None


def value_missing(trouble: Trouble) -> Answer | None:
    """The line, the bracket or the demand ends where a value belongs."""
    ends = trouble.at_end or trouble.token in TAIL or trouble.token.type in {"COMMA", "LBRACE"}
    if not ends or "ALLOW" in trouble.accepted or "COMPARE" in trouble.accepted:
        return None
    fillers: list[tuple[str, ...]] = [(terminal,) for terminal in _LITERALS if terminal in trouble.accepted]
    wanted = expected.phrase(trouble.accepted, *_context(trouble, trouble.at))
    said = say.line_ended(trouble.span(trouble.at - 1), wanted, _help_for_empty(trouble))
    if {"NOT", "EVERY"} <= trouble.accepted:
        fillers.insert(0, ("NAME", "COMPARE", "NAME"))
    feed = _filler(trouble, *fillers) if fillers else ()
    return Answer(said, Repair(trouble.at, feed=feed) if feed else Repair(trouble.at, item=True))


def _help_for_empty(trouble: Trouble) -> str | None:
    if trouble.before.type == "LSQB":
        return "a list holds one value at least"
    if trouble.before.type == "AS":
        return "or take `as` out: a rule need not have a label"
    return None


def _filler(trouble: Trouble, *choices: tuple[str, ...]) -> tuple[str, ...]:
    """The first of `choices` after which the token at hand may come, else the first that may come at all."""
    possible = [choice for choice in choices if trouble.automaton.takes(*choice)]
    fitting = (choice for choice in possible if trouble.automaton.takes(*choice, trouble.kind_after(*choice)))
    return next(fitting, possible[0] if possible else ())


def _context(trouble: Trouble, at: int) -> tuple[str, ...]:
    """The words before the token `at`, the nearest first, then the item's own."""
    near = [str(trouble.tokens[index]) for index in range(at - 1, max(at - 3, -1), -1)]
    return (*near, str(trouble.tokens[trouble.item])) if 0 <= trouble.item < at else tuple(near)


def _next_line(trouble: Trouble) -> int:
    at = trouble.at + 1
    while not trouble.first(at) and trouble.tokens[at] not in {"{", "}"}:
        at += 1
    return at
