"""The blocks of a stack: what attention and feed-forward add to the residual stream, per token."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from attnwidget.blocks.measure import Measured, measure
from attnwidget.blocks.numbers import Block
from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Want
from attnwidget.pictures.where import index, stack_of
from attnwidget.session import Session, Snapshot

# Below this the second run is taken for the same: only kernels may have differed.
_SAME = 1e-3


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """All blocks of a stack, measured in the model itself by running the pass once more.

    ``layers`` holds for each layer the block around its attention: its ``kind``, the ``sums`` in
    which branches are added to the stream, and for each branch the modules and norms in it. Where
    these say ``before``, ``stream``, ``added``, ``cosine``, ``total``, ``out`` or ``after``, a
    number counts rows of ``rows`` (R, T) from the layer's ``first``: Euclidean lengths of vectors,
    but ``cosine`` that of the angle between what is added and the stream.

    Raises
    ------
    Trouble
        If the pass cannot be run once more; see `attnwidget.blocks.measure`.
    """
    stack = stack_of(snapshot, want)
    batch = index(want, "batch", snapshot.batch_size(stack))
    measured = measure(session, snapshot, stack, batch)
    rows: list[torch.Tensor] = []
    firsts: dict[int, int] = {}
    layers = []
    for call, block in zip(snapshot.stacks[stack], measured.blocks, strict=True):
        if id(block) not in firsts:
            firsts[id(block)] = len(rows)
            rows += block.rows
        layers.append(_layer(call, block, firsts[id(block)]))
    together = torch.stack(rows).numpy() if rows else np.zeros((0, measured.tokens), np.float32)
    return Picture(
        "block",
        {
            "stack": stack,
            "tokens": measured.tokens,
            "layers": layers,
            "notes": _notes(snapshot.stacks[stack], measured),
        },
        {"rows": together},
    )


def _layer(call: AttentionCall, block: Block, first: int) -> dict[str, Any]:
    head = call.v if call.v is not None else call.q
    return {
        "layer": call.layer,
        "module": call.module,
        "heads": call.heads,
        "head_size": head.shape[-1] if head is not None else None,
        "first": first,
        **block.facts,
    }


def _notes(calls: list[AttentionCall], measured: Measured) -> list[str]:
    """Where the numbers come from, in sentences."""
    if not any(block.rows for block in measured.blocks):
        return []
    notes = ["Measured in the model by running the same input once more, without dropout."]
    if any(call.source == "fused" for call in calls):
        notes.append(
            "A layer that runs as one fused kernel was run step by step for this: the last digits "
            "may differ."
        )
    differs = measured.differs
    if differs is not None and not differs <= _SAME:
        notes.append(
            f"The queries came out {differs:.2g} of the largest apart from those of this pass: "
            "weights have changed since, or dropout or another precision was at work. These are "
            "numbers of the model as it is now."
        )
    return notes
