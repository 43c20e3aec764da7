"""The parser's states without its trees. Input: terminals. Output: which may come next, and where items may begin.

Recovery runs on this: it goes over the tokens of a faulty text, and may drop states to go on behind a fault. It never
makes a tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from policyjwt.language.grammar import END, NAME, language


class Automaton:
    """An LALR stack of states. `at_item` tells whether the last terminal began an item."""

    def __init__(self, stack: Sequence[int] = ()) -> None:
        """With the states of `stack`, or where a text begins."""
        self._states = language().states
        self.stack = list(stack) or [language().start]
        self.at_item = False

    def kind(self, word: str) -> str:
        """The terminal that `word` is here: a keyword where that is asked for, else a name."""
        keyword = language().keywords.get(word, NAME)
        return keyword if keyword in self._states[self.stack[-1]] else NAME

    def shift(self, terminal: str) -> bool:
        """Go on by `terminal` and say whether that is possible."""
        after = self._after(terminal)
        if after is None:
            return False
        self.stack, self.at_item = after
        return True

    def feed(self, terminals: Sequence[str]) -> bool:
        """Go on by all of them, or by none."""
        trial = Automaton(self.stack)
        if not all(trial.shift(terminal) for terminal in terminals):
            return False
        self.stack = trial.stack
        return True

    def takes(self, *terminals: str) -> bool:
        """Whether `feed` would succeed."""
        return Automaton(self.stack).feed(terminals)

    def accepted(self) -> frozenset[str]:
        """Every terminal that may come next."""
        terminals = (symbol for symbol in self._states[self.stack[-1]] if symbol.isupper())
        return frozenset(terminal for terminal in terminals if self._after(terminal) is not None)

    def levels(self) -> Iterator[list[int]]:
        """The states to go back to at which items may begin, those of the innermost block first."""
        # An item that is complete, though the parser has not said so yet, is no block to go back into.
        stack = self._reduced("ALLOW") or self.stack
        for height in range(len(stack), 0, -1):
            if "ALLOW" in _shifts(stack[height - 1]):
                yield stack[:height]

    def items(self) -> frozenset[str]:
        """The terminals that begin an item of the innermost block."""
        return begins(next(self.levels()))

    def cut_to_items(self) -> None:
        """Drop all that was begun since an item could begin."""
        self.stack = next(self.levels())

    def cut_to_closing(self) -> None:
        """Drop all that was begun in the innermost block, so that it can be closed."""
        self.stack = next((level for level in self.levels() if "RBRACE" in _shifts(level[-1])), self.stack)

    def cut_to_test(self) -> bool:
        """Drop all states back to where the innermost test of a rule began; False if there is none."""
        for height in range(len(self.stack), 0, -1):
            shifts = _shifts(self.stack[height - 1])
            if {"NOT", "LPAR"} <= shifts:
                del self.stack[height:]
                return True
            if "ALLOW" in shifts:
                return False
        return False

    def _after(self, terminal: str) -> tuple[list[int], bool] | None:
        """The stack after `terminal`, and whether it began an item; None if it can't come here."""
        stack = self._reduced(terminal)
        if stack is None:
            return None
        begins = "ALLOW" in _shifts(stack[-1]) and terminal != "RBRACE"
        if terminal != END:
            stack.append(self._states[stack[-1]][terminal][1])
        return stack, begins and terminal != END

    def _reduced(self, terminal: str) -> list[int] | None:
        """The stack right before `terminal` is shifted; None if it can't come here."""
        stack = list(self.stack)
        while True:
            actions = self._states[stack[-1]]
            if terminal not in actions:
                return None
            action, target = actions[terminal]
            if action.name == "Shift":
                return stack
            if target.origin.name == "start":
                return stack
            if target.expansion:
                del stack[-len(target.expansion) :]
            stack.append(self._states[stack[-1]][target.origin.name][1])


def begins(level: Sequence[int]) -> frozenset[str]:
    """The terminals that begin an item there."""
    return _shifts(level[-1]) - {"RBRACE", END}


@cache
def _shifts(state: int) -> frozenset[str]:
    actions = language().states[state].items()
    return frozenset(symbol for symbol, (action, _) in actions if action.name == "Shift" and symbol.isupper())
