"""The content key. Input: an encrypted token of sound form and a key. Output: a key of the right length, always.

The border to joserfc. One path: an encrypted key of a wrong length, or a point that is none, is replaced by one of
ours before the same calls are made; whatever fails gives a random key (RFC 7516, section 11.5), with which the
content then fails as for any wrong key. So no failure costs more, or less, or says more than another.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from cryptography.hazmat.primitives.asymmetric import ec

from policyjwt.tokens import base64url
from policyjwt.tokens.decryption_header import coordinates
from policyjwt.tokens.encryption import CONTENT, KEY_MANAGEMENT, WRAP_OVERHEAD

if TYPE_CHECKING:
    from joserfc.jwe import Recipient

_EC_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_P25519: Final = 2**255 - 19
_SMALL_ORDER_25519: Final = frozenset(
    {
        0,
        1,
        _P25519 - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)
"""RFC 7748, section 6.1: with these the shared secret is zero, whoever asks. Of curve and twist, all there are."""

_HEADER: Final = ("alg", "enc", "apu", "apv", "iv", "tag")


class Material(NamedTuple):
    """What a DecryptionKey keeps in its closure: the key as joserfc has it, and its public numbers."""

    key: Any
    public: Mapping[str, str]

    def __repr__(self) -> str:
        return "<Material>"


def content_key(header: Mapping[str, object], encrypted_key: bytes, material: Material) -> bytes:
    """A key of the length that `enc` needs: the right one, or a random one."""
    size = CONTENT[str(header["enc"])].key_bytes
    substitute = secrets.token_bytes(size)  # before anything is known, so that it costs the same always
    try:
        found = _recovered(header, encrypted_key, material)
    except Exception:  # noqa: BLE001 - fail-closed border: joserfc, cryptography or a caller's own key raise anything
        return substitute
    if len(found) != size:  # check: E17
        return substitute
    return found


def _recovered(header: Mapping[str, object], encrypted_key: bytes, material: Material) -> bytes:
    alg, enc = str(header["alg"]), str(header["enc"])
    mode, size = KEY_MANAGEMENT[alg].mode, CONTENT[enc].key_bytes
    members: dict[str, Any] = {name: header[name] for name in _HEADER if name in header}
    if mode == "oaep":
        return cast(
            bytes, _model(alg).decrypt_cek(_recipient(members, _below_modulus(encrypted_key, material), material))
        )
    if mode == "gcm-wrap":
        wrapped = _of_length(encrypted_key, size)
        return cast(bytes, _model(alg).decrypt_cek(_recipient(members, wrapped, material)))
    if mode == "wrap":
        wrapped = _of_length(encrypted_key, size + WRAP_OVERHEAD)
        return cast(bytes, _model(alg).decrypt_cek(_recipient(members, wrapped, material)))
    if mode == "direct":
        return cast(bytes, _model(alg).compute_cek(size * 8, _recipient(members, b"", material)))
    return _agreed(members, cast("Mapping[str, str]", header["epk"]), encrypted_key, material)


def _agreed(members: dict[str, Any], epk: Mapping[str, str], encrypted_key: bytes, material: Material) -> bytes:
    model, content = _model(members["alg"]), CONTENT[members["enc"]]
    crv = epk["crv"]
    point = {name: epk[name] for name in ("kty", "crv", *coordinates(crv))}
    honest = is_point(point)
    if not honest:  # check: E10
        point = dict(material.public)  # a point that does no harm, so that the same calls follow
    agreed = model.decrypt_agreed_upon_key(_enc(content.name), _recipient(members | {"epk": point}, b"", material))
    if not KEY_MANAGEMENT[members["alg"]].direct:
        agreed = model.unwrap_cek_with_auk(_of_length(encrypted_key, content.key_bytes + WRAP_OVERHEAD), agreed)
    if not honest:  # check: E10
        return b""
    return cast(bytes, agreed)


def is_point(point: Mapping[str, str]) -> bool:
    """Whether a key may be agreed upon with it: RFC 7518, section 4.6.1.1; RFC 7748, section 6.1; RFC 8725, 3.4."""
    if point["crv"] == "X25519":
        u = int.from_bytes(base64url.decode(point["x"]), "little") & ((1 << 255) - 1)  # RFC 7748, section 5
        return u % _P25519 not in _SMALL_ORDER_25519
    x, y = (int.from_bytes(base64url.decode(point[name]), "big") for name in ("x", "y"))
    try:
        ec.EllipticCurvePublicNumbers(x, y, _EC_CURVES[point["crv"]]).public_key()
    except ValueError:
        return False
    return True


def _of_length(encrypted_key: bytes, needed: int) -> bytes:
    """The wrapped key, or another of the right length, which unwraps to nothing but costs as much."""
    substitute = secrets.token_bytes(needed)
    if len(encrypted_key) != needed:  # check: E17
        return substitute
    return encrypted_key


def _below_modulus(encrypted_key: bytes, material: Material) -> bytes:
    """The same for RSA: what is no number below the modulus would be refused before the exponentiation."""
    modulus = base64url.decode(material.public["n"])
    substitute = b"\0" + secrets.token_bytes(len(modulus) - 1)
    if len(encrypted_key) != len(modulus) or encrypted_key >= modulus:  # check: E09
        return substitute
    return encrypted_key


# --- joserfc ----------------------------------------------------------------------------------------------


def decrypted(enc: str, *, ciphertext: bytes, tag: bytes, key: bytes, iv: bytes, aad: bytes) -> bytes | None:
    """The plaintext, None where tag, key or padding are wrong. RFC 7518, sections 5.2.2.2 (MAC first) and 5.3."""
    try:
        return cast(bytes, _enc(enc).decrypt(ciphertext, tag, key, iv, aad))
    except Exception:  # noqa: BLE001 - fail-closed border: joserfc and cryptography raise several kinds here
        return None


def _recipient(members: dict[str, Any], encrypted_key: bytes, material: Material) -> Recipient[Any]:
    from joserfc.jwe import CompactEncryption, Recipient

    recipient: Recipient[Any] = Recipient(CompactEncryption(members), None, material.key)
    recipient.encrypted_key = encrypted_key
    return recipient


@lru_cache(maxsize=len(KEY_MANAGEMENT))
def _model(alg: str) -> Any:  # noqa: ANN401 - joserfc has no public name for its models
    from joserfc.jwe import JWERegistry

    return JWERegistry(algorithms=[alg]).get_alg(alg)


@lru_cache(maxsize=len(CONTENT))
def _enc(enc: str) -> Any:  # noqa: ANN401 - as above
    from joserfc.jwe import JWERegistry

    return JWERegistry(algorithms=[enc]).get_enc(enc)
