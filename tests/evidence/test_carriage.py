"""Where staples come from: S1, S2, S3. One place for a policy, and nothing is ever tried elsewhere."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.evidence.carriage import Carrier, carried
from tests.issuer import b64

ONE, TWO = b"\x30\x03\x0a\x01\x00", b"\xfb\xff\xfe"
URI = "https://corp.example/ocsp"


def text(der: bytes) -> str:
    return base64.b64encode(der).decode()


def got(
    carrier: Carrier,
    *,
    name: str | None = None,
    header: dict[str, Any] | None = None,
    unprotected: dict[str, Any] | None = None,
    given: Any = (),
) -> tuple[bytes, ...] | str:
    try:
        return carried(carrier, name=name, header=header or {}, unprotected=unprotected, given=given)
    except TokenRefused as refused:
        return refused.code


def jades(*values: object, **more: object) -> dict[str, Any]:
    return {"etsiU": [{"rVals": {"ocspVals": [*values], **more}}]}


def val(der: bytes, **more: object) -> dict[str, object]:
    return {"val": text(der), **more}


ANSWERED: dict[str, tuple[dict[str, Any], tuple[bytes, ...]]] = {
    "header": ({"carrier": "header", "header": {"x5ocsp": [text(ONE)]}}, (ONE,)),
    "header, two": ({"carrier": "header", "header": {"x5ocsp": [text(ONE), text(TWO)]}}, (ONE, TWO)),
    "header, four": ({"carrier": "header", "header": {"x5ocsp": [text(ONE)] * 4}}, (ONE,) * 4),
    "header, own name": ({"carrier": "header", "name": URI, "header": {URI: [text(TWO)]}}, (TWO,)),
    "header, default name said": ({"carrier": "header", "name": "x5ocsp", "header": {"x5ocsp": [text(TWO)]}}, (TWO,)),
    "header, largest": ({"carrier": "header", "header": {"x5ocsp": [text(b"x" * 16384)]}}, (b"x" * 16384,)),
    "jades": ({"carrier": "jades", "unprotected": jades(val(ONE))}, (ONE,)),
    "jades, encoding said": (
        {"carrier": "jades", "unprotected": jades(val(ONE, encoding="http://uri.etsi.org/01903/v1.2.2#DER"))},
        (ONE,),
    ),
    "jades, beside a time-stamp": (
        {"carrier": "jades", "unprotected": {"etsiU": [{"sigTst": {}}, *jades(val(TWO), crlVals=[1])["etsiU"]]}},
        (TWO,),
    ),
    "jades, two elements": (
        {"carrier": "jades", "unprotected": {"etsiU": jades(val(ONE))["etsiU"] + jades(val(TWO))["etsiU"]}},
        (ONE, TWO),
    ),
    "jades, in base64url": (
        {
            "carrier": "jades",
            "unprotected": {"etsiU": [b64(json.dumps(item).encode()) for item in jades(val(ONE))["etsiU"]]},
        },
        (ONE,),
    ),
    "caller": ({"carrier": "caller", "given": (ONE, TWO)}, (ONE, TWO)),
    "caller, a list": ({"carrier": "caller", "given": [ONE]}, (ONE,)),
    "caller, largest": ({"carrier": "caller", "given": [b"x" * 16384]}, (b"x" * 16384,)),
    "caller, beside CRLs in the unprotected header": (
        {"carrier": "caller", "given": [ONE], "unprotected": {"etsiU": [{"rVals": {"crlVals": [val(TWO)]}}]}},
        (ONE,),
    ),
}

MISSING: dict[str, dict[str, Any]] = {
    "header, nowhere": {"carrier": "header"},
    "header, own name, default name is there": {"carrier": "header", "name": URI, "header": {"x5ocsp": [text(ONE)]}},
    "header, it is elsewhere": {"carrier": "header", "given": (ONE,)},
    "header, it is in jades": {"carrier": "header", "unprotected": jades(val(ONE))},
    "jades, compact": {"carrier": "jades"},
    "jades, no etsiU": {"carrier": "jades", "unprotected": {}},
    "jades, no rVals": {"carrier": "jades", "unprotected": {"etsiU": [{"sigTst": {}}]}},
    "jades, CRLs alone": {"carrier": "jades", "unprotected": {"etsiU": [{"rVals": {"crlVals": [1]}}]}},
    "jades, it is in the header": {"carrier": "jades", "header": {"x5ocsp": [text(ONE)]}},
    "caller, none": {"carrier": "caller"},
    "caller, it is in the header": {"carrier": "caller", "header": {"x5ocsp": [text(ONE)]}},
    "caller, it is in jades": {"carrier": "caller", "unprotected": jades(val(ONE))},
}

AMBIGUOUS: dict[str, dict[str, Any]] = {
    "header and caller": {"header": {"x5ocsp": [text(ONE)]}, "given": (ONE,)},
    "header and jades": {"header": {"x5ocsp": [text(ONE)]}, "unprotected": jades(val(ONE))},
    "jades and caller": {"unprotected": jades(val(ONE)), "given": (ONE,)},
    "all": {"header": {"x5ocsp": [text(ONE)]}, "unprotected": jades(val(ONE)), "given": (ONE,)},
    "own name and default name": {"name": URI, "header": {"x5ocsp": [text(ONE)], URI: [text(ONE)]}},
    "own name and caller": {"name": URI, "header": {URI: [text(ONE)]}, "given": (ONE,)},
    "default name and caller, own name elsewhere": {"name": URI, "header": {"x5ocsp": [text(ONE)]}, "given": (ONE,)},
    "an empty header parameter and caller": {"header": {"x5ocsp": []}, "given": (ONE,)},
    "a null and caller": {"header": {"x5ocsp": None}, "given": (ONE,)},
}

BAD_LIST: dict[str, object] = {
    "null": None,
    "true": True,
    "a string": text(ONE),
    "an object": {"0": text(ONE)},
    "empty": [],
    "a number": 5,
}
BAD_ITEM: dict[str, object] = {
    "null": None,
    "a number": 1,
    "a list": [text(ONE)],
    "base64url": b64(TWO),
    "no padding": text(b"1234").rstrip("="),
    "padding that is too long": text(ONE) + "==",
    "a line break": text(ONE)[:4] + "\n" + text(ONE)[4:],
    "a space": " " + text(ONE),
    "unused bits": "MAMKAQB=" if text(ONE) == "MAMKAQA=" else "",
    "PEM": "-----BEGIN OCSP RESPONSE-----",
    "no ASCII": "MAMKAQÄ=",
    "half a surrogate": "MAM\ud800",
}
BAD_JADES: dict[str, object] = {
    "null": None,
    "empty": [],
    "an object": {},
    "a number in it": [1],
    "object and string": [{"rVals": {"ocspVals": [val(ONE)]}}, b64(b"{}")],
    "no base64url": ["{}"],
    "padded": [base64.urlsafe_b64encode(b'{"a":1}').decode() + "="],
    "no JSON": [b64(b"{")],
    "a name twice": [b64(b'{"rVals":{},"rVals":{}}')],
    "a list in base64url": [b64(b"[]")],
    "rVals is null": [{"rVals": None}],
    "rVals is a list": [{"rVals": []}],
    "ocspVals is null": [{"rVals": {"ocspVals": None}}],
    "ocspVals is empty": [{"rVals": {"ocspVals": []}}],
    "a value that is a string": [{"rVals": {"ocspVals": [text(ONE)]}}],
    "a value without val": [{"rVals": {"ocspVals": [{}]}}],
    "another encoding": [{"rVals": {"ocspVals": [val(ONE, encoding="http://uri.etsi.org/01903/v1.2.2#PER")]}}],
    "an encoding that is null": [{"rVals": {"ocspVals": [val(ONE, encoding=None)]}}],
}


@pytest.mark.parametrize(("case", "expected"), ANSWERED.values(), ids=ANSWERED)
def test_the_place_that_the_policy_names(case: dict[str, Any], expected: tuple[bytes, ...]) -> None:
    assert got(**case) == expected


@pytest.mark.parametrize("case", MISSING.values(), ids=MISSING)
def test_another_place_is_never_tried(case: dict[str, Any]) -> None:
    assert got(**case) == "staple.missing"


@pytest.mark.parametrize("carrier", ["header", "jades", "caller"])
@pytest.mark.parametrize("case", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_two_places_refuse_wherever_the_policy_looks(carrier: Carrier, case: dict[str, Any]) -> None:
    """What the caller hands over counts where the policy reads it; elsewhere it is not looked at."""
    in_the_token = {name: value for name, value in case.items() if name != "given"}
    assert got("caller", **case) == "staple.ambiguous"
    if carrier != "caller":
        assert got(carrier, **case) == got(carrier, **in_the_token)
    if "given" not in case:
        assert got(carrier, **case) == "staple.ambiguous"


@pytest.mark.parametrize("value", BAD_LIST.values(), ids=BAD_LIST)
def test_no_list(value: object) -> None:
    assert got("header", header={"x5ocsp": value}) == "staple.malformed"
    assert got("header", name=URI, header={URI: value}) == "staple.malformed"


@pytest.mark.parametrize("item", BAD_ITEM.values(), ids=BAD_ITEM)
def test_no_base64_in_its_one_spelling(item: object) -> None:
    assert got("header", header={"x5ocsp": [item]}) == "staple.malformed"
    assert got("header", header={"x5ocsp": [text(ONE), item]}) == "staple.malformed"
    assert got("jades", unprotected=jades({"val": item})) == "staple.malformed"


@pytest.mark.parametrize("carrier", ["header", "jades", "caller"])
@pytest.mark.parametrize("value", BAD_JADES.values(), ids=BAD_JADES)
def test_an_unprotected_header_that_cannot_be_read(carrier: Carrier, value: object) -> None:
    assert got(carrier, unprotected={"etsiU": value}) == "staple.malformed"


@pytest.mark.parametrize("place", ["header", "jades", "caller"])
def test_limits(place: Carrier) -> None:
    def of(*responses: bytes) -> tuple[bytes, ...] | str:
        where: dict[str, Any] = {
            "header": {"header": {"x5ocsp": [text(one) for one in responses]}},
            "jades": {"unprotected": jades(*map(val, responses))},
            "caller": {"given": responses},
        }
        return got(place, **where[place])

    assert of(*[ONE] * 4) == (ONE,) * 4
    assert of(*[ONE] * 5) == "staple.too_many"
    assert of(*[ONE] * 5000) == "staple.too_many"
    for size in (16383, 16384):
        assert of(b"x" * size) == (b"x" * size,)
    assert of(ONE, b"x" * 16387) == "staple.too_large"
    assert of(b"x" * 1_000_000) == "staple.too_large"


def test_one_byte_too_many_from_the_caller() -> None:
    assert got("caller", given=[b"x" * 16385]) == "staple.too_large"


@pytest.mark.parametrize("given", [["text"], [None], [bytearray(ONE)], [memoryview(ONE)]])
def test_what_a_caller_gives_is_bytes(given: Any) -> None:
    with pytest.raises(TypeError, match="bytes"):
        got("caller", given=given)


def test_the_texts_name_the_place_and_nothing_of_the_token() -> None:
    with pytest.raises(TokenRefused) as caught:
        carried("header", name=URI, header={}, unprotected=None, given=())
    assert caught.value.actual == "the header has no `https://corp.example/ocsp`"
    assert caught.value.expected == "OCSP responses in the header parameter `https://corp.example/ocsp`"
    with pytest.raises(TokenRefused) as caught:
        carried("caller", name=None, header={"x5ocsp": "geheimnis"}, unprotected=jades(val(ONE)), given=(ONE,))
    assert caught.value.actual == (
        "OCSP responses come in more than one place: the header parameter `x5ocsp` and the unprotected header "
        "and the caller"
    )
    with pytest.raises(TokenRefused) as caught:
        carried("header", name=None, header={"x5ocsp": ["geheimnis"]}, unprotected=None, given=())
    assert "geheimnis" not in f"{caught.value}{caught.value.help}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(text(ONE)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["rVals", "ocspVals", "val", "encoding", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(["header", "jades", "caller"]), JSON, JSON, st.sampled_from([(), (ONE,)]))
def test_whatever_comes_is_bytes_or_a_refusal(carrier: Carrier, one: object, other: object, given: Any) -> None:
    found = got(carrier, header={"x5ocsp": one}, unprotected={"etsiU": other}, given=given)
    assert isinstance(found, str) or (found and all(type(each) is bytes for each in found))
    assert isinstance(found, str) or carrier == "header"
