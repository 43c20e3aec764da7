"""The throw-away authority of `policyjwt demo`: a leaf that signs tokens, and staples, good ones and others."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = "https://notary.corp.example"
Bit = Literal["digital_signature", "key_cert_sign", "crl_sign"]


@dataclass(frozen=True, slots=True, repr=False)
class Party:
    """A certificate and its private key."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey


class DemoPki:
    """An authority, the notary's certificate, another signer's, and the authority's OCSP responder."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._authority = self._party("Demo Root", None, ca=True)
        self.leaf = self._party("notary", self._authority, uri=ISSUER)
        self._other = self._party("wiki", self._authority, uri="https://wiki.corp.example")
        self._responder = self._party("responder", self._authority, answers=True)

    @property
    def anchor(self) -> bytes:
        """The authority's certificate in PEM, as the policy names it."""
        return self._authority.certificate.public_bytes(Encoding.PEM)

    @property
    def x5c(self) -> list[str]:
        """The notary's certificate as a token carries it."""
        return [b64encode(self.leaf.certificate.public_bytes(Encoding.DER)).decode("ascii")]

    def staple(self, *, age: timedelta = timedelta(minutes=5), revoked: bool = False) -> list[str]:
        """What the responder says of the notary's certificate."""
        return self._answer(self.leaf, self._responder, age=age, revoked=revoked)

    def staple_of_another(self) -> list[str]:
        """A good answer of the right responder, about another certificate."""
        return self._answer(self._other, self._responder)

    def staple_of_its_own(self) -> list[str]:
        """The notary's own word that its certificate is good."""
        return self._answer(self.leaf, self.leaf)

    def _answer(
        self, about: Party, signer: Party, *, age: timedelta = timedelta(minutes=5), revoked: bool = False
    ) -> list[str]:
        since = self._now - age
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=about.certificate,
            issuer=self._authority.certificate,
            algorithm=SHA256(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=since,
            next_update=since + timedelta(days=1),
            revocation_time=since if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        response = builder.certificates([signer.certificate]).sign(signer.private, SHA256())
        return [b64encode(response.public_bytes(Encoding.DER)).decode("ascii")]

    def _party(
        self, name: str, above: Party | None, *, ca: bool = False, uri: str | None = None, answers: bool = False
    ) -> Party:
        private = ec.generate_private_key(ec.SECP256R1())
        signer = above.private if above else private
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(above.certificate.subject if above else subject)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(hours=6))
            .not_valid_after(self._now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(_usage(("key_cert_sign", "crl_sign") if ca else ("digital_signature",)), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if uri is not None:
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
            builder = builder.add_extension(names, critical=False)
        if answers:  # RFC 6960, section 4.2.2.2
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
            builder = builder.add_extension(purpose, critical=False).add_extension(x509.OCSPNoCheck(), critical=False)
        return Party(builder.sign(signer, SHA256()), private)


def _usage(bits: Sequence[Bit]) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digital_signature" in bits,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign="key_cert_sign" in bits,
        crl_sign="crl_sign" in bits,
        encipher_only=False,
        decipher_only=False,
    )
