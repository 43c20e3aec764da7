"""All faults of a text that does not parse. Input: its tokens. Output: a diagnostic of each fault.

Reads on behind a fault as if it had been mended, where a rule says how; else from the next item of the block at hand,
from the end of that block, or from the next policy. Never makes a tree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policyjwt.diagnostics import Diagnostic
from policyjwt.language import limits, slips
from policyjwt.language.automaton import Automaton, begins
from policyjwt.language.grammar import END, language
from policyjwt.language.slips_blocks import closes_outer
from policyjwt.language.trouble import TOP, Answer, Opened, Repair, Trouble, indent, outdented
from policyjwt.source import Source

if TYPE_CHECKING:
    from lark import Token

SKIPPED = "SKIPPED"
_OFTEN = 4
_ENOUGH = 2  # so many tokens after a fault must be right before the next on the same line is believed


def faults(tokens: list[Token], source: Source, *, begin: int) -> list[Diagnostic]:
    """The faults in `tokens` from the index `begin` on. Each token gets the type as which it was read."""
    reading = _Reading(source, tokens, at=begin)
    reading.automaton.feed(("POLICYJWT", "NUMBER"))
    reading.run()
    for index in range(begin, len(tokens)):
        if index not in reading.read:
            tokens[index].type = SKIPPED
    return reading.faults


@dataclass(slots=True)
class _Reading:
    """The state of going over a faulty text. `right` counts the tokens that were read since the last fault."""

    source: Source
    tokens: list[Token]
    at: int
    automaton: Automaton = field(default_factory=Automaton)
    faults: list[Diagnostic] = field(default_factory=list)
    blocks: list[Opened] = field(default_factory=list)
    item: int = 0
    right: int = _ENOUGH
    line: int = 0
    read: set[int] = field(default_factory=set)
    reads: dict[int, str] = field(default_factory=dict)
    skimmed_to: int = -1
    tried: Counter[int] = field(default_factory=Counter)

    def run(self) -> None:
        """Go over all tokens."""
        while self.at < len(self.tokens):
            kind = self._kind()
            if not kind:
                self.at += 1
            elif kind == "RBRACE" and self._closes_outer():
                self._mend(closes_outer(self._trouble()))
            elif self.automaton.shift(kind):
                self._shifted(kind)
            elif not self._fault():
                return
        if not self.automaton.takes(END):
            self._end()

    def _end(self) -> None:
        """The text is over too early. At most two faults: what its last line lacks, and that blocks are open."""
        for _ in range(2):
            if self.automaton.takes(END) or not self._fault():
                return

    def _kind(self) -> str:
        token = self.tokens[self.at]
        if self.at in self.reads:
            return self.reads[self.at]
        return self.automaton.kind(str(token)) if _is_word(token) else token.type

    def _shifted(self, kind: str) -> None:
        self.tokens[self.at].type = kind
        self.read.add(self.at)
        self._note(kind, self.at)
        self.right += 1
        self.at += 1

    def _note(self, kind: str, at: int) -> None:
        if self.automaton.at_item:
            self.item = at
        if kind == "LBRACE":
            self.blocks.append(Opened(self.item, min(at, len(self.tokens) - 1)))
        elif kind == "RBRACE" and self.blocks:
            self.blocks.pop()

    # ------------------------------------------------------------------------------------ faults

    def _fault(self) -> bool:
        """Report the fault at hand and get behind it. False where reading on would tell nothing more."""
        return self._mend(slips.answer(self._trouble()))

    def _trouble(self) -> Trouble:
        return Trouble(
            source=self.source,
            tokens=self.tokens,
            at=self.at,
            automaton=Automaton(self.automaton.stack),
            accepted=self.automaton.accepted(),
            item=self.item,
            blocks=tuple(self.blocks),
        )

    def _mend(self, answer: Answer) -> bool:
        self.tried[self.at] += 1
        line = answer.diagnostic.span.line
        if self.right >= _ENOUGH or line != self.line:
            self.faults.append(answer.diagnostic)
        if len(self.faults) > limits.FAULTS or self.tried.total() > limits.ATTEMPTS:
            return False
        self.line, self.right = line, 0
        if self.at >= len(self.tokens):
            return answer.repair is not None and self._mended(answer.repair)
        if self.tried[self.at] > _OFTEN:
            self.at += 1  # whatever the rules say: no token is looked at for ever
        elif answer.repair is None or not self._mended(answer.repair):
            self._skim()
        return True

    def _closes_outer(self) -> bool:
        """Whether the brace at hand stands further left than the line of its block, and a brace is missing."""
        first = self.at > 0 and self.tokens[self.at].line != self.tokens[self.at - 1].line
        if not first or not self.blocks or self.tried[self.at] or not self.automaton.takes("RBRACE"):
            return False
        further_left = (self.tokens[self.at].column or 0) < indent(self.tokens, self.blocks[-1].brace)
        return further_left and self._trouble().balance() < 0

    def _mended(self, repair: Repair) -> bool:
        """Go on as the repair says; False where that leads nowhere."""
        before, reads = self.at, dict(self.reads)
        stack = list(self.automaton.stack)
        if repair.reads:
            self.reads.update(repair.reads)
        if repair.item:
            self.automaton.cut_to_items()
        feed = repair.feed
        if repair.test:
            if not self.automaton.cut_to_test():
                return False
            feed = ("NAME", "COMPARE", "NAME")
        if self._leads_on(feed, repair.to):
            for terminal in feed:
                self.automaton.shift(terminal)
                self._note(terminal, before)
            self.at = repair.to
            return True
        self.automaton.stack, self.reads = stack, reads
        return False

    def _leads_on(self, feed: tuple[str, ...], to: int) -> bool:
        """Whether `feed` can be read here, and what follows it is nearer to the end than now."""
        trial = Automaton(self.automaton.stack)
        if not trial.feed(feed):
            return False
        if to > self.at or to >= len(self.tokens):
            return True
        token = self.tokens[to]
        kind = self.reads.get(to, trial.kind(str(token)) if _is_word(token) else token.type)
        # What can't be read even now must be another fault than this one, or we would be back here for ever.
        return to < self.at or not kind or trial.takes(kind)

    # ------------------------------------------------------------------------------------ skimming

    def _skim(self) -> None:
        """Pass over tokens up to one with which reading can go on, and drop what was begun before it."""
        start = self.at + (self.at == self.skimmed_to)
        depth = 0
        items, *around = (begins(level) for level in self.automaton.levels())
        outer = frozenset().union(*around) if self.blocks else frozenset()
        for at in range(start, len(self.tokens)):
            token = self.tokens[at]
            first = at == 0 or token.line != self.tokens[at - 1].line
            if first and token.column == 1 and token in TOP:
                return self._go_on_outside(at)
            if depth == 0 and token.value == "}":
                return self._go_on(at, closing=True)
            keyword = language().keywords.get(token)
            if depth == 0 and keyword in items and (first or (at > start and not {"REQUIRE", "POLICY"} & items)):
                return self._go_on(at, closing=False)
            if depth == 0 and keyword in outer and outdented(self.tokens, at, self.blocks[-1]):
                return self._go_on(at, closing=False)
            depth += (token.value == "{") - (token.value == "}")
        self.at = len(self.tokens)
        self.automaton.cut_to_items()
        return None

    def _go_on(self, at: int, *, closing: bool) -> None:
        if closing:
            self.automaton.cut_to_closing()
        else:
            self.automaton.cut_to_items()
        self.at = self.skimmed_to = at

    def _go_on_outside(self, at: int) -> None:
        """At the next policy. A block that is still open is a fault of its own, however near."""
        self.automaton.cut_to_items()
        if self.blocks:
            self.right = _ENOUGH
        self.at = self.skimmed_to = at


def _is_word(token: Token) -> bool:
    return token.type == "NAME" or token in language().keywords
