"""The refusals of secrets in the operating system's keyring, one function per row. No text comes from a backend.

`key.backend_refused` says that nothing here may be asked: somebody must change how this host is set up. `key.not_found`
says that the right one was asked and gave no secret, as a file that is there and may not be read does.
"""

from __future__ import annotations

from policyjwt.errors import KeyRefused
from policyjwt.tokens.messages import key_malformed, shown

_ELSEWHERE = "name an environment variable or a file instead"


def no_extra() -> KeyRefused:
    """The package that speaks to keyrings is not installed."""
    return KeyRefused(
        "key.backend_refused",
        "a secret in a keyring needs the extra `keyring`",
        help="install policyjwt[keyring]",
    )


def no_backend() -> KeyRefused:
    """Nothing to ask: no session, no service, switched off, or set to what does not exist."""
    return KeyRefused(
        "key.backend_refused",
        "no keyring of the operating system can be reached",
        help=f"a container, or a service without a session, has none: {_ELSEWHERE}",
    )


def foreign_backend(name: str) -> KeyRefused:
    """`name` is that of a class: what somebody installed or configured, never what it said."""
    return KeyRefused(
        "key.backend_refused",
        f"{shown(name)} is no keyring of the operating system",
        help="set PYTHON_KEYRING_BACKEND to the one that is meant; hand in what another store holds with "
        "`Engine.load(keys=…)`",
    )


def file_backend(name: str) -> KeyRefused:
    """A file is named as one, so that its mode is judged."""
    return KeyRefused(
        "key.backend_refused",
        f"{shown(name)} keeps secrets in files of its own, whose modes nobody judges",
        help='remove keyrings.alt, or set PYTHON_KEYRING_BACKEND; a secret in a file is written `file "…"`',
    )


def no_entry() -> KeyRefused:
    """It was asked, and has nothing under these names."""
    return KeyRefused(
        "key.not_found",
        "the keyring has no such entry, or an empty one",
        help="store it with `keyring set`, as the user that the service runs as",
    )


def locked() -> KeyRefused:
    """Nobody is there to type a password, or somebody declined."""
    return KeyRefused("key.not_found", "the keyring is locked", help=f"unlock it before loading, or {_ELSEWHERE}")


def silent() -> KeyRefused:
    """A prompt that nobody answers would keep a server from starting for ever."""
    return KeyRefused(
        "key.not_found",
        "the keyring did not answer: it may be locked and waiting for somebody",
        help=f"unlock it before loading, or {_ELSEWHERE}",
    )


def failed() -> KeyRefused:
    """Whatever a backend raised: its text may hold the secret."""
    return KeyRefused(
        "key.not_found",
        "the keyring can't be read",
        help="look whether `keyring --list-backends` shows it to the user that the service runs as",
    )


def no_text() -> KeyRefused:
    """A keyring holds text; what else came is not turned into any."""
    return key_malformed("the keyring answered with something that is no text")


def too_long(limit: int) -> KeyRefused:
    """Bounded as a file is."""
    return key_malformed(f"an entry of the keyring of more than {limit} characters")
