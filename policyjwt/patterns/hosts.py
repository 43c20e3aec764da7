r"""Hosts: of a URL, and one below another. Input: text of a token or a policy. Output: a host, or None for unknown.

Whatever two readers of URLs could take for two hosts is no host (RFC 3986, section 3.2; readers differ on `\`,
`@`, `%` and white space).
"""

from __future__ import annotations

import re
from typing import Final

MAX_PORT: Final = 65535

_URL: Final = re.compile(
    r"(?:https?|spiffe)://"
    r"([A-Za-z0-9\-._~!$&'()*+,;=]+)"  # RFC 3986 reg-name without `%`; an IPv4 address is one, an IP literal is none
    r"(?::(\d*))?"
    r"(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)?"
    r"(?:\?[A-Za-z0-9\-._~!$&'()*+,;=:@/?]*)?"
    r"(?:#[A-Za-z0-9\-._~!$&'()*+,;=:@/?]*)?",
    re.ASCII | re.IGNORECASE,
)
"""Linear: each part begins with a character that the part before can't hold."""

_HOST: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def host_of(url: str) -> str | None:
    """The host of an http, https or spiffe URL (RFC 3986), in lower case, without port and one final dot.

    None where there is a character outside RFC 3986, a `%`, an IP literal, user info even if empty, an empty label, a
    port over 65535, or another scheme. An IPv4 address is a host like any other name.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return None
    host, port = found.groups()
    if port and (len(port.lstrip("0")) > 5 or int(port.lstrip("0") or "0") > MAX_PORT):
        return None
    host = host.removesuffix(".").lower()
    return host if all(host.split(".")) else None


def is_host(text: str) -> bool:
    """Whether `text` is a host: labels of `[A-Za-z0-9_-]`, none empty, single dots between them, no final dot."""
    return _HOST.fullmatch(text) is not None


def is_under(value: str, parent: str) -> bool | None:
    """Whether the host `value` is `parent` or below it, compared without case; None if either is no host."""
    if not is_host(value) or not is_host(parent):
        return None
    value, parent = value.lower(), parent.lower()
    return value == parent or value.endswith("." + parent)
