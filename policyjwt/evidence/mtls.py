"""Mutual TLS. Input: the client's certificate, `cnf` of the token, anchors, the moment. Output: ClientCertificate.

TokenRefused `holder.…` otherwise. RFC 8705, section 3; RFC 9440; RFC 5280, section 6. That the client holds the private
key was proved to whoever ended the connection.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.evidence import holder_messages as say
from policyjwt.evidence.confirmation import confirmed, same
from policyjwt.spans import span
from policyjwt.tokens import base64url

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.verification import ExtensionPolicy

    from policyjwt.tokens.anchors import Anchors

CERTIFICATE_HEADERS: Final = frozenset({"client-cert", "x-forwarded-client-cert"})
"""RFC 9440, section 2.2, and Envoy's. Of others the value tells: see `came_by_header`."""

MAX_PEM_BYTES: Final = 16 * 1024
"""One certificate of 8 KiB, its base64 and its lines."""

_BASE64: Final = str.maketrans("-_", "+/")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]")
_NOT_HEXADECIMAL: Final = re.compile(r"[^0-9a-f]")
_LINE: Final = 64
"""Characters of a line of PEM (RFC 7468, section 2): 48 whole bytes."""

_MOST_ESCAPES: Final = 4

_PEM: Final = re.compile(rb"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClientCertificate:
    """The certificate that the token is bound to. It is refused before `not_before` and after `until`.

    `facts` is what rules may read as `client.…`: without anchors the thumbprint alone, because nobody known vouches for
    the rest.
    """

    thumbprint: str
    facts: Mapping[str, object]
    not_before: float
    until: float

    def __repr__(self) -> str:
        return "<ClientCertificate>"


def came_by_header(certificate: bytes | None, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether the certificate may have come in a header: one is there that carries them, or its bytes are in any.

    Proxies write them in base64 and base64url, as PEM with any line ends, with percent signs, and in hexadecimal. One
    line of the certificate is enough, so that what stands between the lines or at the ends does not count. It is a net
    for services that forgot to say where certificates come from; who writes a header on purpose can evade it.
    """
    if certificate is None:
        return False
    found = _PEM.fullmatch(certificate)
    encoded = (b"".join(found[1].split()) if found else b64encode(certificate)).decode().rstrip("=")
    lines = [encoded[at : at + _LINE] for at in range(0, len(encoded) - _LINE + 1, _LINE)]
    digits = [b64decode(line).hex() for line in lines if "=" not in line]
    values: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in CERTIFICATE_HEADERS:
            return True
        values[name.lower()] = values.get(name.lower(), "") + value
    return any(_holds(value, lines, digits) for value in values.values())


def _holds(value: str, lines: Sequence[str], digits: Sequence[str]) -> bool:
    """Whether a header's value, its escapes taken off, holds one of the lines."""
    for _ in range(_MOST_ESCAPES):
        plain = unquote(value)
        if plain == value:
            break
        value = plain
    text = _NOT_BASE64.sub("", value.translate(_BASE64))
    hexadecimal = _NOT_HEXADECIMAL.sub("", value.lower())
    return any(line in text for line in lines) or any(line in hexadecimal for line in digits)


def check_certificate(
    certificate: bytes | None,
    *,
    from_header: bool,
    from_trusted_proxy: bool,
    confirmation: object,
    anchors: Anchors | None,
    now: float,
) -> ClientCertificate:
    """The certificate (DER or PEM), if the token is bound to it and it is sound now.

    `confirmation` is `cnf` of the verified token, whatever it is. With `anchors` one of them must have issued it.
    """
    wanted = confirmed(confirmation, "x5t#S256")
    if certificate is None:  # check: M1
        raise say.mtls_missing()
    if from_header and not from_trusted_proxy:  # check: M2
        raise say.mtls_untrusted_source()
    der = _der(certificate)
    thumbprint = base64url.encode(hashlib.sha256(der).digest())
    if not same(thumbprint, wanted):  # check: M4
        raise say.mismatch(what="the client's certificate", method="x5t#S256")
    leaf = _certificate(der)  # only now: nobody else's bytes are read as ASN.1
    chain = (leaf,) if anchors is None else _chain(leaf, anchors, now=now)
    not_before = max(each.not_valid_before_utc.timestamp() for each in chain)
    until = min(each.not_valid_after_utc.timestamp() for each in chain)
    if not now >= not_before:  # check: M5
        raise say.mtls_cert_invalid(
            actual=f"the client's certificate is not valid for another {span(not_before - now)}"
        )
    if not now <= until:  # check: M5
        raise say.mtls_cert_invalid(actual=f"the client's certificate, or its anchor, expired {span(now - until)} ago")
    return ClientCertificate(thumbprint, _facts(chain, thumbprint), not_before, until)


def _facts(chain: tuple[Certificate, ...], thumbprint: str) -> Mapping[str, object]:
    from policyjwt.tokens import certificate_facts

    if len(chain) == 1:
        return MappingProxyType({"thumbprint": thumbprint})
    return certificate_facts.facts(chain)


# --- the form -----------------------------------------------------------------------------------------------


def _der(certificate: bytes) -> bytes:
    """The bytes of the one certificate. The thumbprint is over these, never over PEM."""
    if not isinstance(certificate, bytes):
        raise TypeError("a certificate is bytes")
    if len(certificate) > MAX_PEM_BYTES:  # check: M5
        raise say.mtls_cert_invalid(actual=f"the client's certificate has more than {MAX_PEM_BYTES} bytes")
    if not certificate.lstrip().startswith(b"-----"):
        return certificate
    found = _PEM.fullmatch(certificate)
    if found is None:  # check: M5
        raise say.mtls_cert_invalid(actual="the client's certificate is in PEM, and not one certificate alone")
    try:
        return b64decode(b"".join(found[1].split()), validate=True)
    except ValueError:
        raise say.mtls_cert_invalid(actual="the client's certificate is in PEM, and its base64 is none") from None


def _certificate(der: bytes) -> Certificate:
    """The certificate, read to its end, with a sound key, and not too costly to verify."""
    from cryptography import x509  # heavy: only where there are certificates

    from policyjwt.tokens import x5c
    from policyjwt.tokens.key import from_public_key

    def read() -> Certificate:
        found = x509.load_der_x509_certificate(der)
        _ = found.subject, found.issuer, found.extensions, found.not_valid_before_utc, found.not_valid_after_utc
        return found

    def costly() -> TokenRefused:
        return say.mtls_cert_invalid(actual="the client's certificate holds more than is looked at")

    leaf = x5c.guarded(read, lambda: say.mtls_cert_invalid(actual="the client's certificate can't be read"))
    try:
        x5c.check_work((leaf,))
        from_public_key(x5c.guarded(leaf.public_key, costly))
    except KeyRefused as refused:
        raise say.mtls_cert_invalid(actual=f"the client's certificate holds {refused.message}") from None
    except TokenRefused:
        raise costly() from None
    return leaf


# --- the path -----------------------------------------------------------------------------------------------


def _chain(leaf: Certificate, anchors: Anchors, *, now: float) -> tuple[Certificate, ...]:
    """The client's certificate and the anchor that issued it; nobody hands over what could stand between them."""
    from cryptography.x509 import verification

    from policyjwt.tokens import x5c
    from policyjwt.tokens.path_checks import check_constraints, check_profile

    if leaf in anchors.certificates:  # check: M5
        raise say.mtls_cert_invalid(actual="the client's certificate is itself an anchor of the policy")

    def verified() -> tuple[Certificate, ...]:
        try:
            verifier = (
                verification.PolicyBuilder()
                .store(anchors.store)
                .time(datetime.fromtimestamp(now, UTC))
                .extension_policies(ee_policy=_leaf_policy(), ca_policy=_anchor_policy())
                .build_client_verifier()
            )
            return tuple(verifier.verify(leaf, []).chain)
        except verification.VerificationError:
            raise say.mtls_cert_invalid(actual=_fault(leaf, anchors, now=now)) from None

    unverified = "the path of the client's certificate can't be verified"
    chain = x5c.guarded(verified, lambda: say.mtls_cert_invalid(actual=unverified))
    try:
        check_profile(chain)
        check_constraints(chain)
    except TokenRefused:
        raise say.mtls_cert_invalid(
            actual="the client's certificate has no name, or its anchor constrains names in a way that is not followed"
        ) from None
    _check_usages(chain)
    return chain


def _leaf_policy() -> ExtensionPolicy:
    """As for a web client, but without its alternative name and its usages: those are judged by `_check_usages`."""
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    agnostic = Criticality.AGNOSTIC
    return (
        ExtensionPolicy.webpki_defaults_ee()
        .may_be_present(x509.SubjectAlternativeName, agnostic, None)
        .may_be_present(x509.ExtendedKeyUsage, agnostic, None)
    )


def _anchor_policy() -> ExtensionPolicy:
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    return ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)


def _check_usages(chain: tuple[Certificate, ...]) -> None:
    """RFC 5280, sections 4.2.1.3 and 4.2.1.12: where it says what it is for, a client's signatures are among it."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    from policyjwt.tokens.certificate_facts import extension

    leaf, *above = chain
    bits, purposes = extension(leaf, x509.KeyUsage), extension(leaf, x509.ExtendedKeyUsage)
    if bits is not None and not bits.digital_signature:  # check: M5
        raise say.mtls_cert_invalid(actual="the key usage of the client's certificate lacks digitalSignature")
    if purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:  # check: M5
        raise say.mtls_cert_invalid(actual="the extended key usage of the client's certificate lacks clientAuth")
    ours = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    for each in above:
        allowed = extension(each, x509.ExtendedKeyUsage)
        if allowed is not None and ours.isdisjoint(allowed):  # check: M5
            raise say.mtls_cert_invalid(actual="the anchor may not issue for clients")


def _fault(leaf: Certificate, anchors: Anchors, *, now: float) -> str:
    """Why there is no path, in a phrase of ours. It decides nothing: whatever it says, the certificate is refused."""
    from policyjwt.tokens.path_faults import has_issued

    if now > (ends := leaf.not_valid_after_utc.timestamp()):
        return f"the client's certificate expired {span(now - ends)} ago"
    if now < (begins := leaf.not_valid_before_utc.timestamp()):
        return f"the client's certificate is not valid for another {span(begins - now)}"
    above = [each for each in anchors.certificates if each.subject == leaf.issuer]
    if not above:
        return "no anchor has the name of the issuer of the client's certificate"
    issuers = [each for each in above if has_issued(each, leaf)]
    if not issuers:
        return "the anchor of that name did not sign the client's certificate"
    if not any(
        each.not_valid_before_utc.timestamp() <= now <= each.not_valid_after_utc.timestamp() for each in issuers
    ):
        return "the anchor of the client's certificate is outside its time"
    return "the client's certificate and its anchor form no valid path"
