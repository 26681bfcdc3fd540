"""What a live widget costs a training loop that it watches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any

import torch

import attnwidget as aw
from attnwidget.explorer import Explorer
from attnwidget.reading import Reading
from attnwidget.zoo.making import stories_train, stories_world
from attnwidget.zoo.making.stories_data import rows
from attnwidget.zoo.stories import Stories
from attnwidget.zoo.words import WordTokenizer

# Turns are short, as a shared machine is faster in one minute than in the next.
STEPS = 10
ROUNDS = 30


def live() -> Iterator[tuple[str, str, str]]:
    """Training with a widget that watches it ÷ without.

    Without a page, with one, and with one in a notebook, where a cell runs on the event loop, which
    has its turn only when the cell has ended.

    The ratio is that of median steps, of which drawing is taken out; its share of the time is then
    added, measured over a longer turn, as the first step of any turn draws.
    """
    training = Training()
    without_loop = {"no page": Page(training.watch()), "page": Page(training.watch())}
    without_loop["page"].ask()
    steps, shares = asyncio.run(_in_a_cell(training, without_loop))
    free = median(steps.pop("free"))
    for name, seconds in steps.items():
        figure = f"{median(seconds) / free + shares[name]:.3f}"
        if shares[name]:
            figure += f", of it drawing {shares[name]:.3f}"
        yield f"training while live ÷ without, {name}", "≤ 1.03", figure


async def _in_a_cell(
    training: Training, watched: dict[str, Page]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds of steps, and shares of drawing."""
    cell = Page(training.watch())
    cell.ask()
    watched = {**watched, "page in a notebook": cell}
    steps: dict[str, list[float]] = {"free": [], **{name: [] for name in watched}}
    for n in range(ROUNDS):
        names = list(steps)
        for name in names[n % len(names) :] + names[: n % len(names)]:
            steps[name] += training.run(STEPS, watched.get(name))
    shares = {}
    for name, page in watched.items():
        before = page.seconds
        seconds = sum(training.run(6 * STEPS, page))
        shares[name] = (page.seconds - before) / (seconds + page.seconds - before)
        page.ex.close()
    return steps, shares


@dataclass
class Training:
    """The training of `attnwidget.zoo.making.stories_train`, on lines made beforehand.

    All rivals go on with one model: two would differ by some percent by where they lie in memory.
    """

    tokenizer: WordTokenizer = field(
        default_factory=lambda: WordTokenizer(stories_world.vocabulary())
    )

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.model = Stories(len(self.tokenizer))
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=1e-3)
        made = rows(Random(0), self.model.places.num_embeddings + 1)
        self.batches = [[next(made) for _ in range(stories_train.BATCH)] for _ in range(STEPS)]
        self.run(STEPS, None)

    def watch(self) -> Explorer:
        """A widget that shows it when it is attached."""
        return aw.explore(self.model, self.tokenizer, "The dog slept.")

    def run(self, steps: int, page: Page | None) -> list[float]:
        """Seconds of each step, without those of drawing."""
        if page is not None:
            page.ex.attach()
        seconds = []
        for n in range(steps):
            start = time.perf_counter() - (page.seconds if page else 0.0)
            lines = self.batches[n % len(self.batches)]
            loss = stories_train.loss_of(self.model, self.tokenizer, lines)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimiser.step()
            seconds.append(time.perf_counter() - (page.seconds if page else 0.0) - start)
        if page is not None:
            page.ex.detach()
        return seconds


class Page:
    """Wants what a page shows of a small text, and takes messages as a kernel sends them."""

    def __init__(self, ex: Explorer) -> None:
        self.ex = ex
        self.seconds = 0.0
        self._bring = ex._delivery._bring_again
        ex._delivery._bring_again = self._timed  # type: ignore[method-assign]
        ex.send = self.take  # type: ignore[method-assign]

    def _timed(self) -> None:
        start = time.perf_counter()
        self._bring()
        self.seconds += time.perf_counter() - start

    def take(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """A kernel writes JSON, and copies buffers."""
        json.dumps(content)
        b"".join(buffers or [])

    def ask(self) -> None:
        """The list of wants of the opening view."""
        ex, reading = self.ex, Reading().facts
        context = {"stack": ex.stack, "batch": 0, "reading": reading}
        tile = {"kind": "tile", **context, "rows": None, "cols": None, "size": [1024, 1024]}
        wants: list[dict[str, Any]] = [
            {"kind": "model", **context},
            {**tile, "heads": [[ex.layer, ex.head]]},
            {"kind": "overview", **context, "size": 24},
            {"kind": "check", "stack": ex.stack, "layer": ex.layer},
            {"kind": "predictions", "stack": ex.stack, "batch": 0, "at": [0, 16], "count": 10},
            {**tile, "heads": [[ex.layer, 1]], "prefetch": True},
            {**tile, "heads": [[0, ex.head]], "prefetch": True},
        ]
        listed = [{"key": f"want {n}", **want} for n, want in enumerate(wants)]
        message = {"type": "wants", "view": "bench", "wants": listed}
        ex._handle_custom_msg(message, [])
