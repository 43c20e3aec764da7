"""Stapled OCSP (RFC 6960). Input: responses in DER and a validated path. Output: authentic answers, or TokenRefused.

`authenticate` decides all that no clock decides, `judge_times` the rest, at each use. `check_staple` does both for one
response about one certificate.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.x509 import Certificate
from cryptography.x509.ocsp import OCSPCertStatus

from policyjwt.errors import TokenRefused
from policyjwt.evidence import staple_messages as messages
from policyjwt.evidence.ocsp_model import (
    DAY,
    MAX_RESPONSES,
    AuthenticResponse,
    Delegation,
    StapleDemand,
    StapleResult,
    check_number,
)
from policyjwt.evidence.ocsp_names import identity
from policyjwt.evidence.ocsp_times import judge_times
from policyjwt.evidence.staple_file import StapleFile

if TYPE_CHECKING:
    from policyjwt.evidence.ocsp_parse import Facts

__all__ = [
    "AuthenticResponse",
    "StapleDemand",
    "StapleFile",
    "StapleResult",
    "authenticate",
    "check_staple",
    "judge_times",
    "position_of",
]


def authenticate(
    responses: Sequence[bytes],
    path: Sequence[Certificate],
    demand: StapleDemand,
    *,
    cover: Literal["leaf", "chain"],
    known: Container[Delegation] = (),
) -> tuple[AuthenticResponse, ...]:
    """The authentic answers about the certificates of `path` (leaf first, anchor last), all of them "good".

    Each response is looked at: one about a certificate of the path must be sound, whether the policy wants it covered
    or not; one about another certificate is not used, and refuses only where no other is about the path. `known` are
    delegations of earlier answers.
    """
    if not responses:  # check: S1
        raise messages.missing(actual="there is no OCSP response", expected="an OCSP response")
    if len(responses) > MAX_RESPONSES:  # check: S3
        raise messages.too_many(count=len(responses), limit=MAX_RESPONSES)
    answers: list[AuthenticResponse] = []
    refusals: list[TokenRefused] = []
    for der in responses:
        try:
            answer = _answer(der, path, demand, known)
        except TokenRefused as refused:
            refusals.append(refused)
        else:
            answers.extend(() if answer is None else (answer,))
    # An authentic "revoked" is told before anything else, wherever it stands and whatever stands beside it.
    if any(refused.code == "staple.revoked" for refused in refusals):  # check: S28
        raise messages.revoked()
    if refusals:
        raise refusals[0]
    if not answers:  # check: S18
        raise messages.wrong_certificate()
    _check_coverage(answers, path, cover)
    return tuple(answers)


def _answer(
    der: bytes, path: Sequence[Certificate], demand: StapleDemand, known: Container[Delegation]
) -> AuthenticResponse | None:
    """What one response says, None where it is not about a certificate of the path."""
    from policyjwt.evidence import ocsp_parse, ocsp_responder

    facts = ocsp_parse.parse(der)
    position = position_of(facts, path)
    if position is None:
        return None
    signer = ocsp_responder.authenticate(
        facts, path[position : position + 2], demand.pinned, demand_nocheck=demand.nocheck_needed, known=known
    )
    _check_status(facts)  # only now: before its signature, nothing that it says is believed
    from_issuer = signer.authorised == "issuer"
    return AuthenticResponse(
        position=position,
        this_update=facts.this_update,
        next_update=facts.next_update,
        produced_at=facts.produced_at,
        authorised=signer.authorised,
        responder=signer.certificate,
        responder_not_before=None if from_issuer else signer.certificate.not_valid_before_utc.timestamp(),
        responder_not_after=None if from_issuer else signer.certificate.not_valid_after_utc.timestamp(),
        delegation=signer.delegation,
    )


def _check_status(facts: Facts) -> None:
    if facts.critical_unknown:  # check: S16
        raise messages.critical_ext()
    if facts.status is OCSPCertStatus.REVOKED:  # check: S19
        raise messages.revoked()
    if facts.status is not OCSPCertStatus.GOOD:  # check: S20
        raise messages.unknown()


def position_of(facts: Facts, path: Sequence[Certificate]) -> int | None:
    """Which certificate of the path the answer is about: RFC 6960, section 4.1.1.

    The serial number counts with the hashes of the issuer's name and key: serial numbers are each CA's own.
    """
    if facts.hash is None:  # check: S18
        return None
    for position, (certificate, issuer) in enumerate(pairwise(path)):
        if facts.serial_number != certificate.serial_number:  # check: S18
            continue
        name_hash, key_hash = identity(issuer, facts.hash)
        if facts.issuer_name_hash != name_hash:  # check: S18
            continue
        if facts.issuer_key_hash != key_hash:  # check: S18
            continue
        return position
    return None


def _check_coverage(
    answers: Sequence[AuthenticResponse], path: Sequence[Certificate], cover: Literal["leaf", "chain"]
) -> None:
    needed = {0} if cover == "leaf" else set(range(len(path) - 1))
    covered = needed & {answer.position for answer in answers}
    if covered != needed:  # check: S27
        raise messages.coverage(covered=len(covered), needed=len(needed))


def check_staple(
    der: bytes,
    *,
    certificate: bytes | Certificate,
    issuer: bytes | Certificate,
    now: float,
    max_age: float,
    skew: float = 0,
    max_window: float = 10 * DAY,
    pinned: Sequence[bytes | Certificate] = (),
    next_update_needed: bool = True,
    nocheck_needed: bool = True,
    issued_at: float | None = None,
) -> StapleResult:
    """Judges one OCSP response about one certificate; `.good` and `.code` say how.

    Certificates are DER, PEM or objects of `cryptography`. With `issued_at`, the response must not be older than that.
    TypeError or ValueError for a bad call: no bytes, certificates that can't be read, numbers that are none.
    """
    if not isinstance(der, bytes):
        raise TypeError("an OCSP response is bytes")
    check_number(now, name="now")
    if issued_at is not None:
        check_number(issued_at, name="issued_at")
    path = (_certificate(certificate, name="certificate"), _certificate(issuer, name="issuer"))
    _check_pair(*path)
    demand = StapleDemand(
        max_age=max_age,
        skew=skew,
        max_window=max_window,
        next_update_needed=next_update_needed,
        nocheck_needed=nocheck_needed,
        pinned=tuple(_certificate(each, name="pinned") for each in pinned),
        after_token=issued_at is not None,
    )
    answer = None
    try:
        (answer,) = authenticate((der,), path, demand, cover="leaf")
        good_until = judge_times((answer,), demand, now=now, issued_at=issued_at)
    except TokenRefused as refused:
        return _result(refused.code, None, answer, actual=refused.actual, expected=refused.expected, help=refused.help)
    return _result("staple.met", good_until, answer, actual="an authentic and fresh answer: good", expected="good")


def _result(
    code: str,
    good_until: float | None,
    answer: AuthenticResponse | None,
    *,
    actual: str,
    expected: str,
    help: str | None = None,
) -> StapleResult:
    return StapleResult(
        good=good_until is not None,
        code=code,
        good_until=good_until,
        actual=actual,
        expected=expected,
        help=help,
        this_update=answer.this_update if answer else None,
        next_update=answer.next_update if answer else None,
        produced_at=answer.produced_at if answer else None,
    )


def _certificate(given: object, *, name: str) -> Certificate:
    if isinstance(given, x509.Certificate):
        return given
    if not isinstance(given, bytes):
        raise TypeError(f"{name} is a certificate, or the bytes of one")
    try:
        pem = given.lstrip().startswith(b"-----BEGIN")
        return x509.load_pem_x509_certificate(given) if pem else x509.load_der_x509_certificate(given)
    except Exception:  # noqa: BLE001 - border to cryptography, which raises several kinds: a bad call either way
        raise ValueError(f"{name} is no certificate that can be read") from None


def _check_pair(certificate: Certificate, issuer: Certificate) -> None:
    """Without this, an answer about one CA's certificate could be taken for one about another's."""
    from policyjwt.evidence.ocsp_responder import issued

    if not issued(certificate, issuer):
        raise ValueError("issuer has not signed certificate")
