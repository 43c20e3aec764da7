"""The catalogue of refusals of encrypted tokens and of their keys: one function per code or kind of fault.

No text quotes a token, but for `alg` and `enc`. What depends on the key or the ciphertext has one text.
"""

from __future__ import annotations

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.tokens.messages import shown

# --- the form: anybody can see it -------------------------------------------------------------------------


def missing() -> TokenRefused:
    """There is nothing to decrypt."""
    return TokenRefused("token.missing", actual="no token was given", expected="an encrypted token of five segments")


def segments(*, count: int) -> TokenRefused:
    """RFC 7516, section 3.1."""
    found = "1 segment" if count == 1 else f"{count} segments"
    return TokenRefused(
        "token.segments",
        actual=f"the token has {found}",
        expected="header, encrypted key, initialization vector, ciphertext and tag, with a dot between them",
    )


def form() -> TokenRefused:
    """The JSON form may have headers that nobody protects, and thousands of recipients."""
    return TokenRefused(
        "token.form",
        actual="the token is JSON text",
        expected="the compact form, five segments with dots between",
    )


def kind(*, actual: str) -> TokenRefused:
    """Signed or encrypted: the count of segments and the header must agree, neither decides alone."""
    return TokenRefused("token.kind", actual=actual, expected="an encrypted token of five segments")


def algorithm_refused(*, actual: str, expected: str) -> TokenRefused:
    """RFC 8725, section 3.1: whoever decrypts decides, not the token."""
    return TokenRefused("decryption.algorithm_refused", actual=actual, expected=expected)


def header(*, actual: str, expected: str) -> TokenRefused:
    """RFC 7516, section 4.1: what would bring keys, or change how the token is read."""
    return TokenRefused("decryption.header", actual=actual, expected=expected)


def zipped(*, actual: str) -> TokenRefused:
    """RFC 7516, section 4.1.3."""
    return TokenRefused(
        "decryption.zip",
        actual=actual,
        expected="`zip`, where present, is `DEF`, and the plaintext one whole stream of raw DEFLATE",
    )


def epk(*, actual: str) -> TokenRefused:
    """RFC 7518, section 4.6.1.1. Whether it is a point of the curve is not said here: see `failed`."""
    return TokenRefused(
        "decryption.epk",
        actual=actual,
        expected="`epk` is a public key of the curve of the key, with coordinates of the length of the curve",
    )


def encrypted_key(*, direct: bool) -> TokenRefused:
    """RFC 7516, section 5.2, step 10."""
    return TokenRefused(
        "decryption.ek",
        actual="the second segment is not empty" if direct else "the second segment is empty",
        expected=(
            "no encrypted key: the algorithm has none"
            if direct
            else "an encrypted key, as the algorithm of the token has it"
        ),
    )


def length(*, what: str, found: int, needed: int) -> TokenRefused:
    """RFC 7518, sections 4.7.1, 5.2 and 5.3: one length each. `what` is a phrase of ours."""
    return TokenRefused(
        "decryption.iv",
        actual=f"{what} has {found} bytes",
        expected=f"{needed} bytes, as the algorithm has them",
    )


def no_value(*, name: str) -> TokenRefused:
    """RFC 7518, section 4.7.1: `iv` and `tag` of key wrapping with AES-GCM. `name` is ours."""
    return TokenRefused(
        "decryption.iv",
        actual=f"`{name}` of the header is absent or no base64url",
        expected="`iv` and `tag` of the wrapped key in the header, in base64url",
    )


# --- what depends on the key or on the ciphertext ---------------------------------------------------------


def failed() -> TokenRefused:
    """RFC 7516, section 11.5: one text for every failure, so that an oracle has nothing to tell."""
    return TokenRefused(
        "decryption.failed",
        actual="the token could not be decrypted",
        expected="a token that was encrypted to the key and came unchanged",
    )


# --- what came out ----------------------------------------------------------------------------------------


def size(*, limit: int) -> TokenRefused:
    """CVE-2024-28180, CVE-2024-33664: a few kilobytes may grow to gigabytes."""
    return TokenRefused(
        "decryption.size",
        actual=f"the compressed plaintext grows to more than {limit} bytes",
        expected=f"at most {limit} bytes",
    )


def not_nested(*, actual: str) -> TokenRefused:
    """RFC 7519, section 5.2; CVE-2026-29000: anybody can encrypt, so only a signature inside says who speaks."""
    return TokenRefused(
        "decryption.not_nested",
        actual=actual,
        expected="`cty` is `JWT`, and inside is one signed token of three segments",
    )


def claim_mismatch(*, name: str) -> TokenRefused:
    """RFC 7519, section 5.3. `name` is a registered claim's."""
    return TokenRefused(
        "decryption.claim_mismatch",
        actual=f"`{name}` of the header is not that of the claims inside",
        expected="a claim that the header of the encrypted token repeats has the same value inside",
    )


# --- keys, when they are loaded ---------------------------------------------------------------------------


def key_public() -> KeyRefused:
    """Whoever encrypts has that half."""
    return KeyRefused("key.usage", "a public key, with which nothing can be decrypted")


def key_extra() -> KeyRefused:
    """The package that decrypts is not installed."""
    return KeyRefused(
        "key.backend_refused",
        "a key for decryption needs the extra `jwe`",
        help="install policyjwt[jwe]",
    )


def shown_names(*, alg: object, enc: object) -> str:
    """What the header says of algorithms: these two may be shown."""
    return f"{_name('alg', alg)}, {_name('enc', enc)}"


def _name(member: str, value: object) -> str:
    if value is None:
        return f"`{member}` is absent"
    return f"`{member}` is {shown(value)}" if isinstance(value, str) else f"`{member}` is no string"
