"""For those who sign tokens. Input: a certificate chain and OCSP responses. Output: the members of a JOSE header.

`header` checks what needs no clock, `check` what a verifier would say now, `added_bytes` what it costs in a token.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from cryptography.x509.ocsp import OCSPCertStatus, OCSPRequestBuilder

from policyjwt.errors import TokenRefused
from policyjwt.evidence.ocsp import StapleDemand, authenticate, judge_times
from policyjwt.evidence.ocsp_model import MAX_RESPONSE_BYTES, MAX_RESPONSES
from policyjwt.evidence.ocsp_parse import Facts, parse
from policyjwt.evidence.ocsp_responder import issued
from policyjwt.spans import moment
from policyjwt.tokens import x5c_messages

__all__ = ["MAX_CERTIFICATES", "MAX_STAPLES", "MAX_STAPLE_BYTES", "added_bytes", "check", "header"]

MAX_CERTIFICATES: Final = 6
"""In `x5c`. Verifiers refuse more."""

MAX_STAPLES: Final = MAX_RESPONSES
MAX_STAPLE_BYTES: Final = MAX_RESPONSE_BYTES

_TAKEN: Final = frozenset(
    (
        *("alg", "typ", "cty", "crit", "kid", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "b64", "etsiU"),
        *("enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c"),
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),
    )
)
"""Header parameters that mean something else, to policyjwt or by their registration."""

Chain = bytes | Sequence[Certificate]


def header(
    certificates: Chain, staples: Sequence[bytes] = (), *, name: str = "x5ocsp", thumbprint: bool = False
) -> dict[str, object]:
    """The members to add to the header of a token: `x5c`, `x5t#S256` with `thumbprint`, and the staples under `name`.

    `certificates` is the chain, the signer's first, each followed by its issuer, as PEM or as certificates. Give
    it up to the anchor, by which a staple about the last certificate before it is checked: an anchor is left out of
    the header, because whoever verifies has it or must not trust it. `staples` are OCSP responses in DER, in any order.

    ValueError says what no verifier would accept. Whether the staples are authentic and fresh is asked by `check`.
    """
    chain = _chain(certificates)
    sent = chain[:-1] if _is_anchor(chain[-1]) else chain
    if len(sent) > MAX_CERTIFICATES:
        raise ValueError(f"{len(sent)} certificates for `x5c`, where at most {MAX_CERTIFICATES} are accepted")
    found: dict[str, object] = {"x5c": [_text(certificate.public_bytes(Encoding.DER)) for certificate in sent]}
    if thumbprint:
        digest = hashlib.sha256(sent[0].public_bytes(Encoding.DER)).digest()
        found["x5t#S256"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    checked = _staples(staples, chain)
    if checked:
        if not isinstance(name, str) or not name or name in _TAKEN:
            raise ValueError("the header parameter for staples has no name of its own: `x5ocsp` is the usual one")
        found[name] = [_text(staple) for staple in checked]
    return found


def check(
    certificates: Chain,
    staples: Sequence[bytes],
    *,
    now: float,
    max_age: float,
    skew: float = 0,
    cover: Literal["leaf", "chain"] = "chain",
) -> float:
    """What a verifier says of these staples at `now`: until when they, and the certificates, are good.

    Ask before each token (or as often as staples are read again), with the `age at most` and `cover` of the
    verifiers' policies, and let no token's `exp` lie behind the answer. `certificates` must end in the anchor.

    TokenRefused with the code that the verifiers would give: `staple.stale`, `staple.revoked`, `staple.coverage`, …
    ValueError where `header` raises it for these certificates.
    """
    chain = _chain(certificates)
    if not _is_anchor(chain[-1]):
        raise ValueError("the chain does not end in its anchor: add the certificate of the authority at its end")
    demand = StapleDemand(max_age=max_age, skew=skew)
    ends = _validity(chain, now)
    responses = authenticate(list(staples), chain, demand, cover=cover)
    return min(ends, judge_times(responses, demand, now=now, issued_at=None))


def added_bytes(header: Mapping[str, object]) -> int:
    """How many characters these members add to a token in compact form, whose header is JSON without spaces.

    Many servers and proxies refuse request headers from 8 KiB on, all headers together: stay well below.
    """
    members = json.dumps(dict(header), separators=(",", ":"))
    return -(-4 * (len(members) - 1) // 3)  # one brace less, one comma more than the members alone


def _chain(given: Chain) -> list[Certificate]:
    """The certificates, each signed by the next."""
    if isinstance(given, bytes):
        chain = _from_pem(given)
    else:
        chain = list(given)
        if not all(isinstance(certificate, Certificate) for certificate in chain):
            raise TypeError("certificates are PEM, as bytes, or a sequence of certificates of `cryptography`")
    if not chain:
        raise ValueError("no certificate: the signer's comes first, then its issuers")
    for position, (certificate, issuer) in enumerate(pairwise(chain), start=1):
        if not issued(certificate, issuer):
            raise ValueError(
                f"certificate {position + 1} did not issue certificate {position}: "
                "the signer's comes first, each followed by its issuer"
            )
    if any(_is_anchor(certificate) for certificate in chain[:-1]):
        raise ValueError("an anchor stands before the end of the chain")
    if len(chain) == 1 and _is_anchor(chain[0]):
        raise ValueError("the signer's certificate is signed by itself: nobody can vouch for it or revoke it")
    return chain


def _from_pem(pem: bytes) -> list[Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise ValueError("the certificates are no PEM that can be read") from None


def _is_anchor(certificate: Certificate) -> bool:
    return issued(certificate, certificate)


def _validity(chain: list[Certificate], now: float) -> float:
    """When the first certificate ends; the anchor's end counts too. RFC 5280, section 6.1.3 (a) (2)."""
    for position, certificate in enumerate(chain, start=1):
        begins, ends = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
        if now < begins:
            raise x5c_messages.path_invalid(actual=f"certificate {position} is not valid before {moment(begins)}")
        if now > ends:
            raise x5c_messages.path_invalid(actual=f"certificate {position} expired at {moment(ends)}")
    return min(certificate.not_valid_after_utc.timestamp() for certificate in chain)


def _staples(given: Sequence[bytes], chain: list[Certificate]) -> list[bytes]:
    if not isinstance(given, (list, tuple)):  # bytes are a sequence too, of numbers
        raise TypeError("staples are a list or a tuple of bytes: one staple is `[staple]`")
    staples = list(given)
    if len(staples) > MAX_STAPLES:
        raise ValueError(f"{len(staples)} staples, where at most {MAX_STAPLES} are accepted")
    about: dict[int, int] = {}
    for number, staple in enumerate(staples, start=1):
        position = _subject(staple, number, chain)
        if position in about:
            raise ValueError(f"staples {about[position]} and {number} are both about certificate {position}")
        about[position] = number
    return staples


def _subject(staple: bytes, number: int, chain: list[Certificate]) -> int:
    """The position of the certificate that `staple` is about. ValueError for what no verifier accepts at any time."""
    if not isinstance(staple, bytes):
        raise TypeError("a staple is the DER of an OCSP response, as bytes")
    try:
        facts = parse(staple)
    except TokenRefused as refused:
        raise ValueError(f"staple {number}: {refused.actual}; expected {refused.expected}") from None
    for position, (certificate, issuer) in enumerate(pairwise(chain), start=1):
        if _is_about(facts, certificate, issuer):
            if facts.status is not OCSPCertStatus.GOOD:
                raise ValueError(f"staple {number} does not say that certificate {position} is good")
            return position
    if not _is_anchor(chain[-1]) and facts.serial_number == chain[-1].serial_number:
        raise ValueError(
            f"staple {number} is about the last certificate of the chain, by whose issuer it must be checked: "
            "add the anchor at the end, it is left out of the header"
        )
    raise ValueError(f"staple {number} is about no certificate of the chain")


def _is_about(facts: Facts, certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 6960, section 4.1.1: the serial number, and the issuer by the hash of its name and of its key."""
    if facts.hash is None or facts.serial_number != certificate.serial_number:
        return False
    asked = OCSPRequestBuilder().add_certificate(certificate, issuer, facts.hash).build()
    return (asked.issuer_name_hash, asked.issuer_key_hash) == (facts.issuer_name_hash, facts.issuer_key_hash)


def _text(data: bytes) -> str:
    """Standard base64, as RFC 7515 has it in `x5c` (section 4.1.6)."""
    return base64.b64encode(data).decode("ascii")
