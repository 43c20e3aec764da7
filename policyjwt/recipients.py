"""Whom tokens are encrypted to. Input: the text of an encrypted token. Output: what was inside, and its envelope.

RFC 7516; RFC 7519, section 5.2. The key is the one that the token names among the sections of all candidates, never
one after another; which policy that was for is judged when the claims inside have chosen one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.errors import TokenRefused
from policyjwt.expressions.explanation import Explanation
from policyjwt.requirements.encryption import REQUIRED
from policyjwt.requirements.line import MET, EvidenceResult
from policyjwt.tokens import DecryptionKeySet
from policyjwt.tokens import decryption as encrypted_tokens
from policyjwt.tokens.decode import UnverifiedToken, decode
from policyjwt.tokens.decryption import Encrypted

if TYPE_CHECKING:
    from policyjwt.tokens.decryption_key import DecryptionKey


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Envelope:
    """What was around a token: the header that its recipient has authenticated, and by what it was opened."""

    header: Mapping[str, object]
    alg: str
    enc: str
    kid: str | None
    key: DecryptionKey

    def is_for(self, section: Recipient) -> bool:
        """Whether this section takes it."""
        return section.takes(self.key, kid=self.kid, alg=self.alg, enc=self.enc)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Recipient:
    """The `encryption` of one policy. `renewals` name the sources of its keys, for those that are renewed."""

    keys: DecryptionKeySet
    algorithms: frozenset[str]
    content: frozenset[str]
    renewals: tuple[str, ...] = ()

    def takes(self, key: DecryptionKey, *, kid: str | None, alg: str, enc: str) -> bool:
        """Whether by this section alone the token would be opened with this key: the other sections decide nothing."""
        if alg not in self.algorithms or enc not in self.content:
            return False
        try:
            return self.keys.select(kid, alg, enc).identity == key.identity
        except TokenRefused:
            return False


class Recipients:
    """The sections of all candidates. Immutable, and so thread-safe. KeyRefused where two keys have one `kid`."""

    def __init__(self, recipients: Iterable[Recipient]) -> None:
        self._sections = tuple(recipients)
        self.keys = DecryptionKeySet(tuple(key for section in self._sections for key in section.keys.keys))
        self.renewals = tuple(dict.fromkeys(name for section in self._sections for name in section.renewals))
        self._algorithms = frozenset(name for section in self._sections for name in section.algorithms)
        self._content = frozenset(name for section in self._sections for name in section.content)

    def read(self, text: str) -> Encrypted:
        """The parts of an encrypted token that some section could take. TokenRefused."""
        encrypted = encrypted_tokens.read(text)
        encrypted_tokens.check_algorithms(encrypted, algorithms=self._algorithms, content=self._content)
        return encrypted

    def open(self, encrypted: Encrypted) -> tuple[Envelope, UnverifiedToken]:
        """The token inside, of which nothing is believed yet. TokenRefused."""
        key = self.keys.select(encrypted.kid, encrypted.alg, encrypted.enc)
        found = Envelope(encrypted.header, encrypted.alg, encrypted.enc, encrypted.kid, key)
        if not any(found.is_for(section) for section in self._sections):
            raise _not_for_this_policy()  # nothing is decrypted that no policy could take
        inner = encrypted_tokens.check_nested(encrypted, encrypted_tokens.open(encrypted, key))
        token = decode(inner)
        encrypted_tokens.check_replicated(encrypted.header, token.claims)
        return found, token


def forbidden(text: str) -> TokenRefused:
    """Why an encrypted token is refused where no policy takes one, or why it is no such token."""
    try:
        encrypted_tokens.read(text)
    except TokenRefused as refused:
        return refused
    return _forbidden("no policy for this use has `encryption`")


def check_recipient(recipient: Recipient | None, envelope: Envelope) -> None:
    """The policy that the claims chose must be the one that the token was encrypted for. TokenRefused."""
    if recipient is None:
        raise _forbidden("the policy that judges this token has no `encryption`")
    if not envelope.is_for(recipient):
        raise _not_for_this_policy()


def came(envelope: Envelope | None) -> EvidenceResult:
    """What became of the demand that the token is encrypted."""
    if envelope is None:
        return EvidenceResult(REQUIRED, _only_signed)
    words = Explanation(
        f"the token came encrypted, its key by {envelope.alg} and its content by {envelope.enc}",
        "a signed token inside an encrypted one",
    )
    return EvidenceResult(MET, lambda: words, shown=frozenset(envelope.header))


def _only_signed() -> Explanation:
    return Explanation(
        "the token is only signed: whoever saw it has read its claims",
        "a signed token inside an encrypted one",
        "have the issuer encrypt to the key of this service; what was in the open must be taken for known",
    )


def _forbidden(why: str) -> TokenRefused:
    return TokenRefused(
        "policy.encryption_forbidden",
        actual="the token is encrypted",
        expected=f"a token that is only signed: {why}",
    )


def _not_for_this_policy() -> TokenRefused:
    return TokenRefused(
        "decryption.not_for_this_policy",
        actual="the policy that judges this token does not take the key and the algorithms of its encryption",
        expected="a token encrypted by that policy's own `encryption`",
    )
