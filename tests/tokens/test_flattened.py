"""The flattened JSON form: read only where it is asked for; what nobody signed holds nothing but evidence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.tokens.decode import decode
from policyjwt.tokens.limits import MAX_JSON_TOKEN_CHARACTERS
from tests.tokens.minting import signer

E1 = signer("ES256")
PARTS = dict(zip(("protected", "payload", "signature"), E1.token().split("."), strict=True))


def read(text: str) -> str | None:
    """The code of the refusal, None for a token that was taken apart."""
    try:
        decode(text, json_form=True)
    except TokenRefused as refused:
        return refused.code
    return None


def changed(**members: Any) -> str:
    return json.dumps({name: value for name, value in (PARTS | members).items() if value is not ...})


def test_it_is_the_same_token_in_another_form() -> None:
    compact, flat = decode(E1.token()), decode(changed(), json_form=True)
    assert (flat.header, flat.claims, flat.payload) == (compact.header, compact.claims, compact.payload)
    assert flat.signing_input == ".".join([PARTS["protected"], PARTS["payload"]]).encode()
    assert flat.unprotected == {}
    assert compact.unprotected is None
    assert decode(E1.token(), json_form=True).unprotected is None
    assert decode(changed(header={"etsiU": [1]}), json_form=True).unprotected == {"etsiU": [1]}


def test_p27_p28_it_is_refused_where_nobody_asks_for_it() -> None:
    polyglot = json.dumps({f"  {PARTS['protected']}.{PARTS['payload']}.": "", **PARTS})
    for text in (changed(), changed(header={"etsiU": []}), polyglot):
        with pytest.raises(TokenRefused, match=r"token\.form"):
            decode(text)
    assert read(polyglot) == "token.form"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (changed(signatures=[]), "token.form"),
        (json.dumps({"payload": PARTS["payload"], "signatures": [PARTS]}), "token.form"),
        (changed(protected=...), "token.form"),
        (changed(payload=...), "token.form"),
        (changed(signature=...), "token.form"),
        (changed(signature=1), "token.form"),
        (changed(protected=None), "token.form"),
        (changed(payload="é"), "token.form"),
        (changed(header=None), "token.form"),
        (changed(header=[]), "token.form"),
        (changed(header={"alg": "none"}), "header.unprotected"),
        (changed(header={"etsiU": [], "kid": "x"}), "header.unprotected"),
        (changed(signature=PARTS["signature"] + "="), "token.base64"),
        (changed(protected=PARTS["protected"] + "!"), "token.base64"),
        (changed(payload="e30"), None),
        (changed(payload="W10"), "token.claims_object"),
        (changed(protected="W10"), "token.json"),
        (changed(protected="eyJiNjQiOmZhbHNlfQ"), "header.b64"),
        (changed(protected="eyJlbmMiOiJ4In0"), "token.kind"),
        (changed()[:-1], "token.json"),
        (changed() + "x", "token.json"),
        (changed()[:-1] + ', "payload": "e30"}', "token.duplicate"),
        ("{" + " " * MAX_JSON_TOKEN_CHARACTERS, "token.size"),
        ("{" + "[" * 1000, "token.depth"),
        ('{"a": "\\ud800"}', "token.utf8"),
        ("\ud800{", "token.base64"),
        ("[]", "token.form"),
        (" " + changed(), None),
    ],
)
def test_every_way_in_which_it_can_be_wrong(text: str, code: str | None) -> None:
    assert read(text) == code


def test_the_header_nobody_signed_repeats_nothing_of_the_one_that_was() -> None:
    both = dict(zip(PARTS, E1.token(header={"alg": "ES256", "etsiU": []}).split("."), strict=True))
    assert read(json.dumps(both)) is None
    assert read(json.dumps(both | {"header": {"etsiU": []}})) == "header.unprotected"


@given(st.text() | st.recursive(st.text() | st.integers() | st.none(), st.lists).map(json.dumps))
def test_nothing_but_a_refusal_comes_out(text: str) -> None:
    for form in (text, "{" + text, changed(header={"etsiU": text}), changed(protected=text)):
        code = read(form)
        assert code is None or code.startswith(("token.", "header."))
