"""Generated Python in the making. Input: lines and constants. Output: the source and what its names mean.

No text of a policy or a token ever becomes code: whatever comes from there is a constant, bound to a name
that is made here. Names are numbered as they are asked for, so that two policies of one shape give the same
source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

_PREFIX = re.compile(r"[a-z]{1,8}")
_STEP = "    "
_PLAIN = (str, int, float, bool)
"""Constants of these types are never shared: whether two happen to be equal must not change the source."""


class Emitter:
    """Collects the lines of one generated function and the constants that they name."""

    def __init__(self) -> None:
        self.constants: dict[str, object] = {}
        self._names: dict[int, str] = {}
        self._lines: list[str | list[str]] = []
        self._depth = 0
        self._count = 0
        self._prologue: list[str] | None = None
        self._prologue_depth = 0
        self._hoisted: dict[Hashable, str] = {}

    def const(self, value: object) -> str:
        """The name of a constant with this value. One object has one name, but for texts and numbers."""
        shared = type(value) not in _PLAIN
        known = self._names.get(id(value)) if shared else None
        if known is not None:
            return known
        name = f"k_{len(self.constants)}"
        self.constants[name] = value  # keeps the object alive, so that its id stays its own
        if shared:
            self._names[id(value)] = name
        return name

    def fresh(self, prefix: str) -> str:
        """A local name that nothing else has. `prefix` is one to eight small letters."""
        if not _PREFIX.fullmatch(prefix):
            raise ValueError("a name begins with one to eight small letters")
        self._count += 1
        return f"{prefix}{self._count}"

    def line(self, text: str) -> None:
        """Add a line of code at the present indentation."""
        self._lines.append(_STEP * self._depth + _checked(text))

    @contextmanager
    def indent(self) -> Iterator[None]:
        """One level deeper for as long as the context lasts."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def prologue(self) -> None:
        """Mark this place, the first in the body of the function, as the one where `hoist` puts its lines."""
        self._prologue = []
        self._prologue_depth = self._depth
        self._lines.append(self._prologue)

    def hoist(self, key: Hashable, prefix: str, expression: Callable[[], str]) -> str:
        """A local with the value of `expression`, which can't fail and means the same wherever `key` is.

        With a prologue it is computed once, there; without one, here and now.
        """
        known = self._hoisted.get(key)
        if known is not None:
            return known
        written = expression()
        name = self.fresh(prefix)
        if self._prologue is None:
            self.line(f"{name} = {written}")
        else:
            self._prologue.append(_STEP * self._prologue_depth + _checked(f"{name} = {written}"))
            self._hoisted[key] = name
        return name

    def source(self) -> str:
        """All that was written so far."""
        lines = (part if isinstance(part, list) else [part] for part in self._lines)
        return "\n".join(line for part in lines for line in part) + "\n"


def _checked(text: str) -> str:
    """The line, if it is one: text of a policy that strayed into code would soon show other characters."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("a line of code is one line of printable ASCII")
    return text
