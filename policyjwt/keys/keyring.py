"""Secrets in the operating system's keyring. Input: names of an entry and its encoding. Output: bytes, or KeyRefused.

Read when keys are loaded, never per token. Which keyring is asked is decided by `keyring`, once in a process:
PYTHON_KEYRING_BACKEND, KEYRING_PROPERTY_… and keyringrc.cfg name code that it imports and what that code opens, so
whoever sets them is trusted as whoever starts the program is. What they choose is judged here all the same.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

from policyjwt.errors import KeyRefused
from policyjwt.keys import keyring_messages as say
from policyjwt.keys.secrets import decode
from policyjwt.tokens.limits import MAX_SECRET_BYTES

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

ANSWER_SECONDS: Final = 10.0
"""How long a keyring is waited for. One that is locked asks whoever sits at the screen, and there may be nobody."""

MAX_WAITING: Final = 4
"""Questions without an answer. A thread that waits for a prompt can't be ended, so there must not be many."""

SYSTEM_KEYRINGS: Final = frozenset(
    {
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    }
)
"""What an operating system guards. Others are handed in as resolvers, by somebody who has looked at them."""

_NOTHING: Final = frozenset({"keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"})
_waiting: list[Thread] = []


def from_keyring(service: str, user: str, encoding: str) -> bytes:
    """The secret that the keyring keeps under `service` and `user`, taken as it stands.

    `key.backend_refused` where there is no keyring that may be asked; `key.not_found` where it has no such entry, is
    locked, fails, or does not answer in time; `key.malformed` for what is not in the encoding.
    """
    text = _asked(service, user)
    try:
        return decode(text, encoding)
    finally:
        del text  # a traceback holds the frames that it went through


def _asked(service: str, user: str) -> str:
    """The answer to one question, which a thread waits for: a prompt for a password would keep us for ever."""
    _waiting[:] = [thread for thread in _waiting if thread.is_alive()]
    if len(_waiting) >= MAX_WAITING:  # check: K1
        raise say.silent()
    answers: SimpleQueue[str | KeyRefused] = SimpleQueue()
    thread = Thread(target=_ask, args=(service, user, answers), name="policyjwt-keyring", daemon=True)
    _waiting.append(thread)
    thread.start()
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except Empty:
        answer = say.silent()
    if isinstance(answer, KeyRefused):
        raise answer from None
    return answer


def _ask(service: str, user: str, answers: SimpleQueue[str | KeyRefused]) -> None:
    answer: str | KeyRefused
    try:
        answer = _looked_up(service, user)
    except KeyRefused as refused:
        refused.__context__ = None  # the backend's exception and its frames may hold the secret
        answer = refused.with_traceback(None)
    except BaseException:  # noqa: BLE001 - the fail-closed border to the backend, and the end of this thread
        answer = say.failed()
    answers.put(answer)


def _looked_up(service: str, user: str) -> str:
    """What the first keyring that has the entry says. The exceptions of backends go no further than `_ask`."""
    try:
        from keyring.errors import KeyringLocked
    except ImportError:
        raise say.no_extra() from None
    found: object = None
    for backend in _backends():
        try:
            found = backend.get_password(service, user)
        except KeyringLocked:
            raise say.locked() from None
        if found is not None:
            break
    if found is None or found == "":  # check: K1
        raise say.no_entry()
    if not isinstance(found, str):  # check: K1
        raise say.no_text()
    if len(found) > MAX_SECRET_BYTES:  # check: K1
        raise say.too_long(MAX_SECRET_BYTES)
    return found


def _backends() -> tuple[KeyringBackend, ...]:
    """The keyrings to ask, in this order, if each of them is the operating system's.

    One of others among them refuses all: which of them keeps the entry that is meant, nobody here can say.
    """
    backends = _chosen()
    if not backends:  # check: K2
        raise say.no_backend()
    for backend in backends:
        name = _name(backend)
        if name in _NOTHING:  # check: K2
            raise say.no_backend()
        if name.startswith("keyrings.alt."):  # check: K2
            raise say.file_backend(name)
        if name not in SYSTEM_KEYRINGS:  # check: K2
            raise say.foreign_backend(name)
        if not backend.viable or backend.priority <= 0:  # check: K2
            raise say.no_backend()
    return backends


def _chosen() -> tuple[KeyringBackend, ...]:
    """What `keyring` asks by itself: one, or those of its chain."""
    from keyring import get_keyring
    from keyring.backends.chainer import ChainerBackend

    try:
        chosen = get_keyring()
        return tuple(chosen.backends) if isinstance(chosen, ChainerBackend) else (chosen,)
    except Exception:  # noqa: BLE001 - the border to what is configured: it may not exist, or not run here
        raise say.no_backend() from None


def _name(backend: KeyringBackend) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"
