"""The catalogue of refusals of tokens and keys: one function per code. No text quotes a token, but for `alg`.

Input: what was found. Output: a TokenRefused or KeyRefused, to be raised by the caller.
"""

from __future__ import annotations

from policyjwt.errors import KeyRefused, TokenRefused

_SHOWN = 80


def shown(text: str) -> str:
    """`text` in backquotes, escaped to printable ASCII and shortened to 80 characters."""
    short = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    escaped = "".join(
        c if c == "…" or " " <= c <= "~" else c.encode("unicode_escape", "replace").decode() for c in short
    )
    return "`" + escaped.replace("`", "\\`") + "`"


# --- token.…: the form ------------------------------------------------------------------------------------


def missing() -> TokenRefused:
    """There is nothing to judge."""
    return TokenRefused("token.missing", actual="no token was given", expected="a token of three segments")


def presented_twice() -> TokenRefused:
    """RFC 6750, section 2; RFC 9449, section 4.3, check 1: of two, nobody knows which is meant."""
    return TokenRefused(
        "token.presented_twice",
        actual="the request presents its credentials more than once",
        expected="one Authorization header, one proof, and no token in the query",
    )


def size(*, characters: int, limit: int) -> TokenRefused:
    """CVE-2025-61920: a size limit comes before any decoding."""
    return TokenRefused(
        "token.size",
        actual=f"the token has {characters} characters",
        expected=f"a token has at most {limit} characters",
    )


def segments(*, count: int) -> TokenRefused:
    """RFC 7515, section 3.1."""
    found = "1 segment" if count == 1 else f"{count} segments"
    return TokenRefused(
        "token.segments",
        actual=f"the token has {found}",
        expected="header, payload and signature, with a dot between them",
    )


def form() -> TokenRefused:
    """Unprotected headers of the JSON form are anybody's; CVE-2022-39227 read two tokens in one text."""
    return TokenRefused(
        "token.form",
        actual="the token is JSON text",
        expected="the compact form, three segments with dots between",
    )


def json_members() -> TokenRefused:
    """RFC 7515, section 7.2.2: the flattened form; the general one has several signatures, and is never read."""
    return TokenRefused(
        "token.form",
        actual="the token is JSON text of another form",
        expected="the flattened form: `protected`, `payload` and `signature`, and `header` at most",
    )


def kind(*, actual: str) -> TokenRefused:
    """Signed or encrypted: the count of segments and the header must agree, neither decides alone."""
    return TokenRefused("token.kind", actual=actual, expected="a signed token of three segments")


def base64(*, part: str, actual: str, help: str | None = None) -> TokenRefused:
    """RFC 7515, section 2: base64url, no padding, no white space, one spelling only."""
    return TokenRefused(
        "token.base64",
        actual=f"{part} {actual}",
        expected="base64url without padding, in its one spelling",
        help=help,
    )


def text_fault(reason: str, *, part: str, actual: str) -> TokenRefused:
    """`reason` is one of those of strict_json: utf8, json, duplicate, number, depth."""
    return TokenRefused(f"token.{reason}", actual=f"{part}: {actual}", expected=_EXPECTED[reason])


_EXPECTED = {
    "utf8": "UTF-8 without a byte order mark, whole characters only",
    "json": "JSON as RFC 8259 defines it",
    "duplicate": "each name once in an object",
    "number": "finite numbers, integers of a sensible length",
    "depth": "shallow objects and lists",
}


def claims_object(*, actual: str) -> TokenRefused:
    """RFC 7519, section 7.2, step 10."""
    return TokenRefused("token.claims_object", actual=f"the payload is {actual}", expected="a JSON object of claims")


# --- header.… ---------------------------------------------------------------------------------------------


def algorithm_refused(*, actual: str, allowed: str) -> TokenRefused:
    """RFC 8725, section 3.1: the verifier decides, not the token."""
    return TokenRefused("header.algorithm_refused", actual=actual, expected=f"`alg` is one of {allowed}")


def crit(*, actual: str) -> TokenRefused:
    """RFC 7515, section 4.1.11: what must be understood and is not refuses the token."""
    return TokenRefused("header.crit", actual=actual, expected="no `crit`: no extension is understood here")


def b64() -> TokenRefused:
    """RFC 7797, section 7: not for JWTs."""
    return TokenRefused("header.b64", actual="the header has `b64`", expected="a payload that is always encoded")


def zipped() -> TokenRefused:
    """RFC 7516, section 4.1.3: `zip` belongs to encryption."""
    return TokenRefused("header.zip", actual="the header has `zip`", expected="a signed token is never compressed")


def kid() -> TokenRefused:
    """RFC 7515, section 4.1.4."""
    return TokenRefused("header.kid", actual="`kid` is no string", expected="`kid`, where present, is a string")


def cty() -> TokenRefused:
    """RFC 7519, section 5.2: `cty` says that something else is inside."""
    return TokenRefused(
        "header.cty",
        actual="the header has `cty`",
        expected="claims directly inside the signature, without `cty`",
    )


def embedded_key(*, name: str) -> TokenRefused:
    """CVE-2018-0114: whoever signs must not choose the key. `name` is ours: jwk, jku or x5u."""
    return TokenRefused(
        "header.embedded_key",
        actual=f"the header brings its own key in `{name}`",
        expected="keys come from the policy alone",
    )


def unprotected() -> TokenRefused:
    """What nobody signed can't speak for the signer. `etsiU` holds evidence that is signed by itself."""
    return TokenRefused(
        "header.unprotected",
        actual="the unprotected header has more than evidence",
        expected="nothing but `etsiU` in the unprotected header, and that in no other place",
    )


def x5c_not_allowed() -> TokenRefused:
    """Certificates of the token count only where a policy names anchors."""
    return TokenRefused(
        "header.x5c_not_allowed",
        actual="the header has `x5c`",
        expected="a source of keys that is no certificate path takes no certificates from the token",
    )


def claim_mismatch(*, name: str) -> TokenRefused:
    """RFC 7519, section 5.3. `name` is a registered claim's."""
    return TokenRefused(
        "header.claim_mismatch",
        actual=f"`{name}` differs between header and claims",
        expected="a claim that the header repeats has the same value in both",
    )


# --- key.… of a token -------------------------------------------------------------------------------------


def unknown_kid() -> TokenRefused:
    """`kid` is the presenter's text: it is compared and never shown."""
    return TokenRefused(
        "key.unknown_kid",
        actual="no key of the source has the `kid` of the token",
        expected="a `kid` of the source",
    )


def ambiguous(*, count: int) -> TokenRefused:
    """Keys are never tried one after another."""
    return TokenRefused(
        "key.ambiguous",
        actual=f"the token has no `kid`, and {count} keys fit its algorithm",
        expected="a `kid`, or one key that fits",
    )


def usage(*, alg: str, one: bool) -> TokenRefused:
    """RFC 8725, section 3.1: a key is used with its own algorithms. `alg` is one of our table."""
    return TokenRefused(
        "key.usage",
        actual=f"the key that the token names is not for {alg}" if one else f"no key of the source is for {alg}",
        expected="a key whose type, curve, `alg`, `use` and `key_ops` allow the algorithm",
    )


def key_withdrawn() -> TokenRefused:
    """The issuer's word that it has the key no more holds, whatever else its set says."""
    return TokenRefused(
        "key.withdrawn",
        actual="this key counts as the issuer's no more",
        expected="a key that the issuer's last set lists, and that decrypts nothing here",
        help="that set could not be used as a whole: `Engine.status()` says why",
    )


def signs_and_decrypts(what: str) -> TokenRefused:
    """RFC 8725, section 3.5: what decrypts here must not speak for an issuer, nor of its certificates."""
    return TokenRefused(
        "key.role_reuse",
        actual=f"{what} is signed by a key that decrypts here",
        expected="a key that does nothing but sign",
    )


# --- signature.… and internal.… ---------------------------------------------------------------------------


def signature_invalid() -> TokenRefused:
    """One text for every failure: an oracle has nothing to tell."""
    return TokenRefused(
        "signature.invalid",
        actual="the signature does not fit these bytes and this key",
        expected="a signature made with the key over the received bytes",
    )


def verification_failed() -> TokenRefused:
    """A defect below us: the token is not trusted, and nothing more is known."""
    return TokenRefused(
        "internal.verification",
        actual="the signature could not be checked",
        expected="a verification that ends with yes or no",
    )


# --- keys, when they are loaded ---------------------------------------------------------------------------


def key_malformed(actual: str, *, help: str | None = None) -> KeyRefused:
    """The text is no key set, no PEM, no secret in the declared encoding."""
    return KeyRefused("key.malformed", actual, help=help)


def key_invalid(actual: str) -> KeyRefused:
    """The numbers are no key: a point off its curve, an even modulus."""
    return KeyRefused("key.invalid", actual)


def key_weak(actual: str, *, help: str | None = None) -> KeyRefused:
    """A key that can be guessed or computed."""
    return KeyRefused("key.weak", actual, help=help)


def key_type_confusion(actual: str, *, help: str | None = None) -> KeyRefused:
    """CVE-2016-10555, CVE-2022-29217, CVE-2024-33663: public text must not become a shared secret."""
    return KeyRefused("key.type_confusion", actual, help=help)


def key_mixed() -> KeyRefused:
    """CVE-2016-10555: where both are at hand, one may be taken for the other."""
    return key_type_confusion("shared secrets and public keys in one set")


def key_private(actual: str) -> KeyRefused:
    """A private key lies where many can read it."""
    return KeyRefused(
        "key.private_in_public_set",
        actual,
        help="publish the public part alone, and replace the key: it has been shown",
    )


def key_duplicate_kid(actual: str) -> KeyRefused:
    """Which of two keys is meant must not depend on their order."""
    return KeyRefused("key.ambiguous", actual)


def key_usage(actual: str) -> KeyRefused:
    """The key exists, but is not one for signatures of the table."""
    return KeyRefused("key.usage", actual)


def key_not_found(actual: str) -> KeyRefused:
    """A reference leads nowhere."""
    return KeyRefused("key.not_found", actual)


def key_file_mode(actual: str, *, help: str | None = None) -> KeyRefused:
    """Others can read or change the secret."""
    return KeyRefused("key.file_mode", actual, help=help)
