"""What a service knows of the request that carried the token. Input: the caller's words. Output: facts for policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias, cast

ContextValue: TypeAlias = str | int | bool | list[str] | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Context:
    """The request as the service saw it; in a policy `context.method`, `context.values.tenant` and so on.

    `path` is the decoded path that the router used; `scheme` that of the Authorization header; `headers` are pairs or a
    mapping, names without case; `values` are the service's own (str, int, bool, list of str). `dpop` holds every value
    of the DPoP header; `staples` and `status_lists` are evidence handed over by the caller. TypeError for a wrong type.
    """

    method: str | None = None
    path: str | None = None
    uri: str | None = None
    scheme: str | None = None
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    dpop: tuple[str, ...] = ()
    staples: tuple[bytes, ...] = ()
    status_lists: tuple[str, ...] = ()
    client_certificate: bytes | None = None
    from_trusted_proxy: bool = False
    nonce: str | None = None
    values: Mapping[str, ContextValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("method", "path", "uri", "scheme", "nonce"):
            value = getattr(self, name)  # a fixed list of our own fields
            if value is not None and not isinstance(value, str):
                raise TypeError(f"Context({name}=…) takes text or None")
        if self.client_certificate is not None and not isinstance(self.client_certificate, bytes):
            raise TypeError("Context(client_certificate=…) takes bytes or None")
        if not isinstance(self.from_trusted_proxy, bool):
            raise TypeError("Context(from_trusted_proxy=…) takes True or False")
        object.__setattr__(self, "headers", _headers(self.headers))
        object.__setattr__(self, "dpop", _all_of(str, "dpop", self.dpop))
        object.__setattr__(self, "staples", _all_of(bytes, "staples", self.staples))
        object.__setattr__(self, "status_lists", _all_of(str, "status_lists", self.status_lists))
        object.__setattr__(self, "values", MappingProxyType(_values(self.values)))

    def __repr__(self) -> str:
        return "<Context>"

    def facts(self) -> dict[str, object]:
        """What rules may read as `context.…`; what the caller did not say is missing."""
        facts: dict[str, object] = {"values": dict(self.values)}
        for name in ("method", "path", "uri", "scheme", "nonce"):
            value = getattr(self, name)  # a fixed list of our own fields
            if value is not None:
                facts[name] = _plain(value)
        headers: dict[str, list[str]] = {}
        for name, value in cast("tuple[tuple[str, str], ...]", self.headers):  # pairs since __post_init__
            headers.setdefault(name, []).append(value)
        facts["headers"] = headers
        return facts


def _headers(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = tuple(given.items()) if isinstance(given, Mapping) else tuple(given)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise TypeError("Context(headers=…) takes pairs of name and value, both text")
    return tuple((_plain(name).lower(), _plain(value)) for name, value in pairs)


def _plain(text: str) -> str:
    """The text itself: `str()` of a member of an enumeration is its name, and rules would compare that."""
    return str.__str__(text)


def _all_of(kind: type, name: str, given: object) -> tuple[object, ...]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"Context({name}=…) takes a list")
    items = tuple(given)
    if not all(isinstance(item, kind) for item in items):
        raise TypeError(f"Context({name}=…) takes a list of {'text' if kind is str else 'bytes'}")
    return items


def _values(given: Mapping[str, ContextValue]) -> dict[str, object]:
    if not isinstance(given, Mapping):
        raise TypeError("Context(values=…) takes a mapping")
    return {_name(name): _value(name, value) for name, value in given.items()}


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError("Context(values=…) takes text as names")
    return _plain(name)


def _value(name: str, value: object) -> object:
    """The value with a plain type of JSON, so that rules meet the same types as in a token."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (list, tuple)) and all(isinstance(element, str) for element in value):
        return [_plain(element) for element in value]
    raise TypeError(f"Context(values={{{name!r}: …}}) takes text, an integer, True or False, or a list of texts")
