"""One key, two issuers. Input: uses of keys, each by an identity of the material. Output: diagnostics.

Grouped by material, so that any number of policies costs one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal as OneOf

from policyjwt.checker import key_messages as messages
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import Block, IssuerName, IssuerNames
from policyjwt.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of one key. `material` is equal for equal keys, `party` for issuers that are one."""

    material: str
    role: OneOf["secret", "public", "evidence", "decryption"]
    party: str
    issuer: str
    reference: str
    span: Span


def party_names(blocks: Iterable[Block]) -> Mapping[str, str]:
    """For each issuer text the name of its party: names of one policy, and fits of one template, are one party."""
    leaders: dict[str, str] = {}

    def leader(text: str) -> str:
        while leaders.setdefault(text, text) != text:
            text = leaders[text]
        return text

    templates: list[IssuerName] = []
    for block in blocks:
        texts = _texts(block)
        for text in texts:
            leaders[leader(text)] = leader(texts[0])
        if isinstance(block.issuer, IssuerNames):
            templates += [name for name in block.issuer.names if name.placeholders]
    for template in templates:
        fits = _fits(template)
        for text in list(leaders):
            if fits.fullmatch(text):
                leaders[leader(text)] = leader(template.text)
    return {text: leader(text) for text in list(leaders)}


def issuer_text(block: Block) -> str:
    """How messages name the issuer of `block`."""
    return next(iter(_texts(block)), "")


def _texts(block: Block) -> list[str]:
    if isinstance(block.issuer, IssuerNames):
        return [name.text for name in block.issuer.names]
    return [block.issuer.glob] if block.issuer is not None else []


def _fits(template: IssuerName) -> re.Pattern[str]:
    values = {holder.name: "|".join(map(re.escape, holder.values)) for holder in template.placeholders}
    pieces = re.split(r"\{([^}]*)\}", template.text)
    return re.compile(
        "".join(re.escape(piece) if at % 2 == 0 else f"(?:{values.get(piece, '')})" for at, piece in enumerate(pieces))
    )


def shared_keys(uses: Iterable[Use]) -> Iterator[Diagnostic]:
    """One key under two issuers, and one key to verify and to decrypt.

    At the later line, naming the earlier.
    """
    groups: dict[str, list[Use]] = {}
    for use in uses:
        groups.setdefault(use.material, []).append(use)
    told: set[tuple[Span, str]] = set()
    for group in groups.values():
        for fault in _of_group(group):
            if (fault.span, fault.code) not in told:
                told.add((fault.span, fault.code))
                yield fault


def _of_group(group: list[Use]) -> Iterator[Diagnostic]:
    first, *others = group
    for use in others:
        if (use.role == "decryption") is not (first.role == "decryption"):
            yield messages.signs_and_decrypts(use.span, reference=use.reference, first=first.span)
    signers = [use for use in group if use.role in {"secret", "public"}]
    for use in signers[1:]:
        if use.party != signers[0].party:
            make = messages.secret_shared if use.role == "secret" else messages.key_shared
            yield make(use.span, reference=use.reference, other=signers[0].issuer, first=signers[0].span)
