"""What a service knows of the request that carried the token. Input: the caller's words. Output: facts for policies.

`credentials` reads a token and its proofs out of the headers (RFC 6750, section 2.1; RFC 9449, section 7.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NoReturn, TypeAlias, TypedDict, Unpack, cast

ContextValue: TypeAlias = str | int | bool | list[str] | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Context:
    """The request as the service saw it; in a policy `context.method`, `context.values.tenant` and so on.

    `path` is the decoded path that the router used, `uri` the address as the client sent it, still percent-encoded;
    `scheme` that of the Authorization header; `headers` are pairs or a mapping, names without case; `values` are the
    service's own (str, int, bool, list of str). `dpop` holds every value of the DPoP header; `staples` and
    `status_lists` are evidence handed over by the caller. TypeError for a wrong type.
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
        object.__setattr__(self, "headers", _headers("Context", self.headers))
        object.__setattr__(self, "dpop", _all_of(str, "dpop", self.dpop))
        object.__setattr__(self, "staples", _all_of(bytes, "staples", self.staples))
        object.__setattr__(self, "status_lists", _all_of(str, "status_lists", self.status_lists))
        object.__setattr__(self, "values", MappingProxyType(_values(self.values)))

    def __repr__(self) -> str:
        return "<Context>"

    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """The headers as pairs, names in lower case."""
        return cast("tuple[tuple[str, str], ...]", self.headers)  # pairs since __post_init__

    def facts(self) -> dict[str, object]:
        """What rules may read as `context.…`; what the caller did not say is missing."""
        facts: dict[str, object] = {"values": dict(self.values)}
        for name in ("method", "path", "uri", "scheme", "nonce"):
            value = getattr(self, name)  # a fixed list of our own fields
            if value is not None:
                facts[name] = _plain(value)
        headers: dict[str, list[str]] = {}
        for name, value in self.header_pairs:
            headers.setdefault(name, []).append(value)
        facts["headers"] = headers
        return facts


def _headers(whose: str, given: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = tuple(given.items()) if isinstance(given, Mapping) else tuple(given)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise TypeError(f"{whose}(headers=…) takes pairs of name and value, both text")
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


# --- the credentials of a request -------------------------------------------------------------------------

_SCHEMES: Final = {"bearer": "Bearer", "dpop": "DPoP"}
_ANOTHER: Final = re.compile(r",[ \t]*(?:bearer|dpop)(?:[ \t]|$)", re.IGNORECASE | re.ASCII)
"""A second credential in one value: what many servers make of a header that came twice. No token has a comma."""


class PresentedTwice(str):
    """What stands for a token where a request brings its credentials more than once: no one of them is meant.

    The engine answers it with `token.presented_twice`; any other reader of tokens refuses it.
    """

    __slots__ = ()

    def __new__(cls) -> PresentedTwice:
        """One without text, as all are."""
        return super().__new__(cls)

    def __reduce__(self) -> tuple[type[PresentedTwice], tuple[()]]:
        return PresentedTwice, ()

    def __repr__(self) -> str:
        return "<PresentedTwice>"


class More(TypedDict, total=False):
    """What else of a request a service may say: the parameters of `Context` that credentials do not give."""

    method: str | None
    path: str | None
    uri: str | None
    headers: Mapping[str, str] | Iterable[tuple[str, str]]
    staples: tuple[bytes, ...]
    status_lists: tuple[str, ...]
    client_certificate: bytes | None
    from_trusted_proxy: bool
    nonce: str | None
    values: Mapping[str, ContextValue]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """What a request brought: `engine.evaluate(found.token, found.context(method="POST", uri=…))`.

    `token` is None where there is none, and PresentedTwice where there are several; `scheme` is `Bearer` or `DPoP`;
    `dpop` holds every proof. Neither is judged yet.
    """

    token: str | None
    scheme: str | None
    dpop: tuple[str, ...]
    presented_twice: bool

    def context(self, **more: Unpack[More]) -> Context:
        """The Context of this request, with what else the service knows of it."""
        return Context(scheme=self.scheme, dpop=self.dpop, **more)

    def __bool__(self) -> NoReturn:
        raise TypeError("credentials are neither true nor false: evaluate their token")

    def __repr__(self) -> str:
        return "<Credentials>"


def credentials(
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    *,
    query: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
) -> Credentials:
    """The token of the one Authorization header, and the proofs beside it. Nothing that a client sends raises.

    A token in the query is never read (it stands in logs and histories): alone it is no token, beside a header it is a
    second one. So are two Authorization headers, even if they are equal, and two proofs. TypeError for headers that are
    no pairs of texts.
    """
    pairs = _headers("credentials", headers)
    given = [value.strip(" \t") for name, value in pairs if name == "authorization"]
    # Servers join headers that came twice by commas, which no proof has.
    proofs = tuple(part.strip(" \t") for name, value in pairs if name == "dpop" for part in value.split(","))
    in_query = _names_token(query)
    twice = (
        len(given) > 1
        or any(_ANOTHER.search(value) for value in given)
        or len(proofs) > 1  # RFC 9449, section 4.3, check 1
        or (in_query and bool(given))  # RFC 6750, section 2: one method in one request
    )
    scheme, token = _split(given[0]) if len(given) == 1 else (None, None)
    return Credentials(token=PresentedTwice() if twice else token, scheme=scheme, dpop=proofs, presented_twice=twice)


def _split(value: str) -> tuple[str | None, str | None]:
    """RFC 9110, section 11.4: the scheme has no case, and one space or more after it. Others bring no token."""
    name, _, rest = value.replace("\t", " ").partition(" ")
    scheme = _SCHEMES.get(name.lower())
    return scheme, (rest.strip(" ") or None) if scheme else None


def _names_token(query: object) -> bool:
    """A query that nobody took apart is refused: what is in it would not be seen."""
    if query is None:
        return False
    text = isinstance(query, (str, bytes, bytearray))
    given = list(query) if isinstance(query, Iterable) and not text else [None]  # of a mapping the names
    names = given if isinstance(query, Mapping) else [_first(pair) for pair in given]
    if not all(isinstance(name, str) for name in names):
        raise TypeError("credentials(query=…) takes the parameters as a mapping or as pairs, names and values text")
    return "access_token" in names


def _first(pair: object) -> object:
    return pair[0] if isinstance(pair, (tuple, list)) and len(pair) == 2 else None
