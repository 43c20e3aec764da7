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
from cryptography.x509.ocsp import OCSPCertStatus

from policyjwt.errors import TokenRefused
from policyjwt.evidence.ocsp import StapleDemand, authenticate, judge_times, position_of
from policyjwt.evidence.ocsp_model import DAY, MAX_RESPONSE_BYTES, MAX_RESPONSES
from policyjwt.evidence.ocsp_parse import parse
from policyjwt.evidence.ocsp_responder import issued
from policyjwt.spans import moment
from policyjwt.tokens import x5c, x5c_messages

__all__ = ["MAX_CERTIFICATES", "MAX_STAPLES", "MAX_STAPLE_BYTES", "added_bytes", "check", "header"]

MAX_CERTIFICATES: Final = x5c.MAX_CERTIFICATES
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
    certificates: Chain,
    staples: Sequence[bytes] = (),
    *,
    anchor: bytes | Certificate | None = None,
    name: str = "x5ocsp",
    thumbprint: bool = False,
) -> dict[str, object]:
    """The members to add to the header of a token: `x5c`, `x5t#S256` with `thumbprint`, and the staples under `name`.

    `certificates` is the chain, the signer's first, each followed by its issuer, as PEM or as certificates. Give
    it up to the anchor, by which a staple about the last certificate before it is checked: an anchor is left out of
    the header, because whoever verifies has it or must not trust it. It is the certificate at the end that signed
    itself; one that did not is named by `anchor` (PEM or a certificate), whether it stands at the end or not. `staples`
    are OCSP responses in DER, in any order.

    ValueError says what no verifier would accept. Whether the staples are authentic and fresh is asked by `check`.
    """
    chain, anchored = _chain(certificates, anchor)
    sent = chain[:-1] if anchored else chain
    if len(sent) > MAX_CERTIFICATES:
        raise ValueError(f"{len(sent)} certificates for `x5c`, where at most {MAX_CERTIFICATES} are accepted")
    found: dict[str, object] = {"x5c": [_text(certificate.public_bytes(Encoding.DER)) for certificate in sent]}
    if thumbprint:
        digest = hashlib.sha256(sent[0].public_bytes(Encoding.DER)).digest()
        found["x5t#S256"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    checked = _checked(_listed(staples), chain, anchored=anchored)
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
    anchor: bytes | Certificate | None = None,
    pinned: Chain = (),
    max_window: float = 10 * DAY,
    next_update_needed: bool = True,
    nocheck_needed: bool = True,
) -> float:
    """What a verifier says of these staples at `now`: until when they, and the certificates, are good.

    Ask before each token (or as often as staples are read again) with what the verifiers' policies say, and let no
    token's `exp` lie behind the answer: `age at most`, `skew`, `cover`, `window at most`; the certificates of
    `responder pinned`; False for what a policy allows to be absent, `nextUpdate` or a responder's `nocheck`.
    `certificates` must end in the anchor, or `anchor` name it, as in `header`.

    TokenRefused with the code that the verifiers would give: `staple.stale`, `staple.revoked`, `staple.coverage`, …
    ValueError where `header` raises it for these certificates, and for numbers and a `cover` that no policy has.
    """
    chain, anchored = _chain(certificates, anchor)
    if not anchored:
        raise ValueError(
            "the chain does not end in its anchor: add the certificate of the authority at its end; "
            "one that did not sign itself is named by `anchor`"
        )
    if cover not in ("leaf", "chain"):
        raise ValueError("cover is `leaf` or `chain`")
    demand = StapleDemand(
        max_age=max_age,
        skew=skew,
        max_window=max_window,
        next_update_needed=next_update_needed,
        nocheck_needed=nocheck_needed,
        pinned=tuple(_certificates(pinned)),
    )
    given = _listed(staples)
    ends = _validity(chain, now)
    responses = authenticate(given, chain, demand, cover=cover)
    return min(ends, judge_times(responses, demand, now=now, issued_at=None))


def added_bytes(header: Mapping[str, object]) -> int:
    """How many characters these members add to a token in compact form, whose header is JSON without spaces.

    Many servers and proxies refuse request headers from 8 KiB on, all headers together: stay well below.
    """
    members = json.dumps(dict(header), separators=(",", ":"))
    return -(-4 * (len(members) - 1) // 3)  # one brace less, one comma more than the members alone


def _chain(given: Chain, anchor: bytes | Certificate | None) -> tuple[list[Certificate], bool]:
    """The certificates, each signed by the next, and whether the last of them is the anchor."""
    chain = _certificates(given)
    if not chain:
        raise ValueError("no certificate: the signer's comes first, then its issuers")
    named = None if anchor is None else _one(anchor)
    if named is not None and chain[-1] != named:
        chain.append(named)
    for position, (certificate, issuer) in enumerate(pairwise(chain), start=1):
        if not issued(certificate, issuer):
            raise ValueError(
                f"certificate {position + 1} did not issue certificate {position}: "
                "the signer's comes first, each followed by its issuer"
                + (f"; certificate {len(chain)} is the one named as `anchor`" if named is not None else "")
            )
    if any(_signed_itself(certificate) for certificate in chain[:-1]):
        raise ValueError("an anchor stands before the end of the chain")
    anchored = named is not None or _signed_itself(chain[-1])
    if len(chain) == 1 and anchored:
        raise ValueError("the signer's certificate is an anchor itself: nobody can vouch for it or revoke it")
    return chain, anchored


def _certificates(given: Chain) -> list[Certificate]:
    if isinstance(given, bytes):
        return _from_pem(given)
    found = list(given)
    if not all(isinstance(certificate, Certificate) for certificate in found):
        raise TypeError("certificates are PEM, as bytes, or a sequence of certificates of `cryptography`")
    return found


def _one(anchor: bytes | Certificate) -> Certificate:
    found = _certificates(anchor if isinstance(anchor, bytes) else [anchor])
    if len(found) != 1:
        raise ValueError(f"{len(found)} certificates as the anchor, where one is meant")
    return found[0]


def _from_pem(pem: bytes) -> list[Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise ValueError("the certificates are no PEM that can be read") from None


def _signed_itself(certificate: Certificate) -> bool:
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


def _listed(given: Sequence[bytes]) -> list[bytes]:
    if not isinstance(given, (list, tuple)):  # bytes are a sequence too, of numbers
        raise TypeError("staples are a list or a tuple of bytes: one staple is `[staple]`")
    if not all(isinstance(staple, bytes) for staple in given):
        raise TypeError("a staple is the DER of an OCSP response, as bytes")
    return list(given)


def _checked(staples: list[bytes], chain: list[Certificate], *, anchored: bool) -> list[bytes]:
    if len(staples) > MAX_STAPLES:
        raise ValueError(f"{len(staples)} staples, where at most {MAX_STAPLES} are accepted")
    about: dict[int, int] = {}
    for number, staple in enumerate(staples, start=1):
        position = _subject(staple, number, chain, anchored=anchored)
        if position in about:
            raise ValueError(f"staples {about[position]} and {number} are both about certificate {position}")
        about[position] = number
    return staples


def _subject(staple: bytes, number: int, chain: list[Certificate], *, anchored: bool) -> int:
    """The number of the certificate that `staple` is about. ValueError for what no verifier accepts at any time."""
    try:
        facts = parse(staple)
    except TokenRefused as refused:
        raise ValueError(f"staple {number}: {refused.actual}; expected {refused.expected}") from None
    position = position_of(facts, chain)
    if position is not None:
        if facts.status is not OCSPCertStatus.GOOD:
            raise ValueError(f"staple {number} does not say that certificate {position + 1} is good")
        return position + 1
    if not anchored and facts.serial_number == chain[-1].serial_number:
        raise ValueError(
            f"staple {number} is about the last certificate of the chain, by whose issuer it must be checked: "
            "add the anchor at the end, it is left out of the header"
        )
    raise ValueError(f"staple {number} is about no certificate of the chain")


def _text(data: bytes) -> str:
    """Standard base64, as RFC 7515 has it in `x5c` (section 4.1.6)."""
    return base64.b64encode(data).decode("ascii")
