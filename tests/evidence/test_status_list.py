"""Status lists: where a token stands on one, which list is believed, how large and how old it may be, what it says."""

from __future__ import annotations

import json
import math
import tracemalloc
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.evidence import status_list as module
from policyjwt.evidence.status_list import (
    StatusDemand,
    StatusList,
    StatusLists,
    find_list,
    judge_status,
    reference,
    verify_list,
)
from policyjwt.tokens import KeySet, decode
from policyjwt.tokens.limits import MAX_STATUS_LIST_CHARACTERS, MAX_TOKEN_CHARACTERS
from tests.issuer import NOW, STATUS_URI, Issuer, b64, status_list

ISSUER = "https://issuer.example"
OTHER_URI = "https://issuer.example/status/2"
HOUR = 3600
DEMAND = StatusDemand(uri=STATUS_URI, max_age=HOUR)


def lister(alg: str = "ES256") -> Issuer:
    return _lister(alg)


@cache
def _lister(alg: str) -> Issuer:
    return Issuer(alg, kid="list")


def keys() -> KeySet:
    return _keys("ES256")


@cache
def _keys(alg: str) -> KeySet:
    return lister(alg).keys()


def verified(text: str, held: KeySet | None = None) -> StatusList:
    return verify_list(text, held or keys())


def refusal(text: str, held: KeySet | None = None) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        verified(text, held)
    return caught.value


# --- T1: where the token stands ---------------------------------------------------------------------------


def place(**changes: Any) -> dict[str, Any]:
    members = {"idx": 3, "uri": STATUS_URI} | changes
    return {"status": {"status_list": {name: value for name, value in members.items() if value is not ...}}}


def test_a_reference() -> None:
    assert reference(place(), DEMAND) == (STATUS_URI, 3)
    assert reference(place(idx=0, more=1), DEMAND) == (STATUS_URI, 0)
    assert reference(place(idx=2**70), DEMAND) == (STATUS_URI, 2**70)


REFERENCES: dict[str, tuple[dict[str, Any], str]] = {
    "no status": ({}, "status.missing"),
    "null": ({"status": None}, "status.missing"),
    "empty": ({"status": {}}, "status.missing"),
    "another mechanism": ({"status": {"assertion": {}}}, "status.missing"),
    "list null": ({"status": {"status_list": None}}, "status.missing"),
    "status a text": ({"status": "status_list"}, "status.bad_reference"),
    "status a list": ({"status": [place()["status"]]}, "status.bad_reference"),
    "status true": ({"status": True}, "status.bad_reference"),
    "status false": ({"status": False}, "status.bad_reference"),
    "list a text": ({"status": {"status_list": STATUS_URI}}, "status.bad_reference"),
    "list empty": ({"status": {"status_list": {}}}, "status.bad_reference"),
    "idx absent": (place(idx=...), "status.bad_reference"),
    "idx null": (place(idx=None), "status.bad_reference"),
    "idx text": (place(idx="0"), "status.bad_reference"),
    "idx fraction": (place(idx=1.0), "status.bad_reference"),
    "idx true": (place(idx=True), "status.bad_reference"),
    "idx negative": (place(idx=-1), "status.bad_reference"),
    "idx list": (place(idx=[3]), "status.bad_reference"),
    "uri absent": (place(uri=...), "status.bad_reference"),
    "uri null": (place(uri=None), "status.bad_reference"),
    "uri number": (place(uri=1), "status.bad_reference"),
    "uri list": (place(uri=[STATUS_URI]), "status.bad_reference"),
    "uri another": (place(uri=OTHER_URI), "status.bad_reference"),
    "uri and a slash": (place(uri=STATUS_URI + "/"), "status.bad_reference"),
    "uri in capitals": (place(uri=STATUS_URI.upper()), "status.bad_reference"),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_a_reference_that_is_none(case: str) -> None:
    claims, expected = REFERENCES[case]
    with pytest.raises(TokenRefused) as caught:
        reference(claims, DEMAND)
    assert caught.value.code == expected


# --- T2: whose list it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "PS256", "Ed25519", "Ed448"])
def test_a_list_of_every_asymmetric_kind(alg: str) -> None:
    found = verified(status_list(lister(alg), [0, 1, 0], exp=NOW + 60, ttl=30, nbf=NOW - 60), _keys(alg))
    assert (found.issuer, found.issued_at) == (ISSUER, NOW - 60)
    assert (found.expires_at, found.not_before, found.ttl) == (NOW + 60, NOW - 60, 30)
    assert (found.bits, found.data) == (1, b"\x02")
    assert repr(found) == "<StatusList>"


def test_what_a_list_may_leave_out() -> None:
    found = verified(status_list(lister(), [1], iss=..., aggregation_uri="https://issuer.example/lists"))
    assert (found.issuer, found.expires_at, found.not_before, found.ttl) == (None, None, None, None)


@pytest.mark.parametrize("typ", ["statuslist+jwt", "application/statuslist+jwt", "StatusList+JWT"])
def test_types(typ: str) -> None:
    assert verified(status_list(lister(), [1], header={"typ": typ})).bits == 1


INVALID: dict[str, str] = {
    "typ absent": status_list(lister(), [1], header={"typ": ...}),
    "typ null": status_list(lister(), [1], header={"typ": None}),
    "typ of a token": status_list(lister(), [1], header={"typ": "JWT"}),
    "typ of a CWT": status_list(lister(), [1], header={"typ": "statuslist+cwt"}),
    "typ with a parameter": status_list(lister(), [1], header={"typ": "statuslist+jwt;v=1"}),
    "typ of letters that look alike": status_list(lister(), [1], header={"typ": "ſtatuslist+jwt"}),
    "crit": status_list(lister(), [1], header={"crit": ["exp"], "exp": 1}),
    "own key": status_list(lister(), [1], header={"jwk": lister().jwk()}),
    "certificates": status_list(lister(), [1], header={"x5c": ["AAAA"]}),
    "another kid": status_list(lister(), [1], header={"kid": "other"}),
    "another key": status_list(Issuer(kid="list"), [1]),
    "issuer null": status_list(lister(), [1], iss=None),
    "issuers": status_list(lister(), [1], iss=[ISSUER]),
    "for an audience": status_list(lister(), [1], aud="api"),
    "for no audience": status_list(lister(), [1], aud=None),
    "iat absent": status_list(lister(), [1], iat=...),
    "iat null": status_list(lister(), [1], iat=None),
    "iat text": status_list(lister(), [1], iat=str(NOW)),
    "iat true": status_list(lister(), [1], iat=True),
    "exp null": status_list(lister(), [1], exp=None),
    "exp text": status_list(lister(), [1], exp=str(NOW + 60)),
    "nbf null": status_list(lister(), [1], nbf=None),
    "ttl null": status_list(lister(), [1], ttl=None),
    "ttl zero": status_list(lister(), [1], ttl=0),
    "ttl negative": status_list(lister(), [1], ttl=-1),
    "ttl text": status_list(lister(), [1], ttl="60"),
    "claims no object": lister().token("[]", {"typ": "statuslist+jwt"}),
    "cut short": status_list(lister(), [1])[:-4],
    "no signature": status_list(lister(), [1]).rpartition(".")[0] + ".",
    "two segments": status_list(lister(), [1]).rpartition(".")[0],
    "JSON": json.dumps({"sub": STATUS_URI, "status_list": {"bits": 1, "lst": "eNoDAAAAAAE"}}),
    "empty": "",
    "a surrogate": "\ud800",
}


@pytest.mark.parametrize("case", INVALID)
def test_a_list_that_is_not_sound(case: str) -> None:
    refused = refusal(INVALID[case])
    assert refused.code == "status.list_invalid"
    assert refused.actual.startswith("the status list: ")
    for quoted in (STATUS_URI, ISSUER, "other"):
        assert quoted not in f"{refused.actual.removeprefix('the status list: ')} {refused.expected}"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_list_with_a_shared_secret_is_refused_even_with_the_right_one(alg: str) -> None:
    secret = lister(alg)
    refused = refusal(status_list(secret, [1]), secret.keys())
    assert refused.code == "status.list_invalid"
    assert refused.actual == f"the status list: `alg` is `{alg}`"


@pytest.mark.parametrize("alg", ["none", "None", "es256", "HS256"])
def test_a_list_by_another_algorithm(alg: str) -> None:
    assert refusal(status_list(lister(), [1], header={"alg": alg})).code == "status.list_invalid"


def test_a_list_signed_with_the_public_key_as_a_secret() -> None:
    public = json.dumps(lister().jwk()).encode()
    forger = Issuer.__new__(Issuer)
    forger.alg, forger.kid, forger.private = "HS256", "list", public
    assert refusal(status_list(forger, [0])).code == "status.list_invalid"


def test_no_text() -> None:
    with pytest.raises(TypeError):
        verify_list(b"a.b.c", keys())  # type: ignore[arg-type]
    for wrong in (b"a.b.c", None, 1):
        with pytest.raises(TypeError):
            find_list([wrong], STATUS_URI, StatusLists(), keys(), issuer=ISSUER)  # type: ignore[list-item]


# --- T5: the list itself ----------------------------------------------------------------------------------


def listed(bits: Any = 1, lst: Any = None, data: bytes = b"\x02") -> dict[str, Any]:
    return {"bits": bits, "lst": b64(zlib.compress(data)) if lst is None else lst}


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def gzipped(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=31)
    return stream.compress(data) + stream.flush()


def with_dictionary() -> bytes:
    stream = zlib.compressobj(zdict=b"dictionary")
    return stream.compress(b"dictionary") + stream.flush()


WHOLE = zlib.compress(b"\x02" * 100)
MALFORMED: dict[str, tuple[Any, str]] = {
    "absent": (..., "absent, or no object"),
    "null": (None, "absent, or no object"),
    "text": ("eNo", "absent, or no object"),
    "list": ([listed()], "absent, or no object"),
    **{f"bits {bits!r}": (listed(bits), "none of 1, 2, 4, 8") for bits in (0, 3, 5, 16, -1, 1.0, True, "1", None)},
    "bits absent": ({"lst": listed()["lst"]}, "none of 1, 2, 4, 8"),
    "lst absent": ({"bits": 1}, "`lst` is absent, or no string"),
    "lst number": ({"bits": 1, "lst": 1}, "`lst` is absent, or no string"),
    "lst padded": (listed(lst=b64(WHOLE[:-1] + b"+") + "="), "`lst` "),
    "lst with a space": (listed(lst=b64(WHOLE).replace("e", " ", 1)), "outside the alphabet"),
    "lst empty": (listed(lst=""), "cut short"),
    "lst plain bytes": (listed(lst=b64(b"\x02\x00\x00\x00")), "no zlib stream"),
    "lst deflate": (listed(lst=b64(raw_deflate(b"\x02"))), "no zlib stream"),
    "lst gzip": (listed(lst=b64(gzipped(b"\x02"))), "no zlib stream"),
    "lst with a dictionary": (listed(lst=b64(with_dictionary())), "no zlib stream"),
    "lst cut short": (listed(lst=b64(WHOLE[:-1])), "cut short"),
    "lst without its sum": (listed(lst=b64(WHOLE[:-4])), "cut short"),
    "lst with a wrong sum": (listed(lst=b64(WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]))), "no zlib stream"),
    "lst and a byte": (listed(lst=b64(WHOLE + b"\0")), "something follows"),
    "lst twice": (listed(lst=b64(WHOLE * 2)), "something follows"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_list_that_can_not_be_read(case: str) -> None:
    value, words = MALFORMED[case]
    refused = refusal(status_list(lister(), status_list=value))
    assert refused.code == "status.malformed"
    assert words in refused.actual


def test_a_list_for_nobody_is_a_list() -> None:
    assert verified(status_list(lister(), status_list=listed(data=b""))).data == b""


def test_the_size_of_a_list_is_bounded() -> None:
    most = module.MAX_INFLATED_BYTES
    assert len(verified(status_list(lister(), status_list=listed(data=bytes(most)))).data) == most
    refused = refusal(status_list(lister(), status_list=listed(data=bytes(most + 1))))
    assert refused.code == "status.malformed"
    assert refused.actual == f"the status list: `lst` inflates to more than {most} bytes"


def test_a_bomb_never_takes_more_memory_than_the_limit() -> None:
    stream = zlib.compressobj(9)
    bomb = b"".join(stream.compress(bytes(1_000_000)) for _ in range(200)) + stream.flush()
    text = status_list(lister(), status_list=listed(lst=b64(bomb)))
    assert 190_000 < len(bomb) < MAX_STATUS_LIST_CHARACTERS
    assert verified(status_list(lister(), [1])).bits == 1  # what is imported at the first use is not counted
    tracemalloc.start()
    refused = refusal(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "inflates to more than" in refused.actual
    assert peak < 4 * module.MAX_INFLATED_BYTES  # 200 MB would be 50 times the limit


def test_a_long_list_is_read_and_a_longer_one_is_not() -> None:
    # Random bytes do not compress: this is the text of a list with 2.5 million tokens, half of them withdrawn.
    import random

    data = random.Random(1).randbytes(250_000)
    text = status_list(lister(), status_list=listed(data=data))
    assert MAX_TOKEN_CHARACTERS < len(text) < MAX_STATUS_LIST_CHARACTERS
    assert verified(text).data == data
    with pytest.raises(TokenRefused) as caught:
        decode.decode(text)
    assert caught.value.code == "token.size"
    assert decode.decode(text, limit=len(text)).claims["sub"] == STATUS_URI
    with pytest.raises(TokenRefused):
        decode.decode(text, limit=len(text) - 1)
    refused = refusal("x" * (MAX_STATUS_LIST_CHARACTERS + 1))
    assert refused.code == "status.list_invalid"
    assert refused.actual.endswith(f"has {MAX_STATUS_LIST_CHARACTERS + 1} characters")


def test_a_list_leaves_nothing_in_the_memory_of_headers() -> None:
    before = dict(decode._known_headers)
    assert verified(status_list(lister(), [1], header={"other": "value"})).bits == 1
    assert decode._known_headers == before


# --- T3: which of those that were given -------------------------------------------------------------------


def found_in(texts: Sequence[str], remembered: StatusLists | None = None, uri: str = STATUS_URI) -> StatusList:
    return find_list(texts, uri, StatusLists() if remembered is None else remembered, keys(), issuer=ISSUER)


def not_found(texts: Sequence[str], remembered: StatusLists | None = None) -> str:
    with pytest.raises(TokenRefused) as caught:
        found_in(texts, remembered)
    return caught.value.code


def test_the_list_for_the_uri_is_found_whatever_the_order() -> None:
    mine = status_list(lister(), [1])
    others = [status_list(lister(), [0], sub=OTHER_URI), status_list(Issuer(kid="x"), [0], sub="urn:x", iss="urn:y")]
    for texts in ([mine], [mine, *others], [*others, mine], [mine, mine]):
        assert found_in(texts).data == b"\x01"


def test_no_list_and_other_lists() -> None:
    assert not_found([]) == "status.list_missing"
    other = status_list(lister(), [0], sub=OTHER_URI)
    assert not_found([other]) == "status.wrong_list"
    for sub in (..., None, [STATUS_URI], {"uri": STATUS_URI}):
        assert not_found([other, status_list(lister(), [0], sub=sub)]) == "status.wrong_list"
    assert not_found([status_list(lister(), [0], sub=STATUS_URI + "/")]) == "status.wrong_list"


def test_how_many_other_lists_is_told() -> None:
    others = [status_list(lister(), [0], sub=f"urn:{number}") for number in range(2)]
    for texts, words in (
        (others[:1], "the status list that was given is not the one which the token names"),
        (others, "the 2 status lists that were given are all other ones than that which the token names"),
    ):
        with pytest.raises(TokenRefused) as caught:
            found_in(texts)
        assert caught.value.actual == words


def test_two_lists_for_one_uri_refuse_in_either_order() -> None:
    old, new = status_list(lister(), [0]), status_list(lister(), [1])
    remembered = StatusLists()
    assert not_found([old, new]) == not_found([new, old]) == "status.list_invalid"
    assert found_in([old], remembered).data == b"\x00"
    assert not_found([old, new], remembered) == "status.list_invalid"


def test_a_text_that_is_no_token_refuses_beside_a_good_list() -> None:
    mine = status_list(lister(), [1])
    assert not_found([mine, "garbage"]) == not_found(["garbage", mine]) == "status.list_invalid"


def test_a_forged_list_for_the_uri_is_refused() -> None:
    assert not_found([status_list(Issuer(kid="list"), [0])]) == "status.list_invalid"


def test_how_many_lists_are_looked_at() -> None:
    others = [status_list(lister(), [0], sub=f"urn:{number}") for number in range(module.MAX_LISTS)]
    mine = status_list(lister(), [1])
    assert found_in([*others[1:], mine]).data == b"\x01"
    assert not_found([*others, mine]) == "status.list_invalid"


# --- the memory of lists ----------------------------------------------------------------------------------


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done: "decode", "signature" and "inflate", in order."""
    done: list[str] = []
    apart, signature, inflated = module._apart, vars(module)["check_signature"], module._inflated

    def take_apart(text: str) -> decode.UnverifiedToken:
        done.append("decode")
        return apart(text)

    def check(*arguments: Any) -> None:
        done.append("signature")
        signature(*arguments)

    def inflate(compressed: bytes) -> bytes:
        done.append("inflate")
        return inflated(compressed)

    monkeypatch.setattr(module, "_apart", take_apart)
    monkeypatch.setattr(module, "check_signature", check)
    monkeypatch.setattr(module, "_inflated", inflate)
    return done


def test_a_list_is_verified_and_inflated_once(work: list[str]) -> None:
    remembered, text = StatusLists(), status_list(lister(), [1])
    first = found_in([text], remembered)
    assert work == ["decode", "decode", "signature", "inflate"]  # once for its `sub`, once to be verified
    work.clear()
    again = "".join(text)  # another object, as a caller has it who reads a file each time
    assert all(found_in([given], remembered) is first for given in (text, again, text))
    assert work == []
    assert repr(remembered) == "<StatusLists of 1>"


def test_nothing_is_inflated_before_the_signature(work: list[str]) -> None:
    remembered = StatusLists()
    assert not_found([status_list(Issuer(kid="list"), [1])], remembered) == "status.list_invalid"
    assert work == ["decode", "decode", "signature"]
    assert repr(remembered) == "<StatusLists of 0>"


def test_lists_for_other_uris_are_read_once_and_never_verified(work: list[str]) -> None:
    remembered = StatusLists()
    others = [status_list(lister(), [1], sub=f"urn:{number}") for number in range(module.MAX_LISTS - 1)]
    assert not_found(others, remembered) == "status.wrong_list"
    assert work == ["decode"] * len(others)
    work.clear()
    assert not_found(others, remembered) == "status.wrong_list"
    assert work == []
    mine = status_list(lister(), [1])
    assert found_in([*others, mine], remembered).data == b"\x01"
    assert work == ["decode", "decode", "signature", "inflate"]
    work.clear()
    assert found_in([*others, mine], remembered).data == b"\x01"
    assert work == []
    assert repr(remembered) == "<StatusLists of 1>"


def test_a_whole_new_set_of_lists_pushes_nothing_out_that_is_still_used(work: list[str]) -> None:
    remembered = StatusLists()
    old, new = (
        [status_list(lister(), [1], sub=f"urn:{number}", iat=NOW - age) for number in range(module.MAX_LISTS)]
        for age in (60, 30)
    )
    for texts in (old, new, old, new):
        assert not_found(texts, remembered) == "status.wrong_list"
    assert work == ["decode"] * (2 * module.MAX_LISTS)
    assert len(remembered._claimed) == module.MAX_CLAIMS


def test_what_is_known_of_texts_is_bounded(work: list[str]) -> None:
    remembered = StatusLists()
    texts = [status_list(lister(), [1], sub=f"urn:{number}") for number in range(module.MAX_CLAIMS + 1)]
    for text in texts:
        assert not_found([text], remembered) == "status.wrong_list"
    assert list(remembered._claimed) == texts[1:]
    work.clear()
    assert not_found(texts[-1:], remembered) == "status.wrong_list"
    assert work == []
    assert not_found(texts[:1], remembered) == "status.wrong_list"
    assert work == ["decode"]


@pytest.mark.parametrize("sub", [..., None, 1, [STATUS_URI], {"uri": STATUS_URI}])
def test_of_a_sub_that_is_no_text_nothing_is_kept(sub: object) -> None:
    remembered = StatusLists()
    assert not_found([status_list(lister(), [1], sub=sub)], remembered) == "status.wrong_list"
    assert list(remembered._claimed.values()) == [None]


def test_a_text_that_is_no_token_is_not_remembered() -> None:
    remembered = StatusLists()
    assert not_found(["garbage"], remembered) == not_found(["garbage"], remembered) == "status.list_invalid"
    assert remembered._claimed == {}


def test_what_verified_for_some_keys_is_not_believed_for_others() -> None:
    remembered, text = StatusLists(), status_list(lister(), [1])
    assert found_in([text], remembered).bits == 1
    with pytest.raises(TokenRefused) as caught:
        find_list([text], STATUS_URI, remembered, Issuer(kid="list").keys(), issuer=ISSUER)
    assert caught.value.code == "status.list_invalid"
    assert found_in([text], remembered).bits == 1


def test_the_issuer_is_compared_at_every_use() -> None:
    remembered, text = StatusLists(), status_list(lister(), [1])
    for issuer in ("https://other.example", ISSUER, "https://other.example", ISSUER + "/", ""):
        if issuer == ISSUER:
            assert find_list([text], STATUS_URI, remembered, keys(), issuer=issuer).issuer == ISSUER
            continue
        with pytest.raises(TokenRefused) as caught:
            find_list([text], STATUS_URI, remembered, keys(), issuer=issuer)
        assert (caught.value.code, caught.value.actual) == (
            "status.list_invalid",
            "the status list: `iss` is not the issuer of the token",
        )


def test_a_list_is_verified_once_for_the_tokens_of_all_issuers(work: list[str]) -> None:
    remembered, text = StatusLists(), status_list(lister(), [1], iss=...)
    for tenant in range(2 * module.MAX_LISTS):
        found = find_list([text], STATUS_URI, remembered, keys(), issuer=f"https://tenant-{tenant}.example")
        assert found.data == b"\x01"
    assert work == ["decode", "decode", "signature", "inflate"]
    assert repr(remembered) == "<StatusLists of 1>"


def test_a_remembered_list_is_found_for_its_own_uri_alone() -> None:
    remembered, text = StatusLists(), status_list(lister(), [1])
    assert found_in([text], remembered).bits == 1
    with pytest.raises(TokenRefused) as caught:
        found_in([text], remembered, uri=OTHER_URI)
    assert caught.value.code == "status.wrong_list"


def test_the_memory_is_bounded(work: list[str]) -> None:
    remembered = StatusLists()
    texts = [status_list(lister(), [1], sub=f"urn:{number}") for number in range(module.MAX_LISTS + 1)]
    for number, text in enumerate(texts):
        assert found_in([text], remembered, uri=f"urn:{number}").bits == 1
    assert repr(remembered) == f"<StatusLists of {module.MAX_LISTS}>"
    work.clear()
    assert found_in([texts[-1]], remembered, uri=f"urn:{module.MAX_LISTS}").bits == 1
    assert work == []
    assert found_in([texts[0]], remembered, uri="urn:0").bits == 1
    assert work == ["decode", "signature", "inflate"]


def test_a_list_that_two_threads_keep_pushes_no_other_out() -> None:
    """Both find it unknown and verify it: the second one to keep it takes the place of the first."""
    remembered = StatusLists()
    texts = [status_list(lister(), [1], sub=f"urn:{number}") for number in range(module.MAX_LISTS)]
    for text in texts:
        assert remembered.verified(text, keys()).bits == 1
    newest = texts[-1]
    remembered._keep(remembered._verified, (newest, keys()), verified(newest), most=module.MAX_LISTS)
    assert [text for text, _ in remembered._verified] == texts


def test_the_memory_is_shared_by_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    remembered = StatusLists()
    texts = {f"urn:{number}": status_list(lister(), [number % 2], sub=f"urn:{number}") for number in range(24)}

    def find(uri: str) -> tuple[str, int]:
        return uri, found_in([texts[uri]], remembered, uri=uri).data[0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(find, [*texts] * 4))
    assert found == [(uri, number % 2) for number, uri in enumerate(texts)] * 4
    assert len(remembered._verified) == module.MAX_LISTS


# --- T4: how old it may be --------------------------------------------------------------------------------


def a_list(data: bytes = b"\x00", bits: int = 1, **changes: Any) -> StatusList:
    usual = {"issuer": None, "issued_at": NOW - 60, "expires_at": None}
    return StatusList(**(usual | {"not_before": None, "ttl": None, "bits": bits, "data": data} | changes))


def judged(found: StatusList, index: int = 0, demand: StatusDemand = DEMAND, now: float = NOW) -> str:
    try:
        assert judge_status(found, index, demand, now=now) >= now
    except TokenRefused as refused:
        return refused.code
    return ""


SKEWED = StatusDemand(uri=STATUS_URI, max_age=HOUR, skew=30)
TIMES: list[tuple[dict[str, Any], StatusDemand, str]] = [
    ({"issued_at": NOW + 1}, DEMAND, "status.not_yet_valid"),
    ({"issued_at": NOW}, DEMAND, ""),
    ({"issued_at": NOW + 31}, SKEWED, "status.not_yet_valid"),
    ({"issued_at": NOW + 30}, SKEWED, ""),
    ({"not_before": NOW + 1}, DEMAND, "status.not_yet_valid"),
    ({"not_before": NOW}, DEMAND, ""),
    ({"not_before": NOW + 31}, SKEWED, "status.not_yet_valid"),
    ({"not_before": NOW + 30}, SKEWED, ""),
    ({"expires_at": NOW + 1}, DEMAND, ""),
    ({"expires_at": NOW}, DEMAND, "status.stale"),
    ({"expires_at": NOW - 1}, DEMAND, "status.stale"),
    ({"expires_at": NOW - 29}, SKEWED, ""),
    ({"expires_at": NOW - 30}, SKEWED, "status.stale"),
    ({"ttl": 61}, DEMAND, ""),
    ({"ttl": 60}, DEMAND, ""),
    ({"ttl": 59}, DEMAND, "status.stale"),
    ({"ttl": 30}, SKEWED, ""),
    ({"ttl": 29}, SKEWED, "status.stale"),
    ({"ttl": 10**9, "issued_at": NOW - HOUR - 1}, DEMAND, "status.stale"),
    ({"issued_at": NOW - HOUR + 1}, DEMAND, ""),
    ({"issued_at": NOW - HOUR}, DEMAND, ""),
    ({"issued_at": NOW - HOUR - 1}, DEMAND, "status.stale"),
    ({"issued_at": NOW - HOUR - 30}, SKEWED, ""),
    ({"issued_at": NOW - HOUR - 31}, SKEWED, "status.stale"),
    ({"issued_at": math.nan}, DEMAND, "status.not_yet_valid"),
    ({"expires_at": math.nan}, DEMAND, "status.stale"),
    ({"not_before": math.nan}, DEMAND, "status.not_yet_valid"),
    ({"ttl": math.nan}, DEMAND, "status.stale"),
    ({}, StatusDemand(uri=STATUS_URI, max_age=math.nan), "status.stale"),
]


@pytest.mark.parametrize(("changes", "demand", "expected"), TIMES)
def test_times(changes: dict[str, Any], demand: StatusDemand, expected: str) -> None:
    assert judged(a_list(**changes), demand=demand) == expected


@pytest.mark.parametrize(
    ("changes", "turns"),
    [
        ({}, NOW - 60 + HOUR + 30),
        ({"expires_at": NOW + 100}, NOW + 130),
        ({"ttl": 100}, NOW + 70),
        ({"ttl": 100, "expires_at": NOW + 10}, NOW + 40),
        ({"ttl": 10**6, "expires_at": NOW + 10**6}, NOW - 60 + HOUR + 30),
    ],
)
def test_the_judgement_turns_at_the_instant_that_is_returned(changes: dict[str, Any], turns: float) -> None:
    found = a_list(**changes)
    assert judge_status(found, 0, SKEWED, now=NOW) == turns
    assert judged(found, demand=SKEWED, now=turns - 0.5) == ""
    assert judged(found, demand=SKEWED, now=turns + 0.5) == "status.stale"


def test_what_the_refusals_say() -> None:
    texts = []
    cases: tuple[dict[str, Any], ...] = (
        {"expires_at": NOW - 61},
        {"ttl": 10},
        {"issued_at": NOW - 2 * HOUR},
        {"issued_at": NOW + 90},
    )
    for changes in cases:
        with pytest.raises(TokenRefused) as caught:
            judge_status(a_list(**changes), 0, DEMAND, now=NOW)
        texts.append((caught.value.actual, caught.value.expected))
    assert texts == [
        ("the status list expired 1m 1s ago", "a list is refused from its `exp` on"),
        ("the status list is 1m old", "a list is used for its `ttl` of 10s from `iat` on"),
        ("the status list is 2h old", "at most 1h"),
        ("`iat` of the status list is 1m 30s from now", "a list is issued before it is used"),
    ]


# --- T6 and T7: what it says ------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [0, 1, 3])
def test_the_end_of_the_list(bits: int, size: int) -> None:
    found = a_list(bytes(size), bits)
    entries = size * 8 // bits
    assert judged(found, entries) == "status.index_out_of_range"
    assert judged(found, 2**31) == judged(found, 2**80) == judged(found, -1) == "status.index_out_of_range"
    if entries:
        assert judged(found, entries - 1) == judged(found, 0) == ""


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_every_value_but_0_refuses(bits: int) -> None:
    named = {0: "", 1: "status.revoked", 2: "status.suspended"}
    for value in range(1 << bits):
        assert judged(a_list(bytes([value]), bits)) == named.get(value, "status.unknown")


def test_withdrawn_is_told_by_an_old_list_too_and_suspended_is_not() -> None:
    old: tuple[dict[str, Any], ...] = ({"issued_at": NOW - 2 * HOUR}, {"expires_at": NOW - 1}, {"ttl": 1})
    for changes in old:
        assert judged(a_list(b"\x01", 8, **changes)) == "status.revoked"
        assert judged(a_list(b"\x02", 8, **changes)) == "status.stale"
        assert judged(a_list(b"\x03", 8, **changes)) == "status.stale"


def test_a_status_without_meaning_is_named_by_its_number() -> None:
    with pytest.raises(TokenRefused) as caught:
        judge_status(a_list(b"\x0b", 8), 0, DEMAND, now=NOW)
    assert caught.value.actual == "the status list gives the token the status 11, which has no meaning here"


@given(bits=st.sampled_from([1, 2, 4, 8]), data=st.data())
def test_what_is_packed_is_read(bits: int, data: st.DataObject) -> None:
    statuses = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=1, max_size=40))
    found = verified(status_list(lister(), statuses, bits=bits))
    named = {0: "", 1: "status.revoked", 2: "status.suspended"}
    for index, value in enumerate(statuses):
        assert judged(found, index) == named.get(value, "status.unknown")


# --- laws -------------------------------------------------------------------------------------------------


@given(st.one_of(st.text(max_size=200), st.text("abcdefgABCDEFG0123456789-_.", max_size=200)))
def test_any_text_is_refused_in_our_words(text: str) -> None:
    assert refusal(text).code == "status.list_invalid"
    assert not_found([text]) in ("status.list_invalid", "status.wrong_list")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["iss", "sub", "iat", "exp", "nbf", "ttl", "aud", "status_list"]), json_values),
    st.dictionaries(st.sampled_from(["idx", "uri"]), json_values),
)
def test_any_signed_claims_end_in_a_list_or_a_refusal(claims: dict[str, Any], named: dict[str, Any]) -> None:
    text = status_list(lister(), [0, 0], **claims)
    try:
        outcome = judged(verified(text))
    except TokenRefused as refused:
        outcome = refused.code
    assert outcome == "" or outcome.startswith("status.")
    try:
        _, index = reference({"status": {"status_list": named}}, DEMAND)
    except TokenRefused as refused:
        index = 0 if refused.code == "status.bad_reference" else -1
    assert index >= 0


def test_a_list_with_one_bit_changed_is_never_believed() -> None:
    good = status_list(lister(), [0, 1, 0, 0])
    for at in range(len(good) * 7):
        changed = bytearray(good.encode())
        changed[at // 7] ^= 1 << at % 7
        assert refusal(changed.decode("ascii")).code == "status.list_invalid"
