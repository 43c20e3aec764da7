"""What the tests of stapled OCSP share: one path, one demand, and responses that no builder makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from policyjwt.errors import TokenRefused
from policyjwt.evidence.ocsp import StapleDemand, authenticate, judge_times
from tests.der import BIT_STRING, GENERALIZED_TIME, OCTET_STRING, SEQUENCE, elements, inside, tlv
from tests.issuer import NOW
from tests.pki import Party, Pki, authority, leaf, pki, responder, sign, staple

PKI = pki()
PATH = tuple(each.certificate for each in (PKI.leaf, PKI.intermediate, PKI.root))
DEMAND = StapleDemand(max_age=3600)

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
RSA_SHA1 = bytes.fromhex("300d06092a864886f70d0101050500")
RSA_MD5 = bytes.fromhex("300d06092a864886f70d0101040500")
ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")
RSA_PSS_SHA256 = bytes.fromhex(
    "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
    "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"
)
UNKNOWN_ALGORITHM = bytes.fromhex("300506032a0304")


def judged(
    *responses: bytes,
    path: Sequence[x509.Certificate] = PATH,
    demand: StapleDemand = DEMAND,
    cover: Literal["leaf", "chain"] = "leaf",
    now: float = NOW,
    issued_at: float | None = None,
    **changes: Any,
) -> str:
    """`met`, or the reason of the refusal. `changes` are those of the demand."""
    demand = replace(demand, **changes)
    try:
        judge_times(authenticate(responses, path, demand, cover=cover), demand, now=now, issued_at=issued_at)
    except TokenRefused as refused:
        return refused.code.removeprefix("staple.")
    return "met"


@cache
def rsa_pki() -> Pki:
    """As `pki`, the keys of RSA."""
    root = authority("RSA root", private=rsa_key())
    intermediate = authority("RSA intermediate", root, path_length=0, private=rsa_key())
    return Pki(root, intermediate, leaf("rsa idp", intermediate), responder(intermediate, private=rsa_key()))


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key made on the spot."""
    return rsa.generate_private_key(65537, bits)


class PublicOnly:
    """In the place of a private key that nobody has: its owner is certified, and signs nothing."""

    def __init__(self, public: Any) -> None:
        self.public = public

    def public_key(self) -> Any:
        """The public part."""
        return self.public


def rsa_of(bits: int, exponent: int = 65537) -> PublicOnly:
    """An RSA key of any size at once: its modulus is no product of two primes."""
    return PublicOnly(rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) + 1).public_key())


def rebuilt(
    der: bytes,
    *,
    data: bytes | None = None,
    algorithm: bytes | None = None,
    signature: bytes | None = None,
    certificates: Sequence[bytes] | None = None,
) -> bytes:
    """The response with other parts; what is None stays. Nothing is signed."""
    status, response_bytes = inside(der)
    kind, basic = inside(response_bytes.content)
    old_data, old_algorithm, old_signature, *old_certificates = inside(basic.content)
    parts = [
        old_data.whole if data is None else data,
        old_algorithm.whole if algorithm is None else algorithm,
        old_signature.whole if signature is None else tlv(BIT_STRING, b"\0", signature),
    ]
    if certificates is None:
        parts.extend(each.whole for each in old_certificates)
    elif certificates:
        parts.append(tlv(0xA0, tlv(SEQUENCE, *certificates)))
    inner = tlv(SEQUENCE, kind.whole, tlv(OCTET_STRING, tlv(SEQUENCE, *parts)))
    return tlv(SEQUENCE, status.whole, tlv(response_bytes.tag, inner))


def data_of(der: bytes) -> bytes:
    """The signed part."""
    return inside(inside(inside(der)[1].content)[1].content)[0].whole


def resigned(
    der: bytes,
    data: bytes,
    private: Any,
    *,
    algorithm: bytes | None = None,
    hash: hashes.HashAlgorithm | None = None,
    certificates: Sequence[bytes] | None = None,
) -> bytes:
    """The response with other data, signed again."""
    return rebuilt(der, data=data, algorithm=algorithm, signature=sign(private, data, hash), certificates=certificates)


def forged(
    *,
    named: Party,
    private: Any = None,
    enclosed: Sequence[Party] = (),
    subject: Party = PKI.leaf,
    by_name: bool = False,
    **more: Any,
) -> bytes:
    """A response about `subject` that names `named` as its signer, whoever that is; signed with `private`."""
    der = staple(subject, **more)
    head, *rest = inside(data_of(der))
    if by_name:
        head = elements_of(tlv(0xA1, named.certificate.subject.public_bytes()))
    else:
        digest = x509.SubjectKeyIdentifier.from_public_key(named.certificate.public_key()).digest
        head = elements_of(tlv(0xA2, tlv(OCTET_STRING, digest)))
    data = tlv(SEQUENCE, head.whole, *(each.whole for each in rest))
    certificates = [each.der for each in enclosed]
    if isinstance(named.private, PublicOnly) and private is None:
        return rebuilt(der, data=data, certificates=certificates)
    key = private or named.private
    algorithm = RSA_SHA256 if isinstance(key, rsa.RSAPrivateKey) else ECDSA_SHA256
    return resigned(der, data, key, algorithm=algorithm, certificates=certificates)


def elements_of(whole: bytes) -> Any:
    """The one element that `whole` is."""
    (only,) = elements(whole)
    return only


def with_answers(der: bytes, signer: Party, change: Callable[[bytes], list[bytes]], *, tail: bytes = b"") -> bytes:
    """The response with other answers: `change` takes the one that it has. `tail` follows them. Signed again."""
    name, produced, answers, *rest = inside(data_of(der))
    changed = tlv(SEQUENCE, *change(elements_of(answers.content).whole))
    data = tlv(SEQUENCE, name.whole, produced.whole, changed, *(each.whole for each in rest), tail)
    return resigned(der, data, signer.private)


def with_single_extension(der: bytes, signer: Party, extension: bytes) -> bytes:
    """The answer with an extension (RFC 6960, section 4.2.1: `singleExtensions`, [1])."""
    return with_answers(
        der, signer, lambda answer: [tlv(SEQUENCE, elements_of(answer).content, tlv(0xA1, tlv(SEQUENCE, extension)))]
    )


def extension(oid: bytes, value: bytes, *, critical: bool) -> bytes:
    """An extension in DER."""
    return tlv(SEQUENCE, tlv(0x06, oid), *([b"\x01\x01\xff"] if critical else []), tlv(OCTET_STRING, value))


def with_times(
    der: bytes,
    signer: Party,
    *,
    this: bytes | None = None,
    following: bytes | None = None,
    produced: bytes | None = None,
) -> bytes:
    """The response with these texts as its times, whatever they are. Signed again."""
    name, old_produced, answers, *rest = inside(data_of(der))
    identity, status, old_this, *more = inside(elements_of(answers.content).whole)
    following_part = [tlv(0xA0, tlv(GENERALIZED_TIME, following))] if following is not None else [e.whole for e in more]
    answer = tlv(
        SEQUENCE,
        identity.whole,
        status.whole,
        old_this.whole if this is None else tlv(GENERALIZED_TIME, this),
        *following_part,
    )
    produced_part = old_produced.whole if produced is None else tlv(GENERALIZED_TIME, produced)
    data = tlv(SEQUENCE, name.whole, produced_part, tlv(SEQUENCE, answer), *(each.whole for each in rest))
    return resigned(der, data, signer.private)
