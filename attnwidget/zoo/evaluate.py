"""Measure what the trained models of the zoo reach: ``python -m attnwidget.zoo.evaluate``.

Every score is measured anew, on data held out by construction. With a file name the table is
written there: ``python -m attnwidget.zoo.evaluate docs/zoo.md``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from attnwidget import zoo
from attnwidget.zoo.making.targets import Target

# Which module measures a model.
SCORES = {
    "stories": "stories_scores",
    "pairs": "pairs_scores",
    "translator": "translator_scores",
    "recurrent-translator": "recurrent_translator_scores",
    "sentiment": "sentiment_scores",
    "pooling": "pooling_scores",
    "digits-vit": "digits_scores",
    "digits-hybrid": "digits_scores",
    "melody": "melody_scores",
}
HEAD = """\
# What the models of the zoo reach

Measured by `python -m attnwidget.zoo.evaluate docs/zoo.md`, on data held out by construction: word
pairs, sentences, motifs and images that were never learned from. What each was trained on, and what
was tried where a bound was not reached, stands in the model card: the docstring of its module.

| model | parameters | weights | claim | bound | measured | |
|---|---:|---:|---|---:|---:|---|
"""


def targets(name: str) -> list[Target]:
    """What a model has to reach, measured now."""
    module = import_module(f"attnwidget.zoo.making.{SCORES[name]}")
    measure: Callable[..., list[Target]] = module.targets
    return measure(*zoo.load(name))


def main() -> None:
    """Measure all models, or those that are named, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m attnwidget.zoo.evaluate", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="where to write the table")
    parser.add_argument("--only", nargs="+", choices=SCORES, default=list(SCORES))
    given = parser.parse_args()
    torch.set_num_threads(2)
    lines = []
    for name in given.only:
        began = time.monotonic()
        lines += rows(name, targets(name))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    table = HEAD + "\n".join(lines) + "\n"
    print(table)
    if given.file:
        given.file.write_text(table)


def rows(name: str, found: list[Target]) -> list[str]:
    """A model's lines of the table."""
    model: Any = zoo.load(name)[0]
    weights = Path(__file__).parent / "weights" / f"{name}.safetensors"
    size = f"{sum(p.numel() for p in model.parameters()):,}"
    first = [name, size, f"{weights.stat().st_size / 2**20:.2f} MiB"]
    lines = []
    for target in found:
        said = "" if not target.bound else "reached" if target.is_reached else "**not reached**"
        cells = [*first, target.claim, target.bound, f"{target.measured:.4g}", said]
        lines.append(f"| {' | '.join(cells)} |")
        first = ["", "", ""]
    return lines


if __name__ == "__main__":
    main()
