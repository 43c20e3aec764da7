"""The adapters: each library really verifies, and what it says is believed only where we agree.

And the other way: tokens that these libraries mint are verified by `policyjwt.tokens.verify`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused, PolicyJwtError, TokenRefused
from policyjwt.integrations import libraries as common
from policyjwt.integrations import pyjwt
from policyjwt.tokens import VerifiedToken, verify
from tests.integrations.libraries import BY_NAME, LIBRARIES, Library
from tests.tokens.minting import (
    CLAIMS,
    SECRET,
    Signer,
    as_json,
    b64,
    private_jwk,
    rsa_private,
    signer,
    thumbprint,
)
from tests.tokens.test_keyset import certificate

# The libraries warn of EdDSA, which RFC 9864 renames, and of short keys that they accept.
pytestmark = [
    pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning"),
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]

EACH = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
WITH_ALGORITHM = pytest.mark.parametrize(
    ("library", "alg"),
    [(library, alg) for library in LIBRARIES for alg in library.algorithms],
    ids=lambda value: value if isinstance(value, str) else value.name,
)


def refusal(library: Library, token: Any, keys: Any, algorithms: list[str]) -> str:
    with pytest.raises(TokenRefused) as caught:
        library.verify(token, keys, algorithms)
    return caught.value.code


# --- tokens of the libraries, verified by us ------------------------------------------------------------


@WITH_ALGORITHM
def test_what_a_library_mints_is_verified(library: Library, alg: str) -> None:
    one = signer(alg)
    token = library.sign({"alg": alg, "kid": "e1", "typ": "JWT"}, as_json(CLAIMS), private_jwk(one))
    verified = verify(token, one.keys, [alg])
    assert json.loads(verified.payload) == CLAIMS
    for other in (a for a in ("ES256", "RS256", "Ed25519") if a != alg):
        with pytest.raises(TokenRefused, match=r"header\.algorithm_refused"):
            verify(token, one.keys, [other])
    with pytest.raises(TokenRefused, match=r"signature\.invalid"):
        verify(token, signer(alg, other=1).keys, [alg])


@EACH
def test_what_a_library_mints_with_a_key_for_another_algorithm(library: Library) -> None:
    one = signer("RS256")
    token = library.sign({"alg": "RS384", "kid": "e1"}, as_json(CLAIMS), private_jwk(one))
    keys = verify_keys(one, alg="RS256")
    with pytest.raises(TokenRefused, match=r"key\.usage"):
        verify(token, keys, ["RS256", "RS384"])


def verify_keys(one: Signer, **members: object) -> Any:
    from policyjwt.tokens import KeySet

    return KeySet.from_jwks({"keys": [one.jwk(**members)]})


# --- the adapters --------------------------------------------------------------------------------------


@WITH_ALGORITHM
def test_verify(library: Library, alg: str) -> None:
    one = signer(alg)
    token = one.token(typ="at+jwt", foo=1)
    for keys in (library.key(one.jwk(), alg), [library.key(one.jwk(), alg)], library.keys([one.jwk(alg=alg)])):
        verified = library.verify(token, keys, [alg])
        assert type(verified) is VerifiedToken
        assert verified.token == token
        assert verified.payload == as_json(CLAIMS)
        assert verified.header["typ"] == "at+jwt"
        assert alg in verified.key.algorithms
        assert verified.key.material_id == one.keys.keys[0].material_id
        assert verified.key.thumbprint == (None if alg.startswith("HS") else thumbprint(one.jwk()))


@WITH_ALGORITHM
def test_wrong_signatures(library: Library, alg: str) -> None:
    one, other = signer(alg), signer(alg, other=1)
    keys = library.key(one.jwk(), alg)
    header, _, raw = one.token().split(".")
    payload = b64(as_json({**CLAIMS, "sub": "admin"}))
    for token in (other.token(), f"{header}.{payload}.{raw}", f"{header}.{payload}.", f"{header}.{payload}.AAAA"):
        assert refusal(library, token, keys, [alg]) == "signature.invalid"


@EACH
def test_algorithms_are_mandatory_and_judged_first(library: Library) -> None:
    one = signer("ES256")
    keys = library.key(one.jwk(), "ES256")
    with pytest.raises(TypeError):
        library.verify(one.token(), keys)
    for names in ([], ["none"], ["HS256", "ES256"]):
        with pytest.raises(ValueError, match="algorithm"):
            library.verify(one.token(), keys, names)
    assert refusal(library, one.token(), keys, ["ES384"]) == "header.algorithm_refused"
    none = f"{b64(as_json({'alg': 'none'}))}.{b64(as_json(CLAIMS))}."
    assert refusal(library, none, keys, ["ES256"]) == "header.algorithm_refused"


@pytest.mark.parametrize("name", ["PyJWT", "Authlib"])
def test_an_algorithm_that_the_library_lacks(name: str) -> None:
    library, one = BY_NAME[name], signer("Ed25519")
    keys = library.key(one.jwk(), "EdDSA")
    assert refusal(library, one.token(), keys, ["Ed25519"]) == "header.algorithm_refused"


@EACH
def test_the_key_is_that_of_the_kid(library: Library) -> None:
    one, other = signer("ES256"), signer("ES256", other=2)
    keys = library.keys([one.jwk(kid="a"), other.jwk(kid="b")])
    assert library.verify(other.token(kid="b"), keys, ["ES256"]).key.kid == "b"
    assert refusal(library, other.token(kid="a"), keys, ["ES256"]) == "signature.invalid"
    assert refusal(library, other.token(kid="c"), keys, ["ES256"]) == "key.unknown_kid"
    assert refusal(library, other.token(header={"alg": "ES256"}), keys, ["ES256"]) == "key.ambiguous"


@EACH
def test_uses_of_keys(library: Library) -> None:
    one, other = signer("RS256"), signer("ES256")
    keys = library.keys([other.jwk(kid="b"), one.jwk(use="enc")])
    assert refusal(library, one.token(), keys, ["RS256"]) == "key.unknown_kid"
    with pytest.raises(KeyRefused, match=r"key\.usage"):
        library.verify(one.token(), library.key(one.jwk(key_ops=["encrypt"]), "RS256"), ["RS256"])


@EACH
def test_K17_the_algorithm_of_the_key(library: Library) -> None:  # noqa: N802 - the row's own name
    one = signer("RS256")
    keys = library.key(one.jwk(alg="PS256"), "PS256")
    assert refusal(library, one.token(), keys, ["RS256", "PS256"]) == "key.usage"


@EACH
def test_K20_weak_keys(library: Library) -> None:  # noqa: N802
    weak = Signer("RS256", rsa_private(bits=1024))
    with pytest.raises(KeyRefused, match=r"key\.weak"):
        library.verify(weak.token(), library.key(weak.jwk(), "RS256"), ["RS256"])


@EACH
def test_K01_a_public_key_as_shared_secret(library: Library) -> None:  # noqa: N802
    import hmac

    one = signer("RS256")
    signing_input = _hs256_input()
    token = f"{signing_input}.{b64(hmac.new(one.pem(), signing_input.encode(), 'sha256').digest())}"
    keys = library.key(one.jwk(), "RS256")
    assert refusal(library, token, keys, ["RS256"]) == "header.algorithm_refused"
    assert refusal(library, token, keys, ["HS256"]) == "key.usage"


def _hs256_input() -> str:
    header = as_json({"alg": "HS256", "kid": "e1"})
    return f"{b64(header)}.{b64(as_json(CLAIMS))}"


@EACH
def test_claims_are_left_to_the_policy(library: Library) -> None:
    one = signer("ES256")
    claims = {"exp": 1, "nbf": 9_999_999_999, "iat": 9_999_999_999, "aud": 7, "iss": [], "sub": None}
    verified = library.verify(one.token(claims), library.key(one.jwk(), "ES256"), ["ES256"])
    assert verified.payload == as_json(claims)


@EACH
def test_the_raw_bytes_of_the_payload_are_kept(library: Library) -> None:
    one = signer("ES256")
    payload = b'{ "a" : 1.0,\n "b": "\\u0061" }'
    assert library.verify(one.token(payload), library.key(one.jwk(), "ES256"), ["ES256"]).payload == payload


STRICT = {
    "duplicate": (b'{"a":1,"a":2}', "token.duplicate"),
    "NaN": (b'{"exp":NaN}', "token.json"),
    "UTF-16": ("{}".encode("utf-16"), "token.utf8"),
    "list": (b"[]", "token.claims_object"),
}


@EACH
@pytest.mark.parametrize(("payload", "code"), STRICT.values(), ids=STRICT.keys())
def test_what_libraries_read_and_we_do_not(library: Library, payload: bytes, code: str) -> None:
    one = signer("ES256")
    assert refusal(library, one.token(payload), library.key(one.jwk(), "ES256"), ["ES256"]) == code


@EACH
def test_headers_that_libraries_pass(library: Library) -> None:
    one = signer("ES256")
    keys = library.key(one.jwk(), "ES256")
    for member, code in (
        ("zip", "header.zip"),
        ("cty", "header.cty"),
        ("jwk", "header.embedded_key"),
        ("crit", "header.crit"),
    ):
        assert refusal(library, one.token(**{member: "x"}), keys, ["ES256"]) == code
    assert refusal(library, f"{one.token()}=", keys, ["ES256"]) == "token.base64"
    assert refusal(library, None, keys, ["ES256"]) == "token.missing"


@EACH
def test_a_long_header_and_payload(library: Library) -> None:
    one = signer("ES256")
    token = one.token({"a": "a" * 10_000}, foo="b" * 5_000)
    assert library.verify(token, library.key(one.jwk(), "ES256"), ["ES256"]).token == token


@EACH
def test_the_private_key_serves_by_its_public_part(library: Library) -> None:
    for alg in ("RS256", "ES256", "EdDSA"):
        one = signer(alg)
        verified = library.verify(one.token(), library.key(private_jwk(one), alg), [alg])
        assert verified.key.thumbprint == thumbprint(one.jwk())


@EACH
@pytest.mark.parametrize("keys", [None, 5, ["x"], {}, object()], ids=["none", "number", "list", "mapping", "object"])
def test_what_is_no_key(library: Library, keys: Any) -> None:
    with pytest.raises((TypeError, KeyRefused)):
        library.verify(signer("ES256").token(), keys, ["ES256"])


# --- what the library says must be what we see ----------------------------------------------------------


@EACH
def test_the_library_is_really_asked(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    one = signer("ES256")
    keys = library.key(one.jwk(), "ES256")
    module = sys.modules[library.verify.__module__]
    for failure, code in (
        (RuntimeError("geheim"), "internal.verification"),
        (MemoryError(), "internal.verification"),
        (TokenRefused("key.usage", actual="a", expected="b"), "internal.verification"),
    ):

        def fail(*_: object, failure: Exception = failure) -> bytes:
            raise failure

        monkeypatch.setattr(module, "_check", fail)
        assert refusal(library, one.token(), keys, ["ES256"]) == code
    monkeypatch.setattr(module, "_check", lambda *_: b"{}")
    assert refusal(library, one.token(), keys, ["ES256"]) == "internal.verification"


@EACH
def test_a_library_that_says_yes_to_all_is_not_believed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = signer("ES256"), signer("ES256", other=2)
    monkeypatch.setattr(sys.modules[library.verify.__module__], "_check", lambda *_: as_json(CLAIMS))
    assert refusal(library, other.token(), library.key(one.jwk(), "ES256"), ["ES256"]) == "signature.invalid"


@EACH
def test_we_do_not_overrule_a_library_that_says_no(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "check_signature", lambda *_: None)
    one, other = signer("ES256"), signer("ES256", other=2)
    assert refusal(library, other.token(), library.key(one.jwk(), "ES256"), ["ES256"]) == "signature.invalid"


# --- PyJWT takes more kinds of keys --------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_pyjwt_key_objects_and_pem(alg: str) -> None:
    one = signer(alg)
    for keys in (one.public, one.private, one.pem(), one.pem().decode(), certificate(one)):
        assert pyjwt.verify(one.token(), keys, [alg]).key.thumbprint == thumbprint(one.jwk())
        with pytest.raises(TokenRefused, match=r"signature\.invalid"):
            pyjwt.verify(signer(alg, other=3).token(), keys, [alg])


def test_pyjwt_secrets() -> None:
    one = signer("HS256")
    for keys in (one.private, one.private.decode()):
        assert pyjwt.verify(one.token(), keys, ["HS256"]).key.kind == "HMAC"
    with pytest.raises(KeyRefused, match=r"key\.weak"):
        pyjwt.verify(one.token(), "secret", ["HS256"])
    with pytest.raises(TokenRefused, match=r"key\.usage"):
        pyjwt.verify(signer("ES256").token(header={"alg": "ES256"}), SECRET, ["ES256"])


def test_pyjwt_pem_is_never_a_secret() -> None:
    import hmac

    one = signer("RS256")
    token = f"{_hs256_input()}.{b64(hmac.new(one.pem(), _hs256_input().encode(), 'sha256').digest())}"
    with pytest.raises(TokenRefused) as caught:
        pyjwt.verify(token, one.pem(), ["HS256"])
    assert caught.value.code in ("key.usage", "key.unknown_kid")


def test_pyjwt_several_pem_blocks() -> None:
    with pytest.raises(TypeError, match="one PEM block"):
        pyjwt.verify(signer("ES256").token(), signer("ES256").pem() * 2, ["ES256"])
    with pytest.raises(KeyRefused, match=r"key\.usage"):
        pyjwt.verify(signer("ES256").token(), Signer("ES256", ec.generate_private_key(ec.SECP256K1())).pem(), ["ES256"])


# --- laws ----------------------------------------------------------------------------------------------


@given(st.data())
def test_no_mutated_token_raises_anything_foreign(data: st.DataObject) -> None:
    library = data.draw(st.sampled_from(LIBRARIES))
    alg = data.draw(st.sampled_from(["HS256", "RS256", "ES256"]))
    one = signer(alg)
    token = one.token()
    at = data.draw(st.integers(0, len(token)))
    other = token[:at] + data.draw(st.text(max_size=3)) + token[at + data.draw(st.integers(0, 3)) :]
    try:
        verified = library.verify(other, library.key(one.jwk(), alg), [alg])
    except PolicyJwtError:
        return
    assert verified.token == token


def test_adapters_import_their_library_only_when_called() -> None:
    code = (
        "import sys\n"
        "from policyjwt.integrations import authlib, joserfc, jwcrypto, pyjwt\n"
        "print(sorted({'authlib', 'joserfc', 'jwcrypto', 'jwt'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
