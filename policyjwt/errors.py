"""The exceptions of this package. Everything that leaves it is one of these, or TypeError/ValueError for a bad call."""

from __future__ import annotations

from policyjwt.diagnostics import Diagnostic


class PolicyJwtError(Exception):
    """The base of all exceptions of this package."""


class PolicyError(PolicyJwtError):
    """A policy can't be used. `diagnostics` says why, each with its place."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        errors = [d for d in diagnostics if d.stops_loading]
        lines = [f"{d.span.file}:{d.span.line}:{d.span.column}: {d.code} {d.message}" for d in errors]
        super().__init__("\n".join(lines) or "the policy can't be used")

    def __reduce__(self) -> tuple[type[PolicyError], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


class LoadError(PolicyJwtError):
    """A path that a caller named can't be read, or there is no policy under it. One line; it quotes no file."""


class TokenRefused(PolicyJwtError):  # noqa: N818 - the public contract names it so
    """A token is refused before any policy judged its claims.

    `code` is a code of the table (`signature.invalid`); `actual` and `expected` are phrases that never quote the token
    (but for `alg`, `typ`, times and counts).
    """

    def __init__(self, code: str, *, actual: str, expected: str, help: str | None = None) -> None:
        self.code, self.actual, self.expected, self.help = code, actual, expected, help
        super().__init__(f"{code}: {actual}; {expected}")

    def __reduce__(self) -> tuple[object, ...]:
        return _token_refused, (self.code, self.actual, self.expected, self.help)


def _token_refused(code: str, actual: str, expected: str, help: str | None) -> TokenRefused:
    return TokenRefused(code, actual=actual, expected=expected, help=help)


class KeyRefused(PolicyJwtError):  # noqa: N818 - said of a key as TokenRefused of a token
    """A key can't be used. `code` is `key.weak`, `key.not_found` and so on; the message never holds key material."""

    def __init__(self, code: str, message: str, *, help: str | None = None) -> None:
        self.code, self.message, self.help = code, message, help
        super().__init__(f"{code}: {message}")

    def __reduce__(self) -> tuple[object, ...]:
        return _key_refused, (self.code, self.message, self.help)


def _key_refused(code: str, message: str, help: str | None) -> KeyRefused:
    return KeyRefused(code, message, help=help)


class KeysWithdrawn(KeyRefused):
    """A key set that can't be used as a whole, and still says which keys its issuer has.

    `materials` are those of the keys that it names: what is not among them, the issuer has taken out. `age` is for how
    many seconds the set has lain in caches on the way, at most.
    """

    def __init__(self, refused: KeyRefused, materials: frozenset[str], *, age: int) -> None:
        super().__init__(refused.code, refused.message, help=refused.help)
        self.materials, self.age = materials, age


class StoreUnavailable(PolicyJwtError):  # noqa: N818 - the public contract names it so
    """A replay store could not answer. Never the same as "seen before"."""


class UntrustedTokenError(PolicyJwtError):
    """The claims of a token that is not trusted were asked for."""
