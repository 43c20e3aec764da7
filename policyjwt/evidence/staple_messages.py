"""The catalogue of refusals of stapled OCSP: one function per code. No text quotes a token or a certificate.

Input: counts, times in words and phrases of ours. Output: a TokenRefused, to be raised by the caller.
"""

from __future__ import annotations

from policyjwt.errors import TokenRefused

_FETCH = "fetch a new response from the certificate's responder and staple that"

# --- how it comes -----------------------------------------------------------------------------------------


def missing(*, actual: str, expected: str) -> TokenRefused:
    """RFC 6960 answers nothing where nobody asked: without evidence the certificate counts as revoked."""
    return TokenRefused(
        "staple.missing", actual=actual, expected=expected, help="absent evidence is never taken for good evidence"
    )


def ambiguous(*, places: str) -> TokenRefused:
    """Two places could hold two answers, and two readers could each believe another."""
    return TokenRefused(
        "staple.ambiguous",
        actual=f"OCSP responses come in more than one place: {places}",
        expected="responses in one place alone",
    )


def malformed(*, actual: str, expected: str = "one OCSP response in DER, with a basic response inside") -> TokenRefused:
    """RFC 6960, section 4.2.1; one value has one spelling."""
    return TokenRefused("staple.malformed", actual=actual, expected=expected)


def too_many(*, count: int, limit: int) -> TokenRefused:
    """Whoever sends them chooses how many signatures are checked."""
    return TokenRefused(
        "staple.too_many", actual=f"{count} OCSP responses", expected=f"at most {limit} OCSP responses for one token"
    )


def too_large(*, limit: int) -> TokenRefused:
    """A size limit comes before any decoding."""
    return TokenRefused(
        "staple.too_large",
        actual=f"an OCSP response of more than {limit} bytes",
        expected=f"OCSP responses of at most {limit} bytes each",
    )


# --- what it is -------------------------------------------------------------------------------------------


def unsuccessful(*, status: str) -> TokenRefused:
    """RFC 6960, section 2.3: an error of the responder; it is not signed. `status` is a phrase of ours."""
    return TokenRefused(
        "staple.unsuccessful",
        actual=f"the OCSP response is an error of the responder: {status}",
        expected="a successful OCSP response",
        help=_FETCH,
    )


def multiple_responses(*, count: int) -> TokenRefused:
    """RFC 5019, section 2.2.1: one answer in one response, so that no second one is overlooked."""
    return TokenRefused(
        "staple.multiple_responses",
        actual=f"an OCSP response with {count or 'no'} answers",
        expected="an OCSP response with exactly one answer",
        help="ask the responder about one certificate at a time",
    )


def critical_ext() -> TokenRefused:
    """RFC 6960, section 4.4, and RFC 5280, section 4.2: what must be understood and is not refuses."""
    return TokenRefused(
        "staple.critical_ext",
        actual="the OCSP response has a critical extension that is not understood here",
        expected="no critical extension but a nonce",
    )


# --- who says it ------------------------------------------------------------------------------------------


def too_many_certs(*, count: int, limit: int) -> TokenRefused:
    """Each certificate would be looked at."""
    return TokenRefused(
        "staple.too_many_certs",
        actual=f"an OCSP response with {count} certificates",
        expected=f"an OCSP response with at most {limit} certificates",
    )


def responder_unknown() -> TokenRefused:
    """RFC 6960, section 4.2.2.3: the signer is named by its name or the hash of its key."""
    return TokenRefused(
        "staple.responder_unknown",
        actual="the OCSP response names a responder that is neither the issuer, nor pinned, nor enclosed",
        expected="the certificate's issuer, an enclosed responder that it delegated, or one that the policy pins",
        help="let the responder enclose its certificate",
    )


def responder_not_delegated(*, actual: str) -> TokenRefused:
    """RFC 6960, section 4.2.2.2. PKI.js #502, c2pa-rs #952 and OpenSSL PR #30323 are about its absence."""
    return TokenRefused(
        "staple.responder_not_delegated",
        actual=actual,
        expected="a responder's certificate that the issuer signed itself, for OCSP signing",
    )


def responder_is_ca() -> TokenRefused:
    """A CA that may also answer could vouch for itself: a "dangerous delegated responder"."""
    return TokenRefused(
        "staple.responder_is_ca",
        actual="the delegated responder's certificate is that of a CA",
        expected="a delegated responder that can't issue certificates",
    )


def responder_key_usage() -> TokenRefused:
    """RFC 5280, section 4.2.1.3."""
    return TokenRefused(
        "staple.responder_key_usage",
        actual="the key usage of the responder's certificate does not allow signatures",
        expected="a key usage with digitalSignature, or none",
    )


def responder_revocation_unknown() -> TokenRefused:
    """RFC 6960, section 4.2.2.2.1: without the mark somebody would have to ask about the responder too."""
    return TokenRefused(
        "staple.responder_revocation_unknown",
        actual="the responder's certificate lacks id-pkix-ocsp-nocheck, and whether it is revoked can't be known here",
        expected="a responder's certificate with id-pkix-ocsp-nocheck",
        help="`responder without nocheck allowed because …` accepts it, for as long as its certificate is valid",
    )


def responder_critical_ext() -> TokenRefused:
    """RFC 5280, section 4.2."""
    return TokenRefused(
        "staple.responder_critical_ext",
        actual="the responder's certificate has a critical extension that is not understood here",
        expected="no critical extensions but basic constraints, key usage, extended key usage and nocheck",
    )


def responder_weak_sig() -> TokenRefused:
    """A forged certificate of a responder is as good as a forged response: SHA-1 collides (SHAttered, 2017)."""
    return TokenRefused(
        "staple.responder_weak_sig",
        actual="the responder's certificate is signed with an algorithm that is not accepted",
        expected=f"a certificate signed with {ACCEPTED}",
    )


def responder_weak_key(*, actual: str) -> TokenRefused:
    """Too small keys are guessed, too large ones cost time that the sender chooses."""
    return TokenRefused(
        "staple.responder_weak_key",
        actual=f"the responder's key is {actual}",
        expected="RSA of 2048 to 8192 bits, P-256, P-384, P-521, Ed25519 or Ed448",
    )


def responder_expired(*, actual: str) -> TokenRefused:
    """RFC 6960, section 4.2.2.2, and RFC 5280, section 6.1.3 (a) (2)."""
    return TokenRefused(
        "staple.responder_expired", actual=actual, expected="a responder whose certificate is valid now", help=_FETCH
    )


ACCEPTED = "RSA (PKCS #1 v1.5) or ECDSA with SHA-256, SHA-384 or SHA-512, Ed25519 or Ed448"


def sig_alg_refused(*, algorithm: str) -> TokenRefused:
    """SHA-1 and MD5 collide; the parameters of RSA-PSS can't be seen. `algorithm` is a name of our table."""
    return TokenRefused(
        "staple.sig_alg_refused",
        actual=f"the OCSP response is signed with {algorithm}",
        expected=f"a signature with {ACCEPTED}",
    )


def bad_signature() -> TokenRefused:
    """One text for every failure: an oracle has nothing to tell."""
    return TokenRefused(
        "staple.bad_signature",
        actual="the signature of the OCSP response does not fit its bytes and the responder's key",
        expected="a signature that the responder made",
    )


# --- what it says -----------------------------------------------------------------------------------------


def wrong_certificate() -> TokenRefused:
    """RFC 6960, section 3.2, point 1."""
    return TokenRefused(
        "staple.wrong_certificate",
        actual="the OCSP response is about another certificate",
        expected="an answer about a certificate of the path: its serial number, its issuer's name and key",
    )


def revoked() -> TokenRefused:
    """RFC 6960, section 2.2: whatever its reason and time; when the token was issued is the signer's word alone."""
    return TokenRefused(
        "staple.revoked",
        actual="a certificate of the path is revoked",
        expected="certificates that are not revoked",
        help="do not trust this signer any more, and find out what it signed",
    )


def unknown() -> TokenRefused:
    """RFC 6960, section 2.2: the responder does not know the certificate, so perhaps the CA never issued it."""
    return TokenRefused(
        "staple.unknown",
        actual="the responder does not know the certificate",
        expected="a responder that knows the certificate and says good",
    )


def coverage(*, covered: int, needed: int) -> TokenRefused:
    """A revoked intermediate takes everything below it along."""
    return TokenRefused(
        "staple.coverage",
        actual=f"a good answer for {covered} of the {needed} certificates that need one",
        expected="a good answer for each of them",
        help="staple a response for each certificate but the anchor, or let the policy say `cover leaf`",
    )


# --- when it said so --------------------------------------------------------------------------------------


def not_yet_valid(*, ahead: str, skew: str) -> TokenRefused:
    """RFC 6960, section 4.2.2.1."""
    return TokenRefused(
        "staple.not_yet_valid",
        actual=f"the OCSP response becomes valid {ahead} from now",
        expected=f"an answer that is valid already{skew}",
    )


def bad_produced_at(*, actual: str) -> TokenRefused:
    """RFC 6960, section 2.4: producedAt is when the response was signed."""
    return TokenRefused(
        "staple.bad_produced_at",
        actual=actual,
        expected="a response signed after its answer was known, before now, by a responder that was valid then",
    )


def no_next_update() -> TokenRefused:
    """RFC 6960, section 2.4: without it newer information is available all the time."""
    return TokenRefused(
        "staple.no_next_update",
        actual="the OCSP response does not say when the next one comes",
        expected="a response with nextUpdate",
        help="`without next update allowed because …` goes by the age alone",
    )


def bad_window(*, actual: str, limit: str) -> TokenRefused:
    """CAs that sign far ahead sign what they can't know yet."""
    return TokenRefused(
        "staple.bad_window",
        actual=actual,
        expected=f"a response whose nextUpdate is after its thisUpdate, by at most {limit}",
    )


def expired(*, ago: str, skew: str) -> TokenRefused:
    """RFC 6960, section 4.2.2.1."""
    return TokenRefused(
        "staple.expired",
        actual=f"the OCSP response was to be replaced {ago} ago",
        expected=f"a response before its nextUpdate{skew}",
        help=_FETCH,
    )


def stale(*, age: str, limit: str, skew: str) -> TokenRefused:
    """The age is the latency of revocation."""
    return TokenRefused(
        "staple.stale", actual=f"the OCSP response is {age} old", expected=f"at most {limit} old{skew}", help=_FETCH
    )


def before_token(*, actual: str, skew: str) -> TokenRefused:
    """ETSI TS 119 102-1, section 5.2.5.4: evidence that is older than the signature says nothing about its moment."""
    return TokenRefused(
        "staple.before_token",
        actual=actual,
        expected=f"an OCSP response that is not older than the token{skew}",
        help="fetch the response after the token was issued",
    )
