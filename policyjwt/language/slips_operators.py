"""Operators as people know them from elsewhere. Input: a trouble in a test of a rule. Output: an answer, or None."""

from __future__ import annotations

from dataclasses import replace

from policyjwt.language import syntax_messages as say
from policyjwt.language.suggest import quoted
from policyjwt.language.trouble import OPERATOR_WORDS, Answer, Repair, Trouble

# What people write for our operators; then what is read instead, with the value that follows where it has none.
_OTHER = {
    "=": ("==", ("COMPARE",)),
    "===": ("==", ("COMPARE",)),
    "equals": ("==", ("COMPARE",)),
    "equal": ("==", ("COMPARE",)),
    "eq": ("==", ("COMPARE",)),
    "!==": ("!=", ("COMPARE",)),
    "<>": ("!=", ("COMPARE",)),
    "=>": (">=", ("COMPARE",)),
    "=<": ("<=", ("COMPARE",)),
    ":=": ("==", ("COMPARE",)),
    ":": ("==", ("COMPARE",)),
    "=~": ("matches", ("MATCHES",)),
    "match": ("matches", ("MATCHES",)),
    "has": ("contains", ("CONTAINS",)),
    "have": ("contains", ("CONTAINS",)),
    "includes": ("contains", ("CONTAINS",)),
    "include": ("contains", ("CONTAINS",)),
    "contain": ("contains", ("CONTAINS",)),
    "startswith": ("starts with", ("STARTS", "WITH")),
    "starts_with": ("starts with", ("STARTS", "WITH")),
    "endswith": ("ends with", ("ENDS", "WITH")),
    "ends_with": ("ends with", ("ENDS", "WITH")),
    "exists": ("is present", ("IS", "NAME")),
    "present": ("is present", ("IS", "NAME")),
    "absent": ("is absent", ("IS", "NAME")),
    "missing": ("is absent", ("IS", "NAME")),
}
_ARTICLES = {"a", "an", "the", "of", "type"}
_BEHIND_IS = {
    **{word: word for word in ("in", "like", "under", "within", "before", "after")},
    "one": "in",
    "equal": "==",
    "greater": ">",
    "less": "<",
    "at": ">=",
}
_NEGATIONS = {"does", "doesn", "do", "did", "cannot", "not", "isnt", "never"}


def is_something(trouble: Trouble) -> Answer | None:
    """`is not present`, `is in`, `is a string`, `is "x"`: behind `is` stands one word."""
    at = trouble.at
    if trouble.before.type == "IS" and trouble.token.type in {"STRING", "NUMBER", "LSQB", "DATE", "DURATION"}:
        span, end = trouble.span(at - 1), trouble.test_end(at)
        help_ = "write `in`" if trouble.token.type == "LSQB" else "write `==`"
        return Answer(say.other_operator(span, "is", help_), Repair(end, test=True))
    if trouble.look(-2).type != "IS" or trouble.before.type != "NAME" or trouble.first(at):
        return None
    word, end = str(trouble.before), trouble.test_end(at)
    if word == "not":
        help_ = _is_not(trouble, _left(trouble, at - 2))
        return Answer(say.is_not(trouble.span(at - 2, at), trouble.text(at - 2, at), help_), Repair(end, test=True))
    meant = f"is {trouble.token}" if word in _ARTICLES and trouble.is_word else _BEHIND_IS.get(word)
    if meant is None:
        return None
    said = say.is_not(trouble.span(at - 2, at - 1), trouble.text(at - 2, at - 1), f"`{meant}`")
    return Answer(said, Repair(end, test=True))


def _is_not(trouble: Trouble, left: str) -> str:
    found = str(trouble.token)
    if found in {"present", "null", "missing", "absent"}:
        return "`is absent`" if found == "present" else "`is present`"
    if found == "in":
        return "`not in`"
    if trouble.token.type in {"STRING", "NUMBER"} or found in {"true", "false"}:
        return f"`!= {found}`"
    return f"`not ({left} is {found})`"


def _left(trouble: Trouble, operator: int) -> str:
    """The left operand of the operator at that token, as written."""
    return trouble.text(replace(trouble, at=operator).operand(), operator - 1)


def negated_operator(trouble: Trouble) -> Answer | None:
    """`does not contain`, `not contains`, `not starts with`: the language negates whole tests."""
    if trouble.before.type == "NOT" and trouble.accepted == {"IN"}:
        return negation(trouble, trouble.at - 1)
    if "CONTAINS" in trouble.accepted and not trouble.first(trouble.at) and str(trouble.token) in _NEGATIONS:
        return negation(trouble, trouble.at)
    if trouble.token.value == "of" and trouble.look(-2).type == "CONTAINS":
        return _other_quantity(trouble)
    return None


def _other_quantity(trouble: Trouble) -> Answer | None:
    """`contains none of`, `contains one of`."""
    at = trouble.at
    if trouble.before not in {"none", "one", "either", "some"}:
        return None
    end = trouble.test_end(at)
    meant = f"contains any of {trouble.text(at + 1, end - 1)}" if end > at + 1 else "contains any of"
    help_ = f"`not ({_left(trouble, at - 2)} {meant})`" if trouble.before.value == "none" else f"`{meant}`"
    said = say.negated_operator(trouble.span(at - 2, at), trouble.text(at - 2, at), help_)
    return Answer(said, Repair(end, test=True))


def negation(trouble: Trouble, first: int) -> Answer:
    """The test whose operator begins at the token `first` with a word that negates."""
    at = first
    tokens = trouble.tokens
    if trouble.look(first + 1 - trouble.at).startswith("'t"):
        # doesn't: what follows was read as a text in single quotes
        end = trouble.test_end(first)
        said = say.negated_operator(trouble.span(first), f"{tokens[first]}'t", "`not (…)` around the whole test")
        return Answer(said, Repair(end, test=True))
    while at < len(tokens) and not trouble.first(at) and tokens[at] in {*_NEGATIONS, "!", "n't", "t", "'t"}:
        at += 1
    end = trouble.test_end(at)
    word = str(tokens[at]) if at < len(tokens) else ""
    operator = _verb(word)
    through = min(max(first, at), end - 1) if end > first else first
    if word == "in":
        help_ = "`not in`"
    elif end > at + 1 and operator:
        help_ = f"`not ({_left(trouble, first)} {operator} {trouble.text(at + 1, end - 1)})`"
    else:
        help_ = "`not (…)` around the whole test"
    found = trouble.text(first, through)
    return Answer(say.negated_operator(trouble.span(first, through), found, help_), Repair(end, test=True))


def _verb(word: str) -> str | None:
    """The operator that a verb in its plain form stands for."""
    plain = {"contain": "contains", "start": "starts", "end": "ends", "match": "matches", "equal": "=="}
    return plain.get(word) or (word if word in OPERATOR_WORDS else _OTHER.get(word, (None, ()))[0])


def operator(trouble: Trouble) -> Answer | None:
    """The operator of another language where one of ours belongs."""
    found, at = str(trouble.token), trouble.at
    if "CONTAINS" not in trouble.accepted or trouble.first(at):
        return None
    meant, feed = _OTHER.get(found.lower(), (None, ()))
    if found in {"begins", "starting"}:
        meant, feed = "starts with", ("STARTS",)
    if meant is None:
        return None
    repair = Repair(at + 1, feed=feed)
    if meant == "matches" and trouble.look(1).type != "REGEX":
        repair = Repair(trouble.test_end(at), test=True)
    return Answer(say.other_operator(trouble.span(), found, f"write `{meant}`"), repair)


def index(trouble: Trouble) -> Answer | None:
    """`roles[0]`."""
    if trouble.token.type != "LSQB" or trouble.before.type != "NAME" or "CONTAINS" not in trouble.accepted:
        return None
    close = min(trouble.matching(trouble.at), len(trouble.tokens) - 1)
    return Answer(say.index(trouble.span(trouble.at - 1, close), str(trouble.before)), Repair(close + 1))


def list_brackets(trouble: Trouble) -> Answer | None:
    """`in ("a", "b")`, `in {"a"}`, and `audience ["a", "b"]`, where a list has no brackets."""
    found, at = str(trouble.token), trouble.at
    close = {"(": ")", "{": "}", "[": "]"}.get(found)
    if close is None or trouble.first(at):
        return None
    end = trouble.matching(at)
    if "LSQB" in trouble.accepted and found != "[":
        reads = {at: "LSQB", **({end: "RSQB"} if end < len(trouble.tokens) else {})}
        return Answer(say.other_brackets(trouble.span(), 'a list is written `["a", "b"]`'), Repair(at, reads=reads))
    if found == "[" and {"STRING", "NAME"} & trouble.accepted and "CONTAINS" not in trouble.accepted:
        reads = {at: "", **({end: ""} if end < len(trouble.tokens) else {})}
        help_ = f"after `{trouble.before}` values stand without brackets, with commas between them"
        return Answer(say.other_brackets(trouble.span(), help_), Repair(at, reads=reads))
    return None


def value_of_other_kind(trouble: Trouble) -> Answer | None:
    """A pattern behind `==`, a string behind nothing, an operator behind an operator."""
    at, before = trouble.at, trouble.before
    if {"STRING", "NUMBER"} <= trouble.accepted and trouble.token.type == "REGEX":
        said = say.other_operator(trouble.span(at - 1), str(before), "a pattern stands behind `matches`")
        return Answer(said, Repair(trouble.test_end(at), test=True))
    if trouble.accepted == {"STRING"} and before.type == "LIKE" and trouble.token.type == "REGEX":
        said = say.other_operator(
            trouble.span(at - 1), "like", "a pattern stands behind `matches`, a text with `*` behind `like`"
        )
        return Answer(said, Repair(at + 1, feed=("STRING",)))
    if before.type == "COMPARE" and (trouble.token.type in {"EQUAL", "COMPARE"}):
        said = say.unexpected(
            trouble.span(), 'a value such as `"acme"`', quoted(str(trouble.token)), "a test has one operator"
        )
        return Answer(said, Repair(at + 1))
    return None


def chained(trouble: Trouble) -> Answer | None:
    """`1 < x < 5`, `a == b == c`."""
    whole = (
        {"AND", "BECAUSE"} <= trouble.accepted or {"OR", "BECAUSE"} <= trouble.accepted or "RPAR" in trouble.accepted
    )
    inside = {"AND", "OR"} & trouble.accepted and whole
    if (
        trouble.first(trouble.at)
        or not inside
        or (trouble.token.type != "COMPARE" and str(trouble.token) not in OPERATOR_WORDS)
    ):
        return None
    said = say.second_operator(trouble.span(), str(trouble.token))
    return Answer(said, Repair(trouble.test_end(trouble.at + 1)))
