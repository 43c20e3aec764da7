"""The header parameter `x5c`: form, limits, thumbprints. Tables of cases; each line is one fault."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from policyjwt.errors import TokenRefused
from policyjwt.tokens import x5c, x5c_messages
from policyjwt.tokens.base64url import encode
from policyjwt.tokens.certificate_path import find_path
from tests.der import BIT_STRING, SEQUENCE, inside, tlv
from tests.issuer import NOW
from tests.pki import Party, leaf, party, pki, sign
from tests.tokens.chains import BASIC, LEAF, NAMED, SIGNS, demand, end, header, refusal

GOOD = pki().x5c
FIRST = GOOD[0]


def swapped(text: str) -> str:
    """The same in base64url, with characters that differ."""
    return base64.urlsafe_b64encode(base64.b64decode(text)).decode()


def der(text: str) -> bytes:
    return base64.b64decode(text)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


LINE = "\n".join(FIRST[i : i + 64] for i in range(0, len(FIRST), 64))
NOT_BASE64 = "certificate 1 of `x5c` is not in standard base64"
NOT_DER = "certificate 1 of `x5c` is no certificate in DER"

FORMS: dict[str, tuple[object, str, str]] = {
    "empty": ([], "x5c.missing", "`x5c` is empty"),
    "null": (None, "x5c.malformed", "`x5c` is no list"),
    "string": (FIRST, "x5c.malformed", "`x5c` is no list"),
    "short string": ("AAAA", "x5c.malformed", "`x5c` is no list"),
    "object": ({"0": FIRST}, "x5c.malformed", "`x5c` is no list"),
    "number": (1, "x5c.malformed", "`x5c` is no list"),
    "seven": ([FIRST] * 7, "x5c.too_long", "`x5c` has 7 certificates"),
    "ten thousand": (["A"] * 10_000, "x5c.too_long", "`x5c` has 10000 certificates"),
    "number in it": ([FIRST, 1], "x5c.malformed", "certificate 2 of `x5c` is no string"),
    "null in it": ([None], "x5c.malformed", "certificate 1 of `x5c` is no string"),
    "list in it": ([[FIRST]], "x5c.malformed", "certificate 1 of `x5c` is no string"),
    "beyond ASCII": (["ä" * 8], "x5c.malformed", NOT_BASE64),
    "lone surrogate": (["\ud800" * 4], "x5c.malformed", NOT_BASE64),
    "base64url": ([swapped(b64(b"\xfb\xff" * 60))], "x5c.malformed", NOT_BASE64),
    "PEM": ([pki().leaf.pem.decode()], "x5c.malformed", NOT_BASE64),
    "lines": ([LINE], "x5c.malformed", NOT_BASE64),
    "a line end": ([FIRST + "\n"], "x5c.malformed", NOT_BASE64),
    "padding missing": ([b64(b"\x30" * 100).rstrip("=")], "x5c.malformed", NOT_BASE64),
    "unused bits": (
        [b64(b"\x30" * 100)[:-3] + "B=="],
        "x5c.malformed",
        "certificate 1 of `x5c` is not in the one spelling that base64 has for it",
    ),
    "no DER": ([b64(b"certificate")], "x5c.malformed", NOT_DER),
    "nothing": ([""], "x5c.malformed", NOT_DER),
    "a byte too many": ([b64(der(FIRST) + b"\0")], "x5c.malformed", NOT_DER),
    "a byte too few": ([b64(der(FIRST)[:-1])], "x5c.malformed", NOT_DER),
    "a second bad one": (
        [FIRST, b64(b"x")],
        "x5c.malformed",
        "certificate 2 of `x5c` is no certificate in DER",
    ),
    "BER length": ([b64(b"\x30\x83\x00" + der(FIRST)[2:])], "x5c.malformed", NOT_DER),
}


@pytest.mark.parametrize(("value", "code", "actual"), FORMS.values(), ids=FORMS.keys())
def test_form(value: object, code: str, actual: str) -> None:
    assert refusal({"x5c": value}) == (code, actual)


def test_absent() -> None:
    assert refusal({"alg": "ES256"}) == ("x5c.missing", "the header has no `x5c`")


def test_six_certificates_are_read_and_no_more() -> None:
    assert len(x5c.read({"x5c": [FIRST] * 6})) == x5c.MAX_CERTIFICATES == 6
    assert refusal({"x5c": [FIRST] * 7})[0] == "x5c.too_long"


def test_too_many_are_counted_before_one_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[object] = []
    monkeypatch.setattr(x5c, "_decoded", lambda text, where: decoded.append(text))
    assert refusal({"x5c": ["A"] * 100_000})[0] == "x5c.too_long"
    assert decoded == []


def test_sizes_are_judged_before_any_certificate_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(x5c, "_certificate", lambda data, where: read.append(data))
    one = b64(b"\0" * x5c.MAX_CERTIFICATE_BYTES)
    more = b64(b"\0" * (x5c.MAX_CERTIFICATE_BYTES + 2))
    assert refusal({"x5c": [more]}) == ("x5c.too_long", "certificate 1 of `x5c` has more than 8192 bytes")
    assert refusal({"x5c": ["A" * 1_000_000]})[0] == "x5c.too_long"
    rest = x5c.MAX_BYTES - x5c.MAX_CERTIFICATE_BYTES
    assert refusal({"x5c": [one, b64(b"\0" * rest), b64(b"\0")]}) == (
        "x5c.too_long",
        "the certificates of `x5c` have 16385 bytes",
    )
    assert read == []
    monkeypatch.setattr(x5c, "check_work", lambda _: None)
    assert len(x5c.read({"x5c": [one, b64(b"\0" * rest)]})) == 2
    assert len(x5c.read({"x5c": [one, b64(b"\0" * (rest - 1))]})) == 2
    assert [len(each) for each in read] == [8192, 8192, 8192, 8191]


# --- what a certificate is --------------------------------------------------------------------------------


def changed(made: Party, **parts: bytes) -> str:
    """The certificate with other bytes for a part of its signed content, signed again by whoever signed it."""
    content, algorithm, _ = inside(made.der)
    order = ("version", "serial", "algorithm", "issuer", "validity", "subject", "key", "extensions")
    pieces = {name: element.whole for name, element in zip(order, inside(content.whole), strict=True)} | parts
    data = tlv(SEQUENCE, *(pieces[name] for name in order))
    assert made.above is not None
    signature = tlv(BIT_STRING, b"\0", sign(made.above.private, data))
    return b64(tlv(SEQUENCE, data, algorithm.whole, signature))


def test_a_certificate_that_is_signed_again_unchanged_is_good() -> None:
    path = find_path({"x5c": [changed(pki().leaf), GOOD[1]]}, demand(), alg="ES256", now=NOW)
    assert len(path.certificates) == 3


@pytest.mark.parametrize("serial", [b"\x02\x01\x00", b"\x02\x01\xff"], ids=["zero", "negative"])
@pytest.mark.filterwarnings("ignore")
def test_serial_numbers_are_positive(serial: bytes) -> None:
    """RFC 5280, section 4.1.2.2."""
    assert refusal({"x5c": [changed(pki().leaf, serial=serial), GOOD[1]]}) == ("x5c.malformed", NOT_DER)


def test_a_certificate_does_not_end_before_it_begins() -> None:
    backwards = tlv(SEQUENCE, tlv(0x17, b"300101000000Z"), tlv(0x17, b"200101000000Z"))
    assert refusal({"x5c": [changed(pki().leaf, validity=backwards), GOOD[1]]}) == ("x5c.malformed", NOT_DER)


@pytest.mark.parametrize(
    "validity",
    [b"00000101000000Z", b"20230101000000.5Z", b"20230101000000+0100", b"20231301000000Z"],
)
def test_times_that_no_calendar_or_DER_has(validity: bytes) -> None:  # noqa: N802 - DER is written so
    odd = tlv(SEQUENCE, tlv(0x18, validity), tlv(0x18, b"20990101000000Z"))
    assert refusal({"x5c": [changed(pki().leaf, validity=odd), GOOD[1]]}) == ("x5c.malformed", NOT_DER)


def extended(*more: bytes) -> bytes:
    """The extensions of the good leaf and more."""
    ours = inside(inside(inside(pki().leaf.der)[0].whole)[7].whole)[0]
    return tlv(0xA3, tlv(SEQUENCE, ours.content, *more))


def raw(oid: bytes, value: bytes) -> bytes:
    return tlv(SEQUENCE, tlv(0x06, oid), tlv(0x04, value))


UNREADABLE = "the extensions of certificate 1 of `x5c` can't be read"
ALT, KEY_USAGE, POLICIES = b"\x55\x1d\x11", b"\x55\x1d\x0f", b"\x55\x1d\x20"
EXTENSIONS: dict[str, tuple[bytes, str, str]] = {
    "twice": (raw(KEY_USAGE, b"\x03\x02\x07\x80"), "x5c.malformed", UNREADABLE),
    "policies that are none": (raw(POLICIES, b"\x05\x00"), "x5c.malformed", UNREADABLE),
    "issuer alternative name with an X.400 address": (
        raw(b"\x55\x1d\x12", tlv(SEQUENCE, tlv(0xA3, b""))),
        "x5c.path_invalid",
        "certificate 1 of `x5c` has a name of a kind that is not understood",
    ),
    "issuer alternative name with an EDI party": (
        raw(b"\x55\x1d\x12", tlv(SEQUENCE, tlv(0xA5, tlv(0xA1, tlv(0x0C, b"x"))))),
        "x5c.path_invalid",
        "certificate 1 of `x5c` has a name of a kind that is not understood",
    ),
}


@pytest.mark.parametrize(("more", "code", "actual"), EXTENSIONS.values(), ids=EXTENSIONS.keys())
def test_extensions_that_the_library_does_not_read(more: bytes, code: str, actual: str) -> None:
    """Names of some kinds raise an exception of another family (sigstore-python #1867)."""
    text = changed(pki().leaf, extensions=extended(more))
    assert refusal({"x5c": [text, GOOD[1]]}) == (code, actual)


def test_explicit_curve_parameters() -> None:
    """CVE-2020-0601: P-256 with a generator of the attacker's choice."""
    public = inside(inside(inside(pki().leaf.der)[0].whole)[6].whole)
    own_curve = tlv(SEQUENCE, tlv(0x02, b"\x01"), tlv(SEQUENCE, tlv(0x06, bytes.fromhex("2a8648ce3d0101"))))
    algorithm = tlv(SEQUENCE, tlv(0x06, bytes.fromhex("2a8648ce3d0201")), own_curve)
    text = changed(pki().leaf, key=tlv(SEQUENCE, algorithm, public[1].whole))
    code, actual = refusal({"x5c": [text, GOOD[1]]})
    assert code == "x5c.malformed"
    assert actual in (NOT_DER, "the key of certificate 1 of `x5c` can't be read")


def test_a_key_that_is_none() -> None:
    algorithm = tlv(SEQUENCE, tlv(0x06, bytes.fromhex("2a8648ce3d0201")), tlv(0x06, bytes.fromhex("2a8648ce3d030107")))
    text = changed(pki().leaf, key=tlv(SEQUENCE, algorithm, tlv(BIT_STRING, b"\0\4" + b"\1" * 64)))
    assert refusal({"x5c": [text, GOOD[1]]}) == (
        "x5c.malformed",
        "the key of certificate 1 of `x5c` can't be read",
    )


# --- what verifying would cost ----------------------------------------------------------------------------


def names(count: int) -> tuple[x509.ExtensionType, bool]:
    return x509.SubjectAlternativeName([x509.DNSName("a.example")] * count), False


def constrained(count: int) -> list[tuple[x509.ExtensionType, bool]]:
    allowed = [x509.DNSName("example"), *(x509.DNSName(f"x{i}.example") for i in range(count - 1))]
    return [BASIC, SIGNS, (x509.NameConstraints(allowed, None), True)]


def with_names(own: int, limits: int) -> list[Party]:
    middle = party("Middle", pki().root, extensions=constrained(limits) if limits else [BASIC, SIGNS])
    return [party("idp", middle, extensions=[LEAF, names(own)]), middle]


WORK: dict[str, tuple[Callable[[], list[Party]], str | None]] = {
    "255 names": (lambda: with_names(255, 0), None),
    "256 names": (lambda: with_names(256, 0), None),
    "257 names": (lambda: with_names(257, 0), "the certificates of `x5c` hold 257 names and name constraints"),
    "255 with a constraint": (lambda: with_names(255, 1), None),
    "256 with a constraint": (
        lambda: with_names(256, 1),
        "the certificates of `x5c` hold 257 names and name constraints",
    ),
    "63 times 65": (lambda: with_names(63, 65), None),
    "64 times 64": (lambda: with_names(64, 64), None),
    "64 times 65": (
        lambda: with_names(64, 65),
        "64 names would have to be compared with 65 name constraints",
    ),
}


@pytest.mark.parametrize(("make", "actual"), WORK.values(), ids=WORK.keys())
def test_names_are_counted_before_they_are_compared(make: Callable[[], list[Party]], actual: str | None) -> None:
    chain = make()
    if actual is None:
        assert refusal(chain)[0] == "x5c.identity_mismatch"  # the path is valid: DNS names, and the policy wants a URI
    else:
        assert refusal(chain) == ("x5c.too_long", actual)


@pytest.mark.parametrize(("own", "good"), [(27, True), (28, True), (29, False)])
def test_extensions_are_counted(own: int, good: bool) -> None:  # noqa: FBT001
    """Besides these: key usage, alternative name, and both key identifiers."""
    unknown = [(x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{i}"), b""), False) for i in range(own)]
    chain = end(LEAF, NAMED, *unknown)
    if good:
        assert len(x5c.read(header(*chain))) == 2
    else:
        assert refusal(chain) == ("x5c.too_long", "certificate 1 of `x5c` has 33 extensions")


class Key(rsa.RSAPublicKey):
    """An RSA key of any size without the time to make one."""

    def __init__(self, bits: int, exponent: int) -> None:
        self.bits, self.exponent = bits, exponent

    @property
    def key_size(self) -> int:
        return self.bits

    def public_numbers(self) -> rsa.RSAPublicNumbers:
        return rsa.RSAPublicNumbers(self.exponent, 3)

    def _never(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a key that is too large was used")

    encrypt = verify = public_bytes = recover_data_from_signature = __eq__ = __copy__ = __deepcopy__ = _never


class Bearer:
    """As much of a certificate as the check of its key looks at."""

    def __init__(self, bits: int, exponent: int) -> None:
        self.key = Key(bits, exponent)

    def public_key(self) -> Key:
        return self.key


KEYS = [
    (8191, 65537, None),
    (8192, 65537, None),
    (8193, 65537, "certificate 2 of `x5c` has an RSA key of 8193 bits"),
    (65536, 65537, "certificate 2 of `x5c` has an RSA key of 65536 bits"),
    (2048, 2**32 - 1, None),
    (2048, 2**32 + 1, None),
    (2048, 2**33 + 1, "certificate 2 of `x5c` has an RSA exponent of more than 33 bits"),
]


@pytest.mark.parametrize(("bits", "exponent", "actual"), KEYS)
def test_keys_are_measured_before_they_are_used(bits: int, exponent: int, actual: str | None) -> None:
    bearer: Any = Bearer(bits, exponent)
    if actual is None:
        x5c._check_key(bearer, x5c.place(1))
        assert bearer.public_key().key_size == bits
        return
    with pytest.raises(TokenRefused) as caught:
        x5c._check_key(bearer, x5c.place(1))
    assert (caught.value.code, caught.value.actual) == ("x5c.too_long", actual)


def test_a_giant_key_in_a_real_certificate() -> None:
    """A modulus that nobody needs to be able to factor: the certificate is never asked to verify anything."""
    modulus, exponent = (1 << 16383) | 1, 65537
    numbers = tlv(SEQUENCE, tlv(0x02, b"\0" + modulus.to_bytes(2048, "big")), tlv(0x02, exponent.to_bytes(3, "big")))
    rsa_key = tlv(SEQUENCE, tlv(0x06, bytes.fromhex("2a864886f70d010101")), b"\5\0")
    text = changed(pki().intermediate, key=tlv(SEQUENCE, rsa_key, tlv(BIT_STRING, b"\0", numbers)))
    assert refusal({"x5c": [FIRST, text]}) == ("x5c.too_long", "certificate 2 of `x5c` has an RSA key of 16384 bits")


# --- thumbprints ------------------------------------------------------------------------------------------


def s256(text: str) -> str:
    return encode(hashlib.sha256(der(text)).digest())


def s1(text: str) -> str:
    return encode(hashlib.sha1(der(text)).digest())


OTHER = "is of another certificate than the first of `x5c`"
THUMBPRINTS: dict[str, tuple[dict[str, object], str | None]] = {
    "S256": ({"x5t#S256": s256(FIRST)}, None),
    "SHA-1": ({"x5t": s1(FIRST)}, None),
    "both": ({"x5t#S256": s256(FIRST), "x5t": s1(FIRST)}, None),
    "S256 of the intermediate": ({"x5t#S256": s256(GOOD[1])}, f"`x5t#S256` {OTHER}"),
    "SHA-1 of the intermediate": ({"x5t": s1(GOOD[1])}, f"`x5t` {OTHER}"),
    "S256 good, SHA-1 not": ({"x5t#S256": s256(FIRST), "x5t": s1(GOOD[1])}, f"`x5t` {OTHER}"),
    "SHA-1 good, S256 not": ({"x5t#S256": s256(GOOD[1]), "x5t": s1(FIRST)}, f"`x5t#S256` {OTHER}"),
    "one in place of the other": ({"x5t": s256(FIRST)}, f"`x5t` {OTHER}"),
    "padded": ({"x5t#S256": s256(FIRST) + "="}, f"`x5t#S256` {OTHER}"),
    "hexadecimal": ({"x5t#S256": hashlib.sha256(der(FIRST)).hexdigest()}, f"`x5t#S256` {OTHER}"),
    "empty": ({"x5t#S256": ""}, f"`x5t#S256` {OTHER}"),
    "lone surrogate": ({"x5t#S256": "\ud800"}, f"`x5t#S256` {OTHER}"),
    "null": ({"x5t#S256": None}, "`x5t#S256` is no string"),
    "number": ({"x5t": 1}, "`x5t` is no string"),
    "list": ({"x5t": [s1(FIRST)]}, "`x5t` is no string"),
}


@pytest.mark.parametrize(("members", "actual"), THUMBPRINTS.values(), ids=THUMBPRINTS.keys())
def test_x25_thumbprints(members: dict[str, object], actual: str | None) -> None:
    given = header(pki().leaf, pki().intermediate, **members)
    if actual is None:
        assert len(find_path(given, demand(), alg="ES256", now=NOW).certificates) == 3
    else:
        assert refusal(given) == ("x5c.conflict", actual)


# --- borders ----------------------------------------------------------------------------------------------


PANIC = next(each for each in BaseException.__subclasses__() if each.__name__ == "PanicException")
"""What PyO3 raises for a panic in Rust: made when `cryptography` is loaded, and of no module that can be imported."""

RAISED: list[BaseException] = [
    *(each("geheim") for each in (ValueError, TypeError, RecursionError, MemoryError, PANIC)),
    x509.DuplicateExtension("geheim", x509.ObjectIdentifier("1.2.3")),
    x509.UnsupportedGeneralNameType("geheim", 3),
]
REFUSAL = x5c_messages.malformed(actual="x")


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised).__name__)
def test_whatever_the_library_raises_is_a_refusal(raised: BaseException) -> None:
    def fails() -> None:
        raise raised

    with pytest.raises(TokenRefused) as caught:
        x5c.guarded(fails, lambda: REFUSAL)
    assert caught.value is REFUSAL
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_a_program_ends_it(raised: type[BaseException]) -> None:
    def fails() -> None:
        raise raised

    with pytest.raises(raised):
        x5c.guarded(fails, lambda: REFUSAL)


BYTES = st.binary(max_size=400)
PLACES = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4)


def outcome(value: object) -> str:
    """The code of the refusal, or that there is none."""
    try:
        find_path({"x5c": value}, demand(), alg="ES256", now=NOW)
    except TokenRefused as refused:
        return refused.code
    return "accepted"


@given(st.lists(BYTES.map(b64) | st.text(max_size=40) | st.none() | st.integers(), max_size=7))
def test_no_bytes_raise_anything_foreign(value: list[object]) -> None:
    assert outcome(value) in ("x5c.missing", "x5c.malformed", "x5c.too_long")


@settings(max_examples=400)
@given(st.integers(0, 1), PLACES)
@pytest.mark.filterwarnings("ignore")
def test_no_change_of_a_certificate_is_accepted_or_raises_anything_foreign(
    which: int, places: list[tuple[int, int]]
) -> None:
    data = bytearray(der(GOOD[which]))
    for at, value in places:
        data[at % len(data)] = value
    chain = [*GOOD]
    chain[which] = b64(bytes(data))
    found = outcome(chain)
    if chain == GOOD:
        assert found == "accepted"
    else:
        assert found.startswith("x5c.")


@settings(max_examples=300)
@given(PLACES)
@pytest.mark.filterwarnings("ignore")
def test_no_content_that_an_authority_signs_raises_anything_foreign(places: list[tuple[int, int]]) -> None:
    """As above, but signed again: so that what follows the signature is reached."""
    content = bytearray(inside(pki().leaf.der)[0].whole)
    for at, value in places:
        content[at % len(content)] = value
    algorithm = inside(pki().leaf.der)[1].whole
    signature = tlv(BIT_STRING, b"\0", sign(pki().intermediate.private, bytes(content)))
    text = b64(tlv(SEQUENCE, bytes(content), algorithm, signature))
    found = outcome([text, GOOD[1]])
    assert found == "accepted" or found.startswith("x5c.")


def test_a_signature_with_unused_bits_is_another_spelling_of_the_certificate() -> None:
    """Nothing signs the octet that counts them: with a zero bit at the end of the signature it can say one."""
    made = next(each for each in (leaf("idp", pki().intermediate) for _ in range(200)) if each.der[-1] & 1 == 0)
    signature = made.certificate.signature
    at = len(made.der) - len(signature) - 1
    other = made.der[:at] + b"\1" + made.der[at + 1 :]
    assert x509.load_der_x509_certificate(other).signature == signature
    assert len(x5c.read({"x5c": [made.x5c]})) == 1
    with pytest.raises(TokenRefused) as caught:
        x5c.read({"x5c": [base64.b64encode(other).decode()]})
    assert caught.value.code == "x5c.malformed"
    assert "unused bits" in caught.value.actual
