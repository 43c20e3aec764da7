"""A policy compiled: its lines, and the function that judges them. Input: a CheckedPolicy. Output: a Validator."""

from __future__ import annotations

from dataclasses import dataclass

from policyjwt.compiler.generate import Judge, generate
from policyjwt.compiler.lines import lines_of, promises_of
from policyjwt.language.model import CheckedPolicy, Root
from policyjwt.requirements.line import MET, PASSING, Line
from policyjwt.requirements.paths import paths_of
from policyjwt.requirements.promises import PromiseLine
from policyjwt.requirements.replay import ConsumingLine, NonceLine, ProofOnceLine
from policyjwt.requirements.rules import RuleLine


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Validator:
    """What judges verified claims by one policy.

    `judge` gives the result of every line; `nonce` is the line whose nonce or proof is consumed last (`nonce_at` its
    place among the lines); `reads_context` and `reads_certificate` say whether any line reads the request, or the
    signer's certificate.
    """

    policy: CheckedPolicy
    lines: tuple[Line, ...]
    promises: tuple[PromiseLine, ...]
    judge: Judge
    nonce: ConsumingLine | None
    nonce_at: int
    reads_context: bool
    reads_certificate: bool

    def passes(self, results: tuple[str, ...]) -> bool:
        """Whether nothing among the results keeps the token from being trusted, and one at least is met."""
        return PASSING.issuperset(results) and MET in results


def compile_policy(policy: CheckedPolicy) -> Validator:
    """The validator of a checked policy."""
    lines = lines_of(policy)
    nonces = [(at, line) for at, line in enumerate(lines) if isinstance(line, (NonceLine, ProofOnceLine))]
    nonce_at, nonce = nonces[0] if nonces else (-1, None)
    return Validator(
        policy=policy,
        lines=lines,
        promises=promises_of(policy),
        judge=generate(lines),
        nonce=nonce,
        nonce_at=nonce_at,
        reads_context=any(_reads_context(line) for line in lines),
        reads_certificate=any(_reads(line, "certificate") for line in lines),
    )


def _reads_context(line: Line) -> bool:
    if isinstance(line, NonceLine):
        return line.nonce.equals is not None
    return _reads(line, "context")


def _reads(line: Line, root: Root) -> bool:
    return isinstance(line, RuleLine) and any(path.root == root for path in paths_of(line.rule))
