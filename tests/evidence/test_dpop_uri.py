"""The one spelling of a URI (RFC 3986, section 6): what is the same, what is another one, and what is none."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policyjwt.evidence.dpop_uri import normalise

SAME = [
    ("https://api.example/pay", "https://api.example/pay"),
    ("HTTPS://API.Example/pay", "https://api.example/pay"),
    ("https://api.example:443/pay", "https://api.example/pay"),
    ("https://api.example:/pay", "https://api.example/pay"),
    ("http://api.example:80/pay", "http://api.example/pay"),
    ("http://api.example:443/pay", "http://api.example:443/pay"),
    ("https://api.example:80", "https://api.example:80/"),
    ("https://api.example:65535/", "https://api.example:65535/"),
    ("https://api.example", "https://api.example/"),
    ("https://api.example?q", "https://api.example/"),
    ("https://api.example#f", "https://api.example/"),
    ("https://api.example/pay?a=/../b#/../c", "https://api.example/pay"),
    ("https://api.example/pay?a?b#c?d", "https://api.example/pay"),
    ("https://api.example/%70%61%79", "https://api.example/pay"),
    ("https://api.example/%7euser", "https://api.example/~user"),
    ("https://api.example/a%2fb", "https://api.example/a%2Fb"),
    ("https://api.example/a%2Fb", "https://api.example/a%2Fb"),
    ("https://api.example/a%5cb", "https://api.example/a%5Cb"),
    ("https://api.example/a/./b", "https://api.example/a/b"),
    ("https://api.example/a/../b", "https://api.example/b"),
    ("https://api.example/a/b/..", "https://api.example/a/"),
    ("https://api.example/a/.", "https://api.example/a/"),
    ("https://api.example/../../a", "https://api.example/a"),
    ("https://api.example/a/%2e%2E/b", "https://api.example/b"),
    ("https://api.example/a/%2e/b", "https://api.example/a/b"),
    ("https://api.example/a//../b", "https://api.example/a/b"),
    ("https://api.example/...", "https://api.example/..."),
    ("https://api.example/.well-known", "https://api.example/.well-known"),
    ("https://api.example/:@!$&'()*+,;=", "https://api.example/:@!$&'()*+,;="),
    ("https://under_score.example/", "https://under_score.example/"),
    ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    ("https://127.0.0.1/", "https://127.0.0.1/"),
    ("https://[::1]/", "https://[0000:0000:0000:0000:0000:0000:0000:0001]/"),
    ("https://[0:0:0:0:0:0:0:1]:443/", "https://[0000:0000:0000:0000:0000:0000:0000:0001]/"),
    ("https://[2001:DB8::A]:8443", "https://[2001:0db8:0000:0000:0000:0000:0000:000a]:8443/"),
    ("https://[::ffff:1.2.3.4]/", "https://[0000:0000:0000:0000:0000:ffff:0102:0304]/"),
]

OTHERS = [
    ("https://api.example/pay", "http://api.example/pay"),
    ("https://api.example/pay", "https://api.example/pay/"),
    ("https://api.example/pay", "https://api.example/PAY"),
    ("https://api.example/pay", "https://api.example:8443/pay"),
    ("https://api.example/pay", "https://api.example./pay"),
    ("https://api.example/pay", "https://www.api.example/pay"),
    ("https://api.example/pay", "https://api.example//pay"),
    ("https://api.example/a/b", "https://api.example/a%2Fb"),
    ("https://api.example/a/b", "https://api.example/a//b"),
    ("https://api.example/a%2Fb", "https://api.example/a%252Fb"),
    ("https://api.example/b", "https://api.example/a/%252e%252e/b"),
    ("https://api.example/b", "https://api.example/a%2F..%2Fb"),
    ("https://api.example/b", "https://api.example/a/..;/b"),
    ("https://api.example/pay", "https://api.example/pay%20"),
    ("https://api.example/pay", "https://api.example/pay%00"),
    ("https://api.example/pay", "https://api.example/pay;v=1"),
    ("https://api.example/a+b", "https://api.example/a%20b"),
    ("https://api.example/a!b", "https://api.example/a%21b"),
    ("https://127.0.0.1/", "https://2130706433/"),
    ("https://127.0.0.1/", "https://0x7f.0.0.1/"),
    ("https://127.0.0.1/", "https://[::ffff:127.0.0.1]/"),
]

NONE = [
    *("", " ", "/", "/pay", "//api.example/pay", "api.example/pay", "https:", "https:/", "https://", "https:///pay"),
    *("https:api.example", "https:/api.example/pay", "https:\\\\api.example\\pay", "https//api.example", "://api.example"),
    *("ftp://api.example/", "wss://api.example/", "file:///etc/passwd", "javascript:alert(1)", "httpss://api.example/"),
    *("http\u017f://api.example/", "https\u200b://api.example/"),
    # user information, even if empty: RFC 9110, section 4.2.4
    *("https://api.example@evil/pay", "https://api.example:443@evil/", "https://@api.example/", "https://u:p@api.example/"),
    *("https://api.example%40evil/", "https://api.example\\@evil/", "https://evil\\.api.example/"),
    # hosts that two readers read differently
    *("https://api%2Eexample/", "https://b\u00fccher.example/", "https://\uff41pi.example/", "https://api\u3002example/"),
    *("https://api..example/", "https://.api.example/", "https://./", "https://api.example../", "https://a,b/"),
    *("https://*.example/", "https://a'b/", "https://a!b/", "https://a;b/", "https://a=b/", "https://a~b/"),
    *("https://[::1/", "https://::1/", "https://[::1]x/", "https://[::g]/", "https://[1.2.3.4]/", "https://[]/"),
    *("https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[v1.x]/", "https://[::1]:443x/", "https://[:::1]/"),
    # ports
    *("https://api.example:0/", "https://api.example:0443/", "https://api.example:65536/", "https://api.example:99999/"),
    *("https://api.example:-1/", "https://api.example:+1/", "https://api.example: 1/", "https://api.example:4_43/"),
    *("https://api.example:443:443/", "https://api.example:\u0664\u0664\u0663/", "https://api.example:0000000443/"),
    "https://api.example:" + "9" * 5000 + "/",
    # characters that no URI has
    *("https://api.example/a b", " https://api.example/", "https://api.example/ ", "https://api.example/\n", "https://api.example/\t"),
    *("https://api.example/a\\b", "https://api.example/a|b", "https://api.example/{a}", "https://api.example/<a>", 'https://a/"'),
    *("https://api.example/^", "https://api.example/`", "https://api.example/[a]", "https://api.example/\x7f", "https://a/\0"),
    *("https://api.example/\u00e9", "https://api.example/?\u00e9", "https://api.example/#\u00e9", "https://api.example/\ud800"),
    *("https://api.example/%", "https://api.example/%2", "https://api.example/%zz", "https://api.example/%u002f", "https://a/%2g"),
    *("https://api.example/?%", "https://api.example/#%", "https://api.example/#a#b", "https://api.example/?[a]"),
    *("https://api.example\n/pay", "https://api.example/pay\r\nHost: evil", "https://api.\texample/"),
]  # fmt: skip


@pytest.mark.parametrize(("uri", "spelling"), SAME)
def test_the_one_spelling(uri: str, spelling: str) -> None:
    assert normalise(uri) == spelling
    assert normalise(spelling) == spelling


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_uri(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize("uri", NONE, ids=ascii)
def test_no_uri(uri: str) -> None:
    with pytest.raises(ValueError, match=r"^(is no|has a)") as caught:
        normalise(uri)
    for part in ("api", "evil", "::", "99999"):
        assert part not in str(caught.value)


# --- a second opinion ---------------------------------------------------------------------------------------


def removed(path: str) -> str:
    """RFC 3986, section 5.2.4, word by word."""
    out = ""
    while path:
        if path.startswith("../"):
            path = path[3:]
        elif path.startswith(("./", "/./")):
            path = path[2:]
        elif path == "/.":
            path = "/"
        elif path.startswith("/../"):
            path, out = path[3:], out.rpartition("/")[0]
        elif path == "/..":
            path, out = "/", out.rpartition("/")[0]
        elif path in (".", ".."):
            path = ""
        else:
            found = re.match("/?[^/]*", path)
            assert found
            path, out = path[found.end() :], out + found.group()
    return out


SEGMENTS = st.lists(st.sampled_from(["", ".", "..", "a", "b", "...", "%2F", "%2e", "..%2F"]), max_size=8)


@given(SEGMENTS)
def test_dot_segments_as_the_standard_removes_them(segments: list[str]) -> None:
    path = "".join(f"/{segment}" for segment in segments)
    assert normalise(f"https://a{path}") == f"https://a{removed(path.replace('%2e', '.')) or '/'}"


PARTS = st.sampled_from(
    [
        *("http", "https", "HTTPS", "://", "//", "/", ":", "@", "a.example", "API", ".", "..", "%2e", "%2F", "%"),
        *("[::1]", "[", "]", "443", "80", "0", "?", "#", "\\", "é", "~", " ", "\n"),
    ]
)


def or_none(text: str) -> str | None:
    """The spelling; nothing but ValueError says that there is none."""
    try:
        return normalise(text)
    except ValueError:
        return None


@given(st.lists(PARTS, max_size=10).map("".join) | st.text())
def test_any_text_has_one_spelling_or_none(text: str) -> None:
    spelling = or_none(text)
    if spelling is None:
        return
    assert normalise(spelling) == spelling
    parts = urlsplit(spelling)
    assert parts.scheme in ("http", "https")
    assert (parts.username, parts.query, parts.fragment) == (None, "", "")
    # The standard library reads the same host and port from the text as it came.
    came = urlsplit(text)
    assume(not parts.netloc.startswith("["))
    assert came.hostname == parts.hostname
    assert came.port in (parts.port, 443 if parts.scheme == "https" else 80)


@pytest.mark.parametrize("part", ["/a", "/..", "%2e", "/%2e%2e", "a.", "?", "%", "[", ":4", "/%2"])
@pytest.mark.parametrize("start", ["https://", "https://a", "https://a/"])
def test_long_texts_end(start: str, part: str) -> None:
    """Nothing is matched twice: a text of a megabyte is read, or refused, at once."""
    text = start + part * 200_000
    spelling = or_none(text)
    assert spelling is None or spelling.startswith("https://a")
