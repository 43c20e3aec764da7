"""A throw-away PKI for tests: root, intermediate, leaf, responder, and the staples and tokens they sign."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.der import BIT_STRING, GENERALIZED_TIME, OCTET_STRING, SEQUENCE, inside, tlv
from tests.issuer import NOW, Issuer

DAY = 86_400
ISSUER_URI = "https://issuer.example"


def at(seconds: float) -> dt.datetime:
    """An instant as `cryptography` takes it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def name(common: str, **more: str) -> x509.Name:
    """A distinguished name: the common name, and whatever else by its OID's name (`ORGANIZATION_NAME="corp"`)."""
    rest = [x509.NameAttribute(getattr(NameOID, oid), value) for oid, value in more.items()]
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common), *rest])


def usage(*bits: str) -> x509.KeyUsage:
    """`usage("digital_signature")`; what is not named is not set."""
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    assert set(bits) <= set(names)
    return x509.KeyUsage(**{bit: bit in bits for bit in names})


@dataclass(frozen=True)
class Party:
    """A certificate and its private key. `above` is whoever signed it, None where it signed itself."""

    certificate: x509.Certificate
    private: Any
    above: Party | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def x5c(self) -> str:
        """The certificate as an element of `x5c` (RFC 7515, section 4.1.6: standard base64)."""
        return base64.b64encode(self.der).decode()


def party(
    subject: x509.Name | str,
    above: Party | None = None,
    *,
    private: Any = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    begins: float = NOW - 30 * DAY,
    ends: float = NOW + 30 * DAY,
    serial: int | None = None,
    hash: hashes.HashAlgorithm | None = None,
    identifiers: bool = True,
) -> Party:
    """A certificate with these extensions (each with its criticality), signed by `above` or by itself."""
    private = private or ec.generate_private_key(ec.SECP256R1())
    subject = name(subject) if isinstance(subject, str) else subject
    signer = above.private if above else private
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(private.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(at(begins))
        .not_valid_after(at(ends))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    if identifiers:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        key_above = signer.public_key()
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key_above), critical=False)
    algorithm: Any = None if type(signer).__name__.startswith("Ed") else hash or hashes.SHA256()
    return Party(builder.sign(signer, algorithm), private, above)


def authority(subject: str, above: Party | None = None, *, path_length: int | None = None, **more: Any) -> Party:
    """A certificate that may sign others and CRLs."""
    extensions = (
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (usage("key_cert_sign", "crl_sign"), True),
    )
    return party(subject, above, **({"extensions": extensions} | more))


def leaf(subject: x509.Name | str, above: Party, *, uris: Sequence[str] = (ISSUER_URI,), **more: Any) -> Party:
    """A certificate that may sign tokens, for these URIs."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage("digital_signature"), True),
    ]
    if uris:
        extensions.append((x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris]), False))
    return party(subject, above, **({"extensions": extensions} | more))


def responder(above: Party, subject: str = "responder", *, nocheck: bool = True, **more: Any) -> Party:
    """A delegated responder (RFC 6960, section 4.2.2.2)."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage("digital_signature"), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),
    ]
    if nocheck:
        extensions.append((x509.OCSPNoCheck(), False))
    return party(subject, above, **({"extensions": extensions} | more))


@dataclass(frozen=True)
class Pki:
    """Root → intermediate → leaf, and a responder that the intermediate delegated."""

    root: Party
    intermediate: Party
    leaf: Party
    responder: Party

    @property
    def x5c(self) -> list[str]:
        """The header parameter of a token that the leaf signed."""
        return [self.leaf.x5c, self.intermediate.x5c]


@cache
def pki() -> Pki:
    """The one that most tests share."""
    root = authority("Root")
    intermediate = authority("Intermediate", root, path_length=0)
    return Pki(root, intermediate, leaf("idp", intermediate), responder(intermediate))


def staple(
    subject: Party,
    *,
    signer: Party | None = None,
    issuer: Party | None = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    this_update: float = NOW - 600,
    next_update: float | None = NOW + 3600,
    produced_at: float | None = None,
    by: ocsp.OCSPResponderEncoding = ocsp.OCSPResponderEncoding.HASH,
    certificates: Sequence[Party] | None = None,
    cert_id_hash: hashes.HashAlgorithm | None = None,
    hash: hashes.HashAlgorithm | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """An OCSP response (DER) about `subject`. `signer` is its issuer, or a delegate that is then enclosed.

    `produced_at` is as `this_update` where it is not given.
    """
    issuer = issuer or subject.above
    assert issuer is not None
    signer = signer or issuer
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=subject.certificate,
        issuer=issuer.certificate,
        algorithm=cert_id_hash or hashes.SHA256(),
        cert_status=status,
        this_update=at(this_update),
        next_update=None if next_update is None else at(next_update),
        revocation_time=at(this_update - DAY) if revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
    )
    builder = builder.responder_id(by, signer.certificate)
    enclosed = certificates if certificates is not None else [] if signer is issuer else [signer]
    if enclosed:
        builder = builder.certificates([each.certificate for each in enclosed])
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    algorithm = None if type(signer.private).__name__.startswith("Ed") else hash or hashes.SHA256()
    response = builder.sign(signer.private, algorithm)
    return _produced(response, signer, algorithm, this_update if produced_at is None else produced_at)


def _produced(
    response: ocsp.OCSPResponse, signer: Party, algorithm: hashes.HashAlgorithm | None, instant: float
) -> bytes:
    """The response with another `producedAt`, signed again: the builder of `cryptography` knows only now."""
    old, new = (f"{moment:%Y%m%d%H%M%SZ}".encode() for moment in (response.produced_at_utc, at(instant)))
    time = tlv(GENERALIZED_TIME, old)
    head, _, tail = response.tbs_response_bytes.partition(time)
    return resigned(response.public_bytes(Encoding.DER), head + tlv(GENERALIZED_TIME, new) + tail, signer, algorithm)


def resigned(der: bytes, data: bytes, signer: Party, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """The OCSP response `der` with `data` as its ResponseData, signed by `signer`."""
    status, response_bytes = inside(der)
    kind, basic = inside(response_bytes.content)
    _, signature_algorithm, _, *certificates = inside(basic.content)
    signature = sign(signer.private, data, algorithm)
    parts = [data, signature_algorithm.whole, tlv(BIT_STRING, b"\0", signature), *(each.whole for each in certificates)]
    inner = tlv(SEQUENCE, kind.whole, tlv(OCTET_STRING, tlv(SEQUENCE, *parts)))
    return tlv(SEQUENCE, status.whole, tlv(response_bytes.tag, inner))


def sign(private: Any, data: bytes, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """A signature as X.509 has it: PKCS#1 v1.5 for RSA, DER for ECDSA. SHA-256 where no hash is given."""
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), algorithm or hashes.SHA256())
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(data, ec.ECDSA(algorithm or hashes.SHA256()))
    return bytes(private.sign(data))


def revocation_list(
    signer: Party,
    revoked: Sequence[int | x509.RevokedCertificate] = (),
    *,
    issuer: x509.Name | None = None,
    this_update: float = NOW - 600,
    next_update: float = NOW + DAY,
    number: int | None = 1,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    hash: hashes.HashAlgorithm | None = None,
    key_identifier: bool = True,
) -> x509.CertificateRevocationList:
    """A revocation list in the name of `signer` (or of `issuer`), with these serial numbers or entries."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer or signer.certificate.subject)
        .last_update(at(this_update))
        .next_update(at(next_update))
    )
    for each in revoked:
        builder = builder.add_revoked_certificate(each if isinstance(each, x509.RevokedCertificate) else entry(each))
    if key_identifier:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.private.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    algorithm: Any = None if type(signer.private).__name__.startswith("Ed") else hash or hashes.SHA256()
    return builder.sign(signer.private, algorithm)


def entry(
    serial: int, *extensions: tuple[x509.ExtensionType, bool], revoked_at: float = NOW - DAY
) -> x509.RevokedCertificate:
    """An entry of a revocation list."""
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at(revoked_at))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.build()


def token(
    claims: dict[str, Any], *, by: Party, alg: str = "ES256", header: dict[str, Any] | None = None, **members: Any
) -> str:
    """A token signed with the key of `by`. `members` and `header` add to the header; one that is `...` is left out."""
    issuer = Issuer.__new__(Issuer)
    issuer.alg, issuer.kid, issuer.private = alg, None, by.private
    return issuer.token(claims, (header or {}) | members)


def as_json(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"))
