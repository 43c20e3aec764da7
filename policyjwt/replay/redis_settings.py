"""What a store in Redis is told by its caller, read once. Output: `Settings`, or ValueError.

No message of this module, and no `repr`, holds a user, a password, or any part of an address that could be one.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypedDict
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from policyjwt.replay.protocol import MAX_AGE, MAX_DELAY, MAX_SKEW

MAX_HOLD: Final = MAX_AGE + MAX_SKEW + MAX_DELAY
"""Seconds: the longest that a nonce is held where the server keeps no append-only file, unless a caller says more."""

PREFIX: Final = "policyjwt:replay:"

_TLS_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""All that may follow the `?`. Others would switch certificates off, or change what the client makes of answers."""


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a store is told. `login` and `seed_login` are arguments of the client's connections."""

    kind: Literal["one", "sentinel", "cluster"]
    addresses: tuple[Address, ...]
    service: str
    tls: bool
    login: Mapping[str, object] = field(repr=False)
    seed_login: Mapping[str, object] = field(repr=False)
    prefix: bytes
    min_replicas: int
    replica_timeout: float
    timeout: float
    retries: int
    max_hold: int
    server_is_safe: bool
    max_connections: int
    clock: Callable[[], float] = field(repr=False)

    def __str__(self) -> str:
        """The places alone."""
        named = f"`{self.service}` by " if self.kind == "sentinel" else ""
        return f"{named}{', '.join(map(str, self.addresses))}"


class Options(TypedDict, total=False):
    """The arguments that both stores share; `RedisReplayStore` says what each means."""

    min_replicas: int
    replica_timeout: float
    timeout: float
    retries: int
    prefix: str
    sentinel: str | None
    sentinel_user: str | None
    sentinel_password: str | None
    cluster: bool
    max_hold: int
    server_is_safe: bool
    max_connections: int
    clock: Callable[[], float]


def read_settings(
    url: str | Sequence[str],
    *,
    min_replicas: int = 0,
    replica_timeout: float = 0.1,
    timeout: float = 1.0,
    retries: int = 2,
    prefix: str = PREFIX,
    sentinel: str | None = None,
    sentinel_user: str | None = None,
    sentinel_password: str | None = None,
    cluster: bool = False,
    max_hold: int = MAX_HOLD,
    server_is_safe: bool = False,
    max_connections: int = 64,
    clock: Callable[[], float] = time.time,
) -> Settings:
    """Raises ValueError for what can't be meant."""
    _whole("min_replicas", min_replicas, least=0)
    _whole("retries", retries, least=0)
    _whole("max_hold", max_hold, least=1)
    _whole("max_connections", max_connections, least=1)
    _seconds("timeout", timeout)
    _seconds("replica_timeout", replica_timeout)
    if min_replicas and replica_timeout >= timeout:
        raise ValueError("`replica_timeout` is shorter than `timeout`, within which the server answers")
    if sentinel is not None and cluster:
        raise ValueError("a store is found by Sentinel or is a cluster, not both")
    kind: Literal["one", "sentinel", "cluster"] = "sentinel" if sentinel else "cluster" if cluster else "one"
    if sentinel == "":
        raise ValueError("`sentinel` is the name under which Sentinel knows the servers")
    urls = (url,) if isinstance(url, str) else tuple(url)
    if not urls or (kind == "one" and len(urls) > 1):
        raise ValueError("one address names one server; several name sentinels (`sentinel=`) or nodes (`cluster=True`)")
    parts = [_split(each, port=26379 if kind == "sentinel" else 6379) for each in urls]
    if any(other[1:] != parts[0][1:] for other in parts):
        raise ValueError("the addresses differ in more than host and port")
    _, tls, account, files = parts[0]
    if cluster and account["db"]:
        raise ValueError("a cluster has one database, 0")
    shared = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "protocol": 2, "driver_info": None, **files}
    return Settings(
        kind=kind,
        addresses=tuple(dict.fromkeys(part[0] for part in parts)),
        service=sentinel or "",
        tls=tls,
        login={**shared, **account},
        seed_login={**shared, **account}
        if kind == "cluster"
        else {**shared, "db": 0, "username": sentinel_user, "password": sentinel_password},
        prefix=prefix.encode(),
        min_replicas=min_replicas,
        replica_timeout=replica_timeout,
        timeout=timeout,
        retries=retries,
        max_hold=max_hold,
        server_is_safe=server_is_safe,
        max_connections=max_connections,
        clock=clock,
    )


def durability(settings: Settings) -> str:
    """What the store promises of a nonce that was consumed, for verdicts: a phrase."""
    restart = (
        "survives a restart of the server, by the caller's word"
        if settings.server_is_safe
        else "survives a restart of the server as long as its append-only file does: all with `appendfsync always`, "
        "all but the last two seconds with `everysec` (without the file a server is refused until it has run for "
        f"{settings.max_hold} s; a file that was lost, or switched on after a restart, is not noticed, nor is FLUSHALL)"
    )
    if not settings.min_replicas:
        return f"{restart}; a fail-over loses what its replica had not received"
    named = "replica has" if settings.min_replicas == 1 else "replicas have"
    return (
        f"{restart}; {settings.min_replicas} {named} acknowledged it; a fail-over to a replica that has not may lose it"
    )


def _whole(name: str, value: object, *, least: int) -> None:
    if type(value) is not int or value < least:
        raise ValueError(f"`{name}` is a whole number, at least {least}")


def _seconds(name: str, value: object) -> None:
    # At least a millisecond: to the server, 0 means for ever.
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0.001:  # type: ignore[arg-type,operator] # the type was just asked
        raise ValueError(f"`{name}` is a number of seconds, at least 0.001")


def _split(url: str, *, port: int) -> tuple[Address, bool, dict[str, object], dict[str, object]]:
    """Where, whether by TLS, whose account, and which files of TLS. Quotes nothing: any part may be a password."""
    try:
        parts = urlsplit(url)
        found = parts.port
    except ValueError:
        raise ValueError(
            "the address is no URL; in a password write `/`, `?`, `#`, `@` as %2F, %3F, %23, %40"
        ) from None
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError("the address begins with `rediss://` (TLS) or `redis://`")
    if not parts.hostname:
        raise ValueError("the address names no host")
    if parts.fragment:
        raise ValueError("the address has a `#`; in a password write it as %23")
    tls = parts.scheme == "rediss"
    account: dict[str, object] = {
        "db": _database(parts),
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
    }
    return Address(parts.hostname, found if found is not None else port), tls, account, _files(parts, tls=tls)


def _database(parts: SplitResult) -> int:
    text = parts.path.strip("/")
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        raise ValueError("the path of the address is the number of a database")
    return int(text or 0)


def _files(parts: SplitResult, *, tls: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _TLS_FILES or name in found or not tls:
            raise ValueError(
                f"after `?` an address of TLS may say {', '.join(_TLS_FILES)}, each once, and nothing else"
            )
        if not os.path.isfile(value):
            raise ValueError(f"`{name}` names no file")
        found[name] = value
    return found
