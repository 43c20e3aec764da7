"""What keeps a sound policy from judging here: the messages of loading, one function a code (PJ450 to PJ499)."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.errors import KeyRefused, TokenRefused
from policyjwt.language.suggest import quoted
from policyjwt.source import Place


def _error(code: str, place: Place, message: str, help: str | None) -> Diagnostic:
    return Diagnostic(code, Level.ERROR, message, place.span, help)


def key_refused(place: Place, refused: KeyRefused) -> Diagnostic:
    """PJ450: a key that can't be read, or can't be believed."""
    return _error("PJ450", place, refused.message, refused.help or f"see `policyjwt rule {refused.code}`")


def needs_keys(place: Place, reference: str, refused: KeyRefused) -> Diagnostic:
    """PJ451: keys that are fetched, and could not be."""
    return _error(
        "PJ451",
        place,
        f"the keys of {quoted(reference)} could not be fetched: {refused.message}",
        f"{f'{refused.help}; or ' if refused.help else ''}"
        f"give them to `Engine.load(keys={{{reference!r}: …}})`, or `--keys {reference}=FILE` on the command line",
    )


def unbuilt(place: Place, what: str) -> Diagnostic:
    """PJ452: a part of the language that this version does not enforce."""
    return _error(
        "PJ452",
        place,
        f"this version does not enforce {what}, and so does not load this policy",
        "the policy stays checked by `validate`; choose another use, or a version that enforces it",
    )


def needs_store(place: Place, reaches: str) -> Diagnostic:
    """PJ453: a nonce and nowhere to remember it."""
    several = 'give one: `Engine.load(…, replay=RedisReplayStore("rediss://…"))`, or `PostgresReplayStore`; where'
    one = "give one, where"
    return _error(
        "PJ453",
        place,
        f"this policy consumes a nonce in a store that reaches {reaches}, and no replay store was given",
        f"{several if reaches == 'nodes' else one} all that accept these tokens run on one host, "
        '`replay=SqliteReplayStore("replay.db", single_host=True)`; `replay=InspectOnly()` inspects only',
    )


def store_too_small(place: Place, *, wanted: str, reach: str) -> Diagnostic:
    """PJ454: a store of smaller reach than the policy demands."""
    word = "single_process=True" if reach == "process" else "single_host=True"
    named = ", as those in Redis and PostgreSQL do" if wanted == "nodes" else ""
    return _error(
        "PJ454",
        place,
        f"this policy needs a replay store that reaches {wanted}; the one given reaches the {reach} only",
        f"use a store that reaches {wanted}{named}; if nothing else accepts these tokens, say so with `{word}`",
    )


def two_readers_of_a_nonce(place: Place, *, other: Place) -> Diagnostic:
    """PJ460: the nonce of one policy's proofs is read by another one."""
    return _error(
        "PJ460",
        place,
        f"this policy reads `context.nonce`, which is the nonce of proofs by the policy on line {other.span.line}",
        "hand the token's nonce over as `context.values.…`, or judge by these policies in two engines",
    )


def needs_extra(place: Place, extra: str) -> Diagnostic:
    """PJ455: an optional dependency that the policy needs."""
    return _error(
        "PJ455",
        place,
        f"a pattern of this policy needs the extra `{extra}`, which is not installed",
        f"install `policyjwt[{extra}]`, or write the pattern without ambiguous repeats",
    )


def signs_and_decrypts(place: Place, *, policy: str) -> Diagnostic:
    """PJ461: one key, as loaded, in both roles."""
    return _error(
        "PJ461",
        place,
        f"a key that decrypts here also verifies, for the policy {quoted(policy)}: one key, one use",
        "make a key of its own for decryption, and tell those who encrypt",
    )


def one_kid_two_keys(place: Place, *, policy: str) -> Diagnostic:
    """PJ462: tokens are told apart by `kid` before it is known which policy they are for."""
    return _error(
        "PJ462",
        place,
        f"another key of the policy {quoted(policy)} has the `kid` of this one: a token could mean either",
        "give every key that decrypts for this use a `kid` of its own",
    )


def secret_under_two_issuers(place: Place) -> Diagnostic:
    """PJ456: one HMAC secret for two issuers."""
    return _error(
        "PJ456",
        place,
        "this secret is another issuer's too: each of the two could speak for the other",
        "give every issuer a secret of its own",
    )


def promise_lost(place: Place, assurance: str) -> Diagnostic:
    """PJ457: a promise that the keys, as loaded, can't keep."""
    return _error(
        "PJ457",
        place,
        f"{assurance} can't be assured: another issuer's policy has the same key",
        "give every issuer keys of its own, or drop the promise",
    )


def snapshot_refused(place: Place, refused: TokenRefused) -> Diagnostic:
    """PJ459: a revocation list that is older than the one in force."""
    return _error("PJ459", place, refused.actual, refused.help)


def no_key_fits(place: Place, algorithms: tuple[str, ...]) -> Diagnostic:
    """PJ458: keys, and none for any algorithm of the policy."""
    return _error(
        "PJ458",
        place,
        f"no key of this policy fits {' or '.join(quoted(algorithm) for algorithm in algorithms)}",
        "compare the `kty`, `crv`, `alg`, `use` and `key_ops` of the keys with the algorithms",
    )
