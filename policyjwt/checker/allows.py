"""`allow CODE because "…"`. Input: diagnostics and the allows of the policies. Output: the diagnostics that are left.

An allow silences warnings that start in the statement below it, and nothing else: errors stay, and so do notes.
"""

from __future__ import annotations

from collections.abc import Iterable

from policyjwt import codes
from policyjwt.checker import messages as say
from policyjwt.diagnostics import Diagnostic, Level
from policyjwt.language.model import Allow
from policyjwt.language.suggest import closest


def apply_allows(
    diagnostics: Iterable[Diagnostic], allows: Iterable[Allow], *, unfinished: frozenset[str]
) -> tuple[Diagnostic, ...]:
    """The diagnostics that no allow silences, and what is wrong with the allows.

    Of the files in `unfinished` not everything could be checked: there, an allow without effect proves nothing.
    """
    left = tuple(diagnostics)
    faults: list[Diagnostic] = []
    for allow in allows:
        page = codes.page(allow.code.value)
        if page is None:
            faults.append(say.unknown_code(allow.code.span, code=allow.code.value, meant=_meant(allow, left)))
        elif page.level is not Level.WARNING:
            level = page.level.value if page.level is not None else "finding"
            faults.append(say.not_a_warning(allow.code.span, code=allow.code.value, level=level))
        else:
            kept = tuple(diagnostic for diagnostic in left if not _silences(allow, diagnostic))
            if len(kept) == len(left) and allow.covers.file not in unfinished:
                faults.append(say.allows_nothing(allow.place.span, code=allow.code.value))
            left = kept
    return (*left, *faults)


def _silences(allow: Allow, diagnostic: Diagnostic) -> bool:
    return diagnostic.code == allow.code.value and _is_below(allow, diagnostic)


def _is_below(allow: Allow, diagnostic: Diagnostic) -> bool:
    """Whether this is a warning that starts in the statement below."""
    covers, span = allow.covers, diagnostic.span
    inside = covers.file == span.file and covers.start <= span.start < covers.end
    return inside and diagnostic.level is Level.WARNING


def _meant(allow: Allow, diagnostics: Iterable[Diagnostic]) -> str | None:
    """The code that was probably meant: of a warning that is there, else of one that is written alike."""
    below = sorted({each.code for each in diagnostics if _is_below(allow, each)})
    warnings = (page.code for page in codes.pages().values() if page.level is Level.WARNING)
    return below[0] if below else closest(allow.code.value, warnings)
