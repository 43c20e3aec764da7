"""Policy texts for tests of the checker, and what its rules, trust and key checks say about them."""

from __future__ import annotations

from pathlib import Path

from policyjwt.checker.keys import KeyCheck, check_keys
from policyjwt.checker.rules import check_rules
from policyjwt.checker.trust import check_trust
from policyjwt.diagnostics import Diagnostic, in_order
from policyjwt.language.load import load_text
from policyjwt.language.model import Block

NOW = 1_795_392_000.0
"""2026-11-23, 00:00 UTC."""

_ITEMS = {
    "use": 'use "api"',
    "owner": 'owner "team@corp.example"',
    "issuer": 'issuer "https://idp.corp.example"',
    "audience": 'audience "api"',
    "type": 'type "at+jwt"',
    "signature": 'signature { algorithms ES256 keys jwks url "https://idp.corp.example/jwks" }',
    "freshness": "freshness { lifetime at most 15m skew at most 30s }",
    "replay": "replay { nonce jti }",
    "revocation": "revocation { by key removal within 24h }",
    "provides": "provides sub is string",
}
FIRST_RULE = 3 + len(_ITEMS)
"""The line of the first rule in a `policy`."""


def policy(*rules: str, name: str = "p", before: str = "", **items: str) -> str:
    """A policy of ten items and then `rules`, a line each.

    `items` replace the usual ones; "" leaves one out.
    """
    lines = [items.get(item, usual) or f"# no {item}" for item, usual in _ITEMS.items()]
    return "\n".join([f"policyjwt 1{before}", f'policy "{name}" {{', *lines, *rules, "}"]) + "\n"


def blocks(text: str, root: Path | None = None) -> list[Block]:
    """The policies and baselines of a text that has no error of the language."""
    loaded = load_text(text, "p.policy", root)
    assert not [fault for fault in loaded.diagnostics if fault.stops_loading], loaded.diagnostics
    return [block for document in loaded.documents for block in document.blocks]


def rule_faults(text: str) -> tuple[Diagnostic, ...]:
    """What the checks of rules say."""
    return in_order(fault for block in blocks(text) for fault in check_rules(block))


def trust_faults(text: str) -> tuple[Diagnostic, ...]:
    """What the checks of trust say."""
    return in_order(fault for block in blocks(text) for fault in check_trust(block))


def key_check(text: str, root: Path, *, now: float = NOW) -> KeyCheck:
    """What the checks of keys say."""
    return check_keys([(block, str(root)) for block in blocks(text, root)], now=now)


def places(faults: tuple[Diagnostic, ...], *, first: int = FIRST_RULE) -> list[str]:
    """Codes with lines, counted from the first rule: `PJ960@1`.

    Items are counted down: the one above it is 0.
    """
    return [f"{fault.code}@{fault.span.line - first + 1}" for fault in faults]
