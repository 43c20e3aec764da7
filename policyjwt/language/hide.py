"""Secrets that stand in a policy by mistake.

Input: a text. Output: the same text with them blotted out, length for length.

Done before anything else reads the text, so that no message, no excerpt and no tree ever holds one.
"""

from __future__ import annotations

import re

BLOT = "*"

# Strings end at the line even without their quote, so that a secret whose quote was forgotten is hidden too. A pattern
# whose end was forgotten runs to the end of the line: so every character is looked at once.
_LEXEME = re.compile(
    r"(?P<gap>[ \t\r\n]+|#[^\n]*)"
    r"""|(?P<string>"(?:\\.|[^"\\\r\n])*+"?|'[^'\r\n]*+'?|[“”„‟«»‘’‚][^\r\n]*)"""
    r"|`[^`\r\n]*+`"
    r"|(?P<pattern>/(?:\\[^\r\n]|\[(?:\\[^\r\n]|[^\]\\\r\n])*+\]?|[^/\\\[\r\n])*+(?P<end>/?))"
    r"|[A-Za-z0-9_.+-]+|==|.",
    re.DOTALL,
)
_SECRET_WORDS = frozenset({"secret", "secrets", "key", "keys", "password", "passphrase"})
_CLAIM_FOLLOWS = frozenset({"select", "from", "confidential", "nonce", "let"})
_BETWEEN = frozenset(
    {"=", ":", "(", "[", "utf8", "hex", "base64", "base64url", "pem", "jwk", "text", "value", "literal"}
)
"""What people put between `secret` and the secret; the language has none of it there."""

_OF_THE_ITEM = frozenset({*_BETWEEN, "env", "file", "keyring", "as", "kid"})
"""Words that a `secret` item goes on with."""

_SECRET_IN_PATTERN = re.compile(r"(?i)\b(?:secrets?|keys?|password|passphrase)\b")


def hide_secrets(text: str) -> str:
    """`text` with the inside of every string that stands where a secret could be blotted out, length for length.

    That is a string that follows `secret` or `key`, and in such an item a string that follows another: the language
    has neither, but where a claim or a `let` of that name stands (`select key "a"`), and in `keyring "service" "user"`.
    A text in which anything was blotted must never judge a token: it no longer says what its author wrote.
    """
    out: list[str] = []
    words = ["", "", ""]
    hiding, in_item, unclosed = False, False, False
    for lexeme in _LEXEME.finditer(text):
        piece = lexeme[0]
        if unclosed:  # a secret over several lines ends at the next quote
            unclosed = '"' not in piece
            out.append(_blotted_lines(piece))
            continue
        if lexeme["gap"]:
            out.append(piece)
            continue
        if lexeme["pattern"] and not lexeme["end"]:
            piece = _blotted_behind_secret(piece)
        is_string = bool(lexeme["string"])
        second = in_item and words[2][:1] == '"' and not (words[1] == "keyring" and words[0] != "")
        hiding = is_string and (hiding or _follows_secret(words) or second)
        if hiding:
            unclosed = piece[0] == '"' and (len(piece) == 1 or piece[-1] != '"')
        out.append(_blotted(piece) if hiding else piece)
        in_item = _is_secret_word(piece) or (in_item and (is_string or piece.lower() in _OF_THE_ITEM))
        words = [*words[1:], piece]
    return "".join(out)


def _is_secret_word(word: str) -> bool:
    return word.lower() in _SECRET_WORDS


def _follows_secret(words: list[str]) -> bool:
    """Whether what follows these three lexemes is a secret that someone wrote down."""
    if words[2].lower() in _BETWEEN:
        return _is_secret_word(words[1]) and words[0] not in _CLAIM_FOLLOWS
    return _is_secret_word(words[2]) and words[1] not in _CLAIM_FOLLOWS


def _blotted(string: str) -> str:
    closed = len(string) > 1 and string[-1] == string[0]
    inside = string[1:-1] if closed else string[1:]
    return string[0] + BLOT * len(inside) + (string[-1] if closed else "")


def _blotted_lines(piece: str) -> str:
    """Everything but line ends and quotes: lines and columns stay where they are."""
    return re.sub(r'[^\r\n"]', BLOT, piece)


def _blotted_behind_secret(pattern: str) -> str:
    """What looks like a pattern without an end may hold a secret item: all that follows its word is hidden."""
    found = _SECRET_IN_PATTERN.search(pattern)
    return pattern if found is None else pattern[: found.end()] + _blotted_lines(pattern[found.end() :])
