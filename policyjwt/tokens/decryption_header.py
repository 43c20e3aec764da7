"""The form of an encrypted token. Input: its header and the lengths of its parts. Output: nothing, or TokenRefused.

All of this is seen without a key. Everything that takes one says `decryption.failed`, in `decryption.open`.
RFC 7516, sections 4.1 and 5.2; RFC 7518, sections 4.6 to 4.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policyjwt.errors import TokenRefused
from policyjwt.tokens import base64url, decryption_messages
from policyjwt.tokens.algorithms import ALGORITHMS
from policyjwt.tokens.encryption import (
    CONTENT,
    CURVES,
    GCM_WRAP_IV_BYTES,
    GCM_WRAP_TAG_BYTES,
    KEY_MANAGEMENT,
    MAX_PARTY_BYTES,
)

_KEYS_OR_READING: Final = ("jwk", "jku", "x5u", "x5c", "b64", "crit")
_PRIVATE: Final = ("d", "k", "p", "q", "dp", "dq", "qi", "oth", "priv")


def check_header(header: Mapping[str, object]) -> tuple[str, str]:
    """`alg` and `enc`, both of the tables, of a header that brings nothing of its own."""
    alg, enc = header.get("alg"), header.get("enc")
    if alg == "none" or (isinstance(alg, str) and alg in ALGORITHMS):  # check: E20
        # CVE-2022-3102, CVE-2023-51774: the form says encrypted, the header says signed.
        raise decryption_messages.kind(actual="the token has five segments and the header of a signed one")
    if not isinstance(alg, str) or alg not in KEY_MANAGEMENT:  # check: E06
        raise _unknown(header, "`alg` and `enc` of the tables; RSA1_5 and PBES2 are never among them")
    if not isinstance(enc, str) or enc not in CONTENT:  # check: E19
        raise _unknown(header, "`alg` and `enc` of the tables")
    if type(header.get("kid", "")) is not str:  # check: K09
        raise decryption_messages.header(actual="`kid` is no string", expected="`kid`, where present, is a string")
    for name in _KEYS_OR_READING:
        if name in header:  # check: K06
            raise decryption_messages.header(
                actual=f"the header has `{name}`",
                expected="keys come from the policy alone, and no extension is understood here",
            )
    if "zip" in header and header["zip"] != "DEF":  # check: E05
        raise decryption_messages.zipped(actual="`zip` is something else than `DEF`")
    for name in ("apu", "apv"):
        if name in header and not _is_party(header[name]):  # check: E12
            raise decryption_messages.header(
                actual=f"`{name}` is no base64url text, or too long",
                expected=f"`{name}`, where present, is base64url of at most {MAX_PARTY_BYTES} bytes",
            )
    if KEY_MANAGEMENT[alg].mode == "agreement":
        check_epk(header.get("epk"))
    return alg, enc


def _unknown(header: Mapping[str, object], expected: str) -> TokenRefused:
    actual = decryption_messages.shown_names(alg=header.get("alg"), enc=header.get("enc"))
    return decryption_messages.algorithm_refused(actual=actual, expected=expected)


def _is_party(value: object) -> bool:
    decoded = _decoded(value)
    return decoded is not None and len(decoded) <= MAX_PARTY_BYTES


def check_epk(epk: object) -> None:
    """A public JWK of a curve of the table; that it is a point of it, nobody says here."""
    if not isinstance(epk, dict):  # check: E11
        raise decryption_messages.epk(actual="`epk` is absent or no object")
    if any(name in epk for name in _PRIVATE):  # check: E11
        raise decryption_messages.epk(actual="`epk` has private members")
    crv = epk.get("crv")
    if not isinstance(crv, str) or crv not in CURVES:  # check: E11
        raise decryption_messages.epk(actual="`epk` is of a curve that no algorithm of the table has")
    if epk.get("kty") != ("OKP" if crv == "X25519" else "EC"):  # check: E11
        raise decryption_messages.epk(actual="`kty` of `epk` is not that of its curve")
    for name in coordinates(crv):
        decoded = _decoded(epk.get(name))
        if decoded is None or len(decoded) != CURVES[crv]:  # check: E11
            raise decryption_messages.epk(actual=f"`{name}` of `epk` has not the form of its curve")


def coordinates(crv: str) -> tuple[str, ...]:
    """The members of a JWK that hold the point."""
    return ("x",) if crv == "X25519" else ("x", "y")


def check_parts(header: Mapping[str, object], *, encrypted_key: bytes, iv: bytes, tag: bytes) -> None:
    """The lengths of what is beside the ciphertext. `check_header` has seen to the names."""
    row, content = KEY_MANAGEMENT[str(header["alg"])], CONTENT[str(header["enc"])]
    if row.direct is bool(encrypted_key):  # check: E18
        raise decryption_messages.encrypted_key(direct=row.direct)
    if len(iv) != content.iv_bytes:  # check: E14
        raise decryption_messages.length(what="the initialization vector", found=len(iv), needed=content.iv_bytes)
    if len(tag) != content.tag_bytes:  # check: E15
        raise decryption_messages.length(what="the tag", found=len(tag), needed=content.tag_bytes)
    if row.mode == "gcm-wrap":
        for name, needed in (("iv", GCM_WRAP_IV_BYTES), ("tag", GCM_WRAP_TAG_BYTES)):
            decoded = _decoded(header.get(name))
            if decoded is None:  # check: E14
                raise decryption_messages.no_value(name=name)
            if len(decoded) != needed:  # check: E14
                raise decryption_messages.length(what=f"`{name}` of the header", found=len(decoded), needed=needed)


def _decoded(value: object) -> bytes | None:
    try:
        return base64url.decode(value) if isinstance(value, str) else None
    except ValueError:
        return None
