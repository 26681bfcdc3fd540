"""Timing on shared, noisy machines: rivals take turns, and medians are compared."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable


def medians(rivals: dict[str, Callable[[], object]], rounds: int = 9) -> dict[str, float]:
    """Median seconds of each rival. They run in turn, so that a slow minute hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for run in rivals.values():
        run()
    for n in range(rounds):
        names = list(rivals)
        for name in names[n % len(names) :] + names[: n % len(names)]:
            gc.collect()
            start = time.perf_counter()
            rivals[name]()
            seconds[name].append(time.perf_counter() - start)
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
