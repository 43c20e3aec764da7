"""Private keys as text. Input: PEM or a JWK. Output: a private key of `cryptography` or the bytes of a shared one.

RFC 7468, 5958, 8017, 5915 (PEM); RFC 7517, RFC 7518, section 6, RFC 8037 (JWK). KeyRefused for everything else; no
message holds material.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from policyjwt.tokens import decryption_messages, messages
from policyjwt.tokens.jwk import bytes_member, read_document, text_member
from policyjwt.tokens.key_checks import check_rsa
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES, MAX_RSA_BITS

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | X25519PrivateKey

_CURVES: Final[dict[str, tuple[ec.EllipticCurve, int]]] = {
    "P-256": (ec.SECP256R1(), 32),
    "P-384": (ec.SECP384R1(), 48),
    "P-521": (ec.SECP521R1(), 66),
}
_X25519_BYTES: Final = 32
_LINE: Final = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 #]+)-----")
_LABELS: Final = (b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY")
_RSA_PSS: Final = bytes.fromhex("06092a864886f70d01010a")
"""The OID of keys that are for PSS signatures alone (RFC 4055), as it stands at the beginning of their DER."""

_BEGINNING: Final = 40
_FACTORS: Final = ("p", "q", "dp", "dq", "qi")
_MAX_RSA_CHARACTERS: Final = MAX_RSA_BITS // 8 * 4 // 3 + 16

# --- PEM --------------------------------------------------------------------------------------------------


def of_pem(data: bytes) -> object:
    """The one private key of a PEM text: PKCS#8, PKCS#1 or SEC1, not encrypted."""
    if not isinstance(data, bytes):
        raise TypeError("PEM is bytes")
    if len(data) > MAX_KEY_SET_BYTES:
        raise messages.key_malformed(f"a PEM file of more than {MAX_KEY_SET_BYTES} bytes")
    block = _only_block(data)
    try:
        key = load_pem_private_key(block, password=None)
        der = b64decode(b"".join(block.splitlines()[1:-1]))
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise messages.key_malformed("a private key that can't be read") from None
    if _RSA_PSS in der[:_BEGINNING]:  # check: K5
        raise messages.key_usage("an RSA key that is for signatures alone (RSASSA-PSS)")
    return key


def _only_block(data: bytes) -> bytes:
    """The one block, if its label is that of a private key that is not encrypted."""
    lines = list(_LINE.finditer(data))
    if not lines:
        raise messages.key_malformed("a file without any PEM block")
    if b"ENCRYPTED" in data:
        raise messages.key_malformed(
            "a private key that is encrypted with a password",
            help="write it without one, in a file that only the service may read: nobody asks for passwords here",
        )
    if len(lines) > 2:
        raise messages.key_malformed(
            f"a PEM file of {len(lines) // 2} blocks, where one private key belongs",
            help="leave out parameters, certificates and other keys",
        )
    if [line[1] for line in lines] != [b"BEGIN", b"END"] or lines[0][2] != lines[1][2]:
        raise messages.key_malformed("a PEM block that is not closed")
    label = lines[0][2]
    if label in (b"PUBLIC KEY", b"RSA PUBLIC KEY", b"CERTIFICATE"):
        raise decryption_messages.key_public()
    if label not in _LABELS:
        raise messages.key_malformed("a PEM block that is no private key in PKCS#8, PKCS#1 or SEC1")
    return data[lines[0].start() : lines[1].end()] + b"\n"


# --- JWK --------------------------------------------------------------------------------------------------


class PrivateJwk(NamedTuple):
    """A private JWK: a key of `cryptography` or the bytes of a shared one, and what it says of its own use."""

    key: PrivateKey | bytes
    kid: str | None
    alg: str | None
    operations: frozenset[str] | None

    def __repr__(self) -> str:
        return "<PrivateJwk>"


def of_jwk(source: str | bytes | Mapping[str, object]) -> PrivateJwk:
    """The one private key of a JWK, checked against its public members."""
    jwk = read_document(source, what="a JWK")
    kty = text_member(jwk, "kty")
    if kty is None:
        raise messages.key_malformed("a set of keys, or no key, where one private JWK belongs")
    use = text_member(jwk, "use")
    if use not in (None, "enc"):  # check: K5
        raise messages.key_usage("a key whose `use` is not `enc`")
    return PrivateJwk(_private(jwk, kty), text_member(jwk, "kid"), text_member(jwk, "alg"), _operations(jwk))


def _operations(jwk: Mapping[str, object]) -> frozenset[str] | None:
    """RFC 7517, section 4.3."""
    if "key_ops" not in jwk:
        return None
    listed = jwk["key_ops"]
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise messages.key_malformed("`key_ops` that is no list of strings")
    if len(set(listed)) != len(listed):
        raise messages.key_malformed("`key_ops` that says a thing twice")
    if not {"sign", "verify"}.isdisjoint(listed):  # check: K5
        raise messages.key_usage("a key whose `key_ops` allow signatures, too")
    return frozenset(listed)


def _private(jwk: Mapping[str, object], kty: str) -> PrivateKey | bytes:
    if kty == "oct":
        return bytes_member(jwk, "k", "a secret")
    if kty not in ("RSA", "EC", "OKP"):
        raise messages.key_usage("a key of a kind that no algorithm of the table has")
    if "d" not in jwk:
        raise decryption_messages.key_public()
    if kty == "RSA":
        return _rsa(jwk)
    crv = text_member(jwk, "crv")
    if crv is None:
        raise messages.key_malformed("a key without `crv`")
    if kty == "OKP":
        return _x25519(jwk, crv)
    return _ec(jwk, crv)


def _ec(jwk: Mapping[str, object], crv: str) -> ec.EllipticCurvePrivateKey:
    if crv not in _CURVES:
        raise messages.key_usage("an EC key of a curve that no algorithm of the table has")
    curve, length = _CURVES[crv]
    x, y, d = (int.from_bytes(_of_length(jwk, name, length), "big") for name in ("x", "y", "d"))
    try:
        key = ec.derive_private_key(d, curve)
    except ValueError:
        raise messages.key_invalid(f"a private number that is none of {crv}") from None
    if key.public_key().public_numbers() != ec.EllipticCurvePublicNumbers(x, y, curve):
        raise messages.key_invalid("a private number that does not belong to the public point")
    return key


def _x25519(jwk: Mapping[str, object], crv: str) -> X25519PrivateKey:
    if crv != "X25519":
        raise messages.key_usage("a key of a curve that no algorithm of the table has")
    key = X25519PrivateKey.from_private_bytes(_of_length(jwk, "d", _X25519_BYTES))
    if key.public_key().public_bytes_raw() != _of_length(jwk, "x", _X25519_BYTES):
        raise messages.key_invalid("a private number that does not belong to the public point")
    return key


def _rsa(jwk: Mapping[str, object]) -> rsa.RSAPrivateKey:
    if "oth" in jwk:
        raise messages.key_usage("an RSA key of more than two primes")
    there = [name for name in _FACTORS if name in jwk]
    if there and len(there) != len(_FACTORS):  # RFC 7518, section 6.3.2: all or none
        raise messages.key_malformed("an RSA key with some of `p`, `q`, `dp`, `dq` and `qi`, and not all")
    for name in ("n", "e", "d", *there):
        value = jwk.get(name)
        if isinstance(value, str) and len(value) > _MAX_RSA_CHARACTERS:  # before any arithmetic
            raise messages.key_invalid(f"an RSA key of more than {MAX_RSA_BITS} bits")
    numbers = {
        name: int.from_bytes(bytes_member(jwk, name, "an RSA number"), "big") for name in ("n", "e", "d", *there)
    }
    n, e, d = numbers["n"], numbers["e"], numbers["d"]
    check_rsa(modulus=n, exponent=e)
    try:
        if there:
            p, q, dp, dq, qi = (numbers[name] for name in _FACTORS)
        else:
            if pow(2, e * d - 1, n) != 1:  # finding factors that are not there takes seconds
                raise ValueError
            p, q = rsa.rsa_recover_prime_factors(n, e, d)
            dp, dq, qi = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
        public = rsa.RSAPublicNumbers(e, n)
        return rsa.RSAPrivateNumbers(p=p, q=q, d=d, dmp1=dp, dmq1=dq, iqmp=qi, public_numbers=public).private_key()
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise messages.key_invalid("numbers that are no RSA key") from None


def _of_length(jwk: Mapping[str, object], name: str, length: int) -> bytes:
    """RFC 7518, sections 6.2.1.2 and 6.2.2.1; RFC 8037, section 2: as long as the field."""
    value = bytes_member(jwk, name, "a number")
    if len(value) != length:
        raise messages.key_invalid(f"`{name}` of {len(value)} bytes, where the curve has {length}")
    return value
