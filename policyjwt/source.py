"""Policy text and places in it. Input: a name and a text. Output: spans that people can find again."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of a policy file. `start` and `end` count code points from 0; lines and columns count from 1.

    `end_column` is the column just behind the last character.
    """

    file: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int

    def contains(self, other: Span) -> bool:
        """Whether `other` lies in this span of the same file."""
        return self.file == other.file and self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands and how it is written there: what a finding or a diagnostic points at.

    `text` is the source text with every run of white space and comments folded to one space.
    """

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """One policy text under the name by which people know it (its path as they gave it)."""

    name: str
    text: str = field(repr=False)
    _starts: tuple[int, ...] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = (0, *(at + 1 for at, character in enumerate(self.text) if character == "\n"))
        object.__setattr__(self, "_starts", starts)

    def span(self, start: int, end: int) -> Span:
        """The span from `start` up to, not including, `end`."""
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end)
        return Span(
            file=self.name,
            start=start,
            end=end,
            line=line,
            column=start - self._starts[line - 1] + 1,
            end_line=end_line,
            end_column=end - self._starts[end_line - 1] + 1,
        )

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")
