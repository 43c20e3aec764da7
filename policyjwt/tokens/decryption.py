"""Decryption. Input: the text of a token, keys, algorithms. Output: DecryptedToken, or TokenRefused.

RFC 7516, section 5.2. To decrypt says to whom a token was sent, never by whom: anybody can encrypt to a public key.
What is inside counts only if it is a signed token (`check_nested`) and its signature verifies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from policyjwt.errors import TokenRefused
from policyjwt.tokens import base64url, decryption_messages, messages
from policyjwt.tokens.content_key import content_key, decrypted
from policyjwt.tokens.decode import odd_segment, odd_text, read_header
from policyjwt.tokens.decryption_header import check_header, check_parts
from policyjwt.tokens.decryption_key import DecryptionKey
from policyjwt.tokens.decryption_keyset import DecryptionKeySet
from policyjwt.tokens.encryption import CONTENT, KEY_MANAGEMENT, MAX_PLAINTEXT_BYTES, algorithm_list, content_list
from policyjwt.tokens.headers import REPLICABLE, same_value
from policyjwt.tokens.inflate import NotInflatedError, inflate
from policyjwt.tokens.limits import MAX_TOKEN_CHARACTERS

_SEGMENTS = 5
_SEGMENTS_OF_SIGNATURE = 3


class Encrypted(NamedTuple):
    """An encrypted token taken apart: of sound form, and nothing else is known. `aad` is the header as it came."""

    text: str
    header: dict[str, object]
    alg: str
    enc: str
    kid: str | None
    aad: bytes
    encrypted_key: bytes
    iv: bytes
    ciphertext: bytes
    tag: bytes

    def __repr__(self) -> str:
        return "<Encrypted>"

    def __bool__(self) -> NoReturn:
        raise TypeError("an encrypted token is neither true nor false: decrypt it")


class DecryptedToken:
    """What an encrypted token held. Made by `decrypt` alone; says nothing of who sent it.

    It is neither true nor false: decrypting is no proof of anything but that the token was meant for this key.
    """

    # Not a dataclass: replace() would make another one out of it.
    __slots__ = ("header", "plaintext")

    header: Mapping[str, object]
    plaintext: bytes

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("a DecryptedToken is made by policyjwt.tokens.decrypt")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a DecryptedToken can't be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a DecryptedToken can't be changed")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("DecryptedToken has no subclasses")

    def __bool__(self) -> NoReturn:
        raise TypeError("a decrypted token is not yet trusted: verify what is inside")

    def __repr__(self) -> str:
        return "<DecryptedToken>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a DecryptedToken can't be copied or pickled: decrypt the token where it is used")


def decrypt(
    token: str, keys: DecryptionKeySet, algorithms: Collection[str], content: Collection[str]
) -> DecryptedToken:
    """Decrypts a compact JWE with the key of `keys` that it names, by one of `algorithms` and one of `content`.

    TokenRefused (`.code`) says why not. ValueError for names outside the tables.
    """
    allowed, allowed_content = algorithm_list(algorithms), content_list(content)
    if not isinstance(keys, DecryptionKeySet):
        raise TypeError("keys is a DecryptionKeySet")
    encrypted = read(token)
    check_algorithms(encrypted, algorithms=allowed, content=allowed_content)
    plaintext = open(encrypted, keys.select(encrypted.kid, encrypted.alg, encrypted.enc))
    made = object.__new__(DecryptedToken)
    object.__setattr__(made, "header", MappingProxyType(encrypted.header))
    object.__setattr__(made, "plaintext", plaintext)
    return made


# --- the form ---------------------------------------------------------------------------------------------


def read(token: str | None) -> Encrypted:
    """Takes an encrypted token apart and judges what can be seen without a key.

    TokenRefused with a `token.…` or `decryption.…` code; TypeError for what is no `str`.
    """
    if type(token) is not str:
        if token is None:
            raise decryption_messages.missing()
        raise TypeError("a token is a `str`")
    if len(token) > MAX_TOKEN_CHARACTERS:  # before anything of it is decoded
        raise messages.size(characters=len(token), limit=MAX_TOKEN_CHARACTERS)
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise odd_text(token) from None
    segments = raw.split(b".")
    if len(segments) != _SEGMENTS:  # check: E26
        raise _not_five(token, len(segments))
    header = read_header(segments[0], token)
    alg, enc = check_header(header)
    try:
        encrypted_key, iv, ciphertext, tag = map(base64url.decode, segments[1:])
    except ValueError as fault:
        raise odd_segment(token, "one of the four segments after the header", fault) from None
    check_parts(header, encrypted_key=encrypted_key, iv=iv, tag=tag)
    kid = header.get("kid")
    return Encrypted(
        token,
        header,
        alg,
        enc,
        kid if isinstance(kid, str) else None,
        aad=segments[0],
        encrypted_key=encrypted_key,
        iv=iv,
        ciphertext=ciphertext,
        tag=tag,
    )


def _not_five(token: str, count: int) -> TokenRefused:
    if not token:
        return decryption_messages.missing()
    if token.lstrip(" \t\r\n")[:1] in ("{", "["):
        return decryption_messages.form()
    if count == _SEGMENTS_OF_SIGNATURE:
        return decryption_messages.kind(actual="the token has the three segments of a signed one")
    return decryption_messages.segments(count=count)


def check_algorithms(encrypted: Encrypted, *, algorithms: frozenset[str], content: frozenset[str]) -> None:
    """RFC 8725, section 3.1: whoever decrypts decides. TokenRefused `decryption.algorithm_refused`."""
    if encrypted.alg not in algorithms or encrypted.enc not in content:  # check: E07
        names = ", ".join(name for name in KEY_MANAGEMENT if name in algorithms)
        contents = ", ".join(name for name in CONTENT if name in content)
        raise decryption_messages.algorithm_refused(
            actual=decryption_messages.shown_names(alg=encrypted.alg, enc=encrypted.enc),
            expected=f"`alg` is one of {names}, `enc` one of {contents}",
        )


# --- the key ----------------------------------------------------------------------------------------------


def open(encrypted: Encrypted, key: DecryptionKey) -> bytes:  # noqa: A001 - `decryption.open` reads as what it is
    """The plaintext, inflated where `zip` says so.

    TokenRefused `decryption.failed` for everything that depends on the key or the ciphertext, with one text and the
    same calls; `key.usage` where the key is not for the algorithm, `decryption.epk` where `epk` is of another curve.
    """
    if not key.fits(encrypted.alg, encrypted.enc):  # check: E08
        raise messages.usage(alg=encrypted.alg, one=True)
    if _curve_of_epk(encrypted) not in (None, key.curve):  # check: E11
        raise decryption_messages.epk(actual="`epk` is of another curve than the key")
    # Raised here, where no local variable holds a plaintext or a content key: tools show the variables of frames.
    plaintext = _opened(encrypted, key)
    if plaintext is None:  # check: E15
        raise decryption_messages.failed()
    if plaintext == "size":
        raise decryption_messages.size(limit=MAX_PLAINTEXT_BYTES)
    if isinstance(plaintext, str):
        raise decryption_messages.zipped(actual="the plaintext is no whole stream of raw DEFLATE")
    return plaintext


def _curve_of_epk(encrypted: Encrypted) -> object:
    """None where the algorithm has no `epk`; `read` has seen to its form where it has one."""
    epk = encrypted.header.get("epk")
    agreed = KEY_MANAGEMENT[encrypted.alg].mode == "agreement"
    return epk["crv"] if agreed and isinstance(epk, dict) else None


def _opened(encrypted: Encrypted, key: DecryptionKey) -> bytes | str | None:
    """The plaintext; None where it could not be decrypted, or why it could not be inflated."""
    material = key._material()
    content = decrypted(
        encrypted.enc,
        ciphertext=encrypted.ciphertext,
        tag=encrypted.tag,
        key=content_key(encrypted.header, encrypted.encrypted_key, material),
        iv=encrypted.iv,
        aad=encrypted.aad,
    )
    if content is None or "zip" not in encrypted.header:
        return content
    try:
        return inflate(content, limit=MAX_PLAINTEXT_BYTES)
    except NotInflatedError as fault:
        return fault.reason


# --- what is inside ---------------------------------------------------------------------------------------


def check_nested(encrypted: Encrypted, plaintext: bytes) -> str:
    """The text of the signed token inside. TokenRefused `decryption.not_nested` where there is none."""
    cty = encrypted.header.get("cty")
    if not isinstance(cty, str) or cty.lower() != "jwt":  # check: E01
        raise decryption_messages.not_nested(actual="`cty` is absent or something else")
    try:
        text = plaintext.decode("ascii")
    except UnicodeDecodeError:
        raise decryption_messages.not_nested(actual="inside is no ASCII text") from None
    if text.count(".") != _SEGMENTS_OF_SIGNATURE - 1 or text.startswith("{"):  # check: E01
        raise decryption_messages.not_nested(actual="inside is no token of three segments")
    return text


def check_replicated(outer_header: Mapping[str, object], inner_claims: Mapping[str, object]) -> None:
    """RFC 7519, section 5.3: claims that the header repeats must be those inside, or it is not the same token."""
    for name in REPLICABLE:
        if name not in outer_header:
            continue
        if name not in inner_claims or not same_value(outer_header[name], inner_claims[name]):  # check: H21
            raise decryption_messages.claim_mismatch(name=name)
