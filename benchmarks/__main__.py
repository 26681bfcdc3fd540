"""``python -m benchmarks``: the budgets of the design, and what this machine measures.

``python -m benchmarks docs/benchmarks.md`` writes the table there, with the machine beside it.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import torch

from benchmarks import capture_cost, dragging, first_picture, generating, hover, live, page, sizes
from benchmarks.timing import rows

Measure = Callable[[], Iterator[tuple[str, str, str]]]

MEASURES: tuple[Measure, ...] = (
    capture_cost.ratios,
    capture_cost.absolute,
    capture_cost.exactness,
    capture_cost.memory,
    first_picture.first_picture,
    first_picture.switches,
    live.live,
    generating.generating,
    page.page,
    hover.hover,
    dragging.dragging,
    sizes.notebook,
    sizes.script,
    sizes.imports,
)
NOT_YET = (
    ("32 × 32 heads × 8192 tokens: overview", "≤ 10 s, any head ≤ 1 s, RAM ≤ q, k, v + 10 %"),
    ("embedded offline page, 12 × 12", "≤ 4 MB at 128 tokens, ≤ 10 MB at 256"),
)


def main() -> None:
    table = []
    for measure in MEASURES:
        for row in measure():
            print(" | ".join(row), flush=True)
            table.append(row)
    table += [(what, budget, "not yet") for what, budget in NOT_YET]
    text = rows(table)
    print(f"\n{text}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(f"{_head()}\n\n{text}\n")


def _head() -> str:
    return (
        "# Budgets and what was measured\n\n"
        "`make bench` prints this table. Rivals take turns in one run and medians are compared, as "
        "machines are shared and noisy; read ratios rather than single times.\n\n"
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, no GPU, "
        f"Python {platform.python_version()}, torch {torch.__version__}."
    )


if __name__ == "__main__":
    main()
