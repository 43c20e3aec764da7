"""Open edges of texts.

Input: elementary tests. Output: diagnostics for a prefix or suffix that fits more than is meant.

`starts with "repo:acme"` also fits `repo:acme-evil`. Only where fitting helps a token: a `forbid` that fits
more refuses more.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyjwt.checker import rule_messages as messages
from policyjwt.checker.rules_walk import Occurrence, literal_of
from policyjwt.diagnostics import Diagnostic
from policyjwt.expressions.text import operand_text, value_text
from policyjwt.language.model import Affix, Like

_TAIL = 3


def open_edges(found: Occurrence) -> Iterator[Diagnostic]:
    """The open edge of one elementary test, if it has one."""
    test = found.test
    if not found.helps:
        return
    if isinstance(test, Affix):
        text = literal_of(test.right)
        if isinstance(text, str) and text:
            yield from _affix(test, text)
    elif isinstance(test, Like):
        yield from _glob(test)


def _affix(test: Affix, text: str) -> Iterator[Diagnostic]:
    name = operand_text(test.left)
    if test.where == "starts" and text[-1].isalnum():
        line = _line(name, "starts", f"{text}/")
        advice = f"write the separator too, such as {line}, or the whole value with `==`"
        yield messages.open_affix(test.span, where="starts", text=text, also=f"{text}-evil", help=advice)
    elif test.where == "ends" and text[0].isalnum():
        line = _line(name, "ends", "@" + text)
        host = f"`{name} under {value_text(text)}`"
        advice = f"write the separator too, such as {line}; a host and all below it: {host}"
        yield messages.open_affix(test.span, where="ends", text=text, also=f"evil{text}", help=advice)


def _line(name: str, where: str, text: str) -> str:
    return f"`{name} {where} with {value_text(text)}`"


def _glob(test: Like) -> Iterator[Diagnostic]:
    """A final wildcard behind a word.

    Short ones, as in `refs/tags/v*`, are a habit and mean what they say.
    """
    head = test.glob.rstrip("*")
    if head == test.glob or "\\" in test.glob or not head[-_TAIL:].isalnum() or len(head) < _TAIL:
        return
    closed = value_text(f"{head}/{test.glob[len(head) :]}")
    advice = f"write the separator before the wildcard, such as `like {closed}`"
    yield messages.open_glob(test.span, glob=test.glob, also=f"{head}-evil", help=advice)
