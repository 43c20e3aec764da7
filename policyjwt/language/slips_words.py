"""Words and signs that are none of the language, or of another kind. Input: a trouble. Output: an answer, or None."""

from __future__ import annotations

import re

from policyjwt.diagnostics import Diagnostic
from policyjwt.language import syntax_messages as say
from policyjwt.language.expected import string_example
from policyjwt.language.grammar import language
from policyjwt.language.messages import literal_secret
from policyjwt.language.suggest import quoted
from policyjwt.language.tokens import BAD
from policyjwt.language.trouble import Answer, Repair, Trouble

_LITERALS = ("NUMBER", "DURATION", "DATE")
_UNIT = re.compile(
    r"(?:([0-9]+)\.?)?(s|m|h|d|w|y)(?:|ecs?|econds?|ins?|inutes?|onths?|rs?|ours?|ays?|eeks?|ears?)",
    re.IGNORECASE,
)
_DATE_LIKE = re.compile(r"([0-9]{4})[-.]([0-9]{1,2})[-.]([0-9]{1,2})(?:[T:].*)?")
_CHARACTERS = {
    ":": "no colon: an item's word and its value stand side by side",
    ";": "a statement needs no semicolon",
    ".": "a member follows its dot without a space: `realm_access.roles`",
    "$": "a claim is written by its name alone",
    "@": "a text stands in quotes",
    "%": "a text stands in quotes",
}


def secret(trouble: Trouble) -> Answer | None:
    """What stands where a secret is named is neither quoted nor underlined: it may be the secret."""
    if "KEYRING" not in trouble.accepted or trouble.first(trouble.at):
        return None
    said = literal_secret(trouble.span(trouble.at - 1), str(trouble.before))
    return Answer(said, Repair(trouble.at + 1, feed=("STRING",)))


def lexeme(trouble: Trouble) -> Answer | None:
    """A token that is none of the language: reported for itself, then read as what belongs there."""
    kind = trouble.token.type
    if not kind.startswith(BAD) or kind in {"BAD_OPERATOR", "BAD_SIGN"}:
        return None
    said, stands_for = _LEXEMES[kind](trouble)
    feed = next(((terminal,) for terminal in stands_for if terminal in trouble.accepted), trouble.brace_instead())
    return Answer(said, Repair(trouble.at + 1, feed=feed))


def comment(trouble: Trouble) -> Answer | None:
    """`/* … */` is read as a pattern, which belongs nowhere but behind `matches`."""
    if trouble.token.type != "REGEX" or not trouble.token.startswith("/*"):
        return None
    return Answer(say.wrong_comment(trouble.span(), "/*"), Repair(trouble.at + 1))


# ------------------------------------------------------------------------------------ tokens of no language

_Read = tuple[Diagnostic, tuple[str, ...]]


def _string(trouble: Trouble) -> _Read:
    return say.string_without_end(trouble.span()), ("STRING", "NAME")


def _quotes(trouble: Trouble) -> _Read:
    found = str(trouble.token)
    inside = found[1:-1] if len(found) > 1 and not found[-1].isalnum() else found[1:]
    return say.wrong_quotes(trouble.span(), inside.replace('"', '\\"')), ("STRING", "NAME")


def _number(trouble: Trouble) -> _Read:
    found, span = str(trouble.token), trouble.span()
    stands_for = (*_LITERALS, "NAME")
    date = _DATE_LIKE.fullmatch(found)
    plain = "NUMBER" in trouble.accepted
    if date or ("DATE" in trouble.accepted and not plain):
        written = f"{date[1]}-{date[2]:0>2}-{date[3]:0>2}" if date else "2027-01-31"
        return say.bad_date(span, found, f"write `{written}`: year, month, day; it begins at 00:00 UTC"), (
            "DATE",
            *stands_for,
        )
    unit = _UNIT.fullmatch(found)
    if unit or ("DURATION" in trouble.accepted and not plain):
        return say.bad_duration(span, quoted(found), _duration_help(found)), ("DURATION", *stands_for)
    return say.bad_number(span, found, *_number_problem(found)), stands_for


def _number_problem(token: str) -> tuple[str, str | None]:
    if re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]+", token):
        value = float(token)
        whole = f"write `{int(value)}`" if value.is_integer() and abs(value) < 1e18 else "write all its digits"
        return "a number has no exponent", whole
    if token.startswith("+"):
        return "a number has no plus", f"write `{token[1:]}`"
    if re.fullmatch(r"-?0[0-9]+(\.[0-9]+)?", token):
        return "a number has no leading zero", "write it without, or as a string"
    if "_" in token and token.replace("_", "").isdecimal():
        return "a number has no `_` in it", f"write `{token.replace('_', '')}`"
    if re.fullmatch(r"[+-]?\.[0-9]+|-?[0-9]+\.", token):
        return "a point stands between digits", f"write `0{token}`" if token.startswith(
            "."
        ) else f"write `{token[:-1]}`"
    return "this is no number", "a name that begins with a digit goes in backquotes, a text in quotes"


def _duration_help(token: str) -> str:
    found = _UNIT.fullmatch(token)
    if found and found[1] and found[2].lower() in "smhd" and not token.lower().startswith(f"{found[1]}mo"):
        return f"write `{found[1]}{found[2].lower()}`: the units are `s`, `m`, `h` and `d`"
    return "a whole number and its unit without a space: `s`, `m`, `h` or `d`"


def _name(trouble: Trouble) -> _Read:
    found = str(trouble.token)
    written = f"write `` `{found}` ``" if "`" not in found else "put each part in backquotes, or none of it"
    return say.bad_name(trouble.span(), found, f"a plain name has the letters a to z; {written}"), (
        "NAME",
        "STRING",
    )


def _backquote(trouble: Trouble) -> _Read:
    return say.backquote_without_end(trouble.span()), ("NAME",)


def _comment(trouble: Trouble) -> _Read:
    return say.wrong_comment(trouble.span(), str(trouble.token)[:2]), ()


def _pattern(trouble: Trouble) -> _Read:
    return say.bad_pattern(trouble.span(), str(trouble.token)), ("REGEX", "STRING")


def _character(trouble: Trouble) -> _Read:
    return say.bad_character(trouble.span(), str(trouble.token), _CHARACTERS.get(str(trouble.token))), ()


_LEXEMES = {
    "BAD_STRING": _string,
    "BAD_QUOTES": _quotes,
    "BAD_NUMBER": _number,
    "BAD_NAME": _name,
    "BAD_BACKQUOTE": _backquote,
    "BAD_COMMENT": _comment,
    "BAD_PATTERN": _pattern,
    "BAD_CHARACTER": _character,
}


# ------------------------------------------------------------------------------------ tokens of another kind


def item_in_quotes(trouble: Trouble) -> Answer | None:
    """`"audience" "payments-api"`."""
    inside = str(trouble.token)[1:-1]
    keyword = language().keywords.get(inside, "")
    if trouble.token.type != "STRING" or not trouble.first(trouble.at) or "ALLOW" not in trouble.accepted:
        return None
    if keyword not in trouble.items():
        return None
    said = say.quotes_not_wanted(trouble.span(), f"`{inside}`", inside)
    return Answer(said, Repair(trouble.at + 1, feed=(keyword,)))


def quotes_not_wanted(trouble: Trouble) -> Answer | None:
    """A string where a name, a date, a duration, a number or a pattern belongs."""
    accepted = trouble.accepted
    if trouble.token.type != "STRING" or "STRING" in accepted or trouble.first(trouble.at):
        return None
    inside = str(trouble.token)[1:-1]
    for terminal, form, expected in (
        ("DURATION", r"[0-9]+[smhd]", "a duration"),
        ("DATE", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date"),
        ("NUMBER", r"[0-9]+", "a number"),
        ("NAME", r"[A-Za-z_][\w.+-]*", "a name"),
    ):
        if terminal in accepted and re.fullmatch(form, inside):
            said = say.quotes_not_wanted(trouble.span(), expected, inside)
            return Answer(said, Repair(trouble.at + 1, feed=(terminal,)))
    if "REGEX" in accepted:
        said = say.unexpected(
            trouble.span(), "a pattern such as `/[a-z]+/`", "a string", "a pattern stands between slashes"
        )
        return Answer(said, Repair(trouble.at + 1, feed=("REGEX",)))
    return None


def quotes_missing(trouble: Trouble) -> Answer | None:
    """A word where a string belongs."""
    if (
        trouble.first(trouble.at)
        or not trouble.is_word
        or "STRING" not in trouble.accepted
        or "NAME" in trouble.accepted
    ):
        return None
    if trouble.automaton.takes("STRING", trouble.kind_after("STRING")):
        wanted = f"a string such as `{string_example(str(trouble.before))}`"
        return Answer(say.line_ended(trouble.span(trouble.at - 1), wanted, None), Repair(trouble.at, feed=("STRING",)))
    return _unquoted(trouble)


def _unquoted(trouble: Trouble) -> Answer:
    """Words without quotes up to the end of the line, or up to what can follow a string."""
    last = trouble.at
    after = trouble.automaton
    following = {"{", "}", "because", "as", "where", "extends", "same", "kid"}
    while not trouble.first(last + 1) and trouble.tokens[last + 1] not in following:
        if trouble.tokens[last + 1].type in {"COMMA", "STRING", "LBRACE"}:
            break
        last += 1
    if trouble.tokens[last].type not in {"NAME", "NUMBER", "BAD_CHARACTER", "BAD_NAME"} or not after.takes("STRING"):
        last = trouble.at
    text = trouble.text(trouble.at, last)
    expected = f"a string such as `{string_example(str(trouble.before), str(trouble.look(-2)))}`"
    return Answer(
        say.quotes_missing(
            trouble.span(trouble.at, last),
            expected,
            text,
            f'write `"{text}"`' if len(text) <= 80 else "put it in quotes",
        ),
        Repair(last + 1, feed=("STRING",)),
    )


def literal(trouble: Trouble) -> Answer | None:
    """A number without its unit, a unit behind a space, a date where a duration belongs."""
    accepted, token, span = trouble.accepted, str(trouble.token), trouble.span()
    if "DURATION" in accepted and trouble.token.type == "NUMBER" and "NUMBER" not in accepted:
        unit = trouble.look(1)
        if not trouble.first(trouble.at + 1) and _UNIT.fullmatch(unit) and unit.type == "NAME":
            text = trouble.text(trouble.at, trouble.at + 1)
            said = say.bad_duration(
                trouble.span(trouble.at, trouble.at + 1), quoted(text), _duration_help(f"{token}{unit}")
            )
            return Answer(said, Repair(trouble.at + 2, feed=("DURATION",)))
        help_ = f"add the unit, as in `{token}s`" if token.isdecimal() else "a whole number and its unit"
        return Answer(say.bad_duration(span, quoted(token), help_), Repair(trouble.at + 1, feed=("DURATION",)))
    for terminal in _LITERALS:
        if terminal in accepted and trouble.token.type in {*_LITERALS, "STRING"} and not trouble.first(trouble.at):
            return Answer(_other_literal(trouble, terminal), Repair(trouble.at + 1, feed=(terminal,)))
    return None


def _other_literal(trouble: Trouble, wanted: str) -> Diagnostic:
    found = "a string" if trouble.token.type == "STRING" else quoted(str(trouble.token))
    if wanted == "DURATION":
        return say.bad_duration(trouble.span(), found, "a whole number and its unit: `s`, `m`, `h` or `d`")
    if wanted == "DATE":
        return say.bad_date(trouble.span(), str(trouble.token), "write year, month, day: `2027-01-31`")
    return say.unexpected(trouble.span(), "a number such as `2`", found)
