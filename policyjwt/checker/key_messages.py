"""The messages about keys (PJ400 to PJ449).

One function per code; none of them ever quotes a key or a file.
"""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.language.suggest import quoted
from policyjwt.source import Span


def _error(code: str, message: str, span: Span, help: str | None, *related: Related) -> Diagnostic:
    return Diagnostic(code, Level.ERROR, message, span, help, related)


def _warning(code: str, message: str, span: Span, help: str | None, *related: Related) -> Diagnostic:
    return Diagnostic(code, Level.WARNING, message, span, help, related)


# ------------------------------------------------------------------------------ files


def file_fault(span: Span, *, path: str, fault: str, help: str | None) -> Diagnostic:
    """A file that a policy names and that can't be had."""
    return _error("PJ400", f"{quoted(path)}: {fault}", span, help)


def not_keys(span: Span, *, path: str, fault: str, help: str | None) -> Diagnostic:
    """A file that is no set of public keys."""
    advice = help or "write a JSON Web Key Set, or PEM with `keys pem file`"
    return _error("PJ401", f"{quoted(path)} can't be read as public keys: {fault}", span, advice)


def private_key(span: Span, *, path: str, fault: str) -> Diagnostic:
    """Private or secret keys where public ones belong."""
    advice = "take it out, and take the key out of use: whoever can read the policies has it"
    return _error("PJ402", f"{quoted(path)} holds {fault}", span, advice)


def bad_key(span: Span, *, path: str, fault: str, help: str | None) -> Diagnostic:
    """A key that is too weak or malformed: RSA under 2048 bits, an exponent of 1, a point that is on no curve."""
    advice = help or "have the issuer make a new key"
    return _error("PJ403", f"{quoted(path)}: {fault}", span, advice)


def key_set_fault(span: Span, *, path: str, fault: str) -> Diagnostic:
    """Keys that are sound alone and not together: two of one `kid`, secrets among public keys, none at all."""
    advice = "one set, one kind of keys, and each `kid` once"
    return _error("PJ404", f"{quoted(path)} holds {fault}", span, advice)


def no_key_fits(span: Span, *, path: str, algorithms: str) -> Diagnostic:
    """A key source none of whose keys fits any of the algorithms."""
    message = f"no key of {quoted(path)} fits any of these algorithms: {algorithms}"
    return _error("PJ405", message, span, "list the algorithms that the issuer signs with")


def idle_algorithm(span: Span, *, path: str, algorithm: str) -> Diagnostic:
    """One of several algorithms that no key fits."""
    message = f"no key of {quoted(path)} fits {quoted(algorithm)}"
    return _warning("PJ406", message, span, "take the algorithm out until there is a key for it")


def passed_over(span: Span, *, path: str, fault: str) -> Diagnostic:
    """An entry of a key set that is for something else."""
    return Diagnostic("PJ407", Level.NOTE, f"{quoted(path)}: {fault}", span)


def wrong_source(span: Span, *, algorithms: str, source: str, help: str) -> Diagnostic:
    """A source that has no keys of the kind that the algorithms need."""
    return _error("PJ408", f"{source} has no key for {algorithms}", span, help)


# ------------------------------------------------------------------------------ secrets and exceptions


def utf8_secret(span: Span) -> Diagnostic:
    """A secret as text."""
    message = "a secret `as utf8` is as strong as the words in it, and often a password"
    return _warning("PJ410", message, span, "write 32 random bytes `as base64url`")


def excepted_nothing(span: Span, *, path: str) -> Diagnostic:
    """`except key` for a key that is not there."""
    message = f"no key of {quoted(path)} has this thumbprint"
    advice = "thumbprints are RFC 7638's with SHA-256; take the line out if the issuer has removed the key"
    return _warning("PJ411", message, span, advice)


def all_excepted(span: Span, *, path: str) -> Diagnostic:
    """`except key` for every key that fits."""
    return _error("PJ412", f"`except key` leaves no key of {quoted(path)}", span, "no token could be verified")


def bad_pin(span: Span) -> Diagnostic:
    """`leaf key sha256` with something else than a digest."""
    advice = "write the 43 characters of base64url, without padding, of the SHA-256 of the key"
    return _error("PJ413", "this is no thumbprint of a key", span, advice)


# ------------------------------------------------------------------------------ one key, two uses


def secret_shared(span: Span, *, reference: str, other: str, first: Span) -> Diagnostic:
    """One secret for two issuers."""
    message = f"{reference} is also the secret of the issuer {quoted(other)}: each could sign as the other"
    related = Related(first, "the other issuer's policy")
    return _error("PJ420", message, span, "agree on a secret of its own with each issuer", related)


def key_shared(span: Span, *, reference: str, other: str, first: Span) -> Diagnostic:
    """One public key, or one key set, for two issuers."""
    message = (
        f"{reference} is also used for the issuer {quoted(other)}: issuer-authentication is lost, "
        "since one key speaks for both"
    )
    advice = "let each issuer sign with a key of its own; names of one party go into one `issuer`, `same party`"
    return _warning("PJ421", message, span, advice, Related(first, "the other issuer's policy"))


def signs_and_decrypts(span: Span, *, reference: str, first: Span) -> Diagnostic:
    """One key to verify and to decrypt with."""
    message = f"{reference} verifies signatures and decrypts: one key, one use"
    advice = "make a key of its own for decryption"
    return _error("PJ422", message, span, advice, Related(first, "the other use"))


def secret_twice(span: Span, *, reference: str, first: Span) -> Diagnostic:
    """One secret under two kids."""
    message = f"{reference} stands here twice, under two names"
    return _warning("PJ423", message, span, "keep one of them", Related(first, "the first one"))


# ------------------------------------------------------------------------------ certificates


def no_certificates(span: Span, *, path: str, fault: str) -> Diagnostic:
    """A file of anchors that can't be read."""
    message = f"{quoted(path)} can't be read as certificates: {fault}"
    return _error("PJ430", message, span, "write one or more certificates in PEM")


def certificate_dates(span: Span, *, path: str, which: str, fault: str) -> Diagnostic:
    """A certificate whose time has passed, or has not come."""
    message = f"{which} of {quoted(path)} {fault}"
    advice = "put the renewed certificate beside it, and take this one out when nothing depends on it"
    return _warning("PJ431", message, span, advice)


def no_authority(span: Span, *, path: str, which: str) -> Diagnostic:
    """An anchor that is no certificate authority."""
    message = f"{which} of {quoted(path)} is no certificate authority: no path can begin with it"
    return _warning("PJ432", message, span, "write the certificate of the authority that signs the leaves")


# ------------------------------------------------------------------------------ URLs


def not_https(span: Span, *, scheme: str) -> Diagnostic:
    """A URL that is not https."""
    message = f"keys come by https alone: {quoted(scheme)} came"
    advice = "write `https://…`: on any other way somebody could put in keys of his own"
    return _error("PJ440", message, span, advice)


def odd_url(span: Span, *, what: str, help: str) -> Diagnostic:
    """A URL with parts that do not belong into one of keys. The URL is not quoted: it may hold a password."""
    return _error("PJ441", f"this URL has {what}", span, help)


def secret_in_query(span: Span, *, name: str) -> Diagnostic:
    """A URL whose query looks like it holds a secret."""
    message = f"the parameter {quoted(name)} of this URL looks like a secret"
    return _warning("PJ442", message, span, "public keys need no secret; a policy is read by many")


def foreign_host(span: Span, *, host: str, issuer: str) -> Diagnostic:
    """Keys from another host than the issuer's."""
    message = f"the keys come from {quoted(host)}, the tokens from {quoted(issuer)}"
    advice = "right if the issuer says so in its discovery document; whoever runs that host can sign as the issuer"
    return Diagnostic("PJ443", Level.NOTE, message, span, advice)


def other_discovery(span: Span, *, url: str) -> Diagnostic:
    """`keys discovery` of another issuer than the policy's."""
    message = f"{quoted(url)} is not an issuer of this policy, and its document must name one that is"
    return _warning("PJ444", message, span, 'write the issuer: `keys discovery "https://…"` as in `issuer`')


# ------------------------------------------------------------------------------ with `--resolve`


def unresolved(span: Span, *, reference: str, fault: str, help: str | None) -> Diagnostic:
    """A secret or private key that can't be had, or must not be used."""
    return _error("PJ445", f"{reference}: {fault}", span, help)


def resolved_note(span: Span, *, reference: str, fault: str) -> Diagnostic:
    """Something to know about a secret file."""
    return Diagnostic("PJ446", Level.NOTE, f"{reference}: {fault}", span)


def secret_does_not_fit(span: Span, *, reference: str, algorithm: str) -> Diagnostic:
    """A secret that is too short for one of the algorithms."""
    message = f"{reference} is too short for {quoted(algorithm)}"
    return _error("PJ448", message, span, "a secret has at least the bytes of the hash: 32, 48 or 64")


def no_key_decrypts(span: Span, *, algorithms: str) -> Diagnostic:
    """Keys for decryption, and none for any pair of algorithms of the section."""
    message = f"no key of this section fits {algorithms} with its content algorithms"
    return _error("PJ449", message, span, "compare the kind, the curve and the length of the keys with the algorithms")


def unfit_anchor(span: Span, *, path: str, fault: str, help: str | None) -> Diagnostic:
    """An anchor that no path can end in."""
    message = f"no path can end in {quoted(path)}: {fault}"
    return _error("PJ433", message, span, help or "write the certificate of the authority that signs the leaves")


def bad_leaf(span: Span, *, fault: str, help: str | None) -> Diagnostic:
    """A `leaf` that no certificate can be."""
    message = f"no certificate can be this one: {fault}"
    return _error("PJ434", message, span, help or "write the name as the certificate has it")


def no_lists(span: Span, *, path: str, fault: str, help: str | None) -> Diagnostic:
    """A `crl snapshot` that holds no revocation list."""
    message = f"{quoted(path)} can't be read as revocation lists: {fault}"
    return _error("PJ435", message, span, help or "write one or more lists in PEM, or one in DER")
