"""One OCSP response in words. Input: its account, and what `check_staple` says. Output: text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from policyjwt.reports.terminal import PLAIN, Style, visible
from policyjwt.spans import moment, span

if TYPE_CHECKING:
    from policyjwt.evidence.ocsp import StapleResult
    from policyjwt.evidence.ocsp_words import Answer, ResponseAccount, Signer

FORMAT_VERSION = "1"
_SHOWN = 80
_KINDS = {
    "issuer": "the certificate's issuer",
    "pinned": "a responder that was given",
    "enclosed": "a delegate, whose certificate the response encloses",
    "unknown": "an unknown responder",
}


def as_json(account: ResponseAccount | None, result: StapleResult, *, size: int) -> str:
    """All of it; times are seconds since the epoch. Only ASCII comes out."""
    verdict = {
        "good": result.good,
        "code": result.code,
        "actual": result.actual,
        "expected": result.expected,
        "help": result.help,
        "good_until": result.good_until,
    }
    response = None if account is None else asdict(account)
    sizes = {"bytes": size, "characters": characters(size)}
    return json.dumps({"format_version": FORMAT_VERSION, **verdict, "size": sizes, "response": response}, indent=2)


def as_text(
    account: ResponseAccount | None,
    result: StapleResult,
    *,
    size: int,
    now: float,
    aged: bool,
    style: Style = PLAIN,
) -> str:
    """For people. `aged` says whether an age was asked for."""
    until = result.good_until
    first = f"NOT GOOD   {result.code}" if until is None else f"GOOD until {_when(until, now)}"
    lines = [style.paint(visible(first), "green" if result.good else "red", "bold"), ""]
    if result.good and not aged:
        lines = [lines[0], "  by its own end; policies demand an age too: give it with --age", ""]
    if not result.good:
        lines += [
            style.paint(f"  ✗ {result.code}", "red")
            + f"   {visible(result.actual)}; expected: {visible(result.expected)}"
        ]
        lines += [f"      {visible(result.help)}"] if result.help else []
        lines += [""]
    cells = [*_cells(account, now), ("size", f"{size} bytes, {characters(size)} characters in a header")]
    lines += [f"  {title:<12} {visible(text)}" for title, text in cells]
    return "\n".join(lines)


def characters(size: int) -> int:
    """What `size` bytes take in a token: base64 in the header's JSON, and base64url of that."""
    inner = (size + 2) // 3 * 4
    return -(-inner * 4 // 3)


def _cells(account: ResponseAccount | None, now: float) -> Iterator[tuple[str, str]]:
    if account is None:
        yield "response", "can't be read to its end"
        return
    if account.signer is None or account.produced_at is None:
        yield "response", f"no answer: the responder says `{account.response_status}`"
        return
    for number, answer in enumerate(account.answers, start=1):
        if len(account.answers) > 1:
            yield "answer", f"{number} of {len(account.answers)}"
        yield from _answer(answer, now)
    yield "signer", _signer(account.signer)
    for fault in account.signer.faults:
        yield "", f"✗ {fault}"
    yield "signature", f"{account.signature}{_enclosed(account.signer)}"
    yield "produced", _when(account.produced_at, now)


def _answer(answer: Answer, now: float) -> Iterator[tuple[str, str]]:
    revoked = f" at {_when(answer.revoked_at, now)}" if answer.revoked_at is not None else ""
    reason = f", reason {answer.reason}" if answer.reason else ""
    yield "status", f"{answer.status}{revoked}{reason}"
    match = "the one at hand" if answer.mismatch is None else f"another: {answer.mismatch}"
    yield "certificate", f"{match}; serial {answer.serial}, issuer named by {answer.cert_id_hash}"
    yield "this update", _when(answer.this_update, now)
    following = "none: when there is news is not said" if answer.next_update is None else _when(answer.next_update, now)
    yield "next update", following


def _signer(signer: Signer) -> str:
    """What the response says of itself: whether the signature is that one's, the code in the first line says."""
    may = "that one may sign" if not signer.faults else "that one may not sign"
    identity = signer.identity if len(signer.identity) <= _SHOWN else f"{signer.identity[: _SHOWN - 1]}…"
    return f"named by its {signer.named_by} ({identity}): {_KINDS[signer.kind]}; {may}"


def _enclosed(signer: Signer) -> str:
    count = signer.enclosed
    return f", with {count} certificate{'' if count == 1 else 's'} enclosed" if count else ", no certificate enclosed"


def _when(instant: float, now: float) -> str:
    """A time, and how far away it is."""
    away = span(abs(instant - now))
    return f"{moment(instant) or 'a time outside the calendar'}, " + (f"in {away}" if instant > now else f"{away} ago")
