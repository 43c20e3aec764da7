"""The header parameter `x5c`. Input: a decoded header. Output: its certificates, leaf first, or TokenRefused `x5c.…`.

Nothing is verified here, and nothing that is read here is bigger than what verifying it may cost. RFC 7515,
sections 4.1.6 to 4.1.8.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import (
    Certificate,
    ExtensionType,
    NameConstraints,
    SubjectAlternativeName,
    UnsupportedGeneralNameType,
)

from policyjwt.errors import TokenRefused
from policyjwt.tokens import base64url, x5c_messages

MAX_CERTIFICATES: Final = 6
"""Leaf, four intermediates and root. Real paths have two to four."""

MAX_CERTIFICATE_BYTES: Final = 8 * 1024
"""An RSA-4096 certificate of an authority with long policies has 2.5 KB."""

MAX_BYTES: Final = 16 * 1024
"""All certificates together."""

MAX_EXTENSIONS: Final = 32
"""Of one certificate. Real ones have up to 15."""

MAX_RSA_BITS: Final = 8192
"""A signature check of 16384 bits costs four times as much, and each certificate is checked more than once."""

MAX_RSA_EXPONENT_BITS: Final = 33
"""Up to the fifth Fermat number. An exponent as long as its modulus makes a check 70 times as slow."""

MAX_NAMES: Final = 256
"""Alternative names and name constraints of all certificates together."""

MAX_NAME_COMPARISONS: Final = 4096
"""Names times name constraints: each is compared with each. Go's and webpki's own limit is a million, 200 ms."""

NONE_KNOWN: Final[Mapping[bytes, Certificate]] = MappingProxyType({})
"""No certificate has been read before."""

_T = TypeVar("_T")


def read(header: Mapping[str, object], *, known: Mapping[bytes, Certificate] = NONE_KNOWN) -> tuple[Certificate, ...]:
    """The certificates of the header, decoded, within the limits, and in accord with `x5t` and `x5t#S256`.

    `known` are some that this function gave before, by their DER.
    """
    encoded = _encoded(header)
    _check_thumbprints(header, encoded[0])
    certificates = tuple(known.get(der) or _certificate(der, place(number)) for number, der in enumerate(encoded))
    check_work(certificates)
    return certificates


def place(number: int) -> str:
    """How a message names the certificate of this index."""
    return f"certificate {number + 1} of `x5c`"


def guarded(call: Callable[[], _T], refusal: Callable[[], TokenRefused]) -> _T:
    """What `call` answers, and `refusal` for all that `cryptography` raises of hostile certificates."""
    try:
        return call()
    except TokenRefused:
        raise
    except Exception:  # noqa: BLE001 - fail-closed border: ValueError, TypeError, UnsupportedAlgorithm and more
        raise refusal() from None
    except BaseException as fault:
        # A panic of its Rust part is no Exception, has no public name, and must not end a service.
        if type(fault).__module__ != "pyo3_runtime":
            raise
        raise refusal() from None


# --- the form ---------------------------------------------------------------------------------------------


def _encoded(header: Mapping[str, object]) -> list[bytes]:
    """The DER of each: list, count, sizes and base64 are judged before any ASN.1 is read."""
    if "x5c" not in header:  # check: J6
        raise x5c_messages.missing()
    listed = header["x5c"]
    if not isinstance(listed, list):  # check: J6
        raise x5c_messages.malformed(actual="`x5c` is no list")
    if not listed:  # check: J6
        raise x5c_messages.missing(actual="`x5c` is empty")
    if len(listed) > MAX_CERTIFICATES:  # check: J6
        raise x5c_messages.too_long(
            actual=f"`x5c` has {len(listed)} certificates", expected=f"at most {MAX_CERTIFICATES}"
        )
    encoded = [_decoded(text, place(number)) for number, text in enumerate(listed)]
    total = sum(map(len, encoded))
    if total > MAX_BYTES:  # check: J6
        raise x5c_messages.too_long(
            actual=f"the certificates of `x5c` have {total} bytes", expected=f"at most {MAX_BYTES} together"
        )
    return encoded


def _decoded(text: object, where: str) -> bytes:
    """RFC 7515, section 4.1.6: base64 (not base64url), RFC 4648, section 4; in its one spelling."""
    if not isinstance(text, str):  # check: J6
        raise x5c_messages.malformed(actual=f"{where} is no string")
    if len(text) > (MAX_CERTIFICATE_BYTES + 2) // 3 * 4:  # check: J6
        raise x5c_messages.too_long(
            actual=f"{where} has more than {MAX_CERTIFICATE_BYTES} bytes",
            expected=f"at most {MAX_CERTIFICATE_BYTES} in one certificate",
        )
    try:
        der = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):  # ValueError: characters beyond ASCII
        raise x5c_messages.malformed(actual=f"{where} is not in standard base64") from None
    if b64encode(der).decode() != text:  # check: J6
        raise x5c_messages.malformed(actual=f"{where} is not in the one spelling that base64 has for it")
    return der


def _certificate(der: bytes, where: str) -> Certificate:
    def refusal() -> TokenRefused:
        return x5c_messages.malformed(actual=f"{where} is no certificate in DER")

    certificate = guarded(lambda: x509.load_der_x509_certificate(der), refusal)
    # Names and dates are decoded when they are asked for: now, so that nothing later can fail on them.
    guarded(lambda: _read_all(certificate), refusal)
    # The octet before a signature counts its unused bits. Nothing signs it, and `cryptography` passes over it: one
    # certificate would have several spellings, each with a thumbprint of its own.
    if not der.endswith(b"\0" + certificate.signature):  # check: J6
        raise x5c_messages.malformed(actual=f"{where} has a signature with unused bits")
    return certificate


def _read_all(certificate: Certificate) -> None:
    """Asks for everything of a certificate that is decoded late."""
    if certificate.not_valid_before_utc > certificate.not_valid_after_utc:  # check: J6
        raise ValueError("ends before it begins")
    if certificate.serial_number < 1:  # check: J6
        raise ValueError("has no serial number that RFC 5280 allows")
    _ = certificate.subject, certificate.issuer, certificate.signature_algorithm_oid


def _check_thumbprints(header: Mapping[str, object], leaf: bytes) -> None:
    """Both, where both are there. SHA-1 is here a name for a certificate that is compared whole besides."""
    for name, digest in (("x5t#S256", hashlib.sha256), ("x5t", hashlib.sha1)):
        if name not in header:
            continue
        value = header[name]
        if not isinstance(value, str):  # check: J7
            raise x5c_messages.conflict(name=name, actual=f"`{name}` is no string")
        wanted = base64url.encode(digest(leaf).digest())
        if not hmac.compare_digest(value.encode("utf-8", "surrogatepass"), wanted.encode()):  # check: J7
            raise x5c_messages.conflict(name=name, actual=f"`{name}` is of another certificate than the first of `x5c`")


# --- what verifying would cost ----------------------------------------------------------------------------


def check_work(certificates: tuple[Certificate, ...]) -> None:
    """Refuses certificates whose keys, extensions or names would make the verification slow."""
    names = constraints = 0
    for number, certificate in enumerate(certificates):
        where = place(number)
        _check_key(certificate, where)
        extensions = _extensions(certificate, where)
        if len(extensions) > MAX_EXTENSIONS:  # check: J6
            raise x5c_messages.too_long(
                actual=f"{where} has {len(extensions)} extensions", expected=f"at most {MAX_EXTENSIONS}"
            )
        for extension in extensions:
            if type(extension) is SubjectAlternativeName:  # isinstance asks the abstract base each time
                names += len(list(extension))
            elif type(extension) is NameConstraints:
                constraints += len(extension.permitted_subtrees or ()) + len(extension.excluded_subtrees or ())
    if names + constraints > MAX_NAMES:  # check: J6
        raise x5c_messages.too_long(
            actual=f"the certificates of `x5c` hold {names + constraints} names and name constraints",
            expected=f"at most {MAX_NAMES} together",
        )
    if names * constraints > MAX_NAME_COMPARISONS:  # check: J6
        raise x5c_messages.too_long(
            actual=f"{names} names would have to be compared with {constraints} name constraints",
            expected=f"at most {MAX_NAME_COMPARISONS} comparisons",
        )


def _check_key(certificate: Certificate, where: str) -> None:
    """CVE-2020-0601: a curve with parameters of its own has no name, and is no key here."""
    public = guarded(certificate.public_key, lambda: x5c_messages.malformed(actual=f"the key of {where} can't be read"))
    if not isinstance(public, RSAPublicKey):
        return
    if public.key_size > MAX_RSA_BITS:  # check: J6
        raise x5c_messages.too_long(
            actual=f"{where} has an RSA key of {public.key_size} bits", expected=f"at most {MAX_RSA_BITS} bits"
        )
    if public.public_numbers().e.bit_length() > MAX_RSA_EXPONENT_BITS:  # check: J6
        raise x5c_messages.too_long(
            actual=f"{where} has an RSA exponent of more than {MAX_RSA_EXPONENT_BITS} bits",
            expected="an exponent such as 65537",
        )


def _extensions(certificate: Certificate, where: str) -> tuple[ExtensionType, ...]:
    def parsed() -> tuple[ExtensionType, ...]:
        try:
            return tuple(extension.value for extension in certificate.extensions)
        except Exception as fault:
            if isinstance(fault, UnsupportedGeneralNameType):  # check: P8
                raise x5c_messages.path_invalid(actual=f"{where} has a name of a kind that is not understood") from None
            raise

    return guarded(parsed, lambda: x5c_messages.malformed(actual=f"the extensions of {where} can't be read"))
