"""Sets of public keys in words. Input: accounts and comparisons of sets. Output: text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from policyjwt.reports.terminal import PLAIN, Style, visible

if TYPE_CHECKING:
    from policyjwt.keys.described import Comparison, KeyAccount, SetAccount

FORMAT_VERSION: Final = "1"
_COLOURS: Final = {"new": "green", "gone": "red", "changed": "yellow", "unchanged": "dim"}


def as_json(told: SetAccount) -> str:
    """All of it. Only ASCII comes out."""
    document = {
        "format_version": FORMAT_VERSION,
        "good": not told.faults,
        "keys": [asdict(key) for key in told.keys],
        "passed_over": list(told.passed_over),
        "faults": [{"code": each.code, "message": each.message, "help": each.help} for each in told.faults],
    }
    return json.dumps(document, indent=2)


def as_text(told: SetAccount, *, style: Style = PLAIN) -> str:
    """For people."""
    if told.faults:
        lines = [style.paint(f"NOT GOOD   {told.faults[0].code}", "red", "bold"), ""]
        for fault in told.faults:
            lines.append(style.paint(f"  ✗ {fault.code}", "red") + f"   {visible(fault.message)}")
            lines += [f"      {visible(fault.help)}"] if fault.help else []
    else:
        lines = [style.paint(f"GOOD   {counted(told)}", "green", "bold")]
    for number, key in enumerate(told.keys, start=1):
        lines += ["", f"  key {number}"]
        lines += [f"    {title:<11} {text}" for title, text in _cells(key)]
    if told.passed_over:
        lines += [""]
        lines += [f"  passed over: {visible(why)}" for why in told.passed_over]
    return "\n".join(lines)


def counted(told: SetAccount) -> str:
    """`2 keys for signatures, 1 entry passed over`."""
    keys = f"{len(told.keys)} {'key' if len(told.keys) == 1 else 'keys'} for signatures"
    others = len(told.passed_over)
    return keys if not others else f"{keys}, {others} {'entry' if others == 1 else 'entries'} passed over"


def compared(found: Comparison, *, style: Style = PLAIN) -> str:
    """One line for each key: what became of it, and which one it is."""
    lines = []
    for word in ("new", "gone", "changed", "unchanged"):
        keys: tuple[KeyAccount, ...] = getattr(found, word)
        lines += [f"{style.paint(f'{word:<9}', _COLOURS[word])}  {in_line(key)}" for key in keys]
    return "\n".join(lines)


def in_line(key: KeyAccount) -> str:
    """One key in one line, its thumbprint first: that is what it is known by."""
    named = "without kid" if key.kid is None else f"kid `{visible(key.kid)}`"
    return f"{key.thumbprint}  {_kind(key)} for {', '.join(key.algorithms)}, {named}"


def _cells(key: KeyAccount) -> Iterator[tuple[str, str]]:
    yield "kid", "none; of several keys its thumbprint" if key.kid is None else visible(key.kid)
    yield "kind", _kind(key)
    yield "algorithms", ", ".join(key.algorithms)
    yield "thumbprint", key.thumbprint


def _kind(key: KeyAccount) -> str:
    return f"RSA {key.bits} bits" if key.bits is not None else f"{key.kind} {key.curve}"
