"""Schema: the shape of the claims, as JSON Schema 2020-12 read strictly. A line from `schema "….json"`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyjwt.expressions.explanation import Explanation
from policyjwt.expressions.words import quoted
from policyjwt.language.model import CheckedPolicy
from policyjwt.requirements.line import MET, About, Facts, Line, no_instants

if TYPE_CHECKING:
    from policyjwt.expressions.emitter import Emitter
    from policyjwt.patterns.json_schema import Schema


@dataclass(frozen=True, slots=True)
class SchemaLine:
    """The claims satisfy the schema; every fault is told by its place in the schema, none by the token's words."""

    about: About
    schema: Schema

    def fit(self, claims: Mapping[str, object]) -> str:
        """The result for these claims."""
        return "mismatch" if self.schema.faults(claims) else MET

    def judge(self, facts: Facts) -> str:
        """See `Line`."""
        return self.fit(facts.claims)

    def emit(self, out: Emitter, target: str) -> None:
        """See `Line`."""
        out.line(f"{target} = {out.const(self.fit)}(claims)")

    def explain(self, facts: Facts, result: str, *, values: bool) -> Explanation:
        """See `Line`."""
        if result == MET:
            return Explanation("the claims fit the schema", "")
        faults = self.schema.faults(facts.claims)
        shown = ", ".join(quoted(pointer) for pointer in faults[:5])
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        return Explanation(f"the claims break the schema at {shown}{more}", "the claims fit the schema")

    def instants(self, facts: Facts) -> Iterator[float]:
        """See `Line`."""
        return no_instants()


def lines(policy: CheckedPolicy) -> Iterator[Line]:
    """The schema's line."""
    item = policy.block.schema
    if item is None:
        return
    from policyjwt.patterns.json_schema import read_schema

    assert policy.schema is not None  # the checker has read it
    yield SchemaLine(About(stage="schema", place=item.place), read_schema(policy.schema))
