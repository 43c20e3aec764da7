"""Is this a key to rely on? Input: numbers or bytes of a key. Output: nothing, or KeyRefused.

Never shows material.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from math import gcd
from typing import Final, NamedTuple

from policyjwt.tokens import messages
from policyjwt.tokens.limits import MAX_RSA_BITS, MAX_RSA_EXPONENT_BITS, MIN_RSA_BITS

# --- RSA -----------------------------------------------------------------------------------------------

_ROCA_PRIMES: Final = tuple(p for p in range(3, 168) if all(p % q for q in range(2, p)))
"""With 2 the first 39: primes of the Infineon library are 65537^a modulo their product, for every size."""

_SMALL_FACTORS: Final = 16294579238595022365
"""3 · 5 · … · 53: a product of two large primes shares no factor with it."""


def check_rsa(*, modulus: int, exponent: int) -> None:
    """RFC 7518, section 3.3. Sizes come first: what follows costs more the larger the numbers are.

    The exponent is odd and at least 3: 3 is allowed, because signatures are compared with the whole padded
    hash, so that small exponents give no forgery. The exponent 1 accepts everything.
    """
    bits = modulus.bit_length()
    if bits < MIN_RSA_BITS:
        raise messages.key_weak(f"an RSA key of {bits} bits, where at least {MIN_RSA_BITS} are needed")
    if bits > MAX_RSA_BITS:
        raise messages.key_invalid(f"an RSA key of {bits} bits, where at most {MAX_RSA_BITS} are taken")
    if exponent.bit_length() > MAX_RSA_EXPONENT_BITS:
        raise messages.key_invalid(f"an RSA exponent of more than {MAX_RSA_EXPONENT_BITS} bits")
    if exponent < 3 or exponent % 2 == 0:
        raise messages.key_invalid("an RSA exponent that is even or less than 3")
    if modulus % 2 == 0:
        raise messages.key_invalid("an even RSA modulus")
    if gcd(modulus, _SMALL_FACTORS) != 1:
        raise messages.key_weak("an RSA modulus with a small factor")
    if _is_roca(modulus):
        raise messages.key_weak(
            "an RSA key whose private part can be computed (CVE-2017-15361)",
            help="replace it by one that was not made by the affected chips",
        )


def _is_roca(modulus: int) -> bool:
    """Whether the modulus is a power of 65537 modulo the product of the primes (Nemec and others, 2017).

    The discrete logarithm exists if it exists modulo each prime and these agree. By chance: once in 2^154
    keys.
    """
    logarithm, order = 0, 1
    for prime in _ROCA_PRIMES:
        powers = _powers_of_65537(prime)
        rest = modulus % prime
        if rest not in powers:
            return False
        # Merge two congruences: logarithm (mod order) and powers.index(rest) (mod len(powers)).
        step, wanted = order, powers.index(rest)
        for _ in range(len(powers)):
            if logarithm % len(powers) == wanted:
                break
            logarithm += step
        else:
            return False
        order = order * len(powers) // gcd(order, len(powers))
    return True


def _powers_of_65537(prime: int) -> list[int]:
    powers = [1]
    while (following := powers[-1] * 65537 % prime) != 1:
        powers.append(following)
    return powers


# --- Ed25519 and Ed448 ---------------------------------------------------------------------------------


class _Edwards(NamedTuple):
    """a·x² + y² = 1 + d·x²·y² modulo p; the cofactor is 2 to the power of `doublings`."""

    p: int
    a: int
    d: int
    length: int
    doublings: int


_P25519: Final = 2**255 - 19
_P448: Final = 2**448 - 2**224 - 1
_EDWARDS: Final = {
    "Ed25519": _Edwards(_P25519, -1, -121665 * pow(121666, -1, _P25519), 32, 3),
    "Ed448": _Edwards(_P448, 1, -39081, 57, 2),
}


def check_edwards(raw: bytes, *, curve: str) -> None:
    """RFC 8032, sections 5.1.3 and 5.2.3, and no point of small order: it would verify anything."""
    p, a, d, length, doublings = _EDWARDS[curve]
    if len(raw) != length:
        raise messages.key_invalid(f"a public key of {len(raw)} bytes, where {curve} has {length}")
    y = int.from_bytes(raw, "little") & ((1 << (8 * length - 1)) - 1)  # the top bit is the sign of x
    if y >= p:
        raise messages.key_invalid(f"an {curve} key that is not in its one spelling")
    if not _is_on_curve(y, p=p, a=a, d=d):
        raise messages.key_invalid(f"an {curve} key that is no point of the curve")
    for _ in range(doublings):
        x_squared = (y * y - 1) * pow(d * y * y - a, -1, p)
        y = (y * y - a * x_squared) * pow(2 - a * x_squared - y * y, -1, p) % p
    if y == 1:
        raise messages.key_weak(f"an {curve} key of small order, for which anybody can sign")


def _is_on_curve(y: int, *, p: int, a: int, d: int) -> bool:
    """Whether x² = (y² − 1)/(d·y² − a) has a root; a product is a square if the quotient is."""
    product = (y * y - 1) * (d * y * y - a) % p
    return product == 0 or pow(product, (p - 1) // 2, p) == 1


# --- shared secrets ------------------------------------------------------------------------------------

_PUBLIC_TEXT: Final = re.compile(
    rb"-----BEGIN |^\s*(ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)|^[\s\xef\xbb\xbf]*\{.*\"(kty|keys)\"", re.DOTALL
)
_BASE64_TEXT: Final = re.compile(rb"M[A-Za-z0-9+/\s_-]+=*\s*")
_LONGEST_PIECE: Final = 16

_PUBLISHED: Final = frozenset(
    {
        b"a-string-secret-at-least-256-bits-long",
        b"a-valid-string-secret-that-is-at-least-384-bits-long",
        b"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    }
)
"""Secrets that jwt.io shows to everybody and that are long enough to get through."""


def check_secret(secret: bytes) -> None:
    """RFC 7518, section 3.2, and RFC 8725, section 3.5: long enough, and nothing that others know."""
    if not secret:
        raise messages.key_weak("an empty secret")  # CVE-2020-28637, CVE-2019-20933
    if is_key_text(secret):
        raise messages.key_type_confusion(
            "the text of a key or a certificate as a shared secret",
            help="with a public key use an asymmetric algorithm; a shared secret is random bytes",
        )
    if len(secret) < 32:
        raise messages.key_weak(f"a secret of {len(secret)} bytes, where HS256 needs 32, HS384 48, HS512 64")
    if secret in _PUBLISHED or _repeats(secret):
        raise messages.key_weak("a secret that is published or repeats itself")


def is_key_text(secret: bytes) -> bool:
    """Whether it is the text of a key or a certificate: whoever sees that has the secret."""
    return bool(_PUBLIC_TEXT.search(secret)) or _is_der_key(secret) or _is_der_key(_from_base64(secret))


def _repeats(secret: bytes) -> bool:
    """Whether it is a short piece again and again: one byte, or `changeme` four times."""
    pieces = range(1, _LONGEST_PIECE + 1)
    return any(secret[size:] == secret[:-size] for size in pieces)


def _from_base64(secret: bytes) -> bytes:
    """What the body of a PEM on one line holds; nothing for any other text."""
    if not _BASE64_TEXT.fullmatch(secret):
        return b""
    try:
        return urlsafe_b64decode(b"".join(secret.split()).translate(bytes.maketrans(b"+/", b"-_")))
    except ValueError:
        return b""


def _is_der_key(secret: bytes) -> bool:
    """Whether it is a key or a certificate in DER: a sequence over the whole length that begins as theirs."""
    if secret[:1] != b"\x30" or len(secret) < 32:
        return False
    head = {0x81: 1, 0x82: 2, 0x83: 3}.get(secret[1], 0)
    length = int.from_bytes(secret[2 : 2 + head], "big") if head else secret[1]
    return len(secret) == 2 + head + length and secret[2 + head] in (0x30, 0x02)
