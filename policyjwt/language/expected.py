"""What could stand at a place, in words. Input: the terminals accepted there. Output: a phrase."""

from __future__ import annotations

from collections.abc import Iterable

from policyjwt.language.grammar import END, language

# By the word that began the item: people copy examples.
_STRINGS = {
    "about": "Access tokens for the payments API",
    "owner": "team@corp.example",
    "issuer": "https://idp.corp.example",
    "type": "at+jwt",
    "schema": "schemas/claims.json",
    "import": "common.policy",
    "because": "the partner's library cannot set it",
    "ca": "anchors/corp-ca.pem",
    "anchors": "anchors/corp-ca.pem",
    "usage": "1.3.6.1.5.5.7.3.36",
    "policy": "payments",
    "baseline": "org",
    "extends": "org",
    "file": "keys/issuer.json",
    "env": "JWT_SECRET",
    "kid": "2027-01",
}
_NAMES = {
    "algorithms": "an algorithm such as `ES256`",
    "content": "an algorithm such as `A256GCM`",
    "assures": "an assurance such as `integrity`",
    "waive": "what is waived, such as `audience`",
    "as": "a label such as `pay-scope`",
    "is": "`present`, `absent` or a type such as `string`",
    "let": "a name",
    "provides": "a claim such as `sub`",
    "confidential": "a claim such as `phone`",
    "select": "a claim such as `tenant`",
    "nonce": "a claim such as `jti`",
    "holder": "`dpop` or `mtls`",
    "every": "a variable such as `role`",
    "some": "a variable such as `role`",
    "allow": "the code of a warning",
}
_LITERALS = {
    "DURATION": "a duration such as `5m`",
    "DATE": "a date such as `2027-01-31`",
    "NUMBER": "a number such as `2`",
    "REGEX": "a pattern such as `/[a-z]+/`",
}
_OPERATORS = {"COMPARE", "IN", "IS", "CONTAINS"}
_MOST_WORDS = 4


def string_example(*context: str) -> str:
    """An example of a string, by the first of the words before it that is known."""
    return next((f'"{_STRINGS[word]}"' for word in context if word in _STRINGS), '"payments-api"')


def phrase(accepted: frozenset[str], *context: str) -> str:
    """What `accepted` are, in words; `context` are the words before, the nearest first."""
    if {"NOT", "EVERY"} <= accepted:
        return "a test such as `sub is present`"
    if accepted >= _OPERATORS:
        return "an operator such as `==`"
    if {"STRING", "NUMBER", "NAME", "LSQB"} <= accepted:
        return 'a value such as `"acme"`'
    if {"STRING", "NUMBER", "LSQB"} <= accepted:
        return 'a literal such as `"acme"`'
    if {"AND", "BECAUSE", "AS"} <= accepted or {"OR", "BECAUSE", "AS"} <= accepted:
        return "the end of the rule, or `and`, `or`, `when`, `unless`, `as`, `because`"
    if "ALLOW" in accepted:
        return "the next item"
    return _any(_parts(accepted, context))


def _parts(accepted: frozenset[str], context: tuple[str, ...]) -> list[str]:
    parts = []
    if "STRING" in accepted:
        parts.append(f"a string such as `{string_example(*context)}`")
    parts.extend(text for terminal, text in _LITERALS.items() if terminal in accepted)
    if "NAME" in accepted:
        parts.append(next((_NAMES[word] for word in context if word in _NAMES), "a name"))
    words = sorted(f"`{text}`" for name, text in language().written.items() if name in accepted)
    parts.extend(words)
    if END in accepted and not parts:
        parts.append("the end of the text")
    return parts


def _any(parts: Iterable[str]) -> str:
    named = list(parts)
    if len(named) > _MOST_WORDS:
        named = [*named[:_MOST_WORDS], "…"]
    if len(named) < 2:
        return "".join(named) or "something else"
    return f"{', '.join(named[:-1])} or {named[-1]}" if named[-1] != "…" else ", ".join(named)
