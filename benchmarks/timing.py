"""Timing on shared, noisy machines: rivals take turns, and medians are compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

# Untimed passes first: the first anew costs more with and without capture, and one that keeps its
# tensors makes the next take fresh memory, until the third takes that of the first.
WARM = 2


def medians(
    rivals: dict[str, AbstractContextManager[object]],
    work: Callable[[], object],
    rounds: int,
    repeats: int = 1,
) -> dict[str, float]:
    """Median seconds of the same work within each rival's context, which is entered untimed.

    Work of a millisecond is repeated, and the mean of its repeats counts as one time.

    Rivals take turns, first one and then the other ahead, so that a slow minute hits all alike; and
    all work on the same objects, as two copies of a model may differ by some percent by where they
    lie in memory.
    """
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for n in range(rounds):
        names = list(rivals)
        for name in names[n % len(names) :] + names[: n % len(names)]:
            with rivals[name]:
                for _ in range(WARM):  # see WARM
                    work()
                start = time.perf_counter()
                for _ in range(repeats):
                    work()
                seconds[name].append((time.perf_counter() - start) / repeats)
    return {name: statistics.median(times) for name, times in seconds.items()}


def rows(table: Iterable[tuple[str, str, str]]) -> str:
    """A Markdown table of what, budget, measured."""
    lines = [("what", "budget", "measured"), *table]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    text = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)
