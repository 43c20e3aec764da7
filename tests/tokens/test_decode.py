"""Strict decoding: group P of the catalogue of attacks, each re-signed, and what must still be accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.tokens import base64url, strict_json
from policyjwt.tokens import decode as decode_module
from policyjwt.tokens.decode import decode, remember_header
from policyjwt.tokens.limits import (
    MAX_CACHED_HEADER_CHARACTERS,
    MAX_CACHED_HEADERS,
    MAX_INTEGER_DIGITS,
    MAX_JSON_DEPTH,
    MAX_TOKEN_CHARACTERS,
)
from tests.tokens.minting import CLAIMS, accepted, b64, refusal, signer, unb64

E1 = signer("ES256")
T0 = E1.token()
H0, P0, S0 = T0.split(".")


def refused(token: Any) -> str:
    """The code; every such token carries a right signature unless the row forbids it."""
    code = refusal(token, E1.keys, ["ES256"])
    with pytest.raises(TokenRefused) as caught:  # the decoder alone refuses, not a later step
        decode(token)
    assert caught.value.code == code
    return code


def nested(depth: int) -> bytes:
    """Claims of which the deepest value is `depth` objects and lists down."""
    return b'{"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


SEGMENTS = {
    "P02 two segments": f"{H0}.{P0}",
    "P02 one segment": H0,
    "P03 a dot behind": f"{T0}.",
    "P03 a fourth segment": f"{T0}.x",
    "P03 a dot in front": f".{T0}",
}


@pytest.mark.parametrize("token", SEGMENTS.values(), ids=SEGMENTS.keys())
def test_segments(token: str) -> None:
    assert refused(token) == "token.segments"


KIND = {
    "P04 five parts, a header of a signature": f"{H0}..x..y",
    "P04 five parts, a header of encryption": b64(b'{"alg":"dir","enc":"A256GCM"}') + "..x.y.z",
    "P05 three parts, a header of encryption": E1.token(header={"alg": "RSA-OAEP-256", "enc": "A256GCM"}),
    "H22 enc": E1.token(enc="A256GCM"),
    "H22 epk": E1.token(epk={}),
    "H22 p2c": E1.token(p2c=1),
    "D20 none in five parts": b64(b'{"alg":"none"}') + "....",
}


@pytest.mark.parametrize("token", KIND.values(), ids=KIND.keys())
def test_kind(token: str) -> None:
    assert refused(token) == "token.kind"


BASE64 = {
    "P06 space in front": f" {T0}",
    "P06 space behind": f"{T0} ",
    "P06 line feed": f"{T0}\n",
    "P06 line feed between": f"{H0}\n.{P0}.{S0}",
    "P06 byte order mark": f"\ufeff{T0}",
    "P06 Bearer": f"Bearer {T0}",
    "P06 bearer": f"bearer {T0}",
    "P08 #": f"{H0}#.{P0}.{S0}",
    "P08 ?": f"{H0}.{P0[:4]}?{P0[4:]}.{S0}",
    "P08 !": f"{H0}.{P0}.{S0[:-4]}!{S0[-4:]}",
    "P08 %": f"{H0}.{P0}%.{S0}",
    "P08 dotless i": f"{H0}.{P0}\u0131.{S0}",
    "P08 only spaces": "   ",
    "padding in the header": f"{H0}{'=' * (-len(H0) % 4) or '='}.{P0}.{S0}",
    "padding in the payload": f"{H0}.{P0}{'=' * (-len(P0) % 4) or '='}.{S0}",
    "padding in the signature": f"{H0}.{P0}.{S0}==",
    "one character too many": f"{H0}.{P0}.{S0}{'A' * (1 + -len(S0) % 4)}",
    "unused bits in the signature": f"{H0}.{P0}.{S0[:-1]}{chr(ord(S0[-1]) + 1)}",
}


@pytest.mark.parametrize("token", BASE64.values(), ids=BASE64.keys())
def test_base64(token: str) -> None:
    assert refused(token) == "token.base64"


def test_P10_standard_alphabet() -> None:  # noqa: N802 - the row's own name
    token = next(t for t in (E1.token({**CLAIMS, "n": n}) for n in range(500)) if "-" in t and "_" in t)
    assert refused(token.replace("-", "+")) == "token.base64"
    assert refused(token.replace("_", "/")) == "token.base64"


def test_P11_every_other_spelling_of_the_last_character() -> None:  # noqa: N802
    """Unused bits that are not zero: another text for the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for segments in ((H0, P0, S0), tuple(E1.token({**CLAIMS, "x": "yy"}).split("."))):
        for place, segment in enumerate(segments):
            twins = [c for c in alphabet if c != segment[-1] and unb64(segment[:-1] + c) == unb64(segment)]
            assert len(twins) == {0: 0, 2: 15, 3: 3}[len(segment) % 4]
            for twin in twins:
                changed = list(segments)
                changed[place] = segment[:-1] + twin
                assert refused(".".join(changed)) == "token.base64"


CLAIMS_OBJECT = {"list": b"[]", "string": b'"x"', "null": b"null", "true": b"true", "number": b"1", "empty": b""}


@pytest.mark.parametrize("payload", CLAIMS_OBJECT.values(), ids=CLAIMS_OBJECT.keys())
def test_P14_claims_object(payload: bytes) -> None:  # noqa: N802
    assert refused(E1.token(payload)) == "token.claims_object"


def test_H15_detached_payload() -> None:  # noqa: N802
    assert refused(f"{H0}..{S0}") == "token.claims_object"


HEADERS_NO_OBJECT = (b"[]", b'"x"', b"null", b"true", b"1", b"", b"{", b"[[]]")


@pytest.mark.parametrize("header", HEADERS_NO_OBJECT)
def test_header_is_no_object(header: bytes) -> None:
    assert refused(E1.token(header=header)) == "token.json"


PLAIN = json.dumps(CLAIMS)[1:].encode()
DUPLICATE = {
    "P15 exp twice": b'{"exp":1,' + PLAIN,
    "P15 exp twice, the other order": b"{" + PLAIN[:-1] + b',"exp":1}',
    "P16 escaped": rb'{"iss":"good","\u0069ss":"evil"}',
    "P16 escaped, the other order": rb'{"\u0069ss":"evil","iss":"good"}',
    "P17 nested": b'{"cnf":{"jkt":"a","jkt":"b"}}',
    "P17 in a list": b'{"a":[{"b":1,"b":1}]}',
    "P15 the same value": b'{"a":1,"a":1}',
}


@pytest.mark.parametrize("payload", DUPLICATE.values(), ids=DUPLICATE.keys())
def test_duplicate(payload: bytes) -> None:
    assert refused(E1.token(payload)) == "token.duplicate"


@pytest.mark.parametrize(
    "header", [b'{"alg":"none","alg":"ES256"}', b'{"alg":"ES256","alg":"none"}', rb'{"alg":"ES256","\u0061lg":"none"}']
)
def test_P15_duplicate_in_the_header(header: bytes) -> None:  # noqa: N802
    assert refused(E1.token(header=header)) == "token.duplicate"


NO_JSON = {
    "P18 NaN": b'{"exp":NaN}',
    "P18 Infinity": b'{"x":Infinity}',
    "P18 -Infinity": b'{"x":[-Infinity]}',
    "P26 trailing data": b"{} x",
    "P26 two documents": b"{}{}",
    "P26 two documents on two lines": b"{}\n{}",
    "P26 comment": b'{"a":1/* b */}',
    "P26 comment behind": b"{} // x",
    "P26 trailing comma": b'{"a":1,}',
    "P26 single quotes": b"{'a':1}",
    "P26 unquoted name": b"{a:1}",
    "P26 leading zero": b'{"a":01}',
    "P26 plus": b'{"a":+1}',
    "P26 point first": b'{"a":.5}',
    "P26 point last": b'{"a":1.}',
    "P26 hexadecimal": b'{"a":0x10}',
    "P26 True": b'{"a":True}',
    "P26 other digits": '{"a":\u0661}'.encode(),
    "P26 form feed between": b'{"a":\x0c1}',
    "P26 no-break space": '{"a":\u00a01}'.encode(),
    "P30 NUL": b'{"a":"\x00"}',
    "P30 control": b'{"a":"\x1f"}',
    "P30 line feed in a string": b'{"a":"x\ny"}',
    "P30 in a name": b'{"a\x01":1}',
    "bad escape": rb'{"a":"\x41"}',
    "short escape": rb'{"a":"\u00"}',
    "unfinished": b'{"a":"',
    "only spaces": b"   ",
    "minus": b'{"a":-}',
}


@pytest.mark.parametrize("payload", NO_JSON.values(), ids=NO_JSON.keys())
def test_no_json(payload: bytes) -> None:
    assert refused(E1.token(payload)) == "token.json"


def test_P18_NaN_in_the_header() -> None:  # noqa: N802
    assert refused(E1.token(header=b'{"alg":"ES256","x":NaN}')) == "token.json"


@pytest.mark.parametrize(
    "payload", [b'{"a":1e400}', b'{"a":-1e400}', b'{"a":[1E+999]}', b'{"a":' + b"9" * 400 + b".0}"]
)
def test_P19_a_number_that_overflows(payload: bytes) -> None:  # noqa: N802
    assert refused(E1.token(payload)) == "token.number"


@pytest.mark.parametrize("digits", [MAX_INTEGER_DIGITS + 1, 400, 5_000, 20_000])
@pytest.mark.parametrize("form", [b'{"exp":%s}', b'{"x":[{"y":-%s}]}'])
def test_P20_huge_integers(digits: int, form: bytes) -> None:  # noqa: N802
    assert refused(E1.token(form % (b"9" * digits))) == "token.number"


def test_P20_the_largest_integer_is_exact() -> None:  # noqa: N802
    assert decode(E1.token(b'{"a":' + b"9" * MAX_INTEGER_DIGITS + b"}")).claims["a"] == 10**MAX_INTEGER_DIGITS - 1


def test_P20_a_million_digits_are_not_even_decoded() -> None:  # noqa: N802
    assert refused(E1.token(b'{"exp":' + b"9" * 1_000_000 + b"}")) == "token.size"


DEEP = {
    "one more than allowed": nested(MAX_JSON_DEPTH + 1),
    "objects": b'{"a":' * 40 + b"1" + b"}" * 40,
    "C23 a chain of actors": b'{"act":' * 1000 + b"{}" + b"}" * 1000,
    "lists that do not end": b"[" * 20_000,
    "objects that do not end": b'{"a":' * 4_000,
    "mixed, with brackets in strings": b'{"a":"]]]]",' + nested(MAX_JSON_DEPTH + 1)[1:],
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_P21_deep_nesting(text: bytes) -> None:  # noqa: N802
    assert refused(E1.token(text)) == "token.depth"
    assert refused(E1.token(header=text)) == "token.depth"


def test_P21_200_000_lists_are_too_long() -> None:  # noqa: N802
    assert refused(E1.token(b"[" * 200_000)) == "token.size"


SHALLOW = {
    "as deep as allowed": nested(MAX_JSON_DEPTH),
    "many side by side": b'{"x":[' + b",".join([b"{}"] * 500) + b"]}",
    "brackets in a string": b'{"x":"' + b"[{" * 500 + b'"}',
    "brackets behind an escaped quote": rb'{"x":"\"' + b"[" * 500 + b'"}',
    "brackets behind an escaped backslash": rb'{"x":"\\","y":"' + b"[" * 500 + b'"}',
}


@pytest.mark.parametrize("payload", SHALLOW.values(), ids=SHALLOW.keys())
def test_not_too_deep(payload: bytes) -> None:
    assert decode(E1.token(payload)).claims == json.loads(payload)


def test_the_depth_is_found_in_linear_time_in_unfinished_strings() -> None:
    """Counted in steps of the scanner: one match for each bracket or string, none twice."""
    text = '"' + '\\"' * 12_000 + "{" * 40
    assert len(list(strict_json._BRACKETS.finditer(text))) == 1


SIZE = {
    "P22 wide": b"{" + b",".join(b'"%d":0' % n for n in range(100_000)) + b"}",
    "P23 a megabyte": b'{"a":"' + b"a" * 1_000_000 + b'"}',
}


@pytest.mark.parametrize("payload", SIZE.values(), ids=SIZE.keys())
def test_size(payload: bytes) -> None:
    assert refused(E1.token(payload)) == "token.size"
    assert refused(E1.token(header=payload)) == "token.size"


def test_P23_the_limit_is_exact_and_comes_before_any_decoding(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    room = MAX_TOKEN_CHARACTERS - len(E1.token({"a": ""}))
    largest = max(
        (E1.token({"a": "a" * n}) for n in range(room * 3 // 4 - 4, room * 3 // 4 + 2)),
        key=lambda t: (len(t) <= MAX_TOKEN_CHARACTERS, len(t)),
    )
    assert MAX_TOKEN_CHARACTERS - 1 <= len(largest) <= MAX_TOKEN_CHARACTERS
    assert accepted(largest, E1.keys, ["ES256"]).token == largest

    def never(*_: object) -> None:
        raise AssertionError("something was decoded")

    monkeypatch.setattr(base64url, "decode_swapped", never)
    monkeypatch.setattr(strict_json, "loads", never)
    for token in ("a" * (MAX_TOKEN_CHARACTERS + 1), "\u0131" * 10_000_000, f"{H0}.{P0}." + "A" * 10_000_000):
        assert refused(token) == "token.size"


UTF8 = {
    "P25 UTF-16": "{}".encode("utf-16"),
    "P25 UTF-16-LE without mark": json.dumps(CLAIMS).encode("utf-16-le"),
    "P25 UTF-16-BE without mark": json.dumps(CLAIMS).encode("utf-16-be"),
    "P25 UTF-32": json.dumps(CLAIMS).encode("utf-32"),
    "P25 byte order mark": b"\xef\xbb\xbf{}",
    "Latin-1": b'{"a":"\xe9"}',
    "overlong": b'{"a":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "escaped half": rb'{"a":"\ud800"}',
    "escaped second half": rb'{"a":"\uDC00"}',
    "escaped half in a name": rb'{"\ud800":1}',
    "escaped halves in the wrong order": rb'{"a":"\udc00\ud800"}',
    "escaped half, nested": rb'{"a":[{"b":["x\uDBFFy"]}]}',
}


@pytest.mark.parametrize("payload", UTF8.values(), ids=UTF8.keys())
def test_utf8(payload: bytes) -> None:
    assert refused(E1.token(payload)) == "token.utf8"


def test_a_whole_surrogate_pair_is_a_character() -> None:
    claims = decode(E1.token(rb'{"a":"\ud83d\ude00","b":"\\ud800"}')).claims
    assert claims == {"a": "\U0001f600", "b": "\\ud800"}


FORM = {
    "P27 flattened": json.dumps({"protected": H0, "payload": P0, "signature": S0}),
    "P27 general": json.dumps({"payload": P0, "signatures": [{"protected": H0, "signature": S0}]}),
    "P27 with a space in front": " " + json.dumps({"protected": H0, "payload": P0, "signature": S0}),
    "P28 polyglot": f'{{"  {H0}.{P0}.":"","protected":"{H0}","payload":"{P0}","signature":"{S0}"}}',
    "a list": f'["{H0}","{P0}"]',
}


@pytest.mark.parametrize("token", FORM.values(), ids=FORM.keys())
def test_form(token: str) -> None:
    assert refused(token) == "token.form"


class _Text(str):
    __slots__ = ()


@pytest.mark.parametrize("token", [T0.encode(), b"\x80", bytearray(b"a"), 1, [T0], _Text(T0), {}, 1.5, True])
def test_P29_what_is_no_str_is_a_bad_call(token: Any) -> None:  # noqa: N802
    with pytest.raises(TypeError, match="a token is a `str`"):
        decode(token)


@pytest.mark.parametrize("token", [None, ""])
def test_missing(token: str | None) -> None:
    with pytest.raises(TokenRefused) as caught:
        decode(token)
    assert caught.value.code == "token.missing"


LEGAL = {
    "P31 white space": b'{\t"iss" :\r\n "x" , "a" : [ 1 , 2 ] }',
    "P31 white space around": b' \n{"iss":"x"}\t ',
    "P31 escaped slash": rb'{"iss":"https:\/\/x"}',
    "P31 exponent": b'{"exp":1.7e9}',
    "P31 escaped NUL": rb'{"a":"\u0000"}',
    "P31 empty name": b'{"":1}',
    "P31 minus zero": b'{"a":-0,"b":-0.0}',
    "P31 DEL and other scripts": '{"a":"\x7f\u0131\u202e\U0001f600"}'.encode(),
    "P31 the empty object": b"{}",
    "C18 an exact integer": b'{"level":9007199254740993}',
}


@pytest.mark.parametrize("payload", LEGAL.values(), ids=LEGAL.keys())
def test_odd_and_legal(payload: bytes) -> None:
    token = E1.token(payload)
    assert decode(token).claims == json.loads(payload)
    assert decode(token).payload == payload
    assert accepted(token, E1.keys, ["ES256"]).payload == payload


def test_members_in_any_order_and_white_space_in_the_header() -> None:
    token = E1.token(header=b'{ "typ":"JWT",\n\t"kid" : "e1" , "alg":"ES256" }')
    assert accepted(token, E1.keys, ["ES256"]).header == {"typ": "JWT", "kid": "e1", "alg": "ES256"}


def test_the_parts() -> None:
    token = decode(T0)
    assert token.text == T0
    assert token.header == {"alg": "ES256", "kid": "e1", "typ": "JWT"}
    assert token.claims == CLAIMS
    assert token.signing_input == f"{H0}.{P0}".encode()
    assert token.signature == unb64(S0)
    assert repr(token) == str(token) == "<UnverifiedToken>"
    with pytest.raises(TypeError):
        bool(token)


def test_the_reading_of_a_number_is_that_of_json() -> None:
    claims = decode(E1.token(b'{"a":1.0,"b":1,"c":1e3,"d":true,"e":null,"f":0.1}')).claims
    assert [type(value) for value in claims.values()] == [float, int, float, bool, type(None), float]


# --- the cache of headers ------------------------------------------------------------------------------


def test_only_remembered_headers_are_kept() -> None:
    decode(T0)
    assert not decode_module._known_headers
    accepted(T0, E1.keys, ["ES256"])
    assert len(decode_module._known_headers) == 1
    refusal(T0[:-4] + "AAAA", E1.keys, ["ES256"])
    refusal(E1.token(foo=1)[:-4] + "AAAA", E1.keys, ["ES256"])
    assert len(decode_module._known_headers) == 1


def test_a_cached_header_can_not_be_changed_from_outside() -> None:
    first = decode(T0)
    first.header["kid"] = "other"
    remember_header(first)
    second = decode(T0)
    assert second.header["kid"] == "e1"
    second.header["alg"] = "none"
    assert decode(T0).header == {"alg": "ES256", "kid": "e1", "typ": "JWT"}


def test_a_header_with_objects_is_not_kept() -> None:
    token = decode(E1.token(foo={"a": []}))
    remember_header(token)
    assert not decode_module._known_headers


@pytest.mark.parametrize("value", [[1], ["a", None], [["a"]], [{}], [True]])
def test_a_header_with_lists_of_anything_but_texts_is_not_kept(value: list[object]) -> None:
    remember_header(decode(E1.token(foo=value)))
    assert not decode_module._known_headers


def test_a_list_of_texts_is_kept_and_each_reader_has_its_own() -> None:
    token = E1.token(x5c=["a", "b"])
    first = decode(token)
    first.header["x5c"].append("before")  # type: ignore[attr-defined]  # a list
    remember_header(first)
    assert len(decode_module._known_headers) == 1
    second = decode(token)
    assert second.unseen is None
    assert second.header["x5c"] == ["a", "b"]
    second.header["x5c"].append("after")
    assert decode(token).header["x5c"] == ["a", "b"]


def test_the_cache_is_bounded() -> None:
    for number in range(MAX_CACHED_HEADERS + 10):
        remember_header(decode(E1.token(foo=number)))
    assert len(decode_module._known_headers) == MAX_CACHED_HEADERS
    remember_header(decode(E1.token(foo="a" * MAX_CACHED_HEADER_CHARACTERS)))
    assert all(len(segment) <= MAX_CACHED_HEADER_CHARACTERS for segment in decode_module._known_headers)
    assert decode(E1.token(foo=MAX_CACHED_HEADERS + 9)).header["foo"] == MAX_CACHED_HEADERS + 9


def test_a_cached_header_is_found_by_its_exact_text() -> None:
    token = next(t for t in (E1.token(foo=f"???{n}") for n in range(500)) if "_" in t.split(".")[0])
    remember_header(decode(token))
    assert refused(token.replace("_", "/")) == "token.base64"


# --- laws ----------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_caller_deep_in_its_own_stack_gets_a_refusal() -> None:
    token, codes = E1.token(nested(MAX_JSON_DEPTH)), set()

    def dig() -> None:
        try:
            decode(token)
            dig()
        except TokenRefused as caught:
            codes.add(caught.code)

    with suppress(RecursionError):  # from calls of ours, not from what is inside the token
        dig()
    assert codes <= {"token.depth"}


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_json_writes_is_read_back(claims: dict[str, object]) -> None:
    for text in (json.dumps(claims), json.dumps(claims, ensure_ascii=False, indent=1)):
        payload = text.encode("utf-8", "surrogatepass")
        try:
            text.encode("utf-8")
            json.dumps(claims, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            assert refused(E1.token(payload)) == "token.utf8"
            continue
        assert decode(E1.token(payload)).claims == claims


def _decodes_or_refuses(token: Any, call: Callable[[Any], object] = decode) -> None:
    try:
        call(token)
    except TokenRefused as refused:
        code = refused.code
    else:
        return
    assert code.partition(".")[0] in ("token", "header")


@given(st.text())
def test_no_foreign_exception_on_any_text(text: str) -> None:
    _decodes_or_refuses(text)


@given(st.binary(), st.binary(), st.binary())
def test_no_foreign_exception_on_any_three_segments(header: bytes, payload: bytes, signature: bytes) -> None:
    _decodes_or_refuses(f"{b64(header)}.{b64(payload)}.{b64(signature)}")


@given(st.text(alphabet='{}[]",:\\u0123dDeE.+-nulltrue \n\x00ab'))
def test_no_foreign_exception_on_what_looks_like_json(text: str) -> None:
    _decodes_or_refuses(E1.token(text.encode()))
    _decodes_or_refuses(E1.token(header=text.encode()))


@given(st.text(alphabet='{}[]",:\\u0123dDeE.+-nulltrue \n\x00ab'))
def test_what_is_accepted_is_what_json_reads(text: str) -> None:
    try:
        claims = decode(E1.token(text.encode())).claims
    except TokenRefused:
        return
    assert claims == json.loads(text)


@given(st.integers(0, len(T0) - 1), st.characters(max_codepoint=300))
def test_a_changed_token_never_has_the_same_bytes(place: int, character: str) -> None:
    """One text for one token: no other spelling gives the same three parts."""
    other = T0[:place] + character + T0[place + 1 :]
    try:
        found = decode(other)
    except TokenRefused:
        return
    if other != T0:
        right = decode(T0)
        assert (found.signing_input, found.signature) != (right.signing_input, right.signature)
