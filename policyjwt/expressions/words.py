"""The words of explanations. Input: operands, values of policy or token. Output: phrases, safe to show.

A value of the token is its type and its size. Only who asks for values gets them, escaped and cut to 80
characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policyjwt.expressions.text import is_hidden, operand_text, value_text
from policyjwt.language.model import Operand, Scalar

SHOWN = 80
"""Characters of a text that a phrase shows."""

_MOST_PHRASE = 500
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "`": "\\u0060"}
JOINTS = (" that ", ", which ")
"""What stands between a value and what is said of it."""

A_TYPE = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "a boolean",
    "list": "a list",
    "object": "an object",
}


def quoted(text: str) -> str:
    """A text in backquotes, at most 80 characters; what can't be seen is escaped, and so is a backquote."""
    escaped = "".join(_shown(character) for character in text[: SHOWN + 1])
    return f"`{shortened(escaped)}`"


def visible(text: str) -> str:
    """A text of a policy as one line in which nothing is hidden: controls and odd spaces are escaped."""
    return "".join(_shown(character) if is_hidden(character) else character for character in text)


def shortened(text: str) -> str:
    """A text of at most 80 characters, with an ellipsis if it was longer."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _shown(character: str) -> str:
    short = _SHORT.get(character)
    if short is not None:
        return short
    if not is_hidden(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# ---------------------------------------------------------------------------------------------- of the policy


def named(operand: Operand | str) -> str:
    """An operand, or policy text, in backquotes. What holds some already stays as it is."""
    text = operand if isinstance(operand, str) else operand_text(operand)
    return shortened(text) if "`" in text else f"`{shortened(text)}`"


def literal(value: Scalar) -> str:
    """A literal of the policy in backquotes; a text without its quotation marks, unless it is empty."""
    return quoted(value) if isinstance(value, str) and value else f"`{value_text(value)}`"


def literals(values: Sequence[Scalar], word: str) -> str:
    """Literals of the policy, joined by commas and a final word."""
    return joined([literal(value) for value in values], word)


def joined(parts: Sequence[str], word: str) -> str:
    """`a`, `a or b`, `a, b or c`; of more than six, the first five and a number."""
    if len(parts) > 6:
        parts = [*parts[:5], f"{len(parts) - 5} more"]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


# ----------------------------------------------------------------------------------------------- of the token


def value_phrase(value: object, *, values: bool) -> str:
    """A value of the token: its type and size, or with `values` itself."""
    match value:
        case None:
            return "null"
        case bool():
            return f"`{str(value).lower()}`" if values else "a boolean"
        case int() | float():
            return quoted(repr(value)) if values else "a number"
        case str():
            return quoted(value) if values else sized(len(value), "a string of {} character")
        case list():
            if values and value and all(type(element) is str for element in value):
                return joined([quoted(element) for element in value], "and")
            return sized(len(value), "a list of {} element")
        case dict():
            return sized(len(value), "an object of {} member")
        case _:
            return "a value"


def sized(number: int, form: str) -> str:
    """`form` with the number in it, and an s where it is not one."""
    return form.format(number) + ("" if number == 1 else "s")


def listed(phrases: Iterable[str]) -> str:
    """Several reasons in one sentence. What is said twice of one value is said of it once."""
    sentence, subject = "", ""
    for phrase in dict.fromkeys(phrases):
        if subject and phrase.startswith(subject):
            sentence += f" and {phrase.removeprefix(subject)}"
            continue
        sentence += f", and {phrase}" if sentence else phrase
        subject = next((phrase[: phrase.index(joint) + len(joint)] for joint in JOINTS if joint in phrase), "")
    return sentence


def is_a_phrase(text: str) -> bool:
    """Whether a text of somebody else's can stand in a report as it is: short, in one line, and all of it seen."""
    return 0 < len(text) <= _MOST_PHRASE and text.isprintable()
