"""URLs of keys. Input: `keys jwks url` and `keys discovery`. Output: diagnostics. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from policyjwt.checker import key_messages as messages
from policyjwt.checker.types import issuers_of
from policyjwt.diagnostics import Diagnostic
from policyjwt.keys.houses import same_house
from policyjwt.language.model import Block, Discovery, JwksUrl
from policyjwt.patterns.hosts import is_host
from policyjwt.source import Span

_SECRETS = ("key", "token", "secret", "password", "passwd", "sig", "signature", "auth", "credential", "code")


def url_faults(source: JwksUrl | Discovery, block: Block) -> Iterator[Diagnostic]:
    """What is wrong with the URL of a key source."""
    named = source.url if isinstance(source, JwksUrl) else source.issuer
    found = list(_shape(named.value, named.span))
    yield from found
    if found:
        return
    if isinstance(source, JwksUrl):
        yield from _host(named.value, block, named.span)
    elif block.issuer is not None and named.value not in issuers_of(block):
        templates = (name for name in issuers_of(block) if "{" in name)
        if not any(named.value.startswith(template.partition("{")[0]) for template in templates):
            yield messages.other_discovery(named.span, url=named.value)


def _shape(url: str, span: Span) -> Iterator[Diagnostic]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield messages.odd_url(span, what="no host and port that can be read", help="write `https://host/path`")
        return
    if "@" in parts.netloc:
        help_text = "keys are public: take name and password out, a policy is read by many"
        yield messages.odd_url(span, what="user info before its host", help=help_text)
    elif parts.scheme.lower() != "https":
        yield messages.not_https(span, scheme=url.partition(":")[0])
    elif host is None or not is_host(host) or any(ord(letter) <= 32 or letter == "\\" for letter in url):
        yield messages.odd_url(span, what="no host that can be read", help="write `https://host/path`")
    elif "#" in url:
        yield messages.odd_url(span, what="a fragment, which is never sent", help="end it before the `#`")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if any(word in name.lower().replace("-", "_").split("_") for word in _SECRETS):
            yield messages.secret_in_query(span, name=name)


def _host(url: str, block: Block, span: Span) -> Iterator[Diagnostic]:
    host = urlsplit(url).hostname or ""
    for issuer in issuers_of(block):
        own = urlsplit(issuer).hostname or "" if "://" in issuer else issuer
        if not is_host(own) or "." not in own:
            return
        if same_house(own, host):
            return
    if issuers_of(block):
        yield messages.foreign_host(span, host=host, issuer=issuers_of(block)[0])
