"""Hosts: of a URL, and one below another. Unknown wherever two readers could see two hosts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.patterns.hosts import host_of, is_host, is_under

HOSTS = [
    ("https://corp.example", "corp.example"),
    ("http://corp.example", "corp.example"),
    ("spiffe://corp.example/ns/a", "corp.example"),
    ("HTTPS://CORP.Example/", "corp.example"),
    ("https://corp.example:8443/", "corp.example"),
    ("https://corp.example:", "corp.example"),
    ("https://corp.example:0", "corp.example"),
    ("https://corp.example:65535/", "corp.example"),
    ("https://corp.example:000000080", "corp.example"),
    ("https://corp.example./a", "corp.example"),
    ("https://corp.example.:443", "corp.example"),
    ("https://corp.example.evil.test/", "corp.example.evil.test"),
    ("https://evil.test#@corp.example", "evil.test"),
    ("https://evil.test/@corp.example", "evil.test"),
    ("https://evil.test?@corp.example", "evil.test"),
    ("https://corp.example?x=a@b", "corp.example"),
    ("https://corp.example?a?b/c#d?e/f", "corp.example"),
    ("https://192.0.2.1/", "192.0.2.1"),
    ("https://a_b-c.example", "a_b-c.example"),
    ("https://a~b!c.example", "a~b!c.example"),
]

UNKNOWN = [
    "",
    "corp.example",
    "//corp.example/",
    "https:corp.example",
    "https:/corp.example",
    "https:///corp.example",
    "https://",
    "https://.",
    "https://..",
    "https://.corp.example",
    "https://corp..example",
    "https://corp.example..",
    "https://corp.example:65536",
    "https://corp.example:99999999999999999999",
    "https://corp.example:80:80",
    "https://corp.example:8o",
    "https://corp.example:-1",
    "https://corp.example:+1",
    "https://corp.example:\u0661",
    "https://:443",
    "ftp://corp.example/",
    "javascript://corp.example/",
    "httpſ://corp.example",
    "https://user@corp.example/",
    "https://user:password@corp.example/",
    "https://@corp.example/",
    "https://:@corp.example/",
    "https://corp.example@evil.test",
    "https://[::1]/",
    "https://[v1.a]/",
    "https://[192.0.2.1]/",
    "https://corp%2eexample/",
    "https://corp.example%2f.evil.test/",
    "https://corp.example/%41",
    "https://corp.example?%41",
    "https://corp.example#%41",
    "https://corp.example/[",
    "https://evil.test\\@corp.example/",
    "https://corp.example\\.evil.test/",
    "https://corp.example\t/",
    "https://corp.example/\n",
    "https://corp.example\n",
    " https://corp.example/",
    "https://corp.example /",
    "https://c\u00f6rp.example/",
    "https://corp\u3002example/",
    "https://corp.example\u2044evil.test",
    "https://\u212aorp.example",
    "https://corp.example/\u00e9",
    "https://corp.example#a#b",
    "https://corp.example/\0",
    "https://corp.example/<",
    'https://corp.example/"',
    "https://corp.example/^`{|}",
    "https://\ud800/",
]


@pytest.mark.parametrize(("url", "host"), HOSTS)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("url", UNKNOWN)
def test_everything_else_is_unknown(url: str) -> None:
    assert host_of(url) is None


@pytest.mark.parametrize(
    ("value", "parent", "expected"),
    [
        ("corp.example", "corp.example", True),
        ("a.corp.example", "corp.example", True),
        ("a.b.corp.example", "corp.example", True),
        ("A.CORP.example", "corp.EXAMPLE", True),
        ("evilcorp.example", "corp.example", False),
        ("corp.example.evil.test", "corp.example", False),
        ("example", "corp.example", False),
        ("a_b-1.corp.example", "corp.example", True),
        ("corp.example", "example", True),
        ("", "corp.example", None),
        ("corp.example", "", None),
        (".corp.example", "corp.example", None),
        ("a..corp.example", "corp.example", None),
        ("a.corp.example.", "corp.example", None),
        ("a.corp.example\n", "corp.example", None),
        ("https://a.corp.example", "corp.example", None),
        ("a.corp.example:443", "corp.example", None),
        ("a b.corp.example", "corp.example", None),
        ("\u212aorp.example", "korp.example", None),
        ("a.corp.example", ".corp.example", None),
        ("a.corp.example", "*.example", None),
        ("a~b.corp.example", "corp.example", None),
    ],
)
def test_under(value: str, parent: str, *, expected: bool | None) -> None:
    assert is_under(value, parent) is expected


LABELS = st.text(st.sampled_from("abzAZ09-_"), min_size=1, max_size=4)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@given(NAMES, NAMES)
def test_a_host_is_under_its_own_end_only(above: str, name: str) -> None:
    assert is_host(name)
    assert is_under(name, name) is True
    assert is_under(f"{above}.{name}", name) is True
    assert is_under(f"x{name}", name) is False
    assert host_of(f"https://{name}/") == name.lower()


@given(st.text(st.sampled_from("htps:/@.a[]%\\?#0123 \t\n"), max_size=25) | st.text(max_size=25))
def test_a_host_is_never_what_it_is_not_written_as(text: str) -> None:
    host = host_of(text)
    assert host is None or (host in text.lower() and not set("/:@?#[]%\\ \t\n") & set(host))
