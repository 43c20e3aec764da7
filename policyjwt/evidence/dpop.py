"""DPoP proofs. Input: the values of the header, the token, the request, the moment. Output: Proof, or TokenRefused.

RFC 9449, section 4.3, whose checks keep their numbers D1 to D13 and D15 here. That a proof comes only once is the
replay store's matter: `jti`, within the key.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.evidence import holder_messages as say
from policyjwt.evidence.confirmation import confirmed, same
from policyjwt.evidence.dpop_uri import normalise
from policyjwt.tokens import base64url, headers, messages
from policyjwt.tokens.algorithms import ALGORITHMS, allow_list
from policyjwt.tokens.decode import UnverifiedToken, decode

if TYPE_CHECKING:
    from policyjwt.tokens.key import Key

MAX_PROOF_CHARACTERS: Final = 8 * 1024
"""A proof with an RSA key of 4096 bits has 2 KiB."""

DEFAULT_MAX_AGE: Final = 60
"""Seconds: how old a proof may be where a policy does not say."""

MAX_JTI_BYTES: Final = 256
"""As of a token's nonce: it is held by the replay store. RFC 9449, section 11.1, asks for such a limit."""

_TYPE: Final = "dpop+jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofDemand:
    """What a policy demands of a proof. ValueError for what no proof could be judged by.

    `max_age` and `skew` are seconds; with `nonce_required` a proof without the service's nonce is refused.
    """

    algorithms: frozenset[str]
    max_age: float = DEFAULT_MAX_AGE
    skew: float = 0
    nonce_required: bool = False

    def __post_init__(self) -> None:
        if any(ALGORITHMS[name].symmetric for name in allow_list(self.algorithms)):
            raise ValueError("a proof is never made with a secret that the service shares")
        if not (0 < self.max_age < math.inf and 0 <= self.skew < math.inf):
            raise ValueError("the age of a proof is positive, and its skew not negative")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Proof:
    """A proof that was sound. `thumbprint` is the holder's key (`jkt`), `htu` in its one spelling.

    `expires_at` is the client's own `exp`, None where it has none.
    """

    jti: str
    issued_at: float
    thumbprint: str
    htu: str
    nonce: str | None
    expires_at: float | None = None

    def __repr__(self) -> str:
        return "<Proof>"


def good_until(proof: Proof, demand: ProofDemand) -> float:
    """The instant from which the proof is refused."""
    ends = proof.issued_at + demand.max_age
    return (ends if proof.expires_at is None else min(ends, proof.expires_at)) + demand.skew


def check_proof(
    proofs: Sequence[str],
    *,
    demand: ProofDemand,
    token: str,
    confirmation: object,
    method: str | None,
    uri: str | None,
    nonce: str | None,
    now: float,
    scheme: str | None = None,
) -> Proof:
    """The one proof, if the holder of the token's key made it for this request, with this token, now.

    `confirmation` is `cnf` of the verified token, whatever it is. `uri` comes from the service's configuration. `nonce`
    is the service's own; where it is given, it is demanded. `scheme` is that of the
    Authorization header, None where there was none. TokenRefused `holder.…`; `internal.verification` where a check
    itself failed; TypeError for what are no texts.
    """
    jkt = confirmed(confirmation, "jkt")  # 1. the token is bound, and did not come as if it were not
    if scheme is not None and scheme.lower() != "dpop":  # check: D15
        raise say.downgrade()
    proof = _apart(_only(proofs))  # 2. one proof, well formed, of the right kind
    key, alg = _key(proof.header, demand)  # 3. a key; the token's one, before any work is done with it
    thumbprint = key.thumbprint or ""
    if not same(thumbprint, jkt):  # check: D13
        raise say.mismatch(what="the key of the proof", method="jkt")
    if key.verifier(alg)(proof.signing_input, proof.signature) is not True:  # check: D6
        raise say.dpop_signature()
    found = _read(proof.claims, thumbprint)  # 4. only now what it says: this request, now, this token
    if method is None or proof.claims["htm"] != method:  # check: D8
        raise say.dpop_htm(known=method is not None)
    if found.htu != _requested(uri):  # check: D9
        raise say.dpop_htu(actual="the proof is for another URI")
    _check_time(found, proof.claims, demand, now=now)
    _check_nonce(found.nonce, demand, nonce)
    ath, digest = proof.claims.get("ath"), hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    if not (isinstance(ath, str) and same(ath, base64url.encode(digest))):  # check: D12
        raise say.dpop_ath()
    return found


# --- the form -----------------------------------------------------------------------------------------------


def _only(proofs: Sequence[str]) -> str:
    if isinstance(proofs, str | bytes) or not all(isinstance(each, str) for each in proofs):
        raise TypeError("proofs is a list of texts: every value of the header `DPoP`")
    if len(proofs) != 1:  # check: D1
        raise say.dpop_count(count=len(proofs))
    return str.__str__(proofs[0])  # exactly a `str`, as decoding demands


def _apart(text: str) -> UnverifiedToken:
    """As strict as a token. Nothing of it gets into the memory of headers: the client made it."""
    if len(text) > MAX_PROOF_CHARACTERS:  # check: D2
        raise say.dpop_malformed(
            actual=f"{len(text)} characters", expected=f"a proof has at most {MAX_PROOF_CHARACTERS} characters"
        )
    try:
        proof = decode(text)
    except TokenRefused as refused:
        raise say.dpop_malformed(actual=refused.actual, expected=refused.expected) from None
    if proof.header.get("typ") != _TYPE:  # check: D3
        raise say.dpop_typ()
    others = {name: value for name, value in proof.header.items() if name != "jwk"}
    try:
        headers.check(others, claims=proof.claims)  # crit, jku, x5u, x5c and their kin: a proof has `jwk` and no other
    except TokenRefused as refused:
        raise say.dpop_malformed(actual=refused.actual, expected=refused.expected) from None
    return proof


# --- the key ------------------------------------------------------------------------------------------------


def _key(header: Mapping[str, object], demand: ProofDemand) -> tuple[Key, str]:
    """The key in the header, and `alg`. That a key comes with what it verifies is right here alone: see D13."""
    from policyjwt.tokens import jwk  # heavy: only where there are proofs

    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in demand.algorithms:  # check: D4
        allowed = ", ".join(name for name in ALGORITHMS if name in demand.algorithms)
        raise say.dpop_alg(actual=_alg_found(header), allowed=allowed)
    members = header.get("jwk")
    if not isinstance(members, dict):  # check: D5
        raise say.dpop_jwk(actual="absent, or no object")
    try:
        (entry,) = jwk.read_entries({"keys": [members]}, reference="dpop")
    except KeyRefused as refused:
        raise say.dpop_jwk(actual=refused.message) from None
    if isinstance(entry, KeyRefused):  # check: D5
        raise say.dpop_jwk(actual=entry.message)
    if isinstance(entry, jwk.Foreign):  # check: D5
        raise say.dpop_jwk(actual=entry.why)
    if alg not in entry.algorithms:  # check: D5
        raise say.dpop_jwk(actual=f"a key that is not for {alg}")
    return entry, alg


def _alg_found(header: Mapping[str, object]) -> str:
    if "alg" not in header:
        return "`alg` is absent"
    alg = header["alg"]
    return f"`alg` is {messages.shown(alg)}" if isinstance(alg, str) else "`alg` is no string"


# --- what it says -------------------------------------------------------------------------------------------


def _read(claims: Mapping[str, object], thumbprint: str) -> Proof:
    """RFC 9449, section 4.2: the claims that a proof must have, of their types; `htm` is checked and then compared."""
    jti, htu, _ = _text(claims, "jti"), _text(claims, "htu"), _text(claims, "htm")
    if len(jti.encode("utf-8")) > MAX_JTI_BYTES:  # check: D7
        raise say.dpop_claims(actual=f"`jti` has more than {MAX_JTI_BYTES} bytes")
    issued_at = _number(claims, "iat")
    expires_at = _number(claims, "exp") if "exp" in claims else None
    nonce = _text(claims, "nonce") if "nonce" in claims else None
    try:
        return Proof(jti, issued_at, thumbprint, normalise(htu), nonce, expires_at)
    except ValueError as fault:
        raise say.dpop_htu(actual=f"`htu` of the proof {fault}") from None


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:  # check: D7
        raise say.dpop_claims(actual=f"`{name}` is absent, empty, or no string")
    return value


def _number(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):  # check: D7
        raise say.dpop_claims(actual=f"`{name}` is absent, or no number")
    return float(value)


def _requested(uri: str | None) -> str:
    if uri is None:  # check: D9
        raise say.service_uri(actual="is not known")
    try:
        return normalise(uri)
    except ValueError as fault:
        raise say.service_uri(actual=str(fault)) from None


def _check_time(found: Proof, claims: Mapping[str, object], demand: ProofDemand, *, now: float) -> None:
    """Each comparison is written so that no number at all, a NaN, refuses."""
    skew, age = demand.skew, now - found.issued_at
    if not found.issued_at <= now + skew:  # check: D10
        raise say.dpop_not_yet_valid(ahead=-age, name="iat", skew=skew)
    if not age <= demand.max_age + skew:  # check: D10
        raise say.dpop_too_old(age=age, most=demand.max_age, skew=skew)
    if found.expires_at is not None and not now < found.expires_at + skew:  # check: D10
        raise say.dpop_expired(late=now - found.expires_at, skew=skew)
    begins = _number(claims, "nbf") if "nbf" in claims else found.issued_at
    if not begins <= now + skew:  # check: D10
        raise say.dpop_not_yet_valid(ahead=begins - now, name="nbf", skew=skew)


def _check_nonce(claimed: str | None, demand: ProofDemand, nonce: str | None) -> None:
    """RFC 9449, section 4.3, check 10: where the service gave a nonce out, the proof has it."""
    if nonce is None and not demand.nonce_required:
        return
    if claimed is None:  # check: D11
        raise say.dpop_nonce(actual="the proof has no `nonce`")
    if nonce is None or not same(claimed, nonce):  # check: D11
        raise say.dpop_nonce(actual="`nonce` of the proof is not the service's, or no longer")
