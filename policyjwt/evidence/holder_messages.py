"""The catalogue of refusals of the holder's proof: one function per code. No text quotes a token, proof, key or URI.

Input: what was found, as counts and times; of a proof only `alg` is ever shown. Output: a TokenRefused, to be raised.
"""

from __future__ import annotations

from policyjwt.errors import TokenRefused
from policyjwt.spans import duration, skew_text, span

# --- what the token says of its holder: `cnf` ---------------------------------------------------------------


def missing(*, method: str) -> TokenRefused:
    """RFC 9449, section 6; RFC 8705, section 3: without it whoever has the token may use it. `method` is ours."""
    return TokenRefused(
        "holder.missing",
        actual=f"the token names no key of its holder: `cnf` or its `{method}` is absent, or of another type",
        expected=f"`cnf` with `{method}`, the thumbprint of the holder's key",
        help="have the issuer bind its tokens to the key that the client proves to hold",
    )


def unsupported(*, method: str, count: int) -> TokenRefused:
    """RFC 7800, section 3.1: one key; what is not understood confirms nothing."""
    return TokenRefused(
        "holder.unsupported",
        actual=f"`cnf` names the holder's key in {count} ways"
        if count > 1
        else f"`cnf` has members, and no `{method}`",
        expected=f"the holder's key named by `{method}`, and in no second way",
    )


def mismatch(*, what: str, method: str) -> TokenRefused:
    """The thief's own key proves nothing. `what` and `method` are ours."""
    return TokenRefused(
        "holder.mismatch",
        actual=f"{what} is not the one that the token is bound to",
        expected=f"the one whose thumbprint is `{method}` of the token's `cnf`",
    )


def downgrade() -> TokenRefused:
    """RFC 9449, section 7.1: a bound token under another scheme is a stolen one, or a client's mistake."""
    return TokenRefused(
        "holder.downgrade",
        actual="the token is bound to its holder's key, and did not come under the scheme `DPoP`",
        expected="`Authorization: DPoP` and the token, with the proof in the header `DPoP`",
    )


# --- DPoP: RFC 9449 -----------------------------------------------------------------------------------------


def dpop_count(*, count: int) -> TokenRefused:
    """Section 4.3, check 1."""
    return TokenRefused(
        "holder.dpop_count",
        actual="the request has no header `DPoP`" if not count else f"the request has {count} proofs",
        expected="exactly one header `DPoP`, with one proof",
        help=None if count else "hand over every value of that header as `Context(dpop=…)`",
    )


def dpop_malformed(*, actual: str, expected: str) -> TokenRefused:
    """Section 4.3, check 2. `actual` and `expected` are of the checks of tokens."""
    return TokenRefused("holder.dpop_malformed", actual=f"the proof: {actual}", expected=expected)


def dpop_typ() -> TokenRefused:
    """Section 4.3, check 4; RFC 8725, section 3.11: no other JWT of the holder is a proof."""
    return TokenRefused(
        "holder.dpop_typ", actual="`typ` of the proof is absent, or another one", expected="`typ` is `dpop+jwt`"
    )


def dpop_alg(*, actual: str, allowed: str) -> TokenRefused:
    """Section 4.3, check 5: asymmetric, and one that the policy lists."""
    return TokenRefused("holder.dpop_alg", actual=f"in the proof {actual}", expected=f"`alg` is one of {allowed}")


def dpop_jwk(*, actual: str) -> TokenRefused:
    """Section 4.3, checks 6 and 7. `actual` is of the checks of keys and shows no material."""
    return TokenRefused(
        "holder.dpop_jwk",
        actual=f"`jwk` of the proof: {actual}",
        expected="the public key that made the proof, sound and of the kind of `alg`",
    )


def dpop_signature() -> TokenRefused:
    """Section 4.3, check 6. One text for every failure: an oracle has nothing to tell."""
    return TokenRefused(
        "holder.dpop_signature",
        actual="the signature of the proof does not fit its bytes and its key",
        expected="a signature made with the private key of `jwk`",
    )


def dpop_claims(*, actual: str) -> TokenRefused:
    """Section 4.3, check 3. `actual` names a claim of ours."""
    return TokenRefused(
        "holder.dpop_claims",
        actual=f"in the proof {actual}",
        expected="`jti`, `htm`, `htu`, texts, and `iat`, a number; `nonce`, `exp`, `nbf` of their types",
    )


def dpop_htm(*, known: bool) -> TokenRefused:
    """Section 4.3, check 8. Methods differ in case (RFC 9110, section 9.1)."""
    return TokenRefused(
        "holder.dpop_htm",
        actual="the proof is for another method" if known else "the method of the request is not known",
        expected="`htm` is the method of the request, letter by letter",
        help=None if known else "hand the method over as `Context(method=…)`",
    )


def dpop_htu(*, actual: str, help: str | None = None) -> TokenRefused:
    """Section 4.3, check 9."""
    return TokenRefused(
        "holder.dpop_htu",
        actual=actual,
        expected="`htu` is the URI of the request, without query and fragment",
        help=help,
    )


def service_uri(*, actual: str) -> TokenRefused:
    """The service's own mistake: nothing can be compared with what it said."""
    return dpop_htu(
        actual=f"the URI of the request {actual}",
        help="hand it over as `Context(uri=…)`; scheme and host come from the configuration, never from `Host`",
    )


def dpop_stale(*, actual: str, expected: str) -> TokenRefused:
    """Section 4.3, check 11."""
    return TokenRefused("holder.dpop_stale", actual=actual, expected=expected)


def dpop_too_old(*, age: float, most: float, skew: float) -> TokenRefused:
    """A proof that was seen on its way is worth something for as long as this."""
    return dpop_stale(
        actual=f"the proof was made {span(age)} ago", expected=f"at most {duration(most)}{skew_text(skew)}"
    )


def dpop_expired(*, late: float, skew: float) -> TokenRefused:
    """RFC 7519, section 4.1.4: the client's own end of it."""
    return dpop_stale(
        actual=f"the proof expired {duration(late)} ago",
        expected=f"a proof is refused from its `exp` on{skew_text(skew)}",
    )


def dpop_not_yet_valid(*, ahead: float, name: str, skew: float) -> TokenRefused:
    """Section 11.1: proofs made for later can be used by whoever held the key once. `name` is iat or nbf."""
    return TokenRefused(
        "holder.dpop_not_yet_valid",
        actual=f"`{name}` of the proof is {span(ahead)} from now",
        expected=f"a proof is made before it is used{skew_text(skew)}",
    )


def dpop_nonce(*, actual: str) -> TokenRefused:
    """Section 4.3, check 10; sections 8 and 9."""
    return TokenRefused(
        "holder.dpop_nonce",
        actual=actual,
        expected="`nonce` is the one that the service gave out last",
        help="answer 401 with `use_dpop_nonce` and a fresh nonce in the header `DPoP-Nonce`: the client tries again",
    )


def dpop_ath() -> TokenRefused:
    """Section 4.3, check 12: a proof for one token is none for another."""
    return TokenRefused(
        "holder.dpop_ath",
        actual="`ath` of the proof is absent, or that of another token",
        expected="`ath` is the SHA-256 of the token in base64url",
    )


# --- mutual TLS: RFC 8705 -----------------------------------------------------------------------------------


def mtls_missing() -> TokenRefused:
    """Section 3: the token is nothing without the certificate of the connection."""
    return TokenRefused(
        "holder.mtls_missing",
        actual="no certificate of the client was given",
        expected="the certificate with which the client opened the connection",
        help="hand it over as `Context(client_certificate=…)`; have the server ask clients for one",
    )


def mtls_untrusted_source() -> TokenRefused:
    """RFC 9440, section 4: a header can be written by anyone."""
    return TokenRefused(
        "holder.mtls_untrusted_source",
        actual="the client's certificate came in a header, and nobody vouches for the header",
        expected="a certificate of the connection itself, or of a proxy that removes what clients send in its place",
        help="where such a proxy stands in front of every way in, say so by `Context(from_trusted_proxy=True)`",
    )


def mtls_cert_invalid(*, actual: str) -> TokenRefused:
    """RFC 8705, section 2; RFC 5280, section 6. `actual` is in words of ours."""
    return TokenRefused(
        "holder.mtls_cert_invalid",
        actual=actual,
        expected="one certificate in DER or PEM, within its time, and issued by an anchor where the policy names some",
    )
