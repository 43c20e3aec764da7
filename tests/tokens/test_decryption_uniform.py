"""One path: whatever depends on the key or the ciphertext makes the same calls and says the same.

The calls of joserfc, `cryptography` and the private key are written down, with the lengths of keys, and compared.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from policyjwt.errors import TokenRefused
from policyjwt.tokens import content_key, decryption
from policyjwt.tokens.decryption_key import from_private_key
from policyjwt.tokens.encryption import KEY_MANAGEMENT
from tests.tokens.encrypting import (
    CEK_BYTES,
    FIELD_BYTES,
    by_joserfc,
    changed,
    derived,
    keys,
    loaded,
    opened,
    private,
    public_jwk,
    refused,
    sealed,
    to_oaep,
    with_header,
    wrapped,
)
from tests.tokens.minting import b64, unb64

Log = list[tuple[object, ...]]
ENCS = ("A256GCM", "A128CBC-HS256")


class Rsa(rsa.RSAPrivateKey):
    """As an HSM: it decrypts, and gives nothing but its public key."""

    def __init__(self, inner: rsa.RSAPrivateKey, log: Log) -> None:
        self.inner, self.log = inner, log

    def decrypt(self, ciphertext: bytes, padding: Any) -> bytes:
        below = int.from_bytes(ciphertext, "big") < self.inner.public_key().public_numbers().n
        self.log.append(("RSA", len(ciphertext), below))
        return self.inner.decrypt(ciphertext, padding)

    @property
    def key_size(self) -> int:
        return self.inner.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self.inner.public_key()

    def sign(self, *_: Any) -> bytes:
        raise AssertionError("asked to sign")

    def private_numbers(self) -> Any:
        raise AssertionError("asked for private numbers")

    def private_bytes(self, *_: Any) -> bytes:
        raise AssertionError("asked for private bytes")

    def __copy__(self) -> Rsa:
        raise AssertionError("copied")

    def __deepcopy__(self, _: Any) -> Rsa:
        raise AssertionError("copied")


class Ec(ec.EllipticCurvePrivateKey):
    """The same for key agreement."""

    def __init__(self, inner: ec.EllipticCurvePrivateKey, log: Log) -> None:
        self.inner, self.log = inner, log

    def exchange(self, algorithm: Any, peer_public_key: Any) -> bytes:
        self.log.append(("ECDH", peer_public_key.curve.name))
        return self.inner.exchange(algorithm, peer_public_key)

    @property
    def curve(self) -> Any:
        return self.inner.curve

    @property
    def key_size(self) -> int:
        return self.inner.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self.inner.public_key()

    def sign(self, *_: Any) -> bytes:
        raise AssertionError("asked to sign")

    def private_numbers(self) -> Any:
        raise AssertionError("asked for private numbers")

    def private_bytes(self, *_: Any) -> bytes:
        raise AssertionError("asked for private bytes")

    def __copy__(self) -> Ec:
        raise AssertionError("copied")

    def __deepcopy__(self, _: Any) -> Ec:
        raise AssertionError("copied")


class X25519(x25519.X25519PrivateKey):
    def __init__(self, inner: x25519.X25519PrivateKey, log: Log) -> None:
        self.inner, self.log = inner, log

    def exchange(self, peer_public_key: Any) -> bytes:
        self.log.append(("X25519",))
        return self.inner.exchange(peer_public_key)

    def public_key(self) -> x25519.X25519PublicKey:
        return self.inner.public_key()

    def private_bytes(self, *_: Any) -> bytes:
        raise AssertionError("asked for private bytes")

    def private_bytes_raw(self) -> bytes:
        raise AssertionError("asked for private bytes")

    def __copy__(self) -> X25519:
        raise AssertionError("copied")

    def __deepcopy__(self, _: Any) -> X25519:
        raise AssertionError("copied")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Every call of a primitive below `decryption.open`."""
    from joserfc._rfc7518 import derive_key, ec_key, jwe_algs, jwe_encs

    made: Log = []

    def noted(name: str, call: Callable[..., Any], *facts: Callable[..., object]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **named: Any) -> Any:
            made.append((name, *(fact(*arguments, **named) for fact in facts)))
            return call(*arguments, **named)

        return wrapper

    def cipher(algorithm: Any, mode: Any, *_: Any) -> object:
        return type(mode).__name__, algorithm.key_size

    for module in (jwe_algs, jwe_encs):
        monkeypatch.setattr(module, "Cipher", noted("cipher", module.Cipher, cipher))
    unwrap = noted("unwrap", keywrap.aes_key_unwrap, lambda key, text: (len(key), len(text)))
    monkeypatch.setattr(jwe_algs, "aes_key_unwrap", unwrap)
    monkeypatch.setattr(derive_key, "ConcatKDFHash", noted("kdf", ConcatKDFHash, lambda **named: named["length"]))
    spied = SimpleNamespace(
        new=noted("hmac", hmac.new, lambda key, *_: len(key)), compare_digest=noted("compare", hmac.compare_digest)
    )
    monkeypatch.setattr(jwe_encs, "hmac", spied)
    point = noted("point", ec.EllipticCurvePublicNumbers, lambda _x, _y, curve: curve.name)
    monkeypatch.setattr(ec_key, "EllipticCurvePublicNumbers", point)
    monkeypatch.setattr(ec, "EllipticCurvePublicNumbers", point)
    yield made
    made.clear()


def spying(key: Any, log: Log) -> Any:
    spies: tuple[tuple[type, Any], ...] = (
        (rsa.RSAPrivateKey, Rsa),
        (ec.EllipticCurvePrivateKey, Ec),
        (x25519.X25519PrivateKey, X25519),
    )
    for kind, spy in spies:
        if isinstance(key, kind):
            return from_private_key(spy(key, log))
    return loaded(key)


# --- what can be wrong ------------------------------------------------------------------------------------


def flip(at: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        spoilt = bytearray(data)
        spoilt[at] ^= 1
        return bytes(spoilt)

    return change


def common(token: str, header: dict[str, str], alg: str, enc: str, curve: str | None) -> dict[str, str]:
    """Faults of every algorithm."""
    other = by_joserfc(private(alg, enc, curve, other=1), header)
    found = {
        "wrong key": other,
        "wrong tag": changed(token, 4, flip(0)),
        "wrong end of tag": changed(token, 4, flip(-1)),
        "wrong ciphertext": changed(token, 3, flip(0)),
        "no ciphertext": changed(token, 3, lambda _: b""),
        "cut ciphertext": changed(token, 3, lambda text: text[:-1]),
        "wrong iv": changed(token, 2, flip(0)),
        "changed header": with_header(token, kid="2"),
    }
    if not KEY_MANAGEMENT[alg].direct:
        found |= {
            "wrong wrapped key": changed(token, 1, flip(0)),
            "wrong end of wrapped key": changed(token, 1, flip(-1)),
            "truncated wrapped key": changed(token, 1, lambda data: data[:-1]),
            "wrapped key short by eight": changed(token, 1, lambda data: data[:-8]),
            "wrapped key of one byte": changed(token, 1, lambda data: data[:1]),
            "wrapped key long": changed(token, 1, lambda data: data + b"\0"),
            "wrapped key long by eight": changed(token, 1, lambda data: data + bytes(8)),
            "wrapped key of zeros": changed(token, 1, lambda data: bytes(len(data))),
        }
    return found


def bad_points(curve: str) -> dict[str, dict[str, str]]:
    if curve == "X25519":
        return {f"u {n}": {"kty": "OKP", "crv": curve, "x": b64(raw)} for n, raw in enumerate(small_order())}
    size = FIELD_BYTES[curve]
    good = public_jwk(private("ECDH-ES", curve=curve, other=1))
    x, y = (int.from_bytes(unb64(good[name]), "big") for name in ("x", "y"))
    numbers = {
        "off the curve": (x, y ^ 1),
        "on the twist": (_without_point(curve), y),
        "infinity": (0, 0),
        "x is zero": (0, y),
        "beyond the field": (2 ** (8 * size) - 1, y),
        "x and y exchanged": (y, x),
    }
    return {
        name: {"kty": "EC", "crv": curve, "x": b64(a.to_bytes(size, "big")), "y": b64(b.to_bytes(size, "big"))}
        for name, (a, b) in numbers.items()
    }


def _without_point(curve: str) -> int:
    """An x of the field that no point of the curve has: points of the twist have it."""
    size, number = FIELD_BYTES[curve], 2
    made = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[curve]
    while True:
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(made, b"\2" + number.to_bytes(size, "big"))
        except ValueError:
            return number
        number += 1


def small_order() -> list[bytes]:
    """RFC 7748: every spelling of a point of small order, of curve and twist, with and without the ignored bit."""
    p = 2**255 - 19
    points = content_key._SMALL_ORDER_25519
    spellings = {u + k * p for u in points for k in (0, 1) if u + k * p < 2**255}
    return [(u | top << 255).to_bytes(32, "little") for u in sorted(spellings) for top in (0, 1)]


def faults(alg: str, enc: str, curve: str | None) -> tuple[str, dict[str, str]]:
    key, header = private(alg, enc, curve), {"alg": alg, "enc": enc}
    token = by_joserfc(key, header)
    found = common(token, header, alg, enc, curve)
    short = os.urandom(CEK_BYTES[enc] - 8)
    if alg.startswith("RSA"):
        modulus = key.public_key().public_numbers().n
        found |= {
            "wrong length of content key": changed(token, 1, lambda _: to_oaep(key, short, hash256=alg[-3:] == "256")),
            "no content key": changed(token, 1, lambda _: to_oaep(key, b"", hash256=alg[-3:] == "256")),
            "another hash": changed(token, 1, lambda _: to_oaep(key, bytes(32), hash256=alg[-3:] != "256")),
            "PKCS1 v1.5": changed(token, 1, lambda _: key.public_key().encrypt(bytes(32), padding.PKCS1v15())),
            "the modulus": changed(token, 1, lambda _: modulus.to_bytes(256, "big")),
            "beyond the modulus": changed(token, 1, lambda _: b"\xff" * 256),
            "a leading zero": changed(token, 1, lambda data: b"\0" + data),
            "huge": changed(token, 1, lambda data: data * 40),
        }
    if "KW" in alg and curve is None and "GCM" not in alg:
        found["wrong length of content key"] = changed(token, 1, lambda _: wrapped(key, short))
    if curve is not None:
        found |= {name: with_header(token, epk=epk) for name, epk in bad_points(curve).items()}
        found["another point"] = with_header(token, epk=public_jwk(private("ECDH-ES", curve=curve, other=2)))
    if alg.endswith("GCMKW"):
        found |= {
            "wrong tag of wrapped key": with_header(token, tag=b64(bytes(16))),
            "wrong iv of wrapped key": with_header(token, iv=b64(bytes(12))),
        }
    return token, found


CASES = [
    (alg, enc, curve)
    for alg in KEY_MANAGEMENT
    for enc in ENCS
    for curve in (FIELD_BYTES if alg.startswith("ECDH") else (None,))
]


@pytest.mark.parametrize(("alg", "enc", "curve"), CASES, ids=str)
def test_d09_d10_d15_same_calls_and_same_words(log: Log, alg: str, enc: str, curve: str | None) -> None:
    token, found = faults(alg, enc, curve)
    held = keys(spying(private(alg, enc, curve), log))
    log.clear()
    opened(token, held)
    of_success = list(log)
    made: dict[str, Log] = {}
    said: set[tuple[str, str]] = set()
    for name, spoilt in found.items():
        log.clear()
        refusal = refused(spoilt, held)
        made[name] = list(log)
        said.add((refusal.code, str(refusal)))
        assert refusal.__cause__ is None
        assert refusal.__context__ is None
    assert said == {("decryption.failed", next(iter(said))[1])}
    wanted = made["wrong key"]
    assert {name: calls for name, calls in made.items() if calls != wanted} == {}
    # A good token goes the same way; after its MAC it is decrypted (RFC 7518, section 5.2.2.2).
    assert of_success[: len(wanted)] == wanted
    assert len(of_success) - len(wanted) == ("CBC" in enc)
    assert len(wanted) >= 1 + (not KEY_MANAGEMENT[alg].direct)


@pytest.mark.parametrize("curve", FIELD_BYTES)
@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A256KW"])
def test_d10_what_stands_in_for_a_bad_point_gives_no_key(alg: str, curve: str) -> None:
    """Whoever knew what is agreed upon in place of a bad point could not use it."""
    key = private("ECDH-ES", curve=curve)
    own = key.exchange(key.public_key()) if curve == "X25519" else key.exchange(ec.ECDH(), key.public_key())
    agreed = derived(own, alg=alg, enc="A256GCM")
    cek = agreed if alg == "ECDH-ES" else os.urandom(32)
    for epk in bad_points(curve).values():
        header = {"alg": alg, "enc": "A256GCM", "epk": epk}
        token = sealed(header, cek, encrypted_key=b"" if alg == "ECDH-ES" else wrapped(agreed, cek))
        assert refused(token, key).code == "decryption.failed"
    header = {"alg": alg, "enc": "A256GCM", "epk": public_jwk(key)}
    control = sealed(header, cek, encrypted_key=b"" if alg == "ECDH-ES" else wrapped(agreed, cek))
    assert opened(control, key) == opened(sealed({"alg": "dir", "enc": "A256GCM"}, cek), cek)


def test_d11_an_all_zero_secret_gives_no_key() -> None:
    key = private("ECDH-ES", curve="X25519")
    cek = derived(bytes(32), alg="ECDH-ES", enc="A256GCM")
    for raw in small_order():
        epk = {"kty": "OKP", "crv": "X25519", "x": b64(raw)}
        assert refused(sealed({"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk}, cek), key).code == "decryption.failed"


def test_points_of_small_order_are_those_whose_secret_is_zero() -> None:
    key = private("ECDH-ES", curve="X25519")
    for raw in small_order():
        with pytest.raises(ValueError, match="shared key"):
            key.exchange(x25519.X25519PublicKey.from_public_bytes(raw))
        assert content_key.is_point({"crv": "X25519", "x": b64(raw)}) is False
    assert len(small_order()) == 2 * (5 + 2)
    for _ in range(20):
        public = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
        assert content_key.is_point({"crv": "X25519", "x": b64(public)}) is True


@pytest.mark.parametrize("error", [OSError, RuntimeError, ValueError, KeyError, TokenRefused], ids=lambda e: e.__name__)
def test_a_key_that_raises(error: type[Exception]) -> None:
    class Broken(Rsa):
        def decrypt(self, ciphertext: bytes, padding: Any) -> bytes:
            raise error("code", actual="geheimnis", expected="x") if error is TokenRefused else error("geheimnis")

    token = by_joserfc(private("RSA-OAEP"), {"alg": "RSA-OAEP", "enc": "A256GCM"})
    refusal = refused(token, keys(from_private_key(Broken(private("RSA-OAEP"), []))))
    assert refusal.code == "decryption.failed"
    assert "geheimnis" not in str(refusal)


def test_the_random_key_is_another_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    key = loaded(private("A256KW"))
    made = {content_key.content_key({"alg": "A256KW", "enc": "A256GCM"}, bytes(40), key._material()) for _ in range(50)}
    assert len(made) == 50
    assert {len(each) for each in made} == {32}


def test_hashes_of_oaep() -> None:
    """RFC 7518, section 4.3: RSA-OAEP is SHA-1 in both places, RSA-OAEP-256 SHA-256 in both."""
    key, cek = private("RSA-OAEP"), os.urandom(32)
    mixed = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA256(), None)
    encrypted_key = key.public_key().encrypt(cek, mixed)
    for alg in ("RSA-OAEP", "RSA-OAEP-256"):
        token = sealed({"alg": alg, "enc": "A256GCM"}, cek, encrypted_key=encrypted_key)
        assert refused(token, key).code == "decryption.failed"
    assert decryption.read(token).alg == "RSA-OAEP-256"
