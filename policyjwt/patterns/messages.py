"""What can be wrong with a pattern or a glob: the messages, all in one place."""

from __future__ import annotations

from policyjwt.errors import PolicyJwtError


class PatternError(PolicyJwtError):
    """A text is no pattern, or no glob, of the language.

    `message` says what is wrong, `help` what to do, `at` is the index of the character at fault.
    """

    def __init__(self, message: str, help: str | None = None, at: int = 0) -> None:
        self.message, self.help, self.at = message, help, at
        super().__init__(message)

    def __reduce__(self) -> tuple[type[PatternError], tuple[str, str | None, int]]:
        return type(self), (self.message, self.help, self.at)


_WHOLE = "a pattern always fits the whole value; write `.*` where more may stand"
_LITERAL = "write `\\{}` for the character itself"


def anchor(at: int, sign: str) -> PatternError:
    r"""`^`, `$`, `\b` and their kin."""
    help_ = f"{_WHOLE}; write `\\{sign}` for the character itself" if len(sign) == 1 else _WHOLE
    return PatternError(f"`{sign}` is no part of patterns", help_, at)


def look_around(at: int) -> PatternError:
    """`(?=`, `(?!`, `(?<=`, `(?<!`."""
    return PatternError("patterns have no look-around", "say it with a second rule, or with `not (x matches /…/)`", at)


def back_reference(at: int) -> PatternError:
    r"""`\1`, `\k<name>`, `(?P=name)`."""
    return PatternError("patterns have no back-references", "they can't be matched in linear time", at)


def named_group(at: int) -> PatternError:
    """`(?P<name>…)` and `(?<name>…)`."""
    return PatternError("patterns have no named groups", "write `( )`: nothing is captured", at)


def atomic(at: int) -> PatternError:
    """`(?>…)`."""
    return PatternError("patterns have no atomic groups", "write `( )`: matching is linear without them", at)


def flags(at: int) -> PatternError:
    """`(?i)` and everything else that begins with `(?`."""
    return PatternError("patterns have no flags", "for text in either case write `lower(x) matches /…/`", at)


def lazy(at: int) -> PatternError:
    """`*?`, `+?`, `??`, `{n,m}?`."""
    return PatternError("patterns have no lazy repeats", f"leave the `?` out: {_WHOLE.partition(';')[0]}", at)


def possessive(at: int) -> PatternError:
    """`*+`, `++`, `?+`."""
    return PatternError("patterns have no possessive repeats", "leave the second `+` out", at)


def repeat_of_repeat(at: int) -> PatternError:
    """`a**`, `a+{2}`."""
    return PatternError("a repeat directly after a repeat", "put the first in a group: `(a{2}){3}`", at)


def nothing_to_repeat(at: int, sign: str) -> PatternError:
    """`*` where no character or group is before it."""
    return PatternError(f"there is nothing for `{sign}` to repeat", _LITERAL.format(sign), at)


def stray(at: int, sign: str) -> PatternError:
    """`{`, `}` or `]` that closes or repeats nothing."""
    return PatternError(f"`{sign}` stands alone", _LITERAL.format(sign), at)


def bad_braces(at: int) -> PatternError:
    """Braces that hold no counts."""
    return PatternError(
        "expected `{n}`, `{n,}` or `{n,m}`", "write `{0,m}` for at most m, `\\{` for the character itself", at
    )


def reversed_braces(at: int) -> PatternError:
    """`{3,2}`."""
    return PatternError("the least number of repeats is larger than the most", "swap the two numbers", at)


def repeats_too_much(at: int, most: int) -> PatternError:
    """Numbers of repeats that multiply to too much."""
    return PatternError(
        f"repeats inside each other multiply to more than {most}", "use smaller numbers, or `*` and `+`", at
    )


def unopened_group(at: int) -> PatternError:
    """`)` without `(`."""
    return PatternError("`)` closes no group", _LITERAL.format(")"), at)


def unclosed_group(at: int) -> PatternError:
    """`(` without `)`."""
    return PatternError("this group is not closed", "write `)` at its end, `\\(` for the character itself", at)


def unclosed_class(at: int) -> PatternError:
    """`[` without `]`."""
    return PatternError("this class is not closed", "write `]` at its end, `\\[` for the character itself", at)


def empty_class(at: int) -> PatternError:
    """`[]`, `[^]`, and classes that leave nothing."""
    return PatternError("a class that no character fits", "write `\\]` for a `]` inside a class", at)


def class_in_class(at: int, sign: str) -> PatternError:
    """`[[:alpha:]]`, `[a&&b]`, `[a--b]`."""
    what = "classes" if sign == "[" else "set operations"
    return PatternError(f"a class holds no {what}", _LITERAL.format(sign), at)


def class_in_range(at: int) -> PatternError:
    r"""`[\d-x]`."""
    return PatternError("a range goes from one character to another", "write `\\-` for the character itself", at)


def hyphen(at: int) -> PatternError:
    """`-` in the middle of a class that makes no range."""
    return PatternError("`-` in the middle of a class makes no range here", _LITERAL.format("-"), at)


def reversed_range(at: int, text: str) -> PatternError:
    """`[z-a]`."""
    return PatternError(f"the range `{text}` ends before it begins", "swap its ends", at)


def unfinished_escape(at: int) -> PatternError:
    """A backslash at the end."""
    return PatternError("a backslash at the end", "write `\\\\` for the character itself", at)


def unknown_escape(at: int, sign: str) -> PatternError:
    """A backslash before a letter or digit that means nothing here."""
    shown = sign if sign.isprintable() else ascii(sign)[1:-1]
    return PatternError(
        f"`\\{shown}` is no part of patterns",
        "known are `\\d \\w \\s \\D \\W \\S` and a backslash before punctuation",
        at,
    )


def half_character(at: int) -> PatternError:
    """Half of a surrogate pair."""
    return PatternError("half of a surrogate pair, which is no character", None, at)


def too_long(most: int) -> PatternError:
    """A text beyond the limit."""
    return PatternError(f"the pattern has more than {most} characters", "split it into several rules", most)


def too_deep(at: int, most: int) -> PatternError:
    """Groups beyond the limit."""
    return PatternError(f"more than {most} groups inside each other", "split it into several rules", at)


def too_large(most: int) -> PatternError:
    """A pattern that is too large with its repeats written out."""
    return PatternError(f"the pattern stands for more than {most} characters", "use smaller numbers of repeats", 0)


def three_stars(at: int) -> PatternError:
    """`***` in a glob."""
    return PatternError("`***` means nothing", "`*` is any run without `/ : @`, `**` any run, `\\*` the character", at)


def glob_escape(at: int) -> PatternError:
    """A backslash in a glob that is not before a star."""
    return PatternError(
        "a backslash stands only before `*`", '`\\*` is the character `*`, in a string written `"\\\\*"`', at
    )


def no_frame(at: int, sign: str) -> PatternError:
    """A pattern of a schema without its `^` or `$`."""
    return PatternError(
        f"a pattern of a schema is written `^…$`; this one has no `{sign}`", "write `^.*…` where more may stand", at
    )


def open_choice(at: int) -> PatternError:
    """`^a|b$` in a schema, which elsewhere means `(^a)|(b$)`."""
    return PatternError("between `^` and `$` a `|` stands in a group", "write `^(a|b)$`: readers differ on `^a|b$`", at)
