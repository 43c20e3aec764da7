"""The catalogue of refusals of certificates: one function per code `x5c.…`, and those of anchors when they are loaded.

Input: what was found, in words of ours, counts and times. No text quotes a name or a byte of a certificate.
"""

from __future__ import annotations

from typing import Final

from policyjwt.errors import KeyRefused, TokenRefused

_STANDARD: Final = "`x5c` is a list of certificates in DER, each in standard base64, the signer's first"


def missing(*, actual: str = "the header has no `x5c`") -> TokenRefused:
    """RFC 7515, section 4.1.6: at least the certificate of the key that signed."""
    return TokenRefused(
        "x5c.missing",
        actual=actual,
        expected="the signer's certificate and those above it in `x5c`",
        help="have the issuer put its certificate and its intermediates into the protected header",
    )


def malformed(*, actual: str, expected: str = _STANDARD) -> TokenRefused:
    """RFC 7515, section 4.1.6; RFC 5280, section 4.1."""
    return TokenRefused("x5c.malformed", actual=actual, expected=expected)


def too_long(*, actual: str, expected: str) -> TokenRefused:
    """Work is bounded before any of it is done: a token must not choose what it costs."""
    return TokenRefused(
        "x5c.too_long",
        actual=actual,
        expected=expected,
        help="have the issuer send the signer's certificate and its intermediates, and nothing else",
    )


def conflict(*, name: str, actual: str) -> TokenRefused:
    """RFC 7515, sections 4.1.7 and 4.1.8. `name` is ours: `x5t` or `x5t#S256`."""
    return TokenRefused(
        "x5c.conflict",
        actual=actual,
        expected=f"`{name}`, where present, is the digest of the first certificate of `x5c`",
    )


def key_alg_mismatch(*, alg: str) -> TokenRefused:
    """RFC 8725, section 3.1; RFC 7518, section 3.4. `alg` is one that the policy allows."""
    return TokenRefused(
        "x5c.key_alg_mismatch",
        actual=f"the key of the signer's certificate is not for {alg}",
        expected="a key whose type and curve are those of the algorithm",
    )


def key_weak(*, actual: str) -> TokenRefused:
    """RFC 7518, section 3.3. `actual` is of the checks of keys and shows no material."""
    return TokenRefused(
        "x5c.key_weak",
        actual=f"the signer's certificate holds {actual}",
        expected="a key that nobody can guess or compute",
        help="have the issuer make a new key and get a new certificate for it",
    )


def path_invalid(*, actual: str, help: str | None = None) -> TokenRefused:
    """RFC 5280, section 6. `actual` says which certificate by its place, and what is wrong in our words."""
    return TokenRefused(
        "x5c.path_invalid",
        actual=actual,
        expected="a valid path from the signer's certificate to an anchor of the policy",
        help=help,
    )


def leaf_is_anchor() -> TokenRefused:
    """Nobody stands above it who could revoke it, and no path was checked."""
    return TokenRefused(
        "x5c.leaf_is_anchor",
        actual="the signer's certificate is itself an anchor of the policy",
        expected="a signer's certificate that an authority among the anchors, or below one, has issued",
        help="let the policy name the authority as anchor, or take the key by `keys pem file`",
    )


def identity_mismatch(*, kind: str) -> TokenRefused:
    """A corporate authority has issued thousands of certificates: a path alone does not say who. `kind` is ours."""
    return TokenRefused(
        "x5c.identity_mismatch",
        actual=f"the signer's certificate is not the one that the policy names by its {kind}",
        expected=f"a certificate whose {kind} the policy lists under `leaf`",
    )


# --- anchors and bindings of a policy, when they are loaded -------------------------------------------------


def anchors_malformed(actual: str) -> KeyRefused:
    """The file is no list of certificates."""
    return KeyRefused("key.malformed", actual, help="write one or more certificates of authorities in PEM")


def anchors_private() -> KeyRefused:
    """Anchors are public; a private key beside them can be read by all who read the policy."""
    return KeyRefused(
        "key.private_in_public_set",
        "a private key among the anchors",
        help="keep the certificates alone, and replace the key: it has been shown",
    )


def anchors_unfit(actual: str) -> KeyRefused:
    """A certificate with which no path can end."""
    return KeyRefused("key.usage", actual, help="name the certificate of the authority that issues to the signer")


def anchors_weak(actual: str) -> KeyRefused:
    """An authority whose signatures others can make."""
    return KeyRefused("key.weak", actual)


def leaf_name_malformed(actual: str) -> KeyRefused:
    """RFC 4514. The text stands in the policy, and its place is told there."""
    return KeyRefused(
        "key.malformed", actual, help="write the distinguished name as RFC 4514 has it: `CN=idp,O=Corp,C=DE`"
    )
