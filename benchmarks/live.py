"""What a live widget costs a training loop that it watches."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch

import attnwidget as aw
from attnwidget.explorer import Explorer
from attnwidget.reading import Reading
from attnwidget.zoo import stories_train, stories_world
from attnwidget.zoo.stories import Stories
from attnwidget.zoo.stories_data import rows
from attnwidget.zoo.words import WordTokenizer

STEPS = 60
ROUNDS = 11


@dataclass
class Training:
    """The training of `attnwidget.zoo.stories_train`, on lines made beforehand.

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

    def run(self) -> float:
        """Seconds of `STEPS` steps."""
        start = time.perf_counter()
        for lines in self.batches:
            loss = stories_train.loss_of(self.model, self.tokenizer, lines)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimiser.step()
        return time.perf_counter() - start


def live() -> Iterator[tuple[str, str, str]]:
    """Training with a widget whose page shows it, ÷ without; with and without an event loop.

    In a notebook a cell runs on the event loop, which has its turn only when the cell has ended.
    Each turn has a widget of its own, so that it pays for the memory of the passes it keeps.
    """
    training = Training()
    training.run()
    rivals: dict[str, Callable[[], Turn]] = {
        "free": lambda: Turn(training.run()),
        "no page": lambda: _watched(training, listens=False),
        "page": lambda: _watched(training),
        "page in a notebook": lambda: asyncio.run(_in_a_cell(training)),
    }
    turns: dict[str, list[Turn]] = {name: [] for name in rivals}
    for n in range(ROUNDS):
        names = list(rivals)
        for name in names[n % len(names) :] + names[: n % len(names)]:
            turns[name].append(rivals[name]())
    for name in list(rivals)[1:]:
        pairs = zip(turns[name], turns["free"], strict=True)
        ratio = statistics.median(watched.seconds / free.seconds for watched, free in pairs)
        yield f"training while live ÷ without, {name}", "≤ 1.03", f"{ratio:.3f}"
    share = statistics.median(turn.drawing / turn.seconds for turn in turns["page"])
    often = statistics.median(turn.redrawn / turn.seconds for turn in turns["page"])
    yield "of it drawing", "≤ 1.5 %", f"{100 * share:.1f} %, {often:.1f} times a second"


@dataclass(frozen=True)
class Turn:
    """Seconds of `STEPS` steps, of these drawing, and how often the page was redrawn."""

    seconds: float
    drawing: float = 0.0
    redrawn: int = 0


async def _in_a_cell(training: Training) -> Turn:
    return _watched(training)


def _watched(training: Training, listens: bool = True) -> Turn:
    ex = aw.explore(training.model, training.tokenizer, "The dog slept.")
    ex.attach()
    page = Page(ex)
    if listens:
        page.ask()
        page.seconds, page.redrawn = 0.0, 0
    seconds = training.run()
    ex.close()
    return Turn(seconds, page.seconds, page.redrawn)


class Page:
    """Wants what a page shows of a small text, and takes messages as a kernel sends them."""

    def __init__(self, ex: Explorer) -> None:
        self.ex = ex
        self.seconds = 0.0
        self.redrawn = 0
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
        self.redrawn += content.get("kind") == "model"

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
