"""URIs of requests and proofs. Input: the text of one. Output: its one spelling without query and fragment.

RFC 9449, section 4.3, check 9; RFC 3986, sections 6.2.2 and 6.2.3. Only what all readers read alike gets one: no user
information, no characters beyond ASCII, no percent sign in a host.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from string import ascii_letters, digits
from typing import Final

_UNRESERVED: Final = frozenset(ascii_letters + digits + "-._~")
_PCHAR: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"

_URI: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._]+)"
    r"(?::(?P<port>[0-9]{0,5}))?"
    rf"(?P<path>(?:/{_PCHAR}*+)*+)"
    rf"(?:\?(?:{_PCHAR}|[/?])*+)?"
    rf"(?:\#(?:{_PCHAR}|[/?])*+)?",
    re.IGNORECASE | re.ASCII,
)
"""RFC 3986, appendix A, of `http` and `https` with an authority (RFC 9110, section 4.2). Nothing is matched twice."""

_PERCENT: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_PORTS: Final = {"http": "80", "https": "443"}
_MOST_PORT: Final = 65535


def normalise(uri: str) -> str:
    """The URI in its one spelling. ValueError with a phrase that quotes nothing, for what is none or is ambiguous."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise ValueError("is no absolute `http` or `https` URI with a plain host")
    scheme = found["scheme"].lower()
    port = _port(found["port"] or "", _PORTS[scheme])
    return f"{scheme}://{_host(found['host'])}{port}{_path(found['path'])}"


def _host(host: str) -> str:
    """RFC 3986, section 6.2.2.1. A final dot makes another name, and stays."""
    if host.startswith("["):
        return f"[{_ipv6(host[1:-1])}]"
    if "" in host.removesuffix(".").split("."):
        raise ValueError("has a host with an empty label")
    return host.lower()


def _ipv6(text: str) -> str:
    """All eight groups: the short spelling of `ipaddress` differs between versions."""
    try:
        whole = f"{int(IPv6Address(text)):032x}"
    except ValueError:
        raise ValueError("has an address in brackets that is none") from None
    return ":".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _port(port: str, usual: str) -> str:
    """RFC 3986, section 6.2.3: the usual port is left out. A port has no zeros before it."""
    if port in ("", usual):
        return ""
    if port.startswith("0") or int(port) > _MOST_PORT:
        raise ValueError("has a port that is none")
    return f":{port}"


def _path(path: str) -> str:
    """RFC 3986, sections 6.2.2.2, 6.2.2.3 and 6.2.3. An encoded slash is no slash, and two are not one."""
    kept: list[str] = []
    segments = _PERCENT.sub(_percent, path).split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _percent(found: re.Match[str]) -> str:
    """Once, and only what never has a meaning: `%2F` stays, `%252E` does not become `%2E`."""
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()
