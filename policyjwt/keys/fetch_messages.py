"""The catalogue of what goes wrong where keys are fetched. Nothing of an answer, of a URL or of a key is quoted.

Input: what was found. Output: a KeyRefused, to be raised or kept by the caller.
"""

from __future__ import annotations

from policyjwt.errors import KeyRefused
from policyjwt.spans import duration, span


def fetch_failed(actual: str, *, help: str | None = None) -> KeyRefused:
    """No keys came, or nothing that may be read as keys."""
    return KeyRefused("key.fetch_failed", actual, help=help)


def url_refused(actual: str) -> KeyRefused:
    """Never asked: the address is none of the kind that keys are fetched from."""
    return fetch_failed(actual, help="write `https://host/path`, without user info and fragment")


def too_slow(*, seconds: float) -> KeyRefused:
    """One deadline holds for everything, so that a server which drips is cut off too."""
    return fetch_failed(
        f"the keys did not come within {seconds:g}s", help="look whether the host answers, and how fast"
    )


def unreachable(why: str) -> KeyRefused:
    """`why` is the operating system's word for it."""
    return fetch_failed(
        f"the host of the keys can't be reached: {why}",
        help="look whether this machine may open connections to it; proxies of the environment are not used",
    )


def tls_refused(why: str, *, private: bool) -> KeyRefused:
    """RFC 9110, section 4.3.4. `private` says whether the policy names its own authorities."""
    known = "the certificates of `ca` alone are trusted" if private else "for an authority of your own, name it in `ca`"
    return fetch_failed(f"the host of the keys is not who it should be: {why}", help=known)


def no_tls() -> KeyRefused:
    """Plain HTTP on the port, an old version, a broken handshake."""
    return fetch_failed(
        "TLS could not be established with the host of the keys", help="the host must speak TLS 1.2 or 1.3"
    )


def ca_unreadable() -> KeyRefused:
    """Without an authority nobody could be trusted, and the system's must not stand in."""
    return fetch_failed("`ca` holds no certificate that can be read", help="write certificates in PEM into the file")


def redirects(*, status: int) -> KeyRefused:
    """Where a redirect leads, its sender decides; the policy did not name that place."""
    return fetch_failed(
        f"the host of the keys redirects (HTTP status {status}), and redirects are not followed",
        help="write the address that answers itself into the policy",
    )


def status_refused(*, status: int) -> KeyRefused:
    """RFC 9110, section 15: 200 alone carries what was asked for."""
    return fetch_failed(
        f"the host of the keys answered with HTTP status {status}; expected 200",
        help="look whether the address is still that of the issuer's keys",
    )


def type_refused() -> KeyRefused:
    """RFC 7517, section 8.5.2; error pages and uploads of strangers are of other types."""
    return fetch_failed(
        "the answer is neither of the type `application/json` nor of one that ends in `+json`",
        help="look whether the address is that of the key set, and no page about it",
    )


def compressed() -> KeyRefused:
    """A compressed answer may unfold without end."""
    return fetch_failed("the answer is compressed, which was not asked for", help="have the host send it as it is")


def too_large(*, limit: int) -> KeyRefused:
    """Counted while it is read."""
    return fetch_failed(f"the answer has more than {limit} bytes", help="look whether the address is that of a key set")


def copy_too_old(*, age: float, oldest: float) -> KeyRefused:
    """RFC 9111, section 5.1. A key that was withdrawn meanwhile is still in such a copy."""
    return fetch_failed(
        f"what came is a copy that a cache has kept for up to {span(age)}; {duration(oldest)} are allowed",
        help="have it cached for less, or allow in `stale at most` what the cache takes, and one fetch more",
    )


def older_copy() -> KeyRefused:
    """Two caches before one host: what the one has passed on, the other has not heard of."""
    return fetch_failed(
        "what came is an older copy, from a cache, of what is known already",
        help="nothing, if it passes; else look at the caches before the host of the keys: `curl -sI` shows `Age`",
    )


def no_answer() -> KeyRefused:
    """RFC 9112: half an answer is none."""
    return fetch_failed("the answer is no HTTP, or ends early", help="look what the host sends: `curl -v` shows it")


def source_failed() -> KeyRefused:
    """A resolver of the caller's, or something below it; its exception may quote a secret."""
    return fetch_failed("the source of the keys failed", help="run the resolver by itself; its error is not shown here")


def clock_failed() -> KeyRefused:
    """Keys whose age nobody knows would never be too old."""
    return fetch_failed("the clock gives no instant, so the age of the keys would not be known")


def not_taken() -> KeyRefused:
    """Whoever keeps the keys could not take these."""
    return fetch_failed("the keys that came could not be put in place; the ones before them stay")


def no_thread() -> KeyRefused:
    """Without a thread nothing would be fetched, and that would show only when the keys are too old."""
    return fetch_failed(
        "the system has no thread left to fetch with", help="look at the limits of the process: `ulimit -u`"
    )


def closed() -> KeyRefused:
    """Nothing is fetched for an engine that has ended."""
    return fetch_failed("the engine is closed, and fetches no keys any more")


# --- discovery --------------------------------------------------------------------------------------------


def document_malformed(actual: str) -> KeyRefused:
    """OpenID Connect Discovery 1.0, section 4.2."""
    return KeyRefused(
        "key.malformed",
        f"a discovery document {actual}",
        help="look whether the issuer publishes `/.well-known/openid-configuration`; else name its keys by their URL",
    )


def other_issuer() -> KeyRefused:
    """OpenID Connect Discovery 1.0, section 4.3: without the comparison any issuer could speak for any other."""
    return KeyRefused(
        "key.discovery_mismatch",
        "the discovery document names another issuer than the policy",
        help="write the issuer exactly as its document does, with or without a slash at its end",
    )


def foreign_keys() -> KeyRefused:
    """Whoever runs the host of the keys signs as the issuer."""
    return KeyRefused(
        "key.discovery_mismatch",
        "the discovery document names keys on a host that is not the issuer's",
        help='if that is right, write it yourself: `keys jwks url "https://…"`',
    )


def keys_not_https() -> KeyRefused:
    """Whoever is on the way could put in keys of his own."""
    return KeyRefused(
        "key.discovery_mismatch",
        "the discovery document names keys by something other than an https URL without user info and fragment",
        help="ask the issuer to correct `jwks_uri`",
    )
