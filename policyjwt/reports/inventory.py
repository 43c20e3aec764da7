"""Everything that is trusted, in one table: use, issuer, audience, keys, waivers, assurances, owner.

Input: checked policies. Output: rows, and the rows as text or JSON. Sorted by use, then issuer, then name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from policyjwt.assurance import standings
from policyjwt.language.model import (
    Audience,
    CheckedPolicy,
    Discovery,
    IssuerFrom,
    JwksFile,
    JwksUrl,
    PemFile,
    TokenType,
    Waiver,
    X5c,
)
from policyjwt.reports import words
from policyjwt.reports.terminal import PLAIN, Style, visible

FORMAT_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy. `audiences` and `types` are empty where they are waived."""

    use: str
    policy: str
    issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    types: tuple[str, ...]
    algorithms: tuple[str, ...]
    keys: tuple[str, ...]
    waivers: tuple[str, ...]
    promised: tuple[str, ...]
    assured: tuple[str, ...]
    owner: str | None
    review: str | None
    by_name_only: bool
    file: str
    line: int


def rows(policies: Iterable[CheckedPolicy]) -> tuple[Row, ...]:
    """A row for each policy."""
    return tuple(sorted(map(_row, policies), key=lambda row: (row.use, row.issuers, row.policy)))


def _row(policy: CheckedPolicy) -> Row:
    block = policy.block
    return Row(
        use=policy.use,
        policy=policy.name,
        issuers=_issuers(policy),
        audiences=tuple(v.value for v in policy.audience.values) if isinstance(policy.audience, Audience) else (),
        types=tuple(v.value for v in policy.type.values) if isinstance(policy.type, TokenType) else (),
        algorithms=policy.algorithms,
        keys=tuple(_keys(policy)),
        waivers=tuple(_waivers(policy)),
        promised=tuple(promise.assurance for promise in block.assures),
        assured=tuple(standing.name for standing in standings(policy) if standing.given),
        owner=block.owner.value if block.owner else None,
        review=block.review.date.iso if block.review else None,
        by_name_only=block.by_name_only is not None,
        file=block.name_span.file,
        line=block.name_span.line,
    )


def _issuers(policy: CheckedPolicy) -> tuple[str, ...]:
    issuer = policy.issuer
    if isinstance(issuer, IssuerFrom):
        return (f"from {issuer.claim.text} like {issuer.glob}",)
    return tuple(name.text for name in issuer.names)


def _keys(policy: CheckedPolicy) -> Iterator[str]:
    """References, never keys."""
    match policy.signature.keys:
        case JwksFile() | PemFile() as source:
            yield f"file:{source.path.value}"
        case JwksUrl() as source:
            yield f"url:{source.url.value}"
        case Discovery() as source:
            yield f"discovery:{source.issuer.value}"
        case X5c() as source:
            yield f"x5c below {', '.join(source.anchors.values) if source.anchors else 'no anchor'}"
        case None:
            pass
    for secret in policy.signature.secrets:
        yield f"{secret.origin}:{'/'.join(part.value.replace('/', '%2F') for part in secret.parts)}"


def _waivers(policy: CheckedPolicy) -> Iterator[str]:
    """What is not demanded, in short."""
    for waiver in policy.block.waivers:
        yield waiver.matter.value + (f" until {waiver.until.iso}" if waiver.until else "")
    if not isinstance(policy.replay, Waiver) and policy.replay.reusable:
        yield "reusable"
    if not isinstance(policy.revocation, Waiver):
        if policy.revocation.redeployment:
            yield "by redeployment"
        if policy.revocation.key_removal:
            yield f"by key removal within {words.duration(policy.revocation.key_removal.amount)}"
    if policy.signature.held_by_several:
        yield "held by several"
    source = policy.signature.keys
    if isinstance(source, X5c) and source.leaf and source.leaf.kind == "any":
        yield "leaf any"


def as_json(table: Iterable[Row]) -> str:
    """The table as JSON; only ASCII comes out."""
    return json.dumps({"format_version": FORMAT_VERSION, "policies": [asdict(row) for row in table]}, indent=2)


def as_text(table: Iterable[Row], style: Style = PLAIN) -> str:
    """The table for people, grouped by use."""
    lines: list[str] = []
    use: str | None = None
    for row in table:
        if row.use != use:
            use = row.use
            lines.extend([*([""] if lines else []), style.paint(visible(f"use {words.quoted(use)}"), "bold")])
        lines.extend(_text(row, style))
    return "\n".join(lines)


def _text(row: Row, style: Style) -> Iterator[str]:
    named = "   by name only" if row.by_name_only else ""
    yield f"  {style.paint(visible(row.policy), 'cyan')}   {visible(row.file)}:{row.line}{named}"
    cells = {
        "issuer": row.issuers,
        "audience": row.audiences or ("any (waived)",),
        "type": row.types or ("any (waived)",),
        "keys": (f"{', '.join(row.algorithms)} from {', '.join(row.keys)}",),
        "waivers": row.waivers or ("none",),
        "assurances": row.assured or ("none",),
        "promised": row.promised,
        "owner": (row.owner or "nobody",),
        "review by": (row.review,) if row.review else (),
    }
    for title, values in cells.items():
        if values:
            yield f"    {title:<11} {visible(', '.join(values))}"
