"""Paired timing: the cases of a comparison run in turn, shuffled in each round, and ratios are taken within a round.

Machines drift; a ratio of two neighbours does not.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping


def rounds(cases: Mapping[str, Callable[[], object]], *, number: int, repeat: int = 40) -> dict[str, list[float]]:
    """Seconds for `number` calls of each case, `repeat` times. The lists run side by side, round by round."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        for _ in range(number):
            case()
    for _ in range(repeat):
        order = list(cases)
        random.shuffle(order)
        for name in order:
            case = cases[name]
            start = time.perf_counter()
            for _ in range(number):
                case()
            found[name].append(time.perf_counter() - start)
    return found


def ratio(found: Mapping[str, list[float]], name: str, peer: str) -> float:
    """The median of the ratios of `name` to `peer`, round by round."""
    return statistics.median(mine / theirs for mine, theirs in zip(found[name], found[peer], strict=True))


def report(title: str, rows: list[tuple[str, float, float | None]]) -> None:
    """A table of ratios, each beside its aim."""
    print(f"\n{title}")
    for what, value, aim in rows:
        wanted = "" if aim is None else f"   aim {aim:.2f}{'' if value <= aim else '   MISSED'}"
        print(f"  {what:<58} {value:6.2f}{wanted}")
