"""What recording a generation costs the model that writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import torch

import attnwidget as aw
from benchmarks.models import gpt2, ids

PROMPT, NEW, ROUNDS = 32, 64, 7


def generating() -> Iterator[tuple[str, str, str]]:
    """A greedy generation of 64 tokens with its cache, recorded ÷ not, at GPT-2 size.

    Pairs take turns, first one and then the other ahead; the median of their ratios is told, as a
    shared machine is faster in one minute than in the next. The recorded one goes through
    ``ex.generate``: with its candidates, the joining of steps and what is made of it for a page.
    """
    model: Any = gpt2(vocabulary=50_257)
    prompt = ids(PROMPT)
    ex = aw.explore(model, inputs={"input_ids": prompt})
    lengths = {"max_new_tokens": NEW, "min_new_tokens": NEW}

    def free() -> None:
        with torch.no_grad():
            model.generate(input_ids=prompt, do_sample=False, **lengths)

    def recorded() -> None:
        ex.generate(do_sample=False, **lengths)

    ratios, plain = [], []
    for number in range(ROUNDS + 1):
        order = (free, recorded) if number % 2 else (recorded, free)
        seconds = {work: _seconds_of(work) for work in order}
        if number:  # the first is warm-up
            ratios.append(seconds[recorded] / seconds[free])
            plain.append(seconds[free] / NEW)
    yield (
        f"{NEW} tokens recorded ÷ not, GPT-2 size, {1000 * median(plain):.0f} ms a token",
        "≤ 1.05",
        f"{median(ratios):.3f}",
    )


def _seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
