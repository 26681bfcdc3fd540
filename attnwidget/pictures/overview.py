"""Every head of a stack, small: the way in."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.shown import Lens, lens_of
from attnwidget.pictures.tile import as_bytes, pool
from attnwidget.pictures.where import count, index, stack_of
from attnwidget.reading import Reading
from attnwidget.selection import Axis
from attnwidget.session import Snapshot

LARGEST_SIZE = 96
# Weights of a stack that are computed within about 100 ms: below, no coarse picture is needed.
QUICK_WEIGHTS = 3_000_000
# Above this many weights only sampled rows are shown, and the page says so.
MOST_WEIGHTS = 600_000_000
# Weights held at once, all heads of a layer together (64 MiB).
CELLS_AT_ONCE = 16_777_216


def paint(snapshot: Snapshot, want: Want) -> Slices:
    """Thumbnails of at most size × size cells; for long texts from sampled rows first."""
    stack = stack_of(snapshot, want)
    calls = snapshot.stacks[stack]
    batch = index(want, "batch", snapshot.batch_size(stack))
    side = count(want, "size", LARGEST_SIZE)
    reading = Reading.of(want)
    layers = [
        (call, lens_of(snapshot, stack, call, batch, reading), snapshot.item(call, batch))
        for call in calls
    ]
    weights = sum(call.heads * call.query_len * call.key_len for call in calls)
    if weights > QUICK_WEIGHTS:
        yield _picture(
            calls,
            [_sampled(call, lens, item, side) for call, lens, item in layers],
            sampled=True,
            coarse=weights <= MOST_WEIGHTS,
        )
    if weights <= MOST_WEIGHTS:
        thumbnails = []
        for done, (call, lens, item) in enumerate(layers):
            bands = []
            for band in _exact(call, lens, item, side):
                bands.append(band)
                yield Progress("drawing layer", done + 1, len(calls))
            thumbnails.append(np.concatenate(bands, axis=1))
        yield _picture(calls, thumbnails, sampled=False, coarse=False)


def _sampled(call: AttentionCall, lens: Lens, batch: int, side: int) -> NDArray[np.float32]:
    """(H, n, m) from the middle row of each block of rows, columns pooled."""
    length, width = lens.queries.count, lens.keys.count
    step = math.ceil(length / side)
    rows = [min(start + step // 2, length - 1) for start in range(0, length, step)]
    weights = _numbers(call, lens, rows, batch)
    return pool(weights, (1, math.ceil(width / side))).astype(np.float32)


def _exact(call: AttentionCall, lens: Lens, batch: int, side: int) -> Iterator[NDArray[np.float32]]:
    """(H, some rows of n, m), band by band; each cell is the largest weight of its block."""
    length, width = lens.queries.count, lens.keys.count
    block = math.ceil(length / side), math.ceil(width / side)
    # What is added up is held in float64, twice the room.
    cells = call.heads * call.key_len * (1 if lens.is_clear else 2)
    fitting = CELLS_AT_ONCE // cells // block[0]
    at_once = max(1, fitting) * block[0]
    for start in range(0, length, at_once):
        rows = slice(start, min(start + at_once, length), 1)
        yield pool(_numbers(call, lens, rows, batch), block).astype(np.float32)


def _numbers(call: AttentionCall, lens: Lens, rows: Axis, batch: int) -> NDArray[np.float32]:
    weights = lens.weights(call, None, rows, slice(0, lens.keys.count, 1), batch)
    numbers: NDArray[np.float32] = torch.from_numpy(weights).nan_to_num(0.0).numpy()
    return numbers


def _picture(
    calls: list[AttentionCall],
    thumbnails: list[NDArray[np.float32]],
    *,
    sampled: bool,
    coarse: bool,
) -> Picture:
    heads = max(call.heads for call in calls)
    n, m = max(t.shape[1] for t in thumbnails), max(t.shape[2] for t in thumbnails)
    cells = np.zeros((len(calls), heads, n, m), np.uint8)
    largest = np.zeros((len(calls), heads), np.float32)
    for layer, thumbnail in enumerate(thumbnails):
        h, rows, cols = thumbnail.shape
        largest[layer, :h] = thumbnail.max(axis=(1, 2))
        cells[layer, :h, :rows, :cols] = as_bytes(thumbnail, largest[layer, :h, None, None])
    return Picture(
        "overview",
        {"layers": [call.layer for call in calls], "sampled": sampled},
        {"cells": cells, "max": largest},
        coarse=coarse,
    )
