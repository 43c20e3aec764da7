"""Trust policies for JWTs: `Engine` judges a token by a policy, and its `Verdict` says why.

The public names are imported when they are first used, so that `import policyjwt` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would cost more than all the rest
if TYPE_CHECKING:
    from policyjwt import replay as replay
    from policyjwt import tokens as tokens
    from policyjwt.diagnostics import Diagnostic as Diagnostic
    from policyjwt.engine import Engine as Engine
    from policyjwt.errors import KeyRefused as KeyRefused
    from policyjwt.errors import LoadError as LoadError
    from policyjwt.errors import PolicyError as PolicyError
    from policyjwt.errors import PolicyJwtError as PolicyJwtError
    from policyjwt.errors import StoreUnavailable as StoreUnavailable
    from policyjwt.errors import TokenRefused as TokenRefused
    from policyjwt.errors import UntrustedTokenError as UntrustedTokenError
    from policyjwt.language.model import LANGUAGE_VERSION as LANGUAGE_VERSION
    from policyjwt.rechecking import Recheck as Recheck
    from policyjwt.rechecking import recheck as recheck
    from policyjwt.request import Context as Context
    from policyjwt.verdict import Finding as Finding
    from policyjwt.verdict import Inspection as Inspection
    from policyjwt.verdict import Outcome as Outcome
    from policyjwt.verdict import PublicVerdict as PublicVerdict
    from policyjwt.verdict import Verdict as Verdict

__version__ = "0.1.0"

__all__ = [
    "LANGUAGE_VERSION",
    "Context",
    "Diagnostic",
    "Engine",
    "Finding",
    "Inspection",
    "KeyRefused",
    "LoadError",
    "Outcome",
    "PolicyError",
    "PolicyJwtError",
    "PublicVerdict",
    "Recheck",
    "StoreUnavailable",
    "TokenRefused",
    "UntrustedTokenError",
    "Verdict",
    "__version__",
    "recheck",
]

_HOME = {
    "Context": "policyjwt.request",
    "Diagnostic": "policyjwt.diagnostics",
    "Engine": "policyjwt.engine",
    "Finding": "policyjwt.verdict",
    "Inspection": "policyjwt.verdict",
    "KeyRefused": "policyjwt.errors",
    "LoadError": "policyjwt.errors",
    "LANGUAGE_VERSION": "policyjwt.language.model",
    "Outcome": "policyjwt.verdict",
    "PolicyError": "policyjwt.errors",
    "PolicyJwtError": "policyjwt.errors",
    "PublicVerdict": "policyjwt.verdict",
    "Recheck": "policyjwt.rechecking",
    "StoreUnavailable": "policyjwt.errors",
    "TokenRefused": "policyjwt.errors",
    "UntrustedTokenError": "policyjwt.errors",
    "Verdict": "policyjwt.verdict",
    "recheck": "policyjwt.rechecking",
}
_PACKAGES = frozenset({"replay", "tokens"})


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        return import_module(f"policyjwt.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)  # only names of the table above
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES})
