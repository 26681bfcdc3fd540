"""A rectangle of weights, at the resolution of the screen."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.row import flags_of
from attnwidget.pictures.shown import Shown
from attnwidget.pictures.where import pair, span
from attnwidget.selection import size
from attnwidget.session import Session, Snapshot

# Up to this many cells the exact float32 numbers are sent; above it one byte per cell.
MOST_EXACT_CELLS = 65_536
LARGEST_SIDE = 2_048


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """Weights (rows × cols) of the heads' mean; a cell is the largest weight of its block.

    The largest, not the mean: a peak must not vanish because the screen is small. Of numbers that
    may be negative, which ``signed`` says, it is the largest in size, with its sign; sums are then
    those of sizes.
    """
    shown = Shown.of(snapshot, want, session)
    rows = span(want, "rows", size(shown.queries))
    cols = span(want, "cols", size(shown.keys))
    height, width = (min(max(1, n), LARGEST_SIDE) for n in pair(want.get("size"), "size"))
    block = math.ceil(size(rows) / height), math.ceil(size(cols) / width)

    cells, flags, row_sums = [], [], []
    col_sums = np.zeros(size(cols), np.float64)
    for band in shown.bands(rows, cols, block[0]):
        weights = shown.weights(band, cols)
        sizes = np.abs(weights) if shown.signed else weights
        row_sums.append(np.nansum(sizes, axis=1, dtype=np.float64))
        col_sums += np.nansum(sizes, axis=0, dtype=np.float64)
        cells.append(_pooled(np.nan_to_num(weights, nan=0.0), block, signed=shown.signed))
        flags.append(_pooled_flags(weights, shown.visible(band, cols), block))
        if band.stop < rows.stop:
            yield Progress("drawing the head", band.stop - rows.start, size(rows))

    pooled = np.concatenate(cells).astype(np.float32)
    largest = float(pooled.max())
    bounds = {"max": largest}
    if shown.signed:
        bounds = {"signed": True, "max": largest, "min": float(pooled.min())}
    exact = pooled.size <= MOST_EXACT_CELLS
    yield Picture(
        "tile",
        {
            "rows": [rows.start, rows.stop],
            "cols": [cols.start, cols.stop],
            "block": list(block),
            **bounds,
            "encoding": "linear" if exact else "signed sqrt" if shown.signed else "sqrt",
            "query_len": size(shown.queries),
            "key_len": size(shown.keys),
        },
        {
            "cells": pooled if exact else bytes_of(pooled, signed=shown.signed),
            "flags": np.concatenate(flags),
            "row_sums": np.concatenate(row_sums).astype(np.float32),
            "col_sums": col_sums.astype(np.float32),
        },
    )


def _pooled_flags(
    weights: NDArray[np.float32], visible: NDArray[np.bool_], block: tuple[int, int]
) -> NDArray[np.uint8]:
    """A block is NaN where one of its cells is, and masked where all are."""
    missing, seen = np.isnan(weights), visible.astype(np.uint8)
    return flags_of(pool(missing, block), pool(seen, block))


def pool(cells: NDArray[np.generic], block: tuple[int, int]) -> NDArray[np.generic]:
    """Largest value of each block of the last two axes; the last blocks may be smaller."""
    for axis, length in zip((-2, -1), block, strict=True):
        if length > 1:
            starts = np.arange(0, cells.shape[axis], length)
            cells = np.maximum.reduceat(cells, starts, axis=axis)
    return cells


def _pooled(
    cells: NDArray[np.float32], block: tuple[int, int], *, signed: bool
) -> NDArray[np.generic]:
    return strongest(cells, block) if signed else pool(cells, block)


def strongest(cells: NDArray[np.float32], block: tuple[int, int]) -> NDArray[np.float32]:
    """What is largest in size of each block of the last two axes, with its sign."""
    most = np.asarray(pool(cells, block), np.float32)
    least = -np.asarray(pool(-cells, block), np.float32)
    return np.where(most >= -least, most, least)


def bytes_of(cells: NDArray[np.generic], *, signed: bool) -> NDArray[np.uint8]:
    """One byte per weight of a picture: see `as_bytes` and `as_signed_bytes`."""
    if signed:
        return as_signed_bytes(cells, float(np.abs(cells).max()))
    return as_bytes(cells, float(cells.max()))


def as_signed_bytes(
    weights: NDArray[np.generic], largest: NDArray[np.generic] | float
) -> NDArray[np.uint8]:
    """One byte per number, 128 for 0: ``128 ± 127 √(|w| / largest)``, rounded.

    What is not 0 keeps its sign as long as it is at least 1/65000 of the largest.
    """
    scale = np.where(np.asarray(largest) > 0, largest, 1.0)
    share = np.clip(np.asarray(weights, np.float32) / scale, -1.0, 1.0)
    return (128 + np.rint(127.0 * np.sign(share) * np.sqrt(np.abs(share)))).astype(np.uint8)


def as_bytes(
    weights: NDArray[np.generic], largest: NDArray[np.generic] | float
) -> NDArray[np.uint8]:
    """One byte per weight on the square-root scale: ``255 √(w / largest)``, rounded.

    The root keeps small weights apart, which a linear byte would merge into 0.
    """
    scale = np.where(np.asarray(largest) > 0, largest, 1.0)
    share = np.clip(np.asarray(weights, np.float32) / scale, 0.0, 1.0)
    return np.rint(255.0 * np.sqrt(share)).astype(np.uint8)
