"""A rectangle of one head's weights, at the resolution of the screen."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.row import MASKED, NOT_A_NUMBER
from attnwidget.pictures.where import call_of, index, pair, span
from attnwidget.session import Snapshot

# Up to this many cells the exact float32 numbers are sent; above it one byte per cell.
MOST_EXACT_CELLS = 65_536
LARGEST_SIDE = 2_048
# Weights held at once while a large head is pooled, in cells (16 MiB).
CELLS_AT_ONCE = 4_194_304


def paint(snapshot: Snapshot, want: Want) -> Slices:
    """Weights (rows × cols) of one head; a cell is the largest weight of its block.

    The largest, not the mean: a peak must not vanish because the screen is small.
    """
    call = call_of(snapshot, want)
    head = index(want, "head", call.heads)
    batch = index(want, "batch", call.batch_size)
    r0, r1 = span(want, "rows", call.query_len)
    c0, c1 = span(want, "cols", call.key_len)
    height, width = (min(max(1, n), LARGEST_SIDE) for n in pair(want.get("size"), "size"))
    block = math.ceil((r1 - r0) / height), math.ceil((c1 - c0) / width)

    rows_at_once = max(1, CELLS_AT_ONCE // (c1 - c0) // block[0]) * block[0]
    cells, flags, row_sums = [], [], []
    col_sums = np.zeros(c1 - c0, np.float64)
    for start in range(r0, r1, rows_at_once):
        part = (head, slice(start, min(start + rows_at_once, r1)), slice(c0, c1), batch)
        weights = call.weights(*part)[0, 0].cpu().numpy()
        visible = call.visible(*part)[0, 0].cpu().numpy()
        row_sums.append(np.nansum(weights, axis=1, dtype=np.float64))
        col_sums += np.nansum(weights, axis=0, dtype=np.float64)
        missing = np.isnan(weights)
        cells.append(pool(np.nan_to_num(weights, nan=0.0), block))
        seen = pool(visible.astype(np.uint8), block)
        flags.append(np.where(pool(missing, block), NOT_A_NUMBER, np.where(seen, 0, MASKED)))
        if start + rows_at_once < r1:
            yield Progress("drawing the head", start + rows_at_once - r0, r1 - r0)

    pooled = np.concatenate(cells).astype(np.float32)
    largest = float(pooled.max())
    exact = pooled.size <= MOST_EXACT_CELLS
    yield Picture(
        "tile",
        {
            "rows": [r0, r1],
            "cols": [c0, c1],
            "block": list(block),
            "max": largest,
            "encoding": "linear" if exact else "sqrt",
            "query_len": call.query_len,
            "key_len": call.key_len,
        },
        {
            "cells": pooled if exact else as_bytes(pooled, largest),
            "flags": np.concatenate(flags).astype(np.uint8),
            "row_sums": np.concatenate(row_sums).astype(np.float32),
            "col_sums": col_sums.astype(np.float32),
        },
    )


def pool(cells: NDArray[np.generic], block: tuple[int, int]) -> NDArray[np.generic]:
    """Largest value of each block of the last two axes; the last blocks may be smaller."""
    for axis, size in zip((-2, -1), block, strict=True):
        if size > 1:
            starts = np.arange(0, cells.shape[axis], size)
            cells = np.maximum.reduceat(cells, starts, axis=axis)
    return cells


def as_bytes(
    weights: NDArray[np.generic], largest: NDArray[np.generic] | float
) -> NDArray[np.uint8]:
    """One byte per weight on the square-root scale: ``255 √(w / largest)``, rounded.

    The root keeps small weights apart, which a linear byte would merge into 0.
    """
    scale = np.where(np.asarray(largest) > 0, largest, 1.0)
    share = np.clip(np.asarray(weights, np.float32) / scale, 0.0, 1.0)
    return np.rint(255.0 * np.sqrt(share)).astype(np.uint8)
