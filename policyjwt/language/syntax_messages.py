"""The catalogue of syntax faults, PJ100 to PJ199, one function per code. Input: places, words. Output: diagnostics."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.language.model import LANGUAGE_VERSION
from policyjwt.language.suggest import quoted
from policyjwt.source import Span

_ENDS_A_RULE = {"when", "unless", "until", "as", "where", "same", "if", "kid", "equals", "because", ","}
_VERSION = f"`policyjwt {LANGUAGE_VERSION}`"


def _error(code: str, span: Span, message: str, help: str | None, related: tuple[Related, ...] = ()) -> Diagnostic:
    return Diagnostic(code, Level.ERROR, message, span, help, related)


def _code(text: str) -> str:
    """A piece of policy in backquotes, ready to paste: never shortened. Its text has passed `scan`."""
    return f"`{text}`" if "`" not in text else f"`` {text} ``"


# ------------------------------------------------------------------------------------ text


def unexpected(span: Span, expected: str, found: str, help: str | None = None) -> Diagnostic:
    """PJ100: something else was expected here, and no other code says it better."""
    return _error("PJ100", span, f"expected {expected}, found {found}", help)


def too_large(span: Span, limit: int) -> Diagnostic:
    """PJ102: the text is larger than a policy may be."""
    return _error("PJ102", span, f"a policy has at most {limit} bytes", "split it into several files")


def hidden_character(span: Span, character: str) -> Diagnostic:
    """PJ103: a character that can't be seen, or that turns the line around."""
    code = ord(character)
    if character == "\ufeff":
        return _error(
            "PJ103",
            span,
            "U+FEFF, a byte order mark, stands nowhere in a policy",
            "save the file as UTF-8 without BOM",
        )
    if 0xD800 <= code <= 0xDFFF:
        return _error("PJ103", span, "half of a surrogate pair is no text", "a policy is text in UTF-8")
    kind = (
        "a line separator"
        if character in "\x85\u2028\u2029"
        else "a control character"
        if code < 0xA0
        else "a bidirectional control"
    )
    help_ = f"take it out; in a string it is written `\\u{code:04x}`"
    return _error("PJ103", span, f"U+{code:04X}, {kind}, stands nowhere in a policy", help_)


def bare_return(span: Span) -> Diagnostic:
    """PJ104: a carriage return without a line feed."""
    return _error("PJ104", span, "a carriage return without a line feed", "lines end with LF or CRLF")


def unfinished(span: Span) -> Diagnostic:
    """PJ105: the last line does not end."""
    help_ = "end the last line with a line feed; if the file was cut short, restore the rest"
    return _error("PJ105", span, "the last line has no end", help_)


def too_many(span: Span, limit: int) -> Diagnostic:
    """PJ107: there are more faults than are reported."""
    return _error("PJ107", span, f"from here on faults are not reported: there are {limit} already", "mend those first")


def too_deep(span: Span, limit: int) -> Diagnostic:
    """PJ106: nested too deep."""
    return _error("PJ106", span, f"this is nested deeper than {limit}", "split the rule into several")


# ------------------------------------------------------------------------------------ layout


def line_begins_with(span: Span, word: str) -> Diagnostic:
    """PJ115: a line begins with what continues a rule."""
    help_ = "move it to the end of the line above"
    if word not in _ENDS_A_RULE:
        help_ += ", or put the whole test in parentheses"
    return _error("PJ115", span, f"a line can't begin with `{word}`", help_)


def because_apart(span: Span, *, comment: bool) -> Diagnostic:
    """PJ116: `because` is not directly below what it gives the reason of."""
    came = "a comment stands between" if comment else "there is a gap"
    help_ = "move it up, or into the same line"
    return _error("PJ116", span, f"`because` stands directly below the line that it continues: {came}", help_)


def allow_apart(span: Span, excused: str) -> Diagnostic:
    """PJ117: `allow` is not directly above what it excuses."""
    message = "`allow` stands on the line directly above what it excuses"
    return _error("PJ117", span, message, f"move it to the line above {quoted(excused)}")


def name_begins_line(span: Span, name: str, before: str) -> Diagnostic:
    """PJ119: a line looks like an item of its own, but the line above it is not finished and takes it for a name."""
    help_ = f"write both in one line if {quoted(name)} is a name here, else finish the line above"
    return _error(
        "PJ119", span, f"{quoted(name)} is read as a name here, since `{before}` in the line above needs one", help_
    )


def allow_excuses_nothing(span: Span) -> Diagnostic:
    """PJ118: nothing follows an `allow`."""
    return _error("PJ118", span, "`allow` excuses nothing here", "it stands on the line directly above what it excuses")


# ------------------------------------------------------------------------------------ version


def no_version(span: Span) -> Diagnostic:
    """PJ110: the text does not begin with the version. What came is not quoted: it may be no policy at all."""
    return _error("PJ110", span, f"the first statement is not {_VERSION}", f"begin the file with {_VERSION}")


def other_version(span: Span, found: str | None) -> Diagnostic:
    """PJ111: a version that this release does not know, or none."""
    help_ = f"write {_VERSION}; for a later version of the language, install a later release"
    came = "nothing" if found is None else quoted(found)
    return _error("PJ111", span, f"expected version `{LANGUAGE_VERSION}` of the language, found {came}", help_)


def version_again(span: Span) -> Diagnostic:
    """PJ112: the version stands elsewhere than first."""
    return _error("PJ112", span, f"{_VERSION} stands once, as the first statement", "take it out here")


# ------------------------------------------------------------------------------------ lexemes


def string_without_end(span: Span) -> Diagnostic:
    """PJ120: a string that its line ends before its quote."""
    help_ = 'a string ends on its line with `"`; a quote in it is written `\\"`, a line end `\\n`'
    return _error("PJ120", span, "this string has no end", help_)


def wrong_quotes(span: Span, inside: str) -> Diagnostic:
    """PJ121: quotes that are not `"`."""
    return _error("PJ121", span, 'a string stands in `"`', "write " + _code('"' + inside + '"'))


def bad_number(span: Span, found: str, problem: str, help: str | None) -> Diagnostic:
    """PJ122: a number in a form that the language does not have."""
    return _error("PJ122", span, f"{problem}: {quoted(found)}", help)


def bad_duration(span: Span, found: str, help: str) -> Diagnostic:
    """PJ123: a duration in another form."""
    return _error("PJ123", span, f"expected a duration such as `5m`, found {found}", help)


def bad_date(span: Span, found: str, help: str) -> Diagnostic:
    """PJ124: a date in another form."""
    return _error("PJ124", span, f"expected a date such as `2027-01-31`, found {quoted(found)}", help)


def bad_pattern(span: Span, found: str) -> Diagnostic:
    """PJ125: a pattern that does not end."""
    help_ = "a pattern ends on its line with `/`; a `/` in it is written `\\/`, and each `[` needs its `]`"
    return _error("PJ125", span, f"the pattern {quoted(found)} has no end", help_)


def wrong_comment(span: Span, sign: str) -> Diagnostic:
    """PJ126: the comment of another language."""
    return _error("PJ126", span, f"`{sign}` begins no comment", "a comment begins with `#`")


def bad_character(span: Span, found: str, help: str | None = None) -> Diagnostic:
    """PJ127: a character that stands nowhere outside strings, patterns and comments."""
    return _error("PJ127", span, f"unexpected {quoted(found)}", help)


def bad_name(span: Span, found: str, help: str) -> Diagnostic:
    """PJ128: a name with characters that a plain name has not."""
    return _error("PJ128", span, f"{quoted(found)} is no plain name", help)


def backquote_without_end(span: Span) -> Diagnostic:
    """PJ129: a name in backquotes that does not end."""
    return _error("PJ129", span, "this name has no end", "a name in backquotes ends on its line with a backquote")


# ------------------------------------------------------------------------------------ tests


def bare_value(span: Span, value: str, *, literal: bool, help: str) -> Diagnostic:
    """PJ130: a value where a test is asked for."""
    what = f"the value {quoted(value)}" if literal else quoted(value)
    return _error("PJ130", span, f"{what} alone is no test", help)


def is_not(span: Span, found: str, help: str) -> Diagnostic:
    """PJ131: `is not …`, `is in`, `is a …`."""
    return _error("PJ131", span, f"{quoted(found)} is no operator", f"write {help}")


def negated_operator(span: Span, found: str, help: str) -> Diagnostic:
    """PJ132: `does not contain`, `not contains`."""
    return _error("PJ132", span, f"{quoted(found)} is no operator", f"write {help}")


def other_operator(span: Span, found: str, help: str) -> Diagnostic:
    """PJ133: the operator of another language, `=` for `==`."""
    return _error("PJ133", span, f"{quoted(found)} is no operator here", help)


def other_logic(span: Span, found: str, meant: str) -> Diagnostic:
    """PJ134: `&&`, `||`, `!`."""
    return _error("PJ134", span, f"{quoted(found)} is written `{meant}`", f"write `{meant}`")


def and_with_or(span: Span, readings: tuple[str, str]) -> Diagnostic:
    """PJ136: `and` and `or` without parentheses."""
    help_ = f"write {_code(readings[0])} or {_code(readings[1])}"
    return _error("PJ136", span, "`and` and `or` are mixed without parentheses", help_)


def quantifier_beside(span: Span, word: str, quantifier: str, readings: tuple[str, ...]) -> Diagnostic:
    """PJ137: something beside `every` or `some` that may belong to its test or not."""
    help_ = f"write {' or '.join(_code(reading) for reading in readings)}"
    message = f"with `{word}` beside it, `{quantifier}` or what it tests stands in parentheses"
    return _error("PJ137", span, message, help_)


def word_as_claim(span: Span, word: str, help: str) -> Diagnostic:
    """PJ138: `not`, `every`, `some` as the name of a claim."""
    return _error("PJ138", span, f"`{word}` as the name of a claim goes in backquotes", help)


def quantity_alone(span: Span, word: str) -> Diagnostic:
    """PJ139: `contains any` without a list."""
    written = f"contains {word}" if word == "only" else f"contains {word} of"
    help_ = f'write `{written} ["…"]`; what is named `{word}` goes in backquotes'
    return _error("PJ139", span, f"`contains {word}` lacks its list", help_)


def index(span: Span, lst: str) -> Diagnostic:
    """PJ140: an element of a list by its number."""
    help_ = f'a list is a set here: `{lst} contains "…"` or `some x in {lst} satisfies (…)`'
    return _error("PJ140", span, "a list has no index", help_)


def second_operator(span: Span, found: str) -> Diagnostic:
    """PJ141: two operators in one test."""
    return _error("PJ141", span, f"a test has one operator: {quoted(found)} is a second", "write two tests with `and`")


def other_guard(span: Span, found: str, meant: str) -> Diagnostic:
    """PJ142: `if` and its kin for `when` and `unless`."""
    return _error("PJ142", span, f"{quoted(found)} begins no guard", f"write `{meant}`")


def other_brackets(span: Span, help: str) -> Diagnostic:
    """PJ143: a list in the brackets of something else, or brackets where a list has none."""
    return _error("PJ143", span, "these are not the brackets of a list", help)


def comma_between_tests(span: Span) -> Diagnostic:
    """PJ144: a comma where `and` belongs."""
    return _error("PJ144", span, "a comma joins no tests", "write `and`, or a rule for each")


# ------------------------------------------------------------------------------------ items and blocks


def no_reason(span: Span, item: str) -> Diagnostic:
    """PJ150: what needs a reason gives none."""
    return _error("PJ150", span, f"{quoted(item)} needs a reason", 'add `because "…"`')


def no_at_most(span: Span, item: str, example: str) -> Diagnostic:
    """PJ151: a limit without `at most`."""
    return _error("PJ151", span, f"expected `at most` after `{item}`", f"write `{item} at most {example}`")


def word_missing(span: Span, words: str, beside: str, help: str | None = None, *, side: str = "after") -> Diagnostic:
    """PJ152: a fixed word is missing."""
    return _error("PJ152", span, f"expected `{words}` {side} {quoted(beside)}", help)


def trailing_comma(span: Span) -> Diagnostic:
    """PJ153: a comma behind the last of a list."""
    return _error("PJ153", span, "nothing follows this comma", "take it out: there are no trailing commas")


def comma_missing(span: Span) -> Diagnostic:
    """PJ154: two values side by side."""
    return _error("PJ154", span, "expected `,` between two values", "write a comma between them")


def block_open(
    span: Span, block: str, line: int, *, before: str | None, related: tuple[Related, ...] = ()
) -> Diagnostic:
    """PJ155: a block is not closed before something that can't stand in it, or before the end of the text."""
    where = "the end of the text" if before is None else quoted(before)
    message = f"expected a closing brace before {where}: the block of `{block}` in line {line} is open"
    return _error("PJ155", span, message, "close it with `}`", related)


def closes_nothing(span: Span, sign: str) -> Diagnostic:
    """PJ156: a closing bracket that closes nothing."""
    return _error("PJ156", span, f"this `{sign}` closes nothing", "take it out, or open what it closes")


def bracket_open(span: Span, sign: str) -> Diagnostic:
    """PJ157: a bracket that is not closed."""
    return _error("PJ157", span, f"this `{sign}` is not closed", "close it where it ends")


def unknown_item(span: Span, found: str, where: str, help: str | None) -> Diagnostic:
    """PJ158: a word that begins nothing here."""
    return _error("PJ158", span, f"{quoted(found)} is nothing that {where} holds", help)


def misplaced(span: Span, found: str, where: str, belongs: str) -> Diagnostic:
    """PJ159: an item of another block."""
    return _error("PJ159", span, f"`{found}` does not stand in {where}", f"it stands in {belongs}")


def misspelled(span: Span, found: str, meant: str) -> Diagnostic:
    """PJ160: a word that is close to the one that belongs here."""
    return _error("PJ160", span, f"unknown word {quoted(found)}", f"did you mean `{meant}`?")


def quotes_missing(span: Span, expected: str, found: str, help: str) -> Diagnostic:
    """PJ161: a string without its quotes."""
    return _error("PJ161", span, f"expected {expected}, found {quoted(found)}", help)


def quotes_not_wanted(span: Span, expected: str, inside: str) -> Diagnostic:
    """PJ162: quotes around what is no string."""
    return _error("PJ162", span, f"expected {expected}, found a string", f"write {_code(inside)} without quotes")


def line_ended(span: Span, expected: str, help: str | None) -> Diagnostic:
    """PJ163: what a line began is not finished."""
    return _error("PJ163", span, f"expected {expected} after this", help)


def word_twice(span: Span, word: str) -> Diagnostic:
    """PJ164: a word stands twice in a row."""
    return _error("PJ164", span, f"`{word}` stands twice", "take the second out")


def opens_nothing(span: Span) -> Diagnostic:
    """PJ165: an opening brace without the word of a block."""
    return _error("PJ165", span, "this `{` opens nothing", "a block begins with its word, as in `freshness {`")
