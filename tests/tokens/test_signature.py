"""Signatures: group S of the catalogue of attacks, algorithm confusion of group K, and what VerifiedToken promises."""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import hmac
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.tokens import KeySet, VerifiedToken, signature, verifiers, verify
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.decode import decode
from policyjwt.tokens.key import Key
from tests.tokens.minting import ALL, CLAIMS, SECRET, Signer, accepted, b64, refusal, signer, unb64

E1 = signer("ES256")
T0 = E1.token()
H0, P0, S0 = T0.split(".")
ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ORDER_ED25519 = 2**252 + 27742317777372353535851937790883648493


def with_signature(raw: bytes, token: str = T0) -> str:
    return f"{token.rpartition('.')[0]}.{b64(raw)}"


@pytest.mark.parametrize("alg", ALL)
def test_every_algorithm_verifies(alg: str) -> None:
    one = signer(alg)
    verified = accepted(one.token(), one.keys, [alg])
    assert verified.token == one.token() or not alg.startswith(("RS", "HS", "Ed"))
    assert json.loads(verified.payload) == CLAIMS
    assert verified.header == {"alg": alg, "kid": "e1", "typ": "JWT"}
    assert verified.key is one.keys.keys[0]


def test_EdDSA_takes_either_curve() -> None:  # noqa: N802
    one = signer("Ed448")
    assert accepted(one.token(alg="EdDSA"), one.keys, ["EdDSA"]).key.curve == "Ed448"


@pytest.mark.parametrize("alg", ALL)
def test_another_key_of_the_same_kind(alg: str) -> None:
    assert refusal(signer(alg, other=1).token(), signer(alg).keys, [alg]) == "signature.invalid"


@pytest.mark.parametrize("alg", ALL)
def test_S14_another_payload(alg: str) -> None:  # noqa: N802
    one = signer(alg)
    header, _, raw = one.token().split(".")
    payload = b64(json.dumps({**CLAIMS, "sub": "admin"}).encode())
    assert refusal(f"{header}.{payload}.{raw}", one.keys, [alg]) == "signature.invalid"


R_AND_S = [
    (r, s)
    for r in (0, 1, ORDER_P256 - 1, ORDER_P256, ORDER_P256 + 1, 2**256 - 1)
    for s in (0, 1, ORDER_P256 - 1, ORDER_P256, ORDER_P256 + 1, 2**256 - 1)
]


@pytest.mark.parametrize(("r", "s"), R_AND_S)
def test_S01_psychic_signatures(r: int, s: int) -> None:  # noqa: N802
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert refusal(with_signature(raw), E1.keys, ["ES256"]) == "signature.invalid"


@pytest.mark.parametrize("length", [0, 1, 63, 65, 66, 96, 128, 132])
def test_S03_lengths_of_ECDSA(length: int) -> None:  # noqa: N802
    right = unb64(S0)
    for raw in (right[:length].ljust(length, b"\0"), b"\0" * max(0, length - 64) + right[:length]):
        assert refusal(with_signature(raw), E1.keys, ["ES256"]) == "signature.invalid"
    half = b"\0" * 32
    padded = half + right[:32] + half + right[32:]
    assert refusal(with_signature(padded), E1.keys, ["ES256"]) == "signature.invalid"


def test_S03_DER_instead_of_the_raw_form() -> None:  # noqa: N802
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    right = unb64(S0)
    der = encode_dss_signature(int.from_bytes(right[:32], "big"), int.from_bytes(right[32:], "big"))
    assert refusal(with_signature(der), E1.keys, ["ES256"]) == "signature.invalid"


def test_S05_the_twin_of_an_ECDSA_signature_is_one_too() -> None:  # noqa: N802
    """RFC 7518 does not forbid it: a token is not known by its signature, but by its claims."""
    right = unb64(S0)
    twin = (ORDER_P256 - int.from_bytes(right[32:], "big")).to_bytes(32, "big")
    assert accepted(with_signature(right[:32] + twin), E1.keys, ["ES256"]).payload == unb64(P0)


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_S06_S_plus_L(alg: str) -> None:  # noqa: N802
    one = signer(alg)
    token = one.token()
    raw = unb64(token.split(".")[2])
    for times in (1, 2, 7):
        larger = int.from_bytes(raw[32:], "little") + times * ORDER_ED25519
        if larger < 2**256:
            other = raw[:32] + larger.to_bytes(32, "little")
            assert refusal(with_signature(other, token), one.keys, [alg]) == "signature.invalid"


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519", "Ed448"])
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 113, 114, 115])
def test_S07_lengths_of_EdDSA(alg: str, length: int) -> None:  # noqa: N802
    one = signer(alg)
    token = one.token()
    raw = unb64(token.split(".")[2])
    if len(raw) != length:
        other = raw[:length].ljust(length, b"\0")
        assert refusal(with_signature(other, token), one.keys, [alg]) == "signature.invalid"


def test_S07_a_signature_of_the_other_curve() -> None:  # noqa: N802
    one, other = signer("Ed25519"), signer("Ed448")
    token = other.token(header={"alg": "EdDSA", "kid": "e1"})
    assert refusal(token, one.keys, ["EdDSA"]) == "signature.invalid"


@pytest.mark.parametrize("alg", ["PS256", "PS384", "PS512"])
def test_S09_salt_and_mask(alg: str) -> None:  # noqa: N802
    one = signer(alg)
    header, payload, _ = one.token().split(".")
    data, digest = (
        f"{header}.{payload}".encode(),
        {"256": hashes.SHA256(), "384": hashes.SHA384()}.get(alg[2:], hashes.SHA512()),
    )
    other = hashes.SHA512() if alg != "PS512" else hashes.SHA256()
    for mgf, salt in (
        (digest, 0),
        (digest, digest.digest_size - 1),
        (digest, digest.digest_size + 1),
        (digest, padding.PSS.MAX_LENGTH),
        (other, digest.digest_size),
    ):
        raw = one.private.sign(data, padding.PSS(padding.MGF1(mgf), salt), digest)
        assert refusal(f"{header}.{payload}.{b64(raw)}", one.keys, [alg]) == "signature.invalid"


@pytest.mark.parametrize(("made", "said"), [("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS384")])
def test_S10_one_padding_for_another(made: str, said: str) -> None:  # noqa: N802
    one = signer(made)
    header = b64(json.dumps({"alg": said, "kid": "e1"}).encode())
    raw = one.signature(f"{header}.{P0}".encode(), made)
    keys = KeySet.from_jwks({"keys": [one.jwk()]})
    assert refusal(f"{header}.{P0}.{b64(raw)}", keys, ["RS256", "RS384", "PS256"]) == "signature.invalid"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_S12_truncated_HMAC(alg: str) -> None:  # noqa: N802
    one = signer(alg)
    token = one.token()
    raw = unb64(token.split(".")[2])
    for other in (b"", raw[:1], raw[: len(raw) // 2], raw[:-1], raw + b"\0", raw + raw):
        assert refusal(with_signature(other, token), one.keys, [alg]) == "signature.invalid"


@pytest.mark.parametrize("alg", ALL)
@pytest.mark.parametrize("text", ["", "AA", "bnVsbA"])
def test_S13_empty_signature_and_null(alg: str, text: str) -> None:  # noqa: N802
    one = signer(alg)
    token = f"{one.token().rpartition('.')[0]}.{text}"
    assert refusal(token, one.keys, [alg]) == "signature.invalid"


@pytest.mark.parametrize("alg", ["HS256", "ES256", "EdDSA"])
def test_S14_every_bit_of_the_token(alg: str) -> None:  # noqa: N802
    one = signer(alg)
    token = one.token().encode("ascii")
    wrong = 0
    for place in range(len(token)):
        for bit in range(8):
            flipped = bytearray(token)
            flipped[place] ^= 1 << bit
            try:
                verify(flipped.decode("latin-1"), one.keys, [alg])
            except TokenRefused:
                wrong += 1
    assert wrong == 8 * len(token)


def test_S15_the_signature_of_another_token() -> None:  # noqa: N802
    other = E1.token({**CLAIMS, "jti": "j2"}).split(".")[2]
    assert refusal(f"{H0}.{P0}.{other}", E1.keys, ["ES256"]) == "signature.invalid"


def test_S16_the_received_bytes_count() -> None:  # noqa: N802
    header, payload = b'{"alg":"ES256", "kid":"e1"}', b'{"sub": "s"}'
    compact = b'{"alg":"ES256","kid":"e1"}', b'{"sub":"s"}'
    text = f"{b64(header)}.{b64(payload)}"
    for signed in (b".".join((header, payload)), f"{b64(compact[0])}.{b64(compact[1])}".encode(), payload):
        assert refusal(f"{text}.{b64(E1.signature(signed))}", E1.keys, ["ES256"]) == "signature.invalid"
    assert accepted(f"{text}.{b64(E1.signature(text.encode()))}", E1.keys, ["ES256"]).payload == payload


def test_S18_one_text_for_every_failure() -> None:  # noqa: N802
    texts = set()
    for token in (
        with_signature(b""),
        with_signature(bytes(64)),
        E1.token()[:-8] + "AAAAAAAA",
        signer("ES256", other=1).token(),
    ):
        with pytest.raises(TokenRefused) as caught:
            verify(token, E1.keys, ["ES256"])
        texts.add(str(caught.value))
    assert len(texts) == 1


class _Breaking:
    """Stands for a backend that fails in a way of its own."""

    def __init__(self, failure: BaseException) -> None:
        self.failure = failure

    def verify(self, *_: object) -> None:
        raise self.failure

    @property
    def key_size(self) -> int:
        return 256


FAILURES = [
    RuntimeError("geheim"),
    MemoryError(),
    ValueError("geheim"),
    TypeError(),
    OSError(),
    RecursionError(),
    KeyError("x"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_S20_a_failing_backend_refuses(failure: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    checks: list[Any] = [
        verifiers._ecdsa(_Breaking(failure), ALGORITHMS["ES256"]),  # type: ignore[arg-type] # a stand-in
        verifiers._guarded(_Breaking(failure).verify, 64),
    ]

    def break_down(*_: object) -> bool:
        raise failure

    monkeypatch.setattr(verifiers, "compare_digest", break_down)
    checks.append(verifiers.for_secret(SECRET, ALGORITHMS["HS512"]))
    for check in checks:
        with pytest.raises(TokenRefused) as caught:
            check(b"x", bytes(64))
        assert caught.value.code == "internal.verification"
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit()])
def test_S20_what_ends_the_process_is_not_swallowed(failure: BaseException) -> None:  # noqa: N802
    with pytest.raises(type(failure)):
        verifiers._guarded(_Breaking(failure).verify, 64)(b"x", bytes(64))


@pytest.mark.parametrize("answer", [None, 1, "yes", object()])
def test_S20_only_true_is_true(answer: object) -> None:  # noqa: N802
    key = dataclasses.replace(E1.keys.keys[0], _verifiers={"ES256": cast(Any, lambda *_: answer)})
    with pytest.raises(TokenRefused, match=r"signature\.invalid"):
        signature.check_signature(decode(T0), key, "ES256")


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=200), st.sampled_from(["HS256", "HS384", "HS512"]))
def test_the_prepared_HMAC_is_that_of_the_library(secret: bytes, message: bytes, alg: str) -> None:  # noqa: N802
    check = verifiers.for_secret(secret, ALGORITHMS[alg])
    right = hmac.new(secret, message, f"sha{alg[2:]}").digest()
    assert check(message, right)
    assert check(message, right)  # the prepared state is not used up
    assert not check(message + b"x", right)
    assert not check(message, bytes([right[0] ^ 1]) + right[1:])


# --- algorithm confusion -------------------------------------------------------------------------------


def self_signed(one: Signer) -> bytes:
    """A certificate of this key, in PEM: as public as the key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(one.public).serial_number(1)
    begins = datetime(2023, 1, 1, tzinfo=UTC)
    dated = made.not_valid_before(begins).not_valid_after(begins + timedelta(days=9999))
    digest = None if one.alg.startswith("Ed") else hashes.SHA256()
    return dated.sign(one.private, digest).public_bytes(Encoding.PEM)


def _public_texts(one: Signer) -> dict[str, bytes]:
    public = one.public
    pem = one.pem()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    texts = {
        "PEM": pem,
        "PEM without final line end": pem.rstrip(b"\n"),
        "PEM with CRLF": pem.replace(b"\n", b"\r\n"),
        "DER": der,
        "DER in base64": base64.b64encode(der),
        "JWK": json.dumps(one.jwk()).encode(),
        "empty": b"",
        "raw": next(unb64(str(one.jwk()[name])) for name in ("n", "x") if name in one.jwk()),
    }
    if one.alg != "Ed448":
        texts["X.509 certificate"] = self_signed(one)
    if one.alg.startswith("RS"):
        texts["PKCS#1"] = public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
        texts["PKCS#1 DER"] = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if one.alg != "Ed448":
        texts["OpenSSH"] = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return texts


@pytest.mark.parametrize("alg", ["RS256", "ES256", "Ed25519", "Ed448"])
def test_K01_K03_K04_a_public_key_as_shared_secret(alg: str) -> None:  # noqa: N802
    one = signer(alg)
    for text in _public_texts(one).values():
        for kid in ("e1", None):
            header = {"alg": "HS256", **({"kid": kid} if kid else {})}
            signing_input = f"{b64(json.dumps(header).encode())}.{P0}"
            raw = hmac.new(text, signing_input.encode(), hashlib.sha256).digest()
            token = f"{signing_input}.{b64(raw)}"
            assert refusal(token, one.keys, [alg]) == "header.algorithm_refused"
            assert refusal(token, one.keys, ["HS256"]) == "key.usage"
            assert refusal(token, KeySet.from_pem(one.pem()), ["HS256"]) in ("key.usage", "key.unknown_kid")


def test_K17_the_algorithm_of_the_key() -> None:  # noqa: N802
    one = signer("RS256")
    rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
    for said in rsa:
        keys = KeySet.from_jwks({"keys": [one.jwk(alg=said)]})
        for used in rsa:
            token = one.token(alg=used)
            if used == said:
                assert accepted(token, keys, rsa).key.algorithms == {said}
            else:
                assert refusal(token, keys, rsa) == "key.usage"


def test_K18_curve_and_algorithm() -> None:  # noqa: N802
    names = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448"]
    for own in names:
        one = signer(own)
        fits = {own} | ({"EdDSA", own} if own.startswith("Ed") and own != "EdDSA" else set())
        if own == "EdDSA":
            fits = {"EdDSA", "Ed25519"}
        for said in names:
            if said in fits:
                continue
            header = b64(json.dumps({"alg": said, "kid": "e1"}).encode())
            raw = b64(one.signature(f"{header}.{P0}".encode(), own))
            assert refusal(f"{header}.{P0}.{raw}", one.keys, names) == "key.usage", (own, said)


# --- VerifiedToken -------------------------------------------------------------------------------------


def test_a_verified_token_is_not_made_by_hand() -> None:
    verified = verify(T0, E1.keys, ["ES256"])
    for make in (
        lambda: VerifiedToken(T0, {}, b"", E1.keys.keys[0]),
        VerifiedToken,
        lambda: type("Mine", (VerifiedToken,), {}),
        lambda: dataclasses.replace(verified, payload=b"{}"),  # type: ignore[type-var] # what must not work
        lambda: copy.copy(verified),
        lambda: copy.deepcopy(verified),
        lambda: pickle.dumps(verified),
    ):
        with pytest.raises(TypeError):
            make()


def test_a_verified_token_can_not_be_changed() -> None:
    verified: Any = verify(T0, E1.keys, ["ES256"])
    for name in ("token", "header", "payload", "key", "other"):
        with pytest.raises(AttributeError):
            setattr(verified, name, "x")
        with pytest.raises(AttributeError):
            delattr(verified, name)
    with pytest.raises(TypeError):
        verified.header["alg"] = "none"


def test_a_verified_token_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"ask Engine\.validate"):
        bool(verify(T0, E1.keys, ["ES256"]))


def test_bad_calls() -> None:
    with pytest.raises(TypeError):
        verify(T0, E1.jwk(), ["ES256"])  # type: ignore[arg-type] # what must not work
    with pytest.raises(TypeError):
        verify(T0.encode(), E1.keys, ["ES256"])  # type: ignore[arg-type] # what must not work
    assert isinstance(E1.keys.keys[0], Key)


@given(st.data())
def test_no_mutation_is_accepted_or_raises_anything_foreign(data: st.DataObject) -> None:
    alg = data.draw(st.sampled_from(["HS256", "RS256", "ES256", "Ed25519"]))
    one = signer(alg)
    token = one.token()
    at = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(at, min(len(token), at + 5)))
    other = token[:at] + data.draw(st.text(max_size=4)) + token[end:]
    if other == token:
        return
    with pytest.raises(TokenRefused):
        verify(other, one.keys, ["RS256", "ES256", "Ed25519"] if alg != "HS256" else ["HS256"])


def test_the_public_names() -> None:
    from policyjwt import tokens

    decrypting = ["DecryptedToken", "DecryptionKey", "DecryptionKeySet"]
    assert dir(tokens) == [*decrypting, "Key", "KeySet", "VerifiedToken", "decrypt", "verify"]
    assert tokens.verify is verify
    with pytest.raises(AttributeError, match="nothing"):
        _ = tokens.nothing
